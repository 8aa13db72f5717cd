//! SV013: a pod on its node's network, or with a port of it (S11).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "SV013",
    name: "host-port",
    summary: "a pod on its node's network, or with a port of the node",
    help: "Its ports can be reached at the node's address, beside policy. Use a Service.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let ids = context.pods().map(|(id, _)| id);
    for (id, pod) in context.once_each(ids) {
        let name = context.workload(id);
        let containers = context.template(pod).at(&["spec", "containers"]).items();
        let mut ports =
            containers.flat_map(|container| container.get("ports").items().collect::<Vec<_>>());
        let host_port = ports.find_map(|port| port.get("hostPort").number());
        let message = match (pod.host_network, host_port) {
            (true, _) => {
                format!("`{name}` is on its node's network, where most CNIs apply no policy")
            }
            (false, Some(port)) => format!(
                "`{name}` takes port {port} of its node, past Services and mostly past policy"
            ),
            (false, None) => continue,
        };
        found.push(
            Found::at(&META, context.workload_origin(pod), message)
                .pedantic()
                .help("use a Service, unless it has to be there"),
        );
    }
    found
}
