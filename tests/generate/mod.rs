//! Small random clusters, built as the model directly: no YAML takes part.
//!
//! The vocabulary is tiny on purpose, so that selectors hit, ports meet and blocks overlap. The
//! file that includes this one brings `model` and `source` of the crate into scope.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test suite uses a part, some of them as a module of their own"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a generator that is wrong should fail the test"
)]

use super::model::{
    Action, Cluster, ContainerPort, Family, Flow, HostNetwork, IpBlock, Labels, METADATA_NAME,
    Namespace, NamespaceId, NamespaceMatch, Node, NodeId, Operator, Origin, Party, Peer, PeerKind,
    Pod, PodId, Policy, PortMatch, PortMatchKind, Protocol, Requirement, Rule, Selector, Subject,
    Symbols, Tier, Workload, WorkloadId, WorkloadKind,
};
use super::source::{DocumentId, Route};
use proptest::prelude::*;
use std::net::IpAddr;

/// Namespaces, sorted.
pub const NAMESPACES: [&str; 3] = ["alpha", "beta", "gamma"];
/// Keys of pod labels.
pub const POD_KEYS: [&str; 3] = ["app", "tier", "env"];
/// Keys of namespace labels that one can choose.
pub const NAMESPACE_KEYS: [&str; 2] = ["team", "zone"];
/// Values of labels, the empty one among them.
pub const VALUES: [&str; 3] = ["a", "b", ""];
/// A value that no selector mentions.
pub const UNMENTIONED: &str = "unmentioned";
/// Names of container ports.
pub const PORT_NAMES: [&str; 3] = ["http", "dns", "metrics"];
/// Names of nodes.
pub const NODES: [&str; 2] = ["node-a", "node-b"];
/// Ports that policies mention: the edges are compared as well.
pub const PORTS: [u16; 6] = [1, 53, 80, 443, 8080, 65535];
/// Blocks that policies mention, in both families.
pub const BLOCKS: [&str; 8] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3/32",
    "::/0",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "2001:db8:1::5/128",
];
/// What is cut out of blocks, where it is strictly inside.
pub const EXCEPTIONS: [&str; 4] = [
    "10.1.2.0/24",
    "10.1.0.0/17",
    "2001:db8:1::/64",
    "2001:db8:1:8000::/49",
];
/// Addresses of pods, nodes and outsiders: on both sides of every block's edge.
pub const ADDRESSES: [&str; 14] = [
    "10.1.2.3",
    "10.1.2.4",
    "10.1.3.1",
    "10.1.128.1",
    "10.1.255.255",
    "10.2.0.0",
    "11.0.0.0",
    "2001:db8:1::5",
    "2001:db8:1::6",
    "2001:db8:1:1::1",
    "2001:db8:1:8000::1",
    "2001:db8:2::",
    "2001:db9::",
    "9.255.255.255",
];

/// Which features the generated clusters have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Features {
    /// Policies of the Admin and Baseline tiers, with every action.
    pub tiers: bool,
}

/// Label choices by key: `None` is absent.
pub type LabelPlan = Vec<Option<usize>>;

/// One requirement: key, operator (In, NotIn, Exists, DoesNotExist), values.
pub type RequirementPlan = (usize, usize, Vec<usize>);

/// A selector of pods or namespaces.
pub type SelectorPlan = Vec<RequirementPlan>;

/// Which namespaces: one of them, or by labels.
#[derive(Clone, Debug)]
pub enum NamespacePlan {
    /// This one.
    Same(usize),
    /// Those that match.
    Labels(SelectorPlan),
    /// Those with one of these names, which may be the name of none.
    Names(Vec<usize>, bool),
}

/// A peer.
#[derive(Clone, Debug)]
pub enum PeerPlan {
    /// Pods.
    Pods(NamespacePlan, SelectorPlan),
    /// A block and what might be cut out of it.
    Block(usize, Vec<usize>),
}

/// A port: a range by indexes into [`PORTS`], or a name with or without protocol.
#[derive(Clone, Debug)]
pub enum PortPlan {
    /// Numbers of a protocol.
    Range(usize, usize, usize),
    /// A name.
    Named(Option<usize>, usize),
}

/// A rule: action, peers, ports.
type RulePlan = (usize, Option<Vec<PeerPlan>>, Option<Vec<PortPlan>>);

/// A policy.
#[derive(Clone, Debug)]
pub struct PolicyPlan {
    tier: usize,
    priority: u32,
    namespaces: NamespacePlan,
    pods: SelectorPlan,
    ingress: Option<Vec<RulePlan>>,
    egress: Option<Vec<RulePlan>>,
}

/// A pod.
#[derive(Clone, Debug)]
pub struct PodPlan {
    namespace: usize,
    labels: LabelPlan,
    v4: Option<usize>,
    v6: Option<usize>,
    ports: Vec<(Option<usize>, usize, usize)>,
    host_network: bool,
    node: Option<usize>,
}

/// A cluster.
#[derive(Clone, Debug)]
pub struct ClusterPlan {
    namespaces: Vec<(bool, LabelPlan)>,
    pods: Vec<PodPlan>,
    nodes: Vec<Vec<usize>>,
    policies: Vec<PolicyPlan>,
    pod_cidrs: usize,
    host_network_policed: bool,
}

fn labels(keys: usize) -> impl Strategy<Value = LabelPlan> {
    // The last value is one that no selector mentions.
    proptest::collection::vec(proptest::option::of(0..=VALUES.len()), keys)
}

/// A selector over some keys.
pub fn selector(keys: usize) -> impl Strategy<Value = SelectorPlan> {
    let values = proptest::collection::vec(0..VALUES.len(), 1..3);
    proptest::collection::vec((0..keys, 0..4usize, values), 0..3)
}

/// Which namespaces.
pub fn namespaces() -> impl Strategy<Value = NamespacePlan> {
    prop_oneof![
        (0..NAMESPACES.len()).prop_map(NamespacePlan::Same),
        selector(NAMESPACE_KEYS.len()).prop_map(NamespacePlan::Labels),
        (
            proptest::collection::vec(0..=NAMESPACES.len(), 1..3),
            any::<bool>()
        )
            .prop_map(|(names, negated)| NamespacePlan::Names(names, negated)),
    ]
}

fn peer() -> impl Strategy<Value = PeerPlan> {
    prop_oneof![
        3 => (namespaces(), selector(POD_KEYS.len())).prop_map(|(n, p)| PeerPlan::Pods(n, p)),
        2 => (
            0..BLOCKS.len(),
            proptest::collection::vec(0..EXCEPTIONS.len(), 0..3)
        )
            .prop_map(|(block, except)| PeerPlan::Block(block, except)),
    ]
}

fn port() -> impl Strategy<Value = PortPlan> {
    prop_oneof![
        3 => (0..3usize, 0..PORTS.len(), 0..PORTS.len())
            .prop_map(|(protocol, a, b)| PortPlan::Range(protocol, a.min(b), a.max(b))),
        1 => (proptest::option::of(0..3usize), 0..PORT_NAMES.len())
            .prop_map(|(protocol, name)| PortPlan::Named(protocol, name)),
    ]
}

fn rules(actions: bool) -> impl Strategy<Value = Option<Vec<RulePlan>>> {
    let action = if actions { 0..3usize } else { 0..1 };
    let rule = (
        action,
        proptest::option::weighted(0.8, proptest::collection::vec(peer(), 0..3)),
        proptest::option::weighted(0.6, proptest::collection::vec(port(), 0..3)),
    );
    proptest::option::weighted(0.7, proptest::collection::vec(rule, 0..3))
}

fn policy(tier: usize) -> impl Strategy<Value = PolicyPlan> {
    let network_policy = tier == 1;
    let subject_namespaces = if network_policy {
        (0..NAMESPACES.len()).prop_map(NamespacePlan::Same).boxed()
    } else {
        namespaces().boxed()
    };
    (
        subject_namespaces,
        selector(POD_KEYS.len()),
        rules(!network_policy),
        rules(!network_policy),
        0..3u32,
    )
        .prop_map(
            move |(namespaces, pods, ingress, egress, priority)| PolicyPlan {
                tier,
                priority: if network_policy { 0 } else { priority },
                namespaces,
                pods,
                ingress,
                egress,
            },
        )
}

fn pod() -> impl Strategy<Value = PodPlan> {
    (
        0..NAMESPACES.len(),
        labels(POD_KEYS.len()),
        // IPv4 and IPv6 addresses of the list; half of the pods have none.
        prop_oneof![
            Just((None, None)),
            (0..7usize).prop_map(|v4| (Some(v4), None)),
            (7..13usize).prop_map(|v6| (None, Some(v6))),
            (0..7usize, 7..13usize).prop_map(|(v4, v6)| (Some(v4), Some(v6))),
        ],
        proptest::collection::vec(
            (
                proptest::option::of(0..PORT_NAMES.len()),
                0..3usize,
                0..PORTS.len(),
            ),
            0..3,
        ),
        proptest::bool::weighted(0.2),
        proptest::option::of(0..NODES.len()),
    )
        .prop_map(
            |(namespace, labels, (v4, v6), ports, host_network, node)| PodPlan {
                namespace,
                labels,
                v4,
                v6,
                ports,
                host_network,
                node,
            },
        )
}

/// Small clusters.
pub fn cluster(features: Features) -> impl Strategy<Value = ClusterPlan> {
    let other_tiers = if features.tiers { 0..4usize } else { 0..1 };
    let policies = (
        proptest::collection::vec(policy(1), 0..5),
        proptest::collection::vec(prop_oneof![policy(0), policy(2)], other_tiers),
    )
        .prop_map(|(mut policies, others)| {
            policies.extend(others);
            policies
        });
    (
        proptest::collection::vec(
            (any::<bool>(), labels(NAMESPACE_KEYS.len())),
            NAMESPACES.len(),
        ),
        proptest::collection::vec(pod(), 1..5),
        proptest::collection::vec(
            proptest::collection::vec(0..ADDRESSES.len(), 0..2),
            NODES.len(),
        ),
        policies,
        0..4usize,
        proptest::bool::weighted(0.2),
    )
        .prop_map(
            |(namespaces, pods, nodes, policies, pod_cidrs, host_network_policed)| ClusterPlan {
                namespaces,
                pods,
                nodes,
                policies,
                pod_cidrs,
                host_network_policed,
            },
        )
}

/// Two small clusters: the second has some of the first one's namespaces, pods and policies, and
/// others of its own.
pub fn cluster_pair(features: Features) -> impl Strategy<Value = (ClusterPlan, ClusterPlan)> {
    let choices = proptest::collection::vec(proptest::bool::weighted(0.25), 32);
    (cluster(features), cluster(features), choices).prop_map(|(old, other, choices)| {
        let mut is_new = choices.into_iter().cycle();
        fn mixed<T: Clone>(old: &[T], other: Vec<T>, mut is_new: impl FnMut() -> bool) -> Vec<T> {
            // A list that is cut short is a thing removed.
            let length = if is_new() { other.len() } else { old.len() };
            let mut others = other.into_iter();
            (0..length)
                .filter_map(|index| match (old.get(index), others.next()) {
                    (Some(_), Some(other)) if is_new() => Some(other),
                    (Some(own), _) => Some(own.clone()),
                    (None, other) => other,
                })
                .collect()
        }
        let mut next = || is_new.next().unwrap_or_default();
        let new = ClusterPlan {
            namespaces: mixed(&old.namespaces, other.namespaces, || false),
            pods: mixed(&old.pods, other.pods, &mut next),
            nodes: old.nodes.clone(),
            policies: mixed(&old.policies, other.policies, &mut next),
            pod_cidrs: match next() {
                true => other.pod_cidrs,
                false => old.pod_cidrs,
            },
            host_network_policed: old.host_network_policed,
        };
        let new = match next() {
            true => ClusterPlan {
                namespaces: new.namespaces.iter().cloned().rev().collect(),
                ..new
            },
            false => new,
        };
        (old, new)
    })
}

/// Where generated things were written: nowhere.
pub fn origin() -> Origin {
    Origin {
        document: DocumentId(0),
        route: Route::root(),
    }
}

fn value(index: usize) -> &'static str {
    VALUES.get(index).copied().unwrap_or(UNMENTIONED)
}

/// The labels of a plan.
pub fn build_labels(symbols: &mut Symbols, keys: &[&str], plan: &LabelPlan) -> Labels {
    let mut labels = Labels::default();
    for (key, choice) in keys.iter().zip(plan) {
        if let Some(choice) = choice {
            labels.set(symbols.intern(key), symbols.intern(value(*choice)));
        }
    }
    labels
}

/// The selector of a plan.
pub fn build_selector(symbols: &mut Symbols, keys: &[&str], plan: &SelectorPlan) -> Selector {
    Selector::new(plan.iter().map(|(key, operator, values)| {
        let listed = values.iter().map(|v| symbols.intern(value(*v))).collect();
        Requirement {
            operator: match operator {
                0 => Operator::In(listed),
                1 => Operator::NotIn(listed),
                2 => Operator::Exists,
                _ => Operator::DoesNotExist,
            },
            key: symbols.intern(keys[*key]),
        }
    }))
}

/// The namespaces of a plan.
pub fn build_namespaces(symbols: &mut Symbols, plan: &NamespacePlan) -> NamespaceMatch {
    match plan {
        NamespacePlan::Same(index) => NamespaceMatch::Same(NamespaceId(*index as u32)),
        NamespacePlan::Labels(selector) => {
            NamespaceMatch::Labels(build_selector(symbols, &NAMESPACE_KEYS, selector))
        }
        NamespacePlan::Names(names, negated) => {
            let names: Vec<_> = names
                .iter()
                .map(|name| symbols.intern(NAMESPACES.get(*name).unwrap_or(&"delta")))
                .collect();
            let operator = if *negated {
                Operator::NotIn(names)
            } else {
                Operator::In(names)
            };
            NamespaceMatch::Labels(Selector::new([Requirement {
                key: symbols.intern(METADATA_NAME),
                operator,
            }]))
        }
    }
}

/// Names that rules of other tiers may have for destinations outside.
pub const NAMES: [&str; 3] = ["example.com", "*.example.com", "www.example.com"];

fn build_peer(symbols: &mut Symbols, plan: &PeerPlan, may_be_named: bool) -> Peer {
    let kind = match plan {
        // Some of the blocks are names instead, where names may be.
        PeerPlan::Block(block, except) if may_be_named && except.len() == 1 => PeerKind::Domain {
            pattern: symbols.intern(NAMES[block % NAMES.len()]),
            holds: None,
        },
        PeerPlan::Pods(namespaces, pods) => PeerKind::Pods {
            namespaces: build_namespaces(symbols, namespaces),
            pods: build_selector(symbols, &POD_KEYS, pods),
        },
        PeerPlan::Block(block, except) => {
            let cidr: ipnet::IpNet = BLOCKS[*block].parse().unwrap();
            let except = except
                .iter()
                .map(|e| EXCEPTIONS[*e].parse::<ipnet::IpNet>().unwrap())
                // V13: strictly inside.
                .filter(|e| cidr.contains(e) && *e != cidr)
                .collect();
            PeerKind::IpBlock(IpBlock { cidr, except })
        }
    };
    Peer {
        kind,
        route: Route::root(),
    }
}

fn build_port(symbols: &mut Symbols, plan: &PortPlan) -> PortMatch {
    let kind = match plan {
        PortPlan::Range(protocol, first, last) => PortMatchKind::Range {
            protocol: Protocol::ALL[*protocol],
            first: PORTS[*first],
            last: PORTS[*last],
        },
        PortPlan::Named(protocol, name) => PortMatchKind::Named {
            protocol: protocol.map(|p| Protocol::ALL[p]),
            name: symbols.intern(PORT_NAMES[*name]),
        },
    };
    PortMatch {
        kind,
        route: Route::root(),
    }
}

fn build_rules(
    symbols: &mut Symbols,
    plan: &Option<Vec<RulePlan>>,
    has_names: bool,
) -> Option<Vec<Rule>> {
    let rules = plan.as_ref()?;
    Some(
        rules
            .iter()
            .map(|(action, peers, ports)| Rule {
                action: [Action::Accept, Action::Deny, Action::Pass][*action],
                peers: peers.as_ref().map(|peers| {
                    let may_be_named = has_names && *action == 0;
                    let peers = peers.iter();
                    peers
                        .map(|p| build_peer(symbols, p, may_be_named))
                        .collect()
                }),
                ports: ports
                    .as_ref()
                    .map(|ports| ports.iter().map(|p| build_port(symbols, p)).collect()),
                route: Route::root(),
            })
            .collect(),
    )
}

/// Pod ranges: unknown, IPv4, IPv6, both.
fn build_ranges(choice: usize) -> Vec<ipnet::IpNet> {
    let ranges: &[&str] = match choice {
        0 => &[],
        1 => &["10.1.0.0/16"],
        2 => &["2001:db8:1::/48"],
        _ => &["10.1.0.0/16", "2001:db8:1::/48"],
    };
    ranges.iter().map(|net| net.parse().unwrap()).collect()
}

fn build_pod(symbols: &mut Symbols, index: usize, plan: &PodPlan) -> Pod {
    let addresses = [plan.v4, plan.v6].into_iter().flatten();
    Pod {
        namespace: NamespaceId(plan.namespace as u32),
        workload: WorkloadId(index as u32),
        name: None,
        labels: build_labels(symbols, &POD_KEYS, &plan.labels),
        addresses: addresses.map(|a| ADDRESSES[a].parse().unwrap()).collect(),
        ports: plan
            .ports
            .iter()
            .map(|(name, protocol, port)| ContainerPort {
                name: name.map(|name| symbols.intern(PORT_NAMES[name])),
                protocol: Protocol::ALL[*protocol],
                port: PORTS[*port],
                host_port: None,
            })
            .collect(),
        host_network: plan.host_network,
        node: plan.node.map(|node| NODES[node].to_owned()),
        origin: origin(),
    }
}

/// The cluster of a plan.
pub fn build(plan: &ClusterPlan) -> Cluster {
    let mut cluster = Cluster::default();
    let symbols = &mut cluster.symbols;
    let name_key = symbols.intern(METADATA_NAME);
    for (name, (manifest, labels)) in NAMESPACES.iter().zip(&plan.namespaces) {
        let mut labels = if *manifest {
            build_labels(symbols, &NAMESPACE_KEYS, labels)
        } else {
            Labels::default()
        };
        labels.set(name_key, symbols.intern(name));
        cluster.namespaces.push(Namespace {
            name: (*name).to_owned(),
            labels,
            origin: manifest.then(origin),
        });
    }
    for (index, pod) in plan.pods.iter().enumerate() {
        cluster.workloads.push(Workload {
            namespace: NamespaceId(pod.namespace as u32),
            name: format!("workload-{index}"),
            kind: WorkloadKind("Pod".to_owned()),
            origin: origin(),
        });
        cluster.pods.push(build_pod(symbols, index, pod));
    }
    for (name, addresses) in NODES.iter().zip(&plan.nodes) {
        cluster.nodes.push(Node {
            name: (*name).to_owned(),
            labels: Labels::default(),
            addresses: addresses
                .iter()
                .map(|a| ADDRESSES[*a].parse().unwrap())
                .collect(),
            pod_cidrs: Vec::new(),
            origin: origin(),
        });
    }
    for (index, policy) in plan.policies.iter().enumerate() {
        let namespaces = build_namespaces(symbols, &policy.namespaces);
        cluster.policies.push(Policy {
            kind: "NetworkPolicy",
            namespace: match namespaces {
                NamespaceMatch::Same(namespace) if policy.tier == 1 => Some(namespace),
                _ => None,
            },
            name: format!("policy-{index}"),
            tier: Tier::ALL[policy.tier],
            priority: policy.priority,
            subject: Subject {
                namespaces,
                pods: build_selector(symbols, &POD_KEYS, &policy.pods),
            },
            ingress: build_rules(symbols, &policy.ingress, false),
            egress: build_rules(symbols, &policy.egress, policy.tier != 1),
            origin: origin(),
        });
    }
    let key = |policy: &Policy| (policy.tier, policy.priority, policy.namespace);
    cluster.policies.sort_by_key(key);
    cluster.pod_cidrs = build_ranges(plan.pod_cidrs);
    if plan.host_network_policed {
        cluster.semantics.host_network = HostNetwork::Pod;
    }
    cluster
}

/// A pod that could be added to a generated cluster: as [`PodPlan`], and in a namespace that may
/// be a new one.
pub fn extra_pod() -> impl Strategy<Value = (PodPlan, bool, LabelPlan)> {
    (pod(), any::<bool>(), labels(NAMESPACE_KEYS.len()))
}

/// Adds a pod as one could be created: no node, no host network, an address only out of the
/// known ranges. A free namespace, new or merely mentioned, gets the labels.
pub fn add_possible_pod(
    cluster: &mut Cluster,
    (plan, new, namespace_labels): &(PodPlan, bool, LabelPlan),
) -> PodId {
    let mut pod = build_pod(&mut cluster.symbols, cluster.pods.len(), plan);
    pod.host_network = false;
    pod.node = None;
    pod.addresses.retain(|address| {
        let in_range = |net: &ipnet::IpNet| net.contains(address);
        cluster.pod_cidrs.iter().any(in_range)
    });
    let mut labels = build_labels(&mut cluster.symbols, &NAMESPACE_KEYS, namespace_labels);
    let name_key = cluster.symbols.intern(METADATA_NAME);
    if *new {
        let name = if namespace_labels.first() == Some(&None) {
            "delta"
        } else {
            "epsilon"
        };
        labels.set(name_key, cluster.symbols.intern(name));
        let existing = cluster.namespaces.iter().position(|ns| ns.name == name);
        let index = existing.unwrap_or(cluster.namespaces.len());
        if existing.is_none() {
            cluster.namespaces.push(Namespace {
                name: name.to_owned(),
                labels,
                origin: None,
            });
        }
        pod.namespace = NamespaceId(index as u32);
    }
    cluster.pods.push(pod);
    PodId(cluster.pods.len() as u32 - 1)
}

/// Gives the merely mentioned namespaces that none of the first `pods` pods is
/// in some labels, as their manifests could.
pub fn label_free_namespaces(cluster: &mut Cluster, pods: usize, plan: &LabelPlan) {
    let labels = build_labels(&mut cluster.symbols, &NAMESPACE_KEYS, plan);
    let homes: Vec<NamespaceId> = cluster
        .pods
        .iter()
        .take(pods)
        .map(|p| p.namespace)
        .collect();
    for (index, namespace) in (0u32..).zip(&mut cluster.namespaces) {
        if namespace.origin.is_none() && !homes.contains(&NamespaceId(index)) {
            for (key, value) in labels.iter() {
                namespace.labels.set(key, value);
            }
        }
    }
}

/// Labels for [`label_free_namespaces`].
pub fn namespace_labels() -> impl Strategy<Value = LabelPlan> {
    labels(NAMESPACE_KEYS.len())
}

/// Every protocol with every port on either side of an edge.
pub fn boundary_traffic() -> Vec<(Protocol, u16)> {
    let mut ports: Vec<u16> = PORTS
        .iter()
        .flat_map(|&port| [port.saturating_sub(1), port, port.saturating_add(1)])
        .filter(|&port| port > 0)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    Protocol::ALL
        .into_iter()
        .flat_map(|protocol| ports.iter().map(move |&port| (protocol, port)))
        .collect()
}

/// Every party of a cluster with every address it is known to have, outsiders at the edges of
/// the blocks, all of one family. Pods without an address take part without.
pub fn parties(cluster: &Cluster, family: Family) -> Vec<Party> {
    let known = |addresses: &[IpAddr]| -> Vec<Option<IpAddr>> {
        if addresses.is_empty() {
            return vec![None];
        }
        let of_family = addresses.iter().filter(|a| Family::of(**a) == family);
        of_family.map(|a| Some(*a)).collect()
    };
    let pods = cluster.pods_with_ids().flat_map(|(pod, of)| {
        let addresses = known(&of.addresses).into_iter();
        addresses.map(move |address| Party::Pod { pod, address })
    });
    let nodes = (0u32..).zip(&cluster.nodes).flat_map(|(node, of)| {
        let node = NodeId(node);
        let addresses = known(&of.addresses).into_iter();
        addresses.map(move |address| Party::Node { node, address })
    });
    let outside = ADDRESSES.iter().map(|a| a.parse().unwrap());
    let outside = outside
        .filter(|address| Family::of(*address) == family)
        .map(|address| Party::External { address });
    pods.chain(nodes).chain(outside).collect()
}

/// All flows up to what the vocabulary can tell apart.
pub fn flows(cluster: &Cluster) -> Vec<Flow> {
    let traffic = boundary_traffic();
    let mut flows = Vec::new();
    for family in Family::ALL {
        let parties = parties(cluster, family);
        for source in &parties {
            for destination in &parties {
                flows.extend(traffic.iter().map(|&(protocol, port)| Flow {
                    source: *source,
                    destination: *destination,
                    protocol,
                    port,
                }));
            }
        }
    }
    flows
}
