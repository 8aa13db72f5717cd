//! SV010: a headless Service whose targetPort is not its port (S4).

use super::view::{Context, below, port_of};
use super::{Found, Lint};
use crate::model::{Meta, Severity, TargetPort};

const META: Meta = Meta {
    id: "SV010",
    name: "headless-port",
    summary: "a headless Service whose targetPort differs from its port",
    help: "DNS gives the pods' addresses, and nothing translates ports: clients dial `port` on the pod. Make both the same.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for service in context
        .cluster
        .services
        .iter()
        .filter(|service| service.headless)
    {
        for (nth, port) in service.ports.iter().enumerate() {
            if let TargetPort::Number(target) = port.target
                && target != port.port
            {
                let place = below(&port_of(service, nth), "targetPort");
                let message = format!(
                    "`targetPort` is ignored: the Service is headless, and clients dial {} on the pod",
                    port.port
                );
                found
                    .push(Found::at(&META, place, message).help(format!("write `port: {target}`")));
            }
        }
    }
    found
}
