//! What accepted NetworkPolicies mean (N8 to N22, and the table of empty and missing).

use super::{loaded, meaning, only_policy, policy, selector_text};
use crate::model::{NamespaceMatch, Tier};

#[test]
fn n8_n9_policy_types_defaulting_and_ignored_rules() {
    for (spec, ingress, egress) in [
        ("  {}", "deny", "-"),
        ("  {podSelector: {}}", "deny", "-"),
        ("  {policyTypes: []}", "deny", "-"),
        ("  {policyTypes: null}", "deny", "-"),
        ("  {egress: []}", "deny", "-"),
        ("  {egress: null}", "deny", "-"),
        ("  {egress: [{}]}", "deny", "everyone -> all"),
        ("  {policyTypes: [Egress]}", "-", "deny"),
        ("  {policyTypes: [Egress, Ingress]}", "deny", "deny"),
        ("  {policyTypes: [Ingress, Ingress]}", "deny", "-"),
        // N9: rules of the other direction are ignored.
        ("  {policyTypes: [Egress], ingress: [{}]}", "-", "deny"),
        ("  {policyTypes: [Ingress], egress: [{}]}", "deny", "-"),
    ] {
        let expected = (ingress.to_owned(), egress.to_owned());
        assert_eq!(meaning(spec), expected, "{spec}");
    }
}

/// The table "Empty vs missing".
#[test]
fn empty_is_not_missing() {
    for (rules, expected) in [
        ("", "deny"),
        ("ingress: []", "deny"),
        ("ingress: null", "deny"),
        ("ingress: [{}]", "everyone -> all"),
        // A list entry that says nothing is one that allows everything.
        ("ingress: [null]", "everyone -> all"),
        ("ingress: [{from: []}]", "everyone -> all"),
        ("ingress: [{from: null}]", "everyone -> all"),
        ("ingress: [{ports: []}]", "everyone -> all"),
        ("ingress: [{ports: null}]", "everyone -> all"),
        ("ingress: [{ports: [{}]}]", "everyone -> TCP 1-65535"),
        ("ingress: [{ports: [null]}]", "everyone -> TCP 1-65535"),
        (
            "ingress: [{ports: [{protocol: UDP}]}]",
            "everyone -> UDP 1-65535",
        ),
        (
            "ingress: [{ports: [{port: null}]}]",
            "everyone -> TCP 1-65535",
        ),
        ("ingress: [{from: [{podSelector: {}}]}]", "shop/* -> all"),
        (
            "ingress: [{from: [{namespaceSelector: {}}]}]",
            "[*]/* -> all",
        ),
        (
            "ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {a: x}}}]}]",
            "[*]/a=x -> all",
        ),
        (
            "ingress: [{from: [{namespaceSelector: {}}, {podSelector: {matchLabels: {a: x}}}]}]",
            "[*]/* or shop/a=x -> all",
        ),
        (
            "ingress: [{from: [{namespaceSelector: null, podSelector: {matchLabels: {a: x}}}]}]",
            "shop/a=x -> all",
        ),
        (
            "ingress: [{from: [{podSelector: {matchLabels: null, matchExpressions: []}}]}]",
            "shop/* -> all",
        ),
        (
            "ingress: [{from: [{podSelector: {matchLabels: {a: ''}}}]}]",
            "shop/a= -> all",
        ),
        // null is the zero value of text too.
        (
            "ingress: [{from: [{podSelector: {matchLabels: {a: }}}]}]",
            "shop/a= -> all",
        ),
    ] {
        let spec = format!("  podSelector: {{}}\n  {rules}");
        assert_eq!(meaning(&spec).0, expected, "{rules}");
    }
}

#[test]
fn n10_n17_n18_n19_ports() {
    for (port, expected) in [
        ("{port: 80}", "TCP 80-80"),
        ("{port: 1}", "TCP 1-1"),
        ("{port: 65535}", "TCP 65535-65535"),
        ("{port: 80.0}", "TCP 80-80"),
        ("{port: 0x50}", "TCP 80-80"),
        ("{port: http}", "TCP http"),
        ("{port: http, protocol: UDP}", "UDP http"),
        ("{port: 53, protocol: UDP}", "UDP 53-53"),
        ("{port: 53, protocol: SCTP}", "SCTP 53-53"),
        ("{port: 8000, endPort: 8090}", "TCP 8000-8090"),
        ("{port: 8000, endPort: 8000}", "TCP 8000-8000"),
        ("{port: 80, protocol: null}", "TCP 80-80"),
    ] {
        let spec = format!("  egress: [{{ports: [{port}]}}]");
        assert_eq!(
            meaning(&spec).1,
            format!("everyone -> {expected}"),
            "{port}"
        );
    }
}

#[test]
fn n12_n13_n21_peers() {
    for (peers, expected) in [
        ("[{ipBlock: {cidr: 10.0.0.0/8}}]", "10.0.0.0/8"),
        (
            "[{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.2.0.0/16]}}]",
            "10.0.0.0/8 but 10.1.0.0/16,10.2.0.0/16",
        ),
        ("[{ipBlock: {cidr: '::/0'}}]", "::/0"),
        ("[{ipBlock: {cidr: 10.0.0.5/24}}]", "10.0.0.0/24"),
        ("[{ipBlock: {cidr: '::ffff:10.0.0.0/104'}}]", "10.0.0.0/8"),
        ("[{ipBlock: {cidr: 010.0.0.0/8}}]", "10.0.0.0/8"),
        (
            "[{podSelector: {matchExpressions: [{key: a, operator: NotIn, values: [y, x, y]}]}}]",
            "shop/a!=x|y",
        ),
        (
            "[{podSelector: {matchLabels: {a: x}, matchExpressions: [{key: b, operator: Exists}, \
             {key: c, operator: DoesNotExist}, {key: d, operator: In, values: [z]}]}}]",
            "shop/!c&a=x&b&d=z",
        ),
        (
            "[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: dns}}}]",
            "[kubernetes.io/metadata.name=dns]/*",
        ),
    ] {
        let spec = format!("  egress: [{{to: {peers}}}]");
        assert_eq!(meaning(&spec).1, format!("{expected} -> all"), "{peers}");
    }
}

#[test]
fn n11_n12_subject_is_in_the_policys_own_namespace() {
    for (metadata, expected) in [
        ("{name: p, namespace: shop}", "shop"),
        ("{name: p}", "default"),
        ("{name: p, namespace: }", "default"),
        ("{name: p, namespace: ''}", "default"),
    ] {
        let text = format!(
            "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {metadata}, \
             spec: {{podSelector: {{matchLabels: {{a: b}}}}}}}}"
        );
        let (cluster, policy) = only_policy(&text);
        assert_eq!(policy.tier, Tier::NetworkPolicy);
        assert_eq!(policy.priority, 0);
        assert_eq!(cluster.namespace_name(policy.namespace.unwrap()), expected);
        let NamespaceMatch::Same(namespace) = policy.subject.namespaces else {
            panic!("{:?}", policy.subject);
        };
        assert_eq!(cluster.namespace_name(namespace), expected);
        assert_eq!(selector_text(&cluster, &policy.subject.pods), "a=b");
    }
}

#[test]
fn rules_peers_and_ports_know_where_they_are_written() {
    let text = policy(
        "  ingress:\n  - {}\n  - from: [{podSelector: {}}, {ipBlock: {cidr: 10.0.0.0/8}}]\n    \
         ports: [{port: 80}, {port: 81}]",
    );
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {{}}\n- {}",
        text.trim_end().replace('\n', "\n  ")
    );
    for (text, prefix) in [(text, ""), (list, "items[1].")] {
        let (_, policy) = only_policy(&text);
        let rules = policy.ingress.unwrap();
        let routes = [
            &rules[0].route,
            &rules[1].route,
            &rules[1].peers.as_ref().unwrap()[1].route,
            &rules[1].ports.as_ref().unwrap()[1].route,
        ]
        .map(ToString::to_string);
        let expected = [
            "spec.ingress[0]",
            "spec.ingress[1]",
            "spec.ingress[1].from[1]",
            "spec.ingress[1].ports[1]",
        ]
        .map(|route| format!("{prefix}{route}"));
        assert_eq!(routes, expected);
        assert_eq!(
            policy.origin.route.to_string(),
            prefix.trim_end_matches('.')
        );
    }
}

#[test]
fn a_policy_without_a_spec_isolates_for_ingress() {
    // The server takes a missing spec for an empty one.
    let loaded =
        loaded("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}}");
    assert_eq!(
        loaded.cluster.policies[0].ingress.as_ref().map(Vec::len),
        Some(0)
    );
    assert!(loaded.cluster.policies[0].egress.is_none());
}
