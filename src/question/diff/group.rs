//! Connections that changed, told in as few groups as can be.

use super::cause::{Blame, Cause, Line, Policies, relabelled};
use super::cells::{Cells, Key, Product};
use super::controller::{Edge, changed_ingresses};
use super::cover::{Box3, Cell, Tensor, cover};
use super::{Change, Question};
use crate::model::{AddressSet, Family, Origin, TrafficSet, family_addresses};
use crate::reach::{GroupId, Pair};
use rayon::prelude::*;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One end of a group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Ends {
    /// Indexes in [`Pair::units`], in order.
    pub units: Vec<usize>,
    /// Addresses outside the cluster.
    pub outside: AddressSet,
    /// Whatever serves Ingresses.
    pub has_controller: bool,
}

/// Some traffic: of flows of one family, or of any.
pub type What = Vec<(Option<Family>, TrafficSet)>;

/// One change, for the same causes, of every connection from the sources to the destinations on
/// the traffic: a pod and itself apart, and addresses outside among themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// What it is kept apart by: groups of one key are as few as can be.
    pub key: usize,
    /// What changed.
    pub change: Change,
    /// Who opens connections.
    pub sources: Ends,
    /// Who is called.
    pub destinations: Ends,
    /// On what.
    pub traffic: What,
    /// Why, as the manifests have it.
    pub causes: Vec<Cause>,
}

impl Group {
    /// Whether it opens something to addresses of the internet: to any that is not private.
    pub fn is_exposed(&self) -> bool {
        let private = [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "fc00::/7",
            "fe80::/10",
            "::1/128",
        ];
        let private = private.iter().filter_map(|block| block.parse().ok());
        let private = private.fold(AddressSet::default(), |set, block: ipnet::IpNet| {
            set.union(&block.into())
        });
        self.change.is_added()
            && (self.sources.has_controller
                || !self.sources.outside.difference(&private).is_empty())
    }
}

/// Beyond this many products of one change and cause, they are joined where they differ in one
/// dimension only, and not looked at cell by cell.
const MOST_PRODUCTS: usize = 2_000;
const MOST_CELLS: usize = 1 << 19;

/// The groups, and whether there are provably no fewer.
pub(super) fn groups(
    question: &Question<'_>,
    pair: &Pair,
    cells: Cells<'_>,
    edges: Vec<Edge>,
) -> (Vec<Group>, bool) {
    let Cells { products, policies } = cells;
    let grouping = Grouping::new(question, pair);
    let products: Vec<(Key, Vec<Product>)> = products.into_iter().collect();
    let covered: Vec<(Vec<Joined>, bool)> = products
        .par_iter()
        .map(|(_, products)| grouping.cover(products))
        .collect();
    let mut groups = Vec::new();
    let mut is_minimal = true;
    let keyed = products.iter().zip(covered).enumerate();
    for (key, (((change, blames), products), (joined, is_smallest))) in keyed {
        is_minimal &= is_smallest;
        for joined in joined {
            let lines = joined.lines(products);
            let (sources, destinations) = (
                grouping.ends(&joined.sources),
                grouping.ends(&joined.destinations),
            );
            if grouping.is_nothing(&sources, &destinations) {
                continue;
            }
            let causes = blames
                .iter()
                .flat_map(|blame| match blame {
                    Blame::Policy(number) => policies
                        .cause(*number, &lines)
                        .into_iter()
                        .collect::<Vec<_>>(),
                    Blame::Source => grouping.seen_differently(&sources),
                    Blame::Destination => grouping.seen_differently(&destinations),
                    Blame::Workload => vec![match change.is_added() {
                        true => Cause::NewWorkload,
                        false => Cause::GoneWorkload,
                    }],
                })
                .collect::<BTreeSet<Cause>>();
            let causes = match causes.is_empty() {
                true => policies.all_changed(),
                false => causes.into_iter().collect(),
            };
            groups.push(Group {
                key,
                change: *change,
                traffic: joined.told(&sources, &destinations),
                sources,
                destinations,
                causes,
            });
        }
    }
    let (controlled, is_smallest) = grouping.controlled(&policies, edges, products.len());
    groups.extend(controlled);
    groups.sort_by_cached_key(|group| {
        let n_pairs = group.sources.units.len() * group.destinations.units.len();
        (
            !group.change.is_added(),
            !group.is_exposed(),
            std::cmp::Reverse(n_pairs),
            group.destinations.clone(),
            group.sources.clone(),
            group.change,
            format!("{:?}", group.traffic),
        )
    });
    (groups, is_minimal && is_smallest)
}

/// A group before its ends are told.
struct Joined {
    sources: RoaringBitmap,
    destinations: RoaringBitmap,
    traffic: BTreeMap<Option<Family>, TrafficSet>,
}

impl Joined {
    /// The lines that matter to it.
    fn lines(&self, products: &[Product]) -> BTreeSet<Line> {
        let mut lines = BTreeSet::new();
        for product in products {
            let of_family = self.traffic.get(&product.family);
            let shares =
                of_family.is_some_and(|traffic| !traffic.intersection(&product.traffic).is_none());
            if shares
                && !product.sources.is_disjoint(&self.sources)
                && !product.destinations.is_disjoint(&self.destinations)
            {
                lines.extend(product.lines.iter().flat_map(|lines| lines.iter().copied()));
            }
        }
        lines
    }

    /// Its traffic, with the family where that says something.
    fn told(&self, sources: &Ends, destinations: &Ends) -> What {
        let of = |family| self.traffic.get(&family).cloned().unwrap_or_default();
        let [any, mut v4, mut v6] = [None, Some(Family::V4), Some(Family::V6)].map(of);
        // An end that is addresses of one family alone says itself which it is.
        let is_only = |family: Family| {
            [sources, destinations].into_iter().any(|ends| {
                let other = ends.outside.difference(&family_addresses(family));
                ends.units.is_empty() && !ends.has_controller && other.is_empty()
            })
        };
        if is_only(Family::V4) {
            v6.clone_from(&v4);
        } else if is_only(Family::V6) {
            v4.clone_from(&v6);
        }
        let told = [
            (None, any.union(&v4.intersection(&v6))),
            (Some(Family::V4), v4.difference(&v6)),
            (Some(Family::V6), v6.difference(&v4)),
        ];
        let told = told.into_iter();
        told.filter(|(_, traffic)| !traffic.is_none()).collect()
    }
}

/// Takes from each group the traffic that another one tells of all of its ends anyway.
fn say_once(groups: &mut [Joined]) {
    for index in 0..groups.len() {
        let Some(own) = groups.get(index) else {
            continue;
        };
        let mut left = own.traffic.clone();
        for other in groups.iter().enumerate().filter(|(at, _)| *at != index) {
            let (_, other) = other;
            if !own.sources.is_subset(&other.sources)
                || !own.destinations.is_subset(&other.destinations)
            {
                continue;
            }
            for (family, traffic) in &mut left {
                if let Some(told) = other.traffic.get(family) {
                    *traffic = traffic.difference(told);
                }
            }
        }
        left.retain(|_, traffic| !traffic.is_none());
        if let (false, Some(own)) = (left.is_empty(), groups.get_mut(index)) {
            own.traffic = left;
        }
    }
}

struct Grouping<'a> {
    question: &'a Question<'a>,
    pair: &'a Pair,
    /// The units of each group, by group.
    units: Vec<Vec<usize>>,
    n_groups: u32,
    /// The groups that have an address of a family in a cluster, or may.
    present: Vec<(Family, usize, RoaringBitmap)>,
}

impl<'a> Grouping<'a> {
    fn new(question: &'a Question<'a>, pair: &'a Pair) -> Self {
        let mut units = Vec::new();
        for (index, (_, group)) in pair.units.iter().enumerate() {
            let at = usize::try_from(group.0).unwrap_or(usize::MAX);
            if units.len() <= at {
                units.resize_with(at + 1, Vec::new);
            }
            if let Some(units) = units.get_mut(at) {
                units.push(index);
            }
        }
        Grouping {
            question,
            pair,
            n_groups: u32::try_from(units.len()).unwrap_or(u32::MAX),
            units,
            present: Family::ALL
                .into_iter()
                .flat_map(|family| {
                    let reaches = pair.reaches.iter().enumerate();
                    reaches
                        .map(move |(side, reach)| (family, side, reach.groups_in(family).clone()))
                })
                .collect(),
        }
    }

    fn units_of(&self, group: GroupId) -> &[usize] {
        let at = usize::try_from(group.0).unwrap_or(usize::MAX);
        self.units.get(at).map_or(&[], Vec::as_slice)
    }

    fn ends(&self, set: &RoaringBitmap) -> Ends {
        let mut ends = Ends::default();
        let mut atoms = RoaringBitmap::new();
        for index in set {
            if index < self.n_groups {
                ends.units.extend(self.units_of(GroupId(index)));
            } else {
                atoms.insert(index);
            }
        }
        ends.units.sort_unstable();
        if let (false, [_, new]) = (atoms.is_empty(), &self.pair.reaches) {
            ends.outside = new.external_addresses(&atoms);
        }
        ends
    }

    /// Whether the only connection is that of a pod with itself, which no policy can take away.
    fn is_nothing(&self, sources: &Ends, destinations: &Ends) -> bool {
        match (sources.units.as_slice(), destinations.units.as_slice()) {
            ([a], [b]) => {
                a == b
                    && sources.outside.is_empty()
                    && destinations.outside.is_empty()
                    && self.is_single_pod(*a)
            }
            _ => false,
        }
    }

    fn is_single_pod(&self, unit: usize) -> bool {
        let unit = self.pair.units.get(unit).map(|(unit, _)| unit.workload);
        unit.and_then(|index| u32::try_from(index).ok())
            .is_some_and(|index| is_bare_pod(self.question, self.pair, index))
    }

    fn seen_differently(&self, ends: &Ends) -> Vec<Cause> {
        let found = relabelled(self.question.clusters, self.pair, &ends.units);
        found.into_iter().map(Cause::Relabelled).collect()
    }

    /// As few boxes as can be for the products of one change and cause.
    fn cover(&self, products: &[Product]) -> (Vec<Joined>, bool) {
        let exact = (products.len() <= MOST_PRODUCTS)
            .then(|| Atoms::new(products, &self.present))
            .flatten();
        let Some(atoms) = exact else {
            return (merge(products), false);
        };
        let tensor = self.tensor(&atoms, products);
        let (boxes, is_smallest) = cover(&tensor);
        let mut joined: Vec<Joined> = boxes
            .iter()
            .map(|chosen| atoms.join(&tensor, chosen))
            .collect();
        say_once(&mut joined);
        (joined, is_smallest)
    }

    fn tensor(&self, atoms: &Atoms, products: &[Product]) -> Tensor {
        let mut tensor = plain_tensor(atoms, products.len());
        for (a, sources) in atoms.sources.iter().enumerate() {
            for (b, destinations) in atoms.destinations.iter().enumerate() {
                for (c, (family, _)) in atoms.traffic.iter().enumerate() {
                    if self.is_free(sources, destinations, *family) {
                        tensor.set([a, b, c], Cell::Free);
                    }
                }
            }
        }
        tensor
    }

    /// Cells that are no connection, so that it does not matter whether a group holds them.
    fn is_free(
        &self,
        sources: &RoaringBitmap,
        destinations: &RoaringBitmap,
        family: Option<Family>,
    ) -> bool {
        let (from, to) = (self.outside(sources), self.outside(destinations));
        let is_of_other = |outside: Option<Option<Family>>| matches!((outside, family), (Some(Some(a)), Some(b)) if a != b);
        if from.is_some() && to.is_some() || is_of_other(from) || is_of_other(to) {
            return true;
        }
        if from.is_some() || to.is_some() {
            return false;
        }
        // In neither cluster have both ends an address of the family.
        let is_absent = |set: &RoaringBitmap, side: usize| {
            let mut present = self.present.iter();
            present.any(|(f, at, present)| {
                *at == side && Some(*f) == family && set.is_disjoint(present)
            })
        };
        if [0, 1]
            .into_iter()
            .all(|side| is_absent(sources, side) || is_absent(destinations, side))
        {
            return true;
        }
        let single = sources.len() == 1 && sources == destinations;
        single
            && sources.min().is_some_and(|group| {
                matches!(self.units_of(GroupId(group)), [unit] if self.is_single_pod(*unit))
            })
    }

    /// The family of addresses outside; `None` for groups.
    fn outside(&self, set: &RoaringBitmap) -> Option<Option<Family>> {
        set.min().filter(|first| *first >= self.n_groups)?;
        let [_, new] = &self.pair.reaches;
        let addresses = new.external_addresses(set);
        let mut families = Family::ALL.into_iter().filter(|family| {
            !addresses
                .intersection(&family_addresses(*family))
                .is_empty()
        });
        match (families.next(), families.next()) {
            (Some(family), None) => Some(Some(family)),
            _ => Some(None),
        }
    }

    /// Why the controller reaches other workloads than before: an Ingress or a Service changed, or
    /// a policy of the namespaces it leads to, or else what policies see of the pods there.
    fn controller_causes(
        &self,
        ingresses: &[(usize, Origin)],
        changed: &[Cause],
        workloads: &BTreeSet<usize>,
    ) -> Vec<Cause> {
        let mut causes = Vec::new();
        if !ingresses.is_empty() {
            causes.push(Cause::Ingress(ingresses.to_vec()));
        }
        let namespaces: BTreeSet<&str> = workloads
            .iter()
            .filter_map(|&index| self.pair.workloads.get(index))
            .flat_map(|workload| workload.ids.into_iter().zip(self.question.clusters))
            .filter_map(|(id, cluster)| {
                Some(cluster.namespace_name(cluster.workload(id?)?.namespace))
            })
            .collect();
        let is_there = |cause: &&Cause| match cause {
            Cause::Policy(policy) => {
                let mut sides = policy.ids.into_iter().zip(self.question.clusters);
                sides.any(|(id, cluster)| {
                    let policy = id.and_then(|id| cluster.policy(id));
                    policy.is_some_and(|policy| {
                        let own = policy.namespace.map(|id| cluster.namespace_name(id));
                        own.is_none_or(|own| namespaces.contains(own))
                    })
                })
            }
            _ => false,
        };
        causes.extend(changed.iter().filter(is_there).cloned());
        if causes.is_empty() {
            let units = self.pair.units.iter().enumerate();
            let units = units.filter(|(_, (unit, _))| workloads.contains(&unit.workload));
            let units: Vec<usize> = units.map(|(index, _)| index).collect();
            let found = relabelled(self.question.clusters, self.pair, &units);
            causes.extend(found.into_iter().map(Cause::Relabelled));
        }
        if causes.is_empty() {
            causes.push(Cause::Ingress(Vec::new()));
        }
        causes
    }

    /// What the ingress controller reaches, by change.
    fn controlled(
        &self,
        policies: &Policies<'_>,
        edges: Vec<Edge>,
        first_key: usize,
    ) -> (Vec<Group>, bool) {
        let mut by_change: BTreeMap<Change, Vec<Edge>> = BTreeMap::new();
        for edge in edges {
            by_change.entry(edge.change).or_default().push(edge);
        }
        let ingresses = changed_ingresses(self.question);
        let changed = policies.all_changed();
        let mut groups = Vec::new();
        let mut is_minimal = true;
        for (key, (change, edges)) in (first_key..).zip(by_change) {
            let products: Vec<Product> = edges
                .iter()
                .map(|edge| Product {
                    sources: [0].into_iter().collect(),
                    destinations: [u32::try_from(edge.workload).unwrap_or(u32::MAX)]
                        .into_iter()
                        .collect(),
                    traffic: edge.traffic.clone(),
                    family: None,
                    lines: Vec::new(),
                })
                .collect();
            let (joined, is_smallest) = match Atoms::new(&products, &[]) {
                Some(atoms) => {
                    let tensor = plain_tensor(&atoms, products.len());
                    let (boxes, is_smallest) = cover(&tensor);
                    (
                        boxes.iter().map(|b| atoms.join(&tensor, b)).collect(),
                        is_smallest,
                    )
                }
                None => (merge(&products), false),
            };
            is_minimal &= is_smallest;
            for joined in joined {
                let workloads: BTreeSet<usize> = joined
                    .destinations
                    .iter()
                    .filter_map(|index| usize::try_from(index).ok())
                    .collect();
                let units = self.pair.units.iter().enumerate();
                let units = units.filter(|(_, (unit, _))| workloads.contains(&unit.workload));
                groups.push(Group {
                    key,
                    change,
                    sources: Ends {
                        has_controller: true,
                        ..Ends::default()
                    },
                    destinations: Ends {
                        units: units.map(|(index, _)| index).collect(),
                        ..Ends::default()
                    },
                    traffic: joined.traffic.into_iter().collect(),
                    causes: self.controller_causes(&ingresses, &changed, &workloads),
                });
            }
        }
        (groups, is_minimal)
    }
}

/// The cells that are in some product.
fn plain_tensor(atoms: &Atoms, n_products: usize) -> Tensor {
    let mut tensor = Tensor::new([
        atoms.sources.len(),
        atoms.destinations.len(),
        atoms.traffic.len(),
    ]);
    for index in 0..n_products {
        let within = |members: &Vec<Vec<usize>>| -> Vec<usize> {
            let members = members.iter().enumerate();
            members
                .filter(|(_, products)| products.binary_search(&index).is_ok())
                .map(|(at, _)| at)
                .collect()
        };
        let [a, b, c] = [&atoms.of_sources, &atoms.of_destinations, &atoms.of_traffic].map(within);
        for &a in &a {
            for &b in &b {
                for &c in &c {
                    tensor.set([a, b, c], Cell::Yes);
                }
            }
        }
    }
    tensor
}

/// Whether a workload, by its index in [`Pair::workloads`], is a pod that nothing owns: there is
/// no other pod like it.
pub(super) fn is_bare_pod(question: &Question<'_>, pair: &Pair, workload: u32) -> bool {
    let index = usize::try_from(workload).unwrap_or(usize::MAX);
    let ids = pair.workloads.get(index).map(|workload| workload.ids);
    let mut sides = ids.unwrap_or_default().into_iter().zip(question.clusters);
    sides.any(|(id, cluster)| {
        let workload = id.and_then(|id| cluster.workload(id));
        workload.is_some_and(|workload| workload.kind.0 == "Pod")
    })
}

/// Sets of sources, destinations and traffic that no product tells apart, with the products that
/// each is in.
struct Atoms {
    sources: Vec<RoaringBitmap>,
    of_sources: Vec<Vec<usize>>,
    destinations: Vec<RoaringBitmap>,
    of_destinations: Vec<Vec<usize>>,
    traffic: Vec<OfFamily>,
    of_traffic: Vec<Vec<usize>>,
}

impl Atoms {
    /// `None` when there are too many to look at every cell. What one of `others` tells apart is
    /// told apart too.
    fn new(products: &[Product], others: &[(Family, usize, RoaringBitmap)]) -> Option<Atoms> {
        let sources = products.iter().map(|product| &product.sources);
        let destinations = products.iter().map(|product| &product.destinations);
        let (sources, of_sources) = set_atoms(sources, others);
        let (destinations, of_destinations) = set_atoms(destinations, others);
        let (traffic, of_traffic) = traffic_atoms(products);
        let n_cells = sources
            .len()
            .saturating_mul(destinations.len())
            .saturating_mul(traffic.len());
        (n_cells <= MOST_CELLS).then_some(Atoms {
            sources,
            of_sources,
            destinations,
            of_destinations,
            traffic,
            of_traffic,
        })
    }

    /// What a box of the tensor's stands for. Traffic that holds nothing there, since neither of
    /// the ends has an address of the family, is told only as far as the other family's is: then it
    /// need not be said which family it is.
    fn join(&self, tensor: &Tensor, [a, b, c]: &Box3) -> Joined {
        let union = |sets: &[RoaringBitmap], indexes: &[usize]| {
            let sets = indexes.iter().filter_map(|&index| sets.get(index));
            sets.fold(RoaringBitmap::new(), |all, set| all | set)
        };
        let is_held = |c: usize| {
            a.iter()
                .any(|&a| b.iter().any(|&b| tensor.get([a, b, c]) == Cell::Yes))
        };
        let (held, free): (Vec<usize>, Vec<usize>) = c.iter().partition(|&&c| is_held(c));
        let mut traffic: BTreeMap<Option<Family>, TrafficSet> = BTreeMap::new();
        for (family, set) in held.iter().filter_map(|&index| self.traffic.get(index)) {
            let known = traffic.entry(*family).or_default();
            *known = known.union(set);
        }
        let all = traffic
            .values()
            .fold(TrafficSet::none(), |all, set| all.union(set));
        for (family, set) in free.iter().filter_map(|&index| self.traffic.get(index)) {
            let set = set.intersection(&all);
            if !set.is_none() {
                let known = traffic.entry(*family).or_default();
                *known = known.union(&set);
            }
        }
        Joined {
            sources: union(&self.sources, a),
            destinations: union(&self.destinations, b),
            traffic,
        }
    }
}

/// The members of some sets by which of the sets they are in.
fn set_atoms<'a>(
    sets: impl Iterator<Item = &'a RoaringBitmap>,
    others: &[(Family, usize, RoaringBitmap)],
) -> (Vec<RoaringBitmap>, Vec<Vec<usize>>) {
    let mut of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut n_sets = 0;
    for (index, set) in sets.enumerate() {
        n_sets = index + 1;
        for member in set {
            of.entry(member).or_default().push(index);
        }
    }
    for (member, own) in &mut of {
        let others = (n_sets..).zip(others);
        own.extend(
            others
                .filter(|(_, (_, _, set))| set.contains(*member))
                .map(|(index, _)| index),
        );
    }
    let mut atoms: HashMap<Vec<usize>, usize> = HashMap::new();
    let (mut members, mut products): (Vec<RoaringBitmap>, Vec<Vec<usize>>) =
        (Vec::new(), Vec::new());
    for (member, own) in of {
        let at = match atoms.get(&own) {
            Some(&at) => at,
            None => {
                let at = members.len();
                members.push(RoaringBitmap::new());
                products.push(own.clone());
                atoms.insert(own, at);
                at
            }
        };
        if let Some(members) = members.get_mut(at) {
            members.insert(member);
        }
    }
    (members, products)
}

/// Traffic of one family, or of any.
type OfFamily = (Option<Family>, TrafficSet);

/// Likewise for traffic: the pieces that no product's traffic cuts.
fn traffic_atoms(products: &[Product]) -> (Vec<OfFamily>, Vec<Vec<usize>>) {
    let mut pieces: Vec<(Option<Family>, TrafficSet, Vec<usize>)> = Vec::new();
    for (index, product) in products.iter().enumerate() {
        let mut left = product.traffic.clone();
        let mut next = Vec::with_capacity(pieces.len() + 1);
        for (family, set, own) in pieces {
            let shared = set.intersection(&left);
            if family != product.family || shared.is_none() {
                next.push((family, set, own));
                continue;
            }
            let rest = set.difference(&shared);
            left = left.difference(&shared);
            if !rest.is_none() {
                next.push((family, rest, own.clone()));
            }
            let mut own = own;
            own.push(index);
            next.push((family, shared, own));
        }
        if !left.is_none() {
            next.push((product.family, left, vec![index]));
        }
        pieces = next;
    }
    let split = pieces.into_iter();
    split.map(|(family, set, own)| ((family, set), own)).unzip()
}

/// Joins products that differ in one dimension only, in a fixed order of dimensions: a good
/// grouping where there are too many to look for the best.
fn merge(products: &[Product]) -> Vec<Joined> {
    type Set = Vec<u32>;
    type OfFamilies = BTreeMap<Option<Family>, TrafficSet>;
    type Sets = (Set, Set, Option<Family>, TrafficSet);
    let list = |set: &RoaringBitmap| set.iter().collect::<Vec<u32>>();
    let all: Vec<Sets> = products
        .iter()
        .map(|p| {
            (
                list(&p.sources),
                list(&p.destinations),
                p.family,
                p.traffic.clone(),
            )
        })
        .collect();
    type Ends = (Set, Set, Option<Family>);
    let mut by_ends: BTreeMap<Ends, TrafficSet> = BTreeMap::new();
    for (sources, destinations, family, traffic) in all {
        let known = by_ends.entry((sources, destinations, family)).or_default();
        *known = known.union(&traffic);
    }
    let mut by_source: BTreeMap<(Vec<u32>, Option<Family>, TrafficSet), RoaringBitmap> =
        BTreeMap::new();
    for ((sources, destinations, family), traffic) in by_ends {
        let known = by_source.entry((sources, family, traffic)).or_default();
        known.extend(destinations);
    }
    let mut by_destination: BTreeMap<(Vec<u32>, Option<Family>, TrafficSet), RoaringBitmap> =
        BTreeMap::new();
    for ((sources, family, traffic), destinations) in by_source {
        let key = (list(&destinations), family, traffic);
        by_destination.entry(key).or_default().extend(sources);
    }
    let mut by_family: BTreeMap<(Set, Set), OfFamilies> = BTreeMap::new();
    for ((destinations, family, traffic), sources) in by_destination {
        let key = (list(&sources), destinations);
        let known = by_family.entry(key).or_default().entry(family).or_default();
        *known = known.union(&traffic);
    }
    by_family
        .into_iter()
        .map(|((sources, destinations), traffic)| Joined {
            sources: sources.into_iter().collect(),
            destinations: destinations.into_iter().collect(),
            traffic,
        })
        .collect()
}
