//! NP052: a port number that no container declares (N20).

use super::view::{Context, below, single};
use super::{Found, Lint};
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "NP052",
    name: "undeclared-port",
    summary: "a port number that no container of the pods declares",
    help: "It works all the same, since declaring ports is optional; but it may be a port that nobody listens on.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        let pods = context.destinations(&at);
        let pods: Vec<_> = pods
            .iter()
            .filter_map(|&id| context.cluster.pod(id))
            .collect();
        let all_declare = !pods.is_empty() && pods.iter().all(|pod| !pod.ports.is_empty());
        for port in at.ports().iter().filter(|_| all_declare) {
            let Some((protocol, number)) = single(port) else {
                continue;
            };
            let declared = pods.iter().any(|pod| {
                pod.ports
                    .iter()
                    .any(|p| p.port == number && p.protocol == protocol)
            });
            if !declared {
                let place = below(&at.port_origin(port), "port");
                found.push(Found::at(
                    &META,
                    place,
                    format!("no container of these pods declares {protocol} {number}"),
                ));
            }
        }
    }
    found
}
