//! What changed between two random clusters, as `question::diff` tells it in groups, is exactly
//! what the specification (`model::evaluate`) says differently of them: of every pair of pods and
//! every pod with an address outside, in both families, on both sides of every edge. And no fewer
//! groups would do.

// Helpers are test code too, which clippy would not know otherwise.
#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "agreement/edges.rs"]
mod edges;
#[path = "diff/exhaustion.rs"]
mod exhaustion;
#[path = "diff/expand.rs"]
mod expand;
mod generate;

use edges::{boundary_addresses, boundary_ports};
use exhaustion::fewest_boxes;
use expand::{Place, Relation};
use generate::{Features, build, cluster_pair};
use portolan::manifest::{LoadOptions, load_str};
use portolan::model::{Cluster, PodId, Protocol, Selector, Workload, WorkloadId, WorkloadKind};
use portolan::question::diff::{Cell, Change, Diff, Question, Tensor, cover, diff};
use portolan::{model, source};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use std::cell::Cell as StdCell;
use std::collections::{BTreeMap, BTreeSet};

/// 32 pairs for each property, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let default = ProptestConfig {
        // The same clusters each time; `PROPTEST_RNG_SEED` draws others.
        rng_seed: match std::env::var_os("PROPTEST_RNG_SEED") {
            Some(_) => ProptestConfig::default().rng_seed,
            None => RngSeed::Fixed(20_261_129),
        },
        ..ProptestConfig::default()
    };
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => default.cases,
        None => 32,
    };
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..default
    }
}

/// Two clusters in which some workloads have several pods, named and unlike each other.
fn clusters() -> impl Strategy<Value = (Cluster, Cluster)> {
    (cluster_pair(Features { tiers: true }), any::<[bool; 4]>()).prop_map(
        |((old, new), [owned, shared, hosted, wide])| {
            let arranged = |plan| {
                let mut cluster = build(plan);
                arrange(&mut cluster, owned, shared);
                if hosted && wide {
                    put_on_nodes(&mut cluster);
                }
                cluster
            };
            (arranged(&old), arranged(&new))
        },
    )
}

/// Gives pods owners: neighbours in a namespace get one owner together when `shared`.
fn arrange(cluster: &mut Cluster, owned: bool, shared: bool) {
    let kind = WorkloadKind(if owned { "StatefulSet" } else { "Pod" }.to_owned());
    let mut pods = std::mem::take(&mut cluster.pods);
    pods.sort_by_key(|pod| (pod.namespace, pod.workload));
    cluster.workloads.clear();
    let mut in_namespace = BTreeMap::new();
    for pod in &mut pods {
        let number = in_namespace.entry(pod.namespace).or_insert(0);
        let is_joined = shared && owned && *number % 3 == 1;
        pod.name = Some(format!("pod-{number}"));
        *number += 1;
        if !is_joined {
            cluster.workloads.push(Workload {
                namespace: pod.namespace,
                name: format!("workload-{number}"),
                kind: kind.clone(),
                origin: pod.origin.clone(),
            });
        }
        pod.workload = WorkloadId(u32::try_from(cluster.workloads.len()).unwrap() - 1);
    }
    cluster.pods = pods;
}

/// Every other pod is on its node's network, and policies are for all pods of their namespace, so
/// that a node's own traffic meets them (N26).
fn put_on_nodes(cluster: &mut Cluster) {
    for (index, pod) in cluster.pods.iter_mut().enumerate() {
        pod.host_network = index % 2 == 0;
        pod.node = Some(generate::NODES[index / 3 % 2].to_owned());
    }
    for policy in &mut cluster.policies {
        policy.subject.pods = Selector::everything();
    }
}

fn compare<'a>(old: &'a Cluster, new: &'a Cluster) -> Diff {
    diff(&Question {
        clusters: [old, new],
        controllers: [None, None],
    })
}

/// The ports and addresses at which either cluster can change its mind.
fn edges_of(old: &Cluster, new: &Cluster) -> (Vec<u16>, Vec<std::net::IpAddr>) {
    let ports: BTreeSet<u16> = [old, new].into_iter().flat_map(boundary_ports).collect();
    let addresses: BTreeSet<_> = [old, new]
        .into_iter()
        .flat_map(boundary_addresses)
        .collect();
    (ports.into_iter().collect(), addresses.into_iter().collect())
}

/// N26: what comes from a pod's own node is let in whatever its policies say, so a new one closes
/// the pod to the node next door only.
#[test]
fn n26_a_policy_does_not_close_a_pod_to_its_own_node() {
    let pod = |name: &str, node: &str, host: bool| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: a}}\n\
             spec: {{nodeName: {node}, hostNetwork: {host}}}\n---\n"
        )
    };
    let pods =
        pod("web", "here", false) + &pod("agent", "here", true) + &pod("other", "there", true);
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                  metadata: {name: deny, namespace: a}\nspec: {podSelector: {}}\n";
    let load = |text: &str| load_str(text, &LoadOptions::default()).cluster;
    let (old, new) = (load(&pods), load(&format!("{pods}{policy}")));
    let found = compare(&old, &new);
    let name = |unit: &usize| {
        let (unit, _) = &found.pair.units[*unit];
        let pod = new.pod(unit.pods[1][0]).unwrap();
        pod.name.clone().unwrap()
    };
    let callers: BTreeSet<String> = found
        .groups
        .iter()
        .flat_map(|group| group.sources.units.iter().map(name))
        .collect();
    assert!(callers.contains("other"), "{callers:?}");
    assert!(!callers.contains("agent"), "{callers:?}");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn groups_are_exactly_what_differs((old, new) in clusters()) {
        let found = compare(&old, &new);
        check_units(&found, [&old, &new])?;
        let (ports, addresses) = edges_of(&old, &new);
        let relation = Relation::new([&old, &new], &found);
        let mut expected: BTreeMap<Place, Change> = BTreeMap::new();
        for place in relation.places(&ports, &addresses) {
            expected.extend(relation.change(&place).map(|change| (place, change)));
        }
        let mut told: BTreeMap<Place, Change> = BTreeMap::new();
        for place in relation.places(&ports, &addresses) {
            for group in &found.groups {
                if relation.holds(group, &place) {
                    let before = told.insert(place.clone(), group.change);
                    prop_assert!(before.is_none_or(|before| before == group.change), "{place:?}");
                }
            }
        }
        for (place, change) in &expected {
            prop_assert_eq!(told.get(place), Some(change), "{:?} is not told", place);
        }
        for (place, change) in &told {
            prop_assert_eq!(expected.get(place), Some(change), "{:?} is told", place);
        }
        // Whatever a group tells is so of some connection in it: no port, family or protocol is
        // there for nothing.
        for group in &found.groups {
            for (family, traffic) in &group.traffic {
                for protocol in Protocol::ALL {
                    for port in ports.iter().filter(|port| traffic.contains(protocol, **port)) {
                        let is_real = expected.keys().any(|place| {
                            (place.protocol, place.port) == (protocol, *port)
                                && family.is_none_or(|family| family == place.family)
                                && relation.holds(group, place)
                        });
                        prop_assert!(is_real, "{protocol} {port} {family:?} of {group:#?}");
                    }
                }
            }
        }
        prop_assert_eq!(found.is_empty(), expected.is_empty(), "nothing is told of nothing");
        prop_assert!(found.groups.iter().all(|group| !group.causes.is_empty()), "each has a cause");
    }

    #[test]
    fn a_cluster_and_itself_do_not_differ((old, _) in clusters()) {
        prop_assert!(compare(&old, &old).is_empty());
    }
}

/// What exhaustion had the time to decide, of all that it was asked.
#[derive(Default)]
struct Decided {
    asked: StdCell<usize>,
    decided: StdCell<usize>,
}

impl Decided {
    /// Whether a number of boxes is the fewest, as far as trying everything tells.
    fn is_fewest(&self, tensor: &Tensor, found: usize) -> bool {
        self.asked.set(self.asked.get() + 1);
        match fewest_boxes(tensor, found) {
            Some(fewest) => {
                self.decided.set(self.decided.get() + 1);
                fewest == found
            }
            None => true,
        }
    }

    /// A test that never had an answer to compare with would pass whatever the code does.
    fn check(&self) {
        let (asked, decided) = (self.asked.get(), self.decided.get());
        assert!(
            asked > 0 && decided * 10 >= asked * 8,
            "{decided} of {asked} decided"
        );
    }
}

#[test]
fn no_fewer_groups_would_do() {
    let counted = Decided::default();
    let mut runner = TestRunner::new(config());
    let result = runner.run(&clusters(), |(old, new)| {
        let found = compare(&old, &new);
        prop_assert!(found.is_minimal);
        let (ports, addresses) = edges_of(&old, &new);
        let relation = Relation::new([&old, &new], &found);
        let keys: BTreeSet<usize> = found.groups.iter().map(|group| group.key).collect();
        for key in keys {
            let groups: Vec<_> = found.groups.iter().filter(|g| g.key == key).collect();
            let tensor = relation.tensor(&groups, &ports, &addresses);
            prop_assert!(counted.is_fewest(&tensor, groups.len()), "{groups:#?}");
        }
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    counted.check();
}

#[test]
fn covers_are_smallest() {
    let counted = Decided::default();
    let mut runner = TestRunner::new(config());
    let cells = proptest::collection::vec(0..7usize, 4 * 4 * 3);
    let result = runner.run(&cells, |cells| {
        let mut tensor = Tensor::new([4, 4, 3]);
        for (place, cell) in exhaustion::places(&Tensor::new([4, 4, 3])).zip(cells) {
            tensor.set(
                place,
                match cell {
                    0..3 => Cell::Yes,
                    3 => Cell::Free,
                    _ => Cell::No,
                },
            );
        }
        let (boxes, is_minimal) = cover(&tensor);
        for place in exhaustion::places(&tensor) {
            let is_held = boxes.iter().any(|held| {
                let mut each = held.iter().zip(place);
                each.all(|(indexes, index)| indexes.contains(&index))
            });
            match tensor.get(place) {
                Cell::Yes => prop_assert!(is_held, "{place:?} is left out"),
                Cell::No => prop_assert!(!is_held, "{place:?} must not be in"),
                Cell::Free => {}
            }
        }
        prop_assert!(is_minimal);
        prop_assert!(counted.is_fewest(&tensor, boxes.len()), "{boxes:?}");
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    counted.check();
}

/// Every pod is in a unit of its workload, and pods of one name or of a workload with one pod are
/// held against each other.
fn check_units(found: &Diff, clusters: [&Cluster; 2]) -> Result<(), TestCaseError> {
    let identity = |cluster: &Cluster, pod: PodId| {
        let pod = cluster.pod(pod).unwrap();
        let workload = cluster.workload(pod.workload).unwrap();
        let namespace = cluster.namespace_name(workload.namespace).to_owned();
        (
            namespace,
            workload.name.clone(),
            pod.name.clone().unwrap_or_default(),
        )
    };
    let mut sides: Vec<BTreeMap<_, BTreeSet<usize>>> = Vec::new();
    for (side, cluster) in clusters.into_iter().enumerate() {
        let mut units_of: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
        for (index, (unit, _)) in found.pair.units.iter().enumerate() {
            for &pod in &unit.pods[side] {
                units_of
                    .entry(identity(cluster, pod))
                    .or_default()
                    .insert(index);
                let workload = found.pair.workloads[unit.workload].ids[side];
                prop_assert_eq!(workload, Some(cluster.pod(pod).unwrap().workload));
            }
        }
        prop_assert_eq!(units_of.len(), cluster.pods.len(), "every pod is in a unit");
        sides.push(units_of);
    }
    for (name, units) in &sides[0] {
        if let Some(others) = sides[1].get(name) {
            prop_assert!(!units.is_disjoint(others), "{name:?} is two things");
        }
    }
    Ok(())
}
