//! Where a cluster's answers can change: agreeing on both sides of every edge is agreeing
//! everywhere.

use ipnet::IpNet;
use portolan::model::{Cluster, Direction, PeerKind, PortMatchKind, Rule};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) fn rules(cluster: &Cluster) -> impl Iterator<Item = &Rule> {
    cluster.policies.iter().flat_map(|policy| {
        Direction::ALL
            .into_iter()
            .flat_map(|direction| policy.rules(direction).unwrap_or_default())
    })
}

/// Every port at which a rule or a named port starts or ends, and its neighbours; 1 and 65535.
pub(crate) fn boundary_ports(cluster: &Cluster) -> Vec<u16> {
    let mut edges = BTreeSet::from([1, u16::MAX]);
    for port in rules(cluster).flat_map(|rule| rule.ports.iter().flatten()) {
        if let PortMatchKind::Range { first, last, .. } = port.kind {
            edges.extend([first, last]);
        }
    }
    let declared = cluster.pods.iter().flat_map(|pod| &pod.ports);
    edges.extend(declared.filter(|p| p.name.is_some()).map(|p| p.port));
    let around = edges
        .iter()
        .flat_map(|&port| [port.saturating_sub(1), port, port.saturating_add(1)]);
    let ports: BTreeSet<u16> = around.filter(|&port| port > 0).collect();
    ports.into_iter().collect()
}

/// Those of the ports, in order, at which some range starts or has just ended.
#[allow(dead_code, reason = "only some suites look inside ranges")]
pub(crate) fn range_edges(cluster: &Cluster, ports: &[u16]) -> Vec<u16> {
    let ranges: Vec<(u16, u16)> = rules(cluster)
        .flat_map(|rule| rule.ports.iter().flatten())
        .filter_map(|port| match port.kind {
            PortMatchKind::Range { first, last, .. } => Some((first, last)),
            PortMatchKind::Named { .. } => None,
        })
        .collect();
    let mut edges: Vec<u16> = Vec::new();
    let mut before: Option<Vec<bool>> = None;
    for &port in ports {
        let within = ranges
            .iter()
            .map(|(first, last)| (*first..=*last).contains(&port));
        let within: Vec<bool> = within.collect();
        if before.as_ref() != Some(&within) {
            edges.push(port);
        }
        before = Some(within);
    }
    edges
}

/// Every address at which a block, one of its exceptions or a range of pods starts or ends, and
/// its neighbours; the addresses of pods and nodes; the first and the last of each family.
pub(crate) fn boundary_addresses(cluster: &Cluster) -> Vec<IpAddr> {
    let mut nets: Vec<IpNet> = cluster.pod_cidrs.clone();
    nets.extend(["0.0.0.0/0", "::/0"].map(|net| net.parse::<IpNet>().unwrap()));
    for peer in rules(cluster).flat_map(|rule| rule.peers.iter().flatten()) {
        if let PeerKind::IpBlock(block) = &peer.kind {
            nets.push(block.cidr);
            nets.extend(&block.except);
        }
    }
    let pods = cluster.pods.iter().flat_map(|pod| pod.addresses.clone());
    let nodes = cluster.nodes.iter().flat_map(|node| node.addresses.clone());
    let edges = nets.iter().flat_map(|net| [net.network(), net.broadcast()]);
    let around: BTreeSet<IpAddr> = edges
        .chain(pods)
        .chain(nodes)
        .flat_map(neighbourhood)
        .collect();
    around.into_iter().collect()
}

/// The address, the one before it and the one after it.
fn neighbourhood(address: IpAddr) -> Vec<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            let bits = v4.to_bits();
            let all = [bits.checked_sub(1), Some(bits), bits.checked_add(1)];
            let present = all.into_iter().flatten();
            present
                .map(|bits| Ipv4Addr::from_bits(bits).into())
                .collect()
        }
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            let all = [bits.checked_sub(1), Some(bits), bits.checked_add(1)];
            let present = all.into_iter().flatten();
            present
                .map(|bits| Ipv6Addr::from_bits(bits).into())
                .collect()
        }
    }
}
