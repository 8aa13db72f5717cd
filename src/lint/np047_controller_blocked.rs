//! NP047: an Ingress whose controller cannot reach the backend (I5).

use super::view::Context;
use super::{Found, Lint, Witness};
use crate::model::{Meta, Party, Severity, Verdict};
use crate::question::ingress::{Target, all_backends, controller_hop, controller_of, follow};
use crate::question::service::Backend;

const META: Meta = Meta {
    id: "NP047",
    name: "controller-blocked",
    summary: "an Ingress whose controller cannot reach the backend",
    help: "Clients get 504. Allow ingress from the controller's pods on the pod's port; the client's address is of no use.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for ingress in &context.cluster.ingresses {
        let controller = controller_of(context.cluster, ingress, context.controller);
        for backend in all_backends(ingress) {
            let Target::Backends { backends, .. } = follow(context.cluster, ingress, backend)
            else {
                continue;
            };
            for reached in backends {
                let Backend::Pod {
                    pod,
                    protocol,
                    port,
                } = reached
                else {
                    continue;
                };
                let hops = controller_hop(context.cluster, &controller, pod, protocol, port);
                let mut denied = hops
                    .into_iter()
                    .filter(|(_, e)| e.verdict == Verdict::Denied);
                let Some((source, evaluation)) = denied.next() else {
                    continue;
                };
                let to = context.workload(pod);
                let from = match source {
                    Party::Pod { pod, .. } => context.workload(pod),
                    _ => "any ingress controller".to_owned(),
                };
                let mut one = Found::at(
                    &META,
                    backend.origin.clone(),
                    format!("the ingress controller cannot reach `{to}` on {protocol} {port}, so clients get 504"),
                )
                .help(format!("allow ingress from the controller's pods on {protocol} {port}"))
                .witness(Some(Witness { from, to, protocol, port, verdict: Verdict::Denied }));
                let sides = [&evaluation.ingress, &evaluation.egress];
                let selecting = sides
                    .into_iter()
                    .filter(|side| side.outcome == Verdict::Denied);
                let selecting: Vec<_> = selecting.flat_map(|side| side.selecting.clone()).collect();
                one = one.policies(
                    context.cluster,
                    &selecting,
                    "isolates, and has no rule for it",
                );
                if !found.iter().any(|other| other.finding == one.finding) {
                    found.push(one);
                }
            }
        }
    }
    found
}
