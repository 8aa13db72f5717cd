//! NP024: a namespace without a default-deny policy.

use super::view::{Context, name_of};
use super::{Found, Lint};
use crate::model::{Direction, Meta, NamespaceId, NamespaceMatch, Severity};

const META: Meta = Meta {
    id: "NP024",
    name: "no-default-deny",
    summary: "a namespace without a default-deny policy",
    help: "A pod that no policy selects is open, and so is every new one. A policy with an empty podSelector isolates all of them.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let namespaces = (0u32..).map(NamespaceId).zip(&context.cluster.namespaces);
    for (id, namespace) in namespaces {
        let Some((_, first)) = context.pods_in(id).next() else {
            continue;
        };
        let lacks = |direction: &Direction| {
            !context.policies().any(|(_, policy)| {
                policy.subject.namespaces == NamespaceMatch::Same(id)
                    && policy.subject.pods.is_everything()
                    && policy.rules(*direction).is_some()
            })
        };
        let missing: Vec<&str> = [Direction::Ingress, Direction::Egress]
            .into_iter()
            .filter(lacks)
            .map(Direction::name)
            .collect();
        if !missing.is_empty() {
            let place = namespace.origin.as_ref().map(name_of);
            let place = place.unwrap_or_else(|| context.workload_origin(first));
            let message = format!(
                "no policy isolates all pods of namespace `{}` for {}",
                namespace.name,
                missing.join(" and ")
            );
            found.push(
                Found::at(&META, place, message)
                    .help("add a policy with `podSelector: {}` and no rules"),
            );
        }
    }
    found
}
