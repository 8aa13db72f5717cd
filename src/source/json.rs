//! JSON text, walked without parsing it: where a value ends, and where a route leads.
//!
//! Much faster than YAML events, and it knows what the YAML parser does not read: escaped
//! surrogate pairs, keys over a thousand characters, nesting over 255 levels.
//! Nothing here recurses, so no depth of nesting overflows the stack.

use super::locate::Found;
use super::route::Step;
use memchr::memchr2;
use std::borrow::Cow;
use std::ops::Range;

/// The text is not JSON as far as it was read.
pub(super) struct NotJson;

/// The offset of the first byte at or after `at` that is no JSON white space.
pub(super) fn skip_blanks(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    // Without an exit inside of a stride the compiler looks at all of it at once.
    let strides = rest
        .chunks_exact(STRIDE)
        .take_while(|stride| stride.iter().fold(true, |all, byte| all & is_blank(*byte)))
        .count();
    let passed = strides * STRIDE;
    let near = rest.get(passed..).unwrap_or_default();
    let blanks = near.iter().position(|byte| !is_blank(*byte));
    at + passed + blanks.unwrap_or(near.len())
}

/// The number of bytes at a time in which long white space is passed over.
const STRIDE: usize = 64;

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The offset behind the value that starts at `at`, or `None` if it does not end.
///
/// Of what is inside of brackets, only brackets are counted and strings skipped.
pub(super) fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => container_end(bytes, at),
        _ => {
            let rest = bytes.get(at..)?;
            let length = rest
                .iter()
                .position(
                    |byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'E' | b'+' | b'-' | b'.'),
                )
                .unwrap_or(rest.len());
            let literal = rest.get(..length)?;
            let known = matches!(
                literal,
                b"true" | b"false" | b"null" | [b'-' | b'0'..=b'9', ..]
            );
            known.then_some(at + length)
        }
    }
}

fn container_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = start;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// The offset behind the string whose opening quote is at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// One member of an object (with a key) or element of an array (without).
pub(super) struct Child {
    /// The key with its quotes.
    pub(super) key: Option<Range<usize>>,
    /// Where the value starts.
    pub(super) value: usize,
}

/// The members or elements of the object or array at an offset, in their order.
/// A value is only skipped once the next child is asked for.
pub(super) struct Children<'t> {
    bytes: &'t [u8],
    /// Whether the members have keys.
    object: bool,
    /// The start of the value last handed out; before the first, the opening bracket.
    last: usize,
    started: bool,
    done: bool,
}

impl<'t> Children<'t> {
    /// `None` if there is neither an object nor an array at `at`.
    pub(super) fn of(bytes: &'t [u8], at: usize) -> Option<Children<'t>> {
        let object = match bytes.get(at)? {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        Some(Children {
            bytes,
            object,
            last: at,
            started: false,
            done: false,
        })
    }

    fn advance(&mut self) -> Result<Option<Child>, NotJson> {
        let close = if self.object { b'}' } else { b']' };
        let mut at = if self.started {
            skip_blanks(self.bytes, value_end(self.bytes, self.last).ok_or(NotJson)?)
        } else {
            skip_blanks(self.bytes, self.last + 1)
        };
        match self.bytes.get(at) {
            Some(&byte) if byte == close => return Ok(None),
            Some(b',') if self.started => at = skip_blanks(self.bytes, at + 1),
            Some(_) if !self.started => {}
            _ => return Err(NotJson),
        }
        self.started = true;
        let mut key = None;
        if self.object {
            if self.bytes.get(at) != Some(&b'"') {
                return Err(NotJson);
            }
            let end = string_end(self.bytes, at).ok_or(NotJson)?;
            key = Some(at..end);
            at = skip_blanks(self.bytes, end);
            if self.bytes.get(at) != Some(&b':') {
                return Err(NotJson);
            }
            at = skip_blanks(self.bytes, at + 1);
        }
        self.last = at;
        Ok(Some(Child { key, value: at }))
    }
}

impl Iterator for Children<'_> {
    type Item = Result<Child, NotJson>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let child = self.advance().transpose();
        self.done = !matches!(child, Some(Ok(_)));
        child
    }
}

/// Follows `steps` from the value at or after `start`, as far as they lead.
///
/// Of a repeated key the first is taken. Linear in the text before the end of what is found.
pub(super) fn find(text: &str, start: usize, steps: &[Step]) -> Result<Found, NotJson> {
    let bytes = text.as_bytes();
    let mut value = skip_blanks(bytes, start);
    let mut key = None;
    let mut resolved = 0;
    for step in steps {
        let Some(child) = child_at(text, value, step)? else {
            break;
        };
        (key, value) = (child.key, child.value);
        resolved += 1;
    }
    let end = value_end(bytes, value).ok_or(NotJson)?;
    // `[80 c]` is YAML.
    if !matches!(
        bytes.get(skip_blanks(bytes, end)),
        None | Some(b',' | b']' | b'}')
    ) {
        return Err(NotJson);
    }
    Ok(Found {
        resolved,
        key,
        value: value..end,
    })
}

fn child_at(text: &str, container: usize, step: &Step) -> Result<Option<Child>, NotJson> {
    let Some(children) = Children::of(text.as_bytes(), container) else {
        return Ok(None);
    };
    let object = children.object;
    for (position, child) in children.enumerate() {
        // Not `nth`, which would pass over an error on the way.
        let child = child?;
        let found = match step {
            Step::Index(index) => !object && position == *index,
            Step::Key(wanted) => child
                .key
                .clone()
                .and_then(|key| text.get(key))
                .is_some_and(|key| unquote(key) == wanted.as_ref()),
        };
        if found {
            return Ok(Some(child));
        }
    }
    Ok(None)
}

/// What a JSON string with its quotes means. Escapes that mean nothing become U+FFFD.
pub(super) fn unquote(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.strip_prefix('"').unwrap_or(quoted);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut units: Vec<u16> = Vec::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        let unescaped = match character {
            '\\' => match characters.next() {
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('u') => {
                    let digits = characters.as_str().get(..4).unwrap_or_default();
                    characters = characters.as_str().get(4..).unwrap_or_default().chars();
                    let unit = u16::from_str_radix(digits, 16);
                    units.push(unit.unwrap_or(0xfffd));
                    continue;
                }
                Some(other) => other,
                None => '\u{fffd}',
            },
            other => other,
        };
        units.extend(unescaped.encode_utf16(&mut [0; 2]).iter());
    }
    Cow::Owned(String::from_utf16_lossy(&units))
}

#[cfg(test)]
#[expect(
    clippy::string_slice,
    reason = "an offset inside a character must fail the test"
)]
mod tests {
    use super::*;
    use crate::source::Route;
    use proptest::prelude::*;

    fn value<'t>(text: &'t str, route: &Route) -> Option<&'t str> {
        let found = find(text, 0, route.steps()).ok()?;
        (found.resolved == route.steps().len()).then(|| &text[found.value])
    }

    #[test]
    fn routes_lead_to_their_values() {
        let text = "{\n\t\"a\": {\"b\" :[1 , \"]}\\\"\", {\"\\ud83d\\ude00\":null}],\"é\":{}}, \"a\": 7,\"c\":[]}";
        let a = Route::root().key("a");
        let b = a.clone().key("b");
        for (route, expected) in [
            (Route::root(), Some(text)),
            (b.clone().index(0), Some("1")),
            (b.clone().index(1), Some("\"]}\\\"\"")),
            (b.clone().index(2).key("😀"), Some("null")),
            (b.clone().index(3), None),
            (b.clone().key("x"), None),
            (a.clone().key("é"), Some("{}")),
            (a.clone().index(0), None),
            (a.key("b").index(0).key("deeper"), None),
            (Route::root().key("c"), Some("[]")),
            (Route::root().key("c").index(0), None),
        ] {
            assert_eq!(value(text, &route), expected, "{route}");
        }
    }

    #[test]
    fn what_is_not_json_is_said_to_be_so() {
        let route = Route::root().key("b").index(1);
        for text in [
            "",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{a: 1}",
            "{\"a\" 1}",
            "{\"b\":[1 2]}",
            "{\"b\":[1,",
            "{\"b\":[1, 2 3]}",
            "{\"b\":[1, x]}",
            "{\"b\":['x', 2]}",
            "{\"b\": \"x",
            "{\"b\": \"x\\",
            "]",
        ] {
            let found = find(text, 0, route.steps());
            assert!(found.is_err(), "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_is_walked_without_recursion() {
        let depth = 200_000;
        let text = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let route: Route = (0..depth).map(|_| Step::Index(0)).collect();
        assert_eq!(value_end(text.as_bytes(), 0), Some(text.len()));
        // The whole of it at every level would be quadratic: only what stands before a child is read.
        assert_eq!(value(&text, &route), Some("1"));
    }

    #[test]
    fn escapes_mean_what_json_says() {
        for (quoted, expected) in [
            (r#""plain""#, "plain"),
            (r#""a\/b\\\"\n\t\r\b\f""#, "a/b\\\"\n\t\r\u{8}\u{c}"),
            (r#""\u00e9\uD83D\uDE00""#, "é😀"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\u12""#, "\u{fffd}"),
        ] {
            assert_eq!(unquote(quoted), expected, "{quoted}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"[\[\]{}",:\\ua0é \n]{0,60}"#) {
            let _ = find(&text, 0, Route::root().key("a").index(0).key("").steps());
            let _ = unquote(&text);
        }
    }
}
