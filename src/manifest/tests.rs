//! Loading as a whole.

mod corpus;
mod documents;
mod duplicates;
mod objects;
mod owners;
mod policies;
mod properties;
mod tiers;
mod validation;

use super::{LoadOptions, Loaded, load};
use crate::model::{Cluster, PeerKind, PortMatchKind, Rule};
use crate::model::{Finding, NamespaceMatch, Operator, Place, Policy, Requirement, Selector};
use crate::source::Sources;

/// Loads a text with default options, and checks that every finding points at something that is
/// there.
fn loaded(text: &str) -> Loaded {
    let sources = Sources::from_text("input.yaml", text);
    let loaded = load(&sources, &LoadOptions::default());
    for finding in &loaded.findings {
        if let Place::Node { origin, target } = &finding.place {
            let location = sources.locate(origin.document, &origin.route, *target);
            assert!(location.exact, "{finding:?}\n{text}");
        }
    }
    loaded
}

/// A finding in one line: id, place, message.
fn line(finding: &Finding) -> String {
    let place = match &finding.place {
        Place::Node { origin, .. } => origin.route.to_string(),
        Place::Offset { offset, .. } => format!("byte {offset}"),
        Place::Input(name) => name.clone(),
    };
    format!(
        "{} {} @{place} {}",
        finding.id,
        finding.severity.name(),
        finding.message
    )
}

/// All findings, in one line each.
fn lines(text: &str) -> Vec<String> {
    loaded(text).findings.iter().map(line).collect()
}

/// The messages of all findings with this id.
fn messages(text: &str, id: &str) -> Vec<String> {
    let findings = loaded(text).findings;
    let findings = findings.into_iter().filter(|finding| finding.id == id);
    findings.map(|finding| finding.message).collect()
}

/// A policy with this spec, in flow or block style, indented by two.
fn policy(spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: \
         shop}}\nspec:\n{spec}\n"
    )
}

/// The only policy of a text that must have no error.
fn only_policy(text: &str) -> (Cluster, Policy) {
    let loaded = loaded(text);
    assert_eq!(
        loaded.cluster.policies.len(),
        1,
        "{text}\n{:?}",
        loaded.findings
    );
    let policy = loaded.cluster.policies[0].clone();
    (loaded.cluster, policy)
}

fn selector_text(cluster: &Cluster, selector: &Selector) -> String {
    if selector.is_everything() {
        return "*".to_owned();
    }
    let name = |symbol| cluster.symbols.name(symbol).to_owned();
    let mut requirements: Vec<String> = selector
        .requirements()
        .iter()
        .map(|Requirement { key, operator }| {
            let key = name(*key);
            let join = |values: &[crate::model::Symbol]| {
                let mut values: Vec<String> = values.iter().map(|&value| name(value)).collect();
                values.sort();
                values.join("|")
            };
            match operator {
                Operator::In(values) => format!("{key}={}", join(values)),
                Operator::NotIn(values) => format!("{key}!={}", join(values)),
                Operator::Exists => key,
                Operator::DoesNotExist => format!("!{key}"),
            }
        })
        .collect();
    requirements.sort();
    requirements.join("&")
}

/// Rules as a line: `peers -> ports; ...`, `deny` for a list without rules, `-` for a direction
/// that the policy does not apply to.
fn rules_text(cluster: &Cluster, rules: Option<&[Rule]>) -> String {
    let Some(rules) = rules else {
        return "-".to_owned();
    };
    if rules.is_empty() {
        return "deny".to_owned();
    }
    let rules: Vec<String> = rules
        .iter()
        .map(|rule| {
            let peers = match &rule.peers {
                None => "everyone".to_owned(),
                Some(peers) => {
                    let peers = peers.iter().map(|peer| peer_text(cluster, &peer.kind));
                    peers.collect::<Vec<_>>().join(" or ")
                }
            };
            let ports = match &rule.ports {
                None => "all".to_owned(),
                Some(ports) => {
                    let ports = ports.iter().map(|port| port_text(cluster, &port.kind));
                    ports.collect::<Vec<_>>().join(",")
                }
            };
            format!("{peers} -> {ports}")
        })
        .collect();
    rules.join("; ")
}

fn peer_text(cluster: &Cluster, peer: &PeerKind) -> String {
    match peer {
        PeerKind::IpBlock(block) => {
            let except: Vec<String> = block.except.iter().map(ToString::to_string).collect();
            match except.as_slice() {
                [] => block.cidr.to_string(),
                _ => format!("{} but {}", block.cidr, except.join(",")),
            }
        }
        PeerKind::Domain { pattern, .. } => cluster.symbols.name(*pattern).to_owned(),
        PeerKind::Pods { namespaces, pods } => {
            let namespaces = match namespaces {
                NamespaceMatch::Same(id) => cluster.namespace_name(*id).to_owned(),
                NamespaceMatch::Labels(selector) => {
                    format!("[{}]", selector_text(cluster, selector))
                }
            };
            format!("{namespaces}/{}", selector_text(cluster, pods))
        }
    }
}

fn port_text(cluster: &Cluster, port: &PortMatchKind) -> String {
    match port {
        PortMatchKind::Range {
            protocol,
            first,
            last,
        } => format!("{protocol} {first}-{last}"),
        PortMatchKind::Named { protocol, name } => {
            let protocol = protocol.map_or("any", |protocol| protocol.name());
            format!("{protocol} {}", cluster.symbols.name(*name))
        }
    }
}

/// Both directions of a policy's spec.
fn meaning(spec: &str) -> (String, String) {
    let (cluster, policy) = only_policy(&policy(spec));
    (
        rules_text(&cluster, policy.ingress.as_deref()),
        rules_text(&cluster, policy.egress.as_deref()),
    )
}
