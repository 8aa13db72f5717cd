//! Job (`batch/v1`).

use super::object::{Decode, Kind};
use super::validate::NameRule;
use super::workload::{Outlook, read_workload};
use k8s_openapi::api::batch::v1::{Job, JobStatus};

pub(crate) const KIND: Kind = Kind {
    api_version: "batch/v1",
    kind: "Job",
    name: NameRule::Subdomain,
    decode: Decode::Namespaced(|reader, tree| {
        let kind = (KIND.api_version, KIND.kind);
        read_workload(
            reader,
            tree,
            kind,
            &["spec", "template"],
            |object: &mut Job| {
                let outlook = match &object.status {
                    Some(status) if has_finished(status) => Outlook::Finished,
                    _ => Outlook::Pods,
                };
                let spec = object.spec.take().unwrap_or_default();
                (spec.template, outlook)
            },
        )
    }),
};

/// Whether it will make no more pods.
fn has_finished(status: &JobStatus) -> bool {
    status.conditions.iter().flatten().any(|condition| {
        matches!(condition.type_.as_str(), "Complete" | "Failed") && condition.status == "True"
    })
}
