//! The way from one state of the table to another, in as few commands as it takes.
//!
//! Three files, each one transaction. The first adds sets and chains that nothing leads to yet,
//! the second switches packets over, the third takes away what nothing leads to any more: a
//! packet on its way through meets either all of the old rules or all of the new ones.

use super::script::TABLE;
use super::state::{ChainState, Collection, Key, Range, State, Verdict};
use crate::model::{Decision, Family};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The files of an update. One that is empty has nothing to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delta {
    /// Adds what is new.
    pub add: String,
    /// Switches to it.
    pub switch: String,
    /// Takes away what is old.
    pub clean: String,
}

/// What brings `old` to `new`. Linear in both.
pub fn delta(old: &State, new: &State) -> Delta {
    let (mut add, mut switch, mut clean) = (String::new(), String::new(), String::new());
    let new_chains = || {
        new.chains
            .iter()
            .filter(|(name, _)| !old.chains.contains_key(*name))
    };
    for (name, chain) in new_chains() {
        // A base chain is hooked in once it has its rules, by the second file.
        let text = if chain.base.is_some() {
            &mut switch
        } else {
            &mut add
        };
        declare_chain(text, name, chain);
    }
    // After the chains: nft sends the elements of a new map with the map.
    for (name, collection) in &new.collections {
        if !old.collections.contains_key(name) {
            declare_collection(&mut add, name, collection);
        }
    }
    for (name, chain) in new_chains() {
        let text = if chain.base.is_some() {
            &mut switch
        } else {
            &mut add
        };
        rules(text, name, chain);
    }
    for (name, collection) in &new.collections {
        match old.collections.get(name) {
            None => elements(&mut add, "add", name, collection, |_, _| true),
            Some(before) => {
                let known: BTreeSet<_> = before.elements().collect();
                let wanted: BTreeSet<_> = collection.elements().collect();
                elements(&mut switch, "delete", name, before, |range, verdict| {
                    !wanted.contains(&(range, verdict))
                });
                elements(&mut switch, "add", name, collection, |range, verdict| {
                    !known.contains(&(range, verdict))
                });
            }
        }
    }
    for (name, chain) in &new.chains {
        let before = old.chains.get(name);
        if before.is_some_and(|before| before != chain) {
            declare_chain(&mut switch, name, chain);
            let _ = writeln!(switch, "flush chain {TABLE} {name}");
            rules(&mut switch, name, chain);
        }
    }
    let old_chains = || {
        old.chains
            .keys()
            .filter(|name| !new.chains.contains_key(*name))
    };
    let old_collections = || {
        let collections = old.collections.iter();
        collections.filter(|(name, _)| !new.collections.contains_key(*name))
    };
    let kind = |of: &Collection| if of.is_map { "map" } else { "set" };
    // They lead to each other, and what is led to is not deleted.
    for name in old_chains() {
        let _ = writeln!(clean, "flush chain {TABLE} {name}");
    }
    for (name, collection) in old_collections() {
        let _ = writeln!(clean, "flush {} {TABLE} {name}", kind(collection));
    }
    for name in old_chains() {
        let _ = writeln!(clean, "delete chain {TABLE} {name}");
    }
    for (name, collection) in old_collections() {
        let _ = writeln!(clean, "delete {} {TABLE} {name}", kind(collection));
    }
    Delta { add, switch, clean }
}

fn declare_collection(text: &mut String, name: &str, of: &Collection) {
    let key = match of.key {
        Key::Address(Family::V4) => "ipv4_addr",
        Key::Address(Family::V6) => "ipv6_addr",
        Key::Pair(Family::V4) => "ipv4_addr . ipv4_addr",
        Key::Pair(Family::V6) => "ipv6_addr . ipv6_addr",
    };
    let (kind, value) = if of.is_map {
        ("map", " : verdict")
    } else {
        ("set", "")
    };
    let flags = if of.interval { "; flags interval" } else { "" };
    let _ = writeln!(
        text,
        "add {kind} {TABLE} {name} {{ type {key}{value}{flags}; }}"
    );
}

fn declare_chain(text: &mut String, name: &str, of: &ChainState) {
    let declaration = of.base.map_or_else(String::new, |base| {
        let policy = match base.policy {
            Decision::Accept => "accept",
            Decision::Drop => "drop",
        };
        let hook = base.hook.name();
        format!(" {{ type filter hook {hook} priority -1; policy {policy}; }}")
    });
    let _ = writeln!(text, "add chain {TABLE} {name}{declaration}");
}

fn rules(text: &mut String, name: &str, of: &ChainState) {
    for rule in &of.rules {
        let _ = writeln!(text, "add rule {TABLE} {name} {}", rule.text);
    }
}

fn elements(
    text: &mut String,
    verb: &str,
    name: &str,
    of: &Collection,
    is_wanted: impl Fn(Range, Option<&Verdict>) -> bool,
) {
    let wanted = of
        .elements()
        .filter(|(range, verdict)| is_wanted(*range, *verdict));
    let texts: Vec<String> = wanted
        .map(|(range, verdict)| {
            let key = key_text(of.key, range);
            match verdict {
                // What is deleted is named by its key alone.
                Some(verdict) if verb == "add" => format!("{key} : {}", verdict_text(verdict)),
                _ => key,
            }
        })
        .collect();
    for chunk in texts.chunks(64) {
        let _ = writeln!(
            text,
            "{verb} element {TABLE} {name} {{ {} }}",
            chunk.join(", ")
        );
    }
}

fn key_text(key: Key, (first, last): Range) -> String {
    let address = |number, family: Family| family.address(number).to_string();
    match key {
        Key::Address(family) if first == last => address(first, family),
        Key::Address(family) => format!("{}-{}", address(first, family), address(last, family)),
        Key::Pair(family) => format!("{0} . {0}", address(first, family)),
    }
}

fn verdict_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accept => "accept".to_owned(),
        Verdict::Drop => "drop".to_owned(),
        Verdict::Return => "return".to_owned(),
        Verdict::Goto(name) => format!("goto {name}"),
        Verdict::Jump(name) => format!("jump {name}"),
    }
}
