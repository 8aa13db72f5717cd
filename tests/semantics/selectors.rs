//! N12 to N16: peers and selectors.

use crate::harness::{Allowed, Denied, Input, Row};
use portolan::model::Verdict;

/// x/server lets in what the peers match.
fn let_in(input: Input, peers: &str) -> Input {
    input.pod("x/server", "app: server", "10.1.0.9").policy(
        "x/server",
        &format!(
            "{{podSelector: {{matchLabels: {{app: server}}}}, ingress: [{{from: [{peers}]}}]}}"
        ),
    )
}

#[test]
fn n12_items_are_alternatives_and_the_selectors_of_an_item_are_not() {
    let (own_b, blue, blue_b) = (
        "{podSelector: {matchLabels: {app: b}}}",
        "{namespaceSelector: {matchLabels: {team: blue}}}",
        "{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: b}}}",
    );
    for (peers, x_a, x_b, y_a, y_b) in [
        (own_b.to_owned(), Denied, Allowed, Denied, Denied),
        (blue.to_owned(), Denied, Denied, Allowed, Allowed),
        (blue_b.to_owned(), Denied, Denied, Denied, Allowed),
        (
            format!("{own_b}, {blue}"),
            Denied,
            Allowed,
            Allowed,
            Allowed,
        ),
        (
            format!("{own_b}, {blue_b}"),
            Denied,
            Allowed,
            Denied,
            Allowed,
        ),
    ] {
        let_in(Input::standard(), &peers).check(&[
            ("x/a", "x/server", "TCP 80", x_a),
            ("x/b", "x/server", "TCP 80", x_b),
            ("y/a", "x/server", "TCP 80", y_a),
            ("y/b", "x/server", "TCP 80", y_b),
            ("192.0.2.1", "x/server", "TCP 80", Denied),
        ]);
    }
}

#[test]
fn n12_peers_of_egress_are_destinations() {
    let input = Input::standard().policy(
        "x/out",
        "
        podSelector: {matchLabels: {app: a}}
        policyTypes: [Egress]
        egress:
        - to:
          - namespaceSelector: {matchLabels: {team: blue}}
            podSelector: {matchLabels: {app: b}}
        ",
    );
    input.check(&[
        ("x/a", "y/b", "TCP 80", Allowed),
        ("x/a", "y/a", "TCP 80", Denied),
        ("x/a", "x/b", "TCP 80", Denied),
        ("x/a", "192.0.2.1", "TCP 80", Denied),
        // Egress rules say nothing of what comes in.
        ("y/a", "x/a", "TCP 80", Allowed),
    ]);
}

#[test]
fn n12_a_namespace_of_another_name_with_the_same_labels_is_selected_too() {
    let input = Input::standard()
        .yaml("apiVersion: v1\nkind: Namespace\nmetadata: {name: w, labels: {team: blue}}")
        .pod("w/a", "app: a", "10.3.0.1");
    let_in(input, "{namespaceSelector: {matchLabels: {team: blue}}}").check(&[
        ("w/a", "x/server", "TCP 80", Allowed),
        ("y/a", "x/server", "TCP 80", Allowed),
        ("x/a", "x/server", "TCP 80", Denied),
    ]);
}

#[test]
fn n13_any_peer_with_any_port_of_the_same_rule() {
    let input = Input::standard().policy(
        "x/rules",
        "
        podSelector: {matchLabels: {app: a}}
        ingress:
        - from:
          - podSelector: {matchLabels: {app: b}}
          - namespaceSelector: {matchLabels: {team: blue}}
            podSelector: {matchLabels: {app: a}}
          ports: [{port: 80}, {port: 53, protocol: UDP}]
        - from: [{ipBlock: {cidr: 192.0.2.0/24}}]
          ports: [{port: 443}]
        ",
    );
    input.check(&[
        ("x/b", "x/a", "TCP 80", Allowed),
        ("x/b", "x/a", "UDP 53", Allowed),
        ("y/a", "x/a", "TCP 80", Allowed),
        ("y/a", "x/a", "UDP 53", Allowed),
        ("y/b", "x/a", "TCP 80", Denied),
        ("192.0.2.1", "x/a", "TCP 443", Allowed),
        // Peers of one rule with ports of the other.
        ("192.0.2.1", "x/a", "TCP 80", Denied),
        ("x/b", "x/a", "TCP 443", Denied),
        ("y/a", "x/a", "TCP 53", Denied),
    ]);
}

/// Four pods that call x/server: with `app: web`, with an empty `app`, with `app: api` and a
/// `tier`, and with no label at all.
fn callers() -> Input {
    Input::standard()
        .pod("x/web", "app: web", "10.1.1.1")
        .pod("x/blank", "app: \"\"", "10.1.1.2")
        .pod("x/api", "app: api, tier: back", "10.1.1.3")
        .pod("x/bare", "", "10.1.1.4")
}

#[test]
fn n14_every_operator_as_a_peer() {
    let one = |key, operator| format!("matchExpressions: [{{key: {key}, operator: {operator}}}]");
    for (selector, web, blank, api, bare) in [
        (String::new(), Allowed, Allowed, Allowed, Allowed),
        (
            "matchLabels: {app: web}".into(),
            Allowed,
            Denied,
            Denied,
            Denied,
        ),
        // An empty value has to be there.
        (
            "matchLabels: {app: \"\"}".into(),
            Denied,
            Allowed,
            Denied,
            Denied,
        ),
        (
            "matchLabels: {app: api, tier: back}".into(),
            Denied,
            Denied,
            Allowed,
            Denied,
        ),
        (
            "matchLabels: {app: web, tier: back}".into(),
            Denied,
            Denied,
            Denied,
            Denied,
        ),
        (
            one("app", "In, values: [web]"),
            Allowed,
            Denied,
            Denied,
            Denied,
        ),
        (
            one("app", "In, values: [web, api]"),
            Allowed,
            Denied,
            Allowed,
            Denied,
        ),
        (
            one("app", "In, values: [\"\"]"),
            Denied,
            Allowed,
            Denied,
            Denied,
        ),
        // An absent key is not in any list: NotIn holds.
        (
            one("app", "NotIn, values: [web]"),
            Denied,
            Allowed,
            Allowed,
            Allowed,
        ),
        (
            one("app", "NotIn, values: [web, \"\"]"),
            Denied,
            Denied,
            Allowed,
            Allowed,
        ),
        (
            one("tier", "NotIn, values: [back]"),
            Allowed,
            Allowed,
            Denied,
            Allowed,
        ),
        (
            one("nobody", "NotIn, values: [x]"),
            Allowed,
            Allowed,
            Allowed,
            Allowed,
        ),
        (one("app", "Exists"), Allowed, Allowed, Allowed, Denied),
        (one("tier", "Exists"), Denied, Denied, Allowed, Denied),
        (one("nobody", "Exists"), Denied, Denied, Denied, Denied),
        (one("app", "DoesNotExist"), Denied, Denied, Denied, Allowed),
        (
            one("tier", "DoesNotExist"),
            Allowed,
            Allowed,
            Denied,
            Allowed,
        ),
    ] {
        let rows: [Row; 4] = [
            ("x/web", "x/server", "TCP 80", web),
            ("x/blank", "x/server", "TCP 80", blank),
            ("x/api", "x/server", "TCP 80", api),
            ("x/bare", "x/server", "TCP 80", bare),
        ];
        let_in(callers(), &format!("{{podSelector: {{{selector}}}}}")).check(&rows);
        // The same as the selector of a policy: what it selects is isolated.
        let isolated = |verdict| match verdict {
            Verdict::Allowed => Denied,
            _ => Allowed,
        };
        let policy = format!("{{podSelector: {{{selector}}}, policyTypes: [Egress]}}");
        let rows = rows.map(|(pod, _, traffic, v)| (pod, "y/a", traffic, isolated(v)));
        callers().policy("x/selects", &policy).check(&rows);
    }
}

#[test]
fn n14_all_requirements_must_hold() {
    for (expressions, web, api, bare) in [
        (
            "{key: app, operator: Exists}, {key: tier, operator: DoesNotExist}",
            Allowed,
            Denied,
            Denied,
        ),
        (
            "{key: app, operator: NotIn, values: [web]}, {key: app, operator: Exists}",
            Denied,
            Allowed,
            Denied,
        ),
        (
            "{key: app, operator: In, values: [web, api]}, {key: app, operator: NotIn, values: [api]}",
            Allowed,
            Denied,
            Denied,
        ),
        // Contradictory, which is valid and matches nothing.
        (
            "{key: app, operator: Exists}, {key: app, operator: DoesNotExist}",
            Denied,
            Denied,
            Denied,
        ),
    ] {
        let peers = format!("{{podSelector: {{matchExpressions: [{expressions}]}}}}");
        let_in(callers(), &peers).check(&[
            ("x/web", "x/server", "TCP 80", web),
            ("x/api", "x/server", "TCP 80", api),
            ("x/bare", "x/server", "TCP 80", bare),
        ]);
    }
    // matchLabels and matchExpressions together.
    let both = "{podSelector: {matchLabels: {app: api}, \
                 matchExpressions: [{key: tier, operator: In, values: [front]}]}}";
    let_in(callers(), both).check(&[("x/api", "x/server", "TCP 80", Denied)]);
}

#[test]
fn n14_not_in_on_namespaces_holds_for_those_without_the_key() {
    let input = Input::standard()
        .yaml("apiVersion: v1\nkind: Namespace\nmetadata: {name: plain}")
        .pod("plain/a", "app: a", "10.4.0.1");
    let peers = "{namespaceSelector: {matchExpressions: \
                 [{key: team, operator: NotIn, values: [red]}]}}";
    let_in(input, peers).check(&[
        ("x/a", "x/server", "TCP 80", Denied),
        ("y/a", "x/server", "TCP 80", Allowed),
        ("plain/a", "x/server", "TCP 80", Allowed),
    ]);
}

#[test]
fn n15_every_namespace_has_its_name_as_a_label() {
    let key = "kubernetes.io/metadata.name";
    // A namespace without labels, and one that only a pod mentions.
    let input = Input::standard()
        .yaml("apiVersion: v1\nkind: Namespace\nmetadata: {name: plain}")
        .pod("plain/a", "app: a", "10.4.0.1")
        .pod("mentioned/a", "app: a", "10.5.0.1");
    for (selector, y, plain, mentioned) in [
        (
            format!("matchLabels: {{{key}: y}}"),
            Allowed,
            Denied,
            Denied,
        ),
        (
            format!("matchLabels: {{{key}: plain}}"),
            Denied,
            Allowed,
            Denied,
        ),
        (
            format!("matchLabels: {{{key}: mentioned}}"),
            Denied,
            Denied,
            Allowed,
        ),
        (
            format!("matchExpressions: [{{key: {key}, operator: NotIn, values: [y]}}]"),
            Denied,
            Allowed,
            Allowed,
        ),
        (
            format!("matchExpressions: [{{key: {key}, operator: Exists}}]"),
            Allowed,
            Allowed,
            Allowed,
        ),
        // `name` is a label like any other, and these have none.
        ("matchLabels: {name: y}".to_owned(), Denied, Denied, Denied),
    ] {
        let peers = format!("{{namespaceSelector: {{{selector}}}}}");
        let_in(input.clone(), &peers).check(&[
            ("y/a", "x/server", "TCP 80", y),
            ("plain/a", "x/server", "TCP 80", plain),
            ("mentioned/a", "x/server", "TCP 80", mentioned),
        ]);
    }
}

#[test]
fn n15_the_servers_value_of_the_name_label_wins() {
    let input = Input::empty()
        .yaml(
            "apiVersion: v1\nkind: Namespace\n\
             metadata: {name: liar, labels: {kubernetes.io/metadata.name: y}}",
        )
        .pod("liar/a", "app: a", "10.6.0.1")
        .pod("y/a", "app: a", "10.2.0.1");
    let_in(
        input,
        "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}",
    )
    .check(&[
        ("liar/a", "x/server", "TCP 80", Denied),
        ("y/a", "x/server", "TCP 80", Allowed),
    ]);
}

#[test]
fn n16_selectors_look_at_the_labels_of_the_template() {
    let deployment = "
apiVersion: apps/v1
kind: Deployment
metadata: {namespace: x, name: web, labels: {app: not-this}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: main, image: main}]}
";
    let front = "{podSelector: {matchLabels: {tier: front}}}";
    let_in(Input::standard().yaml(deployment), front)
        .check(&[("x/web", "x/server", "TCP 80", Allowed)]);
    let wrong = "{podSelector: {matchLabels: {app: not-this}}}";
    let_in(Input::standard().yaml(deployment), wrong)
        .check(&[("x/web", "x/server", "TCP 80", Denied)]);
}

#[test]
fn n16_selectors_look_at_the_labels_that_pods_have_now() {
    // The pod's own labels count, and not those of the template it once came from.
    let input = Input::standard().yaml(
        "
apiVersion: apps/v1
kind: ReplicaSet
metadata: {namespace: x, name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: main}]}
---
apiVersion: v1
kind: Pod
metadata:
  namespace: x
  name: web-1
  labels: {app: web, canary: \"yes\"}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: u, controller: true}]
spec: {containers: [{name: main, image: main}]}
status: {phase: Running, podIPs: [{ip: 10.1.2.1}]}
",
    );
    let canary = "{podSelector: {matchLabels: {canary: \"yes\"}}}";
    let_in(input, canary).check(&[("x/web-1", "x/server", "TCP 80", Allowed)]);
}

#[test]
fn n16_terminated_pods_are_neither_subjects_nor_peers() {
    let pod = |name: &str, phase: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\n\
             metadata: {{namespace: x, name: {name}, labels: {{app: job}}}}\n\
             spec: {{containers: [{{name: main, image: main}}]}}\n\
             status: {{phase: {phase}, podIPs: [{{ip: 10.1.3.1}}]}}"
        )
    };
    let input = Input::standard()
        .yaml(&pod("done", "Succeeded"))
        .yaml(&pod("broken", "Failed"))
        .yaml(&pod("running", "Running"));
    let cluster = let_in(input, "{podSelector: {matchLabels: {app: job}}}").cluster();
    assert_eq!(cluster.terminated_pods, 2);
    let names: Vec<_> = cluster
        .pods
        .iter()
        .filter_map(|pod| pod.name.as_deref())
        .collect();
    assert!(
        !names.contains(&"done") && !names.contains(&"broken"),
        "{names:?}"
    );
    crate::harness::check(&cluster, &[("x/running", "x/server", "TCP 80", Allowed)]);
}
