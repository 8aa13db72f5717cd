//! Endpoints (`v1`; S3).

use super::builder::Builder;
use super::decode::decode;
use super::object::{Decode, Header, Kind, NamespacedFacts};
use super::path::Path;
use super::reader::Reader;
use super::tree::Tree;
use super::validate::{NameRule, check_port_number, invalid, parse_ip, quote, valid_port};
use crate::model::{self, EndpointPort, EndpointSet, NamespaceId, Origin, Protocol};
use k8s_openapi::api::core::v1::{EndpointAddress, Endpoints, ObjectReference};

pub(crate) const KIND: Kind = Kind {
    api_version: "v1",
    kind: "Endpoints",
    name: NameRule::Subdomain,
    decode: Decode::Namespaced(read),
};

#[derive(Clone, Debug)]
struct Facts {
    subsets: Vec<Subset>,
}

#[derive(Clone, Debug)]
struct Subset {
    addresses: Vec<AddressFacts>,
    ports: Vec<EndpointPort>,
}

/// An address, and the pod that has it; its namespace is the Endpoints' own when not given.
#[derive(Clone, Debug)]
pub(crate) struct AddressFacts {
    pub(crate) address: std::net::IpAddr,
    pub(crate) target: Option<(Option<String>, String)>,
    pub(crate) ready: bool,
}

fn read(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn NamespacedFacts>> {
    let endpoints: Endpoints = decode(reader, tree)?;
    let root = Path::Root;
    let subsets_path = root.key("subsets");
    let mut subsets = Vec::new();
    for (index, subset) in endpoints
        .subsets
        .unwrap_or_default()
        .into_iter()
        .enumerate()
    {
        let path = subsets_path.index(index);
        let mut addresses = Vec::new();
        for (key, list, ready) in [
            ("addresses", subset.addresses, true),
            ("notReadyAddresses", subset.not_ready_addresses, false),
        ] {
            let list_path = path.key(key);
            for (index, address) in list.unwrap_or_default().into_iter().enumerate() {
                addresses.extend(read_address(
                    reader,
                    &list_path.index(index),
                    address,
                    ready,
                ));
            }
        }
        let ports_path = path.key("ports");
        let ports = subset.ports.unwrap_or_default().into_iter().enumerate();
        let ports = ports.filter_map(|(index, port)| {
            let port_path = ports_path.index(index);
            check_port_number(reader, &port_path.key("port"), port.port);
            Some(EndpointPort {
                name: port.name.filter(|name| !name.is_empty()),
                protocol: endpoint_protocol(port.protocol.as_deref())?,
                port: Some(valid_port(port.port)?),
            })
        });
        subsets.push(Subset {
            addresses,
            ports: ports.collect(),
        });
    }
    Some(Box::new(Facts { subsets }))
}

fn read_address(
    reader: &Reader<'_>,
    path: &Path<'_>,
    address: EndpointAddress,
    ready: bool,
) -> Option<AddressFacts> {
    let parsed = parse_ip(&address.ip);
    if parsed.is_none() {
        let detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
        reader.cause(&path.key("ip"), &invalid(&quote(&address.ip), detail), None);
    }
    Some(AddressFacts {
        address: parsed?,
        target: pod_reference(address.target_ref),
        ready,
    })
}

/// A protocol of endpoints: TCP when none is given.
pub(crate) fn endpoint_protocol(name: Option<&str>) -> Option<Protocol> {
    match name {
        None | Some("") => Some(Protocol::Tcp),
        Some(name) => Protocol::from_name(name),
    }
}

/// The pod that a reference names, if it is to a pod.
pub(crate) fn pod_reference(
    reference: Option<ObjectReference>,
) -> Option<(Option<String>, String)> {
    let reference = reference?;
    if reference.kind.as_deref() != Some("Pod") {
        return None;
    }
    let namespace = reference
        .namespace
        .filter(|namespace| !namespace.is_empty());
    Some((namespace, reference.name?))
}

/// Adds one set of endpoints to the model.
pub(crate) fn push_set(
    builder: &mut Builder,
    namespace: NamespaceId,
    service: String,
    origin: Origin,
    addresses: Vec<AddressFacts>,
    ports: Vec<EndpointPort>,
) {
    let own = builder.cluster.namespace_name(namespace).to_owned();
    let addresses = addresses
        .into_iter()
        .map(|facts| model::EndpointAddress {
            address: facts.address,
            target: facts
                .target
                .map(|(namespace, name)| (namespace.unwrap_or_else(|| own.clone()), name)),
            ready: facts.ready,
        })
        .collect();
    builder.cluster.endpoint_sets.push(EndpointSet {
        namespace,
        service,
        addresses,
        ports,
        origin,
    });
}

impl NamespacedFacts for Facts {
    fn lower(self: Box<Self>, header: Header, namespace: NamespaceId, builder: &mut Builder) {
        for (index, subset) in self.subsets.into_iter().enumerate() {
            let origin = Origin {
                document: header.origin.document,
                route: header.origin.route.clone().key("subsets").index(index),
            };
            let service = header.name.clone();
            push_set(
                builder,
                namespace,
                service,
                origin,
                subset.addresses,
                subset.ports,
            );
        }
    }
}
