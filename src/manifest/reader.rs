//! The state of reading one object: where it stands, and what there is to say about it.

use super::path::Path;
use super::scalar::{self, Plain};
use crate::model::{Finding, Origin, Place, Severity};
use crate::source::{DocumentId, Format, Sources, Target};
use std::cell::{Cell, RefCell};

/// How many scalars of one object are looked up in the text to see whether they are quoted.
/// Looking up walks the document, so an object full of `yes` must not make loading quadratic.
const LOOKUPS: u32 = 32;

/// Reads one object of a document.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    /// Where the object stands.
    pub(crate) origin: Origin,
    /// What the document is part of.
    sources: &'a Sources,
    format: Format,
    findings: RefCell<Vec<Finding>>,
    lookups: Cell<u32>,
    rejected: Cell<bool>,
}

impl<'a> Reader<'a> {
    /// A reader for the object at `origin`.
    pub(crate) fn new(sources: &'a Sources, format: Format, origin: Origin) -> Self {
        Reader {
            origin,
            sources,
            format,
            findings: RefCell::new(Vec::new()),
            lookups: Cell::new(LOOKUPS),
            rejected: Cell::new(false),
        }
    }

    /// The document's text.
    pub(crate) fn text(&self) -> &'a str {
        self.sources.text(self.document())
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
            if finding.id == "NP001" && finding.severity == Severity::Error {
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
    pub(crate) fn plain_reading(
        &self,
        text: &str,
        path: &Path<'_>,
        target: Target,
    ) -> Option<Plain> {
        if self.format == Format::Json {
            return None;
        }
        let reading = scalar::kubectl_reading(text)?;
        let left = self.lookups.get();
        if left == 0 {
            return None;
        }
        self.lookups.set(left - 1);
        let origin = self.origin_of(path);
        let place = self.sources.locate(origin.document, &origin.route, target);
        let first = self.text().as_bytes().get(place.span.start);
        let quoted = !place.exact
            || first.is_none_or(|first| matches!(first, b'"' | b'\'' | b'|' | b'>' | b'!' | b'*'));
        (!quoted).then_some(reading)
    }
}
