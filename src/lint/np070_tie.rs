//! NP070: two policies of one tier and priority that may disagree.

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Meta, Severity};
use crate::question::ties::ties;

const META: Meta = Meta {
    id: "NP070",
    name: "equal-priorities",
    summary: "two policies of the same tier and priority that may disagree",
    help: "Which one wins is not defined, and differs between implementations. Give one of them another priority.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let found = ties(context.cluster)
        .into_iter()
        .filter_map(|(first, second)| {
            let policy = context.cluster.policy(second)?;
            let other = context.cluster.policy(first)?;
            let place = match policy.kind {
                "BaselineAdminNetworkPolicy" => part(&policy.origin, &["metadata", "name"]),
                _ => part(&policy.origin, &["spec", "priority"]),
            };
            let message = format!(
                "{} `{}` and {} `{}` have the same priority and may disagree",
                other.kind, other.name, policy.kind, policy.name
            );
            Some(
                Found::at(&META, place, message)
                    .help("give one of them another priority: which one wins is not defined")
                    .policies(context.cluster, &[first], "the other one"),
            )
        });
    found.collect()
}
