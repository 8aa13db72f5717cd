//! Policies and rules in words that mean the same in both clusters, where symbols and ids do not.

use crate::model::{
    Cluster, NamespaceMatch, Operator, PeerKind, Policy, PortMatchKind, Rule, Selector,
};
use std::fmt::Write as _;

/// A rule's meaning: two rules with the same text match the same, given the same pods.
pub(super) fn rule_text(cluster: &Cluster, rule: &Rule) -> String {
    let mut text = format!("{:?}", rule.action);
    match &rule.peers {
        None => text.push_str(" any"),
        Some(peers) => {
            let mut all: Vec<String> = peers.iter().map(|p| peer_text(cluster, &p.kind)).collect();
            all.sort();
            all.dedup();
            let _ = write!(text, " {all:?}");
        }
    }
    match &rule.ports {
        None => text.push_str(" any"),
        Some(ports) => {
            let mut all: Vec<String> = ports.iter().map(|p| port_text(cluster, &p.kind)).collect();
            all.sort();
            all.dedup();
            let _ = write!(text, " {all:?}");
        }
    }
    text
}

/// What a policy selects.
pub(super) fn subject_text(cluster: &Cluster, policy: &Policy) -> String {
    pods_text(cluster, &policy.subject.namespaces, &policy.subject.pods)
}

fn peer_text(cluster: &Cluster, peer: &PeerKind) -> String {
    match peer {
        PeerKind::Pods { namespaces, pods } => pods_text(cluster, namespaces, pods),
        PeerKind::IpBlock(block) => format!("{block:?}"),
        PeerKind::Domain { pattern, .. } => cluster.symbols.name(*pattern).to_owned(),
    }
}

fn pods_text(cluster: &Cluster, namespaces: &NamespaceMatch, pods: &Selector) -> String {
    let namespaces = match namespaces {
        NamespaceMatch::Same(id) => format!("in {}", cluster.namespace_name(*id)),
        NamespaceMatch::Labels(selector) => selector_text(cluster, selector),
    };
    format!("{namespaces} {}", selector_text(cluster, pods))
}

pub(super) fn selector_text(cluster: &Cluster, selector: &Selector) -> String {
    let name = |symbol| cluster.symbols.name(symbol).to_owned();
    let mut all: Vec<String> = selector
        .requirements()
        .iter()
        .map(|requirement| {
            let values = |values: &[_]| {
                let mut names: Vec<String> = values.iter().map(|v| name(*v)).collect();
                names.sort();
                names
            };
            let key = name(requirement.key);
            match &requirement.operator {
                Operator::In(set) => format!("{key:?} in {:?}", values(set)),
                Operator::NotIn(set) => format!("{key:?} notin {:?}", values(set)),
                Operator::Exists => format!("{key:?} exists"),
                Operator::DoesNotExist => format!("{key:?} absent"),
            }
        })
        .collect();
    all.sort();
    format!("{all:?}")
}

fn port_text(cluster: &Cluster, port: &PortMatchKind) -> String {
    match port {
        PortMatchKind::Range { .. } => format!("{port:?}"),
        PortMatchKind::Named { protocol, name } => {
            format!("{protocol:?} named {:?}", cluster.symbols.name(*name))
        }
    }
}
