//! EndpointSlice (`discovery.k8s.io/v1`; S3).

use super::builder::Builder;
use super::decode::decode;
use super::endpoints::{AddressFacts, endpoint_protocol, pod_reference, push_set};
use super::object::{Decode, Header, Kind, NamespacedFacts};
use super::path::Path;
use super::reader::Reader;
use super::tree::Tree;
use super::validate::{NameRule, check_port_number, invalid, parse_ip, quote, valid_port};
use crate::model::{EndpointPort, NamespaceId};
use k8s_openapi::api::discovery::v1::EndpointSlice;

pub(crate) const KIND: Kind = Kind {
    api_version: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    name: NameRule::Subdomain,
    decode: Decode::Namespaced(read),
};

/// The label that says which Service a slice belongs to.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";

#[derive(Clone, Debug)]
struct Facts {
    /// Empty for a slice that belongs to no Service.
    service: String,
    addresses: Vec<AddressFacts>,
    ports: Vec<EndpointPort>,
}

fn read(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn NamespacedFacts>> {
    let slice: EndpointSlice = decode(reader, tree)?;
    let root = Path::Root;
    let labels = slice.metadata.labels.unwrap_or_default();
    let are_names = slice.address_type == "FQDN";
    let endpoints_path = root.key("endpoints");
    let mut addresses = Vec::new();
    for (index, endpoint) in slice.endpoints.into_iter().enumerate() {
        let endpoint_path = endpoints_path.index(index);
        let list_path = endpoint_path.key("addresses");
        // Unknown counts as ready.
        let ready = endpoint.conditions.and_then(|conditions| conditions.ready);
        let target = pod_reference(endpoint.target_ref);
        for (index, text) in endpoint.addresses.iter().enumerate() {
            let Some(address) = parse_ip(text) else {
                if !are_names {
                    let detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
                    let body = invalid(&quote(text), detail);
                    reader.cause(&list_path.index(index), &body, None);
                }
                continue;
            };
            addresses.push(AddressFacts {
                address,
                target: target.clone(),
                ready: ready.unwrap_or(true),
            });
        }
    }
    let ports_path = root.key("ports");
    let ports = slice.ports.unwrap_or_default().into_iter().enumerate();
    let ports = ports.filter_map(|(index, port)| {
        if let Some(number) = port.port {
            check_port_number(reader, &ports_path.index(index).key("port"), number);
        }
        Some(EndpointPort {
            name: port.name.filter(|name| !name.is_empty()),
            protocol: endpoint_protocol(port.protocol.as_deref())?,
            port: match port.port {
                None => None,
                Some(number) => Some(valid_port(number)?),
            },
        })
    });
    Some(Box::new(Facts {
        service: labels.get(SERVICE_LABEL).cloned().unwrap_or_default(),
        addresses,
        ports: ports.collect(),
    }))
}

impl NamespacedFacts for Facts {
    fn lower(self: Box<Self>, header: Header, namespace: NamespaceId, builder: &mut Builder) {
        let (addresses, ports) = (self.addresses, self.ports);
        push_set(
            builder,
            namespace,
            self.service,
            header.origin,
            addresses,
            ports,
        );
    }
}
