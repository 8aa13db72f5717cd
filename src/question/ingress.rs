//! From outside through an Ingress to pods, hop by hop (I1 to I5).
//!
//! An Ingress is no connection by itself: a controller's pods take the request and dial the
//! backend's pods (I5). So the two hops are outside to controller, and controller to backend,
//! and each is an ordinary flow that policy decides.

use super::service::{Backend, backends};
use crate::model::{
    AddressChoice, BackendPort, Cluster, Evaluation, Family, Flow, Ingress, IngressBackend, Labels,
    Party, PodId, Protocol, Selector, Service, ServiceId, ServicePort, TargetPort, Verdict,
    WorkloadId, address_choices, evaluate, evaluate_pods,
};
use crate::reach::{GroupId, Reach};
use std::collections::{BTreeMap, BTreeSet};

/// A controller that is known by its labels and by the name its IngressClass gives.
struct KnownController {
    /// `spec.controller` of its IngressClass.
    class: &'static str,
    /// Labels of its pods, all of which must be there.
    labels: &'static [(&'static str, &'static str)],
}

/// The controllers that are recognised, from their published manifests.
const KNOWN: [KnownController; 5] = [
    KnownController {
        class: "k8s.io/ingress-nginx",
        labels: &[
            ("app.kubernetes.io/name", "ingress-nginx"),
            ("app.kubernetes.io/component", "controller"),
        ],
    },
    KnownController {
        class: "traefik.io/ingress-controller",
        labels: &[("app.kubernetes.io/name", "traefik")],
    },
    KnownController {
        class: "haproxy.org/ingress-controller",
        labels: &[("app.kubernetes.io/name", "kubernetes-ingress")],
    },
    KnownController {
        class: "haproxy-ingress.github.io/controller",
        labels: &[("app.kubernetes.io/name", "haproxy-ingress")],
    },
    KnownController {
        class: "openshift.io/ingress-to-route",
        labels: &[(
            "ingresscontroller.operator.openshift.io/deployment-ingresscontroller",
            "default",
        )],
    },
];

/// Who serves Ingresses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Controller {
    /// These workloads' pods.
    Workloads(Vec<WorkloadId>),
    /// Nobody in the input: some pod of which nothing is known.
    Unknown,
}

/// What `--ingress-controller NS/SELECTOR` names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControllerChoice {
    /// The namespace's name.
    pub namespace: String,
    /// Which pods in it.
    pub selector: Selector,
}

/// The controller that serves an Ingress: the chosen one; else, of those recognised in the
/// input, the one its class names; else all that are recognised; else an unknown one (I4, I5).
pub fn controller_of(
    cluster: &Cluster,
    ingress: &Ingress,
    choice: Option<&ControllerChoice>,
) -> Controller {
    if let Some(choice) = choice {
        return chosen(cluster, choice);
    }
    let class = match (&ingress.class, ingress.kind) {
        (_, "Route") => Some("openshift.io/ingress-to-route"),
        (Some(class), _) => {
            let named = cluster.ingress_classes.iter().find(|c| c.name == *class);
            named.map(|class| class.controller.as_str())
        }
        (None, _) => {
            let default = cluster.ingress_classes.iter().find(|c| c.is_default);
            default.map(|class| class.controller.as_str())
        }
    };
    if let Some(class) = class
        && KNOWN.iter().any(|known| known.class == class)
    {
        return recognised(cluster, |known| known.class == class);
    }
    recognised(cluster, |_| true)
}

/// The pods that serve Ingresses as far as is known without looking at one: the chosen ones, else
/// all that are recognised (I5).
pub fn controllers(cluster: &Cluster, choice: Option<&ControllerChoice>) -> Vec<WorkloadId> {
    let found = match choice {
        Some(choice) => chosen(cluster, choice),
        None => recognised(cluster, |_| true),
    };
    match found {
        Controller::Workloads(workloads) => workloads,
        Controller::Unknown => Vec::new(),
    }
}

fn chosen(cluster: &Cluster, choice: &ControllerChoice) -> Controller {
    let namespace = cluster.namespace_named(&choice.namespace);
    workloads_where(cluster, |pod_namespace, labels| {
        Some(pod_namespace) == namespace && choice.selector.matches(labels)
    })
}

fn recognised(cluster: &Cluster, wanted: impl Fn(&KnownController) -> bool) -> Controller {
    workloads_where(cluster, |_, labels| {
        KNOWN.iter().filter(|known| wanted(known)).any(|known| {
            known.labels.iter().all(|(key, value)| {
                let key = cluster.symbols.get(key);
                let value = cluster.symbols.get(value);
                value.is_some() && key.and_then(|key| labels.get(key)) == value
            })
        })
    })
}

fn workloads_where(
    cluster: &Cluster,
    wanted: impl Fn(crate::model::NamespaceId, &Labels) -> bool,
) -> Controller {
    let found: BTreeSet<WorkloadId> = cluster
        .pods
        .iter()
        .filter(|pod| wanted(pod.namespace, &pod.labels))
        .map(|pod| pod.workload)
        .collect();
    if found.is_empty() {
        Controller::Unknown
    } else {
        Controller::Workloads(found.into_iter().collect())
    }
}

/// Where a backend of an Ingress leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// To a Service's port and what is behind it.
    Backends {
        /// The Service.
        service: ServiceId,
        /// What is behind it.
        backends: Vec<Backend>,
    },
    /// Nowhere: the Service is not in the input (I1).
    NoService,
    /// Nowhere: the Service has no such port (I1).
    NoPort {
        /// The Service.
        service: ServiceId,
    },
    /// To something that is not a Service.
    Resource,
}

/// Follows one backend of an Ingress to pods (I1).
pub fn follow(cluster: &Cluster, ingress: &Ingress, backend: &IngressBackend) -> Target {
    let Some(name) = &backend.service else {
        return Target::Resource;
    };
    let found = (0u32..)
        .map(ServiceId)
        .zip(&cluster.services)
        .find(|(_, service)| service.namespace == ingress.namespace && service.name == *name);
    let Some((id, service)) = found else {
        return Target::NoService;
    };
    let ports = service_ports(service, backend.port.as_ref());
    if ports.is_empty() {
        return Target::NoPort { service: id };
    }
    let mut all: Vec<Backend> = ports
        .iter()
        .flat_map(|port| backends(cluster, service, port))
        .collect();
    all.sort_unstable();
    all.dedup();
    Target::Backends {
        service: id,
        backends: all,
    }
}

/// The ports of a Service that a backend means; none when it has no such port. HTTP is spoken over
/// TCP.
pub fn service_ports<'a>(
    service: &'a Service,
    wanted: Option<&BackendPort>,
) -> Vec<&'a ServicePort> {
    let matches = |port: &&ServicePort| match wanted {
        None => true,
        Some(BackendPort::Number(number)) => port.port == *number,
        Some(BackendPort::Name(name)) => port.name.as_ref() == Some(name),
        // A Route names the port on the pod.
        Some(BackendPort::Target(number)) => match port.target {
            TargetPort::Number(target) => target == *number,
            TargetPort::Name(_) => port.port == *number,
        },
    };
    let tcp = |port: &&ServicePort| port.protocol == Protocol::Tcp;
    service.ports.iter().filter(tcp).filter(matches).collect()
}

/// Every backend of an Ingress, the default one last.
pub fn all_backends(ingress: &Ingress) -> impl Iterator<Item = &IngressBackend> {
    ingress
        .paths
        .iter()
        .map(|path| &path.backend)
        .chain(&ingress.default_backend)
}

/// What the specification says of the hop from the controller to one backend: for a known
/// controller one evaluation per pod of it, for an unknown one a single evaluation of some pod.
pub fn controller_hop(
    cluster: &Cluster,
    controller: &Controller,
    pod: PodId,
    protocol: Protocol,
    port: u16,
) -> Vec<(Party, Evaluation)> {
    match controller {
        Controller::Workloads(workloads) => workloads
            .iter()
            .flat_map(|&workload| cluster.pods_of(workload))
            .filter_map(|(source, _)| {
                let mut families = Family::ALL.into_iter();
                let found = families.find_map(|family| {
                    evaluate_pods(cluster, (source, pod), family, protocol, port)
                })?;
                Some((
                    Party::Pod {
                        pod: source,
                        address: None,
                    },
                    found,
                ))
            })
            .collect(),
        Controller::Unknown => {
            let address = cluster.pod(pod).and_then(|pod| {
                Family::ALL
                    .into_iter()
                    .find_map(|f| match address_choices(cluster, pod, f) {
                        AddressChoice::OneOf(addresses) => addresses.first().copied(),
                        AddressChoice::Blind | AddressChoice::Absent => None,
                    })
            });
            let flow = Flow {
                source: Party::SomePod,
                destination: Party::Pod { pod, address },
                protocol,
                port,
            };
            vec![(Party::SomePod, evaluate(cluster, &flow))]
        }
    }
}

/// One edge of the connectivity map: the controller reaches a workload's pod.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct IngressEdge {
    /// The workload reached.
    pub workload: WorkloadId,
    /// The protocol.
    pub protocol: Protocol,
    /// The port on the pod.
    pub port: u16,
    /// Allowed, or unknown because the controller is. Denied edges are not listed.
    pub verdict: Verdict,
}

/// The edges from the ingress controller to the pods that Ingresses lead to, sorted.
pub fn ingress_edges(
    cluster: &Cluster,
    reach: &Reach,
    choice: Option<&ControllerChoice>,
) -> Vec<IngressEdge> {
    let mut edges = BTreeSet::new();
    for led in led_to(cluster, reach, choice) {
        let Some(workload) = cluster.pod(led.pod).map(|pod| pod.workload) else {
            continue;
        };
        let open = led.verdicts.into_iter().filter(|v| *v != Verdict::Denied);
        edges.extend(open.map(|verdict| IngressEdge {
            workload,
            protocol: led.protocol,
            port: led.port,
            verdict,
        }));
    }
    edges.into_iter().collect()
}

/// A pod that an Ingress leads to, and what the set engine says of the hop from its controller.
#[derive(Clone, Debug)]
pub(super) struct Led<'a> {
    /// The Ingress.
    pub(super) ingress: &'a Ingress,
    /// The pod.
    pub(super) pod: PodId,
    /// The protocol.
    pub(super) protocol: Protocol,
    /// The port on the pod.
    pub(super) port: u16,
    /// What is said of the controller's pods, one verdict for all that are treated alike.
    pub(super) verdicts: BTreeSet<Verdict>,
}

/// Every pod that an Ingress leads to. Linear in pods and backends: pods of one group share an
/// answer.
pub(super) fn led_to<'a>(
    cluster: &'a Cluster,
    reach: &Reach,
    choice: Option<&ControllerChoice>,
) -> Vec<Led<'a>> {
    let mut found = Vec::new();
    // Few classes serve many Ingresses.
    let mut controllers: BTreeMap<(Option<&str>, &str), Controller> = BTreeMap::new();
    for ingress in &cluster.ingresses {
        let controller = controllers
            .entry((ingress.class.as_deref(), ingress.kind))
            .or_insert_with(|| controller_of(cluster, ingress, choice));
        for backend in all_backends(ingress) {
            let Target::Backends { backends, .. } = follow(cluster, ingress, backend) else {
                continue;
            };
            for backend in backends {
                if let Backend::Pod {
                    pod,
                    protocol,
                    port,
                } = backend
                {
                    found.push(Led {
                        ingress,
                        pod,
                        protocol,
                        port,
                        verdicts: controller_verdicts(
                            cluster, reach, controller, pod, protocol, port,
                        ),
                    });
                }
            }
        }
    }
    found
}

/// What the set engine says of the hop from the controller's pods to one backend; an unknown
/// controller is beyond it.
fn controller_verdicts(
    cluster: &Cluster,
    reach: &Reach,
    controller: &Controller,
    pod: PodId,
    protocol: Protocol,
    port: u16,
) -> BTreeSet<Verdict> {
    let Controller::Workloads(workloads) = controller else {
        let hops = controller_hop(cluster, controller, pod, protocol, port);
        return hops
            .iter()
            .map(|(_, evaluation)| evaluation.verdict)
            .collect();
    };
    let sources: BTreeSet<GroupId> = workloads
        .iter()
        .flat_map(|&workload| cluster.pods_of(workload))
        .filter_map(|(source, _)| reach.group_of(source))
        .collect();
    let destination = reach.group_of(pod);
    sources
        .into_iter()
        .flat_map(|source| Family::ALL.map(|family| (source, family)))
        .filter_map(|(source, family)| reach.between_groups(source, destination?, family))
        .map(|pair| pair.verdict(protocol, port))
        .collect()
}
