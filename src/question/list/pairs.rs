//! The map as pairs: streamed, a chunk of source workloads at a time.

use super::outside::{Outside, Traffic, external_connections, outside_of_profiles};
use super::{Connection, Peer, Question, ingress_connections};
use crate::model::{AddressSet, Direction, Family, TrafficSet, WorkloadId};
use crate::reach::{GroupId, PairTraffic, ProfileId, Reach, row};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// How many rows to have in memory at most, as a rule: source workloads are computed in chunks.
const ROWS_IN_MEMORY: usize = 1 << 18;

/// Hands out every connection in order: by source workload, then destination; then what the
/// ingress controller opens. The rows of the map are never all in memory.
pub fn for_each_connection<E>(
    question: &Question<'_>,
    mut handle: impl FnMut(Connection) -> Result<(), E>,
) -> Result<(), E> {
    let workloads: Vec<WorkloadId> = question
        .cluster
        .workloads_with_ids()
        .map(|(id, _)| id)
        .collect();
    let members = Members::new(question);
    let chunk = ROWS_IN_MEMORY / workloads.len().max(1);
    for chunk in workloads.chunks(chunk.max(rayon::current_num_threads())) {
        let rows: Vec<Vec<Connection>> = chunk
            .par_iter()
            .map(|&source| connections_of(question, &members, source))
            .collect();
        for connection in rows.into_iter().flatten() {
            handle(connection)?;
        }
    }
    for connection in ingress_connections(question) {
        handle(connection)?;
    }
    Ok(())
}

/// Which groups a workload's pods are of, and the other way round.
pub(super) struct Members<'a> {
    pub(super) reach: &'a Reach,
    /// The distinct groups of each workload, by workload, in order.
    groups: Vec<Vec<GroupId>>,
    /// The distinct workloads of each group, by group.
    workloads: Vec<Vec<WorkloadId>>,
    /// The families in which pairs of pods are looked at.
    families: Vec<Family>,
    /// What the profiles say of addresses outside, egress first.
    outside: [Vec<Outside>; 2],
}

impl<'a> Members<'a> {
    fn new(question: &Question<'a>) -> Members<'a> {
        let reach = question.reach;
        let mut groups = vec![BTreeSet::new(); question.cluster.workloads.len()];
        for (id, pod) in question.cluster.pods_with_ids() {
            let slot = groups.get_mut(to_index(pod.workload.0));
            if let (Some(slot), Some(group)) = (slot, reach.group_of(id)) {
                slot.insert(group);
            }
        }
        let mut members = Members {
            reach,
            groups: Vec::with_capacity(groups.len()),
            workloads: vec![Vec::new(); reach.n_groups()],
            families: if reach.families_differ() {
                Family::ALL.to_vec()
            } else if reach.groups_in(Family::V4).is_empty() {
                vec![Family::V6]
            } else {
                vec![Family::V4]
            },
            outside: Direction::ALL.map(|direction| outside_of_profiles(question, direction)),
        };
        for (workload, groups) in (0u32..).map(WorkloadId).zip(groups) {
            for group in &groups {
                if let Some(workloads) = members.workloads.get_mut(to_index(group.0)) {
                    workloads.push(workload);
                }
            }
            members.groups.push(groups.into_iter().collect());
        }
        members
    }

    pub(super) fn groups_of(&self, workload: WorkloadId) -> &[GroupId] {
        self.groups
            .get(to_index(workload.0))
            .map_or(&[], Vec::as_slice)
    }

    fn workloads_of(&self, group: GroupId) -> &[WorkloadId] {
        self.workloads
            .get(to_index(group.0))
            .map_or(&[], Vec::as_slice)
    }

    /// What a profile says of addresses outside.
    pub(super) fn outside(
        &self,
        profile: ProfileId,
        direction: Direction,
    ) -> Vec<(AddressSet, Traffic)> {
        let [egress, ingress] = &self.outside;
        let all = match direction {
            Direction::Egress => egress,
            Direction::Ingress => ingress,
        };
        let found = all.get(to_index(profile.0)).into_iter().flatten();
        found
            .map(|(traffic, set)| (set.clone(), traffic.clone()))
            .collect()
    }

    pub(super) fn is_in(&self, group: GroupId, family: Family) -> bool {
        self.reach.groups_in(family).contains(group.0)
    }

    /// Whether some pods of the two workloads could use the family, where it is looked at.
    fn can_meet(&self, a: WorkloadId, b: WorkloadId, family: Family) -> bool {
        let is_in = |workload| {
            let mut groups = self.groups_of(workload).iter();
            groups.any(|&group| self.is_in(group, family))
        };
        self.families.contains(&family) && is_in(a) && is_in(b)
    }
}

/// Indexes are `u32` throughout; a `usize` is never smaller on a supported target.
fn to_index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

fn connections_of(
    question: &Question<'_>,
    members: &Members<'_>,
    source: WorkloadId,
) -> Vec<Connection> {
    let from = Peer::Workload(source);
    let mut found = Vec::new();
    let met = pods_met(question, members, source);
    let mut shared = Shared::default();
    for met in met.chunk_by(|a, b| a.0 == b.0) {
        let Some(&(destination, _, _)) = met.first() else {
            continue;
        };
        let to = Peer::Workload(destination);
        if destination == source || !question.filter.selects(question.cluster, &from, &to) {
            continue;
        }
        for (family, combined) in by_family(members, source, destination, met, &mut shared) {
            found.push(Connection {
                source: from.clone(),
                destination: to.clone(),
                allowed: combined.allowed,
                unknown: combined.unknown,
                family,
                partial: combined.partial,
            });
        }
    }
    for direction in Direction::ALL {
        found.extend(external_connections(question, members, source, direction));
    }
    found
}

/// Something that pods of a workload may open to pods of another.
type Met = (WorkloadId, Family, Arc<PairTraffic>);

/// All that the pods of a workload reach, as far as the filter wants that traffic; one entry
/// for each pair of groups, sorted by workload and family.
fn pods_met(question: &Question<'_>, members: &Members<'_>, source: WorkloadId) -> Vec<Met> {
    let mut met: Vec<Met> = Vec::new();
    for &group in members.groups_of(source) {
        for &family in &members.families {
            for (destination, pair) in row(question.reach, group, family) {
                let pair = match &question.filter.traffic {
                    None => pair,
                    Some(wanted) => Arc::new(PairTraffic {
                        allowed: pair.allowed.intersection(wanted),
                        unknown: pair.unknown.intersection(wanted),
                    }),
                };
                if !pair.is_none() {
                    let workloads = members.workloads_of(destination).iter();
                    met.extend(workloads.map(|&workload| (workload, family, Arc::clone(&pair))));
                }
            }
        }
    }
    met.sort_by_key(|&(workload, family, _)| (workload, family));
    met
}

/// What the pods of two workloads have to do with each other, over all combinations.
#[derive(PartialEq, Eq)]
struct Combined {
    allowed: Arc<TrafficSet>,
    unknown: Arc<TrafficSet>,
    partial: bool,
}

/// The two sets of each traffic that many destinations have in common, by its address.
type Shared = HashMap<*const PairTraffic, (Arc<TrafficSet>, Arc<TrafficSet>)>;

/// One row when the families agree or the pods have only one in common, else one for each.
fn by_family(
    members: &Members<'_>,
    source: WorkloadId,
    destination: WorkloadId,
    met: &[Met],
    shared: &mut Shared,
) -> Vec<(Option<Family>, Combined)> {
    let n_pairs = members.groups_of(source).len() * members.groups_of(destination).len();
    let mut rows: Vec<(Option<Family>, Combined)> = met
        .chunk_by(|a, b| a.1 == b.1)
        .filter_map(|pairs| Some((Some(pairs.first()?.1), combine(pairs, n_pairs, shared)?)))
        .collect();
    let can_meet = |family| members.can_meet(source, destination, family);
    let alike = match rows.as_slice() {
        [_] => !Family::ALL.into_iter().all(can_meet),
        [(_, a), (_, b)] => a == b,
        _ => false,
    };
    if alike {
        rows.truncate(1);
        for (family, _) in &mut rows {
            *family = None;
        }
    }
    rows
}

fn combine(pairs: &[Met], n_pairs: usize, shared: &mut Shared) -> Option<Combined> {
    let (_, _, first) = pairs.first()?;
    if pairs.iter().all(|(_, _, pair)| pair == first) {
        let sets = shared.entry(Arc::as_ptr(first)).or_insert_with(|| {
            let sets = (first.allowed.clone(), first.unknown.clone());
            (Arc::new(sets.0), Arc::new(sets.1))
        });
        return Some(Combined {
            allowed: Arc::clone(&sets.0),
            unknown: Arc::clone(&sets.1),
            partial: pairs.len() < n_pairs,
        });
    }
    let (mut allowed, mut unknown) = (TrafficSet::none(), TrafficSet::none());
    for (_, _, pair) in pairs {
        allowed = allowed.union(&pair.allowed);
        unknown = unknown.union(&pair.unknown);
    }
    Some(Combined {
        unknown: Arc::new(unknown.difference(&allowed)),
        allowed: Arc::new(allowed),
        partial: true,
    })
}
