//! The connectivity map: every workload to every workload, addresses outside, and the ingress
//! controller.

use super::ingress::{ControllerChoice, ingress_edges};
use crate::model::{
    AddressSet, Cluster, Direction, Family, PodId, TrafficSet, Verdict, WorkloadId,
};
use crate::reach::{End, GroupId, PairTraffic, Reach, Scope, products, row};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// One end of a connection in the map.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Peer {
    /// Pods of a workload.
    Workload(WorkloadId),
    /// Addresses outside the cluster.
    External(AddressSet),
    /// Whatever serves Ingresses.
    IngressController,
}

/// One row of the map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connection {
    /// Who opens connections.
    pub source: Peer,
    /// Who is called.
    pub destination: Peer,
    /// What some pod of the source may open to some pod of the destination.
    pub allowed: TrafficSet,
    /// What depends on the addresses that pods will get, or on the unknown controller.
    pub unknown: TrafficSet,
    /// The family it holds for, when the families differ.
    pub family: Option<Family>,
    /// Whether it holds for some pods of the two workloads only.
    pub partial: bool,
}

/// What of the map is wanted. Everything, by default.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only connections with an end in one of these namespaces.
    pub namespaces: Vec<String>,
    /// Only connections with an end at one of these workloads.
    pub workloads: Vec<WorkloadId>,
    /// Of the ends in these namespaces or workloads, only outgoing (egress) or incoming
    /// connections.
    pub direction: Option<Direction>,
    /// Only this traffic.
    pub traffic: Option<TrafficSet>,
    /// Only from the first to the second and back.
    pub between: Option<(Vec<WorkloadId>, Vec<WorkloadId>)>,
}

impl Filter {
    fn selects_end(&self, cluster: &Cluster, peer: &Peer) -> bool {
        let Peer::Workload(id) = peer else {
            return self.namespaces.is_empty() && self.workloads.is_empty();
        };
        let Some(workload) = cluster.workload(*id) else {
            return false;
        };
        let namespace = cluster.namespace_name(workload.namespace);
        (self.namespaces.is_empty() || self.namespaces.iter().any(|n| n == namespace))
            && (self.workloads.is_empty() || self.workloads.contains(id))
    }

    /// Whether a connection between two ends is wanted, whatever its traffic.
    pub fn selects(&self, cluster: &Cluster, source: &Peer, destination: &Peer) -> bool {
        if let Some((a, b)) = &self.between {
            let is = |peer: &Peer, side: &[WorkloadId]| matches!(peer, Peer::Workload(id) if side.contains(id));
            let there = is(source, a) && is(destination, b);
            let back = is(source, b) && is(destination, a);
            if !there && !back {
                return false;
            }
        }
        let out = self.selects_end(cluster, source);
        let into = self.selects_end(cluster, destination);
        match self.direction {
            None => out || into,
            Some(Direction::Egress) => out,
            Some(Direction::Ingress) => into,
        }
    }

    fn apply(&self, traffic: &TrafficSet) -> TrafficSet {
        match &self.traffic {
            Some(wanted) => traffic.intersection(wanted),
            None => traffic.clone(),
        }
    }

    fn cut(&self, mut connection: Connection) -> Option<Connection> {
        connection.allowed = self.apply(&connection.allowed);
        connection.unknown = self.apply(&connection.unknown);
        (!connection.allowed.is_none() || !connection.unknown.is_none()).then_some(connection)
    }
}

/// What a list is made from.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its relation.
    pub reach: &'a Reach,
    /// What of it is wanted.
    pub filter: &'a Filter,
    /// The ingress controller, when the user names it.
    pub controller: Option<&'a ControllerChoice>,
}

/// How many source workloads are computed at a time: enough to keep every core busy, few
/// enough that the rows of a large cluster are never all in memory.
const CHUNK: usize = 64;

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
    let groups_of = groups_of_workloads(question);
    for chunk in workloads.chunks(CHUNK) {
        let rows: Vec<Vec<Connection>> = chunk
            .par_iter()
            .map(|&source| connections_of(question, &groups_of, source))
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

/// The distinct groups of each workload's pods, by workload.
fn groups_of_workloads(question: &Question<'_>) -> Vec<Vec<GroupId>> {
    let mut groups = vec![BTreeSet::new(); question.cluster.workloads.len()];
    for (id, pod) in question.cluster.pods_with_ids() {
        let slot = usize::try_from(pod.workload.0)
            .ok()
            .and_then(|index| groups.get_mut(index));
        if let (Some(slot), Some(group)) = (slot, question.reach.group_of(id)) {
            slot.insert(group);
        }
    }
    groups
        .into_iter()
        .map(|set| set.into_iter().collect())
        .collect()
}

/// What the pods of one workload have to do with another's, over all combinations.
#[derive(Clone, Default)]
struct Combined {
    /// In one family: allowed for some, allowed for all so far, unknown for some, pairs seen.
    families: [Option<(TrafficSet, TrafficSet, TrafficSet, usize)>; 2],
}

impl Combined {
    fn add(&mut self, family: Family, pair: &PairTraffic) {
        let Some(slot) = self.families.get_mut(usize::from(family == Family::V6)) else {
            return;
        };
        *slot = Some(match slot.take() {
            None => (
                pair.allowed.clone(),
                pair.allowed.clone(),
                pair.unknown.clone(),
                1,
            ),
            Some((some, all, unknown, n_pairs)) => (
                some.union(&pair.allowed),
                all.intersection(&pair.allowed),
                unknown.union(&pair.unknown),
                n_pairs.saturating_add(1),
            ),
        });
    }
}

fn groups_in<'a>(groups_of: &'a [Vec<GroupId>], workload: WorkloadId) -> &'a [GroupId] {
    let index = usize::try_from(workload.0).unwrap_or(usize::MAX);
    groups_of.get(index).map_or(&[], Vec::as_slice)
}

fn connections_of(
    question: &Question<'_>,
    groups_of: &[Vec<GroupId>],
    source: WorkloadId,
) -> Vec<Connection> {
    let from = Peer::Workload(source);
    let mut found = Vec::new();
    for (destination, combined) in pod_connections(question, groups_of, source) {
        let to = Peer::Workload(destination);
        if destination == source || !question.filter.selects(question.cluster, &from, &to) {
            continue;
        }
        let n_pairs = groups_in(groups_of, source).len() * groups_in(groups_of, destination).len();
        found.extend(
            split_families(&combined, n_pairs)
                .into_iter()
                .map(|(family, allowed, unknown, partial)| Connection {
                    source: from.clone(),
                    destination: to.clone(),
                    allowed,
                    unknown,
                    family,
                    partial,
                })
                .filter_map(|connection| question.filter.cut(connection)),
        );
    }
    for direction in Direction::ALL {
        found.extend(external_connections(question, groups_of, source, direction));
    }
    found
}

fn pod_connections(
    question: &Question<'_>,
    groups_of: &[Vec<GroupId>],
    source: WorkloadId,
) -> BTreeMap<WorkloadId, Combined> {
    let families = if question.reach.families_differ() {
        Family::ALL.to_vec()
    } else if question.reach.groups_in(Family::V4).is_empty() {
        vec![Family::V6]
    } else {
        vec![Family::V4]
    };
    let mut found: BTreeMap<WorkloadId, Combined> = BTreeMap::new();
    for &group in groups_in(groups_of, source) {
        for &family in &families {
            for (destination, pair) in row(question.reach, group, family) {
                let workloads: BTreeSet<WorkloadId> = question
                    .reach
                    .pods_of(destination)
                    .iter()
                    .filter_map(|&pod: &PodId| question.cluster.pod(pod))
                    .map(|pod| pod.workload)
                    .collect();
                for workload in workloads {
                    found.entry(workload).or_default().add(family, &pair);
                }
            }
        }
    }
    found
}

type FamilyTraffic = (Option<Family>, TrafficSet, TrafficSet, bool);

/// One row when the families agree or only one is there, else one for each.
fn split_families(combined: &Combined, n_pairs: usize) -> Vec<FamilyTraffic> {
    let rows: Vec<FamilyTraffic> = Family::ALL
        .into_iter()
        .zip(&combined.families)
        .filter_map(|(family, seen)| {
            let (some, all, unknown, n_seen) = seen.clone()?;
            let partial = some != all || n_seen < n_pairs;
            Some((Some(family), some, unknown, partial))
        })
        .collect();
    match rows.as_slice() {
        [(_, allowed, unknown, partial)] => {
            vec![(None, allowed.clone(), unknown.clone(), *partial)]
        }
        [a, b] if (&a.1, &a.2, a.3) == (&b.1, &b.2, b.3) => {
            vec![(None, a.1.clone(), a.2.clone(), a.3)]
        }
        _ => rows,
    }
}

/// The addresses outside that a workload's pods call (egress) or are called from (ingress),
/// one row for each distinct traffic.
fn external_connections(
    question: &Question<'_>,
    groups_of: &[Vec<GroupId>],
    workload: WorkloadId,
    direction: Direction,
) -> Vec<Connection> {
    let groups = groups_in(groups_of, workload);
    let reach = question.reach;
    // Which addresses have which traffic, for some group and for all groups.
    let mut pieces: BTreeMap<AddressSet, Vec<TrafficSet>> = BTreeMap::new();
    for (element, addresses) in reach.externals() {
        let Some(family) = addresses.first().map(Family::of) else {
            continue;
        };
        let present = groups
            .iter()
            .filter(|&&group| reach.groups_in(family).contains(group.0));
        let each = present.map(|&group| {
            reach
                .table(reach.profile(group, direction), direction)
                .traffic_of(element)
        });
        pieces.insert(addresses.clone(), each.collect());
    }
    let mut by_traffic: BTreeMap<(TrafficSet, bool), AddressSet> = BTreeMap::new();
    for (addresses, each) in pieces {
        let some = each
            .iter()
            .fold(TrafficSet::none(), |set, traffic| set.union(traffic));
        let partial = each.len() < groups.len() || each.iter().any(|traffic| *traffic != some);
        if !some.is_none() {
            let set = by_traffic.entry((some, partial)).or_default();
            *set = set.union(&addresses);
        }
    }
    let here = Peer::Workload(workload);
    by_traffic
        .into_iter()
        .filter_map(|((allowed, partial), addresses)| {
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
                allowed,
                unknown: TrafficSet::none(),
                family: None,
                // A pod of one family only is not partial: the other family is not its own.
                partial: partial && groups.len() > 1,
            })
        })
        .filter_map(|connection| question.filter.cut(connection))
        .collect()
}

fn ingress_connections(question: &Question<'_>) -> Vec<Connection> {
    let mut by_workload: BTreeMap<WorkloadId, (TrafficSet, TrafficSet)> = BTreeMap::new();
    for edge in ingress_edges(question.cluster, question.controller) {
        let (allowed, unknown) = by_workload.entry(edge.workload).or_default();
        let traffic = TrafficSet::ports(edge.protocol, edge.port, edge.port);
        match edge.verdict {
            Verdict::Allowed => *allowed = allowed.union(&traffic),
            Verdict::Unknown => *unknown = unknown.union(&traffic),
            Verdict::Denied => {}
        }
    }
    by_workload
        .into_iter()
        .map(|(workload, (allowed, unknown))| Connection {
            source: Peer::IngressController,
            destination: Peer::Workload(workload),
            unknown: unknown.difference(&allowed),
            allowed,
            family: None,
            partial: false,
        })
        .filter(|c| {
            question
                .filter
                .selects(question.cluster, &c.source, &c.destination)
        })
        .filter_map(|connection| question.filter.cut(connection))
        .collect()
}

/// A set of workloads, some of which may be there with a few of their pods only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct WorkloadSet {
    /// The workloads, and of each the pods that are meant when not all are.
    pub members: BTreeMap<WorkloadId, Vec<PodId>>,
}

/// One end of a grouped connection.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum GroupedPeer {
    /// These workloads.
    Workloads(WorkloadSet),
    /// Addresses outside the cluster.
    External(AddressSet),
    /// Whatever serves Ingresses.
    IngressController,
}

/// Every source reaches every destination on all of the traffic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupedConnection {
    /// Who opens connections.
    pub sources: GroupedPeer,
    /// Who is called.
    pub destinations: GroupedPeer,
    /// On what.
    pub traffic: TrafficSet,
    /// In which family, when not in both.
    pub family: Option<Family>,
    /// Allowed, or unknown.
    pub verdict: Verdict,
}

/// The map in factored form: as large as the policies are different, not as the cluster is
/// large.
pub fn grouped(question: &Question<'_>) -> Vec<GroupedConnection> {
    let all = products(question.reach);
    let mut found = Vec::new();
    for (verdict, products) in [
        (Verdict::Allowed, &all.allowed),
        (Verdict::Unknown, &all.unknown),
    ] {
        for product in products {
            let sources = grouped_peer(question, &product.sources);
            let destinations = grouped_peer(question, &product.destinations);
            found.push(GroupedConnection {
                sources,
                destinations,
                traffic: question.filter.apply(&product.traffic),
                family: match product.scope {
                    Scope::AnyFamily => None,
                    Scope::Only(family) => Some(family),
                },
                verdict,
            });
        }
    }
    for connection in ingress_connections(question) {
        for (verdict, traffic) in [
            (Verdict::Allowed, &connection.allowed),
            (Verdict::Unknown, &connection.unknown),
        ] {
            if let (Peer::Workload(id), false) = (&connection.destination, traffic.is_none()) {
                found.push(GroupedConnection {
                    sources: GroupedPeer::IngressController,
                    destinations: GroupedPeer::Workloads(WorkloadSet {
                        members: BTreeMap::from([(*id, Vec::new())]),
                    }),
                    traffic: traffic.clone(),
                    family: None,
                    verdict,
                });
            }
        }
    }
    found
        .into_iter()
        .flat_map(|connection| narrow(question, connection))
        .filter(|connection| !connection.traffic.is_none() && !is_only_self(connection))
        .collect()
}

fn grouped_peer(question: &Question<'_>, end: &End) -> GroupedPeer {
    let groups = match end {
        End::External(addresses) => return GroupedPeer::External(addresses.clone()),
        End::Groups(_) => end.groups(),
    };
    let mut members: BTreeMap<WorkloadId, Vec<PodId>> = BTreeMap::new();
    for &pod in groups.flat_map(|group| question.reach.pods_of(group)) {
        if let Some(workload) = question.cluster.pod(pod).map(|pod| pod.workload) {
            members.entry(workload).or_default().push(pod);
        }
    }
    for (&workload, pods) in &mut members {
        if question.cluster.pods_of(workload).count() == pods.len() {
            pods.clear();
        } else {
            pods.sort_unstable();
        }
    }
    GroupedPeer::Workloads(WorkloadSet { members })
}

/// A workload's pods among themselves are no row of the map.
fn is_only_self(connection: &GroupedConnection) -> bool {
    match (&connection.sources, &connection.destinations) {
        (GroupedPeer::Workloads(a), GroupedPeer::Workloads(b)) => {
            a.members.len() == 1 && a.members.keys().eq(b.members.keys())
        }
        _ => false,
    }
}

/// What the filter leaves of a grouped connection: up to two products, one for the ends that
/// the filter selects as sources and one for those it selects as destinations.
fn narrow(question: &Question<'_>, connection: GroupedConnection) -> Vec<GroupedConnection> {
    let filter = question.filter;
    let cut = |peer: &GroupedPeer, keep: &dyn Fn(&Peer) -> bool| -> Option<GroupedPeer> {
        match peer {
            GroupedPeer::Workloads(set) => {
                let mut members = set.members.clone();
                members.retain(|&id, _| keep(&Peer::Workload(id)));
                (!members.is_empty()).then_some(GroupedPeer::Workloads(WorkloadSet { members }))
            }
            GroupedPeer::External(addresses) => {
                keep(&Peer::External(addresses.clone())).then(|| peer.clone())
            }
            GroupedPeer::IngressController => keep(&Peer::IngressController).then(|| peer.clone()),
        }
    };
    let with = |sources: Option<GroupedPeer>, destinations: Option<GroupedPeer>| {
        Some(GroupedConnection {
            sources: sources?,
            destinations: destinations?,
            ..connection.clone()
        })
    };
    if let Some((a, b)) = &filter.between {
        let among = |side: &[WorkloadId]| {
            let side = side.to_vec();
            move |peer: &Peer| matches!(peer, Peer::Workload(id) if side.contains(id))
        };
        let there = with(
            cut(&connection.sources, &among(a)),
            cut(&connection.destinations, &among(b)),
        );
        let back = with(
            cut(&connection.sources, &among(b)),
            cut(&connection.destinations, &among(a)),
        );
        return there.into_iter().chain(back).collect();
    }
    if filter.namespaces.is_empty() && filter.workloads.is_empty() {
        return vec![connection];
    }
    let selected = |peer: &Peer| filter.selects_end(question.cluster, peer);
    let others = |peer: &Peer| !selected(peer);
    let out = with(
        cut(&connection.sources, &selected),
        Some(connection.destinations.clone()),
    );
    let into = with(
        Some(connection.sources.clone()),
        cut(&connection.destinations, &selected),
    );
    // Without a direction, what comes in from ends already shown going out is left out.
    let into_from_others = with(
        cut(&connection.sources, &others),
        cut(&connection.destinations, &selected),
    );
    match filter.direction {
        Some(Direction::Egress) => out.into_iter().collect(),
        Some(Direction::Ingress) => into.into_iter().collect(),
        None => out.into_iter().chain(into_from_others).collect(),
    }
}
