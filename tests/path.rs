//! The whole way of a call: look-up, Service, the way in from outside, controller, pods. Each row
//! says what the first line of the answer is and how each step is answered.

#![cfg(test)]

mod asked;

use asked::ask;
use portolan::manifest::{LoadOptions, load};
use portolan::model::{NodeId, ServiceId};
use portolan::question::can::{CanError, Context, Overall, PortQuery, can};
use portolan::question::endpoint::{Endpoint, parse_endpoint};
use portolan::reach::Reach;
use portolan::source::read_inputs;

/// Pods `shop/web`, which serves 8080 as `http`, and `shop/client`.
const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: c, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop, labels: {app: client}}
spec: {containers: [{name: c, image: c}]}
---
";
/// A Service for it that is as it should be.
const SERVICE: &str = "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
";
const DNS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: kube-system}
---
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {containers: [{name: c, image: c, ports: [{name: dns, containerPort: 53, protocol: UDP}, {name: dns-tcp, containerPort: 53}]}]}
---
";
const NODE_LOCAL: &str = "
apiVersion: v1
kind: Pod
metadata: {name: node-local-dns, namespace: kube-system, labels: {k8s-app: node-local-dns}}
spec: {hostNetwork: true, containers: [{name: c, image: c}]}
---
";

fn service(spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop}}\nspec: {spec}\n---\n"
    )
}

/// A policy for the client, with these egress rules.
fn client(egress: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: client, namespace: shop}}\n\
         spec: {{podSelector: {{matchLabels: {{app: client}}}}, policyTypes: [Egress], egress: {egress}}}\n---\n"
    )
}

/// A policy for a namespace's pods, with these ingress rules.
fn ingress(namespace: &str, rules: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: p, namespace: {namespace}}}\n\
         spec: {{podSelector: {{}}, policyTypes: [Ingress], ingress: {rules}}}\n---\n"
    )
}

const TO_WEB: &str = "{to: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 8080}]}";
const TO_DNS: &str = "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}, {port: 53}]}";

/// Checks rows of manifests, the answers of the steps, and the first line.
fn check(from: &str, to: &str, rows: &[(&str, String, &str, &str)]) {
    for (what, yaml, steps, first_line) in rows {
        let (answer, text) = ask(yaml, from, to, PortQuery::Any);
        let found: Vec<&str> = answer.hops.iter().map(|hop| hop.overall.name()).collect();
        assert_eq!(found.join(" "), *steps, "{what}\n{text}");
        let line = text.lines().next().unwrap();
        let end = line.strip_prefix(&format!("no: {from} cannot reach {to}"));
        let end = end.or(line.strip_prefix(&format!("yes: {from} can reach {to}")));
        let end = end.or(line.strip_prefix(&format!("partly: {from} can reach {to} in part")));
        let end = end.or(line.strip_prefix(&format!(
            "unknown: whether {from} can reach {to} is not decided by the input"
        )));
        assert_eq!(end, Some(*first_line), "{what}\n{text}");
    }
}

#[test]
fn names_have_to_be_looked_up() {
    let base = format!("{PODS}{SERVICE}");
    let no_dns = ": it cannot resolve the name: its egress policy has no DNS";
    let rules = |rules: &[&str]| client(&format!("[{}]", rules.join(", ")));
    let to_cache =
        "{to: [{ipBlock: {cidr: 169.254.20.10/32}}], ports: [{port: 53, protocol: UDP}]}";
    let elsewhere = "{to: [{namespaceSelector: {matchLabels: {name: system}}}], ports: [{port: 53, protocol: UDP}]}";
    let openshift = "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: openshift-dns}}}], ports: [{port: 5353, protocol: UDP}]}";
    let udp_only = TO_DNS.replace(", {port: 53}", "");
    check(
        "shop/client",
        "service:shop/web",
        &[
            ("no policy", base.clone(), "yes yes yes", " on TCP 8080"),
            (
                "D1: DNS forgotten",
                format!("{base}{DNS}{}", rules(&[TO_WEB])),
                "no yes yes",
                no_dns,
            ),
            (
                "D1: DNS allowed",
                format!("{base}{DNS}{}", rules(&[TO_WEB, TO_DNS])),
                "yes yes yes",
                " on TCP 8080",
            ),
            (
                "D1: over UDP alone names resolve, and a note says what does not",
                format!("{base}{DNS}{}", rules(&[TO_WEB, &udp_only])),
                "yes yes yes",
                " on TCP 8080",
            ),
            (
                "D1: over TCP alone they do not",
                format!(
                    "{base}{DNS}{}",
                    rules(&[TO_WEB, &TO_DNS.replace("{port: 53, protocol: UDP}, ", "")])
                ),
                "no yes yes",
                no_dns,
            ),
            (
                "the pods of DNS are not in the input: those of Kubernetes are taken",
                format!("{base}{}", rules(&[TO_WEB, TO_DNS])),
                "yes yes yes",
                " on TCP 8080",
            ),
            (
                "the same, forgotten",
                format!("{base}{}", rules(&[TO_WEB])),
                "no yes yes",
                no_dns,
            ),
            (
                "D3: those of OpenShift, on 5353",
                format!("{base}{}", rules(&[TO_WEB, openshift])),
                "yes yes yes",
                " on TCP 8080",
            ),
            (
                "a namespace of which nothing is known",
                format!("{base}{}", rules(&[TO_WEB, elsewhere])),
                "unknown yes yes",
                ": whether it can resolve the name",
            ),
            (
                "D2: the cache, which is not in the input",
                format!("{base}{}", rules(&[TO_WEB, to_cache])),
                "unknown yes yes",
                ": whether it can resolve the name",
            ),
            (
                "D2: the cache, which is",
                format!("{base}{DNS}{NODE_LOCAL}{}", rules(&[TO_WEB, to_cache])),
                "yes yes yes",
                " on TCP 8080",
            ),
            (
                "D2: a rule for the address of the DNS service, where the cache may listen",
                format!(
                    "{base}{DNS}{NODE_LOCAL}{}",
                    rules(&[TO_WEB, &to_cache.replace("169.254.20.10", "10.96.0.10")])
                ),
                "unknown yes yes",
                ": whether it can resolve the name",
            ),
            (
                "D2: the cache, and DNS forgotten",
                format!("{base}{DNS}{NODE_LOCAL}{}", rules(&[TO_WEB])),
                "no yes yes",
                no_dns,
            ),
            (
                "D2: a rule for the pods of DNS, and the cache answers",
                format!("{base}{DNS}{NODE_LOCAL}{}", rules(&[TO_WEB, TO_DNS])),
                "unknown yes yes",
                ": whether it can resolve the name",
            ),
            (
                "D4: DNS lets nobody in",
                format!("{base}{DNS}{}", ingress("kube-system", "[]")),
                "no yes yes",
                ": it cannot resolve the name: DNS does not let it in",
            ),
            (
                "policy at the end decides, and is told first where it alone does",
                format!("{base}{}", ingress("shop", "[]")),
                "yes yes no",
                " on TCP 8080",
            ),
        ],
    );
    let (_, text) = ask(
        &format!("{base}{DNS}{}", rules(&[TO_WEB, &udp_only])),
        "shop/client",
        "service:shop/web",
        PortQuery::Any,
    );
    assert!(text.contains("TCP 53 is not allowed"), "{text}");
}

#[test]
fn services_lead_to_pods_or_nowhere() {
    let slice = |ready: bool| {
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n\
             metadata: {{name: web-1, namespace: shop, labels: {{kubernetes.io/service-name: web}}}}\n\
             ports: [{{port: 8080}}]\n\
             endpoints: [{{addresses: [192.0.2.7], conditions: {{ready: {ready}}}}}]\n---\n"
        )
    };
    let with = |spec: &str| format!("{PODS}{}", service(spec));
    check(
        "shop/client",
        "service:shop/web",
        &[
            (
                "S1: the selector matches nothing",
                with("{selector: {app: wbe}, ports: [{port: 80}]}"),
                "yes no",
                ": service `web` selects no pod",
            ),
            (
                "S2: no pod has the target port",
                with("{selector: {app: web}, ports: [{port: 80, targetPort: htpp}]}"),
                "yes no",
                ": no pod behind `web` has its target port",
            ),
            (
                "S2: it has, for another protocol",
                with(
                    "{selector: {app: web}, ports: [{port: 80, targetPort: http, protocol: UDP}]}",
                ),
                "yes no",
                ": no pod behind `web` has its target port",
            ),
            (
                "S2: a number that is declared for another protocol",
                with(
                    "{selector: {app: web}, ports: [{port: 80, targetPort: 8080, protocol: UDP}]}",
                ),
                "yes unknown yes",
                ": shop/web declares port 8080 for another protocol than UDP",
            ),
            (
                "N20: a number that is not declared",
                with("{selector: {app: web}, ports: [{port: 80, targetPort: 9090}]}"),
                "yes yes yes",
                " on TCP 9090",
            ),
            (
                "S3: none is ready",
                with("{selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}")
                    + &slice(false),
                "yes no yes",
                ": no endpoint of `web` is ready",
            ),
            (
                "S3: ready or not",
                with(
                    "{selector: {app: web}, publishNotReadyAddresses: true, ports: [{port: 80, targetPort: 8080}]}",
                ) + &slice(false),
                "yes yes yes",
                " on TCP 8080",
            ),
            (
                "S3: no selector, and endpoints that are not in the input",
                with("{ports: [{port: 80}]}"),
                "yes unknown",
                ": `web` has no selector, and its endpoints are not in the input (S3)",
            ),
            (
                "S3: no selector, and endpoints written by hand",
                with("{ports: [{port: 80}]}") + &slice(true),
                "yes yes yes",
                " on TCP 8080",
            ),
            (
                "S3: no selector, and the endpoints that there are are not ready",
                with("{ports: [{port: 80}]}") + &slice(false),
                "yes no",
                ": no endpoint of `web` is ready",
            ),
            (
                "S4: headless",
                with(
                    "{selector: {app: web}, clusterIP: None, ports: [{port: 80, targetPort: 8080}]}",
                ),
                "yes yes yes",
                " on TCP 80",
            ),
            (
                "S5: an alias for a name outside",
                with("{type: ExternalName, externalName: db.example.com}"),
                "yes yes yes",
                " on every port",
            ),
            (
                "S5: an alias for a name outside, some of which is allowed",
                with("{type: ExternalName, externalName: db.example.com}")
                    + &client(&format!(
                        "[{TO_DNS}, {{to: [{{ipBlock: {{cidr: 192.0.2.0/24}}}}]}}]"
                    )),
                "yes yes unknown",
                ": the addresses of `db.example.com` are not in the input",
            ),
            (
                "S5: an alias for a name outside, nothing of which is allowed",
                with("{type: ExternalName, externalName: db.example.com}")
                    + &client(&format!("[{TO_DNS}]")),
                "yes yes no",
                " on any port",
            ),
            (
                "S5: an alias for an address is looked up as a name",
                with("{type: ExternalName, externalName: 192.0.2.7}"),
                "yes no",
                ": `192.0.2.7` is an address, and DNS has no name like that",
            ),
            (
                "S5: an alias for itself",
                with("{type: ExternalName, externalName: web.shop.svc.cluster.local}"),
                "yes yes yes yes yes yes yes yes yes no",
                ": its aliases lead to each other",
            ),
            (
                "S9: endpoints of the caller's node only",
                with(
                    "{selector: {app: web}, internalTrafficPolicy: Local, ports: [{port: 80, targetPort: 8080}]}",
                ),
                "yes unknown yes",
                ": only endpoints on the caller's own node count (`internalTrafficPolicy: Local`; S9), and which nodes have one is not in the input",
            ),
        ],
    );
}

#[test]
fn callers_outside_need_a_way_in() {
    let open = "[{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]";
    let nodes = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {addresses: [{type: InternalIP, address: 10.0.0.1}]}\n---\n";
    let with = |spec: &str, rest: &str| {
        format!(
            "{PODS}{rest}{}",
            service(&format!(
                "{{selector: {{app: web}}, ports: [{{port: 80, targetPort: http, nodePort: 30080}}], {spec}}}"
            ))
        )
    };
    let node = "the pods see a node's address, and not every node gets in (S7)";
    let ranges = "loadBalancerSourceRanges: [203.0.113.0/24]";
    let rows = [
        (
            "S6: a ClusterIP",
            format!("{PODS}{SERVICE}"),
            "no yes",
            ": `web` is a ClusterIP service, which is for callers inside".to_owned(),
        ),
        (
            "S6: a node port, and no policy",
            with("type: NodePort", ""),
            "yes yes yes",
            " on TCP 8080".to_owned(),
        ),
        (
            "S7: pods see a node, which only their own always may",
            with("type: NodePort", &ingress("shop", open)),
            "yes yes partly",
            format!(": {node}"),
        ),
        (
            "S7: the node is known, and not allowed",
            with(
                "type: NodePort",
                &format!("{nodes}{}", ingress("shop", open)),
            ),
            "yes yes partly",
            format!(": {node}"),
        ),
        (
            "S7: the node is known, and allowed",
            with(
                "type: NodePort",
                &format!(
                    "{nodes}{}",
                    ingress("shop", "[{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]")
                ),
            ),
            "yes yes yes",
            " on TCP 8080".to_owned(),
        ),
        (
            "S7: pods see the caller",
            with(
                "type: NodePort, externalTrafficPolicy: Local",
                &ingress("shop", open),
            ),
            "yes yes yes",
            " on TCP 8080".to_owned(),
        ),
        (
            "S8: the caller is in the ranges",
            with(&format!("type: LoadBalancer, {ranges}"), ""),
            "yes yes yes",
            " on TCP 8080".to_owned(),
        ),
    ];
    for (what, yaml, steps, line) in &rows {
        check(
            "203.0.113.9",
            "service:shop/web",
            &[(what, yaml.clone(), steps, line)],
        );
    }
    check(
        "198.51.100.1",
        "service:shop/web",
        &[
            (
                "S8: the caller is not, and the node ports stay open",
                with(&format!("type: LoadBalancer, {ranges}"), ""),
                "partly yes yes",
                ": the load balancer of `web` takes 203.0.113.0/24 only, but its node ports take everyone (S8)",
            ),
            (
                "S8: the caller is not, and there are none",
                format!(
                    "{PODS}{}",
                    service(&format!(
                        "{{selector: {{app: web}}, ports: [{{port: 80, targetPort: http}}], type: LoadBalancer, allocateLoadBalancerNodePorts: false, {ranges}}}"
                    ))
                ),
                "no yes",
                ": the load balancer of `web` takes 203.0.113.0/24 only",
            ),
            (
                "S7: pods see the caller, who is not allowed",
                with(
                    "type: LoadBalancer, externalTrafficPolicy: Local",
                    &ingress("shop", open),
                ),
                "yes yes no",
                " on TCP 8080",
            ),
        ],
    );
}

#[test]
fn an_internal_load_balancer_is_not_the_internets() {
    let yaml = format!(
        "{PODS}apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop, annotations: {{\
         service.beta.kubernetes.io/aws-load-balancer-internal: 'true'}}}}\n\
         spec: {{type: LoadBalancer, selector: {{app: web}}, ports: [{{port: 80, targetPort: http}}]}}\n"
    );
    check(
        "internet",
        "service:shop/web",
        &[(
            "S6",
            yaml,
            "unknown yes yes",
            ": the load balancer of `web` is internal, and who reaches it is not in the input",
        )],
    );
}

#[test]
fn an_ingress_is_followed_to_the_pods() {
    let controller = "
apiVersion: v1
kind: Pod
metadata: {name: controller, namespace: edge, labels: {app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/component: controller}}
spec: {containers: [{name: c, image: c, ports: [{name: http, containerPort: 80}, {name: https, containerPort: 443}]}]}
---
";
    let front = |spec: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: front, namespace: edge}}\n\
             spec: {{selector: {{app.kubernetes.io/name: ingress-nginx}}, type: LoadBalancer, {spec}, \
             ports: [{{name: http, port: 80, targetPort: http}}, {{name: https, port: 443, targetPort: https}}]}}\n---\n"
        )
    };
    let class = |default: bool| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {{name: nginx, \
             annotations: {{ingressclass.kubernetes.io/is-default-class: '{default}'}}}}\n\
             spec: {{controller: k8s.io/ingress-nginx}}\n---\n"
        )
    };
    let rule = |backend: &str, more: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web, namespace: shop}}\n\
             spec: {{{more} rules: [{{host: web.example.com, http: {{paths: [{{path: /, pathType: Prefix, \
             backend: {{service: {backend}}}}}]}}}}]}}\n---\n"
        )
    };
    let good = rule("{name: web, port: {number: 80}}", "");
    let local = front("externalTrafficPolicy: Local");
    let base = format!("{PODS}{SERVICE}{controller}");
    let tls = "tls: [{hosts: [web.example.com]}],";
    let https_only = ingress("edge", "[{ports: [{port: 443}]}]");
    check(
        "internet",
        "ingress:web.example.com/",
        &[
            (
                "I5: all open",
                format!("{base}{local}{good}"),
                "yes yes yes yes yes",
                "",
            ),
            (
                "no service in front of the controller",
                format!("{base}{good}"),
                "yes yes yes yes",
                "",
            ),
            (
                "no controller in the input",
                format!("{PODS}{SERVICE}{good}"),
                "yes yes yes yes",
                "",
            ),
            (
                "I3: without TLS it is port 80",
                format!("{base}{local}{good}{https_only}"),
                "yes yes no yes yes",
                ": policy stops it to the ingress controller",
            ),
            (
                "I3: with TLS it is port 443",
                format!(
                    "{base}{local}{https_only}{}",
                    rule("{name: web, port: {number: 80}}", tls)
                ),
                "yes yes yes yes yes",
                "",
            ),
            (
                "I4: no class, and none is the default",
                format!("{base}{local}{good}{}", class(false)),
                "unknown yes yes yes yes",
                ": it has no class, and no class of the input is the default (I4)",
            ),
            (
                "I4: no class, and one is the default",
                format!("{base}{local}{good}{}", class(true)),
                "yes yes yes yes yes",
                "",
            ),
            (
                "I4: a class that is not there",
                format!(
                    "{base}{local}{}{}",
                    class(true),
                    rule(
                        "{name: web, port: {number: 80}}",
                        "ingressClassName: other,"
                    )
                ),
                "unknown yes yes yes yes",
                ": its class `other` is not in the input (I4)",
            ),
            (
                "I1: no such service",
                format!(
                    "{base}{local}{}",
                    rule("{name: wbe, port: {number: 80}}", "")
                ),
                "yes yes yes no",
                ": service `wbe` is not in the input (I1)",
            ),
            (
                "I1: no such port",
                format!(
                    "{base}{local}{}",
                    rule("{name: web, port: {number: 8080}}", "")
                ),
                "yes yes yes no",
                ": service `web` has no such port (I1)",
            ),
            (
                "I5: the controller is blocked",
                format!(
                    "{base}{local}{good}{}",
                    ingress("shop", "[{from: [{podSelector: {}}]}]")
                ),
                "yes yes yes yes no",
                ": policy stops it from the controller to the pods behind it",
            ),
            (
                "S7: the controller sees nodes, and one of them only gets in",
                format!(
                    "{base}{good}{}{}",
                    front("externalTrafficPolicy: Cluster"),
                    ingress("edge", "[{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]")
                ),
                "yes yes partly yes yes",
                ": the pods see a node's address, and not every node gets in (S7)",
            ),
            (
                "I2: a default backend",
                format!(
                    "{base}{local}{}",
                    good.replace(
                        "host: web.example.com, http: {paths: [{path: /,",
                        "host: web.example.com, http: {paths: [{path: /other,"
                    )
                    .replace(
                        "spec: {",
                        "spec: {defaultBackend: {service: {name: web, port: {number: 80}}},"
                    )
                ),
                "yes yes yes yes yes",
                "",
            ),
        ],
    );
}

/// Every service and every ingress host of the examples, from every workload, node and from
/// outside: each has an answer or a reason why not, and the two engines never disagree. With a no,
/// something can be proposed or something stands in the way.
#[test]
fn every_way_in_the_examples_has_an_answer() {
    let folders = [
        "testdata/lint",
        "testdata/apps",
        "testdata/shop",
        "testdata/trouble",
        "testdata/nodes",
    ];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut inputs = Vec::new();
    for folder in folders {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            inputs.push(entry.unwrap().path());
        }
    }
    inputs.sort();
    let mut n_answers = 0;
    for input in inputs {
        let (sources, _) = read_inputs(std::slice::from_ref(&input), &mut std::io::empty());
        let cluster = load(&sources, &LoadOptions::default()).cluster;
        let reach = Reach::new(&cluster);
        let context = Context {
            cluster: &cluster,
            reach: &reach,
            controller: None,
        };
        let mut callers: Vec<Endpoint> = cluster
            .workloads_with_ids()
            .map(|(id, _)| Endpoint::Workload(id))
            .collect();
        callers.extend(
            (0u32..)
                .zip(&cluster.nodes)
                .map(|(id, _)| Endpoint::Node(NodeId(id))),
        );
        callers.push(parse_endpoint(&cluster, "internet", None).unwrap());
        callers.push(parse_endpoint(&cluster, "203.0.113.9", None).unwrap());
        let mut called: Vec<Endpoint> = (0u32..)
            .zip(&cluster.services)
            .map(|(id, _)| Endpoint::Service(ServiceId(id)))
            .collect();
        let hosts = cluster.ingresses.iter().flat_map(|ingress| &ingress.paths);
        called.extend(hosts.map(|route| {
            Endpoint::Ingress {
                host: route
                    .host
                    .clone()
                    .unwrap_or_else(|| "any.example.com".to_owned()),
                path: route.path.clone().unwrap_or_else(|| "/".to_owned()),
            }
        }));
        for from in &callers {
            for to in &called {
                match can(context, from, to, &PortQuery::Any) {
                    Ok(answer) => {
                        n_answers += 1;
                        assert!(
                            !answer.hops.is_empty(),
                            "{}: {from:?} {to:?}",
                            input.display()
                        );
                        for hop in &answer.hops {
                            let says = hop.cause.is_some() || !hop.pieces.is_empty();
                            assert!(
                                hop.overall == Overall::Yes || says,
                                "{}: {hop:?}",
                                input.display()
                            );
                        }
                    }
                    Err(CanError::Disagreement { flow }) => panic!("{}: {flow}", input.display()),
                    Err(_) => {}
                }
            }
        }
    }
    assert!(n_answers > 500, "{n_answers}");
}
