//! Deployment (`apps/v1`).

use super::object::{Decode, Kind};
use super::validate::NameRule;
use super::workload::{Outlook, read_workload};
use k8s_openapi::api::apps::v1::Deployment;

pub(crate) const KIND: Kind = Kind {
    api_version: "apps/v1",
    kind: "Deployment",
    name: NameRule::Subdomain,
    decode: Decode::Namespaced(|reader, tree| {
        let kind = (KIND.api_version, KIND.kind);
        read_workload(
            reader,
            tree,
            kind,
            &["spec", "template"],
            |object: &mut Deployment| {
                let spec = object.spec.take().unwrap_or_default();
                (spec.template, Outlook::Pods)
            },
        )
    }),
};
