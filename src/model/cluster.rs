//! The snapshot that is analysed.

use super::label::{Labels, Symbol, Symbols};
use super::policy::{Policy, PolicyId};
use super::port::Protocol;
use super::service::{EndpointSet, Ingress, IngressClass, Service, ServiceId};
use crate::source::{DocumentId, Route};
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident => $field:ident: $target:ty, $get:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);

        impl Cluster {
            #[doc = concat!("The thing a [`", stringify!($name), "`] stands for, if it is of this cluster.")]
            pub fn $get(&self, id: $name) -> Option<&$target> {
                usize::try_from(id.0).ok().and_then(|index| self.$field.get(index))
            }
        }
    )*};
}

ids! {
    /// The index of a namespace in [`Cluster::namespaces`].
    NamespaceId => namespaces: Namespace, namespace;
    /// The index of a workload in [`Cluster::workloads`].
    WorkloadId => workloads: Workload, workload;
    /// The index of a pod in [`Cluster::pods`].
    PodId => pods: Pod, pod;
    /// The index of a node in [`Cluster::nodes`].
    NodeId => nodes: Node, node;
}

/// Where something was written. Text and spans are looked up only when a finding is printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Origin {
    /// The document.
    pub document: DocumentId,
    /// The place in it.
    pub route: Route,
}

/// A cluster, or as much of one as the manifests describe. Every list is sorted by namespace
/// and name, so the order of the input files never matters.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// The interned strings of all labels, selectors and port names.
    pub symbols: Symbols,
    /// Namespaces, those that are only mentioned included; sorted by name.
    pub namespaces: Vec<Namespace>,
    /// Workloads, sorted by namespace, name and kind.
    pub workloads: Vec<Workload>,
    /// Pods, sorted by workload and name.
    pub pods: Vec<Pod>,
    /// Nodes, sorted by name.
    pub nodes: Vec<Node>,
    /// Services, sorted by namespace and name.
    pub services: Vec<Service>,
    /// Endpoints and EndpointSlices, sorted by the Service they belong to.
    pub endpoint_sets: Vec<EndpointSet>,
    /// Ingresses and OpenShift Routes, sorted by namespace and name.
    pub ingresses: Vec<Ingress>,
    /// IngressClasses, sorted by name.
    pub ingress_classes: Vec<IngressClass>,
    /// Policies of all dialects, sorted by tier, priority, namespace and name.
    pub policies: Vec<Policy>,
    /// The ranges that pods get their addresses from: `--pod-cidr` and the Nodes' podCIDRs.
    /// Empty when unknown.
    pub pod_cidrs: Vec<IpNet>,
    /// Objects that can change connectivity and are not analysed.
    pub not_analysed: Vec<NotAnalysed>,
    /// Pods left out because they have terminated (N16).
    pub terminated_pods: usize,
    /// The switches that the specification leaves to implementations.
    pub semantics: Semantics,
}

/// The choices that the specification leaves to implementations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Semantics {
    /// What hostNetwork pods are to policy.
    pub host_network: HostNetwork,
}

/// What hostNetwork pods are to policy (N27).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HostNetwork {
    /// N27 (b), what most implementations do: no selector matches them, neither as subject nor
    /// as peer; their traffic is their node's.
    #[default]
    Node,
    /// N27 (a): policed like every other pod.
    Pod,
}

/// A namespace.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// metadata.name.
    pub name: String,
    /// Its labels, `kubernetes.io/metadata.name` always among them (N15).
    pub labels: Labels,
    /// Where it was written; `None` for one that is only mentioned.
    pub origin: Option<Origin>,
}

/// The kind of a workload as manifests spell it, `Deployment` for example.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WorkloadKind(pub String);

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The thing that answers name: the owner of pods, or a pod that nothing owns.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// metadata.name, of the owner when the owner itself is not in the input.
    pub name: String,
    /// Its kind.
    pub kind: WorkloadKind,
    /// Where it, or else its first pod, was written.
    pub origin: Origin,
}

/// A pod that exists, or the pods that a template will make.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// The workload it counts to.
    pub workload: WorkloadId,
    /// metadata.name; `None` for the pods of a template.
    pub name: Option<String>,
    /// Its labels.
    pub labels: Labels,
    /// Its addresses, at most one of each family; empty when the input does not have them.
    pub addresses: Vec<IpAddr>,
    /// The container ports of all its containers.
    pub ports: Vec<ContainerPort>,
    /// Whether it shares its node's network.
    pub host_network: bool,
    /// The name of the node it runs on, when known.
    pub node: Option<String>,
    /// Where it, or its template, was written.
    pub origin: Origin,
}

/// One declared container port. Declaring none does not keep a port from matching (N20).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ContainerPort {
    /// Its name, which policies and Services can refer to (N18, S2).
    pub name: Option<Symbol>,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number, from 1.
    pub port: u16,
    /// The port of the node that leads to it, past Services (S11).
    pub host_port: Option<u16>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// metadata.name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its internal and external addresses.
    pub addresses: Vec<IpAddr>,
    /// The ranges that its pods get their addresses from; empty when unknown.
    pub pod_cidrs: Vec<IpNet>,
    /// Where it was written.
    pub origin: Origin,
}

/// A kind that can change connectivity and is not analysed: what the answer says of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotAnalysed {
    /// apiVersion of the objects.
    pub api_version: String,
    /// Their kind.
    pub kind: String,
    /// How many there are.
    pub count: usize,
    /// Where the first one was written.
    pub first: Origin,
}

impl Cluster {
    /// The policy with that id, if it is of this cluster.
    pub fn policy(&self, id: PolicyId) -> Option<&Policy> {
        usize::try_from(id.0)
            .ok()
            .and_then(|index| self.policies.get(index))
    }

    /// The service with that id, if it is of this cluster.
    pub fn service(&self, id: ServiceId) -> Option<&Service> {
        usize::try_from(id.0)
            .ok()
            .and_then(|index| self.services.get(index))
    }

    /// The name of a namespace.
    pub fn namespace_name(&self, id: NamespaceId) -> &str {
        self.namespace(id).map_or("", |namespace| &namespace.name)
    }

    /// The namespace with that name. Logarithmic.
    pub fn namespace_named(&self, name: &str) -> Option<NamespaceId> {
        let found = self
            .namespaces
            .binary_search_by(|namespace| namespace.name.as_str().cmp(name));
        found
            .ok()
            .and_then(|index| u32::try_from(index).ok())
            .map(NamespaceId)
    }

    /// All pods with their ids.
    pub fn pods_with_ids(&self) -> impl Iterator<Item = (PodId, &Pod)> {
        (0u32..).map(PodId).zip(&self.pods)
    }

    /// All policies with their ids.
    pub fn policies_with_ids(&self) -> impl Iterator<Item = (PolicyId, &Policy)> {
        (0u32..).map(PolicyId).zip(&self.policies)
    }

    /// All workloads with their ids.
    pub fn workloads_with_ids(&self) -> impl Iterator<Item = (WorkloadId, &Workload)> {
        (0u32..).map(WorkloadId).zip(&self.workloads)
    }

    /// The pods of one workload. Logarithmic: pods are sorted by workload.
    pub fn pods_of(&self, workload: WorkloadId) -> impl Iterator<Item = (PodId, &Pod)> {
        let start = self.pods.partition_point(|pod| pod.workload < workload);
        let first = u32::try_from(start).unwrap_or(u32::MAX);
        (first..)
            .map(PodId)
            .zip(self.pods.get(start..).unwrap_or_default())
            .take_while(move |(_, pod)| pod.workload == workload)
    }

    /// Whether selectors pass over this pod because it is on its node's network (N27 b).
    pub fn is_node_traffic(&self, pod: &Pod) -> bool {
        pod.host_network && self.semantics.host_network == HostNetwork::Node
    }
}
