//! "Do two sets of policies allow the same?" and "does one allow no more than the other?", of every
//! pod that could be created.

use super::check::{Judged, ReplayError};
use crate::model::{AddressSet, Cluster, Verdict, evaluate};
use crate::symbolic::{
    Addresses, Effort, EndSpec, Goal, Limits, Outcome, PairSpec, PodSelection, PolicyIndex, Query,
    TrafficSpec, Vocabulary, Witness, World, solve, with_witness,
};
use rayon::prelude::*;

/// Which of the two questions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// Both allow the same.
    Equivalent,
    /// The first allows no more than the second.
    Implies,
}

/// The answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Compared {
    /// It is so.
    Proved,
    /// It is not: this flow is allowed by one and not by the other.
    Differs(Box<Difference>),
    /// The solver gave up.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// A flow that the two say different things of.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// The flow.
    pub witness: Witness,
    /// What each says of it.
    pub judged: [Judged; 2],
}

/// Compares two clusters. Pods that could be created may have any address or one that no ipBlock
/// matches, and every address outside counts, so the answer does not depend on ranges.
pub fn compare(
    clusters: [&Cluster; 2],
    comparison: Comparison,
    limits: Limits,
) -> Result<(Compared, Effort), ReplayError> {
    let indexes = clusters.map(PolicyIndex::new);
    let vocabulary = Vocabulary::new(&clusters, [], [], []);
    let anyone = EndSpec::Possible {
        any_of: vec![PodSelection::everything()],
        none_of: Vec::new(),
    };
    let outside = EndSpec::Outside(AddressSet::full());
    let ends = [
        (anyone.clone(), anyone.clone()),
        (anyone.clone(), outside.clone()),
        (outside, anyone),
    ];
    let [first, second] = clusters;
    let [first_index, second_index] = &indexes;
    let world = |cluster, index| World {
        cluster,
        index,
        omitted: Vec::new(),
    };
    let answers: Vec<(Outcome, Effort)> = ends
        .into_par_iter()
        .map(|(source, destination)| {
            let query = Query {
                vocabulary: &vocabulary,
                worlds: vec![world(first, first_index), world(second, second_index)],
                source,
                destination,
                traffic: TrafficSpec::default(),
                family: None,
                pairs: PairSpec::default(),
                addresses: Addresses::Any,
                goal: match comparison {
                    Comparison::Equivalent => Goal::Differs,
                    Comparison::Implies => Goal::OnlyFirst,
                },
            };
            solve(&query, limits)
        })
        .collect();
    let mut effort = Effort::default();
    let mut unknown = None;
    let mut difference = None;
    for (outcome, spent) in answers {
        effort.checks += spent.checks;
        effort.policies += spent.policies;
        effort.resources += spent.resources;
        match outcome {
            Outcome::Impossible => {}
            Outcome::Unknown { reason } => unknown = unknown.or(Some(reason)),
            Outcome::Found(witness) => {
                if difference.is_none() {
                    difference = Some(confirm(clusters, &witness, comparison)?);
                }
            }
        }
    }
    let compared = match (difference, unknown) {
        (Some(difference), _) => Compared::Differs(Box::new(difference)),
        (None, Some(reason)) => Compared::Unknown { reason },
        (None, None) => Compared::Proved,
    };
    Ok((compared, effort))
}

/// The specification's own answers on a flow; an error when they do not differ as claimed.
fn confirm(
    clusters: [&Cluster; 2],
    witness: &Witness,
    comparison: Comparison,
) -> Result<Difference, ReplayError> {
    let judged = clusters.map(|cluster| {
        with_witness(&mut cluster.clone(), witness, |cluster, flow| {
            Judged::new(cluster, flow, evaluate(cluster, flow))
        })
    });
    let [first, second] = judged.each_ref().map(|judged| judged.evaluation.verdict);
    let only_first = (first, second) == (Verdict::Allowed, Verdict::Denied);
    let only_second = (first, second) == (Verdict::Denied, Verdict::Allowed);
    let is_confirmed = match comparison {
        Comparison::Equivalent => only_first || only_second,
        Comparison::Implies => only_first,
    };
    if !is_confirmed {
        return Err(ReplayError::of(witness));
    }
    Ok(Difference {
        witness: witness.clone(),
        judged,
    })
}
