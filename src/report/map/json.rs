//! The map as JSON, one row for each pair: streamed, and never all in memory.

use super::{Map, MapFormat, grouped};
use crate::model::{AddressSet, Cluster, PortSet, Protocol, TrafficSet, WorkloadId};
use crate::question::explain::deciding;
use crate::question::list::{Connection, Peer, for_each_connection};
use crate::report::words::policy_name;
use serde_json::json;
use std::collections::HashMap;
use std::hash::Hash;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: MapFormat = MapFormat {
    name: "json",
    summary: "one row for each pair, or with --grouped sets and their connections",
    render,
};

/// How much is gathered before it is written.
const BLOCK_BYTES: usize = 1 << 16;

/// How many different traffic or address sets are kept as text.
const MAX_CACHED: usize = 1 << 12;

fn render(map: &Map<'_>, out: &mut dyn Write) -> io::Result<()> {
    if map.options.grouped {
        return grouped::render(map, out);
    }
    out.write_all(b"{\"version\":1,\"connections\":[")?;
    let mut rows = Rows::new(map.question.cluster);
    let mut block = Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 8);
    let mut separator = "\n";
    for_each_connection(&map.question, |connection| {
        block.extend_from_slice(separator.as_bytes());
        separator = ",\n";
        rows.write(&connection, &mut block);
        if map.options.explain {
            // The row's closing brace gives way to two more members.
            block.pop();
            block.extend_from_slice(policies(map.question.cluster, &connection).as_bytes());
        }
        if block.len() >= BLOCK_BYTES {
            out.write_all(&block)?;
            block.clear();
        }
        io::Result::Ok(())
    })?;
    out.write_all(&block)?;
    write!(out, "\n],{}}}\n", tail(map))
}

/// The members that name the policies which let a connection through, and the brace that ends
/// its row.
fn policies(cluster: &Cluster, connection: &Connection) -> String {
    let deciding = deciding(cluster, connection);
    let [egress, ingress] = [&deciding.egress, &deciding.ingress].map(|ids| {
        let names = ids.iter().map(|&id| policy_name(cluster, id));
        json!(names.collect::<Vec<String>>())
    });
    format!(",\"egressPolicies\":{egress},\"ingressPolicies\":{ingress}}}")
}

/// The members `assumptions` and `notAnalysed`, which every shape ends with.
pub(super) fn tail(map: &Map<'_>) -> String {
    let kinds: Vec<serde_json::Value> = map
        .question
        .cluster
        .not_analysed
        .iter()
        .map(|kind| {
            json!({
                "apiVersion": kind.api_version,
                "kind": kind.kind,
                "count": kind.count,
                "first": (map.locate)(&kind.first),
            })
        })
        .collect();
    format!(
        "\"assumptions\":{},\"notAnalysed\":{}",
        json!(map.assumptions),
        json!(kinds)
    )
}

/// Writes rows. What repeats is turned into text once.
struct Rows {
    workloads: Vec<Box<[u8]>>,
    traffic: Texts<TrafficSet>,
    outside: Texts<AddressSet>,
}

impl Rows {
    fn new(cluster: &Cluster) -> Rows {
        let workloads = cluster.workloads.iter().map(|workload| {
            let peer = json!({
                "kind": "workload",
                "namespace": cluster.namespace_name(workload.namespace),
                "name": workload.name,
                "workloadKind": workload.kind.0,
            });
            peer.to_string().into_bytes().into_boxed_slice()
        });
        Rows {
            workloads: workloads.collect(),
            traffic: Texts::default(),
            outside: Texts::default(),
        }
    }

    fn write(&mut self, connection: &Connection, row: &mut Vec<u8>) {
        row.extend_from_slice(b"{\"src\":");
        self.peer(&connection.source, row);
        row.extend_from_slice(b",\"dst\":");
        self.peer(&connection.destination, row);
        row.extend_from_slice(b",\"allow\":");
        self.traffic.write(&connection.allowed, row, traffic_text);
        if !connection.unknown.is_none() {
            row.extend_from_slice(b",\"unknown\":");
            self.traffic.write(&connection.unknown, row, traffic_text);
        }
        if let Some(family) = connection.family {
            row.extend_from_slice(b",\"family\":\"");
            row.extend_from_slice(family.name().as_bytes());
            row.push(b'"');
        }
        if connection.partial {
            row.extend_from_slice(b",\"partial\":true");
        }
        row.push(b'}');
    }

    fn peer(&mut self, peer: &Peer, row: &mut Vec<u8>) {
        match peer {
            Peer::Workload(WorkloadId(id)) => {
                let index = usize::try_from(*id).unwrap_or(usize::MAX);
                if let Some(text) = self.workloads.get(index) {
                    row.extend_from_slice(text);
                }
            }
            Peer::External(addresses) => self.outside.write(addresses, row, outside_text),
            Peer::IngressController => row.extend_from_slice(b"{\"kind\":\"ingress-controller\"}"),
        }
    }
}

/// Things with their text, up to [`MAX_CACHED`] of them.
pub(super) struct Texts<T>(HashMap<T, Box<[u8]>>);

impl<T> Default for Texts<T> {
    fn default() -> Self {
        Texts(HashMap::new())
    }
}

impl<T: Clone + Eq + Hash> Texts<T> {
    /// Appends the text of a thing, which is always made by the same function.
    pub(super) fn write(&mut self, thing: &T, row: &mut Vec<u8>, text: fn(&T) -> String) {
        if let Some(known) = self.0.get(thing) {
            row.extend_from_slice(known);
            return;
        }
        let text = text(thing).into_bytes().into_boxed_slice();
        row.extend_from_slice(&text);
        if self.0.len() >= MAX_CACHED {
            self.0.clear();
        }
        self.0.insert(thing.clone(), text);
    }
}

fn traffic_text(traffic: &TrafficSet) -> String {
    serde_json::Value::from_iter(
        traffic_items(traffic)
            .into_iter()
            .map(|(protocol, ports)| json!({"protocol": protocol.name(), "ports": ports})),
    )
    .to_string()
}

fn outside_text(addresses: &AddressSet) -> String {
    json!({"kind": "external", "cidrs": cidr_texts(addresses)}).to_string()
}

/// The CIDR blocks of a set as text.
pub(in crate::report) fn cidr_texts(addresses: &AddressSet) -> Vec<String> {
    addresses.cidrs().iter().map(ToString::to_string).collect()
}

/// Every protocol of a traffic set that has ports, with those ports as in `80,8000-8090`.
pub(in crate::report) fn traffic_items(traffic: &TrafficSet) -> Vec<(Protocol, String)> {
    let with_ports = Protocol::ALL.into_iter().filter_map(|protocol| {
        let ports = traffic.get(protocol);
        (!ports.is_empty()).then(|| (protocol, port_list(ports)))
    });
    with_ports.collect()
}

fn port_list(ports: &PortSet) -> String {
    let ranges = ports.ranges().iter().map(|&(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    });
    ranges.collect::<Vec<String>>().join(",")
}
