//! AdminNetworkPolicy and BaselineAdminNetworkPolicy written as ClusterNetworkPolicy.
//!
//! The new kind takes fewer rules, peers and ports, so what is larger is split: a rule into rules of
//! the same action one after the other, a policy into policies of the priorities that follow, as
//! long as no other policy has those. What the new kind cannot say is refused.

use super::admin_network_policy::{Current, EgressRule, IngressRule, PortWire, Wire};
use super::read::decode_at;
use super::tiered::{PeerWire, PodsWire};
use crate::model::{Cluster, Origin, Policy, Tier};
use crate::source::Sources;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// So many rules, peers and ports the new kind takes.
const MOST: usize = 25;
/// The highest priority.
const LAST: u32 = 1000;

/// One policy and what it was written as.
#[derive(Clone, PartialEq, Debug)]
pub struct Converted {
    /// As manifests spell it.
    pub kind: &'static str,
    /// metadata.name.
    pub name: String,
    /// Where it was written.
    pub origin: Origin,
    /// The new objects, or why there are none.
    pub outcome: Result<Vec<Value>, String>,
}

/// All of them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Conversion {
    /// Each policy that was converted or refused, in the order of the cluster.
    pub policies: Vec<Converted>,
}

impl Conversion {
    /// The new objects, as YAML documents.
    pub fn yaml(&self) -> String {
        let objects = self.policies.iter().filter_map(|p| p.outcome.as_ref().ok());
        let texts = objects
            .flatten()
            .filter_map(|object| serde_yaml::to_string(object).ok());
        texts.collect::<Vec<_>>().join("---\n")
    }
}

/// Converts every AdminNetworkPolicy and BaselineAdminNetworkPolicy of a cluster, which was loaded
/// from these texts.
pub fn to_cluster_network_policies(sources: &Sources, cluster: &Cluster) -> Conversion {
    let mut taken: BTreeSet<(Tier, u32)> = cluster
        .policies
        .iter()
        .map(|policy| (policy.tier, policy.priority))
        .collect();
    let new_kind = cluster
        .policies
        .iter()
        .filter(|p| p.kind == "ClusterNetworkPolicy");
    let mut names: BTreeSet<String> = new_kind.map(|policy| policy.name.clone()).collect();
    let mut policies = Vec::new();
    for policy in &cluster.policies {
        if !matches!(
            policy.kind,
            "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy"
        ) {
            continue;
        }
        let mut others = cluster.policies.iter();
        let is_tied = others.any(|other| {
            (other.tier, other.priority) == (policy.tier, policy.priority)
                && other.origin != policy.origin
        });
        let outcome = convert(sources, policy, is_tied, &mut taken, &mut names);
        policies.push(Converted {
            kind: policy.kind,
            name: policy.name.clone(),
            origin: policy.origin.clone(),
            outcome,
        });
    }
    Conversion { policies }
}

fn convert(
    sources: &Sources,
    policy: &Policy,
    is_tied: bool,
    taken: &mut BTreeSet<(Tier, u32)>,
    names: &mut BTreeSet<String>,
) -> Result<Vec<Value>, String> {
    let (wire, _) = decode_at::<Wire>(sources, &policy.origin);
    let wire = wire.ok_or("it cannot be read again")?;
    let spec = wire.spec;
    let ingress = spec.ingress.into_iter().map(IngressRule::current);
    let egress = spec.egress.into_iter().map(EgressRule::current);
    let ingress = rules("from", ingress)?;
    let egress = rules("to", egress)?;
    let subject = spec.subject.ok_or("it has no subject")?;
    let subject = match (subject.namespaces, subject.pods) {
        (Some(namespaces), _) => json!({ "namespaces": selector(&namespaces) }),
        (None, pods) => json!({ "pods": pods_json(&pods.unwrap_or_default()) }),
    };
    let n_parts = [&ingress, &egress].map(|rules| rules.len().div_ceil(MOST));
    let n_parts = n_parts.into_iter().max().unwrap_or(1).max(1);
    if n_parts > 1 && is_tied {
        return Err(format!(
            "it takes {n_parts} policies, and another one has the same priority: where that one \
             would belong between them is not defined"
        ));
    }
    let mut parts = Vec::new();
    for nth in 0..n_parts {
        let offset = u32::try_from(nth).map_err(|error| error.to_string())?;
        let priority = policy.priority.saturating_add(offset);
        let is_free = nth == 0 || taken.insert((policy.tier, priority));
        if priority > LAST || !is_free {
            return Err(format!(
                "it takes {n_parts} policies of consecutive priorities, and {priority} is taken or too \
                 high: make room behind {}",
                policy.priority
            ));
        }
        let name = free_name(policy, nth, names);
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), json!(name));
        if let Some(labels) = &wire.metadata.labels {
            metadata.insert("labels".to_owned(), json!(labels));
        }
        // What kubectl keeps there is the old object.
        let mut annotations = wire.metadata.annotations.clone().unwrap_or_default();
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        if !annotations.is_empty() {
            metadata.insert("annotations".to_owned(), json!(annotations));
        }
        let mut body = Map::new();
        body.insert("tier".to_owned(), json!(policy.tier.name()));
        body.insert("priority".to_owned(), json!(priority));
        body.insert("subject".to_owned(), subject.clone());
        for (key, rules) in [("ingress", &ingress), ("egress", &egress)] {
            let own: Vec<&Value> = rules
                .iter()
                .skip(nth.saturating_mul(MOST))
                .take(MOST)
                .collect();
            if !own.is_empty() {
                body.insert(key.to_owned(), json!(own));
            }
        }
        parts.push(json!({
            "apiVersion": "policy.networking.k8s.io/v1alpha2",
            "kind": "ClusterNetworkPolicy",
            "metadata": metadata,
            "spec": body,
        }));
    }
    Ok(parts)
}

/// The policy's own name, unless another has it: there is one kind now for what was two.
fn free_name(policy: &Policy, nth: usize, names: &mut BTreeSet<String>) -> String {
    let tier = policy.tier.name().to_lowercase();
    let base = match nth {
        0 => policy.name.clone(),
        nth => format!("{}-{}", policy.name, nth.saturating_add(1)),
    };
    let more = (2u32..).map(|n| format!("{base}-{tier}-{n}"));
    let all = [base.clone(), format!("{base}-{tier}")];
    let mut candidates = all.into_iter().chain(more);
    let name = candidates
        .find(|name| !names.contains(name))
        .unwrap_or(base);
    names.insert(name.clone());
    name
}

fn rules(
    peers_key: &'static str,
    rules: impl Iterator<Item = Current>,
) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for rule in rules {
        found.extend(split(peers_key, rule)?);
    }
    Ok(found)
}

/// One rule as rules one after the other: what matches any of them matches it.
fn split(peers_key: &'static str, rule: Current) -> Result<Vec<Value>, String> {
    let action = match rule.action.as_str() {
        "Allow" => "Accept",
        "Deny" => "Deny",
        "Pass" => "Pass",
        other => return Err(format!("`{other}` is not an action")),
    };
    let mut by_label = Vec::new();
    let mut by_address = Vec::new();
    for peer in &rule.peers {
        let is_ingress = peers_key == "from";
        match peer.fields().as_slice() {
            ["namespaces" | "pods"] => by_label.push(peer_json(peer)),
            ["networks" | "nodes" | "domainNames"] if !is_ingress => {
                by_address.push(peer_json(peer))
            }
            _ => {
                return Err(
                    "a peer is not one that ClusterNetworkPolicy has, such as `sameLabels`"
                        .to_owned(),
                );
            }
        }
    }
    let ports = rule.ports.as_deref();
    let named = |port: &&PortWire| port.named_port.is_some();
    let numbers: Option<Vec<Value>> =
        ports.map(|ports| ports.iter().filter(|p| !named(p)).map(port_json).collect());
    let all: Option<Vec<Value>> = ports.map(|ports| ports.iter().map(port_json).collect());
    let has_names = ports.is_some_and(|ports| ports.iter().any(|p| named(&p)));
    // Addresses have no ports by name, and the new kind does not take both in one rule.
    let kinds = match has_names {
        true => vec![(by_label, all), (by_address, numbers)],
        false => vec![([by_label, by_address].concat(), all)],
    };
    let mut found = Vec::new();
    for (peers, ports) in kinds {
        let lists: Vec<Option<&[Value]>> = match &ports {
            None => vec![None],
            Some(ports) => ports.chunks(MOST).map(Some).collect(),
        };
        for peers in peers.chunks(MOST) {
            for ports in &lists {
                let mut one = Map::new();
                if let Some(name) = &rule.name {
                    one.insert("name".to_owned(), json!(name));
                }
                one.insert("action".to_owned(), json!(action));
                one.insert(peers_key.to_owned(), json!(peers));
                if let Some(ports) = ports {
                    one.insert("protocols".to_owned(), json!(ports));
                }
                found.push(Value::Object(one));
            }
        }
    }
    Ok(found)
}

fn selector(selector: &LabelSelector) -> Value {
    serde_json::to_value(selector).unwrap_or_default()
}

fn pods_json(pods: &PodsWire) -> Value {
    let all = LabelSelector::default();
    json!({
        "namespaceSelector": selector(pods.namespace_selector.as_ref().unwrap_or(&all)),
        "podSelector": selector(pods.pod_selector.as_ref().unwrap_or(&all)),
    })
}

fn peer_json(peer: &PeerWire) -> Value {
    if let Some(namespaces) = &peer.namespaces {
        json!({ "namespaces": selector(namespaces) })
    } else if let Some(pods) = &peer.pods {
        json!({ "pods": pods_json(pods) })
    } else if let Some(networks) = &peer.networks {
        json!({ "networks": networks })
    } else if let Some(nodes) = &peer.nodes {
        json!({ "nodes": selector(nodes) })
    } else {
        json!({ "domainNames": peer.domain_names })
    }
}

fn port_json(port: &PortWire) -> Value {
    let with = |protocol: &Option<String>, port: Value| {
        let protocol = protocol.as_deref().unwrap_or("TCP").to_lowercase();
        let mut one = Map::new();
        one.insert(protocol, json!({ "destinationPort": port }));
        Value::Object(one)
    };
    if let Some(number) = &port.port_number {
        with(&number.protocol, json!({ "number": number.port }))
    } else if let Some(range) = &port.port_range {
        match range.start == range.end {
            true => with(&range.protocol, json!({ "number": range.start })),
            false => with(
                &range.protocol,
                json!({ "range": { "start": range.start, "end": range.end } }),
            ),
        }
    } else {
        json!({ "destinationNamedPort": port.named_port })
    }
}
