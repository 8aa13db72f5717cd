//! What the properties of all dataplanes are about: how many cases, which modes, which packets.

use crate::edges::{boundary_addresses, boundary_ports};
use portolan::model::{
    Family, Half, Hook, Invalid, Modes, Packet, PodToNode, Replies, Tracking, Transport,
    UnknownLocal,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// 64 clusters for each property, or as many as `PROPTEST_CASES` says.
pub(crate) fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        rng_seed: match std::env::var_os("PROPTEST_RNG_SEED") {
            Some(_) => default.rng_seed,
            None => RngSeed::Fixed(20_261_127),
        },
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => default.cases,
            None => 64,
        },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

pub(crate) fn modes() -> impl Strategy<Value = Modes> {
    let rarely = || proptest::bool::weighted(0.2);
    (rarely(), rarely(), rarely(), rarely()).prop_map(|(replies, invalid, to_node, unknown)| {
        let mut modes = Modes::default();
        if replies {
            modes.replies = Replies::Established;
        }
        if invalid {
            modes.invalid = Invalid::Policy;
        }
        if to_node {
            modes.pod_to_node = PodToNode::Allow;
        }
        if unknown {
            modes.unknown_local = UnknownLocal::Allow;
        }
        modes
    })
}

/// Every packet up to what rules and policies can tell apart.
pub(crate) fn packets(half: &Half<'_>) -> Vec<Packet> {
    let addresses = boundary_addresses(half.cluster);
    let ports: Vec<u16> = [0]
        .into_iter()
        .chain(boundary_ports(half.cluster))
        .collect();
    let mut packets = Vec::new();
    let mut add = |packet: Packet| packets.push(packet);
    for hook in Hook::ALL {
        for &source in &addresses {
            for &destination in &addresses {
                if Family::of(source) != Family::of(destination) {
                    continue;
                }
                let of = |transport, port, tracking| Packet {
                    hook,
                    source,
                    destination,
                    transport,
                    port,
                    tracking,
                };
                for transport in Transport::ALL {
                    for &port in &ports {
                        add(of(transport, port, Tracking::New));
                    }
                    for tracking in Tracking::ALL {
                        add(of(transport, 80, tracking));
                    }
                }
            }
        }
    }
    packets
}
