//! The cases that are told rather than enumerated: several policies together, and worlds that
//! change from step to step.

use crate::cases::{case, large_block, port, small_block};
use crate::describe::{
    Case, Group, Number, Peer, Pod, Policy, Port, Rule, Selector, Want, Way, World, labels,
};

fn pods(selector: Selector) -> Peer {
    Peer::Pods {
        namespaces: None,
        pods: Some(selector),
    }
}

fn in_namespaces(selector: Selector) -> Peer {
    Peer::Pods {
        namespaces: Some(selector),
        pods: None,
    }
}

fn both(namespaces: Selector, pods: Selector) -> Peer {
    Peer::Pods {
        namespaces: Some(namespaces),
        pods: Some(pods),
    }
}

fn rule(peers: Vec<Peer>, ports: Vec<Port>) -> Rule {
    Rule {
        peers: Some(peers),
        ports: Some(ports),
    }
}

fn tcp(number: u16) -> Port {
    port(Number::One(number), "TCP")
}

fn is(key: &'static str, value: &'static str) -> Selector {
    vec![Want::Is(key, value)]
}

/// Topics of the upstream end-to-end suite that take more than one peer or policy.
pub(crate) fn upstream_e2e() -> Vec<Case> {
    let ingress = |rules| Policy::new("ingress").rules(Way::Ingress, rules);
    let egress = |rules| Policy::new("egress").rules(Way::Egress, rules);
    let whole = |policy: Policy| policy.target(Vec::new());
    let deny_in = || whole(Policy::new("deny-in").rules(Way::Ingress, Vec::new()));
    let deny_out = || whole(Policy::new("deny-out").rules(Way::Egress, Vec::new()));
    let one = |name: &str, policies| case(Group::UpstreamE2e, name, policies);
    vec![
        one("default deny of ingress", vec![deny_in()]),
        one("default deny of everything", vec![deny_in(), deny_out()]),
        one(
            "all namespaces over a default deny",
            vec![
                deny_in(),
                ingress(vec![rule(vec![in_namespaces(Vec::new())], Vec::new())]),
            ],
        ),
        one(
            "pods or namespaces, by expressions",
            vec![ingress(vec![rule(
                vec![
                    pods(vec![Want::In("pod", vec!["b"])]),
                    in_namespaces(vec![Want::NotIn("ns", vec!["x", "y"])]),
                ],
                Vec::new(),
            )])],
        ),
        one(
            "pods and namespaces, by expressions",
            vec![ingress(vec![rule(
                vec![both(
                    vec![Want::NotIn("ns", vec!["x"])],
                    vec![Want::In("pod", vec!["b", "c"])],
                )],
                Vec::new(),
            )])],
        ),
        one(
            "stacked policies for one pod",
            vec![
                ingress(vec![rule(
                    vec![in_namespaces(is("ns", "y"))],
                    vec![tcp(80)],
                )]),
                whole(Policy::new("stacked").rules(
                    Way::Ingress,
                    vec![rule(vec![in_namespaces(is("ns", "z"))], vec![tcp(81)])],
                )),
            ],
        ),
        one(
            "a named port from one namespace",
            vec![ingress(vec![rule(
                vec![in_namespaces(is("ns", "y"))],
                vec![port(Number::Name("serve-80-tcp"), "TCP")],
            )])],
        ),
        one(
            "a named port out",
            vec![egress(vec![rule(
                Vec::new(),
                vec![port(Number::Name("serve-81-udp"), "UDP")],
            )])],
        ),
        one(
            "the client's side denies what the server's allows",
            vec![deny_out(), ingress(vec![Rule::default()])],
        ),
        one(
            "egress to one pod of one namespace",
            vec![egress(vec![rule(
                vec![both(is("ns", "y"), is("pod", "a"))],
                vec![tcp(80)],
            )])],
        ),
        one(
            "an address that one policy excepts and another allows",
            vec![
                egress(vec![rule(
                    vec![Peer::Block {
                        cidr: large_block(),
                        except: vec![small_block()],
                    }],
                    Vec::new(),
                )]),
                Policy::new("also").rules(
                    Way::Egress,
                    vec![rule(
                        vec![Peer::Block {
                            cidr: small_block(),
                            except: Vec::new(),
                        }],
                        vec![tcp(80)],
                    )],
                ),
            ],
        ),
        one(
            "directions apart, without policyTypes",
            vec![
                Policy::new("in")
                    .untyped()
                    .rules(Way::Ingress, vec![rule(vec![pods(is("pod", "b"))], vec![])])
                    .rules(Way::Egress, Vec::new()),
                Policy::new("out")
                    .namespace("y")
                    .untyped()
                    .rules(Way::Egress, vec![rule(vec![], vec![tcp(80)])]),
            ],
        ),
        one(
            "SCTP only",
            vec![ingress(vec![rule(
                Vec::new(),
                vec![port(Number::One(80), "SCTP")],
            )])],
        ),
    ]
}

/// Changes of policies, labels and pods: every step is an input of its own.
pub(crate) fn actions() -> Vec<Case> {
    let deny = || Policy::new("deny").rules(Way::Ingress, Vec::new());
    let from_b = || {
        Policy::new("deny").rules(
            Way::Ingress,
            vec![rule(
                vec![both(is("ns", "y"), is("pod", "b"))],
                vec![tcp(80)],
            )],
        )
    };
    let with = |policy: &dyn Fn() -> Policy, change: &dyn Fn(&mut World)| {
        let mut world = World::with(vec![policy()]);
        change(&mut world);
        world
    };
    let unchanged = |_: &mut World| {};
    let steps = |name: &str, steps| Case {
        group: Group::Actions,
        name: name.to_owned(),
        steps,
    };
    let namespace_label = |world: &mut World| {
        let z = labels(&[("ns", "y"), ("formerly", "z")]);
        world.namespaces.insert("z", z);
    };
    let pod_label = |world: &mut World| {
        // y/c becomes a source that is let in, and x/a is no longer isolated.
        world.pods[5].labels = labels(&[("pod", "b")]);
        world.pods[0].labels = labels(&[("pod", "unknown")]);
    };
    let pod_gone = |world: &mut World| {
        world.pods.remove(1);
    };
    let more = |world: &mut World| {
        world.namespaces.insert("w", labels(&[("ns", "y")]));
        world.pods.push(Pod {
            namespace: "w",
            name: "b",
            labels: labels(&[("pod", "b"), ("new", "true")]),
            address: [10, 0, 3, 1],
        });
    };
    vec![
        steps(
            "create a policy",
            vec![World::new(), with(&deny, &unchanged)],
        ),
        steps(
            "update a policy",
            vec![with(&deny, &unchanged), with(&from_b, &unchanged)],
        ),
        steps(
            "delete a policy",
            vec![with(&from_b, &unchanged), World::new()],
        ),
        steps(
            "label a namespace",
            vec![with(&from_b, &unchanged), with(&from_b, &namespace_label)],
        ),
        steps(
            "label pods",
            vec![with(&from_b, &unchanged), with(&from_b, &pod_label)],
        ),
        steps(
            "delete and create pods and a namespace",
            vec![
                with(&from_b, &unchanged),
                with(&from_b, &pod_gone),
                with(&from_b, &more),
            ],
        ),
    ]
}

/// N15: the label that every namespace has without anyone writing it.
pub(crate) fn namespaces() -> Vec<Case> {
    let key = "kubernetes.io/metadata.name";
    let one = |name: &str, selector| {
        let peer = in_namespaces(selector);
        let policy = Way::BOTH
            .into_iter()
            .fold(Policy::new("by-name"), |policy, way| {
                policy.rules(way, vec![rule(vec![peer.clone()], vec![])])
            });
        case(Group::Namespaces, name, vec![policy])
    };
    vec![
        one("by label", is(key, "y")),
        one(
            "by expressions",
            vec![
                Want::In(key, vec!["y", "z", "w"]),
                Want::NotIn(key, vec!["z"]),
            ],
        ),
    ]
}

/// A small shop front: closed by default, then opened one need at a time.
pub(crate) fn example() -> Vec<Case> {
    let closed = Way::BOTH
        .into_iter()
        .fold(Policy::new("closed").target(Vec::new()), |policy, way| {
            policy.rules(way, Vec::new())
        });
    let serve = Policy::new("serve").rules(
        Way::Ingress,
        vec![
            rule(vec![in_namespaces(is("ns", "z"))], vec![tcp(80)]),
            rule(
                vec![pods(is("pod", "b"))],
                vec![port(Number::To(80, 81), "UDP")],
            ),
        ],
    );
    let call = Policy::new("call").target(is("pod", "b")).rules(
        Way::Egress,
        vec![
            rule(vec![pods(is("pod", "a"))], vec![]),
            rule(
                vec![in_namespaces(vec![Want::Is("ns", "y")])],
                vec![tcp(81)],
            ),
        ],
    );
    vec![case(
        Group::Example,
        "a shop front",
        vec![closed, serve, call],
    )]
}
