//! A node's half of the policy: what its filter has to do with each packet.
//!
//! A flow is allowed if the source's egress and the destination's ingress both allow it (N4),
//! and each is enforced on the node that the pod is on. [`expected`] is the executable
//! specification that every dataplane is compared with; it says nothing itself about policies
//! and asks [`super::evaluate()`].

use super::address::{AddressSet, Family};
use super::cluster::{Cluster, NodeId, PodId};
use super::evaluate::evaluate;
use super::flow::{Flow, Party, Side, Verdict};
use super::modes::{Invalid, Modes, PodToNode, Replies, UnknownLocal};
use super::packet::{Hook, Packet, Tracking, Transport};
use super::policy::Direction;
use super::port::Protocol;
use super::program::Decision;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Which pod has which address. Pods on their node's network are not in it: their traffic is
/// their node's (N27 b).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AddressBook {
    pods: BTreeMap<IpAddr, PodId>,
}

/// Why there is no address book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedAddress {
    /// The address.
    pub address: IpAddr,
    /// The pods that both claim it.
    pub pods: [PodId; 2],
}

impl AddressBook {
    /// The book of a cluster, and the addresses that more than one pod claims.
    pub fn new(cluster: &Cluster) -> (AddressBook, Vec<SharedAddress>) {
        let mut book = AddressBook::default();
        let mut shared = Vec::new();
        for (id, pod) in cluster.pods_with_ids() {
            if cluster.is_node_traffic(pod) {
                continue;
            }
            for &address in &pod.addresses {
                if let Some(other) = book.pods.insert(address, id) {
                    let pods = [other, id];
                    shared.push(SharedAddress { address, pods });
                }
            }
        }
        (book, shared)
    }

    /// Whose address this is.
    pub fn pod_at(&self, address: IpAddr) -> Option<PodId> {
        self.pods.get(&address).copied()
    }

    /// Every address of a pod, in order.
    pub fn pods(&self) -> impl Iterator<Item = (IpAddr, PodId)> {
        self.pods.iter().map(|(&address, &pod)| (address, pod))
    }

    /// All addresses of pods.
    pub fn addresses(&self) -> AddressSet {
        AddressSet::of_addresses(self.pods.keys().copied())
    }

    /// Who is at an address, as policies see it. A node is an address like others: where its own
    /// pods are concerned its packets are not met (see [`expected`]).
    pub fn party(&self, address: IpAddr) -> Party {
        match self.pod_at(address) {
            Some(pod) => Party::Pod {
                pod,
                address: Some(address),
            },
            None => Party::External { address },
        }
    }
}

/// What a node's filter has to enforce.
#[derive(Clone, Debug)]
pub struct Half<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Whose addresses are whose.
    pub book: &'a AddressBook,
    /// The node.
    pub node: NodeId,
    /// What the API leaves open.
    pub modes: Modes,
    /// The addresses of the pods on this node.
    local: AddressSet,
    /// Those that only pods on this node can have.
    ranges: AddressSet,
    /// Those that only pods on this node can have, and none that is known has.
    unknown: AddressSet,
}

impl<'a> Half<'a> {
    /// The half of one node. Linear in the pods of the cluster.
    pub fn new(
        cluster: &'a Cluster,
        book: &'a AddressBook,
        node: NodeId,
        modes: Modes,
    ) -> Half<'a> {
        let (name, ranges) = cluster
            .node(node)
            .map_or(("", &[][..]), |node| (&node.name, &node.pod_cidrs));
        let on_node = |pod: PodId| {
            cluster
                .pod(pod)
                .is_some_and(|p| p.node.as_deref() == Some(name))
        };
        let local = book.pods().filter(|(_, pod)| on_node(*pod));
        let local = AddressSet::of_addresses(local.map(|(address, _)| address));
        let ranges = ranges
            .iter()
            .fold(AddressSet::default(), |set, &net| set.union(&net.into()));
        Half {
            cluster,
            book,
            node,
            modes,
            // A pod of another node can have an address of this node's range, and is known then.
            unknown: ranges.difference(&book.addresses()),
            ranges,
            local,
        }
    }

    /// The name of the node.
    pub fn node_name(&self) -> &'a str {
        self.cluster.node(self.node).map_or("", |node| &node.name)
    }

    /// The pod on this node that has an address.
    pub fn local_pod(&self, address: IpAddr) -> Option<PodId> {
        self.book
            .pod_at(address)
            .filter(|_| self.local.contains(address))
    }

    /// The addresses of the pods on this node.
    pub fn local(&self) -> &AddressSet {
        &self.local
    }

    /// The addresses of the node's podCIDRs; empty when these are not known.
    pub fn ranges(&self) -> &AddressSet {
        &self.ranges
    }

    /// The addresses that only pods on this node can have, and none that is known has: empty when
    /// the node's podCIDRs are not known.
    pub fn unknown_local(&self) -> &AddressSet {
        &self.unknown
    }
}

/// Why a packet should be treated as it should.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Because {
    /// What connection tracking says of it is enough.
    Tracking,
    /// It is not policed at this hook.
    NotPoliced,
    /// An end is an address of this node's range that no pod is known to have.
    UnknownLocal(IpAddr),
    /// What the policies say: of each end that is a pod of this node, in the order of
    /// [`Direction::ALL`].
    Policy(Vec<(Direction, Side)>),
}

/// What the node's filter should do with a packet, and why. The packets that a node forwards
/// never come from itself: what the node sends is not policed (N26), so an address of the node
/// is a peer like any other here.
pub fn expected(half: &Half<'_>, packet: &Packet) -> (Decision, Because) {
    if Family::of(packet.source) != Family::of(packet.destination) {
        return (Decision::Accept, Because::NotPoliced);
    }
    let modes = half.modes;
    match packet.tracking {
        // Replies are let through with their connection (N5), and what it causes with them.
        Tracking::Reply | Tracking::Related => return (Decision::Accept, Because::Tracking),
        Tracking::Original if modes.replies == Replies::Established => {
            return (Decision::Accept, Because::Tracking);
        }
        Tracking::Invalid if modes.invalid == Invalid::Drop && packet.hook == Hook::Forward => {
            return (Decision::Drop, Because::Tracking);
        }
        _ => {}
    }
    if packet.hook == Hook::Input
        && (modes.pod_to_node == PodToNode::Allow || packet.transport == Transport::Discovery)
    {
        return (Decision::Accept, Because::NotPoliced);
    }
    if packet.hook == Hook::Forward && modes.unknown_local == UnknownLocal::Drop {
        for address in [packet.source, packet.destination] {
            if half.unknown.contains(address) {
                return (Decision::Drop, Because::UnknownLocal(address));
            }
        }
    }
    by_policy(half, packet)
}

fn by_policy(half: &Half<'_>, packet: &Packet) -> (Decision, Because) {
    let (protocol, port) = match packet.transport {
        Transport::Tcp => (Protocol::Tcp, packet.port),
        Transport::Udp => (Protocol::Udp, packet.port),
        Transport::Sctp => (Protocol::Sctp, packet.port),
        // No entry of `ports` holds port 0, so only rules without `ports` match.
        Transport::Discovery | Transport::Other => (Protocol::Tcp, 0),
    };
    let evaluation = evaluate(
        half.cluster,
        &Flow {
            source: half.book.party(packet.source),
            destination: half.book.party(packet.destination),
            protocol,
            port,
        },
    );
    let mut sides = Vec::new();
    if half.local_pod(packet.source).is_some() {
        sides.push((Direction::Egress, evaluation.egress));
    }
    if half.local_pod(packet.destination).is_some() {
        sides.push((Direction::Ingress, evaluation.ingress));
    }
    // Every party has its address here, so nothing is unknown; if it were, it is not let through.
    let allowed = sides
        .iter()
        .all(|(_, side)| side.outcome == Verdict::Allowed);
    let decision = if allowed {
        Decision::Accept
    } else {
        Decision::Drop
    };
    (decision, Because::Policy(sides))
}
