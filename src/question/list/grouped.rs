//! The map in factored form.

use super::{Peer, Question, ingress_connections};
use crate::model::{AddressSet, Direction, Family, PodId, TrafficSet, Verdict, WorkloadId};
use crate::reach::{End, Scope, products};
use std::collections::{BTreeMap, BTreeSet};

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
                    traffic: TrafficSet::clone(traffic),
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
/// [`super::Filter::selects`] is in one of them.
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
