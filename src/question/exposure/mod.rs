//! "What can be reached, and from how far?": from outside the cluster, from every namespace, from any
//! pod that could be created; and which pods no policy isolates.

mod possible;
mod ways;

pub use ways::{Way, WayKind};

use super::ingress::ControllerChoice;
use crate::model::{
    Cluster, Direction, Family, Labels, METADATA_NAME, Namespace, NamespaceId, Origin, Pod, PodId,
    TrafficSet, Workload, WorkloadId, WorkloadKind,
};
use crate::reach::{GroupId, Reach};
use crate::source::{DocumentId, Route};
use crate::symbolic::Limits;
use std::collections::{BTreeMap, BTreeSet};

/// How far away the most distant caller of a workload may be, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Something of the input leads to it from outside the cluster.
    Outside,
    /// Policy lets addresses outside in, and nothing of the input leads there: it takes a route to
    /// the pod's own address.
    Routed,
    /// Every pod of every namespace, those still to come too, whatever its labels.
    EveryNamespace,
    /// Some pod that could be created, with the right labels.
    FuturePods,
    /// Nobody, or only what exists and cannot be imitated.
    Closed,
}

impl Level {
    /// All levels, the worst first.
    pub const ALL: [Level; 5] = [
        Level::Outside,
        Level::Routed,
        Level::EveryNamespace,
        Level::FuturePods,
        Level::Closed,
    ];

    /// How it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Level::Outside => "outside",
            Level::Routed => "routed",
            Level::EveryNamespace => "every-namespace",
            Level::FuturePods => "future-pods",
            Level::Closed => "closed",
        }
    }
}

/// What can reach one workload: of each kind of caller, everything that some pod of the workload
/// lets in, and the caller's own side lets out. What the input does not decide counts as reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exposed {
    /// The workload.
    pub workload: WorkloadId,
    /// What leads to it from outside, worst first.
    pub ways: Vec<Way>,
    /// What policy lets in from some address outside.
    pub outside: TrafficSet,
    /// What a pod without labels in a namespace without labels can reach, and so every pod of any.
    pub every_namespace: TrafficSet,
    /// What some pod that could be created can reach; at least `every_namespace`.
    pub future_pods: TrafficSet,
    /// Why `future_pods` may not be all, when the solver gave up.
    pub gave_up: Option<String>,
    /// Whether some policy isolates every pod of it for ingress, and for egress (N1, N2).
    pub isolated: [bool; 2],
    /// Whether its pods are on their node's network, where policy does not apply (N27).
    pub host_network: bool,
}

impl Exposed {
    /// How far away its most distant caller may be.
    pub fn level(&self) -> Level {
        if !self.ways.is_empty() {
            Level::Outside
        } else if !self.outside.is_none() {
            Level::Routed
        } else if !self.every_namespace.is_none() {
            Level::EveryNamespace
        } else if !self.future_pods.is_none() {
            Level::FuturePods
        } else {
            Level::Closed
        }
    }

    /// The traffic of its level.
    fn traffic(&self) -> TrafficSet {
        match self.level() {
            Level::Outside => {
                let ways = self.ways.iter();
                ways.fold(TrafficSet::none(), |all, way| all.union(&way.traffic))
            }
            Level::Routed => self.outside.clone(),
            Level::EveryNamespace => self.every_namespace.clone(),
            Level::FuturePods | Level::Closed => self.future_pods.clone(),
        }
    }
}

/// How many pods policies isolate. A workload's template counts as one pod.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// The pods that policy can isolate: those on their node's network are none.
    pub pods: usize,
    /// Those that some policy isolates for ingress.
    pub ingress: usize,
    /// Those that some policy isolates for egress.
    pub egress: usize,
    /// Those that some policy isolates for both.
    pub both: usize,
}

/// The whole answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exposure {
    /// Every workload, worst first.
    pub workloads: Vec<Exposed>,
    /// Coverage of each namespace that has pods.
    pub coverage: Vec<(NamespaceId, Coverage)>,
    /// Coverage of all.
    pub total: Coverage,
}

/// What can be reached, and from how far. Linear in pods and ports, with a few questions to the
/// solver for each group of pods that are alike and isolated.
pub fn exposure(
    cluster: &Cluster,
    controller: Option<&ControllerChoice>,
    limits: Limits,
) -> Exposure {
    let (with_stranger, stranger) = with_stranger(cluster);
    // Ids of the cluster are the same in both.
    let reach = Reach::new(&with_stranger);
    let by_stranger = |group: GroupId| {
        let from = reach.group_of(stranger);
        let families = Family::ALL.into_iter();
        let pairs = families.filter_map(|f| reach.between_groups(from?, group, f));
        pairs.fold(TrafficSet::none(), |all, pair| all.union(&pair.may()))
    };
    let groups: BTreeSet<GroupId> = cluster
        .pods_with_ids()
        .filter_map(|(id, _)| reach.group_of(id))
        .collect();
    let near: BTreeMap<GroupId, TrafficSet> = groups
        .iter()
        .map(|&group| (group, by_stranger(group)))
        .collect();
    let representative = |group: &GroupId| reach.pods_of(*group).first().copied();
    let open: Vec<(GroupId, PodId, TrafficSet)> = near
        .iter()
        .filter(|(_, known)| !known.is_all())
        .filter_map(|(group, known)| Some((*group, representative(group)?, known.clone())))
        .collect();
    let found = possible::future_pods_in_any_order(cluster, &open, limits);
    let mut ways = ways::ways(cluster, &reach, controller);
    let mut workloads: Vec<Exposed> = cluster
        .workloads_with_ids()
        .filter(|(id, _)| cluster.pods_of(*id).next().is_some())
        .map(|(id, _)| {
            let mut exposed = Exposed {
                workload: id,
                ways: ways.remove(&id).unwrap_or_default(),
                outside: TrafficSet::none(),
                every_namespace: TrafficSet::none(),
                future_pods: TrafficSet::none(),
                gave_up: None,
                isolated: [true; 2],
                host_network: false,
            };
            for (pod_id, pod) in cluster.pods_of(id) {
                exposed.host_network |= cluster.is_node_traffic(pod);
                let isolated = isolated(&reach, pod_id);
                exposed.isolated = [0, 1].map(|nth| {
                    let both = [exposed.isolated.get(nth), isolated.get(nth)];
                    both.into_iter().all(|one| one == Some(&true))
                });
                exposed.outside = exposed
                    .outside
                    .union(&ways::from_outside(&reach, pod_id, None));
                let Some(group) = reach.group_of(pod_id) else {
                    continue;
                };
                if let Some(known) = near.get(&group) {
                    exposed.every_namespace = exposed.every_namespace.union(known);
                    exposed.future_pods = exposed.future_pods.union(known);
                }
                if let Some(more) = found.get(&group) {
                    exposed.future_pods = exposed.future_pods.union(&more.traffic);
                    exposed.gave_up = exposed.gave_up.take().or(more.gave_up.clone());
                }
            }
            exposed
        })
        .collect();
    workloads.sort_by_cached_key(|exposed| {
        let traffic = exposed.traffic();
        let ports = crate::model::Protocol::ALL
            .into_iter()
            .flat_map(|protocol| {
                let ranges = traffic.get(protocol).ranges().to_vec();
                ranges
                    .into_iter()
                    .map(|(first, last)| u32::from(last) - u32::from(first) + 1)
            });
        let n_ports: u32 = ports.sum();
        (
            exposed.level(),
            std::cmp::Reverse(n_ports),
            exposed.workload,
        )
    });
    let (coverage, total) = coverage(cluster, &reach);
    Exposure {
        workloads,
        coverage,
        total,
    }
}

/// Whether some policy isolates a pod, for ingress and for egress.
fn isolated(reach: &Reach, pod: PodId) -> [bool; 2] {
    [Direction::Ingress, Direction::Egress].map(|direction| {
        reach.group_of(pod).is_some_and(|group| {
            let profile = reach.profile(group, direction);
            reach.table(profile, direction).is_isolated()
        })
    })
}

fn coverage(cluster: &Cluster, reach: &Reach) -> (Vec<(NamespaceId, Coverage)>, Coverage) {
    let mut by_namespace: BTreeMap<NamespaceId, Coverage> = BTreeMap::new();
    let mut total = Coverage::default();
    for (id, pod) in cluster.pods_with_ids() {
        let own = by_namespace.entry(pod.namespace).or_default();
        if cluster.is_node_traffic(pod) {
            continue;
        }
        let [ingress, egress] = isolated(reach, id);
        for coverage in [own, &mut total] {
            coverage.pods += 1;
            coverage.ingress += usize::from(ingress);
            coverage.egress += usize::from(egress);
            coverage.both += usize::from(ingress && egress);
        }
    }
    (by_namespace.into_iter().collect(), total)
}

/// The cluster with one more pod, without labels, in one more namespace, without labels but its
/// name (N15), and that pod's id.
fn with_stranger(cluster: &Cluster) -> (Cluster, PodId) {
    let mut cluster = cluster.clone();
    let mut name = "stranger".to_owned();
    while cluster.namespaces.iter().any(|n| n.name == name) || cluster.symbols.get(&name).is_some()
    {
        name.push('-');
    }
    let (key, value) = (
        cluster.symbols.intern(METADATA_NAME),
        cluster.symbols.intern(&name),
    );
    let id = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let namespace = NamespaceId(id(cluster.namespaces.len()));
    let workload = WorkloadId(id(cluster.workloads.len()));
    let pod = PodId(id(cluster.pods.len()));
    let origin = Origin {
        document: DocumentId(u32::MAX),
        route: Route::default(),
    };
    cluster.namespaces.push(Namespace {
        name: name.clone(),
        labels: Labels::new([(key, value)]),
        origin: None,
    });
    cluster.workloads.push(Workload {
        namespace,
        name: name.clone(),
        kind: WorkloadKind("Pod".to_owned()),
        origin: origin.clone(),
    });
    cluster.pods.push(Pod {
        namespace,
        workload,
        name: Some(name),
        labels: Labels::new([]),
        addresses: Vec::new(),
        ports: Vec::new(),
        host_network: false,
        node: None,
        origin,
    });
    (cluster, pod)
}
