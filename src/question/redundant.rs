//! "Which policies, rules, peers and ports change nothing?": a part is redundant when no flow, of
//! any pod that could be created, would be decided otherwise without it. What makes it so, the
//! rules that say the same, is found by leaving out the others.
//!
//! Each part is asked about alone: of two that say the same, each is redundant as long as the
//! other is there.

use crate::model::{
    AddressSet, Cluster, Direction, NamespaceMatch, Origin, Policy, PolicyId, Rule,
};
use crate::symbolic::{
    Addresses, EndSpec, Goal, Limits, Omission, Omitted, Outcome, PairSpec, PodSelection,
    PolicyIndex, Query, TrafficSpec, Vocabulary, World, compatible, solve,
};
use rayon::prelude::*;

/// A part that changes nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redundant {
    /// The part.
    pub part: Omitted,
    /// Where it is written.
    pub origin: Origin,
    /// The rules, or for a policy the policies, that together say what it says. With none, it lets
    /// nothing through that both ends allow.
    pub shadowed_by: Vec<Omitted>,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Redundancies {
    /// The redundant parts, in the order of the policies. Of a redundant policy or rule its parts
    /// are not listed.
    pub found: Vec<Redundant>,
    /// The parts of which it is not known, with the reason.
    pub unknown: Vec<(Omitted, String)>,
    /// How many parts were asked about.
    pub asked: usize,
}

/// Finds the redundant parts of all policies, on all cores. A query or two for each policy, rule,
/// peer and port, and for each redundant part one for each rule that could shadow it.
pub fn redundant(cluster: &Cluster, limits: Limits) -> Redundancies {
    let index = PolicyIndex::new(cluster);
    let vocabulary = Vocabulary::new(&[cluster], [], [], []);
    let asker = Asker {
        cluster,
        index: &index,
        vocabulary: &vocabulary,
        limits,
    };
    let policies: Vec<PolicyId> = cluster.policies_with_ids().map(|(id, _)| id).collect();
    let parts: Vec<Redundancies> = policies.par_iter().map(|id| asker.policy(*id)).collect();
    parts
        .into_iter()
        .fold(Redundancies::default(), |mut all, part| {
            all.found.extend(part.found);
            all.unknown.extend(part.unknown);
            all.asked += part.asked;
            all
        })
}

#[derive(Clone, Copy)]
struct Asker<'a> {
    cluster: &'a Cluster,
    index: &'a PolicyIndex,
    vocabulary: &'a Vocabulary,
    limits: Limits,
}

impl Asker<'_> {
    fn policy(&self, id: PolicyId) -> Redundancies {
        let mut answer = Redundancies::default();
        let Some(policy) = self.cluster.policy(id) else {
            return answer;
        };
        if self.ask(id, Omission::Policy, &policy.origin, &mut answer) {
            return answer;
        }
        for direction in Direction::ALL {
            let rules = policy.rules(direction).unwrap_or_default();
            for (index, rule) in rules.iter().enumerate() {
                let what = Omission::Rule(direction, index);
                if self.ask(id, what, &policy.origin_of(&rule.route), &mut answer) {
                    continue;
                }
                for (what, origin) in parts_of(policy, direction, index, rule) {
                    self.ask(id, what, &origin, &mut answer);
                }
            }
        }
        answer
    }

    /// Asks about one part; whether it is redundant.
    fn ask(
        &self,
        policy: PolicyId,
        what: Omission,
        origin: &Origin,
        answer: &mut Redundancies,
    ) -> bool {
        answer.asked += 1;
        let part = Omitted { policy, what };
        match self.changes(part, &[]) {
            Ok(true) => false,
            Ok(false) => {
                answer.found.push(Redundant {
                    part,
                    origin: origin.clone(),
                    shadowed_by: self.shadows(part),
                });
                true
            }
            Err(reason) => {
                answer.unknown.push((part, reason));
                false
            }
        }
    }

    /// Whether leaving out the part changes anything, when these others are left out already. The
    /// error says why the solver gave up.
    fn changes(&self, part: Omitted, others: &[Omitted]) -> Result<bool, String> {
        let Some(policy) = self.cluster.policy(part.policy) else {
            return Ok(false);
        };
        let subject = EndSpec::Possible {
            any_of: vec![PodSelection {
                namespaces: policy.subject.namespaces.clone(),
                pods: policy.subject.pods.clone(),
            }],
            none_of: Vec::new(),
        };
        let anyone = EndSpec::Possible {
            any_of: vec![PodSelection::everything()],
            none_of: Vec::new(),
        };
        let outside = EndSpec::Outside(AddressSet::full());
        let world = |omitted| World {
            cluster: self.cluster,
            index: self.index,
            omitted,
        };
        let without: Vec<Omitted> = others.iter().copied().chain([part]).collect();
        for direction in directions(part.what) {
            if policy.rules(direction).is_none() {
                continue;
            }
            for peer in [&outside, &anyone] {
                let (source, destination) = match direction {
                    Direction::Egress => (&subject, peer),
                    Direction::Ingress => (peer, &subject),
                };
                let query = Query {
                    vocabulary: self.vocabulary,
                    worlds: vec![world(others.to_vec()), world(without.clone())],
                    source: source.clone(),
                    destination: destination.clone(),
                    traffic: TrafficSpec::default(),
                    family: None,
                    pairs: PairSpec::default(),
                    addresses: Addresses::Any,
                    goal: Goal::Differs,
                };
                match solve(&query, self.limits).0 {
                    Outcome::Impossible => {}
                    Outcome::Found(_) => return Ok(true),
                    Outcome::Unknown { reason } => return Err(reason),
                }
            }
        }
        Ok(false)
    }

    /// A smallest set of other rules (or policies) that makes the part redundant: each is left out
    /// in turn, for good where the part stays redundant without it.
    fn shadows(&self, part: Omitted) -> Vec<Omitted> {
        let mut kept = Vec::new();
        let mut left_out = Vec::new();
        for rule in self.rivals(part) {
            left_out.push(rule);
            if self.changes(part, &left_out) != Ok(false) {
                left_out.pop();
                kept.push(rule);
            }
        }
        kept
    }

    /// The other rules that are tried on pods that the part's policy selects; for a policy, the
    /// other policies that select such pods.
    fn rivals(&self, part: Omitted) -> Vec<Omitted> {
        let Some(policy) = self.cluster.policy(part.policy) else {
            return Vec::new();
        };
        let mut rivals = siblings(policy, part);
        for direction in directions(part.what) {
            let namespace = match policy.subject.namespaces {
                NamespaceMatch::Same(namespace) => Some(namespace),
                NamespaceMatch::Labels(_) => None,
            };
            for id in self.index.policies(direction, namespace) {
                let Some(other) = self.cluster.policy(id) else {
                    continue;
                };
                if !compatible(&policy.subject.pods, &other.subject.pods) {
                    continue;
                }
                if part.what == Omission::Policy {
                    // What isolates besides it counts as well as what lets through.
                    let whole = Omitted {
                        policy: id,
                        what: Omission::Policy,
                    };
                    if id != part.policy && !rivals.contains(&whole) {
                        rivals.push(whole);
                    }
                    continue;
                }
                let n_rules = other.rules(direction).map_or(0, <[Rule]>::len);
                let own_rule = match part.what {
                    Omission::Policy => None,
                    Omission::Rule(_, rule)
                    | Omission::Peer(_, rule, _)
                    | Omission::Port(_, rule, _) => Some(rule),
                };
                rivals.extend(
                    (0..n_rules)
                        .filter(|index| id != part.policy || own_rule != Some(*index))
                        .map(|index| Omitted {
                            policy: id,
                            what: Omission::Rule(direction, index),
                        }),
                );
            }
        }
        rivals
    }
}

/// The other peers or ports of a part's rule.
fn siblings(policy: &Policy, part: Omitted) -> Vec<Omitted> {
    let of = |direction, rule: usize| policy.rules(direction)?.get(rule);
    let others: Vec<Omission> = match part.what {
        Omission::Policy | Omission::Rule(..) => Vec::new(),
        Omission::Peer(direction, rule, own) => {
            let n = of(direction, rule)
                .and_then(|rule| rule.peers.as_ref())
                .map_or(0, Vec::len);
            (0..n)
                .filter(|nth| *nth != own)
                .map(|nth| Omission::Peer(direction, rule, nth))
                .collect()
        }
        Omission::Port(direction, rule, own) => {
            let n = of(direction, rule)
                .and_then(|rule| rule.ports.as_ref())
                .map_or(0, Vec::len);
            (0..n)
                .filter(|nth| *nth != own)
                .map(|nth| Omission::Port(direction, rule, nth))
                .collect()
        }
    };
    let omitted = |what| Omitted {
        policy: part.policy,
        what,
    };
    others.into_iter().map(omitted).collect()
}

fn directions(what: Omission) -> Vec<Direction> {
    match what {
        Omission::Policy => Direction::ALL.to_vec(),
        Omission::Rule(direction, _)
        | Omission::Peer(direction, _, _)
        | Omission::Port(direction, _, _) => vec![direction],
    }
}

/// The peers and ports of a rule, where it has several: the only one is the rule itself.
fn parts_of(
    policy: &Policy,
    direction: Direction,
    index: usize,
    rule: &Rule,
) -> Vec<(Omission, Origin)> {
    let mut parts = Vec::new();
    if let Some(peers) = rule.peers.as_ref().filter(|peers| peers.len() > 1) {
        let each = peers.iter().enumerate();
        parts.extend(each.map(|(nth, peer)| {
            (
                Omission::Peer(direction, index, nth),
                policy.origin_of(&peer.route),
            )
        }));
    }
    if let Some(ports) = rule.ports.as_ref().filter(|ports| ports.len() > 1) {
        let each = ports.iter().enumerate();
        parts.extend(each.map(|(nth, port)| {
            (
                Omission::Port(direction, index, nth),
                policy.origin_of(&port.route),
            )
        }));
    }
    parts
}
