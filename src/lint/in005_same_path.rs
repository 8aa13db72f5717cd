//! IN005: two Ingresses, or two paths, for the same requests (I2).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Meta, Origin, Severity};
use std::collections::BTreeMap;

const META: Meta = Meta {
    id: "IN005",
    name: "same-path",
    summary: "the same host and path twice",
    help: "Which backend gets the requests differs between controllers. Remove one.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut seen: BTreeMap<(Option<&str>, &str, &str, bool), Vec<&Origin>> = BTreeMap::new();
    for ingress in &context.cluster.ingresses {
        // A canary has the same path by design.
        let annotations = context
            .node(&ingress.origin)
            .at(&["metadata", "annotations"]);
        if annotations
            .entries()
            .any(|(key, _)| key.ends_with("/canary"))
        {
            continue;
        }
        for path in &ingress.paths {
            let key = (
                ingress.class.as_deref(),
                path.host.as_deref().unwrap_or("*"),
                path.path.as_deref().unwrap_or("/"),
                path.exact,
            );
            seen.entry(key).or_default().push(&path.backend.origin);
        }
    }
    let mut found = Vec::new();
    for ((_, host, path, _), places) in seen {
        let mut places = places.into_iter();
        let (Some(first), Some(second)) = (places.next(), places.next()) else {
            continue;
        };
        found.push(
            Found::at(
                &META,
                second.clone(),
                format!("`{host}{path}` is served twice"),
            )
            .related(first.clone(), "here too")
            .help("remove one, or make the paths differ"),
        );
    }
    found
}
