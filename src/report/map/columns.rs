//! How wide columns are, and where their texts break.

/// The space between two columns.
pub(in crate::report) const GAP: usize = 3;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Content {
    /// Names and sentences, which may break at every space.
    Words,
    /// Counts and traffic, which break between protocols.
    Values,
}

/// How wide a value may be before it breaks at spaces after all.
const MAX_UNBROKEN: usize = 32;

/// The pieces of a line that stay together if they can.
fn pieces(line: &str, content: Content) -> Vec<String> {
    if content == Content::Words {
        // The count of what is left out stays in one piece.
        let mut words: Vec<String> = Vec::new();
        for word in line.split(' ') {
            match words.last_mut() {
                Some(last) if last.starts_with('+') && word == "more" => last.push_str(" more"),
                _ => words.push(word.to_owned()),
            }
        }
        return words;
    }
    let mut pieces: Vec<String> = Vec::new();
    for piece in line.split_inclusive("; ") {
        let piece = piece.trim_end();
        if piece.chars().count() <= MAX_UNBROKEN {
            pieces.push(piece.to_owned());
        } else {
            pieces.extend(piece.split(' ').map(str::to_owned));
        }
    }
    pieces
}

/// How wide each column's text may be, for all to fit the width. A column gets at least its
/// longest piece, as names that are broken cannot be read or copied; what is left goes to
/// whichever column is furthest from the width it would like to have.
///
/// `rows` are the texts by column.
pub(in crate::report) fn column_widths<'a>(
    rows: impl Iterator<Item = Vec<&'a str>>,
    contents: &[Content],
    width: usize,
) -> Vec<usize> {
    let n_columns = contents.len();
    let gaps = GAP.saturating_mul(n_columns.saturating_sub(1));
    let available = width.saturating_sub(gaps).max(n_columns);
    let mut widths = vec![1usize; n_columns];
    let mut wanted = vec![1usize; n_columns];
    let n_chars = |text: &str| text.chars().count();
    for cells in rows {
        let columns = widths.iter_mut().zip(&mut wanted).zip(contents);
        for (text, ((least, wanted), content)) in cells.into_iter().zip(columns) {
            for line in text.lines() {
                let trimmed = line.trim_start();
                let indent = line.len().saturating_sub(trimmed.len());
                let pieces = pieces(trimmed, *content);
                let longest = pieces.iter().map(|piece| n_chars(piece)).max();
                *least = longest.unwrap_or(0).saturating_add(indent).max(*least);
                *wanted = n_chars(line).max(*wanted);
            }
        }
    }
    // Names longer than the width allows are broken after all, the longest first.
    while widths.iter().sum::<usize>() > available {
        match widths.iter_mut().max() {
            Some(widest) => *widest = widest.saturating_sub(1),
            None => break,
        }
    }
    for _ in widths.iter().sum::<usize>()..available {
        let columns = widths.iter_mut().zip(&wanted);
        let short = columns.filter(|(has, wants)| **has < **wants);
        // The largest ratio of wanted to given, without fractions.
        match short.max_by(|a, b| (a.1 * *b.0).cmp(&(b.1 * *a.0))) {
            Some((has, _)) => *has = has.saturating_add(1),
            None => break,
        }
    }
    widths
}

/// A text in lines of at most `width` characters. What follows a line that was indented stays
/// indented.
pub(in crate::report) fn wrap(text: &str, width: usize, content: Content) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        let indent = " ".repeat(line.len().saturating_sub(trimmed.len()));
        let mut current = indent.clone();
        let mut is_fresh = true;
        for piece in pieces(trimmed, content) {
            let needed = current.chars().count() + usize::from(!is_fresh) + piece.chars().count();
            if !is_fresh && needed > width {
                lines.push(std::mem::replace(&mut current, indent.clone()));
            } else if !is_fresh {
                current.push(' ');
            }
            is_fresh = false;
            current.push_str(&piece);
            while current.chars().count() > width.max(1) {
                let (first, rest) = break_word(&current, width.max(1));
                lines.push(first);
                current = match indent.len() < width / 2 {
                    true => format!("{indent}{rest}"),
                    false => rest,
                };
            }
        }
        lines.push(current);
    }
    lines.join("\n")
}

/// Breaks a word that is too long, if possible behind a character that ends a part of a name.
fn break_word(word: &str, width: usize) -> (String, String) {
    let head: Vec<char> = word.chars().take(width).collect();
    let behind = |wanted: &[char]| {
        let found = head.iter().rposition(|letter| wanted.contains(letter));
        found.map(|at| at.saturating_add(1))
    };
    let at = behind(&['/', ','])
        .or_else(|| behind(&['-', '.', ':']))
        .unwrap_or(width);
    let first: String = word.chars().take(at).collect();
    let rest: String = word.chars().skip(at).collect();
    (first, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_break_behind_their_parts() {
        for (text, width, expected) in [
            ("shop/cart, catalog", 12, "shop/cart,\ncatalog"),
            (
                "ingress-nginx/ingress-nginx-controller",
                26,
                "ingress-nginx/\ningress-nginx-controller",
            ),
            ("abcdefgh", 3, "abc\ndef\ngh"),
            ("a\n  b c", 4, "a\n  b\n  c"),
            ("a\n  ns/name", 6, "a\n  ns/\n  name"),
            ("", 5, ""),
        ] {
            assert_eq!(wrap(text, width, Content::Words), expected);
        }
    }

    #[test]
    fn traffic_breaks_between_protocols() {
        assert_eq!(
            wrap("TCP 53,9090-9199; UDP 53", 20, Content::Values),
            "TCP 53,9090-9199;\nUDP 53"
        );
    }

    #[test]
    fn columns_fit_and_keep_words_whole() {
        let contents = [Content::Words, Content::Words, Content::Values];
        let row = || std::iter::once(vec!["a-long-name b", "a-much-longer-name", "TCP 80"]);
        assert_eq!(column_widths(row(), &contents, 80), [13, 18, 6]);
        assert_eq!(column_widths(row(), &contents, 41), [11, 18, 6]);
        assert_eq!(
            column_widths(row(), &contents, 30).iter().sum::<usize>(),
            24
        );
        assert_eq!(column_widths(row(), &contents, 0), [1, 1, 1]);
    }
}
