//! What pods that could be created can reach: proved by the solver, and every flow that it finds is
//! decided by the specification too.

use super::ways::firsts;
use crate::model::{
    Cluster, Direction, Flow, PodId, PortMatchKind, Protocol, Tier, TrafficSet, Verdict, evaluate,
    selects,
};
use crate::question::explain::rule_traffic;
use crate::question::ties::{orders, ties};
use crate::reach::GroupId;
use crate::symbolic::{
    Addresses, EndSpec, Goal, Limits, Outcome, PairSpec, PodSelection, PolicyIndex, Query,
    TrafficSpec, Vocabulary, World, solve, with_witness,
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What was found for one group of pods.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// What some pod that could be created can reach.
    pub(super) traffic: TrafficSet,
    /// Why that may not be all.
    pub(super) gave_up: Option<String>,
}

/// For each group, beyond what is known to be reached by all, what some pod can reach, whichever of
/// the policies that have the same priority wins.
pub(super) fn future_pods_in_any_order(
    cluster: &Cluster,
    groups: &[(GroupId, PodId, TrafficSet)],
    limits: Limits,
) -> BTreeMap<GroupId, Found> {
    let (orders, is_all) = orders(cluster, &ties(cluster));
    let mut all: BTreeMap<GroupId, Found> = BTreeMap::new();
    for cluster in &orders {
        for (group, found) in future_pods(cluster, groups, limits) {
            let known = all.entry(group).or_insert(Found {
                traffic: TrafficSet::none(),
                gave_up: (!is_all).then(|| "too many policies have the same priority".to_owned()),
            });
            known.traffic = known.traffic.union(&found.traffic);
            known.gave_up = known.gave_up.take().or(found.gave_up);
        }
    }
    all
}

/// The same, with policies of equal priority in the order of the cluster.
fn future_pods(
    cluster: &Cluster,
    groups: &[(GroupId, PodId, TrafficSet)],
    limits: Limits,
) -> BTreeMap<GroupId, Found> {
    let index = PolicyIndex::new(cluster);
    let vocabulary = Vocabulary::new(&[cluster], [], [], []);
    let breaks = breaks(cluster);
    let asker = Asker {
        cluster,
        index: &index,
        vocabulary: &vocabulary,
        breaks: &breaks,
        limits,
    };
    groups
        .par_iter()
        .map_init(
            || cluster.clone(),
            |scratch, (group, pod, known)| (*group, asker.ask(scratch, *pod, known)),
        )
        .collect()
}

/// The ports where what a policy says can change: between two of them it says the same.
fn breaks(cluster: &Cluster) -> Vec<(Protocol, u16)> {
    let mut found = Vec::new();
    let mut around = |protocol: Protocol, first: u16, last: u16| {
        found.push((protocol, first));
        found.extend(last.checked_add(1).map(|next| (protocol, next)));
    };
    for policy in &cluster.policies {
        for direction in Direction::ALL {
            let rules = policy.rules(direction).unwrap_or_default();
            for port in rules.iter().flat_map(|rule| rule.ports.iter().flatten()) {
                if let PortMatchKind::Range {
                    protocol,
                    first,
                    last,
                } = port.kind
                {
                    around(protocol, first, last);
                }
            }
        }
    }
    for port in cluster.pods.iter().flat_map(|pod| &pod.ports) {
        if port.name.is_some() {
            around(port.protocol, port.port, port.port);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

struct Asker<'a> {
    cluster: &'a Cluster,
    index: &'a PolicyIndex,
    vocabulary: &'a Vocabulary,
    breaks: &'a [(Protocol, u16)],
    limits: Limits,
}

impl Asker<'_> {
    /// Asks for a pod that reaches more, until there is none. Each answer is put into the cluster
    /// and tried on every port, so there are few.
    fn ask(&self, scratch: &mut Cluster, pod: PodId, known: &TrafficSet) -> Found {
        let mut found = TrafficSet::none();
        let mut rest = self.bound(pod).difference(known);
        let mut gave_up = None;
        while !rest.is_none() {
            let outcome = solve(&self.query(pod, &rest), self.limits).0;
            let witness = match outcome {
                Outcome::Impossible => break,
                Outcome::Unknown { reason } => {
                    gave_up = Some(reason);
                    break;
                }
                Outcome::Found(witness) => witness,
            };
            let more = with_witness(scratch, &witness, |cluster, flow| {
                let atoms = firsts(&rest, self.breaks).into_iter();
                let reached = atoms.filter(|&(protocol, port, _)| {
                    let flow = Flow {
                        protocol,
                        port,
                        ..*flow
                    };
                    evaluate(cluster, &flow).verdict != Verdict::Denied
                });
                reached.fold(TrafficSet::none(), |all, (protocol, first, last)| {
                    all.union(&TrafficSet::ports(protocol, first, last))
                })
            });
            if more.is_none() {
                gave_up =
                    Some("the specification does not confirm a flow that it found".to_owned());
                break;
            }
            rest = rest.difference(&more);
            found = found.union(&more);
        }
        Found {
            traffic: found,
            gave_up,
        }
    }

    /// What could be let in at most: where no rule of a NetworkPolicy that isolates the pod has a
    /// port for it, nothing is (N3), and nobody need be asked. Rules of other tiers are not so
    /// simple.
    fn bound(&self, id: PodId) -> TrafficSet {
        let Some(pod) = self.cluster.pod(id) else {
            return TrafficSet::none();
        };
        let selecting = self.cluster.policies.iter().filter(|policy| {
            policy.rules(Direction::Ingress).is_some()
                && selects(self.cluster, &policy.subject, pod)
        });
        let mut bound = TrafficSet::none();
        let mut is_isolated = false;
        for policy in selecting {
            if policy.tier != Tier::NetworkPolicy {
                return TrafficSet::all();
            }
            is_isolated = true;
            for rule in policy.rules(Direction::Ingress).unwrap_or_default() {
                bound = bound.union(&rule_traffic(self.cluster, rule, &[id]));
            }
        }
        match is_isolated {
            true => bound,
            false => TrafficSet::all(),
        }
    }

    fn query(&self, pod: PodId, traffic: &TrafficSet) -> Query<'_> {
        Query {
            vocabulary: self.vocabulary,
            worlds: vec![World {
                cluster: self.cluster,
                index: self.index,
                omitted: Vec::new(),
            }],
            source: EndSpec::Possible {
                any_of: vec![PodSelection::everything()],
                none_of: Vec::new(),
            },
            destination: EndSpec::Existing(vec![pod]),
            traffic: TrafficSpec::of(traffic),
            family: None,
            pairs: PairSpec::default(),
            addresses: match self.cluster.pod_cidrs.as_slice() {
                [] => Addresses::Blind,
                ranges => Addresses::Within(ranges.to_vec()),
            },
            goal: Goal::Allowed,
        }
    }
}
