//! Two clusters, old and new, in one numbering: what is needed to say what changed.
//!
//! Workloads are the same when namespace, name and kind are. Their pods are usually all alike to
//! policy, so a workload is one *unit*. Where pods of a workload differ, each pod that has the
//! same name in both clusters is a unit, and so is each that only one of them has.

use super::universe::Universe;
use super::{GroupId, Reach};
use crate::model::{Cluster, PodId, WorkloadId};
use std::collections::{BTreeMap, BTreeSet};

/// A workload of two clusters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PairedWorkload {
    /// The workload in the old cluster and in the new one; at least one of them is there.
    pub ids: [Option<WorkloadId>; 2],
}

/// Pods of one workload that each of two clusters treats alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The index of the workload in [`Pair::workloads`].
    pub workload: usize,
    /// The pods in the old cluster and in the new one; none where the unit is not there.
    pub pods: [Vec<PodId>; 2],
    /// Whether these are all the pods that the workload has in either cluster.
    pub is_whole: bool,
}

/// The relations of two clusters. Groups, atoms and elements have the same numbers in both; a
/// group that one of them does not have is there without pods.
#[derive(Debug)]
pub struct Pair {
    /// The old relation and the new one.
    pub reaches: [Reach; 2],
    /// The workloads of either, sorted by namespace, name and kind.
    pub workloads: Vec<PairedWorkload>,
    /// The units with their groups, by workload.
    pub units: Vec<(Unit, GroupId)>,
}

impl Pair {
    /// Computes the relations of two clusters. Linear like [`Reach::new`] in both.
    pub fn new(clusters: [&Cluster; 2]) -> Pair {
        let (universes, units) = Universe::pair(clusters);
        let [old, new] = universes;
        let [old_cluster, new_cluster] = clusters;
        let (old, new) = rayon::join(
            || Reach::within(old_cluster, old),
            || Reach::within(new_cluster, new),
        );
        Pair {
            reaches: [old, new],
            workloads: paired_workloads(clusters),
            units,
        }
    }
}

/// The workloads of either cluster, sorted by namespace, name and kind, as those of each are.
fn paired_workloads(clusters: [&Cluster; 2]) -> Vec<PairedWorkload> {
    let mut sides = clusters.map(|cluster| {
        let workloads = cluster.workloads_with_ids();
        let mut keyed: Vec<_> = workloads
            .map(|(id, workload)| {
                let namespace = cluster.namespace_name(workload.namespace);
                let name = workload.name.as_str();
                ((namespace, name, workload.kind.0.as_str()), id)
            })
            .collect();
        // They are already, unless they were put together by hand.
        keyed.sort();
        keyed.into_iter().peekable()
    });
    let mut paired = Vec::new();
    let [old, new] = &mut sides;
    loop {
        let first = match (old.peek(), new.peek()) {
            (Some((a, _)), Some((b, _))) => *a.min(b),
            (Some((key, _)), None) | (None, Some((key, _))) => *key,
            (None, None) => return paired,
        };
        let ids = [&mut *old, &mut *new].map(|side| {
            let next = side.next_if(|(key, _)| *key == first);
            next.map(|(_, id)| id)
        });
        paired.push(PairedWorkload { ids });
    }
}

/// The units of two clusters, with the kind of pod that each is in either. `kinds` says which
/// kind every pod is of.
pub(super) fn units(
    clusters: [&Cluster; 2],
    kinds: [&[usize]; 2],
) -> Vec<(Unit, [Option<usize>; 2])> {
    let mut units = Vec::new();
    for (workload, paired) in paired_workloads(clusters).into_iter().enumerate() {
        if let Some(unit) = alike(clusters, kinds, workload, paired) {
            units.push(unit);
            continue;
        }
        let sides = std::array::from_fn(|side| {
            let (cluster, kinds) = (clusters.get(side), kinds.get(side));
            let id = paired.ids.get(side).copied().flatten();
            match (cluster, kinds, id) {
                (Some(cluster), Some(kinds), Some(id)) => pods_by_kind(cluster, kinds, id),
                _ => BTreeMap::new(),
            }
        });
        let found = units_of(clusters, &sides);
        let is_whole = found.len() == 1;
        units.extend(found.into_iter().map(|(kind, pods)| {
            let unit = Unit {
                workload,
                pods,
                is_whole,
            };
            (unit, kind)
        }));
    }
    units
}

/// The one unit of a workload whose pods are all alike in each cluster, which is the usual case.
fn alike(
    clusters: [&Cluster; 2],
    kinds: [&[usize]; 2],
    workload: usize,
    paired: PairedWorkload,
) -> Option<(Unit, [Option<usize>; 2])> {
    let mut pods = [Vec::new(), Vec::new()];
    let mut found = [None, None];
    let sides = clusters.into_iter().zip(kinds).zip(paired.ids);
    for (((cluster, kinds), id), (pods, found)) in sides.zip(pods.iter_mut().zip(&mut found)) {
        for (pod, _) in id.into_iter().flat_map(|id| cluster.pods_of(id)) {
            let index = usize::try_from(pod.0).ok()?;
            let kind = *kinds.get(index)?;
            if found.is_some_and(|known| known != kind) {
                return None;
            }
            *found = Some(kind);
            pods.push(pod);
        }
    }
    if found == [None, None] {
        return None;
    }
    let unit = Unit {
        workload,
        pods,
        is_whole: true,
    };
    Some((unit, found))
}

fn pods_by_kind(
    cluster: &Cluster,
    kinds: &[usize],
    workload: WorkloadId,
) -> BTreeMap<usize, Vec<PodId>> {
    let mut pods: BTreeMap<usize, Vec<PodId>> = BTreeMap::new();
    for (pod, _) in cluster.pods_of(workload) {
        let kind = usize::try_from(pod.0).ok().and_then(|at| kinds.get(at));
        if let Some(&kind) = kind {
            pods.entry(kind).or_default().push(pod);
        }
    }
    pods
}

type Found = Vec<([Option<usize>; 2], [Vec<PodId>; 2])>;

fn units_of(clusters: [&Cluster; 2], [old, new]: &[BTreeMap<usize, Vec<PodId>>; 2]) -> Found {
    let only = |side: &BTreeMap<usize, Vec<PodId>>| -> Option<(usize, Vec<PodId>)> {
        let (&kind, pods) = side.iter().next()?;
        (side.len() == 1).then(|| (kind, pods.clone()))
    };
    match (only(old), only(new)) {
        _ if old.is_empty() => new
            .iter()
            .map(|(&kind, pods)| ([None, Some(kind)], [Vec::new(), pods.clone()]))
            .collect(),
        _ if new.is_empty() => old
            .iter()
            .map(|(&kind, pods)| ([Some(kind), None], [pods.clone(), Vec::new()]))
            .collect(),
        // Pods that were all alike, or are now, stand for each other whatever their names.
        (Some((kind, all)), _) => new
            .iter()
            .map(|(&other, pods)| ([Some(kind), Some(other)], [all.clone(), pods.clone()]))
            .collect(),
        (_, Some((kind, all))) => old
            .iter()
            .map(|(&other, pods)| ([Some(other), Some(kind)], [pods.clone(), all.clone()]))
            .collect(),
        (None, None) => by_name(clusters, [old, new]),
    }
}

/// Pods of the same name, as far as both clusters have them, by the kinds that they are of.
fn by_name(clusters: [&Cluster; 2], sides: [&BTreeMap<usize, Vec<PodId>>; 2]) -> Found {
    type Kinds = BTreeSet<(usize, PodId)>;
    let mut named: BTreeMap<Option<&str>, [Kinds; 2]> = BTreeMap::new();
    for (side, (cluster, kinds)) in clusters.into_iter().zip(sides).enumerate() {
        for (&kind, pods) in kinds {
            for &pod in pods {
                let name = cluster.pod(pod).and_then(|pod| pod.name.as_deref());
                if let Some(slot) = named.entry(name).or_default().get_mut(side) {
                    slot.insert((kind, pod));
                }
            }
        }
    }
    let mut found: BTreeMap<[Option<usize>; 2], [BTreeSet<PodId>; 2]> = BTreeMap::new();
    for [old, new] in named.into_values() {
        let each = |side: &BTreeSet<(usize, PodId)>| -> Vec<Option<(usize, PodId)>> {
            match side.is_empty() {
                true => vec![None],
                false => side.iter().copied().map(Some).collect(),
            }
        };
        for a in each(&old) {
            for b in each(&new) {
                let kinds = [a, b].map(|pod| pod.map(|(kind, _)| kind));
                let pods = found.entry(kinds).or_default();
                for (slot, pod) in pods.iter_mut().zip([a, b]) {
                    slot.extend(pod.map(|(_, pod)| pod));
                }
            }
        }
    }
    let found = found.into_iter();
    found
        .map(|(kinds, pods)| (kinds, pods.map(|pods| pods.into_iter().collect())))
        .collect()
}
