//! Pod (`v1`).

use super::builder::Builder;
use super::decode::decode;
use super::object::{Decode, Header, Kind, NamespacedFacts};
use super::path::Path;
use super::pod_template::{PodFacts, one_per_family, spec_facts};
use super::reader::Reader;
use super::tree::Tree;
use super::validate::{NameRule, parse_ip};
use super::workload::{LivePod, Owner, owner_of};
use crate::model::NamespaceId;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use std::net::IpAddr;

pub(crate) const KIND: Kind = Kind {
    api_version: "v1",
    kind: "Pod",
    name: NameRule::Subdomain,
    decode: Decode::Namespaced(read),
};

#[derive(Clone, Debug)]
struct Facts {
    owner: Option<Owner>,
    pod: PodFacts,
    /// N16: a pod that has run to its end is no pod to policy.
    has_terminated: bool,
}

fn read(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn NamespacedFacts>> {
    let pod: Pod = decode(reader, tree)?;
    let owner = owner_of(pod.metadata.owner_references.as_deref());
    let labels = pod.metadata.labels.unwrap_or_default();
    let status = pod.status.unwrap_or_default();
    let root = Path::Root;
    let spec = pod.spec.unwrap_or_default();
    let mut facts = spec_facts(reader, &root.key("spec"), spec, labels);
    facts.addresses = addresses(&status, facts.host_network);
    let has_terminated = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    Some(Box::new(Facts {
        owner,
        pod: facts,
        has_terminated,
    }))
}

/// The pod's addresses; those of its node if it shares its node's network and has none of its
/// own yet. What is no address is the server's doing, and no address.
fn addresses(status: &PodStatus, host_network: bool) -> Vec<IpAddr> {
    let pod_ips = status
        .pod_ips
        .iter()
        .flatten()
        .map(|entry| entry.ip.as_str());
    let own = pod_ips.chain(status.pod_ip.as_deref());
    let own = one_per_family(own.filter_map(parse_ip));
    if !own.is_empty() || !host_network {
        return own;
    }
    let host_ips = status
        .host_ips
        .iter()
        .flatten()
        .map(|entry| entry.ip.as_str());
    one_per_family(
        host_ips
            .chain(status.host_ip.as_deref())
            .filter_map(parse_ip),
    )
}

impl NamespacedFacts for Facts {
    fn lower(self: Box<Self>, header: Header, namespace: NamespaceId, builder: &mut Builder) {
        if self.has_terminated {
            builder.cluster.terminated_pods += 1;
            return;
        }
        let draft = self.pod.lower(header.origin, builder);
        builder.workloads.pods.push(LivePod {
            namespace,
            name: header.name,
            owner: self.owner,
            draft,
        });
    }
}
