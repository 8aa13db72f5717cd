//! To a Service: the look-up of its name, what it leads to, and policy at the pods behind it (S1 to
//! S5).

use super::called::{Called, pods_named};
use super::domain::to_name;
use super::entry::entry_hops;
use super::lookup::lookup_hop;
use super::pieces::{ask, merge, overall_of};
use super::{Caller, CanError, Context, Hop, Overall, PortQuery, Who};
use crate::model::{
    AddressSet, Cluster, Origin, Pod, PodId, Protocol, Service, ServicePort, TargetPort,
    TrafficPolicy, TrafficSet,
};
use crate::question::near::near_label;
use crate::question::service::{Backend, backends};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A name that leads to names is followed this often.
const MAX_ALIASES: usize = 8;

/// All steps from these callers to a Service.
pub(super) fn service_hops(
    context: Context<'_>,
    sources: &Caller,
    service: &Service,
    port: &PortQuery,
) -> Result<Vec<Hop>, CanError> {
    let mut hops = Vec::new();
    if let Caller::Pods(pods) = sources {
        let namespace = context.cluster.namespace_name(service.namespace);
        let name = format!("{}.{namespace}.svc", service.name);
        hops.push(lookup_hop(context, pods, &name)?);
    }
    let mut service = service;
    let mut port = port.clone();
    for _ in 0..MAX_ALIASES {
        let Some(alias) = &service.external_name else {
            hops.extend(to_pods(context, sources, service, &port)?);
            return Ok(hops);
        };
        port = port_of_alias(service, &port)?;
        let mut hop = Hop::new(service_title(context.cluster, service));
        hop.notes.push(format!(
            "an alias for `{alias}` (ExternalName): nothing forwards, and the port is the caller's \
             choice"
        ));
        if alias.parse::<IpAddr>().is_ok() {
            let place = part(&service.origin, "externalName");
            hop.shows(place, "a name is expected, and this is looked up as one");
            let cause = format!("`{alias}` is an address, and DNS has no name like that");
            hops.push(hop.ended(Overall::No, cause));
            return Ok(hops);
        }
        let Some(inside) = named_in_cluster(context.cluster, alias) else {
            hops.push(hop);
            hops.push(to_name(context, sources, alias, &port)?);
            return Ok(hops);
        };
        hops.push(hop);
        match inside {
            Some(next) => service = next,
            None => {
                let mut hop = Hop::new(format!("look up `{alias}`"));
                hop.shows(part(&service.origin, "externalName"), "leads there");
                let cause = format!("`{alias}` is not in the input");
                hops.push(hop.ended(Overall::Unknown, cause));
                return Ok(hops);
            }
        }
    }
    let hop = Hop::new(service_title(context.cluster, service));
    hops.push(hop.ended(Overall::No, "its aliases lead to each other"));
    Ok(hops)
}

fn to_pods(
    context: Context<'_>,
    sources: &Caller,
    service: &Service,
    port: &PortQuery,
) -> Result<Vec<Hop>, CanError> {
    let ports = chosen_ports(service, port)?;
    let (hop, called) = service_hop(context.cluster, service, &ports, Some(sources));
    if let Caller::Addresses(addresses) = sources {
        let mut hops = entry_hops(context, addresses, service, &ports, &called)?;
        // The Service stands between the way in and its pods.
        hops.insert(hops.len().min(1), hop);
        return Ok(hops);
    }
    let mut hops = vec![hop];
    if !called.is_empty() {
        let mut hop = Hop::new("to the pods behind it");
        for (destination, asked) in &called {
            let pieces = ask(context, sources, destination, asked.as_ref())?;
            hop.pieces.extend(pieces);
        }
        hop.overall = overall_of(&hop.pieces, *port == PortQuery::Any);
        hop.pieces = merge(hop.pieces);
        hops.push(hop);
    }
    Ok(hops)
}

/// The port of a question about an alias: its ports are for reading only, but they may name one.
fn port_of_alias(service: &Service, port: &PortQuery) -> Result<PortQuery, CanError> {
    let PortQuery::Name(name) = port else {
        return Ok(port.clone());
    };
    match service.ports.iter().find(|p| p.name.as_ref() == Some(name)) {
        Some(found) => Ok(PortQuery::Number {
            protocol: Some(found.protocol),
            port: found.port,
        }),
        None => Err(no_port(service, port)),
    }
}

/// The Service that a name of the cluster's own domain stands for; `Some(None)` when it is not in
/// the input.
fn named_in_cluster<'a>(cluster: &'a Cluster, name: &str) -> Option<Option<&'a Service>> {
    let mut labels = name.trim_end_matches('.').split('.');
    let (Some(service), Some(namespace), Some("svc")) =
        (labels.next(), labels.next(), labels.next())
    else {
        return None;
    };
    let namespace = cluster.namespace_named(namespace);
    let is_it = |s: &&Service| Some(s.namespace) == namespace && s.name == service;
    Some(cluster.services.iter().find(is_it))
}

pub(super) fn service_title(cluster: &Cluster, service: &Service) -> String {
    let namespace = cluster.namespace_name(service.namespace);
    format!("service {namespace}/{}", service.name)
}

/// A field of a Service's spec.
fn part(origin: &Origin, field: &'static str) -> Origin {
    Origin {
        document: origin.document,
        route: origin.route.clone().key("spec").key(field),
    }
}

/// The ports of a Service that a question is about.
fn chosen_ports<'a>(
    service: &'a Service,
    port: &PortQuery,
) -> Result<Vec<&'a ServicePort>, CanError> {
    let wanted = |candidate: &&ServicePort| match port {
        PortQuery::Any => true,
        PortQuery::Number { protocol, port } => {
            candidate.port == *port && protocol.is_none_or(|p| p == candidate.protocol)
        }
        PortQuery::Name(name) => candidate.name.as_ref() == Some(name),
    };
    let ports: Vec<_> = service.ports.iter().filter(wanted).collect();
    if ports.is_empty() {
        return Err(no_port(service, port));
    }
    Ok(ports)
}

fn no_port(service: &Service, port: &PortQuery) -> CanError {
    CanError::NoServicePort {
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
    }
}

/// What a Service leads to on these ports: does it select pods, do they have the target port, is
/// any of them ready (S1 to S3). The callers matter only where traffic stays on their node (S9).
pub(super) fn service_hop(
    cluster: &Cluster,
    service: &Service,
    ports: &[&ServicePort],
    sources: Option<&Caller>,
) -> (Hop, Vec<Called>) {
    let mut hop = Hop::new(service_title(cluster, service));
    let mut called: Vec<Called> = Vec::new();
    let mut is_unsure = None;
    for port in ports {
        let mut by_number: std::collections::BTreeMap<u16, Vec<PodId>> = Default::default();
        let mut without = Vec::new();
        let mut addresses = Vec::new();
        for backend in backends(cluster, service, port) {
            match backend {
                Backend::Pod { pod, port, .. } => by_number.entry(port).or_default().push(pod),
                Backend::Address { address, port, .. } => addresses.push((address, port)),
                Backend::Unresolved { pod } => without.push(pod),
            }
        }
        for (&number, pods) in &by_number {
            let from = format!("{} {}", port.protocol, port.port);
            let names = pods_named(cluster, pods);
            hop.notes.push(match service.headless {
                true => format!("headless: the caller dials {from} of {names} itself (S4)"),
                false => format!("{from} leads to {number} of {names}"),
            });
            is_unsure = listens(cluster, service, port, (number, pods), &mut hop).or(is_unsure);
            let asked = TrafficSet::ports(port.protocol, number, number);
            let each = pods
                .iter()
                .map(|&pod| (Who::Pods(vec![pod]), Some(asked.clone())));
            called.extend(each);
        }
        for (address, number) in addresses {
            hop.notes.push(format!(
                "{} {} leads to {number} of {address}, written out by hand (S3)",
                port.protocol, port.port
            ));
            let asked = TrafficSet::ports(port.protocol, number, number);
            let address = AddressSet::of_addresses([address]);
            called.push((Who::Addresses(address), Some(asked)));
        }
        if !without.is_empty() {
            unresolved(cluster, service, port, &without, &mut hop);
        }
    }
    let hop = if called.is_empty() {
        leads_nowhere(cluster, service, hop)
    } else if none_ready(cluster, service) {
        hop.ended(
            Overall::No,
            format!("no endpoint of `{}` is ready", service.name),
        )
    } else if let Some(cause) = is_unsure {
        hop.ended(Overall::Unknown, cause)
    } else if let Some((overall, cause)) = stays_on_node(cluster, service, sources, &called) {
        hop.ended(overall, cause)
    } else {
        hop
    };
    (hop, called)
}

/// What the declared ports say of a target port. Declaring none does not matter (N20); declaring
/// the number for another protocol alone leaves open whether anything listens.
fn listens(
    cluster: &Cluster,
    service: &Service,
    port: &ServicePort,
    (number, pods): (u16, &[PodId]),
    hop: &mut Hop,
) -> Option<String> {
    let declares = |pod: &PodId, protocol: Option<Protocol>| {
        let ports = cluster.pod(*pod).map_or(&[][..], |pod| &pod.ports);
        let mut same = ports.iter().filter(|declared| declared.port == number);
        same.any(|declared| protocol.is_none_or(|p| p == declared.protocol))
    };
    let missing: Vec<PodId> = pods
        .iter()
        .copied()
        .filter(|pod| !declares(pod, Some(port.protocol)))
        .collect();
    let declared_ports = |pod: &PodId| cluster.pod(*pod).is_some_and(|pod| !pod.ports.is_empty());
    let other: Vec<PodId> = missing
        .iter()
        .copied()
        .filter(|pod| declares(pod, None))
        .collect();
    if other.is_empty() {
        let silent: Vec<PodId> = missing.into_iter().filter(declared_ports).collect();
        if !silent.is_empty() {
            hop.notes.push(format!(
                "{} declares other ports than {} {number}: whether it listens there is not in the \
                 input",
                pods_named(cluster, &silent),
                port.protocol
            ));
        }
        return None;
    }
    hop.shows(
        target_place(service, port),
        format!(
            "{} {number}, which the pod declares for another protocol",
            port.protocol
        ),
    );
    Some(format!(
        "{} declares port {number} for another protocol than {}",
        pods_named(cluster, &other),
        port.protocol
    ))
}

/// Where a target port is written, or else the port.
fn target_place(service: &Service, port: &ServicePort) -> Origin {
    let index = service.ports.iter().position(|p| p == port);
    let ports = part(&service.origin, "ports");
    Origin {
        document: ports.document,
        route: ports.route.index(index.unwrap_or(0)).key("targetPort"),
    }
}

/// Pods without the named target port are no endpoints of it (S2).
fn unresolved(
    cluster: &Cluster,
    service: &Service,
    port: &ServicePort,
    pods: &[PodId],
    hop: &mut Hop,
) {
    let TargetPort::Name(name) = port.target else {
        return;
    };
    let name_text = cluster.symbols.name(name);
    let other_protocol = pods.iter().filter_map(|&pod| cluster.pod(pod)).any(|pod| {
        let mut declared = pod.ports.iter();
        declared.any(|p| p.name == Some(name) && p.protocol != port.protocol)
    });
    let declared: BTreeSet<&str> = pods
        .iter()
        .filter_map(|&pod| cluster.pod(pod))
        .flat_map(|pod| &pod.ports)
        .filter_map(|p| Some(cluster.symbols.name(p.name?)))
        .collect();
    let near = crate::model::nearest(name_text, declared.iter().copied());
    let label = match (other_protocol, near) {
        (true, _) => format!("the pod's `{name_text}` is not for {}", port.protocol),
        (false, Some(near)) => format!("the pod has no such port; did you mean `{near}`?"),
        (false, None) => "the pod has no port of that name".to_owned(),
    };
    hop.shows(target_place(service, port), label);
    hop.notes.push(format!(
        "{} declares no {} port `{name_text}`, so it is no endpoint of {} {} (S2)",
        pods_named(cluster, pods),
        port.protocol,
        port.protocol,
        port.port
    ));
}

/// A Service without endpoints, and why.
fn leads_nowhere(cluster: &Cluster, service: &Service, mut hop: Hop) -> Hop {
    let name = &service.name;
    let listed = cluster
        .endpoint_sets
        .iter()
        .filter(|set| set.namespace == service.namespace && set.service == *name);
    let n_listed: usize = listed.map(|set| set.addresses.len()).sum();
    let Some(selector) = service.selector.as_ref().filter(|s| !s.is_everything()) else {
        if n_listed > 0 {
            return hop.ended(Overall::No, format!("no endpoint of `{name}` is ready"));
        }
        hop.shows(service.origin.clone(), "it has no selector");
        let cause =
            format!("`{name}` has no selector, and its endpoints are not in the input (S3)");
        return hop.ended(Overall::Unknown, cause);
    };
    let has_no_port = hop.notes.iter().any(|_| true);
    if has_no_port {
        return hop.ended(
            Overall::No,
            format!("no pod behind `{name}` has its target port"),
        );
    }
    let pods: Vec<(PodId, &Pod)> = cluster
        .pods_with_ids()
        .filter(|(_, pod)| pod.namespace == service.namespace)
        .collect();
    let label = match near_label(cluster, selector, &pods) {
        Some(near) => format!("no pod has these labels; did you mean `{near}`?"),
        None => "no pod has these labels".to_owned(),
    };
    hop.shows(part(&service.origin, "selector"), label);
    if n_listed > 0 {
        let cause = format!("`{name}` has endpoints, and their pods are not in the input");
        return hop.ended(Overall::Unknown, cause);
    }
    hop.ended(Overall::No, format!("service `{name}` selects no pod"))
}

/// Whether the input has the endpoints that the cluster made, and none is ready (S3). Without
/// them, the pods of a template count as ready.
fn none_ready(cluster: &Cluster, service: &Service) -> bool {
    if service.publish_not_ready {
        return false;
    }
    let sets = cluster.endpoint_sets.iter();
    let mut own = sets
        .filter(|set| set.namespace == service.namespace && set.service == service.name)
        .flat_map(|set| &set.addresses)
        .peekable();
    own.peek().is_some() && own.all(|address| !address.ready)
}

/// S9: with `internalTrafficPolicy: Local` only endpoints on the caller's own node are used. A
/// DaemonSet has one on each that it runs on.
fn stays_on_node(
    cluster: &Cluster,
    service: &Service,
    sources: Option<&Caller>,
    called: &[Called],
) -> Option<(Overall, String)> {
    let Some(Caller::Pods(callers)) = sources else {
        return None;
    };
    if service.internal_traffic_policy == TrafficPolicy::Cluster {
        return None;
    }
    let called: Vec<PodId> = called
        .iter()
        .filter_map(|(who, _)| match who {
            Who::Pods(pods) => Some(pods.as_slice()),
            _ => None,
        })
        .flatten()
        .copied()
        .collect();
    let node = |pod: &PodId| cluster.pod(*pod).and_then(|pod| pod.node.as_deref());
    let everywhere = called.iter().all(|&pod| {
        let workload = cluster
            .pod(pod)
            .and_then(|pod| cluster.workload(pod.workload));
        workload.is_some_and(|workload| workload.kind.0 == "DaemonSet")
    });
    let beside = |caller: &PodId| {
        let own = node(caller);
        own.is_some() && called.iter().any(|pod| node(pod) == own)
    };
    if everywhere || callers.iter().all(beside) {
        return None;
    }
    let all_known = callers.iter().chain(&called).all(|pod| node(pod).is_some());
    let (overall, what) = match (all_known, callers.iter().any(beside)) {
        (true, true) => (Overall::Partly, "not every caller's node has one"),
        (true, false) => (Overall::No, "the caller's node has none"),
        (false, _) => (Overall::Unknown, "which nodes have one is not in the input"),
    };
    Some((
        overall,
        format!(
            "only endpoints on the caller's own node count (`internalTrafficPolicy: Local`; S9), and {what}"
        ),
    ))
}
