//! Maps as files for `bpftool batch file`, which the loader reads too.

use super::maps::{End, Kind, Maps, Part, PolicyKey, width};
use super::prefix::Prefix;
use crate::model::{Direction, Family, Protocol};
use std::fmt::Write;

/// Where maps of a node are pinned. BPF file systems allow no dots in names, and node names hold
/// no underscores.
pub fn pin_directory(node: &str) -> String {
    format!("/sys/fs/bpf/portolan/{}", node.replace('.', "_"))
}

/// One command: an entry of a map that is being filled.
fn entry(text: &mut String, path: &str, key: &[u8], value: &[u8]) {
    let _ = write!(text, "map update pinned {path} key hex");
    for byte in key {
        let _ = write!(text, " {byte:02x}");
    }
    text.push_str(" value hex");
    for byte in value {
        let _ = write!(text, " {byte:02x}");
    }
    text.push('\n');
}

/// The file of a family's addresses.
pub fn addresses(header: &str, node: &str, maps: &Maps, family: Family) -> String {
    let (name, family_name) = match family {
        Family::V4 => ("addresses4", "IPv4"),
        Family::V6 => ("addresses6", "IPv6"),
    };
    let mut text = format!(
        "{header}#\n# Who {family_name} addresses are. Key: length, address. Value: egress class, ingress class, \
         who it is\n# to egress classes, who it is to ingress classes, flags (1: unknown pod of the node).\n"
    );
    let path = format!("{}/next/{name}", pin_directory(node));
    for (prefix, end) in maps.of(family) {
        entry(
            &mut text,
            &path,
            &address_key(family, prefix),
            &end_value(end),
        );
    }
    text
}

/// The last bytes of a number, as many as so many bits take.
fn big_endian(number: u128, bits: u32) -> Vec<u8> {
    let skip = usize::try_from((128 - bits.min(128)) / 8).unwrap_or_default();
    number.to_be_bytes().into_iter().skip(skip).collect()
}

fn address_key(family: Family, prefix: &Prefix) -> Vec<u8> {
    let mut key = prefix.length.to_le_bytes().to_vec();
    key.extend(big_endian(prefix.first, width(family)));
    key
}

fn end_value(end: &End) -> Vec<u8> {
    let words = [
        end.egress_class,
        end.ingress_class,
        end.egress_peer,
        end.ingress_peer,
        u32::from(end.unknown_local),
    ];
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// What the policy's classes and rules are called, for comments.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    /// By direction and number of the class.
    pub classes: Vec<((Direction, u32), Vec<String>)>,
    /// By number, from 1.
    pub rules: Vec<Vec<String>>,
}

/// The file of the policy.
pub fn policy(header: &str, node: &str, maps: &Maps, names: &Names) -> String {
    let mut text = format!(
        "{header}#\n# Who is let through on what. Key: length, class, who the other end is to it, direction (0 egress,\n\
         # 1 ingress), kind (1 TCP, 2 UDP, 3 SCTP, 4 other), port. Value: the rule; 0 lets nothing through.\n"
    );
    for (number, lines) in names.rules.iter().enumerate() {
        let _ = writeln!(text, "# rule {}", number + 1);
        for line in lines {
            let _ = writeln!(text, "#   {line}");
        }
    }
    let path = format!("{}/next/policy", pin_directory(node));
    let mut classes = names.classes.iter();
    let mut last = None;
    for (key, rule) in &maps.policy {
        let class = (key.direction, key.class);
        if last != Some(class) {
            comment_classes(&mut text, &mut classes, class);
            last = Some(class);
        }
        entry(&mut text, &path, &policy_key(key), &rule.to_le_bytes());
    }
    // Those that nothing is let through of have no entries.
    comment_classes(&mut text, &mut classes, (Direction::Ingress, u32::MAX));
    text
}

fn comment_classes<'a>(
    text: &mut String,
    classes: &mut (impl Iterator<Item = &'a ((Direction, u32), Vec<String>)> + Clone),
    up_to: (Direction, u32),
) {
    let order = |(direction, class): (Direction, u32)| (direction == Direction::Ingress, class);
    while let Some((class, lines)) = classes.clone().next() {
        if order(*class) > order(up_to) {
            break;
        }
        classes.next();
        let (direction, number) = class;
        let _ = writeln!(text, "# {} class {number}", direction.name());
        for line in lines {
            let _ = writeln!(text, "#   {line}");
        }
    }
}

fn policy_key(key: &PolicyKey) -> Vec<u8> {
    let direction = match key.direction {
        Direction::Egress => 0u8,
        Direction::Ingress => 1,
    };
    let (length, kind, port) = match key.part {
        Part::All => (72, 0, 0),
        Part::Of(kind, prefix) => (80 + prefix.length, kind_number(kind), prefix.first),
    };
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(key.class.to_le_bytes());
    bytes.extend(key.peer.to_le_bytes());
    bytes.extend([direction, kind]);
    bytes.extend(big_endian(port, 16));
    bytes
}

fn kind_number(kind: Kind) -> u8 {
    match kind {
        Kind::Ports(Protocol::Tcp) => 1,
        Kind::Ports(Protocol::Udp) => 2,
        Kind::Ports(Protocol::Sctp) => 3,
        Kind::Other => 4,
    }
}

/// The file of the generation word.
pub fn generation(header: &str, node: &str, maps: &Maps) -> String {
    let mut text = format!(
        "{header}#\n# What the API leaves open, as bits. The loader adds the slot (bit 0) and stores it last.\n"
    );
    let path = format!("{}/generation", pin_directory(node));
    entry(&mut text, &path, &[0; 4], &maps.word.to_le_bytes());
    text
}
