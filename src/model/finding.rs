//! Findings: what is to be said about the user's manifests.
//!
//! They live beside the model because loading, lints and intents all make them, and only
//! `report` turns them into text.

use super::cluster::Origin;
use crate::source::{DocumentId, Target};

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The manifest is wrong: the API server rejects it, or it cannot be read.
    Error,
    /// Probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// Where a finding points.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// A node of a document, by its key or by its value.
    Node {
        /// The node.
        origin: Origin,
        /// Which half of it.
        target: Target,
    },
    /// A byte offset in a document that could not be read further.
    Offset {
        /// The document.
        document: DocumentId,
        /// The offset from the document's first byte.
        offset: usize,
    },
    /// An input as a whole, as the user named it.
    Input(String),
}

/// A second place that helps to understand a finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What is there.
    pub message: String,
}

/// One thing to say about the manifests. Findings are collected, sorted and never thrown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Finding {
    /// Where. First, so that findings sort in reading order.
    pub place: Place,
    /// The rule of the catalogue, `NP001` for example.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lowercase, no final period, input in backticks.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<Related>,
}

/// What findings of one id are about: an entry of the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meta {
    /// Its id, `NP001` for example.
    pub id: &'static str,
    /// Its name in words, with dashes.
    pub name: &'static str,
    /// What it finds.
    pub summary: &'static str,
    /// What to do about it, in a sentence or two.
    pub help: &'static str,
    /// How bad it is as a rule.
    pub severity: Severity,
}
