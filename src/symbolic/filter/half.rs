//! A node's half of the policy as a formula: [`crate::model::expected`] a second time, over all
//! packets at once.

use super::codes::Codes;
use super::view::View;
use crate::model::{
    Action, Cluster, Direction, End, Half, Hook, Invalid, Modes, NamespaceId, NamespaceMatch,
    Party, Peer, PeerKind, Pod, PodId, PodToNode, Policy, PolicyId, PortMatch, PortMatchKind,
    Protocol, Replies, Rule, Symbol, Tier, Tracking, Transport, Undecided, UnknownLocal, Verdict,
    peer_matches, selects,
};
use crate::symbolic::bits::{all, any};
use crate::symbolic::index::PolicyIndex;
use std::collections::{BTreeMap, HashMap};
use z3::ast::Bool;

/// What is let through at a hook, given what the policies of both ends say.
pub(super) fn accepts(half: &Half<'_>, hook: Hook, view: &View<'_>, policy: Bool) -> Bool {
    let Modes {
        replies,
        invalid,
        pod_to_node,
        unknown_local,
    } = half.modes;
    let mut let_through = vec![view.is_tracking(&[Tracking::Reply, Tracking::Related])];
    if replies == Replies::Established {
        let_through.push(view.is_tracking(&[Tracking::Original]));
    }
    let mut stopped = Vec::new();
    match hook {
        Hook::Input => {
            let_through.push(view.is_transport(&[Transport::Discovery]));
            let_through.push(Bool::from_bool(pod_to_node == PodToNode::Allow));
        }
        Hook::Forward => {
            if invalid == Invalid::Drop {
                stopped.push(view.is_tracking(&[Tracking::Invalid]));
            }
            if unknown_local == UnknownLocal::Drop {
                for end in [End::Source, End::Destination] {
                    stopped.push(view.is_in(end, view.codes.unknown_local()));
                }
            }
        }
    }
    any(&[any(&let_through), all(&[any(&stopped).not(), policy])])
}

/// Pods of the node that are policed alike in a direction.
#[derive(Debug)]
pub(super) struct PodClass {
    pub(super) direction: Direction,
    /// Their codes, ascending.
    pub(super) codes: Vec<usize>,
    /// One of them.
    pod: PodId,
    /// The policies that select them, in order of evaluation.
    policies: Vec<PolicyId>,
}

impl PodClass {
    /// The end of a packet that is such a pod, and the other one.
    pub(super) fn ends(&self) -> (End, End) {
        match self.direction {
            Direction::Egress => (End::Source, End::Destination),
            Direction::Ingress => (End::Destination, End::Source),
        }
    }
}

/// The isolated pods of the node, by the policies that select them and what their ports are
/// called. Linear in the pods of the node times the policies of their namespaces.
pub(super) fn pod_classes(half: &Half<'_>, index: &PolicyIndex, codes: &Codes) -> Vec<PodClass> {
    let cluster = half.cluster;
    let mut found = Vec::new();
    for direction in Direction::ALL {
        let mut classes: BTreeMap<ClassKey, (Vec<usize>, PodId)> = BTreeMap::new();
        for (code, id) in codes.local_pods() {
            let Some(pod) = cluster.pod(id) else { continue };
            let selecting = index.policies(direction, Some(pod.namespace));
            let policies: Vec<PolicyId> = selecting
                .into_iter()
                .filter(|id| {
                    let policy = cluster.policy(*id);
                    policy.is_some_and(|policy| selects(cluster, &policy.subject, pod))
                })
                .collect();
            // N1: a pod that no policy selects is not isolated.
            if policies.is_empty() {
                continue;
            }
            let ports = match direction {
                Direction::Egress => Vec::new(),
                Direction::Ingress => own_ports(cluster, pod),
            };
            classes
                .entry((policies, ports))
                .or_insert((Vec::new(), id))
                .0
                .push(code);
        }
        found.extend(
            classes
                .into_iter()
                .map(|((policies, _), (codes, pod))| PodClass {
                    direction,
                    codes,
                    pod,
                    policies,
                }),
        );
    }
    found
}

/// The policies that select pods, and what their ports are called.
type ClassKey = (Vec<PolicyId>, Vec<(String, Protocol, u16)>);

/// Who the rules of policies match, as codes: the same for all questions about a node.
pub(super) struct Matched<'a> {
    half: &'a Half<'a>,
    peers: HashMap<&'a PeerKind, Vec<usize>>,
    /// Who declares a port, by name.
    named: HashMap<Symbol, BTreeMap<(Protocol, u16), Vec<usize>>>,
}

impl<'a> Matched<'a> {
    /// Asks [`peer_matches`] about each peer of the classes' policies and each code that it could
    /// match, once.
    pub(super) fn new(half: &'a Half<'a>, codes: &Codes, classes: &[PodClass]) -> Matched<'a> {
        let cluster = half.cluster;
        let mut by_namespace: HashMap<NamespaceId, Vec<usize>> = HashMap::new();
        let mut pods: Vec<usize> = Vec::new();
        for (code, id) in codes.pods() {
            pods.push(code);
            if let Some(pod) = cluster.pod(id) {
                by_namespace.entry(pod.namespace).or_default().push(code);
            }
        }
        let everything: Vec<usize> = (0..codes.len()).collect();
        let parties: Vec<Option<Party>> = everything
            .iter()
            .map(|&code| codes.address(code).map(|address| half.book.party(address)))
            .collect();
        let mut matched = Matched {
            half,
            peers: HashMap::new(),
            named: HashMap::new(),
        };
        let rules = classes.iter().flat_map(|class| {
            let policies = class.policies.iter().filter_map(|id| cluster.policy(*id));
            policies.flat_map(|policy| policy.rules(class.direction).unwrap_or_default())
        });
        for rule in rules {
            for peer in rule.peers.iter().flatten() {
                matched.peers.entry(&peer.kind).or_insert_with(|| {
                    let candidates = match &peer.kind {
                        PeerKind::Pods {
                            namespaces: NamespaceMatch::Same(namespace),
                            ..
                        } => by_namespace.get(namespace).map_or(&[][..], Vec::as_slice),
                        // Only pods are matched by selectors (N12).
                        PeerKind::Pods { .. } => &pods,
                        PeerKind::IpBlock(_) | PeerKind::Domain { .. } => &everything,
                    };
                    let matches = |code: &&usize| {
                        let party = parties.get(**code).copied().flatten();
                        party.is_some_and(|party| {
                            peer_matches(cluster, peer, &party) == Verdict::Allowed
                        })
                    };
                    candidates.iter().filter(matches).copied().collect()
                });
            }
            for port in rule.ports.iter().flatten() {
                if let PortMatchKind::Named { name, .. } = port.kind {
                    matched.named.entry(name).or_default();
                }
            }
        }
        for (code, id) in codes.pods() {
            for port in cluster.pod(id).map_or(&[][..], |pod| &pod.ports) {
                let of_name = port.name.and_then(|name| matched.named.get_mut(&name));
                if let Some(of_name) = of_name {
                    let declaring = of_name.entry((port.protocol, port.port)).or_default();
                    if declaring.last() != Some(&code) {
                        declaring.push(code);
                    }
                }
            }
        }
        matched
    }

    fn peer(&self, peer: &Peer) -> &[usize] {
        self.peers.get(&peer.kind).map_or(&[], Vec::as_slice)
    }

    fn rules(&self, class: &PodClass) -> impl Iterator<Item = &'a Rule> {
        let (cluster, direction) = (self.half.cluster, class.direction);
        let policies = class.policies.iter().filter_map(|id| cluster.policy(*id));
        let rules: Vec<&'a Rule> = policies
            .flat_map(|policy| policy.rules(direction).unwrap_or_default())
            .collect();
        rules.into_iter()
    }

    /// Every set of codes by which the policies of a class tell peers apart.
    pub(super) fn sets(&self, class: &PodClass) -> Vec<&[usize]> {
        let mut sets = Vec::new();
        for rule in self.rules(class) {
            sets.extend(rule.peers.iter().flatten().map(|peer| self.peer(peer)));
            if class.direction == Direction::Egress {
                for port in rule.ports.iter().flatten() {
                    if let PortMatchKind::Named { name, .. } = &port.kind {
                        let declaring = self.named.get(name).into_iter().flatten();
                        sets.extend(declaring.map(|(_, codes)| codes.as_slice()));
                    }
                }
            }
        }
        sets.sort_unstable();
        sets.dedup();
        sets
    }

    /// Every range of ports that the policies of a class mention.
    pub(super) fn ports(&self, class: &PodClass) -> Vec<(u16, u16)> {
        let mut found = Vec::new();
        for port in self
            .rules(class)
            .flat_map(|rule| rule.ports.iter().flatten())
        {
            match &port.kind {
                PortMatchKind::Range { first, last, .. } => found.push((*first, *last)),
                PortMatchKind::Named { name, .. } => {
                    let declared = self.named.get(name).into_iter().flatten();
                    found.extend(declared.map(|((_, port), _)| (*port, *port)));
                }
            }
        }
        found
    }

    /// What all classes say: each of its own pods.
    pub(super) fn policy(&self, classes: &[PodClass], view: &View<'_>) -> Bool {
        let terms: Vec<Bool> = classes
            .iter()
            .map(|class| {
                let (subject, _) = class.ends();
                view.is_in(subject, &class.codes)
                    .implies(self.class(class, view))
            })
            .collect();
        all(&terms)
    }

    /// What the policies of a class let through, of packets that one of its pods is an end of.
    pub(super) fn class(&self, class: &PodClass, view: &View<'_>) -> Bool {
        let side = Side {
            matched: self,
            class,
            view,
        };
        // N25: a pod cannot block access to itself.
        any(&[view.same.clone(), side.allowed()])
    }
}

/// One class and the variables that are spoken of.
struct Side<'a> {
    matched: &'a Matched<'a>,
    class: &'a PodClass,
    view: &'a View<'a>,
}

impl Side<'_> {
    /// The order of tiers, and N2 and N3.
    fn allowed(&self) -> Bool {
        let cluster = self.matched.half.cluster;
        let mut allowed = Bool::from_bool(true);
        for tier in Tier::ALL.into_iter().rev() {
            let of_tier: Vec<&Policy> = self
                .class
                .policies
                .iter()
                .filter_map(|id| cluster.policy(*id))
                .filter(|policy| policy.tier == tier)
                .collect();
            if of_tier.is_empty() {
                continue;
            }
            let next = allowed.clone();
            allowed = match tier.undecided() {
                Undecided::Deny => Bool::from_bool(false),
                Undecided::NextTier => allowed,
            };
            let rules: Vec<&Rule> = of_tier
                .iter()
                .flat_map(|policy| policy.rules(self.class.direction).unwrap_or_default())
                .collect();
            // The first rule that matches decides, so the last one is the innermost.
            let mut accepting = Vec::new();
            for rule in rules.into_iter().rev() {
                let Some(matches) = self.rule(rule) else {
                    continue;
                };
                if rule.action == Action::Accept {
                    accepting.push(matches);
                    continue;
                }
                accepting.push(allowed);
                let later = any(&accepting);
                accepting.clear();
                allowed = match rule.action {
                    Action::Deny => all(&[matches.not(), later]),
                    _ => matches.ite(&next, &later),
                };
            }
            accepting.push(allowed);
            allowed = any(&accepting);
        }
        allowed
    }

    /// `None` when it matches nothing.
    fn rule(&self, rule: &Rule) -> Option<Bool> {
        let (_, peer_end) = self.class.ends();
        let mut terms = Vec::new();
        if let Some(peers) = &rule.peers {
            let mut each = Vec::new();
            for peer in peers {
                let term = self.view.is_in(peer_end, self.matched.peer(peer));
                if term.as_bool() != Some(false) {
                    each.push(term);
                }
            }
            if each.is_empty() {
                return None;
            }
            terms.push(any(&each));
        }
        if let Some(ports) = &rule.ports {
            let each: Vec<Bool> = ports.iter().map(|port| self.port(port)).collect();
            terms.push(any(&each));
        }
        Some(all(&terms))
    }

    fn on(&self, protocol: Protocol, first: u16, last: u16) -> Bool {
        let transport = match protocol {
            Protocol::Tcp => Transport::Tcp,
            Protocol::Udp => Transport::Udp,
            Protocol::Sctp => Transport::Sctp,
        };
        all(&[
            self.view.is_transport(&[transport]),
            self.view.is_port(first, last),
        ])
    }

    fn port(&self, port: &PortMatch) -> Bool {
        let cluster = self.matched.half.cluster;
        match &port.kind {
            PortMatchKind::Range {
                protocol,
                first,
                last,
            } => self.on(*protocol, *first, *last),
            // N18: what the destination calls so.
            PortMatchKind::Named { protocol, name } => {
                let is_meant = |of: Protocol| protocol.is_none_or(|wanted| wanted == of);
                let each: Vec<Bool> = match self.class.direction {
                    Direction::Ingress => {
                        let ports = cluster
                            .pod(self.class.pod)
                            .map_or(&[][..], |pod| &pod.ports);
                        let named = ports
                            .iter()
                            .filter(|port| port.name == Some(*name) && is_meant(port.protocol));
                        named
                            .map(|port| self.on(port.protocol, port.port, port.port))
                            .collect()
                    }
                    Direction::Egress => {
                        let declaring = self.matched.named.get(name).into_iter().flatten();
                        declaring
                            .filter(|((protocol, _), _)| is_meant(*protocol))
                            .map(|((protocol, port), codes)| {
                                all(&[
                                    self.view.is_in(End::Destination, codes),
                                    self.on(*protocol, *port, *port),
                                ])
                            })
                            .collect()
                    }
                };
                any(&each)
            }
        }
    }
}

/// The named ports of a pod.
fn own_ports(cluster: &Cluster, pod: &Pod) -> Vec<(String, Protocol, u16)> {
    let name = |symbol| cluster.symbols.name(symbol).to_owned();
    let ports = pod.ports.iter();
    let mut ports: Vec<_> = ports
        .filter_map(|port| Some((name(port.name?), port.protocol, port.port)))
        .collect();
    ports.sort();
    ports.dedup();
    ports
}
