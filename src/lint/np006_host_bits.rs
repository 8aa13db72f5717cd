//! NP006: a CIDR block with bits beyond its prefix (V14). Loading finds it.

use super::{Context, Find, Fix, Lint};
use crate::model::{Finding, Meta, Severity};
use crate::source::{Edit, Target};
use ipnet::IpNet;

const META: Meta = Meta {
    id: "NP006",
    name: "host-bits",
    summary: "a CIDR block with bits beyond its prefix",
    help: "The API server ignores them: write the block's first address.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint {
    meta: &META,
    find: Find::Loading(fix),
};

fn fix(context: &Context<'_>, finding: &Finding) -> Option<Fix> {
    let (origin, text) = context.text_at(finding)?;
    let block: IpNet = text.parse().ok()?;
    let block = block.trunc().to_string();
    (block != text).then(|| Fix {
        says: format!("writes `{block}`, which is the block that `{text}` means"),
        keeps_meaning: true,
        edits: vec![Edit::Replace {
            document: origin.document,
            route: origin.route.clone(),
            target: Target::Value,
            text: block,
        }],
    })
}
