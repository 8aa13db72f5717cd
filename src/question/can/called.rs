//! The called end of a question: which pods or addresses, and which traffic there.

use super::entry::ways_text;
use super::pieces::{ask, merge, overall_of};
use super::{Caller, CanError, Context, Hop, Overall, PortQuery, Who};
use crate::model::{Cluster, PodId, Protocol, TrafficSet};
use crate::question::endpoint::Endpoint;

/// One thing that is called, and the traffic asked about there; `None` is all.
pub(super) type Called = (Who, Option<TrafficSet>);

pub(super) fn direct_hop(
    context: Context<'_>,
    sources: &Caller,
    to: &Endpoint,
    port: &PortQuery,
) -> Result<Hop, CanError> {
    let called = match to {
        Endpoint::Workload(id) => {
            let pods: Vec<PodId> = context.cluster.pods_of(*id).map(|(pod, _)| pod).collect();
            let name = context
                .cluster
                .workload(*id)
                .map_or("", |workload| &workload.name);
            called_pods(context.cluster, name, &pods, port)?
        }
        Endpoint::Pod(id) => called_pods(context.cluster, "the pod", &[*id], port)?,
        Endpoint::Node(id) => vec![(Who::Node(*id), asked_number(port))],
        Endpoint::Addresses { addresses, .. } => {
            vec![(Who::Addresses(addresses.clone()), asked_number(port))]
        }
        // These have more steps than one.
        Endpoint::Service(_) | Endpoint::Ingress { .. } | Endpoint::Domain { .. } => Vec::new(),
    };
    let mut hop = Hop::new("");
    if matches!(sources, Caller::Addresses(_)) {
        let pods = called.iter().filter_map(|(who, _)| match who {
            Who::Pods(pods) => Some(pods.as_slice()),
            _ => None,
        });
        let pods: Vec<PodId> = pods.flatten().copied().collect();
        if !pods.is_empty() {
            hop.notes.push(ways_text(context.cluster, &pods));
        }
    }
    for (destination, asked) in called {
        let pieces = ask(context, sources, &destination, asked.as_ref())?;
        hop.pieces.extend(pieces);
    }
    hop.overall = overall_of(&hop.pieces, matches!(port, PortQuery::Any));
    hop.pieces = merge(hop.pieces);
    if hop.pieces.is_empty() {
        let cause = match sources {
            Caller::Pods(pods) if pods.is_empty() => "there is no pod that calls",
            _ => "they have no address of the same family",
        };
        return Ok(hop.ended(Overall::No, cause));
    }
    Ok(hop)
}

/// The traffic of a question where names cannot be resolved: outside there are none (N18).
pub(super) fn asked_number(port: &PortQuery) -> Option<TrafficSet> {
    match port {
        PortQuery::Any => None,
        PortQuery::Number { protocol, port } => Some(TrafficSet::ports(
            protocol.unwrap_or(Protocol::Tcp),
            *port,
            *port,
        )),
        PortQuery::Name(_) => Some(TrafficSet::none()),
    }
}

fn called_pods(
    cluster: &Cluster,
    name: &str,
    pods: &[PodId],
    port: &PortQuery,
) -> Result<Vec<Called>, CanError> {
    let PortQuery::Name(wanted) = port else {
        return Ok(vec![(Who::Pods(pods.to_vec()), asked_number(port))]);
    };
    let declared = |id: &PodId| {
        let ports = cluster.pod(*id).map_or(&[][..], |pod| &pod.ports);
        ports
            .iter()
            .filter_map(|p| Some((cluster.symbols.name(p.name?), p.protocol, p.port)))
    };
    let mut available: Vec<String> = pods
        .iter()
        .flat_map(declared)
        .map(|(name, _, _)| name.to_owned())
        .collect();
    available.sort();
    available.dedup();
    if !available.contains(wanted) {
        let (destination, name) = (name.to_owned(), wanted.clone());
        return Err(CanError::NoNamedPort {
            destination,
            name,
            available,
        });
    }
    Ok(pods
        .iter()
        .map(|id| {
            let named = declared(id).filter(|(name, _, _)| *name == wanted.as_str());
            let traffic = named.fold(TrafficSet::none(), |set, (_, protocol, port)| {
                set.union(&TrafficSet::ports(protocol, port, port))
            });
            (Who::Pods(vec![*id]), Some(traffic))
        })
        .collect())
}

/// What a pod is called in an answer: its own name, or its workload's.
pub fn pod_name(cluster: &Cluster, id: PodId) -> String {
    let Some(pod) = cluster.pod(id) else {
        return String::new();
    };
    let workload = cluster
        .workload(pod.workload)
        .map_or("", |workload| &workload.name);
    let name = pod.name.as_deref().unwrap_or(workload);
    format!("{}/{name}", cluster.namespace_name(pod.namespace))
}

/// Pods by the names of their workloads, at most three of them.
pub(super) fn pods_named(cluster: &Cluster, pods: &[PodId]) -> String {
    let mut names: Vec<String> = pods.iter().map(|&pod| pod_name(cluster, pod)).collect();
    names.sort_unstable();
    names.dedup();
    let n_more = names.len().saturating_sub(3);
    names.truncate(3);
    if n_more > 0 {
        names.push(format!("+{n_more} more"));
    }
    names.join(", ")
}
