//! NP013: a namespace selected by a label `name` that it does not have (N15).

use super::view::{Context, below};
use super::{Found, Lint};
use crate::model::{METADATA_NAME, Meta, NamespaceMatch, Operator, PeerKind, Selector, Severity};
use crate::source::{Edit, Target};

const META: Meta = Meta {
    id: "NP013",
    name: "namespace-name-label",
    summary: "a namespace selected by a label `name` that it does not have",
    help: "Namespaces carry their name as `kubernetes.io/metadata.name`. A label `name` is only there if somebody sets it.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
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
            let Some((key, name)) = meant(context, selector) else {
                continue;
            };
            let place = below(&at.peer_origin(peer), "namespaceSelector");
            let written = context.node_of(&at.policy.origin, &place.route);
            let is_label = written.at(&["matchLabels", key]).is_there();
            let document = place.document;
            let route = place.route.clone().key("matchLabels").key(key.to_owned());
            let one = Found::at(
                &META,
                place,
                format!(
                    "namespace `{name}` has no label `{key}`, so this peer matches no pod of it"
                ),
            )
            .help(format!(
                "select it by `{METADATA_NAME}: {name}`, which every namespace has"
            ));
            found.push(match is_label {
                true => one.fix(
                    format!("selects by `{METADATA_NAME}` instead of `{key}`: the peer then matches namespace `{name}`"),
                    false,
                    vec![Edit::Replace {
                        document,
                        route,
                        target: Target::Key,
                        text: METADATA_NAME.to_owned(),
                    }],
                ),
                false => one,
            });
        }
    }
    found
}

/// The key, and the namespace that it was probably meant for.
pub(super) fn meant<'a>(context: &Context<'a>, selector: &Selector) -> Option<(&'a str, &'a str)> {
    let [requirement] = selector.requirements() else {
        return None;
    };
    let Operator::In(values) = &requirement.operator else {
        return None;
    };
    let (key, [value]) = (context.text(requirement.key), values.as_slice()) else {
        return None;
    };
    let usual = [
        "name",
        "namespace",
        "ns",
        "kubernetes.io/name",
        "metadata.name",
        "k8s.io/metadata.name",
        "app.kubernetes.io/name",
    ];
    let name = context.text(*value);
    let id = context.cluster.namespace_named(name)?;
    let namespace = context.cluster.namespace(id)?;
    let none_has = context
        .namespaces(&NamespaceMatch::Labels(selector.clone()))
        .is_empty();
    let lacks = namespace.labels.get(requirement.key).is_none();
    // Of a namespace that is only mentioned, the labels are not known.
    (usual.contains(&key) && none_has && lacks && namespace.origin.is_some()).then_some((key, name))
}
