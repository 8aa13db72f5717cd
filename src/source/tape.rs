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
    text: &'t str,
    /// A count of characters and the bytes they take, which moves on with what is looked up.
    known: (usize, usize),
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
        text,
        known: (0, 0),
        parser: Parser::new_from_str(text),
        nodes: Vec::new(),
        open: Vec::new(),
        anchors: Vec::new(),
        ended: false,
        failed: false,
    };
    let found = tape.find(steps);
    Walk {
        found,
        failed: tape.failed,
    }
}

impl<'t> Tape<'t> {
    fn find(&mut self, steps: &[Step]) -> Option<Found> {
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
            key: key.map(|key| self.byte_span(key)),
            value: self.byte_span(value),
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
                let unwritten =
                    text.is_empty() && style == ScalarStyle::Plain && anchor == 0 && tag.is_none();
                let span = match unwritten {
                    true => self.unwritten(span.start),
                    false => span,
                };
                let end = match style {
                    ScalarStyle::SingleQuoted => self.closing_quote(&span, '\''),
                    ScalarStyle::DoubleQuoted => self.closing_quote(&span, '"'),
                    _ => span.end,
                };
                let after = Some(self.nodes.len() + 1);
                self.push(Kind::Scalar(text), span.start..end, anchor, after);
            }
            Event::Alias(anchor) => {
                let after = Some(self.nodes.len() + 1);
                self.push(Kind::Alias(anchor), span, 0, after);
            }
            // The end of a block collection is reported, without extent, where the next token is.
            Event::MappingEnd | Event::SequenceEnd if span.is_empty() => self.end_innermost(None),
            Event::MappingEnd => {
                let end = self.closing_brace(span.start);
                self.end_innermost(Some(end));
            }
            // What is reported may go on to the end of the line's comment.
            Event::SequenceEnd => self.end_innermost(Some(span.start + 1)),
            Event::DocumentEnd | Event::StreamEnd => self.finish(),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
        }
        !self.ended
    }

    fn push(&mut self, kind: Kind<'t>, span: Range<usize>, anchor: usize, after: Option<usize>) {
        // A collection ends where its last part does; where its start is reported to end may be behind that.
        let span = match after {
            Some(_) => span,
            None => span.start..0,
        };
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

    /// `end` is that of a closing bracket.
    fn end_innermost(&mut self, end: Option<usize>) {
        self.extend_innermost(end.unwrap_or(0));
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

    /// The text from the character `at` on, which must not be before the one asked for last.
    fn text_from(&mut self, at: usize) -> &'t str {
        let (characters, bytes) = self.known;
        let bytes = byte_offset(self.text, bytes, at.saturating_sub(characters));
        self.known = (at, bytes);
        self.text.get(bytes..).unwrap_or_default()
    }

    /// The extent of a value that is not written: none, whatever token the parser reports in its place. An
    /// element's is behind its dash, where what is reported is behind the comment.
    fn unwritten(&mut self, at: usize) -> Range<usize> {
        let rest = self.text_from(at).len();
        let innermost = self.open.last().and_then(|&index| self.nodes.get(index));
        if !innermost.is_some_and(|node| matches!(node.kind, Kind::Sequence)) {
            return at..at;
        }
        let before = self.text.get(..self.text.len() - rest).unwrap_or_default();
        let line = before.rsplit(['\n', '\r']).next().unwrap_or_default();
        let dashes = line
            .split('#')
            .next()
            .unwrap_or_default()
            .trim_end_matches([' ', '\t']);
        match dashes.ends_with('-') {
            true => {
                let after = line.get(dashes.len()..).unwrap_or_default();
                let at = at.saturating_sub(after.chars().count());
                at..at
            }
            false => at..at,
        }
    }

    /// The end, in characters, of the flow mapping whose end the parser reports at `at`: with a comma behind
    /// the last member it reports that, and not the brace.
    fn closing_brace(&mut self, at: usize) -> usize {
        let text = self.text_from(at);
        let rest = text.strip_prefix(',').map(skip_comments);
        match rest.and_then(|rest| rest.strip_prefix('}')) {
            Some(rest) => at + characters_before(rest, text),
            None => at + 1,
        }
    }

    /// The end, in characters, of a quoted scalar: what the parser reports goes on to the end of the line's comment.
    fn closing_quote(&mut self, span: &Range<usize>, quote: char) -> usize {
        let text = self.text_from(span.start);
        let Some(mut rest) = skip_properties(text).strip_prefix(quote) else {
            return span.end;
        };
        loop {
            rest = rest.trim_start_matches(|character| character != quote && character != '\\');
            let mut characters = rest.chars();
            let next = (characters.next(), characters.clone().next());
            match next {
                (Some('\\'), _) if quote == '\'' => {}
                (Some('\\'), Some(_)) | (Some('\''), Some('\'')) => {
                    characters.next();
                }
                (Some(closing), _) if closing == quote => {
                    return span.start + characters_before(characters.as_str(), text);
                }
                _ => return span.end,
            }
            rest = characters.as_str();
        }
    }

    fn byte_span(&self, node: usize) -> Range<usize> {
        let Some(span) = self.nodes.get(node).map(|node| node.span.clone()) else {
            return 0..0;
        };
        let reported = byte_offset(self.text, 0, span.start);
        let start = self.first_dash(node).unwrap_or(reported);
        start..byte_offset(self.text, 0, span.end).max(start)
    }

    /// The byte offset of the first `-` of a sequence whose dashes stand in the column of its key: the parser
    /// reports such as starting behind it.
    fn first_dash(&self, sequence: usize) -> Option<usize> {
        if !matches!(self.nodes.get(sequence)?.kind, Kind::Sequence) {
            return None;
        }
        let key = self.nodes.get(sequence.checked_sub(1)?)?;
        // Else it is the parent, or a value left out, behind whose key there is a colon too.
        if key.after != Some(sequence) || key.span.is_empty() {
            return None;
        }
        let after_key = byte_offset(self.text, 0, key.span.end);
        let rest = skip_comments(self.text.get(after_key..)?).strip_prefix(':')?;
        let rest = skip_comments(rest);
        rest.starts_with('-').then(|| self.text.len() - rest.len())
    }
}

/// The number of characters of `text` before `rest`, which is the end of it.
fn characters_before(rest: &str, text: &str) -> usize {
    let before = text.get(..text.len().saturating_sub(rest.len()));
    before.unwrap_or_default().chars().count()
}

/// What follows the anchor and tag at the start of `text`.
fn skip_properties(text: &str) -> &str {
    let mut rest = text;
    while rest.starts_with(['&', '!']) {
        rest = skip_comments(
            rest.trim_start_matches(|character| !matches!(character, ' ' | '\t' | '\r' | '\n')),
        );
    }
    rest
}

/// What follows the white space and comments at the start of `text`.
fn skip_comments(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        match rest.strip_prefix('#') {
            Some(comment) => {
                rest = comment.trim_start_matches(|character| !matches!(character, '\r' | '\n'))
            }
            None => return rest,
        }
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
