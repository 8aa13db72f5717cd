//! What can be asked of the solver, as plain data.

use super::index::PolicyIndex;
use super::selection::PodSelection;
use super::vocabulary::Vocabulary;
use super::witness::Witness;
use crate::model::{
    AddressSet, Cluster, Direction, Family, NodeId, PodId, PolicyId, PortMatchKind, Protocol,
    TrafficSet,
};
use ipnet::IpNet;

/// A cluster's policies, with some things possibly left out.
#[derive(Clone, Debug)]
pub struct World<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its policies by namespace.
    pub index: &'a PolicyIndex,
    /// What is left out.
    pub omitted: Vec<Omitted>,
}

/// A part of a policy that is left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Omitted {
    /// The policy.
    pub policy: PolicyId,
    /// Which part of it.
    pub what: Omission,
}

/// Which part of a policy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Omission {
    /// All of it.
    Policy,
    /// One rule.
    Rule(Direction, usize),
    /// One of the peers of a rule. Of the last one left, the rule then matches nobody.
    Peer(Direction, usize, usize),
    /// One of the ports of a rule, likewise.
    Port(Direction, usize, usize),
}

/// What one end of the flow ranges over.
#[derive(Clone, Debug)]
pub enum EndSpec {
    /// Pods that could be created: those that one of the first selections selects and none of the
    /// second. They are not on their node's network, and on no node in particular.
    Possible {
        /// One of these must select it.
        any_of: Vec<PodSelection>,
        /// None of these may.
        none_of: Vec<PodSelection>,
    },
    /// These pods of the first world's cluster.
    Existing(Vec<PodId>),
    /// These nodes of the first world's cluster.
    Nodes(Vec<NodeId>),
    /// Addresses that are no pod's.
    Outside(AddressSet),
}

/// What addresses pods have that could be created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Addresses {
    /// Nothing is known: no ipBlock matches them.
    Blind,
    /// Some address in one of these.
    Within(Vec<IpNet>),
    /// Any address, or one that no ipBlock matches.
    Any,
}

/// Which traffic: one of these, or all of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrafficSpec(pub Option<Vec<PortMatchKind>>);

impl TrafficSpec {
    /// Just this traffic.
    pub fn of(traffic: &TrafficSet) -> TrafficSpec {
        let ranges = Protocol::ALL.into_iter().flat_map(|protocol| {
            let ranges = traffic.get(protocol).ranges().iter();
            ranges.map(move |&(first, last)| PortMatchKind::Range {
                protocol,
                first,
                last,
            })
        });
        TrafficSpec(Some(ranges.collect()))
    }
}

/// Flows that a question is not about: those of which all of this holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exception {
    /// One of these selects the source; `None` for any source.
    pub from: Option<Vec<PodSelection>>,
    /// One of these selects the destination; `None` for any.
    pub to: Option<Vec<PodSelection>>,
    /// The traffic.
    pub traffic: TrafficSpec,
}

/// Which pairs of ends.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PairSpec {
    /// Only those whose namespaces differ in name.
    pub namespaces_differ: bool,
    /// Only those whose namespaces both have this label, with different values.
    pub labels_differ: Option<String>,
    /// Not those of which one of these holds.
    pub except: Vec<Exception>,
    /// Whether to leave out what reaches a pod from its own node, which no policy can deny (N26).
    pub without_own_node: bool,
}

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Goal {
    /// A flow that is allowed.
    Allowed,
    /// A flow that is denied.
    Denied,
    /// A flow that is allowed whatever addresses the pods get.
    AllowedAlways,
    /// A flow one side of which denies it whatever addresses the pods get.
    DeniedAlways,
    /// A flow that one world allows and the other does not.
    Differs,
    /// A flow that the first world allows and the second does not.
    OnlyFirst,
    /// A pod that no NetworkPolicy isolates in the direction (N1): the source for egress, the
    /// destination for ingress. The other end does not matter.
    NotIsolated(Direction),
    /// Likewise, a pod that the policy, which applies to that direction, selects.
    SelectedBy(Direction, PolicyId),
}

impl Goal {
    /// The direction that tells the one end the goal is about; `None` when it is about both.
    pub fn one_end(self) -> Option<Direction> {
        match self {
            Goal::NotIsolated(direction) | Goal::SelectedBy(direction, _) => Some(direction),
            _ => None,
        }
    }
}

/// A question: is there a flow such that ...
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// What selectors can tell apart; made from all worlds and selections of the query.
    pub vocabulary: &'a Vocabulary,
    /// One cluster, or the two to compare.
    pub worlds: Vec<World<'a>>,
    /// Who opens the connection.
    pub source: EndSpec,
    /// Who is called.
    pub destination: EndSpec,
    /// On what.
    pub traffic: TrafficSpec,
    /// In which family; `None` for either.
    pub family: Option<Family>,
    /// Which pairs.
    pub pairs: PairSpec,
    /// Addresses of pods that could be created.
    pub addresses: Addresses,
    /// What is looked for.
    pub goal: Goal,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// There is no such flow: proved.
    Impossible,
    /// There is; this is one. Not yet replayed.
    Found(Box<Witness>),
    /// The solver gave up.
    Unknown {
        /// Why, in its words.
        reason: String,
    },
}

/// What an answer cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effort {
    /// How often the solver was asked.
    pub checks: usize,
    /// How many (policy, direction) pairs were encoded.
    pub policies: usize,
    /// Z3's own count of work, which does not depend on the machine.
    pub resources: u64,
}
