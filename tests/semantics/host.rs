//! N25 to N28: a pod and itself, nodes, hostNetwork pods, and what policy cannot do.

use crate::harness::{Allowed, Denied, Input};
use portolan::model::{HostNetwork, policies_blind_to};

const DENY_ALL: &str = "{podSelector: {}, policyTypes: [Ingress, Egress]}";

const NODES: &str = "
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
status: {addresses: [{type: InternalIP, address: 192.168.0.2}]}
";

/// The two ways in which a hostNetwork pod can be taken.
fn both_ways(input: &Input) -> [(HostNetwork, Input); 2] {
    [HostNetwork::Node, HostNetwork::Pod].map(|host_network| {
        let mut input = input.clone();
        input.options.semantics.host_network = host_network;
        (host_network, input)
    })
}

#[test]
fn n25_a_pod_always_reaches_itself() {
    let input = Input::standard().policy("x/closed", DENY_ALL);
    input.check(&[
        ("x/a", "x/a", "TCP 80", Allowed),
        ("x/a", "x/a", "UDP 65535", Allowed),
        ("x/b", "x/b", "SCTP 1", Allowed),
        ("x/a", "x/b", "TCP 80", Denied),
        ("x/b", "x/a", "TCP 80", Denied),
    ]);
}

#[test]
fn n25_another_pod_with_the_same_labels_is_not_itself() {
    let input = Input::standard()
        .pod("x/twin", "app: a", "10.1.0.9 2001:db8:1::9")
        .policy("x/closed", DENY_ALL);
    input.check(&[
        ("x/a", "x/twin", "TCP 80", Denied),
        ("x/twin", "x/a", "TCP 80", Denied),
        ("x/twin", "x/twin", "TCP 80", Allowed),
    ]);
}

#[test]
fn n26_a_pods_own_node_always_reaches_it() {
    let input = Input::standard()
        .yaml(NODES)
        .pod_with("x/on-n1", "app: c", "10.1.0.9", "", "nodeName: n1")
        .policy("x/closed", DENY_ALL);
    for (_, input) in both_ways(&input) {
        input.check(&[
            ("node n1", "x/on-n1", "TCP 10250", Allowed),
            ("node n1", "x/on-n1", "UDP 1", Allowed),
            ("node n2", "x/on-n1", "TCP 10250", Denied),
            // Where it runs is not known of this one.
            ("node n1", "x/a", "TCP 10250", Denied),
            // The rule is about traffic to the pod.
            ("x/on-n1", "node n1", "TCP 443", Denied),
            ("x/on-n1", "node n2", "TCP 443", Denied),
        ]);
    }
}

#[test]
fn n26_other_nodes_are_ordinary_addresses() {
    let input = Input::standard()
        .yaml(NODES)
        .pod_with("x/on-n1", "app: c", "10.1.0.9", "", "nodeName: n1")
        .policy(
            "x/from-n2",
            "
            podSelector: {}
            policyTypes: [Ingress, Egress]
            ingress:
            - from: [{ipBlock: {cidr: 192.168.0.2/32}}]
              ports: [{port: 80}]
            egress:
            - to: [{ipBlock: {cidr: 192.168.0.1/32}}]
            ",
        );
    input.check(&[
        ("node n2", "x/on-n1", "TCP 80", Allowed),
        ("node n2", "x/on-n1", "TCP 81", Denied),
        ("node n1", "x/on-n1", "TCP 81", Allowed),
        ("x/on-n1", "node n1", "TCP 443", Allowed),
        ("x/on-n1", "node n2", "TCP 443", Denied),
    ]);
}

#[test]
fn n26_n27_a_host_network_pod_on_the_own_node_is_the_own_node() {
    let input = Input::standard()
        .pod_with("x/on-n1", "app: c", "10.1.0.9", "", "nodeName: n1")
        .pod_with(
            "y/host-1",
            "app: h",
            "192.168.0.1",
            "",
            "nodeName: n1, hostNetwork: true",
        )
        .pod_with(
            "y/host-2",
            "app: h",
            "192.168.0.2",
            "",
            "nodeName: n2, hostNetwork: true",
        )
        .pod_with("y/host", "app: h", "192.168.0.3", "", "hostNetwork: true")
        .policy("x/closed", DENY_ALL);
    let [(_, node), (_, pod)] = both_ways(&input);
    node.check(&[
        ("y/host-1", "x/on-n1", "TCP 80", Allowed),
        ("y/host-2", "x/on-n1", "TCP 80", Denied),
        ("y/host", "x/on-n1", "TCP 80", Denied),
        // Not the other way round, and not for a pod of an unknown node.
        ("x/on-n1", "y/host-1", "TCP 80", Denied),
        ("y/host-1", "x/a", "TCP 80", Denied),
    ]);
    // Taken as a pod like others, it has no such right.
    pod.check(&[
        ("y/host-1", "x/on-n1", "TCP 80", Denied),
        ("y/host-2", "x/on-n1", "TCP 80", Denied),
    ]);
}

/// A hostNetwork pod x/host (`app: host`) at 192.168.0.1.
fn with_host() -> Input {
    Input::standard().pod_with(
        "x/host",
        "app: host",
        "192.168.0.1",
        "",
        "hostNetwork: true",
    )
}

#[test]
fn n27_a_host_network_pod_is_not_isolated_unless_taken_as_a_pod() {
    let input = with_host().policy(
        "x/closed",
        "{podSelector: {matchLabels: {app: host}}, policyTypes: [Ingress, Egress]}",
    );
    for (host_network, input) in both_ways(&input) {
        let expected = match host_network {
            HostNetwork::Node => Allowed,
            HostNetwork::Pod => Denied,
        };
        input.check(&[
            ("y/a", "x/host", "TCP 80 IPv4", expected),
            ("x/host", "y/a", "TCP 80 IPv4", expected),
            ("192.0.2.1", "x/host", "TCP 80", expected),
            ("x/host", "192.0.2.1", "TCP 80", expected),
            ("x/host", "x/host", "TCP 80", Allowed),
        ]);
    }
}

#[test]
fn n27_no_selector_matches_a_host_network_pod_unless_taken_as_a_pod() {
    for peer in [
        "{podSelector: {}}",
        "{podSelector: {matchLabels: {app: host}}}",
        "{namespaceSelector: {}}",
        "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [a]}]}}",
    ] {
        let spec = format!(
            "{{podSelector: {{matchLabels: {{app: a}}}}, policyTypes: [Ingress, Egress], \
              ingress: [{{from: [{peer}]}}], egress: [{{to: [{peer}]}}]}}"
        );
        for (host_network, input) in both_ways(&with_host().policy("x/peers", &spec)) {
            let expected = match host_network {
                HostNetwork::Node => Denied,
                HostNetwork::Pod => Allowed,
            };
            input.check(&[
                ("x/host", "x/a", "TCP 80", expected),
                ("x/a", "x/host", "TCP 80", expected),
            ]);
        }
    }
}

#[test]
fn n27_a_block_matches_a_host_network_pod_by_its_nodes_address() {
    for (cidr, expected) in [("192.168.0.0/24", Allowed), ("10.0.0.0/8", Denied)] {
        let spec = format!(
            "{{podSelector: {{matchLabels: {{app: a}}}}, policyTypes: [Ingress, Egress], \
              ingress: [{{from: [{{ipBlock: {{cidr: {cidr}}}}}]}}], \
              egress: [{{to: [{{ipBlock: {{cidr: {cidr}}}}}]}}]}}"
        );
        for (_, input) in both_ways(&with_host().policy("x/blocks", &spec)) {
            input.check(&[
                ("x/host", "x/a", "TCP 80", expected),
                ("x/a", "x/host", "TCP 80", expected),
            ]);
        }
    }
}

#[test]
fn n27_rules_without_peers_are_about_host_network_pods_too() {
    let input = with_host().policy(
        "x/ports",
        "
        podSelector: {matchLabels: {app: a}}
        policyTypes: [Ingress, Egress]
        ingress: [{ports: [{port: 80}]}]
        egress: [{ports: [{port: 80}]}]
        ",
    );
    for (_, input) in both_ways(&input) {
        input.check(&[
            ("x/host", "x/a", "TCP 80", Allowed),
            ("x/host", "x/a", "TCP 81", Denied),
            ("x/a", "x/host", "TCP 80", Allowed),
            ("x/a", "x/host", "TCP 81", Denied),
        ]);
    }
}

#[test]
fn n27_ranges_of_pods_say_nothing_of_a_host_network_pods_address() {
    let daemon = "
apiVersion: apps/v1
kind: DaemonSet
metadata: {namespace: x, name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {hostNetwork: true, containers: [{name: main, image: main}]}
";
    let input = Input::standard()
        .yaml(daemon)
        .pod_cidrs(&["10.0.0.0/8"])
        .policy(
            "x/pods-only",
            "
        podSelector: {matchLabels: {app: a}}
        policyTypes: [Ingress, Egress]
        ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]
        egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]
        ",
        );
    for (_, input) in both_ways(&input) {
        input.check(&[
            ("x/agent", "x/a", "TCP 80 IPv4", Denied),
            ("x/a", "x/agent", "TCP 80 IPv4", Denied),
        ]);
        // It will have some node's address, so the answer has to say that blocks were not
        // compared with it.
        assert_eq!(policies_blind_to(&input.cluster()).len(), 1);
    }
}

#[test]
fn n28_policy_is_about_pods_and_not_about_nodes_or_services() {
    let service = "
apiVersion: v1
kind: Service
metadata: {namespace: x, name: front, labels: {app: front}}
spec: {selector: {app: a}, ports: [{port: 80}]}
";
    let input = Input::standard().yaml(NODES).yaml(service);
    // Selecting a Service's labels or a node's name selects no pod.
    for labels in ["app: front", "kubernetes.io/hostname: n1"] {
        let spec = format!("{{podSelector: {{matchLabels: {{{labels}}}}}}}");
        let input = input.clone().policy("x/of-no-pod", &spec);
        input.check(&[
            ("y/a", "x/a", "TCP 80", Allowed),
            ("x/a", "node n1", "TCP 22", Allowed),
            ("node n1", "x/a", "TCP 80", Allowed),
        ]);
    }
}

#[test]
fn n28_nothing_denies_what_another_policy_allows() {
    // There is no explicit deny: the narrower policy cannot take anything back.
    let input = Input::standard()
        .policy(
            "x/wide",
            "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}",
        )
        .policy(
            "x/narrow",
            "
            podSelector: {matchLabels: {app: a}}
            ingress:
            - from: [{podSelector: {matchLabels: {app: b}}}]
              ports: [{port: 80}]
            ",
        );
    input.check(&[
        ("y/a", "x/a", "TCP 81", Allowed),
        ("x/b", "x/a", "UDP 53", Allowed),
        ("192.0.2.1", "x/a", "TCP 80", Denied),
    ]);
}
