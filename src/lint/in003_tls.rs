//! IN003: an Ingress without TLS, or with TLS for other hosts (I3).

use super::view::{Context, name_of, part};
use super::{Found, Lint};
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "IN003",
    name: "tls",
    summary: "an Ingress without TLS, with TLS for a host that no rule has, or without the secret",
    help: "A host that `tls` does not list is served without encryption, or with the controller's own certificate.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let secrets: Vec<_> = context.written.of_kind("Secret").collect();
    let mut found = Vec::new();
    for ingress in context
        .cluster
        .ingresses
        .iter()
        .filter(|ingress| ingress.kind == "Ingress")
    {
        let name = context.name(ingress.namespace, &ingress.name);
        let object = context.node(&ingress.origin);
        let tls = object.at(&["spec", "tls"]);
        if !tls.items().any(|_| true) {
            found.push(
                Found::at(
                    &META,
                    name_of(&ingress.origin),
                    format!("ingress `{name}` has no `tls`: requests are not encrypted"),
                )
                .pedantic()
                .help("add `tls` with the hosts and a secret"),
            );
            continue;
        }
        let hosts: Vec<&str> = ingress
            .paths
            .iter()
            .filter_map(|path| path.host.as_deref())
            .collect();
        for (nth, entry) in tls.items().enumerate() {
            for (at, host) in entry.get("hosts").items().enumerate() {
                let Some(host) = host.text() else { continue };
                let covers = |rule: &&str| {
                    *rule == host
                        || host.strip_prefix("*.").is_some_and(|suffix| {
                            rule.split_once('.').is_some_and(|(_, rest)| rest == suffix)
                        })
                };
                if !hosts.is_empty() && !hosts.iter().any(covers) {
                    let mut place = part(&ingress.origin, &["spec", "tls"]);
                    place.route = place.route.index(nth).key("hosts").index(at);
                    found.push(
                        Found::at(&META, place, format!("no rule is for host `{host}`"))
                            .help(format!("the rules are for {}", hosts.join(", "))),
                    );
                }
            }
            let Some(secret) = entry.get("secretName").text() else {
                continue;
            };
            let annotations = object.at(&["metadata", "annotations"]);
            let is_issued = annotations
                .entries()
                .any(|(key, _)| key.starts_with("cert-manager.io/"));
            let is_known = secrets.iter().any(|s| s.name() == secret);
            let certified = context
                .written
                .of_kind("Certificate")
                .any(|c| c.node().at(&["spec", "secretName"]).text() == Some(secret));
            if !is_issued && !is_known && !certified {
                let mut place = part(&ingress.origin, &["spec", "tls"]);
                place.route = place.route.index(nth).key("secretName");
                found.push(
                    Found::at(
                        &META,
                        place,
                        format!("secret `{secret}` is not in the input"),
                    )
                    .pedantic()
                    .help("make sure that something else creates it"),
                );
            }
        }
    }
    found
}
