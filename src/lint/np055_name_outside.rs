//! NP055: a named port towards addresses, which have no names (N18).

use super::view::{Context, below, single};
use super::{Found, Lint};
use crate::model::{Direction, Meta, PeerKind, PortMatchKind, Severity};

const META: Meta = Meta {
    id: "NP055",
    name: "port-name-outside",
    summary: "an egress rule to addresses with a named port, which never matches",
    help: "Only pods have named ports. Write the number.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context
        .rules()
        .filter(|at| at.direction == Direction::Egress)
    {
        let mut blocks = at
            .peers()
            .iter()
            .filter(|peer| matches!(peer.kind, PeerKind::IpBlock(_)));
        let Some(block) = blocks.next() else { continue };
        for port in at.ports().iter().filter(|port| single(port).is_none()) {
            let PortMatchKind::Named { name, .. } = &port.kind else {
                continue;
            };
            let message = format!(
                "addresses outside have no port named `{}`, so nothing is let out to them by it",
                context.text(*name)
            );
            found.push(
                Found::at(&META, below(&at.port_origin(port), "port"), message)
                    .related(at.peer_origin(block), "this peer is an address block")
                    .help("write the number"),
            );
        }
    }
    found
}
