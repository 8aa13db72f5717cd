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
