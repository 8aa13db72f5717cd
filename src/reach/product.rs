//! The relation as a union of products, for people and for machines: sources × destinations ×
//! traffic, never expanded to pairs.

use super::{Entry, GroupId, Reach};
use crate::model::{AddressSet, Direction, Family, TrafficSet, family_addresses};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// Which families a product holds for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scope {
    /// Whatever family the flow uses.
    AnyFamily,
    /// Flows of one family only.
    Only(Family),
}

/// One end of a product.
#[derive(Clone, PartialEq, Debug)]
pub enum End {
    /// Pods, as a bitmap of groups.
    Groups(RoaringBitmap),
    /// Addresses outside the cluster.
    External(AddressSet),
}

/// Every source reaches every destination on all of the traffic, a pod and itself apart.
#[derive(Clone, PartialEq, Debug)]
pub struct Product {
    /// Who opens the connections.
    pub sources: End,
    /// Who is called.
    pub destinations: End,
    /// On what.
    pub traffic: TrafficSet,
    /// In which families.
    pub scope: Scope,
}

/// The whole relation as products, which may overlap.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Products {
    /// What is allowed, whatever addresses pods get.
    pub allowed: Vec<Product>,
    /// What is allowed for some addresses that pods could get and not for others.
    pub unknown: Vec<Product>,
}

/// An entry of a table, projected onto the groups of one family.
struct Projected<'a> {
    /// The groups all of whose possible addresses are let through.
    must: RoaringBitmap,
    /// The groups some of whose possible addresses are.
    may: RoaringBitmap,
    traffic: &'a TrafficSet,
}

/// A profile with its groups and its entries in one family.
struct ProjectedProfile<'a> {
    members: RoaringBitmap,
    has_policies: bool,
    entries: Vec<Projected<'a>>,
}

/// The whole relation. Its size is that of the pairs of egress and ingress profiles that have
/// anything to do with each other.
pub fn products(reach: &Reach) -> Products {
    let mut products = Products::default();
    let scopes = if reach.families_differ() {
        vec![Scope::Only(Family::V4), Scope::Only(Family::V6)]
    } else {
        vec![Scope::AnyFamily]
    };
    for scope in scopes {
        between_pods(reach, scope, &mut products);
    }
    merge_families(&mut products.allowed);
    merge_families(&mut products.unknown);
    products.allowed = merge(products.allowed);
    products.unknown = merge(products.unknown);
    for direction in Direction::ALL {
        let sure = with_externals(reach, direction, |entry| &entry.peers);
        products.allowed.extend(merge(sure));
        let unsure = with_externals(reach, direction, |entry| &entry.unsure);
        products.unknown.extend(merge(unsure));
    }
    products
}

fn between_pods(reach: &Reach, scope: Scope, products: &mut Products) {
    let family = match scope {
        Scope::Only(family) => family,
        // Any family in which pods have addresses gives the same answer.
        Scope::AnyFamily if reach.groups_in(Family::V4).is_empty() => Family::V6,
        Scope::AnyFamily => Family::V4,
    };
    let egress = project(reach, family, Direction::Egress);
    let ingress = project(reach, family, Direction::Ingress);
    let ingress_of_group = profile_index(reach, &ingress);
    for source in &egress {
        for from in &source.entries {
            for index in profiles_meeting(&from.may, &ingress, &ingress_of_group) {
                let Some(destination) = ingress.get(index) else {
                    continue;
                };
                for to in &destination.entries {
                    let traffic = from.traffic.intersection(to.traffic);
                    if traffic.is_none() {
                        continue;
                    }
                    let push = |list: &mut Vec<Product>,
                                sources: &RoaringBitmap,
                                destinations: &RoaringBitmap| {
                        let sources = &source.members & sources;
                        let destinations = &destination.members & destinations;
                        if !sources.is_empty() && !destinations.is_empty() {
                            list.push(Product {
                                sources: End::Groups(sources),
                                destinations: End::Groups(destinations),
                                traffic: traffic.clone(),
                                scope,
                            });
                        }
                    };
                    push(&mut products.allowed, &to.must, &from.must);
                    // may × may without must × must, as two disjoint products.
                    if to.may != to.must {
                        push(&mut products.unknown, &(&to.may - &to.must), &from.may);
                    }
                    if from.may != from.must {
                        push(&mut products.unknown, &to.must, &(&from.may - &from.must));
                    }
                }
            }
        }
    }
    let present = reach.groups_in(family);
    for (sources, destinations) in reach.own_node_pairs() {
        // What is allowed whatever policy says is not unknown.
        let unknown = std::mem::take(&mut products.unknown).into_iter();
        products.unknown = unknown
            .flat_map(|product| without(product, &sources, &destinations))
            .collect();
        let sources = sources & present;
        for destination in ingress.iter().filter(|profile| profile.has_policies) {
            let destinations = &destinations & &destination.members;
            if !sources.is_empty() && !destinations.is_empty() {
                products.allowed.push(Product {
                    sources: End::Groups(sources.clone()),
                    destinations: End::Groups(destinations),
                    traffic: TrafficSet::all(),
                    scope,
                });
            }
        }
    }
}

/// A product between pods without the pairs of these ends.
fn without(
    product: Product,
    sources: &RoaringBitmap,
    destinations: &RoaringBitmap,
) -> Vec<Product> {
    let (End::Groups(from), End::Groups(to)) = (&product.sources, &product.destinations) else {
        return vec![product];
    };
    if from.is_disjoint(sources) || to.is_disjoint(destinations) {
        return vec![product];
    }
    let parts = [
        (from - sources, to.clone()),
        (from & sources, to - destinations),
    ];
    let parts = parts
        .into_iter()
        .filter(|(from, to)| !from.is_empty() && !to.is_empty());
    parts
        .map(|(from, to)| Product {
            sources: End::Groups(from),
            destinations: End::Groups(to),
            ..product.clone()
        })
        .collect()
}

fn project(reach: &Reach, family: Family, direction: Direction) -> Vec<ProjectedProfile<'_>> {
    let present = reach.groups_in(family);
    reach
        .profiles_of(direction)
        .map(|(table, members)| ProjectedProfile {
            members: members & present,
            has_policies: table.has_policies(),
            entries: table
                .entries
                .iter()
                .map(|entry| {
                    let (must, may) = reach.project(&entry.peers, family);
                    let (_, perhaps) = reach.project(&entry.unsure, family);
                    Projected {
                        must,
                        may: may | perhaps,
                        traffic: &entry.traffic,
                    }
                })
                .collect(),
        })
        .collect()
}

/// The profile of every group, by group.
fn profile_index(reach: &Reach, profiles: &[ProjectedProfile<'_>]) -> Vec<usize> {
    let mut index = vec![usize::MAX; reach.n_groups()];
    for (profile_idx, profile) in profiles.iter().enumerate() {
        for group in &profile.members {
            if let Some(slot) = index.get_mut(super::to_index(group)) {
                *slot = profile_idx;
            }
        }
    }
    index
}

/// The profiles with a member among the groups, by whichever way is shorter.
fn profiles_meeting(
    groups: &RoaringBitmap,
    profiles: &[ProjectedProfile<'_>],
    of_group: &[usize],
) -> Vec<usize> {
    let n_profiles = u64::try_from(profiles.len()).unwrap_or(u64::MAX);
    if groups.len() < n_profiles {
        let found: BTreeSet<usize> = groups
            .iter()
            .filter_map(|group| of_group.get(super::to_index(group)).copied())
            .collect();
        return found.into_iter().collect();
    }
    let indexed = profiles.iter().enumerate();
    indexed
        .filter(|(_, profile)| !profile.members.is_disjoint(groups))
        .map(|(index, _)| index)
        .collect()
}

/// What pods and addresses outside let each other: the pods' side decides alone (N4).
fn with_externals(
    reach: &Reach,
    direction: Direction,
    peers: impl Fn(&Entry) -> &RoaringBitmap,
) -> Vec<Product> {
    let mut found = Vec::new();
    for (table, members) in reach.profiles_of(direction) {
        for entry in &table.entries {
            let addresses = reach.external_addresses(peers(entry));
            for (present, addresses) in by_presence(reach, &addresses) {
                let pods = members & present;
                if pods.is_empty() || addresses.is_empty() {
                    continue;
                }
                let (pods, outside) = (End::Groups(pods), End::External(addresses));
                let (sources, destinations) = match direction {
                    Direction::Egress => (pods, outside),
                    Direction::Ingress => (outside, pods),
                };
                let traffic = entry.traffic.clone();
                found.push(Product {
                    sources,
                    destinations,
                    traffic,
                    scope: Scope::AnyFamily,
                });
            }
        }
    }
    found
}

/// Splits addresses by family where pods of one family only exist.
fn by_presence(reach: &Reach, addresses: &AddressSet) -> Vec<(RoaringBitmap, AddressSet)> {
    let [v4, v6] = Family::ALL.map(|family| {
        (
            reach.groups_in(family).clone(),
            addresses.intersection(&family_addresses(family)),
        )
    });
    if v4.0 == v6.0 {
        return vec![(v4.0, addresses.clone())];
    }
    let both = &v4.0 & &v6.0;
    vec![
        (&v4.0 - &both, v4.1),
        (&v6.0 - &both, v6.1),
        (both, addresses.clone()),
    ]
}

/// Joins what holds alike in both families.
fn merge_families(products: &mut Vec<Product>) {
    let [v4, v6] = Family::ALL.map(Scope::Only);
    let keys_of = |scope: Scope| -> BTreeSet<Key> {
        products
            .iter()
            .filter(|p| p.scope == scope)
            .map(whole_key)
            .collect()
    };
    let common: BTreeSet<Key> = keys_of(v4).intersection(&keys_of(v6)).cloned().collect();
    products.retain(|product| product.scope != v6 || !common.contains(&whole_key(product)));
    for product in products {
        if product.scope == v4 && common.contains(&whole_key(product)) {
            product.scope = Scope::AnyFamily;
        }
    }
}

/// Bytes that are equal exactly when what they stand for is.
type Key = Vec<u8>;

fn end_key(end: &End) -> Key {
    match end {
        End::Groups(groups) => {
            let mut key = vec![0];
            for group in groups {
                key.extend_from_slice(&group.to_be_bytes());
            }
            key
        }
        End::External(addresses) => {
            let mut key = vec![1];
            for &(first, last) in addresses.v4.ranges() {
                key.extend_from_slice(&first.to_be_bytes());
                key.extend_from_slice(&last.to_be_bytes());
            }
            key.push(2);
            for &(first, last) in addresses.v6.ranges() {
                key.extend_from_slice(&first.to_be_bytes());
                key.extend_from_slice(&last.to_be_bytes());
            }
            key
        }
    }
}

fn whole_key(product: &Product) -> Key {
    let mut key = end_key(&product.sources);
    key.push(3);
    key.extend(end_key(&product.destinations));
    key.push(3);
    key.extend(product.traffic.to_string().into_bytes());
    key
}

/// Joins products that differ in one dimension only, in a fixed order of dimensions.
fn merge(products: Vec<Product>) -> Vec<Product> {
    let by_ends = join(
        products,
        |p| (end_key(&p.sources), end_key(&p.destinations)),
        |into, other| into.traffic = into.traffic.union(&other.traffic),
    );
    let by_source = join(
        by_ends,
        |p| (end_key(&p.sources), p.traffic.to_string().into_bytes()),
        |into, other| union_ends(&mut into.destinations, &other.destinations),
    );
    join(
        by_source,
        |p| (end_key(&p.destinations), p.traffic.to_string().into_bytes()),
        |into, other| union_ends(&mut into.sources, &other.sources),
    )
}

fn join(
    products: Vec<Product>,
    key: impl Fn(&Product) -> (Key, Key),
    combine: impl Fn(&mut Product, &Product),
) -> Vec<Product> {
    let mut index: BTreeMap<(Scope, bool, bool, (Key, Key)), usize> = BTreeMap::new();
    let mut joined: Vec<Product> = Vec::new();
    for product in products {
        let outside = |end: &End| matches!(end, End::External(_));
        let kinds = (outside(&product.sources), outside(&product.destinations));
        let key = (product.scope, kinds.0, kinds.1, key(&product));
        match index.get(&key).and_then(|&at| joined.get_mut(at)) {
            Some(into) => combine(into, &product),
            None => {
                index.insert(key, joined.len());
                joined.push(product);
            }
        }
    }
    joined
}

fn union_ends(into: &mut End, other: &End) {
    match (into, other) {
        (End::Groups(into), End::Groups(other)) => *into |= other,
        (End::External(into), End::External(other)) => *into = into.union(other),
        // The key keeps the two kinds apart.
        (End::Groups(_), End::External(_)) | (End::External(_), End::Groups(_)) => {}
    }
}

impl End {
    /// The groups, if it is about pods.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        let groups = match self {
            End::Groups(groups) => Some(groups),
            End::External(_) => None,
        };
        groups.into_iter().flatten().map(GroupId)
    }
}
