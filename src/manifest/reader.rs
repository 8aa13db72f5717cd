//! The state of reading one object: where it stands, and what there is to say about it.

use super::path::Path;
use super::scalar::{self, Plain};
use super::tree::is_plain;
use crate::model::{Finding, Origin, Place, Severity};
use crate::source::{DocumentId, Target};
use std::cell::{Cell, RefCell};

/// Reads one object of a document.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    /// Where the object stands.
    pub(crate) origin: Origin,
    /// The document's text.
    pub(crate) text: &'a str,
    /// What was parsed, which the document's scalars are borrowed from.
    parsed: &'a str,
    findings: RefCell<Vec<Finding>>,
    rejected: Cell<bool>,
}

impl<'a> Reader<'a> {
    /// A reader for the object at `origin`, in a document with the text `text`, which was parsed as
    /// part of `parsed`.
    pub(crate) fn new(text: &'a str, parsed: &'a str, origin: Origin) -> Self {
        Reader {
            origin,
            text,
            parsed,
            findings: RefCell::new(Vec::new()),
            rejected: Cell::new(false),
        }
    }

    fn document(&self) -> DocumentId {
        self.origin.document
    }

    /// The origin of a node of the object.
    pub(crate) fn origin_of(&self, path: &Path<'_>) -> Origin {
        Origin {
            document: self.document(),
            route: path.route(&self.origin.route),
        }
    }

    /// The place of a node of the object.
    pub(crate) fn place(&self, path: &Path<'_>, target: Target) -> Place {
        Place::Node {
            origin: self.origin_of(path),
            target,
        }
    }

    /// Says something about a node.
    pub(crate) fn find(
        &self,
        id: &'static str,
        severity: Severity,
        place: Place,
        message: String,
        help: Option<String>,
    ) {
        self.findings.borrow_mut().push(Finding {
            place,
            id,
            severity,
            message,
            help,
            related: Vec::new(),
        });
    }

    /// Says that the API server rejects the object because of the node at `path` (NP001). The
    /// message is the server's: `path: body`.
    pub(crate) fn cause(&self, path: &Path<'_>, body: &str, help: Option<String>) {
        self.cause_at(path, self.place(path, Target::Value), body, help);
    }

    /// Likewise for what has an id of its own, names included: the object is left out.
    pub(crate) fn cause_as(
        &self,
        id: &'static str,
        path: &Path<'_>,
        body: &str,
        help: Option<String>,
    ) {
        self.rejected.set(true);
        let place = self.place(path, Target::Value);
        self.find(id, Severity::Error, place, format!("{path}: {body}"), help);
    }

    /// Likewise, pointing somewhere else than at the node that the server names.
    pub(crate) fn cause_at(&self, path: &Path<'_>, place: Place, body: &str, help: Option<String>) {
        self.reject(path);
        let message = format!("{path}: {body}");
        self.find("NP001", Severity::Error, place, message, help);
    }

    /// Notes that the API server rejects the object for a reason that is not in its metadata.
    /// What is wrong there (V1) is reported, and the object analysed all the same.
    pub(crate) fn reject(&self, path: &Path<'_>) {
        if path.first_key() != Some("metadata") {
            self.rejected.set(true);
        }
    }

    /// Whether the API server rejects the object for a reason that is not in its metadata, from
    /// what is known so far.
    pub(crate) fn is_rejected(&self) -> bool {
        self.rejected.get()
    }

    /// Adds a sentence to the help of every cause for which the API server rejects the object.
    pub(crate) fn explain_rejection(&self, consequence: &str) {
        for finding in self.findings.borrow_mut().iter_mut() {
            let is_cause = matches!(finding.id, "NP001" | "NP074" | "NP076");
            if is_cause && finding.severity == Severity::Error {
                finding.help = Some(match finding.help.take() {
                    Some(help) => format!("{help}; {consequence}"),
                    None => consequence.to_owned(),
                });
            }
        }
    }

    /// What was found, in the order in which it was.
    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_inner()
    }

    /// How kubectl reads a scalar that our parser took for text, if it is written without
    /// quotes and kubectl sees something else in it (YAML 1.1).
    pub(crate) fn plain_reading(&self, text: &str) -> Option<Plain> {
        let reading = scalar::kubectl_reading(text)?;
        is_plain(text, self.parsed).then_some(reading)
    }
}
