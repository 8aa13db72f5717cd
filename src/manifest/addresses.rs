//! `--addresses FILE`: where pods and nodes are, for input that does not say.

use super::decode_at;
use super::validate::parse_ip;
use crate::model::{Cluster, Finding, Labels, Node, Origin, Place, Pod, Severity, WorkloadId};
use crate::source::{DocumentId, Route, Sources, Target};
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The file.
#[derive(Deserialize, Debug, Default)]
#[serde(default)]
struct AddressFile {
    pods: Vec<PodAddresses>,
    nodes: Vec<NodeAddresses>,
}

/// Where a pod is.
#[derive(Deserialize, Debug, Default)]
#[serde(default)]
pub struct PodAddresses {
    /// `namespace/name` of a Pod of the input.
    pub pod: Option<String>,
    /// `namespace/name` or `namespace/Kind/name` of a workload of the input: the entry is one of
    /// its pods.
    pub workload: Option<String>,
    /// The node it is on; when absent, what the input says.
    pub node: Option<String>,
    /// Its addresses, at most one of each family.
    pub addresses: Vec<String>,
}

/// Where a node is.
#[derive(Deserialize, Debug, Default)]
#[serde(default)]
pub struct NodeAddresses {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// The ranges of its pods.
    #[serde(rename = "podCIDRs")]
    pub pod_cidrs: Vec<String>,
}

struct Check<'a> {
    document: DocumentId,
    findings: &'a mut Vec<Finding>,
}

impl Check<'_> {
    fn say(&mut self, route: &Route, message: String, help: &str) {
        self.findings.push(Finding {
            place: Place::Node {
                origin: Origin {
                    document: self.document,
                    route: route.clone(),
                },
                target: Target::Value,
            },
            id: "LD006",
            severity: Severity::Error,
            message,
            help: Some(help.to_owned()),
            related: Vec::new(),
        });
    }

    fn addresses(&mut self, route: &Route, texts: &[String]) -> Vec<IpAddr> {
        let mut found: Vec<IpAddr> = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let route = route.clone().key("addresses").index(index);
            match parse_ip(text) {
                Some(address) => found.push(address),
                None => self.say(
                    &route,
                    format!("`{text}` is no IP address"),
                    "write one like 10.244.1.10 or fd00:10::a",
                ),
            }
        }
        found
    }
}

/// Puts pods and nodes where the first document of `sources` says they are. A file with a mistake
/// in it is not used at all: the findings say why.
pub fn apply_addresses(cluster: &mut Cluster, sources: &Sources) -> Vec<Finding> {
    let document = DocumentId(0);
    let origin = Origin {
        document,
        route: Route::root(),
    };
    let (file, mut findings) = decode_at::<AddressFile>(sources, &origin);
    let Some(file) = file else {
        return findings;
    };
    let mut changed = cluster.clone();
    let mut check = Check {
        document,
        findings: &mut findings,
    };
    let mut of_workload: BTreeMap<WorkloadId, Vec<Pod>> = BTreeMap::new();
    for (index, entry) in file.pods.iter().enumerate() {
        let route = Route::root().key("pods").index(index);
        place(&mut changed, &mut of_workload, &mut check, &route, entry);
    }
    for (workload, pods) in of_workload {
        // The template's pod stands for those that were not placed, and now all are.
        changed
            .pods
            .retain(|pod| pod.workload != workload || pod.name.is_some());
        changed.pods.extend(pods);
    }
    changed
        .pods
        .sort_by(|a, b| (a.workload, &a.name).cmp(&(b.workload, &b.name)));
    for (index, entry) in file.nodes.iter().enumerate() {
        let route = Route::root().key("nodes").index(index);
        node(&mut changed, &mut check, &route, &origin, entry);
    }
    changed.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let is_wrong = |finding: &Finding| finding.severity == Severity::Error;
    if !findings.iter().any(is_wrong) {
        *cluster = changed;
    }
    findings
}

fn place(
    cluster: &mut Cluster,
    of_workload: &mut BTreeMap<WorkloadId, Vec<Pod>>,
    check: &mut Check<'_>,
    route: &Route,
    entry: &PodAddresses,
) {
    let addresses = check.addresses(route, &entry.addresses);
    match (&entry.pod, &entry.workload) {
        (Some(name), None) => {
            let found = cluster.pods.iter().position(|pod| {
                let namespace = cluster.namespace_name(pod.namespace);
                pod.name
                    .as_ref()
                    .is_some_and(|own| *name == format!("{namespace}/{own}"))
            });
            match found.and_then(|index| cluster.pods.get_mut(index)) {
                Some(pod) => put(pod, addresses, entry.node.as_ref()),
                None => check.say(
                    &route.clone().key("pod"),
                    format!("there is no Pod `{name}` in the input"),
                    "pods that a workload makes are placed with `workload:`",
                ),
            }
        }
        (None, Some(name)) => {
            let found: Vec<WorkloadId> = cluster
                .workloads_with_ids()
                .filter(|(_, workload)| {
                    let namespace = cluster.namespace_name(workload.namespace);
                    *name == format!("{namespace}/{}", workload.name)
                        || *name == format!("{namespace}/{}/{}", workload.kind, workload.name)
                })
                .map(|(id, _)| id)
                .collect();
            let [workload] = found.as_slice() else {
                let message = match found.len() {
                    0 => format!("there is no workload `{name}` in the input"),
                    _ => format!("there are several workloads `{name}`"),
                };
                let help = "write `namespace/name`, or `namespace/Kind/name`";
                check.say(&route.clone().key("workload"), message, help);
                return;
            };
            let Some(template) = cluster
                .pods_of(*workload)
                .map(|(_, pod)| pod.clone())
                .next()
            else {
                let message = format!("`{name}` has no pods");
                check.say(&route.clone().key("workload"), message, "leave it out");
                return;
            };
            let pods = of_workload.entry(*workload).or_default();
            let mut pod = template;
            let base = cluster
                .workload(*workload)
                .map_or("", |workload| &workload.name);
            pod.name = Some(format!("{base}-{}", pods.len()));
            put(&mut pod, addresses, entry.node.as_ref());
            pods.push(pod);
        }
        _ => check.say(
            route,
            "an entry needs either `pod` or `workload`".to_owned(),
            "`pod: NAMESPACE/NAME`, or `workload: NAMESPACE/NAME`",
        ),
    }
}

fn put(pod: &mut Pod, addresses: Vec<IpAddr>, node: Option<&String>) {
    pod.addresses = super::pod_template::one_per_family(addresses);
    if let Some(node) = node {
        pod.node = Some(node.clone());
    }
}

fn node(
    cluster: &mut Cluster,
    check: &mut Check<'_>,
    route: &Route,
    origin: &Origin,
    entry: &NodeAddresses,
) {
    if entry.name.is_empty() {
        check.say(route, "a node needs a name".to_owned(), "add `name:`");
        return;
    }
    let addresses = check.addresses(route, &entry.addresses);
    let mut pod_cidrs: Vec<IpNet> = Vec::new();
    for (index, text) in entry.pod_cidrs.iter().enumerate() {
        match text.parse::<IpNet>() {
            Ok(net) => pod_cidrs.push(net.trunc()),
            Err(_) => check.say(
                &route.clone().key("podCIDRs").index(index),
                format!("`{text}` is no CIDR"),
                "write one like 10.244.1.0/24",
            ),
        }
    }
    let known = cluster
        .nodes
        .iter_mut()
        .find(|node| node.name == entry.name);
    match known {
        Some(known) => {
            known.addresses.extend(addresses);
            known.pod_cidrs.extend(pod_cidrs);
        }
        None => cluster.nodes.push(Node {
            name: entry.name.clone(),
            labels: Labels::default(),
            addresses,
            pod_cidrs,
            origin: origin.clone(),
        }),
    }
}
