//! Topics of the upstream end-to-end suite that are about ingress.

use crate::matrix::{Matrix, expect, expect_open, nine_pods};

const DENY_INGRESS: &str = "{podSelector: {}, policyTypes: [Ingress]}";

#[test]
fn default_deny_of_ingress() {
    let input = nine_pods().policy("x/deny", DENY_INGRESS);
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/*");
    expect(&input, &[closed("TCP 80"), closed("TCP 81")]);
}

#[test]
fn default_deny_of_both_directions() {
    let deny = "{podSelector: {}, policyTypes: [Ingress, Egress]}";
    let input = nine_pods().policy("x/deny", deny);
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("*/*", "x/*").deny("x/*", "*/*")],
    );
}

#[test]
fn pods_of_the_same_namespace() {
    let input = nine_pods().policy(
        "x/from-b",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("*/*", "x/a").allow("x/b", "x/a")],
    );
}

#[test]
fn ingress_for_one_target() {
    // The whole namespace is closed, and one pod of it open to everyone.
    let input = nine_pods().policy("x/deny", DENY_INGRESS).policy(
        "x/open-a",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress: [{from: [{namespaceSelector: {}}]}]
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("*/*", "x/*").allow("*/*", "x/a")],
    );
}

#[test]
fn pods_of_all_namespaces() {
    let input = nine_pods().policy("x/deny", DENY_INGRESS).policy(
        "x/all-namespaces",
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}",
    );
    expect_open(&input, &["TCP 80", "TCP 81"]);
}

#[test]
fn pods_of_selected_namespaces() {
    let input = nine_pods().policy(
        "x/from-y",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress: [{from: [{namespaceSelector: {matchLabels: {ns: y}}}]}]
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("*/*", "x/a").allow("y/*", "x/a")],
    );
}

#[test]
fn expressions_on_pods() {
    let input = nine_pods().policy(
        "x/from-b",
        "
        podSelector: {matchExpressions: [{key: pod, operator: In, values: [a, c]}]}
        ingress:
        - from:
          - podSelector: {matchExpressions: [{key: pod, operator: In, values: [b]}]}
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80")
            .deny("*/*", "x/a")
            .deny("*/*", "x/c")
            .allow("x/b", "x/a")
            .allow("x/b", "x/c")],
    );
}

#[test]
fn expressions_on_namespaces() {
    let input = nine_pods().policy(
        "x/from-y",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress:
        - from:
          - namespaceSelector: {matchExpressions: [{key: ns, operator: In, values: [y]}]}
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("*/*", "x/a").allow("y/*", "x/a")],
    );
}

#[test]
fn pods_or_namespaces() {
    let input = nine_pods().policy(
        "x/either",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress:
        - from:
          - podSelector: {matchLabels: {pod: b}}
          - namespaceSelector: {matchLabels: {ns: y}}
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80")
            .deny("*/*", "x/a")
            .allow("x/b", "x/a")
            .allow("y/*", "x/a")],
    );
}

#[test]
fn pods_and_namespaces() {
    let input = nine_pods().policy(
        "x/both",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress:
        - from:
          - podSelector: {matchLabels: {pod: b}}
            namespaceSelector: {matchLabels: {ns: y}}
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("*/*", "x/a").allow("y/b", "x/a")],
    );
}

#[test]
fn several_selectors_by_not_in_and_in() {
    let input = nine_pods().policy(
        "x/several",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress:
        - from:
          - namespaceSelector: {matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}
            podSelector: {matchExpressions: [{key: pod, operator: In, values: [b, c]}]}
          - podSelector: {matchExpressions: [{key: pod, operator: NotIn, values: [a, c]}]}
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80")
            .deny("*/*", "x/a")
            .allow("y/b", "x/a")
            .allow("y/c", "x/a")
            .allow("z/b", "x/a")
            .allow("z/c", "x/a")
            .allow("x/b", "x/a")],
    );
}

#[test]
fn any_of_several_pod_selectors() {
    let input = nine_pods().policy(
        "x/b-or-c",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress:
        - from:
          - podSelector: {matchLabels: {pod: b}}
          - podSelector: {matchLabels: {pod: c}}
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80")
            .deny("*/*", "x/a")
            .allow("x/b", "x/a")
            .allow("x/c", "x/a")],
    );
}

#[test]
fn one_port_from_one_namespace() {
    let input = nine_pods().policy(
        "x/port-81",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress:
        - from: [{namespaceSelector: {matchLabels: {ns: y}}}]
          ports: [{port: 81, protocol: TCP}]
        ",
    );
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/a");
    expect(
        &input,
        &[
            closed("TCP 81").allow("y/*", "x/a"),
            closed("TCP 80"),
            closed("UDP 81"),
            closed("SCTP 81"),
        ],
    );
}

#[test]
fn stacked_policies_with_overlapping_selectors() {
    let from_y = "
        podSelector: {matchLabels: {pod: a}}
        ingress:
        - from: [{namespaceSelector: {matchLabels: {ns: y}}}]
          ports: [{port: 81}]
    ";
    let first = nine_pods().policy("x/81-from-y", from_y);
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/a");
    expect(
        &first,
        &[closed("TCP 80"), closed("TCP 81").allow("y/*", "x/a")],
    );
    // A second policy for the same pod adds to the first.
    let second = first.policy(
        "x/80-from-z",
        "
        podSelector: {matchExpressions: [{key: pod, operator: In, values: [a, b]}]}
        ingress:
        - from: [{namespaceSelector: {matchLabels: {ns: z}}}]
          ports: [{port: 80}]
        ",
    );
    expect(
        &second,
        &[
            closed("TCP 80")
                .deny("*/*", "x/b")
                .allow("z/*", "x/a")
                .allow("z/*", "x/b"),
            closed("TCP 81").deny("*/*", "x/b").allow("y/*", "x/a"),
        ],
    );
}

#[test]
fn allow_all() {
    let input = nine_pods().policy("x/allow", "{podSelector: {}, ingress: [{}]}");
    expect_open(&input, &["TCP 80", "TCP 81", "UDP 80", "SCTP 81"]);
}

#[test]
fn a_named_port() {
    let input = nine_pods().policy(
        "x/named",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress: [{ports: [{port: serve-80-tcp}]}]
        ",
    );
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/a");
    expect_open(&input, &["TCP 80"]);
    expect(&input, &[closed("TCP 81"), closed("UDP 80")]);
}

#[test]
fn a_named_port_from_one_namespace() {
    let input = nine_pods().policy(
        "x/named",
        "
        podSelector: {matchLabels: {pod: a}}
        ingress:
        - from: [{namespaceSelector: {matchLabels: {ns: x}}}]
          ports: [{port: serve-80-tcp}]
        ",
    );
    let closed = |traffic| Matrix::on(traffic).deny("*/*", "x/a");
    expect(
        &input,
        &[closed("TCP 80").allow("x/*", "x/a"), closed("TCP 81")],
    );
}

#[test]
fn nothing_from_other_namespaces() {
    let input = nine_pods().policy(
        "x/own-only",
        "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("y/*", "x/*").deny("z/*", "x/*")],
    );
}

#[test]
fn several_policies_with_an_allow_all_among_them() {
    let from_b = "
        podSelector: {matchLabels: {pod: a}}
        ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]
    ";
    let first = nine_pods().policy("x/from-b", from_b);
    let narrow = Matrix::on("TCP 80").deny("*/*", "x/a").allow("x/b", "x/a");
    expect(&first, &[narrow]);
    let second = first.policy("x/allow", "{podSelector: {}, ingress: [{}]}");
    expect_open(&second, &["TCP 80", "UDP 81"]);
}
