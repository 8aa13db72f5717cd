//! From outside to a Service: what lets a caller in, and whom the pods then see (S6 to S8).

use super::called::{Called, pod_name};
use super::example::denied_sides;
use super::pieces::{ask, merge, overall_of};
use super::service_hops::service_title;
use super::{Caller, CanError, Context, Example, Hop, Overall, Piece, Who};
use crate::model::{
    AddressSet, Cluster, Direction, Family, Flow, Origin, Party, PodId, Service, ServicePort,
    ServiceType, TrafficPolicy, TrafficSet, Verdict, evaluate, family_addresses,
};
use crate::question::ingress::{Target, all_backends, follow};
use crate::question::service::selected_pods;
use crate::reach::PairTraffic;
use std::collections::BTreeMap;

/// The way in, and then policy at the pods for those who get in.
pub(super) fn entry_hops(
    context: Context<'_>,
    addresses: &AddressSet,
    service: &Service,
    ports: &[&ServicePort],
    called: &[Called],
) -> Result<Vec<Hop>, CanError> {
    let (entry, entering) = entry_hop(context.cluster, addresses, service, ports);
    let mut hops = vec![entry];
    if let Some(entering) = entering
        && !called.is_empty()
    {
        hops.push(pods_hop(context, &entering, service, called)?);
    }
    Ok(hops)
}

/// Which of the addresses get in, and by what.
fn entry_hop(
    cluster: &Cluster,
    addresses: &AddressSet,
    service: &Service,
    ports: &[&ServicePort],
) -> (Hop, Option<AddressSet>) {
    let name = &service.name;
    let mut hop = Hop::new(format!(
        "from outside to {}",
        service_title(cluster, service)
    ));
    let is_balanced = service.service_type == ServiceType::LoadBalancer;
    let has_node_ports =
        service.service_type == ServiceType::NodePort || is_balanced && service.node_ports;
    let by_address = !service.external_ips.is_empty();
    if has_node_ports {
        hop.notes.push(format!(
            "by its node ports{}, as far as nodes can be reached from there (S6)",
            node_ports_text(ports)
        ));
    }
    if by_address {
        let all: Vec<String> = service
            .external_ips
            .iter()
            .map(ToString::to_string)
            .collect();
        hop.notes
            .push(format!("by its external address {}", all.join(", ")));
    }
    if !is_balanced {
        if has_node_ports || by_address {
            return (hop, Some(addresses.clone()));
        }
        for (kind, ingress, host) in leading_here(cluster, service) {
            hop.notes.push(format!(
                "{kind} `{ingress}` leads to it: ask about `ingress:{host}`"
            ));
        }
        hop.shows(
            field(&service.origin, "type"),
            "not `NodePort` or `LoadBalancer`",
        );
        let cause = format!("`{name}` is a ClusterIP service, which is for callers inside");
        return (hop.ended(Overall::No, cause), None);
    }
    if service.internal {
        hop.shows(service.origin.clone(), "an annotation makes it internal");
        let cause = format!(
            "the load balancer of `{name}` is internal, and who reaches it is not in the input"
        );
        return (hop.ended(Overall::Unknown, cause), Some(addresses.clone()));
    }
    if service.source_ranges.is_empty() {
        hop.notes
            .push("by its load balancer, which takes everyone".to_owned());
        return (hop, Some(addresses.clone()));
    }
    let ranges = service
        .source_ranges
        .iter()
        .map(|&net| AddressSet::from(net));
    let ranges = ranges.fold(AddressSet::default(), |all, one| all.union(&one));
    let entering = ranges.intersection(addresses);
    let shown: Vec<String> = service
        .source_ranges
        .iter()
        .map(ToString::to_string)
        .collect();
    let shown = shown.join(", ");
    hop.notes
        .push(format!("by its load balancer, which takes {shown} (S8)"));
    let ranges_at = field(&service.origin, "loadBalancerSourceRanges");
    if entering == *addresses {
        return (hop, Some(entering));
    }
    hop.shows(ranges_at, "who may come");
    if has_node_ports {
        let cause = format!(
            "the load balancer of `{name}` takes {shown} only, but its node ports take everyone (S8)"
        );
        return (hop.ended(Overall::Partly, cause), Some(addresses.clone()));
    }
    let cause = format!("the load balancer of `{name}` takes {shown} only");
    match entering.is_empty() {
        true => (hop.ended(Overall::No, cause), None),
        false => (hop.ended(Overall::Partly, cause), Some(entering)),
    }
}

fn field(origin: &Origin, name: &'static str) -> Origin {
    Origin {
        document: origin.document,
        route: origin.route.clone().key("spec").key(name),
    }
}

fn node_ports_text(ports: &[&ServicePort]) -> String {
    let numbers: Vec<String> = ports
        .iter()
        .filter_map(|port| port.node_port.map(|number| number.to_string()))
        .collect();
    match numbers.is_empty() {
        true => String::new(),
        false => format!(" {}", numbers.join(", ")),
    }
}

/// The Ingresses that lead to a Service: kind, name and a host to ask about.
fn leading_here(cluster: &Cluster, service: &Service) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    for ingress in &cluster.ingresses {
        let leads_here = all_backends(ingress).any(|backend| {
            matches!(follow(cluster, ingress, backend), Target::Backends { service: id, .. }
                if cluster.service(id).is_some_and(|s| s.origin == service.origin))
        });
        let host = ingress.paths.iter().find_map(|path| path.host.clone());
        if leads_here {
            let host = host.unwrap_or_else(|| "HOST/".to_owned());
            found.push((ingress.kind, ingress.name.clone(), host));
        }
    }
    found
}

/// What leads to pods from outside, as what to ask about instead: policy alone was asked about.
pub(super) fn ways_text(cluster: &Cluster, pods: &[PodId]) -> String {
    let mut ways = Vec::new();
    for service in &cluster.services {
        let mut behind = selected_pods(cluster, service);
        if !behind.any(|(id, _)| pods.contains(&id)) {
            continue;
        }
        let is_open = !service.external_ips.is_empty()
            || matches!(
                service.service_type,
                ServiceType::NodePort | ServiceType::LoadBalancer
            );
        if is_open {
            let namespace = cluster.namespace_name(service.namespace);
            ways.push(format!("`service:{namespace}/{}`", service.name));
        }
        let led = leading_here(cluster, service).into_iter();
        ways.extend(led.map(|(_, _, host)| format!("`ingress:{host}`")));
    }
    ways.sort();
    ways.dedup();
    match ways.is_empty() {
        true => {
            "this is what policy says; nothing of the input leads there from outside".to_owned()
        }
        false => format!(
            "this is what policy says; the way there is {}",
            ways.join(", ")
        ),
    }
}

/// Policy at the pods, for whom they see: the caller itself with `externalTrafficPolicy: Local`,
/// else a node, and a pod's own node gets in whatever policy says (S7, N26).
pub(super) fn pods_hop(
    context: Context<'_>,
    entering: &AddressSet,
    service: &Service,
    called: &[Called],
) -> Result<Hop, CanError> {
    let mut hop = Hop::new("to the pods behind it");
    let sees_node = service.external_traffic_policy == TrafficPolicy::Cluster;
    for (destination, asked) in called {
        match (destination, asked) {
            (Who::Pods(pods), Some(asked)) if sees_node => {
                for &pod in pods {
                    hop.pieces.extend(from_nodes(context, pod, asked)?);
                }
            }
            (Who::Pods(_), asked) => {
                let caller = Caller::Addresses(entering.clone());
                hop.pieces
                    .extend(ask(context, &caller, destination, asked.as_ref())?);
            }
            _ => hop
                .notes
                .push("an endpoint is outside too: policy says nothing of it".to_owned()),
        }
    }
    hop.notes.push(match sees_node {
        true => "the pods see a node's address, not the caller's (`externalTrafficPolicy: \
                 Cluster`), unless the balancer or CNI keeps it (S7)"
            .to_owned(),
        false => {
            "the pods see the caller's address (`externalTrafficPolicy: Local`; S7)".to_owned()
        }
    });
    if hop.pieces.is_empty() {
        return Ok(hop);
    }
    hop.overall = overall_of(&hop.pieces, false);
    hop.pieces = merge(hop.pieces);
    let only_own = hop.overall == Overall::Partly
        && hop.pieces.iter().any(|piece| piece.source == Who::OwnNode);
    if only_own {
        hop.cause =
            Some("the pods see a node's address, and not every node gets in (S7)".to_owned());
    }
    Ok(hop)
}

/// What nodes may send to one pod: its own, and the others.
fn from_nodes(context: Context<'_>, id: PodId, asked: &TrafficSet) -> Result<Vec<Piece>, CanError> {
    let cluster = context.cluster;
    let Some(pod) = cluster.pod(id) else {
        return Ok(Vec::new());
    };
    let piece = |source, allowed: &TrafficSet, unknown: TrafficSet, family| Piece {
        source,
        destination: Who::Pods(vec![id]),
        asked: asked.clone(),
        allowed: allowed.intersection(asked),
        unknown: unknown.intersection(asked),
        family,
        example: None,
    };
    let mut pieces = vec![piece(
        Who::OwnNode,
        &TrafficSet::all(),
        TrafficSet::none(),
        None,
    )];
    let others = cluster
        .nodes
        .iter()
        .filter(|node| Some(&node.name) != pod.node.as_ref());
    let known: Vec<_> = others
        .flat_map(|node| node.addresses.iter().copied())
        .collect();
    if !known.is_empty() {
        let mut by_traffic: BTreeMap<(TrafficSet, TrafficSet), AddressSet> = BTreeMap::new();
        for address in known {
            let found = context.reach.with_external(id, Direction::Ingress, address);
            if let Some(traffic) = found {
                let cut = |traffic: &TrafficSet| traffic.intersection(asked);
                let key = (cut(&traffic.allowed), cut(&traffic.unknown));
                let set = by_traffic.entry(key).or_default();
                *set = set.union(&AddressSet::of_addresses([address]));
            }
        }
        for ((allowed, unknown), addresses) in by_traffic {
            let first = addresses.first();
            let mut one = piece(Who::OtherNodes(addresses), &allowed, unknown, None);
            one.example = first
                .map(|address| traced(context, id, &one, address))
                .transpose()?
                .flatten();
            pieces.push(one);
        }
        return Ok(pieces);
    }
    if !cluster.nodes.is_empty()
        && cluster
            .nodes
            .iter()
            .all(|n| Some(&n.name) == pod.node.as_ref())
    {
        return Ok(pieces);
    }
    // Nodes of which no address is known: certain is what holds for every address.
    for family in families_of(cluster, id) {
        let atoms = context
            .reach
            .externals()
            .map(|(_, atom)| atom.intersection(&family_addresses(family)));
        let firsts: Vec<_> = atoms.filter_map(|atom| atom.first()).collect();
        let each: Vec<PairTraffic> = firsts
            .iter()
            .filter_map(|&address| context.reach.with_external(id, Direction::Ingress, address))
            .collect();
        let some = each
            .iter()
            .fold(TrafficSet::none(), |all, one| all.union(&one.may()));
        let always = each
            .iter()
            .fold(some.clone(), |all, one| all.intersection(&one.allowed));
        let unknown = some.difference(&always);
        let mut one = piece(
            Who::OtherNodes(AddressSet::default()),
            &always,
            unknown,
            Some(family),
        );
        if one.unknown.is_none() {
            let traced = firsts
                .first()
                .map(|&address| traced(context, id, &one, address));
            one.example = traced.transpose()?.flatten();
        }
        pieces.push(one);
    }
    Ok(pieces)
}

/// The families that a pod has; IPv4 where nothing is said of it.
fn families_of(cluster: &Cluster, id: PodId) -> Vec<Family> {
    let pod = cluster.pod(id);
    let own = pod
        .into_iter()
        .flat_map(|pod| pod.addresses.iter().copied());
    let mut found: Vec<Family> = own.map(Family::of).collect();
    if found.is_empty() {
        let ranges = cluster.pod_cidrs.iter();
        found = ranges.map(|net| Family::of(net.addr())).collect();
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        vec![Family::V4]
    } else {
        found
    }
}

/// One flow from a node's address, by the specification, held against the piece.
fn traced(
    context: Context<'_>,
    pod: PodId,
    piece: &Piece,
    address: std::net::IpAddr,
) -> Result<Option<Example>, CanError> {
    let pools = [&piece.allowed, &piece.unknown, &piece.asked];
    let found = pools.into_iter().find(|pool| !pool.is_none());
    let pool = found.unwrap_or(&piece.asked);
    let ports = crate::model::Protocol::ALL.into_iter();
    let Some((protocol, port)) = ports.filter_map(|p| Some((p, pool.get(p).first()?))).next()
    else {
        return Ok(None);
    };
    let known = super::example::known_address(context.cluster, pod, Family::of(address));
    let flow = Flow {
        source: Party::External { address },
        destination: Party::Pod {
            pod,
            address: known,
        },
        protocol,
        port,
    };
    let evaluation = evaluate(context.cluster, &flow);
    if (evaluation.verdict == Verdict::Allowed) != piece.allowed.contains(protocol, port) {
        return Err(CanError::Disagreement {
            flow: format!(
                "{protocol} {port} from {address} to {}",
                pod_name(context.cluster, pod)
            ),
        });
    }
    let near = denied_sides(context.cluster, &flow, &evaluation);
    Ok(Some(Example {
        flow,
        evaluation,
        near,
    }))
}
