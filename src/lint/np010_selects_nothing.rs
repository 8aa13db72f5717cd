//! NP010: a policy that selects no pod.

use super::view::{Context, name_of, part};
use super::{Found, Lint, np008_namespace, np048_http01};
use crate::model::{Meta, NamespaceMatch, Selector, Severity};
use crate::question::near::near_label;

const META: Meta = Meta {
    id: "NP010",
    name: "selects-nothing",
    summary: "a policy that selects no pod of its namespace",
    help: "It protects nothing. Correct the selector, or remove the policy.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, policy) in context.policies() {
        let NamespaceMatch::Same(namespace) = policy.subject.namespaces else {
            continue;
        };
        // Without any pod of the namespace, the input is a part of what there is.
        let selector = &policy.subject.pods;
        if selector.is_everything()
            || !context.is_peopled(namespace)
            || !context.subjects(policy).is_empty()
            || context.is_foreign(namespace, selector)
            || is_transient(context, selector)
            || np008_namespace::meant(context, policy).is_some()
        {
            continue;
        }
        let pods: Vec<_> = context.pods_in(namespace).collect();
        // NP018 says it of hostNetwork pods.
        if pods.iter().any(|(_, pod)| selector.matches(&pod.labels)) {
            continue;
        }
        let spec = context.node(&policy.origin).get("spec");
        let place = match spec.get("podSelector").is_there() {
            true => part(&policy.origin, &["spec", "podSelector"]),
            false => name_of(&policy.origin),
        };
        let text = context.selector(selector);
        let name = context.namespace(namespace);
        let one = Found::at(
            &META,
            place,
            format!(
                "no pod of namespace `{name}` matches `{text}`, so the policy protects nothing"
            ),
        );
        found.push(match near_label(context.cluster, selector, &pods) {
            Some(near) => one.help(format!("did you mean `{near}`?")),
            None => {
                one.help("compare with the labels of the pod template, not those of the Deployment")
            }
        });
    }
    found
}

/// Whether the pods are there only for a moment, and never in manifests.
fn is_transient(context: &Context<'_>, selector: &Selector) -> bool {
    let mut keys = selector.requirements().iter().map(|r| context.text(r.key));
    keys.any(|key| key == np048_http01::SOLVER.0)
}
