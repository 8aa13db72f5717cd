//! Assertions as they are proved: what they claim, of whom.

use crate::model::{AddressSet, Direction, Finding, NodeId, Origin, PodId};
use crate::symbolic::{Exception, PodSelection, TrafficSpec};
use std::collections::BTreeSet;

/// Which pods an assertion is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scope {
    /// The pods of the input.
    Existing,
    /// Any pod that could be created, and those of the input.
    Possible,
}

impl Scope {
    /// `existing` or `possible`.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Existing => "existing",
            Scope::Possible => "possible",
        }
    }
}

/// What is expected of connections.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Expectation {
    /// Every pair can talk on all of it.
    Allowed,
    /// No pair can talk on any of it.
    Denied,
    /// Nobody else reaches the called.
    Only,
}

/// Pods.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PodEnd {
    /// Those that could be created.
    pub selections: Vec<PodSelection>,
    /// Those of the input, in order.
    pub pods: BTreeSet<PodId>,
}

/// Everything that one list of endpoints stands for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ends {
    /// The pods.
    pub pods: PodEnd,
    /// The addresses outside.
    pub addresses: AddressSet,
    /// The nodes.
    pub nodes: BTreeSet<NodeId>,
    /// Whether an ingress controller is meant that is not in the input.
    pub unknown_controller: bool,
}

impl Ends {
    /// Whether it stands for nothing at all in a scope.
    pub fn is_nothing(&self, scope: Scope) -> bool {
        let no_pods = match scope {
            Scope::Existing => self.pods.pods.is_empty(),
            Scope::Possible => self.pods.pods.is_empty() && self.pods.selections.is_empty(),
        };
        no_pods && self.addresses.is_empty() && self.nodes.is_empty() && !self.unknown_controller
    }
}

/// Who is called, and on what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Called {
    /// Who.
    pub ends: Ends,
    /// On what.
    pub traffic: TrafficSpec,
}

/// What an assertion claims.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claim {
    /// Of connections between these.
    Flows {
        /// What.
        expect: Expectation,
        /// Who calls.
        from: Ends,
        /// Who is called; each on traffic of its own.
        to: Vec<Called>,
    },
    /// Some NetworkPolicy selects every pod in these directions, but for the excepted.
    Isolated {
        /// The directions.
        directions: Vec<Direction>,
        /// The pods it is not about.
        except: PodEnd,
    },
    /// Every policy selects a pod.
    PoliciesSelectPods,
    /// No pod is reached from another namespace, or from one with another value of the label.
    Separated {
        /// The label.
        label: Option<String>,
        /// What is allowed all the same.
        except: Vec<Exception>,
    },
    /// No pod is reached from outside.
    Closed {
        /// What is allowed all the same.
        except: Vec<Exception>,
    },
}

/// One assertion, resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assertion {
    /// The intent's name.
    pub intent: String,
    /// Its own.
    pub name: String,
    /// Why it is asserted.
    pub description: Option<String>,
    /// Where it was written.
    pub origin: Origin,
    /// Which pods it is about.
    pub scope: Scope,
    /// What it claims; `None` when it names things that there are not, which a finding says.
    pub claim: Option<Claim>,
}

/// All assertions of some intents, and what there is to say about them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resolved {
    /// The assertions, in the order in which they are written.
    pub assertions: Vec<Assertion>,
    /// Every pod of the namespaces that the input has: whom cluster-wide claims are about.
    pub known: Option<PodSelection>,
    /// IT003: an endpoint that selects nothing. IT004: a name that nothing has.
    pub findings: Vec<Finding>,
}
