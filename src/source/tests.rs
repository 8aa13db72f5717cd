//! What holds of the module as a whole: generated documents are split, and each of their nodes found, as they
//! were written; and no bytes whatever make it panic or drop something.

use super::landmarks::Landmarks;
use super::split::split;
use super::{DocumentId, Format, InputProblem, Route, Sources, Step, Target, read_inputs, tape};
use proptest::prelude::*;
use proptest::sample::Index;
use saphyr_parser::{Event, Parser};
use std::ops::Range;

/// A node to be written, with what is random about how.
#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    anchor: bool,
    flow: bool,
    /// `[b]` or a dash in the column of the key, an element's first key behind its dash, a comment behind it.
    choice: u8,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Written on one line as it is.
    Scalar(&'static str),
    /// Lines of a `|` or `>` scalar, or of a plain one.
    Lines(&'static str, Vec<&'static str>),
    Nothing,
    /// One of the anchors so far.
    Alias(Index),
    Mapping(Vec<(usize, Node)>),
    Sequence(Vec<Node>),
}

/// As written and as meant; a number makes them unique.
const KEYS: [(&str, &str); 7] = [
    ("key#", "key#"),
    ("app.kubernetes.io/nämé-#", "app.kubernetes.io/nämé-#"),
    ("\"q # \\u00e9\\\"#\"", "q # é\"#"),
    ("'it''s: #'", "it's: #"),
    ("#0", "#0"),
    ("\"𝄞#\"", "𝄞#"),
    ("? #", "? #"),
];

fn node() -> impl Strategy<Value = Node> {
    let words = prop::sample::select(vec![
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
    ]);
    let lines = prop::collection::vec(
        prop::sample::select(vec!["line", "ünï: x", "- x", "# y", "", "a  "]),
        1..4,
    );
    let leaf = prop_oneof![
        6 => words.prop_map(Kind::Scalar),
        2 => (prop::sample::select(vec!["|", ">", "|-", ">-"]), lines).prop_map(|(style, lines)| Kind::Lines(style, lines)),
        1 => Just(Kind::Lines("", vec!["plain", "möre", "words"])),
        1 => Just(Kind::Nothing),
        2 => any::<Index>().prop_map(Kind::Alias),
    ];
    let plain =
        |kind: Kind| (Just(kind), any::<bool>(), any::<bool>(), any::<u8>()).prop_map(to_node);
    let leaf = leaf.prop_flat_map(plain);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec((0..KEYS.len() - 1, inner.clone()), 0..5).prop_map(Kind::Mapping),
            prop::collection::vec(inner, 0..5).prop_map(Kind::Sequence),
        ]
        .prop_flat_map(plain)
    })
}

fn to_node((kind, anchor, flow, choice): (Kind, bool, bool, u8)) -> Node {
    Node {
        kind,
        anchor,
        flow: flow && choice % 3 == 0,
        choice,
    }
}

/// Where something was written.
#[derive(Clone, Debug)]
struct Written {
    route: Vec<Step>,
    key: Option<Range<usize>>,
    /// Empty for a value that was not written.
    value: Range<usize>,
}

#[derive(Default)]
struct Writer {
    text: String,
    newline: &'static str,
    written: Vec<Written>,
    /// The anchors that are complete, each with the places of the nodes in it, routes from there.
    anchors: Vec<Vec<Written>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Key,
    Dash,
    Flow,
}

impl Writer {
    fn document(node: &Node, newline: &'static str) -> Writer {
        let mut writer = Writer {
            newline,
            ..Writer::default()
        };
        let value = writer.node(node, &mut Vec::new(), 0, Place::Root);
        writer.written.push(Written {
            route: Vec::new(),
            key: None,
            value,
        });
        if !writer.text.ends_with('\n') {
            writer.text.push_str(newline);
        }
        writer
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push_str(self.newline);
    }

    /// Ends the line of a block node, at times with a comment, and lines that say nothing behind it.
    fn end(&mut self, choice: u8) {
        if choice & 4 != 0 {
            self.text.push_str(" # cömment: - x");
        }
        self.line("");
        match choice & 3 {
            0 => self.line("# - comment"),
            1 => self.line(""),
            _ => {}
        }
    }

    fn key(&mut self, number: usize, key: usize) -> (Range<usize>, String) {
        let (written, meant) = KEYS[key];
        let start = self.text.len();
        self.text
            .push_str(&written.replace('#', &number.to_string()));
        (
            start..self.text.len(),
            meant.replace('#', &number.to_string()),
        )
    }

    /// Writes a node whose parent's entries start in column `column`; what it returns is its extent.
    fn node(
        &mut self,
        node: &Node,
        route: &mut Vec<Step>,
        column: usize,
        place: Place,
    ) -> Range<usize> {
        let first = self.written.len();
        let value = self.node_itself(node, route, column, place);
        if node.anchor && !matches!(node.kind, Kind::Alias(_) | Kind::Nothing) {
            let inside = &self.written[first..];
            let relative = inside.iter().map(|written| Written {
                route: written.route[route.len()..].to_vec(),
                ..written.clone()
            });
            self.anchors.push(relative.collect());
        }
        value
    }

    fn node_itself(
        &mut self,
        node: &Node,
        route: &mut Vec<Step>,
        column: usize,
        place: Place,
    ) -> Range<usize> {
        if !matches!(place, Place::Root | Place::Flow) {
            self.text.push(' ');
        }
        let start = self.text.len();
        if node.anchor && !matches!(node.kind, Kind::Alias(_) | Kind::Nothing) {
            // Anchors may be defined again; the one before the alias counts, so distinct names are enough here.
            self.text
                .push_str(&format!("&a{start}-{} ", self.anchors.len()));
        }
        let in_flow = place == Place::Flow || node.flow;
        match &node.kind {
            Kind::Scalar(text) => {
                self.text.push_str(text);
                self.end_block(node, place, start)
            }
            Kind::Lines(..) if in_flow => {
                self.text.push_str("\"flow\"");
                self.end_block(node, place, start)
            }
            Kind::Lines(style, lines) => self.lines(style, lines, start, column, place),
            Kind::Nothing => {
                if place == Place::Root || place == Place::Flow {
                    self.text.push_str("null");
                }
                self.end_block(node, place, start)
            }
            Kind::Alias(index) => self.alias(node, *index, route, place, start),
            Kind::Mapping(members) if in_flow || members.is_empty() => {
                self.text.push_str("{ ");
                for (number, (key, value)) in members.iter().enumerate() {
                    let (key, meant) = self.key(number, *key);
                    self.text.push_str(": ");
                    self.child(
                        Step::Key(meant.into()),
                        Some(key),
                        value,
                        route,
                        column,
                        Place::Flow,
                    );
                    self.text
                        .push_str(if number % 2 == 0 { " , " } else { "," });
                }
                self.text.push('}');
                self.end_block(node, place, start)
            }
            Kind::Sequence(elements) if in_flow || elements.is_empty() => {
                self.text.push('[');
                for (number, element) in elements.iter().enumerate() {
                    self.child(
                        Step::Index(number),
                        None,
                        element,
                        route,
                        column,
                        Place::Flow,
                    );
                    self.text.push_str(", ");
                }
                self.text.push(']');
                self.end_block(node, place, start)
            }
            Kind::Mapping(members) => {
                let column = if place == Place::Root { 0 } else { column + 2 };
                // `- a: 1` when nothing stands between the dash and the key.
                let compact =
                    place == Place::Dash && self.text.len() == start && node.choice % 2 == 0;
                let start = self.start_collection(node, place, start, compact);
                for (number, (key, value)) in members.iter().enumerate() {
                    if number > 0 || !compact && !(place == Place::Root && self.text.is_empty()) {
                        self.text.push_str(&" ".repeat(column));
                    }
                    let start = if number == 0 { start.map(|_| 0) } else { None };
                    let _ = start;
                    let (key, meant) = self.key(number, *key);
                    self.text.push(':');
                    self.child(
                        Step::Key(meant.into()),
                        Some(key),
                        value,
                        route,
                        column,
                        Place::Key,
                    );
                }
                self.extent(start, column)
            }
            Kind::Sequence(elements) => {
                let same_column = place == Place::Key && node.choice % 2 == 0;
                let column = if place == Place::Root || same_column {
                    column
                } else {
                    column + 2
                };
                let compact =
                    place == Place::Dash && self.text.len() == start && node.choice % 2 == 0;
                let start = self.start_collection(node, place, start, compact);
                for (number, element) in elements.iter().enumerate() {
                    if number > 0 || !compact {
                        self.text.push_str(&" ".repeat(column));
                    }
                    self.text.push('-');
                    self.child(
                        Step::Index(number),
                        None,
                        element,
                        route,
                        column,
                        Place::Dash,
                    );
                }
                self.extent(start, column)
            }
        }
    }
}
