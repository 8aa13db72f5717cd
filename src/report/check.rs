//! What came of assertions, for people: a line for each, then what is wrong with those that do not
//! hold, on the lines of the manifests.

use super::answer::{Context as AnswerContext, explain_side, policy_mark};
use super::finding::counted;
use super::snippet::{Drawing, Sign, Style, place_text};
use super::words::{node_name, policy_name, policy_names};
use crate::intent::{Assertion, Claim, Expectation};
use crate::model::{Cluster, Direction, Evaluation, Origin, Place, PolicyId, Reason, Verdict};
use crate::question::can::pod_name;
use crate::question::check::{CheckOutcome, Checked, Counterexample, Judged};
use crate::source::{Sources, Target};
use crate::symbolic::{NewPod, Witness, WitnessEnd};
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The texts.
    pub sources: &'a Sources,
    /// How to draw.
    pub style: Style,
    /// Whether to say how long each took, which differs from run to run.
    pub timing: bool,
}

/// The word for an outcome.
pub fn outcome_name(outcome: &CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Proved => "proved",
        CheckOutcome::Violated(_) => "violated",
        CheckOutcome::Unknown { .. } => "unknown",
        CheckOutcome::Nothing { .. } => "about nothing",
        CheckOutcome::Unresolved => "unresolved",
    }
}

fn sign(outcome: &CheckOutcome) -> (&'static str, &'static str) {
    match outcome {
        CheckOutcome::Proved => ("✓", "1;32"),
        CheckOutcome::Unknown { .. } => ("?", "1;33"),
        _ => ("×", "1;31"),
    }
}

fn paint(style: Style, code: &str, text: &str) -> String {
    if style.colour {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// The whole answer as text.
pub fn render_check(context: Context<'_>, checked: &[(&Assertion, &Checked)]) -> String {
    let mut text = String::new();
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if context.style.colour {
        table.enforce_styling();
    }
    for (assertion, checked) in checked {
        let (mark, code) = sign(&checked.outcome);
        let mut word = Cell::new(format!("{mark} {}", outcome_name(&checked.outcome)));
        if context.style.colour {
            let colour = match code {
                "1;32" => Color::Green,
                "1;33" => Color::Yellow,
                _ => Color::Red,
            };
            word = word.fg(colour).add_attribute(Attribute::Bold);
        }
        let mut row = vec![
            word,
            Cell::new(assertion.scope.name()),
            Cell::new(format!("{}/{}", assertion.intent, assertion.name)),
        ];
        if context.timing {
            let ms = checked.elapsed.as_secs_f64() * 1000.0;
            row.push(Cell::new(format!("{ms:.1} ms")));
        }
        table.add_row(row);
    }
    for line in table.lines() {
        text.push_str(line.trim());
        text.push('\n');
    }
    for (assertion, checked) in checked {
        text.push_str(&details(context, assertion, checked));
    }
    text.push_str(&summary(checked));
    text
}

fn summary(checked: &[(&Assertion, &Checked)]) -> String {
    let mut parts = Vec::new();
    for word in [
        "proved",
        "violated",
        "about nothing",
        "unresolved",
        "unknown",
    ] {
        let outcomes = checked
            .iter()
            .map(|(_, checked)| outcome_name(&checked.outcome));
        let count = outcomes.filter(|name| *name == word).count();
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let all = counted(checked.len(), "assertion");
    if parts.is_empty() {
        return format!("\n{all}, so nothing is proved\n");
    }
    format!("\n{all}: {}\n", parts.join(", "))
}

fn details(context: Context<'_>, assertion: &Assertion, checked: &Checked) -> String {
    let mut lines = Vec::new();
    let mut drawing = String::new();
    match &checked.outcome {
        CheckOutcome::Proved if checked.notes.is_empty() => return String::new(),
        CheckOutcome::Proved => {}
        CheckOutcome::Violated(counterexample) => {
            lines.extend(assertion.description.clone());
            let (line, picture) = explain(context, assertion, counterexample);
            lines.push(line);
            drawing = picture;
        }
        CheckOutcome::Unknown { reason, example } => {
            lines.push(reason.clone());
            if let Some(example) = example {
                let (line, picture) = explain(context, assertion, example);
                lines.push(format!("for example: {line}"));
                drawing = picture;
            }
        }
        CheckOutcome::Nothing { what } => {
            lines.push(format!("{what}, so that nothing is proved by it"));
        }
        CheckOutcome::Unresolved => {
            lines.push("it names something that is not in the input".to_owned());
        }
    }
    lines.extend(checked.notes.iter().cloned());
    let place = Place::Node {
        origin: Origin {
            document: assertion.origin.document,
            route: assertion.origin.route.clone().key("name"),
        },
        target: Target::Value,
    };
    let (_, code) = sign(&checked.outcome);
    let word = paint(context.style, code, outcome_name(&checked.outcome));
    let place = place_text(context.sources, &place);
    let (intent, name, scope) = (&assertion.intent, &assertion.name, assertion.scope.name());
    let mut text = format!("\n{word}: {intent}/{name}\n  scope {scope}, {place}\n");
    for line in lines {
        text.push_str(&wrapped(&line, context.style.width));
    }
    if !drawing.is_empty() {
        text.push('\n');
        text.push_str(&drawing);
    }
    text
}

/// What is wrong with an assertion that does not hold, in one sentence.
pub fn reason_text(cluster: &Cluster, assertion: &Assertion, checked: &Checked) -> String {
    match &checked.outcome {
        CheckOutcome::Proved => String::new(),
        CheckOutcome::Violated(counterexample) => sentence_of(cluster, assertion, counterexample),
        CheckOutcome::Unknown { reason, example } => match example {
            Some(example) => {
                let example = sentence_of(cluster, assertion, example);
                format!("{reason}; for example: {example}")
            }
            None => reason.clone(),
        },
        CheckOutcome::Nothing { what } => format!("{what}, so that nothing is proved by it"),
        CheckOutcome::Unresolved => "it names something that is not in the input".to_owned(),
    }
}

/// The rules that decide a counterexample, or the policies that isolate, with their names.
pub fn deciding_places(cluster: &Cluster, checked: &Checked) -> Vec<(String, Origin)> {
    let found = match &checked.outcome {
        CheckOutcome::Violated(found) => found,
        CheckOutcome::Unknown {
            example: Some(found),
            ..
        } => found,
        _ => return Vec::new(),
    };
    let of_policy = |id: &PolicyId, rule: Option<(Direction, usize)>| {
        let policy = cluster.policy(*id)?;
        let route =
            rule.and_then(|(direction, index)| Some(&policy.rules(direction)?.get(index)?.route));
        let origin = route.map_or_else(|| policy.origin.clone(), |route| policy.origin_of(route));
        Some((policy_name(cluster, *id), origin))
    };
    let mut places = Vec::new();
    match found.as_ref() {
        Counterexample::Flow { judged, .. } => {
            let evaluation = &judged.evaluation;
            for (side, direction) in [
                (&evaluation.egress, Direction::Egress),
                (&evaluation.ingress, Direction::Ingress),
            ] {
                match &side.reason {
                    Reason::Rules { rules, .. } | Reason::Undecidable { rules } => {
                        let rules = rules.iter();
                        places.extend(rules.filter_map(|rule| {
                            of_policy(&rule.policy, Some((direction, rule.rule)))
                        }));
                    }
                    Reason::Isolated { .. } => {
                        let selecting = side.selecting.iter();
                        places.extend(selecting.filter_map(|id| of_policy(id, None)));
                    }
                    _ => {}
                }
            }
        }
        Counterexample::NotIsolated { .. } => {}
        Counterexample::Idle(policies) => {
            places.extend(policies.iter().filter_map(|id| of_policy(id, None)));
        }
    }
    places.dedup();
    places
}

/// A line of its own, wrapped; what follows is indented.
pub fn wrapped_line(line: &str, width: usize) -> String {
    wrapped(line, width).trim_start_matches(' ').to_owned()
}

/// A line of its own, indented by two, broken between words.
pub fn wrapped(line: &str, width: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in line.split(' ') {
        let length = word.chars().count();
        if column == 0 || column + 1 + length > width {
            if column > 0 {
                text.push('\n');
            }
            text.push_str("  ");
            column = 2;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
    text
}

/// What a counterexample says in one sentence, and the lines that decide it.
fn explain(
    context: Context<'_>,
    assertion: &Assertion,
    counterexample: &Counterexample,
) -> (String, String) {
    let sentence = sentence_of(context.cluster, assertion, counterexample);
    let mut picture = String::new();
    match counterexample {
        Counterexample::Flow { witness, judged } => {
            picture = sides_text(
                context.cluster,
                context.sources,
                context.style,
                witness,
                judged,
            );
        }
        Counterexample::NotIsolated { .. } => {}
        Counterexample::Idle(policies) => {
            for policy in policies.iter().take(3) {
                if let Some(mark) = policy_mark(context.cluster, *policy) {
                    let mark = super::snippet::Mark {
                        label: Some("selects nothing".to_owned()),
                        ..mark
                    };
                    let message = policy_names(context.cluster, &[*policy]);
                    let drawing = Drawing::new(context.sources, message, &[mark]);
                    picture.push_str(&drawing.with_sign(Sign::No).render(context.style));
                }
            }
        }
    }
    (sentence, picture)
}

/// What a counterexample says in one sentence.
fn sentence_of(
    cluster: &Cluster,
    assertion: &Assertion,
    counterexample: &Counterexample,
) -> String {
    match counterexample {
        Counterexample::Flow { witness, judged } => {
            let (from, to) = (
                end_text(cluster, &witness.source),
                end_text(cluster, &witness.destination),
            );
            let on = format!("{} {}", witness.protocol, witness.port);
            let says = match judged.evaluation.verdict {
                Verdict::Allowed => "can reach",
                Verdict::Denied => "cannot reach",
                Verdict::Unknown => "may reach",
            };
            let must = match &assertion.claim {
                Some(Claim::Flows {
                    expect: Expectation::Allowed,
                    ..
                }) => "has to",
                _ => "must not",
            };
            format!("{from} {says} {to} on {on}{}, and {must}", named(witness))
        }
        Counterexample::NotIsolated { witness, direction } => {
            let pod = match direction {
                Direction::Egress => &witness.source,
                Direction::Ingress => &witness.destination,
            };
            format!(
                "no policy selects {} for {}",
                end_text(cluster, pod),
                direction.name()
            )
        }
        Counterexample::Idle(policies) => {
            format!("no pod is selected by {}", policy_names(cluster, policies))
        }
    }
}

/// Both sides of a flow, each with the lines that decide it.
pub(super) fn sides_text(
    cluster: &Cluster,
    sources: &Sources,
    style: Style,
    witness: &Witness,
    judged: &Judged,
) -> String {
    let context = AnswerContext {
        cluster,
        sources,
        style,
        from: "",
        to: "",
    };
    let Evaluation {
        egress, ingress, ..
    } = &judged.evaluation;
    let mut text = String::new();
    for (direction, side, end) in [
        (Direction::Egress, egress, &witness.source),
        (Direction::Ingress, ingress, &witness.destination),
    ] {
        let near = judged.near.iter().find(|(d, _)| *d == direction);
        let who = short_text(cluster, end);
        let near = near.map(|(_, near)| near);
        text.push_str(&explain_side(context, direction, side, &who, near));
    }
    text
}

/// What the called pod calls the port, when that matters.
fn named(witness: &Witness) -> String {
    match &witness.destination {
        WitnessEnd::NewPod(pod) if !pod.port_names.is_empty() => {
            let names: Vec<String> = pod
                .port_names
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            format!(", which it calls {}", names.join(" and "))
        }
        _ => String::new(),
    }
}

/// One end in words.
pub fn end_text(cluster: &Cluster, end: &WitnessEnd) -> String {
    match end {
        WitnessEnd::Pod(pod, _) => pod_name(cluster, *pod),
        WitnessEnd::Node(node, _) => node_name(cluster, *node),
        WitnessEnd::Outside(address) => address.to_string(),
        WitnessEnd::NewPod(pod) => new_pod_text(pod),
    }
}

fn short_text(cluster: &Cluster, end: &WitnessEnd) -> String {
    match end {
        WitnessEnd::NewPod(pod) => format!("the new pod in `{}`", pod.namespace),
        other => end_text(cluster, other),
    }
}

fn new_pod_text(pod: &NewPod) -> String {
    let labels = |labels: &std::collections::BTreeMap<String, String>| {
        let pairs: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        format!("`{}`", pairs.join(","))
    };
    let with = if pod.labels.is_empty() {
        "without labels".to_owned()
    } else {
        format!("labelled {}", labels(&pod.labels))
    };
    let namespace = match &pod.namespace_labels {
        Some(own) if !own.is_empty() => {
            format!("a namespace `{}` labelled {}", pod.namespace, labels(own))
        }
        _ => format!("namespace `{}`", pod.namespace),
    };
    let address = pod
        .address
        .map_or_else(String::new, |address| format!(" at {address}"));
    format!("a new pod {with} in {namespace}{address}")
}
