//! NP015: a podSelector alone, for pods that are in another namespace only (N12).

use super::view::{Context, below};
use super::{Found, Lint, np014_dash};
use crate::model::{METADATA_NAME, Meta, NamespaceId, Peer, PeerKind, Severity};

const META: Meta = Meta {
    id: "NP015",
    name: "cross-namespace-peer",
    summary: "a podSelector alone, whose labels only pods of another namespace have",
    help: "Alone it is about the policy's own namespace. Add a namespaceSelector to the same peer.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        for (nth, peer) in at.peers().iter().enumerate() {
            let Some(others) = meant(context, peer) else {
                continue;
            };
            if np014_dash::partner(context, &at, nth).is_some() {
                continue;
            }
            let names: Vec<&str> = others.iter().map(|id| context.namespace(*id)).collect();
            let Some(first) = names.first() else { continue };
            let PeerKind::Pods { pods, .. } = &peer.kind else {
                continue;
            };
            let own = at.policy.namespace.map_or("", |id| context.namespace(id));
            found.push(
                Found::at(
                    &META,
                    below(&at.peer_origin(peer), "podSelector"),
                    format!(
                        "no pod of namespace `{own}` matches `{}`; pods of `{}` do",
                        context.selector(pods),
                        names.join("`, `")
                    ),
                )
                .help(format!(
                    "add `namespaceSelector: {{matchLabels: {{{METADATA_NAME}: {first}}}}}` to the same peer"
                )),
            );
        }
    }
    found
}

/// The other namespaces that a peer's pods are in, when none is in the policy's own.
pub(super) fn meant(context: &Context<'_>, peer: &Peer) -> Option<Vec<NamespaceId>> {
    let (own, pods) = context.stranger(peer)?;
    let others = context.elsewhere(own, pods);
    (!others.is_empty() && others.len() <= 3).then_some(others)
}
