//! NP043: a DNS rule with labels that the DNS pods do not have (D1).

use super::view::{Context, below, has_port};
use super::{Found, Lint};
use crate::model::{
    Direction, METADATA_NAME, Meta, NamespaceMatch, PeerKind, Protocol, Selector, Severity,
};

const META: Meta = Meta {
    id: "NP043",
    name: "dns-selector",
    summary: "a DNS rule with labels that the DNS pods do not have",
    help: "The DNS pods of Kubernetes carry `k8s-app: kube-dns`, also where they are CoreDNS.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

/// What people write for `k8s-app: kube-dns`.
const WRONG: [(&str, &str); 8] = [
    ("k8s-app", "coredns"),
    ("k8s-app", "core-dns"),
    ("k8s-app", "dns"),
    ("k8s-app", "kubedns"),
    ("app", "kube-dns"),
    ("app", "coredns"),
    ("app.kubernetes.io/name", "kube-dns"),
    ("name", "kube-dns"),
];

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context
        .rules()
        .filter(|at| at.direction == Direction::Egress)
    {
        let dns = at
            .ports()
            .iter()
            .any(|port| has_port(port, Protocol::Udp, 53) || has_port(port, Protocol::Tcp, 53));
        for peer in at.peers().iter().filter(|_| dns) {
            let PeerKind::Pods { namespaces, pods } = &peer.kind else {
                continue;
            };
            // With pods of kube-system at hand, NP011 knows better.
            let known = context.cluster.namespace_named("kube-system");
            if !is_kube_system(context, namespaces)
                || known.is_some_and(|id| context.is_peopled(id))
            {
                continue;
            }
            let Some((key, value)) = wrong(context, pods) else {
                continue;
            };
            found.push(
                Found::at(
                    &META,
                    below(&at.peer_origin(peer), "podSelector"),
                    format!("the DNS pods of Kubernetes do not carry `{key}: {value}`"),
                )
                .help("they carry `k8s-app: kube-dns`, also where they are CoreDNS"),
            );
        }
    }
    found
}

fn is_kube_system(context: &Context<'_>, namespaces: &NamespaceMatch) -> bool {
    match namespaces {
        NamespaceMatch::Same(id) => context.namespace(*id) == "kube-system",
        NamespaceMatch::Labels(selector) => {
            let text = context.selector(selector);
            text.is_empty() || text == format!("{METADATA_NAME}=kube-system")
        }
    }
}

fn wrong(context: &Context<'_>, pods: &Selector) -> Option<(&'static str, &'static str)> {
    let text = context.selector(pods);
    WRONG
        .into_iter()
        .find(|(key, value)| text == format!("{key}={value}"))
}
