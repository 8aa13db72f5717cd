//! SV008: an ExternalName Service, which is a DNS alias and nothing else (S5).

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Meta, Severity};
use std::net::IpAddr;

const META: Meta = Meta {
    id: "SV008",
    name: "external-name",
    summary: "an ExternalName Service, or one that cannot work",
    help: "It is a DNS alias: no ports, no proxy, no policy, and the client sends the alias as TLS name and Host.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for service in &context.cluster.services {
        let Some(external) = &service.external_name else {
            continue;
        };
        let place = part(&service.origin, &["spec", "externalName"]);
        let name = context.name(service.namespace, &service.name);
        found.push(if external.parse::<IpAddr>().is_ok() {
            Found::at(&META, place, format!("`{external}` is an address, and `externalName` is a DNS name: service `{name}` resolves to nothing"))
                .severity(Severity::Warning)
                .help("use a Service without selector, and an EndpointSlice with the address")
        } else if external.trim_end_matches('.').ends_with(".svc.cluster.local") {
            Found::at(&META, place, format!("service `{name}` is an alias of another Service, whose policies apply and whose ports are not translated"))
                .severity(Severity::Warning)
                .help("call that Service by its own name")
        } else {
            Found::at(&META, place, format!("service `{name}` is an alias: policy sees the addresses of `{external}`"))
                .help("allow those by ipBlock, and DNS")
        });
    }
    found
}
