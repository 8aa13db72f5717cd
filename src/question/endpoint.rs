//! What people type for one end of a connection, and what it stands for.

use crate::model::{
    AddressSet, Cluster, Family, NodeId, PodId, ServiceId, WorkloadId, domain_text,
    family_addresses,
};
use ipnet::IpNet;
use std::net::IpAddr;
use thiserror::Error;

/// One end of a question, resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// A workload: all its pods.
    Workload(WorkloadId),
    /// One pod.
    Pod(PodId),
    /// A node itself.
    Node(NodeId),
    /// A Service.
    Service(ServiceId),
    /// Addresses outside the cluster.
    Addresses {
        /// How the user put it: `10.0.0.1`, `10.0.0.0/8`, `internet`.
        name: String,
        /// The addresses.
        addresses: AddressSet,
    },
    /// What an Ingress serves under a host and path: `ingress:shop.example.com/cart`.
    Ingress {
        /// The host.
        host: String,
        /// The path, `/` when not given.
        path: String,
    },
    /// A destination outside by name: `example.com`.
    Domain {
        /// The name.
        name: String,
    },
}

/// Why a name does not stand for one endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum EndpointError {
    /// Nothing has that name.
    #[error("no workload, pod or service is called `{name}`")]
    Unknown {
        /// What was typed.
        name: String,
        /// The nearest names, best first.
        near: Vec<String>,
    },
    /// Several things have that name.
    #[error("`{name}` is ambiguous")]
    Ambiguous {
        /// What was typed.
        name: String,
        /// What it could mean, each as it can be typed.
        candidates: Vec<String>,
    },
    /// It has no form that is understood.
    #[error("`{name}` is not an endpoint")]
    Malformed {
        /// What was typed.
        name: String,
    },
}

impl EndpointError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            EndpointError::Unknown { near, .. } if near.is_empty() => {
                "`portolan list` shows every name".to_owned()
            }
            EndpointError::Unknown { near, .. } => format!("did you mean {}?", or_list(near)),
            EndpointError::Ambiguous { candidates, .. } => {
                format!("say which: {}", or_list(candidates))
            }
            EndpointError::Malformed { .. } => {
                "write `namespace/name`, `kind/name` with `-n`, `pod/name`, `service:namespace/name`, \
                 `node/name`, an address, a CIDR, `internet`, a domain name or `ingress:host/path`"
                    .to_owned()
            }
        }
    }
}

fn or_list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Finds what a name stands for. `namespace` is the one of `-n`: it is where a bare name or
/// `kind/name` is looked up.
pub fn parse_endpoint(
    cluster: &Cluster,
    text: &str,
    namespace: Option<&str>,
) -> Result<Endpoint, EndpointError> {
    let malformed = || EndpointError::Malformed {
        name: text.to_owned(),
    };
    if text == "internet" {
        let everything = Family::ALL.map(family_addresses);
        let addresses = everything
            .iter()
            .fold(AddressSet::default(), |set, family| set.union(family));
        return Ok(Endpoint::Addresses {
            name: text.to_owned(),
            addresses,
        });
    }
    if let Some(rest) = text.strip_prefix("ingress:") {
        let (host, path) = match rest.split_once('/') {
            Some((host, path)) => (host, format!("/{path}")),
            None => (rest, "/".to_owned()),
        };
        if host.is_empty() {
            return Err(malformed());
        }
        return Ok(Endpoint::Ingress {
            host: host.to_owned(),
            path,
        });
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(at_address(cluster, text, address));
    }
    if let Ok(net) = text.parse::<IpNet>() {
        let addresses = AddressSet::from(net);
        return Ok(Endpoint::Addresses {
            name: text.to_owned(),
            addresses,
        });
    }
    if let Some(rest) = text
        .strip_prefix("service:")
        .or_else(|| text.strip_prefix("svc:"))
    {
        return named(cluster, text, rest, namespace, &[Kind::Service]);
    }
    if text.is_empty() || text.matches('/').count() > 2 {
        return Err(malformed());
    }
    if let Some(name) = text.strip_prefix("domain:") {
        return match is_domain(name) {
            true => Ok(domain(name)),
            false => Err(malformed()),
        };
    }
    if let Some(service) = in_cluster_name(text) {
        return named(cluster, text, &service, None, &[Kind::Service]);
    }
    let found = named(cluster, text, text, namespace, &Kind::ALL);
    match found {
        Err(EndpointError::Unknown { .. }) if is_domain(text) && !is_slip(cluster, text) => {
            Ok(domain(text))
        }
        found => found,
    }
}

fn domain(name: &str) -> Endpoint {
    Endpoint::Domain {
        name: domain_text(name),
    }
}

/// `namespace/name` of a Service's own name in the cluster: `name.namespace.svc`, and what may
/// come behind.
fn in_cluster_name(text: &str) -> Option<String> {
    let mut labels = text.trim_end_matches('.').split('.');
    let (name, namespace) = (labels.next()?, labels.next()?);
    (labels.next() == Some("svc")).then(|| format!("{namespace}/{name}"))
}

/// Whether a text has the form of a domain name of two labels or more.
fn is_domain(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let mut chars = label.chars();
        !label.is_empty() && chars.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.contains('.')
        && text.split('.').all(is_label)
        && last.chars().any(|c| c.is_ascii_alphabetic())
}

/// Whether a dot may have been typed for the slash of `namespace/name`.
fn is_slip(cluster: &Cluster, text: &str) -> bool {
    let mut labels = text.split('.');
    let is_namespace = |label| cluster.namespace_named(label).is_some();
    labels.clone().count() == 2 && labels.any(is_namespace)
}

/// An address of a pod or node is that pod or node; any other is outside.
fn at_address(cluster: &Cluster, text: &str, address: IpAddr) -> Endpoint {
    let mut pods = cluster.pods_with_ids();
    if let Some((id, _)) =
        pods.find(|(_, pod)| !pod.host_network && pod.addresses.contains(&address))
    {
        return Endpoint::Pod(id);
    }
    let mut nodes = (0u32..).map(NodeId).zip(&cluster.nodes);
    if let Some((id, _)) = nodes.find(|(_, node)| node.addresses.contains(&address)) {
        return Endpoint::Node(id);
    }
    Endpoint::Addresses {
        name: text.to_owned(),
        addresses: AddressSet::from(IpNet::from(address)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Workload,
    Pod,
    Node,
    Service,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Workload, Kind::Pod, Kind::Node, Kind::Service];
}

/// Everything in the cluster that can be named, with the full name to type for it.
struct Candidate {
    kind: Kind,
    namespace: String,
    /// The workload's own kind in lower case, `pod`, `node` or `service`.
    kind_name: String,
    name: String,
    endpoint: Endpoint,
}

impl Candidate {
    /// How to type it so that nothing else is meant.
    fn full_name(&self, among: &[&Candidate]) -> String {
        let plain = match self.kind {
            Kind::Service => format!("service:{}/{}", self.namespace, self.name),
            Kind::Node => format!("node/{}", self.name),
            Kind::Pod | Kind::Workload => format!("{}/{}", self.namespace, self.name),
        };
        let same = |other: &&Candidate| {
            matches!(other.kind, Kind::Pod | Kind::Workload)
                && (&other.namespace, &other.name) == (&self.namespace, &self.name)
        };
        match self.kind {
            Kind::Pod | Kind::Workload if among.iter().copied().filter(same).count() > 1 => {
                format!("{}/{}/{}", self.namespace, self.kind_name, self.name)
            }
            _ => plain,
        }
    }
}

fn candidates(cluster: &Cluster, kinds: &[Kind]) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut add = |kind, namespace: &str, kind_name: &str, name: &str, endpoint| {
        found.push(Candidate {
            kind,
            namespace: namespace.to_owned(),
            kind_name: kind_name.to_lowercase(),
            name: name.to_owned(),
            endpoint,
        });
    };
    if kinds.contains(&Kind::Workload) {
        for (id, workload) in cluster.workloads_with_ids() {
            let namespace = cluster.namespace_name(workload.namespace);
            add(
                Kind::Workload,
                namespace,
                &workload.kind.0,
                &workload.name,
                Endpoint::Workload(id),
            );
        }
    }
    if kinds.contains(&Kind::Pod) {
        for (id, pod) in cluster.pods_with_ids() {
            let workload = cluster.workload(pod.workload);
            // A pod that nothing owns is already named as its own workload.
            let name = pod
                .name
                .as_ref()
                .filter(|name| workload.is_none_or(|w| w.name != **name));
            if let Some(name) = name {
                add(
                    Kind::Pod,
                    cluster.namespace_name(pod.namespace),
                    "pod",
                    name,
                    Endpoint::Pod(id),
                );
            }
        }
    }
    if kinds.contains(&Kind::Node) {
        for (id, node) in (0u32..).map(NodeId).zip(&cluster.nodes) {
            add(Kind::Node, "", "node", &node.name, Endpoint::Node(id));
        }
    }
    if kinds.contains(&Kind::Service) {
        for (id, service) in (0u32..).map(ServiceId).zip(&cluster.services) {
            let namespace = cluster.namespace_name(service.namespace);
            add(
                Kind::Service,
                namespace,
                "service",
                &service.name,
                Endpoint::Service(id),
            );
        }
    }
    found
}

/// The short names that kubectl knows.
fn kind_alias(kind: &str) -> String {
    let kind = kind.to_lowercase();
    let full = match kind.as_str() {
        "deploy" | "deployments" => "deployment",
        "sts" | "statefulsets" => "statefulset",
        "ds" | "daemonsets" => "daemonset",
        "rs" | "replicasets" => "replicaset",
        "rc" | "replicationcontrollers" => "replicationcontroller",
        "cj" | "cronjobs" => "cronjob",
        "jobs" => "job",
        "po" | "pods" => "pod",
        "no" | "nodes" => "node",
        "svc" | "services" => "service",
        _ => return kind,
    };
    full.to_owned()
}

fn named(
    cluster: &Cluster,
    text: &str,
    reference: &str,
    namespace: Option<&str>,
    kinds: &[Kind],
) -> Result<Endpoint, EndpointError> {
    let all = candidates(cluster, kinds);
    let parts: Vec<&str> = reference.split('/').collect();
    let in_namespace = |c: &Candidate| namespace.is_none_or(|n| c.namespace == n);
    let matches = |c: &&Candidate| match parts.as_slice() {
        [name] => c.name == *name && in_namespace(c),
        // `namespace/name` and `kind/name` cannot be told apart by form.
        [first, name] => {
            c.name == *name
                && (c.namespace == *first || (c.kind_name == kind_alias(first) && in_namespace(c)))
        }
        [first, kind, name] => {
            c.name == *name && c.namespace == *first && c.kind_name == kind_alias(kind)
        }
        _ => false,
    };
    let mut found: Vec<&Candidate> = all.iter().filter(matches).collect();
    // A Service usually has the name of its workload: the bare name means the workload, and
    // `service:` the other.
    if kinds.len() > 1 && found.iter().any(|c| c.kind != Kind::Service) {
        found.retain(|c| c.kind != Kind::Service || parts.len() == 3);
    }
    match found.as_slice() {
        [one] => Ok(one.endpoint.clone()),
        [] => Err(EndpointError::Unknown {
            name: text.to_owned(),
            near: nearest(&all, reference, namespace),
        }),
        several => {
            let mut names: Vec<String> = several.iter().map(|c| c.full_name(several)).collect();
            names.sort();
            Err(EndpointError::Ambiguous {
                name: text.to_owned(),
                candidates: names,
            })
        }
    }
}

/// At most three names that are near to what was typed: the same name elsewhere, or a few
/// letters away.
fn nearest(all: &[Candidate], reference: &str, namespace: Option<&str>) -> Vec<String> {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let wanted = match namespace {
        Some(namespace) if !reference.contains('/') => format!("{namespace}/{reference}"),
        _ => reference.to_owned(),
    };
    let mut scored: Vec<(usize, Kind, String)> = all
        .iter()
        .filter_map(|candidate| {
            let full = candidate.full_name(&[]);
            let plain = format!("{}/{}", candidate.namespace, candidate.name);
            let distance = if candidate.name == name {
                0
            } else {
                strsim::damerau_levenshtein(&plain, &wanted)
                    .min(strsim::damerau_levenshtein(&candidate.name, name).saturating_add(1))
            };
            (distance <= 1 + name.len() / 3).then_some((distance, candidate.kind, full))
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored
        .into_iter()
        .take(3)
        .map(|(_, _, name)| name)
        .collect()
}
