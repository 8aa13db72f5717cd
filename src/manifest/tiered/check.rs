//! What the CRDs of the kinds refuse, in the words of the API server.

use super::wire::{PeerWire, PodsWire, SubjectWire};
use crate::manifest::path::Path;
use crate::manifest::reader::Reader;
use crate::manifest::validate::{
    check_selector, did_you_mean, invalid, parse_cidr, quote, required, unsupported,
};
use crate::model::Severity;
use crate::source::Target;

/// How much a kind may have of what, and which actions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) rules: usize,
    pub(crate) peers: usize,
    pub(crate) ports: usize,
    pub(crate) actions: &'static [&'static str],
    /// The action that lets through.
    pub(crate) accept: &'static str,
    /// Whether there is one published CRD, whose every word counts. Of the v1alpha1 kinds there were
    /// several, and what the installed one says of the less usual is not known here.
    pub(crate) is_strict: bool,
    /// Whether it is v1beta1: `namespaceSelector` may be left out, and blocks have no bits beyond
    /// their prefix.
    pub(crate) is_beta: bool,
}

/// What all kinds have of one rule.
pub(crate) struct RuleParts<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) action: &'a str,
    pub(crate) peers_key: &'static str,
    pub(crate) peers: &'a [PeerWire],
    pub(crate) ports_key: &'static str,
    pub(crate) n_ports: Option<usize>,
    /// Whether some port is a name.
    pub(crate) has_named_port: bool,
}

/// Networks and names that one peer may have.
const MAX_NETWORKS: usize = 25;
const MAX_NAME: usize = 100;

/// Subject, priority and rules.
pub(crate) fn check(
    reader: &Reader<'_>,
    limits: &Limits,
    priority: Option<Option<i32>>,
    subject: Option<&SubjectWire>,
    rules: [(&'static str, Vec<RuleParts<'_>>); 2],
) {
    let root = Path::Root;
    let spec = root.key("spec");
    if let Some(priority) = priority {
        check_priority(reader, &spec, priority);
    }
    match subject {
        None => missing(reader, &spec, "subject"),
        Some(subject) => check_subject(reader, limits, &spec.key("subject"), subject),
    }
    for (key, rules) in rules {
        let list = spec.key(key);
        too_many(reader, &list, rules.len(), limits.rules);
        for (index, rule) in rules.iter().enumerate() {
            check_rule(reader, limits, &list.index(index), rule);
        }
    }
}

fn missing(reader: &Reader<'_>, parent: &Path<'_>, field: &'static str) {
    let place = reader.place(parent, Target::Value);
    reader.cause_at(&parent.key(field), place, &required(""), None);
}

/// More than there may be.
pub(crate) fn too_many(reader: &Reader<'_>, path: &Path<'_>, n: usize, most: usize) {
    if n > most {
        let body = format!("Too many: {n}: must have at most {most} items");
        reader.cause(path, &body, None);
    }
}

/// Nothing where there has to be one.
pub(crate) fn too_few(reader: &Reader<'_>, path: &Path<'_>, what: &str) {
    let body = invalid(
        "0",
        &format!("{path} in body should have at least 1 {what}"),
    );
    reader.cause(path, &body, None);
}

fn check_priority(reader: &Reader<'_>, spec: &Path<'_>, priority: Option<i32>) {
    let path = spec.key("priority");
    match priority {
        None => missing(reader, spec, "priority"),
        Some(number) if number < 0 => {
            let detail = format!("{path} in body should be greater than or equal to 0");
            reader.cause(&path, &invalid(&number.to_string(), &detail), None);
        }
        Some(number) if number > 1000 => {
            let detail = format!("{path} in body should be less than or equal to 1000");
            reader.cause(&path, &invalid(&number.to_string(), &detail), None);
        }
        Some(_) => {}
    }
}

fn check_pods(reader: &Reader<'_>, limits: &Limits, path: &Path<'_>, pods: &PodsWire) {
    for (key, selector) in [
        ("namespaceSelector", &pods.namespace_selector),
        ("podSelector", &pods.pod_selector),
    ] {
        match selector {
            Some(selector) => check_selector(reader, &path.key(key), selector),
            None if limits.is_beta && key == "namespaceSelector" => {}
            None if limits.is_strict => missing(reader, path, key),
            None => reader.find(
                "LD007",
                Severity::Warning,
                reader.place(path, Target::Key),
                format!("`{key}` is missing: taken for one that selects everything"),
                Some(format!(
                    "write `{key}: {{}}`: most versions of the CRD ask for it"
                )),
            ),
        }
    }
}

fn check_subject(reader: &Reader<'_>, limits: &Limits, path: &Path<'_>, subject: &SubjectWire) {
    match (&subject.namespaces, &subject.pods) {
        (None, None) => too_few(reader, path, "properties"),
        (Some(_), Some(_)) => too_many(reader, path, 2, 1),
        (Some(namespaces), None) => check_selector(reader, &path.key("namespaces"), namespaces),
        (None, Some(pods)) => check_pods(reader, limits, &path.key("pods"), pods),
    }
}

fn check_rule(reader: &Reader<'_>, limits: &Limits, path: &Path<'_>, rule: &RuleParts<'_>) {
    if rule.name.is_some_and(|name| name.len() > MAX_NAME) {
        let body = format!("Too long: may not be more than {MAX_NAME} bytes");
        reader.cause(&path.key("name"), &body, None);
    }
    let action_path = path.key("action");
    if rule.action.is_empty() {
        missing(reader, path, "action");
    } else if !limits.actions.contains(&rule.action) {
        let body = unsupported(rule.action, limits.actions);
        // Each version has its own word for it.
        let help = match rule.action {
            "Allow" | "Accept" => Some(format!("here it is `{}`", limits.accept)),
            other => did_you_mean(other, limits.actions),
        };
        reader.cause(&action_path, &body, help);
    }
    let peers_path = path.key(rule.peers_key);
    match rule.peers.len() {
        0 => missing(reader, path, rule.peers_key),
        n => too_many(reader, &peers_path, n, limits.peers),
    }
    let ports_path = path.key(rule.ports_key);
    match rule.n_ports {
        Some(0) => too_few(reader, &ports_path, "items"),
        Some(n) => too_many(reader, &ports_path, n, limits.ports),
        None => {}
    }
    for (index, peer) in rule.peers.iter().enumerate() {
        check_peer(reader, limits, &peers_path.index(index), peer, rule);
    }
}

fn check_peer(
    reader: &Reader<'_>,
    limits: &Limits,
    path: &Path<'_>,
    peer: &PeerWire,
    rule: &RuleParts<'_>,
) {
    let fields = peer.fields();
    let is_ingress = rule.peers_key == "from";
    match fields.as_slice() {
        [] => {
            // A field that is not known here may be one of a newer version, and its rule must not
            // open anything.
            let consequence = match rule.action == limits.accept {
                true => "the rule lets nobody through",
                false => "the rule denies everything",
            };
            reader.find(
                "LD007",
                Severity::Warning,
                reader.place(path, Target::Value),
                format!("a peer of a kind that is not known: {consequence}"),
                Some("rules fail closed, as the specification has it".to_owned()),
            );
        }
        [field] if is_ingress && matches!(*field, "networks" | "nodes" | "domainNames") => {
            let place = reader.place(&path.key(field), Target::Key);
            let message = format!("`{field}` is for egress: the rule fails closed");
            reader.find("LD007", Severity::Warning, place, message, None);
        }
        [_] => {}
        several => too_many(reader, path, several.len(), 1),
    }
    if let Some(namespaces) = &peer.namespaces {
        check_selector(reader, &path.key("namespaces"), namespaces);
    }
    if let Some(nodes) = &peer.nodes {
        check_selector(reader, &path.key("nodes"), nodes);
    }
    if let Some(pods) = &peer.pods {
        check_pods(reader, limits, &path.key("pods"), pods);
    }
    if let Some(networks) = &peer.networks {
        check_networks(reader, limits, &path.key("networks"), networks);
    }
    let by_address = fields
        .iter()
        .find(|f| !matches!(**f, "namespaces" | "pods"));
    if let Some(field) = by_address
        && rule.has_named_port
        && limits.is_strict
    {
        let body = "networks/nodes/domainNames peer cannot be set with namedPorts since there are no \
                    namedPorts for networks/nodes/domainNames";
        let help = Some(format!("`{field}` takes numbers"));
        reader.cause_as("NP074", path, &invalid("\"object\"", body), help);
    }
    if let Some(names) = &peer.domain_names {
        let path = path.key("domainNames");
        if rule.action != limits.accept {
            let body = format!("domainNames is only allowed with action {}", limits.accept);
            let help =
                Some("a name can only be accepted: deny addresses, with `networks`".to_owned());
            reader.cause_as("NP074", &path, &invalid("\"object\"", &body), help);
        }
        check_domains(reader, limits, &path, names);
    }
}

/// The pattern of v1beta1; the versions before it have `A-z` for the first letter.
const DOMAIN: &str = r"^(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$";

fn check_domains(reader: &Reader<'_>, limits: &Limits, path: &Path<'_>, names: &[String]) {
    if names.is_empty() {
        too_few(reader, path, "items");
    }
    too_many(reader, path, names.len(), MAX_NETWORKS);
    for (index, text) in names.iter().enumerate() {
        let path = path.index(index);
        if !is_domain(text, limits.is_beta) {
            let pattern = match limits.is_beta {
                true => DOMAIN.to_owned(),
                false => DOMAIN.replace("[a-zA-Z0-9](", "[a-zA-z0-9]("),
            };
            let body = format!("{path} in body should match '{pattern}'");
            let help = Some("write `example.com`, or `*.example.com` for all below it".to_owned());
            reader.cause(&path, &invalid(&quote(text), &body), help);
        } else if names.iter().take(index).any(|before| before == text) {
            let body = format!("Duplicate value: {}", quote(text));
            reader.cause(&path, &body, None);
        }
    }
}

/// Whether [`DOMAIN`] matches, or what it was before.
fn is_domain(text: &str, is_beta: bool) -> bool {
    let text = text.strip_prefix("*.").unwrap_or(text);
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_first = |c: char| c.is_ascii_alphanumeric() || (!is_beta && "[\\]^_`".contains(c));
    let is_label = |label: &str| {
        let mut chars = label.chars();
        let Some(first) = chars.next() else {
            return false;
        };
        let last = chars.next_back();
        is_first(first)
            && last.is_none_or(|c| c.is_ascii_alphanumeric())
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    text.contains('.') && text.split('.').all(is_label)
}

fn check_networks(reader: &Reader<'_>, limits: &Limits, path: &Path<'_>, networks: &[String]) {
    if networks.is_empty() {
        too_few(reader, path, "items");
    }
    too_many(reader, path, networks.len(), MAX_NETWORKS);
    for (index, text) in networks.iter().enumerate() {
        let block = parse_cidr(text).map(|cidr| cidr.net);
        let is_whole = block.is_some_and(|block| !limits.is_beta || block == block.trunc());
        if !is_whole {
            let body = invalid(&quote(text), "Invalid CIDR format provided");
            let help = block
                .map(|block| format!("write `{}`: it is the block that is meant", block.trunc()));
            reader.cause(&path.index(index), &body, help);
        } else if networks.iter().take(index).any(|before| before == text) {
            let body = format!("Duplicate value: {}", quote(text));
            reader.cause(&path.index(index), &body, None);
        }
    }
}
