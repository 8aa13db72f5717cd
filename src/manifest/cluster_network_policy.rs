//! ClusterNetworkPolicy (`policy.networking.k8s.io/v1alpha2` and `v1beta1`, which mean the same).

use super::decode::decode;
use super::object::{ClusterFacts, Decode, Kind};
use super::path::Path;
use super::reader::Reader;
use super::tiered::{
    Facts, Limits, PeerWire, PortFacts, RuleFacts, RuleParts, SubjectWire, check, port_range,
    too_few, too_many,
};
use super::tree::Tree;
use super::validate::{
    NameRule, check_port_name, check_port_number, did_you_mean, invalid, required, unsupported,
};
use crate::model::{Action, Protocol, Tier};
use crate::source::Target;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::IgnoredAny;

pub(crate) const KIND: Kind = Kind {
    api_version: "policy.networking.k8s.io/v1alpha2",
    kind: "ClusterNetworkPolicy",
    name: NameRule::Subdomain,
    decode: Decode::ClusterWide(|reader, tree| read(reader, tree, &LIMITS)),
};

pub(crate) const BETA: Kind = Kind {
    api_version: "policy.networking.k8s.io/v1beta1",
    decode: Decode::ClusterWide(|reader, tree| {
        let limits = Limits {
            is_beta: true,
            ..LIMITS
        };
        read(reader, tree, &limits)
    }),
    ..KIND
};

const LIMITS: Limits = Limits {
    rules: 25,
    peers: 25,
    ports: 25,
    actions: &["Accept", "Deny", "Pass"],
    accept: "Accept",
    is_strict: true,
    is_beta: false,
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    #[serde(rename = "metadata")]
    _metadata: ObjectMeta,
    spec: Spec,
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    tier: String,
    priority: Option<i32>,
    subject: Option<SubjectWire>,
    ingress: Vec<IngressRule>,
    egress: Vec<EgressRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IngressRule {
    name: Option<String>,
    action: String,
    from: Vec<PeerWire>,
    protocols: Option<Vec<ProtocolWire>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct EgressRule {
    name: Option<String>,
    action: String,
    to: Vec<PeerWire>,
    protocols: Option<Vec<ProtocolWire>>,
}

/// One of these.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ProtocolWire {
    tcp: Option<PortsWire>,
    udp: Option<PortsWire>,
    sctp: Option<PortsWire>,
    destination_named_port: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PortsWire {
    destination_port: Option<DestinationPort>,
}

/// One of the two.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DestinationPort {
    number: Option<i32>,
    range: Option<Range>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Range {
    start: i32,
    end: i32,
}

fn read(reader: &Reader<'_>, tree: &Tree<'_>, limits: &Limits) -> Option<Box<dyn ClusterFacts>> {
    let spec = decode::<Wire>(reader, tree)?.spec;
    let root = Path::Root;
    let path = root.key("spec");
    let tier = match spec.tier.as_str() {
        "Admin" => Some(Tier::Admin),
        "Baseline" => Some(Tier::Baseline),
        "" => {
            let place = reader.place(&path, Target::Value);
            reader.cause_at(&path.key("tier"), place, &required(""), None);
            None
        }
        other => {
            let tiers = ["Admin", "Baseline"];
            let help = did_you_mean(other, &tiers);
            reader.cause(&path.key("tier"), &unsupported(other, &tiers), help);
            None
        }
    };
    let ingress = spec.ingress.iter();
    let ingress = ingress.map(|rule| {
        parts(
            &rule.name,
            &rule.action,
            ("from", &rule.from),
            &rule.protocols,
        )
    });
    let egress = spec.egress.iter();
    let egress =
        egress.map(|rule| parts(&rule.name, &rule.action, ("to", &rule.to), &rule.protocols));
    let rules = [("ingress", ingress.collect()), ("egress", egress.collect())];
    check(
        reader,
        limits,
        Some(spec.priority),
        spec.subject.as_ref(),
        rules,
    );
    let lists = [
        (
            "ingress",
            spec.ingress
                .iter()
                .map(|rule| &rule.protocols)
                .collect::<Vec<_>>(),
        ),
        (
            "egress",
            spec.egress.iter().map(|rule| &rule.protocols).collect(),
        ),
    ];
    for (key, rules) in lists {
        for (index, protocols) in rules.into_iter().enumerate() {
            let (list, nth) = (path.key(key), index);
            let rule = list.index(nth);
            let protocols_path = rule.key("protocols");
            for (index, protocol) in protocols.iter().flatten().enumerate() {
                check_protocol(reader, &protocols_path.index(index), protocol);
            }
        }
    }
    if reader.is_rejected() {
        return None;
    }
    Some(Box::new(Facts {
        kind: KIND.kind,
        tier: tier?,
        priority: u32::try_from(spec.priority?).ok()?,
        subject: spec.subject?.facts(),
        ingress: spec
            .ingress
            .into_iter()
            .map(|rule| facts(&rule.action, rule.from, rule.protocols, true))
            .collect(),
        egress: spec
            .egress
            .into_iter()
            .map(|rule| facts(&rule.action, rule.to, rule.protocols, false))
            .collect(),
    }))
}

fn parts<'a>(
    name: &'a Option<String>,
    action: &'a str,
    (peers_key, peers): (&'static str, &'a [PeerWire]),
    protocols: &Option<Vec<ProtocolWire>>,
) -> RuleParts<'a> {
    let is_named = |protocol: &ProtocolWire| protocol.destination_named_port.is_some();
    RuleParts {
        name: name.as_deref(),
        action,
        peers_key,
        peers,
        ports_key: "protocols",
        n_ports: protocols.as_ref().map(Vec::len),
        has_named_port: protocols.iter().flatten().any(is_named),
    }
}

fn check_protocol(reader: &Reader<'_>, path: &Path<'_>, protocol: &ProtocolWire) {
    let by_number = [
        ("tcp", &protocol.tcp),
        ("udp", &protocol.udp),
        ("sctp", &protocol.sctp),
    ];
    let n_there = by_number
        .iter()
        .filter(|(_, ports)| ports.is_some())
        .count()
        + usize::from(protocol.destination_named_port.is_some());
    match n_there {
        0 => too_few(reader, path, "properties"),
        1 => {}
        n => too_many(reader, path, n, 1),
    }
    if let Some(name) = &protocol.destination_named_port {
        check_port_name(reader, &path.key("destinationNamedPort"), name);
    }
    for (key, ports) in by_number {
        let Some(ports) = ports else {
            continue;
        };
        let path = path.key(key);
        let Some(port) = &ports.destination_port else {
            too_few(reader, &path, "properties");
            continue;
        };
        let path = path.key("destinationPort");
        match (&port.number, &port.range) {
            (None, None) => too_few(reader, &path, "properties"),
            (Some(_), Some(_)) => too_many(reader, &path, 2, 1),
            (Some(number), None) => check_port_number(reader, &path.key("number"), *number),
            (None, Some(range)) => {
                let path = path.key("range");
                check_port_number(reader, &path.key("start"), range.start);
                check_port_number(reader, &path.key("end"), range.end);
                if range.start >= range.end {
                    let detail = "Start port must be less than End port";
                    let help = (range.start == range.end)
                        .then(|| format!("write `number: {}`", range.start));
                    reader.cause(&path, &invalid("\"object\"", detail), help);
                }
            }
        }
    }
}

fn facts(
    action: &str,
    peers: Vec<PeerWire>,
    protocols: Option<Vec<ProtocolWire>>,
    is_ingress: bool,
) -> RuleFacts {
    RuleFacts {
        action: match action {
            "Accept" => Action::Accept,
            "Pass" => Action::Pass,
            _ => Action::Deny,
        },
        peers: peers
            .into_iter()
            .map(|peer| peer.facts(is_ingress))
            .collect(),
        ports: protocols.map(|protocols| {
            let each = protocols.into_iter().filter_map(port);
            ("protocols", each.collect())
        }),
    }
}

fn port(wire: ProtocolWire) -> Option<PortFacts> {
    if let Some(name) = wire.destination_named_port {
        return Some(PortFacts::Named(name));
    }
    let (protocol, ports) = match (wire.tcp, wire.udp, wire.sctp) {
        (Some(ports), _, _) => (Protocol::Tcp, ports),
        (_, Some(ports), _) => (Protocol::Udp, ports),
        (_, _, ports) => (Protocol::Sctp, ports?),
    };
    let port = ports.destination_port?;
    match (port.number, port.range) {
        (Some(number), _) => port_range(protocol, number, number),
        (None, range) => {
            let range = range?;
            port_range(protocol, range.start, range.end)
        }
    }
}
