//! A diff as CSV (RFC 4180), one record for each group.

use super::{DiffFormat, View, rows};
use crate::report::map::csv::field;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: DiffFormat = DiffFormat {
    name: "csv",
    summary: "one record for each group, with a header",
    render,
};

fn render(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "change,exposed,before,after,from,to,on,because,places\r\n"
    )?;
    for row in rows(view, usize::MAX) {
        let whats: Vec<&str> = row.why.iter().map(|why| why.what.as_str()).collect();
        let places: Vec<&str> = row
            .why
            .iter()
            .flat_map(|why| why.places.iter().map(String::as_str))
            .collect();
        let word = if row.is_added { "added" } else { "removed" };
        let fields = [
            word.to_owned(),
            row.is_exposed.to_string(),
            row.states[0].to_owned(),
            row.states[1].to_owned(),
            field(&row.from),
            field(&row.to),
            field(&row.on),
            field(&whats.join("; ")),
            field(&places.join(" ")),
        ];
        write!(out, "{}\r\n", fields.join(","))?;
    }
    Ok(())
}
