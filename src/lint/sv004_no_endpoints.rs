//! SV004: a Service without selector and without endpoints (S3).

use super::view::{Context, name_of};
use super::{Found, Lint};
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "SV004",
    name: "no-endpoints",
    summary: "a Service without selector and without endpoints",
    help: "Without a selector the endpoints are made by hand: add an EndpointSlice with the label `kubernetes.io/service-name`, or a selector.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let cluster = context.cluster;
    let mut found = Vec::new();
    for service in &cluster.services {
        let has_selector = service
            .selector
            .as_ref()
            .is_some_and(|s| !s.is_everything());
        let name = context.name(service.namespace, &service.name);
        let mut sets = cluster.endpoint_sets.iter();
        let has_set =
            sets.any(|set| set.namespace == service.namespace && set.service == service.name);
        // The API server makes the endpoints of its own Service.
        if has_selector
            || has_set
            || service.external_name.is_some()
            || name == "default/kubernetes"
        {
            continue;
        }
        found.push(
            Found::at(
                &META,
                name_of(&service.origin),
                format!("service `{name}` has no selector, and no endpoints in the input"),
            )
            .help(
                "add an EndpointSlice with the label `kubernetes.io/service-name`, or a selector",
            ),
        );
    }
    found
}
