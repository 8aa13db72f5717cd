//! Flows and what is said of them.

use super::cluster::{NodeId, PodId};
use super::policy::{Action, Direction, PolicyId, Tier};
use super::port::Protocol;
use std::net::IpAddr;

/// One end of a flow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Party {
    /// A pod. The address is the one used for this flow; with `None` no ipBlock matches it.
    Pod {
        /// The pod.
        pod: PodId,
        /// Its address in this flow.
        address: Option<IpAddr>,
    },
    /// A node itself, which is what a hostNetwork pod's traffic comes from.
    Node {
        /// The node.
        node: NodeId,
        /// Its address in this flow.
        address: Option<IpAddr>,
    },
    /// An address that is neither a pod's nor a known node's.
    External {
        /// The address.
        address: IpAddr,
    },
    /// Some pod of which nothing is known: an ingress controller that is not in the input.
    /// Only a peer that matches every pod surely matches it.
    SomePod,
}

/// One concrete connection attempt. Replies are not flows: they are allowed with it (N5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Flow {
    /// Who opens the connection.
    pub source: Party,
    /// Who is called.
    pub destination: Party,
    /// The protocol.
    pub protocol: Protocol,
    /// The port on the destination, 1 to 65535 (N17). No entry of `ports` matches port 0, so with
    /// that the flow stands for all traffic of which policies can only say "any", such as ICMP.
    pub port: u16,
}

/// The answer to a question about a flow. Unknown is an answer of its own: it is never
/// folded into yes or no.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// Policy lets it through.
    Allowed,
    /// Policy stops it.
    Denied,
    /// It depends on something the input does not say.
    Unknown,
}

impl Verdict {
    /// `allowed`, `denied` or `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Allowed => "allowed",
            Verdict::Denied => "denied",
            Verdict::Unknown => "unknown",
        }
    }

    /// Both must allow (N4): a denial on either side decides, whatever the other says.
    pub fn and(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::Denied, _) | (_, Verdict::Denied) => Verdict::Denied,
            (Verdict::Unknown, _) | (_, Verdict::Unknown) => Verdict::Unknown,
            (Verdict::Allowed, Verdict::Allowed) => Verdict::Allowed,
        }
    }
}

/// A rule of a policy, or one of its peers and ports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RuleRef {
    /// The policy.
    pub policy: PolicyId,
    /// Which of its lists.
    pub direction: Direction,
    /// The rule's index in that list.
    pub rule: usize,
    /// The peer that matched; `None` when the rule has none, and so matches everyone.
    pub peer: Option<usize>,
    /// The port entry that matched; `None` when the rule has none, and so matches all traffic.
    pub port: Option<usize>,
}

/// Why one side of a flow ended as it did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Policy does not apply to this end: it is external or a node (N4).
    NotAPod,
    /// The pod is on its node's network, which no policy selects (N27 b).
    HostNetwork,
    /// A pod cannot block access to itself (N25).
    Loopback,
    /// A pod's own node may always reach it (N26).
    OwnNode,
    /// No policy selects the pod in this direction (N1).
    NotIsolated,
    /// Rules decided. For accepting NetworkPolicies these are all that match (N3); in other
    /// tiers the first that does.
    Rules {
        /// The tier they belong to.
        tier: Tier,
        /// What they do.
        action: Action,
        /// The rules.
        rules: Vec<RuleRef>,
    },
    /// Policies of the tier select the pod and no rule of theirs matches (N2, N3).
    Isolated {
        /// The tier that isolates.
        tier: Tier,
    },
    /// Policies of one tier and priority decide differently, and which of them wins is not defined.
    Tied {
        /// What each comes to first, in the order of the policies.
        rules: Vec<(Action, RuleRef)>,
    },
    /// Whether a rule matches depends on what the input does not say.
    Undecidable {
        /// The rules that may match.
        rules: Vec<RuleRef>,
    },
}

/// What one side of a flow, the source's egress or the destination's ingress, says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Side {
    /// The outcome.
    pub outcome: Verdict,
    /// Why.
    pub reason: Reason,
    /// The policies that select the pod in this direction, of every tier that was consulted.
    pub selecting: Vec<PolicyId>,
    /// The rules that passed to the next tier before the decision was made.
    pub passed: Vec<RuleRef>,
}

/// What the specification says of one flow, with the trace of the deciding rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evaluation {
    /// The answer: both sides must allow (N4).
    pub verdict: Verdict,
    /// The source's egress.
    pub egress: Side,
    /// The destination's ingress.
    pub ingress: Side,
}
