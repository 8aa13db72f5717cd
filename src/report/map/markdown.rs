//! The map as a Markdown table, to be read in a pull request.

use super::rows::sheet;
use super::{Map, MapFormat};
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: MapFormat = MapFormat {
    name: "md",
    summary: "the same as a Markdown table, for a pull request",
    render,
};

/// How long a list of names may be.
const BUDGET: usize = 120;

fn render(map: &Map<'_>, out: &mut dyn Write) -> io::Result<()> {
    let sheet = sheet(map, BUDGET);
    writeln!(out, "**{}**", escape(&sheet.headline))?;
    bullets(out, &sheet.remarks)?;
    if !sheet.rows.is_empty() {
        writeln!(out)?;
        let titles = sheet.header.iter().map(|title| capitalized(title));
        line(out, titles)?;
        line(out, sheet.header.iter().map(|_| "---".to_owned()))?;
        for row in &sheet.rows {
            line(out, row.cells.iter().map(|cell| escape(cell)))?;
        }
    }
    bullets(out, &sheet.notes)
}

fn bullets(out: &mut dyn Write, texts: &[String]) -> io::Result<()> {
    if !texts.is_empty() {
        writeln!(out)?;
    }
    for text in texts {
        writeln!(out, "- {}", escape(text))?;
    }
    Ok(())
}

fn line(out: &mut dyn Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    write!(out, "|")?;
    for cell in cells {
        write!(out, " {cell} |")?;
    }
    writeln!(out)
}

/// `HOW MANY` as `How many`.
fn capitalized(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(String::from).unwrap_or_default();
    first + &letters.as_str().to_lowercase()
}

/// Keeps a text from being read as markup. Backticks are ours, and stay.
pub(in crate::report) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut in_code = false;
    for letter in text.chars() {
        in_code ^= letter == '`';
        let is_markup = matches!(letter, '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '~' | '#');
        match letter {
            '\n' => escaped.push_str("<br>"),
            '\r' => {}
            // A pipe ends a cell even in code.
            '|' => escaped.push_str("\\|"),
            _ if is_markup && !in_code => {
                escaped.push('\\');
                escaped.push(letter);
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}
