//! Why a value could not be decoded.

use super::super::parse::template_help;
use super::super::path::Path;
use super::super::reader::Reader;
use crate::source::Route;
use serde::de::{self, Expected, Unexpected};
use std::fmt;

/// A type error. It is made where the type is known and gets its place on the way up.
#[derive(Debug)]
pub(crate) struct DecodeError(Box<Details>);

#[derive(Debug)]
struct Details {
    /// What the value must be, and is not: `must be a list, not a mapping`.
    problem: String,
    help: Option<String>,
    place: Option<(String, Route)>,
}

impl DecodeError {
    /// The error that the node at `path` is not what it must be.
    pub(crate) fn new(
        reader: &Reader<'_>,
        path: &Path<'_>,
        problem: String,
        help: Option<String>,
    ) -> Self {
        let error = DecodeError(Box::new(Details {
            problem,
            help,
            place: None,
        }));
        error.at(reader, path)
    }

    /// This error, at `path` unless it already has a more precise place.
    pub(crate) fn at(mut self, reader: &Reader<'_>, path: &Path<'_>) -> Self {
        if self.0.place.is_none() {
            let route = path.route(&reader.origin.route);
            self.0.place = Some((path.to_string(), route));
        }
        self
    }

    /// Message, help and route for the finding.
    pub(crate) fn explain(self, text: &str) -> (String, Option<String>, Option<Route>) {
        let Details {
            problem,
            help,
            place,
        } = *self.0;
        let (path, route) = place.map_or((String::new(), None), |(p, r)| (p, Some(r)));
        let message = if path.is_empty() {
            format!("the object {problem}")
        } else {
            format!("`{path}` {problem}")
        };
        (message, template_help(text).or(help), route)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.problem)
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        DecodeError(Box::new(Details {
            problem: format!("cannot be read: {message}"),
            help: None,
            place: None,
        }))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        must_be(unexpected, expected)
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        must_be(unexpected, expected)
    }
}

fn must_be(unexpected: Unexpected<'_>, expected: &dyn Expected) -> DecodeError {
    // What the types' visitors say they expect is the name of a type in some cases.
    let expected = match expected.to_string().as_str() {
        "IntOrString" => "a whole number or text".to_owned(),
        "Quantity" => "a quantity, such as 500m or 1Gi".to_owned(),
        text if text.starts_with("a ") || text.starts_with("an ") => text.to_owned(),
        text => format!("`{text}`"),
    };
    let found = match unexpected {
        Unexpected::Bool(value) => format!("the boolean `{value}`"),
        Unexpected::Unsigned(value) => format!("`{value}`"),
        Unexpected::Signed(value) => format!("`{value}`"),
        Unexpected::Float(value) => format!("`{value}`"),
        Unexpected::Str(value) => format!("{value:?}"),
        Unexpected::Map => "a mapping".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        _ => "what it is".to_owned(),
    };
    DecodeError(Box::new(Details {
        problem: format!("must be {expected}, not {found}"),
        help: None,
        place: None,
    }))
}
