//! The exact set engine: who reaches whom on what, for whole clusters.
//!
//! A pod is here what policy can see of it. Pods that no selector, port name or address block
//! tells apart form one *group*; the address space is cut at the edges of all blocks into
//! *atoms*; both together are the *elements* of a universe over which every peer of every rule
//! is a bitmap. The pods that the same policies select share a *profile*, whose *table* says in
//! canonical, disjoint form which elements are let through on which traffic. A flow is allowed
//! if the source's egress table and the destination's ingress table both hold it (N4), so the
//! relation is kept as those tables and never expanded to pods times pods.
//!
//! Complexity: linear in pods plus policies for the groups and bitmaps; per profile, rules
//! times distinct port edges; a query on two pods is logarithmic.

mod pair;
mod posting;
mod product;
mod row;
mod table;
mod universe;

pub use pair::{Pair, PairedWorkload, Unit};
pub use product::{End, Product, Products, Scope, products};
pub use row::{Row, row};
pub use table::{Entry, ProfileId, RuleBoxes, Table, Traffic};
pub use universe::{Element, ElementId, GroupId, Presence};

use crate::model::{AddressSet, Cluster, Direction, Family, PodId, Protocol, TrafficSet, Verdict};
use roaring::RoaringBitmap;
use std::cell::OnceCell;
use std::net::IpAddr;
use table::Profiles;
use universe::Universe;

/// The relation of a whole cluster, factored.
#[derive(Debug)]
pub struct Reach {
    universe: Universe,
    egress: Profiles,
    ingress: Profiles,
}

/// The traffic between two pods in one family.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PairTraffic {
    /// Allowed, whatever addresses the pods get.
    pub allowed: TrafficSet,
    /// Allowed for some addresses that the pods could get and not for others, or for some order of
    /// policies that have the same priority.
    pub unknown: TrafficSet,
}

impl PairTraffic {
    fn new(must: TrafficSet, may: &TrafficSet) -> Self {
        PairTraffic {
            unknown: may.difference(&must),
            allowed: must,
        }
    }

    /// Everything, for certain.
    pub fn all() -> Self {
        Self::new(TrafficSet::all(), &TrafficSet::none())
    }

    /// What is allowed or may be.
    pub fn may(&self) -> TrafficSet {
        self.allowed.union(&self.unknown)
    }

    /// Whether nothing is allowed and nothing may be.
    pub fn is_none(&self) -> bool {
        self.allowed.is_none() && self.unknown.is_none()
    }

    /// What is said of one port.
    pub fn verdict(&self, protocol: Protocol, port: u16) -> Verdict {
        if self.allowed.contains(protocol, port) {
            Verdict::Allowed
        } else if self.unknown.contains(protocol, port) {
            Verdict::Unknown
        } else {
            Verdict::Denied
        }
    }
}

impl Reach {
    /// Computes the relation of a cluster.
    pub fn new(cluster: &Cluster) -> Reach {
        Self::within(cluster, Universe::new(cluster))
    }

    /// Computes it with a numbering that is given.
    fn within(cluster: &Cluster, universe: Universe) -> Reach {
        let index = posting::Postings::new(cluster, &universe);
        let egress = Profiles::new(cluster, &universe, &index, Direction::Egress);
        let ingress = Profiles::new(cluster, &universe, &index, Direction::Ingress);
        Reach {
            universe,
            egress,
            ingress,
        }
    }

    /// The number of groups: equivalence classes of pods.
    pub fn n_groups(&self) -> usize {
        self.universe.groups.len()
    }

    /// The group of a pod.
    pub fn group_of(&self, pod: PodId) -> Option<GroupId> {
        self.universe.group_of_pod.get(to_index(pod.0)).copied()
    }

    /// The pods of a group, in order.
    pub fn pods_of(&self, group: GroupId) -> &[PodId] {
        self.universe
            .groups
            .get(to_index(group.0))
            .map_or(&[], |group| &group.pods)
    }

    /// The elements that stand for addresses outside the cluster, with those addresses.
    pub fn externals(&self) -> impl Iterator<Item = (ElementId, &AddressSet)> {
        self.universe.externals()
    }

    /// The profile of a group: groups of one profile have one table.
    pub fn profile(&self, group: GroupId, direction: Direction) -> ProfileId {
        self.profiles(direction).of(group)
    }

    /// The table of a profile.
    pub fn table(&self, profile: ProfileId, direction: Direction) -> &Table {
        self.profiles(direction).table(profile)
    }

    /// All profiles of a direction with their tables and the groups that have them.
    pub fn profiles_of(
        &self,
        direction: Direction,
    ) -> impl Iterator<Item = (&Table, &RoaringBitmap)> {
        self.profiles(direction).iter()
    }

    fn profiles(&self, direction: Direction) -> &Profiles {
        match direction {
            Direction::Egress => &self.egress,
            Direction::Ingress => &self.ingress,
        }
    }

    /// What an element stands for.
    pub fn element(&self, id: ElementId) -> Option<&Element> {
        self.universe.elements.get(to_index(id.0))
    }

    /// All elements in order.
    pub fn elements(&self) -> impl Iterator<Item = (ElementId, &Element)> {
        (0u32..).map(ElementId).zip(&self.universe.elements)
    }

    /// Whether all groups can have the same addresses as in another relation with the same
    /// numbering, as far as blocks tell addresses apart. Linear in groups.
    pub fn has_same_elements(&self, other: &Reach) -> bool {
        self.universe.has_same_elements(&other.universe)
    }

    /// The addresses of an atom, which no block tells apart.
    pub fn atom(&self, index: usize) -> Option<&AddressSet> {
        self.universe.atom(index)
    }

    /// The rules that apply to the pods of each of these groups in a direction, as sets of
    /// elements, in order of evaluation. Linear in the pods of the cluster, once for all groups.
    pub fn rules_of(
        &self,
        cluster: &Cluster,
        direction: Direction,
        groups: &[GroupId],
    ) -> Vec<Vec<RuleBoxes>> {
        RuleBook::new(self, cluster).rules_of(direction, groups)
    }

    /// The traffic from one pod to another in one family; `None` when one of them has no
    /// address of that family. A pod to itself is allowed everything (N25).
    pub fn between(
        &self,
        source: PodId,
        destination: PodId,
        family: Family,
    ) -> Option<PairTraffic> {
        let (from, to) = (self.group_of(source)?, self.group_of(destination)?);
        if source == destination {
            self.universe.elements_in(from, family)?;
            return Some(PairTraffic::all());
        }
        self.between_groups(from, to, family)
    }

    /// The traffic from any pod of one group to any other pod of a group in one family.
    pub fn between_groups(
        &self,
        source: GroupId,
        destination: GroupId,
        family: Family,
    ) -> Option<PairTraffic> {
        let sources = self.universe.elements_in(source, family)?;
        let destinations = self.universe.elements_in(destination, family)?;
        let egress = self.side(source, Direction::Egress, destinations);
        let ingress = if self.universe.share_node(source, destination) {
            // N26: a hostNetwork pod is its node's traffic, and its own node may always come.
            PairTraffic::all()
        } else {
            self.side(destination, Direction::Ingress, sources)
        };
        Some(PairTraffic::new(
            egress.allowed.intersection(&ingress.allowed),
            &egress.may().intersection(&ingress.may()),
        ))
    }

    /// What one side lets through to or from the peer, which is one of the given elements.
    fn side(&self, subject: GroupId, direction: Direction, peers: &[ElementId]) -> PairTraffic {
        let table = self.table(self.profile(subject, direction), direction);
        let mut each = peers.iter().map(|&peer| table.traffic_of(peer));
        let Some(first) = each.next() else {
            return PairTraffic::default();
        };
        let may = first.may();
        let (must, may) = each.fold((first.allowed, may), |(must, may), traffic| {
            (
                must.intersection(&traffic.allowed),
                may.union(&traffic.may()),
            )
        });
        PairTraffic::new(must, &may)
    }

    /// The traffic between a pod and an address outside the cluster, the pod's side deciding
    /// alone (N4). `None` when the pod has no address of that family.
    pub fn with_external(
        &self,
        pod: PodId,
        direction: Direction,
        address: IpAddr,
    ) -> Option<PairTraffic> {
        let group = self.group_of(pod)?;
        self.universe.elements_in(group, Family::of(address))?;
        let element = self.universe.external_of(address)?;
        let table = self.table(self.profile(group, direction), direction);
        Some(table.traffic_of(element))
    }

    /// Whether the two families must be told apart: some pod has an address in one of them
    /// only, or an address block tells the two addresses of a pod apart.
    pub fn families_differ(&self) -> bool {
        self.universe.families_differ
    }

    /// The groups that have an address of the family, or none at all.
    pub fn groups_in(&self, family: Family) -> &RoaringBitmap {
        self.universe.groups_in(family)
    }

    /// The groups of which all, and of which some, possible addresses of the family are among
    /// the given elements.
    pub fn project(
        &self,
        elements: &RoaringBitmap,
        family: Family,
    ) -> (RoaringBitmap, RoaringBitmap) {
        self.universe.project(elements, family)
    }

    /// N26: the hostNetwork pods of each node, and the pods on it, as groups.
    pub fn own_node_pairs(&self) -> Vec<(RoaringBitmap, RoaringBitmap)> {
        self.universe.own_node_pairs()
    }

    /// The addresses outside the cluster that the given elements stand for.
    pub fn external_addresses(&self, elements: &RoaringBitmap) -> AddressSet {
        self.universe.external_addresses(elements)
    }
}

/// The rules of a cluster as sets, for who asks more than once: what it takes to make them is kept
/// from the first time on.
pub struct RuleBook<'a> {
    reach: &'a Reach,
    cluster: &'a Cluster,
    postings: OnceCell<posting::Postings<'a>>,
}

impl<'a> RuleBook<'a> {
    /// A book of a cluster and its relation. Nothing is made yet.
    pub fn new(reach: &'a Reach, cluster: &'a Cluster) -> Self {
        RuleBook {
            reach,
            cluster,
            postings: OnceCell::new(),
        }
    }

    /// As [`Reach::rules_of`].
    pub fn rules_of(&self, direction: Direction, groups: &[GroupId]) -> Vec<Vec<RuleBoxes>> {
        let (reach, cluster) = (self.reach, self.cluster);
        let postings = self
            .postings
            .get_or_init(|| posting::Postings::new(cluster, &reach.universe));
        let of = |group: &GroupId| {
            let policies = &reach
                .table(reach.profile(*group, direction), direction)
                .policies;
            table::rules_of(
                cluster,
                &reach.universe,
                postings,
                direction,
                *group,
                policies,
            )
        };
        groups.iter().map(of).collect()
    }
}

impl std::fmt::Debug for RuleBook<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleBook").finish_non_exhaustive()
    }
}

/// Indexes are `u32` throughout; a `usize` is never smaller on a supported target.
fn to_index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

/// The id of the next entry of a list. Lists of more than 2^32 entries do not fit in memory.
fn next_id(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
