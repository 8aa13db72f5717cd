//! NP028: egress to every address, private ones included.

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Direction, Meta, Severity, block_addresses};
use std::net::{IpAddr, Ipv4Addr};

const META: Meta = Meta {
    id: "NP028",
    name: "private-ranges",
    summary: "egress to every address, private ranges included",
    help: "What is meant as the internet holds the cluster and the company's network too. Cut out 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

const PRIVATE: [(&str, Ipv4Addr); 3] = [
    ("10.0.0.0/8", Ipv4Addr::new(10, 0, 0, 1)),
    ("172.16.0.0/12", Ipv4Addr::new(172, 16, 0, 1)),
    ("192.168.0.0/16", Ipv4Addr::new(192, 168, 0, 1)),
];

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, block, place) in context.blocks() {
        let addresses = block_addresses(block);
        let held = PRIVATE.into_iter();
        let held = held.filter(|(_, address)| addresses.contains(IpAddr::V4(*address)));
        let held: Vec<&str> = held.map(|(name, _)| name).collect();
        let is_whole = at.direction == Direction::Egress && block.cidr.prefix_len() == 0;
        if is_whole && !held.is_empty() {
            let held = held.join(", ");
            let message = format!("`{}` holds private addresses too: {held}", block.cidr);
            found.push(
                Found::at(&META, place, message)
                    .pedantic()
                    .help(format!("if the internet is meant, add `except: [{held}]`")),
            );
        }
    }
    found
}
