//! Strict decoding: a YAML value to a Kubernetes type, by the rules of Go's JSON decoder.
//!
//! The API server is stricter than YAML and laxer than serde, and both matter for meaning:
//! unknown fields, which other decoders drop in silence, are findings; a number where text
//! belongs is an error; but `null` is the zero value everywhere, in lists and maps too, and
//! `80.0` is a whole number.

mod access;
mod error;
mod node;
mod suggest;

use super::path::Path;
use super::reader::Reader;
use super::tree::Tree;
use crate::model::{Place, Severity};
use crate::source::Target;
use node::Node;
use serde::de::DeserializeOwned;

/// Decodes an object. `None` when a field has a type that the API server refuses; the finding
/// says which. Unknown fields are findings too, and do not stop the decoding.
pub(crate) fn decode<T: DeserializeOwned>(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<T> {
    let path = Path::Root;
    match T::deserialize(Node::new(reader, &path, tree)) {
        Ok(object) => Some(object),
        Err(error) => {
            let (message, help, route) = error.explain(reader.text);
            let mut origin = reader.origin.clone();
            if let Some(route) = route {
                origin.route = route;
            }
            let place = Place::Node {
                origin,
                target: Target::Value,
            };
            reader.reject(&path);
            reader.find("NP001", Severity::Error, place, message, help);
            None
        }
    }
}

#[cfg(test)]
mod tests;
