//! NP031: a policy that changes nothing. Proved by the solver.

use super::np030_redundant_part::undecided;
use super::view::{Context, name_of};
use super::{Found, Lint};
use crate::model::{Meta, PolicyId, Severity};
use crate::symbolic::Omission;

const META: Meta = Meta {
    id: "NP031",
    name: "redundant-policy",
    summary: "a policy that changes nothing",
    help: "No flow of any pod that could be created would be decided otherwise without it: it can be removed.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::solver(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let all = context.redundancies().found.iter();
    let policies = all.filter(|one| one.part.what == Omission::Policy);
    let found = policies.filter_map(|one| {
        let policy = context.cluster.policy(one.part.policy)?;
        let name = context.policy_name(policy);
        let others: Vec<PolicyId> = one.shadowed_by.iter().map(|by| by.policy).collect();
        let message = format!("`{name}` changes nothing: other policies say all of it");
        Some(
            Found::at(&META, name_of(&policy.origin), message)
                .help("it can be removed")
                .policies(context.cluster, &others, "says it as well"),
        )
    });
    let mut found: Vec<Found> = found.collect();
    found.extend(undecided(context, &META, |what| what == Omission::Policy));
    found
}
