//! "What does this change open and close?": two clusters compared, connection by connection.
//!
//! Both relations are computed in one numbering of groups ([`Pair`]), so that what each side of a
//! connection lets through before and after are sets that can be subtracted (`sides`). Where
//! either side changed, the two are put together (`cells`), and what comes of it, sources ×
//! destinations × traffic, is told in as few groups as can be (`group`, `cover`). Nothing is
//! expanded to pairs of pods.

mod cause;
mod cells;
mod controller;
mod cover;
mod describe;
mod group;
mod names;
mod sides;
mod text;

pub use cause::{Cause, PolicyCause, Relabelled};
pub use cover::{Box3, Cell, Tensor, cover};
pub use describe::{Describer, Term};
pub use group::{Ends, Group, What};
pub use names::NameChange;

pub use crate::reach::{Pair, PairedWorkload};

use super::ingress::ControllerChoice;
use crate::model::Cluster;

/// What is said of some traffic between two ends, in one of the two clusters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum State {
    /// One of the two is not there.
    Absent,
    /// Policy denies it.
    Denied,
    /// It depends on addresses that pods will get, or on a controller that is not known.
    Unknown,
    /// Policy allows it.
    Allowed,
}

impl State {
    /// `absent`, `denied`, `unknown` or `allowed`.
    pub fn name(self) -> &'static str {
        match self {
            State::Absent => "absent",
            State::Denied => "denied",
            State::Unknown => "unknown",
            State::Allowed => "allowed",
        }
    }

    /// Whether the traffic can be: for certain, or perhaps.
    fn can_be(self) -> bool {
        matches!(self, State::Unknown | State::Allowed)
    }
}

/// A change in what is said of some traffic. The two states differ, and not only in being absent
/// and denied, which is the same to whoever wants to connect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Change {
    /// In the old cluster.
    pub before: State,
    /// In the new one.
    pub after: State,
}

impl Change {
    /// The change between two states, if there is one.
    fn between(before: State, after: State) -> Option<Change> {
        let is_change = before != after && (before.can_be() || after.can_be());
        is_change.then_some(Change { before, after })
    }

    /// Whether more can be after than before: this is what is *added*; anything else is
    /// *removed*.
    pub fn is_added(self) -> bool {
        self.after > self.before
    }
}

/// Everything that differs between two clusters.
#[derive(Debug)]
pub struct Diff {
    /// The two relations in one numbering.
    pub pair: Pair,
    /// What differs: each connection that does is in at least one group, and in no group is one
    /// that does not. Groups of one change and the same causes may overlap. Sorted: what is added
    /// first, and there what outside can reach first.
    pub groups: Vec<Group>,
    /// Whether there are provably no fewer groups for the same changes and causes.
    pub is_minimal: bool,
    /// How many pairs of workloads, addresses outside, names and ingress controllers have something
    /// added, and how many something removed.
    pub n_pairs: [u64; 2],
    /// Workloads that only one of the two has: gone ones, then new ones.
    pub one_sided: [Vec<PairedWorkload>; 2],
    /// What differs for destinations by name, which `groups` do not have.
    pub names: Vec<NameChange>,
}

impl Diff {
    /// Whether the two mean the same.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.names.is_empty()
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The old cluster and the new one.
    pub clusters: [&'a Cluster; 2],
    /// The ingress controller in each, when the user names it.
    pub controllers: [Option<&'a ControllerChoice>; 2],
}

/// Compares two clusters. Takes as long as both relations, and the connections of the profiles
/// that changed.
pub fn diff(question: &Question<'_>) -> Diff {
    let pair = Pair::new(question.clusters);
    let cells = cells::cells(question, &pair);
    let edges = controller::edges(question, &pair);
    let mut n_pairs = cells::count_pairs(question, &pair, &cells, &edges);
    let names = names::name_changes(question, &pair);
    for (is_added, count) in [true, false].into_iter().zip(&mut n_pairs) {
        let more = names.iter().filter(|change| change.is_added == is_added);
        *count = count.saturating_add(u64::try_from(more.count()).unwrap_or(u64::MAX));
    }
    let (groups, is_minimal) = group::groups(question, &pair, cells, edges);
    let one_sided = [1, 0].map(|missing| {
        let workloads = pair.workloads.iter().copied();
        workloads
            .filter(|paired| paired.ids.get(missing) == Some(&None))
            .collect()
    });
    Diff {
        pair,
        groups,
        is_minimal,
        n_pairs,
        one_sided,
        names,
    }
}
