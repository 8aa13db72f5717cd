//! Redundant parts of policies, for people and as JSON.

use super::finding::counted;
use super::snippet::{Drawing, Mark, Style, place_text};
use super::words::policy_name;
use crate::model::{Cluster, Origin, Place};
use crate::question::redundant::{Redundancies, Redundant};
use crate::source::{Route, Sources, Target};
use crate::symbolic::{Omission, Omitted};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

/// The answer as text: each part with its lines, and what says the same.
pub fn render_redundancies(
    cluster: &Cluster,
    sources: &Sources,
    answer: &Redundancies,
    style: Style,
) -> String {
    let mut text = String::new();
    for redundant in &answer.found {
        text.push_str(&picture(cluster, sources, redundant, style));
        text.push('\n');
    }
    for (part, reason) in &answer.unknown {
        let name = part_name(cluster, *part);
        text.push_str(&format!("unknown: {name}; the solver gave up: {reason}\n"));
    }
    let asked = counted(answer.asked, "part");
    text.push_str(&match answer.found.len() {
        0 => format!("{asked} of policies, none redundant"),
        n => format!("{asked} of policies, {n} redundant"),
    });
    if !answer.unknown.is_empty() {
        text.push_str(&format!(", {} unknown", answer.unknown.len()));
    }
    text.push('\n');
    if answer.found.len() > 1 {
        text.push_str("each was asked about alone: remove one, and ask again\n");
    }
    text
}

fn kind(what: Omission) -> &'static str {
    match what {
        Omission::Policy => "policy",
        Omission::Rule(..) => "rule",
        Omission::Peer(..) => "peer",
        Omission::Port(..) => "port",
    }
}

fn picture(cluster: &Cluster, sources: &Sources, redundant: &Redundant, style: Style) -> String {
    let what = kind(redundant.part.what);
    let name = policy_name(cluster, redundant.part.policy);
    let message = match redundant.part.what {
        Omission::Policy => format!("{name} changes nothing"),
        _ => format!("a {what} of {name} changes nothing"),
    };
    let mut origin = redundant.origin.clone();
    if redundant.part.what == Omission::Policy {
        origin.route = origin.route.key("metadata").key("name");
    }
    let mut marks = vec![Mark::value(origin, format!("this {what}"))];
    for shadow in &redundant.shadowed_by {
        if shadow.what != Omission::Policy
            && let Some(origin) = origin_of(cluster, *shadow)
        {
            marks.push(Mark::value(origin, "says the same"));
        }
    }
    let help = match redundant.shadowed_by.as_slice() {
        [] => "no flow that it lets through gets past both ends, or none is left to it: is a \
               selector or a port misspelt?"
            .to_owned(),
        [one] => format!("shadowed by {}", part_name(cluster, *one)),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|shadow| part_name(cluster, *shadow))
                .collect();
            format!("shadowed together by {}", names.join(", "))
        }
    };
    Drawing::new(sources, message, &marks)
        .with_help(Some(help))
        .render(style)
}

fn origin_of(cluster: &Cluster, part: Omitted) -> Option<Origin> {
    let policy = cluster.policy(part.policy)?;
    let rule = |direction, index: usize| policy.rules(direction)?.get(index);
    let route = match part.what {
        Omission::Policy => return Some(policy.origin.clone()),
        Omission::Rule(direction, index) => &rule(direction, index)?.route,
        Omission::Peer(direction, index, nth) => {
            &rule(direction, index)?.peers.as_ref()?.get(nth)?.route
        }
        Omission::Port(direction, index, nth) => {
            &rule(direction, index)?.ports.as_ref()?.get(nth)?.route
        }
    };
    Some(policy.origin_of(route))
}

/// `spec.ingress[0] of NetworkPolicy shop/cart`.
fn part_name(cluster: &Cluster, part: Omitted) -> String {
    let name = policy_name(cluster, part.policy);
    let (Some(policy), Some(origin)) = (cluster.policy(part.policy), origin_of(cluster, part))
    else {
        return name;
    };
    let steps = origin.route.steps();
    let inside = steps
        .get(policy.origin.route.steps().len()..)
        .unwrap_or_default();
    let route: Route = inside.iter().cloned().collect();
    if part.what == Omission::Policy {
        return name;
    }
    format!("`{route}` of {name}")
}

/// The parts of policies that change nothing.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "portolan redundant -o json")]
pub struct RedundantDocument {
    /// The version of this shape. Within a version only optional members are added.
    version: u8,
    /// How many parts were asked about.
    asked: usize,
    /// The redundant ones. Each was asked about alone.
    redundant: Vec<RedundantJson>,
    /// Those of which it is not known.
    unknown: Vec<String>,
}

/// A part that changes nothing.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct RedundantJson {
    /// `policy`, `rule`, `peer` or `port`.
    kind: String,
    /// Kind, namespace and name of the policy.
    policy: String,
    /// `file:line:column` of the part.
    place: String,
    /// The rules that together say the same, each as `file:line:column`; none when it lets
    /// through nothing that both ends allow.
    shadowed_by: Vec<String>,
}

/// The JSON Schema of the answer.
pub fn redundant_schema() -> serde_json::Value {
    schema_for!(RedundantDocument).to_value()
}

/// The answer as JSON.
pub fn redundant_json(
    cluster: &Cluster,
    sources: &Sources,
    answer: &Redundancies,
) -> RedundantDocument {
    let at = |origin: Origin| {
        let target = Target::Value;
        place_text(sources, &Place::Node { origin, target })
    };
    RedundantDocument {
        version: 1,
        asked: answer.asked,
        redundant: answer
            .found
            .iter()
            .map(|redundant| RedundantJson {
                kind: kind(redundant.part.what).to_owned(),
                policy: policy_name(cluster, redundant.part.policy),
                place: at(redundant.origin.clone()),
                shadowed_by: redundant
                    .shadowed_by
                    .iter()
                    .filter_map(|shadow| origin_of(cluster, *shadow))
                    .map(at)
                    .collect(),
            })
            .collect(),
        unknown: answer
            .unknown
            .iter()
            .map(|(part, _)| part_name(cluster, *part))
            .collect(),
    }
}
