//! Emitted rules do with every packet what the policies say: emitted, read back, run and proved,
//! on random clusters of all tiers.

#![cfg(test)]

#[path = "agreement/clusters.rs"]
mod clusters;
#[path = "agreement/edges.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod edges;
mod generate;
#[path = "dataplane/packets.rs"]
mod packets;
#[path = "dataplane/placed.rs"]
mod placed;

use clusters::settled_cluster;
use edges::boundary_ports;
use packets::{config, modes, packets};
use placed::{halves, place};
use portolan::dataplane::nft::{
    DesignChoice, State, emit, first_phase, read_listing, second_phase, whole,
};
use portolan::dataplane::{
    Class, Compiler, HalfProof, NodeTable, Row, Traffic, prove_all, prove_half,
};
use portolan::model::{
    AddressBook, AddressSet, Decision, Direction, Family, Flow, Half, Hook, Modes, NodeId, Packet,
    Party, PodId, PortSet, Program, Protocol, RangeSet, Tracking, Transport, Verdict, evaluate,
    expected, run,
};
use portolan::reach::Reach;
use portolan::symbolic::{Limits, PolicyIndex};
use portolan::{model, source};
use proptest::prelude::*;

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

/// One line of rules or elements gone, doubled, or saying something else.
fn with_fault(text: &str, line: &prop::sample::Index, kind: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_meant = |line: &&&str| line.starts_with("add rule") || line.starts_with("add element");
    let meant: Vec<&&str> = lines.iter().filter(is_meant).collect();
    let chosen = **meant.get(line.index(meant.len()))?;
    let changed = match kind {
        0 => String::new(),
        1 => chosen
            .replace("accept", "drop")
            .replace("goto ingress", "drop"),
        2 => chosen
            .replace("counter drop", "accept")
            .replace("tcp", "udp"),
        3 => {
            let (before, _) = chosen.rsplit_once(", ")?;
            format!("{before} }}")
        }
        4 => chosen.replace("goto", "jump"),
        5 => chosen
            .replace("counter drop", "return")
            .replace("accept", "return"),
        _ => chosen
            .replace("saddr", "daddr")
            .replace("80", "81")
            .replace("10.1.", "10.2."),
    };
    let faulty = text.replacen(chosen, &changed, 1);
    (faulty != text).then_some(faulty)
}

/// A listing with a hole in it.
const LISTING: &str = r#"{"nftables": [{"table": {"family": "inet", "name": "portolan", "handle": 1}},
{"set": {"family": "inet", "name": "s", "table": "portolan", "type": "ipv4_addr", "handle": 2, "flags": ["interval"],
"elem": [{"prefix": {"addr": "10.0.0.0", "len": 8}}, {"range": ["11.0.0.1", "@@"]}]}},
{"map": {"family": "inet", "name": "m", "table": "portolan", "type": "ipv4_addr", "handle": 3, "map": "verdict",
"elem": [["10.0.0.1", {"goto": {"target": "c"}}]]}},
{"chain": {"family": "inet", "table": "portolan", "name": "c", "handle": 4, "type": "filter", "hook": "forward", "prio": -1, "policy": "drop"}},
{"rule": {"family": "inet", "table": "portolan", "chain": "c", "handle": 5, "expr": [
{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [80, {"range": [90, 91]}]}}},
{"vmap": {"key": {"payload": {"protocol": "ip", "field": "saddr"}}, "data": "@m"}}]}}]}"#;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rules_that_are_read_back_do_what_evaluate_says(
        cluster in settled_cluster(), seed in 0..48usize, modes in modes(), choice in choice()
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
    fn rules_are_proved(cluster in settled_cluster(), seed in 0..48usize, modes in modes(), choice in choice()) {
        let cluster = place(cluster, seed);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        let index = PolicyIndex::new(&cluster);
        for half in halves(&cluster, &book, modes) {
            let text = rules(&half, &compiler, choice);
            // By parts, and as a whole.
            for slicing in [true, false] {
                let limits = Limits { slicing, ..Limits::default() };
                let proof = prove_half(&read(&text), &half, &index, limits);
                prop_assert_eq!(proof, HalfProof::Proved, "slicing {}\n{}", slicing, text);
            }
        }
    }

    #[test]
    fn all_nodes_together_are_the_policy(
        cluster in settled_cluster(), seed in 0..48usize, choice in choice()
    ) {
        let cluster = place(cluster, seed);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        let modes = Modes::default();
        let halves = halves(&cluster, &book, modes);
        prop_assert_eq!(prove_all(&halves, Limits::default()), Ok(None));
        let programs: Vec<Program> = halves
            .iter()
            .map(|half| read(&rules(half, &compiler, choice)))
            .collect();
        for (source, from) in book.pods() {
            for (destination, to) in book.pods() {
                if Family::of(source) != Family::of(destination) {
                    continue;
                }
                for port in boundary_ports(&cluster) {
                    let packet = Packet {
                        hook: Hook::Forward,
                        source,
                        destination,
                        transport: Transport::Tcp,
                        port,
                        tracking: Tracking::New,
                    };
                    // A packet passes the nodes of both pods.
                    let passes = halves.iter().zip(&programs).all(|(half, program)| {
                        let is_on_the_way = half.local().contains(source) || half.local().contains(destination);
                        !is_on_the_way || run(program, &packet).decision == Decision::Accept
                    });
                    let flow = Flow {
                        source: Party::Pod { pod: from, address: Some(source) },
                        destination: Party::Pod { pod: to, address: Some(destination) },
                        protocol: Protocol::Tcp,
                        port,
                    };
                    let wanted = evaluate(&cluster, &flow).verdict;
                    prop_assert_eq!(passes, wanted == Verdict::Allowed, "{}", packet);
                }
            }
        }
    }

    #[test]
    fn the_proof_finds_what_a_packet_shows(
        cluster in settled_cluster(), seed in 0..48usize, choice in choice(),
        faults in proptest::collection::vec((any::<prop::sample::Index>(), 0..7usize), 6)
    ) {
        let cluster = place(cluster, seed);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        let index = PolicyIndex::new(&cluster);
        for half in halves(&cluster, &book, Modes::default()) {
            let text = rules(&half, &compiler, choice);
            for (line, kind) in &faults {
                let Some(faulty) = with_fault(&text, line, *kind) else { continue };
                let mut state = State::default();
                // What does not load, or is not understood, is refused before a proof.
                if state.apply(&faulty).is_err() {
                    continue;
                }
                let Ok(program) = state.program() else { continue };
                let differs = packets(&half)
                    .into_iter()
                    .find(|packet| run(&program, packet).decision != expected(&half, packet).0);
                let by_parts = prove_half(&program, &half, &index, Limits::default());
                let limits = Limits { slicing: false, ..Limits::default() };
                let whole = prove_half(&program, &half, &index, limits);
                prop_assert_eq!(
                    by_parts == HalfProof::Proved, whole == HalfProof::Proved,
                    "{:?} and {:?}\n{}", by_parts, whole, faulty
                );
                match by_parts {
                    HalfProof::Proved => prop_assert_eq!(differs, None, "{}", faulty),
                    HalfProof::Differs(_) => {}
                    other => prop_assert!(false, "{:?}\n{}", other, faulty),
                }
            }
        }
    }

    #[test]
    fn readers_never_panic(
        cluster in settled_cluster(),
        cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), junk in ".{0,12}"
    ) {
        let cluster = place(cluster, 3);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        let half = Half::new(&cluster, &book, NodeId(0), Modes::default());
        let mut characters: Vec<char> = rules(&half, &compiler, DesignChoice::Identities).chars().collect();
        let position = at.index(characters.len());
        characters.splice(position..position, junk.chars());
        characters.truncate(cut.index(characters.len()) + 1);
        let text: String = characters.into_iter().collect();
        let mut state = State::default();
        if state.apply(&text).is_ok() {
            let _ = state.program();
        }
        let listing = LISTING.replacen("@@", &junk.replace(['"', '\\'], "_"), 1);
        for text in [junk, listing.chars().take(cut.index(listing.len())).collect(), listing] {
            if let Ok(listing) = read_listing(&text) {
                let _ = listing.state.map(|state| state.program());
            }
        }
    }

    #[test]
    fn files_can_be_applied_again_and_in_phases(cluster in settled_cluster(), seed in 0..48usize, choice in choice()) {
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

/// 40 classes, each of which lets a different half of 20 groups of 25 peers in.
fn overlapping() -> NodeTable {
    let address = |n: u32| (n, n);
    let set = |v4: Vec<(u32, u32)>| AddressSet {
        v4: RangeSet::from_ranges(v4),
        v6: RangeSet::empty(),
    };
    let class = |index: u32| {
        let mixed = |group: u32| (index + 1).wrapping_mul(2_654_435_761).rotate_left(group);
        let groups = (0..20u32).filter(move |group| mixed(*group) & 1 == 1);
        // Every second address, so that neighbours do not become ranges.
        let peers =
            groups.flat_map(|group| (0..25).map(move |n| 0x0a10_0000 + 2 * (group * 25 + n)));
        Class {
            direction: Direction::Ingress,
            pods: vec![PodId(index)],
            addresses: set(vec![address(0x0af4_0000 + 2 * index)]),
            policies: Vec::new(),
            rows: vec![Row {
                peers: set(peers.map(address).collect()),
                traffic: Traffic {
                    ports: [PortSet::range(80, 80), PortSet::empty(), PortSet::empty()],
                    other: false,
                },
                rules: Vec::new(),
            }],
        }
    };
    NodeTable {
        node: "node".to_owned(),
        classes: (0..40).map(class).collect(),
        ranges: AddressSet::default(),
        known: AddressSet::default(),
    }
}

#[test]
fn identities_are_chosen_where_they_are_several_times_smaller() {
    let table = overlapping();
    let of = |choice| {
        emit(
            &table,
            Modes::default(),
            choice,
            &|_| Vec::new(),
            &|_, _| Vec::new(),
        )
    };
    let smaller = of(DesignChoice::Smaller);
    let ingress = smaller.designs[1];
    assert!(ingress.is_identities, "{}", ingress.why());
    assert!(
        ingress.merged > 4 * ingress.identities.unwrap(),
        "{}",
        ingress.why()
    );
    let held = |text: &str| {
        let mut state = State::default();
        state.apply(text).unwrap();
        state.collections.values().map(|of| of.len()).sum::<usize>()
    };
    let sizes =
        [DesignChoice::Sets, DesignChoice::Identities].map(|c| held(&whole("# a test", &of(c))));
    assert!(sizes[0] > 4 * sizes[1], "{sizes:?}");
    // Both do the same with every packet that they could tell apart.
    let programs =
        [DesignChoice::Sets, DesignChoice::Smaller].map(|c| read(&whole("# a test", &of(c))));
    for class in &table.classes {
        for peer in (0..1000u32).map(|n| 0x0a10_0000 + n) {
            let packet = Packet {
                hook: Hook::Forward,
                source: std::net::Ipv4Addr::from_bits(peer).into(),
                destination: class.addresses.first().unwrap(),
                transport: Transport::Tcp,
                port: 80 + u16::from(peer % 3 == 0),
                tracking: Tracking::New,
            };
            let [sets, identities] = [&programs[0], &programs[1]].map(|p| run(p, &packet).decision);
            assert_eq!(sets, identities, "{packet}");
        }
    }
}
