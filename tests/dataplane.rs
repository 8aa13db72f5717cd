//! Emitted rules do with every packet what the policies say: emitted, read back, run and proved,
//! on random clusters of all tiers.

#![cfg(test)]

#[path = "agreement/clusters.rs"]
mod clusters;
#[path = "agreement/edges.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod edges;
mod generate;
#[path = "dataplane/placed.rs"]
mod placed;

use clusters::cluster;
use edges::{boundary_addresses, boundary_ports};
use placed::{halves, place};
use portolan::dataplane::nft::{DesignChoice, State, emit, first_phase, second_phase, whole};
use portolan::dataplane::{Compiler, HalfProof, prove_half};
use portolan::model::{
    AddressBook, Family, Half, Hook, Invalid, Modes, Packet, PodToNode, Program, Replies, Tracking,
    Transport, UnknownLocal, expected, run,
};
use portolan::reach::Reach;
use portolan::symbolic::{Limits, PolicyIndex};
use portolan::{model, source};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// 64 clusters for each property, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
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

fn modes() -> impl Strategy<Value = Modes> {
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

fn choice() -> impl Strategy<Value = DesignChoice> {
    prop_oneof![Just(DesignChoice::Smaller), Just(DesignChoice::Identities)]
}

fn rules(half: &Half<'_>, compiler: &Compiler<'_>, choice: DesignChoice) -> String {
    let emitted = emit(
        &compiler.table(half),
        half.modes,
        choice,
        &|_| Vec::new(),
        &|_, _| Vec::new(),
    );
    whole("# a test", &emitted)
}

fn read(text: &str) -> Program {
    let mut state = State::default();
    state
        .apply(text)
        .unwrap_or_else(|error| panic!("{error:?}"));
    state.program().unwrap()
}

/// Every packet up to what rules and policies can tell apart.
fn packets(half: &Half<'_>) -> Vec<Packet> {
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

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rules_that_are_read_back_do_what_evaluate_says(
        cluster in cluster(), seed in 0..48usize, modes in modes(), choice in choice()
    ) {
        let cluster = place(cluster, seed);
        let reach = Reach::new(&cluster);
        let (book, shared) = AddressBook::new(&cluster);
        prop_assert!(shared.is_empty());
        let compiler = Compiler::new(&cluster, &reach, &book);
        for half in halves(&cluster, &book, modes) {
            let text = rules(&half, &compiler, choice);
            let program = read(&text);
            for packet in packets(&half) {
                let (wanted, why) = expected(&half, &packet);
                prop_assert_eq!(
                    run(&program, &packet).decision, wanted,
                    "{} on {}: {:?}\n{}", packet, half.node_name(), why, text
                );
            }
        }
    }

    #[test]
    fn rules_are_proved(cluster in cluster(), seed in 0..48usize, modes in modes(), choice in choice()) {
        let cluster = place(cluster, seed);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        let index = PolicyIndex::new(&cluster);
        for half in halves(&cluster, &book, modes) {
            let text = rules(&half, &compiler, choice);
            let proof = prove_half(&read(&text), &half, &index, Limits::default());
            prop_assert_eq!(proof, HalfProof::Proved, "{}", text);
        }
    }

    #[test]
    fn files_can_be_applied_again_and_in_phases(cluster in cluster(), seed in 0..48usize, choice in choice()) {
        let cluster = place(cluster, seed);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        for half in halves(&cluster, &book, Modes::default()) {
            let emitted = emit(&compiler.table(&half), half.modes, choice, &|_| Vec::new(), &|_, _| Vec::new());
            let text = whole("# a test", &emitted);
            let mut state = State::default();
            state.apply(&text).unwrap();
            let once = state.clone();
            state.apply(&text).unwrap();
            prop_assert_eq!(&state, &once);
            let mut phases = State::default();
            phases.apply(&first_phase("# a test", &emitted)).unwrap();
            phases.apply(&second_phase("# a test", &emitted)).unwrap();
            prop_assert_eq!(phases, once);
        }
    }
}
