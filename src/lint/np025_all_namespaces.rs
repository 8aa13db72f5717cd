//! NP025: ingress from every namespace.

use super::view::{Context, below};
use super::{Found, Lint};
use crate::model::{Direction, Meta, NamespaceMatch, PeerKind, Severity};

const META: Meta = Meta {
    id: "NP025",
    name: "all-namespaces",
    summary: "ingress from every namespace",
    help: "Any pod of any tenant can call. Name the namespaces.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context
        .rules()
        .filter(|at| at.direction == Direction::Ingress)
    {
        for peer in at.peers() {
            let PeerKind::Pods {
                namespaces: NamespaceMatch::Labels(selector),
                pods,
            } = &peer.kind
            else {
                continue;
            };
            if selector.is_everything() && pods.is_everything() {
                let place = below(&at.peer_origin(peer), "namespaceSelector");
                found.push(
                    Found::at(&META, place, "every pod of every namespace may call")
                        .pedantic()
                        .help("select the namespaces that are meant"),
                );
            }
        }
    }
    found
}
