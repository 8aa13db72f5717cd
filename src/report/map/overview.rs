//! The map by namespace, for clusters whose rows about workloads are too many to read.

use super::graph::{Graph, Node};
use super::names::{self, Names};
use super::rows::{SheetRow, number};
use crate::model::{AddressSet, Cluster, NamespaceId};
use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// How many rows are shown. The rest is counted.
const MAX_ROWS: usize = 60;

/// One end of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Anywhere,
    SomeAddresses,
    IngressController,
    Namespace(NamespaceId),
}

/// What is said of the connections between two places.
struct Cell {
    /// Pairs of nodes, those that are no workloads as `None`.
    nodes: BTreeSet<(Option<usize>, Option<usize>)>,
    /// The traffic of all of them, while they agree.
    traffic: Option<String>,
    has_unknown: bool,
}

/// Row contents before they are put into words.
struct Merged {
    sources: BTreeSet<Place>,
    /// Empty when it is each source itself.
    destinations: BTreeSet<Place>,
    n_connected: usize,
    n_all: usize,
    traffic: Option<String>,
    has_unknown: bool,
}

/// The rows and their column titles.
pub(super) fn rows(
    cluster: &Cluster,
    names: &Names<'_>,
    graph: &Graph<'_>,
    budget: usize,
) -> (&'static [&'static str], Vec<SheetRow>) {
    let mut merged = merge(single_rows(names, graph, cells(graph)));
    merged.sort_by_key(|row| {
        let first = row.sources.first().copied();
        let is_namespace = matches!(first, Some(Place::Namespace(_)));
        (
            is_namespace,
            Reverse(row.n_connected),
            first,
            row.destinations.clone(),
        )
    });
    let n_hidden = merged.len().saturating_sub(MAX_ROWS);
    let hidden = merged.split_off(merged.len().min(MAX_ROWS));
    let place_list = |places: &BTreeSet<Place>| {
        let texts = places.iter().map(|place| match place {
            Place::Anywhere => "anywhere outside".to_owned(),
            Place::SomeAddresses => "addresses outside".to_owned(),
            Place::IngressController => "ingress controller".to_owned(),
            Place::Namespace(id) => cluster.namespace_name(*id).to_owned(),
        });
        names::list(texts, budget)
    };
    let mut rows: Vec<SheetRow> = merged
        .iter()
        .map(|row| SheetRow {
            cells: vec![
                place_list(&row.sources),
                match (row.destinations.is_empty(), row.sources.len()) {
                    (false, _) => place_list(&row.destinations),
                    (true, 1) => "itself".to_owned(),
                    (true, _) => "each to itself".to_owned(),
                },
                how_many(row),
                row.traffic.clone().unwrap_or_else(|| "various".to_owned()),
            ],
            has_unknown: row.has_unknown,
        })
        .collect();
    if n_hidden > 0 {
        let n_connected = hidden.iter().map(|row| row.n_connected).sum();
        rows.push(SheetRow {
            cells: vec![
                format!("+{} more rows", number(n_hidden)),
                String::new(),
                number(n_connected),
                String::new(),
            ],
            has_unknown: false,
        });
    }
    (&["FROM", "TO", "PAIRS", "ALLOWED"], rows)
}

/// How many pairs of workloads, or of a workload and a place that is none.
fn how_many(row: &Merged) -> String {
    if row.n_connected == row.n_all {
        format!("all {}", number(row.n_all))
    } else {
        format!("{} of {}", number(row.n_connected), number(row.n_all))
    }
}

/// What every place may open to every other.
fn cells(graph: &Graph<'_>) -> BTreeMap<(Place, Place), Cell> {
    let everywhere = AddressSet::full();
    let place = |node: usize| match graph.nodes.get(node)? {
        Node::Workloads { namespace, .. } => Some((Place::Namespace(*namespace), Some(node))),
        Node::External(addresses) if **addresses == everywhere => Some((Place::Anywhere, None)),
        Node::External(_) => Some((Place::SomeAddresses, None)),
        Node::IngressController => Some((Place::IngressController, None)),
    };
    let mut cells: BTreeMap<(Place, Place), Cell> = BTreeMap::new();
    for (&(source, destination), edge) in &graph.edges {
        let (Some((from, source)), Some((to, destination))) = (place(source), place(destination))
        else {
            continue;
        };
        let label = edge.label();
        let cell = cells.entry((from, to)).or_insert_with(|| Cell {
            nodes: BTreeSet::new(),
            traffic: Some(label.clone()),
            has_unknown: false,
        });
        cell.nodes.insert((source, destination));
        cell.has_unknown |= edge.has_unknown();
        if cell.traffic.as_ref() != Some(&label) {
            cell.traffic = None;
        }
    }
    cells
}

fn single_rows(
    names: &Names<'_>,
    graph: &Graph<'_>,
    cells: BTreeMap<(Place, Place), Cell>,
) -> Vec<Merged> {
    let n_workloads = |place: Place| match place {
        Place::Namespace(id) => names.workloads_in(id).len(),
        Place::Anywhere | Place::SomeAddresses | Place::IngressController => 1,
    };
    let rows = cells.into_iter().map(|((from, to), cell)| {
        let pairs = cell.nodes.iter().map(|nodes| match *nodes {
            (Some(source), Some(destination)) => graph.n_pairs(source, destination),
            (Some(node), None) | (None, Some(node)) => graph.members(node).len(),
            (None, None) => 0,
        });
        let n_to = match from == to {
            true => n_workloads(to).saturating_sub(1),
            false => n_workloads(to),
        };
        Merged {
            sources: BTreeSet::from([from]),
            destinations: BTreeSet::from([to]),
            n_connected: pairs.sum(),
            n_all: n_workloads(from).saturating_mul(n_to),
            traffic: cell.traffic,
            has_unknown: cell.has_unknown,
        }
    });
    rows.collect()
}

/// What rows must have in common to be joined: what they say, whether of all pairs, and whether
/// these are pairs of workloads.
type Key = (BTreeSet<Place>, Option<String>, bool, bool);

/// Joins rows that say the same of different destinations, then of different sources.
fn merge(rows: Vec<Merged>) -> Vec<Merged> {
    let is_whole = |row: &Merged| row.n_connected == row.n_all;
    let key = |places: &BTreeSet<Place>, row: &Merged| -> Key {
        let mut ends = row.sources.iter().chain(&row.destinations);
        let inside = ends.all(|place| matches!(place, Place::Namespace(_)));
        (places.clone(), row.traffic.clone(), is_whole(row), inside)
    };
    // One traffic for every pair is the only thing that surely means the same inside a
    // namespace as between two.
    let (alike, mut apart): (Vec<Merged>, Vec<Merged>) = rows.into_iter().partition(|row| {
        row.sources != row.destinations || (row.traffic.is_some() && is_whole(row))
    });
    let by_source = join(alike, |row| key(&row.sources, row));
    let mut merged = join(by_source, |row| key(&row.destinations, row));
    let inside = |row: &Merged| row.sources == row.destinations && row.sources.len() == 1;
    apart.extend(merged.extract_if(.., |row| inside(row)));
    for row in &mut apart {
        row.destinations.clear();
    }
    merged.extend(join(apart, |row| key(&BTreeSet::new(), row)));
    merged
}

fn join(rows: Vec<Merged>, key: impl Fn(&Merged) -> Key) -> Vec<Merged> {
    let mut joined: BTreeMap<Key, Merged> = BTreeMap::new();
    for row in rows {
        match joined.entry(key(&row)) {
            Entry::Vacant(slot) => {
                slot.insert(row);
            }
            Entry::Occupied(slot) => {
                let into = slot.into_mut();
                into.sources.extend(row.sources);
                into.destinations.extend(row.destinations);
                into.n_connected = into.n_connected.saturating_add(row.n_connected);
                into.n_all = into.n_all.saturating_add(row.n_all);
                into.has_unknown |= row.has_unknown;
            }
        }
    }
    joined.into_values().collect()
}
