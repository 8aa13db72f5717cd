//! What pods and addresses outside the cluster let each other: the pods' side decides alone (N4).

use super::pairs::Members;
use super::{Connection, Peer, Question};
use crate::model::{AddressSet, Direction, Family, RangeSet, TrafficSet, WorkloadId};
use crate::reach::{ProfileId, Table};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Addresses outside with the traffic that pods of a profile have with them: disjoint sets of
/// addresses, with distinct traffic, some of which is allowed or may be.
pub(super) type Outside = BTreeMap<Traffic, AddressSet>;

/// Traffic that is allowed, and traffic that may be too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Traffic {
    allowed: TrafficSet,
    may: TrafficSet,
}

impl Traffic {
    fn none() -> Traffic {
        Traffic {
            allowed: TrafficSet::none(),
            may: TrafficSet::none(),
        }
    }

    fn union(&self, other: &Traffic) -> Traffic {
        Traffic {
            allowed: self.allowed.union(&other.allowed),
            may: self.may.union(&other.may),
        }
    }

    fn intersection(&self, other: &Traffic) -> Traffic {
        Traffic {
            allowed: self.allowed.intersection(&other.allowed),
            may: self.may.intersection(&other.may),
        }
    }
}

/// What every profile of a direction says of addresses outside, by profile.
pub(super) fn outside_of_profiles(question: &Question<'_>, direction: Direction) -> Vec<Outside> {
    let tables: Vec<&Table> = question
        .reach
        .profiles_of(direction)
        .map(|(table, _)| table)
        .collect();
    tables
        .par_iter()
        .map(|table| outside_of_table(question, table))
        .collect()
}

fn outside_of_table(question: &Question<'_>, table: &Table) -> Outside {
    let mut found = Outside::new();
    for entry in &table.entries {
        let traffic = question.filter.apply(&entry.traffic);
        if traffic.is_none() {
            continue;
        }
        let unsure = Traffic {
            allowed: TrafficSet::none(),
            may: traffic.clone(),
        };
        let sure = Traffic {
            allowed: traffic,
            ..unsure.clone()
        };
        for (peers, own) in [(&entry.peers, sure), (&entry.unsure, unsure)] {
            let addresses = question.reach.external_addresses(peers);
            let mut left = addresses.clone();
            let mut next = Outside::new();
            for (known, set) in found {
                left = left.difference(&set);
                insert(&mut next, known.union(&own), set.intersection(&addresses));
                insert(&mut next, known, set.difference(&addresses));
            }
            insert(&mut next, own, left);
            found = next;
        }
    }
    found
}

fn insert(outside: &mut Outside, traffic: Traffic, addresses: AddressSet) {
    if !addresses.is_empty() {
        let set = outside.entry(traffic).or_default();
        *set = set.union(&addresses);
    }
}

/// The addresses outside that a workload's pods call (egress) or are called from (ingress),
/// one row for each distinct traffic.
pub(super) fn external_connections(
    question: &Question<'_>,
    members: &Members<'_>,
    workload: WorkloadId,
    direction: Direction,
) -> Vec<Connection> {
    let here = Peer::Workload(workload);
    outside_of_workload(members, workload, direction)
        .into_iter()
        .filter_map(|((traffic, partial), addresses)| {
            let outside = Peer::External(addresses);
            let (source, destination) = match direction {
                Direction::Egress => (here.clone(), outside),
                Direction::Ingress => (outside, here.clone()),
            };
            let wanted = question
                .filter
                .selects(question.cluster, &source, &destination);
            wanted.then_some(Connection {
                source,
                destination,
                unknown: Arc::new(traffic.may.difference(&traffic.allowed)),
                allowed: Arc::new(traffic.allowed),
                family: None,
                partial,
            })
        })
        .collect()
}

/// Addresses outside by the traffic that some pods of a workload have with them, and whether
/// other pods have less.
fn outside_of_workload(
    members: &Members<'_>,
    workload: WorkloadId,
    direction: Direction,
) -> BTreeMap<(Traffic, bool), AddressSet> {
    let groups = members.groups_of(workload);
    // Groups that look alike from outside count once.
    let distinct: BTreeSet<(ProfileId, [bool; 2])> = groups
        .iter()
        .map(|&group| {
            let present = Family::ALL.map(|family| members.is_in(group, family));
            (members.reach.profile(group, direction), present)
        })
        .collect();
    // What some have, and what all have so far.
    let mut pieces: Vec<(AddressSet, Traffic, Traffic)> = Vec::new();
    for (index, (profile, present)) in distinct.into_iter().enumerate() {
        let mut own = members.outside(profile, direction);
        let mut silent = AddressSet::full();
        for (set, _) in &mut own {
            *set = only_present(set, present);
            silent = silent.difference(set);
        }
        own.push((silent, Traffic::none()));
        if index == 0 {
            pieces = own
                .into_iter()
                .map(|(set, traffic)| (set, traffic.clone(), traffic))
                .collect();
            continue;
        }
        let mut next = Vec::new();
        for (set, some, all) in &pieces {
            for (own, traffic) in &own {
                let both = set.intersection(own);
                if !both.is_empty() {
                    next.push((both, some.union(traffic), all.intersection(traffic)));
                }
            }
        }
        pieces = next;
    }
    let mut by_traffic: BTreeMap<(Traffic, bool), AddressSet> = BTreeMap::new();
    for (set, some, all) in pieces {
        if !some.may.is_none() && !set.is_empty() {
            let partial = some != all;
            let into = by_traffic.entry((some, partial)).or_default();
            *into = into.union(&set);
        }
    }
    by_traffic
}

fn only_present(set: &AddressSet, [v4, v6]: [bool; 2]) -> AddressSet {
    let mut set = set.clone();
    if !v4 {
        set.v4 = RangeSet::empty();
    }
    if !v6 {
        set.v6 = RangeSet::empty();
    }
    set
}
