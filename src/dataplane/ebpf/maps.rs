//! What the maps of one generation hold.

use super::prefix::Prefix;
use crate::model::{Direction, Family, Invalid, Modes, PodToNode, Protocol, Replies, UnknownLocal};
use std::collections::BTreeMap;

/// Who an address is. 0 is no class, and no peer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct End {
    /// As a source: what it may send.
    pub egress_class: u32,
    /// As a destination: what it may get.
    pub ingress_class: u32,
    /// As a destination: who it is to classes of sources.
    pub egress_peer: u32,
    /// As a source: who it is to classes of destinations.
    pub ingress_peer: u32,
    /// Whether only a pod of the node can have it, and none is known to.
    pub unknown_local: bool,
}

impl End {
    /// Its class, as that end which a direction is about.
    pub(super) fn class(&self, direction: Direction) -> u32 {
        match direction {
            Direction::Egress => self.egress_class,
            Direction::Ingress => self.ingress_class,
        }
    }

    /// Who it is to the classes of a direction.
    pub(super) fn peer(&self, direction: Direction) -> u32 {
        match direction {
            Direction::Egress => self.egress_peer,
            Direction::Ingress => self.ingress_peer,
        }
    }
}

/// What policies tell apart of what a packet carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A protocol with ports.
    Ports(Protocol),
    /// Any other.
    Other,
}

impl Kind {
    /// All, in the order of their numbers.
    pub(super) const ALL: [Kind; 4] = [
        Kind::Ports(Protocol::Tcp),
        Kind::Ports(Protocol::Udp),
        Kind::Ports(Protocol::Sctp),
        Kind::Other,
    ];
}

/// The traffic that an entry is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// All of it.
    All,
    /// Some ports of a kind: those with a prefix of 16 bits.
    Of(Kind, Prefix),
}

/// What an entry of the policy is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PolicyKey {
    /// The direction.
    pub direction: Direction,
    /// The class, of those of the direction.
    pub class: u32,
    /// The peer, likewise.
    pub peer: u32,
    /// The traffic.
    pub part: Part,
}

/// All of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Maps {
    /// The generation word, without the slot.
    pub word: u32,
    /// Who addresses are, in the order of [`Family::ALL`].
    pub addresses: [BTreeMap<Prefix, End>; 2],
    /// The number of the rule that lets traffic through; 0 lets nothing through.
    pub policy: BTreeMap<PolicyKey, u32>,
}

impl Maps {
    /// Who the addresses of a family are.
    pub(super) fn of(&self, family: Family) -> &BTreeMap<Prefix, End> {
        let [v4, v6] = &self.addresses;
        match family {
            Family::V4 => v4,
            Family::V6 => v6,
        }
    }

    /// The number of rules.
    pub fn n_rules(&self) -> usize {
        let last = self.policy.values().max().copied().unwrap_or_default();
        usize::try_from(last).unwrap_or(usize::MAX)
    }
}

/// The bits of an address.
pub(super) fn width(family: Family) -> u32 {
    match family {
        Family::V4 => 32,
        Family::V6 => 128,
    }
}

/// Which of two slots packets go by.
pub(super) const WORD_SLOT: u32 = 1;
/// Whether anything was loaded.
pub(super) const WORD_LOADED: u32 = 1 << 1;
/// `replies=established`.
pub(super) const WORD_REPLIES_ESTABLISHED: u32 = 1 << 2;
/// `invalid=policy`.
pub(super) const WORD_INVALID_POLICY: u32 = 1 << 3;
/// `pod-to-node=allow`.
pub(super) const WORD_POD_TO_NODE_ALLOW: u32 = 1 << 4;
/// `unknown-local=allow`.
pub(super) const WORD_UNKNOWN_LOCAL_ALLOW: u32 = 1 << 5;

/// The generation word of a choice.
pub(super) fn word(modes: Modes) -> u32 {
    let bits = [
        (true, WORD_LOADED),
        (
            modes.replies == Replies::Established,
            WORD_REPLIES_ESTABLISHED,
        ),
        (modes.invalid == Invalid::Policy, WORD_INVALID_POLICY),
        (
            modes.pod_to_node == PodToNode::Allow,
            WORD_POD_TO_NODE_ALLOW,
        ),
        (
            modes.unknown_local == UnknownLocal::Allow,
            WORD_UNKNOWN_LOCAL_ALLOW,
        ),
    ];
    bits.into_iter()
        .filter(|(is_set, _)| *is_set)
        .fold(0, |word, (_, bit)| word | bit)
}

/// A map, with what is in it and what can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capacity {
    /// Its name.
    pub map: &'static str,
    /// Its entries.
    pub entries: usize,
    /// The most that are compiled: beyond, a node is refused.
    pub limit: usize,
}

/// The most entries of a map that finds longest prefixes: 140 MiB of kernel memory.
const MOST_ENTRIES: usize = 1 << 20;
/// The most rules: each has a counter for each CPU.
const MOST_RULES: usize = 1 << 16;

/// The first map that more is needed of than fits.
pub fn too_large(capacities: &[Capacity]) -> Option<Capacity> {
    let is_over = |capacity: &&Capacity| capacity.entries > capacity.limit;
    capacities.iter().find(is_over).copied()
}

/// What each map has to hold. The loader makes maps of exactly that size.
pub fn capacities(maps: &Maps) -> [Capacity; 4] {
    let [v4, v6] = &maps.addresses;
    let map = |map, entries, limit| Capacity {
        map,
        entries,
        limit,
    };
    [
        map("addresses4", v4.len(), MOST_ENTRIES),
        map("addresses6", v6.len(), MOST_ENTRIES),
        map("policy", maps.policy.len(), MOST_ENTRIES),
        map("counters", maps.n_rules(), MOST_RULES),
    ]
}
