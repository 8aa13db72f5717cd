//! SV011: a workload behind a load balancer or node port that no policy isolates.

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Direction, Meta, ServiceType, Severity};

const META: Meta = Meta {
    id: "SV011",
    name: "exposed-and-open",
    summary: "a workload behind a load balancer or node port that no policy isolates",
    help: "What is reached from outside should be isolated, and let in on the port that is meant.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for service in &context.cluster.services {
        if !matches!(
            service.service_type,
            ServiceType::NodePort | ServiceType::LoadBalancer
        ) {
            continue;
        }
        let open: Vec<_> = context
            .behind(service)
            .into_iter()
            .filter(|(id, pod)| {
                !context.cluster.is_node_traffic(pod)
                    && !context.is_isolated(*id, Direction::Ingress)
            })
            .map(|(id, _)| id)
            .collect();
        if open.is_empty() {
            continue;
        }
        let name = context.name(service.namespace, &service.name);
        let one = Found::at(
            &META,
            part(&service.origin, &["spec", "type"]),
            format!(
                "service `{name}` can be reached from outside, and no policy isolates {}",
                context.workloads(&open)
            ),
        )
        .help("add a policy that lets in the port that is meant");
        // Where nobody writes policies yet, this is not news.
        let has_policies = context
            .policies()
            .any(|(_, policy)| policy.namespace == Some(service.namespace));
        found.push(if has_policies { one } else { one.pedantic() });
    }
    found
}
