//! The same object twice (NP007).
//!
//! In a cluster the one applied last wins. Which that is, the input does not say, so one is
//! chosen by its contents, whatever the order of files, and the finding says which.

use super::flatten::{flatten, item_route};
use super::kinds::KINDS;
use super::object::{Facts, Object};
use super::parse::parse;
use super::tree::Tree;
use crate::model::{Finding, Origin, Place, Related, Severity};
use crate::source::{DocumentId, Sources, Target};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Leaves one of every object, and says what was repeated. `objects` must be sorted by identity,
/// and then by place.
pub(crate) fn resolve_duplicates(
    sources: &Sources,
    objects: Vec<Object>,
) -> (Vec<Object>, Vec<Finding>) {
    let is_repeated = |pair: &[Object]| match pair {
        [a, b] => a.identity() == b.identity(),
        _ => false,
    };
    if !objects.windows(2).any(is_repeated) {
        return (objects, Vec::new());
    }
    let groups = group(objects);
    let contents = contents(sources, &groups);
    let mut findings = Vec::new();
    let mut kept = Vec::new();
    for mut group in groups {
        if group.len() > 1 && group.iter().all(|object| !object.is_named) {
            // The server makes up a name for each, so none is a repetition of another. Nor does
            // anything sort them but what they say.
            group.sort_by_cached_key(|object| facts_text(&object.facts));
            kept.append(&mut group);
        } else {
            findings.extend(repetitions(sources, &contents, &group));
            // The server would refuse what is not usable, so that is not what is in the cluster.
            let chosen = group.into_iter().min_by_key(|object| {
                let origin = &object.header.origin;
                (!object.is_usable(), contents.get(origin), origin.clone())
            });
            kept.extend(chosen);
        }
    }
    (kept, findings)
}

/// Objects with the same identity together.
fn group(objects: Vec<Object>) -> Vec<Vec<Object>> {
    let mut groups: Vec<Vec<Object>> = Vec::new();
    for object in objects {
        match groups.last_mut() {
            Some(group)
                if group
                    .first()
                    .is_some_and(|a| a.identity() == object.identity()) =>
            {
                group.push(object);
            }
            _ => groups.push(vec![object]),
        }
    }
    groups
}

fn facts_text(facts: &Facts) -> String {
    format!("{facts:?}")
}

/// The contents of all objects that are not alone in their group, in a form that is equal for
/// equal values and has an order. Their documents are parsed once more: repetitions are rare,
/// and keeping every value until all are read would cost much more.
fn contents(sources: &Sources, groups: &[Vec<Object>]) -> BTreeMap<Origin, String> {
    let repeated: BTreeSet<&Origin> = groups
        .iter()
        .filter(|group| group.len() > 1)
        .flatten()
        .map(|object| &object.header.origin)
        .collect();
    let documents: BTreeSet<DocumentId> = repeated.iter().map(|origin| origin.document).collect();
    let documents: Vec<DocumentId> = documents.into_iter().collect();
    let parts: Vec<Vec<(Origin, String)>> = documents
        .into_par_iter()
        .map(|document| document_contents(sources, document, &repeated))
        .collect();
    parts.into_iter().flatten().collect()
}

fn document_contents(
    sources: &Sources,
    document: DocumentId,
    wanted: &BTreeSet<&Origin>,
) -> Vec<(Origin, String)> {
    let Some(format) = sources.document(document).map(|document| document.format) else {
        return Vec::new();
    };
    let Ok(tree) = parse(sources.text(document), format) else {
        return Vec::new();
    };
    let mut contents = Vec::new();
    for item in flatten(tree) {
        let origin = Origin {
            document,
            route: item_route(&item.indexes),
        };
        if wanted.contains(&origin) {
            let mut text = String::new();
            write_canonical(&item.tree, &mut text);
            contents.push((origin, text));
        }
    }
    contents
}

/// Writes a value so that equal values, whatever the order of their keys, give equal text.
fn write_canonical(tree: &Tree<'_>, text: &mut String) {
    match tree {
        Tree::Map(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            text.push('{');
            for (key, value) in entries {
                text.push_str(&format!("{key:?}:"));
                write_canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Tree::List(elements) => {
            text.push('[');
            for element in elements {
                write_canonical(element, text);
                text.push(',');
            }
            text.push(']');
        }
        Tree::Text(value) => text.push_str(&format!("{value:?}")),
        Tree::Number(value) => text.push_str(&value.to_string()),
        Tree::Bool(value) => text.push_str(&value.to_string()),
        Tree::Null => text.push_str("null"),
    }
}

/// One finding for each but the first.
fn repetitions(
    sources: &Sources,
    contents: &BTreeMap<Origin, String>,
    group: &[Object],
) -> Vec<Finding> {
    let Some((first, others)) = group.split_first() else {
        return Vec::new();
    };
    let content = |object: &Object| contents.get(&object.header.origin);
    let chosen = group
        .iter()
        .min_by_key(|object| (!object.is_usable(), content(object), &object.header.origin));
    let kind = KINDS.get(first.kind).map_or("", |kind| kind.kind);
    let name = match first.namespace() {
        Some(namespace) => format!("{namespace}/{}", first.header.name),
        None => first.header.name.clone(),
    };
    let all_equal = others.iter().all(|other| content(other) == content(first));
    let (severity, message, help) = if all_equal {
        let message = format!("{kind} `{name}` is given twice, with the same contents");
        (Severity::Note, message, None)
    } else {
        let analysed = chosen.map_or_else(String::new, |chosen| {
            format!(
                ", and the one analysed is the one in {}",
                location(sources, &chosen.header.origin)
            )
        });
        let message = format!(
            "{kind} `{name}` is given more than once, with different contents: in a cluster the \
             one applied last wins{analysed}"
        );
        let help = "remove all but one, or give each a name or namespace of its own";
        (Severity::Error, message, Some(help.to_owned()))
    };
    let mut findings = Vec::new();
    for other in others {
        findings.push(Finding {
            place: name_place(&other.header.origin),
            id: "NP007",
            severity,
            message: message.clone(),
            help: help.clone(),
            related: vec![Related {
                place: name_place(&first.header.origin),
                message: "first given here".to_owned(),
            }],
        });
    }
    findings
}

fn location(sources: &Sources, origin: &Origin) -> String {
    let place = sources.locate(origin.document, &origin.route, Target::Value);
    format!("`{}`, line {}", place.file, place.line)
}

fn name_place(origin: &Origin) -> Place {
    Place::Node {
        origin: Origin {
            document: origin.document,
            route: origin.route.clone().key("metadata").key("name"),
        },
        target: Target::Value,
    }
}
