//! NP075: kinds that ClusterNetworkPolicy has replaced.

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Meta, Severity, Tier};

const META: Meta = Meta {
    id: "NP075",
    name: "deprecated-kind",
    summary: "AdminNetworkPolicy or BaselineAdminNetworkPolicy, which ClusterNetworkPolicy has replaced",
    help: "The kinds of v1alpha1 are no longer developed. Write a ClusterNetworkPolicy of the same tier.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let policies = context.cluster.policies.iter();
    let old = policies.filter(|policy| {
        matches!(
            policy.kind,
            "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy"
        )
    });
    let found = old.map(|policy| {
        let tier = match policy.tier {
            Tier::Admin => "Admin",
            Tier::NetworkPolicy | Tier::Baseline => "Baseline",
        };
        Found::at(
            &META,
            part(&policy.origin, &["kind"]),
            format!("{} is replaced by ClusterNetworkPolicy", policy.kind),
        )
        .pedantic()
        .help(format!(
            "once all clusters have it, `portolan convert` writes one of `tier: {tier}`"
        ))
    });
    found.collect()
}
