//! "Can A reach B", on what, and why.

use super::endpoint::Endpoint;
use super::ingress::{Controller, ControllerChoice, Target, controller_hop, controller_of, follow};
use super::near::{NearMiss, near_misses};
use super::service::{Backend, backends, selected_pods};
use crate::model::{
    AddressChoice, AddressSet, Cluster, Direction, Evaluation, Family, Flow, Ingress, IngressPath,
    Node, NodeId, Party, Pod, PodId, Protocol, Service, TrafficSet, Verdict, address_choices,
    evaluate, evaluate_pods,
};
use crate::reach::{GroupId, Reach};
use std::collections::BTreeMap;
use std::net::IpAddr;
use thiserror::Error;

/// Which traffic is asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PortQuery {
    /// Whatever is allowed.
    Any,
    /// One number; TCP when no protocol is given (N10), and for a Service the protocol of its
    /// port.
    Number {
        /// The protocol.
        protocol: Option<Protocol>,
        /// The number, from 1.
        port: u16,
    },
    /// A port by name: of the Service that is asked about, else of each pod.
    Name(String),
}

/// The answer in one word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Overall {
    /// Everything that was asked about is allowed.
    Yes,
    /// Some of it is, for some of the pods or addresses.
    Partly,
    /// None of it is.
    No,
    /// It depends on something the input does not say.
    Unknown,
}

impl Overall {
    /// `yes`, `partly`, `no` or `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Overall::Yes => "yes",
            Overall::Partly => "partly",
            Overall::No => "no",
            Overall::Unknown => "unknown",
        }
    }
}

/// Pods, a node or addresses that the answer treats alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Who {
    /// These pods.
    Pods(Vec<PodId>),
    /// A node.
    Node(NodeId),
    /// Addresses outside the cluster.
    Addresses(AddressSet),
    /// An ingress controller of which nothing is known.
    UnknownController,
}

/// What is said of one source and one destination.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Who calls.
    pub source: Who,
    /// Who is called.
    pub destination: Who,
    /// What was asked about; everything, when no port was given.
    pub asked: TrafficSet,
    /// What of it is allowed.
    pub allowed: TrafficSet,
    /// What of it depends on what the input does not say.
    pub unknown: TrafficSet,
    /// The family, when the families differ.
    pub family: Option<Family>,
    /// One flow of this piece, traced through the policies.
    pub example: Option<Example>,
}

/// One flow, with what decided it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Example {
    /// The flow.
    pub flow: Flow,
    /// The specification's answer and its trace.
    pub evaluation: Evaluation,
    /// For each denied side, the rules that come nearest to allowing it.
    pub near: Vec<(Direction, Vec<NearMiss>)>,
}

/// One step of the way. A direct question has one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    /// What this step is.
    pub title: String,
    /// The answers, grouped: each differs from the others.
    pub pieces: Vec<Piece>,
    /// What stops or limits this step besides policy, in words.
    pub notes: Vec<String>,
    /// The step's own answer.
    pub overall: Overall,
}

/// The whole answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The answer in one word: the worst of the hops.
    pub overall: Overall,
    /// The steps, in order.
    pub hops: Vec<Hop>,
}

/// Why a question has no answer.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CanError {
    /// Policy says nothing of two ends outside.
    #[error("neither end is in the cluster, so no policy of it decides")]
    NothingInside,
    /// An Ingress can be called, but does not call.
    #[error("an ingress host can only be the destination")]
    IngressAsSource,
    /// The Service has no such port.
    #[error("service `{service}` has no port `{port}`")]
    NoServicePort {
        /// The Service.
        service: String,
        /// What was asked for.
        port: String,
        /// What it has.
        available: Vec<String>,
    },
    /// No pod of the destination has a port of that name.
    #[error("no pod of `{destination}` has a port named `{name}`")]
    NoNamedPort {
        /// The destination.
        destination: String,
        /// The name.
        name: String,
        /// The names there are.
        available: Vec<String>,
    },
    /// No Ingress serves that host and path.
    #[error("no ingress serves `{host}{path}`")]
    NoIngress {
        /// The host.
        host: String,
        /// The path.
        path: String,
        /// The hosts there are.
        available: Vec<String>,
    },
    /// The two engines gave different answers: a bug in this program.
    #[error("the set engine and the specification disagree about {flow}")]
    Disagreement {
        /// The flow.
        flow: String,
    },
}

impl CanError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let list = |what: &str, names: &[String]| match names {
            [] => format!("it has no {what}"),
            names => format!("it has {}", names.join(", ")),
        };
        match self {
            CanError::NothingInside => {
                Some("name a workload, pod or service on one side".to_owned())
            }
            CanError::IngressAsSource => {
                Some("ask from `internet` to `ingress:host/path`".to_owned())
            }
            CanError::NoServicePort { available, .. } => Some(list("ports", available)),
            CanError::NoNamedPort { available, .. } => Some(list("named ports", available)),
            CanError::NoIngress { available, .. } if available.is_empty() => {
                Some("there is no ingress in the input".to_owned())
            }
            CanError::NoIngress { available, .. } => {
                Some(format!("hosts in the input: {}", available.join(", ")))
            }
            CanError::Disagreement { .. } => Some(
                "this is a bug, and no answer is given: please report it with the manifests"
                    .to_owned(),
            ),
        }
    }
}

/// What a question is asked of.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its relation.
    pub reach: &'a Reach,
    /// The ingress controller, when the user names it.
    pub controller: Option<&'a ControllerChoice>,
}

/// Answers "can `from` reach `to`".
pub fn can(
    context: Context<'_>,
    from: &Endpoint,
    to: &Endpoint,
    port: &PortQuery,
) -> Result<Answer, CanError> {
    let outside = |end: &Endpoint| matches!(end, Endpoint::Addresses { .. } | Endpoint::Node(_));
    if outside(from) && outside(to) {
        return Err(CanError::NothingInside);
    }
    let sources = match from {
        Endpoint::Ingress { .. } => return Err(CanError::IngressAsSource),
        other => sources_of(context.cluster, other),
    };
    let hops = match to {
        Endpoint::Ingress { host, path } => ingress_hops(context, &sources, host, path)?,
        _ => vec![direct_hop(context, &sources, to, port)?],
    };
    let overall = hops.iter().map(|hop| hop.overall).fold(Overall::Yes, worse);
    Ok(Answer { overall, hops })
}

/// The answer of two steps that must both succeed.
fn worse(a: Overall, b: Overall) -> Overall {
    let rank = |overall| match overall {
        Overall::Yes => 0,
        Overall::Partly => 1,
        Overall::Unknown => 2,
        Overall::No => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// One end that calls: pods, a node, or addresses.
#[derive(Clone, Debug)]
enum Caller {
    Pods(Vec<PodId>),
    Node(NodeId),
    Addresses(AddressSet),
}

fn sources_of(cluster: &Cluster, from: &Endpoint) -> Caller {
    match from {
        Endpoint::Workload(id) => Caller::Pods(cluster.pods_of(*id).map(|(pod, _)| pod).collect()),
        Endpoint::Pod(id) => Caller::Pods(vec![*id]),
        Endpoint::Node(id) => Caller::Node(*id),
        Endpoint::Service(id) => Caller::Pods(
            cluster
                .service(*id)
                .into_iter()
                .flat_map(|service| selected_pods(cluster, service))
                .map(|(pod, _)| pod)
                .collect(),
        ),
        Endpoint::Addresses { addresses, .. } => Caller::Addresses(addresses.clone()),
        Endpoint::Ingress { .. } => Caller::Pods(Vec::new()),
    }
}

/// One thing that is called, and the traffic asked about there; `None` is all.
type Called = (Who, Option<TrafficSet>);

fn direct_hop(
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

/// The answers for one destination, one for each group of pods or addresses.
fn ask(
    context: Context<'_>,
    sources: &Caller,
    destination: &Who,
    asked: Option<&TrafficSet>,
) -> Result<Vec<Piece>, CanError> {
    let cut = |traffic: &TrafficSet| match asked {
        Some(asked) => traffic.intersection(asked),
        None => traffic.clone(),
    };
    let mut pieces = Vec::new();
    for (source, destination, family, allowed, unknown) in pairs(context, sources, destination) {
        let mut piece = Piece {
            source,
            destination,
            asked: asked.cloned().unwrap_or_else(TrafficSet::all),
            allowed: cut(&allowed),
            unknown: cut(&unknown),
            family,
            example: None,
        };
        piece.example = example(context, &piece)?;
        pieces.push(piece);
    }
    Ok(pieces)
}

type Pair = (Who, Who, Option<Family>, TrafficSet, TrafficSet);

fn pairs(context: Context<'_>, sources: &Caller, destination: &Who) -> Vec<Pair> {
    match (sources, destination) {
        (Caller::Pods(from), Who::Pods(to)) => pod_pairs(context, from, to),
        (Caller::Pods(pods), Who::Addresses(addresses)) => {
            outside_pairs(context, pods, addresses, Direction::Egress)
                .into_iter()
                .map(|(pods, addresses, traffic)| {
                    (
                        pods,
                        Who::Addresses(addresses),
                        None,
                        traffic,
                        TrafficSet::none(),
                    )
                })
                .collect()
        }
        (Caller::Addresses(addresses), Who::Pods(pods)) => {
            outside_pairs(context, pods, addresses, Direction::Ingress)
                .into_iter()
                .map(|(pods, addresses, traffic)| {
                    (
                        Who::Addresses(addresses),
                        pods,
                        None,
                        traffic,
                        TrafficSet::none(),
                    )
                })
                .collect()
        }
        (Caller::Pods(pods), Who::Node(node)) => {
            node_pairs(context, pods, *node, Direction::Egress)
                .into_iter()
                .map(|(pods, family, allowed, unknown)| {
                    (pods, Who::Node(*node), family, allowed, unknown)
                })
                .collect()
        }
        (Caller::Node(node), Who::Pods(pods)) => {
            node_pairs(context, pods, *node, Direction::Ingress)
                .into_iter()
                .map(|(pods, family, allowed, unknown)| {
                    (Who::Node(*node), pods, family, allowed, unknown)
                })
                .collect()
        }
        // Both ends outside was refused before; a controller is never a destination here.
        _ => Vec::new(),
    }
}

/// Pods by group: pods of one group have one answer.
fn by_group(reach: &Reach, pods: &[PodId]) -> BTreeMap<GroupId, Vec<PodId>> {
    let mut groups: BTreeMap<GroupId, Vec<PodId>> = BTreeMap::new();
    for &pod in pods {
        if let Some(group) = reach.group_of(pod) {
            groups.entry(group).or_default().push(pod);
        }
    }
    groups
}

fn pod_pairs(context: Context<'_>, from: &[PodId], to: &[PodId]) -> Vec<Pair> {
    let mut found = Vec::new();
    for (source, from) in by_group(context.reach, from) {
        for (destination, to) in by_group(context.reach, to) {
            let itself = from.len() == 1 && from == to;
            let answers: Vec<_> = Family::ALL
                .into_iter()
                .filter_map(|family| {
                    let pair = match from.first() {
                        // N25 holds for a pod and itself; replicas of one template are others.
                        Some(&pod) if itself && is_single(context.cluster, pod) => {
                            context.reach.between(pod, pod, family)?
                        }
                        _ => context.reach.between_groups(source, destination, family)?,
                    };
                    Some((family, pair))
                })
                .collect();
            let same = match answers.as_slice() {
                [(_, a), (_, b)] => a == b,
                _ => true,
            };
            let shown = if same { 1 } else { answers.len() };
            for (family, pair) in answers.into_iter().take(shown) {
                let family = (!same).then_some(family);
                let ends = (Who::Pods(from.clone()), Who::Pods(to.clone()));
                found.push((ends.0, ends.1, family, pair.allowed, pair.unknown));
            }
        }
    }
    found
}

/// Whether a pod is one pod, rather than the replicas that a template makes.
fn is_single(cluster: &Cluster, pod: PodId) -> bool {
    cluster.pod(pod).is_some_and(|pod| pod.name.is_some())
}

fn outside_pairs(
    context: Context<'_>,
    pods: &[PodId],
    addresses: &AddressSet,
    direction: Direction,
) -> Vec<(Who, AddressSet, TrafficSet)> {
    let mut found: Vec<(Who, AddressSet, TrafficSet)> = Vec::new();
    for pods in by_group(context.reach, pods).into_values() {
        let mut by_traffic: BTreeMap<TrafficSet, AddressSet> = BTreeMap::new();
        for (_, atom) in context.reach.externals() {
            let part = atom.intersection(addresses);
            let (Some(address), Some(&pod)) = (part.first(), pods.first()) else {
                continue;
            };
            if let Some(traffic) = context.reach.with_external(pod, direction, address) {
                let set = by_traffic.entry(traffic).or_default();
                *set = set.union(&part);
            }
        }
        found.extend(
            by_traffic
                .into_iter()
                .map(|(traffic, addresses)| (Who::Pods(pods.clone()), addresses, traffic)),
        );
    }
    found
}

/// A node is an address, except that it may always reach its own pods (N26). A node whose
/// addresses are not in the input is matched by no block for certain.
fn node_pairs(
    context: Context<'_>,
    pods: &[PodId],
    node: NodeId,
    direction: Direction,
) -> Vec<(Who, Option<Family>, TrafficSet, TrafficSet)> {
    let Some(node) = context.cluster.node(node) else {
        return Vec::new();
    };
    let own = |pod: &Pod| direction == Direction::Ingress && pod.node.as_ref() == Some(&node.name);
    pods.iter()
        .flat_map(|&id| {
            let who = Who::Pods(vec![id]);
            if context.cluster.pod(id).is_some_and(own) {
                return vec![(who, None, TrafficSet::all(), TrafficSet::none())];
            }
            if node.addresses.is_empty() {
                return vec![(who, None, TrafficSet::none(), TrafficSet::all())];
            }
            let each = node.addresses.iter().filter_map(|&address| {
                let traffic = context.reach.with_external(id, direction, address)?;
                Some((
                    who.clone(),
                    Some(Family::of(address)),
                    traffic,
                    TrafficSet::none(),
                ))
            });
            each.collect()
        })
        .collect()
}

/// One flow of the piece, traced. The trace comes from the specification and the piece from
/// the set engine: two ways to one verdict, held against each other here each time.
fn example(context: Context<'_>, piece: &Piece) -> Result<Option<Example>, CanError> {
    let Some((protocol, port)) = example_port(context.cluster, piece) else {
        return Ok(None);
    };
    let cluster = context.cluster;
    let family = piece.family.unwrap_or(Family::V4);
    let (flow, evaluation) = match (&piece.source, &piece.destination) {
        (Who::Pods(from), Who::Pods(to)) => {
            let (Some(source), Some(destination)) = (
                from.first().copied(),
                to.iter()
                    .find(|pod| from.first() != Some(pod))
                    .or(to.first())
                    .copied(),
            ) else {
                return Ok(None);
            };
            let families = [family, Family::V4, Family::V6];
            let Some((family, evaluation)) = families.into_iter().find_map(|family| {
                let pair = (source, destination);
                Some((
                    family,
                    evaluate_pods(cluster, pair, family, protocol, port)?,
                ))
            }) else {
                return Ok(None);
            };
            // Replicas of one template are different pods that look like one.
            if source == destination && !is_single(cluster, source) {
                return Ok(None);
            }
            let party = |pod| Party::Pod {
                pod,
                address: known_address(cluster, pod, family),
            };
            let (source, destination) = (party(source), party(destination));
            (
                Flow {
                    source,
                    destination,
                    protocol,
                    port,
                },
                evaluation,
            )
        }
        (from, to) => {
            let (Some(source), Some(destination)) =
                (party_of(cluster, from, to), party_of(cluster, to, from))
            else {
                return Ok(None);
            };
            let flow = Flow {
                source,
                destination,
                protocol,
                port,
            };
            (flow, evaluate(cluster, &flow))
        }
    };
    let claimed = if piece.allowed.contains(protocol, port) {
        Verdict::Allowed
    } else if piece.unknown.contains(protocol, port) {
        Verdict::Unknown
    } else {
        Verdict::Denied
    };
    let node_without_address = matches!(
        (&piece.source, &piece.destination),
        (Who::Node(_), _) | (_, Who::Node(_))
    ) && claimed == Verdict::Unknown;
    if claimed != evaluation.verdict && !node_without_address {
        return Err(CanError::Disagreement {
            flow: format!("{protocol} {port} in {flow:?}"),
        });
    }
    let near = denied_sides(cluster, &flow, &evaluation);
    Ok(Some(Example {
        flow,
        evaluation,
        near,
    }))
}

/// For each denied side, the rules that come nearest to allowing it.
fn denied_sides(
    cluster: &Cluster,
    flow: &Flow,
    evaluation: &Evaluation,
) -> Vec<(Direction, Vec<NearMiss>)> {
    let sides = [
        (Direction::Egress, &evaluation.egress),
        (Direction::Ingress, &evaluation.ingress),
    ];
    sides
        .into_iter()
        .filter(|(_, side)| side.outcome == Verdict::Denied)
        .map(|(direction, side)| {
            (
                direction,
                near_misses(cluster, flow, direction, &side.selecting, 2),
            )
        })
        .collect()
}

/// The port to trace: one that is allowed, else one that is not known, else one that was asked
/// about; a declared or well-known one where there is a choice.
fn example_port(cluster: &Cluster, piece: &Piece) -> Option<(Protocol, u16)> {
    let pool = if !piece.allowed.is_none() {
        &piece.allowed
    } else if !piece.unknown.is_none() {
        &piece.unknown
    } else {
        &piece.asked
    };
    let declared: Vec<(Protocol, u16)> = match &piece.destination {
        Who::Pods(pods) => pods
            .iter()
            .filter_map(|&id| cluster.pod(id))
            .flat_map(|pod| &pod.ports)
            .map(|port| (port.protocol, port.port))
            .collect(),
        Who::Node(_) | Who::Addresses(_) | Who::UnknownController => Vec::new(),
    };
    let well_known = [(Protocol::Tcp, 443), (Protocol::Tcp, 80)];
    let preferred = declared.into_iter().chain(well_known);
    preferred
        .filter(|(protocol, port)| pool.contains(*protocol, *port))
        .chain(
            Protocol::ALL
                .into_iter()
                .filter_map(|p| Some((p, pool.get(p).first()?))),
        )
        .next()
}

/// A pod's address in a family, when it is known.
fn known_address(cluster: &Cluster, pod: PodId, family: Family) -> Option<IpAddr> {
    match address_choices(cluster, cluster.pod(pod)?, family) {
        AddressChoice::OneOf(addresses) => addresses.first().copied(),
        AddressChoice::Blind | AddressChoice::Absent => None,
    }
}

/// A concrete party for one side, in a family that the other side has too.
fn party_of(cluster: &Cluster, who: &Who, other: &Who) -> Option<Party> {
    let family = match (who, other) {
        (Who::Addresses(set), _) | (_, Who::Addresses(set)) => set.first().map(Family::of),
        (Who::Node(node), _) | (_, Who::Node(node)) => cluster
            .node(*node)
            .and_then(|node: &Node| node.addresses.first().map(|a| Family::of(*a))),
        _ => None,
    };
    match who {
        Who::Pods(pods) => {
            let pod = *pods.first()?;
            let address = known_address(cluster, pod, family.unwrap_or(Family::V4));
            Some(Party::Pod { pod, address })
        }
        Who::Node(node) => {
            let address = cluster
                .node(*node)
                .and_then(|node| node.addresses.first().copied());
            Some(Party::Node {
                node: *node,
                address,
            })
        }
        Who::Addresses(addresses) => Some(Party::External {
            address: addresses.first()?,
        }),
        Who::UnknownController => Some(Party::SomePod),
    }
}

/// Joins pieces that say the same of different pods.
fn merge(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    for piece in pieces {
        let same = |other: &&mut Piece| {
            (&other.asked, &other.allowed, &other.unknown, other.family)
                == (&piece.asked, &piece.allowed, &piece.unknown, piece.family)
                && same_reason(other, &piece)
        };
        let ends = |other: &mut Piece| match (&mut other.source, &piece.source) {
            (a, b) if a == b => join(&mut other.destination, &piece.destination),
            _ if other.destination == piece.destination => join(&mut other.source, &piece.source),
            _ => false,
        };
        if !merged.iter_mut().filter(same).any(ends) {
            merged.push(piece);
        }
    }
    merged
}

/// Whether the same rules decided.
fn same_reason(a: &Piece, b: &Piece) -> bool {
    let reason = |piece: &Piece| {
        let evaluation = piece.example.as_ref().map(|example| &example.evaluation);
        evaluation.map(|e| (e.egress.reason.clone(), e.ingress.reason.clone()))
    };
    reason(a) == reason(b)
}

fn join(into: &mut Who, other: &Who) -> bool {
    match (into, other) {
        (Who::Pods(into), Who::Pods(other)) => {
            into.extend(other);
            into.sort_unstable();
            into.dedup();
            true
        }
        _ => false,
    }
}

fn overall_of(pieces: &[Piece], any_traffic: bool) -> Overall {
    if pieces.is_empty() {
        return Overall::No;
    }
    let full = |piece: &Piece| {
        if any_traffic {
            !piece.allowed.is_none()
        } else {
            piece.asked.is_subset(&piece.allowed) && !piece.asked.is_none()
        }
    };
    if pieces
        .iter()
        .all(|piece| piece.allowed.is_none() && piece.unknown.is_none())
    {
        return Overall::No;
    }
    let first_allowed = pieces.first().map(|piece| &piece.allowed);
    let alike = !any_traffic
        || pieces
            .iter()
            .all(|piece| Some(&piece.allowed) == first_allowed);
    if pieces.iter().all(full) && alike {
        return Overall::Yes;
    }
    if pieces.iter().all(|piece| piece.allowed.is_none()) {
        return Overall::Unknown;
    }
    Overall::Partly
}

/// Outside to controller, controller to backend (I5).
fn ingress_hops(
    context: Context<'_>,
    sources: &Caller,
    host: &str,
    path: &str,
) -> Result<Vec<Hop>, CanError> {
    let cluster = context.cluster;
    let Some((ingress, route)) = serving(cluster, host, path) else {
        let mut available: Vec<String> = cluster
            .ingresses
            .iter()
            .flat_map(|ingress| &ingress.paths)
            .filter_map(|path| path.host.clone())
            .collect();
        available.sort();
        available.dedup();
        return Err(CanError::NoIngress {
            host: host.to_owned(),
            path: path.to_owned(),
            available,
        });
    };
    let controller = controller_of(cluster, ingress, context.controller);
    let mut hops = Vec::new();
    match &controller {
        Controller::Workloads(workloads) => {
            let mut pieces = Vec::new();
            for pod in workloads
                .iter()
                .flat_map(|&workload| cluster.pods_of(workload))
            {
                let web: Vec<u16> = pod
                    .1
                    .ports
                    .iter()
                    .map(|port| port.port)
                    .filter(is_web)
                    .collect();
                let ports = if web.is_empty() { vec![80, 443] } else { web };
                let asked = ports.iter().fold(TrafficSet::none(), |set, &port| {
                    set.union(&TrafficSet::ports(Protocol::Tcp, port, port))
                });
                pieces.extend(ask(
                    context,
                    sources,
                    &Who::Pods(vec![pod.0]),
                    Some(&asked),
                )?);
            }
            let overall = overall_of(&pieces, false);
            hops.push(Hop {
                title: "to the ingress controller".to_owned(),
                pieces: merge(pieces),
                notes: Vec::new(),
                overall,
            });
        }
        Controller::Unknown => hops.push(Hop {
            title: "to the ingress controller".to_owned(),
            pieces: Vec::new(),
            notes: vec![
                "the controller is not in the input, so this step is taken for granted; name it \
                 with `--ingress-controller NAMESPACE/SELECTOR`"
                    .to_owned(),
            ],
            overall: Overall::Yes,
        }),
    }
    hops.push(backend_hop(cluster, ingress, route, &controller));
    Ok(hops)
}

/// The container ports that controllers listen on for HTTP and HTTPS.
fn is_web(port: &u16) -> bool {
    matches!(port, 80 | 443 | 8000 | 8080 | 8443)
}

fn backend_hop(
    cluster: &Cluster,
    ingress: &Ingress,
    backend: &crate::model::IngressBackend,
    controller: &Controller,
) -> Hop {
    let mut notes = Vec::new();
    let mut pieces = Vec::new();
    match follow(cluster, ingress, backend) {
        Target::Resource => notes.push("the backend is a resource, not a service".to_owned()),
        Target::NoService => notes.push(format!(
            "service `{}` is not in the input",
            backend.service.as_deref().unwrap_or_default()
        )),
        Target::NoPort { service } => notes.push(format!(
            "service `{}` has no such port",
            cluster.service(service).map_or("", |service| &service.name)
        )),
        Target::Backends { backends, .. } => {
            for backend in backends {
                if let Backend::Pod {
                    pod,
                    protocol,
                    port,
                } = backend
                {
                    pieces.extend(controller_pieces(cluster, controller, pod, protocol, port));
                }
            }
        }
    }
    let overall = overall_of(&pieces, false);
    Hop {
        title: format!(
            "from the controller to the backend of {} `{}`",
            ingress.kind, ingress.name
        ),
        pieces: merge(pieces),
        notes,
        overall,
    }
}

fn controller_pieces(
    cluster: &Cluster,
    controller: &Controller,
    pod: PodId,
    protocol: Protocol,
    port: u16,
) -> Vec<Piece> {
    let asked = TrafficSet::ports(protocol, port, port);
    controller_hop(cluster, controller, pod, protocol, port)
        .into_iter()
        .map(|(source, evaluation)| {
            let destination = Party::Pod {
                pod,
                address: known_address(cluster, pod, Family::V4),
            };
            let flow = Flow {
                source,
                destination,
                protocol,
                port,
            };
            let granted = |verdict| {
                if evaluation.verdict == verdict {
                    asked.clone()
                } else {
                    TrafficSet::none()
                }
            };
            let (allowed, unknown) = (granted(Verdict::Allowed), granted(Verdict::Unknown));
            let near = denied_sides(cluster, &flow, &evaluation);
            Piece {
                source: match source {
                    Party::Pod { pod, .. } => Who::Pods(vec![pod]),
                    _ => Who::UnknownController,
                },
                destination: Who::Pods(vec![pod]),
                asked: asked.clone(),
                allowed,
                unknown,
                family: None,
                example: Some(Example {
                    flow,
                    evaluation,
                    near,
                }),
            }
        })
        .collect()
}

/// The backend that takes a request: the most exact host, then an exact path, then the longest
/// prefix, then a default backend (I2).
fn serving<'a>(
    cluster: &'a Cluster,
    host: &str,
    path: &str,
) -> Option<(&'a Ingress, &'a crate::model::IngressBackend)> {
    let by_path = cluster
        .ingresses
        .iter()
        .flat_map(|ingress| ingress.paths.iter().map(move |route| (ingress, route)))
        .filter(|(_, route)| host_matches(route, host) && path_matches(route, path))
        .max_by_key(|(_, route)| {
            let exact_host = route.host.as_deref() == Some(host);
            let length = route.path.as_ref().map_or(0, String::len);
            (exact_host, route.host.is_some(), route.exact, length)
        });
    by_path
        .map(|(ingress, route)| (ingress, &route.backend))
        .or_else(|| {
            let mut with_default = cluster.ingresses.iter().filter_map(|ingress| {
                let known = ingress.paths.iter().any(|route| host_matches(route, host));
                let backend = ingress.default_backend.as_ref()?;
                (known || ingress.paths.is_empty()).then_some((ingress, backend))
            });
            with_default.next()
        })
}

fn host_matches(route: &IngressPath, host: &str) -> bool {
    match route.host.as_deref() {
        None => true,
        Some(wanted) => match wanted.strip_prefix("*.") {
            // A wildcard stands for exactly one label.
            Some(suffix) => host
                .split_once('.')
                .is_some_and(|(first, rest)| !first.is_empty() && rest == suffix),
            None => wanted == host,
        },
    }
}

fn path_matches(route: &IngressPath, path: &str) -> bool {
    match route.path.as_deref() {
        None => true,
        Some(wanted) if route.exact => wanted == path,
        Some(wanted) => {
            // Element by element: `/a` matches `/a/b` and not `/ab`.
            let mut have = path.split('/').filter(|element| !element.is_empty());
            let mut need = wanted.split('/').filter(|element| !element.is_empty());
            need.all(|element| have.next() == Some(element))
        }
    }
}
