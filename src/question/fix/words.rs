//! Pieces of manifests, and of sentences about them.

use crate::model::{Cluster, Pod, PodId, Protocol, Symbol, TrafficSet};

/// Labels that say which pod it is, and not what, or which version.
const PASSING: [&str; 6] = [
    "pod-template-hash",
    "controller-revision-hash",
    "controller-uid",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
];

/// Labels that say what a pod is, the first that tells it from others is taken.
const NAMING: [&str; 5] = [
    "app.kubernetes.io/name",
    "app",
    "k8s-app",
    "app.kubernetes.io/instance",
    "name",
];

/// The labels that pods of one workload are told by: one that no other pod of their namespace has,
/// those that say what a pod is first; else all that last.
pub(super) fn labels_of(cluster: &Cluster, pods: &[PodId]) -> Vec<(String, String)> {
    let Some(first) = pods.first().and_then(|&id| cluster.pod(id)) else {
        return Vec::new();
    };
    let name = |symbol| cluster.symbols.name(symbol);
    let has_all = |(key, value): &(Symbol, Symbol)| {
        let mut own = pods.iter().filter_map(|&id| cluster.pod(id));
        own.all(|pod| pod.labels.get(*key) == Some(*value))
    };
    let lasting: Vec<(Symbol, Symbol)> = first
        .labels
        .iter()
        .filter(has_all)
        .filter(|(key, _)| !PASSING.contains(&name(*key)))
        .collect();
    let is_own = |(key, value): &&(Symbol, Symbol)| {
        let others = |pod: &&Pod| {
            pod.namespace == first.namespace
                && pod.workload != first.workload
                && pod.labels.get(*key) == Some(*value)
        };
        !cluster.pods.iter().any(|pod| others(&pod))
    };
    let mut telling: Vec<&(Symbol, Symbol)> = lasting.iter().filter(is_own).collect();
    telling.sort_by_key(|(key, _)| {
        let place = NAMING.iter().position(|naming| *naming == name(*key));
        (place.unwrap_or(NAMING.len()), name(*key).to_owned())
    });
    let chosen: Vec<(Symbol, Symbol)> = match telling.first() {
        Some(one) => vec![**one],
        None => lasting.clone(),
    };
    let texts = chosen.into_iter();
    texts
        .map(|(key, value)| (name(key).to_owned(), name(value).to_owned()))
        .collect()
}

/// A scalar of YAML, in quotes where it would be read as something else.
pub(super) fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c));
    let is_taken = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .contains(&text.to_lowercase().as_str());
    match is_word && !is_taken {
        true => text.to_owned(),
        false => format!("\"{text}\""),
    }
}

/// `matchLabels` of a selector, or `{}` for one that matches everything.
pub(super) fn selector(key: &str, labels: &[(String, String)]) -> Vec<String> {
    if labels.is_empty() {
        return vec![format!("{key}: {{}}")];
    }
    let mut lines = vec![format!("{key}:"), "  matchLabels:".to_owned()];
    let each = labels
        .iter()
        .map(|(key, value)| format!("    {}: {}", scalar(key), scalar(value)));
    lines.extend(each);
    lines
}

/// The ranges of some traffic: protocol, first and last port.
pub(super) fn ranges(traffic: &TrafficSet) -> Vec<(Protocol, u16, u16)> {
    let protocols = Protocol::ALL.into_iter();
    let each = protocols.flat_map(|protocol| {
        let ranges = traffic.get(protocol).ranges().iter();
        ranges.map(move |&(first, last)| (protocol, first, last))
    });
    each.collect()
}

/// The lines of one entry of `ports`.
pub(super) fn port_lines((protocol, first, last): (Protocol, u16, u16)) -> Vec<String> {
    let mut lines = vec![format!("protocol: {protocol}"), format!("port: {first}")];
    if last > first {
        lines.push(format!("endPort: {last}"));
    }
    lines
}

/// Lines as an element of a list, `depth` columns in.
pub(super) fn item(lines: &[String], depth: usize) -> Vec<String> {
    let space = " ".repeat(depth);
    let mut lead = "- ";
    let each = lines.iter().map(|line| {
        let line = format!("{space}{lead}{line}");
        lead = "  ";
        line
    });
    each.collect()
}

/// Traffic for a sentence.
pub(super) fn ports_text(traffic: &TrafficSet) -> String {
    match traffic.is_all() {
        true => "every port".to_owned(),
        false => traffic.to_string(),
    }
}

/// Labels for a sentence.
pub(super) fn labels_text(labels: &[(String, String)]) -> String {
    match labels {
        [] => "any pod".to_owned(),
        labels => {
            let each: Vec<String> = labels.iter().map(|(k, v)| format!("{k}: {v}")).collect();
            format!("`{}`", each.join(", "))
        }
    }
}
