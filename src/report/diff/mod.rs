//! What a change opens and closes, in every format: one file each, and one line each in
//! [`DIFF_FORMATS`].

mod csv;
mod json;
mod markdown;
mod mermaid;
mod rows;
mod table;

pub use json::diff_schema;
pub use markdown::comment;
pub use rows::{Row, headline, one_sided_places, rows};
pub use table::render_table;

use super::snippet::Style;
use crate::model::Cluster;
use crate::question::diff::Diff;
use crate::source::Sources;
use std::io;

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What differs.
    pub diff: &'a Diff,
    /// The old cluster and the new one.
    pub clusters: [&'a Cluster; 2],
    /// The texts of both.
    pub sources: &'a Sources,
    /// What the user calls them.
    pub names: [&'a str; 2],
    /// How many documents only one of them has.
    pub n_documents: [usize; 2],
    /// What the answer rests on and what it leaves out, one sentence each.
    pub notes: &'a [String],
    /// How to draw, for people.
    pub style: Style,
}

/// One output format of the diff.
#[derive(Clone, Copy, Debug)]
pub struct DiffFormat {
    /// What `-o` calls it.
    pub name: &'static str,
    /// One line for `--help`.
    pub summary: &'static str,
    /// Writes it. The only errors are the writer's own.
    pub render: fn(&View<'_>, &mut dyn io::Write) -> io::Result<()>,
}

/// Every format, the default first.
pub const DIFF_FORMATS: &[DiffFormat] = &[
    table::FORMAT,
    json::FORMAT,
    csv::FORMAT,
    markdown::FORMAT,
    mermaid::FORMAT,
];
