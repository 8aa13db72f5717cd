//! Ends that exist, as rows of a table: pods that no selector, port name or address tells apart
//! share one.

use super::query::World;
use super::vocabulary::Vocabulary;
use crate::model::{Cluster, Family, NodeId, Pod, PodId, Protocol};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is known of a row's address (see [`crate::model::AddressChoice`]).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum RowAddress {
    /// It has these, and in the other family none.
    Known(Option<Ipv4Addr>, Option<Ipv6Addr>),
    /// Some address of the pods' ranges.
    Within,
    /// No ipBlock matches it.
    Blind,
}

/// What policy can see of an end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Facts {
    /// Whether selectors see it: not a node, nor a pod that is its node's traffic (N27 b).
    pub(super) visible: bool,
    /// The code of its namespace; 0 for a node.
    pub(super) namespace: usize,
    /// The codes of its labels, of the keys that selectors mention.
    pub(super) labels: Vec<(String, usize)>,
    /// Its address.
    pub(super) address: RowAddress,
    /// The node it is on, or is, by name (N26).
    pub(super) node: Option<String>,
    /// Its named ports.
    pub(super) ports: Vec<(String, Protocol, u16)>,
}

/// Who a row stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Members {
    /// Pods, in order; at least one.
    Pods(Vec<PodId>),
    /// A node.
    Node(NodeId),
}

/// A row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub(super) facts: Facts,
    pub(super) members: Members,
}

/// The rows of some pods, in an order that depends on nothing but what they are.
pub(super) fn pod_rows(world: &World<'_>, vocabulary: &Vocabulary, pods: &[PodId]) -> Vec<Row> {
    let cluster = world.cluster;
    let mut rows: BTreeMap<Facts, Vec<PodId>> = BTreeMap::new();
    for &id in pods {
        if let Some(pod) = cluster.pod(id) {
            let mut facts = pod_facts(cluster, vocabulary, pod);
            // One address stands for all that no block tells apart from it.
            if let RowAddress::Known(v4, v6) = &mut facts.address {
                *v4 = v4.map(|address| world.index.like_v4(address));
                *v6 = v6.map(|address| world.index.like_v6(address));
            }
            rows.entry(facts).or_default().push(id);
        }
    }
    let row = |(facts, pods)| Row {
        facts,
        members: Members::Pods(pods),
    };
    rows.into_iter().map(row).collect()
}

fn pod_facts(cluster: &Cluster, vocabulary: &Vocabulary, pod: &Pod) -> Facts {
    let visible = !cluster.is_node_traffic(pod);
    let name = |symbol| cluster.symbols.name(symbol).to_owned();
    let mut labels = Vec::new();
    if visible {
        for (key, value) in pod.labels.iter() {
            let key = cluster.symbols.name(key);
            if let Some(domain) = vocabulary.pod_domain(key) {
                labels.push((key.to_owned(), domain.code(cluster.symbols.name(value))));
            }
        }
        labels.sort();
    }
    let mut ports: Vec<(String, Protocol, u16)> = pod
        .ports
        .iter()
        .filter_map(|port| Some((name(port.name?), port.protocol, port.port)))
        .collect();
    ports.sort();
    Facts {
        visible,
        namespace: vocabulary
            .namespace_code(cluster.namespace_name(pod.namespace))
            .unwrap_or_default(),
        labels,
        address: pod_address(cluster, pod),
        node: pod.node.clone(),
        ports,
    }
}

fn pod_address(cluster: &Cluster, pod: &Pod) -> RowAddress {
    if pod.addresses.is_empty() {
        // A hostNetwork pod gets its node's address, and that is not out of the pods' ranges.
        return if cluster.pod_cidrs.is_empty() || pod.host_network {
            RowAddress::Blind
        } else {
            RowAddress::Within
        };
    }
    known(&pod.addresses)
}

fn known(addresses: &[IpAddr]) -> RowAddress {
    let v4 = addresses.iter().find_map(|address| match address {
        IpAddr::V4(v4) => Some(*v4),
        IpAddr::V6(_) => None,
    });
    let v6 = addresses.iter().find_map(|address| match address {
        IpAddr::V6(v6) => Some(*v6),
        IpAddr::V4(_) => None,
    });
    RowAddress::Known(v4, v6)
}

/// The rows of some nodes: one for each address, since a node can call from any of its own.
pub(super) fn node_rows(cluster: &Cluster, nodes: &[NodeId]) -> Vec<Row> {
    let mut rows = Vec::new();
    for &id in nodes {
        let Some(node) = cluster.node(id) else {
            continue;
        };
        let addresses: Vec<RowAddress> = if node.addresses.is_empty() {
            vec![RowAddress::Blind]
        } else {
            node.addresses
                .iter()
                .map(|address| known(&[*address]))
                .collect()
        };
        rows.extend(addresses.into_iter().map(|address| Row {
            facts: Facts {
                visible: false,
                namespace: 0,
                labels: Vec::new(),
                address,
                node: Some(node.name.clone()),
                ports: Vec::new(),
            },
            members: Members::Node(id),
        }));
    }
    rows
}

impl Row {
    /// Its address in a family, when known.
    pub(super) fn address(&self, family: Family) -> Option<IpAddr> {
        match (&self.facts.address, family) {
            (RowAddress::Known(v4, _), Family::V4) => v4.map(IpAddr::V4),
            (RowAddress::Known(_, v6), Family::V6) => v6.map(IpAddr::V6),
            _ => None,
        }
    }
}
