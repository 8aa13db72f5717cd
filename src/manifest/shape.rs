//! A look into a value that may have any shape.

use super::tree::Tree;

/// A value that may be missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<'a>(pub(crate) Option<&'a Tree<'a>>);

impl<'a> Shape<'a> {
    /// The value of a key, if this is a mapping that has it.
    pub(crate) fn get(self, key: &str) -> Shape<'a> {
        Shape(self.0.and_then(|tree| tree.get(key)))
    }

    /// The text at a key.
    pub(crate) fn text(self, key: &str) -> Option<&'a str> {
        self.get(key).0.and_then(Tree::as_text)
    }
}
