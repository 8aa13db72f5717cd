//! Small helpers on bit-vectors.

use ipnet::IpNet;
use std::net::IpAddr;
use z3::ast::{BV, Bool};

/// The number of bits that tell `count` values apart; at least one.
pub(super) fn width(count: usize) -> u32 {
    let last = count.saturating_sub(1);
    (usize::BITS - last.leading_zeros()).max(1)
}

/// A constant. Every index is below 2^64.
pub(super) fn constant(value: usize, width: u32) -> BV {
    BV::from_u64(u64::try_from(value).unwrap_or(u64::MAX), width)
}

/// Whether a variable is one of some values, given in ascending order: neighbours become one
/// range.
pub(super) fn one_of(variable: &BV, values: impl IntoIterator<Item = usize>) -> Bool {
    let width = variable.get_size();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for value in values {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(value) => *last = value,
            _ => ranges.push((value, value)),
        }
    }
    let terms: Vec<Bool> = ranges
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                variable.eq(constant(first, width))
            } else {
                within(variable, &constant(first, width), &constant(last, width))
            }
        })
        .collect();
    any(&terms)
}

/// `first <= variable <= last`, without signs.
pub(super) fn within(variable: &BV, first: &BV, last: &BV) -> Bool {
    Bool::and(&[variable.bvuge(first), variable.bvule(last)])
}

/// The disjunction; false of nothing.
pub(super) fn any(terms: &[Bool]) -> Bool {
    match terms {
        [] => Bool::from_bool(false),
        [one] => one.clone(),
        several => Bool::or(several),
    }
}

/// The conjunction; true of nothing.
pub(super) fn all(terms: &[Bool]) -> Bool {
    match terms {
        [] => Bool::from_bool(true),
        [one] => one.clone(),
        several => Bool::and(several),
    }
}

/// An address as a constant of its family's width.
pub(super) fn address(address: IpAddr) -> BV {
    match address {
        IpAddr::V4(v4) => v4_constant(v4.to_bits()),
        IpAddr::V6(v6) => v6_constant(v6.to_bits()),
    }
}

/// An IPv4 address.
pub(super) fn v4_constant(bits: u32) -> BV {
    BV::from_u64(u64::from(bits), 32)
}

/// An IPv6 address, in two halves: constants are made of at most 64 bits.
pub(super) fn v6_constant(bits: u128) -> BV {
    let half = |bits: u128| BV::from_u64(u64::try_from(bits).unwrap_or(u64::MAX), 64);
    half(bits >> 64).concat(half(bits & u128::from(u64::MAX)))
}

/// Whether an address of the block's own family is in it: its first bits are the block's (N21).
pub(super) fn in_block(variable: &BV, block: IpNet) -> Bool {
    let length = u32::from(block.prefix_len());
    if length == 0 {
        return Bool::from_bool(true);
    }
    let size = variable.get_size();
    let prefix = |of: &BV| of.extract(size - 1, size - length);
    prefix(variable).eq(prefix(&address(block.network())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_hold_their_values() {
        for (count, expected) in [
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 2),
            (4, 2),
            (5, 3),
            (256, 8),
            (257, 9),
        ] {
            assert_eq!(width(count), expected, "{count}");
        }
    }
}
