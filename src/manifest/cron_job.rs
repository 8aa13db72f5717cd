//! CronJob (`batch/v1`).

use super::object::{Decode, Kind};
use super::validate::NameRule;
use super::workload::{Outlook, read_workload};
use k8s_openapi::api::batch::v1::CronJob;

pub(crate) const KIND: Kind = Kind {
    api_version: "batch/v1",
    kind: "CronJob",
    name: NameRule::Subdomain,
    decode: Decode::Namespaced(|reader, tree| {
        let kind = (KIND.api_version, KIND.kind);
        let path = &["spec", "jobTemplate", "spec", "template"];
        read_workload(reader, tree, kind, path, |object: &mut CronJob| {
            let spec = object.spec.take().unwrap_or_default();
            let job = spec.job_template.spec.unwrap_or_default();
            (job.template, Outlook::Pods)
        })
    }),
};
