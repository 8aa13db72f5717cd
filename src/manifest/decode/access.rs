//! Lists, maps and structs of the deserializer.

use super::error::DecodeError;
use super::node::Node;
use super::suggest;
use crate::manifest::path::Path;
use crate::manifest::tree::{Map, Tree};
use crate::model::Severity;
use crate::source::Target;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess};
use std::borrow::Cow;

/// A key and its value.
type Entry<'t> = (Cow<'t, str>, Tree<'t>);

/// The elements of a list.
pub(super) struct Elements<'p, 'v> {
    list: Node<'p, 'v>,
    rest: std::iter::Enumerate<std::slice::Iter<'v, Tree<'v>>>,
}

impl<'p, 'v> Elements<'p, 'v> {
    pub(super) fn new(list: Node<'p, 'v>, elements: &'v [Tree<'v>]) -> Self {
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

/// The entries of a map with arbitrary keys, such as labels.
pub(super) struct Entries<'p, 'v> {
    map: Node<'p, 'v>,
    rest: std::slice::Iter<'v, Entry<'v>>,
    current: Option<&'v Entry<'v>>,
}

impl<'p, 'v> Entries<'p, 'v> {
    /// The entries of a mapping; `None` stands for `null`, which is an empty map.
    pub(super) fn new(map: Node<'p, 'v>, entries: Option<&'v Map<'v>>) -> Self {
        Entries {
            map,
            rest: entries.map(Map::iter).unwrap_or_default(),
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
        let Some(entry) = self.rest.next() else {
            return Ok(None);
        };
        let (key, _) = entry;
        let path = self.map.path.key(key);
        let reader = self.map.reader;
        let reading = reader.plain_reading(key);
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
        self.current = Some(entry);
        result
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let Some((key, value)) = self.current.take() else {
            return Err(serde::de::Error::custom("a value without a key"));
        };
        let path = self.map.path.key(key);
        let reader = self.map.reader;
        seed.deserialize(Node::new(reader, &path, value))
            .map_err(|error| error.at(reader, &path))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The entries of a struct. Those that the struct does not have are reported and skipped.
pub(super) struct Fields<'p, 'v> {
    node: Node<'p, 'v>,
    name: &'static str,
    fields: &'static [&'static str],
    rest: std::slice::Iter<'v, Entry<'v>>,
    current: Option<(&'static str, &'v Tree<'v>)>,
}

impl<'p, 'v> Fields<'p, 'v> {
    pub(super) fn new(
        node: Node<'p, 'v>,
        entries: Option<&'v Map<'v>>,
        name: &'static str,
        fields: &'static [&'static str],
    ) -> Self {
        Fields {
            node,
            name,
            fields,
            rest: entries.map(Map::iter).unwrap_or_default(),
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
        while let Some((key, value)) = self.rest.next() {
            let Some(field) = self.fields.iter().find(|field| *field == key) else {
                self.unknown(key);
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
