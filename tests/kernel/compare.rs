//! What arrives in the topology, compared with what `model::evaluate` says.

#![allow(dead_code, reason = "shared by tests, each of which uses a part")]

use crate::policies::{PORTS, cluster};
use crate::probe::{Kind, Listener, Probe, listen, try_all};
use crate::topology::{OUTSIDE, PODS, Topology, node_addresses, pod_addresses};
use libtest_mimic::{Arguments, Failed, Trial};
use portolan::manifest::{LoadOptions, load};
use portolan::model::{Cluster, Flow, NodeId, Party, Protocol, Verdict, evaluate};
use portolan::source::Sources;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// A test that can be skipped.
pub(crate) type Test = fn() -> Result<(), Failed>;

/// Runs tests, or reports each as skipped with what it needs.
pub(crate) fn run_all(tests: &[(&str, Test)], needs: &str, is_able: bool) {
    let trials = tests.iter().map(|(name, test)| {
        let name = format!("{name} (needs {needs})");
        Trial::test(name, *test).with_ignored_flag(!is_able)
    });
    // One after the other: each needs the whole machine's packets to itself.
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

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
    compare_some(topology, listeners, cluster, context, &|_| true)
}

/// The same for some of the probes.
pub(crate) fn compare_some(
    topology: &Topology,
    listeners: &mut [Listener],
    cluster: &Cluster,
    context: &str,
    is_meant: &dyn Fn(&Probe) -> bool,
) -> Result<(usize, usize), Failed> {
    let places = places(cluster);
    let mut probes = probes(&places);
    probes.retain(|(probe, _, _)| is_meant(probe));
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

/// A Service address in front of `a`: clients see its port 80, and policy sees port 8080 of `a`.
pub(crate) fn try_service(topology: &Topology, listeners: &mut [Listener]) -> Result<(), Failed> {
    let translate = "add table ip svc\n\
        add chain ip svc pre { type nat hook prerouting priority dstnat; }\n\
        add rule ip svc pre ip daddr 10.96.0.10 tcp dport 80 dnat to 10.244.1.10:8080\n\
        add chain ip svc post { type nat hook postrouting priority srcnat; }\n\
        add rule ip svc post ip saddr 10.244.1.10 ip daddr 10.244.1.10 masquerade\n";
    topology.load(0, translate)?;
    topology.load(1, translate)?;
    let via = |from: &str, source: &str, destination: &str, port| Probe {
        from: from.to_owned(),
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        kind: Kind::Tcp,
        port,
    };
    let cases = [
        (
            via("b", "10.244.1.11", "10.96.0.10", 80),
            true,
            "b may reach a on 8080, through the Service too",
        ),
        (
            via("e", "10.244.1.12", "10.96.0.10", 80),
            false,
            "e may not, nor through the Service",
        ),
        (
            via("c", "10.244.2.10", "10.96.0.10", 80),
            false,
            "nor may c, from the other node",
        ),
        (
            via("b", "10.244.1.11", "10.244.1.10", 80),
            false,
            "the Service's port is not the pod's",
        ),
        (
            via("a", "10.244.1.10", "10.96.0.10", 80),
            true,
            "a reaches itself through the Service",
        ),
    ];
    let probes: Vec<Probe> = cases.iter().map(|(probe, _, _)| probe.clone()).collect();
    let arrived = try_all(topology, listeners, &probes)?;
    for ((_, wanted, why), arrived) in cases.iter().zip(&arrived) {
        assert_eq!(wanted, arrived, "{why}");
    }
    Ok(())
}

/// A live flow stops at its next packet when policy that let it through is replaced, and goes on
/// when that is back.
pub(crate) fn try_revocation(
    topology: &Topology,
    load: &dyn Fn(&str) -> Result<(), Failed>,
) -> Result<(), Failed> {
    use std::io::{Read, Write};
    load(ONLY_B_ON_8080)?;
    let in_namespace = |name: &'static str| move || topology.enter(name);
    let server = std::thread::scope(|scope| {
        let enter = in_namespace("a");
        scope
            .spawn(move || -> Result<TcpListener, String> {
                enter()?;
                TcpListener::bind("10.244.1.10:8080").map_err(|e| e.to_string())
            })
            .join()
            .unwrap()
    })?;
    let mut client = std::thread::scope(|scope| {
        let enter = in_namespace("b");
        scope
            .spawn(move || -> Result<TcpStream, String> {
                enter()?;
                let address: SocketAddr = "10.244.1.10:8080".parse().unwrap();
                TcpStream::connect_timeout(&address, Duration::from_secs(2))
                    .map_err(|e| e.to_string())
            })
            .join()
            .unwrap()
    })?;
    let (mut served, _) = server.accept()?;
    served.set_read_timeout(Some(Duration::from_millis(400)))?;
    let mut buffer = [0; 8];
    client.write_all(b"one")?;
    assert_eq!(served.read(&mut buffer)?, 3, "an allowed flow works");
    load(DENY_ALL)?;
    client.write_all(b"two")?;
    assert!(
        served.read(&mut buffer).is_err(),
        "the next packet after revocation is dropped"
    );
    load(ONLY_B_ON_8080)?;
    served.set_read_timeout(Some(Duration::from_secs(5)))?;
    assert_eq!(
        served.read(&mut buffer)?,
        3,
        "the flow goes on when it is allowed again"
    );
    Ok(())
}

/// Where nothing is allowed, a pod's own node reaches it, and nobody else does.
pub(crate) fn try_node_to_pod(
    topology: &Topology,
    listeners: &mut [Listener],
) -> Result<(), Failed> {
    let cluster = loaded(DENY_ALL);
    let places = places(&cluster);
    let probes = probes(&places);
    let plain: Vec<Probe> = probes.iter().map(|(probe, _, _)| probe.clone()).collect();
    let arrived = try_all(topology, listeners, &plain)?;
    let mut from_own_node = 0;
    for ((probe, source, destination), arrived) in probes.iter().zip(arrived) {
        let own = source.is_node && !destination.is_node && source.node == destination.node;
        from_own_node += usize::from(own);
        assert_eq!(
            own, arrived,
            "only a pod's own node comes through: {probe:?}"
        );
    }
    assert!(from_own_node > 100);
    Ok(())
}
