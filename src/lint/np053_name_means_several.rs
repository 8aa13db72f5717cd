//! NP053: a named port that means different numbers on different pods (N18).

use super::view::{Context, below};
use super::{Found, Lint};
use crate::model::{Meta, PortMatchKind, Severity};
use std::collections::BTreeSet;

const META: Meta = Meta {
    id: "NP053",
    name: "port-name-means-several",
    summary: "a named port that means different numbers on different pods",
    help: "A name is looked up in each destination pod. Write numbers if one port is meant.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        let pods = context.destinations(&at);
        let declared = pods
            .iter()
            .filter_map(|&id| context.cluster.pod(id))
            .flat_map(|pod| &pod.ports);
        let declared: Vec<_> = declared.collect();
        for port in at.ports() {
            let PortMatchKind::Named { protocol, name } = &port.kind else {
                continue;
            };
            let numbers = declared
                .iter()
                .filter(|p| p.name == Some(*name) && protocol.is_none_or(|q| q == p.protocol));
            let numbers: BTreeSet<u16> = numbers.map(|p| p.port).collect();
            if numbers.len() > 1 {
                let list: Vec<String> = numbers.iter().map(u16::to_string).collect();
                let message = format!(
                    "`{}` is {} on different pods",
                    context.text(*name),
                    list.join(" and ")
                );
                let place = below(&at.port_origin(port), "port");
                found.push(
                    Found::at(&META, place, message)
                        .pedantic()
                        .help("write numbers if one port is meant"),
                );
            }
        }
    }
    found
}
