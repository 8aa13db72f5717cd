//! NP002: a field that the kind does not have. Loading finds it.

use super::{Context, Find, Fix, Lint};
use crate::model::{Finding, Meta, Place, Severity};
use crate::source::{Edit, Target};

const META: Meta = Meta {
    id: "NP002",
    name: "unknown-field",
    summary: "a field that the kind does not have",
    help: "The API server drops it, so it says nothing: it is probably misspelled.",
    severity: Severity::Error,
};

pub(super) const LINT: Lint = Lint {
    meta: &META,
    find: Find::Loading(fix),
};

/// A name that is almost that of a field which is not there.
fn fix(_: &Context<'_>, finding: &Finding) -> Option<Fix> {
    let Place::Node { origin, .. } = &finding.place else {
        return None;
    };
    let meant = finding.help.as_deref()?.strip_prefix("did you mean `")?;
    let meant = meant.strip_suffix("`?")?;
    Some(Fix {
        says: format!("renames the field to `{meant}`, which then counts"),
        keeps_meaning: false,
        edits: vec![Edit::Replace {
            document: origin.document,
            route: origin.route.clone(),
            target: Target::Key,
            text: meant.to_owned(),
        }],
    })
}
