//! Peers and traffic in words short enough for a table, with a count of whatever is left out.

use crate::model::{
    AddressSet, Cluster, Family, NamespaceId, PodId, Protocol, RangeSet, TrafficSet, WorkloadId,
    family_addresses,
};
use crate::question::list::{GroupedPeer, WorkloadSet};
use std::collections::BTreeMap;

/// How many port ranges of one protocol are shown.
const MAX_PORT_RANGES: usize = 8;

/// The name of a pod; those of a template have none yet.
pub(super) fn pod(cluster: &Cluster, pod: PodId) -> &str {
    let name = cluster.pod(pod).and_then(|pod| pod.name.as_deref());
    name.unwrap_or("(template)")
}

/// What the names of a cluster's workloads depend on.
pub(super) struct Names<'a> {
    cluster: &'a Cluster,
    by_namespace: BTreeMap<NamespaceId, Vec<WorkloadId>>,
}

/// One thing in a list, and how many workloads it stands for.
struct Item {
    text: String,
    n_workloads: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(cluster: &'a Cluster) -> Names<'a> {
        let mut by_namespace: BTreeMap<NamespaceId, Vec<WorkloadId>> = BTreeMap::new();
        for (id, workload) in cluster.workloads_with_ids() {
            by_namespace.entry(workload.namespace).or_default().push(id);
        }
        Names {
            cluster,
            by_namespace,
        }
    }

    /// The number of namespaces that have workloads.
    pub(super) fn n_namespaces(&self) -> usize {
        self.by_namespace.len()
    }

    /// The workloads of a namespace.
    pub(super) fn workloads_in(&self, namespace: NamespaceId) -> &[WorkloadId] {
        self.by_namespace.get(&namespace).map_or(&[], Vec::as_slice)
    }

    /// The name without its namespace; with its kind where another kind has the same name.
    pub(super) fn short(&self, id: WorkloadId) -> String {
        let Some(workload) = self.cluster.workload(id) else {
            return String::new();
        };
        // Workloads are sorted by namespace, name and kind: a namesake is next to it.
        let neighbours = [id.0.checked_sub(1), id.0.checked_add(1)];
        let has_namesake = neighbours
            .into_iter()
            .flatten()
            .filter_map(|other| self.cluster.workload(WorkloadId(other)))
            .any(|other| (other.namespace, &other.name) == (workload.namespace, &workload.name));
        if has_namesake {
            format!("{}[{}]", workload.name, workload.kind)
        } else {
            workload.name.clone()
        }
    }

    /// The name without its namespace, and how many of its pods are meant when not all are.
    pub(super) fn member(&self, id: WorkloadId, pods: &[PodId]) -> String {
        let name = self.short(id);
        if pods.is_empty() {
            return name;
        }
        let n_all = self.cluster.pods_of(id).count();
        match pods {
            [only] => format!("{name} (pod {} of {n_all})", pod(self.cluster, *only)),
            _ => format!("{name} ({} of {n_all} pods)", pods.len()),
        }
    }

    /// A peer in about `budget` characters.
    pub(super) fn peer(&self, peer: &GroupedPeer, budget: usize) -> String {
        match peer {
            GroupedPeer::Workloads(set) => self.set(set, budget),
            GroupedPeer::External(addresses) => outside(addresses, budget),
            GroupedPeer::IngressController => "ingress controller".to_owned(),
        }
    }

    /// A set of workloads in about `budget` characters.
    pub(super) fn set(&self, set: &WorkloadSet, budget: usize) -> String {
        let n_all = self.cluster.workloads.len();
        let n_whole = set.members.values().filter(|pods| pods.is_empty()).count();
        let all_whole = n_whole == set.members.len();
        if all_whole && n_whole == n_all && n_all > 1 {
            return "everyone in the cluster".to_owned();
        }
        let items = self.items(set);
        let text = join(&items, budget);
        let n_missing = n_all.saturating_sub(n_whole);
        if all_whole && n_missing <= 3 && n_whole > 2 * n_missing && n_whole > 3 {
            let missing = self.cluster.workloads_with_ids().map(|(id, _)| id);
            let missing = missing.filter(|id| !set.members.contains_key(id));
            let others = WorkloadSet {
                members: missing.map(|id| (id, Vec::new())).collect(),
            };
            let but = join(&self.items(&others), budget);
            if items.len() > 2 && but.len() < text.len() {
                return format!("all but {but}");
            }
        }
        text
    }

    fn items(&self, set: &WorkloadSet) -> Vec<Item> {
        let mut items = Vec::new();
        let members: Vec<(&WorkloadId, &Vec<PodId>)> = set.members.iter().collect();
        let namespace_of = |id: WorkloadId| self.cluster.workload(id).map(|w| w.namespace);
        for members in members.chunk_by(|a, b| namespace_of(*a.0) == namespace_of(*b.0)) {
            let namespace = members.first().and_then(|(id, _)| namespace_of(**id));
            let Some(namespace) = namespace else {
                continue;
            };
            let name = self.cluster.namespace_name(namespace);
            let all = self.workloads_in(namespace);
            let all_whole = members.iter().all(|(_, pods)| pods.is_empty());
            let n_missing = all.len().saturating_sub(members.len());
            if all_whole && n_missing <= 2 && members.len() > 1 + 2 * n_missing {
                let missing = all.iter().filter(|id| !set.members.contains_key(id));
                let missing: Vec<String> = missing.map(|&id| self.short(id)).collect();
                items.push(Item {
                    text: match missing.as_slice() {
                        [] => format!("{name}/*"),
                        _ => format!("{name}/* but {}", missing.join(" and ")),
                    },
                    n_workloads: members.len(),
                });
                continue;
            }
            for (index, (id, pods)) in members.iter().enumerate() {
                let member = self.member(**id, pods);
                items.push(Item {
                    text: match index {
                        0 => format!("{name}/{member}"),
                        _ => member,
                    },
                    n_workloads: 1,
                });
            }
        }
        items
    }
}

/// As many items as fit, at least one, and the number of workloads in the rest.
fn join(items: &[Item], budget: usize) -> String {
    let mut text = String::new();
    let mut n_left: usize = items.iter().map(|item| item.n_workloads).sum();
    for (index, item) in items.iter().enumerate() {
        let is_last = index + 1 == items.len();
        // What `, +12 more` takes, unless nothing follows.
        let reserve = if is_last { 0 } else { 12 };
        if index > 0 && text.len() + 2 + item.text.len() + reserve > budget {
            return format!("{text}, +{n_left} more");
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&item.text);
        n_left = n_left.saturating_sub(item.n_workloads);
    }
    text
}

/// Texts in a list of about `budget` characters, and the number of the rest.
pub(in crate::report) fn list(texts: impl IntoIterator<Item = String>, budget: usize) -> String {
    let items: Vec<Item> = texts
        .into_iter()
        .map(|text| Item {
            text,
            n_workloads: 1,
        })
        .collect();
    join(&items, budget)
}

/// Addresses outside the cluster in about `budget` characters.
pub(in crate::report) fn outside(addresses: &AddressSet, budget: usize) -> String {
    if *addresses == AddressSet::full() {
        return "anywhere outside".to_owned();
    }
    let missing = AddressSet::full().difference(addresses).cidrs();
    if missing.len() <= 3 && missing.iter().all(|net| net.prefix_len() > 0) {
        let blocks = missing.iter().map(block);
        return format!("anywhere outside but {}", list(blocks, budget));
    }
    let mut parts = Vec::new();
    for family in Family::ALL {
        let all = family_addresses(family);
        let own = addresses.intersection(&all);
        let missing = all.difference(&own).cidrs();
        if own.is_empty() {
            continue;
        }
        let name = family.name();
        if missing.is_empty() {
            parts.push(format!("any {name}"));
        } else if missing.len() < own.cidrs().len() {
            let blocks: Vec<String> = missing.iter().map(block).collect();
            parts.push(format!("any {name} but {}", blocks.join(" and ")));
        } else {
            parts.extend(own.cidrs().iter().map(block));
        }
    }
    format!("outside: {}", list(parts, budget))
}

/// A block as people write it: a single address without its length.
fn block(net: &ipnet::IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

/// Traffic as in `TCP 80,8000-8090; all UDP`, `all` when it is everything.
pub(in crate::report) fn traffic(traffic: &TrafficSet) -> String {
    if traffic.is_all() {
        return "all".to_owned();
    }
    let parts = Protocol::ALL.into_iter().filter_map(|protocol| {
        let ports = traffic.get(protocol);
        match ports.ranges() {
            [] => None,
            [(1, u16::MAX)] => Some(format!("all {protocol}")),
            _ => Some(format!("{protocol} {}", port_list(ports))),
        }
    });
    parts.collect::<Vec<String>>().join("; ")
}

fn port_list(ports: &RangeSet<u16>) -> String {
    let ranges = ports.ranges();
    let n_hidden = match ranges.len().saturating_sub(MAX_PORT_RANGES) {
        // Hiding a single range saves nothing.
        1 => 0,
        more => more,
    };
    let shown = ranges.iter().take(ranges.len().saturating_sub(n_hidden));
    let mut texts: Vec<String> = shown
        .map(|&(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        })
        .collect();
    if n_hidden > 0 {
        texts.push(format!("+{n_hidden} more"));
    }
    texts.join(",")
}
