//! NP026: the cloud's metadata service can be reached through an ipBlock.

use super::view::{Context, has_port};
use super::{Found, Lint};
use crate::model::{Direction, Meta, Protocol, Severity, Verdict, block_addresses};
use std::net::{IpAddr, Ipv4Addr};

const META: Meta = Meta {
    id: "NP026",
    name: "metadata-service",
    summary: "an egress ipBlock that holds the cloud's metadata service",
    help: "The metadata service hands out the node's credentials. Cut out 169.254.169.254/32 with `except`.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

/// Where the large clouds have it.
const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, block, place) in context.blocks() {
        let by_port = at.rule.ports.is_none()
            || at
                .ports()
                .iter()
                .any(|port| has_port(port, Protocol::Tcp, 80));
        let is_held = block_addresses(block).contains(METADATA);
        if at.direction != Direction::Egress || !by_port || !is_held {
            continue;
        }
        let pods = context.subjects(at.policy);
        let mut witnesses = pods.iter().filter_map(|&pod| {
            context.outside_witness(pod, Direction::Egress, METADATA, Protocol::Tcp, 80)
        });
        let witness = witnesses.find(|witness| witness.verdict == Verdict::Allowed);
        if witness.is_none() && !pods.is_empty() {
            continue;
        }
        let message = format!(
            "`{}` holds {METADATA}, the cloud's metadata service",
            block.cidr
        );
        found.push(
            Found::at(&META, place, message)
                .help("add `except: [169.254.169.254/32]`")
                .witness(witness),
        );
    }
    found
}
