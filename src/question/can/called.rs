//! The called end of a question: which pods or addresses, and which traffic there.

use super::pieces::{ask, merge, overall_of};
use super::{Caller, CanError, Context, Hop, PortQuery, Who};
use crate::model::{AddressSet, Cluster, PodId, Protocol, Service, TrafficSet};
use crate::question::endpoint::Endpoint;
use crate::question::service::{Backend, backends};

/// One thing that is called, and the traffic asked about there; `None` is all.
type Called = (Who, Option<TrafficSet>);

pub(super) fn direct_hop(
    context: Context<'_>,
    sources: &Caller,
    to: &Endpoint,
    port: &PortQuery,
) -> Result<Hop, CanError> {
    let mut notes = Vec::new();
    let called = match to {
        Endpoint::Workload(id) => {
            let pods: Vec<PodId> = context.cluster.pods_of(*id).map(|(pod, _)| pod).collect();
            let name = context
                .cluster
                .workload(*id)
                .map_or("", |workload| &workload.name);
            called_pods(context.cluster, name, &pods, port)?
        }
        Endpoint::Pod(id) => called_pods(context.cluster, "the pod", &[*id], port)?,
        Endpoint::Service(id) => match context.cluster.service(*id) {
            Some(service) => called_service(context.cluster, service, port, &mut notes)?,
            None => Vec::new(),
        },
        Endpoint::Node(id) => vec![(Who::Node(*id), asked_number(port))],
        Endpoint::Addresses { addresses, .. } => {
            vec![(Who::Addresses(addresses.clone()), asked_number(port))]
        }
        Endpoint::Ingress { .. } => Vec::new(),
    };
    let mut pieces = Vec::new();
    for (destination, asked) in called {
        pieces.extend(ask(context, sources, &destination, asked.as_ref())?);
    }
    let overall = overall_of(&pieces, matches!(port, PortQuery::Any));
    Ok(Hop {
        title: String::new(),
        pieces: merge(pieces),
        notes,
        overall,
    })
}

/// The traffic of a question where names cannot be resolved: outside there are none (N18).
fn asked_number(port: &PortQuery) -> Option<TrafficSet> {
    match port {
        PortQuery::Any => None,
        PortQuery::Number { protocol, port } => Some(TrafficSet::ports(
            protocol.unwrap_or(Protocol::Tcp),
            *port,
            *port,
        )),
        PortQuery::Name(_) => Some(TrafficSet::none()),
    }
}

fn called_pods(
    cluster: &Cluster,
    name: &str,
    pods: &[PodId],
    port: &PortQuery,
) -> Result<Vec<Called>, CanError> {
    let PortQuery::Name(wanted) = port else {
        return Ok(vec![(Who::Pods(pods.to_vec()), asked_number(port))]);
    };
    let declared = |id: &PodId| {
        let ports = cluster.pod(*id).map_or(&[][..], |pod| &pod.ports);
        ports
            .iter()
            .filter_map(|p| Some((cluster.symbols.name(p.name?), p.protocol, p.port)))
    };
    let mut available: Vec<String> = pods
        .iter()
        .flat_map(declared)
        .map(|(name, _, _)| name.to_owned())
        .collect();
    available.sort();
    available.dedup();
    if !available.contains(wanted) {
        let (destination, name) = (name.to_owned(), wanted.clone());
        return Err(CanError::NoNamedPort {
            destination,
            name,
            available,
        });
    }
    Ok(pods
        .iter()
        .map(|id| {
            let named = declared(id).filter(|(name, _, _)| *name == wanted.as_str());
            let traffic = named.fold(TrafficSet::none(), |set, (_, protocol, port)| {
                set.union(&TrafficSet::ports(protocol, port, port))
            });
            (Who::Pods(vec![*id]), Some(traffic))
        })
        .collect())
}

/// S1, S2: a Service's port is one target per endpoint.
fn called_service(
    cluster: &Cluster,
    service: &Service,
    port: &PortQuery,
    notes: &mut Vec<String>,
) -> Result<Vec<Called>, CanError> {
    if let Some(name) = &service.external_name {
        notes.push(format!(
            "`{}` is an ExternalName: an alias for `{name}`, whose addresses are not in the input",
            service.name
        ));
        return Ok(Vec::new());
    }
    let wanted = |candidate: &&crate::model::ServicePort| match port {
        PortQuery::Any => true,
        PortQuery::Number { protocol, port } => {
            candidate.port == *port && protocol.is_none_or(|p| p == candidate.protocol)
        }
        PortQuery::Name(name) => candidate.name.as_ref() == Some(name),
    };
    let ports: Vec<_> = service.ports.iter().filter(wanted).collect();
    if ports.is_empty() {
        return Err(CanError::NoServicePort {
            service: service.name.clone(),
            port: match port {
                PortQuery::Number { port, .. } => port.to_string(),
                PortQuery::Name(name) => name.clone(),
                PortQuery::Any => "any".to_owned(),
            },
            available: service
                .ports
                .iter()
                .map(|port| match &port.name {
                    Some(name) => format!("{} {} ({name})", port.protocol, port.port),
                    None => format!("{} {}", port.protocol, port.port),
                })
                .collect(),
        });
    }
    let mut called = Vec::new();
    for port in ports {
        for backend in backends(cluster, service, port) {
            match backend {
                Backend::Pod {
                    pod,
                    protocol,
                    port,
                } => called.push((
                    Who::Pods(vec![pod]),
                    Some(TrafficSet::ports(protocol, port, port)),
                )),
                Backend::Address {
                    address,
                    protocol,
                    port,
                } => called.push((
                    Who::Addresses(AddressSet::from(ipnet::IpNet::from(address))),
                    Some(TrafficSet::ports(protocol, port, port)),
                )),
                Backend::Unresolved { pod } => notes.push(format!(
                    "pod `{}` declares no such target port, so it is no endpoint of port {}",
                    pod_name(cluster, pod),
                    port.port
                )),
            }
        }
    }
    if called.is_empty() && notes.is_empty() {
        notes.push(match &service.selector {
            Some(_) => format!("service `{}` selects no pod", service.name),
            None => format!(
                "service `{}` has no selector and no endpoints in the input",
                service.name
            ),
        });
    }
    Ok(called)
}

/// What a pod is called in an answer: its own name, or its workload's.
pub fn pod_name(cluster: &Cluster, id: PodId) -> String {
    let Some(pod) = cluster.pod(id) else {
        return String::new();
    };
    let workload = cluster
        .workload(pod.workload)
        .map_or("", |workload| &workload.name);
    let name = pod.name.as_deref().unwrap_or(workload);
    format!("{}/{name}", cluster.namespace_name(pod.namespace))
}
