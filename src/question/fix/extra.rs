//! What a change opens beyond what was asked: the difference of the two relations, less that.

use super::Question;
use crate::model::{AddressSet, Cluster, Family, PodId, TrafficSet};
use crate::question::can::{Answer, Who};
use crate::question::diff::{self, Diff, Ends, diff};
use crate::question::ingress::{ControllerChoice, controllers};
use std::collections::BTreeMap;

/// Connections that a change opens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Opened {
    /// Who can open them.
    pub source: Who,
    /// To whom.
    pub destination: Who,
    /// The family, when it is one alone.
    pub family: Option<Family>,
    /// On what.
    pub traffic: TrafficSet,
    /// Whether it is certain; else it depends on addresses that pods will get, or on who serves
    /// Ingresses.
    pub is_certain: bool,
}

impl Opened {
    /// How many pairs of pods or sets of addresses these are.
    pub(super) fn size(&self) -> usize {
        let count = |who: &Who| match who {
            Who::Pods(pods) => pods.len(),
            // More than any number of pods that were meant.
            Who::Addresses(_) => 1000,
            _ => 1,
        };
        count(&self.source).saturating_mul(count(&self.destination))
    }
}

/// One kind of end, to be joined with others.
type Key = (Who, Option<Family>, TrafficSet, bool);

/// Everything that is open in the new cluster, was not in the old one, and was not asked for.
/// `None` when something was closed.
pub(super) fn extra(
    question: &Question<'_>,
    (new, controller): (&Cluster, Option<&ControllerChoice>),
    answer: &Answer,
) -> Option<Vec<Opened>> {
    let clusters = [question.cluster, new];
    let diff = diff(&diff::Question {
        clusters,
        controllers: [question.controller, controller],
    });
    if diff.groups.iter().any(|group| !group.change.is_added()) {
        return None;
    }
    // The pods of a controller that is known are told as such.
    let is_known = !controllers(question.cluster, question.controller).is_empty();
    let mut opened: BTreeMap<(Who, Who, Option<Family>, bool), TrafficSet> = BTreeMap::new();
    for group in &diff.groups {
        let sources = ends(&diff, &group.sources);
        let destinations = ends(&diff, &group.destinations);
        let is_certain = group.change.after == diff::State::Allowed;
        for source in &sources {
            for destination in &destinations {
                let is_twice = is_known && *source == Who::UnknownController;
                if is_twice || is_itself(question.cluster, source, destination) {
                    continue;
                }
                for (family, traffic) in &group.traffic {
                    for (source, traffic) in less_asked(answer, source, destination, traffic) {
                        if traffic.is_none() {
                            continue;
                        }
                        let key = (source, destination.clone(), *family, is_certain);
                        let all = opened.entry(key).or_insert_with(TrafficSet::none);
                        *all = all.union(&traffic);
                    }
                }
            }
        }
    }
    Some(joined(opened))
}

/// What was asked for, or is told to be opened too, between two ends in a family.
pub(super) fn told(
    answer: &Answer,
    extra: &[Opened],
    (source, destination): (&Who, &Who),
    family: Family,
) -> TrafficSet {
    let asked = answer.hops.iter().flat_map(|hop| &hop.pieces);
    let asked = asked.map(|piece| (&piece.source, &piece.destination, None, &piece.asked));
    let opened = extra
        .iter()
        .map(|o| (&o.source, &o.destination, o.family, &o.traffic));
    let own = asked.chain(opened).filter(|(from, to, only, _)| {
        within(source, from) && within(destination, to) && only.is_none_or(|f| f == family)
    });
    own.fold(TrafficSet::none(), |all, (.., traffic)| all.union(traffic))
}

/// Units one by one, addresses, and the controller.
fn ends(diff: &Diff, ends: &Ends) -> Vec<Who> {
    let units = ends
        .units
        .iter()
        .filter_map(|&index| diff.pair.units.get(index));
    let pods = units.filter_map(|(unit, _)| unit.pods.last().cloned());
    let mut found: Vec<Who> = pods.map(Who::Pods).collect();
    if !ends.outside.is_empty() {
        found.push(Who::Addresses(ends.outside.clone()));
    }
    if ends.has_controller {
        found.push(Who::UnknownController);
    }
    found
}

/// A pod that is there and itself are no pair; the replicas that a template makes are.
fn is_itself(cluster: &Cluster, source: &Who, destination: &Who) -> bool {
    match (source, destination) {
        (Who::Pods(a), Who::Pods(b)) if a == b => match a.as_slice() {
            [pod] => cluster.pod(*pod).is_some_and(|pod| pod.name.is_some()),
            _ => false,
        },
        (Who::Addresses(_), Who::Addresses(_)) => true,
        _ => false,
    }
}

/// The traffic between two ends, less what was asked. Where a part of some addresses was, the
/// parts are told apart.
fn less_asked(
    answer: &Answer,
    source: &Who,
    destination: &Who,
    traffic: &TrafficSet,
) -> Vec<(Who, TrafficSet)> {
    let pieces = answer.hops.iter().flat_map(|hop| &hop.pieces);
    let mut rest = vec![(source.clone(), traffic.clone())];
    for piece in pieces {
        if !within(destination, &piece.destination) {
            continue;
        }
        rest = rest
            .into_iter()
            .flat_map(|(source, traffic)| {
                let others = traffic.difference(&piece.asked);
                match (&source, &piece.source) {
                    (Who::Addresses(all), Who::Addresses(asked)) => {
                        let [inside, outside] = [all.intersection(asked), all.difference(asked)];
                        let parts = [(inside, others), (outside, traffic)].into_iter();
                        let parts = parts.filter(|(set, _)| *set != AddressSet::default());
                        parts
                            .map(|(set, traffic)| (Who::Addresses(set), traffic))
                            .collect()
                    }
                    (own, asked) if within(own, asked) => vec![(source, others)],
                    _ => vec![(source, traffic)],
                }
            })
            .collect();
    }
    rest
}

/// Whether one end is a part of the other.
fn within(part: &Who, whole: &Who) -> bool {
    match (part, whole) {
        (Who::Pods(part), Who::Pods(whole)) => part.iter().all(|pod| whole.contains(pod)),
        (Who::Addresses(part), Who::Addresses(whole)) => {
            part.difference(whole) == AddressSet::default()
        }
        (part, whole) => part == whole,
    }
}

/// The same in few rows: destinations of one source together, then sources.
fn joined(opened: BTreeMap<(Who, Who, Option<Family>, bool), TrafficSet>) -> Vec<Opened> {
    let mut by_source: BTreeMap<Key, Vec<Who>> = BTreeMap::new();
    for ((source, destination, family, is_certain), traffic) in opened {
        let key = (source, family, traffic, is_certain);
        by_source.entry(key).or_default().push(destination);
    }
    let mut by_destination: BTreeMap<Key, Vec<Who>> = BTreeMap::new();
    for ((source, family, traffic, is_certain), destinations) in by_source {
        for destination in together(destinations) {
            let key = (destination, family, traffic.clone(), is_certain);
            by_destination.entry(key).or_default().push(source.clone());
        }
    }
    let mut rows = Vec::new();
    for ((destination, family, traffic, is_certain), sources) in by_destination {
        rows.extend(together(sources).into_iter().map(|source| Opened {
            source,
            destination: destination.clone(),
            family,
            traffic: traffic.clone(),
            is_certain,
        }));
    }
    rows.sort();
    rows
}

/// All pods in one, all addresses in one.
fn together(ends: Vec<Who>) -> Vec<Who> {
    let mut pods: Vec<PodId> = Vec::new();
    let mut addresses = AddressSet::default();
    let mut rest = Vec::new();
    for end in ends {
        match end {
            Who::Pods(own) => pods.extend(own),
            Who::Addresses(own) => addresses = addresses.union(&own),
            other => rest.push(other),
        }
    }
    pods.sort_unstable();
    pods.dedup();
    if !pods.is_empty() {
        rest.push(Who::Pods(pods));
    }
    if !addresses.is_empty() {
        rest.push(Who::Addresses(addresses));
    }
    rest
}
