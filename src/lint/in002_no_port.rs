//! IN002: an Ingress to a port that the Service does not have (I1).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{BackendPort, Meta, Severity, TargetPort};
use crate::question::ingress::{Target, all_backends, follow};

const META: Meta = Meta {
    id: "IN002",
    name: "backend-port-missing",
    summary: "an Ingress to a port that the Service does not have",
    help: "The port is that of the Service, not that of the pod.",
    severity: Severity::Error,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for ingress in &context.cluster.ingresses {
        for backend in all_backends(ingress) {
            let Target::NoPort { service } = follow(context.cluster, ingress, backend) else {
                continue;
            };
            let Some(service) = context.cluster.service(service) else {
                continue;
            };
            let wanted = match &backend.port {
                Some(BackendPort::Number(number) | BackendPort::Target(number)) => {
                    number.to_string()
                }
                Some(BackendPort::Name(name)) => name.clone(),
                None => "any".to_owned(),
            };
            let is_target = service
                .ports
                .iter()
                .find(|port| match (&backend.port, port.target) {
                    (Some(BackendPort::Number(number)), TargetPort::Number(target)) => {
                        *number == target
                    }
                    (Some(BackendPort::Name(name)), TargetPort::Name(target)) => {
                        context.text(target) == name
                    }
                    _ => false,
                });
            let ports: Vec<String> = service
                .ports
                .iter()
                .map(|port| match &port.name {
                    Some(name) => format!("{} ({name})", port.port),
                    None => port.port.to_string(),
                })
                .collect();
            let one = Found::at(
                &META,
                backend.origin.clone(),
                format!("service `{}` has no port `{wanted}`", service.name),
            );
            found.push(match is_target {
                Some(port) => one.help(format!(
                    "that is the pod's port: write the Service's, {}",
                    port.port
                )),
                None => one.help(format!("it has {}", ports.join(", "))),
            });
        }
    }
    found
}
