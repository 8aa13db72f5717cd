//! What leads to workloads from outside the cluster (S6 to S8, S11, I5).

use crate::model::{
    AddressSet, Cluster, Direction, PodId, Protocol, Service, ServiceType, TrafficPolicy,
    TrafficSet, Verdict, WorkloadId,
};
use crate::question::ingress::{ControllerChoice, led_to};
use crate::question::service::{Backend, backends};
use crate::reach::Reach;
use std::collections::BTreeMap;

/// What leads in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum WayKind {
    /// The pod is on its node's network.
    HostNetwork,
    /// A port of the node.
    HostPort,
    /// A Service's load balancer.
    LoadBalancer,
    /// A Service's load balancer, which a provider's annotation keeps off the internet.
    InternalLoadBalancer,
    /// A Service's ports on every node.
    NodePort,
    /// A Service's external addresses.
    ExternalAddress,
    /// An Ingress or Route, by way of its controller.
    Ingress,
}

impl WayKind {
    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            WayKind::HostNetwork => "host-network",
            WayKind::HostPort => "host-port",
            WayKind::LoadBalancer => "load-balancer",
            WayKind::InternalLoadBalancer => "internal-load-balancer",
            WayKind::NodePort => "node-port",
            WayKind::ExternalAddress => "external-address",
            WayKind::Ingress => "ingress",
        }
    }
}

/// One way in that policy leaves open.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Way {
    /// What it is.
    pub kind: WayKind,
    /// The Service's or Ingress's name; none for the node's own.
    pub name: Option<String>,
    /// The ports on the pod that it gets to.
    pub traffic: TrafficSet,
    /// Who may come, when not everyone may (S8).
    pub clients: Option<AddressSet>,
}

/// Everything that policy lets in from these addresses outside; from any, with `None`.
pub(super) fn from_outside(reach: &Reach, pod: PodId, clients: Option<&AddressSet>) -> TrafficSet {
    let parts = reach.externals().filter_map(|(_, atom)| match clients {
        Some(clients) => atom.intersection(clients).first(),
        None => atom.first(),
    });
    let found = parts.filter_map(|a| reach.with_external(pod, Direction::Ingress, a));
    found.fold(TrafficSet::none(), |all, one| all.union(&one.may()))
}

/// The ways to each workload.
pub(super) fn ways(
    cluster: &Cluster,
    reach: &Reach,
    controller: Option<&ControllerChoice>,
) -> BTreeMap<WorkloadId, Vec<Way>> {
    let mut found: BTreeMap<WorkloadId, Vec<Way>> = BTreeMap::new();
    let mut add = |pod: PodId, way: Way| {
        let Some(workload) = cluster.pod(pod).map(|pod| pod.workload) else {
            return;
        };
        if way.traffic.is_none() {
            return;
        }
        let own = found.entry(workload).or_default();
        let same = own
            .iter_mut()
            .find(|w| (w.kind, &w.name, &w.clients) == (way.kind, &way.name, &way.clients));
        match same {
            Some(same) => same.traffic = same.traffic.union(&way.traffic),
            None => own.push(way),
        }
    };
    for (id, pod) in cluster.pods_with_ids() {
        let way = |kind, traffic| Way {
            kind,
            name: None,
            traffic,
            clients: None,
        };
        if cluster.is_node_traffic(pod) {
            // Only what it listens on is there, and the declared ports are what is known of that.
            let declared = pod.ports.iter().fold(TrafficSet::none(), |all, port| {
                all.union(&TrafficSet::ports(port.protocol, port.port, port.port))
            });
            let all = match declared.is_none() {
                true => TrafficSet::all(),
                false => declared,
            };
            add(id, way(WayKind::HostNetwork, all));
            continue;
        }
        for port in pod.ports.iter().filter(|port| port.host_port.is_some()) {
            let traffic = TrafficSet::ports(port.protocol, port.port, port.port);
            add(id, way(WayKind::HostPort, traffic));
        }
    }
    for service in &cluster.services {
        for (kind, clients) in kinds(service) {
            let name = format!(
                "{}/{}",
                cluster.namespace_name(service.namespace),
                service.name
            );
            for port in &service.ports {
                for backend in backends(cluster, service, port) {
                    let Backend::Pod {
                        pod,
                        protocol,
                        port,
                    } = backend
                    else {
                        continue;
                    };
                    let target = TrafficSet::ports(protocol, port, port);
                    // S7, N26: by way of the pod's own node everything gets in; otherwise policy
                    // sees the client.
                    let traffic = match service.external_traffic_policy {
                        TrafficPolicy::Cluster => target,
                        TrafficPolicy::Local => {
                            target.intersection(&from_outside(reach, pod, clients.as_ref()))
                        }
                    };
                    add(
                        pod,
                        Way {
                            kind,
                            name: Some(name.clone()),
                            traffic,
                            clients: clients.clone(),
                        },
                    );
                }
            }
        }
    }
    for led in led_to(cluster, reach, controller) {
        if led
            .verdicts
            .iter()
            .any(|verdict| *verdict != Verdict::Denied)
        {
            let namespace = cluster.namespace_name(led.ingress.namespace);
            add(
                led.pod,
                Way {
                    kind: WayKind::Ingress,
                    name: Some(format!("{namespace}/{}", led.ingress.name)),
                    traffic: TrafficSet::ports(led.protocol, led.port, led.port),
                    clients: None,
                },
            );
        }
    }
    for own in found.values_mut() {
        own.sort();
    }
    found
}

/// What a Service opens to outside, with who may come.
fn kinds(service: &Service) -> Vec<(WayKind, Option<AddressSet>)> {
    let mut kinds = Vec::new();
    let is_balanced = service.service_type == ServiceType::LoadBalancer;
    if is_balanced {
        let ranges = service
            .source_ranges
            .iter()
            .map(|&net| AddressSet::from(net));
        let ranges = ranges.reduce(|all, one| all.union(&one));
        let kind = match service.internal {
            true => WayKind::InternalLoadBalancer,
            false => WayKind::LoadBalancer,
        };
        kinds.push((kind, ranges));
    }
    if service.service_type == ServiceType::NodePort || is_balanced && service.node_ports {
        kinds.push((WayKind::NodePort, None));
    }
    if !service.external_ips.is_empty() {
        kinds.push((WayKind::ExternalAddress, None));
    }
    kinds
}

/// Ports of one protocol, as the atoms that a set of breaks makes of them: the first of each.
pub(super) fn firsts(
    traffic: &TrafficSet,
    breaks: &[(Protocol, u16)],
) -> Vec<(Protocol, u16, u16)> {
    let mut atoms = Vec::new();
    for protocol in Protocol::ALL {
        for &(first, last) in traffic.get(protocol).ranges() {
            let mut start = first;
            let inside = breaks
                .iter()
                .filter(|(p, at)| *p == protocol && *at > first && *at <= last);
            for &(_, at) in inside {
                atoms.push((protocol, start, at.saturating_sub(1)));
                start = at;
            }
            atoms.push((protocol, start, last));
        }
    }
    atoms
}
