//! What is empty, missing or null: three things that look alike and are not.

use crate::harness::{Allowed, Denied, Input, Row};

/// The policy in namespace x, and what comes of it.
#[track_caller]
fn check(spec: &str, rows: &[Row]) {
    Input::standard().policy("x/policy", spec).check(rows);
}

/// Nothing comes in to x/a.
const CLOSED: [Row; 4] = [
    ("x/b", "x/a", "TCP 80", Denied),
    ("y/a", "x/a", "UDP 80", Denied),
    ("192.0.2.1", "x/a", "SCTP 80", Denied),
    ("2001:db8:ffff::1", "x/a", "TCP 1", Denied),
];

/// Everything does.
const OPEN: [Row; 5] = [
    ("x/b", "x/a", "TCP 80", Allowed),
    ("y/a", "x/a", "UDP 80", Allowed),
    ("192.0.2.1", "x/a", "SCTP 80", Allowed),
    ("2001:db8:ffff::1", "x/a", "TCP 1", Allowed),
    ("192.0.2.1", "x/a", "UDP 65535", Allowed),
];

#[test]
fn a_pod_selector_that_is_empty_missing_or_null_selects_all_pods_of_the_namespace() {
    for spec in [
        "{podSelector: {}, policyTypes: [Ingress]}",
        "{policyTypes: [Ingress]}",
        "{podSelector: null, policyTypes: [Ingress]}",
        "{podSelector: {matchLabels: {}}, policyTypes: [Ingress]}",
        "{podSelector: {matchLabels: null, matchExpressions: []}, policyTypes: [Ingress]}",
    ] {
        check(spec, &CLOSED);
        check(
            spec,
            &[
                ("x/a", "x/b", "TCP 80", Denied),
                ("x/a", "y/b", "TCP 80", Allowed),
                ("192.0.2.1", "y/a", "TCP 80", Allowed),
            ],
        );
    }
}

#[test]
fn ingress_missing_empty_or_null_denies_all() {
    for spec in [
        "{podSelector: {}, policyTypes: [Ingress]}",
        "{podSelector: {}, policyTypes: [Ingress], ingress: []}",
        "{podSelector: {}, policyTypes: [Ingress], ingress: null}",
    ] {
        check(spec, &CLOSED);
    }
}

#[test]
fn egress_missing_empty_or_null_denies_all() {
    for spec in [
        "{podSelector: {}, policyTypes: [Egress]}",
        "{podSelector: {}, policyTypes: [Egress], egress: []}",
        "{podSelector: {}, policyTypes: [Egress], egress: null}",
    ] {
        check(
            spec,
            &[
                ("x/a", "x/b", "TCP 80", Denied),
                ("x/a", "192.0.2.1", "UDP 53", Denied),
                ("192.0.2.1", "x/a", "TCP 80", Allowed),
            ],
        );
    }
}

#[test]
fn one_empty_rule_allows_all() {
    check("{podSelector: {}, ingress: [{}]}", &OPEN);
    // A deny beside it changes nothing: one rule is enough.
    check(
        "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {no: one}}}]}, {}]}",
        &OPEN,
    );
    check(
        "{podSelector: {}, policyTypes: [Egress], egress: [{}]}",
        &[
            ("x/a", "x/b", "TCP 80", Allowed),
            ("x/a", "y/b", "SCTP 80", Allowed),
            ("x/a", "192.0.2.1", "UDP 53", Allowed),
        ],
    );
}

#[test]
fn from_missing_empty_or_null_is_all_sources() {
    for from in ["", "from: [], ", "from: null, "] {
        let spec = format!("{{podSelector: {{}}, ingress: [{{{from}ports: [{{port: 80}}]}}]}}");
        check(
            &spec,
            &[
                ("x/b", "x/a", "TCP 80", Allowed),
                ("y/b", "x/a", "TCP 80", Allowed),
                ("192.0.2.1", "x/a", "TCP 80", Allowed),
                ("192.0.2.1", "x/a", "TCP 81", Denied),
            ],
        );
    }
    // All that a template left of a list of peers opens the pod to everyone.
    check("{podSelector: {}, ingress: [{from: []}]}", &OPEN);
}

#[test]
fn to_missing_empty_or_null_is_all_destinations() {
    for to in ["", "to: [], ", "to: null, "] {
        let spec = format!(
            "{{podSelector: {{}}, policyTypes: [Egress], egress: [{{{to}ports: [{{port: 80}}]}}]}}"
        );
        check(
            &spec,
            &[
                ("x/a", "y/b", "TCP 80", Allowed),
                ("x/a", "192.0.2.1", "TCP 80", Allowed),
                ("x/a", "192.0.2.1", "TCP 81", Denied),
            ],
        );
    }
}

#[test]
fn ports_missing_empty_or_null_is_all_ports_and_protocols() {
    for ports in ["", ", ports: []", ", ports: null"] {
        let spec =
            format!("{{podSelector: {{}}, ingress: [{{from: [{{podSelector: {{}}}}]{ports}}}]}}");
        check(
            &spec,
            &[
                ("x/b", "x/a", "TCP 1", Allowed),
                ("x/b", "x/a", "UDP 65535", Allowed),
                ("x/b", "x/a", "SCTP 80", Allowed),
                ("y/b", "x/a", "TCP 1", Denied),
            ],
        );
    }
}

#[test]
fn an_empty_port_is_all_of_tcp_only() {
    for port in ["{}", "{port: null}", "{protocol: null}", "{protocol: TCP}"] {
        check(
            &format!("{{podSelector: {{}}, ingress: [{{ports: [{port}]}}]}}"),
            &[
                ("y/a", "x/a", "TCP 1", Allowed),
                ("y/a", "x/a", "TCP 65535", Allowed),
                ("y/a", "x/a", "UDP 1", Denied),
                ("y/a", "x/a", "SCTP 1", Denied),
            ],
        );
    }
}

#[test]
fn a_port_of_protocol_alone_is_all_of_that_protocol() {
    check(
        "{podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]}",
        &[
            ("y/a", "x/a", "UDP 1", Allowed),
            ("y/a", "x/a", "UDP 65535", Allowed),
            ("y/a", "x/a", "TCP 1", Denied),
            ("y/a", "x/a", "SCTP 1", Denied),
        ],
    );
}

#[test]
fn a_peer_that_names_nothing_is_rejected() {
    for peer in [
        "{}",
        "{namespaceSelector: null}",
        "{podSelector: null}",
        "{podSelector: null, namespaceSelector: null, ipBlock: null}",
    ] {
        for (types, list) in [
            ("Ingress", "ingress: [{from: "),
            ("Egress", "egress: [{to: "),
        ] {
            let spec = format!("{{podSelector: {{}}, policyTypes: [{types}], {list}[{peer}]}}]}}");
            Input::standard()
                .policy("x/policy", &spec)
                .rejects("must specify a peer");
        }
    }
}

#[test]
fn an_empty_pod_selector_is_all_pods_of_the_policys_namespace() {
    check(
        "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}",
        &[
            ("x/b", "x/a", "TCP 80", Allowed),
            ("y/a", "x/a", "TCP 80", Denied),
            ("192.0.2.1", "x/a", "TCP 80", Denied),
        ],
    );
}

#[test]
fn an_empty_namespace_selector_is_all_pods_and_no_address_outside() {
    for peer in [
        "{namespaceSelector: {}}",
        "{namespaceSelector: {}, podSelector: null}",
        "{namespaceSelector: {}, podSelector: {}}",
    ] {
        check(
            &format!("{{podSelector: {{}}, ingress: [{{from: [{peer}]}}]}}"),
            &[
                ("x/b", "x/a", "TCP 80", Allowed),
                ("y/a", "x/a", "TCP 80", Allowed),
                ("192.0.2.1", "x/a", "TCP 80", Denied),
                // An address in between those of pods is still nobody's.
                ("10.1.0.3", "x/a", "TCP 80", Denied),
            ],
        );
    }
}

#[test]
fn both_selectors_in_one_item_must_match() {
    check(
        "
        podSelector: {}
        ingress:
        - from:
          - namespaceSelector: {}
            podSelector: {matchLabels: {app: b}}
        ",
        &[
            ("x/b", "x/a", "TCP 80", Allowed),
            ("y/b", "x/a", "TCP 80", Allowed),
            ("y/a", "x/a", "TCP 80", Denied),
        ],
    );
}

#[test]
fn of_two_items_one_must_match() {
    check(
        "
        podSelector: {}
        ingress:
        - from:
          - namespaceSelector: {matchLabels: {team: blue}}
          - podSelector: {matchLabels: {app: b}}
        ",
        &[
            ("x/b", "x/a", "TCP 80", Allowed),
            ("y/a", "x/a", "TCP 80", Allowed),
            ("y/b", "x/a", "TCP 80", Allowed),
            ("x/a", "x/b", "TCP 80", Denied),
        ],
    );
}

#[test]
fn a_null_namespace_selector_is_not_an_empty_one() {
    for peer in [
        "{namespaceSelector: null, podSelector: {matchLabels: {app: b}}}",
        "{podSelector: {matchLabels: {app: b}}}",
    ] {
        check(
            &format!("{{podSelector: {{}}, ingress: [{{from: [{peer}]}}]}}"),
            &[
                ("x/b", "x/a", "TCP 80", Allowed),
                ("y/b", "x/a", "TCP 80", Denied),
            ],
        );
    }
}
