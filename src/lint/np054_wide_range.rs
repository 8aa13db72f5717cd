//! NP054: a wide range of ports (N19).

use super::view::{Context, below};
use super::{Found, Lint};
use crate::model::{Meta, PortMatchKind, Severity};

const META: Meta = Meta {
    id: "NP054",
    name: "wide-range",
    summary: "a range of ports, or a wide one",
    help: "Narrow it to the ports that are used. Not every CNI supports `endPort`.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        for port in at.ports() {
            let PortMatchKind::Range { first, last, .. } = port.kind else {
                continue;
            };
            let written = context.node_of(&at.policy.origin, &port.route);
            if !written.get("endPort").is_there() {
                continue;
            }
            let count = u32::from(last.saturating_sub(first)) + 1;
            let one = Found::at(
                &META,
                below(&at.port_origin(port), "endPort"),
                match count {
                    1001.. => format!("{count} ports, from {first} to {last}"),
                    _ => "not every CNI supports `endPort`".to_owned(),
                },
            );
            found.push(match count {
                1001.. => one.help("narrow the range to the ports that are used"),
                _ => one.severity(Severity::Note),
            });
        }
    }
    found
}
