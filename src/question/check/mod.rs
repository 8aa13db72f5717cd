//! "Does what is intended hold?": each assertion is proved by Z3, or there is a flow against it.
//!
//! An assertion becomes queries for a flow that violates it, one for each kind of ends (pods that
//! exist, pods that could, nodes, addresses outside). No such flow is a proof. A flow that is
//! found counts only when the specification, asked about it, says the same.

mod prover;

use super::can::denied_sides;
use super::near::NearMiss;
use super::ties::{meanings, ties, untied};
use crate::intent::{Assertion, Claim, Scope};
use crate::model::{
    Cluster, Direction, Evaluation, Flow, PolicyId, PortMatchKind, domain_patterns, with_names,
};
use crate::symbolic::{
    Effort, Limits, PodSelection, PolicyIndex, TrafficSpec, Vocabulary, Witness,
};
use prover::Prover;
use rayon::prelude::*;
use std::mem::discriminant;
use std::time::{Duration, Instant};
use thiserror::Error;

/// What checking needs.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its policies by namespace.
    pub index: &'a PolicyIndex,
    /// What selectors tell apart, those of the assertions included.
    pub vocabulary: &'a Vocabulary,
    /// Every pod of the namespaces that the input has.
    pub known: &'a PodSelection,
    /// What the solver may spend.
    pub limits: Limits,
}

/// What came of an assertion.
#[derive(Clone, PartialEq, Debug)]
pub struct Checked {
    /// The answer.
    pub outcome: CheckOutcome,
    /// What was left out of it, in words.
    pub notes: Vec<String>,
    /// What it cost.
    pub effort: Effort,
    /// How long it took. Differs from run to run, unlike everything else.
    pub elapsed: Duration,
}

/// The answer to one assertion.
#[derive(Clone, PartialEq, Debug)]
pub enum CheckOutcome {
    /// It holds: there is no flow against it.
    Proved,
    /// It does not hold.
    Violated(Box<Counterexample>),
    /// It is not known whether it holds.
    Unknown {
        /// Why.
        reason: String,
        /// A flow on which it depends.
        example: Option<Box<Counterexample>>,
    },
    /// It is about nothing: it would hold whatever the policies say.
    Nothing {
        /// Which part of it selects nothing.
        what: String,
    },
    /// It names something that there is not; a finding says what.
    Unresolved,
}

/// Something that is not as intended.
#[derive(Clone, PartialEq, Debug)]
pub enum Counterexample {
    /// A flow.
    Flow {
        /// The flow.
        witness: Witness,
        /// What the specification says of it.
        judged: Box<Judged>,
    },
    /// A pod that no policy isolates in a direction.
    NotIsolated {
        /// The pod: the source of the flow for egress, the destination for ingress.
        witness: Witness,
        /// The direction.
        direction: Direction,
    },
    /// Policies that select no pod.
    Idle(Vec<PolicyId>),
}

/// What the specification says of a flow.
#[derive(Clone, PartialEq, Debug)]
pub struct Judged {
    /// Its answer, with the trace.
    pub evaluation: Evaluation,
    /// For each denied side, the rules that come nearest to allowing it.
    pub near: Vec<(Direction, Vec<NearMiss>)>,
}

impl Judged {
    /// The answer, with the rules that come nearest.
    pub(super) fn new(cluster: &Cluster, flow: &Flow, evaluation: Evaluation) -> Judged {
        Judged {
            near: denied_sides(cluster, flow, &evaluation),
            evaluation,
        }
    }
}

/// A counterexample that the specification does not confirm: one of the two is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("internal error: the solver and the specification disagree on {witness}")]
pub struct ReplayError {
    /// The flow in question.
    pub witness: String,
}

impl ReplayError {
    pub(super) fn of(witness: &Witness) -> ReplayError {
        ReplayError {
            witness: format!("{witness:?}"),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        "please report this, with the manifests if you can: no answer is better than a wrong one"
            .to_owned()
    }
}

/// The vocabulary of some assertions: what they and the policies can tell apart.
pub fn vocabulary_of(
    cluster: &Cluster,
    assertions: &[Assertion],
    known: &PodSelection,
) -> Vocabulary {
    let mut selections: Vec<&PodSelection> = vec![known];
    let mut traffic: Vec<&TrafficSpec> = Vec::new();
    let mut labels: Vec<String> = Vec::new();
    for claim in assertions
        .iter()
        .filter_map(|assertion| assertion.claim.as_ref())
    {
        match claim {
            Claim::Flows { from, to, .. } => {
                selections.extend(&from.pods.selections);
                for called in to {
                    selections.extend(&called.ends.pods.selections);
                    traffic.push(&called.traffic);
                }
            }
            Claim::Isolated { except, .. } => selections.extend(&except.selections),
            Claim::PoliciesSelectPods => {}
            Claim::Separated { except, .. } | Claim::Closed { except } => {
                for exception in except {
                    let ends = [&exception.from, &exception.to];
                    selections.extend(ends.into_iter().flatten().flatten());
                    traffic.push(&exception.traffic);
                }
                if let Claim::Separated { label, .. } = claim {
                    labels.extend(label.clone());
                }
            }
        }
    }
    let named = traffic.iter().flat_map(|spec| spec.0.iter().flatten());
    let named = named.filter_map(|kind| match kind {
        PortMatchKind::Named { name, .. } => Some(*name),
        PortMatchKind::Range { .. } => None,
    });
    Vocabulary::new(&[cluster], selections, named, labels)
}

/// Checks assertions, on all cores. The answers, in order, do not depend on how many there are.
/// Where policies of one tier and priority disagree, or rules are for domain names, everything that
/// can mean is asked about, and what depends on it is unknown.
pub fn check(context: Context<'_>, assertions: &[Assertion]) -> Result<Vec<Checked>, ReplayError> {
    let Some(reason) = undefined_by(context.cluster) else {
        return in_order(context, assertions);
    };
    let mut settled = untied(context.cluster).into_owned();
    with_names(&mut settled, |_, known| known.unwrap_or(false));
    let index = PolicyIndex::new(&settled);
    let of_one = Context {
        cluster: &settled,
        index: &index,
        ..context
    };
    let mut answers = in_order(of_one, assertions)?;
    let (meanings, is_all) = meanings(context.cluster);
    let mut depends = vec![!is_all; answers.len()];
    // Without ties the first is what was just asked about.
    let is_asked = usize::from(ties(context.cluster).is_empty());
    for cluster in meanings.iter().skip(is_asked) {
        let index = PolicyIndex::new(cluster);
        let other = Context {
            cluster,
            index: &index,
            ..context
        };
        let others = in_order(other, assertions)?;
        for ((answer, other), depends) in answers.iter().zip(&others).zip(&mut depends) {
            *depends |= discriminant(&answer.outcome) != discriminant(&other.outcome);
        }
    }
    let dependent = answers.iter_mut().zip(depends).filter(|(_, is_so)| *is_so);
    for (answer, _) in dependent {
        let example = match std::mem::replace(&mut answer.outcome, CheckOutcome::Unresolved) {
            CheckOutcome::Violated(example) => Some(example),
            _ => None,
        };
        answer.outcome = CheckOutcome::Unknown {
            reason: reason.clone(),
            example,
        };
    }
    Ok(answers)
}

/// What answers may depend on that the input does not define; `None` where there is nothing.
fn undefined_by(cluster: &Cluster) -> Option<String> {
    let ties = ties(cluster);
    let by_tie = ties.first().map(|(first, second)| {
        let name = |id: &PolicyId| {
            let policy = cluster.policy(*id);
            policy.map_or_else(String::new, |policy| {
                format!("{} {}", policy.kind, policy.name)
            })
        };
        let more = match ties.len() {
            1 => String::new(),
            n => format!(" (and {} more pairs)", n.saturating_sub(1)),
        };
        format!(
            "on which wins of {} and {}{more}, which have the same priority: that is not defined",
            name(first),
            name(second)
        )
    });
    let names = domain_patterns(cluster);
    let by_name = names
        .first()
        .map(|first| format!("on which addresses `{first}` stands for: they are not in the input"));
    let reasons: Vec<String> = [by_tie, by_name].into_iter().flatten().collect();
    (!reasons.is_empty()).then(|| format!("it depends {}", reasons.join("; or ")))
}

/// The answers with policies in the order of the cluster.
fn in_order(context: Context<'_>, assertions: &[Assertion]) -> Result<Vec<Checked>, ReplayError> {
    assertions
        .par_iter()
        .map_init(
            || context.cluster.clone(),
            |scratch, assertion| {
                let started = Instant::now();
                let mut prover = Prover::new(context, assertion.scope, scratch);
                let mut outcome = prover.prove(assertion.claim.as_ref())?;
                if assertion.scope == Scope::Possible
                    && matches!(outcome, CheckOutcome::Violated(_))
                {
                    // Pods that exist say more than pods that could.
                    prover.scope = Scope::Existing;
                    let existing = prover.prove(assertion.claim.as_ref())?;
                    if matches!(existing, CheckOutcome::Violated(_)) {
                        outcome = existing;
                    }
                }
                Ok(Checked {
                    outcome,
                    notes: prover.notes,
                    effort: prover.effort,
                    elapsed: started.elapsed(),
                })
            },
        )
        .collect()
}
