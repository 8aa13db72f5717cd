//! A diff for people at a terminal.

use super::rows::one_sided;
use super::{DiffFormat, Row, View, headline, rows};
use crate::report::map::columns::{Content, GAP, column_widths, wrap};
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: DiffFormat = DiffFormat {
    name: "table",
    summary: "for people: who can newly, or no longer, reach whom, and why",
    render: render_table,
};

/// Narrower terminals get lines that they have to break.
const MIN_WIDTH: usize = 40;
/// How many groups are shown before the rest is only counted.
const MOST_ROWS: usize = 200;

/// Writes it.
pub fn render_table(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let width = view.style.width.max(MIN_WIDTH);
    let line = wrap(&headline(view), width, Content::Words);
    match view.style.colour {
        true => writeln!(out, "\u{1b}[1m{line}\u{1b}[0m")?,
        false => writeln!(out, "{line}")?,
    }
    let mut notes = one_sided(view, width);
    let rows = rows(view, width.min(160) / 2);
    if !rows.is_empty() {
        let shown = rows.get(..MOST_ROWS).unwrap_or(&rows);
        writeln!(out, "\n{}", table(shown, width, view.style.colour))?;
        if let Some(more) = rows.len().checked_sub(MOST_ROWS).filter(|more| *more > 0) {
            notes.push(format!(
                "{more} more groups: see them all with `-o json` or `-o csv`"
            ));
        }
    }
    if rows.iter().any(|row| row.is_exposed) {
        notes.push("! is open to the internet".to_owned());
    }
    notes.extend(view.notes.iter().cloned());
    if !notes.is_empty() {
        writeln!(out)?;
    }
    for note in notes {
        let wrapped = wrap(&note, width.saturating_sub(2), Content::Words);
        writeln!(out, "{}", wrapped.replace('\n', "\n  "))?;
    }
    Ok(())
}

/// A row's cells.
fn cells(row: &Row) -> [String; 5] {
    let sign = match (row.is_added, row.is_exposed) {
        (true, true) => "+!",
        (true, false) => "+",
        (false, _) => "-",
    };
    let why = row.why.iter().map(|why| {
        let places = why.places.iter().map(|place| format!("\n  {place}"));
        format!("{}{}", why.what, places.collect::<String>())
    });
    [
        format!("{sign} {}", row.change),
        row.from.clone(),
        row.to.clone(),
        row.on.clone(),
        why.collect::<Vec<String>>().join("\n"),
    ]
}

const HEADER: [&str; 5] = ["CHANGE", "FROM", "TO", "ON", "BECAUSE"];

fn table(rows: &[Row], width: usize, colour: bool) -> String {
    let contents = [
        Content::Words,
        Content::Words,
        Content::Words,
        Content::Values,
        Content::Words,
    ];
    let texts: Vec<[String; 5]> = rows.iter().map(cells).collect();
    let lines = texts
        .iter()
        .map(|row| row.iter().map(String::as_str).collect::<Vec<&str>>());
    let widths = column_widths(
        std::iter::once(HEADER.to_vec()).chain(lines),
        &contents,
        width,
    );
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let bold = |text: &str| Cell::new(text).add_attribute(Attribute::Bold);
    table.set_header(HEADER.map(bold));
    for (row, texts) in rows.iter().zip(&texts) {
        let columns = texts.iter().zip(widths.iter().zip(&contents));
        let cells = columns
            .enumerate()
            .map(|(index, (text, (width, content)))| {
                let cell = Cell::new(wrap(text, *width, *content));
                match (index, row.is_added) {
                    (0, true) => cell.fg(Color::Green),
                    (0, false) => cell.fg(Color::Red),
                    _ => cell,
                }
            });
        table.add_row(cells.collect::<Vec<Cell>>());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, u16::try_from(GAP).unwrap_or(1)));
    }
    table.trim_fmt()
}
