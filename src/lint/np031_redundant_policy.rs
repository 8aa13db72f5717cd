//! NP031: a policy that changes nothing. Proved by the solver.

use super::view::{Context, name_of};
use super::{Found, Lint};
use crate::model::{Meta, Severity};
use crate::question::redundant::redundant;
use crate::symbolic::{Limits, Omission};

const META: Meta = Meta {
    id: "NP031",
    name: "redundant-policy",
    summary: "a policy that changes nothing",
    help: "No flow of any pod that could be created would be decided otherwise without it: it can be removed.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::solver(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let all = redundant(context.cluster, Limits::default())
        .found
        .into_iter();
    let policies = all.filter(|one| one.part.what == Omission::Policy);
    policies
        .filter_map(|one| {
            let policy = context.cluster.policy(one.part.policy)?;
            let name = context.policy_name(policy);
            let mut finding = Found::at(
                &META,
                name_of(&policy.origin),
                format!("`{name}` changes nothing: other policies say all of it"),
            )
            .help("it can be removed");
            for by in one.shadowed_by.iter().take(3) {
                if let Some(other) = context.cluster.policy(by.policy) {
                    finding = finding.related(name_of(&other.origin), "says it as well");
                }
            }
            Some(finding)
        })
        .collect()
}
