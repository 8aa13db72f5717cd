//! How nftables spells addresses, ports and protocols, for the emitter.

use crate::dataplane::table::Traffic;
use crate::model::{AddressSet, Family, PortSet, family_addresses};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::net::IpAddr;

/// The words that depend on the family.
#[derive(Clone, Copy, Debug)]
pub(super) struct FamilyWords {
    pub(super) family: Family,
    /// `ip` or `ip6`.
    pub(super) protocol: &'static str,
    /// `4` or `6`, the end of names.
    pub(super) digit: &'static str,
    /// The type of sets of its addresses.
    pub(super) key: &'static str,
    /// What `meta nfproto` compares with.
    pub(super) nfproto: &'static str,
}

pub(super) const FAMILIES: [FamilyWords; 2] = [
    FamilyWords {
        family: Family::V4,
        protocol: "ip",
        digit: "4",
        key: "ipv4_addr",
        nfproto: "ipv4",
    },
    FamilyWords {
        family: Family::V6,
        protocol: "ip6",
        digit: "6",
        key: "ipv6_addr",
        nfproto: "ipv6",
    },
];

/// The members of one family as elements of a set: blocks where a range is one, and whether
/// every one is a single address.
pub(super) fn elements(set: &AddressSet, family: Family) -> (Vec<String>, bool) {
    let ranges = set.ranges(family);
    let width = match family {
        Family::V4 => 32,
        Family::V6 => 128,
    };
    let text = |&(first, last): &(u128, u128)| {
        let differing = first ^ last;
        let prefix = prefix_length(differing, first & !differing == first, width);
        range_text(family.address(first), family.address(last), prefix)
    };
    let single = ranges.iter().all(|(first, last)| first == last);
    (ranges.iter().map(text).collect(), single)
}

/// The prefix length of a block whose first and last address differ in these bits, if it is one.
fn prefix_length(differing: u128, first_is_lowest: bool, width: u32) -> Option<u32> {
    let is_mask = differing.checked_add(1).is_none_or(u128::is_power_of_two);
    (is_mask && first_is_lowest).then(|| width - differing.count_ones())
}

fn range_text(first: IpAddr, last: IpAddr, prefix: Option<u32>) -> String {
    if first == last {
        return first.to_string();
    }
    match prefix {
        Some(length) => format!("{first}/{length}"),
        None => format!("{first}-{last}"),
    }
}

/// Whether every address of a family is in the set.
pub(super) fn is_full(set: &AddressSet, family: Family) -> bool {
    let whole = family_addresses(family);
    set.ranges(family) == whole.ranges(family)
}

/// Conditions one of which holds exactly of the traffic, each ending in a space; one empty
/// condition for all traffic. Each asks for the protocol before it reads a port.
pub(super) fn traffic_conditions(traffic: &Traffic) -> Vec<String> {
    if traffic.is_all() {
        return vec![String::new()];
    }
    let names = ["tcp", "udp", "sctp"];
    let whole: Vec<&str> = names
        .into_iter()
        .zip(&traffic.ports)
        .filter(|(_, ports)| **ports == PortSet::full())
        .map(|(name, _)| name)
        .collect();
    let mut conditions = match whole.as_slice() {
        [] => Vec::new(),
        [one] => vec![format!("meta l4proto {one} ")],
        several => vec![format!("meta l4proto {{ {} }} ", several.join(", "))],
    };
    for (name, ports) in names.into_iter().zip(&traffic.ports) {
        let texts: Vec<String> = ports
            .ranges()
            .iter()
            .map(|&(first, last)| {
                if first == last {
                    first.to_string()
                } else {
                    format!("{first}-{last}")
                }
            })
            .collect();
        match texts.as_slice() {
            [] => {}
            _ if whole.contains(&name) => {}
            [one] => conditions.push(format!("{name} dport {one} ")),
            several => conditions.push(format!("{name} dport {{ {} }} ", several.join(", "))),
        }
    }
    if traffic.other {
        conditions.push("meta l4proto != { tcp, udp, sctp } ".to_owned());
    }
    conditions
}

/// A name out of what it stands for: the same content always has the same name.
pub(super) fn content_name(prefix: &str, parts: &[String]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut name = prefix.to_owned();
    for byte in hash.finalize().iter().take(6) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}
