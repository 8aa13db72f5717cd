//! Bytes: what the user named, read, and split into documents; and the way back from a place in a
//! document to a line and column.
//!
//! This module knows nothing of Kubernetes. It never parses what it need not: [`read_inputs`]
//! finds the documents, other modules say what they mean, and only for what is printed does
//! [`Sources::locate`] look for the bytes a [`Route`] leads to.

mod edit;
#[cfg(test)]
mod generated;
mod git;
mod input;
mod json;
mod landmarks;
mod lines;
mod locate;
mod pair;
mod problem;
mod route;
mod sources;
mod split;
mod tape;
#[cfg(test)]
#[expect(
    clippy::string_slice,
    reason = "an offset inside a character must fail the test"
)]
mod tests;
mod walk;

pub use edit::{Edit, Edited, apply_edits};
pub use git::{Revision, RevisionError};
pub use input::read_inputs;
pub use lines::Position;
pub use pair::{PairedSources, pair_sources};
pub use problem::InputProblem;
pub use route::{Route, Step, Target};
pub use sources::{Location, PassedOver, Sources};

use std::ops::Range;

/// A document of one [`Sources`], by its 0-based position there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DocumentId(pub u32);

/// A file of one [`Sources`], by its 0-based position there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(pub u32);

/// How to try to parse a document first. A hint from its first bytes, and no promise:
/// what starts as JSON may be YAML's flow style.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Format {
    /// YAML.
    Yaml,
    /// Starts with `{"`, `[{` and the like.
    Json,
}

/// What made a document start where it starts.
///
/// YAML knows all of these, but not every reader of manifests does: kubectl refuses content behind
/// `---` on the same line, and does not read on behind `...` before the next `---`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Opening {
    /// The start of the file.
    Start,
    /// A line `---`, with at most a comment.
    Marker,
    /// A line `---` with something else on it, which is part of the document.
    MarkerWithContent,
    /// The end of the document before, marked by a line `...`.
    AfterEnd,
    /// The end of the JSON value before.
    Value,
}

/// One document of a file: a place and what can be told of it without parsing.
/// It says something: blanks and comments alone are no document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// The file it is in.
    pub file: FileId,
    /// Byte range in the file. A marker line `---` is in it only where the document needs it.
    pub range: Range<usize>,
    /// 1-based line, in the file, of its first byte.
    pub first_line: usize,
    /// How to try to parse it first.
    pub format: Format,
    /// What made it start there.
    pub opening: Opening,
    /// What a comment `# Source: path` before its content names, as `helm template` writes it.
    pub rendered_from: Option<String>,
}
