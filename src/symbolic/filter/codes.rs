//! Addresses by what tells them apart.

use crate::model::{
    Direction, Family, Half, NamespaceId, PeerKind, PodId, PortMatchKind, Program, Protocol, SetId,
    Symbol,
};
use crate::symbolic::index::PolicyIndex;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

/// Addresses that nothing tells apart.
#[derive(Debug)]
struct Code {
    first: u128,
    /// Another one, if there is.
    other: Option<u128>,
    /// The pod at the first one.
    pod: Option<PodId>,
    is_local: bool,
}

/// All addresses of both families, as codes from 0. Those of IPv4 come first.
#[derive(Debug)]
pub(super) struct Codes {
    codes: Vec<Code>,
    n_v4: usize,
    /// By set of the program: the codes in it, ascending.
    sets: Vec<Vec<usize>>,
    unknown_local: Vec<usize>,
}

/// What policies can see of a pod, as far as any of them looks.
#[derive(PartialEq, Eq, Hash)]
struct Facts {
    namespace: NamespaceId,
    labels: Vec<(Symbol, Symbol)>,
    ports: Vec<(Symbol, Protocol, u16)>,
}

/// What tells addresses apart, besides the sets of the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Seen {
    /// The index of what policies see of the pod that has it.
    pod: Option<usize>,
    /// Between which edges of ipBlocks it is.
    block: u128,
    is_local: bool,
    is_unknown_local: bool,
}

/// Points where what holds an address changes: sets of the program, and the two of the half.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Toggle {
    Set(usize),
    Local,
    UnknownLocal,
}

impl Codes {
    /// One sweep over each family. Linear in the ranges of all sets, and for each in the number
    /// of sets around it.
    pub(super) fn new(program: &Program, half: &Half<'_>, index: &PolicyIndex) -> Codes {
        let facts = pod_facts(half);
        let mut codes = Codes {
            codes: Vec::new(),
            n_v4: 0,
            sets: vec![Vec::new(); program.sets.len()],
            unknown_local: Vec::new(),
        };
        for family in Family::ALL {
            codes.sweep(program, half, index, family, &facts);
            if family == Family::V4 {
                codes.n_v4 = codes.codes.len();
            }
        }
        codes
    }

    fn sweep(
        &mut self,
        program: &Program,
        half: &Half<'_>,
        index: &PolicyIndex,
        family: Family,
        facts: &HashMap<PodId, usize>,
    ) {
        let mut toggles: Vec<(u128, Toggle)> = Vec::new();
        let mut cuts: BTreeSet<u128> = BTreeSet::from([0]);
        let mut add = |set: &crate::model::AddressSet, toggle: Toggle| {
            for (first, last) in set.ranges(family) {
                toggles.push((first, toggle));
                toggles.extend(last.checked_add(1).map(|after| (after, toggle)));
            }
        };
        for (id, set) in program.sets.iter().enumerate() {
            add(set, Toggle::Set(id));
        }
        add(half.local(), Toggle::Local);
        add(half.unknown_local(), Toggle::UnknownLocal);
        toggles.sort_unstable();
        cuts.extend(toggles.iter().map(|(point, _)| *point));
        let mut pods: BTreeMap<u128, PodId> = BTreeMap::new();
        for (address, pod) in half.book.pods().filter(|(a, _)| Family::of(*a) == family) {
            let number = Family::number_of(address);
            pods.insert(number, pod);
            cuts.insert(number);
            cuts.extend(number.checked_add(1));
        }
        cuts.extend(index.edges(family));
        let beyond = match family {
            Family::V4 => Some(1u128 << 32),
            Family::V6 => None,
        };
        let cuts: Vec<u128> = cuts
            .into_iter()
            .filter(|cut| beyond.is_none_or(|beyond| *cut < beyond))
            .collect();
        let mut toggles = toggles.into_iter().peekable();
        let mut active: BTreeSet<Toggle> = BTreeSet::new();
        let mut signatures: HashMap<Vec<Toggle>, usize> = HashMap::new();
        let mut signature = None;
        let mut block = 0;
        let mut known: HashMap<(usize, Seen), usize> = HashMap::new();
        let edges: HashSet<u128> = index.edges(family).collect();
        for (position, &cut) in cuts.iter().enumerate() {
            while let Some((_, toggle)) = toggles.next_if(|(point, _)| *point == cut) {
                if !active.remove(&toggle) {
                    active.insert(toggle);
                }
                signature = None;
            }
            if edges.contains(&cut) {
                block = cut;
            }
            let next = signatures.len();
            let signature = *signature.get_or_insert_with(|| {
                *signatures
                    .entry(active.iter().copied().collect())
                    .or_insert(next)
            });
            let pod = pods.get(&cut).copied();
            let seen = Seen {
                pod: pod.and_then(|pod| facts.get(&pod).copied()),
                block,
                is_local: active.contains(&Toggle::Local),
                is_unknown_local: active.contains(&Toggle::UnknownLocal),
            };
            let end = cuts.get(position + 1).copied().or(beyond);
            let second = cut
                .checked_add(1)
                .filter(|second| end.is_none_or(|end| *second < end));
            match known.get(&(signature, seen)) {
                Some(&code) => {
                    if let Some(code) = self.codes.get_mut(code) {
                        code.other.get_or_insert(cut);
                    }
                }
                None => {
                    let code = self.codes.len();
                    known.insert((signature, seen), code);
                    for toggle in &active {
                        if let Toggle::Set(set) = toggle
                            && let Some(codes) = self.sets.get_mut(*set)
                        {
                            codes.push(code);
                        }
                    }
                    if seen.is_unknown_local {
                        self.unknown_local.push(code);
                    }
                    self.codes.push(Code {
                        first: cut,
                        other: second,
                        pod,
                        is_local: seen.is_local,
                    });
                }
            }
        }
    }

    /// The number of codes; at least two.
    pub(super) fn len(&self) -> usize {
        self.codes.len()
    }

    /// The number of codes of IPv4.
    pub(super) fn n_v4(&self) -> usize {
        self.n_v4
    }

    /// The codes of one address only.
    pub(super) fn alone(&self) -> impl Iterator<Item = usize> {
        let alone = self
            .codes
            .iter()
            .enumerate()
            .filter(|(_, code)| code.other.is_none());
        alone.map(|(index, _)| index)
    }

    /// The codes of a set of the program.
    pub(super) fn in_set(&self, set: SetId) -> &[usize] {
        self.sets.get(set.0).map_or(&[], Vec::as_slice)
    }

    fn as_address(&self, code: usize, number: u128) -> IpAddr {
        let family = if code < self.n_v4 {
            Family::V4
        } else {
            Family::V6
        };
        family.address(number)
    }

    /// An address with that code.
    pub(super) fn address(&self, code: usize) -> Option<IpAddr> {
        Some(self.as_address(code, self.codes.get(code)?.first))
    }

    /// Another one.
    pub(super) fn other_address(&self, code: usize) -> Option<IpAddr> {
        Some(self.as_address(code, self.codes.get(code)?.other?))
    }

    /// Each code with a pod that stands for all that have it.
    pub(super) fn pods(&self) -> impl Iterator<Item = (usize, PodId)> {
        let codes = self.codes.iter().enumerate();
        codes.filter_map(|(index, code)| Some((index, code.pod?)))
    }

    /// The codes of pods on the node, likewise.
    pub(super) fn local_pods(&self) -> impl Iterator<Item = (usize, PodId)> {
        let local = self
            .codes
            .iter()
            .enumerate()
            .filter(|(_, code)| code.is_local);
        local.filter_map(|(index, code)| Some((index, code.pod?)))
    }

    /// The codes of addresses that only an unknown pod of the node can have, ascending.
    pub(super) fn unknown_local(&self) -> &[usize] {
        &self.unknown_local
    }
}

/// For each pod with an address the index of what policies can see of it.
fn pod_facts(half: &Half<'_>) -> HashMap<PodId, usize> {
    let cluster = half.cluster;
    let (mut keys, mut names) = (HashSet::new(), HashSet::new());
    for policy in &cluster.policies {
        let mut selectors = vec![&policy.subject.pods];
        let rules = Direction::ALL
            .into_iter()
            .filter_map(|d| policy.rules(d))
            .flatten();
        for rule in rules {
            for peer in rule.peers.iter().flatten() {
                if let PeerKind::Pods { pods, .. } = &peer.kind {
                    selectors.push(pods);
                }
            }
            for port in rule.ports.iter().flatten() {
                if let PortMatchKind::Named { name, .. } = &port.kind {
                    names.insert(*name);
                }
            }
        }
        let requirements = selectors
            .into_iter()
            .flat_map(|selector| selector.requirements());
        keys.extend(requirements.map(|requirement| requirement.key));
    }
    let mut indexes: HashMap<Facts, usize> = HashMap::new();
    let mut found = HashMap::new();
    for (_, id) in half.book.pods() {
        let Some(pod) = cluster.pod(id) else { continue };
        let ports = pod.ports.iter();
        let mut ports: Vec<_> = ports
            .filter_map(|port| Some((port.name?, port.protocol, port.port)))
            .filter(|(name, _, _)| names.contains(name))
            .collect();
        ports.sort_unstable();
        let facts = Facts {
            namespace: pod.namespace,
            labels: pod
                .labels
                .iter()
                .filter(|(key, _)| keys.contains(key))
                .collect(),
            ports,
        };
        let next = indexes.len();
        found.insert(id, *indexes.entry(facts).or_insert(next));
    }
    found
}
