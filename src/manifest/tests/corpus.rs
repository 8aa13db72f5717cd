//! Valid documents of every kind that is read, for tests that change or shuffle them.

/// One document each.
pub(super) const CORPUS: &[&str] = &[
    r"apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    team: web
",
    r"apiVersion: v1
kind: Node
metadata:
  name: node-1
  labels: {zone: a}
spec:
  podCIDRs: [10.1.0.0/24]
status:
  addresses:
  - {type: InternalIP, address: 192.0.2.1}
",
    r"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web, tier: front}
    spec:
      containers:
      - name: web
        image: example.com/web:1
        ports:
        - {name: http, containerPort: 8080}
        resources:
          limits: {cpu: 1, memory: 64Mi}
",
    r"apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web-5d4
  namespace: shop
  ownerReferences:
  - {apiVersion: apps/v1, kind: Deployment, name: web, uid: u-1, controller: true}
spec:
  replicas: 2
",
    r"apiVersion: v1
kind: Pod
metadata:
  name: web-5d4-a
  namespace: shop
  labels: {app: web}
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: web-5d4, uid: u-2, controller: true}
spec:
  nodeName: node-1
  containers:
  - name: web
    ports: [{name: http, containerPort: 8080}]
status:
  phase: Running
  podIP: 10.1.0.7
  podIPs: [{ip: 10.1.0.7}]
",
    r"apiVersion: v1
kind: Pod
metadata: {name: done, namespace: shop}
status: {phase: Succeeded}
",
    r"apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, ports: [{name: sql, containerPort: 5432}]}]
",
    r"apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  template:
    metadata: {labels: {app: agent}}
    spec: {hostNetwork: true, containers: [{name: agent}]}
",
    r"apiVersion: batch/v1
kind: CronJob
metadata: {name: tick, namespace: jobs}
spec:
  schedule: '* * * * *'
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: tick}}
        spec: {restartPolicy: Never, containers: [{name: tick}]}
",
    r"apiVersion: batch/v1
kind: Job
metadata: {generateName: once-, namespace: jobs}
spec:
  template:
    metadata: {labels: {app: once}}
    spec: {containers: [{name: once}]}
",
    r"apiVersion: batch/v1
kind: Job
metadata: {generateName: once-, namespace: jobs}
spec:
  template:
    metadata: {labels: {app: again}}
    spec: {containers: [{name: once}]}
",
    r"apiVersion: v1
kind: ReplicationController
metadata: {name: old, namespace: shop}
spec: {template: {metadata: {labels: {app: old}}}}
",
    r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: http}
  - {name: admin, port: 81, targetPort: 8081, protocol: TCP}
",
    r"apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: other}
  ports: [{port: 80}]
",
    r"apiVersion: v1
kind: Endpoints
metadata: {name: legacy, namespace: shop}
subsets:
- addresses: [{ip: 198.51.100.7}]
  ports: [{port: 443}]
",
    r"apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-x
  namespace: shop
  labels: {kubernetes.io/service-name: web}
addressType: IPv4
endpoints:
- addresses: [10.1.0.7]
  targetRef: {kind: Pod, name: web-5d4-a, namespace: shop}
ports: [{name: http, port: 8080}]
",
    r"apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
",
    r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: nginx
  tls: [{hosts: [shop.example]}]
  rules:
  - host: shop.example
    http:
      paths:
      - path: /
        pathType: Prefix
        backend: {service: {name: web, port: {number: 80}}}
",
    r"apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: web, namespace: shop}
spec:
  host: r.example
  to: {kind: Service, name: web}
  port: {targetPort: http}
",
    r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector:
    matchLabels: {app: web}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - namespaceSelector:
        matchExpressions:
        - {key: team, operator: In, values: [web, ops]}
      podSelector: {}
    - ipBlock:
        cidr: 10.0.0.0/8
        except: [10.9.0.0/16]
    ports:
    - {protocol: TCP, port: http}
    - {port: 8000, endPort: 8090}
  egress:
  - to: [{podSelector: {matchLabels: {app: db}}}]
    ports: [{port: 5432}]
  - ports: [{protocol: UDP, port: 53}]
",
    r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
",
    r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: broken, namespace: shop}
spec: {podSelector: {}, ingress: [{ports: [{port: 0}]}]}
",
    r"apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: c-2, namespace: shop}
",
    r"apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: c-1, namespace: elsewhere}
",
    r"apiVersion: v1
kind: ConfigMap
metadata: {name: conf, namespace: config}
data: {a: b}
",
    r"apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: in-a-list, namespace: shop, labels: {app: list}}
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: {name: in-a-list, namespace: shop}
  spec: {podSelector: {matchLabels: {app: list}}}
",
];
