//! From a Service's port to the pods and ports behind it (S1 to S5).

use crate::model::{
    Cluster, ContainerPort, EndpointAddress, Pod, PodId, Protocol, Selector, Service, ServicePort,
    TargetPort,
};
use std::net::IpAddr;

/// One thing a connection to a Service's port can end at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Backend {
    /// A port of a pod.
    Pod {
        /// The pod.
        pod: PodId,
        /// The protocol.
        protocol: Protocol,
        /// The port on the pod.
        port: u16,
    },
    /// An address that is no pod's: a hand-made endpoint (S3).
    Address {
        /// The address.
        address: IpAddr,
        /// The protocol.
        protocol: Protocol,
        /// The port.
        port: u16,
    },
    /// A pod behind the Service that does not have the named target port, and so is no
    /// endpoint of this port (S2).
    Unresolved {
        /// The pod.
        pod: PodId,
    },
}

/// The pods that a Service selects, terminated ones never among them (N16). Empty without a
/// selector, and also with an empty one, which the API treats alike (S3).
pub fn selected_pods<'a>(
    cluster: &'a Cluster,
    service: &'a Service,
) -> impl Iterator<Item = (PodId, &'a Pod)> {
    let selector = service
        .selector
        .as_ref()
        .filter(|selector| !selector.is_everything());
    cluster.pods_with_ids().filter(move |(_, pod)| {
        pod.namespace == service.namespace
            && selector.is_some_and(|selector: &Selector| selector.matches(&pod.labels))
    })
}

/// Everything a connection to one port of a Service can end at, in order. Endpoints that are
/// written out win over the selector only when there is no selector: with one, the control
/// plane makes them from it (S3).
pub fn backends(cluster: &Cluster, service: &Service, port: &ServicePort) -> Vec<Backend> {
    let mut found: Vec<Backend> = match &service.selector {
        Some(selector) if !selector.is_everything() => selected_pods(cluster, service)
            .map(|(id, pod)| match resolve(service, port, pod) {
                Some(number) => Backend::Pod {
                    pod: id,
                    protocol: port.protocol,
                    port: number,
                },
                None => Backend::Unresolved { pod: id },
            })
            .collect(),
        _ => written_out(cluster, service, port),
    };
    found.sort_unstable();
    found.dedup();
    found
}

/// The number of a Service's target port on one pod (S2). A headless Service does not translate
/// ports: the client dials the pod's own, and the Service's number is all that is known (S4).
fn resolve(service: &Service, port: &ServicePort, pod: &Pod) -> Option<u16> {
    match port.target {
        _ if service.headless => Some(port.port),
        TargetPort::Number(number) => Some(number),
        TargetPort::Name(name) => {
            let matches = |declared: &&ContainerPort| {
                declared.name == Some(name) && declared.protocol == port.protocol
            };
            pod.ports.iter().find(matches).map(|declared| declared.port)
        }
    }
}

fn written_out(cluster: &Cluster, service: &Service, port: &ServicePort) -> Vec<Backend> {
    let mut found = Vec::new();
    let sets = cluster
        .endpoint_sets
        .iter()
        .filter(|set| set.namespace == service.namespace && set.service == service.name);
    for set in sets {
        let same_port = set.ports.iter().filter(|p| {
            p.protocol == port.protocol && (p.name == port.name || service.ports.len() == 1)
        });
        for number in same_port.map(|p| p.port.unwrap_or(port.port)) {
            for address in set
                .addresses
                .iter()
                .filter(|a| a.ready || service.publish_not_ready)
            {
                found.push(match pod_at(cluster, address) {
                    Some(pod) => Backend::Pod {
                        pod,
                        protocol: port.protocol,
                        port: number,
                    },
                    None => Backend::Address {
                        address: address.address,
                        protocol: port.protocol,
                        port: number,
                    },
                });
            }
        }
    }
    found
}

/// The pod behind a written-out address: by its target reference, else by its address.
fn pod_at(cluster: &Cluster, endpoint: &EndpointAddress) -> Option<PodId> {
    let by_reference = endpoint.target.as_ref().and_then(|(namespace, name)| {
        let namespace = cluster.namespace_named(namespace)?;
        let mut pods = cluster.pods_with_ids();
        pods.find(|(_, pod)| pod.namespace == namespace && pod.name.as_ref() == Some(name))
    });
    by_reference
        .or_else(|| {
            let mut pods = cluster.pods_with_ids();
            pods.find(|(_, pod)| pod.addresses.contains(&endpoint.address))
        })
        .map(|(id, _)| id)
}
