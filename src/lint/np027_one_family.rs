//! NP027: every IPv4 address and no IPv6 one, in a dual-stack cluster (N22).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Family, Meta, PeerKind, Severity};
use ipnet::IpNet;

const META: Meta = Meta {
    id: "NP027",
    name: "one-family",
    summary: "every address of one family and none of the other, in a dual-stack cluster",
    help: "`0.0.0.0/0` holds no IPv6 address. Add `::/0`, or the other way round.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let cluster = context.cluster;
    let pods = cluster.pods.iter().flat_map(|pod| &pod.addresses);
    let nodes = cluster.nodes.iter().flat_map(|node| &node.addresses);
    let services = cluster
        .services
        .iter()
        .flat_map(|service| &service.cluster_ips);
    let ranges = cluster.pod_cidrs.iter().map(IpNet::addr);
    let known = pods.chain(nodes).chain(services).copied().chain(ranges);
    let families: std::collections::BTreeSet<Family> = known.map(Family::of).collect();
    let mut found = Vec::new();
    if families.len() < 2 {
        return found;
    }
    for (at, block, place) in context.blocks() {
        let family = Family::of(block.cidr.addr());
        let (other, whole) = match family {
            Family::V4 => (Family::V6, "::/0"),
            Family::V6 => (Family::V4, "0.0.0.0/0"),
        };
        let has_other = at.peers().iter().any(|peer| {
            matches!(&peer.kind, PeerKind::IpBlock(block)
                if block.cidr.prefix_len() == 0 && Family::of(block.cidr.addr()) == other)
        });
        if block.cidr.prefix_len() == 0 && !has_other {
            let message = format!(
                "`{}` holds no {} address, and the cluster has both families",
                block.cidr,
                other.name()
            );
            let help = format!("add a peer with `cidr: \"{whole}\"`");
            found.push(Found::at(&META, place, message).help(help));
        }
    }
    found
}
