//! A node's half of the policy as a formula: [`crate::model::expected`] a second time, over all
//! packets at once.

use super::{Codes, Terms};
use crate::model::{
    Action, Cluster, Direction, Half, Hook, Invalid, Modes, NamespaceId, NamespaceMatch, Party,
    Peer, PeerKind, Pod, PodId, PodToNode, Policy, PolicyId, PortMatch, PortMatchKind, Protocol,
    Replies, Rule, Tier, Tracking, Transport, Undecided, UnknownLocal, Verdict, peer_matches,
    selects,
};
use crate::symbolic::bits::{all, any, one_of};
use crate::symbolic::index::PolicyIndex;
use std::collections::{BTreeMap, HashMap};
use z3::ast::{BV, Bool};

/// The packets that should be let through at a hook.
pub(super) fn accepts(
    half: &Half<'_>,
    index: &PolicyIndex,
    hook: Hook,
    codes: &Codes,
    terms: &Terms,
) -> Bool {
    let Modes {
        replies,
        invalid,
        pod_to_node,
        unknown_local,
    } = half.modes;
    let mut let_through = vec![terms.is_tracking(&[Tracking::Reply, Tracking::Related])];
    if replies == Replies::Established {
        let_through.push(terms.is_tracking(&[Tracking::Original]));
    }
    let mut stopped = Vec::new();
    match hook {
        Hook::Input => {
            let_through.push(terms.is_transport(&[Transport::Discovery]));
            let_through.push(Bool::from_bool(pod_to_node == PodToNode::Allow));
        }
        Hook::Forward => {
            if invalid == Invalid::Drop {
                stopped.push(terms.is_tracking(&[Tracking::Invalid]));
            }
            if unknown_local == UnknownLocal::Drop {
                for end in [&terms.source, &terms.destination] {
                    stopped.push(one_of(end, codes.unknown_local()));
                }
            }
        }
    }
    let mut encoding = Encoding {
        half,
        index,
        codes,
        terms,
        by_namespace: HashMap::new(),
        peers: HashMap::new(),
    };
    for (code, pod) in codes.pods() {
        if let Some(pod) = half.cluster.pod(pod) {
            encoding
                .by_namespace
                .entry(pod.namespace)
                .or_default()
                .push(code);
        }
    }
    let sides = Direction::ALL.map(|direction| encoding.direction(direction));
    let policy = all(&[any(&stopped).not(), all(&sides)]);
    any(&[any(&let_through), policy])
}

/// Pods of the node that are policed alike: the policies that select them, and what their ports
/// are called.
type ClassKey = (Vec<PolicyId>, Vec<(String, Protocol, u16)>);

struct Encoding<'a> {
    half: &'a Half<'a>,
    index: &'a PolicyIndex,
    codes: &'a Codes,
    terms: &'a Terms,
    /// The codes of pods, by namespace.
    by_namespace: HashMap<NamespaceId, Vec<usize>>,
    /// The codes that peers match.
    peers: HashMap<&'a PeerKind, Vec<usize>>,
}

impl<'a> Encoding<'a> {
    fn ends(&self, direction: Direction) -> (&'a BV, &'a BV) {
        match direction {
            Direction::Egress => (&self.terms.source, &self.terms.destination),
            Direction::Ingress => (&self.terms.destination, &self.terms.source),
        }
    }

    /// What all pods of the node that are the subject of a direction allow: those that are not
    /// say nothing.
    fn direction(&mut self, direction: Direction) -> Bool {
        let cluster = self.half.cluster;
        let mut classes: BTreeMap<ClassKey, (Vec<usize>, PodId)> = BTreeMap::new();
        for (code, id) in self.codes.local_pods() {
            let Some(pod) = cluster.pod(id) else { continue };
            let selecting = self.index.policies(direction, Some(pod.namespace));
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
        let (subject, _) = self.ends(direction);
        let mut terms = Vec::new();
        for ((policies, _), (codes, pod)) in &classes {
            let Some(pod) = cluster.pod(*pod) else {
                continue;
            };
            let is_here = one_of(subject, codes.iter().copied());
            let allowed = self.side(direction, policies, pod);
            // N25: a pod cannot block access to itself.
            terms.push(is_here.implies(any(&[self.terms.same.clone(), allowed])));
        }
        all(&terms)
    }

    /// What the policies that select a pod say (N2, N3, and the order of tiers).
    fn side(&mut self, direction: Direction, policies: &[PolicyId], pod: &Pod) -> Bool {
        let cluster = self.half.cluster;
        let mut allowed = Bool::from_bool(true);
        for tier in Tier::ALL.into_iter().rev() {
            let of_tier: Vec<&'a Policy> = policies
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
            let rules: Vec<&'a Rule> = of_tier
                .iter()
                .flat_map(|policy| policy.rules(direction).unwrap_or_default())
                .collect();
            // The first rule that matches decides, so the last one is the innermost.
            let mut accepting = Vec::new();
            for rule in rules.into_iter().rev() {
                let matches = self.rule(direction, rule, pod);
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

    fn rule(&mut self, direction: Direction, rule: &'a Rule, pod: &Pod) -> Bool {
        let (_, peer) = self.ends(direction);
        let mut terms = Vec::new();
        if let Some(peers) = &rule.peers {
            let mut codes: Vec<usize> = Vec::new();
            for peer in peers {
                codes.extend_from_slice(self.matched(peer));
            }
            codes.sort_unstable();
            codes.dedup();
            terms.push(one_of(peer, codes));
        }
        if let Some(ports) = &rule.ports {
            let each: Vec<Bool> = ports
                .iter()
                .map(|port| self.port(direction, port, pod))
                .collect();
            terms.push(any(&each));
        }
        all(&terms)
    }

    /// The codes that a peer matches: one address of each is asked about.
    fn matched(&mut self, peer: &'a Peer) -> &[usize] {
        let (half, codes, by_namespace) = (self.half, self.codes, &self.by_namespace);
        self.peers.entry(&peer.kind).or_insert_with(|| {
            let candidates: Vec<usize> = match &peer.kind {
                PeerKind::Pods {
                    namespaces: NamespaceMatch::Same(namespace),
                    ..
                } => by_namespace.get(namespace).cloned().unwrap_or_default(),
                // Only pods are matched by selectors (N12).
                PeerKind::Pods { .. } => codes.pods().map(|(code, _)| code).collect(),
                PeerKind::IpBlock(_) => (0..codes.len()).collect(),
            };
            let matches = |code: &usize| {
                codes.address(*code).is_some_and(|address| {
                    let party: Party = half.book.party(address);
                    peer_matches(half.cluster, peer, &party) == Verdict::Allowed
                })
            };
            candidates.into_iter().filter(matches).collect()
        })
    }

    fn port(&self, direction: Direction, port: &PortMatch, pod: &Pod) -> Bool {
        let cluster = self.half.cluster;
        let on = |protocol: Protocol, first: u16, last: u16| {
            let transport = match protocol {
                Protocol::Tcp => Transport::Tcp,
                Protocol::Udp => Transport::Udp,
                Protocol::Sctp => Transport::Sctp,
            };
            all(&[
                self.terms.is_transport(&[transport]),
                self.terms.is_port(first, last),
            ])
        };
        match &port.kind {
            PortMatchKind::Range {
                protocol,
                first,
                last,
            } => on(*protocol, *first, *last),
            PortMatchKind::Named { protocol, name } => {
                // N18: what the destination calls so.
                let declared = |pod: &Pod| -> Vec<(Protocol, u16)> {
                    let ports = pod.ports.iter().filter(|declared| {
                        declared.name == Some(*name)
                            && protocol.is_none_or(|wanted| wanted == declared.protocol)
                    });
                    ports.map(|port| (port.protocol, port.port)).collect()
                };
                match direction {
                    Direction::Ingress => {
                        let each = declared(pod).into_iter().map(|(p, n)| on(p, n, n));
                        any(&each.collect::<Vec<Bool>>())
                    }
                    Direction::Egress => {
                        let mut by_port: BTreeMap<(Protocol, u16), Vec<usize>> = BTreeMap::new();
                        for (code, id) in self.codes.pods() {
                            for port in cluster.pod(id).map(declared).unwrap_or_default() {
                                by_port.entry(port).or_default().push(code);
                            }
                        }
                        let peer = &self.terms.destination;
                        let each = by_port.into_iter().map(|((protocol, port), mut codes)| {
                            codes.dedup();
                            all(&[one_of(peer, codes), on(protocol, port, port)])
                        });
                        any(&each.collect::<Vec<Bool>>())
                    }
                }
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
