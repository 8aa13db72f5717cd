//! [`Route`]: the path of a value inside a document.
//!
//! The model keeps routes, never spans or text: a route stays true when the text is reformatted,
//! costs a few words, and is turned into a span only for what is printed
//! (see [`Sources::locate`](super::Sources::locate)).

use std::borrow::Cow;
use std::fmt;

/// One step down into a document.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Into the value of this key of a mapping. The key as the document means it, without quotes.
    Key(Cow<'static, str>),
    /// Into the element of a sequence at this 0-based position.
    Index(usize),
}

/// What a location should point at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Target {
    /// The key of the last step. An element of a sequence has none and is pointed at itself.
    Key,
    /// The value at the end of the route.
    Value,
}

/// The path from the root of a document to a value in it.
///
/// ```
/// use portolan::source::Route;
/// let route = Route::root().key("spec").key("ingress").index(0);
/// assert_eq!(route.to_string(), "spec.ingress[0]");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Route(Vec<Step>);

impl Route {
    /// The route to the document's root.
    #[must_use]
    pub const fn root() -> Route {
        Route(Vec::new())
    }

    /// This route and one more step, to the value of `key`.
    #[must_use]
    pub fn key(mut self, key: impl Into<Cow<'static, str>>) -> Route {
        self.0.push(Step::Key(key.into()));
        self
    }

    /// This route and one more step, to the element at the 0-based `index`.
    #[must_use]
    pub fn index(mut self, index: usize) -> Route {
        self.0.push(Step::Index(index));
        self
    }

    /// The steps, from the root on.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is the document's root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The route without its last step; `None` at the root.
    #[must_use]
    pub fn parent(&self) -> Option<Route> {
        let (_, steps) = self.0.split_last()?;
        Some(Route(steps.to_vec()))
    }
}

impl FromIterator<Step> for Route {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Route {
        Route(steps.into_iter().collect())
    }
}

/// `spec.ingress[0].from[1].podSelector`; keys with other characters than letters, digits, `-` and
/// `_` stand in brackets (`metadata.labels[app.kubernetes.io/name]`), and in quotes inside those
/// where they would read as something else. The root is the empty text.
/// Different routes never print the same, and no control character is printed raw.
impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Key(key) if is_plain_word(key) => {
                    let dot = if position == 0 { "" } else { "." };
                    write!(formatter, "{dot}{key}")?;
                }
                Step::Key(key) if is_clear_in_brackets(key) => write!(formatter, "[{key}]")?,
                Step::Key(key) => write!(formatter, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_plain_word(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_clear_in_brackets(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'[' | b']' | b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn routes_print_as_people_write_them() {
        let spec = Route::root().key("spec");
        for (route, expected) in [
            (Route::root(), ""),
            (spec.clone(), "spec"),
            (
                spec.key("ingress")
                    .index(0)
                    .key("from")
                    .index(1)
                    .key("podSelector"),
                "spec.ingress[0].from[1].podSelector",
            ),
            (
                Route::root()
                    .key("metadata")
                    .key("labels")
                    .key("app.kubernetes.io/name"),
                "metadata.labels[app.kubernetes.io/name]",
            ),
            (Route::root().index(3).key("80"), "[3].80"),
            (Route::root().key("a").key(""), "a[\"\"]"),
            (Route::root().key("a").key("x]y"), "a[\"x]y\"]"),
            (Route::root().key("a").key("é b"), "a[\"é b\"]"),
            (Route::root().key("a").key("\u{1b}[2J"), "a[\"\\u{1b}[2J\"]"),
        ] {
            assert_eq!(route.to_string(), expected);
        }
    }

    #[test]
    fn the_parent_is_one_step_shorter() {
        let route = Route::root().key("spec").index(1);
        assert_eq!(route.parent(), Some(Route::root().key("spec")));
        assert_eq!(Route::root().parent(), None);
        assert_eq!(route.steps().len(), 2);
        assert_eq!(route.steps().iter().cloned().collect::<Route>(), route);
    }

    fn any_route() -> impl Strategy<Value = Route> {
        let step = prop_oneof![
            (0usize..3).prop_map(Step::Index),
            r#"[a0.\[\]"\\]{0,3}"#.prop_map(|key| Step::Key(key.into())),
        ];
        proptest::collection::vec(step, 0..4).prop_map(|steps| steps.into_iter().collect())
    }

    proptest! {
        #[test]
        fn different_routes_print_differently(routes in proptest::collection::vec(any_route(), 0..200)) {
            let mut printed: HashMap<String, Route> = HashMap::new();
            for route in routes {
                let other = printed.insert(route.to_string(), route.clone());
                prop_assert!(other.is_none_or(|other| other == route));
            }
        }
    }
}
