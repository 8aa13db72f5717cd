//! IngressClass (`networking.k8s.io/v1`; I4).

use super::builder::Builder;
use super::decode::decode;
use super::object::{ClusterFacts, Decode, Header, Kind};
use super::path::Path;
use super::reader::Reader;
use super::tree::Tree;
use super::validate::{NameRule, required};
use crate::model;
use crate::source::Target;
use k8s_openapi::api::networking::v1::IngressClass;

pub(crate) const KIND: Kind = Kind {
    api_version: "networking.k8s.io/v1",
    kind: "IngressClass",
    name: NameRule::Subdomain,
    decode: Decode::ClusterWide(read),
};

/// The annotation that makes a class the one of Ingresses that name none.
const DEFAULT_ANNOTATION: &str = "ingressclass.kubernetes.io/is-default-class";

#[derive(Clone, Debug)]
struct Facts {
    controller: String,
    is_default: bool,
}

fn read(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn ClusterFacts>> {
    let class: IngressClass = decode(reader, tree)?;
    let controller = class
        .spec
        .unwrap_or_default()
        .controller
        .unwrap_or_default();
    if controller.is_empty() {
        let root = Path::Root;
        let spec = root.key("spec");
        let place = reader.place(&spec, Target::Key);
        reader.cause_at(&spec.key("controller"), place, &required(""), None);
    }
    let annotations = class.metadata.annotations.unwrap_or_default();
    Some(Box::new(Facts {
        controller,
        is_default: annotations
            .get(DEFAULT_ANNOTATION)
            .is_some_and(|value| value == "true"),
    }))
}

impl ClusterFacts for Facts {
    fn lower(self: Box<Self>, header: Header, builder: &mut Builder) {
        builder.cluster.ingress_classes.push(model::IngressClass {
            name: header.name,
            controller: self.controller,
            is_default: self.is_default,
            origin: header.origin,
        });
    }
}
