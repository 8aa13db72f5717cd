//! What policies in tiers have in common (`policy.networking.k8s.io`): subject, rules, peers, ports.
//!
//! Each kind has wire types of its own, which are turned into [`Facts`]; what the API server's
//! validation of the CRDs says is said here, with the limits of the kind.

mod check;
mod wire;

pub(super) use check::{Limits, RuleParts, check, too_few, too_many};
pub(super) use wire::{NumberPort, PeerWire, PodsWire, RangePort, SubjectWire};

use super::builder::Builder;
use super::object::{ClusterFacts, Header};
use super::selector::lower_selector;
use super::validate::{parse_cidr, valid_port};
use crate::model::{
    Action, Finding, IpBlock, NamespaceMatch, Node, Origin, Peer, PeerKind, Place, Policy,
    PortMatch, PortMatchKind, Protocol, Rule, Selector, Severity, Subject, Symbols, Tier,
    domain_text,
};
use crate::source::{Route, Target};
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// A policy that the API server accepts.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// As manifests spell it.
    pub(super) kind: &'static str,
    pub(super) tier: Tier,
    /// Lower wins, within the tier.
    pub(super) priority: u32,
    pub(super) subject: PodsFacts,
    pub(super) ingress: Vec<RuleFacts>,
    pub(super) egress: Vec<RuleFacts>,
}

/// Pods by namespace and label.
#[derive(Clone, Debug, Default)]
pub(super) struct PodsFacts {
    pub(super) namespaces: LabelSelector,
    pub(super) pods: LabelSelector,
}

/// One rule. No ports are all traffic.
#[derive(Clone, Debug)]
pub(super) struct RuleFacts {
    pub(super) action: Action,
    pub(super) peers: Vec<PeerFacts>,
    /// The key of the ports and the ports.
    pub(super) ports: Option<(&'static str, Vec<PortFacts>)>,
}

/// One peer.
#[derive(Clone, Debug)]
pub(super) enum PeerFacts {
    Pods(PodsFacts),
    Networks(Vec<IpNet>),
    /// By the labels of nodes; their addresses are meant.
    Nodes(LabelSelector),
    /// Destinations by name. No address is guessed for them.
    Domains(Vec<String>),
    /// Of a kind that is not known here: the rule fails closed.
    Unknown,
}

/// One entry of ports.
#[derive(Clone, Debug)]
pub(super) enum PortFacts {
    Range(Protocol, u16, u16),
    /// Whatever protocol the container port has.
    Named(String),
}

impl ClusterFacts for Facts {
    fn lower(self: Box<Self>, header: Header, builder: &mut Builder) {
        let facts = *self;
        let symbols = &mut builder.cluster.symbols;
        let mut lower = Lowering {
            symbols,
            nodes: &builder.cluster.nodes,
            unmatched: Vec::new(),
        };
        let route = header.origin.route.clone().key("spec");
        let subject = lower.pods(&facts.subject);
        let ingress = lower.rules(&route.clone().key("ingress"), "from", &facts.ingress);
        let egress = lower.rules(&route.key("egress"), "to", &facts.egress);
        for route in lower.unmatched {
            let document = header.origin.document;
            let origin = Origin { document, route };
            builder.findings.push(Finding {
                place: Place::Node {
                    origin,
                    target: Target::Value,
                },
                id: "LD007",
                severity: Severity::Warning,
                message: "no Node of the input with an address has these labels, so the peer is \
                          about nobody in the answer"
                    .to_owned(),
                help: Some("add the cluster's Nodes to the input".to_owned()),
                related: Vec::new(),
            });
        }
        builder.cluster.policies.push(Policy {
            kind: facts.kind,
            namespace: None,
            name: header.name,
            tier: facts.tier,
            priority: facts.priority,
            subject: Subject {
                namespaces: subject.0,
                pods: subject.1,
            },
            ingress,
            egress,
            origin: header.origin,
        });
    }
}

struct Lowering<'a> {
    symbols: &'a mut Symbols,
    nodes: &'a [Node],
    /// Peers that are about nodes, none of which is in the input.
    unmatched: Vec<Route>,
}

impl Lowering<'_> {
    fn pods(&mut self, pods: &PodsFacts) -> (NamespaceMatch, Selector) {
        let namespaces = lower_selector(&pods.namespaces, self.symbols);
        let pods = lower_selector(&pods.pods, self.symbols);
        (NamespaceMatch::Labels(namespaces), pods)
    }

    /// A direction without rules is one that the policy says nothing of.
    fn rules(
        &mut self,
        route: &Route,
        peers_key: &'static str,
        rules: &[RuleFacts],
    ) -> Option<Vec<Rule>> {
        if rules.is_empty() {
            return None;
        }
        let lowered = rules.iter().enumerate().flat_map(|(index, rule)| {
            let route = route.clone().index(index);
            self.rule(route, peers_key, rule)
        });
        Some(lowered.collect())
    }

    /// One rule; two where it has both peers by address and ports by name, which addresses do not
    /// have, even those of pods.
    fn rule(&mut self, route: Route, peers_key: &'static str, rule: &RuleFacts) -> Vec<Rule> {
        // With a peer that is not understood the whole rule fails closed: it accepts nothing, or
        // denies everything.
        let is_unknown = |peer: &PeerFacts| matches!(peer, PeerFacts::Unknown);
        if rule.peers.iter().any(is_unknown) {
            let (action, peers) = match rule.action {
                Action::Accept => (Action::Accept, Some(Vec::new())),
                Action::Deny | Action::Pass => (Action::Deny, None),
            };
            return vec![Rule {
                action,
                peers,
                ports: None,
                route,
            }];
        }
        let peers_route = route.clone().key(peers_key);
        let mut peers = Vec::new();
        for (index, peer) in rule.peers.iter().enumerate() {
            let route = peers_route.clone().index(index);
            let kinds = self.peer(peer);
            if matches!(peer, PeerFacts::Nodes(_)) && kinds.is_empty() {
                self.unmatched.push(route.clone());
            }
            peers.extend(kinds.into_iter().map(|kind| Peer {
                kind,
                route: route.clone(),
            }));
        }
        let ports = rule.ports.as_ref().map(|(key, ports)| {
            let ports_route = route.clone().key(*key);
            let each = ports.iter().enumerate().map(|(index, port)| PortMatch {
                kind: self.port(port),
                route: ports_route.clone().index(index),
            });
            each.collect()
        });
        let one = |peers, ports| Rule {
            action: rule.action,
            peers: Some(peers),
            ports,
            route: route.clone(),
        };
        let is_named = |port: &PortMatch| matches!(port.kind, PortMatchKind::Named { .. });
        let ports: Option<Vec<PortMatch>> = ports;
        let is_block = |peer: &Peer| !matches!(peer.kind, PeerKind::Pods { .. });
        let has_names = ports.iter().flatten().any(is_named);
        if !has_names || !peers.iter().any(is_block) {
            return vec![one(peers, ports)];
        }
        let (blocks, pods): (Vec<Peer>, Vec<Peer>) = peers.into_iter().partition(is_block);
        let mut numbers = ports.clone().unwrap_or_default();
        numbers.retain(|port| !is_named(port));
        vec![one(pods, ports), one(blocks, Some(numbers))]
    }

    fn peer(&mut self, peer: &PeerFacts) -> Vec<PeerKind> {
        let block = |cidr: IpNet| {
            PeerKind::IpBlock(IpBlock {
                cidr,
                except: Vec::new(),
            })
        };
        match peer {
            PeerFacts::Pods(pods) => {
                let (namespaces, pods) = self.pods(pods);
                vec![PeerKind::Pods { namespaces, pods }]
            }
            PeerFacts::Networks(blocks) => blocks.iter().copied().map(block).collect(),
            PeerFacts::Nodes(selector) => {
                let selector = lower_selector(selector, self.symbols);
                let nodes = self
                    .nodes
                    .iter()
                    .filter(|node| selector.matches(&node.labels));
                let addresses = nodes.flat_map(|node| node.addresses.iter().copied());
                addresses
                    .map(|address| block(IpNet::from(address)))
                    .collect()
            }
            PeerFacts::Domains(names) => {
                let names = names.iter().map(|name| PeerKind::Domain {
                    pattern: self.symbols.intern(&domain_text(name)),
                    holds: None,
                });
                names.collect()
            }
            PeerFacts::Unknown => Vec::new(),
        }
    }

    fn port(&mut self, port: &PortFacts) -> PortMatchKind {
        match port {
            PortFacts::Range(protocol, first, last) => PortMatchKind::Range {
                protocol: *protocol,
                first: *first,
                last: *last,
            },
            PortFacts::Named(name) => PortMatchKind::Named {
                protocol: None,
                name: self.symbols.intern(name),
            },
        }
    }
}

/// A port as the model has it; `None` for one that validation refuses.
pub(super) fn port_range(protocol: Protocol, first: i32, last: i32) -> Option<PortFacts> {
    Some(PortFacts::Range(
        protocol,
        valid_port(first)?,
        valid_port(last)?,
    ))
}

/// A block; `None` for what validation refuses.
pub(super) fn network(text: &str) -> Option<IpNet> {
    Some(parse_cidr(text)?.net)
}
