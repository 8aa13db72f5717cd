//! What each side of a connection lets through, before and after.
//!
//! Groups whose profiles are the same in both clusters form a *side*. Its pieces say which peers it
//! lets through on which traffic before and after; the peers are groups and, behind them, the
//! elements of addresses outside.

use super::State;
use super::cause::{Blame, Line, Policies, blame};
use crate::model::{Direction, Family, TrafficSet};
use crate::reach::{Entry, GroupId, Pair, ProfileId, Reach, RuleBook, RuleBoxes};
use roaring::RoaringBitmap;
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Peers that a side treats alike on some traffic.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) peers: RoaringBitmap,
    pub(super) traffic: TrafficSet,
    /// Before and after.
    pub(super) states: [State; 2],
    /// Why they differ, when they do.
    pub(super) blames: Arc<BTreeSet<Blame>>,
    pub(super) lines: Arc<BTreeSet<Line>>,
}

impl Piece {
    pub(super) fn is_changed(&self) -> bool {
        let [before, after] = self.states;
        before != after
    }
}

/// Groups with the same profile before and the same after.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub(super) members: RoaringBitmap,
    pub(super) is_changed: bool,
    /// What is let through before or after, for groups that are in both clusters; of sides that
    /// did not change, made when first asked for.
    pieces: OnceCell<Vec<Piece>>,
    entries: [&'a [Entry]; 2],
    reaches: [&'a Reach; 2],
    scope: &'a Scope,
}

impl Side<'_> {
    /// What is let through before or after, for groups that are in both clusters.
    pub(super) fn pieces(&self) -> &[Piece] {
        self.pieces.get_or_init(|| self.alone(1))
    }

    /// What is let through in one cluster by itself.
    pub(super) fn alone(&self, side: usize) -> Vec<Piece> {
        let reach = self.reaches.get(side);
        let entries = self.entries.get(side);
        match (reach, entries) {
            (Some(reach), Some(entries)) => alone(reach, self.scope, entries),
            _ => Vec::new(),
        }
    }
}

/// Traffic that a side lets through before or after, and not both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flip<'a> {
    pub(super) peers: &'a RoaringBitmap,
    pub(super) traffic: &'a TrafficSet,
    pub(super) is_added: bool,
}

/// Which addresses count.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// The family that pods are looked at in.
    pub(super) family: Family,
    /// The family to tell, when the answer depends on it.
    pub(super) told: Option<Family>,
    /// The elements of addresses outside.
    pub(super) outside: RoaringBitmap,
    /// The groups that have an address of the family, or may, in each cluster.
    pub(super) present: [RoaringBitmap; 2],
}

impl Scope {
    /// The groups that both clusters have.
    pub(super) fn both(&self) -> RoaringBitmap {
        let [old, new] = &self.present;
        old & new
    }
}

/// One scope when the answer cannot depend on the family, else one for each.
pub(super) fn scopes(pair: &Pair) -> Vec<Scope> {
    let [old, new] = &pair.reaches;
    let present = |family| [old.groups_in(family).clone(), new.groups_in(family).clone()];
    let outside = |family: Family| -> RoaringBitmap {
        let externals = new.externals();
        externals
            .filter(|(_, atom)| atom.first().map(Family::of) == Some(family))
            .map(|(id, _)| id.0)
            .collect()
    };
    let has = |family| present(family).iter().any(|groups| !groups.is_empty());
    let [v4, v6] = Family::ALL;
    let same = present(v4) == present(v6);
    let is_one = !old.families_differ() && !new.families_differ();
    if is_one && (same || !has(v6)) {
        let outside = if same {
            outside(v4) | outside(v6)
        } else {
            outside(v4)
        };
        return vec![Scope {
            family: v4,
            told: None,
            outside,
            present: present(v4),
        }];
    }
    let families = Family::ALL.into_iter().filter(|family| has(*family));
    let scopes = families.map(|family| Scope {
        family,
        told: Some(family),
        outside: outside(family),
        present: present(family),
    });
    scopes.collect()
}

/// The sides of a direction, in the order of their first group.
pub(super) fn sides<'a>(
    books: &[RuleBook<'_>; 2],
    pair: &'a Pair,
    policies: &mut Policies<'_>,
    direction: Direction,
    scope: &'a Scope,
) -> Vec<Side<'a>> {
    let [old, new] = &pair.reaches;
    let mut ids: HashMap<[Option<ProfileId>; 2], usize> = HashMap::new();
    let mut found: Vec<([Option<ProfileId>; 2], RoaringBitmap)> = Vec::new();
    let [in_old, in_new] = &scope.present;
    for group in (in_old | in_new).iter().map(GroupId) {
        let is_in = |present: &RoaringBitmap| present.contains(group.0);
        let key = [
            is_in(in_old).then(|| old.profile(group, direction)),
            is_in(in_new).then(|| new.profile(group, direction)),
        ];
        let id = *ids.entry(key).or_insert(found.len());
        if id == found.len() {
            found.push((key, RoaringBitmap::new()));
        }
        if let Some((_, members)) = found.get_mut(id) {
            members.insert(group.0);
        }
    }
    // The numbering is the same, so equal tables say the same of the same pods, unless those
    // have other addresses than before.
    let is_same = in_old == in_new && old.has_same_elements(new);
    let mut sides: Vec<Side<'_>> = found
        .iter()
        .map(|(key, members)| {
            let entries = [(old, key[0]), (new, key[1])].map(|(reach, profile)| {
                profile.map_or(&[][..], |profile| {
                    reach.table(profile, direction).entries.as_slice()
                })
            });
            side(pair, scope, *key, entries, members.clone(), is_same)
        })
        .collect();
    explain(books, pair, policies, direction, scope, &found, &mut sides);
    sides
}

fn side<'a>(
    pair: &'a Pair,
    scope: &'a Scope,
    key: [Option<ProfileId>; 2],
    entries: [&'a [Entry]; 2],
    members: RoaringBitmap,
    is_same: bool,
) -> Side<'a> {
    let [old, new] = &pair.reaches;
    let side = Side {
        members,
        is_changed: false,
        pieces: OnceCell::new(),
        entries,
        reaches: [old, new],
        scope,
    };
    let is_in_both = key.iter().all(Option::is_some);
    let [before, after] = entries;
    if is_in_both && is_same && before == after {
        return side;
    }
    let pieces = match is_in_both {
        true => merged(&side.alone(0), &side.alone(1), &everything(scope)),
        false => Vec::new(),
    };
    Side {
        is_changed: pieces.iter().any(Piece::is_changed),
        pieces: OnceCell::from(pieces),
        ..side
    }
}

/// Peers that both clusters have.
fn everything(scope: &Scope) -> RoaringBitmap {
    scope.both() | &scope.outside
}

/// What the entries of a table let through: for certain, and perhaps.
fn alone(reach: &Reach, scope: &Scope, entries: &[Entry]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for entry in entries {
        let (must, may) = project(reach, scope, &entry.peers);
        let (_, unsure) = project(reach, scope, &entry.unsure);
        let perhaps = (may | unsure) - &must;
        for (peers, state) in [(must, State::Allowed), (perhaps, State::Unknown)] {
            if !peers.is_empty() {
                pieces.push(unexplained(peers, entry.traffic.clone(), [state; 2]));
            }
        }
    }
    pieces
}

fn unexplained(peers: RoaringBitmap, traffic: TrafficSet, states: [State; 2]) -> Piece {
    Piece {
        peers,
        traffic,
        states,
        blames: Arc::default(),
        lines: Arc::default(),
    }
}

/// Elements as groups, all and some of whose possible addresses they are, and addresses outside.
fn project(
    reach: &Reach,
    scope: &Scope,
    elements: &RoaringBitmap,
) -> (RoaringBitmap, RoaringBitmap) {
    let outside = elements & &scope.outside;
    let (must, may) = reach.project(elements, scope.family);
    (must | &outside, may | outside)
}

/// Two tables as one with the states of both.
fn merged(old: &[Piece], new: &[Piece], everything: &RoaringBitmap) -> Vec<Piece> {
    if old.len() == new.len()
        && old
            .iter()
            .zip(new)
            .all(|(a, b)| (&a.peers, &a.traffic, a.states) == (&b.peers, &b.traffic, b.states))
    {
        return old.to_vec();
    }
    let mut pieces = Vec::new();
    for (side, own, others) in [(0, old, new), (1, new, old)] {
        for piece in own {
            let [state, _] = piece.states;
            let mut left = vec![(&piece.peers & everything, piece.traffic.clone())];
            for other in others {
                let [theirs, _] = other.states;
                let mut rest = Vec::new();
                for (peers, traffic) in left {
                    let shared = (&peers & &other.peers, traffic.intersection(&other.traffic));
                    if shared.0.is_empty() || shared.1.is_none() {
                        rest.push((peers, traffic));
                        continue;
                    }
                    let only_peers = &peers - &shared.0;
                    let only_traffic = traffic.difference(&shared.1);
                    if !only_peers.is_empty() {
                        rest.push((only_peers, traffic));
                    }
                    if !only_traffic.is_none() {
                        rest.push((shared.0.clone(), only_traffic));
                    }
                    // What both let through is told once.
                    if side == 0 {
                        pieces.push(unexplained(shared.0, shared.1, [state, theirs]));
                    }
                }
                left = rest;
            }
            let states = match side {
                0 => [state, State::Denied],
                _ => [State::Denied, state],
            };
            for (peers, traffic) in left {
                if !peers.is_empty() {
                    pieces.push(unexplained(peers, traffic, states));
                }
            }
        }
    }
    pieces
}

/// Finds the causes of all pieces that changed.
fn explain(
    books: &[RuleBook<'_>; 2],
    pair: &Pair,
    policies: &mut Policies<'_>,
    direction: Direction,
    scope: &Scope,
    keys: &[([Option<ProfileId>; 2], RoaringBitmap)],
    sides: &mut [Side<'_>],
) {
    let changed: Vec<(usize, GroupId)> = sides
        .iter()
        .enumerate()
        .filter(|(_, side)| side.is_changed)
        .filter_map(|(index, side)| Some((index, GroupId(side.members.min()?))))
        .collect();
    let groups: Vec<GroupId> = changed.iter().map(|&(_, group)| group).collect();
    let [old, new] = &pair.reaches;
    if groups.is_empty() {
        return;
    }
    let [old_rules, new_rules] = books
        .each_ref()
        .map(|book| book.rules_of(direction, &groups));
    let rules = old_rules.iter().zip(&new_rules);
    for (&(index, _), (old_rules, new_rules)) in changed.iter().zip(rules) {
        let (Some(side), Some(([Some(before), Some(after)], _))) =
            (sides.get_mut(index), keys.get(index))
        else {
            continue;
        };
        let selecting = [
            old.table(*before, direction).policies.as_slice(),
            new.table(*after, direction).policies.as_slice(),
        ];
        let pieces = side.pieces.take().unwrap_or_default();
        let mut all = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let explained = explained(
                policies,
                direction,
                piece,
                [old_rules, new_rules],
                selecting,
                &|side: usize, elements: &RoaringBitmap| {
                    let reach = if side == 0 { old } else { new };
                    let (_, may) = project(reach, scope, elements);
                    may
                },
            );
            all.extend(explained);
        }
        side.pieces = OnceCell::from(all);
    }
}

fn explained(
    policies: &mut Policies<'_>,
    direction: Direction,
    piece: Piece,
    rules: [&[RuleBoxes]; 2],
    selecting: [&[crate::model::PolicyId]; 2],
    project: &dyn Fn(usize, &RoaringBitmap) -> RoaringBitmap,
) -> Vec<Piece> {
    let [before, after] = piece.states;
    if before == after {
        return vec![piece];
    }
    let flip = Flip {
        peers: &piece.peers,
        traffic: &piece.traffic,
        is_added: after > before,
    };
    let states = piece.states;
    let parts = blame(policies, direction, flip, rules, selecting, project);
    let parts = parts.into_iter().map(|part| Piece {
        peers: part.peers,
        traffic: part.traffic,
        states,
        blames: Arc::new(part.blames),
        lines: Arc::new(part.lines),
    });
    parts.collect()
}
