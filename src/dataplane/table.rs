//! The neutral compiled form: what a node's filter has to hold, in no dataplane's words.
//!
//! The pods of a node that the same policies select in a direction form a *class*. Its table is
//! canonical: rows have pairwise disjoint peers and distinct traffic, so each address is in at
//! most one row, `except` is subtracted, and named ports are numbers. The address space is never
//! cut finer than policies do.

use crate::model::{
    Action, AddressBook, AddressSet, Cluster, Direction, Half, PodId, PolicyId, PortSet, Protocol,
    RangeSet, TrafficSet,
};
use crate::reach::{Element, GroupId, ProfileId, Reach, RuleBoxes};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// Traffic of a row. Port 0, which no policy can name, is a port of a protocol here like others.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Traffic {
    /// The ports of each protocol, in the order of [`Protocol::ALL`].
    pub ports: [PortSet; 3],
    /// Whether protocols without ports are let through as well.
    pub other: bool,
}

impl Traffic {
    fn new(ports: &TrafficSet, rest: bool) -> Traffic {
        Traffic {
            ports: Protocol::ALL.map(|protocol| {
                let named = ports.get(protocol).ranges().iter().copied();
                RangeSet::from_ranges(named.chain(rest.then_some((0, 0))))
            }),
            other: rest,
        }
    }

    /// Whether this is all traffic there is.
    pub fn is_all(&self) -> bool {
        self.other && self.ports.iter().all(|ports| *ports == PortSet::full())
    }

    /// The part of it that policies can name.
    fn named(&self) -> TrafficSet {
        let of = |(protocol, ports): (Protocol, &PortSet)| {
            TrafficSet::of(protocol, ports.intersection(&PortSet::range(1, u16::MAX)))
        };
        let each = Protocol::ALL.into_iter().zip(&self.ports).map(of);
        each.fold(TrafficSet::none(), |set, ports| set.union(&ports))
    }
}

/// Who is let through on some traffic, and by what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The peers; disjoint from those of the other rows.
    pub peers: AddressSet,
    /// The traffic; not that of any other row.
    pub traffic: Traffic,
    /// The rules that let some of it through: the policy, and the rule's index in its list.
    pub rules: Vec<(PolicyId, usize)>,
}

/// Pods of the node that are policed alike in a direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Class {
    /// The direction.
    pub direction: Direction,
    /// The pods, in order.
    pub pods: Vec<PodId>,
    /// Their addresses.
    pub addresses: AddressSet,
    /// The policies that select them, in order.
    pub policies: Vec<PolicyId>,
    /// Who is let through. Nobody else is.
    pub rows: Vec<Row>,
}

/// The compiled policy of one node. Pods of the node that no class holds are not isolated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeTable {
    /// The name of the node.
    pub node: String,
    /// The classes: egress first, then by their first pod.
    pub classes: Vec<Class>,
    /// The addresses that only pods of this node can have.
    pub ranges: AddressSet,
    /// Those of them that pods of the cluster are known to have.
    pub known: AddressSet,
}

/// What the tables of all nodes have in common: the addresses that elements stand for.
#[derive(Debug)]
pub struct Compiler<'a> {
    cluster: &'a Cluster,
    reach: &'a Reach,
    /// By element. Those outside still hold the pods' addresses.
    addresses: Vec<AddressSet>,
    outside: RoaringBitmap,
    pods: AddressSet,
}

impl<'a> Compiler<'a> {
    /// Linear in pods and ipBlocks.
    pub fn new(cluster: &'a Cluster, reach: &'a Reach, book: &AddressBook) -> Compiler<'a> {
        let mut outside = RoaringBitmap::new();
        let addresses = reach.elements().map(|(id, element)| match element {
            Element::External { atom } => {
                outside.insert(id.0);
                reach.atom(*atom).cloned().unwrap_or_default()
            }
            Element::Pod { group, atom } => {
                let atom = atom.and_then(|atom| reach.atom(atom));
                pod_addresses(cluster, reach, *group, atom)
            }
        });
        Compiler {
            cluster,
            reach,
            addresses: addresses.collect(),
            outside,
            pods: book.addresses(),
        }
    }

    /// The table of one node. Linear in its classes times the elements that its policies let
    /// through.
    pub fn table(&self, half: &Half<'_>) -> NodeTable {
        let local: BTreeSet<PodId> = half
            .book
            .pods()
            .filter(|(address, _)| half.local().contains(*address))
            .map(|(_, pod)| pod)
            .collect();
        NodeTable {
            node: half.node_name().to_owned(),
            classes: Direction::ALL
                .into_iter()
                .flat_map(|direction| self.classes(direction, &local))
                .collect(),
            known: half.ranges().difference(half.unknown_local()),
            ranges: half.ranges().clone(),
        }
    }

    fn classes(&self, direction: Direction, local: &BTreeSet<PodId>) -> Vec<Class> {
        let mut members: BTreeMap<ProfileId, (GroupId, Vec<PodId>)> = BTreeMap::new();
        for &pod in local {
            let Some(group) = self.reach.group_of(pod) else {
                continue;
            };
            let profile = self.reach.profile(group, direction);
            if self.reach.table(profile, direction).has_policies() {
                members
                    .entry(profile)
                    .or_insert((group, Vec::new()))
                    .1
                    .push(pod);
            }
        }
        let groups: Vec<GroupId> = members.values().map(|(group, _)| *group).collect();
        let rules = self.reach.rules_of(self.cluster, direction, &groups);
        let mut classes: Vec<Class> = members
            .into_iter()
            .zip(rules)
            .map(|((profile, (_, pods)), rules)| self.class(direction, profile, pods, &rules))
            .collect();
        classes.sort_by(|a, b| a.pods.cmp(&b.pods));
        classes
    }

    fn class(
        &self,
        direction: Direction,
        profile: ProfileId,
        pods: Vec<PodId>,
        rules: &[RuleBoxes],
    ) -> Class {
        let table = self.reach.table(profile, direction);
        let mut parts: Vec<(RoaringBitmap, TrafficSet, bool)> = Vec::new();
        for entry in &table.entries {
            parts = refine(parts, &entry.peers, &entry.traffic, false);
        }
        parts = refine(parts, &table.rest, &TrafficSet::none(), true);
        let mut rows: Vec<Row> = parts
            .into_iter()
            .map(|(elements, ports, rest)| {
                let traffic = Traffic::new(&ports, rest);
                Row {
                    peers: self.addresses_of(&elements),
                    rules: contributing(rules, &elements, &traffic),
                    traffic,
                }
            })
            .filter(|row| !row.peers.is_empty())
            .collect();
        rows.sort_by(|a, b| (&a.traffic, &a.peers).cmp(&(&b.traffic, &b.peers)));
        let addresses = pods.iter().filter_map(|&pod| self.cluster.pod(pod));
        Class {
            direction,
            addresses: AddressSet::of_addresses(
                addresses.flat_map(|pod| pod.addresses.iter().copied()),
            ),
            pods,
            policies: table.policies.clone(),
            rows,
        }
    }

    fn addresses_of(&self, elements: &RoaringBitmap) -> AddressSet {
        let sets = |elements: &RoaringBitmap| {
            let known = elements.iter().filter_map(|element| {
                usize::try_from(element)
                    .ok()
                    .and_then(|index| self.addresses.get(index))
            });
            AddressSet::union_of(known)
        };
        let outside = elements & &self.outside;
        let pods = sets(&(elements - &outside));
        if outside.is_empty() {
            return pods;
        }
        // An address in a block that is a pod's is that pod, which selectors see as well.
        pods.union(&sets(&outside).difference(&self.pods))
    }
}

fn pod_addresses(
    cluster: &Cluster,
    reach: &Reach,
    group: GroupId,
    atom: Option<&AddressSet>,
) -> AddressSet {
    let Some(atom) = atom else {
        return AddressSet::default();
    };
    let pods = reach
        .pods_of(group)
        .iter()
        .filter_map(|&pod| cluster.pod(pod));
    // Traffic of a pod on its node's network is its node's: an address outside.
    let pods = pods.filter(|pod| !cluster.is_node_traffic(pod));
    let addresses = pods.flat_map(|pod| pod.addresses.iter().copied());
    AddressSet::of_addresses(addresses.filter(|address| atom.contains(*address)))
}

/// Splits parts by who is in `peers`, and gives those the traffic.
fn refine(
    parts: Vec<(RoaringBitmap, TrafficSet, bool)>,
    peers: &RoaringBitmap,
    traffic: &TrafficSet,
    rest: bool,
) -> Vec<(RoaringBitmap, TrafficSet, bool)> {
    let mut refined = Vec::with_capacity(parts.len() + 1);
    let mut new = peers.clone();
    for (elements, ports, had_rest) in parts {
        new -= &elements;
        let (inside, outside) = (&elements & peers, &elements - peers);
        if !inside.is_empty() {
            refined.push((inside, ports.union(traffic), had_rest || rest));
        }
        if !outside.is_empty() {
            refined.push((outside, ports, had_rest));
        }
    }
    if !new.is_empty() {
        refined.push((new, traffic.clone(), rest));
    }
    refined
}

/// The accepting rules that match some of the elements on some of the traffic.
fn contributing(
    rules: &[RuleBoxes],
    elements: &RoaringBitmap,
    traffic: &Traffic,
) -> Vec<(PolicyId, usize)> {
    let named = traffic.named();
    let matches = |rule: &&RuleBoxes| {
        rule.boxes.iter().any(|(peers, of)| {
            let shares = (of.any && traffic.other) || !of.ports.intersection(&named).is_none();
            shares && !peers.is_disjoint(elements)
        })
    };
    let accepting = rules.iter().filter(|rule| rule.action == Action::Accept);
    accepting
        .filter(matches)
        .map(|rule| (rule.policy, rule.rule))
        .collect()
}
