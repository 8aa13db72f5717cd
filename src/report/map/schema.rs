//! The shapes of the JSON outputs, as types: what their published schemas are made from.

use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

/// The JSON Schema of `-o json`.
pub fn pairs_schema() -> serde_json::Value {
    schema_for!(PairsDocument).to_value()
}

/// The JSON Schema of `-o json --grouped`.
pub fn grouped_schema() -> serde_json::Value {
    schema_for!(GroupedDocument).to_value()
}

/// The version that both shapes are at. A version only ever gains optional members.
pub(super) const VERSION: u8 = 1;

fn only_this_version(schema: &mut Schema) {
    schema.insert("const".to_owned(), VERSION.into());
}

/// Portolan's connectivity map, one row for each pair of peers that can talk or may.
///
/// A pair that has no row may not talk. A workload and itself, and two external peers, never
/// have one.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "portolan list -o json")]
pub(super) struct PairsDocument {
    /// The version of this shape. Within a version only optional members are added.
    #[schemars(transform = only_this_version)]
    pub(super) version: u8,
    /// The rows, by source and then destination.
    pub(super) connections: Vec<Pair>,
    /// What the answer rests on, one sentence each.
    pub(super) assumptions: Vec<String>,
    /// The kinds of objects in the input that can change connectivity and were not analysed.
    pub(super) not_analysed: Vec<KindNotAnalysed>,
}

/// What a source may open to a destination.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pair {
    /// Who opens connections.
    pub(super) src: Peer,
    /// Who is called.
    pub(super) dst: Peer,
    /// What is allowed. Empty only when `unknown` is not.
    pub(super) allow: Vec<Traffic>,
    /// What is allowed for some of the addresses that pods could get and not for others, or
    /// depends on an ingress controller that is not in the input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unknown: Vec<Traffic>,
    /// The IP family that the row is about, where the families differ; else it is about both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) family: Option<Family>,
    /// Whether the row is true of some pods of the two workloads and not of all. Never there on
    /// rows of an ingress controller.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) partial: bool,
    /// With `--explain`: the policies whose egress rules let it out of the source. Empty when
    /// none is needed, as where no policy isolates the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) egress_policies: Option<Vec<String>>,
    /// With `--explain`: the policies whose ingress rules let it into the destination. Empty
    /// when none is needed, as where no policy isolates the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ingress_policies: Option<Vec<String>>,
}

/// One end of a connection.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Peer {
    /// The pods of a workload.
    #[serde(rename_all = "camelCase")]
    Workload {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its kind, `Deployment` for example.
        workload_kind: String,
    },
    /// Addresses outside the cluster.
    External {
        /// The fewest CIDR blocks that cover them, IPv4 before IPv6.
        cidrs: Vec<String>,
    },
    /// Whatever serves Ingresses.
    IngressController,
}

/// Ports of one protocol. `1-65535` of all three protocols is all traffic.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
pub(super) struct Traffic {
    /// The transport protocol.
    pub(super) protocol: Protocol,
    /// The destination ports, ascending: `80,8000-8090`.
    #[schemars(regex(pattern = r"^\d+(-\d+)?(,\d+(-\d+)?)*$"))]
    pub(super) ports: String,
}

/// A transport protocol.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// An IP family.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
pub(super) enum Family {
    /// IPv4.
    #[serde(rename = "IPv4")]
    V4,
    /// IPv6.
    #[serde(rename = "IPv6")]
    V6,
}

/// Objects of one kind that were not analysed.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct KindNotAnalysed {
    /// Their apiVersion.
    pub(super) api_version: String,
    /// Their kind.
    pub(super) kind: String,
    /// How many there are.
    pub(super) count: usize,
    /// Where the first one is, as `file:line`.
    pub(super) first: String,
}

/// Portolan's connectivity map in factored form: sets of workloads and the traffic that every
/// member of one may open to every member of another, a pod and itself apart.
///
/// Two workloads can talk on the union of all connections that hold them. What one connection
/// calls unknown and another allowed is allowed.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "portolan list -o json --grouped")]
pub(super) struct GroupedDocument {
    /// The version of this shape. Within a version only optional members are added.
    #[schemars(transform = only_this_version)]
    pub(super) version: u8,
    /// All workloads of the cluster. Sets refer to them by index.
    pub(super) workloads: Vec<Workload>,
    /// The distinct sets of workloads. Connections refer to them by index.
    pub(super) sets: Vec<Vec<Member>>,
    /// The connections.
    pub(super) connections: Vec<GroupedConnection>,
    /// What the answer rests on, one sentence each.
    pub(super) assumptions: Vec<String>,
    /// The kinds of objects in the input that can change connectivity and were not analysed.
    pub(super) not_analysed: Vec<KindNotAnalysed>,
}

/// A workload.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Workload {
    /// Its namespace.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Its kind, `Deployment` for example.
    pub(super) workload_kind: String,
}

/// A member of a set.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(untagged)]
pub(super) enum Member {
    /// All pods of a workload, by its index in `workloads`.
    Whole(u32),
    /// Some pods of a workload.
    Some {
        /// Its index in `workloads`.
        workload: u32,
        /// The names of the pods.
        pods: Vec<String>,
    },
}

/// Every member of one end may open this traffic to every member of the other.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
pub(super) struct GroupedConnection {
    /// Who opens connections.
    pub(super) src: End,
    /// Who is called.
    pub(super) dst: End,
    /// On what.
    pub(super) allow: Vec<Traffic>,
    /// Allowed, or unknown as the input does not say enough.
    pub(super) verdict: Verdict,
    /// The only IP family that it is about, if it is not about both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) family: Option<Family>,
}

/// One end of a grouped connection.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(untagged)]
pub(super) enum End {
    /// A set of workloads.
    Set {
        /// Its index in `sets`.
        set: u32,
    },
    /// Addresses outside the cluster.
    External {
        /// The fewest CIDR blocks that cover them, IPv4 before IPv6.
        cidrs: Vec<String>,
    },
    /// Whatever serves Ingresses.
    Controller {
        /// Always `ingress-controller`.
        kind: ControllerKind,
    },
}

/// The kind of an end that is neither a set nor external.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ControllerKind {
    /// Whatever serves Ingresses.
    IngressController,
}

/// What is said of a grouped connection.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// Policy lets it through.
    Allowed,
    /// It depends on addresses that pods do not have yet, or on an ingress controller that is
    /// not in the input.
    Unknown,
}
