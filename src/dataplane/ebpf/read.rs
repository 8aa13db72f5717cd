//! Readers of maps: of the files of a bundle, and of what `bpftool -j map dump` prints.
//!
//! They share no code with what writes the files. An entry that the program would never look up,
//! or that is not understood exactly, is an error.

use super::maps::{
    End, Kind, Maps, Part, PolicyKey, WORD_INVALID_POLICY, WORD_LOADED, WORD_POD_TO_NODE_ALLOW,
    WORD_REPLIES_ESTABLISHED, WORD_SLOT, WORD_UNKNOWN_LOCAL_ALLOW,
};
use super::prefix::{Prefix, largest};
use crate::model::{Direction, Family, Invalid, Modes, PodToNode, Protocol, Replies, UnknownLocal};
use serde_json::Value;

/// One of the maps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Table {
    /// The generation word.
    Generation,
    /// Who addresses of a family are.
    Addresses(Family),
    /// What is let through.
    Policy,
}

impl Table {
    /// All of them.
    pub const ALL: [Table; 4] = [
        Table::Generation,
        Table::Addresses(Family::V4),
        Table::Addresses(Family::V6),
        Table::Policy,
    ];

    /// Its name, which is that of its file and of its map.
    pub fn name(self) -> &'static str {
        match self {
            Table::Generation => "generation",
            Table::Addresses(Family::V4) => "addresses4",
            Table::Addresses(Family::V6) => "addresses6",
            Table::Policy => "policy",
        }
    }
}

/// Why maps are not understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapProblem {
    /// The map.
    pub table: &'static str,
    /// The line of its file, from 1; 0 for a dump.
    pub line: usize,
    /// What was read.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Adds what a file for `bpftool batch file` puts into a map.
///
/// # Errors
///
/// At the first line that is no entry of that map.
pub fn read_batch(maps: &mut Maps, table: Table, text: &str) -> Result<(), MapProblem> {
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let add = || -> Result<(Vec<u8>, Vec<u8>), String> {
            let rest = line.strip_prefix("map update pinned ");
            let rest = rest.ok_or("only `map update pinned` is understood")?;
            let (path, rest) = rest.split_once(" key hex ").ok_or("there is no key")?;
            let name = path.rsplit('/').next().unwrap_or_default();
            if name != table.name() {
                return Err(format!("the map is `{name}` and not `{}`", table.name()));
            }
            let (key, value) = rest.split_once(" value hex ").ok_or("there is no value")?;
            Ok((hex(key)?, hex(value)?))
        };
        let added = add().and_then(|(key, value)| insert(maps, table, &key, &value));
        added.map_err(|problem| MapProblem {
            table: table.name(),
            line: number + 1,
            text: line.to_owned(),
            problem,
        })?;
    }
    Ok(())
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let byte = |word: &str| match word.len() {
        2 => u8::from_str_radix(word, 16).ok(),
        _ => None,
    };
    let bytes = text.split_whitespace().map(byte);
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes.ok_or_else(|| "the bytes are not in hexadecimal".to_owned())
}

/// Adds what `bpftool -j map dump` printed of a map.
///
/// # Errors
///
/// When it is not understood.
pub fn read_dump(maps: &mut Maps, table: Table, text: &str) -> Result<(), MapProblem> {
    let problem = |problem: String, text: String| MapProblem {
        table: table.name(),
        line: 0,
        text,
        problem,
    };
    let dump: Value = serde_json::from_str(text)
        .map_err(|error| problem(format!("it is not JSON: {error}"), String::new()))?;
    let entries = dump.as_array();
    let entries =
        entries.ok_or_else(|| problem("it is not a list of entries".to_owned(), first_of(text)))?;
    for entry in entries {
        let add = || -> Result<(Vec<u8>, Vec<u8>), String> {
            Ok((dump_bytes(entry, "key")?, dump_bytes(entry, "value")?))
        };
        add()
            .and_then(|(key, value)| insert(maps, table, &key, &value))
            .map_err(|what| problem(what, first_of(&entry.to_string())))?;
    }
    Ok(())
}

fn first_of(text: &str) -> String {
    text.chars().take(120).collect()
}

/// `["0x00", "0x1f"]`.
fn dump_bytes(entry: &Value, name: &str) -> Result<Vec<u8>, String> {
    let byte = |value: &Value| {
        let digits = value.as_str()?.strip_prefix("0x")?;
        u8::from_str_radix(digits, 16).ok()
    };
    let bytes = entry.get(name).and_then(Value::as_array);
    let bytes: Option<Vec<u8>> = bytes.and_then(|bytes| bytes.iter().map(byte).collect());
    bytes.ok_or_else(|| format!("there is no `{name}` of bytes"))
}

/// The slot that packets go by, of what `bpftool -j map dump` printed of the generation.
pub fn slot_of(maps: &Maps) -> u32 {
    maps.word & WORD_SLOT
}

/// The number of the map in a slot, of what `bpftool -j map dump` printed of a map of maps.
pub fn map_in_slot(text: &str, slot: u32) -> Option<u32> {
    let dump: Value = serde_json::from_str(text).ok()?;
    let word = |entry: &Value, name: &str| {
        let bytes: [u8; 4] = dump_bytes(entry, name).ok()?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    let entries = dump.as_array()?;
    let found = entries
        .iter()
        .find(|entry| word(entry, "key") == Some(slot))?;
    word(found, "value")
}

/// The modes that a generation word says.
pub fn modes_of(maps: &Maps) -> Modes {
    let has = |bit: u32| maps.word & bit != 0;
    let mut modes = Modes::default();
    if has(WORD_REPLIES_ESTABLISHED) {
        modes.replies = Replies::Established;
    }
    if has(WORD_INVALID_POLICY) {
        modes.invalid = Invalid::Policy;
    }
    if has(WORD_POD_TO_NODE_ALLOW) {
        modes.pod_to_node = PodToNode::Allow;
    }
    if has(WORD_UNKNOWN_LOCAL_ALLOW) {
        modes.unknown_local = UnknownLocal::Allow;
    }
    modes
}

/// Whether the generation word says that something is loaded.
pub fn is_loaded(maps: &Maps) -> bool {
    maps.word & WORD_LOADED != 0
}

fn insert(maps: &mut Maps, table: Table, key: &[u8], value: &[u8]) -> Result<(), String> {
    match table {
        Table::Generation => {
            let [key, word] = [words::<1>(key)?, words::<1>(value)?];
            if key != [0] {
                return Err("the generation has one entry, 0".to_owned());
            }
            let [word] = word;
            if word >> 6 != 0 {
                return Err(format!("the bits of the word {word:#x} are not all known"));
            }
            maps.word = word;
            Ok(())
        }
        Table::Addresses(family) => {
            let (length, address) = split(key)?;
            let (bytes, width): (usize, u32) = match family {
                Family::V4 => (4, 32),
                Family::V6 => (16, 128),
            };
            if address.len() != bytes {
                return Err(format!("the address is not of {bytes} bytes"));
            }
            let prefix = prefix(address, length, width)?;
            let end = end(value)?;
            let [v4, v6] = &mut maps.addresses;
            let map = match family {
                Family::V4 => v4,
                Family::V6 => v6,
            };
            match map.insert(prefix, end) {
                None => Ok(()),
                Some(_) => Err("the same prefix is there twice".to_owned()),
            }
        }
        Table::Policy => {
            let [rule] = words::<1>(value)?;
            match maps.policy.insert(policy_key(key)?, rule) {
                None => Ok(()),
                Some(_) => Err("the same key is there twice".to_owned()),
            }
        }
    }
}

/// Little-endian words, and nothing else.
fn words<const N: usize>(bytes: &[u8]) -> Result<[u32; N], String> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    let words: Vec<u32> = chunks
        .iter()
        .map(|four| u32::from_le_bytes(*four))
        .collect();
    match words.try_into() {
        Ok(words) if rest.is_empty() => Ok(words),
        _ => Err(format!("{} bytes where there are {}", bytes.len(), 4 * N)),
    }
}

/// The length of a prefix, and what it is a prefix of.
fn split(key: &[u8]) -> Result<(u32, &[u8]), String> {
    let (length, rest) = key
        .split_first_chunk::<4>()
        .ok_or("the key has no length")?;
    Ok((u32::from_le_bytes(*length), rest))
}

fn prefix(bytes: &[u8], length: u32, width: u32) -> Result<Prefix, String> {
    if length > width {
        return Err(format!("a prefix of {length} bits of {width}"));
    }
    let number = |sum: u128, byte: &u8| sum << 8 | u128::from(*byte);
    let first = bytes.iter().fold(0u128, number);
    if first & largest(width - length) != 0 {
        return Err(format!(
            "bits beyond the prefix of {length} are set: the kernel would ignore them"
        ));
    }
    Ok(Prefix { first, length })
}

fn end(value: &[u8]) -> Result<End, String> {
    let [
        egress_class,
        ingress_class,
        egress_peer,
        ingress_peer,
        flags,
    ] = words::<5>(value)?;
    if flags > 1 {
        return Err(format!("the flags {flags:#x} are not all known"));
    }
    Ok(End {
        egress_class,
        ingress_class,
        egress_peer,
        ingress_peer,
        unknown_local: flags == 1,
    })
}

fn policy_key(key: &[u8]) -> Result<PolicyKey, String> {
    let (length, rest) = split(key)?;
    let [a, b, c, d, e, f, g, h, direction, kind, port @ ..] = rest else {
        return Err("the key is too short".to_owned());
    };
    let direction = match direction {
        0 => Direction::Egress,
        1 => Direction::Ingress,
        other => return Err(format!("there is no direction {other}")),
    };
    let part = match (length, kind) {
        (..72, _) => {
            return Err(format!(
                "a prefix of {length} bits reaches over more than one class and peer"
            ));
        }
        (72, 0) if port == [0, 0] => Part::All,
        (72, _) => return Err("bits beyond the prefix of 72 are set".to_owned()),
        (73..80, _) => {
            return Err(format!(
                "a prefix of {length} bits reaches over more than one kind of traffic"
            ));
        }
        (_, kind) => {
            let kind = match kind {
                1 => Kind::Ports(Protocol::Tcp),
                2 => Kind::Ports(Protocol::Udp),
                3 => Kind::Ports(Protocol::Sctp),
                4 => Kind::Other,
                other => return Err(format!("there is no kind {other}")),
            };
            if port.len() != 2 {
                return Err("the port is not of two bytes".to_owned());
            }
            Part::Of(kind, prefix(port, length - 80, 16)?)
        }
    };
    Ok(PolicyKey {
        direction,
        class: u32::from_le_bytes([*a, *b, *c, *d]),
        peer: u32::from_le_bytes([*e, *f, *g, *h]),
        part,
    })
}
