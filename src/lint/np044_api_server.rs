//! NP044: a pod with rights on the API that cannot reach the API server.

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Direction, Meta, Protocol, Severity, TrafficSet};
use std::collections::BTreeSet;

const META: Meta = Meta {
    id: "NP044",
    name: "no-api-server",
    summary: "a pod with rights on the Kubernetes API that cannot reach it",
    help: "The API server is no pod: allow its addresses by ipBlock, on the port that it listens on, usually 6443, and on 443 for CNIs that see the Service.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let accounts = bound_accounts(context);
    let mut found = Vec::new();
    let isolated = context.pods().map(|(id, _)| id);
    let isolated = isolated.filter(|&id| context.is_isolated(id, Direction::Egress));
    for (id, pod) in context.once_each(isolated) {
        let spec = context.template(pod).get("spec");
        let account = spec.get("serviceAccountName").text().unwrap_or("default");
        let namespace = context.namespace(pod.namespace);
        if !accounts.contains(&(namespace.to_owned(), account.to_owned()))
            || spec.get("automountServiceAccountToken").is_false()
        {
            continue;
        }
        let reached = context.outside(id, Direction::Egress);
        let server = [443, 6443, 8443]
            .into_iter()
            .fold(TrafficSet::none(), |all, port| {
                all.union(&TrafficSet::ports(Protocol::Tcp, port, port))
            });
        if !reached.intersection(&server).is_none() {
            continue;
        }
        let name = context.workload(id);
        let mut one = Found::at(
            &META,
            context.workload_origin(pod),
            format!("`{name}` has rights on the Kubernetes API through `{account}`, and its egress policy does not let it reach the API server"),
        )
        .help("allow egress by `ipBlock` to the API server's addresses on TCP 6443 (and 443)");
        let policies = context.table(id, Direction::Egress);
        let policies = policies.map_or(&[][..], |(_, table)| &table.policies);
        one = one.policies(context.cluster, policies, "isolates it for egress");
        found.push(one);
    }
    found
}

/// The ServiceAccounts that some binding gives rights.
fn bound_accounts(context: &Context<'_>) -> BTreeSet<(String, String)> {
    let bindings = ["RoleBinding", "ClusterRoleBinding"];
    let bindings = bindings
        .into_iter()
        .flat_map(|kind| context.written.of_kind(kind));
    bindings
        .flat_map(|binding| {
            let own = binding.namespace().unwrap_or("default").to_owned();
            binding
                .node()
                .get("subjects")
                .items()
                .filter_map(move |subject| {
                    let is_account = subject.get("kind").text() == Some("ServiceAccount");
                    let namespace = subject
                        .get("namespace")
                        .text()
                        .map_or(own.clone(), str::to_owned);
                    let name = subject.get("name").text().filter(|_| is_account)?;
                    Some((namespace, name.to_owned()))
                })
        })
        .collect()
}
