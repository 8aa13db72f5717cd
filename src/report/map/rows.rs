//! The map as a sheet for people: a headline, what is worth knowing first, rows, and notes.

use super::graph::{Edge, Grain, Graph, is_asked_about, n_pairs_asked_about};
use super::names::{self, Names};
use super::{Map, explained, overview};
use crate::model::{AddressSet, Cluster, Direction, PodId, WorkloadId, domain_patterns};
use crate::question::list::{GroupedConnection, GroupedPeer, Question, WorkloadSet, grouped};
use crate::question::ties::ties;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many rows about workloads are still readable.
const MAX_ROWS: usize = 60;

/// What a table shows.
pub(super) struct Sheet {
    /// The answer in one line.
    pub(super) headline: String,
    /// What a reader should know before the rows.
    pub(super) remarks: Vec<String>,
    /// The column titles.
    pub(super) header: &'static [&'static str],
    /// The rows.
    pub(super) rows: Vec<SheetRow>,
    /// What a reader should know after the rows.
    pub(super) notes: Vec<String>,
}

/// A row of a sheet.
pub(super) struct SheetRow {
    /// One text for each column. The last is the traffic.
    pub(super) cells: Vec<String>,
    /// Whether some of the traffic is unknown.
    pub(super) has_unknown: bool,
}

/// The sheet of a map. A list of names takes about `budget` characters.
pub(super) fn sheet(map: &Map<'_>, budget: usize) -> Sheet {
    let question = &map.question;
    let names = Names::new(question.cluster);
    let connections = grouped(question);
    let graph = Graph::new(question, &connections, Grain::Workloads);
    let mut remarks = remarks(question, &names, &graph, budget);
    let rows = combine(&connections);
    let explanations = explanations(map.question.cluster, &rows);
    let filter = question.filter;
    // Who asks for a part has been told that there is more, and gets all of it.
    let is_narrowed =
        !filter.namespaces.is_empty() || !filter.workloads.is_empty() || filter.between.is_some();
    let too_many = rows.len() > MAX_ROWS && !is_narrowed && names.n_namespaces() > 1;
    let (header, sheet_rows) = if too_many {
        remarks.push(format!(
            "{} rows about workloads are too many to read, so these are about namespaces; \
             for more use `-n NAMESPACE`, `--between` or `-o json`",
            number(rows.len())
        ));
        overview::rows(question.cluster, &names, &graph, budget)
    } else if map.options.explain {
        explained::rows(question, &names, budget)
    } else {
        let rows = rows.iter().map(|(from, to, edge)| SheetRow {
            cells: vec![
                names.peer(from, budget),
                names.peer(to, budget),
                edge.label(),
            ],
            has_unknown: edge.has_unknown(),
        });
        (&["FROM", "TO", "ALLOWED"][..], rows.collect())
    };
    Sheet {
        headline: headline(question, &names, &graph),
        remarks,
        header,
        rows: sheet_rows,
        notes: explanations.into_iter().chain(super::notes(map)).collect(),
    }
}

fn headline(question: &Question<'_>, names: &Names<'_>, graph: &Graph<'_>) -> String {
    let cluster = question.cluster;
    let (mut n_allowed, mut n_unknown) = (0usize, 0usize);
    for (&(source, destination), edge) in &graph.edges {
        if graph.members(source).is_empty() || graph.members(destination).is_empty() {
            continue;
        }
        let n_pairs = graph.n_pairs(source, destination);
        if edge.is_allowed() {
            n_allowed += n_pairs;
        } else if edge.has_unknown() {
            n_unknown += n_pairs;
        }
    }
    let n_all = n_pairs_asked_about(question);
    let n_workloads = cluster.workloads.len();
    let is_everything = n_all == n_workloads.saturating_mul(n_workloads.saturating_sub(1));
    let on = match &question.filter.traffic {
        Some(traffic) => format!(" on {}", names::traffic(traffic)),
        None => String::new(),
    };
    let unknown = match n_unknown {
        0 => String::new(),
        _ => format!(", {} perhaps", number(n_unknown)),
    };
    format!(
        "{} in {}, {}: {} of {} {}can talk{on}{unknown}",
        counted(n_workloads, "workload", "workloads"),
        counted(names.n_namespaces(), "namespace", "namespaces"),
        counted(cluster.policies.len(), "policy", "policies"),
        number(n_allowed),
        counted(n_all, "pair", "pairs"),
        if is_everything { "" } else { "asked about " },
    )
}

/// `1 pair`, `12,345 pairs`.
pub(super) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// A number with its thousands apart.
pub(super) fn number(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Who is limited by no policy, and who has no connections at all.
fn remarks(
    question: &Question<'_>,
    names: &Names<'_>,
    graph: &Graph<'_>,
    budget: usize,
) -> Vec<String> {
    let mut remarks = Vec::new();
    if question.cluster.workloads.is_empty() {
        return remarks;
    }
    for (direction, words) in [
        (Direction::Ingress, "no policy limits ingress to"),
        (Direction::Egress, "no policy limits egress from"),
    ] {
        let open = not_selected(question, direction);
        if !open.members.is_empty() {
            remarks.push(format!("{words}: {}", names.set(&open, budget)));
        }
    }
    let mut connected = vec![false; graph.nodes.len()];
    for node in graph.edges.keys().flat_map(|&(from, to)| [from, to]) {
        if let Some(slot) = connected.get_mut(node) {
            *slot = true;
        }
    }
    let alone = (0..graph.nodes.len()).filter(|&node| connected.get(node) == Some(&false));
    let alone = WorkloadSet {
        members: alone
            .flat_map(|node| graph.members(node).iter().cloned())
            .collect(),
    };
    if !alone.members.is_empty() {
        let on = match &question.filter.traffic {
            Some(_) => "no such connection",
            None => "no connection at all",
        };
        remarks.push(format!("{on}: {}", names.set(&alone, budget)));
    }
    remarks
}

/// The workloads, among those asked about, whose pods no policy selects in a direction.
fn not_selected(question: &Question<'_>, direction: Direction) -> WorkloadSet {
    let reach = question.reach;
    let mut members: BTreeMap<WorkloadId, Vec<PodId>> = BTreeMap::new();
    for (id, pod) in question.cluster.pods_with_ids() {
        let is_selected = reach
            .group_of(id)
            .map(|group| reach.table(reach.profile(group, direction), direction))
            .is_none_or(|table| !table.policies.is_empty());
        if !is_selected && is_asked_about(question, pod.workload) {
            members.entry(pod.workload).or_default().push(id);
        }
    }
    whole_where_all(question.cluster, &mut members);
    WorkloadSet { members }
}

fn whole_where_all(cluster: &Cluster, members: &mut BTreeMap<WorkloadId, Vec<PodId>>) {
    for (&id, pods) in members {
        if cluster.pods_of(id).count() == pods.len() {
            pods.clear();
        }
    }
}

type CombinedRow<'a> = (&'a GroupedPeer, &'a GroupedPeer, Edge);

/// One row for each pair of ends, sources together: first who comes from outside, then the
/// larger sets.
fn combine(connections: &[GroupedConnection]) -> Vec<CombinedRow<'_>> {
    let mut by_ends: BTreeMap<(&GroupedPeer, &GroupedPeer), Edge> = BTreeMap::new();
    for connection in connections {
        let ends = (&connection.sources, &connection.destinations);
        by_ends.entry(ends).or_default().add_grouped(connection);
    }
    let mut rows: Vec<CombinedRow<'_>> = by_ends
        .into_iter()
        .map(|((from, to), edge)| (from, to, edge))
        .collect();
    rows.sort_by_key(|(from, to, _)| (weight(from), *from, weight(to), *to));
    rows
}

fn weight(peer: &GroupedPeer) -> (u8, Reverse<usize>) {
    match peer {
        GroupedPeer::External(addresses) if *addresses == AddressSet::full() => (0, Reverse(0)),
        GroupedPeer::External(_) => (1, Reverse(0)),
        GroupedPeer::IngressController => (2, Reverse(0)),
        GroupedPeer::Workloads(set) => (3, Reverse(set.members.len())),
    }
}

/// What the question marks mean, if there are any.
fn explanations(cluster: &Cluster, rows: &[CombinedRow<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let has_unknown = |from_controller: bool| {
        rows.iter().any(|(from, _, edge)| {
            let of_controller = **from == GroupedPeer::IngressController;
            of_controller == from_controller && edge.has_unknown()
        })
    };
    if has_unknown(false) {
        let reasons = [
            (
                !cluster.pod_cidrs.is_empty(),
                "the addresses that pods will get",
            ),
            (
                !ties(cluster).is_empty(),
                "which of two policies of the same priority wins",
            ),
        ];
        let has_names = !domain_patterns(cluster).is_empty();
        let by_name = (has_names, "which addresses the names of rules stand for");
        let reasons = reasons
            .into_iter()
            .chain([by_name])
            .filter(|(is_so, _)| *is_so);
        let reasons: Vec<&str> = reasons.map(|(_, reason)| reason).collect();
        notes.push(format!("? depends on {}", reasons.join(", or ")));
    }
    if has_unknown(true) {
        notes.push(
            "? from the ingress controller depends on its labels and address, which the input \
             does not have: name it with `--ingress-controller NAMESPACE/SELECTOR`"
                .to_owned(),
        );
    }
    notes
}
