//! NP051: a named port that the pods do not have (N18).

use super::view::{Context, below};
use super::{Found, Lint};
use crate::model::nearest;
use crate::model::{Meta, PortMatchKind, Severity};

const META: Meta = Meta {
    id: "NP051",
    name: "undeclared-port-name",
    summary: "a named port that pods of the rule do not declare",
    help: "A name is looked up in the container ports of each destination pod, with the protocol. Where there is none, the rule lets nothing through.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        let pods = context.destinations(&at);
        let pods: Vec<_> = pods
            .iter()
            .filter_map(|&id| Some((id, context.cluster.pod(id)?)))
            .collect();
        for port in at.ports() {
            let PortMatchKind::Named { protocol, name } = &port.kind else {
                continue;
            };
            let text = context.text(*name);
            let has = |pod: &crate::model::Pod| {
                pod.ports
                    .iter()
                    .any(|p| p.name == Some(*name) && protocol.is_none_or(|q| q == p.protocol))
            };
            let lacking: Vec<_> = pods
                .iter()
                .filter(|(_, pod)| !has(pod))
                .map(|(id, _)| *id)
                .collect();
            if lacking.is_empty() {
                continue;
            }
            let place = below(&at.port_origin(port), "port");
            let other = pods
                .iter()
                .flat_map(|(_, pod)| &pod.ports)
                .find(|p| p.name == Some(*name));
            let names: Vec<&str> = pods
                .iter()
                .flat_map(|(_, pod)| &pod.ports)
                .filter_map(|p| p.name)
                .map(|name| context.text(name))
                .collect();
            let who = context.workloads(&lacking);
            found.push(if lacking.len() < pods.len() {
                Found::at(
                    &META,
                    place,
                    format!("these pods have no port named `{text}`, and get nothing by it: {who}"),
                )
                .severity(Severity::Note)
            } else if let Some(other) = other {
                Found::at(
                    &META,
                    place,
                    format!(
                        "port `{text}` of {who} is {}, not {}",
                        other.protocol,
                        protocol.map_or("this protocol", |p| p.name())
                    ),
                )
                .help(format!("write `protocol: {}`", other.protocol))
            } else {
                let one = Found::at(
                    &META,
                    place,
                    format!("no pod of this rule has a port named `{text}`: {who}"),
                );
                match nearest(text, names) {
                    Some(near) => one.help(format!("did you mean `{near}`?")),
                    None => one.help("name the port in the pod template, or write its number"),
                }
            });
        }
    }
    found
}
