//! N17 to N20: ports.

use crate::harness::{Allowed, Denied, Input};

/// A policy that lets in to x/a, or out of it, what the ports match.
fn with_ports(input: Input, direction: &str, ports: &str) -> Input {
    let (key, policy_type) = match direction {
        "in" => ("ingress", "Ingress"),
        _ => ("egress", "Egress"),
    };
    input.policy(
        "x/ports",
        &format!(
            "{{podSelector: {{matchLabels: {{app: a}}}}, policyTypes: [{policy_type}], \
              {key}: [{{ports: [{ports}]}}]}}"
        ),
    )
}

#[test]
fn n17_a_number_is_the_port_on_the_destination_pod_and_not_the_services() {
    let service = "
apiVersion: v1
kind: Service
metadata: {namespace: y, name: a}
spec:
  selector: {app: a}
  ports: [{port: 80, targetPort: 8080}]
";
    let input = Input::standard().yaml(service);
    with_ports(input.clone(), "out", "{port: 80}").check(&[
        ("x/a", "y/a", "TCP 80", Allowed),
        ("x/a", "y/a", "TCP 8080", Denied),
    ]);
    with_ports(input, "out", "{port: 8080}").check(&[
        ("x/a", "y/a", "TCP 80", Denied),
        ("x/a", "y/a", "TCP 8080", Allowed),
    ]);
}

#[test]
fn n17_ports_of_ingress_and_egress_are_both_the_destinations() {
    with_ports(Input::standard(), "in", "{port: 80}").check(&[
        ("y/a", "x/a", "TCP 80", Allowed),
        ("y/a", "x/a", "TCP 81", Denied),
        // Going out from port 80 of the same pod is not what an ingress rule is about.
        ("x/a", "y/a", "TCP 81", Allowed),
    ]);
    with_ports(Input::standard(), "out", "{port: 80}").check(&[
        ("x/a", "y/a", "TCP 80", Allowed),
        ("x/a", "192.0.2.1", "TCP 80", Allowed),
        ("x/a", "y/a", "TCP 81", Denied),
        ("y/a", "x/a", "TCP 81", Allowed),
    ]);
}

/// Two servers that mean different things by `web`, one that means two, and one without.
fn servers() -> Input {
    let pods = [
        ("y/old", "10.2.1.1", "{name: web, containerPort: 8080}"),
        ("y/new", "10.2.1.2", "{name: web, containerPort: 9090}"),
        (
            "y/both",
            "10.2.1.3",
            "{name: web, containerPort: 8080, protocol: UDP}, {name: dns, containerPort: 53}",
        ),
        ("y/none", "10.2.1.4", "{containerPort: 8080}"),
    ];
    let input = Input::standard();
    pods.iter().fold(input, |input, (name, address, ports)| {
        input.pod_with(name, "app: server", address, ports, "")
    })
}

#[test]
fn n18_a_named_port_of_egress_is_resolved_on_each_destination() {
    with_ports(servers(), "out", "{port: web}").check(&[
        ("x/a", "y/old", "TCP 8080", Allowed),
        ("x/a", "y/old", "TCP 9090", Denied),
        ("x/a", "y/new", "TCP 8080", Denied),
        ("x/a", "y/new", "TCP 9090", Allowed),
        // The name is of a UDP port there, and the rule is about TCP.
        ("x/a", "y/both", "TCP 8080", Denied),
        ("x/a", "y/both", "UDP 8080", Denied),
        // The number is declared there, without the name.
        ("x/a", "y/none", "TCP 8080", Denied),
    ]);
}

#[test]
fn n18_a_named_port_of_ingress_is_resolved_on_the_selected_pod() {
    let named = servers()
        .policy(
            "y/web",
            "{podSelector: {matchLabels: {app: server}}, ingress: [{ports: [{port: web}]}]}",
        )
        // What the client calls `web` is of no interest.
        .pod_with(
            "x/client",
            "app: client",
            "10.1.4.1",
            "{name: web, containerPort: 1}",
            "",
        );
    named.check(&[
        ("x/client", "y/old", "TCP 8080", Allowed),
        ("x/client", "y/old", "TCP 9090", Denied),
        ("x/client", "y/old", "TCP 1", Denied),
        ("x/client", "y/new", "TCP 8080", Denied),
        ("x/client", "y/new", "TCP 9090", Allowed),
        ("x/client", "y/both", "UDP 8080", Denied),
        ("x/client", "y/none", "TCP 8080", Denied),
        // The subject is a pod, so anyone may call.
        ("192.0.2.1", "y/new", "TCP 9090", Allowed),
        ("192.0.2.1", "y/new", "TCP 8080", Denied),
    ]);
}

#[test]
fn n18_the_container_ports_protocol_must_be_the_rules() {
    for (port, tcp_8080, udp_8080) in [
        ("{port: web, protocol: UDP}", Denied, Allowed),
        ("{port: web, protocol: TCP}", Denied, Denied),
        ("{port: web, protocol: SCTP}", Denied, Denied),
    ] {
        with_ports(servers(), "out", port).check(&[
            ("x/a", "y/both", "TCP 8080", tcp_8080),
            ("x/a", "y/both", "UDP 8080", udp_8080),
            ("x/a", "y/old", "UDP 8080", Denied),
        ]);
    }
}

#[test]
fn n18_one_name_on_two_protocols_of_one_pod() {
    let ports = "{name: dns, containerPort: 53}, {name: dns-u, containerPort: 53, protocol: UDP}";
    let input = Input::standard().pod_with("y/dns", "app: dns", "10.2.1.5", ports, "");
    with_ports(input, "out", "{port: dns}, {port: dns-u, protocol: UDP}").check(&[
        ("x/a", "y/dns", "TCP 53", Allowed),
        ("x/a", "y/dns", "UDP 53", Allowed),
        ("x/a", "y/dns", "SCTP 53", Denied),
    ]);
}

#[test]
fn n18_a_name_that_nothing_has_matches_nothing_and_still_isolates() {
    with_ports(servers(), "out", "{port: nobody}").check(&[
        ("x/a", "y/old", "TCP 8080", Denied),
        ("x/a", "y/none", "TCP 80", Denied),
    ]);
    // Beside a number it does no harm.
    with_ports(servers(), "out", "{port: nobody}, {port: 8080}").check(&[
        ("x/a", "y/none", "TCP 8080", Allowed),
        ("x/a", "y/new", "TCP 9090", Denied),
    ]);
}

#[test]
fn n18_addresses_outside_and_nodes_have_no_named_ports() {
    let node = "
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
";
    with_ports(servers().yaml(node), "out", "{port: web}").check(&[
        ("x/a", "192.0.2.1", "TCP 8080", Denied),
        ("x/a", "node n1", "TCP 8080", Denied),
        // Not even at a pod's address, when it is written as an address.
        ("x/a", "10.2.1.9", "TCP 8080", Denied),
    ]);
}

#[test]
fn n18_n27_a_host_network_pod_is_its_nodes_traffic_and_has_no_named_ports_then() {
    let ports = "{name: web, containerPort: 8080}";
    let input = servers().pod_with(
        "y/host",
        "app: host",
        "192.168.0.1",
        ports,
        "hostNetwork: true",
    );
    let mut input = with_ports(input, "out", "{port: web}");
    input.check(&[
        ("x/a", "y/host", "TCP 8080", Denied),
        ("x/a", "y/old", "TCP 8080", Allowed),
    ]);
    input.options.semantics.host_network = portolan::model::HostNetwork::Pod;
    input.check(&[("x/a", "y/host", "TCP 8080", Allowed)]);
}

#[test]
fn n18_named_ports_with_peers() {
    let input = servers().policy(
        "x/ports",
        "
        podSelector: {matchLabels: {app: a}}
        policyTypes: [Egress]
        egress:
        - to:
          - namespaceSelector: {}
            podSelector: {matchLabels: {app: server}}
          - ipBlock: {cidr: 192.0.2.0/24}
          ports: [{port: web}, {port: 443}]
        ",
    );
    input.check(&[
        ("x/a", "y/new", "TCP 9090", Allowed),
        ("x/a", "y/new", "TCP 443", Allowed),
        ("x/a", "y/none", "TCP 443", Allowed),
        ("x/a", "192.0.2.7", "TCP 443", Allowed),
        ("x/a", "192.0.2.7", "TCP 9090", Denied),
        ("x/a", "y/a", "TCP 443", Denied),
    ]);
}

#[test]
fn n19_a_range_holds_both_of_its_ends() {
    for direction in ["in", "out"] {
        let (from, to) = match direction {
            "in" => ("y/b", "x/a"),
            _ => ("x/a", "y/b"),
        };
        let ports = "{port: 8000, endPort: 8010}, {port: 53, endPort: 53, protocol: UDP}, \
                     {port: 1, endPort: 2, protocol: SCTP}, \
                     {port: 65535, endPort: 65535, protocol: SCTP}";
        with_ports(Input::standard(), direction, ports).check(&[
            (from, to, "TCP 7999", Denied),
            (from, to, "TCP 8000", Allowed),
            (from, to, "TCP 8005", Allowed),
            (from, to, "TCP 8010", Allowed),
            (from, to, "TCP 8011", Denied),
            (from, to, "UDP 8005", Denied),
            (from, to, "UDP 52", Denied),
            (from, to, "UDP 53", Allowed),
            (from, to, "UDP 54", Denied),
            (from, to, "SCTP 1", Allowed),
            (from, to, "SCTP 2", Allowed),
            (from, to, "SCTP 3", Denied),
            (from, to, "SCTP 65534", Denied),
            (from, to, "SCTP 65535", Allowed),
        ]);
    }
}

#[test]
fn n19_adjacent_and_overlapping_ranges_join() {
    let ports = "{port: 80, endPort: 89}, {port: 90, endPort: 99}, {port: 95, endPort: 101}";
    with_ports(Input::standard(), "in", ports).check(&[
        ("y/b", "x/a", "TCP 79", Denied),
        ("y/b", "x/a", "TCP 89", Allowed),
        ("y/b", "x/a", "TCP 90", Allowed),
        ("y/b", "x/a", "TCP 101", Allowed),
        ("y/b", "x/a", "TCP 102", Denied),
    ]);
}

#[test]
fn n19_a_range_needs_numbers_in_order() {
    for (port, words) in [
        (
            "{port: 80, endPort: 79}",
            "must be greater than or equal to",
        ),
        (
            "{port: web, endPort: 80}",
            "may not be specified when `port` is non-numeric",
        ),
        (
            "{endPort: 80}",
            "may not be specified when `port` is not specified",
        ),
        (
            "{port: 80, endPort: 65536}",
            "must be between 1 and 65535, inclusive",
        ),
        ("{port: 0}", "must be between 1 and 65535, inclusive"),
    ] {
        with_ports(Input::standard(), "in", port).rejects(words);
    }
}

#[test]
fn n20_a_number_need_not_be_declared() {
    let declared = Input::standard().pod_with(
        "x/declares",
        "app: a",
        "10.1.5.1",
        "{name: web, containerPort: 80}",
        "",
    );
    with_ports(declared, "in", "{port: 81}").check(&[
        // Declares port 80 only; port 81 is allowed, and port 80 is not.
        ("y/b", "x/declares", "TCP 81", Allowed),
        ("y/b", "x/declares", "TCP 80", Denied),
        // Declares nothing.
        ("y/b", "x/a", "TCP 81", Allowed),
    ]);
}
