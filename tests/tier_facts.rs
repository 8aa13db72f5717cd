//! What the conformance suite of the ClusterNetworkPolicy API (kubernetes-sigs/network-policy-api)
//! asks of implementations, case by case: 24 of them, for the Admin and the Baseline tier. The facts
//! are its own; pods, policies and words are not.
//!
//! Every row is asked as a question, so the specification and the set engine both answer it.

#![cfg(test)]

mod asked;

use asked::ask;
use portolan::model::Protocol;
use portolan::question::can::{Overall, PortQuery};
use std::collections::BTreeSet;

/// Two pods in each of four namespaces, and two nodes. `own` is the subject of all policies.
fn cluster() -> String {
    let mut text = String::new();
    for (index, namespace) in ["own", "friend", "foe", "half"].into_iter().enumerate() {
        text.push_str(&format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}, labels: {{house: {namespace}}}}}\n---\n"
        ));
        for nth in 0..2 {
            text.push_str(&format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: {namespace}-{nth}, namespace: {namespace}, labels: {{house: {namespace}}}}}\n\
                 spec: {{containers: [{{name: c, image: c, ports: [\
                 {{name: web, containerPort: 80}}, {{name: dns, containerPort: 53, protocol: UDP}}]}}]}}\n\
                 status: {{podIP: 10.9.{index}.{nth}}}\n---\n"
            ));
        }
    }
    for (name, os, last) in [("linux-1", "linux", 5), ("other-1", "other", 6)] {
        text.push_str(&format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{name: {name}, labels: {{os: {os}}}}}\n\
             status: {{addresses: [{{type: InternalIP, address: 192.0.2.{last}}}]}}\n---\n"
        ));
    }
    text
}

/// A policy for `own`. The rules are of egress or of ingress, as they say `to` or `from`.
fn policy(tier: &str, priority: u32, name: &str, rules: &[String]) -> String {
    let of = |key: &str| -> Vec<&str> {
        let own = rules.iter().filter(|rule| rule.contains(key));
        own.map(String::as_str).collect()
    };
    format!(
        "apiVersion: policy.networking.k8s.io/v1beta1\nkind: ClusterNetworkPolicy\nmetadata: {{name: {name}}}\n\
         spec: {{tier: {tier}, priority: {priority}, subject: {{namespaces: {{matchLabels: {{house: own}}}}}}, \
         ingress: [{}], egress: [{}]}}\n---\n",
        of("from: ").join(", "),
        of("to: ").join(", ")
    )
}

fn house(name: &str) -> String {
    format!("{{namespaces: {{matchLabels: {{house: {name}}}}}}}")
}

fn rule(action: &str, key: &str, peer: &str, protocols: &[String]) -> String {
    let protocols = match protocols {
        [] => String::new(),
        protocols => format!(", protocols: [{}]", protocols.join(", ")),
    };
    format!("{{action: {action}, {key}: [{peer}]{protocols}}}")
}

fn port(protocol: Protocol, number: u16) -> String {
    let name = protocol.name().to_lowercase();
    format!("{{{name}: {{destinationPort: {{number: {number}}}}}}}")
}

/// Who can reach whom on what, or not.
type Row = (String, String, Protocol, u16, bool);

/// A case: its name, the manifests besides the cluster, and who can reach whom on what.
struct Case {
    name: String,
    policies: String,
    rows: Vec<Row>,
}

/// The port that is guarded, and another one.
const PORTS: [(Protocol, u16, u16); 3] = [
    (Protocol::Tcp, 80, 8080),
    (Protocol::Udp, 53, 5353),
    (Protocol::Sctp, 9003, 9005),
];

/// `own-0` and a pod of the namespace, in the order in which they call.
fn ends(key: &str, other: &str) -> (String, String) {
    let (own, other) = ("own/own-0".to_owned(), format!("{other}/{other}-1"));
    match key {
        "to" => (own, other),
        _ => (other, own),
    }
}

/// The rules that decide by their order, for one direction and some protocols: `first` is the action
/// for `friend` that comes first, `foe` that for `foe` at the guarded ports.
fn ordered(key: &str, protocols: &[(Protocol, u16, u16)], first: &str, foe: &str) -> Vec<String> {
    let guarded: Vec<String> = protocols.iter().map(|(p, g, _)| port(*p, *g)).collect();
    let open: Vec<String> = protocols.iter().map(|(p, _, o)| port(*p, *o)).collect();
    let mut actions = vec!["Accept", "Deny", "Pass"];
    actions.retain(|action| *action != first);
    actions.insert(0, first);
    let mut rules: Vec<String> = actions
        .iter()
        .map(|action| rule(action, key, &house("friend"), &[]))
        .collect();
    let other = if foe == "Deny" { "Pass" } else { "Deny" };
    rules.push(rule(foe, key, &house("foe"), &guarded));
    rules.push(rule(other, key, &house("foe"), &guarded));
    rules.push(rule("Accept", key, &house("half"), &open));
    rules.push(rule("Deny", key, &house("half"), &[]));
    rules
}

/// What `ordered` comes to where nothing else decides.
fn outcome(key: &str, protocols: &[(Protocol, u16, u16)], first: &str, foe: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for &(protocol, guarded, open) in protocols {
        let mut row = |other: &str, port: u16, is_open: bool| {
            let (from, to) = ends(key, other);
            rows.push((from, to, protocol, port, is_open));
        };
        row("friend", guarded, first != "Deny");
        row("friend", open, first != "Deny");
        row("foe", guarded, foe != "Deny");
        row("foe", open, true);
        row("half", open, true);
        row("half", guarded, false);
        // The other direction is nobody's business.
        let back = if key == "to" { "from" } else { "to" };
        let (from, to) = ends(back, "foe");
        rows.push((from, to, protocol, guarded, true));
    }
    rows
}

/// Order of rules, for each tier, direction and protocol; then both directions and all protocols at
/// once.
fn order_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for tier in ["Admin", "Baseline"] {
        for (key, direction) in [("to", "Egress"), ("from", "Ingress")] {
            for one in PORTS {
                for (first, foe) in [("Accept", "Deny"), ("Deny", "Deny"), ("Pass", "Pass")] {
                    cases.push(Case {
                        name: format!("{tier}{direction}{}", one.0.name()),
                        policies: policy(tier, 10, "p", &ordered(key, &[one], first, foe)),
                        rows: outcome(key, &[one], first, foe),
                    });
                }
            }
        }
        for (first, foe) in [("Accept", "Deny"), ("Deny", "Deny"), ("Pass", "Pass")] {
            let both = |key| ordered(key, &PORTS, first, foe);
            let mut rows = Vec::new();
            for key in ["to", "from"] {
                // Here the other direction has rules of its own.
                let own = outcome(key, &PORTS, first, foe).into_iter();
                rows.extend(own.filter(|(from, to, ..)| {
                    let other = if key == "to" { to } else { from };
                    !other.starts_with("own")
                }));
            }
            cases.push(Case {
                name: format!("{tier}Gress"),
                policies: policy(tier, 10, "p", &[both("to"), both("from")].concat()),
                rows,
            });
        }
    }
    cases
}

fn row(from: &str, to: &str, protocol: Protocol, port: u16, is_open: bool) -> Row {
    (from.to_owned(), to.to_owned(), protocol, port, is_open)
}

/// Blocks match pods too; ports by name are those of the called pod; nodes are addresses.
fn peer_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let everything = "{networks: [0.0.0.0/0, '::/0']}";
    for tier in ["Admin", "Baseline"] {
        let rest = [
            rule("Accept", "to", &house("foe"), &[]),
            rule("Deny", "to", everything, &[]),
        ];
        let some = rule(
            "Accept",
            "to",
            "{networks: [10.9.1.0/32, 10.9.3.0/32]}",
            &[],
        );
        for (rules, is_named) in [
            (rest.to_vec(), false),
            ([vec![some], rest.to_vec()].concat(), true),
        ] {
            let mut rows = Vec::new();
            for (protocol, port, _) in PORTS {
                for (other, is_open) in [
                    ("friend/friend-0", is_named),
                    ("friend/friend-1", false),
                    ("half/half-0", is_named),
                    ("half/half-1", false),
                    ("foe/foe-0", true),
                ] {
                    rows.push(row("own/own-1", other, protocol, port, is_open));
                }
            }
            cases.push(Case {
                name: format!("{tier}EgressInlineCIDR"),
                policies: policy(tier, 10, "p", &rules),
                rows,
            });
        }
        for (key, direction) in [("to", "Egress"), ("from", "Ingress")] {
            let named = ["{destinationNamedPort: web}".to_owned()];
            let rules = [
                rule("Accept", key, &house("half"), &named),
                rule("Deny", key, &house("half"), &[]),
            ];
            let (from, to) = ends(key, "half");
            cases.push(Case {
                name: format!("{tier}{direction}NamedPort"),
                policies: policy(tier, 10, "p", &rules),
                rows: vec![
                    row(&from, &to, Protocol::Tcp, 80, true),
                    row(&from, &to, Protocol::Tcp, 8080, false),
                    row(&from, &to, Protocol::Udp, 80, false),
                    row(&from, &to, Protocol::Udp, 53, false),
                ],
            });
        }
        let linux = "{nodes: {matchLabels: {os: linux}}}";
        let rules = [
            rule("Accept", "to", linux, &[port(Protocol::Tcp, 36_000)]),
            rule("Pass", "to", linux, &[port(Protocol::Udp, 34_346)]),
            rule("Deny", "to", &format!("{linux}, {everything}"), &[]),
        ];
        let mut rows = Vec::new();
        for (protocol, port, is_open) in [
            (Protocol::Tcp, 36_000, true),
            (Protocol::Udp, 34_346, true),
            (Protocol::Tcp, 36_001, false),
            (Protocol::Udp, 34_347, false),
            (Protocol::Sctp, 9003, false),
        ] {
            rows.push(row("own/own-1", "node/linux-1", protocol, port, is_open));
            rows.push(row("own/own-1", "node/other-1", protocol, port, false));
        }
        cases.push(Case {
            name: format!("{tier}EgressNodePeers"),
            policies: policy(tier, 10, "p", &rules),
            rows,
        });
    }
    cases
}

/// Priority within a tier, and what `Pass` leaves to the next.
fn tier_cases() -> Vec<Case> {
    let both = |action: &str| -> Vec<String> {
        ["to", "from"]
            .into_iter()
            .map(|key| rule(action, key, &house("foe"), &[]))
            .collect()
    };
    let rows = |is_open: bool| -> Vec<_> {
        let calls = [("own/own-0", "foe/foe-0"), ("foe/foe-1", "own/own-1")];
        let each = calls.into_iter().flat_map(|(from, to)| {
            [80, 8080].map(|port| row(from, to, Protocol::Tcp, port, is_open))
        });
        each.collect()
    };
    let mut cases = Vec::new();
    for (priority, is_open) in [(60, false), (40, true)] {
        cases.push(Case {
            name: "AdminPriorityField".to_owned(),
            policies: policy("Admin", 50, "fifty", &both("Deny"))
                + &policy("Admin", priority, "moved", &both("Pass"))
                + &policy("Baseline", 10, "default", &both("Accept")),
            rows: rows(is_open),
        });
    }
    let np = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: np, namespace: own}\n\
              spec: {podSelector: {}, policyTypes: [Ingress, Egress], \
              ingress: [{from: [{namespaceSelector: {matchLabels: {house: foe}}}]}], \
              egress: [{to: [{namespaceSelector: {matchLabels: {house: foe}}}]}]}\n---\n";
    for (action, np, is_open) in [("Deny", np, false), ("Pass", np, true), ("Pass", "", false)] {
        cases.push(Case {
            name: "AdminIntegration".to_owned(),
            policies: policy("Admin", 10, "admin", &both(action))
                + np
                + &policy("Baseline", 10, "default", &both("Deny")),
            rows: rows(is_open),
        });
    }
    cases
}

#[test]
fn the_24_cases_of_the_conformance_suite_hold() {
    let cases = [order_cases(), peer_cases(), tier_cases()].into_iter();
    let cases: Vec<Case> = cases.flatten().collect();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), 24, "{names:?}");
    for case in &cases {
        for (from, to, protocol, port, is_open) in &case.rows {
            let asked = PortQuery::Number {
                protocol: Some(*protocol),
                port: *port,
            };
            let (answer, text) = ask(&(cluster() + &case.policies), from, to, asked);
            let expected = if *is_open { Overall::Yes } else { Overall::No };
            let (name, policies) = (&case.name, &case.policies);
            assert_eq!(
                answer.overall, expected,
                "{name}: {from} to {to} on {protocol} {port}\n{text}\n{policies}"
            );
        }
    }
}
