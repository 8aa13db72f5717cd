//! NP020: a rule for everyone (the table of empty and missing lists in the specification).

use super::view::{Context, below};
use super::{Found, Lint};
use crate::model::{Direction, Meta, Severity};

const META: Meta = Meta {
    id: "NP020",
    name: "all-peers",
    summary: "a rule without peers, which is for everyone",
    help: "An empty `from` or `to` is everyone, addresses outside the cluster included, and not no one. Name the peers, or write no rule at all to deny.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        if at.rule.peers.is_some() {
            continue;
        }
        let (field, who, no_rule) = match at.direction {
            Direction::Ingress => ("from", "all sources", "ingress: []"),
            Direction::Egress => ("to", "all destinations", "egress: []"),
        };
        let written = context.node_of(&at.policy.origin, &at.rule.route);
        // What a template renders for a list that is empty.
        if written.get(field).is_list() {
            let place = below(&at.origin(), field);
            let message =
                format!("an empty `{field}` allows {who}, inside the cluster and outside");
            found.push(
                Found::at(&META, place, message)
                    .severity(Severity::Error)
                    .key()
                    .help(format!(
                        "leave the field out if that is meant; to allow no one, write `{no_rule}`"
                    )),
            );
        } else {
            let message = format!("the rule allows {who}, inside the cluster and outside");
            found.push(
                Found::at(&META, at.origin(), message)
                    .pedantic()
                    .help(format!(
                        "name the peers in `{field}`, if not everyone is meant"
                    )),
            );
        }
    }
    found
}
