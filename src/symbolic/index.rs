//! The policies of a cluster by namespace: most select in one namespace only, and only those of
//! a flow's ends matter to it.

use crate::model::{
    AddressSet, Cluster, Direction, Family, NamespaceId, NamespaceMatch, PeerKind, PolicyId,
    RangeSet,
};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Policies by the namespace that their subject is in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PolicyIndex {
    egress: OneWay,
    ingress: OneWay,
    /// Where ipBlocks and their exceptions start, and where what is behind them does: between two
    /// of these, no block tells addresses apart. Sorted; the first address is always there.
    v4_edges: Vec<u32>,
    v6_edges: Vec<u128>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct OneWay {
    by_namespace: BTreeMap<NamespaceId, Vec<PolicyId>>,
    wide: Vec<PolicyId>,
}

impl PolicyIndex {
    /// Linear in the number of policies.
    pub fn new(cluster: &Cluster) -> PolicyIndex {
        let mut index = PolicyIndex::default();
        for (id, policy) in cluster.policies_with_ids() {
            for direction in Direction::ALL {
                // N2, N8: a policy concerns a direction only when policyTypes says so.
                if policy.rules(direction).is_none() {
                    continue;
                }
                let one_way = match direction {
                    Direction::Egress => &mut index.egress,
                    Direction::Ingress => &mut index.ingress,
                };
                match policy.subject.namespaces {
                    NamespaceMatch::Same(namespace) => {
                        one_way.by_namespace.entry(namespace).or_default().push(id);
                    }
                    NamespaceMatch::Labels(_) => one_way.wide.push(id),
                }
            }
        }
        index.find_edges(cluster);
        index
    }

    fn find_edges(&mut self, cluster: &Cluster) {
        let mut nets: BTreeSet<IpNet> = BTreeSet::new();
        for policy in &cluster.policies {
            let rules = Direction::ALL
                .into_iter()
                .filter_map(|d| policy.rules(d))
                .flatten();
            for peer in rules.flat_map(|rule| rule.peers.iter().flatten()) {
                if let PeerKind::IpBlock(block) = &peer.kind {
                    nets.insert(block.cidr);
                    nets.extend(&block.except);
                }
            }
        }
        let (mut v4, mut v6) = (BTreeSet::from([0]), BTreeSet::from([0]));
        for net in nets {
            let AddressSet {
                v4: in_v4,
                v6: in_v6,
            } = AddressSet::from(net);
            v4.extend(edges(&in_v4));
            v6.extend(edges(&in_v6));
        }
        self.v4_edges = v4.into_iter().collect();
        self.v6_edges = v6.into_iter().collect();
    }

    /// The first address that no block tells apart from this one.
    pub(super) fn like_v4(&self, address: Ipv4Addr) -> Ipv4Addr {
        let bits = address.to_bits();
        let after = self.v4_edges.partition_point(|edge| *edge <= bits);
        let edge = after
            .checked_sub(1)
            .and_then(|index| self.v4_edges.get(index));
        edge.map_or(address, |edge| Ipv4Addr::from_bits(*edge))
    }

    /// Likewise.
    pub(super) fn like_v6(&self, address: Ipv6Addr) -> Ipv6Addr {
        let bits = address.to_bits();
        let after = self.v6_edges.partition_point(|edge| *edge <= bits);
        let edge = after
            .checked_sub(1)
            .and_then(|index| self.v6_edges.get(index));
        edge.map_or(address, |edge| Ipv6Addr::from_bits(*edge))
    }

    /// Where what ipBlocks say of addresses of a family changes, ascending from 0.
    pub(super) fn edges(&self, family: Family) -> Box<dyn Iterator<Item = u128> + '_> {
        match family {
            Family::V4 => Box::new(self.v4_edges.iter().map(|edge| u128::from(*edge))),
            Family::V6 => Box::new(self.v6_edges.iter().copied()),
        }
    }

    fn one_way(&self, direction: Direction) -> &OneWay {
        match direction {
            Direction::Egress => &self.egress,
            Direction::Ingress => &self.ingress,
        }
    }

    /// The namespaces that have policies of their own in a direction.
    pub fn namespaces(&self, direction: Direction) -> impl Iterator<Item = NamespaceId> {
        self.one_way(direction).by_namespace.keys().copied()
    }

    /// The policies that can select a pod of that namespace, or of one without policies of its
    /// own, in the order of evaluation.
    pub fn policies(&self, direction: Direction, namespace: Option<NamespaceId>) -> Vec<PolicyId> {
        let one_way = self.one_way(direction);
        let own = namespace.and_then(|namespace| one_way.by_namespace.get(&namespace));
        let mut policies: Vec<PolicyId> = own
            .into_iter()
            .flatten()
            .chain(&one_way.wide)
            .copied()
            .collect();
        // The cluster's policies are sorted by tier and priority.
        policies.sort_unstable();
        policies
    }
}

/// The first address of each range, and the first one behind it.
fn edges<T: crate::model::Bounded>(set: &RangeSet<T>) -> impl Iterator<Item = T> + '_ {
    let ranges = set.ranges().iter();
    ranges.flat_map(|&(first, last)| std::iter::once(first).chain(last.successor()))
}
