//! The clusters that the engines are compared on: random ones, bent towards what is rarely drawn.

use crate::generate::{self, Features, PORT_NAMES};
use portolan::model::{
    Cluster, ContainerPort, NamespaceMatch, PeerKind, Policy, PortMatchKind, Protocol, Rule,
    Selector, Subject, Symbol, Tier, WorkloadId,
};
use proptest::prelude::*;

/// What a cluster is made to have a lot of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Focus {
    Nothing,
    /// Ports are named.
    NamedPorts,
    /// Policies of other tiers are for all pods and all peers, so that they meet.
    Tiers,
    /// Pods have no address yet, and there are ranges to get one from.
    UnknownAddresses,
    /// Every other pod is on its node's network, and peers are all pods.
    HostNetwork,
}

/// A cluster of policies of all tiers. The first pod comes again: once as it is, so that there
/// are pods that nothing tells apart, and with one thing changed at a time, so that there are
/// pods that only this tells apart.
pub(crate) fn cluster() -> impl Strategy<Value = Cluster> {
    small_cluster().prop_map(|mut cluster| {
        add_near_twins(&mut cluster);
        cluster
    })
}

/// Likewise, each pod only once.
pub(crate) fn small_cluster() -> impl Strategy<Value = Cluster> {
    let focus = prop_oneof![
        Just(Focus::Nothing),
        Just(Focus::NamedPorts),
        Just(Focus::Tiers),
        Just(Focus::UnknownAddresses),
        Just(Focus::HostNetwork),
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
        Focus::NamedPorts => name_ports(cluster),
        Focus::HostNetwork => {
            for (index, pod) in cluster.pods.iter_mut().enumerate() {
                pod.host_network = index % 2 == 0;
            }
            for policy in &mut cluster.policies {
                for peer in rules(policy).flat_map(|rule| rule.peers.iter_mut().flatten()) {
                    if let PeerKind::Pods { namespaces, pods } = &mut peer.kind {
                        *namespaces = NamespaceMatch::Labels(Selector::everything());
                        *pods = Selector::everything();
                    }
                }
            }
        }
        Focus::Tiers => cluster.policies.iter_mut().for_each(widen),
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
    // So that it is the names that decide: every pod has some, and every other policy lets
    // everyone call them.
    for pod in &mut cluster.pods {
        for (protocol, port) in [(Protocol::Tcp, 80), (Protocol::Udp, 53)] {
            pod.ports.push(ContainerPort {
                name: names.get(usize::from(port) % names.len()).copied(),
                protocol,
                port,
            });
        }
        for port in &mut pod.ports {
            port.name = port.name.or(names.first().copied());
        }
    }
    for policy in cluster.policies.iter_mut().step_by(2) {
        rules(policy).for_each(|rule| rule.peers = None);
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
