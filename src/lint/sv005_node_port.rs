//! SV005: a port on every node (S6).

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Meta, ServiceType, Severity};

const META: Meta = Meta {
    id: "SV005",
    name: "node-port",
    summary: "a Service that opens a port on every node",
    help: "Whoever reaches a node reaches the Service, and no policy stops it at the node. Use ClusterIP behind an Ingress.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let services = context.cluster.services.iter();
    let services = services.filter(|service| service.service_type == ServiceType::NodePort);
    services
        .map(|service| {
            let name = context.name(service.namespace, &service.name);
            Found::at(
                &META,
                part(&service.origin, &["spec", "type"]),
                format!("service `{name}` opens a port on every node"),
            )
            .pedantic()
            .help("use ClusterIP behind an Ingress, unless the nodes are meant to be reached")
        })
        .collect()
}
