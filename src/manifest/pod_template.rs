//! What a pod, or a template of pods, says about its pods.

use super::builder::Builder;
use super::path::Path;
use super::reader::Reader;
use super::selector::{LabelMap, lower_labels};
use super::validate::{
    check_labels, check_port_name, check_port_number, required, unsupported, valid_port,
};
use crate::model::{ContainerPort, Labels, Origin, Protocol};
use crate::source::Target;
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use std::net::IpAddr;

/// The facts of a pod or of a template.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodFacts {
    pub(crate) labels: LabelMap,
    pub(crate) ports: Vec<PortFacts>,
    pub(crate) host_network: bool,
    pub(crate) node: Option<String>,
    /// At most one of each family.
    pub(crate) addresses: Vec<IpAddr>,
}

/// A declared container port.
#[derive(Clone, Debug)]
pub(crate) struct PortFacts {
    name: Option<String>,
    protocol: Protocol,
    port: u16,
    host_port: Option<u16>,
}

/// The same, interned.
#[derive(Debug)]
pub(crate) struct PodDraft {
    pub(crate) labels: Labels,
    pub(crate) ports: Vec<ContainerPort>,
    pub(crate) host_network: bool,
    pub(crate) node: Option<String>,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) origin: Origin,
}

/// The facts of the template at `path`, with findings for its labels and ports.
pub(crate) fn template_facts(
    reader: &Reader<'_>,
    path: &Path<'_>,
    template: PodTemplateSpec,
) -> PodFacts {
    let labels = template.metadata.and_then(|metadata| metadata.labels);
    let labels = labels.unwrap_or_default();
    check_labels(reader, &path.key("metadata"), &labels);
    let spec = template.spec.unwrap_or_default();
    spec_facts(reader, &path.key("spec"), spec, labels)
}

/// The facts of the pod spec at `path`.
pub(crate) fn spec_facts(
    reader: &Reader<'_>,
    path: &Path<'_>,
    spec: PodSpec,
    labels: LabelMap,
) -> PodFacts {
    let mut ports = Vec::new();
    let containers = path.key("containers");
    for (index, container) in spec.containers.iter().enumerate() {
        container_ports(reader, &containers.index(index), container, &mut ports);
    }
    let init_containers = path.key("initContainers");
    for (index, container) in spec.init_containers.iter().flatten().enumerate() {
        // A sidecar runs as long as the pod; other init containers are gone before it is ready.
        if container.restart_policy.as_deref() == Some("Always") {
            container_ports(reader, &init_containers.index(index), container, &mut ports);
        }
    }
    PodFacts {
        labels,
        ports,
        host_network: spec.host_network.unwrap_or(false),
        node: spec.node_name.filter(|node| !node.is_empty()),
        addresses: Vec::new(),
    }
}

fn container_ports(
    reader: &Reader<'_>,
    path: &Path<'_>,
    container: &Container,
    ports: &mut Vec<PortFacts>,
) {
    let ports_path = path.key("ports");
    for (index, port) in container.ports.iter().flatten().enumerate() {
        let port_path = ports_path.index(index);
        let name = port.name.clone().filter(|name| !name.is_empty());
        if let Some(name) = &name {
            check_port_name(reader, &port_path.key("name"), name);
        }
        let number_path = port_path.key("containerPort");
        if port.container_port == 0 {
            let place = reader.place(&port_path, Target::Value);
            reader.cause_at(&number_path, place, &required(""), None);
        } else {
            check_port_number(reader, &number_path, port.container_port);
        }
        let protocol = match port.protocol.as_deref() {
            None | Some("") => Some(Protocol::Tcp),
            Some(protocol) => {
                let known = Protocol::from_name(protocol);
                if known.is_none() {
                    let body = unsupported(protocol, &["SCTP", "TCP", "UDP"]);
                    reader.cause(&port_path.key("protocol"), &body, None);
                }
                known
            }
        };
        if let (Some(protocol), Some(number)) = (protocol, valid_port(port.container_port)) {
            ports.push(PortFacts {
                name,
                protocol,
                port: number,
                host_port: port.host_port.and_then(valid_port),
            });
        }
    }
}

/// At most one address of each family, the first of each, in order.
pub(crate) fn one_per_family(addresses: impl IntoIterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut kept: Vec<IpAddr> = Vec::new();
    for address in addresses {
        if !kept
            .iter()
            .any(|other| other.is_ipv4() == address.is_ipv4())
        {
            kept.push(address);
        }
    }
    kept
}

impl PodFacts {
    /// Interns the facts.
    pub(crate) fn lower(self, origin: Origin, builder: &mut Builder) -> PodDraft {
        let symbols = &mut builder.cluster.symbols;
        let labels = lower_labels(&self.labels, symbols);
        let ports = self
            .ports
            .into_iter()
            .map(|port| ContainerPort {
                name: port.name.map(|name| symbols.intern(&name)),
                protocol: port.protocol,
                port: port.port,
                host_port: port.host_port,
            })
            .collect();
        PodDraft {
            labels,
            ports,
            host_network: self.host_network,
            node: self.node,
            addresses: self.addresses,
            origin,
        }
    }
}
