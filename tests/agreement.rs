//! The specification as a program (`model::evaluate`) and the set engine (`reach`) say the same
//! of random clusters: of every pair of pods and every pod with an address outside, in both
//! families, on all protocols, on both sides of every edge. So do the engine's own ways of
//! telling it: pair by pair, row by row, and as products.

// Helpers are test code too, which clippy would not know otherwise.
#![cfg(test)]

#[path = "agreement/clusters.rs"]
mod clusters;
#[path = "agreement/edges.rs"]
mod edges;
#[path = "agreement/expand.rs"]
mod expand;
mod generate;
#[path = "agreement/proofs.rs"]
mod proofs;

use clusters::{cluster, small_cluster, small_settled_cluster};
use edges::{boundary_addresses, boundary_ports};
use expand::{in_products, in_products_outside, in_row, is_mentioned};
use generate::NAMES;
use portolan::model::{
    Cluster, Direction, Family, Flow, Party, PeerKind, PodId, PolicyId, Protocol, Tier, Verdict,
    domain_within, evaluate, evaluate_pods, family_addresses, selects, with_names,
};
use portolan::question::compare::{Compared, Comparison, compare};
use portolan::question::ties::meanings;
use portolan::question::ties::untied;
use portolan::reach::{Reach, products};
use portolan::symbolic::Limits;
use portolan::{model, source};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// 64 clusters for each property, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let default = ProptestConfig {
        // The same clusters each time; `PROPTEST_RNG_SEED` draws others.
        rng_seed: match std::env::var_os("PROPTEST_RNG_SEED") {
            Some(_) => ProptestConfig::default().rng_seed,
            None => RngSeed::Fixed(20_261_126),
        },
        ..ProptestConfig::default()
    };
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
                                traffic.verdict(protocol, port),
                                "evaluate and reach for {:?} of {:?} and {}, {} {}",
                                direction, pod, address, protocol, port
                            );
                        }
                    }
                }
            }
        }
    }

    /// What is unknown because of equal priorities and names is exactly what depends on the order
    /// and on what the names stand for.
    #[test]
    fn what_is_unknown_is_what_differs_between_meanings(cluster in small_cluster()) {
        let (meanings, is_all) = meanings(&cluster);
        prop_assume!(is_all);
        let ports = boundary_ports(&cluster);
        for address in boundary_addresses(&cluster) {
            for (pod, _) in cluster.pods_with_ids() {
                let each = Protocol::ALL.into_iter();
                for (protocol, port) in each.flat_map(|p| ports.iter().map(move |port| (p, *port))) {
                    let verdict = |cluster: &Cluster| {
                        external(cluster, pod, Direction::Egress, address, protocol, port)
                    };
                    let each: BTreeSet<_> = meanings.iter().map(&verdict).collect();
                    let expected = match each.len() {
                        1 => each.first().copied(),
                        _ => Some(Verdict::Unknown),
                    };
                    prop_assert_eq!(
                        Some(verdict(&cluster)), expected,
                        "{:?} to {}, {} {}", pod, address, protocol, port
                    );
                }
            }
        }
        for (source, destination, family) in pairs(&cluster) {
            for protocol in Protocol::ALL {
                for &port in &boundary_ports(&cluster) {
                    let verdict = |cluster: &Cluster| {
                        let pair = (source, destination);
                        evaluate_pods(cluster, pair, family, protocol, port).map(|e| e.verdict)
                    };
                    let each: BTreeSet<_> = meanings.iter().map(&verdict).collect();
                    let expected = match each.len() {
                        1 => each.first().copied().flatten(),
                        _ => Some(Verdict::Unknown),
                    };
                    prop_assert_eq!(
                        verdict(&cluster), expected,
                        "{:?} to {:?}, {:?}, {} {}", source, destination, family, protocol, port
                    );
                }
            }
        }
    }

    #[test]
    fn profiles_have_the_policies_that_select(cluster in cluster()) {
        let reach = Reach::new(&cluster);
        for (id, pod) in cluster.pods_with_ids() {
            let group = reach.group_of(id).unwrap();
            for direction in Direction::ALL {
                let table = reach.table(reach.profile(group, direction), direction);
                let selecting = cluster.policies_with_ids().filter(|(_, policy)| {
                    policy.rules(direction).is_some() && selects(&cluster, &policy.subject, pod)
                });
                let selecting: Vec<PolicyId> = selecting.map(|(policy, _)| policy).collect();
                prop_assert_eq!(table.has_policies(), !selecting.is_empty());
                let mut isolating = selecting.iter().filter_map(|id| cluster.policy(*id));
                let isolates = isolating.any(|policy| policy.tier == Tier::NetworkPolicy);
                prop_assert_eq!(table.is_isolated(), isolates);
                prop_assert_eq!(&table.policies, &selecting, "{:?} of {:?}", direction, id);
            }
        }
    }

    #[test]
    fn rows_agree_with_pairs(cluster in cluster()) {
        let reach = Reach::new(&cluster);
        for (source, destination, family) in pairs(&cluster) {
            if source != destination {
                let between = reach.between(source, destination, family).unwrap_or_default();
                let found = in_row(&reach, source, destination, family);
                prop_assert_eq!(
                    found, between, "{:?} to {:?}, {:?}", source, destination, family
                );
            }
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
                prop_assert!(!is_mentioned(&reach, &products, source, destination, family));
                continue;
            };
            let found = in_products(&reach, &products, source, destination, family);
            prop_assert_eq!(found, between, "{:?} to {:?}, {:?}", source, destination, family);
        }
    }

    #[test]
    fn products_agree_with_addresses_outside(cluster in cluster()) {
        let reach = Reach::new(&cluster);
        let products = products(&reach);
        for address in boundary_addresses(&cluster) {
            for (pod, _) in cluster.pods_with_ids() {
                for direction in Direction::ALL {
                    let found = in_products_outside(&reach, &products, pod, direction, address);
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

proptest! {
    #![proptest_config(config())]

    #[test]
    fn z3_agrees_with_reach_between_pods(cluster in small_settled_cluster()) {
        let reach = Reach::new(&cluster);
        let asker = proofs::Asker::new(&cluster, &[]);
        for pair in pairs(&cluster) {
            // A pod and itself are no pair to the solver (N25).
            if pair.0 != pair.1 {
                let agreed = proofs::existing_pair(&cluster, &reach, &asker, pair);
                prop_assert_eq!(agreed, Ok(()), "{:?}", pair);
            }
        }
        for (called, _) in cluster.pods_with_ids() {
            let others = cluster.pods_with_ids().map(|(id, _)| id).filter(|id| *id != called);
            let others: Vec<PodId> = others.collect();
            for family in Family::ALL {
                let agreed = proofs::existing_callers(&reach, &asker, (&others, called, family));
                prop_assert_eq!(agreed, Ok(()), "all to {:?}, {:?}", called, family);
            }
        }
    }

    #[test]
    fn z3_agrees_with_reach_on_addresses_outside(cluster in small_settled_cluster()) {
        let reach = Reach::new(&cluster);
        let asker = proofs::Asker::new(&cluster, &[]);
        for (_, addresses) in reach.externals() {
            for family in Family::ALL {
                let of_family = addresses.intersection(&family_addresses(family));
                let Some(first) = of_family.first() else { continue };
                for (pod, _) in cluster.pods_with_ids() {
                    for direction in Direction::ALL {
                        let traffic = reach.with_external(pod, direction, first);
                        let traffic = traffic.as_ref().map(|traffic| &traffic.allowed);
                        let of = (pod, direction);
                        let agreed =
                            proofs::outside(&asker, of, (&of_family, family), traffic);
                        prop_assert_eq!(agreed, Ok(()), "{:?} {:?}", of, of_family);
                    }
                }
            }
        }
    }

    #[test]
    fn z3_agrees_with_evaluate_on_possible_pods(
        cluster in small_settled_cluster(),
        source in generate::extra_pod(),
        destination in generate::extra_pod(),
        free in generate::namespace_labels(),
        pick in 0..1000usize,
    ) {
        let ports = boundary_ports(&cluster);
        for family in Family::ALL {
            let plans = (&source, &destination);
            let agreed = proofs::possible_pair(&cluster, plans, &free, &ports, family);
            prop_assert_eq!(agreed, Ok(()), "{:?}", family);
        }
        let outside = boundary_addresses(&cluster);
        for address in [outside.get(pick % outside.len()), outside.last()].into_iter().flatten() {
            let agreed = proofs::possible_outside(&cluster, &source, &ports, *address);
            prop_assert_eq!(agreed, Ok(()), "{:?}", address);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 4, ..config() })]

    #[test]
    fn comparisons_agree_with_evaluate(
        cluster in small_settled_cluster(),
        other in small_settled_cluster(),
        keep in 0..5usize,
        source in generate::extra_pod(),
        destination in generate::extra_pod(),
    ) {
        // Another cluster altogether, or this one with a policy less.
        let mut changed = cluster.clone();
        let n = changed.policies.len();
        match n {
            1.. if keep > 0 => {
                changed.policies.remove(keep % n);
            }
            _ => changed = other,
        }
        let ports = boundary_ports(&cluster);
        let plans = (&source, &destination);
        let agreed = proofs::comparison((&cluster, &changed), plans, &ports);
        prop_assert_eq!(agreed, Ok(()));
    }

    /// Two clusters are the same exactly if they are whatever names an address has.
    #[test]
    fn comparisons_hold_for_every_meaning_of_names(
        cluster in small_cluster(), other in small_cluster(), keep in 0..4usize, pick in 0..9usize,
    ) {
        let cluster = untied(&cluster).into_owned();
        let mut changed = cluster.clone();
        // Another name somewhere, or none at all, or another cluster.
        match keep {
            0 => changed = untied(&other).into_owned(),
            1 => with_names(&mut changed, |_, _| false),
            _ => rename(&mut changed, pick),
        }
        let compared = |clusters: [&Cluster; 2]| {
            compare(clusters, Comparison::Equivalent, Limits::default()).unwrap().0
        };
        let meanings = (0..1usize << NAMES.len()).filter(|names| {
            let has = |pattern: &str| has_name(*names, pattern);
            // What has a name has every pattern's that is about it.
            let within = |a: &str, b: &str| !domain_within(a, b) || !has(a) || has(b);
            NAMES.iter().all(|a| NAMES.iter().all(|b| within(a, b)))
        });
        let mut each = meanings.map(|names| {
            let [a, b] = [&cluster, &changed].map(|cluster| {
                let mut cluster = cluster.clone();
                with_names(&mut cluster, |pattern, known| {
                    known.unwrap_or_else(|| has_name(names, pattern))
                });
                cluster
            });
            compared([&a, &b])
        });
        let is_same = each.all(|compared| compared == Compared::Proved);
        prop_assert_eq!(compared([&cluster, &changed]) == Compared::Proved, is_same);
    }

    #[test]
    fn redundant_parts_can_be_removed_and_others_cannot(cluster in small_settled_cluster()) {
        prop_assert_eq!(proofs::redundancies(&cluster), Ok(()));
    }
}

/// Whether a set of names, as bits, has one.
fn has_name(names: usize, pattern: &str) -> bool {
    let position = NAMES.iter().position(|name| *name == pattern).unwrap();
    names >> position & 1 == 1
}

/// Gives the first peer that is a name another name.
fn rename(cluster: &mut Cluster, pick: usize) {
    let name = cluster.symbols.intern(NAMES[pick % NAMES.len()]);
    let rules = cluster
        .policies
        .iter_mut()
        .flat_map(|policy| &mut policy.egress);
    let peers = rules
        .flatten()
        .flat_map(|rule| rule.peers.iter_mut().flatten());
    for peer in peers {
        if let PeerKind::Domain { pattern, .. } = &mut peer.kind {
            *pattern = name;
            return;
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
) -> Verdict {
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
    evaluate(cluster, &flow).verdict
}
