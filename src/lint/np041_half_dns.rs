//! NP041: DNS over one protocol only (D1).

use super::view::{Context, single};
use super::{Found, Lint};
use crate::model::{Direction, Meta, Protocol, Severity};
use crate::source::Edit;

const META: Meta = Meta {
    id: "NP041",
    name: "half-dns",
    summary: "a rule that allows DNS over UDP or TCP only",
    help: "Resolvers use UDP first and TCP for long answers. Allow both.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for at in context
        .rules()
        .filter(|at| at.direction == Direction::Egress)
    {
        for number in [53, 5353] {
            let of = |protocol| {
                at.ports()
                    .iter()
                    .find(|port| single(port) == Some((protocol, number)))
            };
            let ranges = |protocol| {
                at.ports()
                    .iter()
                    .any(|port| super::view::has_port(port, protocol, number))
            };
            let (port, has, lacks) = match (of(Protocol::Udp), of(Protocol::Tcp)) {
                (Some(port), None) if !ranges(Protocol::Tcp) => {
                    (port, Protocol::Udp, Protocol::Tcp)
                }
                (None, Some(port)) if !ranges(Protocol::Udp) => {
                    (port, Protocol::Tcp, Protocol::Udp)
                }
                _ => continue,
            };
            // NP005 says it of an entry without a protocol.
            let written = context.node_of(&at.policy.origin, &port.route);
            if !written.get("protocol").is_there()
                || is_allowed_elsewhere(context, &at, lacks, number)
            {
                continue;
            }
            found.push(
                Found::at(
                    &META,
                    at.port_origin(port),
                    format!(
                        "DNS over {has} only: long answers and retries need {lacks} {number} too"
                    ),
                )
                .help(format!(
                    "add an entry with `protocol: {lacks}` and `port: {number}`"
                ))
                .fix(
                    format!("allows {lacks} {number} to the same peers"),
                    false,
                    vec![Edit::AddItem {
                        document: at.policy.origin.document,
                        before: port.route.clone(),
                        lines: vec![format!("protocol: {lacks}"), format!("port: {number}")],
                    }],
                ),
            );
        }
    }
    found
}

/// Whether other rules allow it to the pods that the policy selects.
fn is_allowed_elsewhere(
    context: &Context<'_>,
    at: &super::view::RuleAt<'_>,
    protocol: Protocol,
    port: u16,
) -> bool {
    let subjects = context.subjects(at.policy);
    let allowed = |pod: &crate::model::PodId| {
        context
            .anything(*pod, Direction::Egress)
            .contains(protocol, port)
    };
    !subjects.is_empty() && subjects.iter().all(allowed)
}
