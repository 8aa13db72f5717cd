//! NP050: the port of a Service where policy needs the port of the pod (N17).

use super::view::{Context, RuleAt, below, single};
use super::{Found, Lint};
use crate::model::{Meta, PodId, Protocol, Severity, TargetPort};
use crate::question::service::{Backend, backends};
use crate::source::{Edit, Target};
use std::collections::BTreeSet;

const META: Meta = Meta {
    id: "NP050",
    name: "service-port",
    summary: "the port of a Service, where policy needs the port of the pod",
    help: "Policy sees traffic on the pod's port, after the Service has translated it. Write the targetPort.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        for port in at.ports() {
            let Some((protocol, number)) = single(port) else {
                continue;
            };
            let Some((service, target)) = meant(context, &at, protocol, number) else {
                continue;
            };
            let place = below(&at.port_origin(port), "port");
            let (document, route) = (place.document, place.route.clone());
            // The pod's port may be allowed as well, for CNIs that see the Service.
            let has_both = at
                .ports()
                .iter()
                .any(|p| super::view::has_port(p, protocol, target));
            if has_both {
                continue;
            }
            found.push(
                Found::at(
                    &META,
                    place,
                    format!("{number} is the port of service `{service}`; its pods listen on {target}, and that is what policy sees"),
                )
                .help(format!("write `port: {target}`"))
                .fix(
                    format!("allows {protocol} {target} instead of {number}"),
                    false,
                    vec![Edit::Replace { document, route, target: Target::Value, text: target.to_string() }],
                ),
            );
        }
    }
    found
}

/// The Service whose port was written, and the one port that all pods behind it listen on, when
/// no pod that the rule is about has anything to do with the number.
fn meant(
    context: &Context<'_>,
    at: &RuleAt<'_>,
    protocol: Protocol,
    number: u16,
) -> Option<(String, u16)> {
    let pods: BTreeSet<PodId> = context.destinations(at).into_iter().collect();
    let declares = |pod: &PodId| {
        let pod = context.cluster.pod(*pod);
        pod.is_none_or(|pod| {
            pod.ports
                .iter()
                .any(|p| p.protocol == protocol && p.port == number)
        })
    };
    if pods.is_empty() || pods.iter().any(declares) {
        return None;
    }
    let mut meant: BTreeSet<(String, u16)> = BTreeSet::new();
    for service in context.in_front_of(&pods) {
        if service.headless {
            continue;
        }
        for port in service
            .ports
            .iter()
            .filter(|port| port.protocol == protocol)
        {
            let targets = backends(context.cluster, service, port);
            let targets = targets.into_iter().filter_map(|backend| match backend {
                Backend::Pod { port, .. } => Some(port),
                Backend::Address { .. } | Backend::Unresolved { .. } => None,
            });
            let targets: BTreeSet<u16> = targets.collect();
            if targets.contains(&number) || port.target == TargetPort::Number(number) {
                return None;
            }
            if let (true, [target]) = (
                port.port == number,
                targets.iter().copied().collect::<Vec<_>>().as_slice(),
            ) {
                meant.insert((context.name(service.namespace, &service.name), *target));
            }
        }
    }
    let targets: BTreeSet<u16> = meant.iter().map(|(_, target)| *target).collect();
    if targets.len() == 1 {
        meant.into_iter().next()
    } else {
        None
    }
}
