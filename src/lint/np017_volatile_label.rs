//! NP017: a selector on a label that changes with every release.

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Meta, Origin, Selector, Severity};

const META: Meta = Meta {
    id: "NP017",
    name: "volatile-label",
    summary: "a selector on a label that changes with every release",
    help: "After the next release it matches nothing. Select by a label that stays.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

const VOLATILE: [&str; 8] = [
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "helm.sh/chart",
    "chart",
    "app.kubernetes.io/version",
    "batch.kubernetes.io/controller-uid",
];

fn find(context: &Context<'_>) -> Vec<Found> {
    let selectors = context.selectors();
    selectors
        .filter_map(|(selector, place)| look(context, selector, place))
        .collect()
}

fn look(context: &Context<'_>, selector: &Selector, place: Origin) -> Option<Found> {
    let mut keys = selector.requirements().iter().map(|r| context.text(r.key));
    let key = keys.find(|key| VOLATILE.contains(key))?;
    let message =
        format!("the label `{key}` changes with every release, and then this matches nothing");
    Some(
        Found::at(&META, place, message)
            .help("select by a label that stays, such as `app.kubernetes.io/name`"),
    )
}
