//! SV012: a Service in front of several applications.

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Meta, Severity};
use std::collections::BTreeSet;

const META: Meta = Meta {
    id: "SV012",
    name: "several-apps",
    summary: "a Service whose selector matches pods of several applications",
    help: "Requests go to any of them. Select by a label that only one has.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for service in &context.cluster.services {
        let pods = context.behind(service);
        for key in ["app.kubernetes.io/name", "app"] {
            let Some(symbol) = context.cluster.symbols.get(key) else {
                continue;
            };
            let apps: BTreeSet<&str> = pods
                .iter()
                .filter_map(|(_, pod)| pod.labels.get(symbol))
                .map(|v| context.text(v))
                .collect();
            if apps.len() > 1 {
                let list: Vec<&str> = apps.into_iter().take(4).collect();
                let name = context.name(service.namespace, &service.name);
                let message = format!(
                    "service `{name}` is in front of several applications: {}",
                    list.join(", ")
                );
                found.push(
                    Found::at(&META, part(&service.origin, &["spec", "selector"]), message)
                        .help(format!("select by `{key}` too")),
                );
                break;
            }
        }
    }
    found
}
