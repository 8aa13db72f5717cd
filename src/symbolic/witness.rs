//! From a solution of the solver to a concrete flow, and that flow replayed in the specification.

use super::encode::Encoder;
use super::end::End;
use super::query::{Addresses, EndSpec, Query};
use super::rows::{Members, RowAddress};
use super::vocabulary::Home;
use crate::model::{
    Cluster, ContainerPort, Evaluation, Family, Flow, Labels, METADATA_NAME, Namespace,
    NamespaceId, NodeId, Origin, Party, Pod, PodId, Protocol, Workload, WorkloadId, WorkloadKind,
    domain_patterns, evaluate, with_names,
};
use crate::source::{DocumentId, Route};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use z3::Model;
use z3::ast::BV;

/// A pod that one could create.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NewPod {
    /// The name of its namespace.
    pub namespace: String,
    /// The labels of the namespace, when the input does not fix them.
    pub namespace_labels: Option<BTreeMap<String, String>>,
    /// The labels of the namespace when the input fixes them. Of two inputs one may have them
    /// from the other.
    pub fixed_labels: BTreeMap<String, String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The names it gives to the flow's port, when it is called.
    pub port_names: Vec<String>,
    /// The address it gets, when that is not out of the blue.
    pub address: Option<IpAddr>,
}

/// One end of a witness.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum WitnessEnd {
    /// A pod of the input, and the address it has or could get.
    Pod(PodId, Option<IpAddr>),
    /// A pod that one could create.
    NewPod(NewPod),
    /// A node of the input.
    Node(NodeId, Option<IpAddr>),
    /// An address that is no pod's.
    Outside(IpAddr),
}

/// A concrete flow.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Witness {
    /// Who opens the connection.
    pub source: WitnessEnd,
    /// Who is called.
    pub destination: WitnessEnd,
    /// The protocol.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
    /// The family.
    pub family: Family,
    /// The patterns that some name of the address outside is of; empty where no rule is about names
    /// or the question settles them.
    pub names: Vec<String>,
}

fn number(model: &Model, variable: &BV) -> u64 {
    model
        .eval(variable, true)
        .and_then(|value| value.as_u64())
        .unwrap_or_default()
}

fn code(model: &Model, variable: &BV) -> usize {
    usize::try_from(number(model, variable)).unwrap_or_default()
}

/// The flow of a solution.
pub(super) fn decode(query: &Query<'_>, encoder: &Encoder<'_>, model: &Model) -> Witness {
    let is_v6 = model.eval(&encoder.flow.v6, true).and_then(|v| v.as_bool()) == Some(true);
    let family = if is_v6 { Family::V6 } else { Family::V4 };
    let protocol = Protocol::ALL.get(code(model, &encoder.flow.protocol));
    let declared = encoder.known_port_names();
    let is_true =
        |term: &z3::ast::Bool| model.eval(term, true).and_then(|v| v.as_bool()) == Some(true);
    let port_names = declared.into_iter().filter(|(_, term)| is_true(term));
    let port_names: Vec<String> = port_names.map(|(name, _)| name).collect();
    let names = encoder.known_names().into_iter();
    let names = names.filter(|(_, term)| is_true(term));
    let names = names.map(|(name, _)| name).collect();
    let source = end(
        query,
        &query.source,
        &encoder.source,
        model,
        family,
        None,
        &[],
    );
    let destination = end(
        query,
        &query.destination,
        &encoder.destination,
        model,
        family,
        Some(&source),
        &port_names,
    );
    Witness {
        source,
        destination,
        protocol: protocol.copied().unwrap_or(Protocol::Tcp),
        port: u16::try_from(number(model, &encoder.flow.port)).unwrap_or_default(),
        family,
        names,
    }
}

fn end(
    query: &Query<'_>,
    spec: &EndSpec,
    terms: &End<'_>,
    model: &Model,
    family: Family,
    other: Option<&WitnessEnd>,
    port_names: &[String],
) -> WitnessEnd {
    let address = address_of(terms, model, family);
    if let Some((row, rows)) = &terms.rows {
        let Some(row) = rows.get(code(model, row)) else {
            return WitnessEnd::Outside(address);
        };
        return match &row.members {
            Members::Node(node) => WitnessEnd::Node(*node, row.address(family)),
            Members::Pods(pods) => {
                // Of pods that are alike, one that is not the other end.
                let is_other =
                    |pod: &PodId| matches!(other, Some(WitnessEnd::Pod(o, _)) if o == pod);
                let pod = pods.iter().find(|pod| !is_other(pod)).or(pods.first());
                let pod = pod.copied().unwrap_or(PodId(0));
                let own = query
                    .worlds
                    .first()
                    .and_then(|world| world.cluster.pod(pod));
                let known = own.into_iter().flat_map(|pod| &pod.addresses);
                let known = known
                    .copied()
                    .find(|address| Family::of(*address) == family);
                WitnessEnd::Pod(
                    pod,
                    match row.facts.address {
                        RowAddress::Known(..) => known,
                        RowAddress::Within => Some(address),
                        RowAddress::Blind => None,
                    },
                )
            }
        };
    }
    match spec {
        EndSpec::Possible { .. } => {
            let has_address = match query.addresses {
                Addresses::Blind => false,
                Addresses::Within(_) => true,
                Addresses::Any => {
                    let known = model.eval(&terms.address.known, true);
                    known.and_then(|known| known.as_bool()) == Some(true)
                }
            };
            WitnessEnd::NewPod(new_pod(
                query,
                terms,
                model,
                has_address.then_some(address),
                port_names,
            ))
        }
        _ => WitnessEnd::Outside(address),
    }
}

fn new_pod(
    query: &Query<'_>,
    terms: &End<'_>,
    model: &Model,
    address: Option<IpAddr>,
    port_names: &[String],
) -> NewPod {
    let vocabulary = query.vocabulary;
    let namespace = code(model, &terms.namespace);
    let (labels, namespace_labels) = terms.known_labels();
    let values = |variables: Vec<(String, BV)>, is_pod: bool| -> BTreeMap<String, String> {
        let value = |(key, variable): (String, BV)| {
            let domain = if is_pod {
                vocabulary.pod_domain(&key)
            } else {
                vocabulary.namespace_domain(&key)
            };
            let value = domain?.value(code(model, &variable))?;
            Some((key, value))
        };
        variables.into_iter().filter_map(value).collect()
    };
    NewPod {
        namespace: vocabulary.namespace_name(namespace),
        namespace_labels: match vocabulary.home(namespace) {
            Home::Fixed(_) => None,
            Home::Free => Some(values(namespace_labels, false)),
        },
        fixed_labels: match vocabulary.home(namespace) {
            Home::Fixed(labels) => labels.clone(),
            Home::Free => BTreeMap::new(),
        },
        labels: values(labels, true),
        port_names: port_names.to_vec(),
        address,
    }
}

fn address_of(terms: &End<'_>, model: &Model, family: Family) -> IpAddr {
    match family {
        Family::V4 => {
            let bits = number(model, &terms.address.v4);
            Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or_default()).into()
        }
        Family::V6 => {
            let half = |high, low| u128::from(number(model, &terms.address.v6.extract(high, low)));
            Ipv6Addr::from_bits((half(127, 64) << 64) | half(63, 0)).into()
        }
    }
}

/// Puts a witness's pods into the cluster, lets the caller look, and takes them out again. Only
/// interned strings stay behind.
pub fn with_witness<T>(
    cluster: &mut Cluster,
    witness: &Witness,
    look: impl FnOnce(&Cluster, &Flow) -> T,
) -> T {
    let (n_pods, n_workloads, n_namespaces) = (
        cluster.pods.len(),
        cluster.workloads.len(),
        cluster.namespaces.len(),
    );
    let mut changed: Vec<(usize, Labels)> = Vec::new();
    for end in [&witness.source, &witness.destination] {
        if let WitnessEnd::NewPod(pod) = end
            && let Some(index) = cluster
                .namespaces
                .iter()
                .position(|n| n.name == pod.namespace)
            && let Some(namespace) = cluster.namespaces.get(index)
        {
            changed.push((index, namespace.labels.clone()));
        }
    }
    let flow = add(cluster, witness);
    let policies = (!domain_patterns(cluster).is_empty()).then(|| cluster.policies.clone());
    if policies.is_some() {
        settle(cluster, &witness.names);
    }
    let seen = look(cluster, &flow);
    if let Some(policies) = policies {
        cluster.policies = policies;
    }
    cluster.pods.truncate(n_pods);
    cluster.workloads.truncate(n_workloads);
    cluster.namespaces.truncate(n_namespaces);
    for (index, labels) in changed {
        if let Some(namespace) = cluster.namespaces.get_mut(index) {
            namespace.labels = labels;
        }
    }
    seen
}

/// Gives the address outside the names of a witness, and leaves alone what is settled.
fn settle(cluster: &mut Cluster, names: &[String]) {
    with_names(cluster, |pattern, known| {
        known.unwrap_or_else(|| names.iter().any(|name| name == pattern))
    });
}

/// What the specification says of a witness.
pub fn replay(cluster: &Cluster, witness: &Witness) -> Evaluation {
    with_witness(&mut cluster.clone(), witness, evaluate)
}

fn add(cluster: &mut Cluster, witness: &Witness) -> Flow {
    let mut party = |end: &WitnessEnd, is_called: bool| match end {
        WitnessEnd::Pod(pod, address) => Party::Pod {
            pod: *pod,
            address: *address,
        },
        WitnessEnd::Node(node, address) => Party::Node {
            node: *node,
            address: *address,
        },
        WitnessEnd::Outside(address) => Party::External { address: *address },
        WitnessEnd::NewPod(pod) => {
            let port = is_called.then_some((witness.protocol, witness.port));
            Party::Pod {
                pod: add_pod(cluster, pod, port),
                address: pod.address,
            }
        }
    };
    Flow {
        source: party(&witness.source, false),
        destination: party(&witness.destination, true),
        protocol: witness.protocol,
        port: witness.port,
    }
}

fn add_pod(cluster: &mut Cluster, pod: &NewPod, port: Option<(Protocol, u16)>) -> PodId {
    let namespace = add_namespace(cluster, pod);
    let symbols = &mut cluster.symbols;
    let labels = pod.labels.iter();
    let labels = labels.map(|(key, value)| (symbols.intern(key), symbols.intern(value)));
    let labels = Labels::new(labels.collect::<Vec<_>>());
    let ports = port.into_iter().flat_map(|(protocol, port)| {
        pod.port_names
            .iter()
            .map(move |name| (name, protocol, port))
    });
    let ports = ports.map(|(name, protocol, port)| ContainerPort {
        name: Some(symbols.intern(name)),
        protocol,
        port,
        host_port: None,
    });
    let ports = ports.collect();
    let origin = Origin {
        document: DocumentId(0),
        route: Route::root(),
    };
    let next = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let workload = WorkloadId(next(cluster.workloads.len()));
    cluster.workloads.push(Workload {
        namespace,
        name: format!("new-pod-{}", workload.0),
        kind: WorkloadKind("Pod".to_owned()),
        origin: origin.clone(),
    });
    let id = PodId(next(cluster.pods.len()));
    cluster.pods.push(Pod {
        namespace,
        workload,
        name: None,
        labels,
        addresses: pod.address.into_iter().collect(),
        ports,
        host_network: false,
        node: None,
        origin,
    });
    id
}

/// The namespace of a new pod, with the labels that the witness gives it. It goes to the end of
/// the list, where ids do not shift; lookups by name are not needed any more.
fn add_namespace(cluster: &mut Cluster, pod: &NewPod) -> NamespaceId {
    let found = cluster
        .namespaces
        .iter()
        .position(|known| known.name == pod.namespace);
    let index = found.unwrap_or(cluster.namespaces.len());
    let symbols = &mut cluster.symbols;
    if found.is_none() {
        let name = (
            symbols.intern(METADATA_NAME),
            symbols.intern(&pod.namespace),
        );
        cluster.namespaces.push(Namespace {
            name: pod.namespace.clone(),
            labels: Labels::new([name]),
            origin: None,
        });
    }
    let id = NamespaceId(u32::try_from(index).unwrap_or(u32::MAX));
    let is_inhabited = cluster.pods.iter().any(|other| other.namespace == id);
    let labels = pod.namespace_labels.as_ref().unwrap_or(&pod.fixed_labels);
    if let Some(namespace) = cluster.namespaces.get_mut(index)
        && namespace.origin.is_none()
        && !is_inhabited
    {
        for (key, value) in labels {
            namespace
                .labels
                .set(symbols.intern(key), symbols.intern(value));
        }
    }
    id
}
