//! Clusters to chart, and the charting.

use portolan::manifest::{LoadOptions, load_str};
use portolan::model::{Cluster, NotAnalysed};
use portolan::question::list::{Filter, Question};
use portolan::reach::Reach;
use portolan::report::map::{MAP_FORMATS, Map, MapOptions};

/// A cluster whose map has every kind of peer, partial and unknown rows, and rows of one family.
pub(crate) const EVERY_KIND: &str = r#"
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: monitor, namespace: ops}
spec:
  selector: {matchLabels: {app: monitor}}
  template:
    metadata: {labels: {app: monitor}}
    spec: {containers: [{name: c, image: i}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: backup, namespace: ops}
spec:
  serviceName: backup
  selector: {matchLabels: {app: backup}}
  template:
    metadata: {labels: {app: backup}}
    spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {containers: [{name: c, image: i}]}
status: {podIPs: [{ip: 10.0.0.3}, {ip: "fd00::3"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
status: {podIPs: [{ip: 10.0.0.4}, {ip: "fd00::4"}]}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-a
  namespace: shop
  labels: {app: web, track: stable}
  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: web, uid: u, controller: true}]
spec: {containers: [{name: c, image: i}]}
status: {podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}]}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-b
  namespace: shop
  labels: {app: web, track: canary}
  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: web, uid: u, controller: true}]
spec: {containers: [{name: c, image: i}]}
status: {podIPs: [{ip: 10.0.0.2}, {ip: "fd00::2"}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: backup, namespace: ops}
spec: {podSelector: {matchLabels: {app: backup}}, policyTypes: [Ingress]}
---
# Stable pods only: partial. A part of the pods' range: unknown for those without an address.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{podSelector: {matchLabels: {track: stable}}}]
      ports: [{port: 5432}]
    - from: [{ipBlock: {cidr: 10.1.128.0/17}}]
      ports: [{port: 5432}, {port: 9187}]
---
# One family only; and whether an unknown controller is let in, its labels decide.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - ipBlock: {cidr: 0.0.0.0/0, except: [10.1.0.0/16]}
        - namespaceSelector: {}
          podSelector: {matchLabels: {role: ingress}}
      ports: [{port: 8080}]
  egress:
    - to: [{podSelector: {matchLabels: {app: db}}}]
    - to:
        - ipBlock: {cidr: 192.0.2.10/32}
        - ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.128/25]}
        - ipBlock: {cidr: 2001:db8::/32}
      ports: [{port: 443}, {port: 8443}]
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec:
  rules:
    - http:
        paths:
          - {path: /api, pathType: Prefix, backend: {service: {name: api, port: {number: 8080}}}}
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
"#;

/// A cluster with as much of everything as there is.
pub(crate) fn every_kind() -> Cluster {
    let mut cluster = load(EVERY_KIND, &["10.1.0.0/16", "fd01::/64"]);
    cluster.not_analysed.push(NotAnalysed {
        api_version: "cilium.io/v2".to_owned(),
        kind: "CiliumNetworkPolicy".to_owned(),
        count: 2,
        first: super::generate::origin(),
    });
    cluster
}

/// The cluster of some manifests, which must be right.
pub(crate) fn load(text: &str, pod_cidrs: &[&str]) -> Cluster {
    let options = LoadOptions {
        pod_cidrs: pod_cidrs.iter().map(|net| net.parse().unwrap()).collect(),
        ..LoadOptions::default()
    };
    let loaded = load_str(text, &options);
    let wrong: Vec<_> = loaded
        .findings
        .iter()
        .filter(|finding| finding.severity == portolan::model::Severity::Error)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    loaded.cluster
}

/// The whole map.
pub(crate) fn render(cluster: &Cluster, format: &str, options: MapOptions) -> String {
    render_part(cluster, &Filter::default(), format, options)
}

/// A part of the map.
pub(crate) fn render_part(
    cluster: &Cluster,
    filter: &Filter,
    format: &str,
    options: MapOptions,
) -> String {
    let reach = Reach::new(cluster);
    let map = Map {
        question: Question {
            cluster,
            reach: &reach,
            filter,
            controller: None,
        },
        assumptions: &["pods get addresses from `10.1.0.0/16`".to_owned()],
        locate: &|_| "cilium.yaml:3".to_owned(),
        options,
    };
    let format = MAP_FORMATS.iter().find(|f| f.name == format).unwrap();
    let mut out = Vec::new();
    (format.render)(&map, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}
