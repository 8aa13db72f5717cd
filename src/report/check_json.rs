//! What came of assertions, as JSON. docs/schema/check.v1.json describes it.

use super::check::outcome_name;
use super::snippet::place_text;
use super::words::{node_name, policy_name};
use crate::intent::Assertion;
use crate::model::{Cluster, Direction, Origin, Place, PolicyId, Reason, Side};
use crate::question::can::pod_name;
use crate::question::check::{CheckOutcome, Checked, Counterexample};
use crate::source::{Sources, Target};
use crate::symbolic::{Witness, WitnessEnd};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;
use std::collections::BTreeMap;

/// The version that the shape is at. A version only ever gains optional members.
const VERSION: u8 = 1;

fn only_this_version(schema: &mut Schema) {
    schema.insert("const".to_owned(), VERSION.into());
}

/// The JSON Schema of `portolan check -o json`.
pub fn check_schema() -> serde_json::Value {
    schema_for!(CheckDocument).to_value()
}

/// Whether what is intended holds.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "portolan check -o json")]
pub struct CheckDocument {
    /// The version of this shape. Within a version only optional members are added.
    #[schemars(transform = only_this_version)]
    version: u8,
    /// The assertions in the order in which they are written.
    assertions: Vec<AssertionJson>,
    /// What the answers rest on, one sentence each.
    assumptions: Vec<String>,
    /// What comes of all of it.
    #[serde(flatten)]
    gate: GateJson,
}

/// What a check comes to, with everything that it has to say.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
pub struct GateJson {
    /// `passed`, `failed` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Everything found: what does not count any more included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<ItemJson>>,
    /// Entries of the baseline that nothing matches any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<usize>,
    /// With `--base`, how many pairs of ends have something added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<u64>,
    /// With `--base`, how many have something removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
}

/// One thing found.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ItemJson {
    /// The rule's id.
    pub id: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// What there is to say.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The file, or the template that a rendered document was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in the file, from 1; 1 in a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Where the rendered document has it, when the file is a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rendered: Option<String>,
    /// Other places that matter, `file:line:column`.
    pub related: Vec<String>,
    /// What it is, whatever line it is on.
    pub fingerprint: String,
    /// `active`, `suppressed` or `baseline`.
    pub standing: String,
    /// Why it is suppressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One assertion.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct AssertionJson {
    /// The intent's name.
    intent: String,
    /// The assertion's name.
    name: String,
    /// `file:line:column`.
    place: String,
    /// `existing` or `possible`.
    scope: String,
    /// `proved`, `violated`, `unknown`, `about nothing` or `unresolved`.
    outcome: String,
    /// Why it is not known, or about nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What was left out, one sentence each.
    notes: Vec<String>,
    /// What is against it, or what it depends on.
    #[serde(skip_serializing_if = "Option::is_none")]
    counterexample: Option<CounterexampleJson>,
    /// The solver's own count of its work, which does not depend on the machine.
    work: u64,
    /// How long it took, in milliseconds; only with `--timing=always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<f64>,
}

/// What is not as intended.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct CounterexampleJson {
    /// `flow`, `not-isolated` or `idle-policies`.
    kind: String,
    /// Who calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<EndJson>,
    /// Who is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<EndJson>,
    /// The protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// What policy says of the flow: `allowed`, `denied` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<String>,
    /// For `not-isolated`, the direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<String>,
    /// The policies that decide.
    policies: Vec<PolicyJson>,
}

/// A policy that decides.
#[derive(Serialize, JsonSchema, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct PolicyJson {
    /// Kind, namespace and name.
    name: String,
    /// `file:line:column` of the rule that decides, or else of the policy.
    place: String,
}

/// One end of a flow.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndJson {
    /// `pod`, `new-pod`, `node` or `address`.
    kind: String,
    /// The pod's or node's name, or the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The namespace of a pod that could be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// The labels of that namespace, where the input does not fix them.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_labels: Option<BTreeMap<String, String>>,
    /// The labels of a pod that could be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
    /// The address in this flow, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// What a pod that could be created calls the port.
    port_names: Vec<String>,
}

/// The whole answer.
pub fn check_json(
    cluster: &Cluster,
    sources: &Sources,
    checked: &[(&Assertion, &Checked)],
    assumptions: &[String],
    timing: bool,
    gate: GateJson,
) -> CheckDocument {
    let assertions = checked.iter().map(|(assertion, checked)| {
        let (reason, counterexample) = match &checked.outcome {
            CheckOutcome::Proved | CheckOutcome::Unresolved => (None, None),
            CheckOutcome::Violated(found) => (None, Some(found)),
            CheckOutcome::Unknown { reason, example } => (Some(reason.clone()), example.as_ref()),
            CheckOutcome::Nothing { what } => (Some(what.clone()), None),
        };
        AssertionJson {
            intent: assertion.intent.clone(),
            name: assertion.name.clone(),
            place: at(sources, &assertion.origin),
            scope: assertion.scope.name().to_owned(),
            outcome: outcome_name(&checked.outcome).to_owned(),
            reason,
            notes: checked.notes.clone(),
            counterexample: counterexample
                .map(|found| counterexample_json(cluster, sources, found)),
            work: checked.effort.resources,
            milliseconds: timing.then_some(checked.elapsed.as_secs_f64() * 1000.0),
        }
    });
    CheckDocument {
        version: VERSION,
        assertions: assertions.collect(),
        assumptions: assumptions.to_vec(),
        gate,
    }
}

fn at(sources: &Sources, origin: &Origin) -> String {
    let place = Place::Node {
        origin: origin.clone(),
        target: Target::Value,
    };
    place_text(sources, &place)
}

fn counterexample_json(
    cluster: &Cluster,
    sources: &Sources,
    counterexample: &Counterexample,
) -> CounterexampleJson {
    let empty = |kind: &str| CounterexampleJson {
        kind: kind.to_owned(),
        source: None,
        destination: None,
        protocol: None,
        port: None,
        verdict: None,
        direction: None,
        policies: Vec::new(),
    };
    match counterexample {
        Counterexample::Flow {
            witness, judged, ..
        } => {
            let evaluation = &judged.evaluation;
            let mut policies = Vec::new();
            for (side, direction) in [
                (&evaluation.egress, Direction::Egress),
                (&evaluation.ingress, Direction::Ingress),
            ] {
                for policy in deciding(cluster, sources, side, direction) {
                    if !policies.contains(&policy) {
                        policies.push(policy);
                    }
                }
            }
            CounterexampleJson {
                source: Some(end_json(cluster, &witness.source)),
                destination: Some(end_json(cluster, &witness.destination)),
                protocol: Some(witness.protocol.name().to_owned()),
                port: Some(witness.port),
                verdict: Some(evaluation.verdict.name().to_owned()),
                policies,
                ..empty("flow")
            }
        }
        Counterexample::NotIsolated { witness, direction } => CounterexampleJson {
            source: Some(end_json(cluster, subject(witness, *direction))),
            direction: Some(direction.name().to_owned()),
            ..empty("not-isolated")
        },
        Counterexample::Idle(policies) => CounterexampleJson {
            policies: policies
                .iter()
                .map(|id| policy_json(cluster, sources, *id, None))
                .collect(),
            ..empty("idle-policies")
        },
    }
}

fn subject(witness: &Witness, direction: Direction) -> &WitnessEnd {
    match direction {
        Direction::Egress => &witness.source,
        Direction::Ingress => &witness.destination,
    }
}

/// The rules that decide a side, or the policies that isolate it.
fn deciding(
    cluster: &Cluster,
    sources: &Sources,
    side: &Side,
    direction: Direction,
) -> Vec<PolicyJson> {
    match &side.reason {
        Reason::Rules { rules, .. } | Reason::Undecidable { rules } => rules
            .iter()
            .map(|rule| policy_json(cluster, sources, rule.policy, Some((direction, rule.rule))))
            .collect(),
        Reason::Isolated { .. } => side
            .selecting
            .iter()
            .map(|id| policy_json(cluster, sources, *id, None))
            .collect(),
        _ => Vec::new(),
    }
}

fn policy_json(
    cluster: &Cluster,
    sources: &Sources,
    id: PolicyId,
    rule: Option<(Direction, usize)>,
) -> PolicyJson {
    let place = cluster.policy(id).map_or_else(String::new, |policy| {
        let rule = rule.and_then(|(direction, index)| policy.rules(direction)?.get(index));
        let origin = match rule {
            Some(rule) => Origin {
                document: policy.origin.document,
                route: rule.route.clone(),
            },
            None => policy.origin.clone(),
        };
        at(sources, &origin)
    });
    PolicyJson {
        name: policy_name(cluster, id),
        place,
    }
}

pub(super) fn end_json(cluster: &Cluster, end: &WitnessEnd) -> EndJson {
    let plain = |kind: &str, name: String, address: Option<std::net::IpAddr>| EndJson {
        kind: kind.to_owned(),
        name: Some(name),
        namespace: None,
        namespace_labels: None,
        labels: None,
        address: address.map(|address| address.to_string()),
        port_names: Vec::new(),
    };
    match end {
        WitnessEnd::Pod(pod, address) => plain("pod", pod_name(cluster, *pod), *address),
        WitnessEnd::Node(node, address) => plain("node", node_name(cluster, *node), *address),
        WitnessEnd::Outside(address) => plain("address", address.to_string(), None),
        WitnessEnd::NewPod(pod) => EndJson {
            kind: "new-pod".to_owned(),
            name: None,
            namespace: Some(pod.namespace.clone()),
            namespace_labels: pod.namespace_labels.clone(),
            labels: Some(pod.labels.clone()),
            address: pod.address.map(|address| address.to_string()),
            port_names: pod.port_names.clone(),
        },
    }
}
