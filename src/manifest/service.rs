//! Service (`v1`; S1 to S10).

use super::builder::Builder;
use super::decode::decode;
use super::object::{Decode, Header, Kind, NamespacedFacts};
use super::path::Path;
use super::reader::Reader;
use super::selector::{LabelMap, lower_map_selector};
use super::tree::Tree;
use super::validate::{
    NameRule, check_cidr, check_service, invalid, is_headless, parse_ip, quote, valid_port,
};
use crate::model::{self, NamespaceId, Protocol, ServiceType, TargetPort, TrafficPolicy};
use ipnet::IpNet;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(crate) const KIND: Kind = Kind {
    api_version: "v1",
    kind: "Service",
    name: NameRule::Label1035,
    decode: Decode::Namespaced(read),
};

#[derive(Clone, Debug)]
struct Facts {
    service_type: ServiceType,
    selector: Option<LabelMap>,
    headless: bool,
    cluster_ips: Vec<IpAddr>,
    external_name: Option<String>,
    external_ips: Vec<IpAddr>,
    source_ranges: Vec<IpNet>,
    internal: bool,
    node_ports: bool,
    external_traffic_policy: TrafficPolicy,
    internal_traffic_policy: TrafficPolicy,
    publish_not_ready: bool,
    ports: Vec<PortFacts>,
}

#[derive(Clone, Debug)]
struct PortFacts {
    name: Option<String>,
    protocol: Protocol,
    port: u16,
    target: TargetFacts,
    node_port: Option<u16>,
}

#[derive(Clone, Debug)]
enum TargetFacts {
    Number(u16),
    Name(String),
}

fn read(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn NamespacedFacts>> {
    let service: Service = decode(reader, tree)?;
    let spec = service.spec.unwrap_or_default();
    check_service(reader, &spec);
    let service_type = match spec.type_.as_deref() {
        Some("ExternalName") => ServiceType::ExternalName,
        Some("NodePort") => ServiceType::NodePort,
        Some("LoadBalancer") => ServiceType::LoadBalancer,
        _ => ServiceType::ClusterIp,
    };
    let root = Path::Root;
    let path = root.key("spec");
    let headless = is_headless(&spec);
    let cluster_ips = cluster_ips(reader, &path, &spec);
    let external_path = path.key("externalIPs");
    let external_ips = addresses(reader, &external_path, spec.external_ips.as_deref());
    let ranges_path = path.key("loadBalancerSourceRanges");
    let ranges = spec.load_balancer_source_ranges.unwrap_or_default();
    let source_ranges = ranges
        .iter()
        .enumerate()
        // The server trims these, and no other blocks.
        .filter_map(|(index, text)| check_cidr(reader, &ranges_path.index(index), text.trim()))
        .map(|cidr| cidr.net)
        .collect();
    let is_alias = service_type == ServiceType::ExternalName;
    Some(Box::new(Facts {
        service_type,
        // S3: no selector and an empty one are the same. S5: an alias has no endpoints.
        selector: spec
            .selector
            .filter(|labels| !labels.is_empty() && !is_alias),
        headless,
        cluster_ips,
        external_name: spec.external_name.filter(|_| is_alias),
        external_ips,
        source_ranges,
        internal: service
            .metadata
            .annotations
            .is_some_and(|all| is_internal(&all)),
        node_ports: spec.allocate_load_balancer_node_ports.unwrap_or(true),
        external_traffic_policy: traffic_policy(spec.external_traffic_policy.as_deref()),
        internal_traffic_policy: traffic_policy(spec.internal_traffic_policy.as_deref()),
        publish_not_ready: spec.publish_not_ready_addresses.unwrap_or(false),
        ports: spec
            .ports
            .unwrap_or_default()
            .into_iter()
            .filter_map(port)
            .collect(),
    }))
}

/// Whether some provider's annotation asks for a load balancer that is not on the internet; they
/// all have `internal` in the key or as the value.
fn is_internal(annotations: &BTreeMap<String, String>) -> bool {
    annotations.iter().any(|(key, value)| {
        let value = value.to_lowercase();
        key.contains("internal") && value != "false" || value == "internal"
    })
}

fn traffic_policy(text: Option<&str>) -> TrafficPolicy {
    match text {
        Some("Local") => TrafficPolicy::Local,
        _ => TrafficPolicy::Cluster,
    }
}

fn cluster_ips(reader: &Reader<'_>, path: &Path<'_>, spec: &ServiceSpec) -> Vec<IpAddr> {
    let listed = spec.cluster_ips.as_deref().unwrap_or_default();
    if !listed.is_empty() {
        return addresses(reader, &path.key("clusterIPs"), Some(listed));
    }
    let single = spec.cluster_ip.as_deref().unwrap_or("");
    address(reader, &path.key("clusterIP"), single)
        .into_iter()
        .collect()
}

fn addresses(reader: &Reader<'_>, path: &Path<'_>, texts: Option<&[String]>) -> Vec<IpAddr> {
    texts
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter_map(|(index, text)| address(reader, &path.index(index), text))
        .collect()
}

/// One address; `None` and a finding if it is none. `None` as text stands for a headless Service.
fn address(reader: &Reader<'_>, path: &Path<'_>, text: &str) -> Option<IpAddr> {
    if text.is_empty() || text == "None" {
        return None;
    }
    let address = parse_ip(text);
    if address.is_none() {
        let detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
        reader.cause(path, &invalid(&quote(text), detail), None);
    }
    address
}

/// One port; `None` when the server would refuse it, which was reported.
fn port(port: ServicePort) -> Option<PortFacts> {
    let number = valid_port(port.port)?;
    let target = match port.target_port {
        // S2: a missing targetPort is the port.
        None | Some(IntOrString::Int(0)) => TargetFacts::Number(number),
        Some(IntOrString::Int(target)) => TargetFacts::Number(valid_port(target)?),
        Some(IntOrString::String(name)) if name.is_empty() => TargetFacts::Number(number),
        Some(IntOrString::String(name)) => TargetFacts::Name(name),
    };
    let protocol = match port.protocol.as_deref() {
        None | Some("") => Protocol::Tcp,
        Some(name) => Protocol::from_name(name)?,
    };
    Some(PortFacts {
        name: port.name.filter(|name| !name.is_empty()),
        protocol,
        port: number,
        target,
        node_port: port.node_port.and_then(valid_port),
    })
}

impl NamespacedFacts for Facts {
    fn lower(self: Box<Self>, header: Header, namespace: NamespaceId, builder: &mut Builder) {
        let symbols = &mut builder.cluster.symbols;
        let ports = self
            .ports
            .into_iter()
            .map(|port| model::ServicePort {
                name: port.name,
                protocol: port.protocol,
                port: port.port,
                target: match port.target {
                    TargetFacts::Number(number) => TargetPort::Number(number),
                    TargetFacts::Name(name) => TargetPort::Name(symbols.intern(&name)),
                },
                node_port: port.node_port,
            })
            .collect();
        let selector = self
            .selector
            .map(|labels| lower_map_selector(&labels, symbols));
        builder.cluster.services.push(model::Service {
            namespace,
            name: header.name,
            service_type: self.service_type,
            selector,
            headless: self.headless,
            cluster_ips: self.cluster_ips,
            external_name: self.external_name,
            external_ips: self.external_ips,
            source_ranges: self.source_ranges,
            internal: self.internal,
            node_ports: self.node_ports,
            external_traffic_policy: self.external_traffic_policy,
            internal_traffic_policy: self.internal_traffic_policy,
            publish_not_ready: self.publish_not_ready,
            ports,
            origin: header.origin,
        });
    }
}
