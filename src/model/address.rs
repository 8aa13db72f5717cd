//! IP addresses in sets, both families apart (N22: a block of one family never matches the
//! other).

use super::policy::IpBlock;
use super::range::RangeSet;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IP family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both families, in the order in which they are printed.
    pub const ALL: [Family; 2] = [Family::V4, Family::V6];

    /// The family of an address.
    pub fn of(address: IpAddr) -> Family {
        match address {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    /// The number of an address in its family.
    pub fn number_of(address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()),
            IpAddr::V6(v6) => v6.to_bits(),
        }
    }

    /// The address of this family with a number; the last one when there is none so large.
    pub fn address(self, number: u128) -> IpAddr {
        match self {
            Family::V4 => Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX)).into(),
            Family::V6 => Ipv6Addr::from_bits(number).into(),
        }
    }

    /// The name as the API spells it: `IPv4` or `IPv6`.
    pub fn name(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }
}

/// A set of addresses of both families.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct AddressSet {
    /// The IPv4 members.
    pub v4: RangeSet<u32>,
    /// The IPv6 members.
    pub v6: RangeSet<u128>,
}

impl AddressSet {
    /// Every address of both families.
    pub fn full() -> Self {
        AddressSet {
            v4: RangeSet::full(),
            v6: RangeSet::full(),
        }
    }

    /// The set of some addresses.
    pub fn of_addresses(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for address in addresses {
            match address {
                IpAddr::V4(address) => v4.push((address.to_bits(), address.to_bits())),
                IpAddr::V6(address) => v6.push((address.to_bits(), address.to_bits())),
            }
        }
        AddressSet {
            v4: RangeSet::from_ranges(v4),
            v6: RangeSet::from_ranges(v6),
        }
    }

    /// The union of any number of sets.
    pub fn union_of<'a>(sets: impl IntoIterator<Item = &'a AddressSet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for set in sets {
            v4.extend_from_slice(set.v4.ranges());
            v6.extend_from_slice(set.v6.ranges());
        }
        AddressSet {
            v4: RangeSet::from_ranges(v4),
            v6: RangeSet::from_ranges(v6),
        }
    }

    /// The ranges of one family, as numbers.
    pub fn ranges(&self, family: Family) -> Vec<(u128, u128)> {
        match family {
            Family::V4 => {
                let ranges = self.v4.ranges().iter();
                ranges
                    .map(|&(a, b)| (u128::from(a), u128::from(b)))
                    .collect()
            }
            Family::V6 => self.v6.ranges().to_vec(),
        }
    }

    /// Whether the address is a member.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.v4.contains(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.contains(v6.to_bits()),
        }
    }

    /// Whether nothing is a member.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        AddressSet {
            v4: self.v4.union(&other.v4),
            v6: self.v6.union(&other.v6),
        }
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        AddressSet {
            v4: self.v4.intersection(&other.v4),
            v6: self.v6.intersection(&other.v6),
        }
    }

    /// What is in this and not in the other.
    pub fn difference(&self, other: &Self) -> Self {
        AddressSet {
            v4: self.v4.difference(&other.v4),
            v6: self.v6.difference(&other.v6),
        }
    }

    /// The smallest address: IPv4 before IPv6.
    pub fn first(&self) -> Option<IpAddr> {
        let v4 = self.v4.first().map(|bits| Ipv4Addr::from_bits(bits).into());
        v4.or_else(|| self.v6.first().map(|bits| Ipv6Addr::from_bits(bits).into()))
    }

    /// The fewest CIDR blocks that make up the set, IPv4 before IPv6, in address order.
    pub fn cidrs(&self) -> Vec<IpNet> {
        let v4 = self.v4.ranges().iter().flat_map(|&(first, last)| {
            ipnet::Ipv4Subnets::new(Ipv4Addr::from_bits(first), Ipv4Addr::from_bits(last), 0)
                .map(IpNet::V4)
        });
        let v6 = self.v6.ranges().iter().flat_map(|&(first, last)| {
            ipnet::Ipv6Subnets::new(Ipv6Addr::from_bits(first), Ipv6Addr::from_bits(last), 0)
                .map(IpNet::V6)
        });
        v4.chain(v6).collect()
    }
}

impl From<IpNet> for AddressSet {
    fn from(net: IpNet) -> Self {
        let mut set = AddressSet::default();
        match net {
            IpNet::V4(v4) => set.v4 = v4_range(v4),
            IpNet::V6(v6) => set.v6 = v6_range(v6),
        }
        set
    }
}

fn v4_range(net: Ipv4Net) -> RangeSet<u32> {
    RangeSet::range(net.network().to_bits(), net.broadcast().to_bits())
}

fn v6_range(net: Ipv6Net) -> RangeSet<u128> {
    RangeSet::range(net.network().to_bits(), net.broadcast().to_bits())
}

/// Every address of one family.
pub fn family_addresses(family: Family) -> AddressSet {
    match family {
        Family::V4 => AddressSet {
            v4: RangeSet::full(),
            v6: RangeSet::empty(),
        },
        Family::V6 => AddressSet {
            v4: RangeSet::empty(),
            v6: RangeSet::full(),
        },
    }
}

/// The addresses of an ipBlock: its `cidr` less the union of its own `except` (N21).
pub fn block_addresses(block: &IpBlock) -> AddressSet {
    let except = block
        .except
        .iter()
        .fold(AddressSet::default(), |set, &net| set.union(&net.into()));
    AddressSet::from(block.cidr).difference(&except)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(cidr: &str, except: &[&str]) -> AddressSet {
        block_addresses(&IpBlock {
            cidr: cidr.parse().unwrap(),
            except: except.iter().map(|net| net.parse().unwrap()).collect(),
        })
    }

    #[test]
    fn n21_except_is_subtracted_and_cidrs_are_minimal() {
        for (cidr, except, expected) in [
            ("10.0.0.0/8", &[][..], "10.0.0.0/8"),
            ("10.0.0.0/30", &["10.0.0.1/32"], "10.0.0.0/32 10.0.0.2/31"),
            ("2001:db8::/126", &["2001:db8::/127"], "2001:db8::2/127"),
            ("10.0.0.5/24", &[], "10.0.0.0/24"),
            ("0.0.0.0/0", &["128.0.0.0/1"], "0.0.0.0/1"),
            ("::/0", &[], "::/0"),
        ] {
            let cidrs = block(cidr, except).cidrs();
            let text: Vec<String> = cidrs.iter().map(ToString::to_string).collect();
            assert_eq!(text.join(" "), expected);
        }
    }

    #[test]
    fn n22_a_block_of_one_family_never_matches_the_other() {
        assert!(!block("0.0.0.0/0", &[]).contains("2001:db8::1".parse().unwrap()));
        assert!(!block("::/0", &[]).contains("10.0.0.1".parse().unwrap()));
    }
}
