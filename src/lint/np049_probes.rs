//! NP049: probes of isolated pods, which come from the node (N26).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Direction, Meta, Severity};

const META: Meta = Meta {
    id: "NP049",
    name: "probes",
    summary: "probes of a pod that is isolated for ingress",
    help: "The kubelet probes from the pod's own node, which no policy keeps out. Probes from other nodes, or by load balancers, need a rule.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let isolated = context.pods().map(|(id, _)| id);
    let isolated = isolated.filter(|&id| context.is_isolated(id, Direction::Ingress));
    for (id, pod) in context.once_each(isolated) {
        let containers = context.template(pod).at(&["spec", "containers"]).items();
        let mut kinds = containers.flat_map(|container| {
            ["livenessProbe", "readinessProbe", "startupProbe"].map(|kind| container.get(kind))
        });
        let over_net = kinds.any(|probe| {
            ["httpGet", "tcpSocket", "grpc"]
                .into_iter()
                .any(|how| probe.get(how).is_there())
        });
        if over_net {
            let name = context.workload(id);
            found.push(Found::at(
                &META,
                context.workload_origin(pod),
                format!("the kubelet's probes reach `{name}` whatever policy says: they come from its own node"),
            ));
        }
    }
    found
}
