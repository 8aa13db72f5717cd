//! `portolan can --fix`: on generated denials, every proposal that is told lets the connection
//! through once its texts are loaded, opens what it says and nothing else by the specification, and
//! is proved.

#![cfg(test)]

use portolan::manifest::{LoadOptions, load};
use portolan::model::{
    Cluster, Family, Flow, Party, PodId, Protocol, Severity, TrafficSet, Verdict, evaluate,
};
use portolan::question::can::{Context, Overall, PortQuery, Who, can};
use portolan::question::endpoint::{Endpoint, parse_endpoint};
use portolan::question::fix::{Fixes, Proof, Proposal, Question, fixes};
use portolan::reach::Reach;
use portolan::source::Sources;
use portolan::symbolic::Limits;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use std::collections::BTreeSet;
use std::net::IpAddr;

const WORKLOADS: [(&str, &str); 6] = [
    ("shop", "web"),
    ("shop", "api"),
    ("shop", "db"),
    ("ops", "scraper"),
    ("ops", "agent"),
    ("free", "tool"),
];
const PORTS: [u16; 3] = [80, 5432, 8080];
/// Addresses outside, on both sides of the blocks' edges.
const OUTSIDE: [&str; 4] = ["203.0.113.9", "203.0.114.1", "198.51.100.7", "2001:db8::9"];

/// Deployments, or pods that are there, with a label or two, and namespaces, one of which has none but its name.
fn workloads(live: bool, tiers: &[bool]) -> String {
    let mut text = String::from(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    team: a\n---\n\
         apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ops\n  labels:\n    stage: live\n---\n",
    );
    for (nth, ((namespace, name), has_tier)) in WORKLOADS.iter().zip(tiers).enumerate() {
        let metadata = format!("  name: {name}\n  namespace: {namespace}\n");
        let labels = |depth: usize| {
            let space = " ".repeat(depth);
            let tier = match has_tier {
                true => format!("{space}  tier: back\n"),
                false => String::new(),
            };
            format!("{space}labels:\n{space}  app: {name}\n{tier}")
        };
        let spec = |depth: usize| {
            let space = " ".repeat(depth);
            format!(
                "{space}spec:\n{space}  containers:\n{space}    - name: c\n{space}      image: c\n\
                 {space}      ports:\n{space}        - name: main\n{space}          containerPort: 8080\n"
            )
        };
        text.push_str(&match live {
            // The last one has an address that a block of the policies holds.
            true => format!(
                "apiVersion: v1\nkind: Pod\nmetadata:\n{metadata}{}{}status:\n  podIP: {}\n---\n",
                labels(2),
                spec(0),
                ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "203.0.113.200"][nth],
            ),
            false => format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n{metadata}spec:\n  selector:\n    \
                 matchLabels:\n      app: {name}\n  template:\n    metadata:\n{}{}---\n",
                labels(6),
                spec(4),
            ),
        });
    }
    text
}

/// One policy: namespace, subject, direction, and rules of (peer, port).
type PolicyPlan = (usize, usize, bool, Vec<(usize, usize)>);

fn policy(nth: usize, (namespace, subject, is_egress, rules): &PolicyPlan) -> String {
    let namespace = ["shop", "ops", "free"][*namespace];
    let subject = match subject {
        0 => "  podSelector: {}\n".to_owned(),
        1 => "  podSelector:\n    matchLabels:\n      tier: back\n".to_owned(),
        n => format!(
            "  podSelector:\n    matchLabels:\n      app: {}\n",
            WORKLOADS[n - 2].1
        ),
    };
    let (types, key, side) = match is_egress {
        true => ("Egress", "egress", "to"),
        false => ("Ingress", "ingress", "from"),
    };
    let mut text = format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p{nth}\n  namespace: {namespace}\n\
         spec:\n{subject}  policyTypes:\n    - {types}\n"
    );
    if rules.is_empty() {
        return format!("{text}---\n");
    }
    text.push_str(&format!("  {key}:\n"));
    for (peer, port) in rules {
        let peer = match peer {
            0 => "podSelector:\n            matchLabels:\n              app: web\n".to_owned(),
            1 => "podSelector:\n            matchLabels:\n              role: friend\n".to_owned(),
            2 => "namespaceSelector:\n            matchLabels:\n              team: a\n".to_owned(),
            3 => "namespaceSelector:\n            matchLabels:\n              stage: live\n          podSelector:\n            matchLabels:\n              app: scraper\n".to_owned(),
            // Whoever gets this label gets policies with it.
            5 => "podSelector:\n            matchLabels:\n              tier: back\n".to_owned(),
            4 => "ipBlock:\n            cidr: 203.0.113.0/24\n".to_owned(),
            _ => "namespaceSelector:\n            matchLabels:\n              zone: east\n".to_owned(),
        };
        text.push_str(&format!("    # rule\n    - {side}:\n        - {peer}"));
        if let Some(port) = PORTS.get(*port) {
            text.push_str(&format!(
                "      ports:\n        - protocol: TCP\n          port: {port}\n"
            ));
        }
    }
    format!("{text}---\n")
}

type Plan = (bool, Vec<bool>, Vec<PolicyPlan>);

fn plan() -> impl Strategy<Value = Plan> {
    let rules = prop::collection::vec((0..7usize, 0..4usize), 0..3);
    let policy = (0..3usize, 0..8usize, any::<bool>(), rules);
    (
        any::<bool>(),
        prop::collection::vec(any::<bool>(), 6),
        prop::collection::vec(policy, 2..7),
    )
}

fn sources_of((live, tiers, policies): &Plan) -> Sources {
    let mut sources = Sources::from_text("apps.yaml", workloads(*live, tiers));
    for (nth, plan) in policies.iter().enumerate() {
        sources.add_text(format!("policies/p{nth}.yaml"), policy(nth, plan));
    }
    sources
}

fn cluster_of(sources: &Sources) -> Option<Cluster> {
    let loaded = load(sources, &LoadOptions::default());
    let is_good = loaded
        .findings
        .iter()
        .all(|f| f.severity != Severity::Error);
    is_good.then_some(loaded.cluster)
}

fn ask(
    sources: &Sources,
    cluster: &Cluster,
    from: &Endpoint,
    to: &Endpoint,
    port: &PortQuery,
) -> Option<Fixes> {
    let reach = Reach::new(cluster);
    let context = Context {
        cluster,
        reach: &reach,
        controller: None,
    };
    let answer = can(context, from, to, port).unwrap();
    if answer.overall != Overall::No {
        return None;
    }
    let load = |sources: &Sources| Some((cluster_of(sources)?, None));
    let question = Question {
        cluster,
        reach: &reach,
        sources,
        load: &load,
        controller: None,
        from,
        to,
        port,
        limits: Limits::default(),
        n_wanted: 24,
    };
    Some(fixes(&question, &answer).unwrap())
}

fn patched(sources: &Sources, proposal: &Proposal) -> Sources {
    let mut patched = Sources::default();
    for (name, text) in sources.files() {
        let new = proposal
            .files
            .iter()
            .find(|(other, before, _)| other == name && before.is_some());
        patched.add_text(name, new.map_or(text, |(_, _, new)| new.as_str()));
    }
    for (name, _, text) in proposal
        .files
        .iter()
        .filter(|(_, before, _)| before.is_none())
    {
        patched.add_text(name.clone(), text.clone());
    }
    patched
}

/// An end of a measured flow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum End {
    Pod(PodId),
    Address(IpAddr),
}

/// Every flow that the specification allows: all pods and some addresses, on both sides of every
/// port that policies know.
fn allowed(cluster: &Cluster) -> BTreeSet<(End, End, Protocol, u16)> {
    let pods = cluster.pods_with_ids().map(|(id, _)| End::Pod(id));
    let outside = OUTSIDE
        .iter()
        .map(|text| End::Address(text.parse().unwrap()));
    let ends: Vec<End> = pods.chain(outside).collect();
    let party = |end: End| match end {
        End::Pod(pod) => {
            let address = cluster.pod(pod).unwrap().addresses.first().copied();
            Party::Pod { pod, address }
        }
        End::Address(address) => Party::External { address },
    };
    let mut found = BTreeSet::new();
    for &source in &ends {
        for &destination in &ends {
            // A template's replicas would be another question than a pod and itself.
            if source == destination
                || matches!((source, destination), (End::Address(_), End::Address(_)))
            {
                continue;
            }
            for protocol in Protocol::ALL {
                for port in PORTS
                    .into_iter()
                    .flat_map(|port| [port - 1, port, port + 1])
                {
                    let flow = Flow {
                        source: party(source),
                        destination: party(destination),
                        protocol,
                        port,
                    };
                    if evaluate(cluster, &flow).verdict == Verdict::Allowed {
                        found.insert((source, destination, protocol, port));
                    }
                }
            }
        }
    }
    found
}

fn holds(who: &Who, end: End, family: Option<Family>) -> bool {
    match (who, end) {
        (Who::Pods(pods), End::Pod(pod)) => pods.contains(&pod),
        (Who::Addresses(addresses), End::Address(address)) => {
            addresses.contains(address) && family.is_none_or(|f| f == Family::of(address))
        }
        _ => false,
    }
}

/// Whether a flow is one that the proposal says it opens.
fn is_told(
    proposal: &Proposal,
    (source, destination, protocol, port): (End, End, Protocol, u16),
) -> bool {
    proposal.extra.iter().any(|opened| {
        holds(&opened.source, source, opened.family)
            && holds(&opened.destination, destination, opened.family)
            && opened.traffic.contains(protocol, port)
    })
}

/// What was asked for.
struct Asked {
    source: Who,
    destination: Who,
    traffic: TrafficSet,
}

impl Asked {
    fn holds(&self, (source, destination, protocol, port): (End, End, Protocol, u16)) -> bool {
        holds(&self.source, source, None)
            && holds(&self.destination, destination, None)
            && self.traffic.contains(protocol, port)
    }
}

fn who(cluster: &Cluster, end: &Endpoint) -> Who {
    match end {
        Endpoint::Workload(id) => Who::Pods(cluster.pods_of(*id).map(|(pod, _)| pod).collect()),
        Endpoint::Addresses { addresses, .. } => Who::Addresses(addresses.clone()),
        other => panic!("{other:?}"),
    }
}

/// What was seen, so that a test that sees too little fails.
#[derive(Default, Debug)]
struct Seen {
    proposals: usize,
    with_extra: usize,
    labels: usize,
    new_files: usize,
    ports: usize,
    peers: usize,
}

/// Checks all that is said of one denial.
fn check(
    sources: &Sources,
    cluster: &Cluster,
    from: &str,
    to: &str,
    port: u16,
    seen: &mut Seen,
) -> Option<()> {
    let end = |text: &str| parse_endpoint(cluster, text, None).unwrap();
    let (source, destination) = (end(from), end(to));
    let query = PortQuery::Number {
        protocol: None,
        port,
    };
    let found = ask(sources, cluster, &source, &destination, &query)?;
    let asked = Asked {
        source: who(cluster, &source),
        destination: who(cluster, &destination),
        traffic: TrafficSet::ports(Protocol::Tcp, port, port),
    };
    let what = format!("{from} to {to} on {port}");
    if found
        .obstacles
        .iter()
        .any(|o| o.contains("no address of the same family"))
    {
        return None;
    }
    assert!(!found.proposals.is_empty(), "{what}: {:?}", found.obstacles);
    let before = allowed(cluster);
    for proposal in &found.proposals {
        let says = format!("{what}: {:#?}", proposal);
        let patched = patched(sources, proposal);
        let new = cluster_of(&patched).expect("the patched texts load");
        let after = allowed(&new);
        // Everything asked for is open now,
        for pod in cluster.pods_with_ids().map(|(id, _)| End::Pod(id)).chain(
            OUTSIDE
                .iter()
                .map(|text| End::Address(text.parse().unwrap())),
        ) {
            for other in cluster.pods_with_ids().map(|(id, _)| End::Pod(id)) {
                for flow in [
                    (pod, other, Protocol::Tcp, port),
                    (other, pod, Protocol::Tcp, port),
                ] {
                    if flow.0 != flow.1 && asked.holds(flow) {
                        assert!(after.contains(&flow), "{flow:?} {says}");
                    }
                }
            }
        }
        // nothing is closed,
        assert!(before.is_subset(&after), "{says}");
        // and what is new was asked for or told; what was told is new.
        for flow in after.difference(&before) {
            assert!(
                asked.holds(*flow) || is_told(proposal, *flow),
                "{flow:?} {says}"
            );
        }
        for flow in &after {
            if is_told(proposal, *flow) && !asked.holds(*flow) {
                assert!(!before.contains(flow), "{flow:?} {says}");
            }
        }
        let n_told = proposal
            .extra
            .iter()
            .filter(|opened| opened.is_certain)
            .count();
        assert_eq!(n_told, proposal.extra.len(), "{says}");
        assert_eq!(proposal.proof, Proof::Proved, "{says}");
    }
    for proposal in &found.proposals {
        let some = |word: &str| usize::from(proposal.changes.iter().any(|c| c.contains(word)));
        seen.proposals += 1;
        seen.with_extra += usize::from(!proposal.extra.is_empty());
        seen.labels += some("label ");
        seen.new_files += some("add NetworkPolicy");
        seen.ports += some("to the ports of");
        seen.peers += some("to the peers of");
    }
    Some(())
}

/// How many denials are looked at; `PROPTEST_CASES` says otherwise.
fn n_wanted() -> usize {
    let cases = std::env::var("PROPTEST_CASES").ok();
    cases.and_then(|n| n.parse().ok()).unwrap_or(240)
}

#[test]
fn proposals_do_what_they_say_on_generated_denials() {
    let config = ProptestConfig {
        rng_seed: RngSeed::Fixed(20_261_130),
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new(config);
    let mut n_denials = 0;
    let mut seen = Seen::default();
    let mut seed = 0usize;
    while n_denials < n_wanted() {
        let plan = plan().new_tree(&mut runner).unwrap().current();
        let sources = sources_of(&plan);
        let Some(cluster) = cluster_of(&sources) else {
            continue;
        };
        let names: Vec<String> = WORKLOADS
            .iter()
            .map(|(ns, name)| format!("{ns}/{name}"))
            .collect();
        // A few of each cluster, of all kinds in turn.
        for nth in 0..8 {
            seed = seed.wrapping_add(nth).wrapping_mul(31).wrapping_add(7);
            let [a, b] = [&names[seed % 6], &names[(seed / 6) % 6]];
            let outside = OUTSIDE[(seed / 36) % 4];
            let (from, to) = match nth {
                0 => (outside, a.as_str()),
                1 => (a.as_str(), outside),
                _ if a != b => (a.as_str(), b.as_str()),
                _ => continue,
            };
            let port = PORTS[(seed / 7) % 3];
            if check(&sources, &cluster, from, to, port, &mut seen).is_some() {
                n_denials += 1;
            }
        }
    }
    println!("{n_denials} denials: {seen:?}");
    let kinds = [
        seen.with_extra,
        seen.labels,
        seen.new_files,
        seen.ports,
        seen.peers,
    ];
    let is_enough = n_wanted() < 200 || kinds.iter().all(|n| *n > 0);
    assert!(is_enough, "{seen:?}");
}

/// Labelled `tier: back`, `shop/api` could reach the pod; and another policy would close its own
/// ingress.
#[test]
fn a_label_that_closes_something_is_not_proposed() {
    let mut sources = Sources::from_text("apps.yaml", workloads(false, &[false; 6]));
    let rule = "  ingress:\n    - from:\n        - podSelector:\n            matchLabels:\n              tier: back\n";
    for (name, subject, rules) in [("let-in", "app: web", rule), ("closing", "tier: back", "")] {
        sources.add_text(
            format!("{name}.yaml"),
            format!(
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {name}\n  namespace: shop\n\
                 spec:\n  podSelector:\n    matchLabels:\n      {subject}\n  policyTypes:\n    - Ingress\n{rules}"
            ),
        );
    }
    let cluster = cluster_of(&sources).unwrap();
    let end = |text: &str| parse_endpoint(&cluster, text, None).unwrap();
    let port = PortQuery::Number {
        protocol: None,
        port: 8080,
    };
    let (from, to) = (end("shop/api"), end("shop/web"));
    let found = ask(&sources, &cluster, &from, &to, &port).unwrap();
    assert!(!found.proposals.is_empty());
    let mut changes = found.proposals.iter().flat_map(|p| &p.changes);
    assert!(!changes.any(|change| change.starts_with("label shop/api")));
}
