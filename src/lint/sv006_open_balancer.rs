//! SV006: a load balancer for everyone (S8).

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Meta, ServiceType, Severity};

const META: Meta = Meta {
    id: "SV006",
    name: "open-load-balancer",
    summary: "a load balancer without source ranges",
    help: "Everyone can reach it. Set `loadBalancerSourceRanges`, or the provider's annotation for an internal one.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let services = context.cluster.services.iter();
    let open = services.filter(|service| {
        service.service_type == ServiceType::LoadBalancer
            && service.source_ranges.is_empty()
            && !service.internal
    });
    open.map(|service| {
        let name = context.name(service.namespace, &service.name);
        Found::at(
            &META,
            part(&service.origin, &["spec", "type"]),
            format!("the load balancer of service `{name}` takes clients from everywhere"),
        )
        .pedantic()
        .help("set `loadBalancerSourceRanges`, or the provider's annotation for an internal one")
    })
    .collect()
}
