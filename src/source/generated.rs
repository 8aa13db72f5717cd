//! For tests: YAML documents written at random, with the place of every node noted while it is written.

use super::route::{Route, Step};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::ops::Range;

/// A node to be written, with what is random about how.
#[derive(Clone, Debug)]
pub(super) struct Node {
    kind: Kind,
    anchor: bool,
    flow: bool,
    /// A first entry behind the parent's dash; a sequence's dashes in its key's column.
    compact: bool,
    comment: bool,
    /// 0: a comment line follows; 1: a blank line follows.
    follows: u8,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Written on one line as it is.
    Scalar(&'static str),
    /// A scalar of several lines: `|`, `>`, plain or quoted, by how it starts and ends.
    Lines(&'static str, &'static str),
    Nothing,
    /// Of one of the anchors so far.
    Alias(Index),
    Mapping(Vec<(usize, Node)>),
    Sequence(Vec<Node>),
}

/// Keys as written and as meant; a number instead of `#` makes them unique.
const KEYS: [(&str, &str); 6] = [
    ("key#", "key#"),
    ("app.kubernetes.io/nämé-#", "app.kubernetes.io/nämé-#"),
    ("\"q: \\u00e9\\\"#\"", "q: é\"#"),
    ("'it''s: #'", "it's: #"),
    ("#0", "#0"),
    ("\"𝄞#\"", "𝄞#"),
];

const WORDS: [&str; 11] = [
    "a",
    "b c",
    "80",
    "~",
    "é𝄞",
    "'it''s # x'",
    "\"x: \\\"\\u00e9\\n}\"",
    "\"\"",
    "''",
    "http://x/y#z",
    "!!str x",
];

/// How a scalar of several lines starts and ends. The lines between are the same.
const STYLES: [(&str, &str); 7] = [
    ("|", ""),
    (">", ""),
    ("|-", ""),
    (">+", ""),
    ("plain", ""),
    ("\"quoted", "end\""),
    ("'quoted", "end'"),
];
const LINES: [&str; 4] = ["ünï x", "- y", "", "z#"];

/// Any document. Its root is a mapping or a sequence, more often than not in block style.
pub(super) fn any_document() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        6 => select(&WORDS[..]).prop_map(Kind::Scalar),
        2 => select(&STYLES[..]).prop_map(|(start, end)| Kind::Lines(start, end)),
        1 => Just(Kind::Nothing),
        2 => any::<Index>().prop_map(Kind::Alias),
    ];
    let inner = leaf
        .prop_flat_map(any_node)
        .prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec((0..KEYS.len(), inner.clone()), 0..5).prop_map(Kind::Mapping),
                prop::collection::vec(inner, 0..5).prop_map(Kind::Sequence),
            ]
            .prop_flat_map(any_node)
        });
    prop_oneof![
        3 => prop::collection::vec((0..KEYS.len(), inner.clone()), 1..6).prop_map(Kind::Mapping),
        1 => prop::collection::vec(inner, 1..6).prop_map(Kind::Sequence),
    ]
    .prop_flat_map(any_node)
}

fn any_node(kind: Kind) -> impl Strategy<Value = Node> {
    let weighted = |probability| prop::bool::weighted(probability);
    (
        weighted(0.3),
        weighted(0.2),
        any::<bool>(),
        weighted(0.3),
        0u8..6,
    )
        .prop_map(move |(anchor, flow, compact, comment, follows)| Node {
            kind: kind.clone(),
            anchor,
            flow,
            compact,
            comment,
            follows,
        })
}

/// Where a node was written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    steps: Vec<Step>,
    /// Of an element, its value; of what is no child, nothing.
    pub(super) key: Range<usize>,
    /// If none was written, the key or the dash instead.
    pub(super) value: Range<usize>,
}

impl Written {
    pub(super) fn route(&self) -> Route {
        self.steps.iter().cloned().collect()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    /// Behind a key and its colon.
    Key,
    Dash,
    /// Inside of braces or brackets.
    Flow,
}

/// A document's text, and the places of all nodes that a route leads to, through aliases too.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) text: String,
    pub(super) written: Vec<Written>,
    newline: &'static str,
    /// Name, and what was written inside with steps from there.
    anchors: Vec<(String, Vec<Written>)>,
    steps: Vec<Step>,
}

/// Writes a document with lines that end in `newline`.
pub(super) fn write(document: &Node, newline: &'static str) -> Writer {
    let mut writer = Writer {
        newline,
        ..Writer::default()
    };
    let value = writer.node(document, 0, Place::Root);
    writer.written.push(Written {
        steps: Vec::new(),
        key: value.clone(),
        value,
    });
    writer
}

impl Writer {
    /// Writes a node. `column` is that of the parent's entries.
    fn node(&mut self, node: &Node, column: usize, place: Place) -> Range<usize> {
        let first = self.written.len();
        if matches!(place, Place::Key | Place::Dash) && !matches!(node.kind, Kind::Nothing) {
            self.text.push(' ');
        }
        let start = self.text.len();
        let mut name = None;
        if node.anchor && !matches!(node.kind, Kind::Alias(_) | Kind::Nothing) {
            let new = format!("ä{start}");
            self.text.push_str(&format!("&{new} "));
            name = Some(new);
        }
        let value = self.content(node, column, place);
        let value = match name {
            Some(_) => start..value.end,
            None => value,
        };
        if let Some(name) = name {
            let depth = self.steps.len();
            let inside = self.written[first..].iter().map(|written| Written {
                steps: written.steps[depth..].to_vec(),
                ..written.clone()
            });
            let inside = inside.collect();
            self.anchors.push((name, inside));
        }
        value
    }

    fn content(&mut self, node: &Node, column: usize, place: Place) -> Range<usize> {
        let start = self.text.len();
        let flow = node.flow || place == Place::Flow;
        match &node.kind {
            Kind::Nothing if place == Place::Flow => self.text.push_str("null"),
            Kind::Nothing => {
                self.end_line(node, place);
                return start..start;
            }
            Kind::Scalar(word) => self.text.push_str(word),
            Kind::Lines(..) if flow => self.text.push_str("\"on one line\""),
            Kind::Lines(first, last) => return self.lines(node, first, last, column + 2, place),
            Kind::Alias(index) => self.alias(*index),
            Kind::Mapping(members) if flow || members.is_empty() => {
                self.text.push('{');
                for (number, (key, value)) in members.iter().enumerate() {
                    let (key, step) = self.key(number, *key);
                    self.text.push_str(": ");
                    self.child(step, Some(key), value, column, Place::Flow);
                    self.text
                        .push_str(if number % 2 == 0 { " ," } else { ", " });
                }
                self.text.push('}');
            }
            Kind::Sequence(elements) if flow || elements.is_empty() => {
                self.text.push_str("[ ");
                for (number, element) in elements.iter().enumerate() {
                    self.child(Step::Index(number), None, element, column, Place::Flow);
                    self.text.push_str(", ");
                }
                self.text.push(']');
            }
            Kind::Mapping(members) => {
                let column = if place == Place::Root {
                    column
                } else {
                    column + 2
                };
                let mut extent = None;
                for (number, (key, value)) in members.iter().enumerate() {
                    self.start_entry(node, number, column, place);
                    let (key, step) = self.key(number, *key);
                    self.text.push(':');
                    let end = self.child(step, Some(key.clone()), value, column, Place::Key);
                    let start = extent.map_or(key.start, |(start, _)| start);
                    extent = Some((start, end));
                }
                return extent.map_or(start..start, |(start, end)| start..end);
            }
            Kind::Sequence(elements) => {
                let same = place == Place::Root || place == Place::Key && node.compact;
                let column = if same { column } else { column + 2 };
                let mut extent = None;
                for (number, element) in elements.iter().enumerate() {
                    self.start_entry(node, number, column, place);
                    let dash = self.text.len();
                    self.text.push('-');
                    let end = self.child(Step::Index(number), None, element, column, Place::Dash);
                    let start = extent.map_or(dash, |(start, _)| start);
                    extent = Some((start, end));
                }
                return extent.map_or(start..start, |(start, end)| start..end);
            }
        }
        let value = start..self.text.len();
        self.end_line(node, place);
        value
    }

    /// Everything before an entry of a block collection.
    fn start_entry(&mut self, node: &Node, number: usize, column: usize, place: Place) {
        let behind_dash = place == Place::Dash && node.compact && !node.anchor;
        if number == 0 {
            if behind_dash || place == Place::Root && !node.anchor {
                return;
            }
            self.end_line(node, place);
        }
        self.text.push_str(&" ".repeat(column));
    }

    /// Writes a child; where what it wrote ends, blanks and comments aside.
    fn child(
        &mut self,
        step: Step,
        key: Option<Range<usize>>,
        node: &Node,
        column: usize,
        place: Place,
    ) -> usize {
        let indicator = self.text.len() - 1..self.text.len();
        self.steps.push(step);
        let value = self.node(node, column, place);
        let value = match value.is_empty() {
            true => key.clone().unwrap_or(indicator),
            false => value,
        };
        let end = value.end;
        self.written.push(Written {
            steps: self.steps.clone(),
            key: key.unwrap_or_else(|| value.clone()),
            value,
        });
        self.steps.pop();
        end
    }

    fn key(&mut self, number: usize, key: usize) -> (Range<usize>, Step) {
        let (written, meant) = KEYS[key];
        let start = self.text.len();
        self.text
            .push_str(&written.replace('#', &number.to_string()));
        let meant = meant.replace('#', &number.to_string());
        (start..self.text.len(), Step::Key(meant.into()))
    }

    fn lines(
        &mut self,
        node: &Node,
        first: &str,
        last: &str,
        column: usize,
        place: Place,
    ) -> Range<usize> {
        let mut start = self.text.len();
        self.text.push_str(first);
        let is_block = first.starts_with(['|', '>']);
        if is_block && node.comment {
            self.text.push_str(" # comment");
        }
        self.text.push_str(self.newline);
        for (number, line) in LINES.iter().chain([&last]).enumerate() {
            if !line.is_empty() {
                self.text.push_str(&" ".repeat(column));
                if is_block && number == 0 {
                    start = self.text.len();
                }
            }
            self.text.push_str(line);
            self.text.push_str(self.newline);
        }
        let end = self.text.trim_end().len();
        if place != Place::Root && node.follows == 0 {
            self.text.push_str("# comment");
            self.text.push_str(self.newline);
        }
        start..end
    }

    fn alias(&mut self, index: Index) {
        if self.anchors.is_empty() {
            self.text.push_str("none");
            return;
        }
        let (name, inside) = index.get(&self.anchors).clone();
        self.text.push_str(&format!("*{name}"));
        // Aliases of aliases multiply.
        for written in inside.into_iter().take(100) {
            self.written.push(Written {
                steps: [self.steps.clone(), written.steps].concat(),
                ..written
            });
        }
    }

    fn end_line(&mut self, node: &Node, place: Place) {
        if place == Place::Flow {
            return;
        }
        if node.comment {
            self.text.push_str(" # - cömment: x");
        }
        self.text.push_str(self.newline);
        match node.follows {
            0 => self.text.push_str("# - cömment: x"),
            1 => {}
            _ => return,
        }
        self.text.push_str(self.newline);
    }
}
