//! Objects as they are written: for what is to be said of the text and not of its meaning, and
//! for kinds that the model has no use for.

use super::flatten::{flatten, item_route};
use super::parse::parse;
use super::tree::{Number, Tree};
use crate::model::Origin;
use crate::source::{Document, DocumentId, Route, Sources};
use rayon::prelude::*;
use std::collections::HashMap;

/// A look into a value that may have any shape, or be missing, as the default is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Node<'a>(Option<&'a Tree<'a>>);

impl<'a> Node<'a> {
    /// The value of a key, if this is a mapping that has it.
    pub fn get(self, key: &str) -> Node<'a> {
        Node(self.0.and_then(|tree| tree.get(key)))
    }

    /// The value that a route leads to.
    pub fn at(self, keys: &[&str]) -> Node<'a> {
        keys.iter().fold(self, |node, key| node.get(key))
    }

    /// Whether there is something, `null` not counted.
    pub fn is_there(self) -> bool {
        self.0.is_some_and(|tree| !tree.is_null())
    }

    /// The text, if this is one.
    pub fn text(self) -> Option<&'a str> {
        self.0.and_then(Tree::as_text)
    }

    /// The whole number, if this is one.
    pub fn number(self) -> Option<i128> {
        match self.0 {
            Some(Tree::Number(number)) => Number::whole(*number),
            _ => None,
        }
    }

    /// Whether this is `true`.
    pub fn is_true(self) -> bool {
        matches!(self.0, Some(Tree::Bool(true)))
    }

    /// Whether this is `false`.
    pub fn is_false(self) -> bool {
        matches!(self.0, Some(Tree::Bool(false)))
    }

    /// The elements; none unless this is a list.
    pub fn items(self) -> impl Iterator<Item = Node<'a>> {
        let items = match self.0 {
            Some(Tree::List(items)) => items.as_slice(),
            _ => &[],
        };
        items.iter().map(|item| Node(Some(item)))
    }

    /// Whether this is a list.
    pub fn is_list(self) -> bool {
        matches!(self.0, Some(Tree::List(_)))
    }

    /// The entries; none unless this is a mapping.
    pub fn entries(self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let entries = self.0.and_then(Tree::as_map).into_iter();
        entries.flat_map(|map| {
            map.iter()
                .map(|(key, value)| (key.as_ref(), Node(Some(value))))
        })
    }

    /// Every text in it, keys not among them.
    pub fn texts(self) -> Vec<&'a str> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(node) = open.pop() {
            found.extend(node.text());
            open.extend(node.items());
            open.extend(node.entries().map(|(_, value)| value));
        }
        found
    }
}

/// One object as it is written.
#[derive(Debug)]
pub struct WrittenObject<'s> {
    /// Where.
    pub origin: Origin,
    /// Its apiVersion.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    tree: Tree<'s>,
}

impl WrittenObject<'_> {
    /// All of it.
    pub fn node(&self) -> Node<'_> {
        Node(Some(&self.tree))
    }

    /// metadata.name.
    pub fn name(&self) -> &str {
        self.node()
            .at(&["metadata", "name"])
            .text()
            .unwrap_or_default()
    }

    /// metadata.namespace.
    pub fn namespace(&self) -> Option<&str> {
        let text = self.node().at(&["metadata", "namespace"]).text();
        text.filter(|text| !text.is_empty())
    }

    /// The place of a part of it.
    pub fn origin_of(&self, keys: &[&'static str]) -> Origin {
        let route = keys
            .iter()
            .fold(self.origin.route.clone(), |route, key| route.key(*key));
        Origin {
            document: self.origin.document,
            route,
        }
    }
}

/// All objects of the input, in the order of the documents.
#[derive(Debug, Default)]
pub struct Written<'s> {
    objects: Vec<WrittenObject<'s>>,
    by_origin: HashMap<(DocumentId, Route), usize>,
}

impl<'s> Written<'s> {
    /// Reads all of them.
    pub fn new(sources: &'s Sources) -> Written<'s> {
        Self::of(sources, &|_| true)
    }

    /// Reads those of the files that are wanted, by name. What is no object, or no YAML, is passed over: loading says so. Linear in the
    /// input's size, on all cores.
    pub fn of(sources: &'s Sources, is_wanted: &dyn Fn(&str) -> bool) -> Written<'s> {
        let documents = sources.documents();
        let documents = documents.filter(|(id, _)| is_wanted(sources.file_name(*id)));
        let documents: Vec<(DocumentId, &Document)> = documents.collect();
        let read = |&(id, document): &(DocumentId, &Document)| {
            let tree = parse(sources.text(id), document.format).unwrap_or(Tree::Null);
            let items = flatten(tree).into_iter();
            let objects = items.filter_map(|item| {
                let text = |key| {
                    item.tree
                        .get(key)
                        .and_then(Tree::as_text)
                        .map(str::to_owned)
                };
                Some(WrittenObject {
                    api_version: text("apiVersion")?,
                    kind: text("kind")?,
                    origin: Origin {
                        document: id,
                        route: item_route(&item.indexes),
                    },
                    tree: item.tree,
                })
            });
            objects.collect::<Vec<_>>()
        };
        let objects: Vec<WrittenObject<'_>> = documents.par_iter().flat_map_iter(read).collect();
        let origins = objects.iter().enumerate();
        let by_origin = origins
            .map(|(at, object)| ((object.origin.document, object.origin.route.clone()), at))
            .collect();
        Written { objects, by_origin }
    }

    /// All of them.
    pub fn objects(&self) -> &[WrittenObject<'s>] {
        &self.objects
    }

    /// Those of a kind.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &WrittenObject<'s>> {
        let kind = kind.to_owned();
        self.objects
            .iter()
            .filter(move |object| object.kind == kind)
    }

    /// What is written at a place: an object, or nothing.
    pub fn at(&self, origin: &Origin) -> Node<'_> {
        let key = (origin.document, origin.route.clone());
        let object = self
            .by_origin
            .get(&key)
            .and_then(|&at| self.objects.get(at));
        object.map_or(Node(None), WrittenObject::node)
    }
}
