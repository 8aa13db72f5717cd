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
        /// Its entries, `key` and `value`.
        entries: Vec<(String, String)>,
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
    let location = sources.locate(document, route, target);
    if !location.exact {
        return Err("the place is not written by itself");
    }
    let text = sources.text(document);
    let (range, text) = match edit {
        Edit::Replace { text: new, .. } => {
            let old = text.get(location.span.clone()).unwrap_or_default();
            if old.is_empty() || old.contains('\n') || old.starts_with(['&', '*', '!', '|', '>']) {
                return Err("the value is not a plain scalar");
            }
            (location.span.clone(), new.clone())
        }
        Edit::AddEntry { text: new, .. } => {
            let start = location.span.start;
            let indent = before_on_line(text, start);
            // In `- key: value` the next key stands under the first.
            let spaces = blanked(indent).ok_or("it is written in flow style")?;
            (start..start, format!("{new}\n{spaces}"))
        }
        Edit::AddItem { entries, .. } => {
            let start = location.span.start;
            let lead = before_on_line(text, start);
            let spaces = blanked(lead).ok_or("it is written in flow style")?;
            if !lead.trim_start().starts_with("- ") || lead.trim() != "-" {
                return Err("the list is not written one element a line");
            }
            let lines: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key}: {value}"))
                .collect();
            let own = lines.join(&format!("\n{spaces}"));
            (start..start, format!("{own}\n{lead}"))
        }
    };
    let offset = found.range.start;
    Ok(Splice {
        file: location.file,
        range: range.start + offset..range.end + offset,
        text,
    })
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
