//! Why: the evaluation names the rule of the specification that decided, and the rules of the
//! policies that did.

use crate::harness::{Input, pod_named};
use portolan::model::{
    Action, Cluster, Direction, Evaluation, Family, Flow, NodeId, Party, PolicyId, Protocol,
    Reason, RuleRef, Tier, Verdict, evaluate, evaluate_pods,
};

fn between(cluster: &Cluster, source: &str, destination: &str, port: u16) -> Evaluation {
    let pair = (pod_named(cluster, source), pod_named(cluster, destination));
    evaluate_pods(cluster, pair, Family::V4, Protocol::Tcp, port).unwrap()
}

fn policy_named(cluster: &Cluster, wanted: &str) -> PolicyId {
    let mut policies = cluster.policies_with_ids();
    policies
        .find(|(_, policy)| policy.name == wanted)
        .unwrap()
        .0
}

#[test]
fn n1_n2_n3_not_isolated_isolated_and_all_the_rules_that_allow() {
    let cluster = Input::standard()
        .policy(
            "x/one",
            "
            podSelector: {matchLabels: {app: a}}
            ingress:
            - from: [{podSelector: {matchLabels: {app: b}}}]
              ports: [{port: 81}, {port: 80}]
            - from: [{ipBlock: {cidr: 192.0.2.0/24}}, {podSelector: {}}]
            ",
        )
        .policy(
            "x/two",
            "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}",
        )
        .cluster();
    let (one, two) = (policy_named(&cluster, "one"), policy_named(&cluster, "two"));
    let rule = |policy, rule, peer, port| RuleRef {
        policy,
        direction: Direction::Ingress,
        rule,
        peer,
        port,
    };
    let found = between(&cluster, "x/b", "x/a", 80);
    assert_eq!(found.egress.reason, Reason::NotIsolated);
    assert_eq!(found.egress.selecting, []);
    assert_eq!(found.ingress.selecting, [one, two]);
    let rules = vec![
        rule(one, 0, Some(0), Some(1)),
        rule(one, 1, Some(1), None),
        rule(two, 0, None, Some(0)),
    ];
    let (tier, action) = (Tier::NetworkPolicy, Action::Accept);
    assert_eq!(
        found.ingress.reason,
        Reason::Rules {
            tier,
            action,
            rules
        }
    );
    let found = between(&cluster, "y/a", "x/a", 443);
    assert_eq!(found.ingress.reason, Reason::Isolated { tier });
    assert_eq!(found.ingress.selecting, [one, two]);
    assert_eq!(found.verdict, Verdict::Denied);
}

#[test]
fn n4_n25_n26_n27_what_policy_is_not_asked_about() {
    let cluster = Input::standard()
        .yaml("apiVersion: v1\nkind: Node\nmetadata: {name: n1}")
        .pod_with("x/on-n1", "app: c", "10.1.0.9", "", "nodeName: n1")
        .pod_with(
            "x/host",
            "app: h",
            "192.168.0.1",
            "",
            "nodeName: n1, hostNetwork: true",
        )
        .policy(
            "x/closed",
            "{podSelector: {}, policyTypes: [Ingress, Egress]}",
        )
        .cluster();
    let itself = between(&cluster, "x/a", "x/a", 80);
    assert_eq!(itself.egress.reason, Reason::Loopback);
    assert_eq!(itself.ingress.reason, Reason::Loopback);
    let from_host = between(&cluster, "x/host", "x/on-n1", 80);
    assert_eq!(from_host.egress.reason, Reason::HostNetwork);
    assert_eq!(from_host.ingress.reason, Reason::OwnNode);
    let to_host = between(&cluster, "y/a", "x/host", 80);
    assert_eq!(to_host.ingress.reason, Reason::HostNetwork);
    assert_eq!(to_host.verdict, Verdict::Allowed);
    let on_n1 = Party::Pod {
        pod: pod_named(&cluster, "x/on-n1"),
        address: None,
    };
    let outside = Party::External {
        address: "192.0.2.1".parse().unwrap(),
    };
    let node = Party::Node {
        node: NodeId(0),
        address: None,
    };
    for (source, reason) in [
        (
            outside,
            Reason::Isolated {
                tier: Tier::NetworkPolicy,
            },
        ),
        (node, Reason::OwnNode),
    ] {
        let flow = Flow {
            source,
            destination: on_n1,
            protocol: Protocol::Tcp,
            port: 80,
        };
        let found = evaluate(&cluster, &flow);
        assert_eq!(found.egress.reason, Reason::NotAPod);
        assert_eq!(found.ingress.reason, reason);
    }
}
