//! NP048: cert-manager's HTTP-01 solver would be blocked.

use super::view::{Context, has_port, name_of};
use super::{Found, Lint};
use crate::model::{
    Labels, Meta, NamespaceId, NamespaceMatch, Operator, Policy, Protocol, Selector, Severity,
};
use std::collections::BTreeSet;

const META: Meta = Meta {
    id: "NP048",
    name: "http01-blocked",
    summary: "a namespace whose policies would block cert-manager's HTTP-01 solver",
    help: "The solver's pods carry `acme.cert-manager.io/http01-solver: \"true\"` and listen on TCP 8089. Allow the ingress controller to reach them.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

/// The label of the solver's pods.
pub(super) const SOLVER: (&str, &str) = ("acme.cert-manager.io/http01-solver", "true");

fn find(context: &Context<'_>) -> Vec<Found> {
    let issuers: BTreeSet<(&str, Option<&str>)> = ["Issuer", "ClusterIssuer"]
        .into_iter()
        .flat_map(|kind| context.written.of_kind(kind))
        .filter(|issuer| {
            let solvers = issuer.node().at(&["spec", "acme", "solvers"]).items();
            solvers
                .into_iter()
                .any(|solver| solver.get("http01").is_there())
        })
        .map(|issuer| {
            (
                issuer.name(),
                issuer.namespace().filter(|_| issuer.kind == "Issuer"),
            )
        })
        .collect();
    let mut namespaces: BTreeSet<NamespaceId> = BTreeSet::new();
    for ingress in &context.cluster.ingresses {
        let annotations = context
            .node(&ingress.origin)
            .at(&["metadata", "annotations"]);
        let named = ["cert-manager.io/issuer", "cert-manager.io/cluster-issuer"];
        let mut named = named
            .into_iter()
            .filter_map(|key| annotations.get(key).text());
        if named.any(|name| issuers.iter().any(|(issuer, _)| *issuer == name)) {
            namespaces.insert(ingress.namespace);
        }
    }
    for certificate in context.written.of_kind("Certificate") {
        let issuer = certificate.node().at(&["spec", "issuerRef", "name"]).text();
        let namespace = context
            .cluster
            .namespace_named(certificate.namespace().unwrap_or("default"));
        if let (true, Some(id)) = (
            issuers.iter().any(|(name, _)| Some(*name) == issuer),
            namespace,
        ) {
            namespaces.insert(id);
        }
    }
    namespaces
        .into_iter()
        .filter_map(|id| blocked(context, id))
        .collect()
}

fn blocked(context: &Context<'_>, namespace: NamespaceId) -> Option<Found> {
    let selecting: Vec<&Policy> = context
        .policies()
        .map(|(_, policy)| policy)
        .filter(|policy| {
            policy.subject.namespaces == NamespaceMatch::Same(namespace)
                && policy.ingress.is_some()
                && selects_solver(context, &policy.subject.pods)
        })
        .collect();
    let lets_in = selecting.iter().any(|policy| {
        policy.ingress.iter().flatten().any(|rule| {
            let mut ports = rule.ports.iter().flatten();
            rule.ports.is_none() || ports.any(|port| has_port(port, Protocol::Tcp, 8089))
        })
    });
    let first = selecting.first().filter(|_| !lets_in)?;
    let name = context.namespace(namespace);
    Some(
        Found::at(
            &META,
            name_of(&first.origin),
            format!("in namespace `{name}` cert-manager's HTTP-01 solver would be blocked: nothing lets TCP 8089 in"),
        )
        .help("add a policy for pods with `acme.cert-manager.io/http01-solver: \"true\"` that allows TCP 8089 from the ingress controller"),
    )
}

/// Whether a selector matches the solver's pods, of which only one label is known for certain.
fn selects_solver(context: &Context<'_>, selector: &Selector) -> bool {
    selector.requirements().iter().all(|requirement| {
        let own = context.text(requirement.key) == SOLVER.0;
        match (&requirement.operator, own) {
            (Operator::In(values), true) => values.iter().any(|v| context.text(*v) == SOLVER.1),
            (Operator::Exists, true) => true,
            (Operator::NotIn(values), true) => !values.iter().any(|v| context.text(*v) == SOLVER.1),
            (_, true) => false,
            (_, false) => requirement.matches(&Labels::default()),
        }
    })
}
