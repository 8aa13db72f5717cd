//! AdminNetworkPolicy and BaselineAdminNetworkPolicy (`policy.networking.k8s.io/v1alpha1`), which
//! ClusterNetworkPolicy has replaced.
//!
//! Their first version wrote the selector of namespaces of a peer one level down, and could ask for
//! the same labels as the subject's namespace; the former is read, the latter fails closed.

use super::decode::decode;
use super::object::{ClusterFacts, Decode, Kind};
use super::path::Path;
use super::reader::Reader;
use super::tiered::{
    Facts, Limits, NumberPort, PeerWire, PodsWire, PortFacts, RangePort, RuleFacts, RuleParts,
    SubjectWire, check, port_range, too_few, too_many,
};
use super::tree::Tree;
use super::validate::{NameRule, check_port_name, check_port_number, invalid, unsupported};
use crate::model::{Action, Protocol, Tier};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, LabelSelectorRequirement, ObjectMeta,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

const API_VERSION: &str = "policy.networking.k8s.io/v1alpha1";

pub(crate) const ADMIN: Kind = Kind {
    api_version: API_VERSION,
    kind: "AdminNetworkPolicy",
    name: NameRule::Subdomain,
    decode: Decode::ClusterWide(read_admin),
};

pub(crate) const BASELINE: Kind = Kind {
    api_version: API_VERSION,
    kind: "BaselineAdminNetworkPolicy",
    name: NameRule::Subdomain,
    decode: Decode::ClusterWide(read_baseline),
};

const LIMITS: Limits = Limits {
    rules: 100,
    peers: 100,
    ports: 100,
    actions: &["Allow", "Deny", "Pass"],
    accept: "Allow",
    is_strict: false,
    is_beta: false,
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wire {
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    pub(super) metadata: ObjectMeta,
    pub(super) spec: Spec,
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    pub(super) priority: Option<i32>,
    pub(super) subject: Option<SubjectWire>,
    pub(super) ingress: Vec<IngressRule>,
    pub(super) egress: Vec<EgressRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct IngressRule {
    name: Option<String>,
    action: String,
    from: Vec<AnpPeer>,
    ports: Option<Vec<PortWire>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EgressRule {
    name: Option<String>,
    action: String,
    to: Vec<AnpPeer>,
    ports: Option<Vec<PortWire>>,
}

/// One of these.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PortWire {
    pub(super) port_number: Option<NumberPort>,
    pub(super) port_range: Option<RangePort>,
    pub(super) named_port: Option<String>,
}

/// A peer of either version.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AnpPeer {
    namespaces: Option<AnpNamespaces>,
    pods: Option<AnpPods>,
    networks: Option<Vec<String>>,
    nodes: Option<LabelSelector>,
    domain_names: Option<Vec<String>>,
}

/// Namespaces of either version.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AnpNamespaces {
    match_labels: Option<BTreeMap<String, String>>,
    match_expressions: Option<Vec<LabelSelectorRequirement>>,
    namespace_selector: Option<LabelSelector>,
    same_labels: Option<Vec<String>>,
    not_same_labels: Option<Vec<String>>,
}

/// Pods of either version.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AnpPods {
    namespaces: Option<AnpNamespaces>,
    namespace_selector: Option<LabelSelector>,
    pod_selector: Option<LabelSelector>,
}

impl AnpNamespaces {
    /// The selector; `None` where the answer depends on the subject's namespace.
    fn selector(self) -> Option<LabelSelector> {
        if self.same_labels.is_some() || self.not_same_labels.is_some() {
            return None;
        }
        Some(self.namespace_selector.unwrap_or(LabelSelector {
            match_labels: self.match_labels,
            match_expressions: self.match_expressions,
        }))
    }
}

impl AnpPeer {
    /// As the current version writes it. What it cannot say is a peer without any field, which
    /// fails closed.
    fn current(self) -> PeerWire {
        let mut peer = PeerWire {
            networks: self.networks,
            nodes: self.nodes,
            domain_names: self.domain_names,
            ..PeerWire::default()
        };
        if let Some(namespaces) = self.namespaces {
            peer.namespaces = namespaces.selector();
        }
        if let Some(pods) = self.pods {
            // Namespaces that are asked for and cannot be said are not all of them.
            let namespaces = match pods.namespaces {
                Some(namespaces) => namespaces.selector().map(Some),
                None => Some(pods.namespace_selector),
            };
            peer.pods = namespaces.map(|namespace_selector| PodsWire {
                namespace_selector,
                pod_selector: pods.pod_selector,
            });
        }
        peer
    }
}

fn read_admin(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn ClusterFacts>> {
    read(reader, tree, &ADMIN, Tier::Admin)
}

fn read_baseline(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn ClusterFacts>> {
    read(reader, tree, &BASELINE, Tier::Baseline)
}

/// A rule in the current version.
pub(super) struct Current {
    pub(super) name: Option<String>,
    pub(super) action: String,
    pub(super) peers: Vec<PeerWire>,
    pub(super) ports: Option<Vec<PortWire>>,
}

impl IngressRule {
    pub(super) fn current(self) -> Current {
        Current {
            name: self.name,
            action: self.action,
            peers: self.from.into_iter().map(AnpPeer::current).collect(),
            ports: self.ports,
        }
    }
}

impl EgressRule {
    pub(super) fn current(self) -> Current {
        Current {
            name: self.name,
            action: self.action,
            peers: self.to.into_iter().map(AnpPeer::current).collect(),
            ports: self.ports,
        }
    }
}

fn read(
    reader: &Reader<'_>,
    tree: &Tree<'_>,
    kind: &Kind,
    tier: Tier,
) -> Option<Box<dyn ClusterFacts>> {
    let wire = decode::<Wire>(reader, tree)?;
    let spec = wire.spec;
    let root = Path::Root;
    let path = root.key("spec");
    let ingress: Vec<Current> = spec.ingress.into_iter().map(IngressRule::current).collect();
    let egress: Vec<Current> = spec.egress.into_iter().map(EgressRule::current).collect();
    let is_baseline = tier == Tier::Baseline;
    let limits = Limits {
        actions: if is_baseline {
            &["Allow", "Deny"]
        } else {
            LIMITS.actions
        },
        ..LIMITS
    };
    let rules = [
        (
            "ingress",
            ingress.iter().map(|rule| parts(rule, "from")).collect(),
        ),
        (
            "egress",
            egress.iter().map(|rule| parts(rule, "to")).collect(),
        ),
    ];
    let priority = (!is_baseline).then_some(spec.priority);
    check(reader, &limits, priority, spec.subject.as_ref(), rules);
    for (key, rules) in [("ingress", &ingress), ("egress", &egress)] {
        let list = path.key(key);
        for (index, rule) in rules.iter().enumerate() {
            let rule_path = list.index(index);
            let ports_path = rule_path.key("ports");
            for (index, port) in rule.ports.iter().flatten().enumerate() {
                check_port(reader, &ports_path.index(index), port);
            }
        }
    }
    let name = wire.metadata.name.unwrap_or_default();
    if is_baseline && name != "default" {
        let detail = "Only one baseline admin network policy with metadata.name=\"default\" can be \
                      created in the cluster";
        let metadata = root.key("metadata");
        reader.cause_as(
            "NP076",
            &metadata.key("name"),
            &invalid("\"object\"", detail),
            Some("write `name: default`".to_owned()),
        );
    }
    if reader.is_rejected() {
        return None;
    }
    Some(Box::new(Facts {
        kind: kind.kind,
        tier,
        priority: match is_baseline {
            true => 0,
            false => u32::try_from(spec.priority?).ok()?,
        },
        subject: spec.subject?.facts(),
        ingress: ingress.into_iter().map(|rule| facts(rule, true)).collect(),
        egress: egress.into_iter().map(|rule| facts(rule, false)).collect(),
    }))
}

fn parts<'a>(rule: &'a Current, peers_key: &'static str) -> RuleParts<'a> {
    let is_named = |port: &PortWire| port.named_port.is_some();
    RuleParts {
        name: rule.name.as_deref(),
        action: &rule.action,
        peers_key,
        peers: &rule.peers,
        ports_key: "ports",
        n_ports: rule.ports.as_ref().map(Vec::len),
        has_named_port: rule.ports.iter().flatten().any(is_named),
    }
}

fn check_port(reader: &Reader<'_>, path: &Path<'_>, port: &PortWire) {
    let there = [
        port.port_number.is_some(),
        port.port_range.is_some(),
        port.named_port.is_some(),
    ];
    match there.into_iter().filter(|is_there| *is_there).count() {
        0 => too_few(reader, path, "properties"),
        1 => {}
        n => too_many(reader, path, n, 1),
    }
    let check_protocol = |path: &Path<'_>, protocol: Option<&String>| {
        if let Some(name) = protocol
            && Protocol::from_name(name).is_none()
        {
            let body = unsupported(name, &["SCTP", "TCP", "UDP"]);
            reader.cause(&path.key("protocol"), &body, None);
        }
    };
    if let Some(number) = &port.port_number {
        let path = path.key("portNumber");
        check_protocol(&path, number.protocol.as_ref());
        check_port_number(reader, &path.key("port"), number.port);
    }
    if let Some(range) = &port.port_range {
        let path = path.key("portRange");
        check_protocol(&path, range.protocol.as_ref());
        check_port_number(reader, &path.key("start"), range.start);
        check_port_number(reader, &path.key("end"), range.end);
        if range.start > range.end {
            let detail = "Start port must be less than End port";
            reader.cause(&path, &invalid("\"object\"", detail), None);
        }
    }
    if let Some(name) = &port.named_port {
        check_port_name(reader, &path.key("namedPort"), name);
    }
}

fn facts(rule: Current, is_ingress: bool) -> RuleFacts {
    RuleFacts {
        action: match rule.action.as_str() {
            "Allow" => Action::Accept,
            "Pass" => Action::Pass,
            _ => Action::Deny,
        },
        peers: rule
            .peers
            .into_iter()
            .map(|peer| peer.facts(is_ingress))
            .collect(),
        ports: rule.ports.map(|ports| {
            let each = ports.into_iter().filter_map(port);
            ("ports", each.collect())
        }),
    }
}

fn port(wire: PortWire) -> Option<PortFacts> {
    let protocol = |name: Option<String>| match name {
        None => Some(Protocol::Tcp),
        Some(name) => Protocol::from_name(&name),
    };
    if let Some(number) = wire.port_number {
        port_range(protocol(number.protocol)?, number.port, number.port)
    } else if let Some(range) = wire.port_range {
        port_range(protocol(range.protocol)?, range.start, range.end)
    } else {
        wire.named_port.map(PortFacts::Named)
    }
}
