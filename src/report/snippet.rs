//! Lines of the user's manifests with marks on them, drawn by miette.
//!
//! miette scans what it is given from its first byte for every mark, so it is given the one
//! document, with the line it starts at, and never the file.

use crate::model::{Finding, Origin, Place, Severity};
use crate::source::{Location, Sources, Target};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use std::fmt;

/// How to draw for people.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether to use colour.
    pub colour: bool,
    /// The width in columns.
    pub width: usize,
}

/// What a drawing that answers a question says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// `✓`
    Yes,
    /// `×`
    No,
    /// `?`
    Unknown,
}

/// One document as miette reads it: with its name, and lines counted as in its file.
#[derive(Debug)]
struct DocumentText {
    name: String,
    text: String,
    first_line: usize,
}

impl SourceCode for DocumentText {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.read_span(span, lines_before, lines_after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            inner
                .line()
                .saturating_add(self.first_line.saturating_sub(1)),
            inner.column(),
            inner.line_count(),
        )))
    }
}

/// A mark on some lines: the place, and what to say there.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where.
    pub place: Place,
    /// What is said there; nothing for a bare underline.
    pub label: Option<String>,
}

impl Mark {
    /// A mark on the value at a place of a document.
    pub fn value(origin: Origin, label: impl Into<String>) -> Mark {
        Mark {
            place: Place::Node {
                origin,
                target: Target::Value,
            },
            label: Some(label.into()),
        }
    }
}

/// One thing to draw: a message, the lines it is about, and advice.
#[derive(Debug)]
pub struct Drawing {
    message: String,
    code: Option<String>,
    severity: Option<miette::Severity>,
    sign: Option<Sign>,
    help: Option<String>,
    source: Option<DocumentText>,
    labels: Vec<LabeledSpan>,
    /// Marks in other documents.
    related: Vec<Drawing>,
}

impl Drawing {
    /// A drawing of marks, the first of which is what the message is about. Marks in the same
    /// document share one picture.
    pub fn new(sources: &Sources, message: impl Into<String>, marks: &[Mark]) -> Drawing {
        let mut drawing = Drawing {
            message: message.into(),
            code: None,
            severity: None,
            sign: None,
            help: None,
            source: None,
            labels: Vec::new(),
            related: Vec::new(),
        };
        let mut first_document = None;
        for mark in marks {
            let Some(location) = locate(sources, &mark.place) else {
                continue;
            };
            let label = LabeledSpan::new_with_span(mark.label.clone(), clip(sources, &location));
            if first_document.is_none() {
                first_document = Some(location.document);
                drawing.source = Some(document_text(sources, &location));
            }
            if first_document == Some(location.document) {
                drawing.labels.push(label);
            } else {
                let known = drawing.related.iter_mut().find(|other| {
                    other.source.as_ref().is_some_and(|source| {
                        source.first_line == location.first_line
                            && source.name == shown_name(sources, &location)
                    })
                });
                match known {
                    Some(other) => other.labels.push(label),
                    None => drawing.related.push(Drawing {
                        message: String::new(),
                        code: None,
                        severity: None,
                        sign: None,
                        help: None,
                        source: Some(document_text(sources, &location)),
                        labels: vec![label],
                        related: Vec::new(),
                    }),
                }
            }
        }
        drawing
    }

    /// With the sign of an answer in front.
    pub fn with_sign(mut self, sign: Sign) -> Drawing {
        self.sign = Some(sign);
        self
    }

    /// With advice below the picture.
    pub fn with_help(mut self, help: Option<String>) -> Drawing {
        self.help = help;
        self
    }

    /// A finding, its place first and what is related to it after.
    pub fn of_finding(sources: &Sources, finding: &Finding) -> Drawing {
        let mut marks = vec![Mark {
            place: finding.place.clone(),
            label: None,
        }];
        marks.extend(finding.related.iter().map(|related| Mark {
            place: related.place.clone(),
            label: Some(related.message.clone()),
        }));
        let mut drawing = Drawing::new(sources, finding.message.clone(), &marks);
        drawing.code = Some(finding.id.to_owned());
        drawing.severity = Some(match finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        });
        drawing.help.clone_from(&finding.help);
        drawing
    }

    /// The picture, ending in a line break.
    pub fn render(&self, style: Style) -> String {
        let mut theme = if style.colour {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        // miette's signs go with severities, so an answer borrows one of those.
        match self.sign {
            Some(Sign::Yes) => theme.characters.advice = "✓".to_owned(),
            Some(Sign::Unknown) => theme.characters.warning = "?".to_owned(),
            Some(Sign::No) | None => {}
        }
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(style.width)
            .with_links(false);
        // Writing to a string cannot fail; should drawing itself, the message is still there.
        if handler.render_report(&mut text, self).is_err() {
            text.clone_from(&self.message);
        }
        for other in &self.related {
            // What is in another document is the picture alone: its message is in the labels.
            let mut picture = String::new();
            if handler.render_report(&mut picture, other).is_ok() {
                let lines = picture.lines().skip_while(|line| !line.contains('╭'));
                text.extend(lines.flat_map(|line| [line, "\n"]));
            }
        }
        text
    }
}

/// Where a place is. `None` for an input as a whole, which has no lines to show.
pub fn locate(sources: &Sources, place: &Place) -> Option<Location> {
    match place {
        Place::Node { origin, target } => {
            Some(sources.locate(origin.document, &origin.route, *target))
        }
        Place::Offset { document, offset } => {
            Some(sources.locate_span(*document, *offset..offset.saturating_add(1)))
        }
        Place::Input(_) => None,
    }
}

/// `file:line:column` of a place, or the input's name.
pub fn place_text(sources: &Sources, place: &Place) -> String {
    match (locate(sources, place), place) {
        (Some(location), _) => location.to_string(),
        (None, Place::Input(name)) => name.clone(),
        (None, _) => String::new(),
    }
}

/// A whole rule would fill the screen: its first line says where it is.
fn clip(sources: &Sources, location: &Location) -> SourceSpan {
    let text = sources.text(location.document);
    let span = location.span.clone();
    let length = text
        .get(span.clone())
        .and_then(|covered| covered.split('\n').next())
        .map_or(0, |line| line.trim_end().len());
    (span.start, length).into()
}

/// The file that a location is in, and the template that the document was rendered from, if any.
fn shown_name(sources: &Sources, location: &Location) -> String {
    let document = sources.document(location.document);
    match document.and_then(|document| document.rendered_from.as_ref()) {
        Some(template) => format!("{} from {template}", location.file),
        None => location.file.clone(),
    }
}

fn document_text(sources: &Sources, location: &Location) -> DocumentText {
    DocumentText {
        name: shown_name(sources, location),
        text: sources.text(location.document).to_owned(),
        first_line: location.first_line,
    }
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawing {}

impl Diagnostic for Drawing {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code
            .as_ref()
            .map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        let of_sign = self.sign.map(|sign| match sign {
            Sign::Yes => miette::Severity::Advice,
            Sign::No => miette::Severity::Error,
            Sign::Unknown => miette::Severity::Warning,
        });
        of_sign.or(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = _>>)
    }
}
