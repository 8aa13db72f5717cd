//! Policies in tiers: what every policy dialect is lowered into.

use super::cluster::{NamespaceId, Origin};
use super::label::{Selector, Symbol};
use super::port::Protocol;
use crate::source::Route;
use ipnet::IpNet;

/// The index of a policy in [`super::Cluster::policies`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PolicyId(pub u32);

/// Which way traffic goes, as seen from the pod that a policy selects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// From the selected pod.
    Egress,
    /// To the selected pod.
    Ingress,
}

impl Direction {
    /// Both, in the order in which a flow meets them.
    pub const ALL: [Direction; 2] = [Direction::Egress, Direction::Ingress];

    /// The other one.
    pub fn other(self) -> Direction {
        match self {
            Direction::Egress => Direction::Ingress,
            Direction::Ingress => Direction::Egress,
        }
    }

    /// `egress` or `ingress`.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Egress => "egress",
            Direction::Ingress => "ingress",
        }
    }
}

/// An ordered stage of evaluation. Within a tier, rules are tried in the order of their
/// policy's priority and their own position; the order of the variants is the order of the
/// tiers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Tier {
    /// Cluster administrators' rules that namespaces cannot override.
    Admin,
    /// networking.k8s.io NetworkPolicy.
    NetworkPolicy,
    /// Cluster administrators' defaults that namespaces can override.
    Baseline,
}

/// What a tier does with an endpoint that it selects when none of its rules decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Undecided {
    /// The flow is denied: NetworkPolicy's isolation (N2, N3).
    Deny,
    /// The next tier decides.
    NextTier,
}

impl Tier {
    /// All tiers, in the order of evaluation.
    pub const ALL: [Tier; 3] = [Tier::Admin, Tier::NetworkPolicy, Tier::Baseline];

    /// How it is called: `Admin`, `NetworkPolicy` or `Baseline`.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Admin => "Admin",
            Tier::NetworkPolicy => "NetworkPolicy",
            Tier::Baseline => "Baseline",
        }
    }

    /// What happens to a selected endpoint that no rule of the tier decides.
    pub fn undecided(self) -> Undecided {
        match self {
            Tier::NetworkPolicy => Undecided::Deny,
            Tier::Admin | Tier::Baseline => Undecided::NextTier,
        }
    }
}

/// What a matching rule does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Action {
    /// The direction is allowed, finally.
    Accept,
    /// The direction is denied, finally.
    Deny,
    /// The rest of this tier is skipped.
    Pass,
}

impl Action {
    /// `accept`, `deny` or `pass`.
    pub fn name(self) -> &'static str {
        match self {
            Action::Accept => "accept",
            Action::Deny => "deny",
            Action::Pass => "pass",
        }
    }
}

/// One policy of any dialect.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The manifest's kind, for people: `NetworkPolicy`.
    pub kind: &'static str,
    /// The policy's own namespace; `None` for cluster-scoped kinds.
    pub namespace: Option<NamespaceId>,
    /// metadata.name.
    pub name: String,
    /// The stage it takes part in.
    pub tier: Tier,
    /// Lower wins within the tier. NetworkPolicies all have 0: they only accept, so their
    /// order cannot matter (N3).
    pub priority: u32,
    /// The pods it applies to.
    pub subject: Subject,
    /// The ingress rules in order, or `None` when the policy does not apply to ingress.
    /// `Some` of an empty list still selects: that is what isolates (N2, N8).
    pub ingress: Option<Vec<Rule>>,
    /// The egress rules, likewise.
    pub egress: Option<Vec<Rule>>,
    /// Where it was written.
    pub origin: Origin,
}

impl Policy {
    /// The origin of a part of it, which is in the same document.
    pub fn origin_of(&self, route: &Route) -> Origin {
        Origin {
            document: self.origin.document,
            route: route.clone(),
        }
    }

    /// The rules of one direction; `None` when the policy does not apply to it.
    pub fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Egress => self.egress.as_deref(),
            Direction::Ingress => self.ingress.as_deref(),
        }
    }
}

/// The pods a policy applies to: those that match both parts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Subject {
    /// Which namespaces.
    pub namespaces: NamespaceMatch,
    /// Which pods in them.
    pub pods: Selector,
}

/// Which namespaces a selector of pods looks in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NamespaceMatch {
    /// Exactly one: a NetworkPolicy's own (N12).
    Same(NamespaceId),
    /// Those whose labels match.
    Labels(Selector),
}

/// One rule: matches a flow whose peer matches any peer and whose port matches any port (N13).
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it does.
    pub action: Action,
    /// The peers; `None` is everyone, external addresses included.
    pub peers: Option<Vec<Peer>>,
    /// The ports; `None` is all traffic.
    pub ports: Option<Vec<PortMatch>>,
    /// The rule's place in the policy's document.
    pub route: Route,
}

/// One entry of `from` or `to`.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Who it matches.
    pub kind: PeerKind,
    /// The entry's place in the policy's document.
    pub route: Route,
}

/// Who a peer matches.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PeerKind {
    /// Pods by namespace and labels. Never a hostNetwork pod (N27 b), a node or an external
    /// address.
    Pods {
        /// Which namespaces.
        namespaces: NamespaceMatch,
        /// Which pods in them.
        pods: Selector,
    },
    /// Anything with an address in the block, pods and nodes included (N23).
    IpBlock(IpBlock),
    /// Addresses outside, nodes' among them, that a domain name stands for; never pods.
    Domain {
        /// The name, or `*.` and the end of one.
        pattern: Symbol,
        /// Whether the addresses outside that a question is about have such a name; `None` while
        /// that is not known.
        holds: Option<bool>,
    },
}

/// A block of addresses: `cidr` without `except` (N21).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IpBlock {
    /// The block; bits beyond the prefix length are ignored, as the API server does (V14).
    pub cidr: IpNet,
    /// What is cut out of it.
    pub except: Vec<IpNet>,
}

/// One entry of `ports`.
#[derive(Clone, Debug)]
pub struct PortMatch {
    /// What it matches.
    pub kind: PortMatchKind,
    /// The entry's place in the policy's document.
    pub route: Route,
}

/// Which traffic a port entry matches. Always the port on the destination (N17).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PortMatchKind {
    /// An inclusive range (N19); 1 to 65535 when no port is given.
    Range {
        /// The protocol.
        protocol: Protocol,
        /// The first port, from 1.
        first: u16,
        /// The last port.
        last: u16,
    },
    /// Whatever port has that name on the destination pod (N18); nothing when none has, and
    /// never on an external address.
    Named {
        /// The protocol that the container port must have; `None` for any.
        protocol: Option<Protocol>,
        /// The container port's name.
        name: Symbol,
    },
}
