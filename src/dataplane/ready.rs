//! What the input must say before rules can be made of it.

use crate::model::{AddressBook, Cluster, HostNetwork, Labels, Node, PodId, SharedAddress};

/// What is missing or in the way. Rules made all the same would not say what the policies say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotReady {
    /// These pods have no address.
    NoAddress(Vec<PodId>),
    /// These are on no node.
    NoNode(Vec<PodId>),
    /// An address is claimed twice.
    Shared(SharedAddress),
    /// Pods on their node's network are to be policed as pods, and rules see addresses only.
    HostNetwork(Vec<PodId>),
}

/// The address book of a cluster from which rules can be made, or everything that is in the way.
pub fn address_book(cluster: &Cluster) -> Result<AddressBook, Vec<NotReady>> {
    let mut problems = Vec::new();
    let pods = |is_meant: &dyn Fn(&crate::model::Pod) -> bool| -> Vec<PodId> {
        let pods = cluster.pods_with_ids().filter(|(_, pod)| is_meant(pod));
        pods.map(|(id, _)| id).collect()
    };
    if cluster.semantics.host_network == HostNetwork::Pod {
        let hosts = pods(&|pod| pod.host_network);
        if !hosts.is_empty() {
            problems.push(NotReady::HostNetwork(hosts));
        }
    }
    let own = |pod: &crate::model::Pod| !pod.host_network;
    let no_address = pods(&|pod| own(pod) && pod.addresses.is_empty());
    let no_node = pods(&|pod| own(pod) && pod.node.is_none());
    if !no_address.is_empty() {
        problems.push(NotReady::NoAddress(no_address));
    }
    if !no_node.is_empty() {
        problems.push(NotReady::NoNode(no_node));
    }
    let (book, shared) = AddressBook::new(cluster);
    problems.extend(shared.into_iter().map(NotReady::Shared));
    if problems.is_empty() {
        Ok(book)
    } else {
        Err(problems)
    }
}

/// Adds nodes that only pods name. Nothing is known of them, their podCIDRs for one.
pub fn add_mentioned_nodes(cluster: &mut Cluster) {
    let mut mentioned: Vec<Node> = Vec::new();
    for pod in &cluster.pods {
        let Some(name) = &pod.node else { continue };
        let known = |nodes: &[Node]| nodes.iter().any(|node| node.name == *name);
        if !known(&cluster.nodes) && !known(&mentioned) {
            mentioned.push(Node {
                name: name.clone(),
                labels: Labels::default(),
                addresses: Vec::new(),
                pod_cidrs: Vec::new(),
                origin: pod.origin.clone(),
            });
        }
    }
    cluster.nodes.extend(mentioned);
    cluster.nodes.sort_by(|a, b| a.name.cmp(&b.name));
}
