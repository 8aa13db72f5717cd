//! "Can A reach B", on what, and why.
//!
//! What people call is a name, so the answer to a Service or an Ingress walks the whole way: the
//! name's lookup, the Service and its endpoints, what lets a caller outside in, and policy at the
//! end. Each step is a [`Hop`] with its own answer.

mod called;
mod domain;
mod entry;
mod example;
mod ingress_hops;
mod lookup;
mod pieces;
mod service_hops;

pub use called::pod_name;
pub(super) use example::denied_sides;

use super::endpoint::Endpoint;
use super::ingress::ControllerChoice;
use super::near::NearMiss;
use super::one_way::is_isolated_the_other_way;
use super::service::selected_pods;
use super::ties::Tie;
use crate::model::{
    AddressSet, Cluster, Direction, Evaluation, Family, Flow, NodeId, Origin, Party, PodId,
    Protocol, Reason, Tier, TrafficSet,
};
use crate::reach::Reach;
use called::direct_hop;
use domain::domain_hops;
use ingress_hops::ingress_hops;
use service_hops::service_hops;
use std::collections::BTreeSet;
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
    /// Whatever addresses outside a domain name stands for.
    Name(String),
    /// An ingress controller of which nothing is known.
    UnknownController,
    /// The cluster's DNS pods as Kubernetes or OpenShift ships them, which are not in the input.
    AssumedDns,
    /// The node that the called pod runs on.
    OwnNode,
    /// The other nodes, by their addresses; none when the input does not have them.
    OtherNodes(AddressSet),
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

/// A place in a manifest that shows why a step is answered as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// The place.
    pub origin: Origin,
    /// What it shows.
    pub label: String,
}

/// One step of the way. A direct question has one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    /// What this step is; empty for the only one.
    pub title: String,
    /// The answers, grouped: each differs from the others.
    pub pieces: Vec<Piece>,
    /// What the step does, what limits it besides policy, and what was taken for granted, in
    /// words.
    pub notes: Vec<String>,
    /// What it rests on besides policy.
    pub evidence: Vec<Evidence>,
    /// What keeps the answer from being yes, to end a sentence with; `None` where policy alone
    /// does.
    pub cause: Option<String>,
    /// The step's own answer.
    pub overall: Overall,
}

impl Hop {
    /// A step that nothing stops so far.
    fn new(title: impl Into<String>) -> Hop {
        Hop {
            title: title.into(),
            pieces: Vec::new(),
            notes: Vec::new(),
            evidence: Vec::new(),
            cause: None,
            overall: Overall::Yes,
        }
    }

    /// The step answered with no, or not decided, for this reason.
    fn ended(mut self, overall: Overall, cause: impl Into<String>) -> Hop {
        self.overall = overall;
        self.cause = Some(cause.into());
        self
    }

    /// Rests on this place too.
    fn shows(&mut self, origin: Origin, label: impl Into<String>) {
        let label = label.into();
        self.evidence.push(Evidence { origin, label });
    }
}

/// The whole answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The answer in one word: the worst of the hops.
    pub overall: Overall,
    /// The steps, in order.
    pub hops: Vec<Hop>,
    /// Policies of one tier and priority that disagree about this: which of two wins is not defined,
    /// and what depends on it is unknown.
    pub ties: Vec<Tie>,
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
    /// Who calls from outside calls from an address.
    #[error("a domain name can only be the destination")]
    NameAsSource,
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
    /// An Ingress has no ports of its own.
    #[error("an ingress host is asked about without a port")]
    IngressPort,
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
            CanError::NameAsSource => Some("ask from an address, a CIDR or `internet`".to_owned()),
            CanError::IngressPort => {
                Some("leave out `--port`: it is 443 with TLS and 80 without".to_owned())
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

/// Answers "can `from` reach `to`". What depends on which of two policies of the same priority wins
/// is unknown.
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
        Endpoint::Domain { .. } => return Err(CanError::NameAsSource),
        other => sources_of(context.cluster, other),
    };
    let mut hops = match to {
        Endpoint::Ingress { .. } if *port != PortQuery::Any => return Err(CanError::IngressPort),
        Endpoint::Ingress { host, path } => ingress_hops(context, &sources, host, path)?,
        Endpoint::Service(id) => match context.cluster.service(*id) {
            Some(service) => service_hops(context, &sources, service, port)?,
            None => Vec::new(),
        },
        Endpoint::Domain { name } => domain_hops(context, &sources, name, port)?,
        _ => vec![direct_hop(context, &sources, to, port)?],
    };
    for hop in &mut hops {
        let notes = one_way_notes(context.cluster, hop);
        hop.notes.extend(notes);
    }
    let overall = hops.iter().map(|hop| hop.overall).fold(Overall::Yes, worse);
    let mut ties = BTreeSet::new();
    for piece in hops.iter().flat_map(|hop| &hop.pieces) {
        ties.extend(ties_of(context, piece)?);
    }
    Ok(Answer {
        overall,
        hops,
        ties: ties.into_iter().collect(),
    })
}

/// Says so where the Baseline tier decides for a pod that NetworkPolicies isolate in the other
/// direction only.
fn one_way_notes(cluster: &Cluster, hop: &Hop) -> BTreeSet<String> {
    let mut notes = BTreeSet::new();
    let examples = hop.pieces.iter().filter_map(|piece| piece.example.as_ref());
    for Example {
        flow, evaluation, ..
    } in examples
    {
        for (direction, side, party) in [
            (Direction::Egress, &evaluation.egress, flow.source),
            (Direction::Ingress, &evaluation.ingress, flow.destination),
        ] {
            let is_baseline = matches!(
                side.reason,
                Reason::Rules {
                    tier: Tier::Baseline,
                    ..
                }
            );
            let Party::Pod { pod: id, .. } = party else {
                continue;
            };
            let Some(pod) = cluster.pod(id).filter(|_| is_baseline) else {
                continue;
            };
            if is_isolated_the_other_way(cluster, pod, direction) {
                notes.insert(format!(
                    "NetworkPolicies isolate {} for {} only, so for {} the Baseline tier decides; \
                     some implementations let {} through instead",
                    pod_name(cluster, id),
                    direction.other().name(),
                    direction.name(),
                    direction.name()
                ));
            }
        }
    }
    notes
}

/// The policies of the same priority that what is unknown of a piece depends on, where it does.
fn ties_of(context: Context<'_>, piece: &Piece) -> Result<Vec<Tie>, CanError> {
    if piece.unknown.is_none() {
        return Ok(Vec::new());
    }
    let own = match piece.allowed.is_none() {
        true => piece.example.clone(),
        false => {
            let unknown = Piece {
                allowed: TrafficSet::none(),
                ..piece.clone()
            };
            example::example(context, &unknown)?
        }
    };
    let evaluation = own.iter().map(|example| &example.evaluation);
    let sides = evaluation.flat_map(|e| [&e.egress, &e.ingress]);
    let mut found = Vec::new();
    for side in sides {
        if let Reason::Tied { rules } = &side.reason
            && let Some((action, first)) = rules.first()
            && let Some((_, other)) = rules.iter().find(|(other, _)| other != action)
        {
            found.push((first.policy, other.policy));
        }
    }
    Ok(found)
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
        Endpoint::Ingress { .. } | Endpoint::Domain { .. } => Caller::Pods(Vec::new()),
    }
}
