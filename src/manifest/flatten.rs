//! Lists: one document that holds many objects.

use super::tree::{Map, Tree};
use crate::source::Route;
use std::borrow::Cow;

/// One object of a document: a list's items, or the document itself.
#[derive(Debug)]
pub(crate) struct Item<'t> {
    /// The object.
    pub(crate) tree: Tree<'t>,
    /// The positions in `items`, outermost first; empty for the document itself.
    pub(crate) indexes: Vec<usize>,
}

/// The route of an item of (nested) lists.
pub(crate) fn item_route(indexes: &[usize]) -> Route {
    indexes.iter().fold(Route::root(), |route, &index| {
        route.key("items").index(index)
    })
}

/// How deep lists may nest. kubectl makes no nested lists at all.
const DEPTH: usize = 8;

/// The objects of a document: the items of a `List` or of a `PodList` and the like, or else the
/// document itself. Items of typed lists may lack apiVersion and kind, and get the list's.
pub(crate) fn flatten(document: Tree<'_>) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    flatten_into(document, Vec::new(), &mut items);
    items
}

fn flatten_into<'t>(tree: Tree<'t>, indexes: Vec<usize>, items: &mut Vec<Item<'t>>) {
    if indexes.len() >= DEPTH || !is_list(&tree) {
        items.push(Item { tree, indexes });
        return;
    }
    let Tree::Map(mut list) = tree else {
        return;
    };
    let item_kind: Option<Cow<'_, str>> = text(&list, "kind")
        .and_then(|kind| kind.strip_suffix("List"))
        .filter(|kind| !kind.is_empty())
        .map(|kind| Cow::Owned(kind.to_owned()));
    let api_version: Option<Cow<'_, str>> =
        text(&list, "apiVersion").map(|version| Cow::Owned(version.to_owned()));
    let Some(Tree::List(elements)) = list.remove("items") else {
        return;
    };
    for (index, mut element) in elements.into_iter().enumerate() {
        if let (Tree::Map(item), Some(kind), Some(api_version)) =
            (&mut element, &item_kind, &api_version)
        {
            item.set_default("kind", kind.clone());
            item.set_default("apiVersion", api_version.clone());
        }
        let mut indexes = indexes.clone();
        indexes.push(index);
        flatten_into(element, indexes, items);
    }
}

fn text<'a>(map: &'a Map<'_>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Tree::as_text)
}

/// Whether the value is a list of objects. `items` of anything but mappings is a field of some
/// kind of its own whose name happens to end in List.
fn is_list(tree: &Tree<'_>) -> bool {
    let Tree::Map(map) = tree else {
        return false;
    };
    let Some(kind) = text(map, "kind") else {
        return false;
    };
    let Some(Tree::List(items)) = map.get("items") else {
        return false;
    };
    match kind {
        "List" => true,
        _ => {
            kind.ends_with("List")
                && text(map, "apiVersion").is_some()
                && !map.contains("spec")
                && items.iter().all(|item| item.as_map().is_some())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<String> {
        let document = serde_yaml::from_str(text).unwrap();
        flatten(document)
            .into_iter()
            .map(|item| {
                let field = |key| item.tree.get(key).and_then(Tree::as_text).unwrap_or("-");
                format!(
                    "{:?} {}/{}",
                    item.indexes,
                    field("apiVersion"),
                    field("kind")
                )
            })
            .collect()
    }

    #[test]
    fn lists_are_flattened_and_typed_lists_tell_their_items_kind() {
        for (text, expected) in [
            ("{apiVersion: v1, kind: Pod}", &["[] v1/Pod"][..]),
            ("{apiVersion: v1, kind: List, items: []}", &[]),
            (
                "{apiVersion: v1, kind: List, items: [{kind: A, apiVersion: b}, {}]}",
                &["[0] b/A", "[1] -/-"],
            ),
            (
                "{apiVersion: apps/v1, kind: DeploymentList, items: [{}, {kind: Pod}]}",
                &["[0] apps/v1/Deployment", "[1] apps/v1/Pod"],
            ),
            (
                "{kind: List, apiVersion: v1, items: [{kind: PodList, apiVersion: v1, items: [{}]}]}",
                &["[0, 0] v1/Pod"],
            ),
            (
                "{apiVersion: x/v1, kind: AllowList, items: [a]}",
                &["[] x/v1/AllowList"],
            ),
            ("{apiVersion: v1, kind: List}", &["[] v1/List"]),
            ("[1]", &["[] -/-"]),
        ] {
            assert_eq!(kinds(text), expected, "{text}");
        }
    }
}
