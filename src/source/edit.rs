//! Changes of a document's text that leave everything else as it is: comments, quotes, order.

use super::{DocumentId, Route, Sources, Target};
use std::collections::BTreeMap;
use std::ops::Range;

/// One change, told by place and not by bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Edit {
    /// Writes another scalar in a scalar's place.
    Replace {
        /// The document.
        document: DocumentId,
        /// The scalar.
        route: Route,
        /// Whether the key is meant, and not the value.
        target: Target,
        /// What to write, quoted where it has to be.
        text: String,
    },
    /// Adds an entry to a mapping, before its first.
    AddEntry {
        /// The document.
        document: DocumentId,
        /// The entry that the new one is put before.
        before: Route,
        /// `key: value` on one line.
        text: String,
    },
    /// Adds an element to a sequence, before another.
    AddItem {
        /// The document.
        document: DocumentId,
        /// The element that the new one is put before.
        before: Route,
        /// Its lines, indented as in the first column.
        lines: Vec<String>,
    },
}

/// Texts of files after some changes, and the changes that were not made, with the reason.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Edited {
    /// The new text of each file that changes, by name.
    pub files: BTreeMap<String, String>,
    /// For each set of changes why it was not made; `None` where it was.
    pub refusals: Vec<Option<&'static str>>,
}

/// Makes sets of changes, each all or nothing, the first where two are about the same bytes.
/// What is written in flow style, or in a way that is not understood for certain, is refused.
pub fn apply_edits(sources: &Sources, sets: &[Vec<Edit>]) -> Edited {
    let mut edited = Edited::default();
    let mut splices: BTreeMap<String, Vec<(Range<usize>, String)>> = BTreeMap::new();
    for set in sets {
        let made: Result<Vec<Splice>, &'static str> =
            set.iter().map(|edit| splice(sources, edit)).collect();
        let refusal = match made {
            Err(why) => Some(why),
            Ok(made) => {
                let clashes = made.iter().any(|new| {
                    let others = splices.get(&new.file).into_iter().flatten();
                    others
                        .into_iter()
                        .any(|(range, _)| overlap(range, &new.range))
                });
                if clashes {
                    Some("it overlaps another fix: run it again")
                } else {
                    for new in made {
                        splices
                            .entry(new.file)
                            .or_default()
                            .push((new.range, new.text));
                    }
                    None
                }
            }
        };
        edited.refusals.push(refusal);
    }
    for (file, mut splices) in splices {
        let Some((_, text)) = sources.files().find(|(name, _)| *name == file) else {
            continue;
        };
        splices.sort_by_key(|(range, _)| (range.start, range.end));
        let mut new = String::with_capacity(text.len());
        let mut at = 0;
        for (range, replacement) in splices {
            new.push_str(text.get(at..range.start).unwrap_or_default());
            new.push_str(&replacement);
            at = range.end;
        }
        new.push_str(text.get(at..).unwrap_or_default());
        edited.files.insert(file, new);
    }
    edited
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a == b || a.start < b.end && b.start < a.end
}

/// One change in bytes of a file.
struct Splice {
    file: String,
    range: Range<usize>,
    text: String,
}

fn splice(sources: &Sources, edit: &Edit) -> Result<Splice, &'static str> {
    let (document, route, target) = match edit {
        Edit::Replace {
            document,
            route,
            target,
            ..
        } => (*document, route, *target),
        Edit::AddEntry {
            document, before, ..
        } => (*document, before, Target::Key),
        Edit::AddItem {
            document, before, ..
        } => (*document, before, Target::Value),
    };
    let found = sources.document(document).ok_or("the document is gone")?;
    if found.rendered_from.is_some() {
        return Err("it is rendered: change the template");
    }
    let text = sources.text(document);
    if has_anchors(text) {
        return Err("the document has anchors, so that a change may reach other places");
    }
    let location = sources.locate(document, route, target);
    if !location.exact {
        return Err("the place is not written by itself");
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let start = location.span.start;
    let lead = before_on_line(text, start);
    let (range, text) = match edit {
        Edit::Replace { text: new, .. } => {
            let old = text.get(location.span.clone()).unwrap_or_default();
            // Text in a block stands on lines of its own.
            let is_block = target == Target::Value && lead.trim().is_empty() && start > 0;
            if old.is_empty() || old.contains('\n') || is_block || old.starts_with('!') {
                return Err("the value is not a plain scalar");
            }
            (location.span.clone(), quoted_as(old, new))
        }
        Edit::AddEntry { text: new, .. } => {
            // In `- key: value` the next key stands under the first.
            let spaces = blanked(lead).ok_or("it is written in flow style")?;
            (start..start, format!("{new}{newline}{spaces}"))
        }
        Edit::AddItem { lines, .. } => {
            let spaces = blanked(lead).ok_or("it is written in flow style")?;
            if lead.trim() != "-" {
                return Err("the list is not written one element a line");
            }
            let own = lines.join(&format!("{newline}{spaces}"));
            (start..start, format!("{own}{newline}{lead}"))
        }
    };
    let offset = found.range.start;
    Ok(Splice {
        file: location.file,
        range: range.start + offset..range.end + offset,
        text,
    })
}

/// A scalar in the quotes of the one that it replaces. Numbers need none, and are text in them.
fn quoted_as(old: &str, new: &str) -> String {
    let quote = old
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    match quote {
        _ if new.bytes().all(|byte| byte.is_ascii_digit()) => new.to_owned(),
        Some(quote) => format!("{quote}{new}{quote}"),
        None if new.starts_with(':') => format!("\"{new}\""),
        None => new.to_owned(),
    }
}

/// Whether something in a text may be an anchor, an alias or a merge of one. Rather too often than
/// not: what an alias stands for is written once and counts twice.
fn has_anchors(text: &str) -> bool {
    let mut before = '\n';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let starts = before.is_whitespace() || matches!(before, '[' | '{' | ',');
        let names = letters
            .peek()
            .is_some_and(|next| next.is_alphanumeric() || *next == '_');
        if starts && matches!(letter, '&' | '*') && names {
            return true;
        }
        before = letter;
    }
    false
}

/// What stands before a byte on its line.
fn before_on_line(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    before.get(start..).unwrap_or_default()
}

/// A line's beginning with spaces in place of dashes; `None` if there is anything else in it.
fn blanked(lead: &str) -> Option<String> {
    let is_plain = lead.chars().all(|letter| matches!(letter, ' ' | '-'));
    is_plain.then(|| lead.replace('-', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, edit: impl Fn(DocumentId) -> Edit) -> Result<String, &'static str> {
        let sources = Sources::from_text("a.yaml", text);
        let last = sources.documents().map(|(id, _)| id).last().unwrap();
        let mut edited = apply_edits(&sources, &[vec![edit(last)]]);
        match edited.refusals.pop().unwrap() {
            Some(why) => Err(why),
            None => Ok(edited.files.remove("a.yaml").unwrap()),
        }
    }

    #[test]
    fn a_scalar_is_replaced_in_its_quotes() {
        for (text, new, expected) in [
            ("a: 1 # one\n", "2", Ok("a: 2 # one\n")),
            (
                "x: y\n---\n# é\na: 'b'\n",
                "c",
                Ok("x: y\n---\n# é\na: 'c'\n"),
            ),
            ("a: \"80\"\n", "80", Ok("a: 80\n")),
            ("{\"a\": \"b\"}", "c", Ok("{\"a\": \"c\"}")),
            ("a: ::1/0\n", "::/0", Ok("a: \"::/0\"\n")),
            ("a: |\n  b\n", "c", Err("the value is not a plain scalar")),
            (
                "b: &x 1\na: *x\n",
                "2",
                Err("the document has anchors, so that a change may reach other places"),
            ),
            ("b: 1\n", "2", Err("the place is not written by itself")),
            (
                "# Source: chart/templates/a.yaml\na: 1\n",
                "2",
                Err("it is rendered: change the template"),
            ),
        ] {
            let found = after(text, |document| Edit::Replace {
                document,
                route: Route::root().key("a"),
                target: Target::Value,
                text: new.to_owned(),
            });
            assert_eq!(found.as_deref(), expected.as_ref().copied(), "{text:?}");
        }
    }

    #[test]
    fn keys_are_renamed_in_their_quotes() {
        for (text, expected) in [("a: 1\n", "b: 1\n"), ("{\"a\": 1}", "{\"b\": 1}")] {
            let found = after(text, |document| Edit::Replace {
                document,
                route: Route::root().key("a"),
                target: Target::Key,
                text: "b".to_owned(),
            });
            assert_eq!(found.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn entries_and_elements_are_added_in_the_style_of_their_place() {
        let list = || Route::root().key("l").index(0);
        for (text, is_entry, expected) in [
            (
                "l:\n  - a: 1 # x\n",
                true,
                Ok("l:\n  - n: 0\n    a: 1 # x\n"),
            ),
            ("l:\n- a: 1\n", true, Ok("l:\n- n: 0\n  a: 1\n")),
            ("l:\r\n- a: 1\r\n", true, Ok("l:\r\n- n: 0\r\n  a: 1\r\n")),
            ("l: [{a: 1}]\n", true, Err("it is written in flow style")),
            (
                "l:\n  - a: 1\n    b: 2\n",
                false,
                Ok("l:\n  - n: 0\n    m: 1\n  - a: 1\n    b: 2\n"),
            ),
            ("l: [{a: 1}]\n", false, Err("it is written in flow style")),
            (
                "{\"l\": [{\"a\": 1}]}",
                false,
                Err("it is written in flow style"),
            ),
        ] {
            let found = after(text, |document| match is_entry {
                true => Edit::AddEntry {
                    document,
                    before: list().key("a"),
                    text: "n: 0".to_owned(),
                },
                false => Edit::AddItem {
                    document,
                    before: list(),
                    lines: vec!["n: 0".to_owned(), "m: 1".to_owned()],
                },
            });
            assert_eq!(found.as_deref(), expected.as_ref().copied(), "{text:?}");
        }
    }

    #[test]
    fn of_two_changes_of_one_place_the_first_is_made() {
        let sources = Sources::from_text("a.yaml", "a: 1\nb: 2\n");
        let edit = |key: &'static str, text: &str| Edit::Replace {
            document: DocumentId(0),
            route: Route::root().key(key),
            target: Target::Value,
            text: text.to_owned(),
        };
        // All or nothing: `b` stays, though nothing else is about it.
        let sets = [vec![edit("a", "3")], vec![edit("b", "4"), edit("a", "5")]];
        let edited = apply_edits(&sources, &sets);
        assert_eq!(
            edited.files.get("a.yaml").map(String::as_str),
            Some("a: 3\nb: 2\n")
        );
        assert_eq!(
            edited
                .refusals
                .iter()
                .map(Option::is_some)
                .collect::<Vec<_>>(),
            [false, true]
        );
    }
}
