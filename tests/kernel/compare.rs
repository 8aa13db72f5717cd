//! What arrives in the topology, compared with what `model::evaluate` says.

#![allow(dead_code, reason = "shared by tests, each of which uses a part")]

use crate::policies::{PORTS, cluster};
use crate::probe::{Kind, Listener, Probe, listen, try_all};
use crate::topology::{OUTSIDE, PODS, Topology, node_addresses, pod_addresses};
use libtest_mimic::Failed;
use portolan::manifest::{LoadOptions, load};
use portolan::model::{Cluster, Flow, NodeId, Party, Protocol, Verdict, evaluate};
use portolan::source::Sources;
use std::net::IpAddr;

/// The cluster of the topology, with policies.
pub(crate) fn loaded(policies: &str) -> Cluster {
    let sources = Sources::from_text("kernel.yaml", cluster() + policies);
    let loaded = load(&sources, &LoadOptions::default());
    assert!(
        loaded.findings.is_empty(),
        "{:?}\n{policies}",
        loaded.findings
    );
    loaded.cluster
}

/// Where something is, and who it is.
pub(crate) struct Place {
    pub(crate) namespace: String,
    pub(crate) address: IpAddr,
    pub(crate) party: Party,
    /// The node that the packets of a pod or node come from.
    pub(crate) node: Option<usize>,
    pub(crate) is_node: bool,
}

/// Every pod, node and host outside, by its addresses.
pub(crate) fn places(cluster: &Cluster) -> Vec<Place> {
    let mut found = Vec::new();
    let parse = |text: &str| text.parse::<IpAddr>().unwrap();
    for (name, node, last) in PODS {
        for address in pod_addresses(node, last).map(|text| parse(&text)) {
            let pods = cluster.pods_with_ids();
            let (pod, _) = pods
                .into_iter()
                .find(|(_, pod)| pod.addresses.contains(&address))
                .unwrap();
            found.push(Place {
                namespace: name.to_owned(),
                address,
                party: Party::Pod {
                    pod,
                    address: Some(address),
                },
                node: Some(node),
                is_node: false,
            });
        }
    }
    for node in 0..2usize {
        for address in node_addresses(node).map(|text| parse(&text)) {
            let id = NodeId(u32::try_from(node).unwrap());
            found.push(Place {
                namespace: format!("n{}", node + 1),
                address,
                party: Party::Node {
                    node: id,
                    address: Some(address),
                },
                node: Some(node),
                is_node: true,
            });
        }
    }
    for address in OUTSIDE.into_iter().flatten().map(parse) {
        found.push(Place {
            namespace: "x".to_owned(),
            address,
            party: Party::External { address },
            node: None,
            is_node: false,
        });
    }
    found
}

/// Everything that is tried.
pub(crate) fn probes(places: &[Place]) -> Vec<(Probe, &Place, &Place)> {
    let mut found = Vec::new();
    for source in places {
        for destination in places {
            let passes_a_node = !(source.is_node || source.node.is_none())
                || !(destination.is_node || destination.node.is_none());
            if source.namespace == destination.namespace
                || source.address.is_ipv4() != destination.address.is_ipv4()
                || !passes_a_node
            {
                continue;
            }
            let mut add = |kind, port| {
                let probe = Probe {
                    from: source.namespace.clone(),
                    source: source.address,
                    destination: destination.address,
                    kind,
                    port,
                };
                found.push((probe, source, destination));
            };
            for port in PORTS {
                add(Kind::Tcp, port);
                add(Kind::Udp, port);
            }
            add(Kind::Fragments, 8090);
            add(Kind::Sctp, 80);
            add(Kind::Sctp, 8080);
            add(Kind::Icmp, 0);
        }
    }
    found
}

/// Listens everywhere.
pub(crate) fn listeners(topology: &Topology) -> Result<Vec<Listener>, String> {
    let places = places(&loaded(""));
    let names = PODS
        .iter()
        .map(|(name, _, _)| *name)
        .chain(["n1", "n2", "x"]);
    names
        .map(|name| {
            let here = places.iter().filter(|place| place.namespace == name);
            let addresses: Vec<IpAddr> = here.map(|place| place.address).collect();
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| {
                    topology.enter(name)?;
                    listen(&addresses, &PORTS)
                });
                thread.join().unwrap()
            })
        })
        .collect()
}

fn flow(probe: &Probe, source: &Place, destination: &Place) -> Flow {
    Flow {
        source: source.party,
        destination: destination.party,
        protocol: match probe.kind {
            Kind::Tcp | Kind::Icmp => Protocol::Tcp,
            Kind::Udp | Kind::Fragments => Protocol::Udp,
            Kind::Sctp => Protocol::Sctp,
        },
        port: probe.port,
    }
}

/// Probes everything, and compares with `evaluate`. Returns how many probes there were, and how
/// many arrived.
pub(crate) fn compare(
    topology: &Topology,
    listeners: &mut [Listener],
    cluster: &Cluster,
    context: &str,
) -> Result<(usize, usize), Failed> {
    let places = places(cluster);
    let probes = probes(&places);
    let plain: Vec<Probe> = probes.iter().map(|(probe, _, _)| probe.clone()).collect();
    let arrived = try_all(topology, listeners, &plain)?;
    let mut wrong = Vec::new();
    for ((probe, source, destination), arrived) in probes.iter().zip(&arrived) {
        let wanted = evaluate(cluster, &flow(probe, source, destination)).verdict;
        if (wanted == Verdict::Allowed) != *arrived {
            wrong.push(format!(
                "{probe:?}: evaluate says {wanted:?}, arrived: {arrived}"
            ));
        }
    }
    if wrong.is_empty() {
        return Ok((plain.len(), arrived.iter().filter(|a| **a).count()));
    }
    let shown: Vec<&str> = wrong.iter().take(12).map(String::as_str).collect();
    Err(format!(
        "{} of {} wrong\n{}\n{context}",
        wrong.len(),
        plain.len(),
        shown.join("\n")
    )
    .into())
}

/// Pod `a` may be reached by `b` on one port.
pub(crate) const ONLY_B_ON_8080: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
    metadata: {name: a, namespace: left}\n\
    spec: {podSelector: {matchLabels: {app: a}}, ingress: [{from: [{namespaceSelector: {}, \
    podSelector: {matchLabels: {app: b}}}], ports: [{port: 8080}]}]}\n---\n";

/// Nobody may do anything.
pub(crate) const DENY_ALL: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
    metadata: {name: deny, namespace: left}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n---\n\
    apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
    metadata: {name: deny, namespace: right}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n---\n";
