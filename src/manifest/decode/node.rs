//! A deserializer over a parsed document that follows Go's rules and names what it rejects.

use super::access::{Elements, Entries, Fields};
use super::error::DecodeError;
use super::suggest;
use crate::manifest::path::Path;
use crate::manifest::reader::Reader;
use crate::manifest::scalar::Plain;
use crate::manifest::tree::{Map, Number, Tree};
use crate::model::Severity;
use crate::source::Target;
use serde::de::value::UnitDeserializer;
use serde::de::{self, IntoDeserializer, Visitor};

/// One node of the document, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Node<'p, 'v> {
    pub(super) reader: &'p Reader<'p>,
    pub(super) path: &'p Path<'p>,
    pub(super) tree: &'v Tree<'v>,
}

impl<'p, 'v> Node<'p, 'v> {
    /// The node `value` at `path`.
    pub(crate) fn new(reader: &'p Reader<'p>, path: &'p Path<'p>, tree: &'v Tree<'v>) -> Self {
        Node { reader, path, tree }
    }

    fn wrong_type(&self, wanted: &str) -> DecodeError {
        let found = describe(self.tree);
        let help = suggest::help_for_type(self.path, wanted, self.tree);
        DecodeError::new(
            self.reader,
            self.path,
            format!("must be {wanted}, not {found}"),
            help,
        )
    }

    /// Reports a scalar where text belongs, as an error that does not stop the decoding.
    fn refuse_scalar(&self) {
        let (reader, path) = (self.reader, self.path);
        reader.reject(path);
        reader.find(
            "NP001",
            Severity::Error,
            reader.place(path, Target::Value),
            format!("`{path}` must be text, not {}", describe(self.tree)),
            suggest::help_for_type(path, "text", self.tree),
        );
    }

    /// Says that kubectl reads a scalar otherwise than it looks.
    fn ambiguous(&self, text: &str, reading: Plain, wanted: &str) {
        let (path, kind) = (self.path, reading.kind());
        let help = if wanted == "text" {
            format!("put it in quotes: \"{text}\"")
        } else {
            format!("write `{reading}`, or put it in quotes if text is meant")
        };
        self.reader.find(
            "LD004",
            Severity::Warning,
            self.reader.place(path, Target::Value),
            format!("`{path}` is written `{text}`, which kubectl reads as the {kind} `{reading}`"),
            Some(help),
        );
    }

    /// A whole number within `range`.
    fn integer(&self, range: std::ops::RangeInclusive<i128>) -> Result<i128, DecodeError> {
        let number = match self.tree {
            Tree::Null => return Ok(0),
            Tree::Number(number) => number.whole(),
            Tree::Text(text) => match self.reader.plain_reading(text) {
                Some(reading @ Plain::Integer(value)) => {
                    self.ambiguous(text, reading, "number");
                    Some(i128::from(value))
                }
                Some(reading @ Plain::Float(value)) => {
                    self.ambiguous(text, reading, "number");
                    Number::Float(value).whole()
                }
                _ => return Err(self.wrong_type("a whole number")),
            },
            _ => return Err(self.wrong_type("a whole number")),
        };
        match number {
            Some(number) if range.contains(&number) => Ok(number),
            Some(number) => Err(DecodeError::new(
                self.reader,
                self.path,
                format!(
                    "must be a whole number from {} to {}, not `{number}`",
                    range.start(),
                    range.end()
                ),
                None,
            )),
            None => Err(self.wrong_type("a whole number")),
        }
    }

    fn mapping(&self) -> Result<Option<&'v Map<'v>>, DecodeError> {
        match self.tree {
            Tree::Null => Ok(None),
            Tree::Map(map) => Ok(Some(map)),
            _ => Err(self.wrong_type("a mapping")),
        }
    }
}

/// What a value is, for people.
fn describe(tree: &Tree<'_>) -> &'static str {
    match tree {
        Tree::Null => "null",
        Tree::Bool(_) => "a boolean",
        Tree::Number(Number::Float(value)) if value.fract() != 0.0 => "a fraction",
        Tree::Number(_) => "a number",
        Tree::Text(_) => "text",
        Tree::List(_) => "a list",
        Tree::Map(_) => "a mapping",
    }
}

/// Visits an integer that is known to fit.
macro_rules! integers {
    ($($method:ident $visit:ident $integer:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            let (first, last) = (i128::from(<$integer>::MIN), i128::from(<$integer>::MAX));
            let number = self.integer(first..=last)?;
            visitor.$visit(<$integer>::try_from(number).unwrap_or_default())
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Node<'_, 'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Number(number) => match number.whole() {
                Some(value) => match i64::try_from(value) {
                    Ok(value) => visitor.visit_i64(value),
                    Err(_) => visitor.visit_u64(u64::try_from(value).unwrap_or(u64::MAX)),
                },
                None => visitor.visit_f64(number.float()),
            },
            Tree::Text(text) => match self.reader.plain_reading(text) {
                Some(reading) => {
                    self.ambiguous(text, reading, "number");
                    match reading {
                        Plain::Bool(value) => visitor.visit_bool(value),
                        Plain::Integer(value) => visitor.visit_i64(value),
                        Plain::Float(value) => match Number::Float(value).whole() {
                            Some(value) => {
                                visitor.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
                            }
                            None => visitor.visit_f64(value),
                        },
                    }
                }
                None => visitor.visit_str(text),
            },
            Tree::List(elements) => visitor.visit_seq(Elements::new(self, elements)),
            Tree::Map(map) => visitor.visit_map(Entries::new(self, Some(map))),
        }
        .map_err(|error| error.at(self.reader, self.path))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Null => visitor.visit_bool(false),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Text(text) => match self.reader.plain_reading(text) {
                Some(reading @ Plain::Bool(value)) => {
                    self.ambiguous(text, reading, "boolean");
                    visitor.visit_bool(value)
                }
                _ => Err(self.wrong_type("`true` or `false`")),
            },
            _ => Err(self.wrong_type("`true` or `false`")),
        }
    }

    integers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Null => visitor.visit_f64(0.0),
            Tree::Number(number) => visitor.visit_f64(number.float()),
            _ => Err(self.wrong_type("a number")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Null => visitor.visit_str(""),
            Tree::Text(text) => {
                if let Some(reading) = self.reader.plain_reading(text) {
                    self.ambiguous(text, reading, "text");
                }
                visitor.visit_str(text)
            }
            // The server refuses it, and reading goes on with what is written.
            Tree::Bool(value) => {
                self.refuse_scalar();
                visitor.visit_str(if *value { "true" } else { "false" })
            }
            Tree::Number(number) => {
                self.refuse_scalar();
                visitor.visit_str(&number.to_string())
            }
            _ => Err(self.wrong_type("text")),
        }
        .map_err(|error| error.at(self.reader, self.path))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match (name, self.tree) {
            // Who set which field says nothing about connectivity, and is most of a live object.
            ("FieldsV1", _) => {
                let nothing: UnitDeserializer<DecodeError> = ().into_deserializer();
                visitor.visit_newtype_struct(nothing)
            }
            ("Time" | "MicroTime", Tree::Text(_)) => visitor
                .visit_newtype_struct(self)
                .map_err(|_| self.wrong_type("a point in time, such as 2026-01-31T12:00:00Z")),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Null => visitor.visit_seq(Elements::new(self, &[])),
            Tree::List(elements) => visitor.visit_seq(Elements::new(self, elements)),
            _ => Err(self.wrong_type("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_map(Entries::new(self, self.mapping()?))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_map(Fields::new(self, self.mapping()?, name, fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Text(text) => visitor.visit_enum(text.as_ref().into_deserializer()),
            _ => Err(self.wrong_type("text")),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }
}
