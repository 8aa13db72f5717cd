//! From intents to what they are about in one cluster.
//!
//! Pods are meant in two ways at once: those of the input that are selected, for the scope
//! `existing`; and a selection by namespace and labels, for the scope `possible`. A workload or a
//! Service in an intent stands in the second for every pod that policy cannot tell from its own:
//! one in its namespace, with its labels as far as a policy mentions their keys.

use super::parse::Intent;
use super::wire::{
    Assertion as WireAssertion, ClusterAssertion, Endpoint, Entity, Expect, IpBlock, Isolation,
    LabelSelector, Opening, Port, PortValue, ProtocolName, Require, ScopeName, SelectorOperator,
};
use crate::model::{
    AddressSet, Cluster, Direction, Finding, IpBlock as ModelBlock, METADATA_NAME, NamespaceMatch,
    NodeId, Operator, Origin, PeerKind, Place, PodId, PortMatchKind, Protocol, Requirement,
    Selector, Service, Severity, Symbol, TargetPort, WorkloadId, block_addresses,
};
use crate::source::{Route, Target};
use crate::symbolic::{Exception, PodSelection, TrafficSpec};
use std::collections::BTreeSet;

/// Which pods an assertion is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scope {
    /// The pods of the input.
    Existing,
    /// Any pod that could be created, and those of the input.
    Possible,
}

impl Scope {
    /// `existing` or `possible`.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Existing => "existing",
            Scope::Possible => "possible",
        }
    }
}

/// What is expected of connections.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Expectation {
    /// Every pair can talk on all of it.
    Allowed,
    /// No pair can talk on any of it.
    Denied,
    /// Nobody else reaches the called.
    Only,
}

/// Pods.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PodEnd {
    /// Those that could be created.
    pub selections: Vec<PodSelection>,
    /// Those of the input, in order.
    pub pods: BTreeSet<PodId>,
}

/// Everything that one list of endpoints stands for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ends {
    /// The pods.
    pub pods: PodEnd,
    /// The addresses outside.
    pub addresses: AddressSet,
    /// The nodes.
    pub nodes: BTreeSet<NodeId>,
    /// Whether an ingress controller is meant that is not in the input.
    pub unknown_controller: bool,
}

impl Ends {
    /// Whether it stands for nothing at all in a scope.
    pub fn is_nothing(&self, scope: Scope) -> bool {
        let no_pods = match scope {
            Scope::Existing => self.pods.pods.is_empty(),
            Scope::Possible => self.pods.pods.is_empty() && self.pods.selections.is_empty(),
        };
        no_pods && self.addresses.is_empty() && self.nodes.is_empty() && !self.unknown_controller
    }
}

/// Who is called, and on what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Called {
    /// Who.
    pub ends: Ends,
    /// On what.
    pub traffic: TrafficSpec,
}

/// What an assertion claims.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claim {
    /// Of connections between these.
    Flows {
        /// What.
        expect: Expectation,
        /// Who calls.
        from: Ends,
        /// Who is called; each on traffic of its own.
        to: Vec<Called>,
    },
    /// Some NetworkPolicy selects every pod in these directions, but for the excepted.
    Isolated {
        /// The directions.
        directions: Vec<Direction>,
        /// The pods it is not about.
        except: PodEnd,
    },
    /// Every policy selects a pod.
    PoliciesSelectPods,
    /// No pod is reached from another namespace, or from one with another value of the label.
    Separated {
        /// The label.
        label: Option<String>,
        /// What is allowed all the same.
        except: Vec<Exception>,
    },
    /// No pod is reached from outside.
    Closed {
        /// What is allowed all the same.
        except: Vec<Exception>,
    },
}

/// One assertion, resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assertion {
    /// The intent's name.
    pub intent: String,
    /// Its own.
    pub name: String,
    /// Why it is asserted.
    pub description: Option<String>,
    /// Where it was written.
    pub origin: Origin,
    /// Which pods it is about.
    pub scope: Scope,
    /// What it claims; `None` when it names things that there are not, which a finding says.
    pub claim: Option<Claim>,
}

/// All assertions of some intents, and what there is to say about them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resolved {
    /// The assertions, in the order in which they are written.
    pub assertions: Vec<Assertion>,
    /// Every pod of the namespaces that the input has: whom cluster-wide claims are about.
    pub known: Option<PodSelection>,
    /// IT003: an endpoint that selects nothing. IT004: a name that nothing has.
    pub findings: Vec<Finding>,
}

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
fn known_namespaces(cluster: &mut Cluster) -> Selector {
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

struct Resolver<'a> {
    cluster: &'a mut Cluster,
    controllers: &'a Controllers,
    /// Keys of pod labels that policies look at.
    visible: BTreeSet<Symbol>,
    findings: Vec<Finding>,
    /// Where the assertion at hand is written.
    origin: Option<Origin>,
    /// Whether it names something that there is not.
    unresolved: bool,
    scope: Scope,
    /// Whether the endpoints at hand are those that the assertion is not about.
    in_exception: bool,
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

    fn say(
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

    fn ends(&mut self, route: &Route, endpoints: &[Endpoint]) -> Ends {
        let mut ends = Ends::default();
        for (index, endpoint) in endpoints.iter().enumerate() {
            self.end(&route.clone().index(index), endpoint, &mut ends);
        }
        ends
    }

    fn end(&mut self, route: &Route, endpoint: &Endpoint, ends: &mut Ends) {
        if let Some(name) = &endpoint.workload {
            self.workload(&route.clone().key("workload"), name, ends);
        } else if let Some(name) = &endpoint.service {
            self.service(&route.clone().key("service"), name, ends);
        } else if let Some(block) = &endpoint.ip_block {
            self.block(&route.clone().key("ipBlock"), block, ends);
        } else if let Some(entity) = endpoint.entity {
            self.entity(&route.clone().key("entity"), entity, ends);
        } else {
            self.by_labels(route, endpoint, ends);
        }
    }

    fn by_labels(&mut self, route: &Route, endpoint: &Endpoint, ends: &mut Ends) {
        let mut namespaces = match (&endpoint.namespace, &endpoint.namespace_selector) {
            (Some(name), _) => self.in_namespace(name),
            (None, Some(selector)) => self.selector(selector),
            (None, None) => Selector::everything(),
        };
        if endpoint.new_namespaces == Some(false) {
            let known = known_namespaces(self.cluster);
            let both = namespaces.requirements().iter().chain(known.requirements());
            namespaces = Selector::new(both.cloned().collect::<Vec<_>>());
        }
        let pods = match &endpoint.pod_selector {
            Some(selector) => self.selector(selector),
            None => Selector::everything(),
        };
        let selection = PodSelection {
            namespaces: NamespaceMatch::Labels(namespaces),
            pods,
        };
        let found = selected(self.cluster, &selection);
        // An exception that is none takes nothing away from what is proved.
        if found.is_empty() && !self.in_exception {
            let help = match self.scope {
                Scope::Existing => {
                    "is it spelt as in the manifests? an assertion about nothing proves nothing"
                }
                Scope::Possible => {
                    "what is proved holds of pods that could be created; is it spelt as it will be?"
                }
            };
            let message = "selects no pod of the input".to_owned();
            self.say("IT003", Severity::Warning, route, message, help.to_owned());
        }
        ends.pods.pods.extend(found);
        ends.pods.selections.push(selection);
    }

    fn in_namespace(&mut self, name: &str) -> Selector {
        let symbols = &mut self.cluster.symbols;
        Selector::new([Requirement {
            key: symbols.intern(METADATA_NAME),
            operator: Operator::In(vec![symbols.intern(name)]),
        }])
    }

    fn selector(&mut self, selector: &LabelSelector) -> Selector {
        let symbols = &mut self.cluster.symbols;
        let labels = selector.match_labels.iter();
        let mut requirements: Vec<Requirement> = labels
            .map(|(key, value)| Requirement {
                key: symbols.intern(key),
                operator: Operator::In(vec![symbols.intern(value)]),
            })
            .collect();
        for requirement in &selector.match_expressions {
            let values = requirement.values.iter();
            let values: Vec<Symbol> = values.map(|value| symbols.intern(value)).collect();
            requirements.push(Requirement {
                key: symbols.intern(&requirement.key),
                operator: match requirement.operator {
                    SelectorOperator::In => Operator::In(values),
                    SelectorOperator::NotIn => Operator::NotIn(values),
                    SelectorOperator::Exists => Operator::Exists,
                    SelectorOperator::DoesNotExist => Operator::DoesNotExist,
                },
            });
        }
        Selector::new(requirements)
    }

    fn workload(&mut self, route: &Route, name: &str, ends: &mut Ends) {
        let parts: Vec<&str> = name.split('/').collect();
        let found: Vec<WorkloadId> = self
            .cluster
            .workloads_with_ids()
            .filter(|(_, workload)| {
                let namespace = self.cluster.namespace_name(workload.namespace);
                match parts.as_slice() {
                    [in_namespace, name] => namespace == *in_namespace && workload.name == *name,
                    [kind, in_namespace, name] => {
                        workload.kind.0.eq_ignore_ascii_case(kind)
                            && namespace == *in_namespace
                            && workload.name == *name
                    }
                    _ => false,
                }
            })
            .map(|(id, _)| id)
            .collect();
        match found.as_slice() {
            [one] => self.pods_of(&[*one], ends),
            [] => {
                let names = self.cluster.workloads.iter().map(|workload| {
                    format!(
                        "{}/{}",
                        self.cluster.namespace_name(workload.namespace),
                        workload.name
                    )
                });
                let help = did_you_mean(name, names.collect());
                self.unknown(route, format!("no workload is called `{name}`"), help);
            }
            several => {
                let kinds: Vec<String> = several
                    .iter()
                    .filter_map(|id| self.cluster.workload(*id))
                    .map(|workload| format!("`{}/{name}`", workload.kind))
                    .collect();
                let help = format!("say which: {}", kinds.join(" or "));
                self.unknown(
                    route,
                    format!("several workloads are called `{name}`"),
                    help,
                );
            }
        }
    }

    fn unknown(&mut self, route: &Route, message: String, help: String) {
        self.unresolved = true;
        self.say("IT004", Severity::Error, route, message, help);
    }

    /// The pods of workloads; and for the scope `possible`, those that no policy tells from them.
    fn pods_of(&mut self, workloads: &[WorkloadId], ends: &mut Ends) {
        for &workload in workloads {
            let pods: Vec<PodId> = self.cluster.pods_of(workload).map(|(id, _)| id).collect();
            for id in pods {
                let Some(pod) = self.cluster.pod(id) else {
                    continue;
                };
                let labels = pod
                    .labels
                    .iter()
                    .filter(|(key, _)| self.visible.contains(key));
                let requirements = labels.map(|(key, value)| Requirement {
                    key,
                    operator: Operator::In(vec![value]),
                });
                let pods = Selector::new(requirements);
                let name = self.cluster.namespace_name(pod.namespace).to_owned();
                // On its node's network it has no labels that policy could see.
                let is_seen = !self.cluster.is_node_traffic(pod);
                let selection = PodSelection {
                    namespaces: NamespaceMatch::Labels(self.in_namespace(&name)),
                    pods,
                };
                ends.pods.pods.insert(id);
                if is_seen && !ends.pods.selections.contains(&selection) {
                    ends.pods.selections.push(selection);
                }
            }
        }
    }

    fn find_service(&mut self, route: &Route, name: &str) -> Option<Service> {
        let (namespace, short) = name.split_once('/').unwrap_or(("", name));
        let id = self.cluster.namespace_named(namespace);
        let mut services = self.cluster.services.iter();
        let found = services
            .find(|s| Some(s.namespace) == id && s.name == short)
            .cloned();
        if found.is_none() {
            let names = self.cluster.services.iter().map(|service| {
                format!(
                    "{}/{}",
                    self.cluster.namespace_name(service.namespace),
                    service.name
                )
            });
            let help = did_you_mean(name, names.collect());
            self.unknown(route, format!("no Service is called `{name}`"), help);
        }
        found
    }

    fn service(&mut self, route: &Route, name: &str, ends: &mut Ends) {
        let Some(service) = self.find_service(route, name) else {
            return;
        };
        let Some(selector) = service
            .selector
            .filter(|selector| !selector.is_everything())
        else {
            let help = "name the pods or addresses behind it instead".to_owned();
            self.unknown(route, format!("Service `{name}` has no selector"), help);
            return;
        };
        let namespace = self.cluster.namespace_name(service.namespace).to_owned();
        let selection = PodSelection {
            namespaces: NamespaceMatch::Labels(self.in_namespace(&namespace)),
            pods: selector,
        };
        let found = selected(self.cluster, &selection);
        if found.is_empty() {
            let help = "compare its selector with the labels of the pods".to_owned();
            let message = format!("Service `{name}` selects no pod of the input");
            self.say("IT003", Severity::Warning, route, message, help);
        }
        ends.pods.pods.extend(found);
        ends.pods.selections.push(selection);
    }

    /// The ports on the pods that the named ports of a Service lead to (S2); all its ports when
    /// none is named. `ports` are the Service's own: what a client dials.
    fn service_traffic(
        &mut self,
        route: &Route,
        name: &str,
        ports: Option<&[Port]>,
    ) -> TrafficSpec {
        // That there is none is said where its pods are looked for.
        let (namespace, short) = name.split_once('/').unwrap_or(("", name));
        let id = self.cluster.namespace_named(namespace);
        let mut services = self.cluster.services.iter();
        let Some(service) = services
            .find(|s| Some(s.namespace) == id && s.name == short)
            .cloned()
        else {
            return TrafficSpec(Some(Vec::new()));
        };
        let is_meant = |port: &crate::model::ServicePort, wanted: &Port| {
            if wanted.protocol.map_or(Protocol::Tcp, protocol) != port.protocol {
                return false;
            }
            match &wanted.port {
                None => true,
                Some(PortValue::Name(name)) => port.name.as_ref() == Some(name),
                Some(PortValue::Number(first)) => {
                    let last = wanted.end_port.unwrap_or(*first);
                    (*first..=last).contains(&i64::from(port.port))
                }
            }
        };
        for (index, wanted) in ports.unwrap_or_default().iter().enumerate() {
            if !service.ports.iter().any(|port| is_meant(port, wanted)) {
                let route = route.clone().key("service");
                let message = format!("Service `{name}` has no port such as `ports[{index}]`");
                let own: Vec<String> = service
                    .ports
                    .iter()
                    .map(|port| format!("`{} {}`", port.protocol, port.port))
                    .collect();
                let help = format!(
                    "with a Service, `ports` are the Service's own; it has {}",
                    own.join(", ")
                );
                self.unknown(&route, message, help);
            }
        }
        let meant = service.ports.iter().filter(|port| {
            ports.is_none_or(|ports| ports.iter().any(|wanted| is_meant(port, wanted)))
        });
        let on_pod = meant.map(|port| match port.target {
            // S4: a headless Service does not translate ports.
            _ if service.headless => range(port.protocol, port.port, port.port),
            TargetPort::Number(number) => range(port.protocol, number, number),
            TargetPort::Name(name) => PortMatchKind::Named {
                protocol: Some(port.protocol),
                name,
            },
        });
        TrafficSpec(Some(on_pod.collect()))
    }

    fn traffic(&mut self, ports: Option<&[Port]>) -> TrafficSpec {
        let symbols = &mut self.cluster.symbols;
        let Some(ports) = ports else {
            return TrafficSpec(None);
        };
        let each = ports.iter().map(|port| {
            let protocol = port.protocol.map_or(Protocol::Tcp, protocol);
            match &port.port {
                None => range(protocol, 1, u16::MAX),
                Some(PortValue::Name(name)) => PortMatchKind::Named {
                    protocol: Some(protocol),
                    name: symbols.intern(name),
                },
                Some(PortValue::Number(first)) => {
                    let number = |number: i64| u16::try_from(number).unwrap_or(u16::MAX);
                    let last = port.end_port.unwrap_or(*first);
                    range(protocol, number(*first), number(last))
                }
            }
        });
        TrafficSpec(Some(each.collect()))
    }

    fn block(&mut self, route: &Route, block: &IpBlock, ends: &mut Ends) {
        let Ok(cidr) = block.cidr.parse() else { return };
        let except = block.except.iter().filter_map(|net| net.parse().ok());
        let addresses = block_addresses(&ModelBlock {
            cidr,
            except: except.collect(),
        });
        let left = addresses.intersection(&outside(self.cluster));
        if left != addresses {
            let message = "addresses of pods and nodes in this block are left out".to_owned();
            let help = "an `ipBlock` of an intent means addresses outside: name pods by label, and \
                        nodes by `entity: node`";
            self.say("IT003", Severity::Warning, route, message, help.to_owned());
        }
        ends.addresses = ends.addresses.union(&left);
    }

    fn entity(&mut self, route: &Route, entity: Entity, ends: &mut Ends) {
        match entity {
            Entity::Internet => {
                ends.addresses = ends.addresses.union(&outside(self.cluster));
            }
            Entity::Node => {
                let nodes = (0u32..)
                    .map(NodeId)
                    .zip(&self.cluster.nodes)
                    .map(|(id, _)| id);
                ends.nodes.extend(nodes);
                if self.cluster.nodes.is_empty() {
                    let message = "there is no Node in the input".to_owned();
                    let help = "add them to the input: `kubectl get nodes -o yaml`".to_owned();
                    self.say("IT003", Severity::Warning, route, message, help);
                }
            }
            Entity::IngressController => {
                let workloads = self.controllers.0.clone();
                if workloads.is_empty() {
                    ends.unknown_controller = true;
                    let message = "the ingress controller is not in the input".to_owned();
                    let help =
                        "say which pods it is with `--ingress-controller NAMESPACE/KEY=VALUE`";
                    self.say("IT003", Severity::Warning, route, message, help.to_owned());
                }
                self.pods_of(&workloads, ends);
            }
        }
    }
}

fn join(ends: &mut Ends, other: Ends) {
    ends.pods.pods.extend(other.pods.pods);
    ends.pods.selections.extend(other.pods.selections);
    ends.addresses = ends.addresses.union(&other.addresses);
    ends.nodes.extend(other.nodes);
    ends.unknown_controller |= other.unknown_controller;
}

fn range(protocol: Protocol, first: u16, last: u16) -> PortMatchKind {
    PortMatchKind::Range {
        protocol,
        first,
        last,
    }
}

fn protocol(name: ProtocolName) -> Protocol {
    match name {
        ProtocolName::Tcp => Protocol::Tcp,
        ProtocolName::Udp => Protocol::Udp,
        ProtocolName::Sctp => Protocol::Sctp,
    }
}

/// The pods of the input that a selection selects, by their labels; those on their node's network
/// too, since a person who names labels means all that have them.
fn selected(cluster: &Cluster, selection: &PodSelection) -> Vec<PodId> {
    let NamespaceMatch::Labels(namespaces) = &selection.namespaces else {
        return Vec::new();
    };
    let in_namespace: Vec<bool> = cluster
        .namespaces
        .iter()
        .map(|namespace| namespaces.matches(&namespace.labels))
        .collect();
    cluster
        .pods_with_ids()
        .filter(|(_, pod)| {
            let index = usize::try_from(pod.namespace.0).unwrap_or(usize::MAX);
            in_namespace.get(index) == Some(&true) && selection.pods.matches(&pod.labels)
        })
        .map(|(id, _)| id)
        .collect()
}

fn did_you_mean(name: &str, names: Vec<String>) -> String {
    let distance = |other: &String| strsim::damerau_levenshtein(other, name);
    match names
        .iter()
        .min_by_key(|other| (distance(other), (*other).clone()))
    {
        Some(near) if distance(near) <= 1 + name.len() / 3 => format!("did you mean `{near}`?"),
        _ => "`portolan list` shows every name".to_owned(),
    }
}
