//! Policies of one tier and priority that may disagree about a connection: which of them wins is not
//! defined.

use super::can::pod_name;
use super::diff::{Diff, Ends, Question, diff};
use crate::model::{
    Cluster, Direction, NamespaceMatch, PeerKind, PodId, Policy, PolicyId, PortMatchKind, Rule,
    Selector, Tier, TrafficSet, block_addresses, domain_patterns, with_names,
};
use crate::symbolic::compatible;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Two policies, the first of which is taken first here.
pub type Tie = (PolicyId, PolicyId);

/// Every pair of policies of one tier and priority that could select one pod, and have rules of
/// different actions that could match one connection. Earlier rules may keep that from ever
/// happening, which is not looked at: there may be fewer ties than these, never more. Quadratic in
/// policies of one priority.
pub fn ties(cluster: &Cluster) -> Vec<Tie> {
    let mut found = Vec::new();
    let policies: Vec<(PolicyId, &Policy)> = cluster
        .policies_with_ids()
        .filter(|(_, policy)| policy.tier != Tier::NetworkPolicy)
        .collect();
    for (nth, (first_id, first)) in policies.iter().enumerate() {
        let others = policies.iter().skip(nth.saturating_add(1));
        let same = others.take_while(|(_, p)| (p.tier, p.priority) == (first.tier, first.priority));
        for (second_id, second) in same {
            if disagree(cluster, first, second) {
                found.push((*first_id, *second_id));
            }
        }
    }
    found
}

fn disagree(cluster: &Cluster, first: &Policy, second: &Policy) -> bool {
    may_share_pods(cluster, first, second)
        && Direction::ALL.into_iter().any(|direction| {
            let rules = |policy: &'_ Policy| policy.rules(direction).unwrap_or_default().to_vec();
            let seconds = rules(second);
            rules(first).iter().any(|a| {
                let mut others = seconds.iter().filter(|b| a.action != b.action);
                others.any(|b| may_match_alike(cluster, a, b))
            })
        })
}

/// Whether some pod could be selected by both policies.
pub fn may_share_pods(cluster: &Cluster, a: &Policy, b: &Policy) -> bool {
    let [a, b] = [a, b].map(|policy| (&policy.subject.namespaces, &policy.subject.pods));
    meet(cluster, a, b)
}

/// Whether some connection could be matched by both rules.
pub fn may_match_alike(cluster: &Cluster, a: &Rule, b: &Rule) -> bool {
    peers_meet(cluster, a, b) && ports_meet(a, b)
}

type Pods<'a> = (&'a NamespaceMatch, &'a Selector);

/// Whether some pod could be selected by both.
fn meet(cluster: &Cluster, (a_namespaces, a): Pods<'_>, (b_namespaces, b): Pods<'_>) -> bool {
    let namespaces = match (a_namespaces, b_namespaces) {
        (NamespaceMatch::Labels(a), NamespaceMatch::Labels(b)) => compatible(a, b),
        (NamespaceMatch::Same(a), NamespaceMatch::Same(b)) => a == b,
        (NamespaceMatch::Same(id), NamespaceMatch::Labels(labels))
        | (NamespaceMatch::Labels(labels), NamespaceMatch::Same(id)) => {
            let namespace = cluster.namespace(*id);
            namespace.is_some_and(|namespace| labels.matches(&namespace.labels))
        }
    };
    namespaces && compatible(a, b)
}

fn peers_meet(cluster: &Cluster, a: &Rule, b: &Rule) -> bool {
    let (Some(a), Some(b)) = (&a.peers, &b.peers) else {
        return true;
    };
    a.iter().any(|a| {
        b.iter().any(|b| match (&a.kind, &b.kind) {
            (
                PeerKind::Pods {
                    namespaces: a_namespaces,
                    pods: a,
                },
                PeerKind::Pods {
                    namespaces: b_namespaces,
                    pods: b,
                },
            ) => meet(cluster, (a_namespaces, a), (b_namespaces, b)),
            (PeerKind::IpBlock(a), PeerKind::IpBlock(b)) => {
                let both = block_addresses(a).intersection(&block_addresses(b));
                !both.is_empty()
            }
            // A pod may have an address in a block.
            _ => true,
        })
    })
}

fn ports_meet(a: &Rule, b: &Rule) -> bool {
    let (Some(a), Some(b)) = (&a.ports, &b.ports) else {
        return true;
    };
    a.iter().any(|a| {
        b.iter().any(|b| match (&a.kind, &b.kind) {
            (
                PortMatchKind::Range {
                    protocol: a_protocol,
                    first: a_first,
                    last: a_last,
                },
                PortMatchKind::Range {
                    protocol: b_protocol,
                    first: b_first,
                    last: b_last,
                },
            ) => a_protocol == b_protocol && a_first <= b_last && b_first <= a_last,
            // A name may stand for any port.
            _ => true,
        })
    })
}

/// Every cluster that the input could mean: with its policies in each order that can matter, and with
/// the names of rules standing for no address outside, or for all that a question is about. Rules for
/// names only accept, so what holds in both cases holds in all between. At most 128, and whether that
/// is all.
pub fn meanings(cluster: &Cluster) -> (Vec<Cluster>, bool) {
    let (orders, is_all) = orders(cluster, &ties(cluster));
    let cases: &[bool] = match domain_patterns(cluster).is_empty() {
        true => &[false],
        false => &[false, true],
    };
    let each = orders.iter().flat_map(|order| {
        cases.iter().map(|&case| {
            let mut cluster = order.clone();
            with_names(&mut cluster, |_, known| known.unwrap_or(case));
            cluster
        })
    });
    (each.collect(), is_all)
}

/// The cluster with policies of equal priority in the order of their names, as if they had been given
/// different ones: what is decided for certain, for who has to decide.
pub fn untied(cluster: &Cluster) -> Cow<'_, Cluster> {
    let key = |policy: &Policy| (policy.tier, policy.priority);
    let is_tied = |pair: &[Policy]| match pair {
        [a, b] => a.tier != Tier::NetworkPolicy && key(a) == key(b),
        _ => false,
    };
    if !cluster.policies.windows(2).any(is_tied) {
        return Cow::Borrowed(cluster);
    }
    let mut cluster = cluster.clone();
    number(&mut cluster.policies);
    Cow::Owned(cluster)
}

/// Gives policies the priorities of their places, but for NetworkPolicies, which have none.
fn number(policies: &mut [Policy]) {
    for (place, policy) in (0u32..).zip(policies) {
        if policy.tier != Tier::NetworkPolicy {
            policy.priority = place;
        }
    }
}

/// The cluster with its policies in every order that can matter: for each tier, priority and
/// direction another one of those that are tied comes first, since the first that matches decides.
/// Policies that are tied are there twice, once for each direction. Without ties, the cluster as it
/// is. At most 64, and whether that is all.
pub fn orders(cluster: &Cluster, ties: &[Tie]) -> (Vec<Cluster>, bool) {
    const MOST: usize = 64;
    type Key = (Tier, u32, Direction);
    let mut tied: BTreeMap<Key, BTreeSet<PolicyId>> = BTreeMap::new();
    for id in ties.iter().flat_map(|(a, b)| [*a, *b]) {
        let policy = cluster.policy(id);
        for direction in Direction::ALL {
            if let Some(policy) = policy.filter(|policy| policy.rules(direction).is_some()) {
                let key = (policy.tier, policy.priority, direction);
                tied.entry(key).or_default().insert(id);
            }
        }
    }
    let mut choices: Vec<BTreeMap<Key, PolicyId>> = vec![BTreeMap::new()];
    for (key, members) in &tied {
        let each = choices.iter().flat_map(|choice| {
            members.iter().map(|&first| {
                let mut choice = choice.clone();
                choice.insert(*key, first);
                choice
            })
        });
        choices = each.take(MOST.saturating_add(1)).collect();
    }
    let is_all = choices.len() <= MOST;
    choices.truncate(MOST);
    let ordered = choices.iter().map(|choice| {
        let mut halves: Vec<(bool, Policy)> = Vec::new();
        for (id, policy) in cluster.policies_with_ids() {
            let is_tied = tied.values().any(|members| members.contains(&id));
            if !is_tied {
                halves.push((false, policy.clone()));
                continue;
            }
            for direction in Direction::ALL {
                let mut half = policy.clone();
                match direction {
                    Direction::Egress => half.ingress = None,
                    Direction::Ingress => half.egress = None,
                }
                let key = (policy.tier, policy.priority, direction);
                halves.push((choice.get(&key) == Some(&id), half));
            }
        }
        halves.sort_by_key(|(is_first, half)| (half.tier, half.priority, !is_first));
        let mut cluster = cluster.clone();
        cluster.policies = halves.into_iter().map(|(_, half)| half).collect();
        number(&mut cluster.policies);
        cluster
    });
    (ordered.collect(), is_all)
}

/// The connections between what is in the input that depend on the order of policies that have the
/// same priority, each in words, sorted.
pub fn undefined(cluster: &Cluster) -> Vec<String> {
    let in_order = untied(cluster);
    let diff = diff(&Question {
        clusters: [&in_order, cluster],
        controllers: [None, None],
    });
    let mut found = BTreeSet::new();
    for group in &diff.groups {
        for (caller, source) in ends(cluster, &diff, &group.sources) {
            for (called, destination) in ends(cluster, &diff, &group.destinations) {
                // A pod that is there and itself are no pair; replicas are.
                let is_there = |id| cluster.pod(id).is_some_and(|pod| pod.name.is_some());
                if caller == called && caller.is_some_and(is_there) {
                    continue;
                }
                let traffic = group.traffic.iter().map(|(_, traffic)| traffic);
                let traffic = traffic.fold(TrafficSet::none(), |all, one| all.union(one));
                let on = match traffic.is_all() {
                    true => "every port".to_owned(),
                    false => traffic.to_string(),
                };
                found.insert(format!("{source} to {destination} on {on}"));
            }
        }
    }
    found.into_iter().collect()
}

/// Each unit by its first pod and its name; addresses and the controller have no pod.
fn ends(cluster: &Cluster, diff: &Diff, ends: &Ends) -> Vec<(Option<PodId>, String)> {
    let units = ends
        .units
        .iter()
        .filter_map(|&index| diff.pair.units.get(index));
    let pods = units.filter_map(|(unit, _)| unit.pods.first()?.first().copied());
    let mut found: Vec<_> = pods
        .map(|pod| (Some(pod), pod_name(cluster, pod)))
        .collect();
    if !ends.outside.is_empty() {
        found.push((None, "addresses outside".to_owned()));
    }
    if ends.has_controller {
        found.push((None, "the ingress controller".to_owned()));
    }
    found
}
