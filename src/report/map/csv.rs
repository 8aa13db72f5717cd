//! The map as CSV (RFC 4180), one record for each pair: streamed, for spreadsheets and
//! databases.

use super::json::{Texts, cidr_texts, traffic_items};
use super::{Map, MapFormat};
use crate::model::{AddressSet, Cluster, PolicyId, TrafficSet};
use crate::question::explain::deciding;
use crate::question::list::{Connection, Peer, for_each_connection};
use crate::report::words::policy_name;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: MapFormat = MapFormat {
    name: "csv",
    summary: "one record for each pair, with a header",
    render,
};

const HEADER: &str = "src_kind,src_namespace,src_name,src_workload_kind,src_cidrs,\
                      dst_kind,dst_namespace,dst_name,dst_workload_kind,dst_cidrs,\
                      allow,unknown,family,partial";

/// More columns with `--explain`.
const EXPLAIN_HEADER: &str = ",egress_policies,ingress_policies";

/// How much is gathered before it is written.
const BLOCK_BYTES: usize = 1 << 16;

fn render(map: &Map<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cluster = map.question.cluster;
    let mut block = Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 8);
    block.extend_from_slice(HEADER.as_bytes());
    if map.options.explain {
        block.extend_from_slice(EXPLAIN_HEADER.as_bytes());
    }
    block.extend_from_slice(END);
    let mut records = Records::new(cluster);
    for_each_connection(&map.question, |connection| {
        records.write(&connection, &mut block);
        if map.options.explain {
            let deciding = deciding(cluster, &connection);
            for policies in [&deciding.egress, &deciding.ingress] {
                block.push(b',');
                block.extend_from_slice(policies_field(cluster, policies).as_bytes());
            }
        }
        block.extend_from_slice(END);
        if block.len() >= BLOCK_BYTES {
            out.write_all(&block)?;
            block.clear();
        }
        io::Result::Ok(())
    })?;
    out.write_all(&block)
}

/// What ends a record (RFC 4180, section 2, rule 1).
const END: &[u8] = b"\r\n";

/// Writes records. What repeats is turned into text once.
struct Records {
    workloads: Vec<Box<[u8]>>,
    traffic: Texts<TrafficSet>,
    outside: Texts<AddressSet>,
}

impl Records {
    fn new(cluster: &Cluster) -> Records {
        let workloads = cluster.workloads.iter().map(|workload| {
            let fields = format!(
                "workload,{},{},{},",
                field(cluster.namespace_name(workload.namespace)),
                field(&workload.name),
                field(&workload.kind.0)
            );
            fields.into_bytes().into_boxed_slice()
        });
        Records {
            workloads: workloads.collect(),
            traffic: Texts::default(),
            outside: Texts::default(),
        }
    }

    fn write(&mut self, connection: &Connection, record: &mut Vec<u8>) {
        self.peer(&connection.source, record);
        record.push(b',');
        self.peer(&connection.destination, record);
        for traffic in [&connection.allowed, &connection.unknown] {
            record.push(b',');
            self.traffic.write(traffic, record, traffic_field);
        }
        record.push(b',');
        let family = connection.family.map_or("", |family| family.name());
        record.extend_from_slice(family.as_bytes());
        let partial: &[u8] = match connection.partial {
            true => b",true",
            false => b",false",
        };
        record.extend_from_slice(partial);
    }

    fn peer(&mut self, peer: &Peer, record: &mut Vec<u8>) {
        match peer {
            Peer::Workload(id) => {
                let index = usize::try_from(id.0).unwrap_or(usize::MAX);
                if let Some(text) = self.workloads.get(index) {
                    record.extend_from_slice(text);
                }
            }
            Peer::External(addresses) => {
                record.extend_from_slice(b"external,,,,");
                self.outside.write(addresses, record, outside_field);
            }
            Peer::IngressController => record.extend_from_slice(b"ingress-controller,,,,"),
        }
    }
}

/// `TCP 80,8000-8090; UDP 53`. No traffic is an empty field, and all of it has no word of its
/// own, so that every field reads alike.
fn traffic_field(traffic: &TrafficSet) -> String {
    let items = traffic_items(traffic).into_iter();
    let texts: Vec<String> = items
        .map(|(protocol, ports)| format!("{protocol} {ports}"))
        .collect();
    field(&texts.join("; "))
}

fn outside_field(addresses: &AddressSet) -> String {
    cidr_texts(addresses).join(" ")
}

fn policies_field(cluster: &Cluster, policies: &[PolicyId]) -> String {
    let names = policies.iter().map(|&id| policy_name(cluster, id));
    field(&names.collect::<Vec<String>>().join("; "))
}

/// A field, in quotes when RFC 4180 (section 2, rules 6 and 7) wants them.
pub(in crate::report) fn field(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4180_quotes_what_needs_it() {
        for (text, expected) in [
            ("web", "web"),
            ("TCP 80,443", "\"TCP 80,443\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            ("", ""),
        ] {
            assert_eq!(field(text), expected);
        }
    }
}
