//! The split of a text into documents, at memory speed and without parsing any.
//!
//! YAML forbids a line that starts with a document marker inside of anything, be it a quoted or a block
//! scalar (section 9.1.2 of the specification), so the markers can be found without knowing
//! what they stand in. JSON objects that follow each other, as `jq` and log pipelines
//! print them, are told apart by counting brackets.

use super::json;
use super::lines::count_lines;
use super::{Format, Opening};
use memchr::{memchr, memchr2, memmem};
use std::ops::Range;

/// One document: where it is, and what can be told without parsing it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    /// Byte range in the text.
    pub(super) range: Range<usize>,
    /// 1-based line of the first byte.
    pub(super) first_line: usize,
    pub(super) format: Format,
    pub(super) opening: Opening,
    pub(super) rendered_from: Option<String>,
}

/// The documents of `text`, in order. What lies between them is blank, comments and markers only.
pub(super) fn split(text: &str) -> Vec<Piece> {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut splitter = Splitter {
        text,
        pieces: Vec::new(),
        counted: (0, 1),
    };
    let mut chunk = Chunk {
        start,
        content_from: start,
        opening: Opening::Start,
    };
    for marker in markers(text.as_bytes(), start) {
        if marker.end_of_document {
            splitter.add(&chunk, marker.start);
            chunk = Chunk {
                start: marker.next_line,
                content_from: marker.next_line,
                opening: Opening::AfterEnd,
            };
            continue;
        }
        let directives = splitter.directives(&chunk, marker.start);
        if directives.is_none() {
            splitter.add(&chunk, marker.start);
        }
        let (content_from, opening) = match marker.has_content {
            true => (marker.start, Opening::MarkerWithContent),
            false => (marker.next_line, Opening::Marker),
        };
        chunk = Chunk {
            start: directives.unwrap_or(content_from),
            content_from,
            opening,
        };
    }
    splitter.add(&chunk, text.len());
    splitter.pieces
}

/// What lies between two markers. Ends where the next one starts.
struct Chunk {
    /// Where the document starts that may be in here.
    start: usize,
    /// Where something must be said for it to be one. A marker line that says nothing is no part of the
    /// document, unless there are directives, which need theirs.
    content_from: usize,
    opening: Opening,
}

struct Splitter<'t> {
    text: &'t str,
    pieces: Vec<Piece>,
    /// A byte offset and its line: documents come in order, so each line is counted once.
    counted: (usize, usize),
}

impl Splitter<'_> {
    /// Adds what the chunk holds: nothing if it is blank and comments, several documents if it is a row of JSON values.
    fn add(&mut self, chunk: &Chunk, end: usize) {
        let bytes = self.text.as_bytes().get(..end).unwrap_or_default();
        let skimmed = skim(bytes, chunk.content_from);
        let Some(content) = skimmed.content else {
            return;
        };
        let rendered_from = skimmed
            .source
            .and_then(|range| self.text.get(range))
            .map(|path| path.trim().to_owned());
        let has_directives = chunk.start < chunk.content_from;
        if looks_like_json(bytes, content) && !has_directives {
            self.add_json(bytes, content, chunk.opening, rendered_from);
        } else {
            let start = match has_directives {
                true => chunk.start,
                false => skimmed.first_line,
            };
            self.push(start..end, Format::Yaml, chunk.opening, rendered_from);
        }
    }

    /// Adds the values that follow each other from `content` on, each as a document.
    fn add_json(
        &mut self,
        bytes: &[u8],
        content: usize,
        opening: Opening,
        rendered_from: Option<String>,
    ) {
        let mut start = content;
        let mut opening = opening;
        let mut rendered_from = rendered_from;
        loop {
            let end = json::value_end(bytes, start).unwrap_or(bytes.len());
            let next = json::skip_blanks(bytes, end);
            let format = match bytes.get(next) {
                None | Some(b'{' | b'[') if looks_like_json(bytes, start) => Format::Json,
                _ => Format::Yaml,
            };
            if !matches!(bytes.get(next), Some(b'{' | b'[')) {
                // With anything else behind it, it is no row of values: left whole, for the parser to judge.
                let end = if next < bytes.len() { bytes.len() } else { end };
                self.push(start..end, format, opening, rendered_from);
                return;
            }
            self.push(start..end, format, opening, rendered_from.take());
            start = next;
            opening = Opening::Value;
        }
    }

    fn push(
        &mut self,
        range: Range<usize>,
        format: Format,
        opening: Opening,
        rendered_from: Option<String>,
    ) {
        let (offset, line) = self.counted;
        let passed = self.text.as_bytes().get(offset..range.start);
        let first_line = line + count_lines(passed.unwrap_or_default());
        self.counted = (range.start, first_line);
        self.pieces.push(Piece {
            range,
            first_line,
            format,
            opening,
            rendered_from,
        });
    }

    /// Where the directives start that the chunk consists of, if it consists of such.
    /// They belong to the document that the next `---` starts.
    fn directives(&self, chunk: &Chunk, end: usize) -> Option<usize> {
        if !matches!(chunk.opening, Opening::Start | Opening::AfterEnd) {
            return None;
        }
        let bytes = self.text.as_bytes().get(..end)?;
        let first = skim(bytes, chunk.start).content?;
        let mut next = Some(first);
        while let Some(at) = next {
            let starts_line = at == chunk.start || matches!(bytes.get(at - 1), Some(b'\n' | b'\r'));
            if !starts_line || bytes.get(at) != Some(&b'%') {
                return None;
            }
            next = skim(bytes, line_end(bytes, at)).content;
        }
        Some(first)
    }
}

struct Marker {
    /// The offset of its first byte.
    start: usize,
    /// `...` and not `---`.
    end_of_document: bool,
    /// Something other than a comment follows on the line.
    has_content: bool,
    next_line: usize,
}

/// All document markers at or after `start`, in order.
fn markers(bytes: &[u8], start: usize) -> impl Iterator<Item = Marker> {
    // YAML takes a carriage return alone for a line end too. Most files have none at all.
    let returns = match memchr(b'\r', bytes) {
        Some(_) => bytes,
        None => &[],
    };
    let mut found = [
        memmem::find_iter(bytes, b"\n---").peekable(),
        memmem::find_iter(bytes, b"\n...").peekable(),
        memmem::find_iter(returns, b"\r---").peekable(),
        memmem::find_iter(returns, b"\r...").peekable(),
    ];
    let line_starts = std::iter::from_fn(move || {
        let nearest = found
            .iter_mut()
            .filter_map(|matches| Some((*matches.peek()?, matches)))
            .min_by_key(|(offset, _)| *offset);
        Some(nearest?.1.next()? + 1)
    });
    std::iter::once(start)
        .chain(line_starts)
        .filter_map(|at| marker_at(bytes, at))
}

fn marker_at(bytes: &[u8], start: usize) -> Option<Marker> {
    let end_of_document = match bytes.get(start..start + 3)? {
        b"---" => false,
        b"..." => true,
        _ => return None,
    };
    let end = line_end(bytes, start);
    let rest = bytes.get(start + 3..end)?;
    if !matches!(rest.first(), None | Some(b' ' | b'\t')) {
        return None;
    }
    let said = rest.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
    let has_content = !matches!(said, None | Some(b'#'));
    // After `...` only a comment may stand; anything else is left in the document, for the parser to refuse.
    if end_of_document && has_content {
        return None;
    }
    let line_break = match bytes.get(end..) {
        Some([b'\r', b'\n', ..]) => 2,
        Some([_, ..]) => 1,
        _ => 0,
    };
    Some(Marker {
        start,
        end_of_document,
        has_content,
        next_line: end + line_break,
    })
}

/// The offset of the line break that ends the line of `at`, or of the end of `bytes`.
fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
}

struct Skimmed {
    /// The start of the first line that is not blank.
    first_line: usize,
    /// The first byte that is neither blank nor in a comment.
    content: Option<usize>,
    /// What the first comment `# Source: ...` before the content names.
    source: Option<Range<usize>>,
}

/// Looks past the blanks and comments at `start`, which must be the start of a line.
fn skim(bytes: &[u8], start: usize) -> Skimmed {
    let mut at = json::skip_blanks(bytes, start);
    let indented = bytes.get(start..at).unwrap_or_default();
    let indentation = indented
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t'));
    let mut skimmed = Skimmed {
        first_line: at - indentation.count(),
        content: None,
        source: None,
    };
    while let Some(&byte) = bytes.get(at) {
        if byte != b'#' {
            skimmed.content = Some(at);
            break;
        }
        let end = line_end(bytes, at);
        let comment = bytes.get(at..end).unwrap_or_default();
        if skimmed.source.is_none() && comment.starts_with(b"# Source: ") {
            skimmed.source = Some(at + b"# Source: ".len()..end);
        }
        at = json::skip_blanks(bytes, end);
    }
    skimmed
}

/// Whether the value at `at` starts as JSON does. Only a hint: YAML's flow style can start the same.
fn looks_like_json(bytes: &[u8], at: usize) -> bool {
    let inner = bytes.get(json::skip_blanks(bytes, at + 1));
    match bytes.get(at) {
        Some(b'{') => matches!(inner, Some(b'"' | b'}')),
        Some(b'[') => matches!(inner, Some(b'{' | b'[' | b'"' | b']' | b'-' | b'0'..=b'9')),
        _ => false,
    }
}

#[cfg(test)]
#[expect(
    clippy::string_slice,
    reason = "an offset inside a character must fail the test"
)]
mod tests {
    use super::*;

    /// The texts of the documents.
    fn texts(text: &str) -> Vec<&str> {
        let pieces = split(text);
        pieces
            .iter()
            .map(|piece| &text[piece.range.clone()])
            .collect()
    }

    #[test]
    fn yaml_streams_are_split_at_their_markers() {
        for (text, expected) in [
            ("", vec![]),
            ("a: 1", vec!["a: 1"]),
            ("---", vec![]),
            ("---\n", vec![]),
            ("---\n---\n...\n---", vec![]),
            ("a: 1\n---\nb: 2\n", vec!["a: 1\n", "b: 2\n"]),
            ("---\na: 1\n---\n\n---\nb: 2", vec!["a: 1\n", "b: 2"]),
            ("--- # c\na: 1\n---  \t\nb: 2", vec!["a: 1\n", "b: 2"]),
            ("# c\n  # d\n\n---\n#\n---\na", vec!["a"]),
            (
                "# c\na: 1 # d\n---\n\n # e\nb",
                vec!["# c\na: 1 # d\n", " # e\nb"],
            ),
            ("\n\n  a: 1\n", vec!["  a: 1\n"]),
            (
                "--- {a: 1}\n--- |\n  # no comment\n",
                vec!["--- {a: 1}\n", "--- |\n  # no comment\n"],
            ),
            ("--- a", vec!["--- a"]),
            ("---a: 1\n----\n-- -\n--- ", vec!["---a: 1\n----\n-- -\n"]),
            (
                "a: 1\r\n---\r\nb: 2\r\n...\r\n",
                vec!["a: 1\r\n", "b: 2\r\n"],
            ),
            ("a: 1\r---\rb: 2\r...\r", vec!["a: 1\r", "b: 2\r"]),
            (
                "a: |\n  x\n  ---\n  y\n ---\n",
                vec!["a: |\n  x\n  ---\n  y\n ---\n"],
            ),
            ("a: |\n  x\n---\ny", vec!["a: |\n  x\n", "y"]),
            (
                "a: 1\n...\nb: 2\n... # c\n---\nc: 3",
                vec!["a: 1\n", "b: 2\n", "c: 3"],
            ),
            ("a: 1\n... b\n.... \n", vec!["a: 1\n... b\n.... \n"]),
            ("%YAML 1.2\n---\na: 1\n", vec!["%YAML 1.2\n---\na: 1\n"]),
            (
                "# c\n%YAML 1.2\n\n%TAG ! x # d\n# e\n--- # f\na",
                vec!["%YAML 1.2\n\n%TAG ! x # d\n# e\n--- # f\na"],
            ),
            (
                "a\n...\n%YAML 1.2\n---\nb",
                vec!["a\n", "%YAML 1.2\n---\nb"],
            ),
            ("%YAML 1.2\n", vec!["%YAML 1.2\n"]),
            ("%YAML 1.2\n---\n# c\n---\na", vec!["a"]),
            ("%YAML 1.2\n--- {a: 1}", vec!["%YAML 1.2\n--- {a: 1}"]),
            (
                "%YAML 1.2\n---\n{\"a\": 1}",
                vec!["%YAML 1.2\n---\n{\"a\": 1}"],
            ),
            ("%YAML 1.2\na: 1\n---\nb", vec!["%YAML 1.2\na: 1\n", "b"]),
            ("a\n---\n%x\n---\nb", vec!["a\n", "%x\n", "b"]),
            ("\u{feff}---\na: 1", vec!["a: 1"]),
            ("\u{feff}# c\n---\na: 1", vec!["a: 1"]),
            ("\u{feff}a: é\n---\nü", vec!["a: é\n", "ü"]),
            ("\u{feff}", vec![]),
            (
                "{{- if x }}\na: 1\n{{ end }}\n---\nb",
                vec!["{{- if x }}\na: 1\n{{ end }}\n", "b"],
            ),
        ] {
            assert_eq!(texts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn json_values_in_a_row_are_documents() {
        for (text, expected) in [
            ("{\"a\":1}\n{\"b\":2}\n", vec!["{\"a\":1}", "{\"b\":2}"]),
            ("  {\"a\":1} {} [1] ", vec!["{\"a\":1}", "{}", "[1]"]),
            (
                "{\n  \"a\": [{}, \"}{\\\"\"]\n}\n{\n}\n",
                vec!["{\n  \"a\": [{}, \"}{\\\"\"]\n}", "{\n}"],
            ),
            (
                "{\"a\":1}\n---\n{\"b\":2}\n",
                vec!["{\"a\":1}", "{\"b\":2}"],
            ),
            ("# c\n{\"a\":1}\n", vec!["{\"a\":1}"]),
            ("{\"a\":1}\n{\"b\":", vec!["{\"a\":1}", "{\"b\":"]),
            ("{\"a\":1} # c\n", vec!["{\"a\":1} # c\n"]),
            ("{\"a\":1}: x\n", vec!["{\"a\":1}: x\n"]),
            (
                "{\"a\":1}\n{\"b\":2}\nerror: x\n",
                vec!["{\"a\":1}", "{\"b\":2}\nerror: x\n"],
            ),
            ("{a: 1}\n{b: 2}", vec!["{a: 1}\n{b: 2}"]),
            ("[{}]\n", vec!["[{}]"]),
            ("{\"a\":1}}\n", vec!["{\"a\":1}}\n"]),
        ] {
            assert_eq!(texts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_format_is_a_hint_from_the_first_bytes() {
        for (text, expected) in [
            ("{\"a\":1}", Format::Json),
            ("{}", Format::Json),
            ("[\n {\"a\":1}]", Format::Json),
            ("{\"a\":1", Format::Json),
            ("{a: 1}", Format::Yaml),
            ("{{ .Values }}", Format::Yaml),
            ("[a]", Format::Yaml),
            ("{\"a\":1} # c", Format::Yaml),
            ("a: {\"b\": 1}", Format::Yaml),
            ("--- {\"b\": 1}", Format::Yaml),
        ] {
            assert_eq!(split(text)[0].format, expected, "{text:?}");
        }
    }

    #[test]
    fn a_document_knows_its_line_its_opening_and_what_it_was_rendered_from() {
        let text = "# c\r\na\n---\n# Source: chart/templates/a.yaml\r\n# Source: b\nb: 1\n# Source: c\n--- |\n x\n...\n\nc\n---\n# Source: j\n{\"a\":\n1}\n{\"b\":2}";
        let found: Vec<_> = split(text)
            .into_iter()
            .map(|piece| (piece.first_line, piece.opening, piece.rendered_from))
            .collect();
        let rendered = Some("chart/templates/a.yaml".to_owned());
        assert_eq!(
            found,
            [
                (1, Opening::Start, None),
                (4, Opening::Marker, rendered),
                (8, Opening::MarkerWithContent, None),
                (12, Opening::AfterEnd, None),
                (15, Opening::Marker, Some("j".to_owned())),
                (17, Opening::Value, None),
            ]
        );
    }
}
