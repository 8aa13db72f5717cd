//! Where the reader is inside an object, kept on the stack and written out only for findings.

use crate::source::{Route, Step};
use std::fmt;

/// The way from an object's root to the node at hand. Each step borrows the one before it, so
/// descending costs nothing; only what is reported is turned into a [`Route`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path<'a> {
    /// The object itself.
    Root,
    /// The value of a key.
    Key(&'a Path<'a>, &'a str),
    /// An element of a list.
    Index(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// The path of a child by key.
    pub(crate) fn key(&'a self, key: &'a str) -> Path<'a> {
        Path::Key(self, key)
    }

    /// The path of an element.
    pub(crate) fn index(&'a self, index: usize) -> Path<'a> {
        Path::Index(self, index)
    }

    /// The route of this node, in a document where the object stands at `object`.
    pub(crate) fn route(&self, object: &Route) -> Route {
        let mut steps = Vec::new();
        self.push_steps(&mut steps);
        object.steps().iter().cloned().chain(steps).collect()
    }

    fn push_steps(&self, steps: &mut Vec<Step>) {
        match self {
            Path::Root => {}
            Path::Key(parent, key) => {
                parent.push_steps(steps);
                steps.push(Step::Key((*key).to_owned().into()));
            }
            Path::Index(parent, index) => {
                parent.push_steps(steps);
                steps.push(Step::Index(*index));
            }
        }
    }

    /// The first key on the way, `spec` for example.
    pub(crate) fn first_key(&self) -> Option<&'a str> {
        match self {
            Path::Root => None,
            Path::Key(Path::Root, key) => Some(key),
            Path::Key(parent, _) | Path::Index(parent, _) => parent.first_key(),
        }
    }

    /// The key nearest to this node, `ports` for `spec.ports[0]`.
    pub(crate) fn last_key(&self) -> Option<&'a str> {
        match self {
            Path::Root => None,
            Path::Key(_, key) => Some(key),
            Path::Index(parent, _) => parent.last_key(),
        }
    }
}

/// As the API server writes field paths: `spec.ingress[0].from[1].podSelector`.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => write!(f, "{}", key.escape_debug()),
            Path::Key(parent, key) if key.contains(['.', '/']) => {
                write!(f, "{parent}[{}]", key.escape_debug())
            }
            Path::Key(parent, key) => write!(f, "{parent}.{}", key.escape_debug()),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_and_become_routes_below_the_object() {
        let root = Path::Root;
        let spec = root.key("spec");
        let ingress = spec.key("ingress");
        let rule = ingress.index(2);
        let labels = rule.key("matchLabels");
        let label = labels.key("app.kubernetes.io/name");
        let object = Route::root().key("items").index(3);
        assert_eq!(rule.to_string(), "spec.ingress[2]");
        assert_eq!(
            label.to_string(),
            "spec.ingress[2].matchLabels[app.kubernetes.io/name]"
        );
        assert_eq!(
            rule.route(&object),
            object.key("spec").key("ingress").index(2)
        );
        assert_eq!(rule.first_key(), Some("spec"));
        assert_eq!(rule.last_key(), Some("ingress"));
        assert_eq!(root.to_string(), "");
    }
}
