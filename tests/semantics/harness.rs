//! How a truth table is written down and checked.
//!
//! A table's rows say what the specification says, worked out by hand. Every row is asked of
//! `model::evaluate` and of the set engine, pair by pair, as a row and as products.

use crate::expand::{in_products, in_products_outside, in_row, is_mentioned};
use portolan::manifest::{LoadOptions, Loaded, load_str};
use portolan::model::{
    AddressChoice, Cluster, Direction, Family, Flow, NodeId, Party, PodId, Protocol, Severity,
    Verdict, address_choices, evaluate, evaluate_pods,
};
use portolan::reach::{PairTraffic, Products, Reach, products};
use std::net::IpAddr;

pub(crate) use portolan::model::Verdict::{Allowed, Denied, Unknown};

/// One row: source, destination, traffic and verdict.
///
/// An end is a pod (`x/a`), a node (`node n1`) or an address outside. Traffic is a protocol and
/// a port, then an IP family if it matters: without one the row holds in every family that both
/// ends have.
pub(crate) type Row = (&'static str, &'static str, &'static str, Verdict);

/// Two namespaces of two pods each, every one with an address of both families.
const STANDARD: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: x, labels: {team: red}}
---
apiVersion: v1
kind: Namespace
metadata: {name: y, labels: {team: blue}}
";

/// The pods of [`STANDARD`].
const STANDARD_PODS: [(&str, &str, &str); 4] = [
    ("x/a", "app: a", "10.1.0.1 2001:db8:1::1"),
    ("x/b", "app: b", "10.1.0.2 2001:db8:1::2"),
    ("y/a", "app: a", "10.2.0.1 2001:db8:2::1"),
    ("y/b", "app: b", "10.2.0.2 2001:db8:2::2"),
];

/// Manifests, and how to load them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    documents: Vec<String>,
    pub(crate) options: LoadOptions,
}

impl Input {
    /// No manifests yet.
    pub(crate) fn empty() -> Input {
        Input::default()
    }

    /// Namespaces x (`team: red`) and y (`team: blue`) with pods a (`app: a`) and b (`app: b`)
    /// each.
    pub(crate) fn standard() -> Input {
        let input = Input::empty().yaml(STANDARD);
        STANDARD_PODS
            .iter()
            .fold(input, |input, (name, labels, addresses)| {
                input.pod(name, labels, addresses)
            })
    }

    /// More documents.
    pub(crate) fn yaml(mut self, text: &str) -> Input {
        self.documents
            .push(format!("{}\n", text.trim_matches('\n')));
        self
    }

    /// A pod with these labels and addresses.
    pub(crate) fn pod(self, name: &str, labels: &str, addresses: &str) -> Input {
        self.pod_with(name, labels, addresses, "", "")
    }

    /// The same, with container ports and further fields of its spec.
    pub(crate) fn pod_with(
        self,
        name: &str,
        labels: &str,
        addresses: &str,
        ports: &str,
        spec: &str,
    ) -> Input {
        let (namespace, name) = name.split_once('/').unwrap();
        let addresses: Vec<String> = addresses
            .split_whitespace()
            .map(|address| format!("{{ip: \"{address}\"}}"))
            .collect();
        self.yaml(&format!(
            "apiVersion: v1\nkind: Pod\n\
             metadata: {{namespace: {namespace}, name: {name}, labels: {{{labels}}}}}\n\
             spec: {{containers: [{{name: main, image: main, ports: [{ports}]}}], {spec}}}\n\
             status: {{phase: Running, podIPs: [{}]}}\n",
            addresses.join(", "),
        ))
    }

    /// A NetworkPolicy, its spec in YAML of any indentation.
    pub(crate) fn policy(self, name: &str, spec: &str) -> Input {
        let (namespace, name) = name.split_once('/').unwrap();
        self.yaml(&format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
             metadata: {{namespace: {namespace}, name: {name}}}\nspec:\n{}",
            indent(spec)
        ))
    }

    /// Pods without an address will get one in here.
    pub(crate) fn pod_cidrs(mut self, nets: &[&str]) -> Input {
        self.options.pod_cidrs = nets.iter().map(|net| net.parse().unwrap()).collect();
        self
    }

    pub(crate) fn load(&self) -> Loaded {
        load_str(&self.documents.join("---\n"), &self.options)
    }

    /// The cluster, which must be free of errors.
    pub(crate) fn cluster(&self) -> Cluster {
        let loaded = self.load();
        let errors = loaded
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        let errors: Vec<_> = errors.collect();
        assert!(errors.is_empty(), "{errors:#?}");
        loaded.cluster
    }

    /// Checks a truth table.
    #[track_caller]
    pub(crate) fn check(&self, rows: &[Row]) {
        check(&self.cluster(), rows);
    }

    /// Asserts that the API server would reject the one policy, with these words, and that it
    /// is left out of the cluster.
    #[track_caller]
    pub(crate) fn rejects(&self, words: &str) {
        let loaded = self.load();
        let messages: Vec<&str> = loaded
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.message.as_str())
            .collect();
        assert!(
            messages.iter().any(|message| message.contains(words)),
            "{words:?} is not in {messages:#?}"
        );
        assert_eq!(loaded.policies_rejected, 1);
        assert!(loaded.cluster.policies.is_empty());
    }
}

/// Two more spaces before every line of a block, of which the indentation does not matter.
fn indent(block: &str) -> String {
    let lines = block.lines().filter(|line| !line.trim().is_empty());
    let depth = |line: &str| line.len() - line.trim_start().len();
    let common = lines.clone().map(depth).min().unwrap_or(0);
    lines
        .map(|line| format!("  {}\n", line.split_at(common).1))
        .collect()
}

/// The pod called `namespace/name`.
#[track_caller]
pub(crate) fn pod_named(cluster: &Cluster, wanted: &str) -> PodId {
    let found = cluster.pods_with_ids().find(|(_, pod)| {
        let namespace = cluster.namespace_name(pod.namespace);
        let workload = &cluster.workload(pod.workload).unwrap().name;
        let name = pod.name.as_ref().unwrap_or(workload);
        format!("{namespace}/{name}") == wanted
    });
    found
        .unwrap_or_else(|| panic!("there is no pod {wanted}"))
        .0
}

/// One end of a row.
enum End {
    Pod(PodId),
    Node(NodeId),
    Outside(IpAddr),
}

#[track_caller]
fn end(cluster: &Cluster, text: &str) -> End {
    if let Some(name) = text.strip_prefix("node ") {
        let nodes = (0u32..).zip(&cluster.nodes);
        let found = nodes.map(|(id, node)| (id, &node.name));
        let (id, _) = found.filter(|(_, n)| *n == name).last().unwrap();
        return End::Node(NodeId(id));
    }
    match text.parse() {
        Ok(address) => End::Outside(address),
        Err(_) => End::Pod(pod_named(cluster, text)),
    }
}

/// Checks a truth table of a cluster.
#[track_caller]
pub(crate) fn check(cluster: &Cluster, rows: &[Row]) {
    let reach = Reach::new(cluster);
    let products = products(&reach);
    for row in rows {
        let (source, destination, traffic, expected) = *row;
        let (protocol, port, family) = parse_traffic(traffic);
        let (from, to) = (end(cluster, source), end(cluster, destination));
        match (from, to) {
            (End::Pod(from), End::Pod(to)) => {
                let families = family.map_or(Family::ALL.to_vec(), |family| vec![family]);
                let mut n_checked = 0;
                for family in families {
                    let evaluated = evaluate_pods(cluster, (from, to), family, protocol, port);
                    let evaluated = evaluated.map(|evaluation| evaluation.verdict);
                    let between = reach.between(from, to, family);
                    let reached = between.map(|traffic| traffic.verdict(protocol, port));
                    assert_eq!(evaluated, reached, "evaluate and reach: {row:?} {family:?}");
                    if evaluated.is_none() {
                        assert!(
                            !is_mentioned(&reach, &products, from, to, family),
                            "{row:?}"
                        );
                    } else if from != to {
                        let in_row = in_row(&reach, from, to, family).verdict(protocol, port);
                        let product = in_products(&reach, &products, from, to, family);
                        let in_product = product.verdict(protocol, port);
                        let told = (Some(in_row), Some(in_product));
                        assert_eq!(
                            told,
                            (reached, reached),
                            "row and products: {row:?} {family:?}"
                        );
                    }
                    if let Some(verdict) = evaluated {
                        assert_eq!(verdict, expected, "{row:?} {family:?}");
                        n_checked += 1;
                    }
                }
                assert!(n_checked > 0, "no family is common to both ends: {row:?}");
            }
            (End::Pod(pod), End::Outside(address)) => {
                let outside = Party::External { address };
                let found = with_other(
                    cluster,
                    (&reach, &products),
                    pod,
                    outside,
                    Direction::Egress,
                );
                assert_eq!(found(protocol, port), expected, "{row:?}");
            }
            (End::Outside(address), End::Pod(pod)) => {
                let outside = Party::External { address };
                let found = with_other(
                    cluster,
                    (&reach, &products),
                    pod,
                    outside,
                    Direction::Ingress,
                );
                assert_eq!(found(protocol, port), expected, "{row:?}");
            }
            (End::Pod(pod), End::Node(node)) => {
                let node = party_of(cluster, node, family);
                let found = with_other(cluster, (&reach, &products), pod, node, Direction::Egress);
                assert_eq!(found(protocol, port), expected, "{row:?}");
            }
            (End::Node(node), End::Pod(pod)) => {
                let node = party_of(cluster, node, family);
                let found = with_other(cluster, (&reach, &products), pod, node, Direction::Ingress);
                assert_eq!(found(protocol, port), expected, "{row:?}");
            }
            (End::Node(_) | End::Outside(_), End::Node(_) | End::Outside(_)) => {
                panic!("policy has no say between them: {row:?}")
            }
        }
    }
}

fn party_of(cluster: &Cluster, node: NodeId, family: Option<Family>) -> Party {
    let addresses = &cluster.node(node).unwrap().addresses;
    let mut wanted = addresses
        .iter()
        .filter(|address| family.is_none_or(|family| family == Family::of(**address)));
    Party::Node {
        node,
        address: wanted.next().copied(),
    }
}

/// What is said of a pod and something that is no pod. The set engine knows addresses only, so
/// it is asked about a node as about its address, unless the pod runs on it (N26).
fn with_other<'a>(
    cluster: &'a Cluster,
    (reach, products): (&Reach, &Products),
    pod: PodId,
    other: Party,
    direction: Direction,
) -> impl Fn(Protocol, u16) -> Verdict + 'a {
    let address = match other {
        Party::Node { node, address } => {
            let own = cluster.pod(pod).unwrap().node.as_ref();
            let is_own = own == Some(&cluster.node(node).unwrap().name);
            address.filter(|_| direction == Direction::Egress || !is_own)
        }
        Party::External { address } => Some(address),
        Party::Pod { .. } | Party::SomePod => None,
    };
    let reached: Option<PairTraffic> = address.map(|address| {
        let reached = reach.with_external(pod, direction, address).unwrap();
        let in_products = in_products_outside(reach, products, pod, direction, address);
        assert_eq!(reached, in_products, "reach and products: {other:?}");
        reached
    });
    let family = address.map_or(Family::V4, Family::of);
    let own_address = match address_choices(cluster, cluster.pod(pod).unwrap(), family) {
        AddressChoice::OneOf(addresses) => addresses.first().copied(),
        AddressChoice::Blind | AddressChoice::Absent => None,
    };
    let pod = Party::Pod {
        pod,
        address: own_address,
    };
    let (source, destination) = match direction {
        Direction::Egress => (pod, other),
        Direction::Ingress => (other, pod),
    };
    move |protocol, port| {
        let flow = Flow {
            source,
            destination,
            protocol,
            port,
        };
        let evaluated = evaluate(cluster, &flow).verdict;
        if let Some(reached) = &reached {
            let context = format!("evaluate and reach: {flow:?}");
            assert_eq!(evaluated, reached.verdict(protocol, port), "{context}");
        }
        evaluated
    }
}

/// `TCP 80` or `UDP 53 IPv6`.
#[track_caller]
pub(crate) fn parse_traffic(text: &str) -> (Protocol, u16, Option<Family>) {
    let mut words = text.split(' ');
    let protocol = Protocol::from_name(words.next().unwrap()).unwrap();
    let port = words.next().unwrap().parse().unwrap();
    let family = words.next().map(|name| {
        let named = Family::ALL.into_iter().find(|family| family.name() == name);
        named.unwrap()
    });
    (protocol, port, family)
}
