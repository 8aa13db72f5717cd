//! NP030: a rule, peer or port that changes nothing. Proved by the solver.

use super::view::{Context, name_of};
use super::{Found, Lint};
use crate::model::{Meta, PolicyId, Severity};
use crate::symbolic::Omission;

const META: Meta = Meta {
    id: "NP030",
    name: "redundant-part",
    summary: "a rule, peer or port that changes nothing",
    help: "No flow of any pod that could be created would be decided otherwise without it: it can be removed.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::solver(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for one in &context.redundancies().found {
        let what = match one.part.what {
            // NP031 says it.
            Omission::Policy => continue,
            Omission::Rule(..) => "rule",
            Omission::Peer(..) => "peer",
            Omission::Port(..) => "port",
        };
        let message = match one.shadowed_by.is_empty() {
            true => format!("this {what} lets nothing through that both ends allow"),
            false => format!("this {what} changes nothing: others allow all of it"),
        };
        let others: Vec<PolicyId> = one.shadowed_by.iter().map(|by| by.policy).collect();
        found.push(
            Found::at(&META, one.origin.clone(), message)
                .help("it can be removed")
                .policies(context.cluster, &others, "allows it as well"),
        );
    }
    found.extend(undecided(context, &META, |what| what != Omission::Policy));
    found
}

/// What the solver gave up on, which is said and not passed over.
pub(super) fn undecided(
    context: &Context<'_>,
    meta: &Meta,
    is_own: fn(Omission) -> bool,
) -> Vec<Found> {
    let unknown = &context.redundancies().unknown;
    let unknown = unknown.iter().filter(|(part, _)| is_own(part.what));
    unknown
        .filter_map(|(part, reason)| {
            let policy = context.cluster.policy(part.policy)?;
            let message = format!("it is not known whether all of it is needed: {reason}");
            Some(Found::at(meta, name_of(&policy.origin), message))
        })
        .collect()
}
