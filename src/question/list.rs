//! The connectivity map: every workload to every workload, addresses outside, and the ingress
//! controller.

mod grouped;
mod outside;
mod pairs;

pub use grouped::{GroupedConnection, GroupedPeer, WorkloadSet, grouped};
pub use pairs::for_each_connection;

use super::ingress::{ControllerChoice, ingress_edges};
use crate::model::{AddressSet, Cluster, Direction, Family, TrafficSet, Verdict, WorkloadId};
use crate::reach::Reach;
use std::collections::BTreeMap;
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
    pub allowed: Arc<TrafficSet>,
    /// What depends on the addresses that pods will get, or on the unknown controller; disjoint
    /// from what is allowed.
    pub unknown: Arc<TrafficSet>,
    /// The family it holds for, when the families differ.
    pub family: Option<Family>,
    /// Whether it holds for some pods of the two workloads only. Never told of the ingress
    /// controller.
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
        connection.allowed = Arc::new(self.apply(&connection.allowed));
        connection.unknown = Arc::new(self.apply(&connection.unknown));
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
            unknown: Arc::new(unknown.difference(&allowed)),
            allowed: Arc::new(allowed),
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
