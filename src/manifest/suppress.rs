//! What the manifests themselves ask not to be told again, and why.
//!
//! A comment `# portolan:ignore NP006 reason` is about its own line, or on a line of its own about
//! the next one that says something. The annotation `portolan.dev/ignore: "NP006 reason"` is about
//! its whole object, with `;` between several. Without a reason neither counts.

use super::read::decode_at;
use crate::model::{Origin, Place};
use crate::source::{DocumentId, Route, Sources, Step, Target};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a comment starts with.
const COMMENT: &str = "portolan:ignore";
/// The annotation's key.
const ANNOTATION: &str = "portolan.dev/ignore";

/// What is not to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppression {
    /// The rule's id.
    pub id: String,
    /// Why: empty when none is given, and then it does not count.
    pub reason: String,
    /// Where it is written.
    pub place: Place,
    scope: Scope,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Scope {
    /// These bytes of a document: one line.
    Line(DocumentId, Range<usize>),
    /// Everything in an object.
    Object(Origin),
}

impl Suppression {
    /// Whether it is about what is said of a place.
    pub fn is_about(&self, sources: &Sources, id: &str, place: &Place) -> bool {
        if self.id != id {
            return false;
        }
        match (&self.scope, place) {
            (Scope::Line(document, line), Place::Node { origin, target }) => {
                let location = sources.locate(origin.document, &origin.route, *target);
                origin.document == *document && line.contains(&location.span.start)
            }
            (
                Scope::Line(document, line),
                Place::Offset {
                    document: own,
                    offset,
                },
            ) => own == document && line.contains(offset),
            (Scope::Object(object), Place::Node { origin, .. }) => object_of(origin) == *object,
            (Scope::Object(_), Place::Offset { .. }) | (_, Place::Input(_)) => false,
        }
    }
}

/// The object that a place is in: the document, or an item of a list.
pub fn object_of(origin: &Origin) -> Origin {
    let route = match origin.route.steps() {
        [Step::Key(key), Step::Index(index), ..] if key == "items" => {
            Route::root().key("items").index(*index)
        }
        _ => Route::root(),
    };
    Origin {
        document: origin.document,
        route,
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Headed {
    kind: Option<String>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

/// Kind, namespace and name of an object, as far as it has them: what it is whatever file and line
/// it is moved to.
pub fn identity_of(sources: &Sources, object: &Origin) -> String {
    let (headed, _) = decode_at::<Headed>(sources, object);
    let headed = headed.unwrap_or_default();
    let metadata = headed.metadata.unwrap_or_default();
    [headed.kind, metadata.namespace, metadata.name]
        .map(Option::unwrap_or_default)
        .join("/")
}

/// Every suppression in some documents, in order. `objects` are the objects that something is said
/// of; others have nothing to suppress.
pub fn suppressions(
    sources: &Sources,
    documents: &[DocumentId],
    objects: &[Origin],
) -> Vec<Suppression> {
    let mut found = Vec::new();
    for &document in documents {
        let text = sources.text(document);
        if text.contains(COMMENT) {
            found.extend(comments(document, text));
        }
        if text.contains(ANNOTATION) {
            let own = objects.iter().filter(|object| object.document == document);
            for object in own {
                found.extend(annotation(sources, object));
            }
        }
    }
    found
}

/// The lines of a text with where they start.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line)
    })
}

fn comments(document: DocumentId, text: &str) -> Vec<Suppression> {
    let mut found = Vec::new();
    // Those that are about the next line.
    let mut waiting: Vec<Suppression> = Vec::new();
    for (start, line) in lines(text) {
        let own = start..start.saturating_add(line.len());
        let trimmed = line.trim_start();
        let says_something = !trimmed.is_empty() && !trimmed.starts_with('#');
        if says_something {
            for mut suppression in waiting.drain(..) {
                suppression.scope = Scope::Line(document, own.clone());
                found.push(suppression);
            }
        }
        let Some((offset, rest)) = comment(line) else {
            continue;
        };
        let place = Place::Offset {
            document,
            offset: start.saturating_add(offset),
        };
        let asked = asked(rest, &place, &Scope::Line(document, own));
        match says_something {
            true => found.extend(asked),
            false => waiting.extend(asked),
        }
    }
    // Nothing follows: they are about nothing, which is told.
    found.extend(waiting);
    found
}

/// Where a comment of ours starts in a line, and what it says.
fn comment(line: &str) -> Option<(usize, &str)> {
    let at = line.find(COMMENT)?;
    let before = line.get(..at)?;
    let hash = before.trim_end().strip_suffix('#')?;
    let starts = hash.is_empty() || hash.ends_with(char::is_whitespace);
    let rest = line.get(at.saturating_add(COMMENT.len())..)?;
    starts.then_some((hash.len(), rest))
}

/// `NP006,NP007 reason`.
fn asked(text: &str, place: &Place, scope: &Scope) -> Vec<Suppression> {
    let text = text.trim().trim_start_matches(':').trim_start();
    let (ids, reason) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let reason = reason.trim().trim_start_matches(['-', ':']).trim();
    let ids = ids.trim_end_matches(':').split(',');
    ids.filter(|id| !id.is_empty())
        .map(|id| Suppression {
            id: id.to_owned(),
            reason: reason.to_owned(),
            place: place.clone(),
            scope: scope.clone(),
        })
        .collect()
}

fn annotation(sources: &Sources, object: &Origin) -> Vec<Suppression> {
    let (headed, _) = decode_at::<Headed>(sources, object);
    let annotations = headed
        .and_then(|headed| headed.metadata)
        .and_then(|metadata| metadata.annotations)
        .unwrap_or_default();
    let Some(text) = annotations.get(ANNOTATION) else {
        return Vec::new();
    };
    let place = Place::Node {
        origin: Origin {
            document: object.document,
            route: object
                .route
                .clone()
                .key("metadata")
                .key("annotations")
                .key(ANNOTATION),
        },
        target: Target::Value,
    };
    let parts = text.split([';', '\n']);
    parts
        .flat_map(|part| asked(part, &place, &Scope::Object(object.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String, Option<String>)> {
        let sources = Sources::from_text("x.yaml", text);
        let documents: Vec<DocumentId> = sources.documents().map(|(id, _)| id).collect();
        let objects: Vec<Origin> = documents
            .iter()
            .map(|&document| Origin {
                document,
                route: Route::root(),
            })
            .collect();
        let all = suppressions(&sources, &documents, &objects);
        all.into_iter()
            .map(|found| {
                let line = match &found.scope {
                    Scope::Line(document, line) => sources
                        .text(*document)
                        .get(line.clone())
                        .map(|line| line.trim().to_owned()),
                    Scope::Object(_) => None,
                };
                (found.id, found.reason, line)
            })
            .collect()
    }

    #[test]
    fn comments_are_about_a_line_and_annotations_about_an_object() {
        for (text, id, reason, line) in [
            (
                "a: 1 # portolan:ignore NP006 as agreed\n",
                "NP006",
                "as agreed",
                Some("a: 1 # portolan:ignore NP006 as agreed"),
            ),
            (
                "# portolan:ignore NP006 - legacy\n# more\n\na: 1\nb: 2\n",
                "NP006",
                "legacy",
                Some("a: 1"),
            ),
            (
                "a: 1 #portolan:ignore: NP006: why\n",
                "NP006",
                "why",
                Some("a: 1 #portolan:ignore: NP006: why"),
            ),
            (
                "a: 1 # portolan:ignore NP006\n",
                "NP006",
                "",
                Some("a: 1 # portolan:ignore NP006"),
            ),
            (
                "a: 1\n# portolan:ignore NP006 last\n",
                "NP006",
                "last",
                Some("# portolan:ignore NP006 last"),
            ),
            (
                "kind: X\nmetadata: {annotations: {portolan.dev/ignore: NP006 known}}\n",
                "NP006",
                "known",
                None,
            ),
        ] {
            let expected = (id.to_owned(), reason.to_owned(), line.map(str::to_owned));
            assert_eq!(found(text), [expected], "{text}");
        }
        assert_eq!(found("a: \"x# portolan:ignore NP006 no comment\"\n"), []);
        let two = found("a: 1 # portolan:ignore NP001,NP002 both\n");
        assert_eq!(two.len(), 2);
    }
}
