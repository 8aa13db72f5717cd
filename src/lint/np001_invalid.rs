//! NP001: what the API server rejects. Loading finds it.

use super::{Context, Find, Fix, Lint};
use crate::model::{Finding, Meta, Severity};
use crate::source::{Edit, Target};

const META: Meta = Meta {
    id: "NP001",
    name: "invalid",
    summary: "an object that the API server rejects",
    help: "It would not be applied, and is left out of the answer.",
    severity: Severity::Error,
};

pub(super) const LINT: Lint = Lint {
    meta: &META,
    find: Find::Loading(fix),
};

/// A port number in quotes is a name to the API server.
fn fix(context: &Context<'_>, finding: &Finding) -> Option<Fix> {
    let (origin, text) = context.text_at(finding)?;
    let number: u16 = text.parse().ok().filter(|number| *number > 0)?;
    let in_ports = origin
        .route
        .parent()?
        .parent()?
        .to_string()
        .ends_with("ports");
    (in_ports && number.to_string() == text).then(|| Fix {
        says: format!("writes the number {number} without quotes, as the API server wants it"),
        keeps_meaning: false,
        edits: vec![Edit::Replace {
            document: origin.document,
            route: origin.route.clone(),
            target: Target::Value,
            text: text.to_owned(),
        }],
    })
}
