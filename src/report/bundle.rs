//! What a rule bundle says in words: the comments in its files, and `bundle.json`.

use super::words::{policy_name, workload_name};
use crate::dataplane::ebpf::{numbered, pin_directory};
use crate::dataplane::nft::{Design, TABLE};
use crate::dataplane::{Bundle, Class, HalfProof, Held, Row};
use crate::model::{Cluster, Direction, Modes, PolicyId};
use crate::source::{Sources, Target};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The lines that every file of a node starts with.
pub fn header(node: &str, modes: Modes) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "# NetworkPolicy for node {node}, compiled by portolan {version}; edits are lost\n\
         # node: {node}\n\
         # modes: {modes}\n"
    )
}

/// The node and the modes that a file's header names.
pub fn read_header(text: &str) -> (Option<String>, Option<Modes>) {
    let line = |name: &str| {
        let lines = text.lines().take_while(|line| line.starts_with('#'));
        lines
            .filter_map(|line| line.strip_prefix("# ")?.strip_prefix(name))
            .next()
    };
    let node = line("node: ").map(str::to_owned);
    let modes = line("modes: ").map(|line| {
        let mut modes = Modes::default();
        for word in line.split_whitespace() {
            if let Some((name, value)) = word.split_once('=') {
                modes.set(name, value);
            }
        }
        modes
    });
    (node, modes)
}

/// `shop/web (2 pods)`, by workload.
fn workloads(cluster: &Cluster, class: &Class) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for pod in class.pods.iter().filter_map(|&pod| cluster.pod(pod)) {
        *counts.entry(pod.workload).or_insert(0usize) += 1;
    }
    let name = |(workload, count): (_, usize)| {
        format!(
            "{} ({})",
            workload_name(cluster, workload),
            super::finding::counted(count, "pod")
        )
    };
    counts.into_iter().map(name).collect()
}

/// What is said of a class before its chain.
pub fn class_comment(cluster: &Cluster, sources: &Sources, class: &Class) -> Vec<String> {
    let direction = class.direction.name();
    let mut lines = vec![format!(
        "{direction} of {}",
        workloads(cluster, class).join(", ")
    )];
    for &policy in &class.policies {
        lines.push(format!(
            "  {}, {}",
            policy_name(cluster, policy),
            place(cluster, sources, policy)
        ));
    }
    if class.rows.is_empty() {
        lines.push("  nothing is let through".to_owned());
    }
    lines
}

/// `file:line` of a policy.
pub(super) fn place(cluster: &Cluster, sources: &Sources, policy: PolicyId) -> String {
    let Some(policy) = cluster.policy(policy) else {
        return String::new();
    };
    let origin = &policy.origin;
    let route = origin.route.clone().key("metadata").key("name");
    let location = sources.locate(origin.document, &route, Target::Value);
    format!("{}:{}", location.file, location.line)
}

/// What is said of a row before its rules: the rules of policies behind it.
pub fn row_comment(cluster: &Cluster, sources: &Sources, class: &Class, row: &Row) -> Vec<String> {
    let direction = class.direction;
    let rules = row.rules.iter();
    rules
        .map(|&(id, index)| format!("by {}", rule_text(cluster, sources, id, direction, index)))
        .collect()
}

/// `NetworkPolicy shop/web, ingress[0], file:line`.
pub(super) fn rule_text(
    cluster: &Cluster,
    sources: &Sources,
    id: PolicyId,
    direction: Direction,
    index: usize,
) -> String {
    let name = policy_name(cluster, id);
    let place = cluster.policy(id).and_then(|policy| {
        let route = &policy.rules(direction)?.get(index)?.route;
        let location = sources.locate(policy.origin.document, route, Target::Value);
        Some(format!(", {}:{}", location.file, location.line))
    });
    let direction = direction.name();
    format!("{name}, {direction}[{index}]{}", place.unwrap_or_default())
}

/// What a bundle is, for machines.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "bundle.json of portolan compile")]
pub struct BundleDocument {
    /// The version of this shape. Within a version only optional members are added.
    version: u8,
    /// The version of portolan.
    portolan: String,
    /// What the rules are for.
    target: String,
    /// The node.
    node: String,
    /// What the API leaves open, and how it was decided.
    modes: BTreeMap<String, String>,
    /// The files that were read, with the SHA-256 of each.
    input: BTreeMap<String, String>,
    /// Kinds that can change connectivity and are not in the rules.
    not_analysed: Vec<String>,
    /// The pods of the node that are isolated, by what isolates them.
    classes: Vec<ClassJson>,
    /// nft: how the peers of each direction are held, and why.
    design: Vec<DesignJson>,
    /// ebpf: the rules by number, from 1, each with the rules of policies behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<Vec<String>>>,
    /// What a kernel has to hold.
    capacity: CapacityJson,
    /// The other files of the bundle, with the SHA-256 of each.
    files: BTreeMap<String, String>,
    /// What was proved.
    proof: ProofJson,
}

/// Pods that are policed alike in a direction.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct ClassJson {
    /// `egress` or `ingress`.
    direction: String,
    /// nft: the chain that holds its rules. ebpf: its number among those of the direction.
    chain: String,
    /// Its workloads.
    workloads: Vec<String>,
    /// Its addresses.
    addresses: Vec<String>,
    /// The policies that isolate it.
    policies: Vec<String>,
    /// How many distinct kinds of traffic are let through, each with its peers.
    rows: usize,
}

/// How peers are held.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct DesignJson {
    /// `egress` or `ingress`.
    direction: String,
    /// `merged-sets` or `identities`.
    chosen: String,
    /// The elements that sets would take or take.
    merged_elements: usize,
    /// The elements that identities would take or take; absent when there are too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_elements: Option<usize>,
    /// Why it was chosen.
    why: String,
}

/// What a kernel has to hold.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct CapacityJson {
    /// nft: the table. ebpf: where everything is pinned.
    table: String,
    /// Sets.
    sets: usize,
    /// nft: verdict maps. ebpf: maps.
    maps: usize,
    /// Chains.
    chains: usize,
    /// Rules.
    rules: usize,
    /// Elements of all sets and maps.
    elements: usize,
    /// Elements of the largest. nftables sets no limit of its own.
    largest: usize,
    /// ebpf: each map, its entries, and the most that are compiled.
    #[serde(skip_serializing_if = "Option::is_none")]
    each: Option<Vec<MapJson>>,
    /// Whether the addresses that only the node's pods can have are known: without, pods that
    /// are newer than the rules cannot be told from others.
    pod_ranges_known: bool,
}

/// What a map has to hold.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct MapJson {
    /// Its name.
    map: String,
    /// Its entries.
    entries: usize,
    /// The most that are compiled.
    limit: usize,
}

/// What was proved.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct ProofJson {
    /// `proved`, or `not proved`.
    half: String,
    /// Whether the bundles of all nodes together are the whole policy: `proved`, or why not.
    whole: String,
    /// What was proved, in words.
    statement: String,
}

/// The SHA-256 of a text, in hexadecimal.
pub fn hash(text: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// `bundle.json`.
pub fn bundle_json(
    cluster: &Cluster,
    sources: &Sources,
    modes: Modes,
    bundle: &Bundle,
    whole: &str,
) -> BundleDocument {
    let text = |pairs: Vec<(&str, &str)>| -> BTreeMap<String, String> {
        pairs
            .into_iter()
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .collect()
    };
    let is_proved = bundle.proof == Some(HalfProof::Proved);
    let (target, rules_files) = match bundle.held {
        Held::Nft { .. } => ("nft", "the rules in policy.nft"),
        Held::Ebpf { .. } => ("ebpf", "the maps in the .batch files"),
    };
    BundleDocument {
        version: 1,
        portolan: env!("CARGO_PKG_VERSION").to_owned(),
        target: target.to_owned(),
        node: bundle.table.node.clone(),
        modes: text(modes.all()),
        input: sources
            .files()
            .map(|(name, text)| (name.to_owned(), hash(text)))
            .collect(),
        not_analysed: cluster
            .not_analysed
            .iter()
            .map(|kind| format!("{} {}: {}", kind.api_version, kind.kind, kind.count))
            .collect(),
        classes: classes(cluster, sources, bundle),
        design: designs(bundle),
        rules: rules(cluster, sources, bundle),
        capacity: capacity(bundle),
        files: bundle
            .files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), hash(text)))
            .collect(),
        proof: ProofJson {
            half: if is_proved {
                "proved"
            } else {
                "not proved: --no-prove"
            }
            .to_owned(),
            whole: whole.to_owned(),
            statement: format!(
                "{rules_files}, read back, let through exactly the packets that the node's half \
                 of the policy does: all addresses, protocols, ports and tracking states at the \
                 hooks forward and input"
            ),
        },
    }
}

fn designs(bundle: &Bundle) -> Vec<DesignJson> {
    let Held::Nft { designs, .. } = &bundle.held else {
        return Vec::new();
    };
    let design = |design: &Design| DesignJson {
        direction: design.direction.name().to_owned(),
        chosen: if design.is_identities {
            "identities"
        } else {
            "merged-sets"
        }
        .to_owned(),
        merged_elements: design.merged,
        identity_elements: design.identities,
        why: design.why(),
    };
    designs.iter().map(design).collect()
}

fn rules(cluster: &Cluster, sources: &Sources, bundle: &Bundle) -> Option<Vec<Vec<String>>> {
    if matches!(bundle.held, Held::Nft { .. }) {
        return None;
    }
    let classes = bundle.table.classes.iter();
    let rows = classes.flat_map(|class| class.rows.iter().map(move |row| (class, row)));
    let comments = rows.map(|(class, row)| row_comment(cluster, sources, class, row));
    Some(comments.collect())
}

fn capacity(bundle: &Bundle) -> CapacityJson {
    let pod_ranges_known = !bundle.table.ranges.is_empty();
    match &bundle.held {
        Held::Nft { size, .. } => CapacityJson {
            table: TABLE.to_owned(),
            sets: size.sets,
            maps: size.maps,
            chains: size.chains,
            rules: size.rules,
            elements: size.elements,
            largest: size.largest,
            each: None,
            pod_ranges_known,
        },
        Held::Ebpf { capacities } => {
            let (rules, elements) = bundle.held.counts();
            let entries = capacities.iter().map(|capacity| capacity.entries);
            let each = capacities.iter().map(|capacity| MapJson {
                map: capacity.map.to_owned(),
                entries: capacity.entries,
                limit: capacity.limit,
            });
            CapacityJson {
                table: pin_directory(&bundle.table.node),
                sets: 0,
                maps: capacities.len(),
                chains: 0,
                rules,
                elements,
                largest: entries.max().unwrap_or_default(),
                each: Some(each.collect()),
                pod_ranges_known,
            }
        }
    }
}

/// What holds the rules of each class.
fn holders(bundle: &Bundle) -> BTreeMap<usize, String> {
    match &bundle.held {
        Held::Nft { chain_of_class, .. } => chain_of_class.iter().cloned().collect(),
        Held::Ebpf { .. } => {
            let of = |direction| numbered(&bundle.table, direction).into_iter().zip(1u32..);
            let all = Direction::ALL.into_iter().flat_map(of);
            all.map(|((class, _), number)| (class, number.to_string()))
                .collect()
        }
    }
}

fn classes(cluster: &Cluster, sources: &Sources, bundle: &Bundle) -> Vec<ClassJson> {
    let chains = holders(bundle);
    let class = |(index, class): (usize, &Class)| ClassJson {
        direction: class.direction.name().to_owned(),
        chain: chains.get(&index).cloned().unwrap_or_default(),
        workloads: workloads(cluster, class),
        addresses: class
            .pods
            .iter()
            .filter_map(|&pod| cluster.pod(pod))
            .flat_map(|pod| pod.addresses.iter().map(ToString::to_string))
            .collect(),
        policies: class
            .policies
            .iter()
            .map(|&id| {
                format!(
                    "{}, {}",
                    policy_name(cluster, id),
                    place(cluster, sources, id)
                )
            })
            .collect(),
        rows: class.rows.len(),
    };
    bundle.table.classes.iter().enumerate().map(class).collect()
}

/// The JSON Schema of `bundle.json`.
pub fn bundle_schema() -> serde_json::Value {
    schema_for!(BundleDocument).to_value()
}
