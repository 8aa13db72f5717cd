//! Ingresses (I1), in the order in which the API server checks them.

use super::cidr::parse_ip;
use super::name::{label, subdomain, wildcard_subdomain};
use super::port::{check_port_name, check_port_number};
use super::{did_you_mean, invalid, quote, required, unsupported};
use crate::manifest::path::Path;
use crate::manifest::reader::Reader;
use crate::source::Target;
use k8s_openapi::api::networking::v1::{HTTPIngressPath, IngressBackend, IngressSpec};

const PATH_TYPES: &[&str] = &["Exact", "ImplementationSpecific", "Prefix"];

/// Checks an Ingress's spec, and the legacy class annotation against it (I4).
pub(crate) fn check_ingress(reader: &Reader<'_>, spec: &IngressSpec, annotation: Option<&str>) {
    let root = Path::Root;
    let path = root.key("spec");
    let rules = spec.rules.as_deref().unwrap_or_default();
    if rules.is_empty() && spec.default_backend.is_none() {
        let body = invalid(
            "[]networking.IngressRule(nil)",
            "either `defaultBackend` or `rules` must be specified",
        );
        reader.cause_at(&path, reader.place(&path, Target::Key), &body, None);
    }
    if let Some(backend) = &spec.default_backend {
        check_backend(reader, &path.key("defaultBackend"), backend);
    }
    let rules_path = path.key("rules");
    for (index, rule) in rules.iter().enumerate() {
        let rule_path = rules_path.index(index);
        check_host(
            reader,
            &rule_path.key("host"),
            rule.host.as_deref().unwrap_or(""),
        );
        let Some(http) = &rule.http else { continue };
        let http_path = rule_path.key("http");
        let paths_path = http_path.key("paths");
        if http.paths.is_empty() {
            let place = reader.place(&http_path, Target::Key);
            reader.cause_at(&paths_path, place, &required(""), None);
        }
        for (index, entry) in http.paths.iter().enumerate() {
            check_path(reader, &paths_path.index(index), entry);
        }
    }
    let tls_path = path.key("tls");
    for (index, tls) in spec.tls.iter().flatten().enumerate() {
        let entry_path = tls_path.index(index);
        let hosts_path = entry_path.key("hosts");
        for (index, host) in tls.hosts.iter().flatten().enumerate() {
            let problems = if host.contains('*') {
                wildcard_subdomain(host)
            } else {
                subdomain(host)
            };
            for problem in problems {
                reader.cause(
                    &hosts_path.index(index),
                    &invalid(&quote(host), &problem),
                    None,
                );
            }
        }
    }
    if let (Some(annotation), Some(class)) = (annotation, &spec.ingress_class_name)
        && annotation != class
    {
        // The server names `annotations.`, without the `metadata` before it.
        let annotations = root.key("annotations");
        let message_path = annotations.key("kubernetes.io/ingress.class");
        let metadata = root.key("metadata");
        let node = metadata.key("annotations");
        let place = reader.place(&node.key("kubernetes.io/ingress.class"), Target::Value);
        let body = invalid(
            &quote(annotation),
            "must match `ingressClassName` when both are specified",
        );
        reader.cause_at(&message_path, place, &body, None);
    }
}

fn check_host(reader: &Reader<'_>, path: &Path<'_>, host: &str) {
    if host.is_empty() {
        return;
    }
    if parse_ip(host).is_some() {
        let body = invalid(&quote(host), "must be a DNS name, not an IP address");
        reader.cause(path, &body, None);
    }
    let problems = if host.contains('*') {
        wildcard_subdomain(host)
    } else {
        subdomain(host)
    };
    for problem in problems {
        reader.cause(path, &invalid(&quote(host), &problem), None);
    }
}

fn check_path(reader: &Reader<'_>, path: &Path<'_>, entry: &HTTPIngressPath) {
    if entry.path_type.is_empty() {
        let body = required("pathType must be specified");
        let place = reader.place(path, Target::Value);
        let help = "add `pathType: Prefix`".to_owned();
        reader.cause_at(&path.key("pathType"), place, &body, Some(help));
        return;
    }
    let text = entry.path.as_deref().unwrap_or("");
    let text_path = path.key("path");
    let is_absolute = text.starts_with('/');
    let not_absolute = || {
        let place = if entry.path.is_some() {
            reader.place(&text_path, Target::Value)
        } else {
            reader.place(path, Target::Value)
        };
        let body = invalid(&quote(text), "must be an absolute path");
        reader.cause_at(&text_path, place, &body, None);
    };
    match entry.path_type.as_str() {
        "Exact" | "Prefix" => {
            if !is_absolute {
                not_absolute();
            }
            for sequence in ["//", "/./", "/../", "%2f", "%2F"] {
                if text.contains(sequence) {
                    let body = invalid(&quote(text), &format!("must not contain '{sequence}'"));
                    reader.cause(&text_path, &body, None);
                }
            }
            for suffix in ["/..", "/."] {
                if text.ends_with(suffix) {
                    let body = invalid(&quote(text), &format!("cannot end with '{suffix}'"));
                    reader.cause(&text_path, &body, None);
                }
            }
        }
        "ImplementationSpecific" if !text.is_empty() && !is_absolute => not_absolute(),
        "ImplementationSpecific" => {}
        other => {
            let body = unsupported(other, PATH_TYPES);
            reader.cause(
                &path.key("pathType"),
                &body,
                did_you_mean(other, PATH_TYPES),
            );
        }
    }
    check_backend(reader, &path.key("backend"), &entry.backend);
}

fn check_backend(reader: &Reader<'_>, path: &Path<'_>, backend: &IngressBackend) {
    let empty = |detail: &str| {
        reader.cause_at(
            path,
            reader.place(path, Target::Key),
            &invalid("\"\"", detail),
            None,
        );
    };
    let service = match (&backend.resource, &backend.service) {
        (Some(_), Some(_)) => return empty("cannot set both resource and service backends"),
        (None, None) => return empty("resource or service backend is required"),
        (Some(_), None) => return,
        (None, Some(service)) => service,
    };
    let service_path = path.key("service");
    let name_path = service_path.key("name");
    if service.name.is_empty() {
        let place = reader.place(&service_path, Target::Key);
        reader.cause_at(&name_path, place, &required(""), None);
    } else {
        for problem in label(&service.name) {
            reader.cause(&name_path, &invalid(&quote(&service.name), &problem), None);
        }
    }
    let port = service.port.as_ref();
    let name = port
        .and_then(|port| port.name.as_deref())
        .filter(|name| !name.is_empty());
    let number = port
        .and_then(|port| port.number)
        .filter(|&number| number != 0);
    let port_path = service_path.key("port");
    match (name, number) {
        (Some(_), Some(_)) => empty("cannot set both port name & port number"),
        (Some(name), None) => check_port_name(reader, &port_path.key("name"), name),
        (None, Some(number)) => check_port_number(reader, &port_path.key("number"), number),
        (None, None) => {
            let place = reader.place(path, Target::Key);
            let body = required("port name or number is required");
            reader.cause_at(path, place, &body, None);
        }
    }
}
