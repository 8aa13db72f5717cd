//! A look into a value that may have any shape.

use serde_yaml::Value;

/// A value that may be missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<'a>(pub(crate) Option<&'a Value>);

impl<'a> Shape<'a> {
    /// The value of a key, if this is a mapping that has it.
    pub(crate) fn get(self, key: &str) -> Shape<'a> {
        Shape(
            self.0
                .and_then(Value::as_mapping)
                .and_then(|mapping| mapping.get(key)),
        )
    }

    /// The text at a key.
    pub(crate) fn text(self, key: &str) -> Option<&'a str> {
        self.get(key).0.and_then(Value::as_str)
    }
}
