//! A check as a comment for a pull request, and as the summary of a job.

use super::{Gate, GateFormat, Standing, Verdict, spot, text::counts};
use crate::model::Severity;
use crate::report::map::markdown::escape;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: GateFormat = GateFormat {
    name: "md",
    summary: "a comment for a pull request: the verdict, what changed, what was found",
    render,
};

/// How many findings are shown: a comment on GitHub may have 65,536 characters.
const MOST_ROWS: usize = 60;

fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mark = match gate.verdict {
        Verdict::Passed => "✅",
        Verdict::Failed => "❌",
        Verdict::Unknown => "❔",
    };
    writeln!(
        out,
        "### {mark} portolan check {}: {}",
        gate.verdict.name(),
        escape(&counts(gate))
    )?;
    if let Some(view) = gate.diff {
        write!(out, "\n{}", crate::report::diff::comment(view))?;
    }
    let rows: Vec<_> = gate
        .items
        .iter()
        // What changed is told already.
        .filter(|item| item.is_active() && !item.id.starts_with("DF"))
        .collect();
    if !rows.is_empty() {
        writeln!(out, "\n|   | Where | What |\n| --- | --- | --- |")?;
    }
    for item in rows.iter().take(MOST_ROWS) {
        let mark = match item.severity {
            Severity::Error => "❌",
            Severity::Warning => "⚠️",
            Severity::Note => "ℹ️",
        };
        let place = spot(gate, &item.place).map_or_else(
            || "standard input".to_owned(),
            |place| format!("`{}:{}`", place.file, place.line),
        );
        let message = escape(&item.message);
        let help = item.help.as_deref();
        let help = help.map_or_else(String::new, |help| format!("<br>{}", escape(help)));
        writeln!(out, "| {mark} {} | {place} | {message}{help} |", item.id)?;
    }
    if let Some(more) = rows.len().checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        writeln!(out, "\n{more} more are not shown.")?;
    }
    let mut details = Vec::new();
    for item in gate.items {
        if let Standing::Suppressed { reason, .. } = &item.standing {
            let place = spot(gate, &item.place);
            let place = place.map_or_else(String::new, |p| format!(" `{}:{}`", p.file, p.line));
            details.push(format!(
                "suppressed: {}{place}: {}",
                item.id,
                escape(reason)
            ));
        }
    }
    details.extend(gate.assumptions.iter().map(|text| escape(text)));
    if !details.is_empty() {
        writeln!(
            out,
            "\n<details><summary>Suppressions and assumptions</summary>\n"
        )?;
        for detail in details {
            writeln!(out, "- {detail}")?;
        }
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}
