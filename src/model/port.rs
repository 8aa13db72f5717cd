//! Protocols, ports, and sets of traffic.

use super::range::RangeSet;
use std::fmt;

/// A transport protocol that NetworkPolicy defines (rule N6: nothing else is).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Protocol {
    /// TCP, which is also what an absent `protocol` means (N10).
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// All protocols, in the order in which they are printed.
    pub const ALL: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

    /// The name as manifests spell it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Sctp => "SCTP",
        }
    }

    /// The protocol with that name, exactly as manifests spell it (V2 is case-sensitive).
    pub fn from_name(name: &str) -> Option<Protocol> {
        Protocol::ALL.into_iter().find(|p| p.name() == name)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of destination ports. Port 0 is never a member of a policy's set.
pub type PortSet = RangeSet<u16>;

/// A set of (protocol, destination port) pairs. Ports run from 1 to 65535.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TrafficSet {
    tcp: PortSet,
    udp: PortSet,
    sctp: PortSet,
}

impl TrafficSet {
    /// No traffic.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every port of every protocol.
    pub fn all() -> Self {
        let ports = PortSet::range(1, u16::MAX);
        TrafficSet {
            tcp: ports.clone(),
            udp: ports.clone(),
            sctp: ports,
        }
    }

    /// The ports from `first` to `last`, both included, of one protocol.
    pub fn ports(protocol: Protocol, first: u16, last: u16) -> Self {
        Self::of(protocol, PortSet::range(first.max(1), last))
    }

    /// A port set of one protocol.
    pub fn of(protocol: Protocol, ports: PortSet) -> Self {
        let mut traffic = Self::none();
        *traffic.slot(protocol) = ports;
        traffic
    }

    fn slot(&mut self, protocol: Protocol) -> &mut PortSet {
        match protocol {
            Protocol::Tcp => &mut self.tcp,
            Protocol::Udp => &mut self.udp,
            Protocol::Sctp => &mut self.sctp,
        }
    }

    /// The ports of one protocol.
    pub fn get(&self, protocol: Protocol) -> &PortSet {
        match protocol {
            Protocol::Tcp => &self.tcp,
            Protocol::Udp => &self.udp,
            Protocol::Sctp => &self.sctp,
        }
    }

    /// Whether it holds one port of one protocol.
    pub fn contains(&self, protocol: Protocol, port: u16) -> bool {
        self.get(protocol).contains(port)
    }

    /// Whether it holds nothing.
    pub fn is_none(&self) -> bool {
        self.tcp.is_empty() && self.udp.is_empty() && self.sctp.is_empty()
    }

    /// Whether it holds everything.
    pub fn is_all(&self) -> bool {
        let full = [(1, u16::MAX)];
        Protocol::ALL.iter().all(|p| self.get(*p).ranges() == full)
    }

    fn zip(&self, other: &Self, combine: impl Fn(&PortSet, &PortSet) -> PortSet) -> Self {
        TrafficSet {
            tcp: combine(&self.tcp, &other.tcp),
            udp: combine(&self.udp, &other.udp),
            sctp: combine(&self.sctp, &other.sctp),
        }
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        self.zip(other, PortSet::union)
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.zip(other, PortSet::intersection)
    }

    /// What is in this and not in the other.
    pub fn difference(&self, other: &Self) -> Self {
        self.zip(other, PortSet::difference)
    }

    /// Whether everything in this is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_none()
    }
}

/// `all`, `none`, or for example `TCP 80,8000-8090; UDP 53`.
impl fmt::Display for TrafficSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("all");
        }
        if self.is_none() {
            return f.write_str("none");
        }
        let mut separator = "";
        for protocol in Protocol::ALL {
            let ports = self.get(protocol);
            if !ports.is_empty() {
                write!(f, "{separator}{protocol} {ports}")?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

/// Ports as manifests and people write them: `80,8000-8090`.
impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for &(first, last) in self.ranges() {
            if first == last {
                write!(f, "{separator}{first}")?;
            } else {
                write!(f, "{separator}{first}-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_reads_as_people_write_it() {
        let web = TrafficSet::ports(Protocol::Tcp, 80, 80);
        let range = TrafficSet::ports(Protocol::Tcp, 8000, 8090);
        let dns = TrafficSet::ports(Protocol::Udp, 53, 53);
        for (traffic, expected) in [
            (TrafficSet::none(), "none"),
            (TrafficSet::all(), "all"),
            (web.union(&range).union(&dns), "TCP 80,8000-8090; UDP 53"),
            (
                TrafficSet::ports(Protocol::Sctp, 0, u16::MAX),
                "SCTP 1-65535",
            ),
        ] {
            assert_eq!(traffic.to_string(), expected);
        }
    }
}
