//! Services: what of the API server's validation decides their meaning.

use super::name::label;
use super::port::{check_port_name, check_port_number};
use super::{did_you_mean, invalid, quote, required, unsupported};
use crate::manifest::path::Path;
use crate::manifest::reader::Reader;
use crate::source::Target;
use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeSet;

// The server lists supported values of Services in alphabetical order.
const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];
const TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

/// Checks a Service's spec.
pub(crate) fn check_service(reader: &Reader<'_>, spec: &ServiceSpec) {
    let root = Path::Root;
    let path = root.key("spec");
    let service_type = spec.type_.as_deref().unwrap_or("ClusterIP");
    let ports = spec.ports.as_deref().unwrap_or_default();
    if !TYPES.contains(&service_type) {
        let body = unsupported(service_type, TYPES);
        reader.cause(&path.key("type"), &body, did_you_mean(service_type, TYPES));
    }
    let ports_path = path.key("ports");
    if ports.is_empty() && !is_headless(spec) && service_type != "ExternalName" {
        let place = reader.place(&path, Target::Key);
        reader.cause_at(&ports_path, place, &required(""), None);
    }
    if service_type == "ExternalName" && spec.external_name.as_deref().unwrap_or("").is_empty() {
        let place = reader.place(&path, Target::Key);
        reader.cause_at(&path.key("externalName"), place, &required(""), None);
    }
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let port_path = ports_path.index(index);
        check_name(reader, &port_path, port, ports.len() > 1, &mut names);
        check_port(reader, &port_path, port);
    }
    check_repetitions(reader, &ports_path, ports);
}

/// S4: whether the Service has no virtual address.
pub(crate) fn is_headless(spec: &ServiceSpec) -> bool {
    let first = spec
        .cluster_ips
        .as_ref()
        .and_then(|addresses| addresses.first());
    let first = first.or(spec.cluster_ip.as_ref());
    first.is_some_and(|address| address == "None")
}

/// S10: a name is needed to tell ports apart, and must do so.
fn check_name<'a>(
    reader: &Reader<'_>,
    path: &Path<'_>,
    port: &'a ServicePort,
    is_needed: bool,
    names: &mut BTreeSet<&'a str>,
) {
    let name = port.name.as_deref().unwrap_or("");
    let name_path = path.key("name");
    if name.is_empty() {
        if is_needed {
            let place = reader.place(path, Target::Value);
            reader.cause_at(&name_path, place, &required(""), None);
        }
        return;
    }
    for problem in label(name) {
        reader.cause(&name_path, &invalid(&quote(name), &problem), None);
    }
    if !names.insert(name) {
        reader.cause(
            &name_path,
            &format!("Duplicate value: {}", quote(name)),
            None,
        );
    }
}

fn check_port(reader: &Reader<'_>, path: &Path<'_>, port: &ServicePort) {
    let port_path = path.key("port");
    if port.port == 0 {
        // Missing and 0 are the same to the server.
        let place = reader.place(path, Target::Value);
        let body = invalid("0", "must be between 1 and 65535, inclusive");
        reader.cause_at(&port_path, place, &body, None);
    } else {
        check_port_number(reader, &port_path, port.port);
    }
    if let Some(protocol) = port
        .protocol
        .as_deref()
        .filter(|protocol| !protocol.is_empty())
        && !PROTOCOLS.contains(&protocol)
    {
        let body = unsupported(protocol, PROTOCOLS);
        reader.cause(
            &path.key("protocol"),
            &body,
            did_you_mean(protocol, PROTOCOLS),
        );
    }
    let target_path = path.key("targetPort");
    match &port.target_port {
        // 0 is what a missing targetPort is to the server, which then takes the port (S2).
        None | Some(IntOrString::Int(0)) => {}
        Some(IntOrString::Int(number)) => check_port_number(reader, &target_path, *number),
        Some(IntOrString::String(name)) if name.is_empty() => {}
        Some(IntOrString::String(name)) => check_port_name(reader, &target_path, name),
    }
}

/// S10: protocol and port together are unique.
fn check_repetitions(reader: &Reader<'_>, path: &Path<'_>, ports: &[ServicePort]) {
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        if !seen.insert((protocol, port.port)) {
            let body = format!(
                "Duplicate value: {}",
                quote(&format!("{protocol} {}", port.port))
            );
            reader.cause(&path.index(index), &body, None);
        }
    }
}
