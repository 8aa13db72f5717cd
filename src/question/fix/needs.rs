//! What policy denies in an answer, side by side.

use super::Question;
use super::words::ports_text;
use crate::model::{
    Action, AddressSet, Cluster, Direction, PodId, Reason, Tier, TrafficSet, Verdict, WorkloadId,
};
use crate::question::can::{Answer, Overall, Piece, Who, pod_name};
use std::collections::BTreeMap;

/// The other end of a need.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Other {
    /// Pods of one workload.
    Pods(Vec<PodId>),
    /// Addresses outside, or of nodes.
    Addresses(AddressSet),
    /// Kubernetes' own DNS pods, which are not in the input.
    Dns,
}

/// One side of a connection that has to be let through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Need {
    /// Which side.
    pub(super) direction: Direction,
    /// Pods of one workload.
    pub(super) subject: Vec<PodId>,
    /// The other end.
    pub(super) other: Other,
    /// The traffic.
    pub(super) traffic: TrafficSet,
}

impl Need {
    /// In words.
    pub(super) fn text(&self, cluster: &Cluster) -> String {
        let subject = self.subject.first().map(|&pod| pod_name(cluster, pod));
        let subject = subject.unwrap_or_default();
        let other = match &self.other {
            Other::Pods(pods) => pods.first().map(|&pod| pod_name(cluster, pod)),
            Other::Addresses(addresses) => addresses.cidrs().first().map(ToString::to_string),
            Other::Dns => Some("the cluster's DNS".to_owned()),
        };
        let other = other.unwrap_or_default();
        let ports = ports_text(&self.traffic);
        match self.direction {
            Direction::Egress => format!("{subject} to {other} on {ports}"),
            Direction::Ingress => format!("{other} to {subject} on {ports}"),
        }
    }
}

/// What is denied of a piece.
fn denied(piece: &Piece) -> TrafficSet {
    piece
        .asked
        .difference(&piece.allowed)
        .difference(&piece.unknown)
}

/// Whether a piece has what was asked, or at least something when everything was.
pub(super) fn is_open(piece: &Piece) -> bool {
    match piece.asked.is_all() {
        true => !piece.allowed.is_none(),
        false => piece.asked.is_subset(&piece.allowed),
    }
}

/// The needs of an answer, and what stands in the way besides.
pub(super) fn needs(
    question: &Question<'_>,
    answer: &Answer,
    obstacles: &mut Vec<String>,
) -> Vec<Need> {
    let cluster = question.cluster;
    let mut needs: Vec<Need> = Vec::new();
    for hop in &answer.hops {
        if hop.overall != Overall::Yes && hop.pieces.iter().all(is_open) {
            let cause = hop.cause.clone().unwrap_or_else(|| hop.title.clone());
            obstacles.push(format!("no change of policy mends this: {cause}"));
        }
        for piece in hop.pieces.iter().filter(|piece| !is_open(piece)) {
            let Some(example) = &piece.example else {
                obstacles.push(format!(
                    "no change is proposed where it is not decided{}",
                    at(&hop.title)
                ));
                continue;
            };
            let traffic = match piece.asked.is_all() {
                true => declared(cluster, &piece.destination),
                false => denied(piece),
            };
            if traffic.is_none() {
                obstacles.push(match piece.asked.is_all() {
                    true => "say which port: `--port`".to_owned(),
                    false => format!(
                        "no change is proposed where it is not decided{}",
                        at(&hop.title)
                    ),
                });
                continue;
            }
            let sides = [
                (Direction::Egress, &example.evaluation.egress),
                (Direction::Ingress, &example.evaluation.ingress),
            ];
            for (direction, side) in sides {
                if side.outcome != Verdict::Denied {
                    continue;
                }
                if let Reason::Rules {
                    action: Action::Deny,
                    rules,
                    tier,
                } = &side.reason
                {
                    let names = rules.iter().filter_map(|rule| cluster.policy(rule.policy));
                    let names: Vec<String> =
                        names.map(|p| format!("{} {}", p.kind, p.name)).collect();
                    let names = names.join(", ");
                    obstacles.push(match tier {
                        Tier::Baseline => format!(
                            "{names} denies it where no NetworkPolicy isolates the pods: one that \
                             does, and lets this through, decides instead, and closes all else"
                        ),
                        Tier::Admin | Tier::NetworkPolicy => format!(
                            "{names} denies it before NetworkPolicies are asked: only its owner can \
                             change that"
                        ),
                    });
                    continue;
                }
                let (subject, other) = match direction {
                    Direction::Egress => (&piece.source, &piece.destination),
                    Direction::Ingress => (&piece.destination, &piece.source),
                };
                let Who::Pods(subjects) = subject else {
                    continue;
                };
                let others = others(cluster, other);
                if others.is_empty() {
                    obstacles.push(format!(
                        "who calls is not known well enough for a rule{}",
                        at(&hop.title)
                    ));
                }
                for other in others {
                    for subject in by_workload(cluster, subjects) {
                        let need = Need {
                            direction,
                            subject,
                            other: other.clone(),
                            traffic: traffic.clone(),
                        };
                        add(&mut needs, need);
                    }
                }
            }
        }
    }
    obstacles.dedup();
    needs
}

fn at(title: &str) -> String {
    match title.is_empty() {
        true => String::new(),
        false => format!(" ({title})"),
    }
}

fn add(needs: &mut Vec<Need>, need: Need) {
    let same = needs.iter_mut().find(|other| {
        (other.direction, &other.subject, &other.other)
            == (need.direction, &need.subject, &need.other)
    });
    match same {
        Some(same) => same.traffic = same.traffic.union(&need.traffic),
        None => needs.push(need),
    }
}

/// The declared ports of pods: what is meant when no port is given.
fn declared(cluster: &Cluster, who: &Who) -> TrafficSet {
    let Who::Pods(pods) = who else {
        return TrafficSet::none();
    };
    let pods = pods.iter().filter_map(|&id| cluster.pod(id));
    let ports = pods.flat_map(|pod| &pod.ports);
    ports.fold(TrafficSet::none(), |all, port| {
        all.union(&TrafficSet::ports(port.protocol, port.port, port.port))
    })
}

/// The other ends that a rule can name.
fn others(cluster: &Cluster, who: &Who) -> Vec<Other> {
    match who {
        Who::Pods(pods) => {
            let on_node = |pod: &PodId| {
                cluster
                    .pod(*pod)
                    .is_some_and(|p| cluster.is_node_traffic(p))
            };
            // Selectors pass over pods on their node's network (N27).
            if pods.iter().any(on_node) {
                return Vec::new();
            }
            by_workload(cluster, pods)
                .into_iter()
                .map(Other::Pods)
                .collect()
        }
        Who::Addresses(addresses) => vec![Other::Addresses(addresses.clone())],
        Who::OtherNodes(addresses) if !addresses.is_empty() => {
            vec![Other::Addresses(addresses.clone())]
        }
        Who::Node(node) => {
            let addresses = cluster.node(*node).map(|node| node.addresses.clone());
            let addresses = addresses.unwrap_or_default();
            match addresses.is_empty() {
                true => Vec::new(),
                false => vec![Other::Addresses(AddressSet::of_addresses(addresses))],
            }
        }
        // A NetworkPolicy knows no names.
        Who::Name(_) => vec![Other::Addresses(AddressSet::full())],
        Who::AssumedDns => vec![Other::Dns],
        Who::UnknownController | Who::OwnNode | Who::OtherNodes(_) => Vec::new(),
    }
}

fn by_workload(cluster: &Cluster, pods: &[PodId]) -> Vec<Vec<PodId>> {
    let mut found: BTreeMap<WorkloadId, Vec<PodId>> = BTreeMap::new();
    for &id in pods {
        if let Some(pod) = cluster.pod(id) {
            found.entry(pod.workload).or_default().push(id);
        }
    }
    found.into_values().collect()
}
