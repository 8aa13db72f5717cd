//! The map as CSV (RFC 4180), one record for each pair: streamed, for spreadsheets and
//! databases.

use super::json::cidr_texts;
use super::{Map, MapFormat};
use crate::model::{Cluster, TrafficSet};
use crate::question::list::{Connection, Peer, for_each_connection};
use std::io::{self, BufWriter, Write};

/// The registration.
pub(super) const FORMAT: MapFormat = MapFormat {
    name: "csv",
    summary: "one record for each pair, with a header",
    render,
};

const HEADER: &str = "src_kind,src_namespace,src_name,src_workload_kind,src_cidrs,\
                      dst_kind,dst_namespace,dst_name,dst_workload_kind,dst_cidrs,\
                      allow,unknown,family,partial";

fn render(map: &Map<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    write!(out, "{HEADER}\r\n")?;
    let peers = Peers::new(map.question.cluster);
    for_each_connection(&map.question, |connection| {
        record(&peers, &connection, &mut out)
    })?;
    out.flush()
}

fn record(peers: &Peers, connection: &Connection, out: &mut dyn Write) -> io::Result<()> {
    peers.write(&connection.source, out)?;
    out.write_all(b",")?;
    peers.write(&connection.destination, out)?;
    for traffic in [&connection.allowed, &connection.unknown] {
        out.write_all(b",")?;
        out.write_all(field(&traffic_field(traffic)).as_bytes())?;
    }
    let family = connection.family.map_or("", |family| family.name());
    write!(out, ",{family},{}\r\n", connection.partial)
}

/// `TCP 80,8000-8090; UDP 53`; nothing for no traffic, and no word for all of it, so that
/// every value reads alike.
fn traffic_field(traffic: &TrafficSet) -> String {
    let items = super::json::traffic_items(traffic).into_iter();
    let texts: Vec<String> = items
        .map(|(protocol, ports)| format!("{protocol} {ports}"))
        .collect();
    texts.join("; ")
}

/// The five fields of every workload as text.
struct Peers(Vec<String>);

impl Peers {
    fn new(cluster: &Cluster) -> Peers {
        let workloads = cluster.workloads.iter().map(|workload| {
            format!(
                "workload,{},{},{},",
                field(cluster.namespace_name(workload.namespace)),
                field(&workload.name),
                field(&workload.kind.0)
            )
        });
        Peers(workloads.collect())
    }

    fn write(&self, peer: &Peer, out: &mut dyn Write) -> io::Result<()> {
        match peer {
            Peer::Workload(id) => {
                let index = usize::try_from(id.0).unwrap_or(usize::MAX);
                let text = self.0.get(index).map_or(",,,,", String::as_str);
                out.write_all(text.as_bytes())
            }
            Peer::External(addresses) => {
                write!(out, "external,,,,{}", cidr_texts(addresses).join(" "))
            }
            Peer::IngressController => out.write_all(b"ingress-controller,,,,"),
        }
    }
}

/// A field, in quotes when RFC 4180 (section 2, rules 6 and 7) wants them.
fn field(text: &str) -> String {
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
