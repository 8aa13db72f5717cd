//! [`Sources`]: all documents that were read, and the places in them.

use super::landmarks::Landmarks;
use super::lines::{LineIndex, Position};
use super::locate::{Spot, locate};
use super::route::{Route, Target};
use super::split::split;
use super::{Document, DocumentId, FileId};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

/// The files that were read and the documents in them, in a fixed order.
///
/// The empty one is the default. Shared between threads as it is; indexes are made when first needed.
#[derive(Default, Debug)]
pub struct Sources {
    files: Vec<File>,
    documents: Vec<Document>,
    /// Those of each document, once something in it was located.
    landmarks: Vec<OnceLock<Landmarks>>,
    pub(super) passed_over: PassedOver,
}

#[derive(Debug)]
struct File {
    name: String,
    text: String,
    lines: OnceLock<LineIndex>,
}

/// What directories held besides manifests.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct PassedOver {
    /// Number of files by what stands behind the last dot of their names; the empty text for no dot.
    pub by_ending: BTreeMap<String, usize>,
    /// Number of directories whose names start with a dot.
    pub hidden_directories: usize,
}

/// A place in a document, for people and machines.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Location {
    /// The file as the user would type it; `<stdin>` for standard input.
    pub file: String,
    /// The document.
    pub document: DocumentId,
    /// 1-based line, in the file, of the document's first byte.
    pub first_line: usize,
    /// 1-based line in the file.
    pub line: usize,
    /// 1-based column, in characters.
    pub column: usize,
    /// Where the span ends (exclusive) in the file.
    pub end: Position,
    /// Byte range within the document's text, on character boundaries. Empty only where the
    /// document says nothing, and for a value left out that has neither key nor dash.
    pub span: Range<usize>,
    /// Whether this is the very place that was asked for, and not something near it.
    pub exact: bool,
}

/// `file:line:column`.
impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The number of documents that were added, and of those left out because they are not UTF-8.
pub(super) struct Added {
    pub(super) documents: usize,
    pub(super) left_out: usize,
}

impl Sources {
    /// The documents of one text, shown as coming from the file `name`.
    #[must_use]
    pub fn from_text(name: impl Into<String>, text: impl Into<String>) -> Sources {
        let mut sources = Sources::default();
        sources.add(name.into(), text.into());
        sources
    }

    /// Adds the documents of one text, shown as coming from the file `name`.
    pub fn add_text(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.add(name.into(), text.into());
    }

    /// Adds the documents of `text`, in which a NUL stands for each byte that is not UTF-8.
    pub(super) fn add(&mut self, name: String, text: String) -> Added {
        let file = FileId(saturated(self.files.len()));
        let before = self.documents.len();
        let mut left_out = 0;
        for piece in split(&text) {
            let bytes = text.as_bytes().get(piece.range.clone());
            if memchr::memchr(0, bytes.unwrap_or_default()).is_some() {
                left_out += 1;
                continue;
            }
            self.documents.push(Document {
                file,
                range: piece.range,
                first_line: piece.first_line,
                format: piece.format,
                opening: piece.opening,
                rendered_from: piece.rendered_from,
            });
        }
        let documents = self.documents.len() - before;
        if documents > 0 {
            self.landmarks
                .resize_with(self.documents.len(), OnceLock::new);
            self.files.push(File {
                name,
                text,
                lines: OnceLock::new(),
            });
        }
        Added {
            documents,
            left_out,
        }
    }

    /// Adds all of another's files and documents behind these, and says which numbers they got.
    pub fn append(&mut self, mut other: Sources) -> Range<u32> {
        let first = saturated(self.documents.len());
        let n_files = saturated(self.files.len());
        for document in &mut other.documents {
            document.file = FileId(document.file.0.saturating_add(n_files));
        }
        self.files.append(&mut other.files);
        self.documents.append(&mut other.documents);
        self.landmarks.append(&mut other.landmarks);
        self.passed_over.hidden_directories += other.passed_over.hidden_directories;
        for (ending, count) in other.passed_over.by_ending {
            *self.passed_over.by_ending.entry(ending).or_default() += count;
        }
        first..saturated(self.documents.len())
    }

    /// All documents: files in the order they were named, directories sorted, documents as they stand.
    pub fn documents(&self) -> impl Iterator<Item = (DocumentId, &Document)> {
        self.documents
            .iter()
            .enumerate()
            .map(|(position, document)| (DocumentId(saturated(position)), document))
    }

    /// The number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether there is no document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// The document with this id, if it is one of these.
    #[must_use]
    pub fn document(&self, id: DocumentId) -> Option<&Document> {
        self.documents.get(usize::try_from(id.0).ok()?)
    }

    /// The document's own text; empty for an id of other sources.
    #[must_use]
    pub fn text(&self, id: DocumentId) -> &str {
        self.document(id)
            .and_then(|document| self.file(document)?.text.get(document.range.clone()))
            .unwrap_or_default()
    }

    /// The document's file as the user would type it, control characters escaped; `<stdin>` for
    /// standard input; empty for an id of other sources.
    #[must_use]
    pub fn file_name(&self, id: DocumentId) -> &str {
        self.document(id)
            .and_then(|document| self.file(document))
            .map_or("", |file| file.name.as_str())
    }

    /// The files with their texts, in the order they were named.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|file| (file.name.as_str(), file.text.as_str()))
    }

    /// What was found in directories and not read, because its name does not end as manifests do.
    #[must_use]
    pub fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }

    /// The place of the key or value that `route` leads to in the document.
    ///
    /// If it leads nowhere, its nearest ancestor that exists, shown at its key; and the first line
    /// that says something if there is no such, or if the document does not parse.
    /// Linear in the part of the document before the value: some microseconds for one of usual size.
    /// In documents of 64 KiB and more the first call costs a walk through all of it, and later ones
    /// that lead into a top-level sequence cost no more than in a document of their own.
    #[must_use]
    pub fn locate(&self, id: DocumentId, route: &Route, target: Target) -> Location {
        let text = self.text(id);
        let spot = usize::try_from(id.0)
            .ok()
            .and_then(|position| {
                Some((self.documents.get(position)?, self.landmarks.get(position)?))
            })
            .map(|(document, landmarks)| {
                locate(text, document.format, landmarks, route.steps(), target)
            });
        self.location(
            id,
            spot.unwrap_or(Spot {
                span: 0..0,
                exact: false,
            }),
        )
    }

    /// The place of a byte range within the document's text, such as a parser's error names.
    /// Widened to whole characters, and cut at the end of the text.
    #[must_use]
    pub fn locate_span(&self, id: DocumentId, span: Range<usize>) -> Location {
        let text = self.text(id);
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = span.end.clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        self.location(
            id,
            Spot {
                span: start..end,
                exact: true,
            },
        )
    }

    fn location(&self, id: DocumentId, spot: Spot) -> Location {
        let place = self
            .document(id)
            .and_then(|document| Some((document, self.file(document)?)));
        let (first_line, start, end) = match place {
            Some((document, file)) => {
                let lines = file.lines.get_or_init(|| LineIndex::new(&file.text));
                let position = |offset| lines.position(&file.text, document.range.start + offset);
                let (start, end) = (position(spot.span.start), position(spot.span.end));
                (document.first_line, start, end)
            }
            None => (1, Position::default(), Position::default()),
        };
        Location {
            file: self.file_name(id).to_owned(),
            document: id,
            first_line,
            line: start.line,
            column: start.column,
            end,
            span: spot.span,
            exact: spot.exact,
        }
    }

    fn file(&self, document: &Document) -> Option<&File> {
        self.files.get(usize::try_from(document.file.0).ok()?)
    }
}

/// Four billion documents need more memory than any machine has.
fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Format;

    #[test]
    fn locations_count_in_the_file_and_spans_in_the_document() {
        let sources = Sources::from_text("dir/a.yaml", "\u{feff}a: 1\n---\nb:\n  é: ü # x\n");
        let documents: Vec<DocumentId> = sources.documents().map(|(id, _)| id).collect();
        assert_eq!(documents, [DocumentId(0), DocumentId(1)]);
        let route = Route::root().key("b").key("é");
        let location = sources.locate(DocumentId(1), &route, Target::Value);
        assert_eq!(location.to_string(), "dir/a.yaml:4:6");
        assert_eq!(location.end, Position { line: 4, column: 7 });
        assert_eq!(location.first_line, 3);
        assert_eq!(location.span, 9..11);
        assert!(location.exact);
        let first = sources.locate(DocumentId(0), &Route::root().key("a"), Target::Key);
        assert_eq!(first.to_string(), "dir/a.yaml:1:1");
    }

    #[test]
    fn spans_of_parsers_are_widened_to_characters() {
        let sources = Sources::from_text("x", "---\né: ü\n");
        for ((start, end), expected, place) in [
            ((4, 4), 4..4, "x:2:4"),
            ((1, 5), 0..6, "x:2:1"),
            ((5, 2), 4..4, "x:2:4"),
            ((100, 200), 7..7, "x:3:1"),
        ] {
            let location = sources.locate_span(DocumentId(0), start..end);
            assert_eq!(location.to_string(), place);
            assert_eq!(location.span, expected);
        }
    }

    #[test]
    fn ids_of_other_sources_are_answered_with_nothing() {
        let sources = Sources::default();
        let id = DocumentId(7);
        assert!(sources.is_empty());
        assert_eq!(sources.document(id), None);
        assert_eq!((sources.text(id), sources.file_name(id)), ("", ""));
        let location = sources.locate(id, &Route::root().key("a"), Target::Key);
        assert_eq!(location.to_string(), ":1:1");
        assert_eq!(sources.locate_span(id, 1..2).span, 0..0);
    }

    #[test]
    fn documents_that_are_not_utf8_are_left_out_alone() {
        let mut sources = Sources::default();
        let added = sources.add(
            "x".to_owned(),
            "a: \0\n---\nb: 1\n---\n# \0\nc: 1\n".to_owned(),
        );
        assert_eq!((added.documents, added.left_out), (1, 2));
        assert_eq!(sources.text(DocumentId(0)), "b: 1\n");
        assert_eq!(
            sources.document(DocumentId(0)).unwrap().format,
            Format::Yaml
        );
        let added = sources.add("y".to_owned(), "# only \0\n".to_owned());
        assert_eq!((added.documents, added.left_out), (0, 0));
        sources.add("z".to_owned(), "d".to_owned());
        assert_eq!(sources.file_name(DocumentId(1)), "z");
    }
}
