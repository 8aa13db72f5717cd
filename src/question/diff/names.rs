//! What changed for destinations outside by name. Which addresses a name stands for is not known, so
//! changes of addresses do not tell it.

use super::{PairedWorkload, Question};
use crate::model::{
    Direction, Family, PodId, TrafficSet, domain_patterns, domain_within, with_names,
};
use crate::reach::{Pair, Reach};
use std::collections::BTreeSet;

/// What the pods of a workload may newly, or no longer, open to a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameChange {
    /// The workload.
    pub workload: PairedWorkload,
    /// The name, or `*.` and the end of names, as rules have it.
    pub name: String,
    /// Whether something is added rather than removed.
    pub is_added: bool,
    /// On what.
    pub traffic: TrafficSet,
}

/// Every workload and name that rules of either cluster have, where something changed that did not
/// change in the same way for addresses without a name. Takes a relation of both clusters for each
/// name.
pub(super) fn name_changes(question: &Question<'_>, pair: &Pair) -> Vec<NameChange> {
    let [old, new] = question.clusters.map(domain_patterns);
    let names: BTreeSet<&String> = old.union(&new).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let nameless = opened(question, pair, None);
    let mut found = Vec::new();
    for name in names {
        let opened = opened(question, pair, Some(name));
        for ((workload, [before, after]), without) in
            pair.workloads.iter().zip(opened).zip(&nameless)
        {
            if [&before, &after] == without.each_ref() {
                continue;
            }
            let added = after.difference(&before);
            let removed = before.difference(&after);
            for (is_added, traffic) in [(true, added), (false, removed)] {
                if !traffic.is_none() {
                    found.push(NameChange {
                        workload: *workload,
                        name: name.clone(),
                        is_added,
                        traffic,
                    });
                }
            }
        }
    }
    found
}

/// What each workload opens to whatever addresses a name has, before and after; to addresses without
/// a name, with `None`.
fn opened(question: &Question<'_>, pair: &Pair, name: Option<&str>) -> Vec<[TrafficSet; 2]> {
    let sides = question.clusters.map(|cluster| {
        let mut cluster = cluster.clone();
        let is_about = |pattern: &str| name.is_some_and(|name| domain_within(name, pattern));
        with_names(&mut cluster, |pattern, known| {
            known.unwrap_or_else(|| is_about(pattern))
        });
        let reach = Reach::new(&cluster);
        (cluster, reach)
    });
    let [old, new] = &sides;
    let workloads = pair.workloads.iter();
    let each = workloads.map(|workload| {
        let [before, after] = workload.ids;
        [(old, before), (new, after)].map(|((cluster, reach), id)| {
            let pods = id.into_iter().flat_map(|id| cluster.pods_of(id));
            let pods = pods.map(|(pod, _)| to_outside(reach, pod));
            pods.fold(TrafficSet::none(), |all, one| all.union(&one))
        })
    });
    each.collect()
}

/// What a pod surely opens to every address of some family.
fn to_outside(reach: &Reach, pod: PodId) -> TrafficSet {
    let of_family = |family| {
        let atoms = reach.externals().filter_map(|(_, atom)| atom.first());
        let atoms = atoms.filter(|address| Family::of(*address) == family);
        let found = atoms.filter_map(|a| reach.with_external(pod, Direction::Egress, a));
        found
            .map(|traffic| traffic.allowed)
            .reduce(|all, one| all.intersection(&one))
    };
    let families = Family::ALL.into_iter().filter_map(of_family);
    families.fold(TrafficSet::none(), |all, one| all.union(&one))
}
