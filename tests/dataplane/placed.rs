//! Generated clusters in which every pod has addresses and a node, as bundles need them.

use portolan::model::{AddressBook, Cluster, Half, HostNetwork, Modes, NodeId};
use std::net::IpAddr;

/// Addresses of pods, on both sides of the blocks' edges.
const V4: [&str; 12] = [
    "10.1.2.3",
    "10.1.2.4",
    "10.1.3.1",
    "10.1.128.1",
    "10.1.255.255",
    "10.2.0.0",
    "11.0.0.0",
    "10.1.2.5",
    "9.255.255.254",
    "10.1.127.255",
    "10.255.255.255",
    "10.1.2.255",
];
const V6: [&str; 12] = [
    "2001:db8:1::5",
    "2001:db8:1::6",
    "2001:db8:1:1::1",
    "2001:db8:1:8000::1",
    "2001:db8:2::",
    "2001:db9::",
    "2001:db8:1::7",
    "2001:db7:ffff::1",
    "2001:db8:1:7fff::1",
    "2001:db8:1:0:1::",
    "2001:db8:0:ffff::1",
    "2001:db8:1:8000::2",
];

/// Gives every pod addresses of its own and a node, and nodes a range.
pub(crate) fn place(mut cluster: Cluster, seed: usize) -> Cluster {
    cluster.semantics.host_network = HostNetwork::Node;
    cluster.pod_cidrs.clear();
    for (index, pod) in cluster.pods.iter_mut().enumerate() {
        let node = (index + seed) % 2;
        pod.node = Some(cluster.nodes[node].name.clone());
        let v4: IpAddr = V4[(index + seed) % V4.len()].parse().unwrap();
        let v6: IpAddr = V6[(index + seed) % V6.len()].parse().unwrap();
        pod.addresses = match (index + seed) % 4 {
            0 => vec![v4],
            1 => vec![v6],
            _ => vec![v4, v6],
        };
        if pod.host_network {
            pod.addresses = cluster.nodes[node].addresses.clone();
        }
    }
    let ranges: [&[&str]; 4] = [
        &[],
        &["10.1.2.0/29"],
        &["10.1.0.0/16", "2001:db8:1::/48"],
        &["2001:db8:1::/64"],
    ];
    for (index, node) in cluster.nodes.iter_mut().enumerate() {
        let ranges = ranges[(seed / 4 + index) % 4];
        node.pod_cidrs = ranges.iter().map(|net| net.parse().unwrap()).collect();
    }
    cluster
}

/// The halves of all nodes.
pub(crate) fn halves<'a>(
    cluster: &'a Cluster,
    book: &'a AddressBook,
    modes: Modes,
) -> Vec<Half<'a>> {
    (0u32..)
        .zip(&cluster.nodes)
        .map(|(node, _)| Half::new(cluster, book, NodeId(node), modes))
        .collect()
}
