//! NP017: a selector on a label that changes with every release.

use super::view::{Context, below, part};
use super::{Found, Lint};
use crate::model::{Meta, NamespaceMatch, Origin, PeerKind, Selector, Severity};

const META: Meta = Meta {
    id: "NP017",
    name: "volatile-label",
    summary: "a selector on a label that changes with every release",
    help: "After the next release it matches nothing. Select by a label that stays.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

const VOLATILE: [&str; 8] = [
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "helm.sh/chart",
    "chart",
    "app.kubernetes.io/version",
    "batch.kubernetes.io/controller-uid",
];

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
    let mut keys = selector.requirements().iter().map(|r| context.text(r.key));
    let key = keys.find(|key| VOLATILE.contains(key))?;
    let message =
        format!("the label `{key}` changes with every release, and then this matches nothing");
    Some(
        Found::at(&META, place, message)
            .help("select by a label that stays, such as `app.kubernetes.io/name`"),
    )
}
