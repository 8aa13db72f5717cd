//! NP023: a workload that no policy isolates (N1).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Direction, Meta, Severity};

const META: Meta = Meta {
    id: "NP023",
    name: "not-isolated",
    summary: "a workload that no policy isolates",
    help: "Everyone can reach it, or it everyone. A default-deny policy for the namespace isolates all of its pods; `portolan exposure` shows the coverage.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let pods = context
        .pods()
        .filter(|(_, pod)| !context.cluster.is_node_traffic(pod));
    let mut found = Vec::new();
    for (id, pod) in context.once_each(pods.map(|(id, _)| id)) {
        let open: Vec<&str> = [Direction::Ingress, Direction::Egress]
            .into_iter()
            .filter(|direction| !context.is_isolated(id, *direction))
            .map(Direction::name)
            .collect();
        if !open.is_empty() {
            let name = context.workload(id);
            let message = format!("no policy isolates `{name}` for {}", open.join(" or "));
            found.push(
                Found::at(&META, context.workload_origin(pod), message)
                    .pedantic()
                    .help("add a default-deny policy to its namespace, and allow what is needed"),
            );
        }
    }
    found
}
