//! The answer to "can A reach B" as JSON, version 1.

use super::fix::ProposalJson;
use super::snippet::place_text;
use super::words::{addresses_text, node_name, policy_name};
use crate::model::{
    Cluster, Direction, Origin, Place, Protocol, Reason, RuleRef, Side, TrafficSet,
};
use crate::question::can::{Answer, Example, Hop, Piece, Who, pod_name};
use crate::source::{Sources, Target};
use schemars::JsonSchema;
use serde::Serialize;

/// The whole answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnswerJson {
    /// The version of this format: 1.
    pub version: u32,
    /// The calling end as it was asked.
    pub from: String,
    /// The called end as it was asked.
    pub to: String,
    /// `yes`, `partly`, `no` or `unknown`.
    pub answer: String,
    /// The steps of the way, in order; one for a direct question.
    pub hops: Vec<HopJson>,
    /// Pairs of policies of the same tier and priority that disagree about this: which one wins is
    /// not defined, so what depends on it is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub ties: Vec<[String; 2]>,
    /// With `--fix`: changes that make the answer yes, those that open least else first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposals: Option<Vec<ProposalJson>>,
    /// With `--fix`: what no change of policy mends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacles: Option<Vec<String>>,
}

/// One step of the way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HopJson {
    /// What the step is; empty for the only one.
    pub title: String,
    /// `yes`, `partly`, `no` or `unknown`.
    pub answer: String,
    /// What the step does, what limits it besides policy, and what was taken for granted.
    pub notes: Vec<String>,
    /// What keeps the answer from being yes, where it is not policy at the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The places in the manifests that the step rests on besides policy.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub evidence: Vec<EvidenceJson>,
    /// The answers, one for each group of pods or addresses that differs.
    pub pieces: Vec<PieceJson>,
}

/// A place in a manifest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct EvidenceJson {
    /// Where it is: `file:line:column`.
    pub location: String,
    /// What it shows.
    pub label: String,
}

/// What is said of one source and one destination.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PieceJson {
    /// Who calls: names of pods, a node, or CIDR blocks.
    pub sources: Vec<String>,
    /// Who is called.
    pub destinations: Vec<String>,
    /// `IPv4` or `IPv6` when the families differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// What was asked about.
    pub asked: Vec<AllowJson>,
    /// What of it is allowed.
    pub allowed: Vec<AllowJson>,
    /// What of it is not decided by the input.
    pub unknown: Vec<AllowJson>,
    /// One flow, traced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<ExampleJson>,
}

/// Ports of one protocol.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct AllowJson {
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// For example `80,8000-8090`.
    pub ports: String,
}

/// One flow with what decided it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct ExampleJson {
    /// The protocol.
    pub protocol: String,
    /// The port on the destination.
    pub port: u16,
    /// `allowed`, `denied` or `unknown`.
    pub verdict: String,
    /// The source's side.
    pub egress: SideJson,
    /// The destination's side.
    pub ingress: SideJson,
}

/// One side of a flow.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SideJson {
    /// `allowed`, `denied` or `unknown`.
    pub outcome: String,
    /// `not-a-pod`, `host-network`, `loopback`, `own-node`, `not-isolated`, `rules`,
    /// `isolated`, `tied` (policies of the same priority decide differently) or `undecidable`.
    pub reason: String,
    /// The policies that select the pod.
    pub policies: Vec<String>,
    /// The rules that decided, each as `file:line:column`.
    pub rules: Vec<RuleJson>,
}

/// One rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct RuleJson {
    /// The policy.
    pub policy: String,
    /// The rule's place in it, `spec.ingress[0]` for example.
    pub route: String,
    /// What the rule does: `accept`, `deny` or `pass`.
    pub action: String,
    /// Where it is written: `file:line:column`.
    pub location: String,
}

/// The JSON Schema of the answer.
pub fn answer_schema() -> serde_json::Value {
    schemars::schema_for!(AnswerJson).to_value()
}

/// The answer as JSON.
pub fn answer_json(
    cluster: &Cluster,
    sources: &Sources,
    (from, to): (&str, &str),
    answer: &Answer,
) -> AnswerJson {
    AnswerJson {
        version: 1,
        from: from.to_owned(),
        to: to.to_owned(),
        answer: answer.overall.name().to_owned(),
        hops: answer
            .hops
            .iter()
            .map(|hop| hop_json(cluster, sources, hop))
            .collect(),
        ties: answer
            .ties
            .iter()
            .map(|(a, b)| [policy_name(cluster, *a), policy_name(cluster, *b)])
            .collect(),
        proposals: None,
        obstacles: None,
    }
}

fn hop_json(cluster: &Cluster, sources: &Sources, hop: &Hop) -> HopJson {
    HopJson {
        title: hop.title.clone(),
        answer: hop.overall.name().to_owned(),
        notes: hop.notes.clone(),
        cause: hop.cause.clone(),
        evidence: hop
            .evidence
            .iter()
            .map(|evidence| EvidenceJson {
                location: place_text(
                    sources,
                    &Place::Node {
                        origin: evidence.origin.clone(),
                        target: Target::Value,
                    },
                ),
                label: evidence.label.clone(),
            })
            .collect(),
        pieces: hop
            .pieces
            .iter()
            .map(|piece| piece_json(cluster, sources, piece))
            .collect(),
    }
}

fn piece_json(cluster: &Cluster, sources: &Sources, piece: &Piece) -> PieceJson {
    PieceJson {
        sources: names(cluster, &piece.source),
        destinations: names(cluster, &piece.destination),
        family: piece.family.map(|family| family.name().to_owned()),
        asked: allow_json(&piece.asked),
        allowed: allow_json(&piece.allowed),
        unknown: allow_json(&piece.unknown),
        example: piece
            .example
            .as_ref()
            .map(|example| example_json(cluster, sources, example)),
    }
}

pub(super) fn names(cluster: &Cluster, who: &Who) -> Vec<String> {
    match who {
        Who::Pods(pods) => pods.iter().map(|&pod| pod_name(cluster, pod)).collect(),
        Who::Node(node) => vec![node_name(cluster, *node)],
        Who::Addresses(addresses) => {
            let cidrs = addresses.cidrs();
            if cidrs.is_empty() {
                vec![addresses_text(addresses)]
            } else {
                cidrs.iter().map(ToString::to_string).collect()
            }
        }
        Who::Name(name) => vec![name.clone()],
        Who::UnknownController => vec!["ingress-controller".to_owned()],
        Who::AssumedDns => vec!["cluster-dns".to_owned()],
        Who::OwnNode => vec!["own-node".to_owned()],
        Who::OtherNodes(addresses) if addresses.is_empty() => vec!["other-nodes".to_owned()],
        Who::OtherNodes(addresses) => addresses.cidrs().iter().map(ToString::to_string).collect(),
    }
}

/// Traffic as JSON: one entry for each protocol that has any.
pub fn allow_json(traffic: &TrafficSet) -> Vec<AllowJson> {
    Protocol::ALL
        .into_iter()
        .filter(|&protocol| !traffic.get(protocol).is_empty())
        .map(|protocol| AllowJson {
            protocol: protocol.to_string(),
            ports: traffic.get(protocol).to_string(),
        })
        .collect()
}

fn example_json(cluster: &Cluster, sources: &Sources, example: &Example) -> ExampleJson {
    ExampleJson {
        protocol: example.flow.protocol.to_string(),
        port: example.flow.port,
        verdict: example.evaluation.verdict.name().to_owned(),
        egress: side_json(
            cluster,
            sources,
            Direction::Egress,
            &example.evaluation.egress,
        ),
        ingress: side_json(
            cluster,
            sources,
            Direction::Ingress,
            &example.evaluation.ingress,
        ),
    }
}

fn side_json(cluster: &Cluster, sources: &Sources, direction: Direction, side: &Side) -> SideJson {
    let tied: Vec<RuleRef>;
    let (reason, rules): (&str, &[RuleRef]) = match &side.reason {
        Reason::NotAPod => ("not-a-pod", &[]),
        Reason::HostNetwork => ("host-network", &[]),
        Reason::Loopback => ("loopback", &[]),
        Reason::OwnNode => ("own-node", &[]),
        Reason::NotIsolated => ("not-isolated", &[]),
        Reason::Rules { rules, .. } => ("rules", rules),
        Reason::Isolated { .. } => ("isolated", &[]),
        Reason::Tied { rules } => {
            tied = rules.iter().map(|(_, rule)| *rule).collect();
            ("tied", &tied)
        }
        Reason::Undecidable { rules } => ("undecidable", rules),
    };
    SideJson {
        outcome: side.outcome.name().to_owned(),
        reason: reason.to_owned(),
        policies: side
            .selecting
            .iter()
            .map(|&id| policy_name(cluster, id))
            .collect(),
        rules: rules
            .iter()
            .filter_map(|reference| rule_json(cluster, sources, direction, reference))
            .collect(),
    }
}

fn rule_json(
    cluster: &Cluster,
    sources: &Sources,
    direction: Direction,
    reference: &RuleRef,
) -> Option<RuleJson> {
    let policy = cluster.policy(reference.policy)?;
    let rule = policy.rules(direction)?.get(reference.rule)?;
    let origin = Origin {
        document: policy.origin.document,
        route: rule.route.clone(),
    };
    Some(RuleJson {
        policy: policy_name(cluster, reference.policy),
        route: rule.route.to_string(),
        action: rule.action.name().to_owned(),
        location: place_text(
            sources,
            &Place::Node {
                origin,
                target: Target::Value,
            },
        ),
    })
}
