//! NP011: a peer that matches no pod.

use super::view::{Context, below};
use super::{Found, Lint, np014_dash, np015_cross_namespace};
use crate::model::{Meta, PeerKind, Severity};
use crate::question::near::near_label;

const META: Meta = Meta {
    id: "NP011",
    name: "peer-selects-nothing",
    summary: "a peer that matches no pod",
    help: "It lets nothing through. Correct the selector, or remove the peer.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        for (nth, peer) in at.peers().iter().enumerate() {
            let PeerKind::Pods { namespaces, pods } = &peer.kind else {
                continue;
            };
            let namespaces = context.namespaces(namespaces);
            let known: Vec<_> = namespaces
                .iter()
                .flat_map(|&n| context.pods_in(n))
                .collect();
            if pods.is_everything()
                || known.is_empty()
                || namespaces.iter().any(|n| context.is_foreign(*n, pods))
                || known.iter().any(|(_, pod)| pods.matches(&pod.labels))
                || np014_dash::partner(context, &at, nth).is_some()
                || np015_cross_namespace::meant(context, peer).is_some()
            {
                continue;
            }
            let text = context.selector(pods);
            let names: Vec<&str> = namespaces.iter().map(|n| context.namespace(*n)).collect();
            let place = match names.as_slice() {
                [one] => format!("namespace `{one}`"),
                _ => "the namespaces that it is about".to_owned(),
            };
            let one = Found::at(
                &META,
                below(&at.peer_origin(peer), "podSelector"),
                format!("no pod of {place} matches `{text}`, so this peer lets nothing through"),
            );
            found.push(match near_label(context.cluster, pods, &known) {
                Some(near) => one.help(format!("did you mean `{near}`?")),
                None => one.help("compare with the labels of the pod template"),
            });
        }
    }
    found
}
