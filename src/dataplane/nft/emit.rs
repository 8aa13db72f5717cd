//! From the neutral table of a node to nftables.
//!
//! The shape, and why (figures in docs/dataplanes/nft.md):
//!
//! - One chain for each class of pods, found through a map from the pod's address. A chain holds
//!   one rule for each distinct traffic and family, and the peers in one set, so the cost of a
//!   packet grows with neither pods nor peers.
//! - Names of sets and class chains are made of their content, so what has a name never changes.
//! - What falls out of a class chain is dropped twice: by its last rule, and by the policy of
//!   the `forward` chain. A chain that is still empty lets nothing through.
//! - Tables, base chains and sets are never deleted on the way to new rules, since packets would
//!   pass in between.

use super::design::{Design, DesignChoice, choose, identity_chains};
use super::words::{FAMILIES, FamilyWords, content_name, elements, is_full, traffic_conditions};
use crate::dataplane::table::{Class, NodeTable, Row};
use crate::model::{AddressSet, Direction, Invalid, Modes, PodToNode, Replies, UnknownLocal};
use std::collections::BTreeMap;

/// A set or a verdict map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collection {
    /// `set` or `map`.
    pub kind: &'static str,
    /// Its type and flags, as declared.
    pub declaration: String,
    /// Its elements.
    pub elements: Vec<String>,
    /// Comments on it.
    pub comments: Vec<String>,
}

/// A chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainText {
    /// `{ type filter hook ... }` of a base chain; empty for others.
    pub declaration: String,
    /// Its rules, each with the comments before it.
    pub rules: Vec<(Vec<String>, String)>,
    /// Comments on it.
    pub comments: Vec<String>,
}

/// What is to be loaded, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Emitted {
    /// Sets whose name is made of their content: they never change.
    pub fixed_sets: BTreeMap<String, Collection>,
    /// Class chains, likewise, in the order of the classes.
    pub class_chains: Vec<(String, ChainText)>,
    /// Sets and maps that change with the pods and policies.
    pub live: Vec<(String, Collection)>,
    /// Base chains and what they share.
    pub base_chains: Vec<(String, ChainText)>,
    /// Which class is in which chain: the index in the table's classes, and the chain's name.
    pub chain_of_class: Vec<(usize, String)>,
    /// How the peers of each direction are held, in the order of [`Direction::ALL`].
    pub designs: Vec<Design>,
}

/// What a rule of a class is commented with: the rules of policies behind a row.
pub(super) type RowComments<'a> = &'a dyn Fn(&Class, &Row) -> Vec<String>;
/// What a class is commented with.
pub(super) type ClassComments<'a> = &'a dyn Fn(&Class) -> Vec<String>;

/// Emits a node's table.
pub fn emit(
    table: &NodeTable,
    modes: Modes,
    choice: DesignChoice,
    class_comments: ClassComments<'_>,
    row_comments: RowComments<'_>,
) -> Emitted {
    let mut emitted = Emitted::default();
    let mut dispatch: BTreeMap<(Direction, &str), Vec<String>> = BTreeMap::new();
    let mut selves = AddressSet::default();
    let mut names: BTreeMap<usize, String> = BTreeMap::new();
    for direction in Direction::ALL {
        let classes = || table.classes.iter().enumerate();
        let of_direction = || classes().filter(|(_, class)| class.direction == direction);
        let list: Vec<&Class> = of_direction().map(|(_, class)| class).collect();
        let (design, identities) = choose(choice, direction, &list);
        if let Some(identities) = identities {
            let name = identity_chains(
                &mut emitted,
                direction,
                &list,
                &identities,
                class_comments,
                row_comments,
            );
            names.extend(of_direction().map(|(index, _)| (index, name.clone())));
        } else {
            for (index, class) in of_direction() {
                let name = class_chain(&mut emitted, class, class_comments, row_comments);
                names.insert(index, name);
            }
        }
        emitted.designs.push(design);
    }
    for (index, class) in table.classes.iter().enumerate() {
        let name = names.remove(&index).unwrap_or_default();
        for words in &FAMILIES {
            let keys = single_addresses(&class.addresses, words);
            let entries = keys.into_iter().map(|key| format!("{key} : goto {name}"));
            dispatch
                .entry((class.direction, words.digit))
                .or_default()
                .extend(entries);
        }
        selves = selves.union(&class.addresses);
        emitted.chain_of_class.push((index, name));
    }
    let mut live = |name: String, kind, declaration: String, elements, comment: &str| {
        let comments = vec![comment.to_owned()];
        let collection = Collection {
            kind,
            declaration,
            elements,
            comments,
        };
        emitted.live.push((name, collection));
    };
    for words in &FAMILIES {
        let FamilyWords { digit, key, .. } = words;
        for (direction, prefix, comment) in [
            (
                Direction::Egress,
                "eg",
                "the pods whose egress is isolated, and their class",
            ),
            (
                Direction::Ingress,
                "in",
                "the pods whose ingress is isolated, and their class",
            ),
        ] {
            let elements = dispatch.remove(&(direction, *digit)).unwrap_or_default();
            let declaration = format!("type {key} : verdict");
            live(
                format!("{prefix}{digit}"),
                "map",
                declaration,
                elements,
                comment,
            );
        }
        let pairs = single_addresses(&selves, words)
            .into_iter()
            .map(|address| format!("{address} . {address}"));
        let comment = "every isolated pod with itself: a Service can lead a pod back to it";
        let declaration = format!("type {key} . {key}");
        live(
            format!("self{digit}"),
            "set",
            declaration,
            pairs.collect(),
            comment,
        );
        let (ranges, _) = elements(&table.ranges, words.family);
        let comment = "the addresses that only pods of this node can have";
        let declaration = format!("type {key}; flags interval");
        live(format!("local{digit}"), "set", declaration, ranges, comment);
        let known = single_addresses(&table.known, words);
        let comment = "those of them that a pod is known to have";
        live(
            format!("known{digit}"),
            "set",
            format!("type {key}"),
            known,
            comment,
        );
    }
    emitted.base_chains = base_chains(modes);
    emitted
}

/// Each address of a family by itself.
pub(super) fn single_addresses(set: &AddressSet, words: &FamilyWords) -> Vec<String> {
    let ranges = set.ranges(words.family).into_iter();
    let each = ranges.flat_map(|(first, last)| first..=last);
    each.map(|number| words.family.address(number).to_string())
        .collect()
}

/// Emits the chain of a class, unless one with the same rules is there, and returns its name.
fn class_chain(
    emitted: &mut Emitted,
    class: &Class,
    class_comments: ClassComments<'_>,
    row_comments: RowComments<'_>,
) -> String {
    let DirectionWords {
        prefix,
        verdict,
        peer,
        ..
    } = direction_words(class.direction);
    let mut rules: Vec<(Vec<String>, String)> = Vec::new();
    for row in &class.rows {
        let mut comments = row_comments(class, row);
        for peers in peer_conditions(emitted, &row.peers, peer) {
            for traffic in traffic_conditions(&row.traffic) {
                let rule = format!("{peers}{traffic}{verdict}");
                rules.push((std::mem::take(&mut comments), rule));
            }
        }
    }
    for FamilyWords {
        protocol, digit, ..
    } in &FAMILIES
    {
        let rule = format!("{protocol} saddr . {protocol} daddr @self{digit} {verdict}");
        rules.push((Vec::new(), rule));
    }
    rules.push((Vec::new(), "counter drop".to_owned()));
    let texts: Vec<String> = rules.iter().map(|(_, rule)| rule.clone()).collect();
    let name = content_name(&format!("{prefix}_"), &texts);
    let comments = class_comments(class);
    let known = emitted
        .class_chains
        .iter_mut()
        .find(|(known, _)| *known == name);
    match known {
        Some((_, chain)) => chain.comments.extend(comments),
        None => {
            let chain = ChainText {
                declaration: String::new(),
                rules,
                comments,
            };
            emitted.class_chains.push((name.clone(), chain));
        }
    }
    name
}

/// The words that depend on the direction.
pub(super) struct DirectionWords {
    /// What names of chains start with.
    pub(super) prefix: &'static str,
    /// What happens to what is let through.
    pub(super) verdict: &'static str,
    /// The field of the pod's own address.
    pub(super) subject: &'static str,
    /// The field of the peer's.
    pub(super) peer: &'static str,
}

pub(super) fn direction_words(direction: Direction) -> DirectionWords {
    match direction {
        Direction::Egress => DirectionWords {
            prefix: "eg",
            // The other half comes next.
            verdict: "goto ingress",
            subject: "saddr",
            peer: "daddr",
        },
        Direction::Ingress => DirectionWords {
            prefix: "in",
            verdict: "accept",
            subject: "daddr",
            peer: "saddr",
        },
    }
}

/// What happens to all that no row let through.
pub(super) fn last_rules(verdict: &str) -> Vec<String> {
    let own = |FamilyWords {
                   protocol, digit, ..
               }: &FamilyWords| {
        format!("{protocol} saddr . {protocol} daddr @self{digit} {verdict}")
    };
    let mut rules: Vec<String> = FAMILIES.iter().map(own).collect();
    rules.push("counter drop".to_owned());
    rules
}

/// Conditions one of which holds exactly of peers in the set, each ending in a space.
fn peer_conditions(emitted: &mut Emitted, peers: &AddressSet, end: &str) -> Vec<String> {
    if FAMILIES.iter().all(|words| is_full(peers, words.family)) {
        return vec![String::new()];
    }
    let mut conditions = Vec::new();
    for words in &FAMILIES {
        let FamilyWords {
            family,
            protocol,
            digit,
            key,
            nfproto,
        } = *words;
        if is_full(peers, family) {
            conditions.push(format!("meta nfproto {nfproto} "));
            continue;
        }
        let (ranges, single) = elements(peers, family);
        match ranges.as_slice() {
            [] => {}
            [one] => conditions.push(format!("{protocol} {end} {one} ")),
            _ => {
                let (letter, flags) = if single {
                    ("p", "")
                } else {
                    ("n", "; flags interval")
                };
                let name = content_name(&format!("{letter}{digit}_"), &ranges);
                conditions.push(format!("{protocol} {end} @{name} "));
                emitted
                    .fixed_sets
                    .entry(name)
                    .or_insert_with(|| Collection {
                        kind: "set",
                        declaration: format!("type {key}{flags}"),
                        elements: ranges,
                        comments: Vec::new(),
                    });
            }
        }
    }
    conditions
}

/// The ICMPv6 types without which IPv6 does not work on a link.
const DISCOVERY: &str = "mld-listener-query, mld-listener-report, mld-listener-done, \
nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report";

fn base_chains(modes: Modes) -> Vec<(String, ChainText)> {
    let replies = match modes.replies {
        Replies::Direction => "ct state established ct direction reply accept",
        Replies::Established => "ct state established accept",
    };
    let mut forward = vec!["ct state related accept", replies];
    if modes.invalid == Invalid::Drop {
        forward.push("ct state invalid counter drop");
    }
    if modes.unknown_local == UnknownLocal::Drop {
        forward.extend([
            "ip saddr @local4 ip saddr != @known4 counter drop",
            "ip6 saddr @local6 ip6 saddr != @known6 counter drop",
            "ip daddr @local4 ip daddr != @known4 counter drop",
            "ip6 daddr @local6 ip6 daddr != @known6 counter drop",
        ]);
    }
    let egress = ["ip saddr vmap @eg4", "ip6 saddr vmap @eg6", "goto ingress"];
    forward.extend(egress);
    let discovery = format!("icmpv6 type {{ {DISCOVERY} }} accept");
    let input = match modes.pod_to_node {
        PodToNode::Allow => vec!["accept"],
        PodToNode::Policy => [
            &["ct state related accept", replies, &discovery][..],
            &egress,
        ]
        .concat(),
    };
    let ingress = ["ip daddr vmap @in4", "ip6 daddr vmap @in6", "accept"];
    let chain = |declaration: &str, comment: &str, rules: &[&str]| ChainText {
        declaration: declaration.to_owned(),
        rules: rules
            .iter()
            .map(|rule| (Vec::new(), (*rule).to_owned()))
            .collect(),
        comments: vec![comment.to_owned()],
    };
    vec![
        (
            "ingress".to_owned(),
            chain("", "the destination's half, after the source's", &ingress),
        ),
        (
            "forward".to_owned(),
            chain(
                " { type filter hook forward priority -1; policy drop; }",
                "between pods, and between pods and elsewhere: the source's half first",
                &forward,
            ),
        ),
        (
            "input".to_owned(),
            chain(
                " { type filter hook input priority -1; policy accept; }",
                "from pods to their own node",
                &input,
            ),
        ),
    ]
}
