//! SV009: traffic for pods of the same node only, and few pods (S7, S9).

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Meta, Severity, TrafficPolicy};

const META: Meta = Meta {
    id: "SV009",
    name: "local-traffic",
    summary: "traffic for endpoints of the same node only, where not every node has one",
    help: "On a node without an endpoint, traffic is dropped. Run a DaemonSet or more replicas, or use `Cluster`.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for service in &context.cluster.services {
        let pods = context.behind(service);
        let few = pods.iter().all(|(_, pod)| {
            let workload = context.cluster.workload(pod.workload);
            let replicas = context
                .workload_node(pod)
                .at(&["spec", "replicas"])
                .number()
                .unwrap_or(1);
            workload.is_some_and(|workload| workload.kind.0 != "DaemonSet") && replicas <= 1
        });
        if pods.is_empty() || !few {
            continue;
        }
        let name = context.name(service.namespace, &service.name);
        for (policy, field) in [
            (service.external_traffic_policy, "externalTrafficPolicy"),
            (service.internal_traffic_policy, "internalTrafficPolicy"),
        ] {
            if policy == TrafficPolicy::Local {
                let message =
                    format!("service `{name}` drops what comes to a node without its only pod");
                found.push(
                    Found::at(&META, part(&service.origin, &["spec", field]), message)
                        .pedantic()
                        .help("run one on every node, or use `Cluster`"),
                );
            }
        }
    }
    found
}
