//! What looks like a mistake and is none: one of several pods is as it should be.

use super::{found_in, only};

/// A pod of one container, labelled with its name, in the namespace `shop`.
fn pod(name: &str, namespace: &str, port: u16) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{app: {name}, team: shop}}}}\n\
         spec: {{containers: [{{name: main, image: x, ports: [{{containerPort: {port}}}]}}]}}\n---\n"
    )
}

fn policy(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n---\n"
    )
}

#[test]
fn what_is_right_for_one_pod_is_no_mistake() {
    let pods = [
        pod("a", "shop", 80),
        pod("b", "shop", 8080),
        pod("c", "shop", 90),
    ]
    .concat();
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: b, namespace: shop}\n\
                   spec: {selector: {app: b}, ports: [{port: 80, targetPort: 8080}]}\n---\n";
    let from = |who: &str| format!("{{podSelector: {{matchLabels: {who}}}}}");
    let ingress = |subject: &str, who: &str| {
        let from = from(who);
        format!(
            "{{podSelector: {{matchLabels: {subject}}}, policyTypes: [Ingress], ingress: [{{from: [{from}], ports: [{{port: 80}}]}}]}}"
        )
    };
    let egress = |subject: &str, who: &str| {
        let to = from(who);
        format!(
            "{{podSelector: {{matchLabels: {subject}}}, policyTypes: [Egress], egress: [{{to: [{to}], ports: [{{port: 80}}]}}]}}"
        )
    };
    let two = |second: &str| {
        format!(
            "{{podSelector: {{matchLabels: {{app: a}}}}, policyTypes: [Ingress], ingress: [{{from: [\
             {{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: other}}}}}}, \
             {{podSelector: {{matchLabels: {{app: {second}}}}}}}]}}]}}"
        )
    };
    let other = [pod("c", "other", 80), pod("d", "other", 80)].concat();
    for (id, what, policies, n_expected) in [
        (
            "NP050",
            "one of the pods listens on it",
            vec![ingress("{team: shop}", "{app: c}")],
            0,
        ),
        (
            "NP050",
            "none does",
            vec![ingress("{app: b}", "{app: c}")],
            1,
        ),
        (
            "NP034",
            "one of the pods is let in",
            vec![
                egress("{app: c}", "{team: shop}"),
                ingress("{app: a}", "{app: b}"),
            ],
            0,
        ),
        (
            "NP034",
            "none is",
            vec![
                egress("{app: c}", "{app: a}"),
                ingress("{app: a}", "{app: b}"),
            ],
            // The policy of `a` allows `b`, which nothing isolates.
            1,
        ),
        (
            "NP014",
            "the second peer matches pods here",
            vec![two("b")],
            0,
        ),
        ("NP014", "it matches pods here and there", vec![two("c")], 0),
        ("NP014", "it matches pods there only", vec![two("d")], 1),
        ("NP014", "it matches none at all", vec![two("e")], 0),
    ] {
        let policies = policies.iter().enumerate();
        let policies: String = policies
            .map(|(nth, spec)| policy(&format!("p{nth}"), spec))
            .collect();
        let text = format!("{pods}{other}{service}{policies}");
        let found = found_in(&text, &only(id));
        let said: Vec<&str> = found
            .iter()
            .map(|one| one.finding.message.as_str())
            .collect();
        assert_eq!(said.len(), n_expected, "{id}, {what}: {said:?}");
    }
}

/// A policy of a tier for the pods with a label, with egress rules.
fn tiered(name: &str, tier: &str, priority: u32, app: &str, rules: &[&str]) -> String {
    format!(
        "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {{name: {name}}}\n\
         spec: {{tier: {tier}, priority: {priority}, subject: {{pods: {{namespaceSelector: {{}}, \
         podSelector: {{matchLabels: {app}}}}}}}, egress: [{}]}}\n---\n",
        rules.join(", ")
    )
}

#[test]
fn rules_of_tiers_that_decide_something_are_no_mistake() {
    let pods = [
        pod("a", "shop", 80),
        pod("b", "shop", 80),
        pod("c", "shop", 80),
    ]
    .concat();
    let (wide, narrow) = ("networks: [10.0.0.0/8]", "networks: [10.1.0.0/16]");
    let to = |action: &str, peer: &str| format!("{{action: {action}, to: [{{{peer}}}]}}");
    let web = |action: &str, peer: &str, last: u16| {
        format!(
            "{{action: {action}, to: [{{{peer}}}], protocols: [{{tcp: {{destinationPort: {{range: {{start: 1, end: {last}}}}}}}}}]}}"
        )
    };
    let (all, a) = ("{team: shop}", "{app: a, team: shop}");
    let pods_of = |app: &str| {
        format!("pods: {{namespaceSelector: {{}}, podSelector: {{matchLabels: {{app: {app}}}}}}}")
    };
    let out = |who: &str| {
        policy(
            "out",
            &format!(
                "{{podSelector: {{matchLabels: {{app: a}}}}, policyTypes: [Egress], egress: [{{to: [{{podSelector: {{matchLabels: {who}}}}}]}}]}}"
            ),
        )
    };
    let one = |rules: &[&str]| tiered("p", "Admin", 5, all, rules);
    let two = |first: u32, app: &str, second: u32| {
        tiered("wide", "Admin", first, app, &[&to("Deny", wide)])
            + &tiered("narrow", "Admin", second, all, &[&to("Accept", narrow)])
    };
    for (id, what, policies, n_expected) in [
        (
            "NP072",
            "the wide one first",
            one(&[&to("Deny", wide), &to("Accept", narrow)]),
            1,
        ),
        (
            "NP072",
            "the narrow one first",
            one(&[&to("Deny", narrow), &to("Accept", wide)]),
            0,
        ),
        (
            "NP072",
            "fewer ports first",
            one(&[&web("Deny", wide, 90), &web("Accept", narrow, 91)]),
            0,
        ),
        (
            "NP072",
            "more ports first",
            one(&[&web("Deny", wide, 91), &web("Accept", narrow, 90)]),
            1,
        ),
        (
            "NP072",
            "all traffic after some",
            one(&[&web("Deny", wide, 65535), &to("Accept", narrow)]),
            0,
        ),
        ("NP072", "a policy that comes first", two(4, all, 5), 1),
        ("NP072", "a policy that comes later", two(6, all, 5), 0),
        ("NP072", "policies of one priority", two(5, all, 5), 0),
        ("NP072", "a policy for fewer pods", two(4, a, 5), 0),
        (
            "NP072",
            "a pass before a deny of the same",
            one(&[&to("Pass", narrow), &to("Deny", wide)]),
            0,
        ),
        (
            "NP072",
            "a pass before nothing",
            one(&[&to("Pass", narrow)]),
            1,
        ),
        (
            "NP072",
            "a pass before another peer",
            one(&[&to("Pass", narrow), &to("Deny", "networks: [192.0.2.0/24]")]),
            1,
        ),
        (
            "NP072",
            "a pass of the same priority as a deny",
            tiered("p", "Admin", 5, all, &[&to("Pass", narrow)])
                + &tiered("q", "Admin", 5, a, &[&to("Deny", wide)]),
            0,
        ),
        (
            "NP072",
            "a pass before a deny of the other tier",
            tiered("p", "Admin", 5, all, &[&to("Pass", narrow)])
                + &tiered("q", "Baseline", 5, a, &[&to("Deny", wide)]),
            1,
        ),
        (
            "NP071",
            "all is denied",
            out("{app: b}") + &one(&[&to("Deny", &pods_of("b"))]),
            1,
        ),
        (
            "NP071",
            "some is denied",
            out("{team: shop}") + &one(&[&to("Deny", &pods_of("b"))]),
            0,
        ),
        (
            "NP071",
            "some ports are denied",
            out("{app: b}") + &one(&[&web("Deny", &pods_of("b"), 90)]),
            0,
        ),
        (
            "NP071",
            "all is passed",
            out("{app: b}") + &one(&[&to("Pass", &pods_of("b")), &to("Deny", &pods_of("b"))]),
            0,
        ),
        (
            "NP071",
            "more is accepted",
            out("{app: b}") + &one(&[&to("Accept", &pods_of("c"))]),
            1,
        ),
        (
            "NP071",
            "the same is accepted",
            out("{app: b}") + &one(&[&to("Accept", &pods_of("b"))]),
            0,
        ),
        (
            "NP071",
            "of other pods",
            out("{app: b}") + &tiered("p", "Admin", 5, "{app: c}", &[&to("Deny", &pods_of("b"))]),
            0,
        ),
    ] {
        let found = found_in(&format!("{pods}{policies}"), &only(id));
        let said: Vec<&str> = found
            .iter()
            .map(|one| one.finding.message.as_str())
            .collect();
        assert_eq!(said.len(), n_expected, "{id}, {what}: {said:?}\n{policies}");
    }
}
