//! NP008: a policy in another namespace than the pods it is about (N2, N11).

use super::view::{Context, name_of, part};
use super::{Found, Lint};
use crate::model::{Meta, NamespaceMatch, Policy, Severity};

const META: Meta = Meta {
    id: "NP008",
    name: "policy-in-another-namespace",
    summary: "a policy that selects pods of another namespace only",
    help: "A policy applies to pods of its own namespace. Set `metadata.namespace`.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, policy) in context.policies() {
        let Some(meant) = meant(context, policy) else {
            continue;
        };
        let written = context.node(&policy.origin).at(&["metadata", "namespace"]);
        let own = policy
            .namespace
            .map_or("", |namespace| context.namespace(namespace));
        let (place, message) = match written.is_there() {
            true => (
                part(&policy.origin, &["metadata", "namespace"]),
                format!(
                    "the policy is in namespace `{own}`, and the pods that it selects are in `{meant}`"
                ),
            ),
            false => (
                name_of(&policy.origin),
                format!(
                    "the policy has no namespace and goes to `{own}`, and the pods that it selects are in `{meant}`"
                ),
            ),
        };
        found.push(Found::at(&META, place, message).help(format!("write `namespace: {meant}`")));
    }
    found
}

/// The one other namespace whose pods a policy would select, if it selects none of its own.
pub(super) fn meant<'a>(context: &Context<'a>, policy: &Policy) -> Option<&'a str> {
    let NamespaceMatch::Same(own) = policy.subject.namespaces else {
        return None;
    };
    // In a namespace that is written and has no pods in the input, other pods say nothing.
    let written = context.node(&policy.origin).at(&["metadata", "namespace"]);
    let is_unknown = written.is_there() && !context.is_peopled(own);
    let selects = !context.subjects(policy).is_empty();
    if policy.subject.pods.is_everything() || selects || is_unknown {
        return None;
    }
    match context.elsewhere(own, &policy.subject.pods).as_slice() {
        [one] => Some(context.namespace(*one)),
        _ => None,
    }
}
