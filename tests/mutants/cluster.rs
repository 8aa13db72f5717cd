//! The node that faults are tried on.

use portolan::dataplane::{
    Bundle, Comments, Compiler, HalfProof, Making, Target, address_book, make_bundle,
};
use portolan::manifest::{LoadOptions, load};
use portolan::model::{Cluster, Half, Modes, NodeId};
use portolan::reach::Reach;
use portolan::source::Sources;
use portolan::symbolic::{Limits, PolicyIndex};

const CLUSTER: &str = r#"
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDRs: [10.244.1.0/24, "fd10:1::/64"]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {nodeName: n1, containers: [{name: c, image: i, ports: [{name: sql, containerPort: 5432}]}]}
status: {phase: Running, podIPs: [{ip: 10.244.1.10}, {ip: "fd10:1::a"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: c, image: i}]}
status: {phase: Running, podIPs: [{ip: 10.244.1.11}, {ip: "fd10:1::b"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: closed, namespace: shop, labels: {app: closed}}
spec: {nodeName: n1, containers: [{name: c, image: i}]}
status: {phase: Running, podIPs: [{ip: 10.244.1.12}]}
---
apiVersion: v1
kind: Pod
metadata: {name: far-1, namespace: shop, labels: {app: far}}
spec: {nodeName: n2, containers: [{name: c, image: i}]}
status: {phase: Running, podIPs: [{ip: 10.244.2.10}, {ip: "fd10:2::a"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: far-2, namespace: shop, labels: {app: far}}
spec: {nodeName: n2, containers: [{name: c, image: i}]}
status: {phase: Running, podIPs: [{ip: 10.244.2.12}, {ip: "fd10:2::c"}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: far}}}]
      ports: [{port: sql}]
    - from: [{ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.128/25]}}]
      ports: [{port: 8000, endPort: 8100}, {port: 443}]
    - from: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.64/26]}}]
    - from: [{ipBlock: {cidr: "2001:db8::/32"}}]
      ports: [{protocol: SCTP}]
    - from: [{ipBlock: {cidr: 198.51.100.192/26}}]
      ports: [{port: 9000}]
  egress:
    - to: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [web, closed]}]}}]
      ports: [{port: 80}, {port: 53, protocol: UDP}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {podSelector: {matchLabels: {app: closed}}, policyTypes: [Ingress], ingress: []}
"#;

/// All of it.
pub(crate) fn cluster() -> Cluster {
    let mut loaded = load(
        &Sources::from_text("mutants.yaml", CLUSTER),
        &LoadOptions::default(),
    );
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    portolan::dataplane::add_mentioned_nodes(&mut loaded.cluster);
    loaded.cluster
}

/// Does something with the node's bundle, which is proved.
#[allow(dead_code, reason = "shared by tests, one of which makes its own")]
pub(crate) fn with_bundle(target: Target, act: impl FnOnce(&Bundle, &Half<'_>, &PolicyIndex)) {
    let cluster = cluster();
    let book = address_book(&cluster).unwrap();
    let reach = Reach::new(&cluster);
    let compiler = Compiler::new(&cluster, &reach, &book);
    let index = PolicyIndex::new(&cluster);
    let half = Half::new(&cluster, &book, NodeId(0), Modes::default());
    let making = Making {
        header: "# mutants\n".to_owned(),
        comments: Comments::NONE,
        target,
        prove: Some(Limits::default()),
    };
    let bundle = make_bundle(&half, &compiler, &index, &making).unwrap();
    assert_eq!(bundle.proof, Some(HalfProof::Proved));
    act(&bundle, &half, &index);
}
