//! Label selectors (V15 to V18).

use super::name::{label_key, label_value};
use super::{did_you_mean, invalid, quote, required};
use crate::manifest::path::Path;
use crate::manifest::reader::Reader;
use crate::source::Target;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

const OPERATORS: &[&str] = &["In", "NotIn", "Exists", "DoesNotExist"];

/// Checks a selector.
pub(crate) fn check_selector(reader: &Reader<'_>, path: &Path<'_>, selector: &LabelSelector) {
    let labels_path = path.key("matchLabels");
    for (key, value) in selector.match_labels.iter().flatten() {
        check_pair(reader, &labels_path, key, value);
    }
    let expressions = path.key("matchExpressions");
    for (index, requirement) in selector.match_expressions.iter().flatten().enumerate() {
        check_requirement(reader, &expressions.index(index), requirement);
    }
}

/// V18 for one label. The server names the map and not the key in it; we point at the label.
pub(super) fn check_pair(reader: &Reader<'_>, labels: &Path<'_>, key: &str, value: &str) {
    let node = labels.key(key);
    for problem in label_key(key) {
        let place = reader.place(&node, Target::Key);
        reader.cause_at(labels, place, &invalid(&quote(key), &problem), None);
    }
    for problem in label_value(value) {
        let place = reader.place(&node, Target::Value);
        reader.cause_at(labels, place, &invalid(&quote(value), &problem), None);
    }
}

fn check_requirement(reader: &Reader<'_>, path: &Path<'_>, requirement: &LabelSelectorRequirement) {
    let values = requirement.values.as_deref().unwrap_or_default();
    let values_path = path.key("values");
    let operator = requirement.operator.as_str();
    match operator {
        "In" | "NotIn" if values.is_empty() => {
            let body = required("must be specified when `operator` is 'In' or 'NotIn'");
            let place = reader.place(path, Target::Value);
            reader.cause_at(&values_path, place, &body, None);
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let body = "Forbidden: may not be specified when `operator` is 'Exists' or \
                        'DoesNotExist'";
            let meant = if operator == "Exists" { "In" } else { "NotIn" };
            let help = format!("remove the values, or write `operator: {meant}`");
            reader.cause(&values_path, body, Some(help));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => {
            let body = invalid(&quote(operator), "not a valid selector operator");
            let help = did_you_mean(operator, OPERATORS).or_else(|| {
                Some("there are `In`, `NotIn`, `Exists` and `DoesNotExist`".to_owned())
            });
            let operator_path = path.key("operator");
            let place = if operator.is_empty() {
                reader.place(path, Target::Value)
            } else {
                reader.place(&operator_path, Target::Value)
            };
            reader.cause_at(&operator_path, place, &body, help);
        }
    }
    let key_path = path.key("key");
    for problem in label_key(&requirement.key) {
        let place = if requirement.key.is_empty() {
            reader.place(path, Target::Value)
        } else {
            reader.place(&key_path, Target::Value)
        };
        let body = invalid(&quote(&requirement.key), &problem);
        reader.cause_at(&key_path, place, &body, None);
    }
    for (index, value) in values.iter().enumerate() {
        for problem in label_value(value) {
            reader.cause(
                &values_path.index(index),
                &invalid(&quote(value), &problem),
                None,
            );
        }
    }
}
