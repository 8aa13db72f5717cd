//! What in the manifests makes a connection open or close.
//!
//! A side of a connection flips because a rule that matches it is there that was not, or no longer
//! is; because a policy that isolates the pod is there or not; or because what the rules look at
//! has changed: labels, addresses and ports of the pods or labels of their namespaces.

use super::sides::Flip;
use super::text::{rule_text, subject_text};
use crate::model::{
    Action, Cluster, Direction, Labels, Origin, Pod, PolicyId, TrafficSet, Undecided,
};
use crate::reach::{Pair, RuleBoxes, Unit};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A change of a policy that opens or closes something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PolicyCause {
    /// The policy in the old cluster and in the new one; at least one of them is there.
    pub ids: [Option<PolicyId>; 2],
    /// The rules that matter, or the policy as a whole: which side it is on, and where.
    pub places: Vec<(usize, Origin)>,
}

/// Pods or a namespace that rules see with other eyes than before.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Relabelled {
    /// What it is: `labels of Deployment shop/cart`, for example.
    pub what: String,
    /// Where it is written, by side.
    pub places: Vec<(usize, Origin)>,
}

/// Why something is added or removed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// A policy changed, or is new or gone.
    Policy(PolicyCause),
    /// What the policies see of an end changed.
    Relabelled(Relabelled),
    /// An end is new.
    NewWorkload,
    /// An end is gone.
    GoneWorkload,
    /// An Ingress, or what it leads to, changed.
    Ingress(Vec<(usize, Origin)>),
}

/// A cause before it is told: what groups are kept apart by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Blame {
    /// The policy of that number among those of both clusters.
    Policy(usize),
    /// What policies see of the source.
    Source,
    /// What policies see of the destination.
    Destination,
    /// A workload that only one of the two has.
    Workload,
}

/// A place that matters, before it is looked up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Line {
    /// The policy's number among those of both clusters.
    pub(super) policy: usize,
    /// 0 for the old cluster, 1 for the new one.
    pub(super) side: usize,
    /// The rule, or the policy as a whole.
    pub(super) rule: Option<(Direction, usize)>,
}

/// A policy of either cluster, and how its parts compare.
#[derive(Debug)]
struct Paired {
    ids: [Option<PolicyId>; 2],
    has_same_subject: bool,
    /// The texts of the rules of either side, by direction.
    rules: [[BTreeSet<String>; 2]; 2],
}

/// The policies of two clusters, matched by kind, namespace and name.
#[derive(Debug)]
pub(super) struct Policies<'a> {
    clusters: [&'a Cluster; 2],
    paired: Vec<Paired>,
    /// The number of each policy, by side.
    numbers: [HashMap<PolicyId, usize>; 2],
}

impl<'a> Policies<'a> {
    pub(super) fn new(clusters: [&'a Cluster; 2]) -> Self {
        type Name<'n> = (&'n str, Option<&'n str>, &'n str);
        let mut by_name: BTreeMap<Name<'_>, [Option<PolicyId>; 2]> = BTreeMap::new();
        for (side, cluster) in clusters.into_iter().enumerate() {
            for (id, policy) in cluster.policies_with_ids() {
                let namespace = policy.namespace.map(|id| cluster.namespace_name(id));
                let key = (policy.kind, namespace, policy.name.as_str());
                if let Some(slot) = by_name.entry(key).or_default().get_mut(side) {
                    *slot = Some(id);
                }
            }
        }
        let mut numbers = [HashMap::new(), HashMap::new()];
        let mut paired = Vec::with_capacity(by_name.len());
        for (number, ids) in by_name.into_values().enumerate() {
            for (numbers, id) in numbers.iter_mut().zip(ids) {
                numbers.extend(id.map(|id| (id, number)));
            }
            paired.push(Paired {
                ids,
                has_same_subject: false,
                rules: Default::default(),
            });
        }
        Policies {
            clusters,
            paired,
            numbers,
        }
    }

    /// Compares the parts of these policies of one side with the other side's, once.
    fn compare(&mut self, side: usize, policies: &[PolicyId]) {
        for id in policies {
            let number = self.number(side, *id);
            let Some(paired) = self.paired.get_mut(number) else {
                continue;
            };
            let is_done = paired.rules.iter().flatten().any(|rules| !rules.is_empty());
            if is_done || paired.has_same_subject {
                continue;
            }
            let mut subjects = Vec::new();
            for ((cluster, id), rules) in
                self.clusters.iter().zip(paired.ids).zip(&mut paired.rules)
            {
                let Some(policy) = id.and_then(|id| cluster.policy(id)) else {
                    continue;
                };
                subjects.push(subject_text(cluster, policy));
                for (direction, rules) in Direction::ALL.into_iter().zip(rules) {
                    let own = policy.rules(direction).unwrap_or_default();
                    rules.extend(own.iter().map(|rule| rule_text(cluster, rule)));
                }
            }
            paired.has_same_subject = matches!(subjects.as_slice(), [a, b] if a == b);
        }
    }

    /// Those of some policies that deny what no rule of theirs allows, by number.
    fn isolating(&self, side: usize, policies: &[PolicyId]) -> Vec<usize> {
        let cluster = self.clusters.get(side);
        let isolates = |id: &&PolicyId| {
            let policy = cluster.and_then(|cluster| cluster.policy(**id));
            policy.is_some_and(|policy| policy.tier.undecided() == Undecided::Deny)
        };
        let isolating = policies.iter().filter(isolates);
        isolating.map(|&id| self.number(side, id)).collect()
    }

    /// Every policy that is not the same in both clusters: what is left to name when nothing says
    /// which it was.
    pub(super) fn all_changed(&self) -> Vec<Cause> {
        let text = |(cluster, id): (&&Cluster, Option<PolicyId>)| {
            let policy = cluster.policy(id?)?;
            let rules = Direction::ALL.map(|direction| {
                let rules = policy.rules(direction)?.iter();
                Some(
                    rules
                        .map(|rule| rule_text(cluster, rule))
                        .collect::<Vec<_>>(),
                )
            });
            let subject = subject_text(cluster, policy);
            Some((subject, policy.tier, policy.priority, rules))
        };
        let changed = self.paired.iter().enumerate().filter(|(_, paired)| {
            let mut texts = self.clusters.iter().zip(paired.ids).map(text);
            texts.next() != texts.next()
        });
        let none = BTreeSet::new();
        changed
            .filter_map(|(number, _)| self.cause(number, &none))
            .collect()
    }

    fn number(&self, side: usize, id: PolicyId) -> usize {
        let numbers = self.numbers.get(side);
        let number = numbers.and_then(|numbers| numbers.get(&id));
        number.copied().unwrap_or(usize::MAX)
    }

    fn policy(&self, line: Line) -> Option<&'a crate::model::Policy> {
        let id = *self.paired.get(line.policy)?.ids.get(line.side)?;
        self.clusters.get(line.side)?.policy(id?)
    }

    /// Whether the policy applies to a direction on a side.
    fn applies(&self, number: usize, side: usize, direction: Direction) -> bool {
        let whole = Line {
            policy: number,
            side,
            rule: None,
        };
        self.policy(whole)
            .is_some_and(|policy| policy.rules(direction).is_some())
    }

    /// Whether the other side's version of a rule's policy has a rule that means the same.
    fn is_on_both_sides(&self, line: Line) -> bool {
        let Some((direction, index)) = line.rule else {
            return false;
        };
        let text = self.policy(line).and_then(|policy| {
            let rule = policy.rules(direction)?.get(index)?;
            Some(rule_text(self.clusters.get(line.side)?, rule))
        });
        let other = self.paired.get(line.policy).and_then(|paired| {
            let side = paired.rules.get(other_side(line.side))?;
            side.get(position(direction))
        });
        matches!((text, other), (Some(text), Some(other)) if other.contains(&text))
    }

    /// Why a policy that selects a pod on one side does not on the other.
    fn blame_selection(&self, number: usize, direction: Direction, own: Blame) -> Blame {
        let both = [0, 1].map(|side| self.applies(number, side, direction));
        let same = self.paired.get(number).is_some_and(|p| p.has_same_subject);
        if same && both == [true, true] {
            own
        } else {
            Blame::Policy(number)
        }
    }

    /// The causes of blame, told.
    pub(super) fn cause(&self, number: usize, lines: &BTreeSet<Line>) -> Option<Cause> {
        let ids = self.paired.get(number)?.ids;
        let own = lines.iter().filter(|line| line.policy == number);
        let places = own.filter_map(|&line| {
            let policy = self.policy(line)?;
            let origin = match line.rule {
                None => policy.origin.clone(),
                Some((direction, index)) => {
                    policy.origin_of(&policy.rules(direction)?.get(index)?.route)
                }
            };
            Some((line.side, origin))
        });
        let mut places: Vec<(usize, Origin)> = places.collect();
        // A rule that is gone from a policy that is not: what stands in its place now.
        let gone = lines
            .iter()
            .filter(|line| line.policy == number && line.side == 0);
        for line in gone {
            let now = Line { side: 1, ..*line };
            let (Some(policy), Some((direction, index))) = (self.policy(now), line.rule) else {
                continue;
            };
            let rule = policy.rules(direction).and_then(|rules| rules.get(index));
            let rule = rule.filter(|_| !self.is_on_both_sides(now));
            let origin = rule.map_or_else(
                || policy.origin.clone(),
                |rule| policy.origin_of(&rule.route),
            );
            places.push((1, origin));
        }
        if places.is_empty() {
            // The subject or the policyTypes: the policy as a whole, as it is now, or else was.
            places.extend((0..2).rev().find_map(|side| {
                let whole = Line {
                    policy: number,
                    side,
                    rule: None,
                };
                Some((side, self.policy(whole)?.origin.clone()))
            }));
        }
        Some(Cause::Policy(PolicyCause { ids, places }))
    }
}

fn other_side(side: usize) -> usize {
    usize::from(side == 0)
}

fn position(direction: Direction) -> usize {
    usize::from(direction == Direction::Ingress)
}

/// A part of a flip with its causes.
#[derive(Clone, Debug)]
pub(super) struct Blamed {
    pub(super) peers: RoaringBitmap,
    pub(super) traffic: TrafficSet,
    pub(super) blames: BTreeSet<Blame>,
    pub(super) lines: BTreeSet<Line>,
}

/// Splits what flips between two profiles by what causes it. `rules` and `selecting` are those of
/// either side, and `project` turns elements of one side into what `flip.peers` is made of.
pub(super) fn blame(
    policies: &mut Policies<'_>,
    direction: Direction,
    flip: Flip<'_>,
    rules: [&[RuleBoxes]; 2],
    selecting: [&[PolicyId]; 2],
    project: &dyn Fn(usize, &RoaringBitmap) -> RoaringBitmap,
) -> Vec<Blamed> {
    let (own, peer) = match direction {
        Direction::Egress => (Blame::Source, Blame::Destination),
        Direction::Ingress => (Blame::Destination, Blame::Source),
    };
    for (side, selecting) in selecting.iter().enumerate() {
        policies.compare(side, selecting);
    }
    let whole = Blamed {
        peers: flip.peers.clone(),
        traffic: flip.traffic.clone(),
        blames: BTreeSet::new(),
        lines: BTreeSet::new(),
    };
    // The side that lets more through, and with it the rules that do.
    let (open, closed) = if flip.is_added { (1, 0) } else { (0, 1) };
    let deciding = |side: usize, action: Action| {
        let rules = rules.get(side).copied().unwrap_or_default();
        rules
            .iter()
            .filter(move |rule| rule.action == action)
            .map(move |rule| (side, rule))
    };
    let mut parts = vec![whole];
    for (side, rule) in deciding(open, Action::Accept).chain(deciding(closed, Action::Deny)) {
        let number = policies.number(side, rule.policy);
        let line = Line {
            policy: number,
            side,
            rule: Some((direction, rule.rule)),
        };
        let others = selecting.get(other_side(side)).copied().unwrap_or_default();
        let selects_both = others
            .iter()
            .any(|&id| policies.number(other_side(side), id) == number);
        let blame = match (policies.is_on_both_sides(line), selects_both) {
            (true, true) => peer,
            (true, false) => policies.blame_selection(number, direction, own),
            (false, _) => Blame::Policy(number),
        };
        for (elements, traffic) in &rule.boxes {
            let matched = project(side, elements);
            parts = parts
                .into_iter()
                .flat_map(|part| split(part, &matched, &traffic.ports, blame, line))
                .collect();
        }
    }
    let isolating = [open, closed].map(|side| {
        let selecting = selecting.get(side).copied().unwrap_or_default();
        policies.isolating(side, selecting)
    });
    let [open_isolating, closed_isolating] = isolating;
    for part in &mut parts {
        if part.blames.is_empty() && open_isolating.is_empty() {
            // What isolates on one side does not on the other.
            for &number in &closed_isolating {
                part.blames
                    .insert(policies.blame_selection(number, direction, own));
                part.lines.insert(Line {
                    policy: number,
                    side: closed,
                    rule: None,
                });
            }
        }
        if part.blames.is_empty() {
            part.blames.insert(own);
        }
    }
    parts
}

/// The part inside a rule's box, which the rule is blamed for, and what is left.
fn split(
    part: Blamed,
    matched: &RoaringBitmap,
    ports: &TrafficSet,
    blame: Blame,
    line: Line,
) -> Vec<Blamed> {
    let traffic = part.traffic.intersection(ports);
    let peers = &part.peers & matched;
    if traffic.is_none() || peers.is_empty() {
        return vec![part];
    }
    let mut pieces = Vec::with_capacity(3);
    let rest = &part.peers - &peers;
    if !rest.is_empty() {
        pieces.push(Blamed {
            peers: rest,
            ..part.clone()
        });
    }
    let other = part.traffic.difference(&traffic);
    if !other.is_none() {
        pieces.push(Blamed {
            peers: peers.clone(),
            traffic: other,
            ..part.clone()
        });
    }
    let mut inside = Blamed {
        peers,
        traffic,
        ..part
    };
    inside.blames.insert(blame);
    inside.lines.insert(line);
    pieces.push(inside);
    pieces
}

/// What policies see differently of units, told one by one.
pub(super) fn relabelled(clusters: [&Cluster; 2], pair: &Pair, units: &[usize]) -> Vec<Relabelled> {
    let mut found: BTreeSet<Relabelled> = BTreeSet::new();
    for (unit, _) in units.iter().filter_map(|&unit| pair.units.get(unit)) {
        found.extend(seen_differently(clusters, unit));
    }
    found.into_iter().collect()
}

fn seen_differently(clusters: [&Cluster; 2], unit: &Unit) -> Vec<Relabelled> {
    let [old_cluster, new_cluster] = clusters;
    let [old, new] = &unit.pods;
    let pods = old.first().zip(new.first());
    let Some((old, new)) =
        pods.and_then(|(old, new)| Some((old_cluster.pod(*old)?, new_cluster.pod(*new)?)))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let name = new_cluster
        .workload(new.workload)
        .map_or_else(String::new, |workload| {
            let namespace = new_cluster.namespace_name(workload.namespace);
            format!("{} {namespace}/{}", workload.kind, workload.name)
        });
    let mut say = |what: &str, is_of_labels: bool| {
        let at = |origin: &Origin| match is_of_labels {
            true => labels_of(origin),
            false => origin.clone(),
        };
        found.push(Relabelled {
            what: format!("{what} of {name}"),
            places: vec![(0, at(&old.origin)), (1, at(&new.origin))],
        });
    };
    if !same_labels(clusters, [&old.labels, &new.labels]) {
        say("labels", true);
    }
    if old.addresses != new.addresses {
        say("addresses", false);
    }
    if ports(old_cluster, old) != ports(new_cluster, new) {
        say("ports", false);
    }
    if old.host_network != new.host_network {
        say("hostNetwork", false);
    }
    if old.node != new.node {
        say("node", false);
    }
    let namespaces = old_cluster
        .namespace(old.namespace)
        .zip(new_cluster.namespace(new.namespace));
    if let Some((old, new)) = namespaces
        && !same_labels(clusters, [&old.labels, &new.labels])
    {
        let places = [&old.origin, &new.origin];
        let places = places.into_iter().enumerate();
        found.push(Relabelled {
            what: format!("labels of Namespace {}", new.name),
            places: places
                .filter_map(|(side, origin)| Some((side, labels_of(origin.as_ref()?))))
                .collect(),
        });
    }
    found
}

/// Where the labels of an object or a template are written.
fn labels_of(origin: &Origin) -> Origin {
    Origin {
        document: origin.document,
        route: origin.route.clone().key("metadata").key("labels"),
    }
}

fn same_labels(clusters: [&Cluster; 2], labels: [&Labels; 2]) -> bool {
    let mut texts = clusters.into_iter().zip(labels).map(|(cluster, labels)| {
        let name = |symbol| cluster.symbols.name(symbol);
        let pairs = labels.iter().map(|(key, value)| (name(key), name(value)));
        pairs.collect::<BTreeSet<_>>()
    });
    texts.next() == texts.next()
}

fn ports(cluster: &Cluster, pod: &Pod) -> BTreeSet<(String, &'static str, u16)> {
    let named = pod.ports.iter().filter_map(|port| {
        let name = cluster.symbols.name(port.name?).to_owned();
        Some((name, port.protocol.name(), port.port))
    });
    named.collect()
}
