//! Whether a pod can resolve names (D1 to D4).

use crate::model::{
    Action, Cluster, ContainerPort, Direction, Family, Labels, METADATA_NAME, Namespace,
    NamespaceId, NamespaceMatch, Operator, Origin, PeerKind, Pod, PodId, Policy, PolicyId,
    PortMatchKind, Protocol, Rule, Selector, Symbol, Verdict, Workload, WorkloadId, WorkloadKind,
};
use crate::reach::Reach;
use crate::source::{DocumentId, Route};
use std::net::{IpAddr, Ipv4Addr};

/// The labels of DNS pods as Kubernetes and OpenShift ship them (D1, D3).
const SERVERS: [(&str, &str); 2] = [
    ("k8s-app", "kube-dns"),
    ("dns.operator.openshift.io/daemonset-dns", "default"),
];
/// The namespaces that they are in.
const NAMESPACES: [&str; 2] = ["kube-system", "openshift-dns"];
/// The ports that they listen on (D1, D3).
const PORTS: [u16; 2] = [53, 5353];
/// The label of NodeLocal DNSCache's pods (D2).
const NODE_LOCAL_LABEL: (&str, &str) = ("k8s-app", "node-local-dns");
/// Where NodeLocal DNSCache listens (D2).
pub const NODE_LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 20, 10));

/// The DNS pods in the input.
pub fn dns_pods(cluster: &Cluster) -> Vec<PodId> {
    let has = |pod: &crate::model::Pod, (key, value): (&str, &str)| {
        let (key, value) = (cluster.symbols.get(key), cluster.symbols.get(value));
        value.is_some() && key.and_then(|key| pod.labels.get(key)) == value
    };
    let pods = cluster.pods_with_ids();
    let servers = pods.filter(|(_, pod)| SERVERS.into_iter().any(|label| has(pod, label)));
    servers.map(|(id, _)| id).collect()
}

/// The ports a DNS pod answers on: those that are called `dns` and `dns-tcp`, else 53.
pub fn dns_ports(cluster: &Cluster, server: PodId) -> Vec<(Protocol, u16)> {
    let declared = cluster.pod(server).map_or(&[][..], |pod| &pod.ports);
    let named = declared.iter().filter(|port| {
        let name = port.name.map(|name| cluster.symbols.name(name));
        matches!(name, Some("dns" | "dns-tcp"))
    });
    let mut ports: Vec<_> = named.map(|port| (port.protocol, port.port)).collect();
    if ports.is_empty() {
        ports = vec![(Protocol::Udp, 53), (Protocol::Tcp, 53)];
    }
    ports
}

/// Whether a pod can resolve names over UDP: to a DNS pod of the input, or to the node's cache;
/// where the input has neither (`servers` are those of [`dns_pods`]), unknown if some rule lets DNS out to what may be a DNS server.
pub fn can_resolve(cluster: &Cluster, reach: &Reach, servers: &[PodId], pod: PodId) -> Verdict {
    let selecting = egress_policies(reach, pod);
    let isolated = !selecting.is_empty();
    let local = reach.with_external(pod, Direction::Egress, NODE_LOCAL);
    if isolated && local.is_some_and(|traffic| traffic.allowed.contains(Protocol::Udp, 53)) {
        return Verdict::Allowed;
    }
    if servers.is_empty() {
        return match isolated {
            false => Verdict::Allowed,
            true if dns_rules(cluster, selecting).next().is_some() => Verdict::Unknown,
            true => Verdict::Denied,
        };
    }
    let mut answer = Verdict::Denied;
    for &server in servers {
        let ports = dns_ports(cluster, server).into_iter();
        for (protocol, port) in ports.filter(|(protocol, _)| *protocol == Protocol::Udp) {
            for family in Family::ALL {
                match reach
                    .between(pod, server, family)
                    .map(|pair| pair.verdict(protocol, port))
                {
                    Some(Verdict::Allowed) => return Verdict::Allowed,
                    Some(Verdict::Unknown) => answer = Verdict::Unknown,
                    Some(Verdict::Denied) | None => {}
                }
            }
        }
    }
    answer
}

/// The cluster with the DNS pods that Kubernetes and OpenShift ship, for an input that has none,
/// and their ids. Everything in the cluster keeps its own.
pub fn with_servers(cluster: &Cluster) -> (Cluster, Vec<PodId>) {
    let mut cluster = cluster.clone();
    let mut servers = Vec::new();
    for ((key, value), (name, port)) in SERVERS.into_iter().zip(NAMESPACES.into_iter().zip(PORTS)) {
        let (key, value) = (cluster.symbols.intern(key), cluster.symbols.intern(value));
        let label = cluster.symbols.intern(METADATA_NAME);
        let own_name = cluster.symbols.intern(name);
        let namespace = cluster.namespaces.iter().position(|n| n.name == name);
        let namespace = namespace.unwrap_or_else(|| {
            cluster.namespaces.push(Namespace {
                name: name.to_owned(),
                labels: Labels::new([(label, own_name)]),
                origin: None,
            });
            cluster.namespaces.len().saturating_sub(1)
        });
        let named = [(Protocol::Udp, "dns"), (Protocol::Tcp, "dns-tcp")];
        let ports = named.map(|(protocol, name)| ContainerPort {
            name: Some(cluster.symbols.intern(name)),
            protocol,
            port,
            host_port: None,
        });
        let id = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        let namespace = NamespaceId(id(namespace));
        // Nothing of the cluster has this place; it is never shown.
        let origin = Origin {
            document: DocumentId(u32::MAX),
            route: Route::default(),
        };
        servers.push(PodId(id(cluster.pods.len())));
        cluster.workloads.push(Workload {
            namespace,
            name: value_of(&cluster, value),
            kind: WorkloadKind("Pod".to_owned()),
            origin: origin.clone(),
        });
        cluster.pods.push(Pod {
            namespace,
            workload: WorkloadId(id(cluster.workloads.len().saturating_sub(1))),
            name: Some(value_of(&cluster, value)),
            labels: Labels::new([(key, value)]),
            addresses: Vec::new(),
            ports: ports.to_vec(),
            host_network: false,
            node: None,
            origin,
        });
    }
    (cluster, servers)
}

fn value_of(cluster: &Cluster, symbol: Symbol) -> String {
    cluster.symbols.name(symbol).to_owned()
}

/// The pods of NodeLocal DNSCache in the input (D2).
pub fn has_node_local(cluster: &Cluster) -> bool {
    let (key, value) = NODE_LOCAL_LABEL;
    let (key, value) = (cluster.symbols.get(key), cluster.symbols.get(value));
    let (Some(key), Some(value)) = (key, value) else {
        return false;
    };
    let mut pods = cluster.pods.iter();
    pods.any(|pod| pod.labels.get(key) == Some(value))
}

/// The policies that select a pod for egress.
pub fn egress_policies(reach: &Reach, pod: PodId) -> &[PolicyId] {
    reach.group_of(pod).map_or(&[][..], |group| {
        let profile = reach.profile(group, Direction::Egress);
        &reach.table(profile, Direction::Egress).policies
    })
}

/// The egress rules of these policies that let DNS out to what may be a server.
pub fn dns_rules<'a>(
    cluster: &'a Cluster,
    selecting: &'a [PolicyId],
) -> impl Iterator<Item = (&'a Policy, &'a Rule)> {
    let policies = selecting.iter().filter_map(|id| cluster.policy(*id));
    let rules = policies.flat_map(|policy| {
        policy
            .egress
            .iter()
            .flatten()
            .map(move |rule| (policy, rule))
    });
    rules.filter(|(_, rule)| rule.action == Action::Accept && is_dns_rule(cluster, rule))
}

/// Whether a rule may be about DNS servers: by its ports, and by its peers.
pub fn is_dns_rule(cluster: &Cluster, rule: &Rule) -> bool {
    let by_port = rule.ports.as_ref().is_none_or(|ports| {
        ports.iter().any(|port| match &port.kind {
            PortMatchKind::Range {
                protocol: Protocol::Udp,
                first,
                last,
            } => [53, 5353]
                .into_iter()
                .any(|port| (*first..=*last).contains(&port)),
            PortMatchKind::Range { .. } => false,
            PortMatchKind::Named { name, .. } => {
                matches!(cluster.symbols.name(*name), "dns" | "dns-udp")
            }
        })
    });
    by_port
        && rule.peers.as_ref().is_none_or(|peers| {
            peers.iter().any(|peer| match &peer.kind {
                PeerKind::IpBlock(_) => rule.ports.is_some(),
                // To ask for that name takes a DNS server already.
                PeerKind::Domain { .. } => false,
                PeerKind::Pods { namespaces, pods } => {
                    may_be_in_dns_namespace(cluster, namespaces) && may_be_server(cluster, pods)
                }
            })
        })
}

fn may_be_in_dns_namespace(cluster: &Cluster, namespaces: &NamespaceMatch) -> bool {
    match namespaces {
        NamespaceMatch::Same(namespace) => NAMESPACES.contains(&cluster.namespace_name(*namespace)),
        NamespaceMatch::Labels(selector) => selector.requirements().iter().all(|requirement| {
            // Of other labels of a namespace that is not in the input nothing is known.
            cluster.symbols.name(requirement.key) != METADATA_NAME
                || match &requirement.operator {
                    Operator::In(values) => {
                        let mut names = values.iter().map(|v| cluster.symbols.name(*v));
                        names.any(|name| NAMESPACES.contains(&name))
                    }
                    Operator::NotIn(_) | Operator::Exists => true,
                    Operator::DoesNotExist => false,
                }
        }),
    }
}

fn may_be_server(cluster: &Cluster, pods: &Selector) -> bool {
    pods.requirements().iter().all(|requirement| {
        let known = SERVERS.into_iter();
        let mut known = known.filter(|(key, _)| *key == cluster.symbols.name(requirement.key));
        match (known.next(), &requirement.operator) {
            (Some((_, value)), Operator::In(values)) => {
                values.iter().any(|v| cluster.symbols.name(*v) == value)
            }
            (Some(_), Operator::DoesNotExist) => false,
            _ => true,
        }
    })
}
