//! Prefixes of bit strings, and what a longest-prefix look-up in a set of them finds.

use std::collections::BTreeMap;

/// The first `length` bits of a number of some width. The other bits are zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Prefix {
    /// The first number with this prefix.
    pub first: u128,
    /// How many bits are given.
    pub length: u32,
}

/// The largest number of so many bits; at most 128.
pub(super) fn largest(width: u32) -> u128 {
    match 128u32.checked_sub(width) {
        Some(unused) => u128::MAX.checked_shr(unused).unwrap_or_default(),
        None => u128::MAX,
    }
}

impl Prefix {
    /// The last number with this prefix, among those of a width.
    pub fn last(&self, width: u32) -> u128 {
        self.first | largest(width.saturating_sub(self.length))
    }
}

/// Values by ranges, ascending, which together are all numbers of a width.
pub(super) type Ranges<V> = Vec<(u128, u128, V)>;

/// The fewest prefixes by which a longest-prefix look-up finds these values. `otherwise` is what
/// is found where no prefix matches; `None` when that must not happen, and then the empty prefix
/// is among them.
///
/// Optimal by Draves, King, Venkatachary and Zill, "Constructing Optimal IP Routing Tables",
/// INFOCOM 1999. Linear in ranges times the width.
pub(super) fn compress<V: Copy + Ord>(
    width: u32,
    ranges: &[(u128, u128, V)],
    otherwise: Option<V>,
) -> Vec<(Prefix, V)> {
    let mut found = Vec::new();
    let whole = Prefix {
        first: 0,
        length: 0,
    };
    let Some(tree) = candidates(width, whole, ranges) else {
        return found;
    };
    place(&tree, whole, width, otherwise, &mut found);
    found
}

/// What a prefix could be given so that fewest are needed below it, ascending.
struct Tree<V> {
    candidates: Vec<V>,
    halves: Option<Box<[Tree<V>; 2]>>,
}

fn halves(width: u32, prefix: Prefix) -> Option<[Prefix; 2]> {
    let length = prefix.length + 1;
    let bit = 1u128.checked_shl(width.checked_sub(length)?)?;
    let half = |first| Prefix { first, length };
    Some([half(prefix.first), half(prefix.first | bit)])
}

fn candidates<V: Copy + Ord>(
    width: u32,
    prefix: Prefix,
    ranges: &[(u128, u128, V)],
) -> Option<Tree<V>> {
    // Those that reach into the prefix.
    let last = prefix.last(width);
    let from = ranges.partition_point(|(_, end, _)| *end < prefix.first);
    let to = ranges.partition_point(|(start, _, _)| *start <= last);
    let ranges = ranges.get(from..to)?;
    let (_, _, value) = ranges.first()?;
    if ranges.iter().all(|(_, _, other)| other == value) {
        return Some(Tree {
            candidates: vec![*value],
            halves: None,
        });
    }
    let [low, high] = halves(width, prefix)?;
    let (low, high) = (
        candidates(width, low, ranges)?,
        candidates(width, high, ranges)?,
    );
    let both = |value: &V| high.candidates.binary_search(value).is_ok();
    let mut common: Vec<V> = low.candidates.iter().copied().filter(both).collect();
    if common.is_empty() {
        common = low
            .candidates
            .iter()
            .chain(&high.candidates)
            .copied()
            .collect();
        common.sort_unstable();
    }
    Some(Tree {
        candidates: common,
        halves: Some(Box::new([low, high])),
    })
}

fn place<V: Copy + Ord>(
    tree: &Tree<V>,
    prefix: Prefix,
    width: u32,
    inherited: Option<V>,
    found: &mut Vec<(Prefix, V)>,
) {
    let fits = |value: &V| tree.candidates.binary_search(value).is_ok();
    let value = inherited
        .filter(fits)
        .or_else(|| tree.candidates.first().copied());
    if value != inherited {
        found.extend(value.map(|value| (prefix, value)));
    }
    if let (Some(below), Some(halves)) = (&tree.halves, halves(width, prefix)) {
        for (tree, half) in below.iter().zip(halves) {
            place(tree, half, width, value, found);
        }
    }
}

/// What a longest-prefix look-up finds for each number of a width; `None` for those that no
/// prefix matches. Neighbours differ. Linear in the prefixes.
pub(super) fn resolve<V: Copy + PartialEq>(
    width: u32,
    prefixes: &BTreeMap<Prefix, V>,
) -> Ranges<Option<V>> {
    let mut found: Ranges<Option<V>> = Vec::new();
    let mut add = |first: u128, last: u128, value: Option<V>| match found.last_mut() {
        Some((_, end, before)) if *before == value => *end = last,
        _ => found.push((first, last, value)),
    };
    // Prefixes around where we are, the longest last: where they end, and what they say.
    let mut around: Vec<(u128, V)> = Vec::new();
    let mut next = Some(0u128);
    // In order of their first number, and shorter ones before longer ones that start there.
    for (prefix, value) in prefixes {
        close(&mut around, &mut next, Some(prefix.first), &mut add);
        if let Some(from) = next.filter(|from| *from < prefix.first) {
            let value = around.last().map(|(_, value)| *value);
            add(from, prefix.first - 1, value);
        }
        next = Some(prefix.first);
        around.push((prefix.last(width), *value));
    }
    close(&mut around, &mut next, None, &mut add);
    if let Some(from) = next.filter(|from| *from <= largest(width)) {
        add(from, largest(width), None);
    }
    found
}

/// Leaves the prefixes that end before a number, or all.
fn close<V: Copy>(
    around: &mut Vec<(u128, V)>,
    next: &mut Option<u128>,
    before: Option<u128>,
    add: &mut impl FnMut(u128, u128, Option<V>),
) {
    while let Some((last, value)) = around.pop_if(|(last, _)| before.is_none_or(|at| *last < at)) {
        if let Some(from) = next.filter(|from| *from <= last) {
            add(from, last, Some(value));
        }
        *next = last.checked_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WIDTH: u32 = 6;

    /// What is found for a number, one length after the other.
    fn look_up(prefixes: &[(Prefix, u8)], number: u128) -> Option<u8> {
        let matching = prefixes
            .iter()
            .filter(|(prefix, _)| prefix.first <= number && number <= prefix.last(WIDTH));
        matching
            .max_by_key(|(prefix, _)| prefix.length)
            .map(|(_, value)| *value)
    }

    fn ranges_of(values: &[u8]) -> Ranges<u8> {
        (0u128..)
            .zip(values)
            .map(|(n, value)| (n, n, *value))
            .collect()
    }

    proptest! {
        #[test]
        fn a_look_up_in_what_was_compressed_finds_the_values(
            values in proptest::collection::vec(0u8..3, 64), otherwise in proptest::option::of(0u8..3)
        ) {
            let prefixes = compress(WIDTH, &ranges_of(&values), otherwise);
            for (number, value) in (0u128..).zip(&values) {
                prop_assert_eq!(look_up(&prefixes, number).or(otherwise), Some(*value));
            }
            let resolved = resolve(WIDTH, &prefixes.iter().copied().collect());
            for (first, last, value) in resolved {
                for number in first..=last {
                    prop_assert_eq!(look_up(&prefixes, number), value);
                }
            }
        }

        #[test]
        fn resolving_agrees_with_looking_up(
            drawn in proptest::collection::vec((0u128..64, 0u32..=WIDTH, 0u8..3), 0..12)
        ) {
            let cut = |(number, length, value): (u128, u32, u8)| {
                let first = number & !largest(WIDTH - length);
                (Prefix { first, length }, value)
            };
            let prefixes: BTreeMap<Prefix, u8> = drawn.into_iter().map(cut).collect();
            let list: Vec<_> = prefixes.iter().map(|(p, v)| (*p, *v)).collect();
            let resolved = resolve(WIDTH, &prefixes);
            let mut next = 0;
            for (first, last, value) in resolved {
                prop_assert_eq!(first, next);
                for number in first..=last {
                    prop_assert_eq!(look_up(&list, number), value);
                }
                next = last + 1;
            }
            prop_assert_eq!(next, 64);
        }
    }

    #[test]
    fn no_smaller_set_of_prefixes_says_the_same() {
        // By exhaustion over all sets of up to two prefixes of three bits.
        let width = 3;
        let mut all = Vec::new();
        for length in 0..=width {
            for n in 0..1u128 << length {
                for value in [0u8, 1] {
                    let first = n << (width - length);
                    all.push((Prefix { first, length }, value));
                }
            }
        }
        let found = |prefixes: &[(Prefix, u8)], number: u128| {
            let matching = prefixes
                .iter()
                .filter(|(p, _)| p.first <= number && number <= p.last(width));
            matching.max_by_key(|(p, _)| p.length).map(|(_, v)| *v)
        };
        for values in 0u32..256 {
            let values: Vec<u8> = (0..8).map(|bit| u8::from(values >> bit & 1 == 1)).collect();
            let n = compress(width, &ranges_of(&values), None).len();
            let says_it = |prefixes: &[(Prefix, u8)]| {
                (0u128..)
                    .zip(&values)
                    .all(|(number, value)| found(prefixes, number) == Some(*value))
            };
            if n > 1 {
                assert!(all.iter().all(|one| !says_it(&[*one])), "{values:?}");
            }
            if n > 2 {
                let pairs = all
                    .iter()
                    .flat_map(|one| all.iter().map(move |two| [*one, *two]));
                for pair in pairs.filter(|[a, b]| a.0 != b.0) {
                    assert!(!says_it(&pair), "{values:?} by {pair:?}");
                }
            }
        }
    }

    #[test]
    fn the_widest_numbers_do_not_overflow() {
        let all = [(0, u128::MAX, 7u8)];
        let prefixes = compress(128, &all, None);
        assert_eq!(prefixes.len(), 1);
        let resolved = resolve(128, &prefixes.into_iter().collect());
        assert_eq!(resolved, vec![(0, u128::MAX, Some(7))]);
        let end = [(0, u128::MAX - 1, 7u8), (u128::MAX, u128::MAX, 8)];
        let prefixes: BTreeMap<_, _> = compress(128, &end, None).into_iter().collect();
        assert_eq!(prefixes.len(), 2);
        let wanted = vec![(0, u128::MAX - 1, Some(7)), (u128::MAX, u128::MAX, Some(8))];
        assert_eq!(resolve(128, &prefixes), wanted);
    }
}
