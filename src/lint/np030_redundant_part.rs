//! NP030: a rule, peer or port that changes nothing. Proved by the solver.

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Meta, Severity};
use crate::question::redundant::redundant;
use crate::symbolic::{Limits, Omission};

const META: Meta = Meta {
    id: "NP030",
    name: "redundant-part",
    summary: "a rule, peer or port that changes nothing",
    help: "No flow of any pod that could be created would be decided otherwise without it: it can be removed.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::solver(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let all = redundant(context.cluster, Limits::default());
    let mut found = Vec::new();
    for one in all.found {
        let what = match one.part.what {
            Omission::Policy => continue,
            Omission::Rule(..) => "rule",
            Omission::Peer(..) => "peer",
            Omission::Port(..) => "port",
        };
        let message = match one.shadowed_by.is_empty() {
            true => format!("this {what} lets nothing through that both ends allow"),
            false => format!("this {what} changes nothing: others allow all of it"),
        };
        let mut finding = Found::at(&META, one.origin, message).help("it can be removed");
        for by in one.shadowed_by.iter().take(3) {
            if let Some(policy) = context.cluster.policy(by.policy) {
                finding =
                    finding.related(super::view::name_of(&policy.origin), "allows it as well");
            }
        }
        found.push(finding);
    }
    for (part, reason) in all.unknown {
        if let Some(policy) = context.cluster.policy(part.policy) {
            let place = super::view::name_of(&policy.origin);
            found.push(Found::at(
                &META,
                place,
                format!("it is not known whether all of it is needed: {reason}"),
            ));
        }
    }
    found
}
