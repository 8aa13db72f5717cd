//! Documents that are no objects, or not of kinds that are read (LD001 to LD006).

use super::{line, lines, loaded, messages, policy};
use crate::manifest::{LoadOptions, load_str};
use crate::model::{HostNetwork, Place, Semantics, Severity};

/// Whatever is wrong with a document, the next one is read.
#[test]
fn ld001_syntax_errors_point_at_the_byte_and_reading_goes_on() {
    let fine = policy("  {}");
    for (broken, message, offset) in [
        (
            "a: b: c\n",
            "mapping values are not allowed in this context",
            4,
        ),
        (
            "a: [1, 2\n",
            "did not find expected ',' or ']', while parsing a flow sequence",
            9,
        ),
        ("a: \"x\n", "found unexpected end of stream", 6),
        ("a: 1\nb: 2\na: 3\n", "duplicate key `a`", 10),
        ("x:\n  a: 1\n  a: 3\n", "x: duplicate key `a`", 12),
        ("a: *nope\n", "unknown anchor", 3),
        ("\ta: 1\n", "found character that cannot start any token", 0),
        ("{\"a\": 1, \"a\": 2}\n", "duplicate key `a`", 9),
    ] {
        let text = format!("{broken}---\n{fine}");
        let loaded = loaded(&text);
        assert_eq!(loaded.cluster.policies.len(), 1, "{broken}");
        assert_eq!(loaded.documents, 2);
        let [finding] = &loaded.findings[..] else {
            panic!("{broken}: {:?}", loaded.findings);
        };
        assert_eq!((finding.id, finding.severity), ("LD001", Severity::Error));
        assert!(finding.message.contains(message), "{}", finding.message);
        let Place::Offset { offset: found, .. } = finding.place else {
            panic!("{finding:?}");
        };
        assert_eq!(found, offset, "{broken}");
    }
}

#[test]
fn ld001_hostile_documents_are_findings() {
    let deep = "[".repeat(5000);
    let deep_json = format!("{{\"a\": {}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let alias = format!("*a{}, ", n - 1).repeat(10);
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", alias.trim_end_matches(", ")));
    }
    for text in [deep, deep_json, bomb, "\u{1}\u{2}: \u{7f}\n".to_owned()] {
        let loaded = loaded(&text);
        assert!(
            loaded
                .findings
                .iter()
                .any(|finding| finding.severity == Severity::Error),
            "{:.40}: {:?}",
            text,
            loaded.findings.iter().map(line).collect::<Vec<_>>()
        );
    }
}

#[test]
fn ld001_templates_are_told_from_mistakes() {
    for text in [
        "{{- if .Values.policy }}\nkind: NetworkPolicy\n{{- end }}\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec:\n  \
         podSelector: {matchLabels: {app: {{ .Values.name }}}}\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {{ .Name }}\n",
    ] {
        let findings = loaded(text).findings;
        let help = findings.iter().find_map(|finding| finding.help.as_deref());
        assert!(
            help.is_some_and(|help| help.contains("helm template")),
            "{text} {findings:?}"
        );
    }
}

#[test]
fn ld002_what_is_no_object() {
    for (text, expected) in [
        (
            "just text",
            "warning @ not a Kubernetes object: a Kubernetes object is a mapping",
        ),
        (
            "[1, 2]",
            "warning @ not a Kubernetes object: a Kubernetes object is a mapping",
        ),
        (
            "{image: {tag: v1}}",
            "warning @ not a Kubernetes object: it has no `apiVersion` and `kind`",
        ),
        (
            "{apiVersion: v2, name: chart, version: 1.0.0}",
            "warning @ not a Kubernetes object: it has no `apiVersion` and `kind`",
        ),
        (
            "{kind: Pod}",
            "error @kind not a Kubernetes object: it has no `apiVersion`",
        ),
        (
            "{apiVersion: v1, metadata: {name: x}}",
            "error @apiVersion not a Kubernetes object: it has no `kind`",
        ),
        (
            "{apiVersion: v1, kind: 5}",
            "error @kind not a Kubernetes object: `kind` must be text",
        ),
        (
            "{apiVersion: 1, kind: Pod}",
            "error @apiVersion not a Kubernetes object: `apiVersion` must be text",
        ),
        (
            "{apiVersion: v1, kind: List, items: [{kind: Pod}]}",
            "error @items[0].kind not a Kubernetes object: it has no `apiVersion`",
        ),
        (
            "{apiVersion: v1, kind: List, items: {}}",
            "error @items `items` must be a list",
        ),
        (
            "{apiVersion: networking.k8s.io/v1, kind: Networkpolicy}",
            "error @kind the API server knows no kind `Networkpolicy` in `networking.k8s.io/v1`",
        ),
        (
            "{apiVersion: v1, kind: Deployment, metadata: {name: x}}",
            "error @kind the API server knows no kind `Deployment` in `v1`",
        ),
        (
            "{apiVersion: extensions/v1beta1, kind: NetworkPolicy, metadata: {name: p}}",
            "error @apiVersion `extensions/v1beta1` NetworkPolicy was removed in Kubernetes 1.16",
        ),
        (
            "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization}",
            "warning @kind a kustomization is not applied, only what it renders to",
        ),
    ] {
        assert_eq!(lines(text), [format!("LD002 {expected}")], "{text}");
    }
    let kustomization = loaded("{resources: [a.yaml]}");
    let help = kustomization.findings[0].help.clone().unwrap();
    assert!(help.contains("kustomize build"), "{help}");
    // A policy that the server would not take is one that is missing from the model.
    for text in [
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicies}",
        "{apiVersion: extensions/v1beta1, kind: NetworkPolicy, metadata: {name: p}}",
    ] {
        assert_eq!(loaded(text).policies_rejected, 1, "{text}");
    }
    for nothing in [
        "",
        "# a comment\n",
        "---\n---\n",
        "{apiVersion: v1, kind: List, items: []}",
    ] {
        assert_eq!(lines(nothing), [""; 0], "{nothing}");
    }
}

#[test]
fn ld003_one_finding_for_each_kind_that_is_not_analysed() {
    let cilium = |name: &str| {
        format!(
            "{{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {{name: {name}, \
             namespace: web}}}}"
        )
    };
    let text = [
        cilium("b"),
        cilium("a"),
        "{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: c}}".to_owned(),
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: conf}}".to_owned(),
    ]
    .join("\n---\n");
    let loaded = loaded(&text);
    let found: Vec<String> = loaded.findings.iter().map(line).collect();
    assert_eq!(
        found,
        [
            "LD003 warning @kind 2 objects of kind `CiliumNetworkPolicy` (cilium.io/v2) not \
             analysed: it can change connectivity, and answers do not take it into account",
            "LD003 warning @kind 1 object of kind `NetworkPolicy` (projectcalico.org/v3) not \
             analysed: it can change connectivity, and answers do not take it into account",
        ]
    );
    let kinds: Vec<(&str, usize, u32)> = loaded
        .cluster
        .not_analysed
        .iter()
        .map(|kind| (kind.kind.as_str(), kind.count, kind.first.document.0))
        .collect();
    // The first by name, whatever the order in the file.
    assert_eq!(
        kinds,
        [("CiliumNetworkPolicy", 2, 1), ("NetworkPolicy", 1, 2)]
    );
    assert_eq!(
        loaded.other_kinds.into_iter().collect::<Vec<_>>(),
        [(("v1".to_owned(), "ConfigMap".to_owned()), 1)]
    );
    assert_eq!(loaded.policies_rejected, 0);
    // Namespaces that are mentioned exist.
    let namespaces: Vec<&str> = loaded
        .cluster
        .namespaces
        .iter()
        .map(|n| n.name.as_str())
        .collect();
    assert_eq!(namespaces, ["conf", "web"]);
}

#[test]
fn ld004_scalars_that_kubectl_reads_otherwise() {
    let pod = |rest: &str| {
        format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  labels:\n    {rest}\n")
    };
    for (label, expected) in [
        (
            "a: yes",
            Some("`metadata.labels.a` is written `yes`, which kubectl reads as the boolean `true`"),
        ),
        (
            "a: Off",
            Some(
                "`metadata.labels.a` is written `Off`, which kubectl reads as the boolean `false`",
            ),
        ),
        (
            "a: n",
            Some("`metadata.labels.a` is written `n`, which kubectl reads as the boolean `false`"),
        ),
        (
            "a: 0755",
            Some("`metadata.labels.a` is written `0755`, which kubectl reads as the number `493`"),
        ),
        (
            "a: 2024_01",
            Some(
                "`metadata.labels.a` is written `2024_01`, which kubectl reads as the number `202401`",
            ),
        ),
        (
            "on: a",
            Some("the key `on` is what kubectl reads as the boolean `true`"),
        ),
        ("a: \"yes\"", None),
        ("a: 'no'", None),
        ("\"on\": a", None),
        ("a: yes-man", None),
    ] {
        let found = messages(&pod(label), "LD004");
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{label}");
    }
    // JSON has no plain scalars.
    let json = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p\", \
                \"labels\": {\"a\": \"yes\"}}}";
    assert_eq!(lines(json), [""; 0]);
}

#[test]
fn ld004_octal_ports_and_boolean_words_mean_what_kubectl_reads() {
    let text = policy("  ingress: [{ports: [{port: 0120, endPort: 0144}, {port: 8_080}]}]");
    let (cluster, found) = super::only_policy(&text);
    assert_eq!(
        super::rules_text(&cluster, found.ingress.as_deref()),
        "everyone -> TCP 80-100,TCP 8080-8080"
    );
    assert_eq!(messages(&text, "LD004").len(), 3);
    let quoted = policy("  ingress: [{ports: [{port: '0120'}]}]");
    assert_eq!(loaded(&quoted).policies_rejected, 1);

    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {hostNetwork: yes}}";
    let read = loaded(pod);
    assert!(read.cluster.pods[0].host_network);
    assert_eq!(messages(pod, "LD004").len(), 1);
    let quoted = pod.replace("yes", "'yes'");
    assert_eq!(
        messages(&quoted, "NP001"),
        ["`spec.hostNetwork` must be `true` or `false`, not text"]
    );
    assert!(loaded(&quoted).cluster.pods.is_empty());
}

#[test]
fn ld006_documents_that_kubectl_does_not_see() {
    let found = lines("{apiVersion: v1, kind: ConfigMap}\n...\n{apiVersion: v1, kind: Secret}\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("LD006 warning"), "{found:?}");
    let found = lines("--- {apiVersion: v1, kind: ConfigMap}\n");
    assert!(found[0].starts_with("LD006 warning"), "{found:?}");
}

#[test]
fn merge_keys_and_anchors_are_followed() {
    let text = policy(
        "  podSelector: &all {}\n  ingress:\n  - &rule {from: [{podSelector: *all}]}\n  - {<<: \
         *rule, ports: [{port: 80}]}",
    );
    let (cluster, policy) = super::only_policy(&text);
    assert_eq!(
        super::rules_text(&cluster, policy.ingress.as_deref()),
        "shop/* -> all; shop/* -> TCP 80-80"
    );
}

#[test]
fn options_reach_the_cluster() {
    let options = LoadOptions {
        default_namespace: "apps".to_owned(),
        semantics: Semantics {
            host_network: HostNetwork::Pod,
        },
        pod_cidrs: vec![
            "10.9.0.0/16".parse().unwrap(),
            "10.1.0.0/24".parse().unwrap(),
        ],
    };
    let text = "{apiVersion: v1, kind: Node, metadata: {name: n}, spec: {podCIDR: 10.1.0.0/24, \
                podCIDRs: [10.1.0.0/24, '2001:db8::/64']}}\n---\n{apiVersion: v1, kind: Pod, \
                metadata: {name: p}}";
    let loaded = load_str(text, &options);
    assert_eq!(loaded.cluster.semantics, options.semantics);
    let ranges: Vec<String> = loaded
        .cluster
        .pod_cidrs
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(ranges, ["10.1.0.0/24", "10.9.0.0/16", "2001:db8::/64"]);
    assert_eq!(loaded.cluster.namespaces[0].name, "apps");
}
