//! The map as a graph small enough to draw and to count: workloads of a namespace that have
//! the same connections are one node.

use super::names;
use crate::model::{
    AddressSet, Cluster, Family, NamespaceId, PodId, TrafficSet, Verdict, WorkloadId,
};
use crate::question::list::{GroupedConnection, GroupedPeer, Peer, Question};
use std::collections::{BTreeMap, BTreeSet};

/// Workloads, each with the pods that are meant when not all are.
pub(super) type Members = Vec<(WorkloadId, Vec<PodId>)>;

/// What a node stands for.
pub(super) enum Node<'a> {
    /// Workloads of one namespace.
    Workloads {
        namespace: NamespaceId,
        members: Members,
    },
    /// Addresses outside the cluster.
    External(&'a AddressSet),
    /// Whatever serves Ingresses.
    IngressController,
}

/// All that one end may open to another.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Edge {
    /// For certain, by family in the order of [`Family::ALL`].
    allowed: [TrafficSet; 2],
    /// Perhaps, likewise; may overlap what is certain.
    unknown: [TrafficSet; 2],
}

impl Edge {
    /// Adds traffic of one family, or of both.
    pub(super) fn add(&mut self, traffic: &TrafficSet, family: Option<Family>, verdict: Verdict) {
        let sets = match verdict {
            Verdict::Allowed => &mut self.allowed,
            Verdict::Unknown => &mut self.unknown,
            Verdict::Denied => return,
        };
        for (own, set) in Family::ALL.into_iter().zip(sets) {
            if family.is_none_or(|only| only == own) {
                *set = set.union(traffic);
            }
        }
    }

    /// Adds what one connection says.
    pub(super) fn add_grouped(&mut self, connection: &GroupedConnection) {
        self.add(&connection.traffic, connection.family, connection.verdict);
    }

    /// Whether anything is certainly allowed.
    pub(super) fn is_allowed(&self) -> bool {
        self.allowed.iter().any(|set| !set.is_none())
    }

    /// Whether some of it is unknown.
    pub(super) fn has_unknown(&self) -> bool {
        let both = self.unknown.iter().zip(&self.allowed);
        both.into_iter()
            .any(|(unknown, allowed)| !unknown.is_subset(allowed))
    }

    /// All of it in words: what is unknown has a question mark.
    pub(super) fn label(&self) -> String {
        let [unknown_v4, unknown_v6] = &self.unknown;
        let [allowed_v4, allowed_v6] = &self.allowed;
        let unknown = [
            unknown_v4.difference(allowed_v4),
            unknown_v6.difference(allowed_v6),
        ];
        let mut parts = by_family(&self.allowed);
        parts.extend(by_family(&unknown).iter().map(|part| format!("{part} ?")));
        parts.join("; ")
    }
}

fn by_family([v4, v6]: &[TrafficSet; 2]) -> Vec<String> {
    let [ipv4, ipv6] = Family::ALL.map(Family::name);
    let parts = [
        (v4.intersection(v6), String::new()),
        (v4.difference(v6), format!(" ({ipv4} only)")),
        (v6.difference(v4), format!(" ({ipv6} only)")),
    ];
    let some = parts.iter().filter(|(traffic, _)| !traffic.is_none());
    some.map(|(traffic, family)| format!("{}{family}", names::traffic(traffic)))
        .collect()
}

/// How finely workloads are split.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grain {
    /// A workload is whole: it can do what some of its pods can.
    Workloads,
    /// Pods of a workload that have different connections are apart.
    Pods,
}

/// Nodes and the edges between them.
pub(super) struct Graph<'a> {
    /// The nodes: workloads in order, then the rest in order of first use.
    pub(super) nodes: Vec<Node<'a>>,
    /// The edges by source and destination. One from a node to itself is about its distinct
    /// workloads.
    pub(super) edges: BTreeMap<(usize, usize), Edge>,
}

/// One side of one connection: its index, doubled, plus one for the destinations.
type SideId = usize;

/// What tells nodes apart: the namespace, the workload when some connection is about some of
/// its pods only, and the sides it is in.
type Key = (NamespaceId, Option<WorkloadId>, Vec<SideId>);

impl<'a> Graph<'a> {
    /// Builds the graph. Linear in the members of all connections, and then in the edges.
    pub(super) fn new(
        question: &Question<'_>,
        connections: &'a [GroupedConnection],
        grain: Grain,
    ) -> Graph<'a> {
        let mut graph = Graph {
            nodes: Vec::new(),
            edges: BTreeMap::new(),
        };
        let mut nodes_of: Vec<Vec<usize>> = vec![Vec::new(); connections.len() * 2];
        let mut classes: Vec<(Key, Members)> = classes(question.cluster, connections, grain)
            .into_iter()
            .collect();
        classes.sort_by(|a, b| a.1.cmp(&b.1));
        for ((namespace, _, sides), mut members) in classes {
            if sides.is_empty() {
                members.retain(|(id, _)| is_asked_about(question, *id));
            }
            if members.is_empty() {
                continue;
            }
            for side in sides {
                if let Some(nodes) = nodes_of.get_mut(side) {
                    nodes.push(graph.nodes.len());
                }
            }
            graph.nodes.push(Node::Workloads { namespace, members });
        }
        graph.add_others(connections, &mut nodes_of);
        for (connection, sides) in connections.iter().zip(nodes_of.chunks(2)) {
            let [sources, destinations] = sides else {
                continue;
            };
            for &source in sources {
                for &destination in destinations {
                    if graph.n_pairs(source, destination) > 0 {
                        let edge = graph.edges.entry((source, destination)).or_default();
                        edge.add_grouped(connection);
                    }
                }
            }
        }
        graph
    }

    fn add_others(&mut self, connections: &'a [GroupedConnection], nodes_of: &mut [Vec<usize>]) {
        let mut external: BTreeMap<&AddressSet, usize> = BTreeMap::new();
        let mut controller = None;
        let sides = connections
            .iter()
            .flat_map(|c| [&c.sources, &c.destinations]);
        for (peer, nodes) in sides.zip(nodes_of) {
            let next = self.nodes.len();
            let node = match peer {
                GroupedPeer::Workloads(_) => continue,
                GroupedPeer::External(addresses) => *external.entry(addresses).or_insert(next),
                GroupedPeer::IngressController => *controller.get_or_insert(next),
            };
            nodes.push(node);
            if node == next {
                self.nodes.push(match peer {
                    GroupedPeer::External(addresses) => Node::External(addresses),
                    _ => Node::IngressController,
                });
            }
        }
    }

    /// The workloads that a node stands for; none when it is not about workloads.
    pub(super) fn members(&self, node: usize) -> &[(WorkloadId, Vec<PodId>)] {
        match self.nodes.get(node) {
            Some(Node::Workloads { members, .. }) => members,
            Some(Node::External(_) | Node::IngressController) | None => &[],
        }
    }

    /// How many pairs of distinct workloads an edge is about. A peer that is no workload
    /// counts as one.
    pub(super) fn n_pairs(&self, source: usize, destination: usize) -> usize {
        let (sources, destinations) = (self.members(source), self.members(destination));
        let all = sources.len().max(1) * destinations.len().max(1);
        // Different nodes share a workload only where it is split, and then they hold no other.
        let n_self = match (sources, destinations) {
            _ if source == destination => sources.len(),
            ([(a, _)], [(b, _)]) => usize::from(a == b),
            _ => 0,
        };
        all - n_self.min(all)
    }
}

/// The nodes that are about workloads, by what tells them apart.
fn classes(
    cluster: &Cluster,
    connections: &[GroupedConnection],
    grain: Grain,
) -> BTreeMap<Key, Members> {
    let sides = connections
        .iter()
        .flat_map(|c| [&c.sources, &c.destinations]);
    let sets = sides.enumerate().filter_map(|(side, peer)| match peer {
        GroupedPeer::Workloads(set) => Some((side, set)),
        GroupedPeer::External(_) | GroupedPeer::IngressController => None,
    });
    let mut whole: Vec<Vec<SideId>> = vec![Vec::new(); cluster.workloads.len()];
    let mut split: BTreeMap<WorkloadId, BTreeMap<PodId, Vec<SideId>>> = BTreeMap::new();
    for (side, set) in sets {
        for (&id, pods) in &set.members {
            let index = usize::try_from(id.0).unwrap_or(usize::MAX);
            if pods.is_empty() {
                if let Some(sides) = whole.get_mut(index) {
                    sides.push(side);
                }
            } else {
                let of_pods = split.entry(id).or_default();
                for &pod in pods {
                    of_pods.entry(pod).or_default().push(side);
                }
            }
        }
    }
    let mut classes: BTreeMap<Key, Members> = BTreeMap::new();
    for ((id, workload), sides) in cluster.workloads_with_ids().zip(whole) {
        let namespace = workload.namespace;
        let Some(mut of_pods) = split.remove(&id) else {
            let class = classes.entry((namespace, None, sides)).or_default();
            class.push((id, Vec::new()));
            continue;
        };
        if grain == Grain::Workloads {
            let all: BTreeSet<SideId> = of_pods.into_values().flatten().chain(sides).collect();
            let key = (namespace, Some(id), all.into_iter().collect());
            classes.insert(key, vec![(id, Vec::new())]);
            continue;
        }
        for (pod, _) in cluster.pods_of(id) {
            let mut own = of_pods.remove(&pod).unwrap_or_default();
            own.extend(&sides);
            own.sort_unstable();
            let class = classes.entry((namespace, Some(id), own)).or_default();
            match class.first_mut() {
                Some((_, pods)) => pods.push(pod),
                None => class.push((id, vec![pod])),
            }
        }
    }
    classes
}

/// Whether a workload is one that the filter is about.
pub(super) fn is_asked_about(question: &Question<'_>, id: WorkloadId) -> bool {
    match &question.filter.between {
        Some((a, b)) => a.contains(&id) || b.contains(&id),
        None => {
            let peer = Peer::Workload(id);
            question.filter.selects(question.cluster, &peer, &peer)
        }
    }
}

/// How many ordered pairs of distinct workloads the filter asks about. Linear in the workloads
/// and in what the filter names.
pub(super) fn n_pairs_asked_about(question: &Question<'_>) -> usize {
    let filter = question.filter;
    // Workloads that the filter cannot tell apart are counted together.
    let mut alike: BTreeMap<[bool; 4], (WorkloadId, usize)> = BTreeMap::new();
    for (id, workload) in question.cluster.workloads_with_ids() {
        let namespace = question.cluster.namespace_name(workload.namespace);
        let (a, b) = filter
            .between
            .as_ref()
            .map_or((false, false), |(a, b)| (a.contains(&id), b.contains(&id)));
        let key = [
            filter.namespaces.iter().any(|name| name == namespace),
            filter.workloads.contains(&id),
            a,
            b,
        ];
        alike.entry(key).or_insert((id, 0)).1 += 1;
    }
    let mut n_pairs = 0usize;
    for (from_key, &(from, n_from)) in &alike {
        for (to_key, &(to, n_to)) in &alike {
            let (source, destination) = (Peer::Workload(from), Peer::Workload(to));
            if filter.selects(question.cluster, &source, &destination) {
                let n_to = if from_key == to_key { n_to - 1 } else { n_to };
                n_pairs = n_pairs.saturating_add(n_from.saturating_mul(n_to));
            }
        }
    }
    n_pairs
}
