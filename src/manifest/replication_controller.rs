//! ReplicationController (`v1`).

use super::object::{Decode, Kind};
use super::validate::NameRule;
use super::workload::{Outlook, read_workload};
use k8s_openapi::api::core::v1::ReplicationController;

pub(crate) const KIND: Kind = Kind {
    api_version: "v1",
    kind: "ReplicationController",
    name: NameRule::Subdomain,
    decode: Decode::Namespaced(|reader, tree| {
        let kind = (KIND.api_version, KIND.kind);
        let path = &["spec", "template"];
        read_workload(
            reader,
            tree,
            kind,
            path,
            |object: &mut ReplicationController| {
                let spec = object.spec.take().unwrap_or_default();
                (spec.template.unwrap_or_default(), Outlook::Pods)
            },
        )
    }),
};
