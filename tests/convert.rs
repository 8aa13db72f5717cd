//! `portolan convert`: generated AdminNetworkPolicies and BaselineAdminNetworkPolicies, some larger
//! than the new kind may be, become ClusterNetworkPolicies that are valid and proved to say the same.

#![cfg(test)]

use portolan::manifest::{LoadOptions, Loaded, load, to_cluster_network_policies};
use portolan::model::{Severity, Tier};
use portolan::question::compare::{Compared, Comparison, compare};
use portolan::source::Sources;
use portolan::symbolic::Limits;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};

const NODES: &str = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {role: edge}}\n\
                     status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}\n---\n";

fn peer(nth: usize, is_ingress: bool) -> String {
    let all = [
        "{namespaces: {}}",
        "{namespaces: {matchLabels: {team: a}}}",
        "{pods: {namespaceSelector: {matchLabels: {team: b}}, podSelector: {matchLabels: {app: web}}}}",
        "{pods: {namespaceSelector: {}, podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}}}",
        "{namespaces: {namespaceSelector: {matchLabels: {team: c}}}}",
        "{networks: [10.0.0.0/8, '2001:db8::/32']}",
        "{networks: [192.0.2.7/32]}",
        "{nodes: {matchLabels: {role: edge}}}",
    ];
    let n = if is_ingress { 5 } else { all.len() };
    all[nth % n].to_owned()
}

fn port(nth: usize) -> String {
    match nth {
        0 => "{namedPort: http}".to_owned(),
        1 => "{portNumber: {port: 53, protocol: UDP}}".to_owned(),
        2 => "{portRange: {start: 100, end: 200, protocol: TCP}}".to_owned(),
        3 => "{portRange: {start: 7, end: 7, protocol: SCTP}}".to_owned(),
        n => format!("{{portNumber: {{port: {}}}}}", 1000 + n),
    }
}

/// Action, peers, ports (none is all).
type RulePlan = (usize, Vec<usize>, Option<Vec<usize>>);
/// Ingress and egress.
type PolicyPlan = [Vec<RulePlan>; 2];

fn rule() -> impl Strategy<Value = RulePlan> {
    let peers = prop_oneof![
        4 => prop::collection::vec(0..8usize, 1..4),
        1 => prop::collection::vec(0..8usize, 26..30),
    ];
    let ports = prop_oneof![
        4 => prop::collection::vec(0..8usize, 1..4),
        1 => prop::collection::vec(0..40usize, 26..60),
    ];
    (0..3usize, peers, prop::option::of(ports))
}

fn policies() -> impl Strategy<Value = (Vec<PolicyPlan>, Option<PolicyPlan>)> {
    let rules = || {
        prop_oneof![
            6 => prop::collection::vec(rule(), 0..4),
            1 => prop::collection::vec(rule(), 26..32),
        ]
    };
    let policy = move || (rules(), rules()).prop_map(|(a, b)| [a, b]);
    (
        prop::collection::vec(policy(), 0..3),
        prop::option::of(policy()),
    )
}

fn spec([ingress, egress]: &PolicyPlan, actions: &[&str]) -> String {
    let list = |rules: &[RulePlan], is_ingress: bool| {
        let each = rules.iter().map(|(action, peers, ports)| {
            let peers = peers
                .iter()
                .map(|nth| match (*nth, action % actions.len()) {
                    // Only what is accepted may have a name.
                    (6, 0) if !is_ingress => {
                        "{domainNames: [example.com, '*.example.org']}".to_owned()
                    }
                    (nth, _) => peer(nth, is_ingress),
                });
            let peers: Vec<String> = peers.collect();
            let ports = ports.as_ref().map_or_else(String::new, |ports| {
                let ports: Vec<String> = ports.iter().map(|nth| port(*nth)).collect();
                format!(", ports: [{}]", ports.join(", "))
            });
            let key = if is_ingress { "from" } else { "to" };
            format!(
                "{{action: {}, {key}: [{}]{ports}}}",
                actions[action % actions.len()],
                peers.join(", ")
            )
        });
        each.collect::<Vec<_>>().join(", ")
    };
    format!(
        "subject: {{namespaces: {{matchLabels: {{team: a}}}}}}, ingress: [{}], egress: [{}]",
        list(ingress, true),
        list(egress, false)
    )
}

fn text((admin, baseline): &(Vec<PolicyPlan>, Option<PolicyPlan>)) -> String {
    let mut text = NODES.to_owned();
    for (nth, plan) in admin.iter().enumerate() {
        text.push_str(&format!(
            "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {{name: p{nth}}}\n\
             spec: {{priority: {}, {}}}\n---\n",
            nth * 100,
            spec(plan, &["Allow", "Deny", "Pass"])
        ));
    }
    if let Some(plan) = baseline {
        text.push_str(&format!(
            "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\nmetadata: {{name: default}}\n\
             spec: {{{}}}\n---\n",
            spec(plan, &["Allow", "Deny"])
        ));
    }
    text
}

fn read(text: &str) -> (Sources, Loaded) {
    let sources = Sources::from_text("input.yaml", text);
    let loaded = load(&sources, &LoadOptions::default());
    let errors = loaded
        .findings
        .iter()
        .filter(|f| f.severity == Severity::Error);
    assert_eq!(errors.count(), 0, "{:?}\n{text}", loaded.findings);
    (sources, loaded)
}

fn n_wanted() -> usize {
    let cases = std::env::var("PROPTEST_CASES").ok();
    cases.and_then(|n| n.parse().ok()).unwrap_or(500)
}

#[test]
fn generated_policies_convert_and_say_the_same() {
    let config = ProptestConfig {
        rng_seed: RngSeed::Fixed(20_261_131),
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new(config);
    let (mut n_sets, mut n_split) = (0, 0);
    while n_sets < n_wanted() {
        let plan = policies().new_tree(&mut runner).unwrap().current();
        if plan.0.is_empty() && plan.1.is_none() {
            continue;
        }
        n_sets += 1;
        let old = text(&plan);
        let (sources, loaded) = read(&old);
        let conversion = to_cluster_network_policies(&sources, &loaded.cluster);
        assert_eq!(conversion.policies.len(), loaded.cluster.policies.len());
        for policy in &conversion.policies {
            let parts = policy.outcome.as_ref().unwrap();
            n_split += usize::from(parts.len() > 1);
        }
        let (_, new) = read(&format!("{NODES}{}", conversion.yaml()));
        let is_new = |p: &portolan::model::Policy| p.kind == "ClusterNetworkPolicy";
        assert!(new.cluster.policies.iter().all(is_new));
        let clusters = [&loaded.cluster, &new.cluster];
        let (compared, _) = compare(clusters, Comparison::Equivalent, Limits::default()).unwrap();
        assert_eq!(
            compared,
            Compared::Proved,
            "{old}\n=>\n{}",
            conversion.yaml()
        );
    }
    println!("{n_sets} sets, {n_split} policies split");
    assert!(n_split > 0);
}

#[test]
fn what_cannot_be_said_is_refused() {
    let rules = vec!["{action: Deny, from: [{namespaces: {}}]}"; 26].join(", ");
    let large = |name: &str, priority: u32| {
        format!(
            "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {{name: {name}}}\n\
             spec: {{priority: {priority}, subject: {{namespaces: {{}}}}, ingress: [{rules}]}}\n---\n"
        )
    };
    let small = |name: &str, priority: u32, peer: &str| {
        format!(
            "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {{name: {name}}}\n\
             spec: {{priority: {priority}, subject: {{namespaces: {{}}}}, ingress: [{{action: Allow, from: [{peer}]}}]}}\n---\n"
        )
    };
    let any = "{namespaces: {}}";
    for (text, name, expected) in [
        (
            small("p", 5, "{namespaces: {sameLabels: [team]}}"),
            "p",
            "sameLabels",
        ),
        (large("p", 5) + &small("q", 6, any), "p", "6 is taken"),
        (large("p", 1000), "p", "too high"),
        (
            large("p", 5) + &small("q", 5, any),
            "p",
            "another one has the same priority",
        ),
    ] {
        let (sources, loaded) = read(&text);
        let conversion = to_cluster_network_policies(&sources, &loaded.cluster);
        let found = conversion.policies.iter().find(|p| p.name == name).unwrap();
        let why = found.outcome.as_ref().unwrap_err();
        assert!(why.contains(expected), "{why}\n{text}");
    }
}

#[test]
fn names_stay_apart() {
    let any = "subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]";
    let text = format!(
        "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {{name: default}}\nspec: {{priority: 1, {any}}}\n---\n\
         apiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\nmetadata: {{name: default}}\nspec: {{{any}}}\n"
    );
    let (sources, loaded) = read(&text);
    let (_, new) = read(&to_cluster_network_policies(&sources, &loaded.cluster).yaml());
    let names: Vec<(&str, Tier)> = new
        .cluster
        .policies
        .iter()
        .map(|p| (p.name.as_str(), p.tier))
        .collect();
    assert_eq!(
        names,
        [
            ("default", Tier::Admin),
            ("default-baseline", Tier::Baseline)
        ]
    );
}
