//! Packets as a node's filter meets them, which is after destination NAT and reassembly.

use std::fmt;
use std::net::IpAddr;

/// Where on a node a packet is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Hook {
    /// On its way through the node: between pods, and between a pod and elsewhere.
    Forward,
    /// On its way to the node itself.
    Input,
}

impl Hook {
    /// The hooks at which policy is enforced. What a node sends itself is not policed (N26).
    pub const ALL: [Hook; 2] = [Hook::Forward, Hook::Input];

    /// The name that nftables has for it.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Forward => "forward",
            Hook::Input => "input",
        }
    }
}

/// What a packet carries, as far as rules can tell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// Neighbour and multicast listener discovery, without which IPv6 does not work: ICMPv6
    /// types 130 to 136 and 143. Inside IPv4 they mean nothing, and rules do not tell that apart.
    Discovery,
    /// Everything else: ICMP, other ICMPv6, GRE, ESP and so on.
    Other,
}

impl Transport {
    /// All of them.
    pub const ALL: [Transport; 5] = [
        Transport::Tcp,
        Transport::Udp,
        Transport::Sctp,
        Transport::Discovery,
        Transport::Other,
    ];

    /// Whether it has ports that a policy can name (N6).
    pub fn has_ports(self) -> bool {
        matches!(self, Transport::Tcp | Transport::Udp | Transport::Sctp)
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tcp => "TCP",
            Transport::Udp => "UDP",
            Transport::Sctp => "SCTP",
            Transport::Discovery => "ICMPv6 neighbour discovery",
            Transport::Other => "a protocol without ports",
        }
    }
}

/// What connection tracking says of a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Tracking {
    /// The first of a connection.
    New,
    /// In the direction of the first, of a connection that was answered.
    Original,
    /// Against that direction.
    Reply,
    /// Caused by a connection: an ICMP error, or what a helper expects.
    Related,
    /// Of no connection that is possible.
    Invalid,
    /// Not tracked.
    Untracked,
}

impl Tracking {
    /// All of them.
    pub const ALL: [Tracking; 6] = [
        Tracking::New,
        Tracking::Original,
        Tracking::Reply,
        Tracking::Related,
        Tracking::Invalid,
        Tracking::Untracked,
    ];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Tracking::New => "new",
            Tracking::Original => "established, original direction",
            Tracking::Reply => "established, reply direction",
            Tracking::Related => "related",
            Tracking::Invalid => "invalid",
            Tracking::Untracked => "untracked",
        }
    }
}

/// One packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Packet {
    /// Where it is.
    pub hook: Hook,
    /// Its source address.
    pub source: IpAddr,
    /// Its destination address, of the same family.
    pub destination: IpAddr,
    /// What it carries.
    pub transport: Transport,
    /// What is where TCP, UDP and SCTP have their destination port: a rule that forgets to ask
    /// for the protocol reads it in every packet.
    pub port: u16,
    /// What connection tracking says.
    pub tracking: Tracking,
}

/// `TCP 10.0.0.1 -> 10.0.0.2 port 80, new, at forward`.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, source, destination) =
            (self.transport.name(), self.source, self.destination);
        write!(f, "{transport}, {source} -> {destination}")?;
        if self.transport.has_ports() {
            write!(f, " port {}", self.port)?;
        }
        write!(f, ", {}, at {}", self.tracking.name(), self.hook.name())
    }
}
