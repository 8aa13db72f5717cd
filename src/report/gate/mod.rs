//! Everything that a check has to say as one list, in the formats that people, pull requests and
//! machines read: one file each, and one line each in [`GATE_FORMATS`].

mod baseline;
mod github;
mod gitlab;
mod item;
mod json;
mod junit;
mod markdown;
mod rules;
mod sarif;
mod text;

pub use baseline::{Baseline, BaselineError, baseline_text};
pub use item::{Item, Standing, Verdict, diff_item, finding_item, intent_item};
pub use rules::{rule, rules};

use super::diff::View;
use super::snippet::{Style, place_text};
use crate::intent::Assertion;
use crate::model::{Cluster, Place};
use crate::question::check::Checked;
use crate::source::Sources;
use std::io;

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The texts.
    pub sources: &'a Sources,
    /// The assertions with what came of each.
    pub checked: &'a [(&'a Assertion, &'a Checked)],
    /// What changed, when there is something to compare with.
    pub diff: Option<&'a View<'a>>,
    /// Everything there is to say, suppressed and known things included.
    pub items: &'a [Item],
    /// Entries of the baseline that nothing matches any more.
    pub n_stale: usize,
    /// What comes of it.
    pub verdict: Verdict,
    /// What the answers rest on, one sentence each.
    pub assumptions: &'a [String],
    /// How to draw, for people.
    pub style: Style,
    /// Whether to say how long each assertion took, which differs from run to run.
    pub timing: bool,
    /// What names of files start with that are of the old tree, and not of the working tree.
    pub old_prefix: &'a str,
    /// Turns what a comment `# Source:` says into the path of a template in the working tree.
    pub template: fn(&str) -> String,
}

/// One output format of a check.
#[derive(Clone, Copy, Debug)]
pub struct GateFormat {
    /// What `-o` calls it.
    pub name: &'static str,
    /// One line for `--help`.
    pub summary: &'static str,
    /// Writes it. The only errors are the writer's own.
    pub render: fn(&Gate<'_>, &mut dyn io::Write) -> io::Result<()>,
}

/// Every format, the default first.
pub const GATE_FORMATS: &[GateFormat] = &[
    text::FORMAT,
    json::FORMAT,
    markdown::FORMAT,
    sarif::FORMAT,
    github::FORMAT,
    gitlab::FORMAT,
    junit::FORMAT,
];

/// A place as machines want it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Spot {
    /// A path with `/`, relative where the input was.
    file: String,
    /// From 1. For a rendered document the line in the template is not known, and 1 is said.
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    /// Where the rendered document has it, when the file is its template.
    rendered: Option<String>,
}

/// Where a place is, in the template if there is one; `None` for a place that is no file.
fn spot(gate: &Gate<'_>, place: &Place) -> Option<Spot> {
    let Some(location) = super::snippet::locate(gate.sources, place) else {
        return match place {
            Place::Input(name) if name != "<stdin>" => Some(Spot {
                file: name.clone(),
                line: 1,
                column: 1,
                end_line: 1,
                end_column: 1,
                rendered: None,
            }),
            _ => None,
        };
    };
    let document = gate.sources.document(location.document);
    if let Some(source) = document.and_then(|document| document.rendered_from.as_ref()) {
        return Some(Spot {
            file: (gate.template)(source),
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 1,
            rendered: Some(place_text(gate.sources, place)),
        });
    }
    let file = location.file.strip_prefix(gate.old_prefix);
    let file = file.filter(|_| !gate.old_prefix.is_empty());
    // A whole object would mark a whole file: its first line says where it is.
    let one_line = location.end.line == location.line;
    Some(Spot {
        file: file.unwrap_or(&location.file).to_owned(),
        line: location.line,
        column: location.column,
        end_line: location.line,
        end_column: match one_line {
            true => location.end.column.max(location.column),
            false => location.column,
        },
        rendered: None,
    })
}
