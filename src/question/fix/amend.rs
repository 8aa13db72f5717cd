//! The ways to let one side of a connection through: a port or a peer more in a rule, a rule more in
//! a policy, a policy more, a label more.

use super::Question;
use super::needs::{Need, Other};
use super::words::{
    item, labels_of, labels_text, port_lines, ports_text, ranges, scalar, selector,
};
use crate::model::{
    AddressSet, Cluster, Direction, Labels, METADATA_NAME, NamespaceMatch, Operator, Origin, Party,
    Peer, PeerKind, Pod, PodId, Policy, PolicyId, PortMatchKind, Protocol, Rule, Selector, Symbol,
    Verdict, block_addresses, peer_matches, selects,
};
use crate::question::can::pod_name;
use crate::source::Edit;
use ipnet::IpNet;
use std::path::Path;

/// A set of addresses of more blocks than this is not written into a policy.
const MAX_BLOCKS: usize = 16;
/// Where Kubernetes' own DNS pods are, and their label (D1).
const DNS: (&str, &str, &str) = ("kube-system", "k8s-app", "kube-dns");

/// What was added, for the proof to find it again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Added {
    /// A policy of this namespace and name.
    Policy(String, String),
    /// A rule, which is now the first.
    Rule(String, String),
    /// A peer, now the first of the rule.
    Peer(String, String, usize),
    /// A port, now the first of the rule.
    Port(String, String, usize),
    /// A label of pods: no policy changes.
    PodLabel,
    /// A label of this namespace.
    NamespaceLabel(String),
}

/// One way.
#[derive(Clone, Debug)]
pub(super) struct Amendment {
    /// In words.
    pub(super) says: String,
    /// The changes of texts.
    pub(super) edits: Vec<Edit>,
    /// A file more, with its text.
    pub(super) new_file: Option<(String, String)>,
    /// The direction of the rule.
    pub(super) direction: Direction,
    /// What is added.
    pub(super) added: Added,
    /// How much wider it is than what is asked for, whoever is there today.
    pub(super) breadth: usize,
}

/// The ways to meet a need, the narrow ones first.
pub(super) fn amendments(question: &Question<'_>, need: &Need) -> Vec<Amendment> {
    let mut found = Vec::new();
    for (id, policy) in amendable(question.cluster, need) {
        let Some(rules) = policy.rules(need.direction) else {
            continue;
        };
        for (index, rule) in rules.iter().enumerate() {
            let at = At {
                question,
                need,
                policy,
                rule,
                index,
                width: other_subjects(question.cluster, need, id),
            };
            found.extend(more_ports(&at));
            found.extend(more_peers(&at));
            found.extend(more_labels(&at));
        }
        found.extend(more_rules(question, need, policy, rules, id));
    }
    found.extend(more_policies(question, need));
    found.sort_by_key(|amendment| amendment.breadth);
    found
}

/// The NetworkPolicies that isolate the subject, all of it.
fn amendable<'a>(
    cluster: &'a Cluster,
    need: &'a Need,
) -> impl Iterator<Item = (PolicyId, &'a Policy)> {
    let all = |policy: &Policy| {
        let mut pods = need.subject.iter().filter_map(|&id| cluster.pod(id));
        pods.all(|pod| selects(cluster, &policy.subject, pod))
    };
    cluster
        .policies_with_ids()
        .filter(move |(_, policy)| policy.kind == "NetworkPolicy" && all(policy))
}

/// How many pods besides the subject a policy selects.
fn other_subjects(cluster: &Cluster, need: &Need, policy: PolicyId) -> usize {
    let Some(policy) = cluster.policy(policy) else {
        return 0;
    };
    let selected = cluster
        .pods_with_ids()
        .filter(|(_, pod)| selects(cluster, &policy.subject, pod));
    let others = selected.filter(|(id, _)| !need.subject.contains(id));
    // A policy for everyone in a namespace is wide, even if only one is there today.
    others.count() + usize::from(policy.subject.pods.is_everything())
}

/// A rule that may be amended.
struct At<'a> {
    question: &'a Question<'a>,
    need: &'a Need,
    policy: &'a Policy,
    rule: &'a Rule,
    index: usize,
    width: usize,
}

impl At<'_> {
    fn amendment(&self, says: String, edits: Vec<Edit>, added: Added, breadth: usize) -> Amendment {
        Amendment {
            says,
            edits,
            new_file: None,
            direction: self.need.direction,
            added,
            breadth: self.width + breadth,
        }
    }

    fn place(&self) -> String {
        let name = policy_name(self.question.cluster, self.policy);
        format!(
            "`spec.{}[{}]` of {name}",
            self.need.direction.name(),
            self.index
        )
    }

    fn key(&self) -> (String, String) {
        key_of(self.question.cluster, self.policy)
    }
}

fn key_of(cluster: &Cluster, policy: &Policy) -> (String, String) {
    let namespace = policy.namespace.map_or("", |id| cluster.namespace_name(id));
    (namespace.to_owned(), policy.name.clone())
}

fn policy_name(cluster: &Cluster, policy: &Policy) -> String {
    let (namespace, name) = key_of(cluster, policy);
    format!("NetworkPolicy {namespace}/{name}")
}

/// One more entry of `ports`, where the peers fit.
fn more_ports(at: &At<'_>) -> Option<Amendment> {
    let entries = at.rule.ports.as_ref()?;
    let first = entries.first()?;
    let peers = at.rule.peers.as_deref();
    if !peers.is_none_or(|peers| {
        peers
            .iter()
            .any(|peer| takes(at.question.cluster, peer, &at.need.other))
    }) {
        return None;
    }
    let wanted = ranges(&at.need.traffic);
    let [range] = wanted.as_slice() else {
        return None;
    };
    let (namespace, name) = at.key();
    let edit = Edit::AddItem {
        document: at.policy.origin.document,
        before: first.route.clone(),
        lines: port_lines(*range),
    };
    let says = format!(
        "add {} to the ports of {}",
        ports_text(&at.need.traffic),
        at.place()
    );
    // All its peers get the port.
    let n_peers = peers.map_or(8, <[Peer]>::len);
    let added = Added::Port(namespace, name, at.index);
    Some(at.amendment(says, vec![edit], added, n_peers))
}

/// One more entry of `from` or `to`, where the ports fit.
fn more_peers(at: &At<'_>) -> Option<Amendment> {
    let first = at.rule.peers.as_ref()?.first()?;
    let entries = at.rule.ports.as_deref();
    let destinations = match (at.need.direction, &at.need.other) {
        (Direction::Ingress, _) => at.need.subject.as_slice(),
        (Direction::Egress, Other::Pods(pods)) => pods.as_slice(),
        (Direction::Egress, _) => &[],
    };
    let covers = |range: &(Protocol, u16, u16)| {
        entries.is_none_or(|entries| {
            entries
                .iter()
                .any(|e| allows(at.question.cluster, &e.kind, *range, destinations))
        })
    };
    if !ranges(&at.need.traffic).iter().all(covers) {
        return None;
    }
    let (peers, who) = peers_of(at.question.cluster, at.need, at.policy)?;
    let [peer] = peers.as_slice() else {
        return None;
    };
    let (namespace, name) = at.key();
    let edit = Edit::AddItem {
        document: at.policy.origin.document,
        before: first.route.clone(),
        lines: peer.clone(),
    };
    let says = format!("add {who} to the peers of {}", at.place());
    // The peer gets all its ports.
    let n_ports = entries.map_or(8, <[_]>::len);
    let added = Added::Peer(namespace, name, at.index);
    Some(at.amendment(says, vec![edit], added, n_ports))
}

/// The labels that a peer asks for, where the other end has none of the keys.
fn more_labels(at: &At<'_>) -> Option<Amendment> {
    let cluster = at.question.cluster;
    let Other::Pods(pods) = &at.need.other else {
        return None;
    };
    let entries = at.rule.ports.as_deref();
    let destinations = match at.need.direction {
        Direction::Ingress => &at.need.subject,
        Direction::Egress => pods,
    };
    let fits = |range: &(Protocol, u16, u16)| {
        entries.is_none_or(|entries| {
            entries
                .iter()
                .any(|e| allows(cluster, &e.kind, *range, destinations))
        })
    };
    if !ranges(&at.need.traffic).iter().all(fits) {
        return None;
    }
    let pod = cluster.pod(*pods.first()?)?;
    let namespace = cluster.namespace(pod.namespace)?;
    at.rule.peers.iter().flatten().find_map(|peer| {
        let PeerKind::Pods {
            namespaces,
            pods: wanted,
        } = &peer.kind
        else {
            return None;
        };
        let in_namespace = match namespaces {
            NamespaceMatch::Same(id) => Some(*id == pod.namespace),
            NamespaceMatch::Labels(selector) => match selector.matches(&namespace.labels) {
                true => Some(true),
                false => None,
            },
        };
        let (labels, origin, whose, n_others) = match (in_namespace, namespaces) {
            (Some(true), _) => {
                let missing = missing(wanted, &pod.labels)?;
                let origin = template(cluster, pod)?;
                (missing, origin, pod_name(cluster, *pods.first()?), 0)
            }
            (None, NamespaceMatch::Labels(selector)) if wanted.matches(&pod.labels) => {
                let missing = missing(selector, &namespace.labels)?;
                let origin = namespace.origin.clone()?;
                // Every pod in it gets the label with it.
                (missing, origin, format!("namespace {}", namespace.name), 4)
            }
            _ => return None,
        };
        let own = if n_others == 0 {
            &pod.labels
        } else {
            &namespace.labels
        };
        let edits = label_edits(cluster, &origin, own, &labels)?;
        let texts: Vec<(String, String)> = labels
            .iter()
            .map(|(key, value)| {
                (
                    cluster.symbols.name(*key).to_owned(),
                    cluster.symbols.name(*value).to_owned(),
                )
            })
            .collect();
        let says = format!(
            "label {whose} with {}, which {} asks for",
            labels_text(&texts),
            at.place()
        );
        let added = match n_others {
            0 => Added::PodLabel,
            _ => Added::NamespaceLabel(namespace.name.clone()),
        };
        let mut amendment = at.amendment(says, edits, added, 6 + n_others);
        // The policies stay as they are, so their width does not count.
        amendment.breadth -= at.width;
        Some(amendment)
    })
}

/// What has to be added to labels for a selector to match, when adding is enough.
fn missing(selector: &Selector, labels: &Labels) -> Option<Vec<(Symbol, Symbol)>> {
    let mut found = Vec::new();
    for requirement in selector
        .requirements()
        .iter()
        .filter(|r| !r.matches(labels))
    {
        match &requirement.operator {
            Operator::In(values) if labels.get(requirement.key).is_none() => {
                found.push((requirement.key, *values.first()?));
            }
            _ => return None,
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Where the metadata of a pod, or of the template it comes from, is.
fn template(cluster: &Cluster, pod: &Pod) -> Option<Origin> {
    let workload = cluster.workload(pod.workload)?;
    let mut origin = workload.origin.clone();
    origin.route = match (workload.kind.0.as_str(), &pod.name) {
        ("Pod", _) => origin.route,
        // Of pods that are there, the template is what counts, and it is not here.
        (_, Some(_)) => return None,
        ("CronJob", None) => origin
            .route
            .key("spec")
            .key("jobTemplate")
            .key("spec")
            .key("template"),
        (_, None) => origin.route.key("spec").key("template"),
    };
    Some(origin)
}

fn label_edits(
    cluster: &Cluster,
    origin: &Origin,
    own: &Labels,
    labels: &[(Symbol, Symbol)],
) -> Option<Vec<Edit>> {
    let name = |symbol| cluster.symbols.name(symbol);
    let known = own
        .iter()
        .map(|(key, _)| name(key))
        .find(|key| *key != METADATA_NAME)?;
    let before = origin
        .route
        .clone()
        .key("metadata")
        .key("labels")
        .key(known.to_owned());
    let [(key, value)] = labels else {
        return None;
    };
    Some(vec![Edit::AddEntry {
        document: origin.document,
        before,
        text: format!("{}: {}", scalar(name(*key)), scalar(name(*value))),
    }])
}

/// One more rule, before the first.
fn more_rules(
    question: &Question<'_>,
    need: &Need,
    policy: &Policy,
    rules: &[Rule],
    id: PolicyId,
) -> Option<Amendment> {
    let first = rules.first()?;
    let (peers, who) = peers_of(question.cluster, need, policy)?;
    let (namespace, name) = key_of(question.cluster, policy);
    let says = format!(
        "add a rule to `spec.{}` of {}: {who} on {}",
        need.direction.name(),
        policy_name(question.cluster, policy),
        ports_text(&need.traffic)
    );
    Some(Amendment {
        says,
        edits: vec![Edit::AddItem {
            document: policy.origin.document,
            before: first.route.clone(),
            lines: rule_lines(need, &peers),
        }],
        new_file: None,
        direction: need.direction,
        added: Added::Rule(namespace, name),
        breadth: 1 + other_subjects(question.cluster, need, id),
    })
}

fn rule_lines(need: &Need, peers: &[Vec<String>]) -> Vec<String> {
    let key = match need.direction {
        Direction::Egress => "to:",
        Direction::Ingress => "from:",
    };
    let mut lines = vec![key.to_owned()];
    lines.extend(peers.iter().flat_map(|peer| item(peer, 2)));
    lines.push("ports:".to_owned());
    for range in ranges(&need.traffic) {
        lines.extend(item(&port_lines(range), 2));
    }
    lines
}

/// One more policy, for the subject alone.
fn more_policies(question: &Question<'_>, need: &Need) -> Option<Amendment> {
    let cluster = question.cluster;
    let subject = cluster.pod(*need.subject.first()?)?;
    let beside = amendable(cluster, need).map(|(_, policy)| policy);
    let beside = beside.min_by_key(|policy| policy.subject.pods.is_everything())?;
    let (peers, who) = peers_of(cluster, need, beside)?;
    let labels = labels_of(cluster, &need.subject);
    let namespace = cluster.namespace_name(subject.namespace).to_owned();
    let (key, types) = match need.direction {
        Direction::Egress => ("egress", "Egress"),
        Direction::Ingress => ("ingress", "Ingress"),
    };
    let name = free_name(cluster, need, subject, key);
    let mut lines = vec![
        "apiVersion: networking.k8s.io/v1".to_owned(),
        "kind: NetworkPolicy".to_owned(),
        "metadata:".to_owned(),
        format!("  name: {}", scalar(&name)),
        format!("  namespace: {}", scalar(&namespace)),
        "spec:".to_owned(),
    ];
    let indented = |line: &String| format!("  {line}");
    lines.extend(selector("podSelector", &labels).iter().map(indented));
    lines.extend([
        "  policyTypes:".to_owned(),
        format!("    - {types}"),
        format!("  {key}:"),
    ]);
    lines.extend(item(&rule_lines(need, &peers), 4));
    lines.push(String::new());
    let near = question.sources.document(beside.origin.document);
    let near = near.map(|_| question.sources.file_name(beside.origin.document));
    let folder = near.and_then(|name| Path::new(name).parent());
    let file = match folder {
        Some(folder) => folder
            .join(format!("{name}.yaml"))
            .to_string_lossy()
            .into_owned(),
        None => format!("{name}.yaml"),
    };
    let verb = match need.direction {
        Direction::Egress => "to",
        Direction::Ingress => "from",
    };
    Some(Amendment {
        says: format!(
            "add NetworkPolicy {namespace}/{name}: {key} of {} {verb} {who} on {}",
            labels_text(&labels),
            ports_text(&need.traffic)
        ),
        edits: Vec::new(),
        new_file: Some((file, lines.join("\n"))),
        direction: need.direction,
        added: Added::Policy(namespace, name),
        breadth: 2 + usize::from(labels.is_empty()) * 8,
    })
}

/// A name that no policy of the namespace has.
fn free_name(cluster: &Cluster, need: &Need, subject: &Pod, key: &str) -> String {
    let workload = |pod: &Pod| {
        let found = cluster.workload(pod.workload);
        found.map_or_else(String::new, |workload| workload.name.clone())
    };
    let other = match &need.other {
        Other::Pods(pods) => pods.first().and_then(|&id| cluster.pod(id)).map(workload),
        Other::Addresses(_) => Some("outside".to_owned()),
        Other::Dns => Some("dns".to_owned()),
    };
    let (from, to) = match need.direction {
        Direction::Egress => (workload(subject), other.unwrap_or_default()),
        Direction::Ingress => (other.unwrap_or_default(), workload(subject)),
    };
    let base: String = format!("{from}-to-{to}-{key}").chars().take(240).collect();
    let is_taken = |name: &str| {
        let mut policies = cluster.policies.iter();
        policies.any(|p| p.namespace == Some(subject.namespace) && p.name == name)
    };
    let numbered = (2u32..).map(|n| format!("{base}-{n}"));
    let mut names = std::iter::once(base.clone()).chain(numbered);
    names.find(|name| !is_taken(name)).unwrap_or(base)
}

/// The other end as entries of `from` or `to`, and in words.
fn peers_of(cluster: &Cluster, need: &Need, policy: &Policy) -> Option<(Vec<Vec<String>>, String)> {
    let in_namespace = |name: &str, labels: &[(String, String)]| {
        let by_name = [(METADATA_NAME.to_owned(), name.to_owned())];
        let mut lines = selector("namespaceSelector", &by_name);
        lines.extend(selector("podSelector", labels));
        let who = format!("{} in namespace `{name}`", labels_text(labels));
        (vec![lines], who)
    };
    match &need.other {
        Other::Pods(pods) => {
            let pod = cluster.pod(*pods.first()?)?;
            let labels = labels_of(cluster, pods);
            if policy.namespace == Some(pod.namespace) {
                let lines = selector("podSelector", &labels);
                return Some((vec![lines], labels_text(&labels)));
            }
            Some(in_namespace(cluster.namespace_name(pod.namespace), &labels))
        }
        Other::Dns => {
            let (namespace, key, value) = DNS;
            Some(in_namespace(
                namespace,
                &[(key.to_owned(), value.to_owned())],
            ))
        }
        Other::Addresses(addresses) => {
            let blocks: Vec<IpNet> = addresses.cidrs();
            if blocks.len() > MAX_BLOCKS {
                return None;
            }
            let each = blocks.iter().map(|block| {
                vec![
                    "ipBlock:".to_owned(),
                    format!("  cidr: {}", block_text(*block)),
                ]
            });
            let names: Vec<String> = blocks.iter().map(|block| format!("`{block}`")).collect();
            Some((each.collect(), names.join(", ")))
        }
    }
}

fn block_text(block: IpNet) -> String {
    let text = block.to_string();
    match text.starts_with(':') {
        true => format!("\"{text}\""),
        false => text,
    }
}

/// Whether a peer matches all of the other end.
fn takes(cluster: &Cluster, peer: &Peer, other: &Other) -> bool {
    match other {
        Other::Pods(pods) => pods.iter().all(|&pod| {
            let address = cluster
                .pod(pod)
                .and_then(|pod| pod.addresses.first().copied());
            peer_matches(cluster, peer, &Party::Pod { pod, address }) == Verdict::Allowed
        }),
        Other::Addresses(addresses) => match &peer.kind {
            PeerKind::IpBlock(block) => {
                addresses.difference(&block_addresses(block)) == AddressSet::default()
            }
            PeerKind::Pods { .. } | PeerKind::Domain { .. } => false,
        },
        Other::Dns => false,
    }
}

/// Whether an entry of `ports` holds a range, on all of these pods.
fn allows(
    cluster: &Cluster,
    kind: &PortMatchKind,
    (protocol, first, last): (Protocol, u16, u16),
    destinations: &[PodId],
) -> bool {
    match kind {
        PortMatchKind::Range {
            protocol: own,
            first: from,
            last: to,
        } => *own == protocol && *from <= first && last <= *to,
        PortMatchKind::Named {
            protocol: own,
            name,
        } => {
            let declares = |pod: &Pod| {
                pod.ports.iter().any(|port| {
                    port.name == Some(*name)
                        && (port.protocol, port.port, port.port) == (protocol, first, last)
                })
            };
            own.is_none_or(|own| own == protocol)
                && !destinations.is_empty()
                && destinations
                    .iter()
                    .all(|&id| cluster.pod(id).is_some_and(declares))
        }
    }
}
