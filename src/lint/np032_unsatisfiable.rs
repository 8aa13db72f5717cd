//! NP032: a selector that nothing can match.

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Meta, Origin, Selector, Severity};
use crate::symbolic::compatible;

const META: Meta = Meta {
    id: "NP032",
    name: "unsatisfiable-selector",
    summary: "a selector that contradicts itself",
    help: "All requirements must hold at once. Correct the one that excludes the others.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let selectors = context.selectors();
    selectors
        .filter_map(|(selector, place)| look(context, selector, place))
        .collect()
}

fn look(context: &Context<'_>, selector: &Selector, place: Origin) -> Option<Found> {
    (!compatible(selector, &Selector::everything())).then(|| {
        let text = context.selector(selector);
        Found::at(&META, place, format!("nothing can match `{text}`"))
            .help("all requirements must hold at once: use one `In` for alternatives")
    })
}
