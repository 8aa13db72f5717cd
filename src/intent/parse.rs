//! From YAML to intents, as strictly as manifests are read: an intent with anything wrong in it is
//! reported and left out as a whole, since half of what was meant must not pass for all of it.

use super::wire::{
    Assertion, ClusterAssertion, ConnectivityIntent, Endpoint, LabelSelector, Port, PortValue,
    Require, SelectorOperator,
};
use crate::manifest::decode_at;
use crate::model::{Finding, Origin, Place, Severity};
use crate::source::{Route, Sources, Target};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// An intent that can be used.
#[derive(Clone, PartialEq, Debug)]
pub struct Intent {
    pub(super) wire: ConnectivityIntent,
    /// Where it was written.
    pub origin: Origin,
}

impl Intent {
    /// metadata.name.
    pub fn name(&self) -> &str {
        &self.wire.metadata.name
    }

    /// How many assertions it has.
    pub fn len(&self) -> usize {
        self.wire.spec.assertions.len() + self.wire.spec.cluster.len()
    }

    /// Whether it asserts nothing; never, since that is an error.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads the intents that stand at the given places. Findings carry ids of their own (IT001,
/// IT002); an intent that has one is left out.
pub fn parse_intents(sources: &Sources, origins: &[Origin]) -> (Vec<Intent>, Vec<Finding>) {
    let mut intents = Vec::new();
    let mut findings = Vec::new();
    for origin in origins {
        let (wire, mut problems) = decode_at::<ConnectivityIntent>(sources, origin);
        for problem in &mut problems {
            problem.id = "IT001";
        }
        if let Some(wire) = &wire {
            let mut check = Check {
                origin,
                findings: &mut problems,
            };
            check.intent(wire);
        }
        let is_wrong = problems
            .iter()
            .any(|problem| problem.severity == Severity::Error);
        for problem in problems
            .iter_mut()
            .filter(|p| p.severity == Severity::Error)
        {
            let consequence =
                "until then the whole intent is left out, and nothing of it is proved";
            problem.help = Some(match problem.help.take() {
                Some(help) => format!("{help}; {consequence}"),
                None => consequence.to_owned(),
            });
        }
        findings.append(&mut problems);
        if let Some(wire) = wire.filter(|_| !is_wrong) {
            intents.push(Intent {
                wire,
                origin: origin.clone(),
            });
        }
    }
    (intents, findings)
}

/// What the types of the format cannot say.
struct Check<'a> {
    origin: &'a Origin,
    findings: &'a mut Vec<Finding>,
}

impl Check<'_> {
    fn say(&mut self, route: &Route, target: Target, message: String, help: &str) {
        let steps = self.origin.route.steps().iter().chain(route.steps());
        self.findings.push(Finding {
            place: Place::Node {
                origin: Origin {
                    document: self.origin.document,
                    route: steps.cloned().collect(),
                },
                target,
            },
            id: "IT002",
            severity: Severity::Error,
            message: format!("`{route}`: {message}"),
            help: (!help.is_empty()).then(|| help.to_owned()),
            related: Vec::new(),
        });
    }

    fn intent(&mut self, wire: &ConnectivityIntent) {
        let spec = Route::root().key("spec");
        if wire.metadata.name.is_empty() {
            let route = Route::root().key("metadata").key("name");
            self.say(&route, Target::Value, "a name is needed".to_owned(), "");
        }
        if wire.spec.assertions.is_empty() && wire.spec.cluster.is_empty() {
            let help = "add an entry to `assertions` or `cluster`";
            self.say(&spec, Target::Key, "it asserts nothing".to_owned(), help);
        }
        let mut names = BTreeSet::new();
        for (index, assertion) in wire.spec.assertions.iter().enumerate() {
            let route = spec.clone().key("assertions").index(index);
            self.name(&mut names, &route, &assertion.name);
            self.assertion(&route, assertion);
        }
        for (index, assertion) in wire.spec.cluster.iter().enumerate() {
            let route = spec.clone().key("cluster").index(index);
            self.name(&mut names, &route, &assertion.name);
            self.cluster(&route, assertion);
        }
    }

    fn name<'n>(&mut self, names: &mut BTreeSet<&'n str>, route: &Route, name: &'n str) {
        let route = route.clone().key("name");
        if name.is_empty() {
            self.say(&route, Target::Value, "a name is needed".to_owned(), "");
        } else if !names.insert(name) {
            let message = format!("another assertion is called `{name}` too");
            self.say(
                &route,
                Target::Value,
                message,
                "answers go by name: give each its own",
            );
        }
    }

    fn assertion(&mut self, route: &Route, assertion: &Assertion) {
        self.endpoints(&route.clone().key("from"), &assertion.from, false);
        self.endpoints(&route.clone().key("to"), &assertion.to, false);
        self.ports(&route.clone().key("ports"), assertion.ports.as_deref());
    }

    fn cluster(&mut self, route: &Route, assertion: &ClusterAssertion) {
        let require = assertion.require;
        let fields = [
            (
                "directions",
                assertion.directions.is_some(),
                &[Require::Isolated][..],
            ),
            (
                "namespaceLabel",
                assertion.namespace_label.is_some(),
                &[Require::SeparatedNamespaces],
            ),
            (
                "allow",
                assertion.allow.is_some(),
                &[Require::ClosedToInternet, Require::SeparatedNamespaces],
            ),
            (
                "except",
                assertion.except.is_some(),
                &[Require::Isolated, Require::SeparatedNamespaces],
            ),
        ];
        for (field, is_there, belongs_to) in fields {
            if is_there && !belongs_to.contains(&require) {
                let message = "it has no meaning with this `require`".to_owned();
                self.say(&route.clone().key(field), Target::Key, message, "remove it");
            }
        }
        if let Some(except) = &assertion.except {
            self.endpoints(&route.clone().key("except"), except, true);
        }
        for (index, opening) in assertion.allow.iter().flatten().enumerate() {
            let route = route.clone().key("allow").index(index);
            if let Some(from) = &opening.from {
                let route = route.clone().key("from");
                if require == Require::ClosedToInternet {
                    let message = "who calls is the internet here".to_owned();
                    self.say(&route, Target::Key, message, "remove it");
                }
                self.endpoints(&route, from, true);
            }
            if let Some(to) = &opening.to {
                self.endpoints(&route.clone().key("to"), to, true);
            }
            self.ports(&route.clone().key("ports"), opening.ports.as_deref());
        }
    }

    fn endpoints(&mut self, route: &Route, endpoints: &[Endpoint], pods_only: bool) {
        if endpoints.is_empty() {
            let help = "for every pod, write `- podSelector: {}`";
            self.say(route, Target::Key, "the list is empty".to_owned(), help);
        }
        for (index, endpoint) in endpoints.iter().enumerate() {
            self.endpoint(&route.clone().index(index), endpoint, pods_only);
        }
    }

    fn endpoint(&mut self, route: &Route, endpoint: &Endpoint, pods_only: bool) {
        let by_label = endpoint.namespace.is_some()
            || endpoint.namespace_selector.is_some()
            || endpoint.pod_selector.is_some();
        let forms = [
            by_label,
            endpoint.workload.is_some(),
            endpoint.service.is_some(),
            endpoint.ip_block.is_some(),
            endpoint.entity.is_some(),
        ];
        match forms.iter().filter(|form| **form).count() {
            0 => self.say(
                route,
                Target::Value,
                "it says nothing about who is meant".to_owned(),
                "for every pod, write `podSelector: {}`",
            ),
            1 => {}
            _ => self.say(
                route,
                Target::Value,
                "it says in several ways who is meant".to_owned(),
                "pods by label, `workload`, `service`, `ipBlock` and `entity` exclude each other: \
                 make them entries of their own",
            ),
        }
        if endpoint.namespace.is_some() && endpoint.namespace_selector.is_some() {
            let message = "`namespace` and `namespaceSelector` exclude each other".to_owned();
            self.say(
                &route.clone().key("namespace"),
                Target::Key,
                message,
                "remove one of them",
            );
        }
        if pods_only && (endpoint.ip_block.is_some() || endpoint.entity.is_some()) {
            let message = "only pods can be meant here".to_owned();
            self.say(
                route,
                Target::Value,
                message,
                "name them by label, workload or service",
            );
        }
        if endpoint.new_namespaces.is_some() && (!by_label || endpoint.namespace.is_some()) {
            let message = "it has no meaning here".to_owned();
            let help = "it goes with `namespaceSelector` and `podSelector`";
            self.say(
                &route.clone().key("newNamespaces"),
                Target::Key,
                message,
                help,
            );
        }
        for (key, selector) in [
            ("namespaceSelector", &endpoint.namespace_selector),
            ("podSelector", &endpoint.pod_selector),
        ] {
            if let Some(selector) = selector {
                self.selector(&route.clone().key(key), selector);
            }
        }
        for (key, name, parts) in [
            ("workload", &endpoint.workload, 2..=3),
            ("service", &endpoint.service, 2..=2),
        ] {
            let Some(name) = name else { continue };
            let found: Vec<&str> = name.split('/').collect();
            if !parts.contains(&found.len()) || found.iter().any(|part| part.is_empty()) {
                let message = format!("`{name}` is not of the form `namespace/name`");
                self.say(&route.clone().key(key), Target::Value, message, "");
            }
        }
        if let Some(block) = &endpoint.ip_block {
            let route = route.clone().key("ipBlock");
            self.cidr(&route.clone().key("cidr"), &block.cidr);
            for (index, except) in block.except.iter().enumerate() {
                self.cidr(&route.clone().key("except").index(index), except);
            }
        }
    }

    fn cidr(&mut self, route: &Route, text: &str) {
        if text.parse::<IpNet>().is_err() {
            let message = format!("`{text}` is not a block of addresses");
            self.say(
                route,
                Target::Value,
                message,
                "write it as `10.0.0.0/8` or `2001:db8::/32`",
            );
        }
    }

    fn selector(&mut self, route: &Route, selector: &LabelSelector) {
        for (index, requirement) in selector.match_expressions.iter().enumerate() {
            let route = route
                .clone()
                .key("matchExpressions")
                .index(index)
                .key("values");
            let needs_values = matches!(
                requirement.operator,
                SelectorOperator::In | SelectorOperator::NotIn
            );
            if needs_values && requirement.values.is_empty() {
                let message = "`In` and `NotIn` need values".to_owned();
                self.say(&route, Target::Value, message, "");
            } else if !needs_values && !requirement.values.is_empty() {
                let message = "`Exists` and `DoesNotExist` take no values".to_owned();
                self.say(&route, Target::Key, message, "remove them");
            }
        }
    }

    fn ports(&mut self, route: &Route, ports: Option<&[Port]>) {
        let Some(ports) = ports else { return };
        if ports.is_empty() {
            let help = "leave `ports` out for all traffic";
            self.say(route, Target::Key, "the list is empty".to_owned(), help);
        }
        let is_port = |number: i64| (1..=65535).contains(&number);
        for (index, port) in ports.iter().enumerate() {
            let route = route.clone().index(index);
            let range = "a port is a number from 1 to 65535";
            match (&port.port, port.end_port) {
                (Some(PortValue::Number(number)), _) if !is_port(*number) => {
                    self.say(
                        &route.clone().key("port"),
                        Target::Value,
                        range.to_owned(),
                        "",
                    );
                }
                (_, Some(last)) if !is_port(last) => {
                    self.say(
                        &route.clone().key("endPort"),
                        Target::Value,
                        range.to_owned(),
                        "",
                    );
                }
                (Some(PortValue::Number(first)), Some(last)) if last < *first => {
                    let message = format!("the range ends at {last}, before it starts");
                    self.say(&route.clone().key("endPort"), Target::Value, message, "");
                }
                (Some(PortValue::Name(_)) | None, Some(_)) => {
                    let message = "a range starts at a number".to_owned();
                    let help = "give `port` a number";
                    self.say(&route.clone().key("endPort"), Target::Key, message, help);
                }
                _ => {}
            }
        }
    }
}
