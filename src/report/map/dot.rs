//! The map as a Graphviz graph: `dot -Tsvg`.

use super::graph::{Grain, Graph, Node};
use super::names::{self, Names};
use super::{Map, MapFormat, notes};
use crate::model::NamespaceId;
use crate::question::list::grouped;
use std::io::{self, BufWriter, Write};

/// The registration.
pub(super) const FORMAT: MapFormat = MapFormat {
    name: "dot",
    summary: "a Graphviz graph, workloads with the same connections drawn as one",
    render,
};

/// How long the list of addresses in a node may be.
const BUDGET: usize = 60;

fn render(map: &Map<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cluster = map.question.cluster;
    let connections = grouped(&map.question);
    let graph = Graph::new(&map.question, &connections, Grain::Pods);
    let names = Names::new(cluster);
    let mut out = BufWriter::new(out);
    for note in notes(map) {
        writeln!(out, "// {}", note.replace(['\n', '\r'], " "))?;
    }
    writeln!(out, "digraph portolan {{")?;
    writeln!(out, "  rankdir=LR;")?;
    writeln!(out, "  node [shape=box, style=rounded];")?;
    for (namespace, nodes) in clusters(&graph) {
        writeln!(out, "  subgraph cluster_{} {{", namespace.0)?;
        writeln!(
            out,
            "    label={};",
            quoted(cluster.namespace_name(namespace))
        )?;
        for node in nodes {
            let label = label_lines(&names, &graph, node).join("\n");
            writeln!(out, "    n{node} [label={}];", quoted(&label))?;
        }
        writeln!(out, "  }}")?;
    }
    for (node, what) in graph.nodes.iter().enumerate() {
        let label = match what {
            Node::Workloads { .. } => continue,
            Node::External(addresses) => names::outside(addresses, BUDGET),
            Node::IngressController => "ingress controller".to_owned(),
        };
        writeln!(
            out,
            "  n{node} [label={}, shape=ellipse, style=solid];",
            quoted(&label)
        )?;
    }
    for line in drawn_edges(&graph) {
        let label = line.label.replace("; ", "\n");
        let mut attributes = format!("label={}", quoted(&label));
        if line.is_uncertain {
            attributes.push_str(", style=dashed");
        }
        if line.is_mutual {
            attributes.push_str(", dir=both");
        }
        writeln!(
            out,
            "  n{} -> n{} [{attributes}];",
            line.source, line.destination
        )?;
    }
    writeln!(out, "}}")?;
    out.flush()
}

/// The nodes of each namespace, namespaces in order.
pub(super) fn clusters(graph: &Graph<'_>) -> Vec<(NamespaceId, Vec<usize>)> {
    let mut clusters: Vec<(NamespaceId, Vec<usize>)> = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        if let Node::Workloads { namespace, .. } = node {
            match clusters.last_mut() {
                Some((last, nodes)) if last == namespace => nodes.push(index),
                _ => clusters.push((*namespace, vec![index])),
            }
        }
    }
    clusters
}

/// The members of a node, one a line.
pub(super) fn label_lines(names: &Names<'_>, graph: &Graph<'_>, node: usize) -> Vec<String> {
    const MAX_LINES: usize = 12;
    let members = graph.members(node);
    let n_hidden = match members.len().saturating_sub(MAX_LINES) {
        // A line that says that one is hidden is as long as the one it hides.
        1 => 0,
        more => more,
    };
    let shown = members.iter().take(members.len().saturating_sub(n_hidden));
    let mut lines: Vec<String> = shown.map(|(id, pods)| names.member(*id, pods)).collect();
    if n_hidden > 0 {
        lines.push(format!("+{n_hidden} more"));
    }
    lines
}

/// A line between two nodes.
pub(super) struct DrawnEdge {
    pub(super) source: usize,
    pub(super) destination: usize,
    pub(super) label: String,
    /// Whether the same holds the other way round.
    pub(super) is_mutual: bool,
    /// Whether nothing of it is certain.
    pub(super) is_uncertain: bool,
}

/// The lines to draw: two that differ in direction only are one.
pub(super) fn drawn_edges(graph: &Graph<'_>) -> Vec<DrawnEdge> {
    let mut drawn = Vec::new();
    for (&(source, destination), edge) in &graph.edges {
        let back = graph.edges.get(&(destination, source));
        let is_mutual = source != destination && back == Some(edge);
        if is_mutual && destination < source {
            continue;
        }
        drawn.push(DrawnEdge {
            source,
            destination,
            label: edge.label(),
            is_mutual,
            is_uncertain: !edge.is_allowed(),
        });
    }
    drawn
}

/// A string of the dot language.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\r', "").replace('\n', "\\n"))
}
