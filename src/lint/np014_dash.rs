//! NP014: two peers where one was probably meant: a dash too many (N12).

use super::view::{Context, RuleAt};
use super::{Found, Lint};
use crate::model::{Direction, Meta, NamespaceMatch, PeerKind, Selector, Severity};

const META: Meta = Meta {
    id: "NP014",
    name: "dash-mistake",
    summary: "a namespaceSelector and a podSelector as two peers, where one peer with both was probably meant",
    help: "Two peers are an OR: the first lets the whole namespace in, the second is about pods of the policy's own. Remove the second dash.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        for nth in 0..at.peers().len() {
            let Some((first, whole)) = partner(context, &at, nth) else {
                continue;
            };
            let (Some(peer), Some(other)) = (at.peers().get(nth), at.peers().get(first)) else {
                continue;
            };
            let field = match at.direction {
                Direction::Ingress => "from",
                Direction::Egress => "to",
            };
            let what = match at.direction {
                Direction::Ingress => "lets in all pods of",
                Direction::Egress => "lets out to all pods of",
            };
            found.push(
                Found::at(
                    &META,
                    at.peer_origin(peer),
                    format!("a dash too many: this is a peer of its own in `{field}`, about pods of the policy's own namespace, and none matches"),
                )
                .related(at.peer_origin(other), format!("this one {what} {whole}"))
                .help("remove the dash before `podSelector`, so that both selectors are one peer"),
            );
        }
    }
    found
}

/// The peer next to one which it was probably meant to be part of, and what that matches as it is.
pub(super) fn partner(
    context: &Context<'_>,
    at: &RuleAt<'_>,
    nth: usize,
) -> Option<(usize, String)> {
    let peer = at.peers().get(nth)?;
    let (_, pods) = context.stranger(peer)?;
    let neighbours = [nth.checked_sub(1), Some(nth.saturating_add(1))];
    neighbours.into_iter().flatten().find_map(|neighbour| {
        let PeerKind::Pods {
            namespaces: NamespaceMatch::Labels(selector),
            pods: every,
        } = &at.peers().get(neighbour)?.kind
        else {
            return None;
        };
        let namespaces = context.namespaces(&NamespaceMatch::Labels(selector.clone()));
        let both = namespaces.iter().any(|&namespace| {
            context
                .pods_in(namespace)
                .any(|(_, pod)| pods.matches(&pod.labels))
        });
        // Where there is nothing to compare with, the looks have to do.
        let unknown = !namespaces.iter().any(|n| context.is_peopled(*n));
        let whole = whole(context, selector);
        (*every == Selector::everything() && (both || unknown)).then_some((neighbour, whole))
    })
}

fn whole(context: &Context<'_>, selector: &Selector) -> String {
    match selector.is_everything() {
        true => "every namespace".to_owned(),
        false => format!("namespaces with `{}`", context.selector(selector)),
    }
}
