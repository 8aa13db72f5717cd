//! What was emitted, as files for `nft -f`.

use super::emit::{ChainText, Collection, Emitted};
use std::fmt::Write;

/// The table that all of it is in.
pub const TABLE: &str = "inet portolan";

/// Elements in one command: lines stay readable, and commands few.
const ELEMENTS_PER_COMMAND: usize = 64;

fn comment(text: &mut String, comments: &[String]) {
    for line in comments {
        let _ = writeln!(text, "# {line}");
    }
}

fn declare_collection(text: &mut String, name: &str, of: &Collection) {
    comment(text, &of.comments);
    let (kind, declaration) = (of.kind, &of.declaration);
    let _ = writeln!(text, "add {kind} {TABLE} {name} {{ {declaration}; }}");
}

fn fill_collection(text: &mut String, name: &str, of: &Collection) {
    for elements in of.elements.chunks(ELEMENTS_PER_COMMAND) {
        let elements = elements.join(", ");
        let _ = writeln!(text, "add element {TABLE} {name} {{ {elements} }}");
    }
}

fn declare_chain(text: &mut String, name: &str, of: &ChainText) {
    let declaration = &of.declaration;
    let _ = writeln!(text, "add chain {TABLE} {name}{declaration}");
}

fn fill_chain(text: &mut String, name: &str, of: &ChainText) {
    text.push('\n');
    comment(text, &of.comments);
    for (comments, rule) in &of.rules {
        comment(text, comments);
        let _ = writeln!(text, "add rule {TABLE} {name} {rule}");
    }
}

fn flush(text: &mut String, kind: &str, name: &str) {
    let _ = writeln!(text, "flush {kind} {TABLE} {name}");
}

/// One file that brings the node to this state from any state that a file of this kind left, as
/// one transaction.
pub fn whole(header: &str, emitted: &Emitted) -> String {
    let mut text = format!("{header}\nadd table {TABLE}\n");
    text.push_str("\n# what there is\n");
    let chains = || emitted.class_chains.iter().chain(&emitted.base_chains);
    // Chains first: nft sends the elements of a new map with the map.
    for (name, chain) in chains() {
        declare_chain(&mut text, name, chain);
    }
    for (name, set) in &emitted.fixed_sets {
        declare_collection(&mut text, name, set);
    }
    for (name, live) in &emitted.live {
        declare_collection(&mut text, name, live);
    }
    text.push_str("\n# emptied and filled again in one transaction\n");
    for (name, _) in chains() {
        flush(&mut text, "chain", name);
    }
    for (name, set) in &emitted.fixed_sets {
        flush(&mut text, set.kind, name);
    }
    for (name, live) in &emitted.live {
        flush(&mut text, live.kind, name);
    }
    text.push('\n');
    for (name, set) in &emitted.fixed_sets {
        fill_collection(&mut text, name, set);
    }
    for (name, chain) in chains() {
        fill_chain(&mut text, name, chain);
    }
    text.push('\n');
    for (name, live) in &emitted.live {
        fill_collection(&mut text, name, live);
    }
    text
}

/// The first of two files that together say what [`whole`] does: it adds what nothing refers to
/// yet, and changes nothing for packets.
pub fn first_phase(header: &str, emitted: &Emitted) -> String {
    let mut text = format!(
        "{header}\n# 1 of 2: sets and chains that nothing leads to yet\nadd table {TABLE}\n"
    );
    // Class chains lead to it, so it has to be there; it is filled by the second.
    text.push_str(&format!("add chain {TABLE} ingress\n"));
    for (name, chain) in &emitted.class_chains {
        declare_chain(&mut text, name, chain);
    }
    for (name, set) in &emitted.fixed_sets {
        declare_collection(&mut text, name, set);
    }
    for (name, live) in &emitted.live {
        declare_collection(&mut text, name, live);
    }
    for (name, _) in &emitted.class_chains {
        flush(&mut text, "chain", name);
    }
    for (name, set) in &emitted.fixed_sets {
        fill_collection(&mut text, name, set);
    }
    for (name, chain) in &emitted.class_chains {
        fill_chain(&mut text, name, chain);
    }
    text
}

/// The second: packets go by the new rules.
pub fn second_phase(header: &str, emitted: &Emitted) -> String {
    let mut text = format!("{header}\n# 2 of 2: packets go by the new rules\n");
    for (name, chain) in &emitted.base_chains {
        declare_chain(&mut text, name, chain);
    }
    for (name, _) in &emitted.base_chains {
        flush(&mut text, "chain", name);
    }
    for (name, live) in &emitted.live {
        flush(&mut text, live.kind, name);
    }
    for (name, chain) in &emitted.base_chains {
        fill_chain(&mut text, name, chain);
    }
    text.push('\n');
    for (name, live) in &emitted.live {
        fill_collection(&mut text, name, live);
    }
    text
}

/// The file that takes all of it away, whether or not it is there.
pub fn remove(header: &str) -> String {
    // Adding first makes deleting succeed; `destroy` is not known to every nft.
    format!("{header}\nadd table {TABLE}\ndelete table {TABLE}\n")
}
