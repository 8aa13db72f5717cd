//! One flow of an answer, traced through the policies by the specification.

use super::{CanError, Context, Example, Piece, Who};
use crate::model::{
    AddressChoice, Cluster, Direction, Evaluation, Family, Flow, Node, Party, PodId, Protocol,
    Verdict, address_choices, evaluate, evaluate_pods,
};
use crate::question::near::{NearMiss, near_misses};
use std::net::IpAddr;

/// One flow of the piece, traced. The trace comes from the specification and the piece from
/// the set engine: two ways to one verdict, held against each other here each time.
pub(super) fn example(context: Context<'_>, piece: &Piece) -> Result<Option<Example>, CanError> {
    let Some((protocol, port)) = example_port(context.cluster, piece) else {
        return Ok(None);
    };
    let cluster = context.cluster;
    let family = piece.family.unwrap_or(Family::V4);
    let (flow, evaluation) = match (&piece.source, &piece.destination) {
        (Who::Pods(from), Who::Pods(to)) => {
            let (Some(source), Some(destination)) = (
                from.first().copied(),
                to.iter()
                    .find(|pod| from.first() != Some(pod))
                    .or(to.first())
                    .copied(),
            ) else {
                return Ok(None);
            };
            // Replicas of one template are different pods that look like one: N25 does not hold.
            let is_replica = source == destination && !is_single(cluster, source);
            let with_twin = is_replica.then(|| with_twin(cluster, source)).flatten();
            let (asked, pair) = match &with_twin {
                Some((cluster, twin)) => (cluster, (source, *twin)),
                None => (cluster, (source, destination)),
            };
            let families = [family, Family::V4, Family::V6];
            let Some((family, evaluation)) = families.into_iter().find_map(|family| {
                Some((family, evaluate_pods(asked, pair, family, protocol, port)?))
            }) else {
                return Ok(None);
            };
            let party = |pod| Party::Pod {
                pod,
                address: known_address(cluster, pod, family),
            };
            let (source, destination) = (party(source), party(destination));
            (
                Flow {
                    source,
                    destination,
                    protocol,
                    port,
                },
                evaluation,
            )
        }
        (from, to) => {
            let (Some(source), Some(destination)) =
                (party_of(cluster, from, to), party_of(cluster, to, from))
            else {
                return Ok(None);
            };
            let flow = Flow {
                source,
                destination,
                protocol,
                port,
            };
            (flow, evaluate(cluster, &flow))
        }
    };
    let claimed = if piece.allowed.contains(protocol, port) {
        Verdict::Allowed
    } else if piece.unknown.contains(protocol, port) {
        Verdict::Unknown
    } else {
        Verdict::Denied
    };
    let ends = [&piece.source, &piece.destination];
    let node_without_address = claimed == Verdict::Unknown
        && ends.into_iter().any(|who| match who {
            Who::Node(id) => cluster.node(*id).is_some_and(|n| n.addresses.is_empty()),
            _ => false,
        });
    if claimed != evaluation.verdict && !node_without_address {
        return Err(CanError::Disagreement {
            flow: format!("{protocol} {port} in {flow:?}"),
        });
    }
    let near = denied_sides(cluster, &flow, &evaluation);
    Ok(Some(Example {
        flow,
        evaluation,
        near,
    }))
}

/// The cluster with one more replica of a pod, which nothing but the pod's id tells from it.
fn with_twin(cluster: &Cluster, pod: PodId) -> Option<(Cluster, PodId)> {
    let twin = PodId(u32::try_from(cluster.pods.len()).ok()?);
    let mut cluster = cluster.clone();
    let pod = cluster.pod(pod)?.clone();
    cluster.pods.push(pod);
    Some((cluster, twin))
}

/// For each denied side, the rules that come nearest to allowing it.
pub(in crate::question) fn denied_sides(
    cluster: &Cluster,
    flow: &Flow,
    evaluation: &Evaluation,
) -> Vec<(Direction, Vec<NearMiss>)> {
    let sides = [
        (Direction::Egress, &evaluation.egress),
        (Direction::Ingress, &evaluation.ingress),
    ];
    sides
        .into_iter()
        .filter(|(_, side)| side.outcome == Verdict::Denied)
        .map(|(direction, side)| {
            (
                direction,
                near_misses(cluster, flow, direction, &side.selecting, 2),
            )
        })
        .collect()
}

/// The port to trace: one that is allowed, else one that is not known, else one that was asked
/// about; a declared or well-known one where there is a choice.
fn example_port(cluster: &Cluster, piece: &Piece) -> Option<(Protocol, u16)> {
    let pool = if !piece.allowed.is_none() {
        &piece.allowed
    } else if !piece.unknown.is_none() {
        &piece.unknown
    } else {
        &piece.asked
    };
    let declared: Vec<(Protocol, u16)> = match &piece.destination {
        Who::Pods(pods) => pods
            .iter()
            .filter_map(|&id| cluster.pod(id))
            .flat_map(|pod| &pod.ports)
            .map(|port| (port.protocol, port.port))
            .collect(),
        _ => Vec::new(),
    };
    let well_known = [(Protocol::Tcp, 443), (Protocol::Tcp, 80)];
    let preferred = declared.into_iter().chain(well_known);
    preferred
        .filter(|(protocol, port)| pool.contains(*protocol, *port))
        .chain(
            Protocol::ALL
                .into_iter()
                .filter_map(|p| Some((p, pool.get(p).first()?))),
        )
        .next()
}

/// A pod's address in a family, when it is known.
pub(in crate::question) fn known_address(
    cluster: &Cluster,
    pod: PodId,
    family: Family,
) -> Option<IpAddr> {
    match address_choices(cluster, cluster.pod(pod)?, family) {
        AddressChoice::OneOf(addresses) => addresses.first().copied(),
        AddressChoice::Blind | AddressChoice::Absent => None,
    }
}

/// A concrete party for one side, in a family that the other side has too.
fn party_of(cluster: &Cluster, who: &Who, other: &Who) -> Option<Party> {
    let family = match (who, other) {
        (Who::Addresses(set), _) | (_, Who::Addresses(set)) => set.first().map(Family::of),
        (Who::Node(node), _) | (_, Who::Node(node)) => cluster
            .node(*node)
            .and_then(|node: &Node| node.addresses.first().map(|a| Family::of(*a))),
        _ => None,
    };
    match who {
        Who::Pods(pods) => {
            let pod = *pods.first()?;
            let address = known_address(cluster, pod, family.unwrap_or(Family::V4));
            Some(Party::Pod { pod, address })
        }
        Who::Node(node) => {
            let address = cluster
                .node(*node)
                .and_then(|node| node.addresses.first().copied());
            Some(Party::Node {
                node: *node,
                address,
            })
        }
        Who::Addresses(addresses) => Some(Party::External {
            address: addresses.first()?,
        }),
        Who::UnknownController => Some(Party::SomePod),
        // Those who ask about these trace them themselves.
        Who::Name(_) | Who::AssumedDns | Who::OwnNode | Who::OtherNodes(_) => None,
    }
}

/// Whether a pod is one pod, rather than the replicas that a template makes.
pub(super) fn is_single(cluster: &Cluster, pod: PodId) -> bool {
    cluster.pod(pod).is_some_and(|pod| pod.name.is_some())
}
