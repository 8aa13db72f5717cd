//! The clusters that the engines are compared on: random ones, bent towards what is rarely drawn.

use crate::generate::{self, Features, PORT_NAMES};
use portolan::model::{
    Cluster, NamespaceMatch, Policy, PortMatchKind, Rule, Selector, Subject, Symbol, Tier,
    WorkloadId,
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
    for port in cluster.pods.iter_mut().flat_map(|pod| &mut pod.ports) {
        port.name = port.name.or(names.first().copied());
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
