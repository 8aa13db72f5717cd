//! Labels and selectors to their interned form (N14).

use crate::model::{Labels, Operator, Requirement, Selector, Symbol, Symbols};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::BTreeMap;

/// Labels as manifests have them.
pub(crate) type LabelMap = BTreeMap<String, String>;

/// Interns labels.
pub(crate) fn lower_labels(labels: &LabelMap, symbols: &mut Symbols) -> Labels {
    Labels::new(
        labels
            .iter()
            .map(|(key, value)| (symbols.intern(key), symbols.intern(value))),
    )
}

/// Interns a selector that is valid (V15 to V18).
pub(crate) fn lower_selector(selector: &LabelSelector, symbols: &mut Symbols) -> Selector {
    let mut requirements = pairs(selector.match_labels.as_ref(), symbols);
    for expression in selector.match_expressions.iter().flatten() {
        let values = expression.values.iter().flatten();
        let values: Vec<Symbol> = values.map(|value| symbols.intern(value)).collect();
        let operator = match expression.operator.as_str() {
            "In" => Operator::In(values),
            "NotIn" => Operator::NotIn(values),
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            // Validation refused it. Nothing has a key with no values.
            _ => Operator::In(Vec::new()),
        };
        requirements.push(Requirement {
            key: symbols.intern(&expression.key),
            operator,
        });
    }
    Selector::new(requirements)
}

/// Interns a selector of the plain kind that Services have.
pub(crate) fn lower_map_selector(labels: &LabelMap, symbols: &mut Symbols) -> Selector {
    Selector::new(pairs(Some(labels), symbols))
}

fn pairs(labels: Option<&LabelMap>, symbols: &mut Symbols) -> Vec<Requirement> {
    labels
        .into_iter()
        .flatten()
        .map(|(key, value)| Requirement {
            key: symbols.intern(key),
            operator: Operator::In(vec![symbols.intern(value)]),
        })
        .collect()
}
