//! The connectivity map in every format: one file each, and one line each in [`MAP_FORMATS`].

pub(super) mod columns;
pub(super) mod csv;
mod dot;
mod explained;
mod graph;
mod grouped;
pub(super) mod json;
pub(super) mod markdown;
pub(super) mod mermaid;
pub(super) mod names;
mod overview;
mod rows;
mod schema;
mod table;

pub use schema::{grouped_schema, pairs_schema};

use crate::model::{NotAnalysed, Origin};
use crate::question::list::Question;
use std::fmt;
use std::io;

/// What is rendered.
#[derive(Clone, Copy)]
pub struct Map<'a> {
    /// The cluster, its relation, and what of it is wanted.
    pub question: Question<'a>,
    /// What the answer rests on, one sentence each.
    pub assumptions: &'a [String],
    /// Turns the place of an object into `file:line`.
    pub locate: &'a dyn Fn(&Origin) -> String,
    /// How it is to look.
    pub options: MapOptions,
}

impl fmt::Debug for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("assumptions", &self.assumptions)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// How a map is to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapOptions {
    /// For `json`: the factored form, whose size does not grow with the number of pairs.
    pub grouped: bool,
    /// For `table` and the formats of pairs: whether to name the policies that decide.
    pub explain: bool,
    /// For `table`: the columns of the terminal.
    pub width: u16,
    /// For `table`: whether to colour.
    pub color: bool,
}

impl Default for MapOptions {
    fn default() -> Self {
        MapOptions {
            grouped: false,
            explain: false,
            width: 80,
            color: false,
        }
    }
}

/// One output format of the map.
#[derive(Clone, Copy, Debug)]
pub struct MapFormat {
    /// What `-o` calls it.
    pub name: &'static str,
    /// One line for `--help`.
    pub summary: &'static str,
    /// Writes the map. The only errors are the writer's own.
    pub render: fn(&Map<'_>, &mut dyn io::Write) -> io::Result<()>,
}

/// Every format, the default first.
pub const MAP_FORMATS: &[MapFormat] = &[
    table::FORMAT,
    json::FORMAT,
    csv::FORMAT,
    markdown::FORMAT,
    dot::FORMAT,
    mermaid::FORMAT,
];

/// What an answer has to say beside its rows: what it assumes and what it leaves out. The
/// formats that have a place for it say it themselves; for `csv` the caller has to.
pub fn notes(map: &Map<'_>) -> Vec<String> {
    let assumed = map.assumptions.iter().cloned();
    let left_out = map.question.cluster.not_analysed.iter();
    assumed
        .chain(left_out.map(|kind| not_analysed(map, kind)))
        .collect()
}

fn not_analysed(map: &Map<'_>, kind: &NotAnalysed) -> String {
    format!(
        "not analysed: {} {} ({}), first at {}",
        kind.count,
        kind.kind,
        kind.api_version,
        (map.locate)(&kind.first)
    )
}
