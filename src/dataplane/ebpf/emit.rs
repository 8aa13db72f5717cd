//! From the neutral table of a node to maps.
//!
//! Classes and peers are numbered for each direction. A peer is an identity: addresses that no
//! class tells apart. What identities may do is disjoint, so an entry never has to say what a
//! shorter prefix says too; prefixes are then made as few as can be.

use super::maps::{End, Kind, Maps, Part, PolicyKey, width, word};
use super::prefix::{Prefix, Ranges, compress};
use crate::dataplane::identity::identities;
use crate::dataplane::table::{Class, NodeTable, Traffic};
use crate::model::{AddressSet, Direction, Family, Modes, PortSet, Protocol};
use std::collections::BTreeMap;

/// A number for a place in a list: from 1, since 0 is none.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

/// The classes of a direction with their place in the table; their numbers are from 1 in this
/// order.
pub fn numbered(table: &NodeTable, direction: Direction) -> Vec<(usize, &Class)> {
    let classes = table.classes.iter().enumerate();
    classes
        .filter(|(_, class)| class.direction == direction)
        .collect()
}

/// The maps of a node.
pub fn emit(table: &NodeTable, modes: Modes) -> Maps {
    let mut maps = Maps {
        word: word(modes),
        ..Maps::default()
    };
    // Who has something of an end: the set, and how it is put into the end.
    let mut fields: Vec<(AddressSet, Field)> = Vec::new();
    // Rules are rows, numbered through all classes.
    let mut first_rule = Vec::new();
    let mut n_rules = 0usize;
    for class in &table.classes {
        first_rule.push(n_rules);
        n_rules += class.rows.len();
    }
    for direction in Direction::ALL {
        let numbered = numbered(table, direction);
        let classes: Vec<&Class> = numbered.iter().map(|(_, class)| *class).collect();
        for (index, class) in classes.iter().enumerate() {
            let field = Field::Class(direction, number(index));
            fields.push((class.addresses.clone(), field));
        }
        for (index, identity) in identities(&classes).into_iter().enumerate() {
            let peer = number(index);
            for (class, row) in &identity.rows {
                let found = numbered.get(*class).and_then(|(place, of)| {
                    Some((first_rule.get(*place)? + row, of.rows.get(*row)?))
                });
                let Some((rule, row)) = found else { continue };
                for (part, rule) in parts(&row.traffic, number(rule)) {
                    let key = PolicyKey {
                        direction,
                        class: number(*class),
                        peer,
                        part,
                    };
                    maps.policy.insert(key, rule);
                }
            }
            fields.push((identity.addresses, Field::Peer(direction, peer)));
        }
    }
    fields.push((table.ranges.difference(&table.known), Field::UnknownLocal));
    maps.addresses = Family::ALL.map(|family| {
        let ends = ends(family, &fields);
        compress(width(family), &ends, None).into_iter().collect()
    });
    maps
}

/// One thing that an end says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Field {
    Class(Direction, u32),
    Peer(Direction, u32),
    UnknownLocal,
}

impl Field {
    fn set(self, end: &mut End, is_set: bool) {
        let value = |number: u32| if is_set { number } else { 0 };
        match self {
            Field::Class(Direction::Egress, class) => end.egress_class = value(class),
            Field::Class(Direction::Ingress, class) => end.ingress_class = value(class),
            Field::Peer(Direction::Egress, peer) => end.egress_peer = value(peer),
            Field::Peer(Direction::Ingress, peer) => end.ingress_peer = value(peer),
            Field::UnknownLocal => end.unknown_local = is_set,
        }
    }
}

/// The end of each address of a family. One sweep over the edges of all sets; of sets for the
/// same field each address is in at most one.
fn ends(family: Family, fields: &[(AddressSet, Field)]) -> Ranges<End> {
    // What ends at a point comes before what starts there.
    let mut edges: Vec<(u128, bool, Field)> = Vec::new();
    for (set, field) in fields {
        for (first, last) in set.ranges(family) {
            edges.push((first, true, *field));
            edges.extend(last.checked_add(1).map(|after| (after, false, *field)));
        }
    }
    edges.sort_unstable();
    let mut found: Ranges<End> = Vec::new();
    let mut end = End::default();
    let mut from = 0u128;
    for (point, starts, field) in edges {
        if point > from {
            found.push((from, point - 1, end));
            from = point;
        }
        field.set(&mut end, starts);
    }
    let last = super::prefix::largest(width(family));
    if from <= last {
        found.push((from, last, end));
    }
    found
}

/// The parts that make up some traffic, with the number of the rule or 0.
fn parts(traffic: &Traffic, rule: u32) -> Vec<(Part, u32)> {
    if traffic.is_all() {
        return vec![(Part::All, rule)];
    }
    let mut found = Vec::new();
    for (protocol, ports) in Protocol::ALL.into_iter().zip(&traffic.ports) {
        let kind = Kind::Ports(protocol);
        let prefixes = compress(16, &port_values(ports, rule), Some(0));
        found.extend(
            prefixes
                .into_iter()
                .map(|(prefix, rule)| (Part::Of(kind, prefix), rule)),
        );
    }
    if traffic.other {
        let whole = Prefix {
            first: 0,
            length: 0,
        };
        found.push((Part::Of(Kind::Other, whole), rule));
    }
    found
}

fn port_values(ports: &PortSet, rule: u32) -> Ranges<u32> {
    let mut edges: BTreeMap<u32, u32> = BTreeMap::from([(0, 0)]);
    for &(first, last) in ports.ranges() {
        edges.insert(u32::from(first), rule);
        edges.insert(u32::from(last) + 1, 0);
    }
    let starts: Vec<(u32, u32)> = edges
        .into_iter()
        .filter(|(start, _)| *start <= u32::from(u16::MAX))
        .collect();
    let ends = starts
        .iter()
        .skip(1)
        .map(|(start, _)| start - 1)
        .chain([u32::from(u16::MAX)]);
    starts
        .iter()
        .zip(ends)
        .map(|((start, value), end)| (u128::from(*start), u128::from(end), *value))
        .collect()
}
