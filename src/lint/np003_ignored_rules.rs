//! NP003: rules for a direction that `policyTypes` does not list (N9).

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "NP003",
    name: "ignored-rules",
    summary: "rules for a direction that `policyTypes` does not list",
    help: "The API server ignores them. List the direction in `policyTypes`, or remove the rules.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, policy) in context.policies() {
        let spec = context.node(&policy.origin).get("spec");
        let types: Vec<&str> = spec
            .get("policyTypes")
            .items()
            .filter_map(|t| t.text())
            .collect();
        for (name, field) in [("Ingress", "ingress"), ("Egress", "egress")] {
            let has_rules = spec.get(field).items().next().is_some();
            if types.is_empty() || types.contains(&name) || !has_rules {
                continue;
            }
            let place = part(&policy.origin, &["spec", field]);
            let message =
                format!("`spec.{field}` is ignored: `policyTypes` does not list `{name}`");
            let types = part(&policy.origin, &["spec", "policyTypes"]);
            found.push(
                Found::at(&META, place, message)
                    .key()
                    .help(format!("add `{name}` to `policyTypes`, which isolates the pods that way, or remove the rules"))
                    .related(types, "this list decides"),
            );
        }
    }
    found
}
