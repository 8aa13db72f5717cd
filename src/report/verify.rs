//! What `verify` found, for people and as JSON.

use super::check::wrapped_line;
use super::finding::counted;
use super::packet::{packet_text, path_lines};
use crate::dataplane::HalfProof;
use crate::dataplane::nft::{Foreign, NotUnderstood};
use crate::model::{Half, Packet, Program, expected, run};
use crate::source::Sources;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use std::collections::BTreeMap;

/// What was found.
#[derive(Debug)]
pub struct Verified<'a> {
    /// The manifests.
    pub sources: &'a Sources,
    /// What should be enforced.
    pub half: &'a Half<'a>,
    /// What is.
    pub program: &'a Program,
    /// What the rules are called.
    pub file: &'a str,
    /// Why nothing is enforced, when nothing is loaded.
    pub not_loaded: Option<&'a str>,
    /// Whether what was loaded before can stay behind the rules.
    pub adds_to_others: bool,
    /// Chains that no packet comes to.
    pub unreachable: &'a [String],
    /// Base chains of others at the same hooks.
    pub foreign: &'a [Foreign],
    /// What else is to be said.
    pub notes: &'a [String],
    /// Why the rules are not understood.
    pub problem: Option<&'a NotUnderstood>,
    /// What became of the proof.
    pub proof: Option<&'a HalfProof>,
}

/// As text.
pub fn render_verified(found: &Verified<'_>, width: usize) -> String {
    let (node, file) = (found.half.node_name(), found.file);
    let mut text = match (found.proof, found.problem) {
        (_, Some(problem)) => not_understood(file, problem),
        (Some(HalfProof::Proved), _) => {
            format!("proved: what {file} lets through is exactly the policy of node {node}\n")
        }
        (Some(HalfProof::Differs(packet)), _) => format!(
            "{file} is not the policy of node {node}; this packet shows it\n{}",
            packet_text(found.sources, found.half, found.program, packet, file)
        ),
        (Some(HalfProof::Unknown(reason)), _) => format!("unknown: the solver gave up: {reason}\n"),
        (Some(HalfProof::Broken(packet)), _) => {
            format!("internal error: the solver named {packet}, which both treat alike\n")
        }
        (None, None) => String::new(),
    };
    if let Some(problem) = found.not_loaded {
        text.push_str(&wrapped_line(&format!("note: {problem}"), width));
    }
    if found.adds_to_others {
        let note = "note: loading this leaves something of what was there before; all that was said \
                    is about a node on which nothing was";
        text.push_str(&wrapped_line(note, width));
    }
    if !found.unreachable.is_empty() {
        let chains = counted(found.unreachable.len(), "chain");
        let names = found.unreachable.join(", ");
        text.push_str(&format!(
            "note: {chains} that no packet comes to: {names}\n"
        ));
    }
    for foreign in found.foreign {
        text.push_str(&wrapped_line(
            &format!("note: {}", foreign_text(foreign)),
            width,
        ));
    }
    for note in found.notes {
        text.push_str(&wrapped_line(&format!("note: {note}"), width));
    }
    if found.problem.is_none() {
        text.push_str(&wrapped_line(
            &format!("modes: {}", found.half.modes),
            width,
        ));
    }
    text
}

fn not_understood(file: &str, problem: &NotUnderstood) -> String {
    let mut text = format!("unknown: {file} is not understood: {}\n", problem.problem);
    if problem.line > 0 {
        text.push_str(&format!("  {file}:{}: {}\n", problem.line, problem.text));
    } else if !problem.text.is_empty() {
        text.push_str(&format!("  {}\n", problem.text));
    }
    text.push_str(
        "  help: only rules that portolan wrote are understood, and nothing is guessed\n",
    );
    text
}

/// `chain forward of table ip filter ...`.
fn foreign_text(foreign: &Foreign) -> String {
    let order = if foreign.priority < -1 {
        "before"
    } else {
        "after"
    };
    format!(
        "chain {} of table {} is at the hook {} too, {order} ours (priority {}, policy {}, {}): \
         what it drops or changes is not in the proof",
        foreign.chain,
        foreign.table,
        foreign.hook,
        foreign.priority,
        foreign.policy,
        counted(foreign.rules, "rule")
    )
}

/// What `verify -o json` says.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "portolan verify -o json")]
pub struct VerifiedDocument {
    /// The version of this shape. Within a version only optional members are added.
    version: u8,
    /// The node.
    node: String,
    /// `proved`, `differs` or `unknown`.
    verdict: String,
    /// What the API leaves open, and how it was decided.
    modes: BTreeMap<String, String>,
    /// Why it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// A packet that is treated differently.
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<PacketJson>,
    /// Whether anything is loaded.
    loaded: bool,
    /// Whether what was loaded before can stay behind a file's rules: all that is said is about a
    /// node on which nothing was.
    adds_to_others: bool,
    /// Chains that no packet comes to.
    unreachable: Vec<String>,
    /// Base chains of others at the same hooks: what they drop or change is not in the proof.
    foreign: Vec<String>,
    /// What else is to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Vec<String>>,
}

/// A packet, and what becomes of it.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct PacketJson {
    /// `forward` or `input`.
    hook: String,
    /// The source address.
    source: String,
    /// The destination address.
    destination: String,
    /// What it carries.
    transport: String,
    /// The destination port, of what has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// What connection tracking says.
    tracking: String,
    /// `accepted` or `dropped`.
    rules: String,
    /// The rules that lead on or decide, in order, each with its chain and line.
    path: Vec<String>,
    /// `accepted` or `dropped`.
    policy: String,
    /// All of it for people, with the policies' places.
    explanation: String,
}

/// As JSON.
pub fn verified_json(found: &Verified<'_>) -> VerifiedDocument {
    let (verdict, reason, packet) = match (found.proof, found.problem) {
        (_, Some(problem)) => ("unknown", Some(not_understood(found.file, problem)), None),
        (Some(HalfProof::Proved), _) => ("proved", None, None),
        (Some(HalfProof::Differs(packet)), _) => ("differs", None, Some(packet)),
        (Some(HalfProof::Unknown(reason)), _) => ("unknown", Some(reason.clone()), None),
        (Some(HalfProof::Broken(packet)), _) => {
            ("unknown", Some(format!("internal error at {packet}")), None)
        }
        (None, None) => ("unknown", None, None),
    };
    let modes = found.half.modes.all().into_iter();
    VerifiedDocument {
        version: 1,
        node: found.half.node_name().to_owned(),
        verdict: verdict.to_owned(),
        modes: modes
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        reason,
        packet: packet.map(|packet| packet_json(found, packet)),
        loaded: found.not_loaded.is_none(),
        adds_to_others: found.adds_to_others,
        unreachable: found.unreachable.to_vec(),
        foreign: found.foreign.iter().map(foreign_text).collect(),
        notes: (!found.notes.is_empty()).then(|| found.notes.to_vec()),
    }
}

fn packet_json(found: &Verified<'_>, packet: &Packet) -> PacketJson {
    let did = run(found.program, packet);
    let path = path_lines(found.program, &did, found.file);
    PacketJson {
        hook: packet.hook.name().to_owned(),
        source: packet.source.to_string(),
        destination: packet.destination.to_string(),
        transport: packet.transport.name().to_owned(),
        port: packet.transport.has_ports().then_some(packet.port),
        tracking: packet.tracking.name().to_owned(),
        rules: did.decision.name().to_owned(),
        path,
        policy: expected(found.half, packet).0.name().to_owned(),
        explanation: packet_text(found.sources, found.half, found.program, packet, found.file),
    }
}

/// The JSON Schema of `verify -o json`.
pub fn verified_schema() -> serde_json::Value {
    schema_for!(VerifiedDocument).to_value()
}
