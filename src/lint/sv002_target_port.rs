//! SV002: a targetPort that the pods do not have (S2).

use super::view::{Context, below, port_of};
use super::{Found, Lint};
use crate::model::nearest;
use crate::model::{Meta, Severity, TargetPort};

const META: Meta = Meta {
    id: "SV002",
    name: "target-port",
    summary: "a targetPort that the pods behind the Service do not have",
    help: "A name has to be that of a container port; a number should be one that a container listens on.",
    severity: Severity::Error,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for service in context
        .cluster
        .services
        .iter()
        .filter(|service| !service.headless)
    {
        let pods = context.behind(service);
        let name = context.name(service.namespace, &service.name);
        for (nth, port) in service.ports.iter().enumerate() {
            let place = below(&port_of(service, nth), "targetPort");
            let declared = pods.iter().flat_map(|(_, pod)| &pod.ports);
            match port.target {
                TargetPort::Name(target) => {
                    let text = context.text(target);
                    let lacking: Vec<_> = pods
                        .iter()
                        .filter(|(_, pod)| !pod.ports.iter().any(|p| p.name == Some(target)))
                        .map(|(id, _)| *id)
                        .collect();
                    if lacking.is_empty() {
                        continue;
                    }
                    let who = context.workloads(&lacking);
                    let names: Vec<&str> = declared
                        .filter_map(|p| p.name)
                        .map(|n| context.text(n))
                        .collect();
                    let one = Found::at(
                        &META,
                        place,
                        format!(
                            "{who} has no port named `{text}`, so it is no endpoint of port {} of service `{name}`",
                            port.port
                        ),
                    );
                    found.push(match nearest(text, names) {
                        Some(near) => one.help(format!("did you mean `{near}`?")),
                        None => one.help("name the container port, or write its number"),
                    });
                }
                TargetPort::Number(number) => {
                    let declared: Vec<_> = declared.collect();
                    let all_declare =
                        !pods.is_empty() && pods.iter().all(|(_, pod)| !pod.ports.is_empty());
                    if all_declare && !declared.iter().any(|p| p.port == number) {
                        let mut numbers: Vec<String> =
                            declared.iter().map(|p| p.port.to_string()).collect();
                        numbers.dedup();
                        found.push(
                            Found::at(
                                &META,
                                place,
                                format!(
                                    "no container behind service `{name}` declares port {number}"
                                ),
                            )
                            .severity(Severity::Warning)
                            .help(format!("they declare {}", numbers.join(", "))),
                        );
                    }
                }
            }
        }
    }
    found
}
