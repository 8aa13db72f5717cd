//! What changed in what the ingress controller reaches.

use super::text::selector_text;
use super::{Change, Question, State};
use crate::model::{Origin, Protocol, TargetPort, TrafficSet, Verdict};
use crate::question::ingress::{IngressEdge, all_backends, ingress_edges};
use crate::reach::Pair;
use std::collections::{BTreeMap, BTreeSet};

/// A change in what the controller reaches at one workload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Edge {
    /// The index of the workload in [`Pair::workloads`].
    pub(super) workload: usize,
    pub(super) traffic: TrafficSet,
    pub(super) change: Change,
}

/// Every such change, by workload.
pub(super) fn edges(question: &Question<'_>, pair: &Pair) -> Vec<Edge> {
    let mut states: BTreeMap<(usize, Protocol, u16), [State; 2]> = BTreeMap::new();
    for side in 0..2 {
        let (Some(cluster), Some(reach), Some(controller)) = (
            question.clusters.get(side),
            pair.reaches.get(side),
            question.controllers.get(side),
        ) else {
            continue;
        };
        let paired: BTreeMap<_, usize> = pair
            .workloads
            .iter()
            .enumerate()
            .filter_map(|(index, workload)| Some(((*workload.ids.get(side)?)?, index)))
            .collect();
        for edge in ingress_edges(cluster, reach, *controller) {
            let IngressEdge {
                workload,
                protocol,
                port,
                verdict,
            } = edge;
            let Some(&index) = paired.get(&workload) else {
                continue;
            };
            let found = match verdict {
                Verdict::Allowed => State::Allowed,
                Verdict::Unknown => State::Unknown,
                Verdict::Denied => continue,
            };
            let ids = pair.workloads.get(index).map(|workload| workload.ids);
            let default = ids.unwrap_or_default().map(|id| match id {
                Some(_) => State::Denied,
                None => State::Absent,
            });
            let known = states.entry((index, protocol, port)).or_insert(default);
            if let Some(slot) = known.get_mut(side) {
                *slot = found.max(*slot);
            }
        }
    }
    let mut edges: BTreeMap<(usize, Change), TrafficSet> = BTreeMap::new();
    for ((workload, protocol, port), [before, after]) in states {
        if let Some(change) = Change::between(before, after) {
            let traffic = edges.entry((workload, change)).or_default();
            *traffic = traffic.union(&TrafficSet::ports(protocol, port, port));
        }
    }
    edges
        .into_iter()
        .map(|((workload, change), traffic)| Edge {
            workload,
            traffic,
            change,
        })
        .collect()
}

/// The Ingresses and Services that only one of the two clusters has in this form: what a change of what the
/// controller reaches is about.
pub(super) fn changed_ingresses(question: &Question<'_>) -> Vec<(usize, Origin)> {
    let texts = question.clusters.map(|cluster| {
        let ingresses = cluster.ingresses.iter();
        ingresses
            .map(|ingress| {
                let namespace = cluster.namespace_name(ingress.namespace);
                let backends: BTreeSet<String> = all_backends(ingress)
                    .map(|backend| format!("{:?} {:?}", backend.service, backend.port))
                    .collect();
                let class = &ingress.class;
                let text = format!("{namespace} {} {class:?} {backends:?}", ingress.name);
                (text, ingress.origin.clone())
            })
            .chain(cluster.services.iter().map(|service| {
                let namespace = cluster.namespace_name(service.namespace);
                let selector = service.selector.as_ref();
                let selector = selector.map(|selector| selector_text(cluster, selector));
                let ports = service.ports.iter().map(|port| {
                    let target = match &port.target {
                        TargetPort::Number(number) => number.to_string(),
                        TargetPort::Name(name) => cluster.symbols.name(*name).to_owned(),
                    };
                    format!("{:?} {} {} {target}", port.name, port.protocol, port.port)
                });
                let ports: Vec<String> = ports.collect();
                let text = format!("{namespace} {} {selector:?} {ports:?}", service.name);
                (text, service.origin.clone())
            }))
            .collect::<BTreeMap<_, _>>()
    });
    let [old, new] = &texts;
    let mut found = Vec::new();
    for (side, own, other) in [(0, old, new), (1, new, old)] {
        let changed = own.iter().filter(|(text, _)| !other.contains_key(*text));
        found.extend(changed.map(|(_, origin)| (side, origin.clone())));
    }
    found
}
