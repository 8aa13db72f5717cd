//! NP012: a namespaceSelector that matches no namespace.

use super::view::{Context, below};
use super::{Found, Lint, np013_namespace_name_label};
use crate::model::nearest;
use crate::model::{METADATA_NAME, Meta, NamespaceMatch, Operator, PeerKind, Selector, Severity};

const META: Meta = Meta {
    id: "NP012",
    name: "no-such-namespace",
    summary: "a namespaceSelector that matches no namespace",
    help: "Namespaces have the label `kubernetes.io/metadata.name` by themselves, and no other unless somebody sets it.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    // Labels of namespaces are only known where Namespaces are in the input.
    let has_namespaces = context
        .cluster
        .namespaces
        .iter()
        .any(|n| n.origin.is_some());
    let mut found = Vec::new();
    for at in context.rules() {
        for peer in at.peers() {
            let PeerKind::Pods {
                namespaces: NamespaceMatch::Labels(selector),
                ..
            } = &peer.kind
            else {
                continue;
            };
            let is_known = !context
                .namespaces(&NamespaceMatch::Labels(selector.clone()))
                .is_empty();
            if is_known || np013_namespace_name_label::meant(context, selector).is_some() {
                continue;
            }
            let near = near(context, selector);
            let by_name = selector
                .requirements()
                .iter()
                .all(|r| context.text(r.key) == METADATA_NAME);
            // A namespace that is named and not in the input may well be elsewhere.
            if near.is_none() && (by_name || !has_namespaces) {
                continue;
            }
            let one = Found::at(
                &META,
                below(&at.peer_origin(peer), "namespaceSelector"),
                format!(
                    "no namespace of the input has `{}`",
                    context.selector(selector)
                ),
            );
            found.push(one.help(near.unwrap_or_else(|| {
                format!("set the label on the namespace, or select it by `{METADATA_NAME}`, which every namespace has")
            })));
        }
    }
    found
}

fn near(context: &Context<'_>, selector: &Selector) -> Option<String> {
    selector.requirements().iter().find_map(|requirement| {
        let Operator::In(values) = &requirement.operator else {
            return None;
        };
        let key = context.text(requirement.key);
        let namespaces = context.cluster.namespaces.iter();
        let known: Vec<&str> = namespaces
            .filter(|n| n.origin.is_some() || key == METADATA_NAME)
            .filter_map(|n| n.labels.get(requirement.key))
            .map(|value| context.text(value))
            .collect();
        let mut wanted = values.iter().map(|value| context.text(*value));
        let value = wanted.find_map(|value| {
            nearest(value, known.iter().copied()).filter(|near| *near != value)
        })?;
        Some(format!("did you mean `{key}: {value}`?"))
    })
}
