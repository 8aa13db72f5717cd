//! Endpoints and ports of intents: what they stand for in a cluster.

use super::claim::{Ends, Scope};
use super::resolve::{Resolver, known_namespaces, outside};
use super::wire::{
    Endpoint, Entity, IpBlock, LabelSelector, Port, PortValue, ProtocolName, SelectorOperator,
};
use crate::model::{
    Cluster, IpBlock as ModelBlock, METADATA_NAME, NamespaceMatch, NodeId, Operator, PodId,
    PortMatchKind, Protocol, Requirement, Selector, Service, Severity, Symbol, TargetPort,
    WorkloadId, block_addresses,
};
use crate::source::Route;
use crate::symbolic::{PodSelection, TrafficSpec, compatible};

impl Resolver<'_> {
    pub(super) fn ends(&mut self, route: &Route, endpoints: &[Endpoint]) -> Ends {
        let mut ends = Ends::default();
        for (index, endpoint) in endpoints.iter().enumerate() {
            self.end(&route.clone().index(index), endpoint, &mut ends);
        }
        ends
    }

    pub(super) fn end(&mut self, route: &Route, endpoint: &Endpoint, ends: &mut Ends) {
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
        let could_select = could_select(self.cluster, &selection);
        // An exception that is none takes nothing away from what is proved.
        if found.is_empty() && !self.in_exception {
            let help = match self.scope {
                Scope::Possible if !could_select => {
                    "no pod ever could be selected: its conditions exclude each other"
                }
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
        if could_select {
            ends.pods.selections.push(selection);
        }
    }

    pub(super) fn in_namespace(&mut self, name: &str) -> Selector {
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
    pub(super) fn service_traffic(
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

    pub(super) fn traffic(&mut self, ports: Option<&[Port]>) -> TrafficSpec {
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

/// Whether a pod that one could create would be selected: in a namespace of the input, whose
/// labels are known, or in another one, whose labels may be anything.
fn could_select(cluster: &mut Cluster, selection: &PodSelection) -> bool {
    let NamespaceMatch::Labels(namespaces) = &selection.namespaces else {
        return false;
    };
    let known = known_namespaces(cluster);
    let another = known.requirements().iter().flat_map(|requirement| {
        let is_new = match &requirement.operator {
            Operator::In(names) => Operator::NotIn(names.clone()),
            other => other.clone(),
        };
        // Every namespace has its name as a label (N15).
        [Operator::Exists, is_new].map(|operator| Requirement {
            key: requirement.key,
            operator,
        })
    });
    let another = Selector::new(another.collect::<Vec<_>>());
    let mut existing = cluster.namespaces.iter();
    compatible(&selection.pods, &Selector::everything())
        && (existing.any(|namespace| namespaces.matches(&namespace.labels))
            || compatible(namespaces, &another))
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
