//! From a [`Route`](super::Route) to the bytes it means, in a document of either format.

use super::landmarks::{LONG, Landmarks};
use super::route::{Step, Target};
use super::{Format, json, tape};
use std::ops::Range;
use std::sync::OnceLock;

/// How far a route led, and to what. Spans are byte ranges within the document's text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// The number of steps that could be taken.
    pub(super) resolved: usize,
    /// The key of the last of these, if it has one.
    pub(super) key: Option<Range<usize>>,
    /// The value they led to.
    pub(super) value: Range<usize>,
}

/// A span, and whether it is that of the route itself or of something near it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Spot {
    pub(super) span: Range<usize>,
    pub(super) exact: bool,
}

/// The span of what `steps` lead to in the document `text`: of the nearest ancestor that exists
/// if they lead nowhere, and of the first line that says something if there is not even that.
pub(super) fn locate(
    text: &str,
    format: Format,
    landmarks: &OnceLock<Landmarks>,
    steps: &[Step],
    target: Target,
) -> Spot {
    find(text, format, landmarks, steps)
        .and_then(|found| choose(text, found, steps.len(), target))
        .unwrap_or_else(|| Spot {
            span: first_line_of_content(text),
            exact: false,
        })
}

fn find(
    text: &str,
    format: Format,
    landmarks: &OnceLock<Landmarks>,
    steps: &[Step],
) -> Option<Found> {
    if text.len() >= LONG && steps.len() >= 2 {
        let landmarks = landmarks.get_or_init(|| Landmarks::of(text, format));
        let found = landmarks.find(text, format, steps);
        if found.is_some() {
            return found;
        }
    }
    // What only looks like JSON may be YAML in flow style.
    if format == Format::Json
        && let Ok(found) = json::find(text, 0, steps)
    {
        return Some(found);
    }
    tape::walk(text, steps).found
}

/// `None` where only the root was found of a route that goes further: all of it would point at nothing.
fn choose(text: &str, found: Found, wanted: usize, target: Target) -> Option<Spot> {
    let exact = found.resolved == wanted;
    if found.resolved == 0 && !exact {
        return None;
    }
    let value = trimmed(text, found.value)?;
    // A missing field is best shown at the key it should be under, and a value that is not written at its own.
    let key_is_better = target == Target::Key || !exact || value.is_empty();
    let span = match found.key.filter(|_| key_is_better) {
        Some(key) => trimmed(text, key)?,
        None if value.is_empty() => dash_before(text, value),
        None => value,
    };
    Some(Spot { span, exact })
}

/// The span without the white space around it; `None` unless it lies on character boundaries.
fn trimmed(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let slice = text.get(span.clone())?;
    let start = span.end - slice.trim_start_matches(is_blank).len();
    let end = span.start + slice.trim_end_matches(is_blank).len();
    Some(if start < end {
        start..end
    } else {
        span.start..span.start
    })
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// The `-` of a sequence element that has no value, instead of nothing behind it.
fn dash_before(text: &str, empty: Range<usize>) -> Range<usize> {
    let before = text.get(..empty.start).unwrap_or_default();
    let before = before.trim_end_matches(is_blank);
    match before.ends_with('-') {
        true => before.len() - 1..before.len(),
        false => empty,
    }
}

/// The first line that is neither blank nor a comment, a directive or a bare `---`; else the empty start.
fn first_line_of_content(text: &str) -> Range<usize> {
    let mut offset = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let content = line.trim_matches(|character| is_blank(character) || character == '\u{feff}');
        if !content.is_empty() && content != "---" && !content.starts_with(['#', '%']) {
            let start = offset + line.find(content).unwrap_or(0);
            return start..start + content.len();
        }
        offset += line.len();
    }
    0..0
}
