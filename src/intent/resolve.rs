//! From intents to what they are about in one cluster.
//!
//! Pods are meant in two ways at once: those of the input that are selected, for the scope
//! `existing`; and a selection by namespace and labels, for the scope `possible`. A workload or a
//! Service in an intent stands in the second for every pod that policy cannot tell from its own:
//! one in its namespace, with its labels as far as a policy mentions their keys.

use super::claim::{Assertion, Called, Claim, Ends, Expectation, Resolved, Scope};
use super::parse::Intent;
use super::wire::{
    Assertion as WireAssertion, ClusterAssertion, Expect, Isolation, Opening, Require, ScopeName,
};
use crate::model::{
    AddressSet, Cluster, Direction, Finding, METADATA_NAME, NamespaceMatch, Operator, Origin,
    PeerKind, Place, Requirement, Selector, Severity, Symbol, WorkloadId,
};
use crate::source::{Route, Target};
use crate::symbolic::{Exception, PodSelection, TrafficSpec};
use std::collections::BTreeSet;

/// The pods that serve Ingresses, as the caller knows them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Controllers(pub Vec<WorkloadId>);

/// Resolves intents. The strings of their selectors become symbols of the cluster.
pub fn resolve(
    cluster: &mut Cluster,
    intents: &[Intent],
    controllers: &Controllers,
    scope: Option<Scope>,
) -> Resolved {
    let visible = policy_keys(cluster);
    let known = PodSelection {
        namespaces: NamespaceMatch::Labels(known_namespaces(cluster)),
        pods: Selector::everything(),
    };
    let mut resolver = Resolver {
        cluster,
        controllers,
        visible,
        findings: Vec::new(),
        origin: None,
        unresolved: false,
        scope: Scope::Existing,
        in_exception: false,
    };
    let mut assertions = Vec::new();
    for intent in intents {
        let spec = &intent.wire.spec;
        let at = |list: &'static str, index: usize| Origin {
            document: intent.origin.document,
            route: intent
                .origin
                .route
                .clone()
                .key("spec")
                .key(list)
                .index(index),
        };
        let scope_of = |own: Option<ScopeName>| {
            scope.unwrap_or(match own.or(spec.scope) {
                Some(ScopeName::Possible) => Scope::Possible,
                Some(ScopeName::Existing) | None => Scope::Existing,
            })
        };
        let head = |name: &str, description: &Option<String>, origin, scope, claim| Assertion {
            intent: intent.name().to_owned(),
            name: name.to_owned(),
            description: description.clone(),
            origin,
            scope,
            claim,
        };
        for (index, wire) in spec.assertions.iter().enumerate() {
            let (origin, scope) = (at("assertions", index), scope_of(wire.scope));
            let claim = resolver.claim(&origin, scope, |resolver| resolver.flows(wire));
            assertions.push(head(&wire.name, &wire.description, origin, scope, claim));
        }
        for (index, wire) in spec.cluster.iter().enumerate() {
            let (origin, scope) = (at("cluster", index), scope_of(wire.scope));
            let claim = resolver.claim(&origin, scope, |resolver| resolver.whole(wire));
            assertions.push(head(&wire.name, &wire.description, origin, scope, claim));
        }
    }
    let mut findings = resolver.findings;
    findings.sort();
    findings.dedup();
    Resolved {
        assertions,
        known: Some(known),
        findings,
    }
}

/// The addresses that are no pod's and no node's.
pub fn outside(cluster: &Cluster) -> AddressSet {
    let pods = cluster.pods.iter().flat_map(|pod| &pod.addresses);
    let nodes = cluster.nodes.iter().flat_map(|node| &node.addresses);
    let known = pods
        .chain(nodes)
        .map(|address| ipnet::IpNet::from(*address));
    let blocks = known.chain(cluster.pod_cidrs.iter().copied());
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for block in blocks {
        let set = AddressSet::from(block);
        v4.extend_from_slice(set.v4.ranges());
        v6.extend_from_slice(set.v6.ranges());
    }
    let inside = AddressSet {
        v4: crate::model::RangeSet::from_ranges(v4),
        v6: crate::model::RangeSet::from_ranges(v6),
    };
    AddressSet::full().difference(&inside)
}

/// The namespaces that the input has: with a manifest, or mentioned.
pub(super) fn known_namespaces(cluster: &mut Cluster) -> Selector {
    let names = cluster
        .namespaces
        .iter()
        .map(|namespace| namespace.name.clone());
    let names: Vec<String> = names.collect();
    let symbols = &mut cluster.symbols;
    Selector::new([Requirement {
        key: symbols.intern(METADATA_NAME),
        operator: Operator::In(names.iter().map(|name| symbols.intern(name)).collect()),
    }])
}

/// The keys of pod labels that policies look at.
fn policy_keys(cluster: &Cluster) -> BTreeSet<Symbol> {
    let mut keys = BTreeSet::new();
    let mut add = |selector: &Selector| {
        keys.extend(
            selector
                .requirements()
                .iter()
                .map(|requirement| requirement.key),
        );
    };
    for policy in &cluster.policies {
        add(&policy.subject.pods);
        for direction in Direction::ALL {
            let rules = policy.rules(direction).unwrap_or_default();
            for peer in rules.iter().flat_map(|rule| rule.peers.iter().flatten()) {
                if let PeerKind::Pods { pods, .. } = &peer.kind {
                    add(pods);
                }
            }
        }
    }
    keys
}

pub(super) struct Resolver<'a> {
    pub(super) cluster: &'a mut Cluster,
    pub(super) controllers: &'a Controllers,
    /// Keys of pod labels that policies look at.
    pub(super) visible: BTreeSet<Symbol>,
    findings: Vec<Finding>,
    /// Where the assertion at hand is written.
    origin: Option<Origin>,
    /// Whether it names something that there is not.
    pub(super) unresolved: bool,
    pub(super) scope: Scope,
    /// Whether the endpoints at hand are those that the assertion is not about.
    pub(super) in_exception: bool,
}

impl Resolver<'_> {
    fn claim(
        &mut self,
        origin: &Origin,
        scope: Scope,
        resolve: impl FnOnce(&mut Self) -> Claim,
    ) -> Option<Claim> {
        self.origin = Some(origin.clone());
        self.unresolved = false;
        self.scope = scope;
        let claim = resolve(self);
        (!self.unresolved).then_some(claim)
    }

    pub(super) fn say(
        &mut self,
        id: &'static str,
        severity: Severity,
        route: &Route,
        message: String,
        help: String,
    ) {
        let Some(origin) = &self.origin else { return };
        let steps = origin.route.steps().iter().chain(route.steps());
        self.findings.push(Finding {
            place: Place::Node {
                origin: Origin {
                    document: origin.document,
                    route: steps.cloned().collect(),
                },
                target: Target::Value,
            },
            id,
            severity,
            message,
            help: Some(help),
            related: Vec::new(),
        });
    }

    fn flows(&mut self, wire: &WireAssertion) -> Claim {
        let from = self.ends(&Route::root().key("from"), &wire.from);
        let traffic = self.traffic(wire.ports.as_deref());
        let mut to: Vec<Called> = Vec::new();
        for (index, endpoint) in wire.to.iter().enumerate() {
            let route = Route::root().key("to").index(index);
            let traffic = match &endpoint.service {
                Some(name) => self.service_traffic(&route, name, wire.ports.as_deref()),
                None => traffic.clone(),
            };
            // Endpoints that are called on the same traffic are one.
            let position = to.iter().position(|called| called.traffic == traffic);
            let mut ends = Ends::default();
            self.end(&route, endpoint, &mut ends);
            match position.and_then(|position| to.get_mut(position)) {
                Some(known) => join(&mut known.ends, ends),
                None => to.push(Called { ends, traffic }),
            }
        }
        Claim::Flows {
            expect: match wire.expect {
                Expect::Allowed => Expectation::Allowed,
                Expect::Denied => Expectation::Denied,
                Expect::Only => Expectation::Only,
            },
            from,
            to,
        }
    }

    fn whole(&mut self, wire: &ClusterAssertion) -> Claim {
        self.in_exception = true;
        let except_route = Route::root().key("except");
        let except = self
            .ends(&except_route, wire.except.as_deref().unwrap_or_default())
            .pods;
        let mut exceptions = self.openings(wire.allow.as_deref().unwrap_or_default());
        self.in_exception = false;
        match wire.require {
            Require::Isolated => {
                let direction = |isolation: &Isolation| match isolation {
                    Isolation::Egress => Direction::Egress,
                    Isolation::Ingress => Direction::Ingress,
                };
                let mut directions: Vec<Direction> = match &wire.directions {
                    Some(directions) => directions.iter().map(direction).collect(),
                    None => Direction::ALL.to_vec(),
                };
                directions.sort_unstable();
                directions.dedup();
                Claim::Isolated { directions, except }
            }
            Require::PoliciesSelectPods => Claim::PoliciesSelectPods,
            Require::SeparatedNamespaces => {
                if !except.selections.is_empty() {
                    let either = |from, to| Exception {
                        from,
                        to,
                        traffic: TrafficSpec::default(),
                    };
                    exceptions.push(either(Some(except.selections.clone()), None));
                    exceptions.push(either(None, Some(except.selections)));
                }
                Claim::Separated {
                    label: wire
                        .namespace_label
                        .clone()
                        .filter(|key| key != METADATA_NAME),
                    except: exceptions,
                }
            }
            Require::ClosedToInternet => Claim::Closed { except: exceptions },
        }
    }

    fn openings(&mut self, openings: &[Opening]) -> Vec<Exception> {
        let mut exceptions = Vec::new();
        for (index, opening) in openings.iter().enumerate() {
            let route = Route::root().key("allow").index(index);
            let from = opening
                .from
                .as_ref()
                .map(|from| self.ends(&route.clone().key("from"), from).pods.selections);
            let traffic = self.traffic(opening.ports.as_deref());
            let Some(to) = &opening.to else {
                exceptions.push(Exception {
                    from,
                    to: None,
                    traffic,
                });
                continue;
            };
            for (index, endpoint) in to.iter().enumerate() {
                let route = route.clone().key("to").index(index);
                let traffic = match &endpoint.service {
                    Some(name) => self.service_traffic(&route, name, opening.ports.as_deref()),
                    None => traffic.clone(),
                };
                let mut ends = Ends::default();
                self.end(&route, endpoint, &mut ends);
                exceptions.push(Exception {
                    from: from.clone(),
                    to: Some(ends.pods.selections),
                    traffic,
                });
            }
        }
        exceptions
    }
}

fn join(ends: &mut Ends, other: Ends) {
    ends.pods.pods.extend(other.pods.pods);
    ends.pods.selections.extend(other.pods.selections);
    ends.addresses = ends.addresses.union(&other.addresses);
    ends.nodes.extend(other.nodes);
    ends.unknown_controller |= other.unknown_controller;
}
