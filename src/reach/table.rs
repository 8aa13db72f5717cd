//! Profiles and their canonical tables.
//!
//! Pods that the same policies select in a direction (and, for ingress, whose named ports
//! resolve alike) let through the same traffic. That is computed once for each such profile,
//! by walking the tiers with sets of elements in place of one peer.

use super::posting::Postings;
use super::universe::{ElementId, GroupId, Universe};
use super::{PairTraffic, next_id, to_index};
use crate::model::{
    Action, Cluster, Direction, PolicyId, PortMatchKind, PortSet, Protocol, Rule, Symbol, Tier,
    TrafficSet, Undecided,
};
use roaring::RoaringBitmap;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::LazyLock;

/// The index of a profile within its direction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProfileId(pub u32);

/// Who is let through on some traffic.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// The elements.
    pub peers: RoaringBitmap,
    /// Other elements that may be let through: which of two policies of the same priority wins is
    /// not defined, or which addresses a name stands for is not known.
    pub unsure: RoaringBitmap,
    /// The traffic; disjoint from that of the table's other entries.
    pub traffic: TrafficSet,
}

/// What a profile lets through, in canonical form: entries have pairwise disjoint traffic and
/// distinct peers that are let through or may be, so a port of a protocol is in at most one entry.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Table {
    /// The entries, in the order of their first port.
    pub entries: Vec<Entry>,
    /// Who is let through for certain on all other traffic: what has no port that a policy can
    /// name.
    pub rest: RoaringBitmap,
    /// The policies that select the pods of this profile, in order.
    pub policies: Vec<PolicyId>,
    isolated: bool,
}

impl Table {
    /// Everything with a port that is let through to or from one element, or may be.
    pub fn traffic_of(&self, element: ElementId) -> PairTraffic {
        let mut found = PairTraffic::default();
        for entry in &self.entries {
            if entry.peers.contains(element.0) {
                found.allowed = found.allowed.union(&entry.traffic);
            } else if entry.unsure.contains(element.0) {
                found.unknown = found.unknown.union(&entry.traffic);
            }
        }
        found
    }

    /// Whether a NetworkPolicy isolates the pods (N1, N2). Policies of other tiers only have rules.
    pub fn is_isolated(&self) -> bool {
        self.isolated
    }

    /// Whether some policy of any tier selects the pods; without one everything is let through.
    pub fn has_policies(&self) -> bool {
        !self.policies.is_empty()
    }
}

/// The profiles of one direction.
#[derive(Debug)]
pub(super) struct Profiles {
    of_group: Vec<ProfileId>,
    tables: Vec<Table>,
    members: Vec<RoaringBitmap>,
}

/// A rule reduced to sets: it matches if some box holds both the peer and the traffic.
#[derive(Debug)]
pub struct RuleBoxes {
    /// The tier of its policy.
    pub tier: Tier,
    priority: u32,
    /// What the rule does.
    pub action: Action,
    /// The policy.
    pub policy: PolicyId,
    /// The rule's index in the policy's list of the direction.
    pub rule: usize,
    /// Elements with the traffic on which the rule matches them.
    pub boxes: Vec<(Rc<RoaringBitmap>, Traffic)>,
    /// Likewise, other elements that it may match.
    pub perhaps: Vec<(Rc<RoaringBitmap>, Traffic)>,
}

/// The traffic of a rule.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// The ports.
    pub ports: TrafficSet,
    /// Whether the rule has no `ports`, and so matches what has none as well.
    pub any: bool,
}

/// What identifies a profile: the policies that select, and what named ports mean there.
type ProfileKey = (Vec<PolicyId>, Vec<(Symbol, Protocol, u16)>);

impl Profiles {
    /// Finds the profiles of all groups and computes their tables.
    pub(super) fn new<'a>(
        cluster: &'a Cluster,
        universe: &Universe,
        postings: &Postings<'a>,
        direction: Direction,
    ) -> Self {
        let selecting = selecting_policies(cluster, universe, postings, direction);
        let mut profiles = Profiles {
            of_group: Vec::new(),
            tables: Vec::new(),
            members: Vec::new(),
        };
        let mut ids: HashMap<ProfileKey, ProfileId> = HashMap::new();
        let mut rules = Vec::new();
        for (index, policies) in selecting.into_iter().enumerate() {
            let group = GroupId(next_id(index));
            let resolved = match direction {
                Direction::Egress => Vec::new(),
                Direction::Ingress => own_ports(cluster, universe, group, &policies),
            };
            let key = (policies, resolved);
            let id = match ids.get(&key) {
                Some(&id) => id,
                None => {
                    let id = ProfileId(next_id(rules.len()));
                    rules.push(rule_boxes(cluster, universe, postings, direction, &key));
                    profiles.members.push(RoaringBitmap::new());
                    let policies = || key.0.iter().filter_map(|&id| cluster.policy(id));
                    profiles.tables.push(Table {
                        entries: Vec::new(),
                        rest: RoaringBitmap::new(),
                        policies: key.0.clone(),
                        isolated: policies().any(|policy| policy.tier == Tier::NetworkPolicy),
                    });
                    ids.insert(key, id);
                    id
                }
            };
            profiles.of_group.push(id);
            if let Some(members) = profiles.members.get_mut(to_index(id.0)) {
                members.insert(group.0);
            }
        }
        let everything = universe.everything();
        for (table, rules) in profiles.tables.iter_mut().zip(&rules) {
            table.entries = tabulate(cluster, direction, &everything, &table.policies, rules);
            let rest = |traffic: &Traffic| traffic.any;
            table.rest = let_through(
                cluster,
                direction,
                &everything,
                &table.policies,
                rules,
                rest,
            )
            .certain;
        }
        profiles
    }

    pub(super) fn len(&self) -> usize {
        self.tables.len()
    }

    pub(super) fn of(&self, group: GroupId) -> ProfileId {
        self.of_group
            .get(to_index(group.0))
            .copied()
            .unwrap_or(ProfileId(0))
    }

    pub(super) fn table(&self, profile: ProfileId) -> &Table {
        // Every profile id of this struct was made together with its table.
        static EMPTY: LazyLock<Table> = LazyLock::new(Table::default);
        self.tables.get(to_index(profile.0)).unwrap_or(&EMPTY)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Table, &RoaringBitmap)> {
        self.tables.iter().zip(&self.members)
    }
}

/// The rules that apply to the pods of a group in a direction, as sets, in order of evaluation.
pub(super) fn rules_of<'a>(
    cluster: &'a Cluster,
    universe: &Universe,
    postings: &Postings<'a>,
    direction: Direction,
    group: GroupId,
    policies: &[PolicyId],
) -> Vec<RuleBoxes> {
    let resolved = match direction {
        Direction::Egress => Vec::new(),
        Direction::Ingress => own_ports(cluster, universe, group, policies),
    };
    rule_boxes(
        cluster,
        universe,
        postings,
        direction,
        &(policies.to_vec(), resolved),
    )
}

/// The policies that select each group in a direction, in the cluster's order.
fn selecting_policies<'a>(
    cluster: &'a Cluster,
    universe: &Universe,
    postings: &Postings<'a>,
    direction: Direction,
) -> Vec<Vec<PolicyId>> {
    let mut selecting = vec![Vec::new(); universe.groups.len()];
    for (id, policy) in cluster.policies_with_ids() {
        if policy.rules(direction).is_none() {
            continue;
        }
        // Elements beyond the first of a group are selected with it, and have higher numbers.
        for element in postings
            .pods(&policy.subject.namespaces, &policy.subject.pods)
            .iter()
        {
            if let Some(policies) = selecting.get_mut(to_index(element)) {
                policies.push(id);
            }
        }
    }
    selecting
}

/// What the named ports of these policies' ingress rules mean on a pod of the group (N18).
fn own_ports(
    cluster: &Cluster,
    universe: &Universe,
    group: GroupId,
    policies: &[PolicyId],
) -> Vec<(Symbol, Protocol, u16)> {
    let names: BTreeSet<Symbol> = policies
        .iter()
        .filter_map(|&id| cluster.policy(id)?.rules(Direction::Ingress))
        .flatten()
        .flat_map(|rule| rule.ports.iter().flatten())
        .filter_map(|port| match &port.kind {
            PortMatchKind::Named { name, .. } => Some(*name),
            PortMatchKind::Range { .. } => None,
        })
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let first = universe
        .groups
        .get(to_index(group.0))
        .and_then(|group| group.pods.first());
    let ports = first
        .and_then(|&pod| cluster.pod(pod))
        .map_or(&[][..], |pod| &pod.ports);
    let mut resolved: Vec<_> = ports
        .iter()
        .filter_map(|port| Some((port.name?, port.protocol, port.port)))
        .filter(|(name, _, _)| names.contains(name))
        .collect();
    resolved.sort_unstable();
    resolved.dedup();
    resolved
}

/// The rules of a profile in order of evaluation, as sets.
fn rule_boxes<'a>(
    cluster: &'a Cluster,
    universe: &Universe,
    postings: &Postings<'a>,
    direction: Direction,
    (policies, resolved): &ProfileKey,
) -> Vec<RuleBoxes> {
    let everything = Rc::new(universe.everything());
    let mut all = Vec::new();
    let known = policies
        .iter()
        .filter_map(|&id| Some((id, cluster.policy(id)?)));
    for (id, policy) in known {
        for (index, rule) in policy
            .rules(direction)
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let peers = match rule.peers.as_deref() {
                None => Rc::clone(&everything),
                Some([peer]) => postings.peer(&peer.kind),
                Some(peers) => Rc::new(peers.iter().fold(RoaringBitmap::new(), |set, peer| {
                    set | postings.peer(&peer.kind).as_ref()
                })),
            };
            let boxes = traffic_boxes(postings, direction, rule, resolved, &peers);
            let others = rule.peers.iter().flatten();
            let others = others.fold(RoaringBitmap::new(), |set, peer| {
                set | postings.perhaps(&peer.kind)
            });
            let others = Rc::new(others - peers.as_ref());
            let perhaps = match others.is_empty() {
                true => Vec::new(),
                false => traffic_boxes(postings, direction, rule, resolved, &others),
            };
            all.push(RuleBoxes {
                tier: policy.tier,
                priority: policy.priority,
                action: rule.action,
                policy: id,
                rule: index,
                boxes,
                perhaps,
            });
        }
    }
    all
}

/// The traffic of a rule with the peers it applies to. An ingress rule's named ports are the
/// subject's own; an egress rule's are those of each destination (N18).
fn traffic_boxes(
    postings: &Postings<'_>,
    direction: Direction,
    rule: &Rule,
    resolved: &[(Symbol, Protocol, u16)],
    peers: &Rc<RoaringBitmap>,
) -> Vec<(Rc<RoaringBitmap>, Traffic)> {
    let of = |ports| Traffic { ports, any: false };
    let Some(ports) = &rule.ports else {
        let traffic = Traffic {
            ports: TrafficSet::all(),
            any: true,
        };
        return vec![(Rc::clone(peers), traffic)];
    };
    let mut boxes = Vec::new();
    let mut fixed = TrafficSet::none();
    for port in ports {
        match (&port.kind, direction) {
            (
                PortMatchKind::Range {
                    protocol,
                    first,
                    last,
                },
                _,
            ) => {
                fixed = fixed.union(&TrafficSet::ports(*protocol, *first, *last));
            }
            (PortMatchKind::Named { protocol, name }, Direction::Ingress) => {
                let own = resolved.iter().filter(|(declared, p, _)| {
                    declared == name && protocol.is_none_or(|wanted| wanted == *p)
                });
                for &(_, protocol, number) in own {
                    fixed = fixed.union(&TrafficSet::ports(protocol, number, number));
                }
            }
            (PortMatchKind::Named { .. }, Direction::Egress) => {
                for (protocol, number, elements) in postings.named(&port.kind) {
                    let peers = peers.as_ref() & elements;
                    if !peers.is_empty() {
                        let traffic = TrafficSet::ports(protocol, number, number);
                        boxes.push((Rc::new(peers), of(traffic)));
                    }
                }
            }
        }
    }
    if !fixed.is_none() {
        boxes.push((Rc::clone(peers), of(fixed)));
    }
    boxes
}

/// The canonical table: the port space is cut at the edges of all boxes, each piece is
/// evaluated through the tiers, and pieces with the same peers are joined.
fn tabulate(
    cluster: &Cluster,
    direction: Direction,
    everything: &RoaringBitmap,
    policies: &[PolicyId],
    rules: &[RuleBoxes],
) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for protocol in Protocol::ALL {
        for (first, last) in port_pieces(protocol, rules) {
            let on_port = |traffic: &Traffic| traffic.ports.contains(protocol, first);
            let through = let_through(cluster, direction, everything, policies, rules, on_port);
            let (peers, unsure) = (through.certain, through.unsure);
            if peers.is_empty() && unsure.is_empty() {
                continue;
            }
            let traffic = TrafficSet::of(protocol, PortSet::range(first, last));
            let mut known = entries.iter_mut();
            match known.find(|entry| entry.peers == peers && entry.unsure == unsure) {
                Some(entry) => entry.traffic = entry.traffic.union(&traffic),
                None => entries.push(Entry {
                    peers,
                    unsure,
                    traffic,
                }),
            }
        }
    }
    entries
}

/// Port ranges inside which no rule starts or ends.
fn port_pieces(protocol: Protocol, rules: &[RuleBoxes]) -> Vec<(u16, u16)> {
    let mut starts = BTreeSet::from([1]);
    let boxes = rules
        .iter()
        .flat_map(|rule| rule.boxes.iter().chain(&rule.perhaps));
    for (_, traffic) in boxes {
        for &(first, last) in traffic.ports.get(protocol).ranges() {
            starts.insert(first);
            starts.extend(last.checked_add(1));
        }
    }
    let starts: Vec<u16> = starts.into_iter().collect();
    let ends = starts
        .iter()
        .skip(1)
        .map(|start| start.saturating_sub(1))
        .chain([u16::MAX]);
    starts.iter().copied().zip(ends).collect()
}

/// Elements by what becomes of them.
struct Through {
    /// Let through.
    certain: RoaringBitmap,
    /// Let through or not.
    unsure: RoaringBitmap,
}

/// The elements that are let through on some traffic, of which all rules either match all or
/// none: `evaluate` with a set in place of the peer.
fn let_through(
    cluster: &Cluster,
    direction: Direction,
    everything: &RoaringBitmap,
    policies: &[PolicyId],
    rules: &[RuleBoxes],
    is_about: impl Fn(&Traffic) -> bool,
) -> Through {
    let (mut may_pass, mut may_stop) = (RoaringBitmap::new(), RoaringBitmap::new());
    let mut open = everything.clone();
    for tier in Tier::ALL {
        let selects = policies
            .iter()
            .filter_map(|&id| cluster.policy(id))
            .any(|policy| policy.tier == tier && policy.rules(direction).is_some());
        if !selects {
            continue;
        }
        let mut left = RoaringBitmap::new();
        let of_tier = rules.iter().filter(|rule| rule.tier == tier);
        let of_tier: Vec<&RuleBoxes> = of_tier.collect();
        for equals in of_tier.chunk_by(|a, b| a.priority == b.priority) {
            // Of policies of one priority any may be asked first: each is, with all that is open.
            // Where all do the same, as NetworkPolicies do (N3), that comes to asking them in a row.
            let mut stays_open = open.clone();
            let is_uniform = equals.windows(2).all(|pair| match pair {
                [a, b] => a.action == b.action,
                _ => true,
            });
            for policy in equals.chunk_by(|a, b| is_uniform || a.policy == b.policy) {
                let mut undecided = open.clone();
                for rule in policy {
                    // What may match leaves the rest as open as before.
                    for (peers, traffic) in &rule.perhaps {
                        if is_about(traffic) {
                            let matched = &undecided & peers.as_ref();
                            match rule.action {
                                Action::Accept => may_pass |= matched,
                                Action::Deny => may_stop |= matched,
                                Action::Pass => left |= matched,
                            }
                        }
                    }
                    for (peers, traffic) in &rule.boxes {
                        if !is_about(traffic) {
                            continue;
                        }
                        let matched = &undecided & peers.as_ref();
                        match rule.action {
                            Action::Accept => may_pass |= &matched,
                            Action::Deny => may_stop |= &matched,
                            Action::Pass => left |= &matched,
                        }
                        undecided -= matched;
                    }
                }
                stays_open &= undecided;
            }
            open = stays_open;
        }
        open = match tier.undecided() {
            Undecided::Deny => {
                may_stop |= open;
                left
            }
            Undecided::NextTier => open | left,
        };
    }
    // N1, and the default after the last tier.
    may_pass |= open;
    Through {
        certain: &may_pass - &may_stop,
        unsure: may_pass & may_stop,
    }
}
