//! The format of intents, as types: what is decoded, and what the JSON Schema is made from.

use crate::manifest::{INTENT_API_VERSION, INTENT_KIND};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The JSON Schema of an intent, in the draft that editors know.
pub fn intent_schema() -> serde_json::Value {
    let schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<ConnectivityIntent>();
    let mut schema = schema.to_value();
    if let Some(object) = schema.as_object_mut() {
        let id = "https://portolan.dev/schema/intent.v1.json";
        object.insert("$id".to_owned(), id.into());
    }
    schema
}

/// Which connections are meant to be possible in a cluster, and which are not.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ConnectivityIntent {
    /// The version of this format.
    #[schemars(extend("const" = INTENT_API_VERSION))]
    #[allow(dead_code, reason = "it was looked at before the rest is decoded")]
    api_version: String,
    /// Always `ConnectivityIntent`.
    #[schemars(extend("const" = INTENT_KIND))]
    #[allow(dead_code, reason = "it was looked at before the rest is decoded")]
    kind: String,
    /// What the intent is called.
    pub(super) metadata: Metadata,
    /// What is intended.
    pub(super) spec: Spec,
}

/// What the intent is called.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Metadata {
    /// The name, which answers print before the name of each assertion.
    #[schemars(length(min = 1))]
    pub(super) name: String,
    /// Ignored.
    #[allow(dead_code, reason = "resources have it, and it says nothing here")]
    namespace: Option<String>,
    /// Ignored.
    #[allow(dead_code, reason = "resources have it, and it says nothing here")]
    labels: Option<BTreeMap<String, String>>,
    /// Ignored.
    #[allow(dead_code, reason = "resources have it, and it says nothing here")]
    annotations: Option<BTreeMap<String, String>>,
}

/// What is intended.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Spec {
    /// The scope of assertions that have none of their own; `existing` when left out.
    pub(super) scope: Option<ScopeName>,
    /// What is meant to be reached, or not, by whom.
    #[serde(default)]
    pub(super) assertions: Vec<Assertion>,
    /// What is meant to hold of the cluster as a whole.
    #[serde(default)]
    pub(super) cluster: Vec<ClusterAssertion>,
}

/// Which pods a statement is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScopeName {
    /// The pods that exist.
    Existing,
    /// Any pod that one could create, and those that exist.
    Possible,
}

/// One statement about who reaches whom on what.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Assertion {
    /// The name, unique in the intent.
    #[schemars(length(min = 1))]
    pub(super) name: String,
    /// Why; printed when the assertion is violated.
    pub(super) description: Option<String>,
    /// What is expected.
    pub(super) expect: Expect,
    /// Which pods it is about: those that exist, or any that one could create.
    pub(super) scope: Option<ScopeName>,
    /// Who opens the connection: any of these.
    #[schemars(length(min = 1))]
    pub(super) from: Vec<Endpoint>,
    /// Who is called: any of these.
    #[schemars(length(min = 1))]
    pub(super) to: Vec<Endpoint>,
    /// On what: any of these; all traffic when left out.
    #[schemars(length(min = 1))]
    pub(super) ports: Option<Vec<Port>>,
}

/// What is expected of connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Expect {
    /// Every caller reaches everyone called, on all of the ports.
    Allowed,
    /// No caller reaches anyone called, on any of the ports.
    Denied,
    /// Nobody but the callers reaches anyone called, on any of the ports: no other pod, no
    /// address outside and no node but the called pod's own.
    Only,
}

/// One end of connections: pods by label, or else exactly one of `workload`, `service`,
/// `ipBlock` and `entity`.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Endpoint {
    /// Pods in the namespace of this name; short for a `namespaceSelector` on
    /// `kubernetes.io/metadata.name`.
    pub(super) namespace: Option<String>,
    /// Pods in the namespaces with these labels.
    pub(super) namespace_selector: Option<LabelSelector>,
    /// Pods with these labels: of the namespaces said beside it, and of every namespace when
    /// there are none.
    pub(super) pod_selector: Option<LabelSelector>,
    /// Whether, in the scope `possible`, pods of namespaces are meant that the input does not
    /// have; `true` when left out. Such a namespace has no policies, so little holds of it.
    pub(super) new_namespaces: Option<bool>,
    /// The pods of a workload: `namespace/name`, or `Kind/namespace/name` where several kinds
    /// have that name.
    #[schemars(regex(pattern = r"^([A-Za-z]+/)?[^/]+/[^/]+$"))]
    pub(super) workload: Option<String>,
    /// A Service, as `namespace/name`. As a destination it stands for the pods behind it, each
    /// on the port that the Service's port leads to; as a source for the pods alone.
    #[schemars(regex(pattern = r"^[^/]+/[^/]+$"))]
    pub(super) service: Option<String>,
    /// Addresses outside the cluster.
    pub(super) ip_block: Option<IpBlock>,
    /// Someone who has neither labels nor one address.
    pub(super) entity: Option<Entity>,
}

/// A label selector with Kubernetes' meaning: all of it must match, and an empty one matches
/// everything.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct LabelSelector {
    /// Labels that must be there with these values.
    #[serde(default)]
    pub(super) match_labels: BTreeMap<String, String>,
    /// Conditions on labels.
    #[serde(default)]
    pub(super) match_expressions: Vec<LabelSelectorRequirement>,
}

/// A condition on one label.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct LabelSelectorRequirement {
    /// The label's key.
    pub(super) key: String,
    /// How its value is compared.
    pub(super) operator: SelectorOperator,
    /// The values; only with `In` and `NotIn`.
    #[serde(default)]
    pub(super) values: Vec<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
pub(super) enum SelectorOperator {
    /// The label is there, with one of the values.
    In,
    /// The label is not there, or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
}

/// A block of addresses.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct IpBlock {
    /// The block, `203.0.113.0/24` for example.
    pub(super) cidr: String,
    /// Blocks that are cut out of it.
    #[serde(default)]
    pub(super) except: Vec<String>,
}

/// Someone who has neither labels nor one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Entity {
    /// Every address outside the cluster.
    Internet,
    /// The pods that serve Ingresses: those that are recognised, or that
    /// `--ingress-controller` names.
    IngressController,
    /// Every node of the cluster.
    Node,
}

/// Traffic, as a NetworkPolicy's `ports` entry says it.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Port {
    /// The protocol; TCP when left out.
    pub(super) protocol: Option<ProtocolName>,
    /// A number, or the name of a port that the called pod (or Service) declares; every port
    /// of the protocol when left out.
    pub(super) port: Option<PortValue>,
    /// The last port of a range that starts at `port`.
    #[schemars(range(min = 1, max = 65535))]
    pub(super) end_port: Option<i64>,
}

/// A transport protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ProtocolName {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// A port by number or by name.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum PortValue {
    /// A number.
    Number(#[schemars(range(min = 1, max = 65535))] i64),
    /// A name.
    Name(#[schemars(length(min = 1, max = 63))] String),
}

/// One statement about the whole cluster.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ClusterAssertion {
    /// The name, unique in the intent.
    #[schemars(length(min = 1))]
    pub(super) name: String,
    /// Why; printed when the assertion is violated.
    pub(super) description: Option<String>,
    /// What is required.
    pub(super) require: Require,
    /// Which pods it is about: those that exist, or any that one could create.
    pub(super) scope: Option<ScopeName>,
    /// For `isolated`: in which directions; both when left out.
    #[schemars(length(min = 1))]
    pub(super) directions: Option<Vec<Isolation>>,
    /// For `separated-namespaces`: the namespace label by whose values namespaces are told
    /// apart, among those that have it; when left out, each namespace is for itself.
    pub(super) namespace_label: Option<String>,
    /// For `closed-to-internet` and `separated-namespaces`: what may be open all the same.
    #[schemars(length(min = 1))]
    pub(super) allow: Option<Vec<Opening>>,
    /// For `isolated` and `separated-namespaces`: the pods it is not about.
    #[schemars(length(min = 1))]
    pub(super) except: Option<Vec<Endpoint>>,
}

/// What is required of the whole cluster: of the pods of its namespaces, whoever calls them. Of a
/// namespace that the input does not have nothing could be required, since it has no policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Require {
    /// Some NetworkPolicy selects every pod, so that what is allowed is what is written.
    Isolated,
    /// Every policy selects a pod: one that exists or, in the scope `possible`, one that could.
    PoliciesSelectPods,
    /// No pod is reached from another namespace, or from one with another value of a label.
    SeparatedNamespaces,
    /// No pod is reached from outside the cluster, but for what is listed.
    ClosedToInternet,
}

/// A direction in which a pod is isolated, as NetworkPolicy's `policyTypes` spells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
pub(super) enum Isolation {
    /// Towards the pod.
    Ingress,
    /// From the pod.
    Egress,
}

/// What may be open.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Opening {
    /// For `separated-namespaces`, who may call: any of these; anyone when left out.
    #[schemars(length(min = 1))]
    pub(super) from: Option<Vec<Endpoint>>,
    /// Who may be called: any of these; anyone when left out.
    #[schemars(length(min = 1))]
    pub(super) to: Option<Vec<Endpoint>>,
    /// On what: any of these; all traffic when left out.
    #[schemars(length(min = 1))]
    pub(super) ports: Option<Vec<Port>>,
}
