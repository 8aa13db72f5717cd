//! Topics of the upstream end-to-end suite that are about egress.

use crate::matrix::{Matrix, expect, expect_open, nine_pods};

#[test]
fn a_named_port_out() {
    let input = nine_pods().policy(
        "x/named",
        "
        podSelector: {matchLabels: {pod: a}}
        policyTypes: [Egress]
        egress: [{ports: [{port: serve-80-tcp}]}]
        ",
    );
    let closed = |traffic| Matrix::on(traffic).deny("x/a", "*/*");
    expect_open(&input, &["TCP 80"]);
    expect(&input, &[closed("TCP 81"), closed("UDP 80")]);
}

#[test]
fn no_egress_for_selected_pods() {
    let input = nine_pods().policy(
        "x/deny-a",
        "{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress]}",
    );
    expect(&input, &[Matrix::on("TCP 80").deny("x/a", "*/*")]);
}

#[test]
fn no_egress_for_a_namespace() {
    let input = nine_pods().policy("x/deny", "{podSelector: {}, policyTypes: [Egress]}");
    expect(&input, &[Matrix::on("TCP 80").deny("x/*", "*/*")]);
}

#[test]
fn ingress_and_egress_in_one_policy() {
    let input = nine_pods().policy(
        "x/both",
        "
        podSelector: {matchLabels: {pod: a}}
        policyTypes: [Ingress, Egress]
        ingress:
        - from: [{podSelector: {matchLabels: {pod: b}}}]
          ports: [{port: 80}, {port: 81}]
        egress:
        - to: [{namespaceSelector: {matchLabels: {ns: z}}}]
          ports: [{port: 80}]
        ",
    );
    let closed = |traffic| {
        let matrix = Matrix::on(traffic).deny("*/*", "x/a").deny("x/a", "*/*");
        matrix.allow("x/b", "x/a")
    };
    expect(
        &input,
        &[closed("TCP 80").allow("x/a", "z/*"), closed("TCP 81")],
    );
}

#[test]
fn the_client_denies_what_the_server_allows() {
    let input = nine_pods()
        .policy(
            "x/deny-out",
            "{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress]}",
        )
        .policy(
            "y/allow-in",
            "
            podSelector: {matchLabels: {pod: a}}
            ingress:
            - from: [{namespaceSelector: {matchLabels: {ns: x}}, podSelector: {matchLabels: {pod: a}}}]
            ",
        );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("*/*", "y/a").deny("x/a", "*/*")],
    );
}

#[test]
fn egress_to_a_pod_of_another_namespace() {
    let input = nine_pods().policy(
        "x/to-y-a",
        "
        podSelector: {matchLabels: {pod: a}}
        policyTypes: [Egress]
        egress:
        - to:
          - namespaceSelector: {matchLabels: {ns: y}}
            podSelector: {matchLabels: {pod: a}}
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("x/a", "*/*").allow("x/a", "y/a")],
    );
}

#[test]
fn several_egress_policies_with_an_allow_all_among_them() {
    let to_y = "
        podSelector: {matchLabels: {pod: a}}
        policyTypes: [Egress]
        egress: [{to: [{namespaceSelector: {matchLabels: {ns: y}}}], ports: [{port: 80}]}]
    ";
    let first = nine_pods().policy("x/to-y", to_y);
    let closed = |traffic| Matrix::on(traffic).deny("x/a", "*/*");
    expect(
        &first,
        &[closed("TCP 80").allow("x/a", "y/*"), closed("TCP 81")],
    );
    let allow = "{podSelector: {}, policyTypes: [Egress], egress: [{}]}";
    expect_open(&first.policy("x/allow", allow), &["TCP 80", "TCP 81"]);
}

#[test]
fn egress_to_a_block_with_a_pod_in_it() {
    let input = nine_pods().policy(
        "x/to-z-b",
        "
        podSelector: {matchLabels: {pod: a}}
        policyTypes: [Egress]
        egress: [{to: [{ipBlock: {cidr: 10.0.3.2/32}}]}]
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("x/a", "*/*").allow("x/a", "z/b")],
    );
}

/// The pods of z but for a, which is 10.0.3.1.
const HOLED: &str = "
    podSelector: {matchLabels: {pod: a}}
    policyTypes: [Egress]
    egress: [{to: [{ipBlock: {cidr: 10.0.3.0/24, except: [10.0.3.1/32]}}]}]
";

#[test]
fn egress_to_a_block_with_an_exception() {
    let input = nine_pods().policy("x/holed", HOLED);
    expect(
        &input,
        &[Matrix::on("TCP 80")
            .deny("x/a", "*/*")
            .allow("x/a", "z/b")
            .allow("x/a", "z/c")],
    );
}

#[test]
fn an_exception_that_another_policys_block_allows() {
    let input = nine_pods().policy("x/holed", HOLED).policy(
        "x/also",
        "
        podSelector: {matchLabels: {pod: a}}
        policyTypes: [Egress]
        egress: [{to: [{ipBlock: {cidr: 10.0.3.1/32}}]}]
        ",
    );
    expect(
        &input,
        &[Matrix::on("TCP 80").deny("x/a", "*/*").allow("x/a", "z/*")],
    );
}

#[test]
fn directions_of_one_pod_apart() {
    let deny_in = "{podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress]}";
    let deny_out = "{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress]}";
    let allow_out = "{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{}]}";
    let no_in = || Matrix::on("TCP 80").deny("*/*", "x/a");
    expect(&nine_pods().policy("x/in", deny_in), &[no_in()]);
    let only_out = nine_pods().policy("x/out", deny_out);
    expect(&only_out, &[Matrix::on("TCP 80").deny("x/a", "*/*")]);
    let mixed = nine_pods()
        .policy("x/in", deny_in)
        .policy("x/out", allow_out);
    expect(&mixed, &[no_in()]);
    let neither = nine_pods()
        .policy("x/in", deny_in)
        .policy("x/out", deny_out);
    expect(&neither, &[no_in().deny("x/a", "*/*")]);
}
