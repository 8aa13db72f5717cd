//! Two sets of policies compared, for people and as JSON.

use super::check::{end_text, sides_text, wrapped};
use super::check_json::{EndJson, end_json};
use super::snippet::Style;
use crate::model::{Cluster, Verdict};
use crate::question::compare::{Compared, Comparison, Difference};
use crate::source::Sources;
use crate::symbolic::Witness;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

/// One of the two inputs.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// As the user named it.
    pub name: &'a str,
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its texts.
    pub sources: &'a Sources,
}

/// The answer as text.
pub fn render_compared(
    inputs: [Named<'_>; 2],
    comparison: Comparison,
    compared: &Compared,
    style: Style,
) -> String {
    let [a, b] = inputs.each_ref().map(|input| input.name);
    let (yes, no) = match comparison {
        Comparison::Equivalent => ("allow the same", "do not allow the same"),
        Comparison::Implies => ("allows no more than", "allows more than"),
    };
    let says = |what: &str| match comparison {
        Comparison::Equivalent => format!("{a} and {b} {what}"),
        Comparison::Implies => format!("{a} {what} {b}"),
    };
    match compared {
        Compared::Proved => {
            format!(
                "yes: {}, for all pods that could be created (proved)\n",
                says(yes)
            )
        }
        Compared::Unknown { reason } => {
            format!(
                "unknown: whether {}; the solver gave up: {reason}\n",
                says(yes)
            )
        }
        Compared::Differs(difference) => {
            format!("no: {}\n{}", says(no), explain(inputs, difference, style))
        }
    }
}

/// The names that the address has, where that matters.
fn names_text(witness: &Witness) -> String {
    let names: Vec<String> = witness.names.iter().map(|n| format!("`{n}`")).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(", if that is an address of {},", names.join(" and ")),
    }
}

fn explain(inputs: [Named<'_>; 2], difference: &Difference, style: Style) -> String {
    let witness = &difference.witness;
    let mut text = String::new();
    for (input, judged) in inputs.iter().zip(&difference.judged) {
        let evaluation = &judged.evaluation;
        let can = match evaluation.verdict {
            Verdict::Allowed => "can",
            _ => "cannot",
        };
        let line = format!(
            "in {}, {} {can} reach {}{} on {} {}",
            input.name,
            end_text(input.cluster, &witness.source),
            end_text(input.cluster, &witness.destination),
            names_text(witness),
            witness.protocol,
            witness.port,
        );
        text.push('\n');
        text.push_str(&wrapped(&line, style.width));
        text.push('\n');
        text.push_str(&sides_text(
            input.cluster,
            input.sources,
            style,
            witness,
            judged,
        ));
    }
    text
}

/// Whether two inputs allow the same, or one no more than the other.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "portolan equiv -o json, portolan implies -o json")]
pub struct ComparedDocument {
    /// The version of this shape. Within a version only optional members are added.
    version: u8,
    /// `equivalent` or `implies`.
    question: String,
    /// `proved`, `differs` or `unknown`.
    outcome: String,
    /// Why it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// A flow that the two say different things of.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<DifferenceJson>,
}

/// A flow that two inputs say different things of.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct DifferenceJson {
    /// Who calls.
    source: EndJson,
    /// Who is called.
    destination: EndJson,
    /// The protocol.
    protocol: String,
    /// The port.
    port: u16,
    /// What the first says: `allowed` or `denied`.
    first: String,
    /// What the second says.
    second: String,
}

/// The JSON Schema of the answer.
pub fn compared_schema() -> serde_json::Value {
    schema_for!(ComparedDocument).to_value()
}

/// The answer as JSON.
pub fn compared_json(
    inputs: [Named<'_>; 2],
    comparison: Comparison,
    compared: &Compared,
) -> ComparedDocument {
    let [first, _] = inputs;
    let (outcome, reason, difference) = match compared {
        Compared::Proved => ("proved", None, None),
        Compared::Unknown { reason } => ("unknown", Some(reason.clone()), None),
        Compared::Differs(difference) => ("differs", None, Some(difference)),
    };
    ComparedDocument {
        version: 1,
        question: match comparison {
            Comparison::Equivalent => "equivalent".to_owned(),
            Comparison::Implies => "implies".to_owned(),
        },
        outcome: outcome.to_owned(),
        reason,
        difference: difference.map(|difference| {
            let witness = &difference.witness;
            let [one, other] = difference
                .judged
                .each_ref()
                .map(|judged| judged.evaluation.verdict.name().to_owned());
            DifferenceJson {
                source: end_json(first.cluster, &witness.source),
                destination: end_json(first.cluster, &witness.destination),
                protocol: witness.protocol.name().to_owned(),
                port: witness.port,
                first: one,
                second: other,
            }
        }),
    }
}
