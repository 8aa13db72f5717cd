//! The map for people: grouped, so that it stays readable, and in columns.

use super::columns::{Content, GAP, column_widths, wrap};
use super::rows::{Sheet, sheet};
use super::{Map, MapFormat};
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: MapFormat = MapFormat {
    name: "table",
    summary: "for people: sets of workloads and what they may open to each other",
    render,
};

/// Narrower terminals get lines that they have to break.
const MIN_WIDTH: usize = 40;

fn render(map: &Map<'_>, out: &mut dyn Write) -> io::Result<()> {
    let color = map.options.color;
    let width = usize::from(map.options.width).max(MIN_WIDTH);
    // A list of names may take about three lines of a column.
    let sheet = sheet(map, width);
    match color {
        true => writeln!(out, "\u{1b}[1m{}\u{1b}[0m", sheet.headline)?,
        false => writeln!(out, "{}", sheet.headline)?,
    }
    for remark in &sheet.remarks {
        paragraph(out, remark, width)?;
    }
    if !sheet.rows.is_empty() {
        writeln!(out, "\n{}", table(&sheet, width, color))?;
    }
    if !sheet.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &sheet.notes {
        paragraph(out, note, width)?;
    }
    Ok(())
}

fn table(sheet: &Sheet, width: usize, color: bool) -> String {
    let header: Vec<&str> = sheet.header.to_vec();
    let contents: Vec<Content> = header
        .iter()
        .map(|title| match *title {
            "FROM" | "TO" => Content::Words,
            _ => Content::Values,
        })
        .collect();
    let rows = sheet.rows.iter();
    let rows = rows.map(|row| row.cells.iter().map(String::as_str).collect());
    let widths = column_widths(std::iter::once(header).chain(rows), &contents, width);
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let bold = |text: &str| Cell::new(text).add_attribute(Attribute::Bold);
    table.set_header(sheet.header.iter().map(|title| bold(title)));
    let mut previous = "";
    for row in &sheet.rows {
        let last = row.cells.len().saturating_sub(1);
        let columns = row.cells.iter().zip(widths.iter().zip(&contents));
        let cells = columns
            .enumerate()
            .map(|(index, (text, (width, content)))| {
                if index == 0 && text == previous {
                    // The source is said once for all its rows.
                    return Cell::new("");
                }
                let cell = Cell::new(wrap(text, *width, *content));
                match (index == last, row.has_unknown) {
                    (false, _) => cell,
                    (true, false) => cell.fg(Color::Green),
                    (true, true) => cell.fg(Color::Yellow),
                }
            });
        let cells: Vec<Cell> = cells.collect();
        table.add_row(cells);
        previous = row.cells.first().map_or("", String::as_str);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, u16::try_from(GAP).unwrap_or(1)));
    }
    table.trim_fmt()
}

/// Writes a text in lines of at most `width` columns, all but the first indented.
fn paragraph(out: &mut dyn Write, text: &str, width: usize) -> io::Result<()> {
    let wrapped = wrap(text, width.saturating_sub(2), Content::Words);
    writeln!(out, "{}", wrapped.replace('\n', "\n  "))
}
