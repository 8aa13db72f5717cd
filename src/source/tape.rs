//! YAML events, kept just long enough to follow a route through them.
//!
//! A [`Tape`] pulls events only as far as a question needs, so `metadata.name` costs a few
//! lines, and keeps those it pulled, so an alias can lead back to its anchor. Nothing recurses.

use super::locate::Found;
use super::route::Step;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

enum Kind<'t> {
    Mapping,
    Sequence,
    Scalar(Cow<'t, str>),
    /// An alias of the anchor with this number.
    Alias(usize),
}

struct Node<'t> {
    kind: Kind<'t>,
    /// In characters, since that is what the parser counts. Anchor and tag are part of a node.
    span: Range<usize>,
    /// The index of the first node that is not part of this one; `None` while it is still open.
    after: Option<usize>,
}

/// The nodes of one document in the order of the text, as far as they were asked for.
struct Tape<'t> {
    parser: Parser<'t, StrInput<'t>>,
    nodes: Vec<Node<'t>>,
    /// The mappings and sequences that have not ended, outermost first.
    open: Vec<usize>,
    /// Number of an anchor and its node.
    anchors: Vec<(usize, usize)>,
    ended: bool,
    failed: bool,
}

/// Where a route leads, and whether the text was fit to tell.
pub(super) struct Walk {
    /// `None` if the document has no node at all before its first error.
    pub(super) found: Option<Found>,
    /// A syntax error cut the walk short, so what is missing may be there all the same.
    pub(super) failed: bool,
}

/// Follows `steps` through the first document of `text`, as far as they lead.
///
/// Aliases are followed to their anchors, and keys that a mapping lacks are sought in what it
/// merges by `<<`. Of a repeated key the first is taken. Linear in the text up to the end of the value.
pub(super) fn walk(text: &str, steps: &[Step]) -> Walk {
    let mut tape = Tape {
        parser: Parser::new_from_str(text),
        nodes: Vec::new(),
        open: Vec::new(),
        anchors: Vec::new(),
        ended: false,
        failed: false,
    };
    let found = tape.find(text, steps);
    Walk {
        found,
        failed: tape.failed,
    }
}

impl<'t> Tape<'t> {
    fn find(&mut self, text: &str, steps: &[Step]) -> Option<Found> {
        if !self.reach(0) {
            return None;
        }
        let mut value = 0;
        let mut key = None;
        let mut resolved = 0;
        for step in steps {
            let container = self.follow_alias(value);
            let child = match step {
                Step::Key(wanted) => self
                    .member(container, wanted)
                    .map(|(key, value)| (Some(key), value)),
                Step::Index(index) => self.element(container, *index).map(|value| (None, value)),
            };
            let Some(child) = child else { break };
            (key, value) = child;
            resolved += 1;
        }
        self.close(value);
        Some(Found {
            resolved,
            key: key.map(|key| self.byte_span(text, key)),
            value: self.byte_span(text, value),
        })
    }

    /// The key and value nodes of `wanted` in the mapping, or in what it merges.
    fn member(&mut self, mapping: usize, wanted: &str) -> Option<(usize, usize)> {
        let mut pending = vec![mapping];
        // A mapping can merge itself, by an alias of its own anchor.
        let mut seen = BTreeSet::new();
        while let Some(source) = pending.pop() {
            if !seen.insert(source) {
                continue;
            }
            let mut merged = Vec::new();
            match self.nodes.get(source)?.kind {
                Kind::Mapping => {
                    let mut cursor = source + 1;
                    while let Some((key, value)) = self.pair(source, cursor) {
                        match self.scalar(key) {
                            Some(text) if text == wanted => return Some((key, value)),
                            Some("<<") => merged.push(self.follow_alias(value)),
                            _ => {}
                        }
                        cursor = self.close(value);
                    }
                }
                // `<<: [*first, *second]`: the first that has the key wins.
                Kind::Sequence if source != mapping => {
                    let mut cursor = source + 1;
                    while self.is_in(source, cursor) {
                        merged.push(self.follow_alias(cursor));
                        cursor = self.close(cursor);
                    }
                }
                _ => {}
            }
            pending.extend(merged.into_iter().rev());
        }
        None
    }

    /// The key at `cursor` and its value, unless the mapping ends there.
    fn pair(&mut self, mapping: usize, cursor: usize) -> Option<(usize, usize)> {
        if !self.is_in(mapping, cursor) {
            return None;
        }
        let value = self.close(cursor);
        self.is_in(mapping, value).then_some((cursor, value))
    }

    fn element(&mut self, sequence: usize, index: usize) -> Option<usize> {
        if !matches!(self.nodes.get(sequence)?.kind, Kind::Sequence) {
            return None;
        }
        let mut cursor = sequence + 1;
        for _ in 0..index {
            if !self.is_in(sequence, cursor) {
                return None;
            }
            cursor = self.close(cursor);
        }
        self.is_in(sequence, cursor).then_some(cursor)
    }

    fn scalar(&self, node: usize) -> Option<&str> {
        match &self.nodes.get(self.follow_alias(node))?.kind {
            Kind::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The anchored node if `node` is an alias, else `node`. An alias cannot have an anchor, so one hop is all.
    fn follow_alias(&self, node: usize) -> usize {
        let Some(Node {
            kind: Kind::Alias(anchor),
            ..
        }) = self.nodes.get(node)
        else {
            return node;
        };
        let anchored = self
            .anchors
            .iter()
            .rev()
            .find(|(number, _)| number == anchor);
        anchored.map_or(node, |&(_, node)| node)
    }

    /// Pulls events until there is a node with this index. False if the document has fewer.
    fn reach(&mut self, index: usize) -> bool {
        while self.nodes.len() <= index && self.pull() {}
        self.nodes.len() > index
    }

    /// Pulls events until the node is complete; the index of the node behind it.
    fn close(&mut self, index: usize) -> usize {
        loop {
            match self.nodes.get(index).map(|node| node.after) {
                Some(Some(after)) => return after,
                Some(None) if self.pull() => {}
                _ => return self.nodes.len(),
            }
        }
    }

    /// Whether the node at `index` exists and lies inside `container`, which starts before it.
    fn is_in(&mut self, container: usize, index: usize) -> bool {
        self.reach(index)
            && self
                .nodes
                .get(container)
                .is_some_and(|node| node.after.is_none_or(|after| index < after))
    }

    /// Takes one event. False once the document is over, in order or by an error.
    fn pull(&mut self) -> bool {
        if self.ended {
            return false;
        }
        let Some(Ok((event, span))) = self.parser.next_event() else {
            self.failed = true;
            self.finish();
            return false;
        };
        let span = span.start.index()..span.end.index();
        match event {
            Event::MappingStart(anchor, _) => self.push(Kind::Mapping, span, anchor, None),
            Event::SequenceStart(anchor, _) => self.push(Kind::Sequence, span, anchor, None),
            Event::Scalar(text, style, anchor, tag) => {
                // A value that is not written has no extent, whatever token stands in its place.
                let unwritten =
                    text.is_empty() && style == ScalarStyle::Plain && anchor == 0 && tag.is_none();
                let end = if unwritten { span.start } else { span.end };
                let after = Some(self.nodes.len() + 1);
                self.push(Kind::Scalar(text), span.start..end, anchor, after);
            }
            Event::Alias(anchor) => {
                let after = Some(self.nodes.len() + 1);
                self.push(Kind::Alias(anchor), span, 0, after);
            }
            // The end of a block collection is reported, without extent, where the next token is.
            Event::MappingEnd | Event::SequenceEnd => self.end_innermost(Some(span)),
            Event::DocumentEnd | Event::StreamEnd => self.finish(),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
        }
        !self.ended
    }

    fn push(&mut self, kind: Kind<'t>, span: Range<usize>, anchor: usize, after: Option<usize>) {
        let index = self.nodes.len();
        if anchor > 0 {
            self.anchors.push((anchor, index));
        }
        match after {
            Some(_) => self.extend_innermost(span.end),
            None => self.open.push(index),
        }
        self.nodes.push(Node { kind, span, after });
    }

    fn extend_innermost(&mut self, end: usize) {
        let innermost = self
            .open
            .last()
            .and_then(|&index| self.nodes.get_mut(index));
        if let Some(node) = innermost {
            node.span.end = node.span.end.max(end);
        }
    }

    fn end_innermost(&mut self, closing: Option<Range<usize>>) {
        if let Some(closing) = closing.filter(|span| !span.is_empty()) {
            self.extend_innermost(closing.end);
        }
        let after = self.nodes.len();
        let closed = self.open.pop().and_then(|index| self.nodes.get_mut(index));
        if let Some(node) = closed {
            node.after = Some(after);
            let end = node.span.end;
            self.extend_innermost(end);
        }
    }

    fn finish(&mut self) {
        self.ended = true;
        while !self.open.is_empty() {
            self.end_innermost(None);
        }
    }

    fn byte_span(&self, text: &str, node: usize) -> Range<usize> {
        let span = self.nodes.get(node).map_or(0..0, |node| node.span.clone());
        let start = byte_offset(text, 0, span.start);
        start..byte_offset(text, start, span.end.saturating_sub(span.start))
    }
}

/// The byte offset of what stands `characters` characters behind the byte offset `from`.
pub(super) fn byte_offset(text: &str, from: usize, characters: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    match rest.as_bytes().get(..characters) {
        Some(prefix) if prefix.is_ascii() => from + characters,
        _ => {
            let offset = rest.char_indices().nth(characters);
            from + offset.map_or(rest.len(), |(offset, _)| offset)
        }
    }
}
