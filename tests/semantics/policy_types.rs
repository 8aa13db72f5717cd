//! N8 to N11: what a policy means that does not say everything.

use crate::harness::{Allowed, Denied, Input, Row};
use portolan::model::Verdict;

/// Whether x/a is closed for what comes in and for what goes out, on a port that no rule of
/// these tests mentions.
fn closed(ingress: Verdict, egress: Verdict) -> [Row; 4] {
    [
        ("y/b", "x/a", "TCP 9999", ingress),
        ("192.0.2.1", "x/a", "UDP 9999", ingress),
        ("x/a", "y/b", "TCP 9999", egress),
        ("x/a", "192.0.2.1", "UDP 9999", egress),
    ]
}

#[test]
fn n8_absent_or_empty_policy_types_are_ingress_and_egress_if_it_has_rules() {
    let rule = "[{ports: [{port: 80}]}]";
    for (spec, ingress, egress) in [
        ("podSelector: {}".to_owned(), Denied, Allowed),
        (
            "{podSelector: {}, policyTypes: []}".to_owned(),
            Denied,
            Allowed,
        ),
        (
            "{podSelector: {}, policyTypes: null}".to_owned(),
            Denied,
            Allowed,
        ),
        (
            format!("{{podSelector: {{}}, ingress: {rule}}}"),
            Denied,
            Allowed,
        ),
        (
            "{podSelector: {}, ingress: [{}]}".to_owned(),
            Allowed,
            Allowed,
        ),
        // An empty list of egress rules is none.
        ("{podSelector: {}, egress: []}".to_owned(), Denied, Allowed),
        (
            "{podSelector: {}, egress: null}".to_owned(),
            Denied,
            Allowed,
        ),
        (
            "{podSelector: {}, policyTypes: [], ingress: [], egress: []}".to_owned(),
            Denied,
            Allowed,
        ),
        (
            "{podSelector: {}, egress: [{}]}".to_owned(),
            Denied,
            Allowed,
        ),
    ] {
        Input::standard()
            .policy("x/untyped", &spec)
            .check(&closed(ingress, egress));
    }
}

#[test]
fn n8_egress_list_without_policy_types_isolates_both() {
    let input = Input::standard().policy(
        "x/untyped",
        "
        podSelector: {matchLabels: {app: a}}
        egress: [{ports: [{port: 80}]}]
        ",
    );
    input.check(&closed(Denied, Denied));
    input.check(&[
        ("x/a", "y/b", "TCP 80", Allowed),
        // Meant for egress only, it also denies what comes in.
        ("y/b", "x/a", "TCP 80", Denied),
    ]);
}

#[test]
fn n8_stated_policy_types_are_taken_at_their_word() {
    for (types, ingress, egress) in [
        ("[Ingress]", Denied, Allowed),
        ("[Egress]", Allowed, Denied),
        ("[Ingress, Egress]", Denied, Denied),
        ("[Egress, Ingress]", Denied, Denied),
        // V20: accepted, and no different from once.
        ("[Egress, Egress]", Allowed, Denied),
    ] {
        let spec = format!("{{podSelector: {{}}, policyTypes: {types}}}");
        Input::standard()
            .policy("x/typed", &spec)
            .check(&closed(ingress, egress));
    }
}

#[test]
fn n9_rules_of_a_direction_that_is_not_in_policy_types_are_ignored() {
    let rules = "ingress: [{ports: [{port: 80}]}], egress: [{ports: [{port: 80}]}]";
    for (types, ingress, egress) in [("Ingress", Denied, Allowed), ("Egress", Allowed, Denied)] {
        let spec = format!("{{podSelector: {{}}, policyTypes: [{types}], {rules}}}");
        let input = Input::standard().policy("x/ignored", &spec);
        input.check(&closed(ingress, egress));
        input.check(&[
            ("y/b", "x/a", "TCP 80", Allowed),
            ("x/a", "y/b", "TCP 80", Allowed),
        ]);
    }
}

#[test]
fn n9_ignored_rules_do_not_isolate_either() {
    let input = Input::standard().policy(
        "x/ignored",
        "{podSelector: {}, policyTypes: [Egress], egress: [{}], ingress: []}",
    );
    input.check(&closed(Allowed, Allowed));
}

#[test]
fn n10_a_port_without_protocol_is_tcp() {
    let input = Input::standard().policy(
        "x/web",
        "{podSelector: {}, policyTypes: [Ingress, Egress], \
          ingress: [{ports: [{port: 80}]}], egress: [{ports: [{port: 53}]}]}",
    );
    input.check(&[
        ("y/a", "x/a", "TCP 80", Allowed),
        ("y/a", "x/a", "UDP 80", Denied),
        ("y/a", "x/a", "SCTP 80", Denied),
        ("x/a", "y/a", "TCP 53", Allowed),
        // The trap of DNS.
        ("x/a", "y/a", "UDP 53", Denied),
    ]);
}

#[test]
fn n11_a_policy_without_namespace_goes_where_it_is_applied() {
    let policy = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {}}
";
    let input = Input::standard()
        .pod("default/a", "app: a", "10.9.0.1 2001:db8:9::1")
        .yaml(policy);
    for (namespace, x, y, default) in [
        ("default", Allowed, Allowed, Denied),
        ("", Allowed, Allowed, Denied),
        ("x", Denied, Allowed, Allowed),
        ("y", Allowed, Denied, Allowed),
    ] {
        let mut input = input.clone();
        input.options.default_namespace = namespace.to_owned();
        input.check(&[
            ("192.0.2.1", "x/a", "TCP 80", x),
            ("192.0.2.1", "y/a", "TCP 80", y),
            ("192.0.2.1", "default/a", "TCP 80", default),
        ]);
    }
}
