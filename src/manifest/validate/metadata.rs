//! Names, labels and owners (V1, V18). What is wrong here never keeps an object out of the model.

use super::name::{NameRule, label};
use super::selector::check_pair;
use super::{invalid, quote, required};
use crate::manifest::object::{Decode, Kind};
use crate::manifest::path::Path;
use crate::manifest::reader::Reader;
use crate::manifest::shape::Shape;
use crate::manifest::tree::Tree;
use crate::model::Severity;
use crate::source::Target;

/// Checks an object's metadata.
pub(crate) fn metadata(reader: &Reader<'_>, kind: &Kind, metadata: &Shape<'_>) {
    let root = Path::Root;
    let path = root.key("metadata");
    check_name(reader, &path, kind.name, metadata);
    if let (Decode::Namespaced(_), Some(namespace)) = (kind.decode, metadata.text("namespace")) {
        let namespace_path = path.key("namespace");
        // Empty is absent.
        if !namespace.is_empty() {
            for problem in label(namespace) {
                reader.cause(&namespace_path, &invalid(&quote(namespace), &problem), None);
            }
        }
    }
    if let Some(Tree::Map(labels)) = metadata.get("labels").0 {
        let labels_path = path.key("labels");
        for (key, value) in labels.iter() {
            if let Tree::Text(value) = value {
                check_pair(reader, &labels_path, key, value);
            }
        }
    }
    check_owners(reader, &path, metadata);
}

/// Checks the labels of a pod template, whose metadata is at `path`.
pub(crate) fn check_labels<'a>(
    reader: &Reader<'_>,
    path: &Path<'_>,
    labels: impl IntoIterator<Item = (&'a String, &'a String)>,
) {
    let labels_path = path.key("labels");
    for (key, value) in labels {
        check_pair(reader, &labels_path, key, value);
    }
}

fn check_name(reader: &Reader<'_>, path: &Path<'_>, rule: NameRule, metadata: &Shape<'_>) {
    let name = metadata.text("name").unwrap_or_default();
    let generated = metadata.text("generateName").unwrap_or_default();
    let name_path = path.key("name");
    if !name.is_empty() {
        for problem in rule.problems(name) {
            let lower = name.to_lowercase().replace('_', "-");
            let help = (rule.problems(&lower).is_empty()).then(|| format!("for example `{lower}`"));
            reader.cause(&name_path, &invalid(&quote(name), &problem), help);
        }
    } else if !generated.is_empty() {
        // What the server appends begins with a letter or digit, so a hyphen may come before.
        let prefix = generated.strip_suffix('-').unwrap_or(generated);
        let generate_path = path.key("generateName");
        for problem in rule.problems(prefix) {
            reader.cause(&generate_path, &invalid(&quote(generated), &problem), None);
        }
    } else {
        // A name that is no text was reported by the decoder.
        let missing = metadata
            .get("name")
            .0
            .is_none_or(|name| name.is_null() || name.as_text().is_some());
        if missing {
            let place = reader.place(path, Target::Key);
            let body = required("name or generateName is required");
            reader.cause_at(&name_path, place, &body, None);
        }
    }
}

/// An owner without a kind: the server refuses the reference. What it means is clear enough to
/// go on, so this is a warning.
fn check_owners(reader: &Reader<'_>, path: &Path<'_>, metadata: &Shape<'_>) {
    let Some(Tree::List(owners)) = metadata.get("ownerReferences").0 else {
        return;
    };
    let owners_path = path.key("ownerReferences");
    for (index, owner) in owners.iter().enumerate() {
        let owner_path = owners_path.index(index);
        let owner = Shape(Some(owner));
        let has_text = |key| owner.text(key).is_some_and(|text: &str| !text.is_empty());
        if owner.0.is_some_and(|owner| owner.as_map().is_some()) && !has_text("kind") {
            reader.find(
                "NP001",
                Severity::Warning,
                reader.place(&owner_path, Target::Value),
                format!(
                    "{}: {}",
                    owner_path.key("kind"),
                    invalid("\"\"", "kind must not be empty")
                ),
                Some("the owner is taken for a Pod".to_owned()),
            );
        }
    }
}
