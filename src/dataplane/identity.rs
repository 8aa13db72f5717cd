//! Peers as identities: addresses that no class of a direction tells apart.
//!
//! Where many classes let the same peers in, sets of each class's peers hold each of them many
//! times. An identity holds it once, and what it may do is said once for each identity.

use super::table::Class;
use crate::model::{AddressSet, Bounded, RangeSet};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Addresses that are in the same rows of all classes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The addresses.
    pub addresses: AddressSet,
    /// The rows: of each class by index the index of its row.
    pub rows: Vec<(usize, usize)>,
}

/// The identities of some classes, in the order of their first address, IPv4 first. Addresses in
/// no row are in none. One sweep: linear in the ranges of all rows, and for each in the rows
/// around it.
pub fn identities(classes: &[&Class]) -> Vec<Identity> {
    let mut found: Vec<Identity> = Vec::new();
    let mut by_rows: HashMap<Vec<(usize, usize)>, usize> = HashMap::new();
    let v4 = sweep(classes, |set| &set.v4);
    let v6 = sweep(classes, |set| &set.v6);
    let mut put = |rows: Vec<(usize, usize)>, addresses: AddressSet| {
        let next = found.len();
        let index = *by_rows.entry(rows.clone()).or_insert(next);
        match found.get_mut(index) {
            Some(known) => known.addresses = known.addresses.union(&addresses),
            None => found.push(Identity { addresses, rows }),
        }
    };
    for (rows, ranges) in v4 {
        let v6 = RangeSet::empty();
        put(rows, AddressSet { v4: ranges, v6 });
    }
    for (rows, ranges) in v6 {
        let v4 = RangeSet::empty();
        put(rows, AddressSet { v4, v6: ranges });
    }
    found
}

/// Rows, and where they hold.
type Swept<T> = Vec<(Rows, RangeSet<T>)>;
/// Of each class by index the index of its row.
type Rows = Vec<(usize, usize)>;

fn sweep<T: Bounded>(classes: &[&Class], of: impl Fn(&AddressSet) -> &RangeSet<T>) -> Swept<T> {
    let mut toggles: Vec<(T, (usize, usize))> = Vec::new();
    for (index, class) in classes.iter().enumerate() {
        for (row, peers) in class.rows.iter().map(|row| &row.peers).enumerate() {
            for &(first, last) in of(peers).ranges() {
                toggles.push((first, (index, row)));
                toggles.extend(last.successor().map(|after| (after, (index, row))));
            }
        }
    }
    toggles.sort_unstable();
    let mut active: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut ranges: BTreeMap<Rows, Vec<(T, T)>> = BTreeMap::new();
    let mut toggles = toggles.into_iter().peekable();
    while let Some((point, row)) = toggles.next() {
        if !active.remove(&row) {
            active.insert(row);
        }
        let next = toggles.peek().map(|(next, _)| *next);
        if next == Some(point) || active.is_empty() {
            continue;
        }
        let last = next.map_or(Some(T::LAST), Bounded::predecessor);
        let rows = active.iter().copied().collect();
        let ranges = ranges.entry(rows).or_default();
        ranges.extend(last.map(|last| (point, last)));
    }
    let mut swept: Swept<T> = ranges
        .into_iter()
        .map(|(rows, ranges)| (rows, RangeSet::from_ranges(ranges)))
        .collect();
    swept.sort_by_key(|(_, ranges)| ranges.first());
    swept
}
