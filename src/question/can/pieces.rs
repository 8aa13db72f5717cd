//! One caller against one called end: answers by group of pods or part of the address space,
//! joined where they are the same.

use super::example::{example, is_single};
use super::{Caller, CanError, Context, Overall, Piece, Who};
use crate::model::{AddressSet, Direction, Family, NodeId, Pod, PodId, TrafficSet};
use crate::reach::{GroupId, Reach};
use std::collections::BTreeMap;

/// The answers for one destination, one for each group of pods or addresses.
pub(super) fn ask(
    context: Context<'_>,
    sources: &Caller,
    destination: &Who,
    asked: Option<&TrafficSet>,
) -> Result<Vec<Piece>, CanError> {
    let cut = |traffic: &TrafficSet| match asked {
        Some(asked) => traffic.intersection(asked),
        None => traffic.clone(),
    };
    let mut pieces = Vec::new();
    for (source, destination, family, allowed, unknown) in pairs(context, sources, destination) {
        let mut piece = Piece {
            source,
            destination,
            asked: asked.cloned().unwrap_or_else(TrafficSet::all),
            allowed: cut(&allowed),
            unknown: cut(&unknown),
            family,
            example: None,
        };
        piece.example = example(context, &piece)?;
        pieces.push(piece);
    }
    Ok(pieces)
}

type Pair = (Who, Who, Option<Family>, TrafficSet, TrafficSet);

fn pairs(context: Context<'_>, sources: &Caller, destination: &Who) -> Vec<Pair> {
    match (sources, destination) {
        (Caller::Pods(from), Who::Pods(to)) => pod_pairs(context, from, to),
        (Caller::Pods(pods), Who::Addresses(addresses)) => {
            outside_pairs(context, pods, addresses, Direction::Egress)
                .into_iter()
                .map(|(pods, addresses, allowed, unknown)| {
                    (pods, Who::Addresses(addresses), None, allowed, unknown)
                })
                .collect()
        }
        (Caller::Addresses(addresses), Who::Pods(pods)) => {
            outside_pairs(context, pods, addresses, Direction::Ingress)
                .into_iter()
                .map(|(pods, addresses, allowed, unknown)| {
                    (Who::Addresses(addresses), pods, None, allowed, unknown)
                })
                .collect()
        }
        (Caller::Pods(pods), Who::Node(node)) => {
            node_pairs(context, pods, *node, Direction::Egress)
                .into_iter()
                .map(|(pods, family, allowed, unknown)| {
                    (pods, Who::Node(*node), family, allowed, unknown)
                })
                .collect()
        }
        (Caller::Node(node), Who::Pods(pods)) => {
            node_pairs(context, pods, *node, Direction::Ingress)
                .into_iter()
                .map(|(pods, family, allowed, unknown)| {
                    (Who::Node(*node), pods, family, allowed, unknown)
                })
                .collect()
        }
        // Both ends outside was refused before; a controller is never a destination here.
        _ => Vec::new(),
    }
}

/// Pods by group: pods of one group have one answer.
pub(super) fn by_group(reach: &Reach, pods: &[PodId]) -> BTreeMap<GroupId, Vec<PodId>> {
    let mut groups: BTreeMap<GroupId, Vec<PodId>> = BTreeMap::new();
    for &pod in pods {
        if let Some(group) = reach.group_of(pod) {
            groups.entry(group).or_default().push(pod);
        }
    }
    groups
}

fn pod_pairs(context: Context<'_>, from: &[PodId], to: &[PodId]) -> Vec<Pair> {
    let mut found = Vec::new();
    for (source, from) in by_group(context.reach, from) {
        for (destination, to) in by_group(context.reach, to) {
            let itself = from.len() == 1 && from == to;
            let answers: Vec<_> = Family::ALL
                .into_iter()
                .filter_map(|family| {
                    let pair = match from.first() {
                        // N25 holds for a pod and itself; replicas of one template are others.
                        Some(&pod) if itself && is_single(context.cluster, pod) => {
                            context.reach.between(pod, pod, family)?
                        }
                        _ => context.reach.between_groups(source, destination, family)?,
                    };
                    Some((family, pair))
                })
                .collect();
            let same = match answers.as_slice() {
                [(_, a), (_, b)] => a == b,
                _ => true,
            };
            let shown = if same { 1 } else { answers.len() };
            for (family, pair) in answers.into_iter().take(shown) {
                let family = (!same).then_some(family);
                let ends = (Who::Pods(from.clone()), Who::Pods(to.clone()));
                found.push((ends.0, ends.1, family, pair.allowed, pair.unknown));
            }
        }
    }
    found
}

fn outside_pairs(
    context: Context<'_>,
    pods: &[PodId],
    addresses: &AddressSet,
    direction: Direction,
) -> Vec<(Who, AddressSet, TrafficSet, TrafficSet)> {
    let mut found = Vec::new();
    for pods in by_group(context.reach, pods).into_values() {
        let mut by_traffic: BTreeMap<(TrafficSet, TrafficSet), AddressSet> = BTreeMap::new();
        for (_, atom) in context.reach.externals() {
            let part = atom.intersection(addresses);
            let (Some(address), Some(&pod)) = (part.first(), pods.first()) else {
                continue;
            };
            if let Some(traffic) = context.reach.with_external(pod, direction, address) {
                let key = (traffic.allowed, traffic.unknown);
                let set = by_traffic.entry(key).or_default();
                *set = set.union(&part);
            }
        }
        found.extend(
            by_traffic
                .into_iter()
                .map(|((allowed, unknown), addresses)| {
                    (Who::Pods(pods.clone()), addresses, allowed, unknown)
                }),
        );
    }
    found
}

/// A node is an address, except that it may always reach its own pods (N26). A node whose
/// addresses are not in the input is matched by no block for certain.
fn node_pairs(
    context: Context<'_>,
    pods: &[PodId],
    node: NodeId,
    direction: Direction,
) -> Vec<(Who, Option<Family>, TrafficSet, TrafficSet)> {
    let Some(node) = context.cluster.node(node) else {
        return Vec::new();
    };
    let own = |pod: &Pod| direction == Direction::Ingress && pod.node.as_ref() == Some(&node.name);
    pods.iter()
        .flat_map(|&id| {
            let who = Who::Pods(vec![id]);
            if context.cluster.pod(id).is_some_and(own) {
                return vec![(who, None, TrafficSet::all(), TrafficSet::none())];
            }
            if node.addresses.is_empty() {
                return vec![(who, None, TrafficSet::none(), TrafficSet::all())];
            }
            let each = node.addresses.iter().filter_map(|&address| {
                let traffic = context.reach.with_external(id, direction, address)?;
                let family = Some(Family::of(address));
                Some((who.clone(), family, traffic.allowed, traffic.unknown))
            });
            each.collect()
        })
        .collect()
}

/// Joins pieces that say the same of different pods.
pub(super) fn merge(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    for piece in pieces {
        let same = |other: &&mut Piece| {
            (&other.asked, &other.allowed, &other.unknown, other.family)
                == (&piece.asked, &piece.allowed, &piece.unknown, piece.family)
                && same_reason(other, &piece)
        };
        let ends = |other: &mut Piece| match (&mut other.source, &piece.source) {
            (a, b) if a == b => join(&mut other.destination, &piece.destination),
            _ if other.destination == piece.destination => join(&mut other.source, &piece.source),
            _ => false,
        };
        if !merged.iter_mut().filter(same).any(ends) {
            merged.push(piece);
        }
    }
    merged
}

/// Whether the same rules decided.
fn same_reason(a: &Piece, b: &Piece) -> bool {
    let reason = |piece: &Piece| {
        let evaluation = piece.example.as_ref().map(|example| &example.evaluation);
        evaluation.map(|e| (e.egress.reason.clone(), e.ingress.reason.clone()))
    };
    reason(a) == reason(b)
}

fn join(into: &mut Who, other: &Who) -> bool {
    match (into, other) {
        (Who::Pods(into), Who::Pods(other)) => {
            into.extend(other);
            into.sort_unstable();
            into.dedup();
            true
        }
        (Who::Name(into), Who::Name(other)) => into == other,
        _ => false,
    }
}

pub(super) fn overall_of(pieces: &[Piece], any_traffic: bool) -> Overall {
    if pieces.is_empty() {
        return Overall::No;
    }
    let full = |piece: &Piece| {
        if any_traffic {
            !piece.allowed.is_none()
        } else {
            piece.asked.is_subset(&piece.allowed) && !piece.asked.is_none()
        }
    };
    if pieces
        .iter()
        .all(|piece| piece.allowed.is_none() && piece.unknown.is_none())
    {
        return Overall::No;
    }
    let first_allowed = pieces.first().map(|piece| &piece.allowed);
    let alike = !any_traffic
        || pieces
            .iter()
            .all(|piece| Some(&piece.allowed) == first_allowed);
    if pieces.iter().all(full) && alike {
        return Overall::Yes;
    }
    if pieces.iter().all(|piece| piece.allowed.is_none()) {
        return Overall::Unknown;
    }
    Overall::Partly
}
