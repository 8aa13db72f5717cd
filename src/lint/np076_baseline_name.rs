//! NP076: a BaselineAdminNetworkPolicy with another name than `default`. Loading finds it.

use super::{Context, Find, Fix, Lint};
use crate::model::{Finding, Meta, Severity};
use crate::source::{Edit, Target};

const META: Meta = Meta {
    id: "NP076",
    name: "baseline-name",
    summary: "a BaselineAdminNetworkPolicy that is not called `default`",
    help: "There is one in a cluster, and it has this name. Another would not be applied, and is left out of the answer.",
    severity: Severity::Error,
};

pub(super) const LINT: Lint = Lint {
    meta: &META,
    find: Find::Loading(fix),
};

fn fix(context: &Context<'_>, finding: &Finding) -> Option<Fix> {
    let (origin, text) = context.text_at(finding)?;
    Some(Fix {
        says: format!("calls it `default` instead of `{text}`"),
        keeps_meaning: false,
        edits: vec![Edit::Replace {
            document: origin.document,
            route: origin.route.clone(),
            target: Target::Value,
            text: "default".to_owned(),
        }],
    })
}
