//! The clusters that the engines are compared on: random ones, bent towards what is rarely drawn.

use crate::generate::{self, BLOCKS, EXCEPTIONS, Features, NAMES, PORT_NAMES};
use ipnet::IpNet;
use portolan::model::{
    Action, Cluster, ContainerPort, IpBlock, NamespaceMatch, Peer, PeerKind, Policy, PortMatch,
    PortMatchKind, Protocol, Rule, Selector, Subject, Symbol, Tier, WorkloadId, with_names,
};
use portolan::question::ties::untied;
use portolan::source::Route;
use proptest::prelude::*;

/// What a cluster is made to have a lot of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Focus {
    Nothing,
    /// Policies select all pods of their namespace and always say which ports, so that flows are
    /// neither all allowed nor all denied.
    Ports,
    /// Likewise, and the ports are named.
    NamedPorts,
    /// Policies select all pods of their namespace, and blocks have all exceptions that fit.
    Exceptions,
    /// Policies of other tiers are for all pods and all peers, so that they meet.
    Tiers,
    /// Policies of other tiers are for all pods, accept names, and deny some addresses behind that.
    Names,
    /// Pods have no address yet, and there are ranges to get one from.
    UnknownAddresses,
    /// Every other pod is on its node's network, and peers are all pods.
    HostNetwork,
}

/// A cluster of policies of all tiers, of which some have the same priority. The first pod comes again: once as it is, so that there
/// are pods that nothing tells apart, and with one thing changed at a time, so that there are
/// pods that only this tells apart.
pub(crate) fn cluster() -> impl Strategy<Value = Cluster> {
    small_cluster().prop_map(|mut cluster| {
        add_near_twins(&mut cluster);
        cluster
    })
}

/// Likewise, with policies of one priority in the order of their names, and names that stand for no
/// address: for those who decide.
#[allow(dead_code, reason = "not all tests that share this file need it")]
pub(crate) fn settled_cluster() -> impl Strategy<Value = Cluster> {
    cluster().prop_map(settled)
}

/// Likewise, each pod only once.
#[allow(dead_code, reason = "not all tests that share this file need it")]
pub(crate) fn small_settled_cluster() -> impl Strategy<Value = Cluster> {
    small_cluster().prop_map(settled)
}

fn settled(cluster: Cluster) -> Cluster {
    let mut cluster = untied(&cluster).into_owned();
    with_names(&mut cluster, |_, _| false);
    cluster
}

/// A cluster of policies of all tiers, of which some have the same priority; each pod only once.
pub(crate) fn small_cluster() -> impl Strategy<Value = Cluster> {
    let focus = prop_oneof![
        1 => Just(Focus::Nothing),
        1 => Just(Focus::Ports),
        2 => Just(Focus::NamedPorts),
        1 => Just(Focus::Exceptions),
        1 => Just(Focus::Tiers),
        2 => Just(Focus::Names),
        1 => Just(Focus::UnknownAddresses),
        1 => Just(Focus::HostNetwork),
    ];
    (generate::cluster(Features { tiers: true }), focus).prop_map(|(plan, focus)| {
        let mut cluster = generate::build(&plan);
        bend(&mut cluster, focus);
        cluster
    })
}

fn bend(cluster: &mut Cluster, focus: Focus) {
    match focus {
        Focus::Nothing => {}
        Focus::Ports => limit_ports(cluster),
        Focus::NamedPorts => {
            limit_ports(cluster);
            name_ports(cluster);
        }
        Focus::HostNetwork => {
            for (index, pod) in cluster.pods.iter_mut().enumerate() {
                pod.host_network = index % 2 == 0;
            }
            for policy in &mut cluster.policies {
                policy.subject.pods = Selector::everything();
                for peer in rules(policy).flat_map(|rule| rule.peers.iter_mut().flatten()) {
                    if let PeerKind::Pods { namespaces, pods } = &mut peer.kind {
                        *namespaces = NamespaceMatch::Labels(Selector::everything());
                        *pods = Selector::everything();
                    }
                }
            }
        }
        Focus::Exceptions => except_everything(cluster),
        Focus::Tiers => cluster.policies.iter_mut().for_each(widen),
        Focus::Names => name_destinations(cluster),
        Focus::UnknownAddresses => {
            for pod in cluster.pods.iter_mut().skip(1) {
                pod.addresses.clear();
            }
            cluster.pod_cidrs = ["10.1.0.0/16", "2001:db8:1::/48"]
                .map(|net| net.parse().unwrap())
                .to_vec();
        }
    }
}

fn rules(policy: &mut Policy) -> impl Iterator<Item = &mut Rule> {
    let lists = [&mut policy.ingress, &mut policy.egress];
    lists.into_iter().flatten().flatten()
}

/// Every policy of another tier accepts a name, on some port or on all, and denies a block behind
/// that, or passes it on.
fn name_destinations(cluster: &mut Cluster) {
    let names = NAMES.map(|name| cluster.symbols.intern(name));
    let others = |policy: &&mut Policy| policy.tier != Tier::NetworkPolicy;
    for (index, policy) in cluster.policies.iter_mut().filter(others).enumerate() {
        policy.subject = Subject {
            namespaces: NamespaceMatch::Labels(Selector::everything()),
            pods: Selector::everything(),
        };
        let rule = |action, kind, ports| Rule {
            action,
            peers: Some(vec![Peer {
                kind,
                route: Route::root(),
            }]),
            ports,
            route: Route::root(),
        };
        let web = PortMatch {
            kind: PortMatchKind::Range {
                protocol: Protocol::Tcp,
                first: 80,
                last: 443,
            },
            route: Route::root(),
        };
        let name = PeerKind::Domain {
            pattern: names[index % names.len()],
            holds: None,
        };
        let block = PeerKind::IpBlock(IpBlock {
            cidr: BLOCKS[index % BLOCKS.len()].parse().unwrap(),
            except: Vec::new(),
        });
        let action = [Action::Deny, Action::Pass, Action::Accept][index % 3];
        policy.egress = Some(vec![
            rule(Action::Accept, name, (index % 2 == 0).then(|| vec![web])),
            rule(action, block, None),
        ]);
    }
}

fn name_ports(cluster: &mut Cluster) {
    let names: Vec<Symbol> = PORT_NAMES
        .iter()
        .map(|name| cluster.symbols.intern(name))
        .collect();
    for policy in &mut cluster.policies {
        for port in rules(policy).flat_map(|rule| rule.ports.iter_mut().flatten()) {
            if let PortMatchKind::Range {
                protocol, first, ..
            } = port.kind
            {
                port.kind = PortMatchKind::Named {
                    protocol: Some(protocol),
                    name: names[usize::from(first) % names.len()],
                };
            }
        }
    }
    // Each pod has two of the three names, for every protocol.
    for (index, pod) in cluster.pods.iter_mut().enumerate() {
        pod.host_network = false;
        for nth in [index, index + 1] {
            let ports = Protocol::ALL.into_iter().zip([80, 53, 443]);
            pod.ports
                .extend(ports.map(|(protocol, port)| ContainerPort {
                    name: names.get(nth % names.len()).copied(),
                    protocol,
                    port,
                    host_port: None,
                }));
        }
    }
}

fn limit_ports(cluster: &mut Cluster) {
    for policy in &mut cluster.policies {
        policy.subject.pods = Selector::everything();
        for rules in [&mut policy.ingress, &mut policy.egress]
            .into_iter()
            .flatten()
        {
            if rules.is_empty() {
                rules.push(Rule {
                    action: Action::Accept,
                    peers: None,
                    ports: None,
                    route: Route::root(),
                });
            }
        }
        for (index, rule) in rules(policy).enumerate() {
            if index % 2 == 0 {
                rule.peers = None;
            }
            if rule.ports.as_ref().is_none_or(Vec::is_empty) {
                rule.ports = Some(vec![PortMatch {
                    kind: PortMatchKind::Range {
                        protocol: Protocol::Tcp,
                        first: 53,
                        last: 443,
                    },
                    route: Route::root(),
                }]);
            }
        }
    }
    // They may be of both families.
    for pod in cluster.pods.iter_mut().step_by(2) {
        pod.addresses.clear();
    }
    // A flow needs two.
    if let [only] = cluster.pods.as_slice() {
        let mut twin = only.clone();
        twin.workload = WorkloadId(1);
        cluster.pods.push(twin);
    }
}

fn except_everything(cluster: &mut Cluster) {
    for policy in &mut cluster.policies {
        policy.subject.pods = Selector::everything();
        for (index, rule) in rules(policy).enumerate() {
            // Of either family in turn; in the order of the list, an exception that holds another
            // one comes after it.
            let cidr: IpNet = BLOCKS[2 + 4 * (index % 2)].parse().unwrap();
            let except = EXCEPTIONS.map(|net| net.parse().unwrap());
            let except = except.into_iter().filter(|net| cidr.contains(net));
            let block = IpBlock {
                cidr,
                except: except.collect(),
            };
            rule.peers.get_or_insert_default().push(Peer {
                kind: PeerKind::IpBlock(block),
                route: Route::root(),
            });
        }
    }
}

fn widen(policy: &mut Policy) {
    if policy.tier == Tier::NetworkPolicy {
        return;
    }
    policy.subject = Subject {
        namespaces: NamespaceMatch::Labels(Selector::everything()),
        pods: Selector::everything(),
    };
    for rule in rules(policy) {
        rule.peers = None;
    }
}

fn add_near_twins(cluster: &mut Cluster) {
    let (Some(first), Some(last)) = (cluster.pods.first(), cluster.pods.last()) else {
        return;
    };
    let mut twins = vec![first.clone(); 6];
    twins[1].host_network = !first.host_network;
    twins[2].addresses.clone_from(&last.addresses);
    twins[3].labels = last.labels.clone();
    twins[4].node.clone_from(&last.node);
    for port in &mut twins[5].ports {
        port.port = port.port.wrapping_add(1).max(1);
    }
    cluster.pods.extend(twins);
    for (index, pod) in (0u32..).zip(&mut cluster.pods) {
        pod.workload = WorkloadId(index);
    }
}
