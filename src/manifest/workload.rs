//! Workloads and pods: who owns whom, and which pods there are.
//!
//! Pods that exist count for their owner; the template of an owner counts as one pod only when
//! none of its pods is in the input. The owner that gives a workload its name is the top-most
//! one in the input, a Deployment and not its ReplicaSet.

use super::builder::Builder;
use super::decode::decode;
use super::object::{Header, NamespacedFacts, group_of};
use super::path::Path;
use super::pod_template::{PodDraft, PodFacts, template_facts};
use super::reader::Reader;
use super::tree::Tree;
use crate::model::{Cluster, NamespaceId, Origin, Pod, Workload, WorkloadId, WorkloadKind};
use k8s_openapi::Metadata;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The controller that an object names as its owner.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// The API group; `None` when the reference does not say.
    group: Option<String>,
    kind: String,
    name: String,
}

/// The controlling owner of an object. Nodes do not count: they own the static pods that run on
/// them, which have nothing else in common.
pub(crate) fn owner_of(references: Option<&[OwnerReference]>) -> Option<Owner> {
    let reference = references?
        .iter()
        .find(|reference| reference.controller == Some(true))?;
    let kind = match reference.kind.as_str() {
        // The server refuses such a reference, and says so elsewhere.
        "" => "Pod",
        "Node" => return None,
        kind => kind,
    };
    let api_version = reference.api_version.as_str();
    Some(Owner {
        group: (!api_version.is_empty()).then(|| group_of(api_version).to_owned()),
        kind: kind.to_owned(),
        name: reference.name.clone(),
    })
}

/// What becomes of a workload that has no pods in the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outlook {
    /// Its template will make pods.
    Pods,
    /// It is scaled to nothing, which for an owned ReplicaSet means an old revision.
    ScaledDown,
    /// It is a Job that has finished.
    Finished,
}

/// The facts of an object that has a pod template.
#[derive(Clone, Debug)]
pub(crate) struct WorkloadFacts {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) owner: Option<Owner>,
    pub(crate) outlook: Outlook,
    /// The keys under which the template stands.
    pub(crate) template_path: &'static [&'static str],
    pub(crate) template: PodFacts,
}

/// Reads an object with a pod template: decodes it to `T`, from which `parts` takes the template
/// and the outlook.
pub(crate) fn read_workload<T>(
    reader: &Reader<'_>,
    tree: &Tree<'_>,
    (api_version, kind): (&'static str, &'static str),
    template_path: &'static [&'static str],
    parts: impl FnOnce(&mut T) -> (PodTemplateSpec, Outlook),
) -> Option<Box<dyn NamespacedFacts>>
where
    T: DeserializeOwned + Metadata<Ty = ObjectMeta>,
{
    let mut object: T = decode(reader, tree)?;
    let (template, outlook) = parts(&mut object);
    let owner = owner_of(object.metadata().owner_references.as_deref());
    let template = at_path(&Path::Root, template_path, |path| {
        template_facts(reader, path, template)
    });
    Some(Box::new(WorkloadFacts {
        api_version,
        kind,
        owner,
        outlook,
        template_path,
        template,
    }))
}

/// Calls `read` with the path that `keys` make up below `path`.
fn at_path<R>(path: &Path<'_>, keys: &[&str], read: impl FnOnce(&Path<'_>) -> R) -> R {
    match keys.split_first() {
        Some((key, rest)) => at_path(&path.key(key), rest, read),
        None => read(path),
    }
}

impl NamespacedFacts for WorkloadFacts {
    fn lower(self: Box<Self>, header: Header, namespace: NamespaceId, builder: &mut Builder) {
        let route = header.origin.route.clone();
        let template_origin = Origin {
            document: header.origin.document,
            route: self
                .template_path
                .iter()
                .fold(route, |route, &key| route.key(key)),
        };
        let template = self.template.lower(template_origin, builder);
        builder.workloads.controllers.push(Controller {
            namespace,
            group: group_of(self.api_version),
            kind: self.kind,
            name: header.name,
            owner: self.owner,
            outlook: self.outlook,
            origin: header.origin,
            template,
        });
    }
}

/// An object of the input that makes pods.
#[derive(Debug)]
pub(crate) struct Controller {
    namespace: NamespaceId,
    group: &'static str,
    kind: &'static str,
    name: String,
    owner: Option<Owner>,
    outlook: Outlook,
    origin: Origin,
    template: PodDraft,
}

/// A pod of the input.
#[derive(Debug)]
pub(crate) struct LivePod {
    pub(crate) namespace: NamespaceId,
    pub(crate) name: String,
    pub(crate) owner: Option<Owner>,
    pub(crate) draft: PodDraft,
}

/// All of both, in the order in which objects are lowered.
#[derive(Debug, Default)]
pub(crate) struct Workloads {
    pub(crate) controllers: Vec<Controller>,
    pub(crate) pods: Vec<LivePod>,
}

/// How many workloads were left out, and why.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LeftOut {
    pub(crate) old_revisions: usize,
    pub(crate) finished_jobs: usize,
}

/// A workload by what is unique in a cluster, in the order of `Cluster::workloads`.
type Key = (NamespaceId, String, WorkloadKind);

/// A workload's origin and pods, by name; `None` for the pods of a template.
type Group = (Origin, Vec<(Option<String>, PodDraft)>);

impl Workloads {
    /// Puts pods and owners together, and fills in the cluster's workloads and pods.
    pub(crate) fn lower(self, cluster: &mut Cluster) -> LeftOut {
        let Workloads { controllers, pods } = self;
        let tops = tops(&controllers);
        let index = Index::new(&controllers);
        let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
        for pod in pods {
            let top = pod.owner.as_ref().and_then(|owner| {
                let direct = index.find(&controllers, pod.namespace, owner)?;
                tops.get(direct).and_then(|&top| controllers.get(top))
            });
            let (key, origin) = match (top, pod.owner) {
                (Some(top), _) => (top.key(), top.origin.clone()),
                (None, Some(owner)) => (
                    (pod.namespace, owner.name, WorkloadKind(owner.kind)),
                    pod.draft.origin.clone(),
                ),
                (None, None) => (
                    (
                        pod.namespace,
                        pod.name.clone(),
                        WorkloadKind("Pod".to_owned()),
                    ),
                    pod.draft.origin.clone(),
                ),
            };
            let (_, group) = groups.entry(key).or_insert((origin, Vec::new()));
            group.push((Some(pod.name), pod.draft));
        }
        let with_live_pods: BTreeSet<Key> = groups.keys().cloned().collect();
        let is_owned: Vec<bool> = controllers
            .iter()
            .map(|controller| controller.owner.is_some())
            .collect();
        let mut left_out = LeftOut::default();
        for (position, controller) in controllers.into_iter().enumerate() {
            if tops.get(position) != Some(&position) {
                continue;
            }
            let key = controller.key();
            if with_live_pods.contains(&key) {
                continue;
            }
            let is_owned = is_owned.get(position) == Some(&true);
            match controller.outlook {
                Outlook::ScaledDown if is_owned && controller.kind == "ReplicaSet" => {
                    left_out.old_revisions += 1;
                }
                Outlook::Finished => left_out.finished_jobs += 1,
                Outlook::Pods | Outlook::ScaledDown => {
                    // Several have one key when the server is to make up their names.
                    let (_, group) = groups.entry(key).or_insert((controller.origin, Vec::new()));
                    group.push((None, controller.template));
                }
            }
        }
        fill(cluster, groups);
        left_out
    }
}

fn fill(cluster: &mut Cluster, groups: BTreeMap<Key, Group>) {
    for ((namespace, name, kind), (origin, mut pods)) in groups {
        let workload = WorkloadId(u32::try_from(cluster.workloads.len()).unwrap_or(u32::MAX));
        cluster.workloads.push(Workload {
            namespace,
            name,
            kind,
            origin,
        });
        pods.sort_by(|(a, _), (b, _)| a.cmp(b));
        cluster.pods.extend(pods.into_iter().map(|(name, pod)| Pod {
            namespace,
            workload,
            name,
            labels: pod.labels,
            addresses: pod.addresses,
            ports: pod.ports,
            host_network: pod.host_network,
            node: pod.node,
            origin: pod.origin,
        }));
    }
}

impl Controller {
    fn key(&self) -> Key {
        (
            self.namespace,
            self.name.clone(),
            WorkloadKind(self.kind.to_owned()),
        )
    }
}

/// Controllers by namespace, kind and name.
struct Index<'a>(HashMap<(NamespaceId, &'a str, &'a str), usize>);

impl<'a> Index<'a> {
    fn new(controllers: &'a [Controller]) -> Self {
        let entries = controllers
            .iter()
            .enumerate()
            .map(|(position, controller)| {
                let key = (
                    controller.namespace,
                    controller.kind,
                    controller.name.as_str(),
                );
                (key, position)
            });
        Index(entries.collect())
    }

    /// The owner, if it is in the input.
    fn find(
        &self,
        controllers: &[Controller],
        namespace: NamespaceId,
        owner: &Owner,
    ) -> Option<usize> {
        let key = (namespace, owner.kind.as_str(), owner.name.as_str());
        let position = *self.0.get(&key)?;
        let group = controllers.get(position)?.group;
        owner
            .group
            .as_ref()
            .is_none_or(|named| named == group)
            .then_some(position)
    }
}

/// For every controller the top-most owner of it in the input, itself if it has none.
fn tops(controllers: &[Controller]) -> Vec<usize> {
    let index = Index::new(controllers);
    let owner = |position: usize| {
        let controller = controllers.get(position)?;
        let owner = controller.owner.as_ref()?;
        index.find(controllers, controller.namespace, owner)
    };
    (0..controllers.len())
        .map(|start| {
            let mut top = start;
            // Real chains have two links. One that does not end is a circle.
            for _ in 0..8 {
                match owner(top) {
                    Some(next) => top = next,
                    None => return top,
                }
            }
            start
        })
        .collect()
}
