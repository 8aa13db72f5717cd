//! From a byte offset to a line and a column, without an entry per line.
//!
//! A table of every line start of a 1 GB file would cost as much as a quarter of the file.
//! So only the position at every 16 KiB is kept, and the rest is counted when asked for.

use memchr::{memchr_iter, memrchr};

/// Distance in bytes between two remembered positions.
const STRIDE: usize = 16 * 1024;

/// A place in a text as an editor shows it.
///
/// Lines end at a line feed; columns count characters (Unicode scalar values). Both start at 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// 1-based line.
    pub line: usize,
    /// 1-based column, in characters.
    pub column: usize,
}

impl Default for Position {
    fn default() -> Self {
        Position { line: 1, column: 1 }
    }
}

impl Position {
    /// The position after `bytes`, which follow this one. `bytes` may start and end inside a character.
    fn after(self, bytes: &[u8]) -> Position {
        match memrchr(b'\n', bytes) {
            None => Position {
                line: self.line,
                column: self.column.saturating_add(count_characters(bytes)),
            },
            Some(last) => Position {
                line: self.line.saturating_add(count_lines(bytes)),
                column: count_characters(bytes.get(last..).unwrap_or_default()),
            },
        }
    }
}

/// The number of line feeds in `bytes`.
pub(super) fn count_lines(bytes: &[u8]) -> usize {
    memchr_iter(b'\n', bytes).count()
}

/// The number of characters that start in `bytes`: UTF-8 continuation bytes do not count.
fn count_characters(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .filter(|&&byte| byte & 0b1100_0000 != 0b1000_0000)
        .count()
}

/// Remembered positions of one file, at every [`STRIDE`] bytes.
#[derive(Clone, Debug)]
pub(super) struct LineIndex {
    positions: Vec<Position>,
}

impl LineIndex {
    /// Counts through all of `text` once.
    pub(super) fn new(text: &str) -> LineIndex {
        let mut positions = vec![Position::default()];
        let mut position = Position::default();
        for chunk in without_byte_order_mark(text).1.chunks(STRIDE) {
            position = position.after(chunk);
            positions.push(position);
        }
        LineIndex { positions }
    }

    /// The position of the byte at `offset` in the same `text` that the index was made from.
    /// An offset behind the end counts as the end. Reads at most [`STRIDE`] bytes.
    pub(super) fn position(&self, text: &str, offset: usize) -> Position {
        let (mark_length, bytes) = without_byte_order_mark(text);
        let offset = offset.saturating_sub(mark_length).min(bytes.len());
        let slot = offset / STRIDE;
        let known = self.positions.get(slot).copied().unwrap_or_default();
        known.after(bytes.get(slot * STRIDE..offset).unwrap_or_default())
    }
}

/// Editors do not show the byte order mark, so it takes no column.
fn without_byte_order_mark(text: &str) -> (usize, &[u8]) {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => (text.len() - rest.len(), rest.as_bytes()),
        None => (0, text.as_bytes()),
    }
}

#[cfg(test)]
#[expect(
    clippy::string_slice,
    reason = "an offset inside a character must fail the test"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str, offset: usize) -> (usize, usize) {
        let position = LineIndex::new(text).position(text, offset);
        (position.line, position.column)
    }

    #[test]
    fn positions_count_characters_and_line_feeds() {
        let text = "a\néü: x\r\n\n z";
        for (needle, expected) in [
            ("a", (1, 1)),
            ("\néü", (1, 2)),
            ("é", (2, 1)),
            ("ü", (2, 2)),
            (": x", (2, 3)),
            ("\n z", (3, 1)),
            (" z", (4, 1)),
            ("z", (4, 2)),
        ] {
            assert_eq!(at(text, text.find(needle).unwrap()), expected, "{needle:?}");
        }
        assert_eq!(at(text, text.len()), (4, 3));
        assert_eq!(at(text, usize::MAX), (4, 3));
        assert_eq!(at("", 0), (1, 1));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let text = "\u{feff}a: b\nc: d";
        assert_eq!(at(text, 0), (1, 1));
        assert_eq!(at(text, 3), (1, 1));
        assert_eq!(at(text, 6), (1, 4));
        assert_eq!(at(text, 8), (2, 1));
    }

    #[test]
    fn positions_around_a_stride_are_those_of_any_other() {
        let text = format!("{}\n{}", "a".repeat(STRIDE - 2), "é".repeat(STRIDE));
        let index = LineIndex::new(&text);
        for offset in STRIDE - 4..STRIDE + 4 {
            let expected = match offset.checked_sub(STRIDE - 1) {
                None => (1, offset + 1),
                // Two bytes a character; inside of one, the column behind it.
                Some(behind) => (2, 1 + behind.div_ceil(2)),
            };
            let position = index.position(&text, offset);
            assert_eq!((position.line, position.column), expected, "{offset}");
        }
    }

    proptest! {
        /// Strides fall anywhere, inside characters and between a line's start and the offset.
        #[test]
        fn strides_never_show(line in "[aé€𝄞]{0,40}", ends in proptest::collection::vec(any::<bool>(), 0..3000), at in any::<proptest::sample::Index>()) {
            let mut text = String::new();
            for end in ends {
                text.push_str(&line);
                text.push(if end { '\n' } else { ' ' });
            }
            let offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).chain([text.len()]).collect();
            let offset = *at.get(&offsets);
            let before = &text[..offset];
            let expected = Position {
                line: 1 + before.matches('\n').count(),
                column: 1 + before.rsplit('\n').next().unwrap_or("").chars().count(),
            };
            prop_assert_eq!(LineIndex::new(&text).position(&text, offset), expected);
        }
    }
}
