//! Which policies let a connection of the map through.

use super::list::{Connection, Peer};
use crate::model::{
    Cluster, Direction, Flow, Party, Peer as RulePeer, PeerKind, PodId, PolicyId, PortMatchKind,
    Protocol, Rule, TrafficSet, Verdict, WorkloadId, block_addresses, peer_matches, port_matches,
    selects,
};
use std::collections::BTreeSet;

/// Why a connection is there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Deciding {
    /// The policies whose egress rules let it out; empty when no policy isolates the source.
    pub egress: Vec<PolicyId>,
    /// The policies whose ingress rules let it in; empty when no policy isolates the
    /// destination.
    pub ingress: Vec<PolicyId>,
}

/// The policies that decide a connection: those that select an end and have a rule that
/// matches the other end on some of the traffic. Linear in the policies.
pub fn deciding(cluster: &Cluster, connection: &Connection) -> Deciding {
    let traffic = connection.allowed.union(&connection.unknown);
    Deciding {
        egress: side(cluster, connection, Direction::Egress, &traffic),
        ingress: side(cluster, connection, Direction::Ingress, &traffic),
    }
}

fn side(
    cluster: &Cluster,
    connection: &Connection,
    direction: Direction,
    traffic: &TrafficSet,
) -> Vec<PolicyId> {
    let (subject, peer) = match direction {
        Direction::Egress => (&connection.source, &connection.destination),
        Direction::Ingress => (&connection.destination, &connection.source),
    };
    let Peer::Workload(subject) = subject else {
        return Vec::new();
    };
    let destinations: Vec<PodId> = match &connection.destination {
        Peer::Workload(workload) => pods(cluster, *workload),
        Peer::External(_) | Peer::IngressController => Vec::new(),
    };
    let mut found = BTreeSet::new();
    for (id, policy) in cluster.policies_with_ids() {
        let Some(rules) = policy.rules(direction) else {
            continue;
        };
        let mut subjects = cluster.pods_of(*subject);
        if !subjects.any(|(_, pod)| selects(cluster, &policy.subject, pod)) {
            continue;
        }
        let matches = |rule: &Rule| {
            let traffic_of_rule = rule_traffic(cluster, rule, &destinations);
            let anyone = rule.peers.is_none();
            let entries = rule.peers.as_deref().unwrap_or_default();
            !traffic_of_rule.intersection(traffic).is_none()
                && (anyone || entries.iter().any(|entry| may_match(cluster, entry, peer)))
        };
        if rules.iter().any(matches) {
            found.insert(id);
        }
    }
    found.into_iter().collect()
}

fn pods(cluster: &Cluster, workload: WorkloadId) -> Vec<PodId> {
    cluster.pods_of(workload).map(|(id, _)| id).collect()
}

/// Whether an entry of `from` or `to` matches some of what one end of a connection stands for.
fn may_match(cluster: &Cluster, entry: &RulePeer, peer: &Peer) -> bool {
    let matches = |party: Party| peer_matches(cluster, entry, &party) != Verdict::Denied;
    match peer {
        Peer::Workload(workload) => cluster.pods_of(*workload).any(|(pod, data)| {
            let unaddressed = Party::Pod { pod, address: None };
            let mut addressed = data.addresses.iter().map(|&address| Party::Pod {
                pod,
                address: Some(address),
            });
            matches(unaddressed) || addressed.any(matches)
        }),
        Peer::External(addresses) => match &entry.kind {
            PeerKind::IpBlock(block) => !block_addresses(block).intersection(addresses).is_empty(),
            PeerKind::Pods { .. } => false,
            PeerKind::Domain { holds, .. } => *holds != Some(false),
        },
        Peer::IngressController => matches(Party::SomePod),
    }
}

/// The traffic a rule is about, its names resolved on the destination's pods (N18).
pub(super) fn rule_traffic(cluster: &Cluster, rule: &Rule, destinations: &[PodId]) -> TrafficSet {
    let Some(ports) = &rule.ports else {
        return TrafficSet::all();
    };
    let mut traffic = TrafficSet::none();
    for port in ports {
        match &port.kind {
            PortMatchKind::Range {
                protocol,
                first,
                last,
            } => {
                traffic = traffic.union(&TrafficSet::ports(*protocol, *first, *last));
            }
            PortMatchKind::Named { .. } => {
                for &pod in destinations {
                    let declared = cluster.pod(pod).map_or(&[][..], |pod| &pod.ports);
                    for (protocol, number) in declared.iter().map(|p| (p.protocol, p.port)) {
                        let flow = flow_to(pod, protocol, number);
                        if port_matches(cluster, &flow, port) {
                            traffic = traffic.union(&TrafficSet::ports(protocol, number, number));
                        }
                    }
                }
            }
        }
    }
    traffic
}

fn flow_to(pod: PodId, protocol: Protocol, port: u16) -> Flow {
    Flow {
        source: Party::SomePod,
        destination: Party::Pod { pod, address: None },
        protocol,
        port,
    }
}
