//! NP033: an `except` that other peers let through all the same (N21).

use super::view::{Context, RuleAt};
use super::{Found, Lint};
use crate::model::{AddressSet, Meta, PodId, PortMatchKind, Protocol, Severity, TrafficSet};
use std::net::IpAddr;

const META: Meta = Meta {
    id: "NP033",
    name: "except-undone",
    summary: "an `except` whose addresses other peers let through",
    help: "`except` only cuts out of its own block; it denies nothing. Cut the addresses out of the other blocks too.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, block, place) in context.blocks() {
        let pods = context.subjects(at.policy);
        let traffic = by_number(&at);
        if pods.is_empty() || traffic.is_none() {
            continue;
        }
        for (nth, net) in block.except.iter().enumerate() {
            let cut = AddressSet::from(*net);
            let atoms = context.reach.externals();
            let atoms = atoms.filter_map(|(_, atom)| atom.intersection(&cut).first());
            let addresses: Vec<IpAddr> = atoms.collect();
            let is_open = |pod: &PodId| {
                addresses.iter().all(|&address| {
                    let through = context.reach.with_external(*pod, at.direction, address);
                    through.is_some_and(|through| traffic.is_subset(&through.allowed))
                })
            };
            if addresses.is_empty() || !pods.iter().all(is_open) {
                continue;
            }
            let mut entry = place.clone();
            entry.route = entry
                .route
                .parent()
                .unwrap_or_default()
                .key("except")
                .index(nth);
            let witness = pods.first().zip(cut.first()).zip(example(&traffic));
            let witness = witness.and_then(|((pod, address), (protocol, port))| {
                context.outside_witness(*pod, at.direction, address, protocol, port)
            });
            let message =
                format!("`except: {net}` has no effect: other peers let all of it through");
            found.push(
                Found::at(&META, entry, message)
                    .help("cut it out of the blocks that hold it, or remove the entry")
                    .witness(witness),
            );
        }
    }
    found
}

/// The traffic of a rule towards addresses, which have no named ports.
fn by_number(at: &RuleAt<'_>) -> TrafficSet {
    let none = TrafficSet::none();
    match &at.rule.ports {
        None => TrafficSet::all(),
        Some(ports) => ports.iter().fold(none, |all, port| match port.kind {
            PortMatchKind::Range {
                protocol,
                first,
                last,
            } => all.union(&TrafficSet::ports(protocol, first, last)),
            PortMatchKind::Named { .. } => all,
        }),
    }
}

/// A port to show.
pub(super) fn example(traffic: &TrafficSet) -> Option<(Protocol, u16)> {
    let usual = [443, 80].into_iter().map(|port| (Protocol::Tcp, port));
    let mut usual = usual.filter(|(protocol, port)| traffic.contains(*protocol, *port));
    let mut any = Protocol::ALL.into_iter();
    usual
        .next()
        .or_else(|| any.find_map(|protocol| Some((protocol, traffic.get(protocol).first()?))))
}
