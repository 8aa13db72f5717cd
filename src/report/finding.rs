//! Findings as text for people, and as JSON.

use super::snippet::{Drawing, Style, locate};
use crate::model::{Finding, Severity};
use crate::source::Sources;
use schemars::JsonSchema;
use serde::Serialize;

/// How many findings are drawn in full before the rest is only counted.
const DRAWN: usize = 12;

/// Findings for people: those at or above `least` drawn with their lines, the rest counted.
/// Nothing is left out without saying so. Empty when there is nothing to say.
pub fn render_findings(
    sources: &Sources,
    findings: &[Finding],
    least: Severity,
    style: Style,
) -> String {
    let mut text = String::new();
    let shown: Vec<&Finding> = findings.iter().filter(|f| f.severity <= least).collect();
    let limit = if least == Severity::Note {
        usize::MAX
    } else {
        DRAWN
    };
    for finding in shown.iter().take(limit) {
        text.push_str(&Drawing::of_finding(sources, finding).render(style));
        text.push('\n');
    }
    let mut left: Vec<String> = Vec::new();
    if let Some(more) = shown.len().checked_sub(limit).filter(|more| *more > 0) {
        left.push(format!("{more} more like these"));
    }
    for severity in [Severity::Warning, Severity::Note] {
        let n_hidden = findings
            .iter()
            .filter(|f| f.severity == severity && severity > least)
            .count();
        if n_hidden > 0 {
            left.push(counted(n_hidden, severity.name()));
        }
    }
    if !left.is_empty() {
        text.push_str(&format!(
            "{} not shown: see them with `-v`\n",
            left.join(" and ")
        ));
    }
    text
}

/// `1 pod`, `2 pods`, `2 policies`.
pub fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ => format!("{count} {noun}s"),
    }
}

/// A finding as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct FindingJson {
    /// The rule, `NP001` for example.
    pub id: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The file, as it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// A finding as JSON, located.
pub fn finding_json(sources: &Sources, finding: &Finding) -> FindingJson {
    let location = locate(sources, &finding.place);
    let input = match &finding.place {
        crate::model::Place::Input(name) => Some(name.clone()),
        _ => None,
    };
    FindingJson {
        id: finding.id.to_owned(),
        severity: finding.severity.name().to_owned(),
        message: finding.message.clone(),
        help: finding.help.clone(),
        file: location.as_ref().map(|l| l.file.clone()).or(input),
        line: location.as_ref().map(|l| l.line),
        column: location.as_ref().map(|l| l.column),
    }
}
