//! A diff as a comment for a pull request: one line that says it all, a table, and everything
//! else folded away.

use super::rows::one_sided;
use super::{DiffFormat, View, headline, rows};
use crate::report::map::markdown::escape;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: DiffFormat = DiffFormat {
    name: "md",
    summary: "a comment for a pull request: a summary, a table, details folded",
    render,
};

/// How long a list of names may be.
const BUDGET: usize = 120;
/// How many groups are shown: a comment on GitHub may have 65,536 characters.
const MOST_ROWS: usize = 60;
const MOST_DETAILS: usize = 40;

fn render(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(comment(view).as_bytes())
}

/// The comment.
pub fn comment(view: &View<'_>) -> String {
    let mut text = String::new();
    let mark = match (
        view.diff.is_empty(),
        view.diff.groups.iter().any(|g| g.is_exposed()),
    ) {
        (true, _) => "✅",
        (false, true) => "🚨",
        (false, false) => "🔀",
    };
    text.push_str(&format!("{mark} **{}**\n", escape(&headline(view))));
    let rows = rows(view, BUDGET);
    if !rows.is_empty() {
        text.push_str("\n|   | From | To | On | Because |\n| --- | --- | --- | --- | --- |\n");
    }
    for row in rows.iter().take(MOST_ROWS) {
        let sign = match (row.is_added, row.is_exposed) {
            (true, true) => "➕ 🚨",
            (true, false) => "➕",
            (false, _) => "➖",
        };
        let change = match row.change {
            "added" | "removed" => String::new(),
            other => format!(" {other}"),
        };
        let why = row.why.iter().map(|why| {
            let first = why.places.first().map(|place| format!(" `{place}`"));
            format!("{}{}", escape(&why.what), first.unwrap_or_default())
        });
        text.push_str(&format!(
            "| {sign}{change} | {} | {} | {} | {} |\n",
            escape(&row.from),
            escape(&row.to),
            escape(&row.on),
            why.collect::<Vec<String>>().join("<br>")
        ));
    }
    if let Some(more) = rows.len().checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        text.push_str(&format!(
            "\n{more} more groups are not shown: see them all with `portolan diff -o json`.\n"
        ));
    }
    let mut details = one_sided(view, 400);
    for row in rows.iter().take(MOST_DETAILS) {
        let places: Vec<String> = row
            .why
            .iter()
            .flat_map(|why| why.places.iter().map(|place| format!("`{place}`")))
            .collect();
        if places.len() > 1 {
            details.push(format!(
                "{} → {}: {}",
                escape(&row.from),
                escape(&row.to),
                places.join(", ")
            ));
        }
    }
    details.extend(view.notes.iter().map(|note| escape(note)));
    if view.diff.groups.iter().any(|group| group.is_exposed()) {
        details.push("🚨 is open to the internet".to_owned());
    }
    if !details.is_empty() {
        text.push_str("\n<details><summary>Details</summary>\n\n");
        for detail in details {
            text.push_str(&format!("- {detail}\n"));
        }
        text.push_str("\n</details>\n");
    }
    text
}
