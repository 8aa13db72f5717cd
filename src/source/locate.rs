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
    find_from_top(text, format, steps)
}

/// `None` if the document has no node before its first error.
pub(super) fn find_from_top(text: &str, format: Format, steps: &[Step]) -> Option<Found> {
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

#[cfg(test)]
#[expect(
    clippy::string_slice,
    reason = "an offset inside a character must fail the test"
)]
mod tests {
    use super::*;
    use crate::source::{DocumentId, Route, Sources};

    const FIRST: DocumentId = DocumentId(0);

    /// What is shown for a route, with `!` in front where it is not what was asked for.
    fn shown(text: &str, route: &Route, target: Target) -> String {
        let sources = Sources::from_text("x", text);
        let location = sources.locate(FIRST, route, target);
        let mark = if location.exact { "" } else { "!" };
        format!("{mark}{}", &sources.text(FIRST)[location.span])
    }

    fn route(steps: &[&str]) -> Route {
        let step = |step: &&str| match step.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key((*step).to_owned().into()),
        };
        steps.iter().map(step).collect()
    }

    #[test]
    fn keys_and_values_are_shown_as_they_are_written() {
        let text = "\
# comment
apiVersion: v1 # comment
spec:
  podSelector: {}   # comment
  empty:
  nothing: # comment
  ingress:
  - from:
    -   podSelector: {matchLabels: {'a/b': \"c\" , d: e,}}
    - # comment

      ipBlock: !!map
        cidr: 10.0.0.0/8
    -
    - ~
  text: |
    one
      two


  folded: >-

    three

# comment
  plain: four
    five  # comment
? [complex, key]
: value
? explicit
: value
";
        for (steps, key, value) in [
            (vec!["apiVersion"], "apiVersion", "v1"),
            (vec!["spec", "podSelector"], "podSelector", "{}"),
            (vec!["spec", "empty"], "empty", "empty"),
            (vec!["spec", "nothing"], "nothing", "nothing"),
            (
                vec![
                    "spec",
                    "ingress",
                    "0",
                    "from",
                    "0",
                    "podSelector",
                    "matchLabels",
                ],
                "matchLabels",
                "{'a/b': \"c\" , d: e,}",
            ),
            (
                vec![
                    "spec",
                    "ingress",
                    "0",
                    "from",
                    "0",
                    "podSelector",
                    "matchLabels",
                    "a/b",
                ],
                "'a/b'",
                "\"c\"",
            ),
            (
                vec!["spec", "ingress", "0", "from", "1"],
                "ipBlock: !!map\n        cidr: 10.0.0.0/8",
                "ipBlock: !!map\n        cidr: 10.0.0.0/8",
            ),
            (
                vec!["spec", "ingress", "0", "from", "1", "ipBlock"],
                "ipBlock",
                "!!map\n        cidr: 10.0.0.0/8",
            ),
            (vec!["spec", "ingress", "0", "from", "2"], "-", "-"),
            (vec!["spec", "ingress", "0", "from", "3"], "~", "~"),
            (vec!["spec", "text"], "text", "one\n      two"),
            (vec!["spec", "folded"], "folded", "three"),
            (vec!["spec", "plain"], "plain", "four\n    five"),
            (vec!["explicit"], "explicit", "value"),
        ] {
            let route = route(&steps);
            assert_eq!(shown(text, &route, Target::Key), key, "key of {route}");
            assert_eq!(
                shown(text, &route, Target::Value),
                value,
                "value of {route}"
            );
        }
        let whole = shown(text, &Route::root(), Target::Value);
        assert!(
            whole.starts_with("apiVersion") && whole.ends_with(": value"),
            "{whole}"
        );
    }

    #[test]
    fn what_is_missing_is_shown_at_its_nearest_ancestor() {
        let text = "# comment\nkind: a\nspec:\n  list:\n  - b: c\n  - d\n";
        for (steps, expected) in [
            (vec!["missing"], "!kind: a"),
            (vec!["0"], "!kind: a"),
            (vec!["spec", "missing"], "!spec"),
            (vec!["spec", "missing", "0", "deeper"], "!spec"),
            (vec!["spec", "0"], "!spec"),
            (vec!["spec", "list", "2"], "!list"),
            (vec!["spec", "list", "b"], "!list"),
            (vec!["spec", "list", "0", "missing"], "!b: c"),
            (vec!["spec", "list", "1", "missing"], "!d"),
            (vec!["kind", "missing"], "!kind"),
        ] {
            for target in [Target::Key, Target::Value] {
                assert_eq!(shown(text, &route(&steps), target), expected, "{steps:?}");
            }
        }
    }

    #[test]
    fn aliases_are_shown_themselves_and_lead_on_to_their_anchors() {
        let text = "\
a: &x {k: [1, 2]}
b: *x
c: &x
  k: other
d: *x
e: [*x]
f: &name key
*name : g
";
        for (steps, expected) in [
            (vec!["a"], "&x {k: [1, 2]}"),
            (vec!["b"], "*x"),
            (vec!["b", "k"], "[1, 2]"),
            (vec!["b", "k", "1"], "2"),
            (vec!["b", "missing"], "!b"),
            (vec!["d", "k"], "other"),
            (vec!["e", "0"], "*x"),
            (vec!["e", "0", "k"], "other"),
            (vec!["key"], "g"),
        ] {
            assert_eq!(
                shown(text, &route(&steps), Target::Value),
                expected,
                "{steps:?}"
            );
        }
        assert_eq!(shown(text, &route(&["key"]), Target::Key), "*name");
    }

    #[test]
    fn merge_keys_give_what_the_mapping_itself_lacks() {
        let text = "\
one: &one {a: 1, b: 1}
two: &two {b: 2, c: 2, <<: *one}
three:
  <<: *two
  c: 3
four:
  <<: [*one, {a: 4, c: 4}, *two]
five:
  <<: {d: 5}
self: &self
  <<: *self
  e: 6
loop: &loop
  <<: [*loop, [*loop]]
scalar: {<<: x}
";
        for (steps, expected) in [
            (vec!["three", "a"], "1"),
            (vec!["three", "b"], "2"),
            (vec!["three", "c"], "3"),
            (vec!["four", "a"], "1"),
            (vec!["four", "c"], "4"),
            (vec!["five", "d"], "5"),
            (vec!["five", "<<"], "{d: 5}"),
            (vec!["three", "<<", "c"], "2"),
            (vec!["self", "e"], "6"),
            (vec!["self", "a"], "!self"),
            (vec!["loop", "a"], "!loop"),
            (vec!["scalar", "a"], "!scalar"),
        ] {
            assert_eq!(
                shown(text, &route(&steps), Target::Value),
                expected,
                "{steps:?}"
            );
        }
    }

    #[test]
    fn documents_that_do_not_parse_show_what_comes_before_the_error() {
        for (text, steps, expected) in [
            ("a: 1\nb: [1, 2\nc: 3\n", vec!["a"], "1"),
            ("a: 1\nb: [1, 2\nc: 3\n", vec!["b", "0"], "1"),
            ("a: 1\nb: [1, 2\nc: 3\n", vec!["c"], "!a: 1"),
            ("a:\n  b: *nowhere\n", vec!["a", "b"], "!a"),
            ("# c\n\n%x\n---\n\t@\n", vec!["a"], "!@"),
            ("{{ if x }}\na: 1\n", vec!["a"], "!{{ if x }}"),
            ("a: 'open\n", vec!["b"], "!a: 'open"),
            ("{\"a\": {\"b\": 1}, ", vec!["a", "b"], "1"),
            ("{\"a\": {\"b\": 1}, ", vec!["a", "c"], "!\"a\""),
            ("{\"a\": tru", vec!["a"], "tru"),
            ("plain", vec!["a"], "!plain"),
        ] {
            assert_eq!(
                shown(text, &route(&steps), Target::Value),
                expected,
                "{text:?} {steps:?}"
            );
        }
    }

    #[test]
    fn directives_and_markers_inside_of_the_document_do_no_harm() {
        let text = "%YAML 1.2\n# c\n--- # d\nä: ö\n";
        assert_eq!(shown(text, &route(&["ä"]), Target::Value), "ö");
        assert_eq!(shown(text, &route(&["missing"]), Target::Value), "!--- # d");
        assert_eq!(shown("--- {ä: ö}", &route(&["ä"]), Target::Value), "ö");
    }

    #[test]
    fn json_and_what_looks_like_it_are_both_found() {
        for (text, steps, expected) in [
            (
                "{\"a\": [{\"b\\u00e9\": \"\\ud83d\\ude00\"}]}",
                vec!["a", "0", "bé"],
                "\"\\ud83d\\ude00\"",
            ),
            ("{\"a\": b c, 'd': [e, ], }", vec!["a"], "b c"),
            ("{\"a\": b c, 'd': [e, ], }", vec!["d", "0"], "e"),
            ("{\"a\": [1 2, 3]}", vec!["a", "0"], "1 2"),
            ("{\"a\": 1} # comment", vec!["a"], "1"),
        ] {
            assert_eq!(
                shown(text, &route(&steps), Target::Value),
                expected,
                "{text:?} {steps:?}"
            );
        }
    }

    #[test]
    fn depth_overflows_no_stack() {
        let depth = 100_000;
        let deep: Route = (0..depth).map(|_| Step::Index(0)).collect();
        let yaml = format!("a:\n{}x", "- ".repeat(depth));
        let below = route(&["a"])
            .steps()
            .iter()
            .chain(deep.steps())
            .cloned()
            .collect();
        assert_eq!(shown(&yaml, &below, Target::Value), "x");
        let json = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(shown(&json, &deep.parent().unwrap(), Target::Value), "[]");
        let broken = format!("{{{}", "[".repeat(depth));
        shown(&broken, &deep, Target::Value);
    }

    #[test]
    fn long_documents_are_located_by_landmarks_all_the_same() {
        let mut yaml = String::from("# ä\nitems:\n");
        let mut items = Vec::new();
        let count = 3000;
        for number in 0..count {
            yaml.push_str(&format!(
                "- metadata: {{name: pöd-{number}}} # comment\n  spec:\n    - {number}\n"
            ));
            items.push(format!(
                "{{\"metadata\": {{\"name\": \"pöd-{number}\"}}, \"spec\": [{number}]}}"
            ));
        }
        yaml.push_str("kind: List\n");
        let json = format!("{{\"kind\": \"List\", \"items\": [{}]}}", items.join(",\n"));
        assert!(yaml.len() > LONG && json.len() > LONG);
        for (text, quote) in [(yaml, ""), (json, "\"")] {
            let sources = Sources::from_text("x", text);
            let text = sources.text(FIRST);
            for number in [0, 1, 1500, count - 1] {
                let item = Route::root().key("items").index(number);
                let location = sources.locate(
                    FIRST,
                    &item.clone().key("metadata").key("name"),
                    Target::Value,
                );
                assert_eq!(
                    text[location.span.clone()],
                    format!("{quote}pöd-{number}{quote}")
                );
                assert_eq!(
                    location.line,
                    1 + text[..location.span.start].matches('\n').count()
                );
                let location =
                    sources.locate(FIRST, &item.clone().key("spec").index(0), Target::Value);
                assert_eq!(text[location.span], number.to_string());
                let location = sources.locate(FIRST, &item.key("spec").index(7), Target::Value);
                assert_eq!(text[location.span], format!("{quote}spec{quote}"));
            }
            let beyond = sources.locate(
                FIRST,
                &Route::root().key("items").index(count),
                Target::Value,
            );
            assert_eq!(text[beyond.span], format!("{quote}items{quote}"));
        }
    }
}
