//! The tiers around NetworkPolicy: Admin before it, Baseline after it.
//!
//! Policies of these tiers are put into the model by hand, beside NetworkPolicies that are
//! loaded.

use crate::harness::{Allowed, Denied, Input, Row, check};
use portolan::model::{
    Action, Cluster, Direction, METADATA_NAME, NamespaceMatch, Operator, Peer, PeerKind, Policy,
    PortMatch, PortMatchKind, Protocol, Requirement, Rule, Selector, Subject, Tier,
};
use portolan::source::Route;

use Action::{Accept, Deny, Pass};
use Direction::{Egress, Ingress};
use Tier::{Admin, Baseline};

/// What a rule does, the namespace it is about (`*` for all), and a TCP port (0 for all traffic).
type RuleRow = (Action, &'static str, u16);

/// A policy for all pods of one namespace: tier, priority, namespace, direction and rules.
type PolicyRow<'a> = (Tier, u32, &'static str, Direction, &'a [RuleRow]);

fn namespaces(cluster: &mut Cluster, name: &str) -> NamespaceMatch {
    if name == "*" {
        return NamespaceMatch::Labels(Selector::everything());
    }
    let key = cluster.symbols.intern(METADATA_NAME);
    let operator = Operator::In(vec![cluster.symbols.intern(name)]);
    NamespaceMatch::Labels(Selector::new([Requirement { key, operator }]))
}

fn rule(cluster: &mut Cluster, (action, peer, port): RuleRow) -> Rule {
    let kind = PeerKind::Pods {
        namespaces: namespaces(cluster, peer),
        pods: Selector::everything(),
    };
    let peer = Peer {
        kind,
        route: Route::root(),
    };
    let ports = (port > 0).then(|| PortMatch {
        kind: PortMatchKind::Range {
            protocol: Protocol::Tcp,
            first: port,
            last: port,
        },
        route: Route::root(),
    });
    Rule {
        action,
        peers: Some(vec![peer]),
        ports: ports.map(|port| vec![port]),
        route: Route::root(),
    }
}

/// Adds the policies to what is loaded from the input, and checks the table.
#[track_caller]
fn check_with(input: &Input, policies: &[PolicyRow<'_>], rows: &[Row]) {
    let mut cluster = input.cluster();
    for (tier, priority, subject, direction, rules) in policies {
        let rules: Vec<Rule> = rules.iter().map(|row| rule(&mut cluster, *row)).collect();
        let namespaces = namespaces(&mut cluster, subject);
        let mut policy = Policy {
            kind: "ClusterNetworkPolicy",
            namespace: None,
            name: String::new(),
            tier: *tier,
            priority: *priority,
            subject: Subject {
                namespaces,
                pods: Selector::everything(),
            },
            ingress: None,
            egress: None,
            origin: cluster.pods[0].origin.clone(),
        };
        match direction {
            Egress => policy.egress = Some(rules),
            Ingress => policy.ingress = Some(rules),
        }
        cluster.policies.push(policy);
    }
    let order = |policy: &Policy| (policy.tier, policy.priority);
    cluster.policies.sort_by_key(order);
    check(&cluster, rows);
}

const DENY_IN: &str = "{podSelector: {}, policyTypes: [Ingress]}";
const ALLOW_IN: &str = "{podSelector: {}, policyTypes: [Ingress], ingress: [{}]}";

#[test]
fn admin_accept_and_deny_are_final() {
    let accept: &[PolicyRow<'_>] = &[(Admin, 1, "x", Ingress, &[(Accept, "y", 80)])];
    check_with(
        &Input::standard().policy("x/deny", DENY_IN),
        accept,
        &[
            ("y/a", "x/a", "TCP 80", Allowed),
            ("y/a", "x/a", "TCP 81", Denied),
            ("x/b", "x/a", "TCP 80", Denied),
        ],
    );
    let deny: &[PolicyRow<'_>] = &[(Admin, 1, "x", Ingress, &[(Deny, "y", 80)])];
    check_with(
        &Input::standard().policy("x/allow", ALLOW_IN),
        deny,
        &[
            ("y/a", "x/a", "TCP 80", Denied),
            ("y/a", "x/a", "TCP 81", Allowed),
            ("x/b", "x/a", "TCP 80", Allowed),
        ],
    );
}

#[test]
fn without_a_match_the_next_tier_decides_and_nothing_is_isolated() {
    let admin: &[PolicyRow<'_>] = &[(Admin, 1, "x", Ingress, &[(Accept, "y", 80)])];
    let baseline: &[PolicyRow<'_>] = &[(Baseline, 1, "x", Ingress, &[(Accept, "y", 80)])];
    for policies in [admin, baseline] {
        check_with(
            &Input::standard(),
            policies,
            &[
                ("y/a", "x/a", "TCP 80", Allowed),
                ("y/a", "x/a", "TCP 81", Allowed),
                ("192.0.2.1", "x/a", "TCP 80", Allowed),
            ],
        );
    }
}

#[test]
fn baseline_decides_where_no_network_policy_selects() {
    let baseline: &[PolicyRow<'_>] = &[(Baseline, 1, "*", Ingress, &[(Deny, "*", 80)])];
    check_with(
        &Input::standard().policy("x/allow", ALLOW_IN),
        baseline,
        &[
            // Selected by a NetworkPolicy, so Baseline is never asked.
            ("y/a", "x/a", "TCP 80", Allowed),
            ("x/a", "y/a", "TCP 80", Denied),
            ("x/a", "y/a", "TCP 81", Allowed),
            ("192.0.2.1", "y/a", "TCP 80", Allowed),
        ],
    );
    // A NetworkPolicy's isolation is final as well: Baseline cannot open it.
    let accept: &[PolicyRow<'_>] = &[(Baseline, 1, "*", Ingress, &[(Accept, "*", 0)])];
    check_with(
        &Input::standard().policy("x/deny", DENY_IN),
        accept,
        &[("y/a", "x/a", "TCP 80", Denied)],
    );
}

#[test]
fn a_network_policy_of_one_direction_leaves_the_other_to_baseline() {
    let baseline: &[PolicyRow<'_>] = &[(Baseline, 1, "x", Egress, &[(Deny, "y", 80)])];
    check_with(
        &Input::standard().policy("x/allow", ALLOW_IN),
        baseline,
        &[
            ("x/a", "y/a", "TCP 80", Denied),
            ("x/a", "y/a", "TCP 81", Allowed),
        ],
    );
}

#[test]
fn pass_leaves_its_tier_for_the_next() {
    let rules: &[RuleRow] = &[(Pass, "y", 80), (Deny, "*", 0)];
    let admin: PolicyRow<'_> = (Admin, 1, "x", Ingress, rules);
    let baseline: PolicyRow<'_> = (Baseline, 1, "x", Ingress, &[(Deny, "y", 0)]);
    // To NetworkPolicy, one way or the other.
    for (policy, expected) in [(ALLOW_IN, Allowed), (DENY_IN, Denied)] {
        check_with(
            &Input::standard().policy("x/policy", policy),
            &[admin, baseline],
            &[
                ("y/a", "x/a", "TCP 80", expected),
                ("y/a", "x/a", "TCP 81", Denied),
                ("x/b", "x/a", "TCP 80", Denied),
            ],
        );
    }
    // To Baseline, and to the default.
    check_with(
        &Input::standard(),
        &[admin, baseline],
        &[("y/a", "x/a", "TCP 80", Denied)],
    );
    check_with(
        &Input::standard(),
        &[admin],
        &[
            ("y/a", "x/a", "TCP 80", Allowed),
            ("y/a", "x/a", "TCP 81", Denied),
        ],
    );
}

#[test]
fn after_pass_no_other_rule_of_its_tier_is_asked() {
    let in_one_policy: &[PolicyRow<'_>] = &[(
        Admin,
        1,
        "x",
        Ingress,
        &[(Pass, "y", 80), (Accept, "*", 0), (Deny, "*", 0)],
    )];
    let in_two: &[PolicyRow<'_>] = &[
        (Admin, 1, "x", Ingress, &[(Pass, "y", 80)]),
        (Admin, 2, "x", Ingress, &[(Accept, "*", 0)]),
    ];
    for policies in [in_one_policy, in_two] {
        check_with(
            &Input::standard().policy("x/deny", DENY_IN),
            policies,
            &[
                ("y/a", "x/a", "TCP 80", Denied),
                ("y/a", "x/a", "TCP 81", Allowed),
                ("x/b", "x/a", "TCP 80", Allowed),
            ],
        );
    }
}

#[test]
fn pass_of_baseline_is_the_default() {
    let rules: &[RuleRow] = &[(Pass, "y", 80), (Deny, "*", 0)];
    let policies: &[PolicyRow<'_>] = &[
        (Baseline, 1, "x", Ingress, rules),
        (Baseline, 2, "x", Ingress, &[(Deny, "y", 0)]),
    ];
    check_with(
        &Input::standard(),
        policies,
        &[
            ("y/a", "x/a", "TCP 80", Allowed),
            ("y/a", "x/a", "TCP 81", Denied),
            ("x/b", "x/a", "TCP 80", Denied),
        ],
    );
}

#[test]
fn the_first_matching_rule_by_priority_and_position_decides() {
    for tier in [Admin, Baseline] {
        let in_order: &[PolicyRow<'_>] =
            &[(tier, 1, "x", Ingress, &[(Accept, "y", 80), (Deny, "y", 0)])];
        check_with(
            &Input::standard(),
            in_order,
            &[
                ("y/a", "x/a", "TCP 80", Allowed),
                ("y/a", "x/a", "TCP 81", Denied),
            ],
        );
        let shadowed: &[PolicyRow<'_>] =
            &[(tier, 1, "x", Ingress, &[(Deny, "y", 0), (Accept, "y", 80)])];
        check_with(
            &Input::standard(),
            shadowed,
            &[("y/a", "x/a", "TCP 80", Denied)],
        );
        // The lower priority goes first, wherever it is written.
        let by_priority: &[PolicyRow<'_>] = &[
            (tier, 20, "x", Ingress, &[(Deny, "y", 0)]),
            (tier, 10, "x", Ingress, &[(Accept, "y", 80)]),
        ];
        check_with(
            &Input::standard(),
            by_priority,
            &[
                ("y/a", "x/a", "TCP 80", Allowed),
                ("y/a", "x/a", "TCP 81", Denied),
            ],
        );
    }
}

#[test]
fn both_sides_must_allow_in_any_tier() {
    let policies: &[PolicyRow<'_>] = &[
        (Admin, 1, "x", Egress, &[(Accept, "y", 0)]),
        (Baseline, 1, "y", Ingress, &[(Deny, "x", 80)]),
    ];
    check_with(
        &Input::standard(),
        policies,
        &[
            ("x/a", "y/a", "TCP 80", Denied),
            ("x/a", "y/a", "TCP 81", Allowed),
        ],
    );
}

#[test]
fn a_pod_reaches_itself_and_host_network_pods_are_left_alone_in_any_tier() {
    let input =
        Input::standard().pod_with("x/host", "app: h", "192.168.0.1", "", "hostNetwork: true");
    for tier in [Admin, Baseline] {
        let policies: &[PolicyRow<'_>] = &[
            (tier, 1, "*", Ingress, &[(Deny, "*", 0)]),
            (tier, 1, "*", Egress, &[(Deny, "*", 0)]),
        ];
        check_with(
            &input,
            policies,
            &[
                ("x/a", "x/a", "TCP 80", Allowed),
                ("x/a", "x/b", "TCP 80", Denied),
                ("x/host", "x/a", "TCP 80", Allowed),
                ("x/a", "x/host", "TCP 80", Allowed),
            ],
        );
    }
}
