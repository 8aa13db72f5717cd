//! NP032: a selector that nothing can match.

use super::view::{Context, below, part};
use super::{Found, Lint};
use crate::model::{Meta, NamespaceMatch, Origin, PeerKind, Selector, Severity};
use crate::symbolic::compatible;

const META: Meta = Meta {
    id: "NP032",
    name: "unsatisfiable-selector",
    summary: "a selector that contradicts itself",
    help: "All requirements must hold at once. Correct the one that excludes the others.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, policy) in context.policies() {
        let place = part(&policy.origin, &["spec", "podSelector"]);
        found.extend(look(context, &policy.subject.pods, place));
    }
    for at in context.rules() {
        for peer in at.peers() {
            if let PeerKind::Pods { namespaces, pods } = &peer.kind {
                let place = at.peer_origin(peer);
                found.extend(look(context, pods, below(&place, "podSelector")));
                if let NamespaceMatch::Labels(selector) = namespaces {
                    found.extend(look(context, selector, below(&place, "namespaceSelector")));
                }
            }
        }
    }
    found
}

fn look(context: &Context<'_>, selector: &Selector, place: Origin) -> Option<Found> {
    (!compatible(selector, &Selector::everything())).then(|| {
        let text = context.selector(selector);
        Found::at(&META, place, format!("nothing can match `{text}`"))
            .help("all requirements must hold at once: use one `In` for alternatives")
    })
}
