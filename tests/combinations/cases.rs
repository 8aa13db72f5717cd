//! The cases that are pure combinatorics: every peer, every port, and pairs of them.

use crate::describe::{
    Block, Case, Group, Number, PROTOCOLS, Peer, Policy, Port, Rule, Selector, Want, Way, World,
};
use crate::scenarios;

/// All cases of all groups.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(peers());
    cases.extend(port_protocol());
    cases.extend(conflict());
    cases.extend(target());
    cases.extend(rules());
    cases.extend(scenarios::upstream_e2e());
    cases.extend(scenarios::actions());
    cases.extend(scenarios::namespaces());
    cases.extend(scenarios::example());
    cases
}

/// A case of one step.
pub(crate) fn case(group: Group, name: impl Into<String>, policies: Vec<Policy>) -> Case {
    Case {
        group,
        name: name.into(),
        steps: vec![World::with(policies)],
    }
}

/// The ten peers: each selector not written, empty, or with a label, the two that are not
/// written left out; and a block with and without a hole.
pub(crate) fn ten_peers() -> Vec<Peer> {
    let with = |key, value| Some(vec![Want::Is(key, value)]);
    let namespaces: [Option<Selector>; 3] = [None, Some(Vec::new()), with("ns", "y")];
    let pods: [Option<Selector>; 3] = [None, Some(Vec::new()), with("pod", "b")];
    let mut peers = Vec::new();
    for namespaces in &namespaces {
        for pods in &pods {
            if namespaces.is_some() || pods.is_some() {
                peers.push(Peer::Pods {
                    namespaces: namespaces.clone(),
                    pods: pods.clone(),
                });
            }
        }
    }
    for except in [Vec::new(), vec![small_block()]] {
        peers.push(Peer::Block {
            cidr: large_block(),
            except,
        });
    }
    peers
}

/// Holds the addresses of namespaces x and y.
pub(crate) fn large_block() -> Block {
    Block {
        address: [10, 0, 1, 0],
        length: 24,
    }
}

/// Holds some of them.
pub(crate) fn small_block() -> Block {
    Block {
        address: [10, 0, 1, 0],
        length: 28,
    }
}

/// A rule about these peers on port 80 of TCP.
fn on_80(peers: Vec<Peer>) -> Rule {
    Rule {
        peers: Some(peers),
        ports: Some(vec![port(Number::One(80), "TCP")]),
    }
}

/// A rule about any peer on these ports.
fn on(ports: Vec<Port>) -> Rule {
    Rule {
        peers: None,
        ports: Some(ports),
    }
}

pub(crate) fn port(number: Number, protocol: &'static str) -> Port {
    Port {
        number,
        protocol: Some(protocol),
    }
}

fn pairs<T: Clone>(items: &[T]) -> Vec<(T, T)> {
    let mut pairs = Vec::new();
    for (index, first) in items.iter().enumerate() {
        for second in &items[index + 1..] {
            pairs.push((first.clone(), second.clone()));
        }
    }
    pairs
}

fn peers() -> Vec<Case> {
    let mut cases = Vec::new();
    for way in Way::BOTH {
        let mut push = |name: String, peers: Vec<Peer>| {
            let policy = Policy::new("peers").rules(way, vec![on_80(peers)]);
            cases.push(case(
                Group::Peers,
                format!("{} {name}", way.name()),
                vec![policy],
            ));
        };
        push("no peer".into(), Vec::new());
        for peer in ten_peers() {
            push(format!("{peer:?}"), vec![peer]);
        }
        for (first, second) in pairs(&ten_peers()) {
            push(format!("{first:?} or {second:?}"), vec![first, second]);
        }
    }
    cases
}

/// One entry of each sort: numbers, names and ranges with and without a protocol, and names and
/// numbers that nothing serves.
fn single_ports() -> Vec<Port> {
    let names = [
        ("serve-80-tcp", "TCP"),
        ("serve-81-tcp", "TCP"),
        ("serve-80-udp", "UDP"),
        ("serve-81-udp", "UDP"),
        ("serve-80-sctp", "SCTP"),
        ("serve-81-sctp", "SCTP"),
    ];
    let mut ports = Vec::new();
    for number in [Number::Any, Number::One(80), Number::One(81)] {
        for protocol in [None, Some("TCP"), Some("UDP"), Some("SCTP")] {
            ports.push(Port { number, protocol });
        }
    }
    ports.extend(names.map(|(name, protocol)| port(Number::Name(name), protocol)));
    for last in [80, 84] {
        ports.extend(PROTOCOLS.map(|protocol| port(Number::To(53, last), protocol)));
    }
    ports.push(port(Number::Name("serve-80-tcp"), "UDP"));
    ports.push(port(Number::Name("serve-7981-udp"), "UDP"));
    ports.push(port(Number::One(7981), "TCP"));
    ports
}

fn paired_ports() -> Vec<[Port; 2]> {
    let tcp_80 = port(Number::One(80), "TCP");
    vec![
        [tcp_80, port(Number::One(81), "TCP")],
        [tcp_80, port(Number::One(80), "UDP")],
        [
            port(Number::To(53, 80), "TCP"),
            port(Number::One(81), "TCP"),
        ],
        [port(Number::Name("serve-80-tcp"), "TCP"), tcp_80],
        [port(Number::Any, "TCP"), port(Number::One(81), "UDP")],
        [
            port(Number::To(53, 84), "TCP"),
            port(Number::To(53, 80), "SCTP"),
        ],
        [
            port(Number::Name("serve-81-sctp"), "SCTP"),
            port(Number::Name("serve-80-tcp"), "SCTP"),
        ],
    ]
}

fn port_protocol() -> Vec<Case> {
    let mut cases = Vec::new();
    for way in Way::BOTH {
        let mut push = |ports: Vec<Port>| {
            let name = format!("{} {ports:?}", way.name());
            let policy = Policy::new("ports").rules(way, vec![on(ports)]);
            cases.push(case(Group::PortProtocol, name, vec![policy]));
        };
        push(Vec::new());
        for entry in single_ports() {
            push(vec![entry]);
        }
        for pair in paired_ports() {
            push(pair.to_vec());
        }
    }
    cases
}

/// One policy that allows nothing beside one that allows something: together they allow it.
fn conflict() -> Vec<Case> {
    let own_pods = Peer::Pods {
        namespaces: None,
        pods: Some(vec![Want::In("pod", vec!["b", "c"])]),
    };
    let all_namespaces = Peer::Pods {
        namespaces: Some(Vec::new()),
        pods: None,
    };
    let block = Peer::Block {
        cidr: large_block(),
        except: vec![small_block()],
    };
    let allowing = [
        ("everything", Rule::default()),
        ("own pods", on_80(vec![own_pods])),
        ("all namespaces", on_80(vec![all_namespaces])),
        ("a block", on_80(vec![block])),
    ];
    let denying = [
        ("the namespace", Vec::new()),
        ("the same pods", vec![Want::Is("pod", "a")]),
    ];
    let mut cases = Vec::new();
    for way in Way::BOTH {
        for (allowed, rule) in &allowing {
            for (denied, target) in &denying {
                let allow = Policy::new("allow").rules(way, vec![rule.clone()]);
                let deny = Policy::new("deny")
                    .target(target.clone())
                    .rules(way, Vec::new());
                cases.push(case(
                    Group::Conflict,
                    format!("{} {allowed} over {denied}", way.name()),
                    vec![allow, deny],
                ));
            }
        }
    }
    cases
}

/// Every operator as the selector of the policy itself.
fn target() -> Vec<Case> {
    let targets = [
        Vec::new(),
        vec![Want::Is("pod", "a")],
        vec![Want::In("pod", vec!["a", "b"])],
        vec![Want::NotIn("pod", vec!["a"]), Want::Exists("pod")],
        vec![Want::NotIn("absent", vec!["a"])],
        vec![Want::DoesNotExist("absent"), Want::Is("pod", "c")],
    ];
    let peer = Peer::Pods {
        namespaces: Some(vec![Want::In("ns", vec!["y", "z"])]),
        pods: Some(vec![Want::Is("pod", "b")]),
    };
    let one = |target: Selector| {
        let name = format!("{target:?}");
        let policy = Way::BOTH.into_iter().fold(
            Policy::new("target").namespace("y").target(target),
            |policy, way| policy.rules(way, vec![on_80(vec![peer.clone()])]),
        );
        case(Group::Target, name, vec![policy])
    };
    targets.map(one).to_vec()
}

/// Lists of rules: not written, empty, one that allows all, and several.
fn rules() -> Vec<Case> {
    let several = vec![
        on(vec![port(Number::One(80), "TCP")]),
        Rule {
            peers: Some(vec![Peer::Pods {
                namespaces: Some(vec![Want::Is("ns", "z")]),
                pods: None,
            }]),
            ports: Some(vec![port(Number::One(81), "UDP")]),
        },
    ];
    let both = |name, rules: &[Rule]| {
        let policy = Way::BOTH
            .into_iter()
            .fold(Policy::new("rules"), |policy, way| {
                policy.rules(way, rules.to_vec())
            });
        case(Group::Rules, name, vec![policy])
    };
    let unwritten = Policy {
        types: Some(Way::BOTH.to_vec()),
        ..Policy::new("rules")
    };
    vec![
        case(Group::Rules, "not written", vec![unwritten]),
        both("empty", &[]),
        both("one that allows all", &[Rule::default()]),
        both("several", &several),
    ]
}
