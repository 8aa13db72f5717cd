//! What policy can tell apart: groups of pods, atoms of addresses, and elements.

use super::pair::{Unit, units};
use super::{next_id, to_index};
use crate::model::{
    AddressSet, Cluster, Direction, Family, PeerKind, Pod, PodId, PortMatchKind, Protocol,
    RangeSet, Selector, Symbol, block_addresses,
};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;

/// The index of a group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(pub u32);

/// The index of an element, and its bit in every bitmap of elements.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ElementId(pub u32);

/// One thing that a peer can match.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Element {
    /// A pod of a group, with the atom its address is in; `None` when no block can match it.
    Pod {
        /// The group.
        group: GroupId,
        /// The index of the atom.
        atom: Option<usize>,
    },
    /// An address outside the cluster, by the index of its atom.
    External {
        /// The index of the atom.
        atom: usize,
    },
}

/// Which addresses pods of a group have in one family.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Presence {
    /// None known, so no block matches.
    Blind,
    /// One in one of these atoms; none of this family when empty.
    Atoms(Vec<usize>),
}

/// Pods that no policy of the cluster can tell apart.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) pods: Vec<PodId>,
    /// The elements it can be in each family, in the order of [`Family::ALL`].
    elements: [Vec<ElementId>; 2],
    /// The node, when it matters that a pod shares one with a hostNetwork pod (N26).
    node: Option<String>,
    /// Whether selectors pass over it (N27 b).
    pub(super) node_traffic: bool,
}

/// What identifies a group.
#[derive(Clone, PartialEq, Eq, Hash)]
struct GroupKey<'a> {
    namespace: u32,
    labels: Vec<(Symbol, Symbol)>,
    named_ports: Vec<(Symbol, Protocol, u16)>,
    node_traffic: bool,
    node: Option<&'a str>,
    presence: [Presence; 2],
}

/// All that policy can tell apart.
#[derive(Debug)]
pub(super) struct Universe {
    pub(super) groups: Vec<Group>,
    pub(super) group_of_pod: Vec<GroupId>,
    pub(super) elements: Vec<Element>,
    /// The first element of an address outside; those of all atoms follow in order.
    first_external: u32,
    atoms: Vec<AddressSet>,
    /// The pod elements in each atom that has any, by atom.
    pods_in_atom: Vec<RoaringBitmap>,
    pub(super) families_differ: bool,
    /// The groups present in each family, in the order of [`Family::ALL`].
    present: [RoaringBitmap; 2],
    /// Whether element and group numbers are the same for all groups.
    one_element_each: bool,
}

/// The label keys, port names and blocks that the policies of a cluster mention.
struct Mentions {
    keys: HashSet<Symbol>,
    port_names: HashSet<Symbol>,
    blocks: Vec<AddressSet>,
}

impl Mentions {
    fn of(cluster: &Cluster) -> Mentions {
        let mut mentions = Mentions {
            keys: HashSet::new(),
            port_names: HashSet::new(),
            blocks: Vec::new(),
        };
        let mut blocks = BTreeSet::new();
        for policy in &cluster.policies {
            mentions.selector(&policy.subject.pods);
            let rules = Direction::ALL
                .into_iter()
                .filter_map(|d| policy.rules(d))
                .flatten();
            for rule in rules {
                for peer in rule.peers.iter().flatten() {
                    match &peer.kind {
                        PeerKind::Pods { pods, .. } => mentions.selector(pods),
                        PeerKind::IpBlock(block) => {
                            blocks.insert(block);
                        }
                        PeerKind::Domain { .. } => {}
                    }
                }
                for port in rule.ports.iter().flatten() {
                    if let PortMatchKind::Named { name, .. } = &port.kind {
                        mentions.port_names.insert(*name);
                    }
                }
            }
        }
        mentions.blocks = blocks.into_iter().map(block_addresses).collect();
        mentions
    }

    fn selector(&mut self, selector: &Selector) {
        self.keys
            .extend(selector.requirements().iter().map(|r| r.key));
    }
}

/// Cuts the address space at the edges of all blocks: inside an atom, all blocks agree.
fn cut(blocks: &[AddressSet]) -> Vec<AddressSet> {
    fn pieces<T: crate::model::Bounded>(
        sets: impl Iterator<Item = RangeSet<T>>,
    ) -> Vec<RangeSet<T>> {
        let mut starts = BTreeSet::from([T::FIRST]);
        for set in sets {
            for &(first, last) in set.ranges() {
                starts.insert(first);
                starts.extend(last.successor());
            }
        }
        let starts: Vec<T> = starts.into_iter().collect();
        let ends = starts
            .iter()
            .skip(1)
            .map(|start| start.predecessor())
            .chain([Some(T::LAST)]);
        starts
            .iter()
            .zip(ends)
            .map(|(&start, end)| RangeSet::range(start, end.unwrap_or(start)))
            .collect()
    }
    let v4 = pieces(blocks.iter().map(|block| block.v4.clone()));
    let v6 = pieces(blocks.iter().map(|block| block.v6.clone()));
    let v4 = v4.into_iter().map(|v4| AddressSet {
        v4,
        v6: RangeSet::empty(),
    });
    let v6 = v6.into_iter().map(|v6| AddressSet {
        v4: RangeSet::empty(),
        v6,
    });
    v4.chain(v6).collect()
}

/// The index of the atom that holds an address. Logarithmic: atoms are in address order.
fn atom_of(atoms: &[AddressSet], address: IpAddr) -> Option<usize> {
    let after =
        match address {
            IpAddr::V4(v4) => atoms
                .partition_point(|atom| atom.v4.first().is_some_and(|first| first <= v4.to_bits())),
            IpAddr::V6(v6) => atoms
                .partition_point(|atom| atom.v6.first().is_none_or(|first| first <= v6.to_bits())),
        };
    after.checked_sub(1)
}

impl Universe {
    /// Groups the pods and cuts the address space.
    pub(super) fn new(cluster: &Cluster) -> Universe {
        let mentions = Mentions::of(cluster);
        let atoms = cut(&mentions.blocks);
        let kinds = Kinds::of(cluster, &mentions, &atoms);
        let members: Vec<[Option<Member<'_>>; 1]> = (0..kinds.keys.len())
            .zip(kinds.pods())
            .map(|(kind, pods)| [kinds.member(kind, pods)])
            .collect();
        let [universe] = assemble(&atoms, &members, [cluster.pods.len()]);
        universe
    }

    /// The pods of two clusters in one numbering: a group is a set of pods that neither cluster
    /// can tell apart, and groups, atoms and elements have the same numbers in both. Also the
    /// units that were grouped, with the group of each.
    pub(super) fn pair(clusters: [&Cluster; 2]) -> ([Universe; 2], Vec<(Unit, GroupId)>) {
        let mentions = clusters.map(Mentions::of);
        let [old_mentions, new_mentions] = &mentions;
        let blocks: BTreeSet<&AddressSet> = mentions.iter().flat_map(|m| &m.blocks).collect();
        let blocks: Vec<AddressSet> = blocks.into_iter().cloned().collect();
        let atoms = cut(&blocks);
        let [old, new] = clusters;
        let (old_kinds, new_kinds) = rayon::join(
            || Kinds::of(old, old_mentions, &atoms),
            || Kinds::of(new, new_mentions, &atoms),
        );
        let units = units(clusters, [&old_kinds.of_pod, &new_kinds.of_pod]);
        let mut ids: HashMap<[Option<usize>; 2], GroupId> = HashMap::new();
        type Pods = [Vec<PodId>; 2];
        let mut pods: Vec<([Option<usize>; 2], Pods)> = Vec::new();
        let mut grouped = Vec::with_capacity(units.len());
        for (unit, kind) in units {
            let next = GroupId(next_id(pods.len()));
            let id = *ids.entry(kind).or_insert(next);
            if id == next {
                pods.push((kind, [Vec::new(), Vec::new()]));
            }
            if let Some((_, own)) = pods.get_mut(to_index(id.0)) {
                for (own, pods) in own.iter_mut().zip(&unit.pods) {
                    own.extend(pods);
                }
            }
            grouped.push((unit, id));
        }
        let members: Vec<[Option<Member<'_>>; 2]> = pods
            .into_iter()
            .map(|([old_kind, new_kind], [old_pods, new_pods])| {
                [
                    old_kind.and_then(|kind| old_kinds.member(kind, old_pods)),
                    new_kind.and_then(|kind| new_kinds.member(kind, new_pods)),
                ]
            })
            .collect();
        let universes = assemble(&atoms, &members, [old.pods.len(), new.pods.len()]);
        (universes, grouped)
    }

    fn add_group(&mut self, id: GroupId, member: Option<&Member<'_>>) {
        self.groups.push(Group {
            pods: member.map_or_else(Vec::new, |member| member.pods.clone()),
            elements: [Vec::new(), Vec::new()],
            node: member.and_then(|member| member.key.node.map(str::to_owned)),
            node_traffic: member.is_some_and(|member| member.key.node_traffic),
        });
        for &pod in member.iter().flat_map(|member| &member.pods) {
            if let Some(slot) = self.group_of_pod.get_mut(to_index(pod.0)) {
                *slot = id;
            }
        }
    }

    fn attach(
        &mut self,
        group: GroupId,
        element: ElementId,
        atom: Option<usize>,
        families: &[usize],
    ) {
        if let Some(group) = self.groups.get_mut(to_index(group.0)) {
            for &family in families {
                if let Some(elements) = group.elements.get_mut(family) {
                    elements.push(element);
                }
            }
        }
        if let Some(pods) = atom.and_then(|atom| self.pods_in_atom.get_mut(atom)) {
            pods.insert(element.0);
        }
    }

    /// Whether all groups with addresses have them in the same single family, so that the
    /// family of a flow goes without saying.
    fn single_family(&self) -> bool {
        let absent = |family: usize| {
            self.groups
                .iter()
                .all(|group| group.elements.get(family).is_none_or(Vec::is_empty))
        };
        absent(0) || absent(1)
    }

    /// The elements a group can be in a family; `None` when it has no address of that family.
    pub(super) fn elements_in(&self, group: GroupId, family: Family) -> Option<&[ElementId]> {
        let index = usize::from(family == Family::V6);
        let elements = self.groups.get(to_index(group.0))?.elements.get(index)?;
        (!elements.is_empty()).then_some(elements.as_slice())
    }

    /// Whether all groups are the same elements as in another universe of the same numbering.
    pub(super) fn has_same_elements(&self, other: &Universe) -> bool {
        self.groups.len() == other.groups.len()
            && self
                .groups
                .iter()
                .zip(&other.groups)
                .all(|(a, b)| a.elements == b.elements)
    }

    /// The groups that have an address of the family, or none at all.
    pub(super) fn groups_in(&self, family: Family) -> &RoaringBitmap {
        let [v4, v6] = &self.present;
        match family {
            Family::V4 => v4,
            Family::V6 => v6,
        }
    }

    /// N26: the source is a hostNetwork pod on the destination's own node.
    pub(super) fn share_node(&self, source: GroupId, destination: GroupId) -> bool {
        let group = |id: GroupId| self.groups.get(to_index(id.0));
        let (Some(source), Some(destination)) = (group(source), group(destination)) else {
            return false;
        };
        source.node_traffic && source.node.is_some() && source.node == destination.node
    }

    /// The hostNetwork groups of each node, and the groups of the pods on it.
    pub(super) fn own_node_pairs(&self) -> Vec<(RoaringBitmap, RoaringBitmap)> {
        let mut by_node: BTreeMap<&str, (RoaringBitmap, RoaringBitmap)> = BTreeMap::new();
        for (id, group) in (0u32..).zip(&self.groups) {
            if let Some(node) = &group.node {
                let (hosts, pods) = by_node.entry(node).or_default();
                let side = if group.node_traffic { hosts } else { pods };
                side.insert(id);
            }
        }
        let pairs = by_node.into_values();
        pairs
            .filter(|(hosts, pods)| !hosts.is_empty() && !pods.is_empty())
            .collect()
    }

    /// Groups all of whose elements of a family, and groups any of whose, are given.
    pub(super) fn project(
        &self,
        elements: &RoaringBitmap,
        family: Family,
    ) -> (RoaringBitmap, RoaringBitmap) {
        let n_groups = next_id(self.groups.len());
        if self.one_element_each {
            let mut groups = elements.clone();
            groups.remove_range(n_groups..);
            if self.families_differ {
                groups &= self.groups_in(family);
            }
            return (groups.clone(), groups);
        }
        let (mut all, mut any) = (RoaringBitmap::new(), RoaringBitmap::new());
        for group in 0..n_groups {
            let Some(own) = self.elements_in(GroupId(group), family) else {
                continue;
            };
            let n_given = own
                .iter()
                .filter(|element| elements.contains(element.0))
                .count();
            if n_given > 0 {
                any.insert(group);
            }
            if n_given == own.len() {
                all.insert(group);
            }
        }
        (all, any)
    }

    /// The addresses of an atom.
    pub(super) fn atom(&self, index: usize) -> Option<&AddressSet> {
        self.atoms.get(index)
    }

    /// The external elements with their addresses, in address order.
    pub(super) fn externals(&self) -> impl Iterator<Item = (ElementId, &AddressSet)> {
        (self.first_external..).map(ElementId).zip(&self.atoms)
    }

    /// The external element that holds an address.
    pub(super) fn external_of(&self, address: IpAddr) -> Option<ElementId> {
        let atom = atom_of(&self.atoms, address)?;
        Some(ElementId(self.first_external.saturating_add(next_id(atom))))
    }

    /// The addresses that the external ones among the elements stand for.
    pub(super) fn external_addresses(&self, elements: &RoaringBitmap) -> AddressSet {
        let chosen = self.externals().filter(|(id, _)| elements.contains(id.0));
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (_, atom) in chosen {
            v4.extend_from_slice(atom.v4.ranges());
            v6.extend_from_slice(atom.v6.ranges());
        }
        AddressSet {
            v4: RangeSet::from_ranges(v4),
            v6: RangeSet::from_ranges(v6),
        }
    }

    /// The elements with an address in the set, which must be a union of atoms.
    pub(super) fn with_address_in(&self, set: &AddressSet) -> RoaringBitmap {
        let mut elements = RoaringBitmap::new();
        for ((id, atom), pods) in self.externals().zip(&self.pods_in_atom) {
            if atom.first().is_some_and(|address| set.contains(address)) {
                elements.insert(id.0);
                elements |= pods;
            }
        }
        elements
    }

    /// Every element.
    pub(super) fn everything(&self) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        all.insert_range(0..next_id(self.elements.len()));
        all
    }
}

/// The pods of one cluster by what its policies can see of them.
struct Kinds<'a> {
    keys: Vec<GroupKey<'a>>,
    /// The index of each pod's key.
    of_pod: Vec<usize>,
}

impl<'a> Kinds<'a> {
    fn of(cluster: &'a Cluster, mentions: &Mentions, atoms: &[AddressSet]) -> Kinds<'a> {
        let possible = possible_atoms(cluster, atoms);
        let nodes_matter = cluster
            .pods
            .iter()
            .any(|pod| cluster.is_node_traffic(pod) && pod.node.is_some());
        let mut ids: HashMap<GroupKey<'_>, usize> = HashMap::new();
        let mut kinds = Kinds {
            keys: Vec::new(),
            of_pod: Vec::with_capacity(cluster.pods.len()),
        };
        for pod in &cluster.pods {
            let key = GroupKey {
                namespace: pod.namespace.0,
                labels: pod
                    .labels
                    .iter()
                    .filter(|(key, _)| mentions.keys.contains(key))
                    .collect(),
                named_ports: named_ports(pod, &mentions.port_names),
                node_traffic: cluster.is_node_traffic(pod),
                node: pod.node.as_deref().filter(|_| nodes_matter),
                presence: presence(atoms, pod, &possible),
            };
            let id = match ids.get(&key) {
                Some(&id) => id,
                None => {
                    let id = kinds.keys.len();
                    kinds.keys.push(key.clone());
                    ids.insert(key, id);
                    id
                }
            };
            kinds.of_pod.push(id);
        }
        kinds
    }

    /// The pods of each kind.
    fn pods(&self) -> Vec<Vec<PodId>> {
        let mut pods = vec![Vec::new(); self.keys.len()];
        for (pod, &kind) in (0u32..).map(PodId).zip(&self.of_pod) {
            if let Some(pods) = pods.get_mut(kind) {
                pods.push(pod);
            }
        }
        pods
    }

    fn member(&self, kind: usize, pods: Vec<PodId>) -> Option<Member<'_>> {
        let key = self.keys.get(kind)?;
        Some(Member { key, pods })
    }
}

/// A group as one cluster sees it.
struct Member<'a> {
    key: &'a GroupKey<'a>,
    pods: Vec<PodId>,
}

/// The universe of each cluster, in a numbering that is the same for all. A group that a cluster
/// does not have is there without pods and elements.
fn assemble<const N: usize>(
    atoms: &[AddressSet],
    members: &[[Option<Member<'_>>; N]],
    n_pods: [usize; N],
) -> [Universe; N] {
    let mut column = 0;
    let mut universes = n_pods.map(|n_pods| {
        let mut universe = Universe {
            groups: Vec::with_capacity(members.len()),
            group_of_pod: vec![GroupId(0); n_pods],
            elements: Vec::new(),
            first_external: 0,
            pods_in_atom: vec![RoaringBitmap::new(); atoms.len()],
            atoms: atoms.to_vec(),
            families_differ: false,
            present: [RoaringBitmap::new(), RoaringBitmap::new()],
            one_element_each: true,
        };
        for (id, each) in (0u32..).map(GroupId).zip(members) {
            let member = each.get(column).and_then(Option::as_ref);
            universe.add_group(id, member);
        }
        column += 1;
        universe
    });
    let presences: Vec<[Option<&[Presence; 2]>; N]> = members
        .iter()
        .map(|each| each.each_ref().map(|m| m.as_ref().map(|m| &m.key.presence)))
        .collect();
    add_elements(&mut universes, &presences);
    universes
}

/// Numbers the elements: each group's first one has the group's number, so that in the
/// common case a bitmap of elements is a bitmap of groups.
fn add_elements<const N: usize>(
    universes: &mut [Universe; N],
    presences: &[[Option<&[Presence; 2]>; N]],
) {
    let mut elements: Vec<Element> = Vec::with_capacity(presences.len());
    let mut later = Vec::new();
    let attach = |universes: &mut [Universe; N], wanted: &Wanted<N>, group, element| {
        for (universe, families) in universes.iter_mut().zip(&wanted.families) {
            if !families.is_empty() {
                universe.attach(group, element, wanted.atom, families);
            }
        }
    };
    for (group, presence) in (0u32..).map(GroupId).zip(presences) {
        let mut wanted = wanted_atoms(presence).into_iter();
        let first = wanted.next();
        let atom = first.as_ref().and_then(|first| first.atom);
        elements.push(Element::Pod { group, atom });
        if let Some(first) = first {
            attach(universes, &first, group, ElementId(group.0));
        }
        later.extend(wanted.map(|wanted| (group, wanted)));
    }
    let one_element_each = later.is_empty();
    for (group, wanted) in later {
        let element = ElementId(next_id(elements.len()));
        elements.push(Element::Pod {
            group,
            atom: wanted.atom,
        });
        attach(universes, &wanted, group, element);
    }
    let first_external = next_id(elements.len());
    let n_atoms = universes.first().map_or(0, |universe| universe.atoms.len());
    elements.extend((0..n_atoms).map(|atom| Element::External { atom }));
    for (column, universe) in universes.iter_mut().enumerate() {
        universe.elements.clone_from(&elements);
        universe.first_external = first_external;
        universe.one_element_each = one_element_each;
        let mut own = presences.iter().filter_map(|each| *each.get(column)?);
        universe.families_differ = own.any(|presence| {
            let mut families = presence.iter();
            families.any(|presence| *presence != Presence::Blind)
        });
        universe.families_differ &= !universe.single_family();
        universe.present = Family::ALL.map(|family| {
            (0..next_id(universe.groups.len()))
                .filter(|&group| universe.elements_in(GroupId(group), family).is_some())
                .collect()
        });
    }
}

/// An element that a group needs: an atom, or none, with the families it is for in each cluster.
struct Wanted<const N: usize> {
    atom: Option<usize>,
    families: [Vec<usize>; N],
}

fn wanted_atoms<const N: usize>(presences: &[Option<&[Presence; 2]>; N]) -> Vec<Wanted<N>> {
    let mut all: Vec<Wanted<N>> = Vec::new();
    for (column, presence) in presences.iter().enumerate() {
        for (family_idx, presence) in presence.iter().copied().flatten().enumerate() {
            let atoms: Vec<Option<usize>> = match presence {
                Presence::Blind => vec![None],
                Presence::Atoms(atoms) => atoms.iter().copied().map(Some).collect(),
            };
            for atom in atoms {
                let at = match all.iter().position(|other| other.atom == atom) {
                    Some(at) => at,
                    None => {
                        all.push(Wanted {
                            atom,
                            families: std::array::from_fn(|_| Vec::new()),
                        });
                        all.len().saturating_sub(1)
                    }
                };
                let families = all.get_mut(at).and_then(|w| w.families.get_mut(column));
                if let Some(families) = families {
                    families.push(family_idx);
                }
            }
        }
    }
    all
}

/// Which addresses a pod has, or could get, in each family.
fn presence(atoms: &[AddressSet], pod: &Pod, possible: &[Presence; 2]) -> [Presence; 2] {
    if pod.addresses.is_empty() {
        // Ranges of pods say nothing of a node's address, which a hostNetwork pod has (N27).
        return match pod.host_network {
            true => [Presence::Blind, Presence::Blind],
            false => possible.clone(),
        };
    }
    Family::ALL.map(|family| {
        let known = pod
            .addresses
            .iter()
            .find(|address| Family::of(**address) == family);
        Presence::Atoms(
            known
                .and_then(|&address| atom_of(atoms, address))
                .into_iter()
                .collect(),
        )
    })
}

/// Where a pod without an address could get one, in each family.
fn possible_atoms(cluster: &Cluster, atoms: &[AddressSet]) -> [Presence; 2] {
    if cluster.pod_cidrs.is_empty() {
        return [Presence::Blind, Presence::Blind];
    }
    let pods = cluster
        .pod_cidrs
        .iter()
        .fold(AddressSet::default(), |set, &net| set.union(&net.into()));
    Family::ALL.map(|family| {
        let of_family = |atom: &AddressSet| atom.first().map(Family::of) == Some(family);
        let overlaps = |atom: &AddressSet| !atom.intersection(&pods).is_empty();
        let indexed = atoms.iter().enumerate();
        Presence::Atoms(
            indexed
                .filter(|(_, atom)| of_family(atom) && overlaps(atom))
                .map(|(index, _)| index)
                .collect(),
        )
    })
}

/// The named ports of a pod that some rule refers to.
fn named_ports(pod: &Pod, names: &HashSet<Symbol>) -> Vec<(Symbol, Protocol, u16)> {
    let mut ports: Vec<_> = pod
        .ports
        .iter()
        .filter_map(|port| Some((port.name?, port.protocol, port.port)))
        .filter(|(name, _, _)| names.contains(name))
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}
