//! A generated cluster of pods and policies, as files.

#![allow(unreachable_pub, reason = "each bench has this as a module of its own")]

use std::fmt::Write as _;
use std::path::Path;

/// Apps in each namespace.
pub const APPS: usize = 10;
/// Pods of each app.
pub const REPLICAS: usize = 10;

/// Writes the cluster and returns its size in bytes. Ten policies in each namespace: deny all,
/// DNS, metrics, a neighbour namespace by label, an address block, and one for each of five
/// apps, with named ports, ranges and expressions among them.
pub fn write_cluster(folder: &Path, namespaces: usize) -> usize {
    let mut size = 0;
    for namespace in 0..namespaces {
        let mut text = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns-{namespace}\n  labels:\n    team: team-{}\n    env: {}\n",
            namespace % 12,
            ["prod", "staging", "dev"][namespace % 3]
        );
        for app in 0..APPS {
            write_app(&mut text, namespace, app);
        }
        for policy in 0..10 {
            write_policy(&mut text, namespace, policy);
        }
        size += text.len();
        std::fs::write(folder.join(format!("ns-{namespace}.yaml")), text).unwrap();
    }
    size
}

fn write_app(text: &mut String, namespace: usize, app: usize) {
    let tier = ["web", "api", "data"][app % 3];
    write!(
        text,
        "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: app-{app}\n  namespace: ns-{namespace}\nspec:\n  selector:\n    app: app-{app}\n  ports:\n  - name: http\n    port: 80\n    targetPort: http\n"
    )
    .unwrap();
    for pod in 0..REPLICAS {
        write!(
            text,
            "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: app-{app}-pod-{pod}\n  namespace: ns-{namespace}\n  labels:\n    app: app-{app}\n    tier: {tier}\n    version: v{}\n    app.kubernetes.io/name: app-{app}\n    app.kubernetes.io/managed-by: gitops\n  ownerReferences:\n  - apiVersion: apps/v1\n    kind: ReplicaSet\n    name: app-{app}\n    uid: 00000000-0000-4000-8000-000000000000\n    controller: true\nspec:\n  nodeName: node-{}\n  containers:\n  - name: main\n    image: registry.example/app-{app}:1.0\n    ports:\n    - name: http\n      containerPort: 8080\n    - name: metrics\n      containerPort: 9090\n    resources:\n      requests:\n        cpu: 100m\n        memory: 128Mi\nstatus:\n  phase: Running\n  podIP: 10.{}.{}.{}\n",
            app % 2,
            pod % 7,
            64 + namespace / 256,
            namespace % 256,
            1 + app * REPLICAS + pod
        )
        .unwrap();
    }
}

fn write_policy(text: &mut String, namespace: usize, policy: usize) {
    let (name, spec) = match policy {
        0 => ("default-deny".to_owned(), "  podSelector: {}\n  policyTypes: [Ingress, Egress]\n".to_owned()),
        1 => ("allow-dns".to_owned(), "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to:\n    - namespaceSelector:\n        matchLabels:\n          kubernetes.io/metadata.name: ns-0\n      podSelector:\n        matchLabels:\n          app: app-0\n    ports:\n    - protocol: UDP\n      port: 53\n    - protocol: TCP\n      port: 53\n".to_owned()),
        2 => ("metrics".to_owned(), "  podSelector:\n    matchExpressions:\n    - {key: tier, operator: In, values: [web, api]}\n  policyTypes: [Ingress]\n  ingress:\n  - from:\n    - namespaceSelector:\n        matchLabels:\n          env: prod\n      podSelector:\n        matchLabels:\n          app: app-9\n    ports:\n    - port: metrics\n".to_owned()),
        3 => ("team".to_owned(), format!("  podSelector:\n    matchLabels:\n      tier: api\n  policyTypes: [Ingress]\n  ingress:\n  - from:\n    - namespaceSelector:\n        matchLabels:\n          team: team-{}\n    ports:\n    - port: 8000\n      endPort: 8100\n", namespace % 12)),
        4 => ("office".to_owned(), "  podSelector:\n    matchLabels:\n      tier: web\n  policyTypes: [Ingress]\n  ingress:\n  - from:\n    - ipBlock:\n        cidr: 192.168.0.0/16\n        except:\n        - 192.168.99.0/24\n    ports:\n    - port: http\n".to_owned()),
        app => (format!("app-{app}"), format!("  podSelector:\n    matchLabels:\n      app: app-{app}\n  policyTypes: [Ingress, Egress]\n  ingress:\n  - from:\n    - podSelector:\n        matchLabels:\n          app: app-{}\n    ports:\n    - port: 8080\n  egress:\n  - to:\n    - podSelector:\n        matchExpressions:\n        - {{key: tier, operator: NotIn, values: [data]}}\n    ports:\n    - port: http\n", app - 4)),
    };
    write!(
        text,
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {name}\n  namespace: ns-{namespace}\nspec:\n{spec}"
    )
    .unwrap();
}
