//! Combinations of everything that a NetworkPolicy can say, over three namespaces of three
//! pods: for each, on every pair, port and protocol, the specification as a program
//! (`model::evaluate`), the set engine (`reach`) and a third evaluator that knows neither must
//! say the same.

// Helpers are test code too, which clippy would not know otherwise.
#![cfg(test)]

#[path = "combinations/cases.rs"]
mod cases;
#[path = "combinations/describe.rs"]
mod describe;
#[path = "combinations/naive.rs"]
mod naive;
#[path = "combinations/render.rs"]
mod render;
#[path = "combinations/scenarios.rs"]
mod scenarios;

use describe::{Case, Group, PROTOCOLS, SERVED, World};
use naive::{Attempt, succeeds};
use portolan::manifest::{LoadOptions, load_str};
use portolan::model::{Cluster, Family, PodId, Protocol, Severity, Verdict, evaluate_pods};
use portolan::reach::Reach;
use std::collections::{BTreeMap, BTreeSet};

fn load(world: &World, context: &str) -> Cluster {
    let text = render::render(world);
    let loaded = load_str(&text, &LoadOptions::default());
    let errors = loaded
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    let errors: Vec<_> = errors.collect();
    assert!(errors.is_empty(), "{context}: {errors:?}\n{text}");
    assert_eq!(loaded.cluster.pods.len(), world.pods.len(), "{context}");
    assert_eq!(
        loaded.cluster.policies.len(),
        world.policies.len(),
        "{context}"
    );
    loaded.cluster
}

fn pod_ids(cluster: &Cluster) -> BTreeMap<(String, String), PodId> {
    let named = cluster.pods_with_ids().map(|(id, pod)| {
        let namespace = cluster.namespace_name(pod.namespace).to_owned();
        ((namespace, pod.name.clone().unwrap()), id)
    });
    named.collect()
}

/// Compares the three on every pair, port and protocol; gives the number of comparisons and how
/// many of them are allowed.
fn compare(world: &World, context: &str) -> (usize, usize) {
    let cluster = load(world, context);
    let reach = Reach::new(&cluster);
    let ids = pod_ids(&cluster);
    let (mut n_compared, mut n_allowed) = (0, 0);
    for source in &world.pods {
        for destination in &world.pods {
            let [from, to] = [source, destination]
                .map(|pod| ids[&(pod.namespace.to_owned(), pod.name.to_owned())]);
            let traffic = reach.between(from, to, Family::V4).unwrap();
            for protocol_name in PROTOCOLS {
                let protocol = Protocol::from_name(protocol_name).unwrap();
                for port in SERVED {
                    let attempt = Attempt {
                        source,
                        destination,
                        protocol: protocol_name,
                        port,
                    };
                    let expected = match succeeds(world, attempt) {
                        true => Verdict::Allowed,
                        false => Verdict::Denied,
                    };
                    let evaluated =
                        evaluate_pods(&cluster, (from, to), Family::V4, protocol, port).unwrap();
                    assert_eq!(
                        (evaluated.verdict, traffic.verdict(protocol, port)),
                        (expected, expected),
                        "evaluate and reach, and what is right, for {context}: {}/{} to {}/{} on \
                         {protocol} {port}\n{}",
                        source.namespace,
                        source.name,
                        destination.namespace,
                        destination.name,
                        render::render(world),
                    );
                    n_compared += 1;
                    n_allowed += usize::from(expected == Verdict::Allowed);
                }
            }
        }
    }
    (n_compared, n_allowed)
}

fn compare_group(group: Group) {
    for case in cases::all().iter().filter(|case| case.group == group) {
        for (step_idx, step) in case.steps.iter().enumerate() {
            let context = format!("{group:?}, {}, step {step_idx}", case.name);
            let (n_compared, n_allowed) = compare(step, &context);
            assert_eq!(
                n_compared,
                step.pods.len() * step.pods.len() * 6,
                "{context}"
            );
            // A pod reaches itself whatever happens, so none of the answers is ever "nothing".
            assert!(n_allowed >= step.pods.len() * 6, "{context}");
        }
    }
}

#[test]
fn there_are_230_cases_in_nine_groups() {
    let mut counts = BTreeMap::new();
    for case in cases::all() {
        *counts.entry(case.group).or_insert(0) += 1;
    }
    let expected = [
        (Group::Peers, 112),
        (Group::PortProtocol, 70),
        (Group::Conflict, 16),
        (Group::UpstreamE2e, 13),
        (Group::Actions, 6),
        (Group::Target, 6),
        (Group::Rules, 4),
        (Group::Namespaces, 2),
        (Group::Example, 1),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    assert_eq!(counts.values().sum::<usize>(), 230);
}

#[test]
fn no_two_cases_are_the_same() {
    let text = |case: &Case| case.steps.iter().map(render::render).collect::<String>();
    let cases = cases::all();
    let distinct: BTreeSet<String> = cases.iter().map(text).collect();
    assert_eq!(distinct.len(), cases.len());
}

#[test]
fn peers_agree() {
    compare_group(Group::Peers);
}

#[test]
fn port_protocol_agrees() {
    compare_group(Group::PortProtocol);
}

#[test]
fn conflict_agrees() {
    compare_group(Group::Conflict);
}

#[test]
fn upstream_e2e_agrees() {
    compare_group(Group::UpstreamE2e);
}

#[test]
fn actions_agree() {
    compare_group(Group::Actions);
}

#[test]
fn target_agrees() {
    compare_group(Group::Target);
}

#[test]
fn rules_agree() {
    compare_group(Group::Rules);
}

#[test]
fn namespaces_agree() {
    compare_group(Group::Namespaces);
}

#[test]
fn example_agrees() {
    compare_group(Group::Example);
}
