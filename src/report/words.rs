//! What things are called in answers.

use crate::model::{AddressSet, Cluster, NodeId, PodId, PolicyId, WorkloadId};
use crate::question::can::{Who, pod_name};
use std::collections::BTreeMap;

/// `namespace/name` of a workload.
pub fn workload_name(cluster: &Cluster, id: WorkloadId) -> String {
    cluster.workload(id).map_or_else(String::new, |workload| {
        format!(
            "{}/{}",
            cluster.namespace_name(workload.namespace),
            workload.name
        )
    })
}

/// `NetworkPolicy shop/default-deny`.
pub fn policy_name(cluster: &Cluster, id: PolicyId) -> String {
    cluster
        .policy(id)
        .map_or_else(String::new, |policy| match policy.namespace {
            Some(namespace) => {
                format!(
                    "{} {}/{}",
                    policy.kind,
                    cluster.namespace_name(namespace),
                    policy.name
                )
            }
            None => format!("{} {}", policy.kind, policy.name),
        })
}

/// `NetworkPolicy shop/cart, shop/frontend`: the kind once for neighbours that share it.
pub fn policy_names(cluster: &Cluster, ids: &[PolicyId]) -> String {
    let mut text = String::new();
    let mut last_kind = "";
    for &id in ids {
        let Some(policy) = cluster.policy(id) else {
            continue;
        };
        if !text.is_empty() {
            text.push_str(", ");
        }
        let name = policy_name(cluster, id);
        let same_kind = policy.kind == last_kind;
        let bare = name
            .strip_prefix(policy.kind)
            .filter(|_| same_kind)
            .map(str::trim_start);
        text.push_str(bare.unwrap_or(&name));
        last_kind = policy.kind;
    }
    text
}

/// `node/worker-1`.
pub fn node_name(cluster: &Cluster, id: NodeId) -> String {
    cluster
        .node(id)
        .map_or_else(String::new, |node| format!("node/{}", node.name))
}

/// Addresses as CIDR blocks, at most three of them spelled out; both families whole are
/// `anywhere outside`.
pub fn addresses_text(addresses: &AddressSet) -> String {
    if *addresses == AddressSet::full() {
        return "anywhere outside".to_owned();
    }
    let cidrs = addresses.cidrs();
    let mut shown: Vec<String> = cidrs.iter().take(3).map(ToString::to_string).collect();
    if cidrs.len() > 3 {
        shown.push(format!("+{} more", cidrs.len() - 3));
    }
    shown.join(", ")
}

/// One end of an answer in words: the workloads, and of each the pods when not all are meant.
pub fn who_text(cluster: &Cluster, who: &Who) -> String {
    match who {
        Who::Pods(pods) => pods_text(cluster, pods, 4),
        Who::Node(node) => node_name(cluster, *node),
        Who::Addresses(addresses) => addresses_text(addresses),
        Who::Name(name) => format!("`{name}`"),
        Who::UnknownController => "the ingress controller".to_owned(),
        Who::AssumedDns => "the cluster's DNS".to_owned(),
        Who::OwnNode => "the pod's own node".to_owned(),
        Who::OtherNodes(addresses) if addresses.is_empty() => "other nodes".to_owned(),
        Who::OtherNodes(addresses) => format!("nodes at {}", addresses_text(addresses)),
    }
}

/// Likewise, with nothing left out.
pub fn who_text_in_full(cluster: &Cluster, who: &Who) -> String {
    match who {
        Who::Pods(pods) => pods_text(cluster, pods, usize::MAX),
        Who::Addresses(addresses) if *addresses != AddressSet::full() => {
            let all: Vec<String> = addresses.cidrs().iter().map(ToString::to_string).collect();
            all.join(", ")
        }
        other => who_text(cluster, other),
    }
}

fn pods_text(cluster: &Cluster, pods: &[PodId], n_most: usize) -> String {
    let mut by_workload: BTreeMap<WorkloadId, Vec<PodId>> = BTreeMap::new();
    for &id in pods {
        if let Some(pod) = cluster.pod(id) {
            by_workload.entry(pod.workload).or_default().push(id);
        }
    }
    let mut names: Vec<String> = by_workload
        .into_iter()
        .map(|(workload, pods)| {
            let n_all = cluster.pods_of(workload).count();
            let name = workload_name(cluster, workload);
            match pods.as_slice() {
                pods if pods.len() == n_all => name,
                [pod] => format!("pod {}", pod_name(cluster, *pod)),
                pods => format!("{} of {n_all} pods of {name}", pods.len()),
            }
        })
        .collect();
    names.dedup();
    let n_more = names.len().saturating_sub(n_most);
    names.truncate(n_most);
    if n_more > 0 {
        names.push(format!("+{n_more} more"));
    }
    names.join(", ")
}
