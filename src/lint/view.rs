//! What lints look at, and the looks that several of them share.

use super::found::Witness;
use crate::manifest::{Node, Written};
use crate::model::{
    Action, AddressChoice, Cluster, Direction, Family, Finding, Flow, IpBlock, Labels, NamespaceId,
    NamespaceMatch, Operator, Origin, Party, Peer, PeerKind, Place, Pod, PodId, Policy, PolicyId,
    PortMatch, PortMatchKind, Protocol, Rule, Selector, Service, Subject, Symbol, Tier, TrafficSet,
    WorkloadId, address_choices, evaluate, evaluate_pods,
};
use crate::question::can::pod_name;
use crate::question::ingress::ControllerChoice;
use crate::question::redundant::{Redundancies, redundant};
use crate::reach::{GroupId, Reach, Table};
use crate::source::Step;
use crate::symbolic::Limits;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::OnceLock;

/// What lints are asked about.
#[derive(Debug)]
pub struct Context<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its relation.
    pub reach: &'a Reach,
    /// The manifests as they are written.
    pub written: &'a Written<'a>,
    /// The ingress controller, when the user names it.
    pub controller: Option<&'a ControllerChoice>,
    /// Pods of which no two are alike, for each namespace: replicas and pods of one template
    /// have one that stands for them.
    pods: BTreeMap<NamespaceId, Vec<PodId>>,
    /// The pods that each Service selects, by namespace and name.
    behind: HashMap<(NamespaceId, &'a str), Vec<PodId>>,
    /// The Services that select a pod, by position.
    in_front: HashMap<PodId, Vec<usize>>,
    redundancies: OnceLock<Redundancies>,
    /// Labels of pod templates in kinds that the model does not have, such as an Argo Rollout, by
    /// namespace: whether a selector matches nothing depends on them too.
    foreign: Vec<(NamespaceId, Labels)>,
}

/// A rule with where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct RuleAt<'a> {
    pub(super) policy: &'a Policy,
    pub(super) direction: Direction,
    pub(super) rule: &'a Rule,
}

impl<'a> RuleAt<'a> {
    /// Where it is written.
    pub(super) fn origin(&self) -> Origin {
        self.policy.origin_of(&self.rule.route)
    }

    /// The peers; none when it is for everyone.
    pub(super) fn peers(&self) -> &'a [Peer] {
        self.rule.peers.as_deref().unwrap_or_default()
    }

    /// The ports; none when it is for all.
    pub(super) fn ports(&self) -> &'a [PortMatch] {
        self.rule.ports.as_deref().unwrap_or_default()
    }

    /// Where a peer is written.
    pub(super) fn peer_origin(&self, peer: &Peer) -> Origin {
        self.policy.origin_of(&peer.route)
    }

    /// Where a port is written.
    pub(super) fn port_origin(&self, port: &PortMatch) -> Origin {
        self.policy.origin_of(&port.route)
    }
}

impl<'a> Context<'a> {
    /// Of a cluster. Linear in its pods, and for each Service in the pods of its namespace.
    pub fn new(
        cluster: &'a Cluster,
        reach: &'a Reach,
        written: &'a Written<'a>,
        controller: Option<&'a ControllerChoice>,
    ) -> Context<'a> {
        let mut pods: BTreeMap<NamespaceId, Vec<PodId>> = BTreeMap::new();
        let mut last: Option<&Pod> = None;
        for (id, pod) in cluster.pods_with_ids() {
            let is_alike = last.is_some_and(|last| {
                (
                    last.workload,
                    &last.labels,
                    &last.ports,
                    last.host_network,
                    &last.node,
                ) == (
                    pod.workload,
                    &pod.labels,
                    &pod.ports,
                    pod.host_network,
                    &pod.node,
                )
            });
            if !is_alike {
                pods.entry(pod.namespace).or_default().push(id);
            }
            last = Some(pod);
        }
        let mut context = Context {
            cluster,
            reach,
            written,
            controller,
            pods,
            behind: HashMap::new(),
            in_front: HashMap::new(),
            redundancies: OnceLock::new(),
            foreign: foreign_templates(cluster, written),
        };
        for (at, service) in cluster.services.iter().enumerate() {
            let selector = service.selector.as_ref().filter(|s| !s.is_everything());
            let Some(selector) = selector else { continue };
            let pods = context.pods_in(service.namespace);
            let pods = pods.filter(|(_, pod)| selector.matches(&pod.labels));
            let pods: Vec<PodId> = pods.map(|(id, _)| id).collect();
            for &pod in &pods {
                context.in_front.entry(pod).or_default().push(at);
            }
            let key = (service.namespace, service.name.as_str());
            context.behind.insert(key, pods);
        }
        context
    }

    /// The pods of a namespace, one for all that are alike.
    pub(super) fn pods_in(&self, namespace: NamespaceId) -> impl Iterator<Item = (PodId, &'a Pod)> {
        let cluster = self.cluster;
        let ids = self.pods.get(&namespace).map_or(&[][..], Vec::as_slice);
        ids.iter()
            .filter_map(move |&id| Some((id, cluster.pod(id)?)))
    }

    /// All pods, one for all that are alike.
    pub(super) fn pods(&self) -> impl Iterator<Item = (PodId, &'a Pod)> {
        let cluster = self.cluster;
        let ids = self.pods.values().flatten();
        ids.filter_map(move |&id| Some((id, cluster.pod(id)?)))
    }

    /// Whether the input has pods of a namespace: one that it has none of is probably a part that
    /// was not given.
    pub(super) fn is_peopled(&self, namespace: NamespaceId) -> bool {
        self.pods.contains_key(&namespace)
    }

    /// The namespaces that are matched.
    pub(super) fn namespaces(&self, wanted: &NamespaceMatch) -> Vec<NamespaceId> {
        match wanted {
            NamespaceMatch::Same(namespace) => vec![*namespace],
            NamespaceMatch::Labels(selector) => (0u32..)
                .map(NamespaceId)
                .zip(&self.cluster.namespaces)
                .filter(|(_, namespace)| selector.matches(&namespace.labels))
                .map(|(id, _)| id)
                .collect(),
        }
    }

    /// The pods that selectors match, in namespaces.
    pub(super) fn matching(&self, namespaces: &NamespaceMatch, pods: &Selector) -> Vec<PodId> {
        let namespaces = self.namespaces(namespaces).into_iter();
        namespaces
            .flat_map(|namespace| self.pods_in(namespace))
            .filter(|(_, pod)| !self.cluster.is_node_traffic(pod) && pods.matches(&pod.labels))
            .map(|(id, _)| id)
            .collect()
    }

    /// The pods that a policy selects.
    pub(super) fn subjects(&self, policy: &Policy) -> Vec<PodId> {
        self.matching(&policy.subject.namespaces, &policy.subject.pods)
    }

    /// The pods of a peer; none for a block.
    pub(super) fn peer_pods(&self, peer: &Peer) -> Vec<PodId> {
        match &peer.kind {
            PeerKind::Pods { namespaces, pods } => self.matching(namespaces, pods),
            PeerKind::IpBlock(_) | PeerKind::Domain { .. } => Vec::new(),
        }
    }

    /// The pods whose ports a rule is about: those selected for ingress, those of the peers for
    /// egress.
    pub(super) fn destinations(&self, at: &RuleAt<'_>) -> Vec<PodId> {
        match at.direction {
            Direction::Ingress => self.subjects(at.policy),
            Direction::Egress => {
                let pods: BTreeSet<PodId> = at
                    .peers()
                    .iter()
                    .flat_map(|peer| self.peer_pods(peer))
                    .collect();
                pods.into_iter().collect()
            }
        }
    }

    /// The pods that a Service selects.
    pub(super) fn behind(&self, service: &Service) -> Vec<(PodId, &'a Pod)> {
        let key = (service.namespace, service.name.as_str());
        let cluster = self.cluster;
        let ids = self.behind.get(&key).map_or(&[][..], Vec::as_slice);
        ids.iter()
            .filter_map(|&id| Some((id, cluster.pod(id)?)))
            .collect()
    }

    /// The Services that select any of these pods.
    pub(super) fn in_front_of(&self, pods: &BTreeSet<PodId>) -> Vec<&'a Service> {
        let found = pods
            .iter()
            .filter_map(|pod| self.in_front.get(pod))
            .flatten();
        let found: BTreeSet<usize> = found.copied().collect();
        found
            .into_iter()
            .filter_map(|at| self.cluster.services.get(at))
            .collect()
    }

    /// Pods of which no policy tells one from another have one answer: one of each kind.
    pub(super) fn by_group(&self, pods: &[PodId]) -> Vec<PodId> {
        let mut seen = BTreeSet::new();
        let pods = pods.iter().copied();
        pods.filter(|&pod| seen.insert(self.reach.group_of(pod)))
            .collect()
    }

    /// The NetworkPolicies.
    pub(super) fn policies(&self) -> impl Iterator<Item = (PolicyId, &'a Policy)> {
        let all = self.cluster.policies_with_ids();
        all.filter(|(_, policy)| policy.tier == Tier::NetworkPolicy)
    }

    /// The rules of all NetworkPolicies.
    pub(super) fn rules(&self) -> impl Iterator<Item = RuleAt<'a>> {
        self.policies().flat_map(|(_, policy)| {
            Direction::ALL.into_iter().flat_map(move |direction| {
                let rules = policy.rules(direction).unwrap_or_default().iter();
                let rules = rules.filter(|rule| rule.action == Action::Accept);
                rules.map(move |rule| RuleAt {
                    policy,
                    direction,
                    rule,
                })
            })
        })
    }

    /// What selects pods in namespaces: podSelectors of policies and of peers, with their places
    /// and what a selector that matches nothing does there.
    pub(super) fn pod_selectors(
        &self,
    ) -> impl Iterator<Item = (&'a NamespaceMatch, &'a Selector, Origin, &'static str)> {
        let subjects = self.policies().map(|(_, policy)| {
            let place = part(&policy.origin, &["spec", "podSelector"]);
            let Subject { namespaces, pods } = &policy.subject;
            (namespaces, pods, place, "the policy does not apply to them")
        });
        let peers = self.rules().flat_map(|at| {
            at.peers().iter().filter_map(move |peer| match &peer.kind {
                PeerKind::Pods { namespaces, pods } => {
                    let place = below(&at.peer_origin(peer), "podSelector");
                    Some((namespaces, pods, place, "this peer does not match them"))
                }
                PeerKind::IpBlock(_) | PeerKind::Domain { .. } => None,
            })
        });
        subjects.chain(peers)
    }

    /// Every selector with its place, those of namespaces included.
    pub(super) fn selectors(&self) -> impl Iterator<Item = (&'a Selector, Origin)> {
        let namespaces = self.rules().flat_map(|at| {
            at.peers().iter().filter_map(move |peer| match &peer.kind {
                PeerKind::Pods {
                    namespaces: NamespaceMatch::Labels(selector),
                    ..
                } => Some((selector, below(&at.peer_origin(peer), "namespaceSelector"))),
                _ => None,
            })
        });
        let pods = self
            .pod_selectors()
            .map(|(_, pods, place, _)| (pods, place));
        pods.chain(namespaces)
    }

    /// Every ipBlock, with its rule and the place of its `cidr`.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (RuleAt<'a>, &'a IpBlock, Origin)> {
        self.rules().flat_map(|at| {
            at.peers().iter().filter_map(move |peer| match &peer.kind {
                PeerKind::IpBlock(block) => {
                    Some((at, block, part(&at.peer_origin(peer), &["ipBlock", "cidr"])))
                }
                PeerKind::Pods { .. } | PeerKind::Domain { .. } => None,
            })
        })
    }

    /// Whether a selector matches the pods of a kind that is not analysed.
    pub(super) fn is_foreign(&self, namespace: NamespaceId, selector: &Selector) -> bool {
        let mut own = self.foreign.iter().filter(|(other, _)| *other == namespace);
        own.any(|(_, labels)| selector.matches(labels))
    }

    /// The selector of a peer that is about pods of the policy's own namespace, when it names some
    /// and none matches. Nothing where the input has no pods of that namespace to compare with.
    pub(super) fn stranger<'p>(&self, peer: &'p Peer) -> Option<(NamespaceId, &'p Selector)> {
        let PeerKind::Pods {
            namespaces: NamespaceMatch::Same(own),
            pods,
        } = &peer.kind
        else {
            return None;
        };
        let is_local = self.pods_in(*own).any(|(_, pod)| pods.matches(&pod.labels))
            || self.is_foreign(*own, pods);
        let is_known = self.is_peopled(*own);
        (is_known && !pods.is_everything() && !is_local).then_some((*own, pods))
    }

    /// What the solver says changes nothing, asked once for all lints.
    pub(super) fn redundancies(&self) -> &Redundancies {
        self.redundancies
            .get_or_init(|| redundant(self.cluster, Limits::default()))
    }

    /// The text at the place of a finding that loading made, with that place.
    pub(super) fn text_at<'f>(&self, finding: &'f Finding) -> Option<(&'f Origin, &'a str)> {
        let Place::Node { origin, .. } = &finding.place else {
            return None;
        };
        let object = self.written.objects().iter().find(|object| {
            let route = object.origin.route.steps();
            object.origin.document == origin.document && origin.route.steps().starts_with(route)
        })?;
        let text = self.node_of(&object.origin, &origin.route).text()?;
        Some((origin, text))
    }

    /// An object as it is written.
    pub(super) fn node(&self, origin: &Origin) -> Node<'a> {
        self.written.at(origin)
    }

    /// The part of an object that a route of the model leads to.
    pub(super) fn node_of(&self, object: &Origin, part: &crate::source::Route) -> Node<'a> {
        let own = object.route.steps().len();
        let steps = part.steps().get(own..).unwrap_or_default();
        steps
            .iter()
            .fold(self.node(object), |node, step| match step {
                Step::Key(key) => node.get(key),
                Step::Index(index) => node.items().nth(*index).unwrap_or_default(),
            })
    }

    /// The object that a workload is written as.
    pub(super) fn workload_node(&self, pod: &Pod) -> Node<'a> {
        let workload = self.cluster.workload(pod.workload);
        workload.map_or_else(
            || self.node(&pod.origin),
            |workload| self.node(&workload.origin),
        )
    }

    /// The place that a finding about a pod is shown at: its workload.
    pub(super) fn workload_origin(&self, pod: &Pod) -> Origin {
        let workload = self.cluster.workload(pod.workload);
        let origin = workload.map_or(&pod.origin, |workload| &workload.origin);
        name_of(origin)
    }

    /// The pod template of a pod, or the pod itself: what has `spec.containers`.
    pub(super) fn template(&self, pod: &Pod) -> Node<'a> {
        let object = self.workload_node(pod);
        let paths: [&[&str]; 3] = [
            &["spec", "template"],
            &["spec", "jobTemplate", "spec", "template"],
            &[],
        ];
        let found = paths.into_iter().map(|path| object.at(path));
        let mut found = found.filter(|node| node.at(&["spec", "containers"]).is_list());
        found.next().unwrap_or_else(|| self.node(&pod.origin))
    }

    /// `namespace/name` of a pod's workload.
    pub(super) fn workload(&self, pod: PodId) -> String {
        let Some(found) = self.cluster.pod(pod) else {
            return String::new();
        };
        match self.cluster.workload(found.workload) {
            Some(workload) => format!("{}/{}", self.namespace(found.namespace), workload.name),
            None => pod_name(self.cluster, pod),
        }
    }

    /// Workloads in words, the first few by name.
    pub(super) fn workloads(&self, pods: &[PodId]) -> String {
        let mut names: Vec<String> = pods.iter().map(|&pod| self.workload(pod)).collect();
        names.sort();
        names.dedup();
        let n_more = names.len().saturating_sub(3);
        names.truncate(3);
        match n_more {
            0 => names.join(", "),
            _ => format!("{} and {n_more} more", names.join(", ")),
        }
    }

    pub(super) fn namespace(&self, id: NamespaceId) -> &'a str {
        self.cluster.namespace_name(id)
    }

    /// `shop/default-deny`.
    pub(super) fn policy_name(&self, policy: &Policy) -> String {
        match policy.namespace {
            Some(namespace) => format!("{}/{}", self.namespace(namespace), policy.name),
            None => policy.name.clone(),
        }
    }

    /// `shop/cart` of a Service or an Ingress.
    pub(super) fn name(&self, namespace: NamespaceId, name: &str) -> String {
        format!("{}/{name}", self.namespace(namespace))
    }

    pub(super) fn text(&self, symbol: Symbol) -> &'a str {
        self.cluster.symbols.name(symbol)
    }

    /// A selector as `kubectl` writes one.
    pub(super) fn selector(&self, selector: &Selector) -> String {
        let mut parts: Vec<String> = selector
            .requirements()
            .iter()
            .map(|requirement| {
                let key = self.text(requirement.key);
                let list = |values: &[Symbol]| {
                    let mut names: Vec<&str> = values.iter().map(|v| self.text(*v)).collect();
                    names.sort_unstable();
                    names.join(",")
                };
                match &requirement.operator {
                    Operator::In(values) if values.len() == 1 => format!("{key}={}", list(values)),
                    Operator::In(values) => format!("{key} in ({})", list(values)),
                    Operator::NotIn(values) => format!("{key} notin ({})", list(values)),
                    Operator::Exists => key.to_owned(),
                    Operator::DoesNotExist => format!("!{key}"),
                }
            })
            .collect();
        parts.sort();
        parts.join(", ")
    }

    /// The group of a pod with its table.
    pub(super) fn table(&self, pod: PodId, direction: Direction) -> Option<(GroupId, &'a Table)> {
        let group = self.reach.group_of(pod)?;
        let profile = self.reach.profile(group, direction);
        Some((group, self.reach.table(profile, direction)))
    }

    /// Whether some policy isolates a pod.
    pub(super) fn is_isolated(&self, pod: PodId, direction: Direction) -> bool {
        self.table(pod, direction)
            .is_some_and(|(_, table)| table.is_isolated())
    }

    /// What can pass from one pod to another, in any family.
    pub(super) fn between(&self, source: PodId, destination: PodId) -> TrafficSet {
        let found = Family::ALL.into_iter();
        let found = found.filter_map(|family| self.reach.between(source, destination, family));
        found.fold(TrafficSet::none(), |all, pair| all.union(&pair.may()))
    }

    /// What can pass between a pod and any address outside the cluster.
    pub(super) fn outside(&self, pod: PodId, direction: Direction) -> TrafficSet {
        let addresses = self.reach.externals().filter_map(|(_, set)| set.first());
        let found = addresses.filter_map(|a| self.reach.with_external(pod, direction, a));
        found.fold(TrafficSet::none(), |all, traffic| all.union(&traffic.may()))
    }

    /// Everything that a pod's table lets through, whoever it is to or from.
    pub(super) fn anything(&self, pod: PodId, direction: Direction) -> TrafficSet {
        self.table(pod, direction)
            .map_or_else(TrafficSet::none, |(_, table)| {
                let entries = table.entries.iter();
                entries.fold(TrafficSet::none(), |all, entry| all.union(&entry.traffic))
            })
    }

    /// One flow between pods, decided by the specification.
    pub(super) fn pod_witness(
        &self,
        source: PodId,
        destination: PodId,
        protocol: Protocol,
        port: u16,
    ) -> Option<Witness> {
        let mut families = Family::ALL.into_iter();
        let found = families
            .find_map(|f| evaluate_pods(self.cluster, (source, destination), f, protocol, port))?;
        Some(Witness {
            from: self.workload(source),
            to: self.workload(destination),
            protocol,
            port,
            verdict: found.verdict,
        })
    }

    /// One flow between a pod and an address, decided by the specification.
    pub(super) fn outside_witness(
        &self,
        pod: PodId,
        direction: Direction,
        address: IpAddr,
        protocol: Protocol,
        port: u16,
    ) -> Option<Witness> {
        let found = self.cluster.pod(pod)?;
        let own = match address_choices(self.cluster, found, Family::of(address)) {
            AddressChoice::Absent => return None,
            AddressChoice::Blind => None,
            AddressChoice::OneOf(addresses) => addresses.first().copied(),
        };
        let pod_party = Party::Pod { pod, address: own };
        let other = Party::External { address };
        let (source, destination) = match direction {
            Direction::Egress => (pod_party, other),
            Direction::Ingress => (other, pod_party),
        };
        let flow = Flow {
            source,
            destination,
            protocol,
            port,
        };
        let names = [self.workload(pod), address.to_string()];
        let [from, to] = match direction {
            Direction::Egress => names,
            Direction::Ingress => {
                let [pod, address] = names;
                [address, pod]
            }
        };
        Some(Witness {
            from,
            to,
            protocol,
            port,
            verdict: evaluate(self.cluster, &flow).verdict,
        })
    }

    /// Namespaces other than one in which a selector matches pods.
    pub(super) fn elsewhere(&self, own: NamespaceId, selector: &Selector) -> Vec<NamespaceId> {
        let others = self.pods.keys().filter(|namespace| **namespace != own);
        let found = others.filter(|&&namespace| {
            self.pods_in(namespace)
                .any(|(_, pod)| selector.matches(&pod.labels))
        });
        found.copied().collect()
    }

    /// The pods of a workload's first pod.
    pub(super) fn workload_of(&self, pod: PodId) -> Option<WorkloadId> {
        self.cluster.pod(pod).map(|pod| pod.workload)
    }

    /// One finding for each workload, whatever the number of its pods.
    pub(super) fn once_each(&self, pods: impl IntoIterator<Item = PodId>) -> Vec<(PodId, &'a Pod)> {
        let mut seen = BTreeSet::new();
        let pods = pods
            .into_iter()
            .filter(|&pod| seen.insert(self.workload_of(pod)));
        let ids: Vec<PodId> = pods.collect();
        ids.into_iter()
            .filter_map(|id| Some((id, self.cluster.pod(id)?)))
            .collect()
    }
}

fn foreign_templates(cluster: &Cluster, written: &Written<'_>) -> Vec<(NamespaceId, Labels)> {
    let known: BTreeSet<&Origin> = cluster.workloads.iter().map(|own| &own.origin).collect();
    let objects = written.objects().iter();
    let objects = objects.filter(|object| !known.contains(&object.origin));
    let templates = objects.filter_map(|object| {
        let labels = object
            .node()
            .at(&["spec", "template", "metadata", "labels"]);
        let namespace = cluster.namespace_named(object.namespace().unwrap_or("default"))?;
        // A label that no selector mentions has no symbol, and cannot matter.
        let symbols = &cluster.symbols;
        let pairs = labels
            .entries()
            .filter_map(|(key, value)| Some((symbols.get(key)?, symbols.get(value.text()?)?)));
        labels.is_there().then(|| (namespace, Labels::new(pairs)))
    });
    templates.collect()
}

/// The place of an object's name, which is where a finding about the whole of it is shown.
pub(super) fn name_of(origin: &Origin) -> Origin {
    Origin {
        document: origin.document,
        route: origin.route.clone().key("metadata").key("name"),
    }
}

/// A part of an object, by keys.
pub(super) fn part(origin: &Origin, keys: &[&'static str]) -> Origin {
    Origin {
        document: origin.document,
        route: keys
            .iter()
            .fold(origin.route.clone(), |route, key| route.key(*key)),
    }
}

/// The place of a Service's port.
pub(super) fn port_of(service: &Service, nth: usize) -> Origin {
    let mut place = part(&service.origin, &["spec", "ports"]);
    place.route = place.route.index(nth);
    place
}

/// Below a node, by a key.
pub(super) fn below(origin: &Origin, key: &'static str) -> Origin {
    part(origin, &[key])
}

/// Whether an entry of `ports` matches a port by number.
pub(super) fn has_port(port: &PortMatch, wanted: Protocol, number: u16) -> bool {
    matches!(
        port.kind,
        PortMatchKind::Range { protocol, first, last }
            if protocol == wanted && (first..=last).contains(&number)
    )
}

/// The single number of an entry of `ports`.
pub(super) fn single(port: &PortMatch) -> Option<(Protocol, u16)> {
    match port.kind {
        PortMatchKind::Range {
            protocol,
            first,
            last,
        } if first == last => Some((protocol, first)),
        PortMatchKind::Range { .. } | PortMatchKind::Named { .. } => None,
    }
}
