//! Faults that an emitter of nftables could have: each is refused by the proof, or by the reader.
//!
//! A fault is a change of the emitted text that the emitter would have made if it had that mistake.
//! The table is the one in docs/dataplanes/nft.md.

#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

#[path = "mutants/cluster.rs"]
mod cluster;

use cluster::with_bundle;
use portolan::dataplane::nft::{DesignChoice, State};
use portolan::dataplane::{HalfProof, Target, prove_half};
use portolan::model::Half;
use portolan::symbolic::{Limits, PolicyIndex};

/// What the emitter would get wrong, and what of its text would then be different.
type Fault = (&'static str, &'static [(&'static str, &'static str)]);

/// `@db_in` and the like stand for the names of chains and sets, which are made of their content.
const FAULTS: &[Fault] = &[
    (
        "no guard before a port is read",
        &[("tcp dport 5432", "th dport 5432")],
    ),
    (
        "a port of the wrong protocol",
        &[("tcp dport 5432", "udp dport 5432")],
    ),
    ("a range that ends one early", &[("8000-8100", "8000-8099")]),
    (
        "a range that starts one early",
        &[("8000-8100", "7999-8100")],
    ),
    ("endPort forgotten", &[("8000-8100", "8000")]),
    (
        "one of two ports forgotten",
        &[("{ 443, 8000-8100 }", "8000-8100")],
    ),
    (
        "a named port not resolved: any port",
        &[("tcp dport 5432 ", "")],
    ),
    (
        "a rule with ports lets ICMP through",
        &[("sctp dport 1-65535 accept", "accept")],
    ),
    (
        "a rule without ports lets only TCP through",
        &[("@PORTLESS accept", "@PORTLESS meta l4proto tcp accept")],
    ),
    (
        "an exception forgotten",
        &[("198.51.100.0/25", "198.51.100.0/24")],
    ),
    (
        "an exception of one peer leaks to another",
        &[("{ 203.0.113.0/26, 203.0.113.128/25 }", "{ 203.0.113.0/26 }")],
    ),
    (
        "an exception dropped everywhere",
        &[(
            "add rule inet portolan @DB_IN ip saddr 198.51.100.0/25",
            "add rule inet portolan @DB_IN ip saddr 198.51.100.128/25 drop\nadd rule inet portolan @DB_IN ip saddr 198.51.100.0/24",
        )],
    ),
    (
        "a block one bit too wide",
        &[("198.51.100.0/25", "198.51.101.0/24")],
    ),
    (
        "overlapping intervals",
        &[(
            "{ 203.0.113.0/26, 203.0.113.128/25 }",
            "{ 203.0.113.0/26, 203.0.113.0-203.0.113.70, 203.0.113.128/25 }",
        )],
    ),
    (
        "a peer forgotten",
        &[("{ 10.244.2.10, 10.244.2.12 }", "{ 10.244.2.10 }")],
    ),
    (
        "a peer too many",
        &[(
            "{ 10.244.2.10, 10.244.2.12 }",
            "{ 10.244.2.10, 10.244.2.11, 10.244.2.12 }",
        )],
    ),
    (
        "source and destination exchanged",
        &[("ip saddr 198.51.100.0/25", "ip daddr 198.51.100.0/25")],
    ),
    (
        "an empty list of rules lets everything through",
        &[(
            "add rule inet portolan @CLOSED_IN counter drop",
            "add rule inet portolan @CLOSED_IN accept",
        )],
    ),
    (
        "the last rule of a class forgotten",
        &[("add rule inet portolan @DB_IN counter drop\n", "")],
    ),
    (
        "a class's allowed packets skip the other half",
        &[("tcp dport 80 goto ingress", "tcp dport 80 accept")],
    ),
    (
        "an isolated pod not in the map",
        &[
            ("10.244.1.12 : goto @CLOSED_IN, ", ""),
            (", 10.244.1.12 : goto @CLOSED_IN", ""),
        ],
    ),
    (
        "a pod in another's class",
        &[("10.244.1.12 : goto @CLOSED_IN", "10.244.1.12 : goto @DB_IN")],
    ),
    (
        "an IPv6 address of an isolated pod forgotten",
        &[(
            "add element inet portolan in6 { fd10:1::a : goto @DB_IN }\n",
            "",
        )],
    ),
    (
        "IPv6 not looked up at all",
        &[("add rule inet portolan ingress ip6 daddr vmap @in6\n", "")],
    ),
    (
        "IPv6 peers forgotten",
        &[(
            "add rule inet portolan @DB_IN ip6 saddr 2001:db8::/32 sctp dport 1-65535 accept\n",
            "",
        )],
    ),
    ("the wrong hook", &[("hook forward", "hook postrouting")]),
    (
        "forwarded packets are not filtered",
        &[("{ type filter hook forward priority -1; policy drop; }", "")],
    ),
    (
        "packets to the node are not filtered",
        &[("{ type filter hook input priority -1; policy accept; }", "")],
    ),
    (
        "before destination NAT",
        &[("hook forward priority -1", "hook forward priority -150")],
    ),
    (
        "a miss in the map of classes drops",
        &[(
            "add rule inet portolan ingress accept\n",
            "add rule inet portolan ingress drop\n",
        )],
    ),
    (
        "a miss in the map of sources accepts",
        &[(
            "add rule inet portolan forward goto ingress\n",
            "add rule inet portolan forward accept\n",
        )],
    ),
    (
        "established in both directions",
        &[(
            "forward ct state established ct direction reply accept",
            "forward ct state established accept",
        )],
    ),
    (
        "replies are not let through",
        &[(
            "add rule inet portolan forward ct state established ct direction reply accept\n",
            "",
        )],
    ),
    (
        "related packets are not let through",
        &[(
            "add rule inet portolan forward ct state related accept\n",
            "",
        )],
    ),
    (
        "invalid packets are let through",
        &[(
            "add rule inet portolan forward ct state invalid counter drop",
            "add rule inet portolan forward ct state invalid accept",
        )],
    ),
    (
        "unknown pods of the node are let through",
        &[(
            "add rule inet portolan forward ip daddr @local4 ip daddr != @known4 counter drop\n",
            "",
        )],
    ),
    (
        "known pods are taken for unknown ones",
        &[(
            "add element inet portolan known4 { 10.244.1.10, 10.244.1.11, 10.244.1.12 }",
            "add element inet portolan known4 { 10.244.1.10, 10.244.1.11 }",
        )],
    ),
    (
        "a pod does not reach itself",
        &[(
            "add element inet portolan self4 { 10.244.1.10 . 10.244.1.10, 10.244.1.12 . 10.244.1.12 }",
            "add element inet portolan self4 { 10.244.1.12 . 10.244.1.12 }",
        )],
    ),
    (
        "neighbour discovery blocked",
        &[(
            "add rule inet portolan input icmpv6 type",
            "# add rule inet portolan input icmpv6 type",
        )],
    ),
    (
        "egress not enforced towards the node",
        &[("add rule inet portolan input ip saddr vmap @eg4\n", "")],
    ),
    (
        "the halves in the wrong order",
        &[
            ("add rule inet portolan forward ip saddr vmap @eg4\n", ""),
            (
                "add rule inet portolan ingress ip daddr vmap @in4\n",
                "add rule inet portolan ingress ip daddr vmap @in4\nadd rule inet portolan ingress ip saddr vmap @eg4\n",
            ),
        ],
    ),
    (
        "a chain that leads back to itself",
        &[(
            "add rule inet portolan @CLOSED_IN counter drop",
            "add rule inet portolan @CLOSED_IN goto ingress",
        )],
    ),
    (
        "a chain that nothing made",
        &[("10.244.1.12 : goto @CLOSED_IN", "10.244.1.12 : goto in_0")],
    ),
];

/// The chain that a map leads an address to.
fn chain_of(text: &str, map: &str, address: &str) -> String {
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("add element inet portolan {map} ")))
        .unwrap();
    let (_, rest) = line.split_once(&format!("{address} : goto ")).unwrap();
    rest.split([',', ' ']).next().unwrap().to_owned()
}

/// The name of the set with some elements.
fn set_with(text: &str, element: &str) -> String {
    let line = text
        .lines()
        .find(|line| line.starts_with("add element") && line.contains(element))
        .unwrap();
    line.split_whitespace().nth(4).unwrap().to_owned()
}

/// Does something with the rules of the node.
fn with_rules(act: impl FnOnce(&str, &Half<'_>, &PolicyIndex)) {
    let target = Target::Nft {
        design: DesignChoice::Sets,
        previous: None,
    };
    with_bundle(target, |bundle, half, index| {
        act(bundle.files.get("policy.nft").unwrap(), half, index);
    });
}

/// Text with the names that faults are written with put in.
fn named(text: &str, template: &str) -> String {
    let names = [
        ("@DB_IN", chain_of(text, "in4", "10.244.1.10")),
        ("@CLOSED_IN", chain_of(text, "in4", "10.244.1.12")),
        (
            "@PORTLESS",
            format!("@{}", set_with(text, "203.0.113.0/26")),
        ),
    ];
    names.iter().fold(template.to_owned(), |text, (name, is)| {
        text.replace(name, is)
    })
}

/// What the proof says of the rules, or why they are not understood.
fn proof(text: &str, half: &Half<'_>, index: &PolicyIndex) -> Result<HalfProof, String> {
    let mut state = State::default();
    state.apply(text).map_err(|error| error.problem)?;
    Ok(prove_half(
        &state.program()?,
        half,
        index,
        Limits::default(),
    ))
}

#[test]
fn every_fault_is_refused() {
    with_rules(|text, half, index| {
        for (fault, changes) in FAULTS {
            let mut faulty = text.to_owned();
            for (before, after) in *changes {
                faulty = faulty.replace(&named(text, before), &named(text, after));
            }
            assert!(faulty != text, "`{fault}` changes nothing");
            let refused = match proof(&faulty, half, index) {
                Err(problem) => format!("not understood: {problem}"),
                Ok(HalfProof::Differs(packet)) => packet.to_string(),
                Ok(other) => panic!("`{fault}` came through: {other:?}\n{faulty}"),
            };
            // `cargo test --test mutants -- --nocapture` shows the table.
            println!("| {fault} | {refused} |");
        }
    });
    assert!(FAULTS.len() >= 25);
}

/// Changes that change nothing for any packet.
const HARMLESS: &[Fault] = &[
    (
        "a jump that comes back",
        &[(
            "add rule inet portolan forward ct state related accept\n",
            "add chain inet portolan aside\nadd rule inet portolan aside ct state new return\n\
             add rule inet portolan aside ct state invalid drop\n\
             add rule inet portolan forward jump aside\n\
             add rule inet portolan forward ct state related accept\n",
        )],
    ),
    (
        "a rule twice",
        &[(
            "add rule inet portolan @CLOSED_IN counter drop",
            "add rule inet portolan @CLOSED_IN counter drop\nadd rule inet portolan @CLOSED_IN accept",
        )],
    ),
    (
        "a range in two parts",
        &[("8000-8100", "8000-8049, 8050-8100")],
    ),
    (
        "a chain that nothing leads to",
        &[(
            "add rule inet portolan forward ct state related accept\n",
            "add chain inet portolan aside\nadd rule inet portolan aside accept\n\
             add rule inet portolan forward ct state related accept\n",
        )],
    ),
];

#[test]
fn other_rules_that_say_the_same_are_proved() {
    with_rules(|text, half, index| {
        for (change, changes) in HARMLESS {
            let mut other = text.to_owned();
            for (before, after) in *changes {
                other = other.replace(&named(text, before), &named(text, after));
            }
            assert!(other != text, "`{change}` changes nothing");
            let found = proof(&other, half, index);
            assert_eq!(found, Ok(HalfProof::Proved), "{change}");
        }
    });
}
