//! NP073: `networks` of a cluster policy that hold addresses of the cluster.

use super::view::Context;
use super::{Found, Lint};
use crate::model::{
    AddressSet, Direction, Family, Meta, Origin, PeerKind, Severity, Tier, block_addresses,
    family_addresses,
};

const META: Meta = Meta {
    id: "NP073",
    name: "networks-inside",
    summary: "`networks` of a cluster policy that hold addresses of pods or nodes too",
    help: "Blocks are for whoever has such an address, in the cluster as well. Cut the cluster's ranges out, or put a rule about pods before.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let cluster = context.cluster;
    let pods = cluster
        .pods
        .iter()
        .flat_map(|pod| pod.addresses.iter().copied());
    let nodes = cluster
        .nodes
        .iter()
        .flat_map(|node| node.addresses.iter().copied());
    let ranges = cluster.pod_cidrs.iter().map(|&net| AddressSet::from(net));
    let inside = ranges.fold(AddressSet::of_addresses(pods.chain(nodes)), |all, one| {
        all.union(&one)
    });
    let mut found: Vec<Found> = Vec::new();
    for policy in cluster
        .policies
        .iter()
        .filter(|p| p.tier != Tier::NetworkPolicy)
    {
        for rule in policy.rules(Direction::Egress).unwrap_or_default() {
            for peer in rule.peers.iter().flatten() {
                let PeerKind::IpBlock(block) = &peer.kind else {
                    continue;
                };
                let addresses = block_addresses(block);
                // A block of single addresses, such as those that `nodes` stands for, means them; one
                // of everything means that.
                let is_meant = block.cidr.prefix_len() == block.cidr.max_prefix_len()
                    || Family::ALL
                        .iter()
                        .any(|f| addresses == family_addresses(*f));
                let Some(address) = addresses
                    .intersection(&inside)
                    .first()
                    .filter(|_| !is_meant)
                else {
                    continue;
                };
                let origin = Origin {
                    document: policy.origin.document,
                    route: peer.route.clone(),
                };
                found.push(
                    Found::at(
                        &META,
                        origin,
                        format!(
                            "`{}` holds `{address}`, which is in the cluster",
                            block.cidr
                        ),
                    )
                    .help("cut the cluster's ranges out, if only addresses outside are meant"),
                );
            }
        }
    }
    found
}
