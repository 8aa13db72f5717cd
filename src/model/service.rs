//! Services, their endpoints, and Ingresses: the names people dial.

use super::cluster::{NamespaceId, Origin};
use super::label::{Selector, Symbol};
use super::port::Protocol;
use ipnet::IpNet;
use std::net::IpAddr;

/// The index of a service in [`super::Cluster::services`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ServiceId(pub u32);

/// `spec.type`. Each of the first three contains the one before it (S6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ServiceType {
    /// A virtual address inside the cluster.
    ClusterIp,
    /// Also a port on every node.
    NodePort,
    /// Also an address outside.
    LoadBalancer,
    /// A DNS alias, nothing else (S5).
    ExternalName,
}

/// `externalTrafficPolicy` and `internalTrafficPolicy`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum TrafficPolicy {
    /// Any endpoint, possibly by way of another node, which then hides the client (S7).
    #[default]
    Cluster,
    /// Endpoints on the receiving node only (S7, S9).
    Local,
}

/// A Service (S1).
#[derive(Clone, Debug)]
pub struct Service {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// metadata.name.
    pub name: String,
    /// Its type.
    pub service_type: ServiceType,
    /// The pods behind it; `None` when endpoints are made by hand (S3).
    pub selector: Option<Selector>,
    /// `clusterIP: None` (S4).
    pub headless: bool,
    /// Its virtual addresses, where the input has them.
    pub cluster_ips: Vec<IpAddr>,
    /// The DNS name an ExternalName service stands for (S5).
    pub external_name: Option<String>,
    /// `externalIPs`.
    pub external_ips: Vec<IpAddr>,
    /// `loadBalancerSourceRanges` (S8); empty when every source may come.
    pub source_ranges: Vec<IpNet>,
    /// Whether an annotation of the provider keeps the load balancer off the internet.
    pub internal: bool,
    /// `allocateLoadBalancerNodePorts`: whether a load balancer has ports on every node (S6).
    pub node_ports: bool,
    /// `externalTrafficPolicy` (S7).
    pub external_traffic_policy: TrafficPolicy,
    /// `internalTrafficPolicy` (S9).
    pub internal_traffic_policy: TrafficPolicy,
    /// `publishNotReadyAddresses` (S3).
    pub publish_not_ready: bool,
    /// Its ports (S10).
    pub ports: Vec<ServicePort>,
    /// Where it was written.
    pub origin: Origin,
}

/// One port of a Service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServicePort {
    /// Its name; only a single port may have none (S10).
    pub name: Option<String>,
    /// Its protocol.
    pub protocol: Protocol,
    /// The port clients dial, from 1.
    pub port: u16,
    /// The port on the pod (S2).
    pub target: TargetPort,
    /// The port on every node, where one is given.
    pub node_port: Option<u16>,
}

/// `targetPort` (S2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TargetPort {
    /// A number; also what a missing `targetPort` means, namely the port itself.
    Number(u16),
    /// A name, looked up in each pod's container ports; the protocol must be the same.
    Name(Symbol),
}

/// The addresses of one Endpoints subset or one EndpointSlice.
#[derive(Clone, Debug)]
pub struct EndpointSet {
    /// The namespace.
    pub namespace: NamespaceId,
    /// The Service it belongs to: the Endpoints' own name, or the slice's
    /// `kubernetes.io/service-name` label (S3).
    pub service: String,
    /// The addresses.
    pub addresses: Vec<EndpointAddress>,
    /// The ports all of them serve.
    pub ports: Vec<EndpointPort>,
    /// Where it was written.
    pub origin: Origin,
}

/// One address behind a Service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointAddress {
    /// The address.
    pub address: IpAddr,
    /// The pod `targetRef` names, as (namespace, name).
    pub target: Option<(String, String)>,
    /// Whether it is ready to serve; unknown counts as ready, as the API says.
    pub ready: bool,
}

/// One port behind a Service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointPort {
    /// The Service port's name.
    pub name: Option<String>,
    /// The protocol.
    pub protocol: Protocol,
    /// The number; `None` means all ports.
    pub port: Option<u16>,
}

/// An Ingress, or an OpenShift Route read as one.
#[derive(Clone, Debug)]
pub struct Ingress {
    /// `Ingress` or `Route`.
    pub kind: &'static str,
    /// Its namespace, which its backends are in too (I1).
    pub namespace: NamespaceId,
    /// metadata.name.
    pub name: String,
    /// `ingressClassName`, or the legacy annotation (I4).
    pub class: Option<String>,
    /// What takes requests that no rule does (I2).
    pub default_backend: Option<IngressBackend>,
    /// Host and path to backend.
    pub paths: Vec<IngressPath>,
    /// The hosts that are served over TLS, `*` where it is all of them (I3).
    pub tls_hosts: Vec<String>,
    /// Where it was written.
    pub origin: Origin,
}

/// One path of one rule of an Ingress.
#[derive(Clone, Debug)]
pub struct IngressPath {
    /// The host; `None` is every host; `*.` stands for one label (I2).
    pub host: Option<String>,
    /// The path; `None` is every path.
    pub path: Option<String>,
    /// Whether the path must match exactly rather than as a prefix.
    pub exact: bool,
    /// Where requests go.
    pub backend: IngressBackend,
}

/// A Service and one of its ports.
#[derive(Clone, Debug)]
pub struct IngressBackend {
    /// The Service's name; `None` for a `resource` backend, which is no Service.
    pub service: Option<String>,
    /// Which of its ports; `None` where a Route leaves it open, which means any.
    pub port: Option<BackendPort>,
    /// Where it was written.
    pub origin: Origin,
}

/// How a backend names a port.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BackendPort {
    /// The Service's port number.
    Number(u16),
    /// The Service's port name.
    Name(String),
    /// A Route's `targetPort` number: the port on the pod.
    Target(u16),
}

/// An IngressClass (I4).
#[derive(Clone, Debug)]
pub struct IngressClass {
    /// metadata.name.
    pub name: String,
    /// The controller that serves it.
    pub controller: String,
    /// Whether Ingresses without a class get it.
    pub is_default: bool,
    /// Where it was written.
    pub origin: Origin,
}
