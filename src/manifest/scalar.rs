//! Scalars that kubectl reads otherwise than YAML 1.2 does.
//!
//! kubectl reads YAML 1.1: `yes` and `off` are booleans, `010` is eight and `8_080` a number.
//! Our parser reads all of these as text.

use std::fmt;

/// What kubectl makes of a scalar without quotes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Plain {
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Float(f64),
}

impl Plain {
    /// `boolean` or `number`.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Plain::Bool(_) => "boolean",
            Plain::Integer(_) | Plain::Float(_) => "number",
        }
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Plain::Bool(value) => write!(f, "{value}"),
            Plain::Integer(value) => write!(f, "{value}"),
            Plain::Float(value) => write!(f, "{value}"),
        }
    }
}

/// What kubectl reads where our parser read the text `text`; `None` when it is text to both.
pub(crate) fn kubectl_reading(text: &str) -> Option<Plain> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Some(Plain::Bool(true)),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Some(Plain::Bool(false)),
        _ => {}
    }
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-')) {
        return None;
    }
    // Our parser takes every other number for one too, so as text it must have been quoted.
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut bytes = unsigned.bytes();
    let octal =
        bytes.next() == Some(b'0') && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    if !octal && !text.contains('_') {
        return None;
    }
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    number(&digits)
}

/// A number as Go reads it: with a base prefix, octal after a leading zero, or decimal.
fn number(text: &str) -> Option<Plain> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(magnitude) = integer(unsigned) {
        let value = if negative {
            magnitude.checked_neg()?
        } else {
            magnitude
        };
        return Some(Plain::Integer(value));
    }
    let decimal = unsigned
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !decimal || !unsigned.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
        .map(Plain::Float)
}

fn integer(text: &str) -> Option<i64> {
    let all_digits = |digits: &str| digits.bytes().all(|b| b.is_ascii_alphanumeric());
    let parse = |digits: &str, radix| {
        all_digits(digits)
            .then(|| i64::from_str_radix(digits, radix).ok())
            .flatten()
    };
    for (prefix, radix) in [
        ("0x", 16),
        ("0X", 16),
        ("0b", 2),
        ("0B", 2),
        ("0o", 8),
        ("0O", 8),
    ] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return parse(digits, radix);
        }
    }
    match text.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => parse(digits, 8),
        _ => parse(text, 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_scalar_readings() {
        for (text, expected) in [
            ("yes", Some(Plain::Bool(true))),
            ("Off", Some(Plain::Bool(false))),
            ("y", Some(Plain::Bool(true))),
            ("yEs", None),
            ("010", Some(Plain::Integer(8))),
            ("-010", Some(Plain::Integer(-8))),
            ("8_080", Some(Plain::Integer(8080))),
            ("089", Some(Plain::Float(89.0))),
            ("0b1_1", Some(Plain::Integer(3))),
            ("1.5_0", Some(Plain::Float(1.5))),
            ("1.2.3", None),
            ("2024-01-01", None),
            ("0123abc", None),
            ("web", None),
            ("-", None),
            ("+", None),
            ("_1", None),
            ("", None),
            ("1e999", None),
            ("80", None),
            ("1.5", None),
            ("0.5", None),
            ("9_9999999999999999999", Some(Plain::Float(1e20))),
        ] {
            assert_eq!(kubectl_reading(text), expected, "{text}");
        }
    }
}
