//! Node (`v1`).

use super::builder::Builder;
use super::decode::decode;
use super::object::{ClusterFacts, Decode, Header, Kind};
use super::path::Path;
use super::reader::Reader;
use super::selector::{LabelMap, lower_labels};
use super::tree::Tree;
use super::validate::{NameRule, check_cidr, parse_ip};
use crate::model;
use ipnet::IpNet;
use k8s_openapi::api::core::v1::Node;
use std::net::IpAddr;

pub(crate) const KIND: Kind = Kind {
    api_version: "v1",
    kind: "Node",
    name: NameRule::Subdomain,
    decode: Decode::ClusterWide(read),
};

#[derive(Clone, Debug)]
struct Facts {
    labels: LabelMap,
    addresses: Vec<IpAddr>,
    pod_cidrs: Vec<IpNet>,
}

fn read(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn ClusterFacts>> {
    let node: Node = decode(reader, tree)?;
    let spec = node.spec.unwrap_or_default();
    let root = Path::Root;
    let path = root.key("spec");
    let single_path = path.key("podCIDR");
    let list_path = path.key("podCIDRs");
    let listed = spec.pod_cidrs.unwrap_or_default();
    let mut pod_cidrs = Vec::new();
    // `podCIDR` is the first of `podCIDRs`.
    if let Some(text) = spec
        .pod_cidr
        .filter(|text| listed.is_empty() && !text.is_empty())
    {
        pod_cidrs.extend(check_cidr(reader, &single_path, &text).map(|cidr| cidr.net));
    }
    for (index, text) in listed.iter().enumerate() {
        let cidr = check_cidr(reader, &list_path.index(index), text);
        pod_cidrs.extend(cidr.map(|cidr| cidr.net));
    }
    let status = node.status.unwrap_or_default();
    let mut addresses: Vec<IpAddr> = status
        .addresses
        .iter()
        .flatten()
        .filter(|address| matches!(address.type_.as_str(), "InternalIP" | "ExternalIP"))
        .filter_map(|address| parse_ip(&address.address))
        .collect();
    addresses.sort();
    addresses.dedup();
    Some(Box::new(Facts {
        labels: node.metadata.labels.unwrap_or_default(),
        addresses,
        pod_cidrs,
    }))
}

impl ClusterFacts for Facts {
    fn lower(self: Box<Self>, header: Header, builder: &mut Builder) {
        let cluster = &mut builder.cluster;
        let labels = lower_labels(&self.labels, &mut cluster.symbols);
        cluster.pod_cidrs.extend(&self.pod_cidrs);
        cluster.nodes.push(model::Node {
            name: header.name,
            labels,
            addresses: self.addresses,
            pod_cidrs: self.pod_cidrs,
            origin: header.origin,
        });
    }
}
