//! Shortcuts into long documents.
//!
//! What `kubectl get -A -o yaml` prints is one document of any length, a list of all objects.
//! Walking it from the top for every location would cost seconds each. So the first location
//! in a long document notes where the elements of its top-level sequences start, and from then
//! on a route such as `items[5000].spec` is walked from its element.

use super::json::{Children, skip_blanks};
use super::route::Step;
use super::tape::byte_offset;
use super::{Format, locate::Found};
use super::{json, tape};
use saphyr_parser::{Event, Parser};
use std::collections::BTreeMap;

/// Documents of fewer bytes than this are walked from the top.
pub(super) const LONG: usize = 64 * 1024;

/// Byte offsets of the elements of the sequences that the root mapping holds, by key.
///
/// In YAML the offset of the line on which the element's `-` is the first thing, which reads as a
/// sequence of its own; `None` for an element that starts in any other way. In JSON that of the element.
#[derive(Debug, Default)]
pub(super) struct Landmarks {
    elements: BTreeMap<String, Vec<Option<usize>>>,
}

impl Landmarks {
    /// Walks all of the document once.
    pub(super) fn of(text: &str, format: Format) -> Landmarks {
        match format {
            Format::Json => Landmarks::of_json(text).unwrap_or_default(),
            Format::Yaml => Landmarks::of_yaml(text),
        }
    }

    fn of_json(text: &str) -> Option<Landmarks> {
        let mut landmarks = Landmarks::default();
        let root = skip_blanks(text.as_bytes(), 0);
        for child in Children::of(text.as_bytes(), root)? {
            let child = child.ok()?;
            let Some(key) = child.key.and_then(|key| text.get(key)) else {
                continue;
            };
            let mut starts = Vec::new();
            if text.as_bytes().get(child.value) == Some(&b'[') {
                for element in Children::of(text.as_bytes(), child.value)? {
                    starts.push(Some(element.ok()?.value));
                }
            }
            // Of a repeated key the first counts, as in a walk from the top.
            landmarks
                .elements
                .entry(json::unquote(key).into_owned())
                .or_insert(starts);
        }
        Some(landmarks)
    }

    fn of_yaml(text: &str) -> Landmarks {
        let mut elements: BTreeMap<String, Vec<Option<usize>>> = BTreeMap::new();
        let mut depth = 0usize;
        // Of the root mapping's child at hand: whether it is a value, its key, whether it is a sequence.
        let mut is_value = false;
        let mut key: Option<String> = None;
        let mut is_sequence = false;
        // Characters and bytes before the element noted last.
        let mut known = (0, 0);
        for event in Parser::new_from_str(text) {
            let Ok((event, span)) = event else { break };
            let opens = match event {
                Event::MappingStart(..) | Event::SequenceStart(..) => true,
                Event::Scalar(..) | Event::Alias(_) => false,
                Event::MappingEnd | Event::SequenceEnd => {
                    depth = depth.saturating_sub(1);
                    is_value ^= depth == 1;
                    continue;
                }
                Event::DocumentEnd => break,
                Event::DocumentStart(_)
                | Event::StreamStart
                | Event::StreamEnd
                | Event::Nothing => {
                    continue;
                }
            };
            match (depth, &event) {
                (0, Event::MappingStart(..)) => {}
                (0, _) => break,
                (1, Event::Scalar(text, ..)) if !is_value => key = Some(text.to_string()),
                (1, _) if !is_value => key = None,
                (1, _) => {
                    // Of a repeated key the first counts, as in a walk from the top.
                    key = key.filter(|key| !elements.contains_key(key));
                    is_sequence = matches!(event, Event::SequenceStart(..));
                    elements.extend(key.clone().map(|key| (key, Vec::new())));
                }
                (2, _) if is_value && is_sequence => {
                    let start = span.start.index();
                    known.1 = byte_offset(text, known.1, start.saturating_sub(known.0));
                    known.0 = start;
                    if let Some(starts) = key.as_ref().and_then(|key| elements.get_mut(key)) {
                        starts.push(line_of_dash(text, known.1));
                    }
                }
                _ => {}
            }
            match opens {
                true => depth += 1,
                false => is_value ^= depth == 1,
            }
        }
        Landmarks { elements }
    }

    /// Follows `steps` from the landmark on their way, if there is one and it leads as far as a walk from the top would.
    pub(super) fn find(&self, text: &str, format: Format, steps: &[Step]) -> Option<Found> {
        let [Step::Key(key), Step::Index(index), rest @ ..] = steps else {
            return None;
        };
        let start = (*self.elements.get(key.as_ref())?.get(*index)?)?;
        match format {
            Format::Json => {
                let found = json::find(text, start, rest).ok()?;
                Some(Found {
                    resolved: found.resolved + 2,
                    ..found
                })
            }
            Format::Yaml => {
                let mut steps = vec![Step::Index(0)];
                steps.extend_from_slice(rest);
                let walk = tape::walk(text.get(start..)?, &steps);
                // An alias of an anchor before the element is an error here and none from the top.
                let found = walk
                    .found
                    .filter(|found| !walk.failed && found.resolved > 0)?;
                Some(Found {
                    resolved: found.resolved + 1,
                    key: found.key.map(|key| start + key.start..start + key.end),
                    value: start + found.value.start..start + found.value.end,
                })
            }
        }
    }
}

/// The start of the line on which the `-` of the element at the byte offset `node` is the first thing.
fn line_of_dash(text: &str, node: usize) -> Option<usize> {
    let before = text.get(..node)?;
    let before = before
        .trim_end_matches([' ', '\t', '\r', '\n'])
        .strip_suffix('-')?;
    let indentation = before.trim_end_matches(' ');
    (indentation.is_empty() || indentation.ends_with(['\n', '\r'])).then_some(indentation.len())
}

#[cfg(test)]
#[expect(
    clippy::string_slice,
    reason = "an offset inside a character must fail the test"
)]
mod tests {
    use super::*;
    use crate::source::Route;

    const LIST: &str = "\
# comment
kind: List
items: # more
- a: 1
  é: ö
-
  a: 2
- # hidden
  a: 3
- *nowhere
";

    #[test]
    fn elements_are_noted_where_their_dash_starts_the_line() {
        let text = LIST.replace("- *nowhere\n", "-   - x\n");
        let landmarks = Landmarks::of(&text, Format::Yaml);
        let noted: Vec<_> = landmarks.elements["items"]
            .iter()
            .map(|start| start.map(|start| text[start..].lines().next().unwrap()))
            .collect();
        assert_eq!(noted, [Some("- a: 1"), Some("-"), None, Some("-   - x")]);
        assert_eq!(landmarks.elements["kind"], []);
    }

    #[test]
    fn flow_sequences_complex_keys_and_other_roots_have_no_landmarks() {
        for text in [
            "a: [b, c]",
            "[1, 2]",
            "x",
            "",
            "? [a, b]\n: - c",
            "? - a\n  - b\n: c",
            "*a",
        ] {
            let landmarks = Landmarks::of(text, Format::Yaml);
            let noted = landmarks.elements.values().flatten().flatten().count();
            assert_eq!(noted, 0, "{text}");
        }
    }

    #[test]
    fn the_first_of_repeated_keys_counts() {
        let text = "a: x\na:\n- 1\nb:\n- 2\nb:\n- 3\n- 4\n";
        let landmarks = Landmarks::of(text, Format::Yaml);
        assert_eq!(landmarks.elements["a"], []);
        assert_eq!(landmarks.elements["b"].len(), 1);
        let json = r#"{"a": 1, "a": [1], "b": [2], "b": [3, 4]}"#;
        let landmarks = Landmarks::of(json, Format::Json);
        assert_eq!(landmarks.elements["a"], []);
        assert_eq!(
            landmarks.elements["b"],
            [Some(json.find("2]"))].map(Option::unwrap)
        );
    }

    #[test]
    fn a_landmark_leads_where_a_walk_from_the_top_does() {
        let text = LIST.replace("- *nowhere\n", "- a: &anchor 4\n- a: *anchor\n");
        let landmarks = Landmarks::of(&text, Format::Yaml);
        for index in 0..6 {
            for key in ["a", "é", "none"] {
                let route = Route::root().key("items").index(index).key(key);
                let direct = tape::walk(&text, route.steps()).found;
                match landmarks.find(&text, Format::Yaml, route.steps()) {
                    None => assert!(index == 2 || index == 4 || index == 5, "{route}"),
                    found => assert_eq!(found, direct, "{route}"),
                }
            }
        }
    }
}
