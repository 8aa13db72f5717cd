//! NP021: an ipBlock that is the whole address space.

use super::view::{Context, below};
use super::{Found, Lint};
use crate::model::{Direction, Meta, PeerKind, Severity};

const META: Meta = Meta {
    id: "NP021",
    name: "any-address",
    summary: "an ipBlock that holds every address",
    help: "Narrow the block to the addresses that are meant.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        for peer in at.peers() {
            let PeerKind::IpBlock(block) = &peer.kind else {
                continue;
            };
            if block.cidr.prefix_len() == 0 {
                let place = below(&below(&at.peer_origin(peer), "ipBlock"), "cidr");
                let way = match at.direction {
                    Direction::Ingress => "from",
                    Direction::Egress => "to",
                };
                let message = format!("`{}` allows traffic {way} every address", block.cidr);
                found.push(
                    Found::at(&META, place, message)
                        .pedantic()
                        .help("narrow the block, or cut out what is not meant with `except`"),
                );
            }
        }
    }
    found
}
