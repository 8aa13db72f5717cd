//! SV003: a Service port whose protocol is not that of the container port (S2).

use super::view::{Context, port_of};
use super::{Found, Lint};
use crate::model::{Meta, Severity, TargetPort};

const META: Meta = Meta {
    id: "SV003",
    name: "service-protocol",
    summary: "a Service port whose protocol is not that of the container port",
    help: "The same number over TCP and over UDP are two ports. Write the protocol that the container uses.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for service in &context.cluster.services {
        for (nth, port) in service.ports.iter().enumerate() {
            for (id, pod) in context.behind(service) {
                let same: Vec<_> = pod
                    .ports
                    .iter()
                    .filter(|p| match port.target {
                        TargetPort::Number(number) => p.port == number,
                        TargetPort::Name(name) => p.name == Some(name),
                    })
                    .collect();
                let Some(other) = same
                    .first()
                    .filter(|_| same.iter().all(|p| p.protocol != port.protocol))
                else {
                    continue;
                };
                let place = port_of(service, nth);
                found.push(
                    Found::at(
                        &META,
                        place,
                        format!(
                            "the Service has {} {}, and `{}` declares {} {}",
                            port.protocol,
                            port.port,
                            context.workload(id),
                            other.protocol,
                            other.port
                        ),
                    )
                    .help(format!(
                        "write `protocol: {}`, or correct the container port",
                        other.protocol
                    )),
                );
                break;
            }
        }
    }
    found
}
