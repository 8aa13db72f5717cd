//! SV007: a Service that takes traffic for addresses of its own choice.

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "SV007",
    name: "external-ips",
    summary: "a Service with `externalIPs`",
    help: "Whoever may write Services can take over traffic to any address with it (CVE-2020-8554). Use a load balancer.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let services = context.cluster.services.iter();
    let services = services.filter(|service| !service.external_ips.is_empty());
    services
        .map(|service| {
            let name = context.name(service.namespace, &service.name);
            Found::at(&META, part(&service.origin, &["spec", "externalIPs"]), format!("service `{name}` takes all traffic to these addresses, whoever they belong to (CVE-2020-8554)"))
                .key()
                .help("use a load balancer")
        })
        .collect()
}
