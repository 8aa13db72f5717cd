//! Pods, nodes, namespaces, Services, endpoints, Ingresses and Routes.

use super::{lines, loaded, messages, selector_text};
use crate::model::{BackendPort, ServiceType, TargetPort, TrafficPolicy};

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

#[test]
fn n15_namespaces_have_their_name_as_a_label() {
    let text = "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {team: x, \
                kubernetes.io/metadata.name: forged}}}\n---\n{apiVersion: v1, kind: Pod, \
                metadata: {name: p, namespace: b}}";
    let cluster = loaded(text).cluster;
    let label = |namespace: usize, key: &str| {
        let key = cluster.symbols.get(key)?;
        let value = cluster.namespaces[namespace].labels.get(key)?;
        Some(cluster.symbols.name(value).to_owned())
    };
    assert_eq!(
        label(0, "kubernetes.io/metadata.name").as_deref(),
        Some("a")
    );
    assert_eq!(label(0, "team").as_deref(), Some("x"));
    assert_eq!(
        label(1, "kubernetes.io/metadata.name").as_deref(),
        Some("b")
    );
    assert!(cluster.namespaces[0].origin.is_some());
    assert!(cluster.namespaces[1].origin.is_none());
}

#[test]
fn pod_addresses_ports_and_node() {
    for (spec, status, addresses) in [
        ("{}", "{}", &[][..]),
        ("{}", "{podIP: 10.0.0.1}", &["10.0.0.1"]),
        (
            "{}",
            "{podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}",
            &["10.0.0.1", "fd00::1"],
        ),
        (
            "{}",
            "{podIPs: [{ip: 10.0.0.1}, {ip: 10.0.0.2}]}",
            &["10.0.0.1"],
        ),
        ("{}", "{podIP: '', hostIP: 192.0.2.1}", &[]),
        ("{hostNetwork: true}", "{hostIP: 192.0.2.1}", &["192.0.2.1"]),
        (
            "{hostNetwork: true}",
            "{podIP: 10.0.0.1, hostIP: 192.0.2.1}",
            &["10.0.0.1"],
        ),
        ("{}", "{podIP: nonsense}", &[]),
    ] {
        let text = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {spec}, status: {status}}}"
        );
        let pod = loaded(&text).cluster.pods.remove(0);
        assert_eq!(texts(&pod.addresses), addresses, "{text}");
    }
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  nodeName: n1\n  \
                containers:\n  - name: a\n    ports: [{containerPort: 80, name: http}, \
                {containerPort: 53, protocol: UDP}]\n  - name: b\n    ports: [{containerPort: 0}, \
                {containerPort: 70000}, {containerPort: 9, protocol: tcp}]\n  initContainers:\n  - \
                {name: c, restartPolicy: Always, ports: [{containerPort: 81}]}\n  - {name: d, \
                ports: [{containerPort: 82}]}\n";
    let cluster = loaded(text).cluster;
    let pod = &cluster.pods[0];
    assert_eq!(pod.node.as_deref(), Some("n1"));
    let ports: Vec<String> = pod
        .ports
        .iter()
        .map(|port| {
            let name = port.name.map_or("-", |name| cluster.symbols.name(name));
            format!("{name} {} {}", port.protocol, port.port)
        })
        .collect();
    assert_eq!(ports, ["http TCP 80", "- UDP 53", "- TCP 81"]);
    assert_eq!(
        messages(text, "NP001"),
        [
            "spec.containers[1].ports[0].containerPort: Required value",
            "spec.containers[1].ports[1].containerPort: Invalid value: 70000: must be between 1 \
             and 65535, inclusive",
            "spec.containers[1].ports[2].protocol: Unsupported value: \"tcp\": supported values: \
             \"SCTP\", \"TCP\", \"UDP\"",
        ]
    );
}

#[test]
fn templates_of_every_workload_kind_are_found() {
    for (kind, api_version, route) in [
        ("Deployment", "apps/v1", "spec.template"),
        ("ReplicaSet", "apps/v1", "spec.template"),
        ("StatefulSet", "apps/v1", "spec.template"),
        ("DaemonSet", "apps/v1", "spec.template"),
        ("ReplicationController", "v1", "spec.template"),
        ("Job", "batch/v1", "spec.template"),
        ("CronJob", "batch/v1", "spec.jobTemplate.spec.template"),
    ] {
        let template = "{metadata: {labels: {app: web}}, spec: {containers: [{name: a, ports: \
                        [{containerPort: 80}]}]}}";
        let spec = route
            .split('.')
            .skip(1)
            .collect::<Vec<_>>()
            .iter()
            .rev()
            .fold(template.to_owned(), |inner, key| {
                format!("{{{key}: {inner}}}")
            });
        let text = format!(
            "{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: w, namespace: shop}}, \
             spec: {spec}}}"
        );
        let loaded = loaded(&text);
        assert_eq!(loaded.findings, [], "{text}");
        let cluster = loaded.cluster;
        assert_eq!(cluster.workloads[0].kind.0, kind);
        assert_eq!(cluster.workloads[0].origin.route.to_string(), "");
        let pod = &cluster.pods[0];
        assert_eq!(pod.origin.route.to_string(), route);
        assert_eq!((pod.ports.len(), &pod.name), (1, &None));
        let app = cluster
            .symbols
            .get("app")
            .and_then(|app| pod.labels.get(app));
        assert_eq!(app.map(|app| cluster.symbols.name(app)), Some("web"));
    }
}

#[test]
fn nodes_have_addresses_and_labels() {
    let text = "{apiVersion: v1, kind: Node, metadata: {name: n, labels: {a: b}}, status: \
                {addresses: [{type: Hostname, address: n}, {type: InternalIP, address: \
                192.0.2.1}, {type: ExternalIP, address: 203.0.113.1}, {type: InternalIP, address: \
                192.0.2.1}]}}";
    let node = loaded(text).cluster.nodes.remove(0);
    assert_eq!(texts(&node.addresses), ["192.0.2.1", "203.0.113.1"]);
    assert_eq!(node.labels.iter().count(), 1);
}

fn service(spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Service, metadata: {{name: s}}, spec: {spec}}}")
}

#[test]
fn s1_to_s10_services() {
    let cluster = loaded(&service(
        "{type: LoadBalancer, selector: {app: web}, clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, \
         'fd00::1'], externalIPs: [198.51.100.1], loadBalancerSourceRanges: [' 10.0.0.0/8 '], \
         externalTrafficPolicy: Local, internalTrafficPolicy: Local, publishNotReadyAddresses: \
         true, ports: [{name: http, port: 80, targetPort: web, nodePort: 30080}, {name: dns, port: \
         53, protocol: UDP, targetPort: 5353}, {name: same, port: 81}]}",
    ))
    .cluster;
    let found = &cluster.services[0];
    assert_eq!(found.service_type, ServiceType::LoadBalancer);
    assert_eq!(
        selector_text(&cluster, found.selector.as_ref().unwrap()),
        "app=web"
    );
    assert_eq!(texts(&found.cluster_ips), ["10.96.0.1", "fd00::1"]);
    assert_eq!(texts(&found.external_ips), ["198.51.100.1"]);
    assert_eq!(texts(&found.source_ranges), ["10.0.0.0/8"]);
    assert_eq!(found.external_traffic_policy, TrafficPolicy::Local);
    assert_eq!(found.internal_traffic_policy, TrafficPolicy::Local);
    assert!(found.publish_not_ready && !found.headless);
    let targets: Vec<TargetPort> = found.ports.iter().map(|port| port.target).collect();
    let web = TargetPort::Name(cluster.symbols.get("web").unwrap());
    assert_eq!(
        targets,
        [web, TargetPort::Number(5353), TargetPort::Number(81)]
    );
    assert_eq!(found.ports[0].node_port, Some(30080));

    for (spec, has_selector, headless, alias) in [
        ("{ports: [{port: 1}], selector: {a: b}}", true, false, None),
        ("{ports: [{port: 1}], selector: {}}", false, false, None),
        ("{ports: [{port: 1}], selector: null}", false, false, None),
        ("{clusterIP: None, selector: {a: b}}", true, true, None),
        ("{clusterIPs: [None], selector: {a: b}}", true, true, None),
        (
            "{type: ExternalName, externalName: db.example, selector: {a: b}}",
            false,
            false,
            Some("db.example"),
        ),
    ] {
        let text = service(spec);
        let loaded = loaded(&text);
        assert_eq!(loaded.findings, [], "{spec}");
        let found = &loaded.cluster.services[0];
        assert_eq!(found.selector.is_some(), has_selector, "{spec}");
        assert_eq!(found.headless, headless, "{spec}");
        assert_eq!(found.external_name.as_deref(), alias, "{spec}");
        assert_eq!(found.cluster_ips.len(), 0);
    }
}

#[test]
fn s10_service_validation() {
    let range = "must be between 1 and 65535, inclusive";
    for (spec, expected, n_ports) in [
        (
            "{ports: [{port: 70000}]}",
            &[&*format!(
                "spec.ports[0].port: Invalid value: 70000: {range}"
            )][..],
            0,
        ),
        (
            "{ports: [{}]}",
            &[&format!("spec.ports[0].port: Invalid value: 0: {range}")],
            0,
        ),
        ("{}", &["spec.ports: Required value"], 0),
        (
            "{ports: [{port: 1, targetPort: 70000}]}",
            &[&format!(
                "spec.ports[0].targetPort: Invalid value: 70000: {range}"
            )],
            0,
        ),
        (
            "{ports: [{port: 1, targetPort: '80'}]}",
            &[
                "spec.ports[0].targetPort: Invalid value: \"80\": must contain at least one letter \
               (a-z)",
            ],
            1,
        ),
        (
            "{ports: [{port: 1}, {port: 2, name: b}]}",
            &["spec.ports[0].name: Required value"],
            2,
        ),
        (
            "{ports: [{port: 1, name: a}, {port: 2, name: a}]}",
            &["spec.ports[1].name: Duplicate value: \"a\""],
            2,
        ),
        (
            "{ports: [{port: 1, name: a}, {port: 1, name: b}]}",
            &["spec.ports[1]: Duplicate value: \"TCP 1\""],
            2,
        ),
        (
            "{ports: [{port: 1, name: a}, {port: 1, protocol: UDP, name: b}]}",
            &[],
            2,
        ),
        (
            "{ports: [{port: 1, protocol: tcp}]}",
            &[
                "spec.ports[0].protocol: Unsupported value: \"tcp\": supported values: \"SCTP\", \
               \"TCP\", \"UDP\"",
            ],
            0,
        ),
        (
            "{type: Nodeport, ports: [{port: 1}]}",
            &[
                "spec.type: Unsupported value: \"Nodeport\": supported values: \"ClusterIP\", \
               \"ExternalName\", \"LoadBalancer\", \"NodePort\"",
            ],
            1,
        ),
        (
            "{type: ExternalName}",
            &["spec.externalName: Required value"],
            0,
        ),
        (
            "{ports: [{port: 1}], clusterIP: 10.96.0}",
            &[
                "spec.clusterIP: Invalid value: \"10.96.0\": must be a valid IP address, (e.g. \
               10.9.8.7 or 2001:db8::ffff)",
            ],
            1,
        ),
    ] {
        let text = service(spec);
        assert_eq!(messages(&text, "NP001"), expected, "{spec}");
        assert_eq!(
            loaded(&text).cluster.services[0].ports.len(),
            n_ports,
            "{spec}"
        );
    }
}

#[test]
fn s3_endpoints_and_slices() {
    let text = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: db, namespace: shop}\n\
                subsets:\n- addresses: [{ip: 192.0.2.1}, {ip: 10.0.0.1, targetRef: {kind: Pod, \
                name: a}}]\n  notReadyAddresses: [{ip: 10.0.0.2, targetRef: {kind: Pod, name: b, \
                namespace: other}}]\n  ports: [{port: 5432, name: pg}]\n---\napiVersion: \
                discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: db-x, namespace: shop, \
                labels: {kubernetes.io/service-name: db}}\naddressType: IPv4\nendpoints:\n- \
                {addresses: [10.0.0.3], conditions: {ready: false}}\n- {addresses: [10.0.0.4], \
                conditions: {}}\nports: [{port: 53, protocol: UDP}, {}]\n---\napiVersion: \
                discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: names, namespace: \
                shop}\naddressType: FQDN\nendpoints: [{addresses: [db.example]}]\n";
    let loaded = loaded(text);
    assert_eq!(loaded.findings, []);
    let sets = &loaded.cluster.endpoint_sets;
    let services: Vec<&str> = sets.iter().map(|set| set.service.as_str()).collect();
    assert_eq!(services, ["", "db", "db"]);
    let [names, subset, slice] = &sets[..] else {
        panic!("{sets:?}");
    };
    assert_eq!(names.addresses.len(), 0);
    assert_eq!(subset.origin.route.to_string(), "subsets[0]");
    let addresses: Vec<String> = subset
        .addresses
        .iter()
        .map(|address| format!("{} {:?} {}", address.address, address.target, address.ready))
        .collect();
    assert_eq!(
        addresses,
        [
            "192.0.2.1 None true",
            "10.0.0.1 Some((\"shop\", \"a\")) true",
            "10.0.0.2 Some((\"other\", \"b\")) false",
        ]
    );
    assert_eq!(subset.ports[0].name.as_deref(), Some("pg"));
    let ready: Vec<bool> = slice
        .addresses
        .iter()
        .map(|address| address.ready)
        .collect();
    assert_eq!(ready, [false, true]);
    let ports: Vec<Option<u16>> = slice.ports.iter().map(|port| port.port).collect();
    assert_eq!(ports, [Some(53), None]);
}

#[test]
fn i1_to_i4_ingresses_and_classes() {
    let text = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: c, \
                annotations: {ingressclass.kubernetes.io/is-default-class: 'true'}}\nspec: \
                {controller: example.com/c}\n---\napiVersion: networking.k8s.io/v1\nkind: \
                Ingress\nmetadata: {name: i, annotations: {kubernetes.io/ingress.class: legacy}}\n\
                spec:\n  defaultBackend: {service: {name: fallback, port: {number: 80}}}\n  rules:\n  \
                - host: shop.example\n    http:\n      paths:\n      - {path: /a, pathType: Exact, \
                backend: {service: {name: a, port: {name: http}}}}\n      - {pathType: \
                ImplementationSpecific, backend: {resource: {kind: Bucket, name: b}}}\n  - http: \
                {paths: [{path: /, pathType: Prefix, backend: {service: {name: b, port: {number: \
                81}}}}]}\n  - host: only.example\n  tls: [{hosts: [shop.example]}]\n";
    let loaded = loaded(text);
    assert_eq!(loaded.findings, []);
    let class = &loaded.cluster.ingress_classes[0];
    assert_eq!(
        (class.controller.as_str(), class.is_default),
        ("example.com/c", true)
    );
    let ingress = &loaded.cluster.ingresses[0];
    assert_eq!(ingress.class.as_deref(), Some("legacy"));
    assert_eq!(ingress.tls_hosts, ["shop.example"]);
    let default = ingress.default_backend.as_ref().unwrap();
    assert_eq!(default.service.as_deref(), Some("fallback"));
    assert_eq!(default.origin.route.to_string(), "spec.defaultBackend");
    let paths: Vec<String> = ingress
        .paths
        .iter()
        .map(|path| {
            let backend = &path.backend;
            format!(
                "{:?} {:?} {} {:?} {:?} {}",
                path.host,
                path.path,
                path.exact,
                backend.service,
                backend.port,
                backend.origin.route
            )
        })
        .collect();
    assert_eq!(
        paths,
        [
            "Some(\"shop.example\") Some(\"/a\") true Some(\"a\") Some(Name(\"http\")) \
             spec.rules[0].http.paths[0].backend",
            "Some(\"shop.example\") None false None None spec.rules[0].http.paths[1].backend",
            "None Some(\"/\") false Some(\"b\") Some(Number(81)) \
             spec.rules[1].http.paths[0].backend",
        ]
    );
}

#[test]
fn i1_ingress_validation() {
    let path = |entry: &str| format!("{{rules: [{{http: {{paths: [{entry}]}}}}]}}");
    let backend = |backend: &str| {
        path(&format!(
            "{{path: /, pathType: Prefix, backend: {backend}}}"
        ))
    };
    let at = "spec.rules[0].http.paths[0]";
    let service = "backend: {service: {name: s, port: {number: 80}}}";
    for (spec, expected) in [
        (
            "{}".to_owned(),
            vec![
                "spec: Invalid value: []networking.IngressRule(nil): either `defaultBackend` or \
                  `rules` must be specified"
                    .to_owned(),
            ],
        ),
        (
            backend("{service: {name: s, port: {number: 80, name: http}}}"),
            vec![format!(
                "{at}.backend: Invalid value: \"\": cannot set both port name & port number"
            )],
        ),
        (
            backend("{service: {name: s}}"),
            vec![format!(
                "{at}.backend: Required value: port name or number is required"
            )],
        ),
        (
            backend("{}"),
            vec![format!(
                "{at}.backend: Invalid value: \"\": resource or service backend is required"
            )],
        ),
        (
            backend("{service: {name: s, port: {number: 80}}, resource: {kind: K, name: n}}"),
            vec![format!(
                "{at}.backend: Invalid value: \"\": cannot set both resource and service backends"
            )],
        ),
        (
            backend("{service: {name: s, port: {number: 70000}}}"),
            vec![format!(
                "{at}.backend.service.port.number: Invalid value: 70000: must be between 1 and \
                 65535, inclusive"
            )],
        ),
        (
            path(&format!("{{path: /, {service}}}")),
            vec![format!(
                "{at}.pathType: Required value: pathType must be specified"
            )],
        ),
        (
            path(&format!("{{path: x, pathType: Exact, {service}}}")),
            vec![format!(
                "{at}.path: Invalid value: \"x\": must be an absolute path"
            )],
        ),
        (
            path(&format!("{{path: /, pathType: prefix, {service}}}")),
            vec![format!(
                "{at}.pathType: Unsupported value: \"prefix\": supported values: \"Exact\", \
                 \"ImplementationSpecific\", \"Prefix\""
            )],
        ),
        (
            path(&format!("{{path: /a//b/., pathType: Prefix, {service}}}")),
            vec![
                format!("{at}.path: Invalid value: \"/a//b/.\": cannot end with '/.'"),
                format!("{at}.path: Invalid value: \"/a//b/.\": must not contain '//'"),
            ],
        ),
        (
            "{rules: [{host: 10.0.0.1}]}".to_owned(),
            vec![
                "spec.rules[0].host: Invalid value: \"10.0.0.1\": must be a DNS name, not an IP \
                  address"
                    .to_owned(),
            ],
        ),
        (
            "{rules: [{http: {}}]}".to_owned(),
            vec!["spec.rules[0].http.paths: Required value".to_owned()],
        ),
    ] {
        let text = format!(
            "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: i}}, spec: {spec}}}"
        );
        assert_eq!(messages(&text, "NP001"), expected, "{spec}");
        assert_eq!(loaded(&text).cluster.ingresses.len(), 1);
    }
    let text = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, annotations: \
                {kubernetes.io/ingress.class: a}}, spec: {ingressClassName: b, rules: [{}]}}";
    assert_eq!(
        lines(text),
        [
            "NP001 error @metadata.annotations[kubernetes.io/ingress.class] \
          annotations[kubernetes.io/ingress.class]: Invalid value: \"a\": must match \
          `ingressClassName` when both are specified"
        ]
    );
}

#[test]
fn openshift_routes_are_read_as_ingresses() {
    let text = "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: r, namespace: \
                shop}\nspec:\n  host: r.example\n  path: /a\n  to: {kind: Service, name: a, \
                weight: 100}\n  alternateBackends:\n  - {kind: Service, name: b, weight: 1}\n  - \
                {kind: Service, name: c, weight: 0}\n  port: {targetPort: 8080}\n  tls: \
                {termination: edge}\nstatus: {ingress: [{host: r.example}]}\n";
    let loaded = loaded(text);
    assert_eq!(loaded.findings, []);
    let route = &loaded.cluster.ingresses[0];
    assert_eq!((route.kind, route.class.as_deref()), ("Route", None));
    assert_eq!(route.tls_hosts, ["r.example"]);
    let backends: Vec<_> = route
        .paths
        .iter()
        .map(|path| {
            assert_eq!(path.host.as_deref(), Some("r.example"));
            (path.backend.service.as_deref(), path.backend.port.clone())
        })
        .collect();
    let port = Some(BackendPort::Target(8080));
    assert_eq!(backends, [(Some("a"), port.clone()), (Some("b"), port)]);
    for (port, expected) in [
        ("", None),
        (
            ", port: {targetPort: http}",
            Some(BackendPort::Name("http".to_owned())),
        ),
    ] {
        let text = format!(
            "{{apiVersion: route.openshift.io/v1, kind: Route, metadata: {{name: r}}, spec: {{to: \
             {{name: a}}{port}}}}}"
        );
        let cluster = super::loaded(&text).cluster;
        assert_eq!(cluster.ingresses[0].paths[0].backend.port, expected);
        assert_eq!(lines(&text), [""; 0]);
    }
    let text =
        "{apiVersion: route.openshift.io/v1, kind: Route, metadata: {name: r}, spec: {tos: 1}}";
    assert_eq!(
        lines(text),
        [
            "NP001 error @spec spec.to: Required value",
            "NP002 error @spec.tos unknown field `spec.tos`"
        ]
    );
}

#[test]
fn v1_names_that_are_numbers_still_tell_objects_apart() {
    let text = "{apiVersion: v1, kind: Pod, metadata: {name: 1}}\n---\n{apiVersion: v1, kind: \
                Pod, metadata: {name: 2, namespace: true}}";
    let loaded = loaded(text);
    let names: Vec<Option<&str>> = loaded
        .cluster
        .pods
        .iter()
        .map(|pod| pod.name.as_deref())
        .collect();
    assert_eq!(names, [Some("1"), Some("2")]);
    assert_eq!(loaded.cluster.namespaces[1].name, "true");
    assert_eq!(messages(text, "NP001").len(), 3);
}

#[test]
fn v1_label_problems_keep_nothing_out() {
    let text = "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {'a b': c, v: 1}}}";
    let loaded = loaded(text);
    assert_eq!(loaded.cluster.pods.len(), 1);
    let places: Vec<String> = lines(text)
        .iter()
        .map(|line| {
            line.split_once(": ")
                .map_or("", |(place, _)| place)
                .to_owned()
        })
        .collect();
    assert_eq!(places.len(), 2, "{places:?}");
    assert!(lines(text)[1].contains("`metadata.labels.v` must be text, not a number"));
    let v = loaded.cluster.symbols.get("v").unwrap();
    let value = loaded.cluster.pods[0].labels.get(v).unwrap();
    assert_eq!(loaded.cluster.symbols.name(value), "1");
}
