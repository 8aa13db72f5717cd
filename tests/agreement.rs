//! The specification as a program (`model::evaluate`) and the set engine (`reach`) say the same
//! of random clusters: of every pair of pods and every pod with an address outside, in both
//! families, on all protocols, on both sides of every edge. So do the engine's own ways of
//! telling it: pair by pair, row by row, and as products.

// Helpers are test code too, which clippy would not know otherwise.
#![cfg(test)]

#[path = "agreement/edges.rs"]
mod edges;
mod generate;

use edges::{boundary_addresses, boundary_ports};
use generate::Features;
use portolan::model::{
    Cluster, Direction, Family, Flow, Party, PodId, Protocol, TrafficSet, WorkloadId, evaluate,
    evaluate_pods,
};
use portolan::reach::{End, Product, Products, Reach, Scope, products, row};
use portolan::{model, source};
use proptest::prelude::*;
use std::net::IpAddr;

/// A cluster of policies of all tiers. Each pod comes twice, so that pods that nothing tells
/// apart are among them.
fn cluster() -> impl Strategy<Value = Cluster> {
    generate::cluster(Features { tiers: true }).prop_map(|plan| {
        let mut cluster = generate::build(&plan);
        for (index, pod) in (0u32..).zip(&mut cluster.pods) {
            pod.workload = WorkloadId(index);
        }
        let twins = cluster.pods.clone();
        cluster.pods.extend(twins);
        cluster.pods.sort_by_key(|pod| pod.workload);
        cluster
    })
}

/// 64 clusters for each property, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => default.cases,
        None => 64,
    };
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn evaluate_agrees_with_reach_between_pods(cluster in cluster()) {
        let reach = Reach::new(&cluster);
        let ports = boundary_ports(&cluster);
        for (source, destination, family) in pairs(&cluster) {
            let between = reach.between(source, destination, family);
            for protocol in Protocol::ALL {
                for &port in &ports {
                    let evaluated =
                        evaluate_pods(&cluster, (source, destination), family, protocol, port);
                    prop_assert_eq!(
                        evaluated.map(|evaluation| evaluation.verdict),
                        between.as_ref().map(|traffic| traffic.verdict(protocol, port)),
                        "evaluate and reach for {:?} to {:?}, {:?}, {} {}",
                        source, destination, family, protocol, port
                    );
                }
            }
        }
    }

    #[test]
    fn evaluate_agrees_with_reach_on_addresses_outside(cluster in cluster()) {
        let reach = Reach::new(&cluster);
        let ports = boundary_ports(&cluster);
        for address in boundary_addresses(&cluster) {
            for (pod, _) in cluster.pods_with_ids() {
                for direction in Direction::ALL {
                    let Some(traffic) = reach.with_external(pod, direction, address) else {
                        prop_assert!(!has_family(&cluster, pod, Family::of(address)));
                        continue;
                    };
                    for protocol in Protocol::ALL {
                        for &port in &ports {
                            let allowed = external(&cluster, pod, direction, address, protocol, port);
                            prop_assert_eq!(
                                allowed,
                                traffic.contains(protocol, port),
                                "evaluate and reach for {:?} of {:?} and {}, {} {}",
                                direction, pod, address, protocol, port
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn rows_agree_with_pairs(cluster in cluster()) {
        let reach = Reach::new(&cluster);
        for (source, destination, family) in pairs(&cluster) {
            if source == destination {
                continue;
            }
            let [from, to] = [source, destination].map(|pod| reach.group_of(pod).unwrap());
            let row = row(&reach, from, family);
            let mut found = row.iter().filter(|(group, _)| *group == to);
            let in_row = found.next().map(|(_, traffic)| traffic.as_ref().clone());
            prop_assert!(found.next().is_none(), "{:?} is twice in the row", to);
            let between = reach.between(source, destination, family).filter(|t| !t.is_none());
            prop_assert_eq!(in_row, between, "{:?} to {:?}, {:?}", source, destination, family);
        }
    }

    #[test]
    fn products_agree_with_pairs(cluster in cluster()) {
        let reach = Reach::new(&cluster);
        let products = products(&reach);
        for (source, destination, family) in pairs(&cluster) {
            if source == destination {
                continue;
            }
            let Some(between) = reach.between(source, destination, family) else {
                prop_assert!(!mentions(&reach, &products, source, destination, family));
                continue;
            };
            for (list, expected) in [
                (&products.allowed, &between.allowed),
                (&products.unknown, &between.unknown),
            ] {
                let found = expanded(&reach, list, source, destination, family);
                prop_assert_eq!(
                    &found, expected, "{:?} to {:?}, {:?}", source, destination, family
                );
            }
        }
    }

    #[test]
    fn products_agree_with_addresses_outside(cluster in cluster()) {
        let reach = Reach::new(&cluster);
        let products = products(&reach);
        for address in boundary_addresses(&cluster) {
            for (pod, _) in cluster.pods_with_ids() {
                for direction in Direction::ALL {
                    let found = expanded_outside(&reach, &products, pod, direction, address);
                    let expected = reach.with_external(pod, direction, address);
                    prop_assert_eq!(
                        found, expected.unwrap_or_default(),
                        "{:?} of {:?} and {}", direction, pod, address
                    );
                }
            }
        }
    }
}

fn pairs(cluster: &Cluster) -> Vec<(PodId, PodId, Family)> {
    let mut pairs = Vec::new();
    for (source, _) in cluster.pods_with_ids() {
        for (destination, _) in cluster.pods_with_ids() {
            pairs.extend(Family::ALL.map(|family| (source, destination, family)));
        }
    }
    pairs
}

/// Whether the pod can take part in flows of the family: those with itself tell.
fn has_family(cluster: &Cluster, pod: PodId, family: Family) -> bool {
    evaluate_pods(cluster, (pod, pod), family, Protocol::Tcp, 1).is_some()
}

/// What `evaluate` says of a pod and an address outside.
fn external(
    cluster: &Cluster,
    pod: PodId,
    direction: Direction,
    address: IpAddr,
    protocol: Protocol,
    port: u16,
) -> bool {
    // The pod's own address says nothing here: no rule of its own policies looks at it.
    let (pod, outside) = (
        Party::Pod { pod, address: None },
        Party::External { address },
    );
    let (source, destination) = match direction {
        Direction::Egress => (pod, outside),
        Direction::Ingress => (outside, pod),
    };
    let flow = Flow {
        source,
        destination,
        protocol,
        port,
    };
    match evaluate(cluster, &flow).verdict {
        portolan::model::Verdict::Allowed => true,
        portolan::model::Verdict::Denied => false,
        portolan::model::Verdict::Unknown => panic!("both ends are known"),
    }
}

fn has_pod(reach: &Reach, end: &End, pod: PodId) -> bool {
    end.groups()
        .any(|group| reach.pods_of(group).contains(&pod))
}

fn in_scope(product: &Product, family: Family) -> bool {
    product.scope == Scope::AnyFamily || product.scope == Scope::Only(family)
}

/// The traffic of all products that hold the pair.
fn expanded(
    reach: &Reach,
    products: &[Product],
    source: PodId,
    destination: PodId,
    family: Family,
) -> TrafficSet {
    let holding = products.iter().filter(|product| {
        in_scope(product, family)
            && has_pod(reach, &product.sources, source)
            && has_pod(reach, &product.destinations, destination)
    });
    holding.fold(TrafficSet::none(), |set, product| {
        set.union(&product.traffic)
    })
}

/// Whether a product of this one family holds the pair.
fn mentions(
    reach: &Reach,
    products: &Products,
    source: PodId,
    destination: PodId,
    family: Family,
) -> bool {
    let mut all = products.allowed.iter().chain(&products.unknown);
    all.any(|product| {
        product.scope == Scope::Only(family)
            && has_pod(reach, &product.sources, source)
            && has_pod(reach, &product.destinations, destination)
    })
}

fn expanded_outside(
    reach: &Reach,
    products: &Products,
    pod: PodId,
    direction: Direction,
    address: IpAddr,
) -> TrafficSet {
    let outside = |end: &End| match end {
        End::External(addresses) => addresses.contains(address),
        End::Groups(_) => false,
    };
    let holding = products.allowed.iter().filter(|product| {
        let (inside, other) = match direction {
            Direction::Egress => (&product.sources, &product.destinations),
            Direction::Ingress => (&product.destinations, &product.sources),
        };
        in_scope(product, Family::of(address)) && has_pod(reach, inside, pod) && outside(other)
    });
    holding.fold(TrafficSet::none(), |set, product| {
        set.union(&product.traffic)
    })
}
