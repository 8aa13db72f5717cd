//! The map for people: grouped, so that it stays readable, and in columns.

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

/// Names take three lines of a column at most, or about as much as one line of the table.
const MIN_BUDGET: u16 = 40;

fn render(map: &Map<'_>, out: &mut dyn Write) -> io::Result<()> {
    let options = map.options;
    let sheet = sheet(map, usize::from(options.width.max(MIN_BUDGET)));
    let bold = |text: &str| match options.color {
        true => format!("\u{1b}[1m{text}\u{1b}[0m"),
        false => text.to_owned(),
    };
    let width = usize::from(options.width.max(MIN_BUDGET));
    writeln!(out, "{}", bold(&sheet.headline))?;
    for remark in &sheet.remarks {
        paragraph(out, remark, width)?;
    }
    if !sheet.rows.is_empty() {
        writeln!(out, "\n{}", table(&sheet, options.width, options.color))?;
    }
    if !sheet.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &sheet.notes {
        paragraph(out, note, width)?;
    }
    Ok(())
}

fn table(sheet: &Sheet, width: u16, color: bool) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width);
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
        let cells = row.cells.iter().enumerate().map(|(index, text)| {
            if index == 0 && text == previous {
                // The source is said once for all its rows.
                return Cell::new("");
            }
            let cell = Cell::new(text);
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
        // Three spaces between columns, and none before the first.
        column.set_padding((0, 3));
    }
    table.trim_fmt()
}

/// Writes a text in lines of at most `width` columns, all but the first indented.
fn paragraph(out: &mut dyn Write, text: &str, width: usize) -> io::Result<()> {
    let mut column = 0;
    for word in text.split(' ') {
        let n_chars = word.chars().count();
        if column > 0 && column + 1 + n_chars > width {
            write!(out, "\n  ")?;
            column = 2;
        } else if column > 0 {
            write!(out, " ")?;
            column += 1;
        }
        write!(out, "{word}")?;
        column += n_chars;
    }
    writeln!(out)
}
