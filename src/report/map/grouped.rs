//! The map as JSON in factored form: as large as the policies are different, not as the
//! cluster is large.

use super::json::{cidr_texts, tail, traffic_items};
use super::schema::{
    ControllerKind, End, Family, GroupedConnection, Member, Protocol, Traffic, VERSION, Verdict,
    Workload,
};
use super::{Map, names};
use crate::model;
use crate::question::list::{self, GroupedPeer, WorkloadSet};
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Write};

pub(super) fn render(map: &Map<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cluster = map.question.cluster;
    let connections = list::grouped(&map.question);
    let sets = Sets::of(&connections);
    let mut out = io::BufWriter::new(out);
    write!(out, "{{\"version\":{VERSION},\"workloads\":[")?;
    let workloads = cluster.workloads.iter().map(|workload| Workload {
        namespace: cluster.namespace_name(workload.namespace).to_owned(),
        name: workload.name.clone(),
        workload_kind: workload.kind.0.clone(),
    });
    items(&mut out, workloads)?;
    out.write_all(b"],\"sets\":[")?;
    let members = sets.in_order.iter().map(|set| -> Vec<Member> {
        let members = set.members.iter();
        members
            .map(|(id, pods)| member(cluster, id.0, pods))
            .collect()
    });
    items(&mut out, members)?;
    out.write_all(b"],\"connections\":[")?;
    let rows = connections.iter().filter_map(|connection| {
        let verdict = match connection.verdict {
            model::Verdict::Allowed => Verdict::Allowed,
            model::Verdict::Unknown => Verdict::Unknown,
            model::Verdict::Denied => return None,
        };
        Some(GroupedConnection {
            src: sets.end(&connection.sources),
            dst: sets.end(&connection.destinations),
            allow: traffic(&connection.traffic),
            verdict,
            family: connection.family.map(|family| match family {
                model::Family::V4 => Family::V4,
                model::Family::V6 => Family::V6,
            }),
        })
    });
    items(&mut out, rows)?;
    writeln!(out, "],{}}}", tail(map))?;
    out.flush()
}

/// Writes the items of an array, one a line.
fn items<T: Serialize>(out: &mut dyn Write, items: impl Iterator<Item = T>) -> io::Result<()> {
    let mut separator = "\n";
    for item in items {
        out.write_all(separator.as_bytes())?;
        separator = ",\n";
        serde_json::to_writer(&mut *out, &item)?;
    }
    out.write_all(b"\n")
}

fn member(cluster: &model::Cluster, workload: u32, pods: &[model::PodId]) -> Member {
    if pods.is_empty() {
        return Member::Whole(workload);
    }
    let names = pods.iter().map(|&pod| names::pod(cluster, pod).to_owned());
    Member::Some {
        workload,
        pods: names.collect(),
    }
}

fn traffic(set: &model::TrafficSet) -> Vec<Traffic> {
    let items = traffic_items(set).into_iter();
    items
        .map(|(protocol, ports)| Traffic {
            protocol: match protocol {
                model::Protocol::Tcp => Protocol::Tcp,
                model::Protocol::Udp => Protocol::Udp,
                model::Protocol::Sctp => Protocol::Sctp,
            },
            ports,
        })
        .collect()
}

/// The distinct sets, numbered in order of first use.
struct Sets<'a> {
    in_order: Vec<&'a WorkloadSet>,
    numbers: HashMap<&'a WorkloadSet, u32>,
}

impl<'a> Sets<'a> {
    fn of(connections: &'a [list::GroupedConnection]) -> Sets<'a> {
        let mut sets = Sets {
            in_order: Vec::new(),
            numbers: HashMap::new(),
        };
        for connection in connections {
            for peer in [&connection.sources, &connection.destinations] {
                if let GroupedPeer::Workloads(set) = peer {
                    let next = u32::try_from(sets.in_order.len()).unwrap_or(u32::MAX);
                    sets.numbers.entry(set).or_insert_with(|| {
                        sets.in_order.push(set);
                        next
                    });
                }
            }
        }
        sets
    }

    fn end(&self, peer: &GroupedPeer) -> End {
        match peer {
            GroupedPeer::Workloads(set) => End::Set {
                // Every set was numbered beforehand.
                set: self.numbers.get(set).copied().unwrap_or(u32::MAX),
            },
            GroupedPeer::External(addresses) => End::External {
                cidrs: cidr_texts(addresses),
            },
            GroupedPeer::IngressController => End::Controller {
                kind: ControllerKind::IngressController,
            },
        }
    }
}
