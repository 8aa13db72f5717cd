//! A diff as a Mermaid flowchart: what is added in full lines, what is removed in dotted ones.

use super::{DiffFormat, View, headline, rows};
use crate::report::map::mermaid::escaped;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: DiffFormat = DiffFormat {
    name: "mermaid",
    summary: "a Mermaid flowchart: thick lines are added, dotted ones removed",
    render,
};

/// How many lines Mermaid draws unless it is told otherwise.
const MAX_EDGES: usize = 500;
/// How long the text of a node may be.
const BUDGET: usize = 80;

fn render(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "flowchart LR")?;
    writeln!(out, "  %% {}", headline(view).replace(['\n', '\r'], " "))?;
    for note in view.notes {
        writeln!(out, "  %% {}", note.replace(['\n', '\r'], " "))?;
    }
    let rows = rows(view, BUDGET);
    if let Some(more) = rows.len().checked_sub(MAX_EDGES).filter(|more| *more > 0) {
        writeln!(out, "  %% {more} more groups: see them all with `-o json`")?;
    }
    let shown = rows.get(..MAX_EDGES).unwrap_or(&rows);
    let mut nodes: BTreeMap<&str, usize> = BTreeMap::new();
    for end in shown.iter().flat_map(|row| [&row.from, &row.to]) {
        let next = nodes.len();
        if !nodes.contains_key(end.as_str()) {
            nodes.insert(end, next);
            writeln!(out, "  n{next}[\"{}\"]", escaped(end))?;
        }
    }
    let node = |end: &str| nodes.get(end).copied().unwrap_or_default();
    for (index, row) in shown.iter().enumerate() {
        let (arrow, sign, colour) = match row.is_added {
            true => ("==>", "+", "#1a7f37"),
            false => ("-.->", "-", "#cf222e"),
        };
        let parts: Vec<String> = row.on.split("; ").map(escaped).collect();
        writeln!(
            out,
            "  n{} {arrow}|\"{sign} {}\"| n{}",
            node(&row.from),
            parts.join("<br/>"),
            node(&row.to)
        )?;
        writeln!(out, "  linkStyle {index} stroke:{colour}")?;
    }
    Ok(())
}
