//! NetworkPolicy (V2 to V20), in the order in which the API server checks it.

use super::cidr::check_block;
use super::port::{check_port_name, check_port_number};
use super::selector::check_selector;
use super::{did_you_mean, invalid, quote, required, unsupported};
use crate::manifest::path::Path;
use crate::manifest::reader::Reader;
use crate::source::Target;
use k8s_openapi::api::networking::v1::{NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

const PROTOCOLS: &[&str] = &["TCP", "UDP", "SCTP"];
const POLICY_TYPES: &[&str] = &["Ingress", "Egress"];

/// Checks a policy's spec.
pub(crate) fn check_network_policy(reader: &Reader<'_>, spec: &NetworkPolicySpec) {
    let root = Path::Root;
    let path = root.key("spec");
    if let Some(selector) = &spec.pod_selector {
        check_selector(reader, &path.key("podSelector"), selector);
    }
    let ingress = path.key("ingress");
    for (index, rule) in spec.ingress.iter().flatten().enumerate() {
        let rule_path = ingress.index(index);
        check_ports(reader, &rule_path, rule.ports.as_deref());
        check_peers(reader, &rule_path.key("from"), rule.from.as_deref());
    }
    let egress = path.key("egress");
    for (index, rule) in spec.egress.iter().flatten().enumerate() {
        let rule_path = egress.index(index);
        check_ports(reader, &rule_path, rule.ports.as_deref());
        check_peers(reader, &rule_path.key("to"), rule.to.as_deref());
    }
    check_policy_types(
        reader,
        &path,
        spec.policy_types.as_deref().unwrap_or_default(),
    );
}

/// V19, V20.
fn check_policy_types(reader: &Reader<'_>, spec: &Path<'_>, types: &[String]) {
    let path = spec.key("policyTypes");
    if types.len() > POLICY_TYPES.len() {
        let quoted: Vec<String> = types.iter().map(|name| quote(name)).collect();
        let value = format!("[]networking.PolicyType{{{}}}", quoted.join(", "));
        let body = invalid(&value, "may not specify more than two policyTypes");
        reader.cause(&path, &body, None);
        return;
    }
    for (index, name) in types.iter().enumerate() {
        if !POLICY_TYPES.contains(&name.as_str()) {
            let body = unsupported(name, POLICY_TYPES);
            reader.cause(&path.index(index), &body, did_you_mean(name, POLICY_TYPES));
        }
    }
}

fn check_ports(reader: &Reader<'_>, rule: &Path<'_>, ports: Option<&[NetworkPolicyPort]>) {
    let path = rule.key("ports");
    for (index, port) in ports.unwrap_or_default().iter().enumerate() {
        check_port(reader, &path.index(index), port);
    }
}

/// V2 to V8.
fn check_port(reader: &Reader<'_>, path: &Path<'_>, port: &NetworkPolicyPort) {
    if let Some(protocol) = &port.protocol
        && !PROTOCOLS.contains(&protocol.as_str())
    {
        let help = did_you_mean(protocol, PROTOCOLS).or_else(|| {
            let other = ["ICMP", "ICMPV6", "ALL", "ANY", "*"];
            other.contains(&protocol.to_uppercase().as_str()).then(|| {
                "NetworkPolicy knows TCP, UDP and SCTP; leave `ports` out to allow everything"
                    .to_owned()
            })
        });
        let body = unsupported(protocol, PROTOCOLS);
        reader.cause(&path.key("protocol"), &body, help);
    }
    let (port_path, end_path) = (path.key("port"), path.key("endPort"));
    let refuse_end = |detail: &str, help: Option<&str>| {
        if let Some(end) = port.end_port {
            let body = invalid(&end.to_string(), detail);
            reader.cause(&end_path, &body, help.map(str::to_owned));
        }
    };
    match &port.port {
        Some(IntOrString::Int(number)) => {
            check_port_number(reader, &port_path, *number);
            if let Some(end) = port.end_port {
                if end < *number {
                    refuse_end("must be greater than or equal to `port`", None);
                }
                check_port_number(reader, &end_path, end);
            }
        }
        Some(IntOrString::String(name)) => {
            refuse_end("may not be specified when `port` is non-numeric", None);
            check_port_name(reader, &port_path, name);
        }
        None => refuse_end(
            "may not be specified when `port` is not specified",
            Some("add `port`, the first port of the range"),
        ),
    }
}

/// V9 to V18.
fn check_peers(reader: &Reader<'_>, path: &Path<'_>, peers: Option<&[NetworkPolicyPeer]>) {
    for (index, peer) in peers.unwrap_or_default().iter().enumerate() {
        let path = path.index(index);
        if let Some(selector) = &peer.pod_selector {
            check_selector(reader, &path.key("podSelector"), selector);
        }
        if let Some(selector) = &peer.namespace_selector {
            check_selector(reader, &path.key("namespaceSelector"), selector);
        }
        if let Some(block) = &peer.ip_block {
            check_block(reader, &path.key("ipBlock"), block);
        }
        let selects = peer.pod_selector.is_some() || peer.namespace_selector.is_some();
        match (selects, peer.ip_block.is_some()) {
            (false, false) => {
                let help = "write `podSelector: {}` for the pods of this namespace, or \
                            `namespaceSelector: {}` for all pods";
                let place = reader.place(&path, Target::Value);
                let body = required("must specify a peer");
                reader.cause_at(&path, place, &body, Some(help.to_owned()));
            }
            (true, true) => {
                let help = "give each a list entry of its own, with a dash before it";
                let body = "Forbidden: may not specify both ipBlock and another peer";
                reader.cause(&path, body, Some(help.to_owned()));
            }
            _ => {}
        }
    }
}
