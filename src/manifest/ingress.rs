//! Ingress (`networking.k8s.io/v1`; I1 to I4).

use super::builder::Builder;
use super::decode::decode;
use super::object::{Decode, Header, Kind, NamespacedFacts};
use super::path::Path;
use super::reader::Reader;
use super::tree::Tree;
use super::validate::{NameRule, check_ingress, valid_port};
use crate::model::{self, BackendPort, IngressBackend, IngressPath, NamespaceId};
use k8s_openapi::api::networking::v1 as api;

pub(crate) const KIND: Kind = Kind {
    api_version: "networking.k8s.io/v1",
    kind: "Ingress",
    name: NameRule::Subdomain,
    decode: Decode::Namespaced(read),
};

/// What named the class before `ingressClassName` did (I4).
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

/// The facts of an Ingress, or of what is read as one.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) kind: &'static str,
    pub(crate) class: Option<String>,
    pub(crate) default_backend: Option<BackendFacts>,
    pub(crate) paths: Vec<PathFacts>,
    pub(crate) tls_hosts: Vec<String>,
}

/// One path.
#[derive(Clone, Debug)]
pub(crate) struct PathFacts {
    pub(crate) host: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) exact: bool,
    pub(crate) backend: BackendFacts,
}

/// A backend, and the way to it from the object's root.
#[derive(Clone, Debug)]
pub(crate) struct BackendFacts {
    pub(crate) service: Option<String>,
    pub(crate) port: Option<BackendPort>,
    pub(crate) origin: OwnRoute,
}

/// A route below an object. Its `Debug` form says nothing: where a thing stands is not what it
/// means.
#[derive(Clone)]
pub(crate) struct OwnRoute(pub(crate) model::Origin);

impl std::fmt::Debug for OwnRoute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnRoute")
    }
}

fn read(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn NamespacedFacts>> {
    let ingress: api::Ingress = decode(reader, tree)?;
    let annotations = ingress.metadata.annotations.unwrap_or_default();
    let annotation = annotations.get(CLASS_ANNOTATION);
    let spec = ingress.spec.unwrap_or_default();
    check_ingress(reader, &spec, annotation.map(String::as_str));
    let root = Path::Root;
    let path = root.key("spec");
    let default_backend = spec
        .default_backend
        .and_then(|backend| read_backend(reader, &path.key("defaultBackend"), backend));
    let rules_path = path.key("rules");
    let mut paths = Vec::new();
    for (index, rule) in spec.rules.unwrap_or_default().into_iter().enumerate() {
        let rule_path = rules_path.index(index);
        let http_path = rule_path.key("http");
        let paths_path = http_path.key("paths");
        let host = rule.host.filter(|host| !host.is_empty());
        // A rule without paths leaves its host to the default backend (I2).
        let entries = rule.http.map(|http| http.paths).unwrap_or_default();
        for (index, entry) in entries.into_iter().enumerate() {
            let entry_path = paths_path.index(index);
            let backend = read_backend(reader, &entry_path.key("backend"), entry.backend);
            let Some(backend) = backend else { continue };
            paths.push(PathFacts {
                host: host.clone(),
                path: entry.path.filter(|path| !path.is_empty()),
                exact: entry.path_type == "Exact",
                backend,
            });
        }
    }
    let tls = spec.tls.unwrap_or_default().into_iter();
    Some(Box::new(Facts {
        kind: KIND.kind,
        class: spec.ingress_class_name.or_else(|| annotation.cloned()),
        default_backend,
        paths,
        tls_hosts: tls
            .map(|tls| tls.hosts.unwrap_or_default())
            // Without hosts, an entry is for all (I3).
            .flat_map(|hosts| match hosts.as_slice() {
                [] => vec!["*".to_owned()],
                _ => hosts,
            })
            .collect(),
    }))
}

/// A backend; `None` when it is neither a Service nor a resource, which was reported.
fn read_backend(
    reader: &Reader<'_>,
    path: &Path<'_>,
    backend: api::IngressBackend,
) -> Option<BackendFacts> {
    let origin = OwnRoute(reader.origin_of(path));
    let Some(service) = backend.service else {
        return backend.resource.map(|_| BackendFacts {
            service: None,
            port: None,
            origin,
        });
    };
    let port = service.port.unwrap_or_default();
    let number = port.number.and_then(valid_port).map(BackendPort::Number);
    let name = port
        .name
        .filter(|name| !name.is_empty())
        .map(BackendPort::Name);
    Some(BackendFacts {
        service: Some(service.name),
        port: number.or(name),
        origin,
    })
}

impl BackendFacts {
    fn lower(self) -> IngressBackend {
        IngressBackend {
            service: self.service,
            port: self.port,
            origin: self.origin.0,
        }
    }
}

impl NamespacedFacts for Facts {
    fn lower(self: Box<Self>, header: Header, namespace: NamespaceId, builder: &mut Builder) {
        let paths = self.paths.into_iter().map(|path| IngressPath {
            host: path.host,
            path: path.path,
            exact: path.exact,
            backend: path.backend.lower(),
        });
        builder.cluster.ingresses.push(model::Ingress {
            kind: self.kind,
            namespace,
            name: header.name,
            class: self.class,
            default_backend: self.default_backend.map(BackendFacts::lower),
            paths: paths.collect(),
            tls_hosts: self.tls_hosts,
            origin: header.origin,
        });
    }
}
