//! NP033: an `except` that other peers let through all the same (N21).

use super::view::{Context, below};
use super::{Found, Lint};
use crate::model::{AddressSet, Meta, PeerKind, Severity, TrafficSet, Verdict};

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
    for at in context.rules() {
        let pods = context.subjects(at.policy);
        for peer in at.peers() {
            let PeerKind::IpBlock(block) = &peer.kind else {
                continue;
            };
            for (nth, net) in block.except.iter().enumerate() {
                let cut = AddressSet::from(*net);
                let ports = at.ports().iter().map(|port| match port.kind {
                    crate::model::PortMatchKind::Range {
                        protocol,
                        first,
                        last,
                    } => TrafficSet::ports(protocol, first, last),
                    crate::model::PortMatchKind::Named { .. } => TrafficSet::none(),
                });
                let traffic = match at.rule.ports {
                    None => TrafficSet::all(),
                    Some(_) => ports.fold(TrafficSet::none(), |all, one| all.union(&one)),
                };
                if pods.is_empty() || traffic.is_none() {
                    continue;
                }
                let is_open = pods.iter().all(|&pod| {
                    let atoms = context
                        .reach
                        .externals()
                        .map(|(_, atom)| atom.intersection(&cut));
                    let mut first = atoms.filter_map(|atom| atom.first()).peekable();
                    first.peek().is_some()
                        && first.all(|address| {
                            let let_through =
                                context.reach.with_external(pod, at.direction, address);
                            let_through.is_some_and(|through| traffic.is_subset(&through))
                        })
                });
                if !is_open {
                    continue;
                }
                let mut place = below(&below(&at.peer_origin(peer), "ipBlock"), "except");
                place.route = place.route.index(nth);
                let port = example(&traffic);
                let witness = pods.first().zip(cut.first()).zip(port).and_then(
                    |((pod, address), (protocol, port))| {
                        context.outside_witness(*pod, at.direction, address, protocol, port)
                    },
                );
                found.push(
                    Found::at(
                        &META,
                        place,
                        format!("`except: {net}` has no effect: other peers let all of it through"),
                    )
                    .help("cut it out of the blocks that hold it, or remove the entry")
                    .witness(witness.filter(|witness| witness.verdict == Verdict::Allowed)),
                );
            }
        }
    }
    found
}

/// A port to show.
pub(super) fn example(traffic: &TrafficSet) -> Option<(crate::model::Protocol, u16)> {
    let usual = [443, 80]
        .into_iter()
        .map(|port| (crate::model::Protocol::Tcp, port));
    let mut usual = usual.filter(|(protocol, port)| traffic.contains(*protocol, *port));
    let mut any = crate::model::Protocol::ALL.into_iter();
    usual
        .next()
        .or_else(|| any.find_map(|protocol| Some((protocol, traffic.get(protocol).first()?))))
}
