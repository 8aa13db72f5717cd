//! NP016: `NotIn` and `DoesNotExist` also match what lacks the label (N14).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Meta, NamespaceMatch, Operator, Origin, Selector, Severity};

const META: Meta = Meta {
    id: "NP016",
    name: "absent-label-matches",
    summary: "`NotIn` also matches pods without the label",
    help: "Add `Exists` for the key if only pods with another value are meant.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let selectors = context.pod_selectors();
    let found =
        selectors.filter_map(|(namespaces, pods, place, _)| look(context, namespaces, pods, place));
    found.collect()
}

fn look(
    context: &Context<'_>,
    namespaces: &NamespaceMatch,
    selector: &Selector,
    place: Origin,
) -> Option<Found> {
    let key = selector.requirements().iter().find_map(|requirement| {
        matches!(requirement.operator, Operator::NotIn(_)).then_some(requirement.key)
    })?;
    let pods = context.matching(namespaces, selector);
    let lacking = pods.into_iter().filter(|&pod| {
        context
            .cluster
            .pod(pod)
            .is_some_and(|pod| pod.labels.get(key).is_none())
    });
    let lacking: Vec<_> = lacking.collect();
    let key = context.text(key);
    (!lacking.is_empty()).then(|| {
        let names = context.workloads(&lacking);
        Found::at(
            &META,
            place,
            format!("this also matches pods without the label `{key}`: {names}"),
        )
        .help(format!(
            "add `{{key: {key}, operator: Exists}}` if that is not meant"
        ))
    })
}
