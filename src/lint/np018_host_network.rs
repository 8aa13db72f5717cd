//! NP018: a selector for pods that are on their node's network (N27 b).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Meta, NamespaceMatch, Origin, PodId, Selector, Severity};

const META: Meta = Meta {
    id: "NP018",
    name: "host-network-selected",
    summary: "a selector whose labels only hostNetwork pods have",
    help: "Most implementations do not police them, and no selector matches them: their traffic is their node's. Use ipBlock for it as a peer.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let selectors = context.pod_selectors();
    let found = selectors
        .filter_map(|(namespaces, pods, place, what)| look(context, namespaces, pods, place, what));
    found.collect()
}

fn look(
    context: &Context<'_>,
    namespaces: &NamespaceMatch,
    selector: &Selector,
    place: Origin,
    what: &str,
) -> Option<Found> {
    if selector.is_everything() || !context.matching(namespaces, selector).is_empty() {
        return None;
    }
    let namespaces = context.namespaces(namespaces).into_iter();
    let pods: Vec<PodId> = namespaces
        .flat_map(|namespace| context.pods_in(namespace))
        .filter(|(_, pod)| context.cluster.is_node_traffic(pod) && selector.matches(&pod.labels))
        .map(|(id, _)| id)
        .collect();
    (!pods.is_empty()).then(|| {
        let names = context.workloads(&pods);
        Found::at(&META, place, format!("only hostNetwork pods have these labels ({names}), and {what}"))
            .help("most implementations treat them as their node; `--host-network pod` is for those that do not")
    })
}
