//! Both sides put together: the connections that changed, as products of sources, destinations
//! and traffic, which may overlap.

use super::cause::{Blame, Line, Policies};
use super::controller::Edge;
use super::group::is_bare_pod;
use super::sides::{Piece, Scope, Side, scopes, sides};
use super::{Change, Question, State};
use crate::model::{Direction, Family, TrafficSet};
use crate::reach::{GroupId, Pair, RuleBook};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Connections with one change for the same causes.
#[derive(Clone, Debug)]
pub(super) struct Product {
    /// Groups, or elements of addresses outside; never both.
    pub(super) sources: RoaringBitmap,
    pub(super) destinations: RoaringBitmap,
    pub(super) traffic: TrafficSet,
    /// The family it is told of, when that matters.
    pub(super) family: Option<Family>,
    pub(super) lines: Vec<Arc<BTreeSet<Line>>>,
}

/// What is told apart: groups never join what differs in these.
pub(super) type Key = (Change, BTreeSet<Blame>);

/// Everything that changed.
pub(super) struct Cells<'a> {
    pub(super) products: BTreeMap<Key, Vec<Product>>,
    pub(super) policies: Policies<'a>,
}

impl Cells<'_> {
    fn add(&mut self, key: Key, product: Product) {
        if !product.sources.is_empty() && !product.destinations.is_empty() {
            self.products.entry(key).or_default().push(product);
        }
    }
}

/// Every connection that changed, those with the ingress controller apart.
pub(super) fn cells<'a>(question: &Question<'a>, pair: &Pair) -> Cells<'a> {
    let mut cells = Cells {
        products: BTreeMap::new(),
        policies: Policies::new(question.clusters),
    };
    let [old, new] = &pair.reaches;
    let [old_cluster, new_cluster] = question.clusters;
    let books = [
        RuleBook::new(old, old_cluster),
        RuleBook::new(new, new_cluster),
    ];
    for scope in scopes(pair) {
        let both = Direction::ALL
            .map(|direction| sides(&books, pair, &mut cells.policies, direction, &scope));
        let [egress, ingress] = &both;
        let exempt = Exempt::new(pair, &scope);
        let context = Context {
            scope: &scope,
            exempt: &exempt,
            egress,
            ingress,
        };
        changed(&context, &mut cells);
        for side in 0..2 {
            one_sided(&context, side, &mut cells);
        }
        exempt.add(pair, &scope, &mut cells);
    }
    cells
}

struct Context<'a> {
    scope: &'a Scope,
    exempt: &'a Exempt,
    egress: &'a [Side<'a>],
    ingress: &'a [Side<'a>],
}

/// What changed between groups that both clusters have, and between those and outside.
fn changed(context: &Context<'_>, cells: &mut Cells<'_>) {
    let scope = context.scope;
    let both = scope.both();
    let ingress_of = index(context.ingress);
    let sides = context.ingress.iter().enumerate();
    let changed_ingress: Vec<usize> = sides
        .filter(|(_, to)| to.is_changed)
        .map(|(index, _)| index)
        .collect();
    for from in context.egress {
        if from.is_changed {
            outside(scope, from, Direction::Egress, cells);
        }
        let sources = &from.members & &both;
        if sources.is_empty() || !from.is_changed && changed_ingress.is_empty() {
            continue;
        }
        for out in from.pieces() {
            let may_change = from.is_changed && out.is_changed();
            let meeting = match may_change {
                true => meeting(&out.peers, context.ingress, &ingress_of),
                false => changed_ingress.clone(),
            };
            for index in meeting {
                let Some(to) = context.ingress.get(index) else {
                    continue;
                };
                for into in to.pieces() {
                    if !may_change && !into.is_changed() {
                        continue;
                    }
                    let states = [0, 1].map(|side| state(out, into, side));
                    let Some(change) = Change::between(states[0], states[1]) else {
                        continue;
                    };
                    let traffic = out.traffic.intersection(&into.traffic);
                    if traffic.is_none() {
                        continue;
                    }
                    let moved = |piece: &&Piece| {
                        let [before, after] = piece.states;
                        match change.is_added() {
                            true => after > before,
                            false => after < before,
                        }
                    };
                    let moved: Vec<&Piece> = [out, into].into_iter().filter(moved).collect();
                    let blames = moved.iter().flat_map(|piece| piece.blames.iter().copied());
                    let key = (change, blames.collect());
                    let lines: Vec<_> =
                        moved.iter().map(|piece| Arc::clone(&piece.lines)).collect();
                    let sources = &sources & &into.peers;
                    let destinations = &(&to.members & &both) & &out.peers;
                    for (sources, destinations) in context.exempt.without(sources, destinations) {
                        cells.add(
                            key.clone(),
                            Product {
                                sources,
                                destinations,
                                traffic: traffic.clone(),
                                family: scope.told,
                                lines: lines.clone(),
                            },
                        );
                    }
                }
            }
        }
    }
    for to in context.ingress.iter().filter(|to| to.is_changed) {
        outside(scope, to, Direction::Ingress, cells);
    }
}

/// What both sides together say, before (0) or after (1).
fn state(a: &Piece, b: &Piece, side: usize) -> State {
    let of = |piece: &Piece| piece.states.get(side).copied().unwrap_or(State::Denied);
    of(a).min(of(b))
}

/// What changed between groups and addresses outside: the groups' side decides alone (N4).
fn outside(scope: &Scope, side: &Side<'_>, direction: Direction, cells: &mut Cells<'_>) {
    let pods = &side.members & &scope.both();
    for piece in side.pieces().iter().filter(|piece| piece.is_changed()) {
        let [before, after] = piece.states;
        let addresses = &piece.peers & &scope.outside;
        let Some(change) = Change::between(before, after) else {
            continue;
        };
        let key = (change, BTreeSet::clone(&piece.blames));
        let product = with_outside(scope, &pods, addresses, direction, piece);
        cells.add(key, product);
    }
}

fn with_outside(
    scope: &Scope,
    pods: &RoaringBitmap,
    addresses: RoaringBitmap,
    direction: Direction,
    piece: &Piece,
) -> Product {
    let (sources, destinations) = match direction {
        Direction::Egress => (pods.clone(), addresses),
        Direction::Ingress => (addresses, pods.clone()),
    };
    Product {
        sources,
        destinations,
        traffic: piece.traffic.clone(),
        family: scope.told,
        lines: vec![Arc::clone(&piece.lines)],
    }
}

/// What one cluster (0 the old one, 1 the new one) has with groups that the other does not.
fn one_sided(context: &Context<'_>, side: usize, cells: &mut Cells<'_>) {
    let scope = context.scope;
    let [old, new] = &scope.present;
    let (present, other) = if side == 0 { (old, new) } else { (new, old) };
    let only_here = present - other;
    if only_here.is_empty() {
        return;
    }
    let key = |state: State| {
        let change = match side {
            0 => Change {
                before: state,
                after: State::Absent,
            },
            _ => Change {
                before: State::Absent,
                after: state,
            },
        };
        (change, BTreeSet::from([Blame::Workload]))
    };
    let ingress_of = index(context.ingress);
    let pieces = |of: &Side<'_>| of.alone(side);
    for from in context.egress {
        let members = &from.members & present;
        for out in pieces(from) {
            let own = &members & &only_here;
            let addresses = &out.peers & &scope.outside;
            let product = with_outside(scope, &own, addresses, Direction::Egress, &out);
            cells.add(key(state(&out, &out, side)), product);
            for index in meeting(&out.peers, context.ingress, &ingress_of) {
                let Some(to) = context.ingress.get(index) else {
                    continue;
                };
                let others = &(&to.members & present) & &out.peers;
                if own.is_empty() && others.is_disjoint(&only_here) {
                    continue;
                }
                for into in pieces(to) {
                    let traffic = out.traffic.intersection(&into.traffic);
                    if traffic.is_none() {
                        continue;
                    }
                    let sources = &members & &into.peers;
                    let ends = [
                        (&sources & &only_here, others.clone()),
                        (&sources - &only_here, &others & &only_here),
                    ];
                    for (sources, destinations) in ends {
                        for (sources, destinations) in context.exempt.without(sources, destinations)
                        {
                            cells.add(
                                key(state(&out, &into, side)),
                                Product {
                                    sources,
                                    destinations,
                                    traffic: traffic.clone(),
                                    family: scope.told,
                                    lines: Vec::new(),
                                },
                            );
                        }
                    }
                }
            }
        }
    }
    for to in context.ingress {
        let own = &(&to.members & present) & &only_here;
        for into in pieces(to) {
            let addresses = &into.peers & &scope.outside;
            let product = with_outside(scope, &own, addresses, Direction::Ingress, &into);
            cells.add(key(state(&into, &into, side)), product);
        }
    }
}

/// N26: a node's own traffic to its pods, which no policy of theirs keeps out. Whatever is about
/// such a pair in either cluster is looked at by itself.
struct Exempt(Vec<(RoaringBitmap, RoaringBitmap)>);

impl Exempt {
    fn new(pair: &Pair, scope: &Scope) -> Exempt {
        let mut pairs = Vec::new();
        for (reach, present) in pair.reaches.iter().zip(&scope.present) {
            for (hosts, pods) in reach.own_node_pairs() {
                let (hosts, pods) = (hosts & present, pods & present);
                if !hosts.is_empty()
                    && !pods.is_empty()
                    && !pairs.contains(&(hosts.clone(), pods.clone()))
                {
                    pairs.push((hosts, pods));
                }
            }
        }
        Exempt(pairs)
    }

    /// A product without these pairs.
    fn without(
        &self,
        sources: RoaringBitmap,
        destinations: RoaringBitmap,
    ) -> Vec<(RoaringBitmap, RoaringBitmap)> {
        let mut left = vec![(sources, destinations)];
        for (hosts, pods) in &self.0 {
            left = left
                .into_iter()
                .flat_map(|(sources, destinations)| {
                    if sources.is_disjoint(hosts) || destinations.is_disjoint(pods) {
                        return vec![(sources, destinations)];
                    }
                    let inside = &sources & hosts;
                    vec![
                        (&sources - hosts, destinations.clone()),
                        (inside, destinations - pods),
                    ]
                })
                .collect();
        }
        left
    }

    /// Adds what changed between these pairs.
    fn add(&self, pair: &Pair, scope: &Scope, cells: &mut Cells<'_>) {
        let mut done = BTreeSet::new();
        for (hosts, pods) in &self.0 {
            for source in hosts {
                for destination in pods {
                    if done.insert((source, destination)) {
                        add_pair(pair, scope, GroupId(source), GroupId(destination), cells);
                    }
                }
            }
        }
    }
}

/// Compares one pair of groups by what each relation says of it.
fn add_pair(
    pair: &Pair,
    scope: &Scope,
    source: GroupId,
    destination: GroupId,
    cells: &mut Cells<'_>,
) {
    let family = scope.family;
    let [old, new] = pair.reaches.each_ref().map(|reach| {
        let found = reach.between_groups(source, destination, family);
        let is_there = found.is_some();
        let found = found.unwrap_or_default();
        let rest = TrafficSet::all().difference(&found.allowed.union(&found.unknown));
        let nothing = if is_there {
            State::Denied
        } else {
            State::Absent
        };
        [
            (State::Allowed, found.allowed),
            (State::Unknown, found.unknown),
            (nothing, rest),
        ]
    });
    for (before, earlier) in &old {
        for (after, later) in &new {
            let traffic = earlier.intersection(later);
            let Some(change) = Change::between(*before, *after) else {
                continue;
            };
            if traffic.is_none() {
                continue;
            }
            let is_one_sided = *before == State::Absent || *after == State::Absent;
            let blames = match is_one_sided {
                true => BTreeSet::from([Blame::Workload]),
                false => BTreeSet::from([Blame::Source, Blame::Destination]),
            };
            cells.add(
                (change, blames),
                Product {
                    sources: [source.0].into_iter().collect(),
                    destinations: [destination.0].into_iter().collect(),
                    traffic,
                    family: scope.told,
                    lines: Vec::new(),
                },
            );
        }
    }
}

/// The side of every group.
fn index(sides: &[Side<'_>]) -> HashMap<u32, usize> {
    let mut index = HashMap::new();
    for (at, side) in sides.iter().enumerate() {
        index.extend(side.members.iter().map(|group| (group, at)));
    }
    index
}

/// The sides with a member among the peers, in order, by whichever way is shorter.
fn meeting(
    peers: &RoaringBitmap,
    sides: &[Side<'_>],
    of_group: &HashMap<u32, usize>,
) -> Vec<usize> {
    let n_sides = u64::try_from(sides.len()).unwrap_or(u64::MAX);
    if peers.len() < n_sides {
        let found: BTreeSet<usize> = peers
            .iter()
            .filter_map(|group| of_group.get(&group).copied())
            .collect();
        return found.into_iter().collect();
    }
    let sides = sides.iter().enumerate();
    sides
        .filter(|(_, side)| !side.members.is_disjoint(peers))
        .map(|(index, _)| index)
        .collect()
}

/// How many pairs of ends have something added, and how many something removed: workloads,
/// addresses outside as one, and ingress controllers.
pub(super) fn count_pairs(
    question: &Question<'_>,
    pair: &Pair,
    cells: &Cells<'_>,
    edges: &[Edge],
) -> [u64; 2] {
    let mut workloads_of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (unit, group) in &pair.units {
        let workload = u32::try_from(unit.workload).unwrap_or(u32::MAX);
        workloads_of.entry(group.0).or_default().push(workload);
    }
    let outside = u32::MAX;
    let ends = |set: &RoaringBitmap| -> RoaringBitmap {
        let mut ends = RoaringBitmap::new();
        for index in set {
            match workloads_of.get(&index) {
                Some(workloads) => ends.extend(workloads.iter().copied()),
                None => {
                    ends.insert(outside);
                }
            }
        }
        ends
    };
    [true, false].map(|is_added| {
        let mut rows: BTreeMap<u32, RoaringBitmap> = BTreeMap::new();
        let products = cells.products.iter();
        let products = products.filter(|((change, _), _)| change.is_added() == is_added);
        for product in products.flat_map(|(_, products)| products) {
            let destinations = ends(&product.destinations);
            for source in ends(&product.sources) {
                *rows.entry(source).or_default() |= &destinations;
            }
        }
        let itself = |source: u32, row: &RoaringBitmap| {
            u64::from(row.contains(source) && is_bare_pod(question, pair, source))
        };
        let rows = rows.iter();
        let between: u64 = rows
            .map(|(&source, row)| row.len() - itself(source, row))
            .sum();
        let controlled: BTreeSet<usize> = edges
            .iter()
            .filter(|edge| edge.change.is_added() == is_added)
            .map(|edge| edge.workload)
            .collect();
        between.saturating_add(u64::try_from(controlled.len()).unwrap_or(u64::MAX))
    })
}
