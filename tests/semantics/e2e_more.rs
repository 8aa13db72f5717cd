//! Topics of the upstream end-to-end suite that are about change, protocols and the label that
//! every namespace has.

use crate::matrix::{Matrix, expect, expect_open, nine_pods, nine_pods_but};

const FROM_B: &str = "
    podSelector: {matchLabels: {pod: a}}
    ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]
";

#[test]
fn an_updated_policy() {
    let before = nine_pods().policy("x/policy", "{podSelector: {}, ingress: [{}]}");
    expect_open(&before, &["TCP 80", "TCP 81"]);
    let after = nine_pods().policy("x/policy", FROM_B);
    expect(
        &after,
        &[Matrix::on("TCP 80").deny("*/*", "x/a").allow("x/b", "x/a")],
    );
}

#[test]
fn an_updated_namespace_label() {
    let from_y2 = "
        podSelector: {matchLabels: {pod: a}}
        ingress: [{from: [{namespaceSelector: {matchLabels: {ns2: updated}}}]}]
    ";
    let closed = || Matrix::on("TCP 80").deny("*/*", "x/a");
    expect(&nine_pods().policy("x/from-updated", from_y2), &[closed()]);
    let relabelled = nine_pods_but(&[("y", "ns: y, ns2: updated")]);
    expect(
        &relabelled.policy("x/from-updated", from_y2),
        &[closed().allow("y/*", "x/a")],
    );
}

#[test]
fn an_updated_label_of_the_calling_pod() {
    let from_updated = "
        podSelector: {matchLabels: {pod: a}}
        ingress: [{from: [{podSelector: {matchLabels: {pod: b, pod2: updated}}}]}]
    ";
    let closed = || Matrix::on("TCP 80").deny("*/*", "x/a");
    expect(
        &nine_pods().policy("x/from-updated", from_updated),
        &[closed()],
    );
    let relabelled = nine_pods_but(&[("x/b", "pod: b, pod2: updated")]);
    expect(
        &relabelled.policy("x/from-updated", from_updated),
        &[closed().allow("x/b", "x/a")],
    );
}

#[test]
fn an_updated_label_of_the_called_pod() {
    let deny = "{podSelector: {matchLabels: {target: isolated}}}";
    expect_open(&nine_pods().policy("x/deny", deny), &["TCP 80"]);
    let relabelled = nine_pods_but(&[("x/a", "pod: a, target: isolated")]);
    expect(
        &relabelled.policy("x/deny", deny),
        &[Matrix::on("TCP 80").deny("*/*", "x/a")],
    );
}

#[test]
fn a_deleted_policy() {
    let deny = "{podSelector: {}, policyTypes: [Ingress, Egress]}";
    let with = nine_pods().policy("x/deny", deny);
    expect(
        &with,
        &[Matrix::on("TCP 80").deny("x/*", "*/*").deny("*/*", "x/*")],
    );
    expect_open(&nine_pods(), &["TCP 80"]);
}

#[test]
fn a_rule_of_a_protocol_alone() {
    let input = nine_pods().policy(
        "x/tcp-from-own",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress:
        - from: [{podSelector: {}}]
          ports: [{protocol: TCP}]
        ",
    );
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/a");
    expect(
        &input,
        &[
            closed("TCP 80").allow("x/*", "x/a"),
            closed("TCP 81").allow("x/*", "x/a"),
            closed("UDP 80"),
            closed("SCTP 80"),
        ],
    );
}

#[test]
fn several_ports_of_one_rule() {
    let input = nine_pods().policy(
        "x/two-ports",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress: [{ports: [{port: 80}, {port: 81}]}]
        ",
    );
    expect_open(&input, &["TCP 80", "TCP 81"]);
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/a");
    expect(&input, &[closed("UDP 80"), closed("TCP 82")]);
}

/// Only port 80 of one protocol comes in to x/a.
fn port_80_of(protocol: &str) -> String {
    format!(
        "{{podSelector: {{matchLabels: {{pod: a}}}}, \
          ingress: [{{ports: [{{protocol: {protocol}, port: 80}}]}}]}}"
    )
}

#[test]
fn sctp_is_not_treated_as_tcp() {
    let input = nine_pods().policy("x/sctp", &port_80_of("SCTP"));
    expect(
        &input,
        &[
            Matrix::on("TCP 80").deny("*/*", "x/a"),
            Matrix::on("SCTP 80"),
        ],
    );
}

#[test]
fn a_policy_about_sctp_only_still_isolates() {
    let input = nine_pods().policy("x/sctp", &port_80_of("SCTP"));
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/a");
    expect(
        &input,
        &[closed("TCP 81"), closed("UDP 80"), closed("SCTP 81")],
    );
}

#[test]
fn a_policy_about_udp_only_does_not_allow_tcp() {
    let input = nine_pods().policy("x/udp", &port_80_of("UDP"));
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/a");
    expect(
        &input,
        &[closed("TCP 80"), closed("SCTP 80"), Matrix::on("UDP 80")],
    );
}

#[test]
fn the_name_label_of_namespaces_as_a_label() {
    let input = nine_pods().policy(
        "x/from-y",
        "
        podSelector: {}
        ingress:
        - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("*/*", "x/*").allow("y/*", "x/*")],
    );
}

#[test]
fn the_name_label_of_namespaces_in_expressions() {
    let input = nine_pods().policy(
        "x/not-from-y",
        "
        podSelector: {}
        ingress:
        - from:
          - namespaceSelector:
              matchExpressions:
              - {key: kubernetes.io/metadata.name, operator: NotIn, values: [y, w]}
        ",
    );
    expect(&input, &[Matrix::on("TCP 80").deny("y/*", "x/*")]);
}

const DENY_INGRESS: &str = "{podSelector: {}, policyTypes: [Ingress]}";

/// Port 81 of one protocol from namespace y.
fn port_81_from_y(protocol: &str) -> String {
    format!(
        "{{podSelector: {{matchLabels: {{pod: a}}}}, ingress: [{{\
          from: [{{namespaceSelector: {{matchLabels: {{ns: y}}}}}}], \
          ports: [{{protocol: {protocol}, port: 81}}]}}]}}"
    )
}

/// From pods b of namespace y.
const FROM_Y_B: &str = "
    podSelector: {matchLabels: {pod: a}}
    ingress:
    - from:
      - namespaceSelector: {matchLabels: {ns: y}}
        podSelector: {matchLabels: {pod: b}}
";

#[test]
fn udp_default_deny_of_ingress() {
    let input = nine_pods().policy("x/deny", DENY_INGRESS);
    expect(&input, &[Matrix::on("UDP 80").deny("*/*", "x/*")]);
}

#[test]
fn udp_one_port() {
    let input = nine_pods().policy("x/port", &port_81_from_y("UDP"));
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/a");
    expect(
        &input,
        &[
            closed("UDP 81").allow("y/*", "x/a"),
            closed("UDP 80"),
            closed("TCP 81"),
        ],
    );
}

#[test]
fn udp_pods_and_namespaces() {
    let input = nine_pods().policy("x/from-y-b", FROM_Y_B);
    let closed = Matrix::on("UDP 80").deny("*/*", "x/a");
    expect(&input, &[closed.allow("y/b", "x/a")]);
}

#[test]
fn sctp_default_deny_of_ingress() {
    let input = nine_pods().policy("x/deny", DENY_INGRESS);
    expect(&input, &[Matrix::on("SCTP 80").deny("*/*", "x/*")]);
}

#[test]
fn sctp_one_port() {
    let input = nine_pods().policy("x/port", &port_81_from_y("SCTP"));
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/a");
    expect(
        &input,
        &[
            closed("SCTP 81").allow("y/*", "x/a"),
            closed("SCTP 80"),
            closed("TCP 81"),
        ],
    );
}

#[test]
fn sctp_pods_and_namespaces() {
    let input = nine_pods().policy("x/from-y-b", FROM_Y_B);
    let closed = Matrix::on("SCTP 80").deny("*/*", "x/a");
    expect(&input, &[closed.allow("y/b", "x/a")]);
}
