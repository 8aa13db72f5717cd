//! NP004: no `policyTypes`, so the rules decide which directions are isolated (N8).

use super::view::{Context, name_of, part};
use super::{Found, Lint};
use crate::model::{Meta, Severity};
use crate::source::Edit;

const META: Meta = Meta {
    id: "NP004",
    name: "implicit-policy-types",
    summary: "no `policyTypes`, so that the rules decide what is isolated",
    help: "Without it a policy always isolates for ingress, also when only egress is meant. Write `policyTypes` out.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, policy) in context.policies() {
        let spec = context.node(&policy.origin).get("spec");
        if spec.get("policyTypes").items().next().is_some() {
            continue;
        }
        let has_egress = spec.get("egress").items().next().is_some();
        let only_egress = has_egress && !spec.get("ingress").is_there();
        let types = if has_egress {
            "[Ingress, Egress]"
        } else {
            "[Ingress]"
        };
        let place = match only_egress {
            true => part(&policy.origin, &["spec", "egress"]),
            false => name_of(&policy.origin),
        };
        let message = match only_egress {
            true => "the policy has egress rules only, and without `policyTypes` it denies all ingress too".to_owned(),
            false => format!("`policyTypes` is not written, and means `{types}`"),
        };
        let mut one = Found::at(&META, place, message);
        one = match only_egress {
            true => one.key().severity(Severity::Warning).help(
                "write `policyTypes: [Egress]` if ingress is to stay as it is, or `[Ingress, Egress]` if this is meant",
            ),
            false => one.help(format!("write `policyTypes: {types}`")),
        };
        // An explicit empty list would be there twice.
        let first = spec.entries().next().map(|(key, _)| key.to_owned());
        if let Some(first) =
            first.filter(|_| !only_egress && !spec.entries().any(|(k, _)| k == "policyTypes"))
        {
            one = one.fix(
                format!("writes `policyTypes: {types}`, which is what it means already"),
                true,
                vec![Edit::AddEntry {
                    document: policy.origin.document,
                    before: policy.origin.route.clone().key("spec").key(first),
                    text: format!("policyTypes: {types}"),
                }],
            );
        }
        found.push(one);
    }
    found
}
