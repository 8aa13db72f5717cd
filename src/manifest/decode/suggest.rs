//! What was probably meant: misspelt fields, and fields in the wrong place.

use crate::manifest::path::Path;
use crate::manifest::tree::Tree;
use crate::model::nearest;

/// Fields that people put one level too high or too low: (struct, field, where it belongs).
const MISPLACED: &[(&str, &[&str], &str)] = &[
    (
        "NetworkPolicy",
        &["podSelector", "policyTypes", "ingress", "egress"],
        "it belongs under `spec`",
    ),
    (
        "NetworkPolicy",
        &["name", "namespace", "labels", "annotations"],
        "it belongs under `metadata`",
    ),
    (
        "NetworkPolicySpec",
        &["from"],
        "it belongs in an entry of `ingress`",
    ),
    (
        "NetworkPolicySpec",
        &["to"],
        "it belongs in an entry of `egress`",
    ),
    (
        "NetworkPolicySpec",
        &["ports"],
        "it belongs in an entry of `ingress` or `egress`",
    ),
    (
        "NetworkPolicySpec",
        &["matchLabels", "matchExpressions"],
        "it belongs under `podSelector`",
    ),
    (
        "NetworkPolicySpec",
        &["namespaceSelector", "ipBlock"],
        "a policy applies to pods of its own namespace; peers belong under `from` or `to` of a rule",
    ),
    (
        "NetworkPolicyIngressRule",
        &["to"],
        "an ingress rule has `from`; `to` is for egress",
    ),
    (
        "NetworkPolicyIngressRule",
        &["podSelector", "namespaceSelector", "ipBlock"],
        "it belongs in an entry of `from`, with a dash before it",
    ),
    (
        "NetworkPolicyEgressRule",
        &["from"],
        "an egress rule has `to`; `from` is for ingress",
    ),
    (
        "NetworkPolicyEgressRule",
        &["podSelector", "namespaceSelector", "ipBlock"],
        "it belongs in an entry of `to`, with a dash before it",
    ),
    (
        "NetworkPolicyIngressRule",
        &["port", "protocol", "endPort"],
        "it belongs in an entry of `ports`, with a dash before it",
    ),
    (
        "NetworkPolicyEgressRule",
        &["port", "protocol", "endPort"],
        "it belongs in an entry of `ports`, with a dash before it",
    ),
    (
        "NetworkPolicyPeer",
        &["matchLabels", "matchExpressions"],
        "it belongs under `podSelector` or `namespaceSelector`, one level deeper",
    ),
    (
        "NetworkPolicyPeer",
        &["ports", "from", "to"],
        "it belongs beside the list of peers, not inside a peer",
    ),
    (
        "NetworkPolicyPeer",
        &["cidr", "except"],
        "it belongs under `ipBlock`",
    ),
    (
        "NetworkPolicyPort",
        &["targetPort", "containerPort", "number"],
        "did you mean `port`?",
    ),
    (
        "LabelSelector",
        &["podSelector", "namespaceSelector", "ipBlock"],
        "it belongs beside this selector, not inside it",
    ),
    (
        "LabelSelectorRequirement",
        &["value"],
        "did you mean `values`?",
    ),
    (
        "ServicePort",
        &["containerPort"],
        "did you mean `targetPort`?",
    ),
    (
        "IngressBackend",
        &["serviceName", "servicePort"],
        "since networking.k8s.io/v1 this is `service.name` and `service.port`",
    ),
];

/// Advice on a field that a struct does not have.
pub(super) fn help_for_unknown(
    name: &str,
    key: &str,
    fields: &'static [&'static str],
) -> Option<String> {
    let misplaced = MISPLACED
        .iter()
        .find(|(owner, keys, _)| *owner == name && keys.contains(&key));
    if let Some((_, _, help)) = misplaced {
        return Some((*help).to_owned());
    }
    if let Some(field) = nearest(key, fields.iter().copied()) {
        return Some(format!("did you mean `{field}`?"));
    }
    // A selector holds nothing but its two fields: whatever else is there is a label.
    (name == "LabelSelector").then(|| "labels belong under `matchLabels`".to_owned())
}

/// Advice on a value of the wrong type.
pub(super) fn help_for_type(path: &Path<'_>, wanted: &str, tree: &Tree<'_>) -> Option<String> {
    match (wanted, tree) {
        ("text", Tree::Bool(value)) => Some(format!("put it in quotes: \"{value}\"")),
        ("text", Tree::Number(value)) => Some(format!("put it in quotes: \"{value}\"")),
        ("a list", Tree::Map(_)) => {
            let key = path.last_key().unwrap_or("it");
            Some(format!("put a dash before the entry of `{key}`"))
        }
        ("a list", Tree::Text(_) | Tree::Number(_)) => {
            Some("put it in brackets, or on a line of its own after a dash".to_owned())
        }
        ("a mapping", Tree::List(_)) => Some("remove the dash".to_owned()),
        ("a whole number", Tree::Text(text)) if text.parse::<i64>().is_ok() => {
            Some("remove the quotes".to_owned())
        }
        ("`true` or `false`", Tree::Text(text)) if text == "true" || text == "false" => {
            Some("remove the quotes".to_owned())
        }
        _ => None,
    }
}
