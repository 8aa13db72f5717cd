//! Sets of integers as sorted, disjoint, non-adjacent inclusive ranges.
//!
//! Ports (`u16`), IPv4 addresses (`u32`) and IPv6 addresses (`u128`) are all such sets. The
//! representation is canonical: two sets are equal exactly when their ranges are.

/// An integer type with a first and a last value.
pub trait Bounded: Copy + Ord + std::hash::Hash + std::fmt::Debug {
    /// The smallest value.
    const FIRST: Self;
    /// The largest value.
    const LAST: Self;
    /// The value after this one, or `None` after [`Bounded::LAST`].
    fn successor(self) -> Option<Self>;
    /// The value before this one, or `None` before [`Bounded::FIRST`].
    fn predecessor(self) -> Option<Self>;
}

macro_rules! bounded {
    ($($integer:ty),*) => {$(
        impl Bounded for $integer {
            const FIRST: Self = <$integer>::MIN;
            const LAST: Self = <$integer>::MAX;
            fn successor(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn predecessor(self) -> Option<Self> {
                self.checked_sub(1)
            }
        }
    )*};
}
bounded!(u16, u32, u128);

/// A set of integers. All operations are linear in the number of ranges.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RangeSet<T> {
    ranges: Vec<(T, T)>,
}

impl<T> Default for RangeSet<T> {
    fn default() -> Self {
        RangeSet { ranges: Vec::new() }
    }
}

impl<T: Bounded> RangeSet<T> {
    /// The empty set.
    pub fn empty() -> Self {
        Self::default()
    }

    /// All values of the type.
    pub fn full() -> Self {
        Self::range(T::FIRST, T::LAST)
    }

    /// The values from `first` to `last`, both included; empty when `last < first`.
    pub fn range(first: T, last: T) -> Self {
        let ranges = if first <= last {
            vec![(first, last)]
        } else {
            Vec::new()
        };
        RangeSet { ranges }
    }

    /// The union of any ranges in any order; a range with `last < first` counts as empty.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (T, T)>) -> Self {
        let mut sorted: Vec<(T, T)> = ranges.into_iter().filter(|(a, b)| a <= b).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match merged.last_mut() {
                // Adjacent ranges join, so that the form is canonical.
                Some((_, end)) if end.successor().is_none_or(|next| first <= next) => {
                    *end = (*end).max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        RangeSet { ranges: merged }
    }

    /// The ranges, sorted, disjoint and not adjacent.
    pub fn ranges(&self) -> &[(T, T)] {
        &self.ranges
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The smallest member.
    pub fn first(&self) -> Option<T> {
        self.ranges.first().map(|&(first, _)| first)
    }

    /// Whether `value` is in the set. Logarithmic in the number of ranges.
    pub fn contains(&self, value: T) -> bool {
        let after = self.ranges.partition_point(|&(first, _)| first <= value);
        after
            .checked_sub(1)
            .and_then(|index| self.ranges.get(index))
            .is_some_and(|&(_, last)| value <= last)
    }

    /// What is in either set.
    pub fn union(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        Self::from_ranges(self.ranges.iter().chain(&other.ranges).copied())
    }

    /// What is in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut common = Vec::new();
        let (mut left, mut right) = (self.ranges.iter(), other.ranges.iter());
        let (mut a, mut b) = (left.next(), right.next());
        while let (Some(&(a_first, a_last)), Some(&(b_first, b_last))) = (a, b) {
            let (first, last) = (a_first.max(b_first), a_last.min(b_last));
            if first <= last {
                common.push((first, last));
            }
            if a_last < b_last {
                a = left.next();
            } else {
                b = right.next();
            }
        }
        RangeSet { ranges: common }
    }

    /// What is not in the set.
    pub fn complement(&self) -> Self {
        let mut gaps = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = Some(T::FIRST);
        for &(first, last) in &self.ranges {
            if let (Some(start), Some(end)) = (next, first.predecessor())
                && start <= end
            {
                gaps.push((start, end));
            }
            next = last.successor();
        }
        if let Some(start) = next {
            gaps.push((start, T::LAST));
        }
        RangeSet { ranges: gaps }
    }

    /// What is in this set and not in the other.
    pub fn difference(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }

    /// Whether the sets share nothing.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.intersection(other).is_empty()
    }

    /// Whether everything in this set is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = RangeSet<u16>> {
        // The edges of the type matter most, so they are drawn often.
        let value = prop_oneof![0u16..20, Just(u16::MAX), Just(u16::MAX - 1)];
        proptest::collection::vec((value.clone(), value), 0..6).prop_map(RangeSet::from_ranges)
    }

    proptest! {
        #[test]
        fn operations_agree_with_membership(a in set(), b in set()) {
            for value in (0u16..25).chain([u16::MAX - 2, u16::MAX - 1, u16::MAX]) {
                let (in_a, in_b) = (a.contains(value), b.contains(value));
                prop_assert_eq!(a.union(&b).contains(value), in_a || in_b);
                prop_assert_eq!(a.intersection(&b).contains(value), in_a && in_b);
                prop_assert_eq!(a.difference(&b).contains(value), in_a && !in_b);
                prop_assert_eq!(a.complement().contains(value), !in_a);
            }
        }

        #[test]
        fn the_form_is_canonical(a in set(), b in set()) {
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert_eq!(a.complement().complement(), a.clone());
            prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a);
        }
    }
}
