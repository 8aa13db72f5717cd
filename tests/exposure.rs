//! `portolan exposure`: who is exposed to whom, on small clusters and on generated ones.

#![cfg(test)]

use portolan::manifest::{LoadOptions, load_str};
use portolan::model::{Cluster, Family, Verdict, evaluate_pods};
use portolan::question::exposure::{Exposed, Exposure, exposure};
use portolan::symbolic::Limits;
use portolan::{model, source};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[path = "generate/mod.rs"]
mod generate;

use generate::{
    Features, add_possible_pod, boundary_traffic, build, cluster, extra_pod, label_free_namespaces,
    namespace_labels,
};

fn ask(cluster: &Cluster) -> Exposure {
    exposure(cluster, None, Limits::default())
}

/// Pod `shop/web` on 8080, and what the row adds. The first word of a line is the level, then the
/// ways in, then what each kind of caller reaches.
fn line(yaml: &str) -> String {
    let web = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n\
               spec: {containers: [{name: c, image: c, ports: [{name: http, containerPort: 8080}]}]}\n---\n";
    let loaded = load_str(&format!("{web}{yaml}"), &LoadOptions::default());
    assert!(loaded.findings.is_empty(), "{:?}\n{yaml}", loaded.findings);
    let found = ask(&loaded.cluster);
    let name = |exposed: &&Exposed| {
        let workload = loaded.cluster.workload(exposed.workload).unwrap();
        workload.name == "web"
    };
    let exposed = found.workloads.iter().find(name).unwrap();
    let ways: Vec<String> = exposed
        .ways
        .iter()
        .map(|way| format!("{} {}", way.kind.name(), way.traffic))
        .collect();
    let [outside, namespaces, pods] = [
        &exposed.outside,
        &exposed.every_namespace,
        &exposed.future_pods,
    ]
    .map(|traffic| match (traffic.is_all(), traffic.is_none()) {
        (true, _) => "all".to_owned(),
        (_, true) => "-".to_owned(),
        _ => traffic.to_string(),
    });
    format!(
        "{}: [{}] {outside} | {namespaces} | {pods}",
        exposed.level().name(),
        ways.join(", ")
    )
}

fn policy(rules: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: p, namespace: shop}}\n\
         spec: {{podSelector: {{}}, policyTypes: [Ingress], ingress: {rules}}}\n---\n"
    )
}

fn service(spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop}}\n\
         spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: http}}], {spec}}}\n---\n"
    )
}

#[test]
fn levels_and_what_is_reached() {
    let by_label =
        policy("[{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: 8080}]}]");
    let elsewhere = policy(
        "[{from: [{namespaceSelector: {matchLabels: {team: a}}}], ports: [{port: 8080, endPort: 8089}]}]",
    );
    let everyone = policy("[{from: [{namespaceSelector: {}}], ports: [{port: http}]}]");
    let outside = policy("[{from: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{port: 8080}]}]");
    let nobody = policy("[]");
    let egress = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                  metadata: {name: out, namespace: shop}\n\
                  spec: {podSelector: {}, policyTypes: [Egress]}\n---\n";
    for (what, yaml, expected) in [
        ("no policy", String::new(), "routed: [] all | all | all"),
        ("nobody", nobody.clone(), "closed: [] - | - | -"),
        (
            "by label",
            by_label.clone(),
            "future-pods: [] - | - | TCP 8080",
        ),
        (
            "by a namespace's label",
            elsewhere,
            "future-pods: [] - | - | TCP 8080-8089",
        ),
        (
            "by labels that no pod has both of",
            policy(
                "[{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: 8080}]}, {from: [{podSelector: {matchLabels: {app: scraper}}}], ports: [{port: 9090}]}]",
            ),
            "future-pods: [] - | - | TCP 8080,9090",
        ),
        (
            "by label, and pods with it may open nothing",
            format!("{by_label}{egress}"),
            "closed: [] - | - | -",
        ),
        (
            "every namespace",
            everyone,
            "every-namespace: [] - | TCP 8080 | TCP 8080",
        ),
        (
            "addresses outside",
            outside.clone(),
            "routed: [] TCP 8080 | - | -",
        ),
        (
            "S6, S7: by way of the pod's own node policy lets everyone in",
            format!("{nobody}{}", service("type: NodePort")),
            "outside: [node-port TCP 8080] - | - | -",
        ),
        (
            "S7: policy sees the client, and lets nobody in",
            format!(
                "{nobody}{}",
                service("type: NodePort, externalTrafficPolicy: Local")
            ),
            "closed: [] - | - | -",
        ),
        (
            "S8: the client that may come is one that policy lets in",
            format!(
                "{outside}{}",
                service(
                    "type: LoadBalancer, allocateLoadBalancerNodePorts: false, externalTrafficPolicy: Local, loadBalancerSourceRanges: [203.0.113.0/25]"
                )
            ),
            "outside: [load-balancer TCP 8080] TCP 8080 | - | -",
        ),
        (
            "S8: it is not",
            format!(
                "{outside}{}",
                service(
                    "type: LoadBalancer, allocateLoadBalancerNodePorts: false, externalTrafficPolicy: Local, loadBalancerSourceRanges: [198.51.100.0/24]"
                )
            ),
            "routed: [] TCP 8080 | - | -",
        ),
        (
            "a ClusterIP opens nothing",
            format!("{nobody}{}", service("type: ClusterIP")),
            "closed: [] - | - | -",
        ),
    ] {
        assert_eq!(line(&yaml), expected, "{what}\n{yaml}");
    }
}

#[test]
fn coverage_counts_what_policy_can_isolate() {
    let yaml = format!(
        "{}apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: shop}}\nspec: {{containers: []}}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {{name: b, namespace: other}}\nspec: {{containers: []}}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {{name: c, namespace: other}}\nspec: {{hostNetwork: true, containers: []}}\n",
        policy("[]")
    );
    let loaded = load_str(&yaml, &LoadOptions::default());
    let found = ask(&loaded.cluster);
    let counts: Vec<(&str, [usize; 4])> = found
        .coverage
        .iter()
        .map(|(id, c)| {
            (
                loaded.cluster.namespace_name(*id),
                [c.pods, c.ingress, c.egress, c.both],
            )
        })
        .collect();
    assert_eq!(counts, [("other", [1, 0, 0, 0]), ("shop", [1, 1, 0, 0])]);
    assert_eq!((found.total.pods, found.total.ingress), (2, 1));
}

/// 48 clusters, the same each time, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: cases.and_then(|n| n.parse().ok()).unwrap_or(48),
        rng_seed: RngSeed::Fixed(20_261_129),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// A pod that somebody adds reaches nothing that was not told, whatever its labels; one
    /// without labels in a namespace without labels reaches exactly what every namespace does.
    #[test]
    fn no_pod_reaches_more_than_told(
        plan in cluster(Features { tiers: true }),
        extra in prop::collection::vec(extra_pod(), 6),
        free in namespace_labels(),
    ) {
        let cluster = build(&plan);
        let found = ask(&cluster);
        let n_pods = cluster.pods.len();
        let mut world = cluster.clone();
        label_free_namespaces(&mut world, n_pods, &free);
        let extra: Vec<_> = extra.iter().map(|plan| add_possible_pod(&mut world, plan)).collect();
        for exposed in &found.workloads {
            prop_assert!(exposed.gave_up.is_none());
            prop_assert!(exposed.every_namespace.is_subset(&exposed.future_pods));
            for (pod, _) in cluster.pods_of(exposed.workload) {
                for &source in &extra {
                    for (protocol, port) in boundary_traffic() {
                        for family in Family::ALL {
                            let answer = evaluate_pods(&world, (source, pod), family, protocol, port);
                            let allowed = answer.is_some_and(|e| e.verdict != Verdict::Denied);
                            prop_assert!(
                                !allowed || exposed.future_pods.contains(protocol, port),
                                "{pod:?} is reached by {source:?} on {protocol} {port}"
                            );
                        }
                    }
                }
            }
        }
    }
}
