//! N1 to N7: isolation, and how policies combine.

use crate::harness::{Allowed, Denied, Input};

const DENY_ALL: &str = "
    podSelector: {}
    policyTypes: [Ingress, Egress]
";

#[test]
fn n1_a_pod_without_policy_is_allowed_everything() {
    Input::standard().check(&[
        ("x/a", "x/b", "TCP 80", Allowed),
        ("x/a", "y/b", "UDP 1", Allowed),
        ("y/b", "x/a", "SCTP 65535", Allowed),
        ("x/a", "192.0.2.1", "TCP 443", Allowed),
        ("2001:db8:ffff::1", "x/a", "UDP 53", Allowed),
    ]);
}

#[test]
fn n2_a_policy_isolates_the_pods_that_it_selects_in_its_own_namespace() {
    let input = Input::standard().policy(
        "x/deny",
        "
        podSelector: {matchLabels: {app: a}}
        policyTypes: [Ingress]
        ",
    );
    input.check(&[
        ("x/b", "x/a", "TCP 80", Denied),
        ("y/b", "x/a", "TCP 80", Denied),
        ("192.0.2.1", "x/a", "TCP 80", Denied),
        // Other labels, and the same labels elsewhere.
        ("x/a", "x/b", "TCP 80", Allowed),
        ("x/a", "y/a", "TCP 80", Allowed),
        ("192.0.2.1", "y/a", "TCP 80", Allowed),
    ]);
}

#[test]
fn n2_directions_are_independent() {
    for (policy_type, ingress, egress) in
        [("Ingress", Denied, Allowed), ("Egress", Allowed, Denied)]
    {
        let spec =
            format!("{{podSelector: {{matchLabels: {{app: a}}}}, policyTypes: [{policy_type}]}}");
        Input::standard().policy("x/one-way", &spec).check(&[
            ("x/b", "x/a", "TCP 80", ingress),
            ("y/a", "x/a", "TCP 80", ingress),
            ("192.0.2.1", "x/a", "TCP 80", ingress),
            ("x/a", "x/b", "TCP 80", egress),
            ("x/a", "y/a", "TCP 80", egress),
            ("x/a", "192.0.2.1", "TCP 80", egress),
        ]);
    }
}

#[test]
fn n3_what_any_rule_of_any_policy_allows_is_allowed() {
    let input = Input::standard()
        .policy(
            "x/from-b-and-y",
            "
            podSelector: {matchLabels: {app: a}}
            ingress:
            - from: [{podSelector: {matchLabels: {app: b}}}]
              ports: [{port: 80}]
            - from: [{namespaceSelector: {matchLabels: {team: blue}}}]
              ports: [{port: 81}]
            ",
        )
        .policy(
            "x/udp",
            "
            podSelector: {}
            ingress:
            - ports: [{port: 53, protocol: UDP}]
            ",
        );
    input.check(&[
        ("x/b", "x/a", "TCP 80", Allowed),
        ("x/b", "x/a", "TCP 81", Denied),
        ("y/b", "x/a", "TCP 80", Denied),
        ("y/b", "x/a", "TCP 81", Allowed),
        ("y/b", "x/a", "UDP 53", Allowed),
        ("x/b", "x/a", "UDP 53", Allowed),
        ("192.0.2.1", "x/a", "UDP 53", Allowed),
        ("192.0.2.1", "x/a", "TCP 80", Denied),
        // Only the second policy selects this one.
        ("x/a", "x/b", "UDP 53", Allowed),
        ("x/a", "x/b", "TCP 80", Denied),
    ]);
}

#[test]
fn n3_an_allow_all_policy_beats_every_default_deny() {
    let allow = "
        podSelector: {matchLabels: {app: a}}
        policyTypes: [Ingress, Egress]
        ingress: [{}]
        egress: [{}]
    ";
    // Whatever order the two are written in.
    let written = [("x/deny", "x/allow"), ("x/z-deny", "x/a-allow")];
    for (deny_name, allow_name) in written {
        let input = Input::standard()
            .policy(deny_name, DENY_ALL)
            .policy(allow_name, allow);
        input.check(&[
            ("y/b", "x/a", "TCP 80", Allowed),
            ("x/a", "y/b", "SCTP 7", Allowed),
            ("192.0.2.1", "x/a", "UDP 53", Allowed),
            ("x/a", "192.0.2.1", "UDP 53", Allowed),
            // The default deny still holds for the other pod, on both sides of it.
            ("y/b", "x/b", "TCP 80", Denied),
            ("x/a", "x/b", "TCP 80", Denied),
            ("x/b", "x/a", "TCP 80", Denied),
        ]);
    }
}

#[test]
fn n4_both_sides_must_allow() {
    let client = (
        "x/client",
        "
        podSelector: {matchLabels: {app: a}}
        policyTypes: [Egress]
        egress: [{ports: [{port: 80}, {port: 81}]}]
        ",
    );
    let server = (
        "y/server",
        "
        podSelector: {matchLabels: {app: b}}
        ingress: [{ports: [{port: 81}, {port: 82}]}]
        ",
    );
    let input = Input::standard()
        .policy(client.0, client.1)
        .policy(server.0, server.1);
    input.check(&[
        ("x/a", "y/b", "TCP 80", Denied),
        ("x/a", "y/b", "TCP 81", Allowed),
        ("x/a", "y/b", "TCP 82", Denied),
        // One side only has a say.
        ("x/a", "y/a", "TCP 80", Allowed),
        ("x/a", "y/a", "TCP 82", Denied),
        ("x/b", "y/b", "TCP 80", Denied),
        ("x/b", "y/b", "TCP 82", Allowed),
        // An endpoint outside has no policy on its side.
        ("x/a", "192.0.2.1", "TCP 80", Allowed),
        ("x/a", "192.0.2.1", "TCP 82", Denied),
        ("192.0.2.1", "y/b", "TCP 82", Allowed),
        ("192.0.2.1", "y/b", "TCP 80", Denied),
    ]);
}

#[test]
fn n4_the_clients_side_denies_what_the_server_explicitly_allows() {
    let input = Input::standard()
        .policy("x/deny-out", "{podSelector: {}, policyTypes: [Egress]}")
        .policy("y/allow-in", "{podSelector: {}, ingress: [{}]}");
    input.check(&[
        ("x/a", "y/a", "TCP 80", Denied),
        ("y/a", "x/a", "TCP 80", Allowed),
    ]);
}

#[test]
fn n5_who_opens_the_connection_decides_and_replies_need_no_rule() {
    let input = Input::standard().policy("x/closed", DENY_ALL).policy(
        "x/may-call-out",
        "
            podSelector: {matchLabels: {app: a}}
            policyTypes: [Egress]
            egress: [{to: [{namespaceSelector: {}}]}]
            ",
    );
    input.check(&[
        // Its replies come in although ingress is denied: they are part of the same flow.
        ("x/a", "y/a", "TCP 80", Allowed),
        // The way back is a question of its own.
        ("y/a", "x/a", "TCP 80", Denied),
    ]);
}

#[test]
fn n6_rules_without_ports_are_about_tcp_udp_and_sctp() {
    let input = Input::standard().policy(
        "x/from-b",
        "
        podSelector: {matchLabels: {app: a}}
        ingress: [{from: [{podSelector: {matchLabels: {app: b}}}]}]
        ",
    );
    for traffic in [
        "TCP 1",
        "UDP 1",
        "SCTP 1",
        "TCP 65535",
        "UDP 65535",
        "SCTP 65535",
    ] {
        input.check(&[
            ("x/b", "x/a", traffic, Allowed),
            ("y/b", "x/a", traffic, Denied),
        ]);
    }
}

#[test]
fn n6_no_other_protocol_can_be_named() {
    for protocol in ["ICMP", "tcp", "\"6\""] {
        let spec =
            format!("{{podSelector: {{}}, ingress: [{{ports: [{{protocol: {protocol}}}]}}]}}");
        let input = Input::standard().policy("x/odd", &spec);
        input.rejects("Unsupported value");
        // What is not understood is left out, and said so; nothing is guessed.
        let cluster = input.load().cluster;
        crate::harness::check(&cluster, &[("y/a", "x/a", "TCP 80", Allowed)]);
    }
}

#[test]
fn n7_the_answer_is_for_the_policies_and_labels_that_are_there_now() {
    let policy = "{podSelector: {matchLabels: {app: a}}}";
    let before = Input::standard();
    before.check(&[("y/a", "x/a", "TCP 80", Allowed)]);
    let after = before.policy("x/new", policy);
    after.check(&[("y/a", "x/a", "TCP 80", Denied)]);
    // A new pod with the label is isolated as soon as it is there.
    let more = after.pod("x/new", "app: a", "10.1.0.9");
    more.check(&[("y/a", "x/new", "TCP 80", Denied)]);
}

#[test]
fn n7_sidecars_share_their_pods_policy() {
    let sidecar = "initContainers: [{name: proxy, image: proxy, restartPolicy: Always, \
                   ports: [{name: admin, containerPort: 9000}]}]";
    let input = Input::standard()
        .pod_with("x/meshed", "app: meshed", "10.1.0.9", "", sidecar)
        .policy(
            "x/admin",
            "
            podSelector: {matchLabels: {app: meshed}}
            ingress: [{ports: [{port: admin}]}]
            ",
        );
    input.check(&[
        ("y/a", "x/meshed", "TCP 9000", Allowed),
        ("y/a", "x/meshed", "TCP 9001", Denied),
    ]);
}
