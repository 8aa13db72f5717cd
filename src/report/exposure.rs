//! What can be reached and from how far, for people and as JSON.

use super::answer_json::{AllowJson, allow_json};
use super::finding::counted;
use super::map::columns::{Content, GAP, column_widths, wrap};
use super::snippet::Style;
use super::words::{addresses_text, workload_name};
use crate::model::{Cluster, TrafficSet};
use crate::question::exposure::{Coverage, Exposed, Exposure, Level, Way, WayKind};
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

/// How long a bar is.
const BAR: usize = 20;

/// The answer as text: workloads, the most exposed first, then what policies isolate.
pub fn render_exposure(cluster: &Cluster, answer: &Exposure, style: Style) -> String {
    let lead = wrap(
        &summary(answer),
        style.width.saturating_sub(2),
        Content::Words,
    );
    let mut text = format!("{}\n", lead.replace('\n', "\n  "));
    let rows = answer.workloads.iter().flat_map(|e| rows(cluster, e));
    let rows: Vec<Row> = rows.collect();
    if !rows.is_empty() {
        let header = ["WORKLOAD", "FROM", "ON", "ISOLATED"];
        text.push_str(&format!("\n{}\n", table(&header, &rows, style)));
    }
    text.push_str(&format!("\n{}\n", bars(cluster, answer, style)));
    let directions = [("ingress", 0), ("egress", 1)];
    for (direction, nth) in directions {
        let open = answer
            .workloads
            .iter()
            .filter(|exposed| !exposed.host_network && exposed.isolated.get(nth) == Some(&false));
        let names: Vec<String> = open.map(|e| workload_name(cluster, e.workload)).collect();
        if !names.is_empty() {
            let line = format!("no policy isolates for {direction}: {}", names.join(", "));
            let line = wrap(&line, style.width.saturating_sub(2), Content::Words);
            text.push_str(&format!("{}\n", line.replace('\n', "\n  ")));
        }
    }
    for exposed in &answer.workloads {
        if let Some(reason) = &exposed.gave_up {
            let name = workload_name(cluster, exposed.workload);
            text.push_str(&format!(
                "unknown: what more future pods can reach of {name}; the solver gave up: {reason}\n"
            ));
        }
    }
    text
}

fn summary(answer: &Exposure) -> String {
    let n_all = answer.workloads.len();
    let count = |level: Level| {
        answer
            .workloads
            .iter()
            .filter(|e| e.level() == level)
            .count()
    };
    let parts: Vec<String> = Level::ALL
        .into_iter()
        .map(|level| (count(level), level))
        .filter(|(n, _)| *n > 0)
        .map(|(n, level)| match level {
            Level::Outside => format!("{n} can be reached from outside"),
            Level::Routed => format!("{n} only if something routes there from outside"),
            Level::EveryNamespace => format!("{n} from every namespace"),
            Level::FuturePods => format!("{n} from pods with the right labels"),
            Level::Closed => format!("{n} from nowhere"),
        })
        .collect();
    match parts.is_empty() {
        true => "no workloads".to_owned(),
        false => format!("{}: {}", counted(n_all, "workload"), parts.join(", ")),
    }
}

struct Row {
    cells: Vec<String>,
    level: Level,
}

/// One row for each kind of caller that reaches more than the ones before.
fn rows(cluster: &Cluster, exposed: &Exposed) -> Vec<Row> {
    let mut found: Vec<(String, &TrafficSet, Level)> = Vec::new();
    for way in &exposed.ways {
        found.push((way_text(way), &way.traffic, Level::Outside));
    }
    if !exposed.outside.is_none() {
        let from = "addresses outside, if routed".to_owned();
        found.push((from, &exposed.outside, Level::Routed));
    }
    if !exposed.every_namespace.is_none() {
        let from = "every namespace".to_owned();
        found.push((from, &exposed.every_namespace, Level::EveryNamespace));
    }
    if exposed.future_pods != exposed.every_namespace {
        let from = "pods with the right labels".to_owned();
        found.push((from, &exposed.future_pods, Level::FuturePods));
    }
    let none = TrafficSet::none();
    if found.is_empty() {
        found.push(("nowhere".to_owned(), &none, Level::Closed));
    }
    let isolated = match (exposed.host_network, exposed.isolated) {
        (true, _) => "host network",
        (false, [true, true]) => "both",
        (false, [true, false]) => "ingress",
        (false, [false, true]) => "egress",
        (false, [false, false]) => "no",
    };
    let mut first = Some((workload_name(cluster, exposed.workload), isolated));
    let rows = found.into_iter().map(|(from, traffic, level)| {
        let (name, isolated) = first.take().unwrap_or_default();
        Row {
            cells: vec![name, from, traffic_text(traffic), isolated.to_owned()],
            level,
        }
    });
    rows.collect()
}

fn way_text(way: &Way) -> String {
    let kind = match way.kind {
        WayKind::HostNetwork => "outside: its node's network".to_owned(),
        WayKind::HostPort => "outside: a port of its node".to_owned(),
        WayKind::LoadBalancer => "outside: load balancer".to_owned(),
        WayKind::InternalLoadBalancer => "outside: internal load balancer".to_owned(),
        WayKind::NodePort => "outside: node port".to_owned(),
        WayKind::ExternalAddress => "outside: external address".to_owned(),
        WayKind::Ingress => "outside: ingress".to_owned(),
    };
    let name = way
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(" {name}"));
    let clients = way.clients.as_ref();
    let clients = clients.map_or_else(String::new, |c| format!(", for {}", addresses_text(c)));
    format!("{kind}{name}{clients}")
}

fn traffic_text(traffic: &TrafficSet) -> String {
    match (traffic.is_all(), traffic.is_none()) {
        (true, _) => "every port".to_owned(),
        (_, true) => "-".to_owned(),
        _ => traffic.to_string(),
    }
}

fn table(header: &[&str], rows: &[Row], style: Style) -> String {
    let contents = [
        Content::Words,
        Content::Words,
        Content::Values,
        Content::Words,
    ];
    let texts = rows
        .iter()
        .map(|row| row.cells.iter().map(String::as_str).collect());
    let all = std::iter::once(header.to_vec()).chain(texts);
    let widths = column_widths(all, &contents, style.width);
    let mut table = plain(style);
    table.set_header(
        header
            .iter()
            .map(|title| Cell::new(title).add_attribute(Attribute::Bold)),
    );
    for row in rows {
        let columns = row
            .cells
            .iter()
            .zip(widths.iter().zip(&contents))
            .enumerate();
        let cells = columns.map(|(index, (text, (width, content)))| {
            let cell = Cell::new(wrap(text, *width, *content));
            match (index, row.level) {
                (1, Level::Outside) => cell.fg(Color::Red),
                (1, Level::Routed | Level::EveryNamespace) => cell.fg(Color::Yellow),
                _ => cell,
            }
        });
        table.add_row(cells);
    }
    padded(table)
}

fn plain(style: Style) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if style.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

fn padded(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, u16::try_from(GAP).unwrap_or(1)));
    }
    table.trim_fmt()
}

/// Coverage as bars, a line for each namespace and one for all.
fn bars(cluster: &Cluster, answer: &Exposure, style: Style) -> String {
    let mut table = plain(style);
    let header = ["PODS ISOLATED", "INGRESS", "EGRESS"];
    table.set_header(header.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    let namespaces = answer.coverage.iter();
    let mut lines: Vec<(&str, &Coverage)> = namespaces
        .map(|(id, coverage)| (cluster.namespace_name(*id), coverage))
        .collect();
    if lines.len() != 1 {
        lines.push(("all", &answer.total));
    }
    for (name, coverage) in lines {
        table.add_row([
            name.to_owned(),
            bar(coverage.ingress, coverage.pods),
            bar(coverage.egress, coverage.pods),
        ]);
    }
    padded(table)
}

fn bar(part: usize, whole: usize) -> String {
    // A bar is full, or empty, only when it is exactly.
    let filled = match (part, whole) {
        (_, 0) | (0, _) => 0,
        (part, whole) if part == whole => BAR,
        (part, whole) => (part.saturating_mul(BAR) / whole).clamp(1, BAR.saturating_sub(1)),
    };
    let empty = BAR.saturating_sub(filled);
    format!("{}{} {part}/{whole}", "█".repeat(filled), "░".repeat(empty))
}

/// The whole answer.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExposureJson {
    /// The version of this format: 1.
    pub version: u32,
    /// Every workload, the most exposed first.
    pub workloads: Vec<ExposedJson>,
    /// How many pods policies isolate, by namespace.
    pub coverage: Vec<NamespaceCoverageJson>,
    /// The same of all namespaces.
    pub total: CoverageJson,
}

/// What can reach one workload. What the input does not decide counts as reached.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExposedJson {
    /// `namespace/name`.
    pub workload: String,
    /// Its kind.
    pub kind: String,
    /// How far away its most distant caller may be: `outside`, `routed` (an address outside, if
    /// something routes there), `every-namespace`, `future-pods` or `closed`.
    pub level: String,
    /// What leads to it from outside, past or through policy.
    pub ways: Vec<WayJson>,
    /// What policy lets in from some address outside.
    pub from_outside: Vec<AllowJson>,
    /// What a pod without labels in a namespace without labels can reach, and so every pod.
    pub from_every_namespace: Vec<AllowJson>,
    /// What some pod that could be created can reach.
    pub from_future_pods: Vec<AllowJson>,
    /// Why `fromFuturePods` may not be all, when the solver gave up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Whether some policy isolates every pod of it for ingress.
    pub isolated_for_ingress: bool,
    /// Whether some policy isolates every pod of it for egress.
    pub isolated_for_egress: bool,
    /// Whether its pods are on their node's network, where policy does not apply.
    pub host_network: bool,
}

/// One way in from outside.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WayJson {
    /// `load-balancer`, `internal-load-balancer`, `node-port`, `external-address`, `ingress`,
    /// `host-port` or `host-network`.
    pub kind: String,
    /// The Service or Ingress, as `namespace/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The ports on the pod that it gets to.
    pub allowed: Vec<AllowJson>,
    /// Who may come, as CIDR blocks, when not everyone may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<Vec<String>>,
}

/// How many pods policies isolate in one namespace.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceCoverageJson {
    /// The namespace.
    pub namespace: String,
    /// The counts.
    #[serde(flatten)]
    pub coverage: CoverageJson,
}

/// How many pods policies isolate. A template counts as one pod.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CoverageJson {
    /// The pods that policy can isolate: those on their node's network are none.
    pub pods: usize,
    /// Those that some policy isolates for ingress.
    pub ingress: usize,
    /// Those that some policy isolates for egress.
    pub egress: usize,
    /// Those that some policy isolates for both.
    pub both: usize,
}

/// The JSON Schema of the answer.
pub fn exposure_schema() -> serde_json::Value {
    schema_for!(ExposureJson).to_value()
}

/// The answer as JSON.
pub fn exposure_json(cluster: &Cluster, answer: &Exposure) -> ExposureJson {
    ExposureJson {
        version: 1,
        workloads: answer
            .workloads
            .iter()
            .map(|exposed| exposed_json(cluster, exposed))
            .collect(),
        coverage: answer
            .coverage
            .iter()
            .map(|(id, coverage)| NamespaceCoverageJson {
                namespace: cluster.namespace_name(*id).to_owned(),
                coverage: coverage_json(coverage),
            })
            .collect(),
        total: coverage_json(&answer.total),
    }
}

fn exposed_json(cluster: &Cluster, exposed: &Exposed) -> ExposedJson {
    let workload = cluster.workload(exposed.workload);
    let [ingress, egress] = exposed.isolated;
    ExposedJson {
        workload: workload_name(cluster, exposed.workload),
        kind: workload.map_or_else(String::new, |workload| workload.kind.0.clone()),
        level: exposed.level().name().to_owned(),
        ways: exposed
            .ways
            .iter()
            .map(|way| WayJson {
                kind: way.kind.name().to_owned(),
                name: way.name.clone(),
                allowed: allow_json(&way.traffic),
                clients: way
                    .clients
                    .as_ref()
                    .map(|c| c.cidrs().iter().map(ToString::to_string).collect()),
            })
            .collect(),
        from_outside: allow_json(&exposed.outside),
        from_every_namespace: allow_json(&exposed.every_namespace),
        from_future_pods: allow_json(&exposed.future_pods),
        unknown: exposed.gave_up.clone(),
        isolated_for_ingress: ingress,
        isolated_for_egress: egress,
        host_network: exposed.host_network,
    }
}

fn coverage_json(coverage: &Coverage) -> CoverageJson {
    CoverageJson {
        pods: coverage.pods,
        ingress: coverage.ingress,
        egress: coverage.egress,
        both: coverage.both,
    }
}
