//! Namespace (`v1`).

use super::builder::Builder;
use super::decode::decode;
use super::object::{ClusterFacts, Decode, Header, Kind};
use super::reader::Reader;
use super::selector::{LabelMap, lower_labels};
use super::tree::Tree;
use super::validate::NameRule;
use k8s_openapi::api::core::v1::Namespace;

pub(crate) const KIND: Kind = Kind {
    api_version: "v1",
    kind: "Namespace",
    name: NameRule::Label,
    decode: Decode::ClusterWide(read),
};

#[derive(Clone, Debug)]
struct Facts {
    labels: LabelMap,
}

fn read(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn ClusterFacts>> {
    let namespace: Namespace = decode(reader, tree)?;
    Some(Box::new(Facts {
        labels: namespace.metadata.labels.unwrap_or_default(),
    }))
}

impl ClusterFacts for Facts {
    fn lower(self: Box<Self>, header: Header, builder: &mut Builder) {
        let labels = lower_labels(&self.labels, &mut builder.cluster.symbols);
        builder.define_namespace(header, labels);
    }
}
