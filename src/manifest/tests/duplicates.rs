//! The same object twice (NP007).

use super::{line, loaded};
use crate::model::Severity;

fn service(name: &str, port: u16) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: \
         {{ports: [{{port: {port}}}]}}\n"
    )
}

#[test]
fn np007_equal_copies_are_a_note() {
    // The order of keys is no difference.
    let other = "spec: {ports: [{port: 80}]}\nmetadata: {namespace: shop, name: web}\nkind: \
                 Service\napiVersion: v1\n";
    let loaded = loaded(&format!("{}---\n{other}", service("web", 80)));
    assert_eq!(loaded.cluster.services.len(), 1);
    let [finding] = &loaded.findings[..] else {
        panic!("{:?}", loaded.findings);
    };
    assert_eq!((finding.id, finding.severity), ("NP007", Severity::Note));
    assert_eq!(
        line(finding),
        "NP007 note @metadata.name Service `shop/web` is given twice, with the same contents"
    );
    assert_eq!(finding.related.len(), 1);
}

#[test]
fn np007_which_copy_is_analysed_does_not_depend_on_the_order() {
    let versions = [service("web", 80), service("web", 81), service("web", 82)];
    let mut ports = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        let text = order.map(|n| versions[n].clone()).join("---\n");
        let loaded = loaded(&text);
        assert_eq!(loaded.cluster.services.len(), 1);
        ports.push(loaded.cluster.services[0].ports[0].port);
        let errors = loaded
            .findings
            .iter()
            .filter(|finding| finding.id == "NP007");
        assert_eq!(errors.clone().count(), 2);
        for finding in errors {
            assert_eq!(finding.severity, Severity::Error);
            let position = order.iter().position(|&n| n == 0).unwrap();
            let expected = format!("the one in `input.yaml`, line {}", position * 5 + 1);
            assert!(
                finding.message.ends_with(&expected),
                "{} {expected}",
                finding.message
            );
        }
    }
    assert_eq!(ports, [80; 4]);
}

#[test]
fn np007_a_copy_that_the_server_refuses_is_not_the_one_analysed() {
    let policy = |spec: &str| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: p}}, \
             spec: {spec}}}\n"
        )
    };
    // By its contents alone the broken one would be chosen.
    let broken = policy("{ingress: [{ports: [{port: 0}]}]}");
    let fine = policy("{ingress: [{ports: [{port: 1}]}]}");
    for text in [
        format!("{broken}---\n{fine}"),
        format!("{fine}---\n{broken}"),
    ] {
        let loaded = loaded(&text);
        assert_eq!(
            (loaded.cluster.policies.len(), loaded.policies_rejected),
            (1, 1)
        );
        assert!(loaded.findings.iter().any(|finding| finding.id == "NP007"));
    }
}

#[test]
fn same_name_elsewhere_is_another_object() {
    for (a, b) in [
        (
            "{apiVersion: v1, kind: Service, metadata: {name: a, namespace: red}, spec: {ports: [{port: 1}]}}",
            "{apiVersion: v1, kind: Service, metadata: {name: a, namespace: blue}, spec: {ports: [{port: 1}]}}",
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: a}}",
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}",
        ),
        // The server makes up a name for each.
        (
            "{apiVersion: batch/v1, kind: Job, metadata: {generateName: a-}}",
            "{apiVersion: batch/v1, kind: Job, metadata: {generateName: a-}}",
        ),
    ] {
        let loaded = loaded(&format!("{a}\n---\n{b}"));
        assert_eq!(loaded.findings, [], "{a}");
        let n_things = loaded.cluster.services.len() + loaded.cluster.pods.len();
        assert_eq!(n_things, 2, "{a}");
    }
    // The default namespace and the same one by name are one.
    let loaded = loaded(
        "{apiVersion: v1, kind: Pod, metadata: {name: a}}\n---\n\
         {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default}}",
    );
    assert_eq!(loaded.cluster.pods.len(), 1);
    assert_eq!(loaded.findings.len(), 1);
}

#[test]
fn np007_items_of_lists_are_compared_one_by_one() {
    let text = "{apiVersion: v1, kind: PodList, items: [{metadata: {name: a}}, {metadata: {name: \
                b}}]}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: b}}";
    let loaded = loaded(text);
    assert_eq!(loaded.cluster.pods.len(), 2);
    assert_eq!(
        loaded.findings.iter().map(line).collect::<Vec<_>>(),
        ["NP007 note @metadata.name Pod `default/b` is given twice, with the same contents"]
    );
}
