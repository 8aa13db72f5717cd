//! A check for people.

use super::{Gate, GateFormat, Item, Standing, Verdict};
use crate::model::Severity;
use crate::report::check::{self, render_check, wrapped_line};
use crate::report::finding::counted;
use crate::report::snippet::place_text;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: GateFormat = GateFormat {
    name: "text",
    summary: "for people",
    render,
};

fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut is_first = true;
    let mut section = |out: &mut dyn Write| -> io::Result<()> {
        match std::mem::take(&mut is_first) {
            true => Ok(()),
            false => writeln!(out),
        }
    };
    if !gate.checked.is_empty() {
        section(out)?;
        let context = check::Context {
            cluster: gate.cluster,
            sources: gate.sources,
            style: gate.style,
            timing: gate.timing,
        };
        out.write_all(render_check(context, gate.checked).as_bytes())?;
    }
    if let Some(view) = gate.diff {
        section(out)?;
        crate::report::diff::render_table(view, out)?;
    }
    let suppressed = gate.items.iter().filter_map(|item| match &item.standing {
        Standing::Suppressed { reason, .. } => Some((item, reason)),
        Standing::Active | Standing::Known => None,
    });
    let suppressed: Vec<_> = suppressed.collect();
    if !suppressed.is_empty() {
        section(out)?;
    }
    for (item, reason) in suppressed {
        let place = place_text(gate.sources, &item.place);
        let line = format!("suppressed: {} at {place}: {reason}", item.id);
        out.write_all(wrapped_line(&line, gate.style.width).as_bytes())?;
    }
    section(out)?;
    let (red, plain) = match (gate.style.colour, gate.verdict) {
        (false, _) => ("", ""),
        (true, Verdict::Passed) => ("\u{1b}[1;32m", "\u{1b}[0m"),
        (true, Verdict::Failed) => ("\u{1b}[1;31m", "\u{1b}[0m"),
        (true, Verdict::Unknown) => ("\u{1b}[1;33m", "\u{1b}[0m"),
    };
    let counts = counts(gate);
    writeln!(out, "check {red}{}{plain}: {counts}", gate.verdict.name())
}

/// What counts and what does not, in numbers.
pub(super) fn counts(gate: &Gate<'_>) -> String {
    let of = |wanted: fn(&Item) -> bool| gate.items.iter().filter(|item| wanted(item)).count();
    let mut parts = Vec::new();
    let active = [
        (
            Severity::Error,
            of(|i| i.is_active() && i.severity == Severity::Error),
        ),
        (
            Severity::Warning,
            of(|i| i.is_active() && i.severity == Severity::Warning),
        ),
        (
            Severity::Note,
            of(|i| i.is_active() && i.severity == Severity::Note),
        ),
    ];
    for (severity, count) in active {
        if count > 0 {
            parts.push(counted(count, severity.name()));
        }
    }
    let n_suppressed = of(|item| matches!(item.standing, Standing::Suppressed { .. }));
    let n_known = of(|item| item.standing == Standing::Known);
    if n_suppressed > 0 {
        parts.push(format!("{n_suppressed} suppressed"));
    }
    if n_known > 0 {
        parts.push(format!("{n_known} in the baseline"));
    }
    if gate.n_stale > 0 {
        parts.push(format!(
            "{} of the baseline gone, which `--write-baseline` removes",
            counted(gate.n_stale, "entry")
        ));
    }
    match parts.is_empty() {
        true => "nothing found".to_owned(),
        false => parts.join(", "),
    }
}
