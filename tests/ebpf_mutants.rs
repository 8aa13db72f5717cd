//! Faults that an emitter of eBPF maps could have: each is refused by the proof, by the reader, or
//! by the check that all of it fits. Faults of the program itself are in `ebpf_kernel.rs`.
//!
//! The table is the one in docs/dataplanes/ebpf.md.

#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

#[path = "mutants/cluster.rs"]
mod cluster;

use cluster::with_bundle;
use portolan::dataplane::ebpf::{
    End, Kind, Maps, Part, PolicyKey, Prefix, Table, capacities, program, read_batch, read_files,
    too_large,
};
use portolan::dataplane::{HalfProof, Target, prove_half};
use portolan::model::{Direction, Family, Half, Protocol};
use portolan::symbolic::{Limits, PolicyIndex};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A mistake, as what it does to the maps.
type Fault = (&'static str, fn(&mut Maps));

fn prefix(text: &str) -> (usize, Prefix) {
    let (address, length) = text.split_once('/').unwrap();
    let address: IpAddr = address.parse().unwrap();
    let family = usize::from(address.is_ipv6());
    let prefix = Prefix {
        first: Family::number_of(address),
        length: length.parse().unwrap(),
    };
    (family, prefix)
}

fn end<'a>(maps: &'a mut Maps, text: &str) -> &'a mut End {
    let (family, prefix) = prefix(text);
    maps.addresses[family].get_mut(&prefix).unwrap()
}

fn remove(maps: &mut Maps, text: &str) {
    let (family, prefix) = prefix(text);
    assert!(maps.addresses[family].remove(&prefix).is_some());
}

/// What an address is found to be.
fn found(maps: &Maps, text: &str) -> End {
    let (family, wanted) = prefix(text);
    let width = [32, 128][family];
    let holds = |at: &&Prefix| at.first <= wanted.first && wanted.first <= at.last(width);
    let longest = maps.addresses[family]
        .keys()
        .filter(holds)
        .max_by_key(|p| p.length);
    maps.addresses[family][longest.unwrap()]
}

fn put(maps: &mut Maps, text: &str, end: End) {
    let (family, prefix) = prefix(text);
    maps.addresses[family].insert(prefix, end);
}

/// Changes what entries of some traffic are about or say.
fn entries(maps: &mut Maps, change: impl Fn(PolicyKey, u32) -> Vec<(PolicyKey, u32)>) {
    let old = std::mem::take(&mut maps.policy);
    maps.policy = old
        .into_iter()
        .flat_map(|(key, rule)| change(key, rule))
        .collect();
}

fn ports(part: Part) -> Option<(Kind, u128, u32)> {
    match part {
        Part::Of(kind, prefix) if prefix.length > 0 => Some((kind, prefix.first, prefix.length)),
        _ => None,
    }
}

const DB: &str = "10.244.1.10/32";
const CLOSED: &str = "10.244.1.12/32";
const FAR: &str = "10.244.2.10/32";

const FAULTS: &[Fault] = &[
    ("an address is read at the wrong end of its bytes", |maps| {
        let of = *end(maps, DB);
        remove(maps, DB);
        put(maps, "10.1.244.10/32", of);
    }),
    ("an isolated pod has no class", |maps| {
        end(maps, CLOSED).ingress_class = 0
    }),
    ("an IPv6 address of an isolated pod has none", |maps| {
        end(maps, "fd10:1::a/128").ingress_class = 0;
    }),
    ("a pod in another's class", |maps| {
        let class = end(maps, CLOSED).ingress_class;
        end(maps, DB).ingress_class = class;
    }),
    ("egress and ingress classes exchanged", |maps| {
        for end in maps.addresses.iter_mut().flat_map(BTreeMap::values_mut) {
            std::mem::swap(&mut end.egress_class, &mut end.ingress_class);
        }
    }),
    ("egress and ingress peers exchanged", |maps| {
        for end in maps.addresses.iter_mut().flat_map(BTreeMap::values_mut) {
            std::mem::swap(&mut end.egress_peer, &mut end.ingress_peer);
        }
    }),
    ("a peer forgotten", |maps| remove(maps, FAR)),
    ("a peer too many", |maps| {
        let far = *end(maps, FAR);
        put(maps, "10.244.2.11/32", far);
    }),
    ("an exception forgotten", |maps| {
        let wider = found(maps, "198.51.100.0/32");
        put(maps, "198.51.100.128/25", wider);
        for part in ["198.51.100.192/26", "198.51.100.128/26"] {
            let (family, prefix) = prefix(part);
            maps.addresses[family].remove(&prefix);
        }
    }),
    (
        "a longer prefix does not carry what the shorter one lets through",
        |maps| {
            put(maps, "198.51.100.0/26", End::default());
        },
    ),
    ("a block one bit too wide", |maps| {
        let inside = found(maps, "198.51.100.0/32");
        put(maps, "198.51.100.0/23", inside);
    }),
    ("non-canonical blocks collapse into one entry", |maps| {
        let inside = found(maps, "198.51.100.0/32");
        put(maps, "198.51.100.0/24", inside);
        let (family, _) = prefix(DB);
        let below: Vec<Prefix> = maps.addresses[family]
            .keys()
            .copied()
            .filter(|p| p.length > 24 && p.first >> 8 == 0x00c6_3364)
            .collect();
        for prefix in below {
            maps.addresses[family].remove(&prefix);
        }
    }),
    ("everybody else has no entry", |maps| {
        remove(maps, "0.0.0.0/0")
    }),
    ("everybody else has no entry in IPv6", |maps| {
        remove(maps, "::/0")
    }),
    ("unknown pods of the node are like others", |maps| {
        for end in maps.addresses.iter_mut().flat_map(BTreeMap::values_mut) {
            end.unknown_local = false;
        }
    }),
    ("a known pod taken for an unknown one", |maps| {
        end(maps, DB).unknown_local = true
    }),
    ("a zeroed entry lets whoever has no peer through", |maps| {
        let zeroed = PolicyKey {
            direction: Direction::Ingress,
            class: end(maps, DB).ingress_class,
            peer: 0,
            part: Part::All,
        };
        maps.policy.insert(zeroed, 1);
    }),
    ("any port where a port was given", |maps| {
        entries(maps, |mut key, rule| {
            if let Some((kind, _, _)) = ports(key.part) {
                key.part = Part::Of(
                    kind,
                    Prefix {
                        first: 0,
                        length: 0,
                    },
                );
            }
            vec![(key, rule)]
        });
    }),
    ("all traffic where a protocol was given", |maps| {
        entries(maps, |mut key, rule| {
            if ports(key.part).is_none() {
                key.part = Part::All;
            }
            vec![(key, rule)]
        });
    }),
    ("endPort forgotten", |maps| {
        entries(maps, |mut key, rule| match ports(key.part) {
            Some((kind, first, length)) if length < 16 && first >= 8000 => {
                key.part = Part::Of(
                    kind,
                    Prefix {
                        first: 8000,
                        length: 16,
                    },
                );
                vec![(key, rule)]
            }
            _ => vec![(key, rule)],
        });
    }),
    (
        "a range of ports one prefix short: entries dropped over a limit",
        |maps| {
            let entries = maps.policy.iter();
            let last = entries
                .rev()
                .find(|(key, rule)| **rule != 0 && ports(key.part).is_some());
            let (last, _) = last.unwrap();
            let last = *last;
            maps.policy.remove(&last);
        },
    ),
    ("a prefix of ports one bit too short", |maps| {
        entries(maps, |key, rule| {
            let mut wider = key;
            if let Some((kind, first, length)) = ports(key.part) {
                let first = first & !((2u128 << (16 - length)) - 1);
                let length = length - 1;
                wider.part = Part::Of(kind, Prefix { first, length });
            }
            vec![(key, rule), (wider, rule)]
        });
    }),
    ("ports in the machine's byte order", |maps| {
        entries(maps, |mut key, rule| {
            if let Some((kind, first, 16)) = ports(key.part) {
                let first = u128::from(u16::try_from(first).unwrap().swap_bytes());
                key.part = Part::Of(kind, Prefix { first, length: 16 });
            }
            vec![(key, rule)]
        });
    }),
    ("a port of the wrong protocol", |maps| {
        entries(maps, |mut key, rule| {
            if let Some((Kind::Ports(Protocol::Tcp), first, length)) = ports(key.part) {
                key.part = Part::Of(Kind::Ports(Protocol::Udp), Prefix { first, length });
            }
            vec![(key, rule)]
        });
    }),
    ("a rule without ports lets only TCP through", |maps| {
        entries(maps, |mut key, rule| {
            if key.part == Part::All {
                key.part = Part::Of(
                    Kind::Ports(Protocol::Tcp),
                    Prefix {
                        first: 0,
                        length: 0,
                    },
                );
            }
            vec![(key, rule)]
        });
    }),
    ("entries of the other direction", |maps| {
        entries(maps, |mut key, rule| {
            key.direction = match key.direction {
                Direction::Egress => Direction::Ingress,
                Direction::Ingress => Direction::Egress,
            };
            vec![(key, rule)]
        });
    }),
    ("an entry that lets nothing through is left out", |maps| {
        entries(maps, |key, rule| {
            if rule == 0 {
                Vec::new()
            } else {
                vec![(key, rule)]
            }
        });
    }),
    ("nothing is loaded", |maps| maps.word = 0),
    ("established packets pass in both directions", |maps| {
        maps.word |= 1 << 2
    }),
    ("invalid packets are left to policy", |maps| {
        maps.word |= 1 << 3
    }),
    ("pods do what they like to their node", |maps| {
        maps.word |= 1 << 4
    }),
    ("unknown pods of the node pass", |maps| maps.word |= 1 << 5),
];

/// What an emitter could write that the kernel takes for something else, or not at all.
const UNREADABLE: &[(&str, Table, &str, &str)] = &[
    (
        "host bits set: the kernel would ignore them",
        Table::Addresses(Family::V4),
        "key hex 18 00 00 00 0a f4 01 07 value hex 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "bits beyond the prefix of 24 are set",
    ),
    (
        "two entries with one key: which one wins is chance",
        Table::Addresses(Family::V4),
        "key hex 00 00 00 00 00 00 00 00 value hex 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "the same prefix is there twice",
    ),
    (
        "a prefix longer than an address",
        Table::Addresses(Family::V4),
        "key hex 21 00 00 00 0a f4 01 07 value hex 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "a prefix of 33 bits of 32",
    ),
    (
        "an IPv6 address in the map of IPv4",
        Table::Addresses(Family::V4),
        "key hex 80 00 00 00 fd 10 00 01 00 00 00 00 00 00 00 00 00 00 00 0a value hex 00",
        "the address is not of 4 bytes",
    ),
    (
        "a class in half of its bytes",
        Table::Addresses(Family::V4),
        "key hex 20 00 00 00 0a f4 01 63 value hex 01 00",
        "2 bytes where there are 20",
    ),
    (
        "an entry for every class and peer",
        Table::Policy,
        "key hex 20 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 value hex 01 00 00 00",
        "a prefix of 32 bits reaches over more than one class and peer",
    ),
    (
        "an entry for protocol 0",
        Table::Policy,
        "key hex 60 00 00 00 01 00 00 00 01 00 00 00 01 00 00 50 value hex 01 00 00 00",
        "there is no kind 0",
    ),
    (
        "an entry of another map",
        Table::Policy,
        "",
        "the map is `other` and not `policy`",
    ),
];

fn maps_of(act: impl FnOnce(&Maps, &Half<'_>, &PolicyIndex, &BTreeMap<&'static str, String>)) {
    with_bundle(Target::Ebpf, |bundle, half, index| {
        let maps = read_files(|name| bundle.files.get(name).map(String::as_str)).unwrap();
        act(&maps, half, index, &bundle.files);
    });
}

#[test]
fn every_fault_is_refused() {
    maps_of(|maps, half, index, _| {
        for (fault, change) in FAULTS {
            let mut faulty = maps.clone();
            change(&mut faulty);
            assert!(faulty != *maps, "`{fault}` changes nothing");
            // `cargo test --test ebpf_mutants -- --nocapture` shows the table.
            match prove_half(&program(&faulty), half, index, Limits::default()) {
                HalfProof::Differs(packet) => println!("| {fault} | {packet} |"),
                other => panic!("`{fault}` came through: {other:?}\n{faulty:?}"),
            }
        }
    });
    assert!(FAULTS.len() >= 25);
}

#[test]
fn what_the_kernel_would_read_otherwise_is_refused() {
    maps_of(|_, _, _, files| {
        for (fault, table, line, wanted) in UNREADABLE {
            let name = format!("{}.batch", table.name());
            let mut text = files[name.as_str()].clone();
            match *line {
                "" => text = text.replace("/policy key", "/other key"),
                line => text.push_str(&format!("map update pinned x/{} {line}\n", table.name())),
            }
            let problem = read_batch(&mut Maps::default(), *table, &text).unwrap_err();
            assert!(problem.problem.contains(wanted), "{fault}: {problem:?}");
            println!("| {fault} | not understood: {} |", problem.problem);
        }
    });
}

#[test]
fn what_does_not_fit_is_said() {
    maps_of(|maps, _, _, _| {
        let over = |maps: &Maps| too_large(&capacities(maps)).map(|capacity| capacity.map);
        assert_eq!(over(maps), None);
        let mut larger = maps.clone();
        larger.addresses[0].clear();
        let add = |maps: &mut Maps, first: u128| {
            maps.addresses[0].insert(Prefix { first, length: 32 }, End::default());
        };
        (0..1u128 << 20).for_each(|first| add(&mut larger, first));
        assert_eq!(over(&larger), None, "as many as there is room for");
        add(&mut larger, 1 << 20);
        assert_eq!(over(&larger), Some("addresses4"), "and one more");
        let mut more_rules = maps.clone();
        let key = *maps.policy.keys().next().unwrap();
        more_rules.policy.insert(key, 1 << 16);
        assert_eq!(over(&more_rules), None);
        more_rules.policy.insert(key, (1 << 16) + 1);
        assert_eq!(over(&more_rules), Some("counters"));
    });
}

/// Maps that say the same in other prefixes.
#[test]
fn other_maps_that_say_the_same_are_proved() {
    maps_of(|maps, half, index, _| {
        let mut other = maps.clone();
        let everybody = found(maps, "9.9.9.9/32");
        put(&mut other, "9.0.0.0/8", everybody);
        entries(&mut other, |key, rule| match ports(key.part) {
            Some((kind, first, length)) if length < 16 => {
                let half = 1u128 << (15 - length);
                let of = |first| PolicyKey {
                    part: Part::Of(
                        kind,
                        Prefix {
                            first,
                            length: length + 1,
                        },
                    ),
                    ..key
                };
                vec![(of(first), rule), (of(first + half), rule)]
            }
            _ => vec![(key, rule)],
        });
        assert!(other != *maps);
        let proof = prove_half(&program(&other), half, index, Limits::default());
        assert_eq!(proof, HalfProof::Proved);
    });
}
