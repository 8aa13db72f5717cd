//! Pods that NetworkPolicies isolate in one direction only, where the Baseline tier decides in the
//! other. The specification says that NetworkPolicies decide finally for the pods that they select, and
//! not in which direction; here each direction is by itself, and some implementations differ.

use crate::model::{Cluster, Direction, Pod, PodId, Policy, Tier, selects};
use std::collections::HashSet;

/// Whether NetworkPolicies isolate the pod in the other direction, and not in this one. Linear in
/// policies.
pub fn is_isolated_the_other_way(cluster: &Cluster, pod: &Pod, direction: Direction) -> bool {
    let isolates = |direction| {
        let mut policies = cluster.policies.iter();
        policies.any(|policy| is_of(cluster, policy, Tier::NetworkPolicy, pod, direction))
    };
    isolates(direction.other()) && !isolates(direction)
}

/// Every pod for which a Baseline policy has rules in a direction in which NetworkPolicies do not
/// isolate it, while they do in the other; one for those with the same labels. Linear in pods and, for
/// those that Baseline policies select, in policies.
pub fn one_way(cluster: &Cluster) -> Vec<(PodId, Direction)> {
    let baseline: Vec<&Policy> = cluster
        .policies
        .iter()
        .filter(|policy| policy.tier == Tier::Baseline)
        .collect();
    if baseline.is_empty() {
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (id, pod) in cluster.pods_with_ids() {
        if !seen.insert((pod.namespace, &pod.labels, pod.host_network)) {
            continue;
        }
        for direction in Direction::ALL {
            let mut baseline = baseline.iter();
            if baseline.any(|policy| is_of(cluster, policy, Tier::Baseline, pod, direction))
                && is_isolated_the_other_way(cluster, pod, direction)
            {
                found.push((id, direction));
            }
        }
    }
    found
}

fn is_of(cluster: &Cluster, policy: &Policy, tier: Tier, pod: &Pod, direction: Direction) -> bool {
    policy.tier == tier
        && policy.rules(direction).is_some()
        && selects(cluster, &policy.subject, pod)
}
