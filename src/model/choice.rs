//! Addresses that a flow between two pods could use.
//!
//! A pod of the input has at most one address of each family, and a connection uses one
//! family. A pod from a template has no address yet: with [`Cluster::pod_cidrs`] it will be
//! some address in there, and a verdict must hold for every one it could get.

use super::address::{AddressSet, Family, block_addresses, family_addresses};
use super::cluster::{Cluster, Pod, PodId};
use super::evaluate::evaluate;
use super::flow::{Evaluation, Flow, Party, Verdict};
use super::policy::{Direction, PeerKind, PolicyId};
use super::port::Protocol;
use std::net::IpAddr;

/// What is known of a pod's address in one family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AddressChoice {
    /// Nothing at all: no ipBlock matches it, and the answer says so.
    Blind,
    /// One of these: a known address, or one of each group of addresses that no ipBlock tells
    /// apart.
    OneOf(Vec<IpAddr>),
    /// The pod has no address of this family.
    Absent,
}

/// What is known of a pod's address in one family. Linear in the number of ipBlocks.
pub fn address_choices(cluster: &Cluster, pod: &Pod, family: Family) -> AddressChoice {
    if !pod.addresses.is_empty() {
        let known = pod.addresses.iter().find(|a| Family::of(**a) == family);
        return known.map_or(AddressChoice::Absent, |&address| {
            AddressChoice::OneOf(vec![address])
        });
    }
    // A hostNetwork pod gets its node's address, and that is not out of the pods' ranges (N27).
    if cluster.pod_cidrs.is_empty() || pod.host_network {
        return AddressChoice::Blind;
    }
    let possible = cluster
        .pod_cidrs
        .iter()
        .fold(AddressSet::default(), |set, &net| set.union(&net.into()))
        .intersection(&family_addresses(family));
    if possible.is_empty() {
        return AddressChoice::Absent;
    }
    // Splits the possible addresses by every block, so that each part is matched alike by all.
    let mut parts = vec![possible];
    for policy in &cluster.policies {
        for direction in Direction::ALL {
            for rule in policy.rules(direction).unwrap_or_default() {
                for peer in rule.peers.iter().flatten() {
                    if let PeerKind::IpBlock(block) = &peer.kind {
                        let block = block_addresses(block);
                        parts = parts
                            .iter()
                            .flat_map(|part| [part.intersection(&block), part.difference(&block)])
                            .filter(|part| !part.is_empty())
                            .collect();
                    }
                }
            }
        }
    }
    AddressChoice::OneOf(parts.iter().filter_map(AddressSet::first).collect())
}

/// The specification's answer for two pods in one family: the evaluation with the first
/// addresses they could have, and the verdict over all of them. `None` when the two have no
/// address of that family, so no such flow exists.
pub fn evaluate_pods(
    cluster: &Cluster,
    (source, destination): (PodId, PodId),
    family: Family,
    protocol: Protocol,
    port: u16,
) -> Option<Evaluation> {
    let parties = |id: PodId| -> Option<Vec<Party>> {
        let pod = cluster.pod(id)?;
        match address_choices(cluster, pod, family) {
            AddressChoice::Absent => None,
            AddressChoice::Blind => Some(vec![Party::Pod {
                pod: id,
                address: None,
            }]),
            AddressChoice::OneOf(addresses) => {
                let party = |address| Party::Pod {
                    pod: id,
                    address: Some(address),
                };
                Some(addresses.into_iter().map(party).collect())
            }
        }
    };
    let (sources, destinations) = (parties(source)?, parties(destination)?);
    let mut answer: Option<Evaluation> = None;
    for &source in &sources {
        for &destination in &destinations {
            let found = evaluate(
                cluster,
                &Flow {
                    source,
                    destination,
                    protocol,
                    port,
                },
            );
            match &mut answer {
                None => answer = Some(found),
                Some(answer) => {
                    for (side, other) in [
                        (&mut answer.egress, &found.egress),
                        (&mut answer.ingress, &found.ingress),
                    ] {
                        if side.outcome != other.outcome {
                            side.outcome = Verdict::Unknown;
                        }
                    }
                    answer.verdict = answer.egress.outcome.and(answer.ingress.outcome);
                }
            }
        }
    }
    answer
}

/// The policies whose ipBlocks might match pods whose addresses are not known: what an answer
/// has to mention. Empty when every pod has an address or a range to get one from.
pub fn policies_blind_to(cluster: &Cluster) -> Vec<PolicyId> {
    let no_ranges = cluster.pod_cidrs.is_empty();
    let is_blind = |pod: &Pod| pod.addresses.is_empty() && (no_ranges || pod.host_network);
    if !cluster.pods.iter().any(is_blind) {
        return Vec::new();
    }
    cluster
        .policies_with_ids()
        .map(|(id, _)| id)
        .filter(|&id| {
            Direction::ALL
                .into_iter()
                .any(|direction| has_block(cluster, id, direction))
        })
        .collect()
}

/// Whether some rule of a policy in a direction has an ipBlock.
pub fn has_block(cluster: &Cluster, policy: PolicyId, direction: Direction) -> bool {
    let rules = cluster
        .policy(policy)
        .and_then(|policy| policy.rules(direction));
    let mut peers = rules
        .unwrap_or_default()
        .iter()
        .flat_map(|rule| rule.peers.iter().flatten());
    peers.any(|peer| matches!(peer.kind, PeerKind::IpBlock(_)))
}
