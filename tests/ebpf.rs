//! Maps for the eBPF program do with every packet what the policies say: emitted, written, read
//! back, looked up and proved, on random clusters of all tiers.

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
use packets::{config, modes, packets};
use placed::{halves, place};
use portolan::dataplane::ebpf::{
    Kind, Maps, Names, Part, Table, addresses, decide, emit, generation, modes_of, numbered,
    policy, program, read_batch, read_dump,
};
use portolan::dataplane::{Compiler, HalfProof, NodeTable, Row, prove_half};
use portolan::model::{AddressBook, Family, Half, Modes, NodeId, Protocol, expected, run};
use portolan::reach::Reach;
use portolan::symbolic::{Limits, PolicyIndex};
use portolan::{model, source};
use proptest::prelude::*;

/// The files of a bundle, in the order of [`Table::ALL`].
fn files(maps: &Maps) -> [String; 4] {
    [
        generation("# a test\n", "n", maps),
        addresses("# a test\n", "n", maps, Family::V4),
        addresses("# a test\n", "n", maps, Family::V6),
        policy("# a test\n", "n", maps, &Names::default()),
    ]
}

fn read(files: &[String; 4]) -> Maps {
    let mut maps = Maps::default();
    for (table, text) in Table::ALL.into_iter().zip(files) {
        read_batch(&mut maps, table, text).unwrap_or_else(|error| panic!("{error:?}"));
    }
    maps
}

/// The same as `bpftool -j map dump` prints it.
fn dump(batch: &str) -> String {
    let list = |bytes: &str| {
        let bytes = bytes.split_whitespace().map(|byte| format!("\"0x{byte}\""));
        bytes.collect::<Vec<_>>().join(",")
    };
    let lines = batch.lines().filter(|line| !line.starts_with('#'));
    let entries = lines.map(|line| {
        let (_, rest) = line.split_once(" key hex ").unwrap();
        let (key, value) = rest.split_once(" value hex ").unwrap();
        format!("{{\"key\":[{}],\"value\":[{}]}}", list(key), list(value))
    });
    format!("[{}]", entries.collect::<Vec<_>>().join(","))
}

/// One entry gone, or saying something else.
fn with_fault(maps: &Maps, at: prop::sample::Index, kind: usize) -> Option<Maps> {
    let mut faulty = maps.clone();
    let family = kind % 2;
    let prefixes = &maps.addresses[family];
    let prefix = (!prefixes.is_empty())
        .then(|| prefixes.iter().nth(at.index(prefixes.len())))
        .flatten();
    let entry = (!maps.policy.is_empty())
        .then(|| maps.policy.iter().nth(at.index(maps.policy.len())))
        .flatten();
    match kind {
        0 | 1 => {
            faulty.addresses[family].remove(prefix?.0);
        }
        2 | 3 => {
            let (prefix, _) = prefix?;
            let end = faulty.addresses[family].get_mut(prefix)?;
            std::mem::swap(&mut end.egress_class, &mut end.ingress_class);
        }
        4 | 5 => {
            let end = faulty.addresses[family].get_mut(prefix?.0)?;
            end.ingress_peer = end.ingress_peer.wrapping_sub(1);
        }
        6 | 7 => {
            let end = faulty.addresses[family].get_mut(prefix?.0)?;
            end.unknown_local = !end.unknown_local;
        }
        8 | 9 => {
            // One bit shorter, so that neighbours have it too.
            let (prefix, end) = prefix?;
            let length = prefix.length.checked_sub(1)?;
            let width = if family == 0 { 32 } else { 128 };
            let mut wider = *prefix;
            wider.length = length;
            wider.first &= !(1u128 << (width - 1 - length));
            faulty.addresses[family].insert(wider, *end);
        }
        10 => {
            faulty.policy.remove(entry?.0);
        }
        11 => {
            *faulty.policy.get_mut(entry?.0)? ^= 1;
        }
        12 => {
            let (key, rule) = entry?;
            let mut wider = *key;
            wider.part = Part::All;
            faulty.policy.insert(wider, *rule);
        }
        13 => {
            let (key, rule) = entry?;
            let mut other = *key;
            other.peer = 0;
            faulty.policy.insert(other, *rule);
        }
        _ => faulty.word ^= 1 << (1 + at.index(5)),
    }
    (faulty != *maps).then_some(faulty)
}

/// Entries name rules by number: each is a row of the entry's own class that lets its traffic
/// through, so that counters and comments are about what they say.
fn check_rule_numbers(table: &NodeTable, maps: &Maps) {
    let classes = table.classes.iter().enumerate();
    let rows: Vec<(usize, &Row)> = classes
        .flat_map(|(index, class)| class.rows.iter().map(move |row| (index, row)))
        .collect();
    for (key, rule) in maps.policy.iter().filter(|(_, rule)| **rule != 0) {
        let of_direction = numbered(table, key.direction);
        let (class, _) = of_direction[usize::try_from(key.class).unwrap() - 1];
        let (of, row) = rows[usize::try_from(*rule).unwrap() - 1];
        assert_eq!(of, class, "{key:?} says rule {rule}");
        let lets_through = match key.part {
            Part::All => row.traffic.is_all(),
            Part::Of(Kind::Other, _) => row.traffic.other,
            Part::Of(Kind::Ports(protocol), prefix) => {
                let at = Protocol::ALL.iter().position(|known| *known == protocol);
                let ports = &row.traffic.ports[at.unwrap()];
                // Some of its ports: longer prefixes can say otherwise of others.
                (prefix.first..=prefix.last(16))
                    .any(|port| ports.contains(u16::try_from(port).unwrap()))
            }
        };
        assert!(lets_through, "{key:?} says rule {rule}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn maps_that_are_read_back_do_what_evaluate_says(
        cluster in settled_cluster(), seed in 0..48usize, modes in modes()
    ) {
        let cluster = place(cluster, seed);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        for half in halves(&cluster, &book, modes) {
            let table = compiler.table(&half);
            let emitted = emit(&table, modes);
            check_rule_numbers(&table, &emitted);
            let maps = read(&files(&emitted));
            prop_assert_eq!(&maps, &emitted);
            prop_assert_eq!(modes_of(&maps), modes);
            let mut dumped = Maps::default();
            for (table, text) in Table::ALL.into_iter().zip(&files(&emitted)) {
                read_dump(&mut dumped, table, &dump(text)).unwrap();
            }
            prop_assert_eq!(&dumped, &emitted);
            let program = program(&maps);
            for (index, packet) in packets(&half).into_iter().enumerate() {
                let (wanted, why) = expected(&half, &packet);
                // Looking prefixes up one by one is slow.
                if index % 16 == 0 {
                    prop_assert_eq!(decide(&maps, &packet), wanted, "{} on {}: {:?}", packet, half.node_name(), why);
                }
                prop_assert_eq!(run(&program, &packet).decision, wanted, "{} on {}", packet, half.node_name());
            }
        }
    }

    #[test]
    fn maps_are_proved(cluster in settled_cluster(), seed in 0..48usize, modes in modes()) {
        let cluster = place(cluster, seed);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        let index = PolicyIndex::new(&cluster);
        for half in halves(&cluster, &book, modes) {
            let program = program(&emit(&compiler.table(&half), modes));
            for slicing in [true, false] {
                let limits = Limits { slicing, ..Limits::default() };
                let proof = prove_half(&program, &half, &index, limits);
                prop_assert_eq!(proof, HalfProof::Proved, "slicing {}", slicing);
            }
        }
    }

    #[test]
    fn the_proof_finds_what_a_packet_shows(
        cluster in settled_cluster(), seed in 0..48usize,
        faults in proptest::collection::vec((any::<prop::sample::Index>(), 0..16usize), 6)
    ) {
        let cluster = place(cluster, seed);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        let index = PolicyIndex::new(&cluster);
        for half in halves(&cluster, &book, Modes::default()) {
            let maps = emit(&compiler.table(&half), half.modes);
            for (at, kind) in &faults {
                let Some(faulty) = with_fault(&maps, *at, *kind) else { continue };
                let program = program(&faulty);
                // Some of them: looking prefixes up one by one is slow.
                for packet in packets(&half).into_iter().step_by(29) {
                    prop_assert_eq!(
                        decide(&faulty, &packet), run(&program, &packet).decision,
                        "{}: the look-ups and the program differ\n{:?}", packet, faulty
                    );
                }
                let differs = packets(&half)
                    .into_iter()
                    .find(|packet| run(&program, packet).decision != expected(&half, packet).0);
                match prove_half(&program, &half, &index, Limits::default()) {
                    HalfProof::Proved => prop_assert_eq!(differs, None, "{:?}", faulty),
                    HalfProof::Differs(_) => {}
                    other => prop_assert!(false, "{:?}\n{:?}", other, faulty),
                }
            }
        }
    }

    #[test]
    fn readers_never_panic(
        cluster in settled_cluster(), at in any::<prop::sample::Index>(), junk in ".{0,12}",
        cut in any::<prop::sample::Index>()
    ) {
        let cluster = place(cluster, 3);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        let half = Half::new(&cluster, &book, NodeId(0), Modes::default());
        let files = files(&emit(&compiler.table(&half), half.modes));
        for (table, text) in Table::ALL.into_iter().zip(&files) {
            for text in [text.clone(), dump(text)] {
                let mut characters: Vec<char> = text.chars().collect();
                let position = at.index(characters.len());
                characters.splice(position..position, junk.chars());
                characters.truncate(cut.index(characters.len()) + 1);
                let text: String = characters.into_iter().collect();
                let mut maps = Maps::default();
                let _ = read_batch(&mut maps, table, &text);
                let _ = read_dump(&mut maps, table, &text);
                let _ = program(&maps);
            }
        }
    }
}
