//! The connectivity map: every workload to every workload, addresses outside, and the ingress
//! controller.

use super::ingress::{ControllerChoice, ingress_edges};
use crate::model::{
    AddressSet, Cluster, Direction, Family, PodId, TrafficSet, Verdict, WorkloadId,
};
use crate::reach::{End, GroupId, PairTraffic, Reach, Scope, products, row};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
struct Members<'a> {
    reach: &'a Reach,
    /// The distinct groups of each workload, by workload, in order.
    groups: Vec<Vec<GroupId>>,
    /// The distinct workloads of each group, by group.
    workloads: Vec<Vec<WorkloadId>>,
    /// The families in which pairs of pods are looked at.
    families: Vec<Family>,
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

    fn groups_of(&self, workload: WorkloadId) -> &[GroupId] {
        self.groups
            .get(to_index(workload.0))
            .map_or(&[], Vec::as_slice)
    }

    fn workloads_of(&self, group: GroupId) -> &[WorkloadId] {
        self.workloads
            .get(to_index(group.0))
            .map_or(&[], Vec::as_slice)
    }

    fn is_in(&self, group: GroupId, family: Family) -> bool {
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
    for met in met.chunk_by(|a, b| a.0 == b.0) {
        let Some(&(destination, _, _)) = met.first() else {
            continue;
        };
        let to = Peer::Workload(destination);
        if destination == source || !question.filter.selects(question.cluster, &from, &to) {
            continue;
        }
        for (family, combined) in by_family(members, source, destination, met) {
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
    allowed: TrafficSet,
    unknown: TrafficSet,
    partial: bool,
}

/// One row when the families agree or the pods have only one in common, else one for each.
fn by_family(
    members: &Members<'_>,
    source: WorkloadId,
    destination: WorkloadId,
    met: &[Met],
) -> Vec<(Option<Family>, Combined)> {
    let n_pairs = members.groups_of(source).len() * members.groups_of(destination).len();
    let mut rows: Vec<(Option<Family>, Combined)> = met
        .chunk_by(|a, b| a.1 == b.1)
        .filter_map(|pairs| Some((Some(pairs.first()?.1), combine(pairs, n_pairs)?)))
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

fn combine(pairs: &[Met], n_pairs: usize) -> Option<Combined> {
    let (_, _, first) = pairs.first()?;
    let mut combined = Combined {
        allowed: first.allowed.clone(),
        unknown: first.unknown.clone(),
        partial: pairs.len() < n_pairs,
    };
    for (_, _, pair) in pairs {
        if pair != first {
            combined.allowed = combined.allowed.union(&pair.allowed);
            combined.unknown = combined.unknown.union(&pair.unknown);
            combined.partial = true;
        }
    }
    if combined.partial {
        combined.unknown = combined.unknown.difference(&combined.allowed);
    }
    Some(combined)
}

/// The addresses outside that a workload's pods call (egress) or are called from (ingress),
/// one row for each distinct traffic.
fn external_connections(
    question: &Question<'_>,
    members: &Members<'_>,
    workload: WorkloadId,
    direction: Direction,
) -> Vec<Connection> {
    let groups = members.groups_of(workload);
    let reach = question.reach;
    // Which addresses have which traffic, for some group and for all groups.
    let mut pieces: BTreeMap<AddressSet, Vec<TrafficSet>> = BTreeMap::new();
    for (element, addresses) in reach.externals() {
        let Some(family) = addresses.first().map(Family::of) else {
            continue;
        };
        let present = groups.iter().filter(|&&group| members.is_in(group, family));
        let each = present.map(|&group| {
            let table = reach.table(reach.profile(group, direction), direction);
            question.filter.apply(&table.traffic_of(element))
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
                partial,
            })
        })
        .collect()
}

fn ingress_connections(question: &Question<'_>) -> Vec<Connection> {
    let mut by_workload: BTreeMap<WorkloadId, (TrafficSet, TrafficSet)> = BTreeMap::new();
    for edge in ingress_edges(question.cluster, question.reach, question.controller) {
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

/// What the filter leaves of a grouped connection, as few products: each pair of ends that
/// [`Filter::selects`] is in one of them.
fn narrow(question: &Question<'_>, connection: GroupedConnection) -> Vec<GroupedConnection> {
    let filter = question.filter;
    let between = match &filter.between {
        None => vec![connection],
        Some((a, b)) => {
            let is_in = |side: &[WorkloadId]| {
                let side: BTreeSet<WorkloadId> = side.iter().copied().collect();
                move |peer: &Peer| matches!(peer, Peer::Workload(id) if side.contains(id))
            };
            let there = cut(&connection, &is_in(a), &is_in(b));
            let back = cut(&connection, &is_in(b), &is_in(a));
            there.into_iter().chain(back).collect()
        }
    };
    if filter.namespaces.is_empty() && filter.workloads.is_empty() {
        return between;
    }
    let all = |_: &Peer| true;
    let selected = |peer: &Peer| filter.selects_end(question.cluster, peer);
    let others = |peer: &Peer| !selected(peer);
    let narrowed = between.iter().flat_map(|connection| {
        let (out, into) = match filter.direction {
            Some(Direction::Egress) => (cut(connection, &selected, &all), None),
            Some(Direction::Ingress) => (None, cut(connection, &all, &selected)),
            // What comes in from ends that are already shown going out is left out.
            None => (
                cut(connection, &selected, &all),
                cut(connection, &others, &selected),
            ),
        };
        out.into_iter().chain(into)
    });
    narrowed.collect()
}

/// The part of a connection between these sources and these destinations, if there is any.
fn cut(
    connection: &GroupedConnection,
    from: &dyn Fn(&Peer) -> bool,
    to: &dyn Fn(&Peer) -> bool,
) -> Option<GroupedConnection> {
    Some(GroupedConnection {
        sources: cut_peer(&connection.sources, from)?,
        destinations: cut_peer(&connection.destinations, to)?,
        ..connection.clone()
    })
}

fn cut_peer(peer: &GroupedPeer, keep: &dyn Fn(&Peer) -> bool) -> Option<GroupedPeer> {
    match peer {
        GroupedPeer::Workloads(set) => {
            let kept = set.members.iter();
            let kept = kept.filter(|(id, _)| keep(&Peer::Workload(**id)));
            let members: BTreeMap<WorkloadId, Vec<PodId>> =
                kept.map(|(id, pods)| (*id, pods.clone())).collect();
            (!members.is_empty()).then_some(GroupedPeer::Workloads(WorkloadSet { members }))
        }
        GroupedPeer::External(addresses) => {
            keep(&Peer::External(addresses.clone())).then(|| peer.clone())
        }
        GroupedPeer::IngressController => keep(&Peer::IngressController).then(|| peer.clone()),
    }
}
