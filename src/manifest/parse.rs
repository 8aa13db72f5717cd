//! Text to an untyped value.

use super::tree::{Tree, apply_merges};
use crate::source::Format;
use serde::Deserialize;

/// Why a text is not YAML.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    /// Where reading stopped, in bytes from the start of the text.
    pub(crate) offset: usize,
    /// The parser's words, in our style.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
}

/// Parses one document. An empty one is `null`. Both formats refuse repeated keys; text that
/// looks like JSON and is not is read as YAML, as kubectl does.
pub(crate) fn parse(text: &str, format: Format) -> Result<Tree<'_>, SyntaxError> {
    if let Some(offset) = too_deep(text) {
        return Err(SyntaxError {
            offset,
            message: "nested too deeply".to_owned(),
            help: None,
        });
    }
    if format == Format::Json
        && let Ok(tree) = serde_json::from_str(text)
    {
        return Ok(tree);
    }
    let mut tree = match serde_yaml::from_str(text) {
        Ok(tree) => tree,
        Err(_) if is_blank(text) => return Ok(Tree::Null),
        Err(error) => return Err(syntax_error(text, &error)),
    };
    merge(text, &mut tree).map_err(|problem| SyntaxError {
        offset: text.find("<<").unwrap_or(0),
        message: problem.to_owned(),
        help: None,
    })?;
    Ok(tree)
}

fn merge(text: &str, tree: &mut Tree<'_>) -> Result<(), &'static str> {
    if text.contains("<<") {
        apply_merges(tree)?;
    }
    Ok(())
}

/// What stands between documents that are parsed together.
pub(crate) const SEPARATOR: &str = "\n---\n";

/// Whether a document can be parsed together with others: it has no marker of its own, and is
/// not so long that the gain would not show.
pub(crate) fn can_be_joined(text: &str, format: Format) -> bool {
    let starts = |line: &str| line.starts_with("---") || line.starts_with("...");
    format == Format::Yaml
        && text.len() < 16 * 1024
        && !text.starts_with(['\u{feff}', '%'])
        && !starts(text)
        && !["\n---", "\n...", "\n%"].iter().any(|marker| text.contains(marker))
        // Other line ends than `\n` exist, and nobody uses them.
        && !text.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// Parses documents that were joined by [`SEPARATOR`]. The parser's buffers cost more than a
/// small document, so one parser for many documents is half as fast again. `None` when anything
/// is wrong with any of them, which is for [`parse`] to say.
pub(crate) fn parse_joined(joined: &str, n_documents: usize) -> Option<Vec<Tree<'_>>> {
    let mut trees = Vec::with_capacity(n_documents);
    for document in serde_yaml::Deserializer::from_str(joined) {
        // After an error the parser would give the same error for ever.
        let mut tree = Tree::deserialize(document).ok()?;
        merge(joined, &mut tree).ok()?;
        trees.push(tree);
    }
    (trees.len() == n_documents).then_some(trees)
}

/// Whether there is nothing but comments and markers.
fn is_blank(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').lines().all(|line| {
        let line = line.trim();
        line.is_empty()
            || line.starts_with('#')
            || line.starts_with('%')
            || line == "---"
            || line == "..."
    })
}

/// How many brackets may be open at a time. Far more than any manifest has, and few enough that
/// the YAML scanner, which looks at all open ones for every token, stays fast.
const NESTING: usize = 1_000;

/// Where more brackets are open than [`NESTING`], those in strings and comments counted too.
fn too_deep(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    text.bytes().position(|byte| {
        match byte {
            b'[' | b'{' => open = open.saturating_add(1),
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open > NESTING
    })
}

fn syntax_error(text: &str, error: &serde_yaml::Error) -> SyntaxError {
    let location = error.location();
    let offset = location
        .map_or(0, |location| location.index())
        .min(text.len());
    let mut message = clean(&error.to_string());
    if message.contains("repetition limit exceeded") {
        message = "aliases expand to far more than the document holds".to_owned();
    } else if message.contains("recursion limit exceeded") {
        message = "nested too deeply".to_owned();
    }
    SyntaxError {
        offset: floor_char_boundary(text, offset),
        help: template_help(text),
        message,
    }
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    (0..=offset)
        .rev()
        .find(|&offset| text.is_char_boundary(offset))
        .unwrap_or(0)
}

/// The parser's message without the positions in it, which are the document's and not the
/// file's; the finding says where it is.
fn clean(message: &str) -> String {
    let mut words = Vec::new();
    let mut rest = message.split_whitespace().peekable();
    while let Some(word) = rest.next() {
        if word == "at" && rest.peek() == Some(&"line") {
            // `at line 3 column 5`, the last number perhaps with a comma.
            let position: Vec<&str> = rest.by_ref().skip(1).take(3).collect();
            if position.last().is_some_and(|last| last.ends_with(','))
                && let Some(last) = words.last_mut()
            {
                *last = format!("{last},");
            }
            continue;
        }
        words.push(word.to_owned());
    }
    let text = words.join(" ");
    let text = text.trim_end_matches(['.', ',']);
    text.replace('"', "`")
}

/// What to say when a document that cannot be read holds template actions.
pub(crate) fn template_help(text: &str) -> Option<String> {
    text.contains("{{").then(|| {
        "this looks like a template: render it first, for example with `helm template`".to_owned()
    })
}
