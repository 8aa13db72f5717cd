//! Decoding follows Go's JSON decoder, where serde or YAML would do something else.

use super::super::parse::parse;
use super::super::reader::Reader;
use super::decode;
use crate::model::{Finding, Origin, Place};
use crate::source::{DocumentId, Format, Route};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use serde::de::DeserializeOwned;

fn decoded<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<Finding>) {
    let tree = parse(text, Format::Yaml).unwrap();
    let origin = Origin {
        document: DocumentId(0),
        route: Route::root(),
    };
    let reader = Reader::new(text, text, origin);
    let object = decode(&reader, &tree);
    (object, reader.into_findings())
}

fn messages(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect()
}

#[test]
fn null_is_the_zero_value_everywhere() {
    let (policy, findings) = decoded::<NetworkPolicy>(
        "{metadata: {name: null, labels: {a: null}, annotations: null, creationTimestamp: null}, \
         spec: {podSelector: null, ingress: [null, {from: [null], ports: [null]}], policyTypes: \
         [null]}}",
    );
    assert_eq!(findings, []);
    let policy = policy.unwrap();
    assert_eq!(policy.metadata.name, None);
    assert_eq!(policy.metadata.labels.unwrap()["a"], "");
    let NetworkPolicySpec {
        ingress,
        policy_types,
        pod_selector,
        ..
    } = policy.spec.unwrap();
    let ingress = ingress.unwrap();
    assert_eq!(ingress[0], Default::default());
    assert_eq!(ingress[1].from.as_deref(), Some(&[Default::default()][..]));
    assert_eq!(ingress[1].ports.as_deref(), Some(&[Default::default()][..]));
    assert_eq!(policy_types.as_deref(), Some(&[String::new()][..]));
    assert_eq!(pod_selector, None);
}

#[test]
fn numbers_are_what_json_makes_of_them() {
    for (number, expected) in [
        ("30", Some(30)),
        ("30.0", Some(30)),
        ("3e1", Some(30)),
        ("0x1e", Some(30)),
        ("036", Some(30)),
        ("null", Some(0)),
        ("30.5", None),
        ("'30'", None),
        ("true", None),
        ("[]", None),
        ("9223372036854775808", None),
    ] {
        let text = format!("{{spec: {{terminationGracePeriodSeconds: {number}}}}}");
        let (pod, findings) = decoded::<Pod>(&text);
        let seconds = pod.and_then(|pod| pod.spec).map(|spec| {
            // null is None for an optional field.
            spec.termination_grace_period_seconds.unwrap_or(0)
        });
        assert_eq!(seconds, expected, "{number} {findings:?}");
    }
}

#[test]
fn quantities_may_be_numbers_and_times_must_be_times() {
    let (pod, findings) = decoded::<Pod>(
        "{metadata: {creationTimestamp: '2026-01-31T12:00:00Z'}, spec: {containers: [{name: a, \
         resources: {limits: {cpu: 1, memory: 64Mi, x: 0.5}}}]}}",
    );
    assert_eq!(findings, []);
    let limits = pod.unwrap().spec.unwrap().containers[0]
        .resources
        .clone()
        .unwrap()
        .limits
        .unwrap();
    let limits: Vec<&str> = limits
        .values()
        .map(|quantity| quantity.0.as_str())
        .collect();
    assert_eq!(limits, ["1", "64Mi", "0.5"]);
    let (pod, findings) = decoded::<Pod>("{metadata: {creationTimestamp: yesterday}}");
    assert!(pod.is_none());
    assert_eq!(
        messages(&findings),
        [
            "`metadata.creationTimestamp` must be a point in time, such as 2026-01-31T12:00:00Z, not \
          text"
        ]
    );
}

#[test]
fn keys_are_text_whatever_they_look_like() {
    let (pod, findings) = decoded::<Pod>("{metadata: {labels: {1: a, true: b, 1.5: c}}}");
    assert_eq!(findings, []);
    let labels = pod.unwrap().metadata.labels.unwrap();
    assert_eq!(labels.into_keys().collect::<Vec<_>>(), ["1", "1.5", "true"]);
}

#[test]
fn np002_unknown_fields_at_any_depth_and_none_in_status() {
    let (pod, findings) = decoded::<Pod>(
        "{metadata: {label: {}}, spec: {containers: [{name: a, port: []}], fancy: {deep: [1]}}, \
         status: {fromTheFuture: 1, podIP: 10.0.0.1, conditions: [{type: x, status: z, new: 1}]}}",
    );
    assert_eq!(
        messages(&findings),
        [
            "unknown field `metadata.label`",
            "unknown field `spec.containers[0].port`",
            "unknown field `spec.fancy`",
        ]
    );
    let help: Vec<Option<&str>> = findings
        .iter()
        .map(|finding| finding.help.as_deref())
        .collect();
    assert_eq!(
        help,
        [
            Some("did you mean `labels`?"),
            Some("did you mean `ports`?"),
            None
        ]
    );
    assert_eq!(
        pod.unwrap().status.unwrap().pod_ip.as_deref(),
        Some("10.0.0.1")
    );
    let (_, findings) = decoded::<NetworkPolicy>("{spec: {}, status: {}}");
    assert_eq!(findings, []);
}

/// Every type error names the node, and no Rust type.
#[test]
fn type_errors_name_the_node() {
    for (text, route, message) in [
        ("[]", "", "the object must be a mapping, not a list"),
        (
            "{metadata: x}",
            "metadata",
            "`metadata` must be a mapping, not text",
        ),
        (
            "{spec: {containers: {name: a}}}",
            "spec.containers",
            "`spec.containers` must be a list, not a mapping",
        ),
        (
            "{spec: {containers: [a]}}",
            "spec.containers[0]",
            "`spec.containers[0]` must be a mapping, not text",
        ),
        (
            "{spec: {containers: [{ports: [{containerPort: '80'}]}]}}",
            "spec.containers[0].ports[0].containerPort",
            "`spec.containers[0].ports[0].containerPort` must be a whole number, not text",
        ),
        (
            "{metadata: {labels: {a: [x]}}}",
            "metadata.labels.a",
            "`metadata.labels.a` must be text, not a list",
        ),
        (
            "{spec: {containers: [{livenessProbe: {httpGet: {port: {}}}}]}}",
            "spec.containers[0].livenessProbe.httpGet.port",
            "`spec.containers[0].livenessProbe.httpGet.port` must be a whole number or text, not a \
             mapping",
        ),
        (
            "{spec: {containers: [{resources: {limits: {cpu: [1]}}}]}}",
            "spec.containers[0].resources.limits.cpu",
            "`spec.containers[0].resources.limits.cpu` must be a quantity, such as 500m or 1Gi, \
             not a list",
        ),
    ] {
        let (pod, findings) = decoded::<Pod>(text);
        assert!(pod.is_none());
        assert_eq!(messages(&findings), [message]);
        let Place::Node { origin, .. } = &findings[0].place else {
            panic!("{findings:?}");
        };
        assert_eq!(origin.route.to_string(), route);
    }
}

/// A scalar where text belongs is an error, and what it says is read all the same.
#[test]
fn scalars_where_text_belongs_do_not_stop_the_decoding() {
    let (pod, findings) = decoded::<Pod>("{metadata: {labels: {a: 1, b: true, c: 1.50}}}");
    let labels = pod.unwrap().metadata.labels.unwrap();
    assert_eq!(
        labels.into_values().collect::<Vec<_>>(),
        ["1", "true", "1.5"]
    );
    assert_eq!(
        messages(&findings),
        [
            "`metadata.labels.a` must be text, not a number",
            "`metadata.labels.b` must be text, not a boolean",
            "`metadata.labels.c` must be text, not a fraction",
        ]
    );
}

/// What tools record about fields is not read at all: it is most of a live object.
#[test]
fn managed_fields_may_hold_anything() {
    let (pod, findings) = decoded::<Pod>(
        "{metadata: {managedFields: [{manager: kubectl, operation: Update, time: \
         '2026-01-31T12:00:00Z', fieldsV1: {'f:metadata': {1: [x], y: null}}}]}}",
    );
    assert_eq!(findings, []);
    assert!(pod.is_some());
}
