//! OpenShift's Route (`route.openshift.io/v1`), read as an Ingress.

use super::decode::decode;
use super::ingress::{BackendFacts, Facts, OwnRoute, PathFacts};
use super::object::{Decode, Kind, NamespacedFacts};
use super::path::Path;
use super::reader::Reader;
use super::tree::Tree;
use super::validate::{NameRule, check_port_number, required, unsupported, valid_port};
use crate::model::BackendPort;
use crate::source::Target;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Deserialize;
use serde::de::IgnoredAny;

pub(crate) const KIND: Kind = Kind {
    api_version: "route.openshift.io/v1",
    kind: "Route",
    name: NameRule::Subdomain,
    decode: Decode::Namespaced(read),
};

/// The object. Fields that say nothing about connectivity are named so that they are known.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(dead_code, reason = "fields are named so that decoding knows them")]
struct Route {
    api_version: Option<String>,
    kind: Option<String>,
    metadata: ObjectMeta,
    spec: Option<RouteSpec>,
    status: IgnoredAny,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(dead_code, reason = "fields are named so that decoding knows them")]
struct RouteSpec {
    host: Option<String>,
    subdomain: IgnoredAny,
    path: Option<String>,
    to: Option<RouteTarget>,
    alternate_backends: Option<Vec<RouteTarget>>,
    port: Option<RoutePort>,
    tls: Option<IgnoredAny>,
    wildcard_policy: IgnoredAny,
    http_headers: IgnoredAny,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RouteTarget {
    kind: Option<String>,
    name: Option<String>,
    weight: Option<i32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RoutePort {
    target_port: Option<IntOrString>,
}

fn read(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn NamespacedFacts>> {
    let route: Route = decode(reader, tree)?;
    let spec = route.spec.unwrap_or_default();
    let root = Path::Root;
    let path = root.key("spec");
    let port_path = path.key("port");
    let port = match spec.port.and_then(|port| port.target_port) {
        None => None,
        Some(IntOrString::Int(number)) => {
            check_port_number(reader, &port_path.key("targetPort"), number);
            valid_port(number).map(BackendPort::Target)
        }
        Some(IntOrString::String(name)) if name.is_empty() => None,
        // Looked up among the ports of the Service's endpoints, which have the Service's names.
        Some(IntOrString::String(name)) => Some(BackendPort::Name(name)),
    };
    let host = spec.host.filter(|host| !host.is_empty());
    let target_path = spec.path.filter(|path| !path.is_empty());
    let to_path = path.key("to");
    if spec.to.is_none() {
        let place = reader.place(&path, Target::Key);
        reader.cause_at(&to_path, place, &required(""), None);
    }
    let mut backends = Vec::new();
    if let Some(to) = &spec.to {
        backends.extend(backend(reader, &to_path, to, port.as_ref()));
    }
    let alternates = path.key("alternateBackends");
    for (index, target) in spec.alternate_backends.iter().flatten().enumerate() {
        backends.extend(backend(
            reader,
            &alternates.index(index),
            target,
            port.as_ref(),
        ));
    }
    let paths = backends.into_iter().map(|backend| PathFacts {
        host: host.clone(),
        path: target_path.clone(),
        exact: false,
        backend,
    });
    let paths = paths.collect();
    Some(Box::new(Facts {
        kind: KIND.kind,
        class: None,
        default_backend: None,
        paths,
        tls_hosts: match spec.tls {
            Some(_) => host.into_iter().collect(),
            None => Vec::new(),
        },
    }))
}

/// One Service that takes requests; `None` for one with weight 0, which gets none.
fn backend(
    reader: &Reader<'_>,
    path: &Path<'_>,
    target: &RouteTarget,
    port: Option<&BackendPort>,
) -> Option<BackendFacts> {
    if let Some(kind) = target
        .kind
        .as_deref()
        .filter(|kind| !matches!(*kind, "" | "Service"))
    {
        let body = unsupported(kind, &["Service"]);
        reader.cause(&path.key("kind"), &body, None);
        return None;
    }
    let name = target.name.as_deref().unwrap_or("");
    if name.is_empty() {
        let place = reader.place(path, Target::Value);
        reader.cause_at(&path.key("name"), place, &required(""), None);
        return None;
    }
    if target.weight == Some(0) {
        return None;
    }
    Some(BackendFacts {
        service: Some(name.to_owned()),
        port: port.cloned(),
        origin: OwnRoute(reader.origin_of(path)),
    })
}
