//! The map as a Mermaid flowchart, which pull requests and wikis draw by themselves.

use super::dot::{clusters, drawn_edges, label_lines};
use super::graph::{Grain, Graph, Node};
use super::names::{self, Names};
use super::{Map, MapFormat, notes};
use crate::question::list::grouped;
use std::io::{self, BufWriter, Write};

/// The registration.
pub(super) const FORMAT: MapFormat = MapFormat {
    name: "mermaid",
    summary: "a Mermaid flowchart, workloads with the same connections drawn as one",
    render,
};

/// How many lines Mermaid draws unless it is told otherwise.
const MAX_EDGES: usize = 500;

/// How long the list of addresses in a node may be.
const BUDGET: usize = 60;

fn render(map: &Map<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cluster = map.question.cluster;
    let connections = grouped(&map.question);
    let graph = Graph::new(&map.question, &connections, Grain::Pods);
    let names = Names::new(cluster);
    let mut out = BufWriter::new(out);
    writeln!(out, "flowchart LR")?;
    for note in notes(map) {
        writeln!(out, "  %% {}", note.replace(['\n', '\r'], " "))?;
    }
    for (namespace, nodes) in clusters(&graph) {
        let label = quoted(cluster.namespace_name(namespace));
        writeln!(out, "  subgraph s{}[{label}]", namespace.0)?;
        for node in nodes {
            let lines = label_lines(&names, &graph, node);
            let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
            writeln!(out, "    n{node}[\"{}\"]", lines.join("<br/>"))?;
        }
        writeln!(out, "  end")?;
    }
    for (node, what) in graph.nodes.iter().enumerate() {
        let label = match what {
            Node::Workloads { .. } => continue,
            Node::External(addresses) => names::outside(addresses, BUDGET),
            Node::IngressController => "ingress controller".to_owned(),
        };
        writeln!(out, "  n{node}([{}])", quoted(&label))?;
    }
    let lines = drawn_edges(&graph);
    if lines.len() > MAX_EDGES {
        writeln!(
            out,
            "  %% more than {MAX_EDGES} lines: Mermaid wants a larger `maxEdges`, or `-n NAMESPACE`"
        )?;
    }
    for line in lines {
        let arrow = match (line.is_mutual, line.is_uncertain) {
            (false, false) => "-->",
            (false, true) => "-.->",
            (true, false) => "<-->",
            (true, true) => "<-.->",
        };
        let parts: Vec<String> = line.label.split("; ").map(escaped).collect();
        let label = format!("\"{}\"", parts.join("<br/>"));
        writeln!(
            out,
            "  n{} {arrow}|{label}| n{}",
            line.source, line.destination
        )?;
    }
    out.flush()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A text in which nothing is Mermaid's or HTML's markup.
pub(in crate::report) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '#' | '<' | '>' | '&' | '`' | '\\' | ';' => {
                escaped.push_str(&format!("#{};", u32::from(letter)));
            }
            '\n' | '\r' => escaped.push(' '),
            _ => escaped.push(letter),
        }
    }
    escaped
}
