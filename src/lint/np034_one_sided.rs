//! NP034: what one side allows by name and the other denies (N4).

use super::np033_except_undone::example;
use super::view::{Context, RuleAt};
use super::{Found, Lint};
use crate::model::{
    Direction, Meta, PeerKind, PodId, PolicyId, PortMatchKind, Severity, TrafficSet, Verdict,
};

const META: Meta = Meta {
    id: "NP034",
    name: "one-sided-allow",
    summary: "a connection that one side allows and the other denies",
    help: "A connection needs the egress of the caller and the ingress of the called to allow it. Allow it on the other side too, or remove the rule.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        let subjects = context.subjects(at.policy);
        for peer in at.peers() {
            let PeerKind::Pods { pods, .. } = &peer.kind else {
                continue;
            };
            // A peer that names no one in particular is not meant for each of them.
            if pods.is_everything() {
                continue;
            }
            let peers = context.peer_pods(peer);
            if peers.is_empty() || subjects.is_empty() {
                continue;
            }
            let (own_kinds, other_kinds) = (context.by_group(&subjects), context.by_group(&peers));
            let mut pairs = own_kinds
                .iter()
                .flat_map(|own| other_kinds.iter().map(move |other| (*own, *other)))
                .filter(|(own, other)| context.workload_of(*own) != context.workload_of(*other))
                .map(|(own, other)| match at.direction {
                    Direction::Egress => (own, other),
                    Direction::Ingress => (other, own),
                })
                .peekable();
            let Some(&(from, to)) = pairs.peek() else {
                continue;
            };
            let is_blocked = |(from, to): (PodId, PodId)| {
                let traffic = traffic(context, &at, to);
                !traffic.is_none() && context.between(from, to).intersection(&traffic).is_none()
            };
            if !pairs.all(is_blocked) {
                continue;
            }
            let other_side = match at.direction {
                Direction::Egress => (to, Direction::Ingress),
                Direction::Ingress => (from, Direction::Egress),
            };
            let Some((protocol, port)) = example(&traffic(context, &at, to)) else {
                continue;
            };
            let selecting = selecting(context, other_side);
            let who = context.workloads(&peers);
            let (does, other) = match at.direction {
                Direction::Egress => ("this allows calls to", "its ingress does not let them in"),
                Direction::Ingress => ("this lets in", "its egress does not let them out"),
            };
            let mut one = Found::at(
                &META,
                at.peer_origin(peer),
                format!("{does} `{who}`, and {other}"),
            )
            .help(format!(
                "allow it in the {} rules of `{}` too",
                other_side.1.name(),
                context.workload(other_side.0)
            ))
            .witness(
                context
                    .pod_witness(from, to, protocol, port)
                    .filter(|w| w.verdict == Verdict::Denied),
            );
            one = one.policies(
                context.cluster,
                &selecting,
                "isolates the other side, and has no rule for it",
            );
            found.push(one);
        }
    }
    found
}

fn selecting(context: &Context<'_>, (pod, direction): (PodId, Direction)) -> Vec<PolicyId> {
    context
        .table(pod, direction)
        .map_or_else(Vec::new, |(_, table)| table.policies.clone())
}

/// What a rule allows to one destination.
fn traffic(context: &Context<'_>, at: &RuleAt<'_>, destination: PodId) -> TrafficSet {
    if at.rule.ports.is_none() {
        return TrafficSet::all();
    }
    let declared = context
        .cluster
        .pod(destination)
        .map_or(&[][..], |pod| &pod.ports);
    at.ports()
        .iter()
        .fold(TrafficSet::none(), |all, port| match &port.kind {
            PortMatchKind::Range {
                protocol,
                first,
                last,
            } => all.union(&TrafficSet::ports(*protocol, *first, *last)),
            PortMatchKind::Named { protocol, name } => declared
                .iter()
                .filter(|d| d.name == Some(*name) && protocol.is_none_or(|p| p == d.protocol))
                .fold(all, |all, d| {
                    all.union(&TrafficSet::ports(d.protocol, d.port, d.port))
                }),
        })
}
