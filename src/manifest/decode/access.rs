//! Lists, maps and structs of the deserializer.

use super::error::DecodeError;
use super::node::Node;
use super::suggest;
use crate::manifest::path::Path;
use crate::model::Severity;
use crate::source::Target;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess};
use serde_yaml::{Mapping, Value, mapping};
use std::borrow::Cow;

/// The elements of a list.
pub(super) struct Elements<'p, 'v> {
    list: Node<'p, 'v>,
    rest: std::iter::Enumerate<std::slice::Iter<'v, Value>>,
}

impl<'p, 'v> Elements<'p, 'v> {
    pub(super) fn new(list: Node<'p, 'v>, elements: &'v [Value]) -> Self {
        Elements {
            list,
            rest: elements.iter().enumerate(),
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some((index, element)) = self.rest.next() else {
            return Ok(None);
        };
        let path = self.list.path.index(index);
        let reader = self.list.reader;
        seed.deserialize(Node::new(reader, &path, element))
            .map(Some)
            .map_err(|error| error.at(reader, &path))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The key of an entry as kubectl passes it on: text, whatever it looks like in YAML.
fn key_text<'v>(map: &Node<'_, 'v>, key: &'v Value) -> Result<Cow<'v, str>, DecodeError> {
    match key {
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Number(number) => Ok(Cow::Owned(number.to_string())),
        Value::Bool(value) => Ok(Cow::Borrowed(if *value { "true" } else { "false" })),
        Value::Null => Ok(Cow::Borrowed("null")),
        Value::Tagged(tagged) => key_text(map, &tagged.value),
        Value::Sequence(_) | Value::Mapping(_) => Err(DecodeError::new(
            map.reader,
            map.path,
            "has a key that is not text".to_owned(),
            None,
        )),
    }
}

/// The entries of a map with arbitrary keys, such as labels.
pub(super) struct Entries<'p, 'v> {
    map: Node<'p, 'v>,
    rest: Option<mapping::Iter<'v>>,
    current: Option<(Cow<'v, str>, &'v Value)>,
}

impl<'p, 'v> Entries<'p, 'v> {
    /// The entries of a mapping; `None` stands for `null`, which is an empty map.
    pub(super) fn new(map: Node<'p, 'v>, entries: Option<&'v Mapping>) -> Self {
        Entries {
            map,
            rest: entries.map(Mapping::iter),
            current: None,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, value)) = self.rest.as_mut().and_then(Iterator::next) else {
            return Ok(None);
        };
        let key = key_text(&self.map, key)?;
        let path = self.map.path.key(&key);
        let reader = self.map.reader;
        let reading = reader.plain_reading(&key, &path, Target::Key);
        let result = match reading {
            Some(reading) => {
                reader.find(
                    "LD004",
                    Severity::Warning,
                    reader.place(&path, Target::Key),
                    format!(
                        "the key `{key}` is what kubectl reads as the {} `{reading}`",
                        reading.kind()
                    ),
                    Some(format!("put it in quotes: \"{key}\"")),
                );
                let text = reading.to_string();
                let deserializer: StrDeserializer<'_, DecodeError> =
                    text.as_str().into_deserializer();
                seed.deserialize(deserializer)
            }
            None => {
                let deserializer: StrDeserializer<'_, DecodeError> =
                    key.as_ref().into_deserializer();
                seed.deserialize(deserializer)
            }
        };
        let result = result.map(Some).map_err(|error| error.at(reader, &path));
        self.current = Some((key, value));
        result
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let Some((key, value)) = self.current.take() else {
            return Err(serde::de::Error::custom("a value without a key"));
        };
        let path = self.map.path.key(&key);
        let reader = self.map.reader;
        seed.deserialize(Node::new(reader, &path, value))
            .map_err(|error| error.at(reader, &path))
    }

    fn size_hint(&self) -> Option<usize> {
        self.rest.as_ref().map(ExactSizeIterator::len)
    }
}

/// The entries of a struct. Those that the struct does not have are reported and skipped.
pub(super) struct Fields<'p, 'v> {
    node: Node<'p, 'v>,
    name: &'static str,
    fields: &'static [&'static str],
    rest: Option<mapping::Iter<'v>>,
    current: Option<(&'static str, &'v Value)>,
}

impl<'p, 'v> Fields<'p, 'v> {
    pub(super) fn new(
        node: Node<'p, 'v>,
        entries: Option<&'v Mapping>,
        name: &'static str,
        fields: &'static [&'static str],
    ) -> Self {
        Fields {
            node,
            name,
            fields,
            rest: entries.map(Mapping::iter),
            current: None,
        }
    }

    fn unknown(&self, key: &str) {
        let Node { reader, path, .. } = self.node;
        // Status is the server's own: newer servers know more of it than we do, and what a
        // manifest says there is ignored.
        let at_root = matches!(path, Path::Root);
        if path.first_key() == Some("status") || (at_root && key == "status") {
            return;
        }
        let field = path.key(key);
        reader.find(
            "NP002",
            Severity::Error,
            reader.place(&field, Target::Key),
            format!("unknown field `{field}`"),
            suggest::help_for_unknown(self.name, key, self.fields),
        );
    }
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        while let Some((key, value)) = self.rest.as_mut().and_then(Iterator::next) {
            let text = key_text(&self.node, key)?;
            let Some(field) = self.fields.iter().find(|field| **field == text) else {
                self.unknown(&text);
                continue;
            };
            self.current = Some((field, value));
            let deserializer: StrDeserializer<'_, DecodeError> = field.into_deserializer();
            return seed.deserialize(deserializer).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let Some((field, value)) = self.current.take() else {
            return Err(serde::de::Error::custom("a value without a key"));
        };
        let path = self.node.path.key(field);
        let reader = self.node.reader;
        seed.deserialize(Node::new(reader, &path, value))
            .map_err(|error| error.at(reader, &path))
    }
}
