//! NP022: an allow-all policy next to a default-deny one (N3).

use super::view::{Context, name_of};
use super::{Found, Lint};
use crate::model::{Direction, Meta, Severity};

const META: Meta = Meta {
    id: "NP022",
    name: "nullified-deny",
    summary: "a policy that allows everything to all pods that another one isolates",
    help: "Policies add up: where one allows everything, the others say nothing. Remove one of the two.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context.rules() {
        if at.rule.peers.is_some() || at.rule.ports.is_some() {
            continue;
        }
        let open = context.subjects(at.policy);
        let denies = context.policies().filter(|(_, other)| {
            other.namespace == at.policy.namespace
                && other.rules(at.direction).is_some_and(<[_]>::is_empty)
        });
        let nullified = denies.filter(|(_, other)| {
            let closed = context.subjects(other);
            let more_than_one = closed.len() > 1 || other.subject.pods.is_everything();
            more_than_one && !closed.is_empty() && closed.iter().all(|pod| open.contains(pod))
        });
        for (_, other) in nullified {
            let way = match at.direction {
                Direction::Ingress => "from everyone",
                Direction::Egress => "to everyone",
            };
            let deny = context.policy_name(other);
            found.push(
                Found::at(
                    &META,
                    at.origin(),
                    format!("this allows everything {way} for all pods that `{deny}` isolates, so that one has no effect"),
                )
                .related(name_of(&other.origin), format!("denies all {}", at.direction.name()))
                .help("narrow the podSelector of one of them, or remove one"),
            );
        }
    }
    found
}
