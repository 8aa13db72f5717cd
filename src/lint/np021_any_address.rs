//! NP021: an ipBlock that is the whole address space.

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Direction, Meta, Severity};

const META: Meta = Meta {
    id: "NP021",
    name: "any-address",
    summary: "an ipBlock that holds every address",
    help: "Narrow the block to the addresses that are meant.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let whole = context
        .blocks()
        .filter(|(_, block, _)| block.cidr.prefix_len() == 0);
    whole
        .map(|(at, block, place)| {
            let way = match at.direction {
                Direction::Ingress => "from",
                Direction::Egress => "to",
            };
            let message = format!("`{}` allows traffic {way} every address", block.cidr);
            Found::at(&META, place, message)
                .pedantic()
                .help("narrow the block, or cut out what is not meant with `except`")
        })
        .collect()
}
