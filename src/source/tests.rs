//! What holds of the module as a whole: generated documents are split, and each of their nodes found, as they
//! were written; and no bytes whatever make it panic or drop something.

use super::generated::{any_document, write};
use super::landmarks::Landmarks;
use super::split::split;
use super::{DocumentId, Format, InputProblem, Route, Sources, Step, Target, read_inputs, tape};
use proptest::prelude::*;
use proptest::sample::select;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::path::PathBuf;

const FIRST: DocumentId = DocumentId(0);

/// What the location of `route` shows.
fn shown<'s>(sources: &'s Sources, route: &Route, target: Target) -> (&'s str, bool) {
    let location = sources.locate(FIRST, route, target);
    (&sources.text(FIRST)[location.span], location.exact)
}

/// The events of a whole stream with their byte spans, without those that depend on how it is cut.
fn events(text: &str) -> Result<Vec<(Event<'_>, usize, usize)>, String> {
    let offsets: Vec<usize> = text
        .char_indices()
        .map(|(offset, _)| offset)
        .chain([text.len()])
        .collect();
    let mut events: Vec<(Event<'_>, usize, usize)> = Vec::new();
    // Anchors are numbered through the stream.
    let (mut before, mut last) = (0, 0);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let mut relative = |anchor: usize| {
            last = last.max(anchor);
            anchor.saturating_sub(before)
        };
        let event = match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => continue,
            Event::DocumentEnd => {
                before = last;
                // A document of nothing is none.
                if matches!(events.last(), Some((Event::DocumentEnd, ..)) | None) {
                    continue;
                }
                Event::DocumentEnd
            }
            Event::Alias(anchor) => Event::Alias(relative(anchor)),
            Event::Scalar(text, style, anchor, tag) => {
                Event::Scalar(text, style, relative(anchor), tag)
            }
            Event::SequenceStart(anchor, tag) => Event::SequenceStart(relative(anchor), tag),
            Event::MappingStart(anchor, tag) => Event::MappingStart(relative(anchor), tag),
            other => other,
        };
        let has_extent = !span.is_empty() && event != Event::DocumentEnd;
        let extent = if has_extent {
            offsets[span.start.index()]..offsets[span.end.index()]
        } else {
            0..0
        };
        events.push((event, extent.start, extent.end));
    }
    Ok(events)
}

/// Documents of nothing and the events between documents.
fn without_empty_documents(
    events: Vec<(Event<'_>, usize, usize)>,
) -> Vec<(Event<'_>, usize, usize)> {
    let documents = events.split(|(event, ..)| *event == Event::DocumentEnd);
    let said = documents.filter(|document| match document {
        [] => false,
        [(Event::Scalar(text, ScalarStyle::Plain, 0, None), ..)] => !text.is_empty(),
        _ => true,
    });
    said.flatten().cloned().collect()
}

fn any_separator() -> impl Strategy<Value = &'static str> {
    select(vec![
        "---\n",
        "---  \t\r\n",
        "--- # cömment\n",
        "---\n---\n",
        "...\n---\n",
        "...\n",
        "...\n# c\n...\n",
        "---\n# Source: x\n",
        "...\n%YAML 1.2\n---\n",
        "...\n# c\n%YAML 1.2\n# d\n--- # e\n",
        "---\n\n\n",
        "--- a\n---\n",
        "--- &x {a: *x}\n--- # c\n",
        "--- |\n x\n# c\n---\n",
    ])
}

fn any_yaml_like_text() -> impl Strategy<Value = String> {
    let token = select(vec![
        "a",
        "b",
        "é",
        "𝄞",
        "-",
        "- ",
        "---",
        "...",
        "--- ",
        "\n---\n",
        "\n...\n",
        ":",
        ": ",
        "?",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&a ",
        "*a",
        "!",
        "!!str ",
        "|",
        ">",
        "|-\n",
        "'",
        "\"",
        "%",
        "%YAML 1.2\n",
        "#",
        " #",
        "@",
        "`",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\n  ",
        "\n- ",
        "~",
        "<<: ",
        "\\",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "1",
        "{\"a\":",
        "\"a\"",
        "{{",
        "# Source: x\n",
    ]);
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

fn any_route() -> impl Strategy<Value = Route> {
    let step = prop_oneof![
        select(vec!["a", "b", "é", "", "<<"]).prop_map(|key| Step::Key(key.into())),
        (0usize..3).prop_map(Step::Index),
    ];
    prop::collection::vec(step, 0..4).prop_map(|steps| steps.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Each node of a generated document is found where it was written, by its route, from the top and from landmarks.
    #[test]
    fn every_node_is_found_where_it_was_written(document in any_document(), newline in select(vec!["\n", "\r\n"])) {
        let generated = write(&document, newline);
        let text = &generated.text;
        prop_assert!(events(text).is_ok(), "{:?}\n{text}", events(text));
        let sources = Sources::from_text("x", text.as_str());
        prop_assert_eq!(sources.text(FIRST).trim_end(), text.trim_end());
        let landmarks = Landmarks::of(text, Format::Yaml);
        for written in &generated.written {
            let route = written.route();
            let location = sources.locate(FIRST, &route, Target::Value);
            prop_assert!(location.exact, "{route}\n{text}");
            prop_assert_eq!(&text[location.span.clone()], &text[written.value.clone()], "value of {}\n{}", route, text);
            prop_assert_eq!(&location.span, &written.value, "{}", route);
            prop_assert_eq!(location.line, 1 + text[..written.value.start].matches('\n').count());
            let key = sources.locate(FIRST, &route, Target::Key).span;
            prop_assert_eq!(&text[key.clone()], &text[written.key.clone()], "key of {}\n{}", route, text);
            prop_assert_eq!(&key, &written.key);
            // A field that is not there is shown at its parent's key.
            let missing = sources.locate(FIRST, &route.clone().key("missing"), Target::Value);
            prop_assert!(!missing.exact);
            if !route.is_root() {
                prop_assert_eq!(missing.span, written.key.clone());
            }
            if let Some(found) = landmarks.find(text, Format::Yaml, route.steps()) {
                prop_assert_eq!(Some(found), tape::walk(text, route.steps()).found, "{}", route);
            }
        }
    }

    /// Documents parsed one by one say what the whole stream says, in the same places.
    #[test]
    fn splitting_changes_no_event(
        documents in prop::collection::vec((any_document(), any_separator()), 0..5),
        newline in select(vec!["\n", "\r\n"]),
        start in select(vec!["", "---\n", "# c\n", "%YAML 1.2\n---\n", "\n\n--- # c\n"]),
    ) {
        let mut stream = start.to_owned();
        for (document, separator) in &documents {
            stream.push_str(&write(document, newline).text);
            stream.push_str(separator);
        }
        let whole = events(&stream);
        prop_assert!(whole.is_ok(), "{:?}\n{stream}", whole);
        let mut apart = Vec::new();
        for piece in split(&stream) {
            let text = &stream[piece.range.clone()];
            prop_assert_eq!(piece.first_line, 1 + stream[..piece.range.start].matches('\n').count());
            let local = events(text);
            prop_assert!(local.is_ok(), "{:?}\n{text}", local);
            let local = without_empty_documents(local.unwrap());
            prop_assert!(!local.is_empty(), "an empty document in {stream}");
            apart.extend(local.into_iter().map(|(event, start, end)| match (start, end) {
                (0, 0) => (event, 0, 0),
                _ => (event, start + piece.range.start, end + piece.range.start),
            }));
        }
        prop_assert_eq!(apart, without_empty_documents(whole.unwrap()), "{}", stream);
    }

    /// Pieces lie in order on character boundaries, and between them is nothing that says anything.
    #[test]
    fn no_text_panics_and_nothing_is_dropped(text in any_yaml_like_text(), route in any_route(), target in select(vec![Target::Key, Target::Value])) {
        let mut end = 0;
        for piece in split(&text) {
            let between = text.get(end..piece.range.start);
            prop_assert!(between.is_some_and(says_nothing), "{between:?} of {text:?}");
            let says_something = |text: &str| !says_nothing(text) || text.contains(['-', '.', '%', '\u{feff}']);
            prop_assert!(text.get(piece.range.clone()).is_some_and(says_something), "{text:?}");
            end = piece.range.end;
        }
        let rest = text.get(end..);
        prop_assert!(rest.is_some_and(says_nothing), "{rest:?} of {text:?}");
        let sources = Sources::from_text("x", text.as_str());
        for (id, document) in sources.documents() {
            let location = sources.locate(id, &route, target);
            prop_assert!(sources.text(id).get(location.span.clone()).is_some());
            prop_assert!(location.first_line == document.first_line && location.first_line <= location.line);
            let landmarks = Landmarks::of(sources.text(id), document.format);
            if let Some(found) = landmarks.find(sources.text(id), document.format, route.steps()) {
                prop_assert_eq!(Some(found), super::locate::find_from_top(sources.text(id), document.format, route.steps()));
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(prop_oneof![any::<u8>(), select(b"\n-:{}[]\" a\0\xff\xc3".to_vec())], 0..80), route in any_route()) {
        let (sources, problems) = read_inputs(&[PathBuf::from("-")], &mut bytes.as_slice());
        let is_text = std::str::from_utf8(&bytes).is_ok() && !bytes.contains(&0);
        prop_assert_eq!(problems.iter().any(InputProblem::loses_input), !is_text);
        for (id, _) in sources.documents() {
            let location = sources.locate(id, &route, Target::Value);
            prop_assert!(sources.text(id).get(location.span).is_some());
            prop_assert!(!sources.text(id).contains('\0'));
        }
    }

    /// Every value of generated JSON is found, and what is found is its text.
    #[test]
    fn every_json_value_is_found(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let landmarks = Landmarks::of(&text, Format::Json);
        let sources = Sources::from_text("x", text.as_str());
        let mut pending = vec![(Route::root(), &value)];
        while let Some((route, value)) = pending.pop() {
            let (found, exact) = shown(&sources, &route, Target::Value);
            prop_assert!(exact);
            prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(found).unwrap(), value, "{}", route);
            if let Some(Step::Key(key)) = route.steps().last() {
                let (found, _) = shown(&sources, &route, Target::Key);
                prop_assert_eq!(&serde_json::from_str::<String>(found).unwrap(), key.as_ref());
            }
            if let Some(found) = landmarks.find(&text, Format::Json, route.steps()) {
                prop_assert_eq!(Some(found), super::locate::find_from_top(&text, Format::Json, route.steps()));
            }
            match value {
                serde_json::Value::Object(members) => pending.extend(members.iter().map(|(key, value)| (route.clone().key(key.clone()), value))),
                serde_json::Value::Array(elements) => pending.extend(elements.iter().enumerate().map(|(index, value)| (route.clone().index(index), value))),
                _ => {}
            }
        }
    }

    /// A row of JSON objects, however it is spaced, is one document each.
    #[test]
    fn json_rows_are_split_into_their_values(values in prop::collection::vec((any_json(), select(vec!["\n", "", " ", "\r\n\n"]), any::<bool>()), 1..5)) {
        let mut row = String::new();
        let mut expected = Vec::new();
        for (value, space, pretty) in &values {
            let value = serde_json::json!({ "é": value });
            let text = if *pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            row.push_str(&text);
            row.push_str(space);
            expected.push(text);
        }
        let sources = Sources::from_text("x", row);
        let found: Vec<&str> = sources.documents().map(|(id, _)| sources.text(id)).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(sources.documents().all(|(_, document)| document.format == Format::Json));
    }
}

fn says_nothing(between: &str) -> bool {
    between
        .split(['\n', '\r'])
        .map(|line| line.trim_matches([' ', '\t', '\u{feff}']))
        .all(|line| {
            let rest = line
                .strip_prefix("---")
                .or_else(|| line.strip_prefix("..."))
                .unwrap_or(line)
                .trim_matches([' ', '\t']);
            rest.is_empty() || rest.starts_with(['#', '%'])
        })
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let text = select(vec![
        "", "a", "é𝄞", "\"", "\\", "}{][", "a/b.c", "\n\u{1}", "# x", "'",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        text.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec((text.clone(), inner), 0..5).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}
