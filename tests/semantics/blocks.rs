//! N21 to N24: ipBlock.

use crate::harness::{Allowed, Denied, Input, Unknown, pod_named};
use portolan::model::{Family, policies_blind_to};
use portolan::reach::Reach;

/// x/a lets in, or may call, what the blocks hold.
fn with_blocks(input: Input, direction: &str, blocks: &str) -> Input {
    let (key, peers, policy_type) = match direction {
        "in" => ("ingress", "from", "Ingress"),
        _ => ("egress", "to", "Egress"),
    };
    input.policy(
        "x/blocks",
        &format!(
            "{{podSelector: {{matchLabels: {{app: a}}}}, policyTypes: [{policy_type}], \
              {key}: [{{{peers}: [{blocks}]}}]}}"
        ),
    )
}

fn block(cidr: &str) -> String {
    format!("{{ipBlock: {{cidr: \"{cidr}\"}}}}")
}

#[test]
fn n21_a_block_holds_its_first_and_last_address() {
    for (direction, rows) in [
        (
            "in",
            [
                ("192.0.1.255", "x/a", "TCP 80", Denied),
                ("192.0.2.0", "x/a", "TCP 80", Allowed),
                ("192.0.2.255", "x/a", "UDP 80", Allowed),
                ("192.0.3.0", "x/a", "TCP 80", Denied),
            ],
        ),
        (
            "out",
            [
                ("x/a", "192.0.1.255", "TCP 80", Denied),
                ("x/a", "192.0.2.0", "TCP 80", Allowed),
                ("x/a", "192.0.2.255", "UDP 80", Allowed),
                ("x/a", "192.0.3.0", "TCP 80", Denied),
            ],
        ),
    ] {
        with_blocks(Input::standard(), direction, &block("192.0.2.0/24")).check(&rows);
    }
}

#[test]
fn n21_except_is_cut_out_of_its_own_block() {
    let peers = "{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.16/28, 192.0.2.255/32]}}";
    with_blocks(Input::standard(), "in", peers).check(&[
        ("192.0.2.15", "x/a", "TCP 80", Allowed),
        ("192.0.2.16", "x/a", "TCP 80", Denied),
        ("192.0.2.31", "x/a", "TCP 80", Denied),
        ("192.0.2.32", "x/a", "TCP 80", Allowed),
        ("192.0.2.254", "x/a", "TCP 80", Allowed),
        ("192.0.2.255", "x/a", "TCP 80", Denied),
    ]);
}

#[test]
fn n21_what_one_peer_excepts_another_may_allow() {
    let holed = "{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.16/28]}}";
    let small = block("192.0.2.20/32");
    let expected = [
        ("192.0.2.19", "x/a", "TCP 80", Denied),
        ("192.0.2.20", "x/a", "TCP 80", Allowed),
        ("192.0.2.21", "x/a", "TCP 80", Denied),
        ("192.0.2.1", "x/a", "TCP 80", Allowed),
    ];
    // Another peer of the rule, another rule, another policy.
    with_blocks(Input::standard(), "in", &format!("{holed}, {small}")).check(&expected);
    let rules =
        format!("{{podSelector: {{}}, ingress: [{{from: [{holed}]}}, {{from: [{small}]}}]}}");
    Input::standard().policy("x/rules", &rules).check(&expected);
    let other = format!("{{podSelector: {{}}, ingress: [{{from: [{small}]}}]}}");
    with_blocks(Input::standard(), "in", holed)
        .policy("x/other", &other)
        .check(&expected);
}

#[test]
fn n21_an_exception_is_no_denial_for_a_pod_that_a_selector_allows() {
    let peers = "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}, \
                 {podSelector: {matchLabels: {app: b}}}";
    with_blocks(Input::standard(), "in", peers).check(&[
        ("x/b", "x/a", "TCP 80 IPv4", Allowed),
        ("y/b", "x/a", "TCP 80 IPv4", Allowed),
        ("y/b", "x/a", "TCP 80 IPv6", Denied),
    ]);
}

#[test]
fn n21_bits_beyond_the_prefix_do_not_count() {
    with_blocks(Input::standard(), "in", &block("192.0.2.77/24")).check(&[
        ("192.0.2.1", "x/a", "TCP 80", Allowed),
        ("192.0.3.77", "x/a", "TCP 80", Denied),
    ]);
}

#[test]
fn n22_families_are_apart() {
    for (cidr, v4, v6) in [
        ("0.0.0.0/0", Allowed, Denied),
        ("::/0", Denied, Allowed),
        // V14: the old way to write an IPv4 block, which the server takes with a warning.
        ("::ffff:0:0/96", Allowed, Denied),
    ] {
        with_blocks(Input::standard(), "in", &block(cidr)).check(&[
            ("192.0.2.1", "x/a", "TCP 80", v4),
            ("2001:db8:ffff::1", "x/a", "TCP 80", v6),
            // 192.0.2.1 again, as the low bits of an address of the other family.
            ("::c000:201", "x/a", "TCP 80", v6),
        ]);
    }
    let both = format!("{}, {}", block("0.0.0.0/0"), block("::/0"));
    with_blocks(Input::standard(), "in", &both).check(&[
        ("192.0.2.1", "x/a", "TCP 80", Allowed),
        ("2001:db8:ffff::1", "x/a", "TCP 80", Allowed),
    ]);
}

#[test]
fn n22_a_v4_block_makes_the_families_of_dual_stack_pods_differ() {
    for direction in ["in", "out"] {
        let (from, to) = match direction {
            "in" => ("y/b", "x/a"),
            _ => ("x/a", "y/b"),
        };
        with_blocks(Input::standard(), direction, &block("10.0.0.0/8")).check(&[
            (from, to, "TCP 80 IPv4", Allowed),
            (from, to, "TCP 80 IPv6", Denied),
        ]);
        with_blocks(Input::standard(), direction, &block("2001:db8::/32")).check(&[
            (from, to, "TCP 80 IPv4", Denied),
            (from, to, "TCP 80 IPv6", Allowed),
        ]);
    }
}

#[test]
fn n22_pods_of_one_family_have_no_flows_in_the_other() {
    let input = Input::empty()
        .pod("x/v4", "app: a", "10.1.0.1")
        .pod("x/v6", "app: b", "2001:db8::1")
        .pod("x/both", "app: c", "10.1.0.3 2001:db8::3");
    let cluster = input.cluster();
    let reach = Reach::new(&cluster);
    let [v4, v6, both] = ["x/v4", "x/v6", "x/both"].map(|name| pod_named(&cluster, name));
    for (from, to, in_v4, in_v6) in [
        (v4, v6, false, false),
        (v4, both, true, false),
        (both, v6, false, true),
        (both, both, true, true),
        (v4, v4, true, false),
    ] {
        for (family, expected) in [(Family::V4, in_v4), (Family::V6, in_v6)] {
            let found = reach.between(from, to, family).is_some();
            assert_eq!(found, expected, "{from:?} to {to:?}, {family:?}");
        }
    }
    input.check(&[
        ("x/v4", "x/both", "TCP 80", Allowed),
        ("x/both", "x/v6", "TCP 80", Allowed),
    ]);
}

#[test]
fn n23_a_block_matches_pods_by_their_addresses() {
    // 10.1.0.0/16 holds the pods of x, 10.2.0.0/16 those of y.
    with_blocks(Input::standard(), "in", &block("10.2.0.0/31")).check(&[
        ("y/a", "x/a", "TCP 80 IPv4", Allowed),
        ("y/b", "x/a", "TCP 80 IPv4", Denied),
        ("x/b", "x/a", "TCP 80 IPv4", Denied),
        ("y/a", "x/a", "TCP 80 IPv6", Denied),
    ]);
    let except = "{ipBlock: {cidr: 10.0.0.0/8, except: [10.2.0.2/32]}}";
    with_blocks(Input::standard(), "out", except).check(&[
        ("x/a", "y/a", "TCP 80 IPv4", Allowed),
        ("x/a", "y/b", "TCP 80 IPv4", Denied),
        ("x/a", "x/b", "TCP 80 IPv4", Allowed),
    ]);
}

#[test]
fn n23_a_block_matches_nodes_by_their_addresses() {
    let node = "
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}, {type: Hostname, address: n1}]}
";
    for (cidr, expected) in [("192.168.0.0/24", Allowed), ("192.168.1.0/24", Denied)] {
        for direction in ["in", "out"] {
            let (from, to) = match direction {
                "in" => ("node n1", "x/a"),
                _ => ("x/a", "node n1"),
            };
            with_blocks(Input::standard().yaml(node), direction, &block(cidr))
                .check(&[(from, to, "TCP 443", expected)]);
        }
    }
}

/// x/a, and a Deployment whose pods have no address yet.
fn with_template() -> Input {
    Input::empty().pod("x/a", "app: a", "10.1.0.1").yaml(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {namespace: x, name: new}
spec:
  selector: {matchLabels: {app: new}}
  template:
    metadata: {labels: {app: new}}
    spec: {containers: [{name: main, image: main}]}
",
    )
}

#[test]
fn n23_no_block_matches_a_pod_whose_address_is_not_known_and_the_answer_says_so() {
    for cidr in ["0.0.0.0/0", "10.1.0.0/16"] {
        let input = with_blocks(with_template(), "in", &block(cidr));
        input.check(&[("x/new", "x/a", "TCP 80", Denied)]);
        let cluster = input.cluster();
        assert_eq!(policies_blind_to(&cluster).len(), 1);
    }
    // A selector decides without addresses.
    let selected = with_blocks(
        with_template(),
        "in",
        "{podSelector: {matchLabels: {app: new}}}",
    );
    selected.check(&[("x/new", "x/a", "TCP 80", Allowed)]);
    assert!(policies_blind_to(&selected.cluster()).is_empty());
}

#[test]
fn n23_with_ranges_of_pods_a_block_holds_all_of_them_some_or_none() {
    for direction in ["in", "out"] {
        let (from, to) = match direction {
            "in" => ("x/new", "x/a"),
            _ => ("x/a", "x/new"),
        };
        for (ranges, blocks, expected) in [
            // Covered: exactly, amply, by two blocks, by parts of two ranges.
            (&["10.1.0.0/16"][..], block("10.1.0.0/16"), Allowed),
            (&["10.1.0.0/16"], block("10.0.0.0/8"), Allowed),
            (&["10.1.0.0/16"], block("0.0.0.0/0"), Allowed),
            (
                &["10.1.0.0/16"],
                format!("{}, {}", block("10.1.0.0/17"), block("10.1.128.0/17")),
                Allowed,
            ),
            (
                &["10.1.0.0/17", "10.1.128.0/17"],
                block("10.1.0.0/16"),
                Allowed,
            ),
            // Partly covered.
            (&["10.1.0.0/16"], block("10.1.0.0/17"), Unknown),
            (&["10.1.0.0/16"], block("10.1.255.255/32"), Unknown),
            (
                &["10.1.0.0/16", "10.7.0.0/16"],
                block("10.1.0.0/16"),
                Unknown,
            ),
            (
                &["10.1.0.0/16"],
                "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/24]}}".to_owned(),
                Unknown,
            ),
            // Disjoint, or cut out.
            (&["10.1.0.0/16"], block("10.2.0.0/16"), Denied),
            (
                &["10.1.0.0/16"],
                "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}".to_owned(),
                Denied,
            ),
            (&["10.1.0.0/16"], block("::/0"), Denied),
        ] {
            let input = with_template().pod_cidrs(ranges);
            let input = with_blocks(input, direction, &blocks);
            input.check(&[(from, to, "TCP 80", expected)]);
            assert!(policies_blind_to(&input.cluster()).is_empty());
        }
    }
}

#[test]
fn n23_unknown_stays_unknown_only_where_nothing_else_decides() {
    let part = block("10.1.0.0/17");
    // Another peer allows it whatever its address.
    let peers = format!("{part}, {{podSelector: {{matchLabels: {{app: new}}}}}}");
    with_blocks(with_template().pod_cidrs(&["10.1.0.0/16"]), "in", &peers)
        .check(&[("x/new", "x/a", "TCP 80", Allowed)]);
    // The other side denies it whatever its address.
    with_blocks(with_template().pod_cidrs(&["10.1.0.0/16"]), "in", &part)
        .policy(
            "x/silent",
            "{podSelector: {matchLabels: {app: new}}, policyTypes: [Egress]}",
        )
        .check(&[("x/new", "x/a", "TCP 80", Denied)]);
    // Only the ports of the rule are in doubt.
    let rule = format!(
        "{{podSelector: {{matchLabels: {{app: a}}}}, \
          ingress: [{{from: [{part}], ports: [{{port: 80}}]}}]}}"
    );
    with_template()
        .pod_cidrs(&["10.1.0.0/16"])
        .policy("x/rule", &rule)
        .check(&[
            ("x/new", "x/a", "TCP 80", Unknown),
            ("x/new", "x/a", "TCP 81", Denied),
        ]);
}

#[test]
fn n23_ranges_are_for_pods_without_addresses_only() {
    // x/b has an address outside the ranges.
    let input = with_template()
        .pod("x/b", "app: b", "172.16.0.1")
        .pod_cidrs(&["10.1.0.0/16"]);
    with_blocks(input, "in", &block("10.0.0.0/8")).check(&[
        ("x/new", "x/a", "TCP 80", Allowed),
        ("x/b", "x/a", "TCP 80", Denied),
    ]);
}

#[test]
fn n23_ranges_of_one_family_leave_no_flows_in_the_other() {
    let input = with_template().pod_cidrs(&["10.1.0.0/16"]);
    let cluster = input.cluster();
    let (a, new) = (pod_named(&cluster, "x/a"), pod_named(&cluster, "x/new"));
    let reach = Reach::new(&cluster);
    assert!(reach.between(new, a, Family::V4).is_some());
    assert!(reach.between(new, a, Family::V6).is_none());
    // Of both families, each is a question of its own.
    let input = Input::standard()
        .yaml(&with_template_only())
        .pod_cidrs(&["10.1.0.0/16", "2001:db8::/32"]);
    with_blocks(input, "in", &block("10.1.0.0/16")).check(&[
        ("x/new", "x/a", "TCP 80 IPv4", Allowed),
        ("x/new", "x/a", "TCP 80 IPv6", Denied),
    ]);
}

/// The Deployment of [`with_template`] alone.
fn with_template_only() -> String {
    "
apiVersion: apps/v1
kind: Deployment
metadata: {namespace: x, name: new}
spec:
  selector: {matchLabels: {app: new}}
  template:
    metadata: {labels: {app: new}}
    spec: {containers: [{name: main, image: main}]}
"
    .to_owned()
}

#[test]
fn n23_ranges_of_nodes_in_the_input_count_as_ranges_of_pods() {
    let node = "
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDR: 10.1.3.0/24, podCIDRs: [10.1.3.0/24]}
";
    for (cidr, expected) in [
        ("10.1.0.0/16", Allowed),
        ("10.1.3.0/25", Unknown),
        ("10.1.4.0/24", Denied),
    ] {
        with_blocks(with_template().yaml(node), "in", &block(cidr))
            .check(&[("x/new", "x/a", "TCP 80", expected)]);
    }
}

#[test]
fn n24_blocks_are_compared_with_pod_addresses_and_not_with_those_of_services() {
    let service = "
apiVersion: v1
kind: Service
metadata: {namespace: y, name: a}
spec:
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10]
  selector: {app: a}
  ports: [{port: 80}]
";
    let input = Input::standard().yaml(service);
    with_blocks(input.clone(), "out", &block("10.96.0.0/12")).check(&[
        // Allowed to the Service's address, which is not where the packets end up.
        ("x/a", "y/a", "TCP 80 IPv4", Denied),
        ("x/a", "10.96.0.10", "TCP 80", Allowed),
    ]);
    with_blocks(input, "out", &block("10.2.0.0/16")).check(&[(
        "x/a",
        "y/a",
        "TCP 80 IPv4",
        Allowed,
    )]);
}
