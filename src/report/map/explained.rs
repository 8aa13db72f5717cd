//! Rows that name the policies which let a connection through: one for each pair, as the
//! policies differ even where the traffic does not.

use super::graph::Edge;
use super::names::Names;
use super::rows::SheetRow;
use crate::model::{Cluster, PolicyId, Verdict};
use crate::question::explain::deciding;
use crate::question::list::{
    Connection, GroupedPeer, Peer, Question, WorkloadSet, for_each_connection,
};
use crate::report::words::policy_name;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// How many rows are shown. The rest is counted.
const MAX_ROWS: usize = 200;

/// The rows and their column titles.
pub(super) fn rows(
    question: &Question<'_>,
    names: &Names<'_>,
    budget: usize,
) -> (&'static [&'static str], Vec<SheetRow>) {
    let mut rows = Vec::new();
    let mut n_hidden = 0usize;
    let done = for_each_connection(question, |connection| {
        if rows.len() < MAX_ROWS {
            rows.push(row(question.cluster, names, &connection, budget));
        } else {
            n_hidden += 1;
        }
        Ok::<(), Infallible>(())
    });
    match done {
        Ok(()) => {}
        Err(never) => match never {},
    }
    if n_hidden > 0 {
        rows.push(SheetRow {
            cells: vec![
                format!("+{n_hidden} more rows"),
                "all of them with `-o json`".to_owned(),
                String::new(),
            ],
            has_unknown: false,
        });
    }
    (&["FROM", "TO", "ALLOWED"], rows)
}

fn row(cluster: &Cluster, names: &Names<'_>, connection: &Connection, budget: usize) -> SheetRow {
    let mut edge = Edge::default();
    edge.add(&connection.allowed, connection.family, Verdict::Allowed);
    edge.add(&connection.unknown, connection.family, Verdict::Unknown);
    let partial = if connection.partial {
        " (some pods)"
    } else {
        ""
    };
    let mut to = vec![names.peer(&as_grouped(&connection.destination), budget)];
    to.extend(by(cluster, connection));
    SheetRow {
        cells: vec![
            names.peer(&as_grouped(&connection.source), budget),
            to.join("\n  "),
            format!("{}{partial}", edge.label()),
        ],
        has_unknown: edge.has_unknown(),
    }
}

fn as_grouped(peer: &Peer) -> GroupedPeer {
    match peer {
        Peer::Workload(id) => GroupedPeer::Workloads(WorkloadSet {
            members: BTreeMap::from([(*id, Vec::new())]),
        }),
        Peer::External(addresses) => GroupedPeer::External(addresses.clone()),
        Peer::IngressController => GroupedPeer::IngressController,
    }
}

/// One line for each end that is a workload, as only those have policies.
fn by(cluster: &Cluster, connection: &Connection) -> Vec<String> {
    let deciding = deciding(cluster, connection);
    let sides = [
        ("egress", &connection.source, &deciding.egress),
        ("ingress", &connection.destination, &deciding.ingress),
    ];
    let of_workloads = sides
        .iter()
        .filter(|(_, peer, _)| matches!(peer, Peer::Workload(_)));
    of_workloads
        .map(|(direction, _, policies)| match policies.as_slice() {
            [] => format!("{direction}: no policy needed"),
            _ => format!("{direction}: {}", names_of(cluster, policies)),
        })
        .collect()
}

/// The names of policies. The kind goes without saying for the kind that most have.
fn names_of(cluster: &Cluster, policies: &[PolicyId]) -> String {
    let names = policies.iter().map(|&id| {
        let name = policy_name(cluster, id);
        match name.strip_prefix("NetworkPolicy ") {
            Some(bare) => bare.to_owned(),
            None => name,
        }
    });
    names.collect::<Vec<String>>().join(", ")
}
