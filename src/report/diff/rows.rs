//! The groups of a diff in words.

use super::View;
use crate::model::{AddressSet, Cluster, Origin, Place, WorkloadId};
use crate::question::diff::{
    Cause, Change, Describer, Ends, Group, NameChange, PairedWorkload, State, Term, What,
};
use crate::report::finding::counted;
use crate::report::map::names::{list, outside, traffic};
use crate::report::snippet::place_text;
use crate::report::words::policy_name;
use crate::source::Target;

/// One group in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Whether something is added rather than removed.
    pub is_added: bool,
    /// Whether it opens something to the internet.
    pub is_exposed: bool,
    /// `added`, `removed`, and how certainly.
    pub change: &'static str,
    /// What was said before and what is said after.
    pub states: [&'static str; 2],
    /// Who opens connections, in about as many characters as was asked for.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// On what.
    pub on: String,
    /// Why: what changed, and where.
    pub why: Vec<Why>,
}

/// A change in the manifests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// What changed: `NetworkPolicy shop/cart changed`, for example.
    pub what: String,
    /// The places, `file:line`.
    pub places: Vec<String>,
}

/// How many causes and places of one kind are named.
const MOST_NAMED: usize = 4;

/// All groups in words. Lists of names are of about `budget` characters.
pub fn rows(view: &View<'_>, budget: usize) -> Vec<Row> {
    if view.diff.is_empty() {
        return Vec::new();
    }
    let describers = describers(view);
    rows_with(view, &describers, budget)
}

/// What turns the units of either side into words.
pub(super) fn describers(view: &View<'_>) -> [Describer; 2] {
    [0, 1].map(|side| Describer::new(view.diff, view.clusters, side))
}

/// Likewise, with describers that are used for more.
pub(super) fn rows_with(view: &View<'_>, describers: &[Describer; 2], budget: usize) -> Vec<Row> {
    let words = Words {
        view,
        describers,
        budget,
    };
    view.diff
        .groups
        .iter()
        .map(|group| words.row(group))
        .chain(view.diff.names.iter().map(|change| name_row(view, change)))
        .collect()
}

/// A change for a destination by name.
fn name_row(view: &View<'_>, change: &NameChange) -> Row {
    let (side, word, states) = match change.is_added {
        true => (1, "added", [State::Denied, State::Allowed]),
        false => (0, "removed", [State::Allowed, State::Denied]),
    };
    let own = || {
        let cluster = view.clusters.get(side)?;
        let workload = cluster.workload((*change.workload.ids.get(side)?)?)?;
        let namespace = cluster.namespace_name(workload.namespace);
        Some(format!("{namespace}/{}", workload.name))
    };
    Row {
        is_added: change.is_added,
        is_exposed: false,
        change: word,
        states: states.map(State::name),
        from: own().unwrap_or_default(),
        to: change.name.clone(),
        on: traffic(&change.traffic),
        why: Vec::new(),
    }
}

/// The whole answer in one line.
pub fn headline(view: &View<'_>) -> String {
    let [old, new] = view.names;
    let [added, removed] = view.diff.n_pairs;
    if view.diff.is_empty() {
        let [gone, came] = view.n_documents;
        let documents = gone.max(came);
        let changed = match documents {
            0 => String::new(),
            n => format!(", though {} changed", counted(n, "document")),
        };
        return format!(
            "nothing changed in meaning: {old} and {new} allow the same connections{changed}"
        );
    }
    let count = |n: u64, what: &str| match n {
        0 => None,
        1 => Some(format!("1 connection {what}")),
        n => Some(format!("{n} connections {what}")),
    };
    let counts: Vec<String> = [count(added, "added"), count(removed, "removed")]
        .into_iter()
        .flatten()
        .collect();
    let exposed = view.diff.groups.iter().any(Group::is_exposed);
    let exposed = match exposed {
        true => ", some of it open to the internet",
        false => "",
    };
    let n_groups = view.diff.groups.len() + view.diff.names.len();
    let groups = counted(n_groups, "group");
    format!(
        "{old} to {new}: {}{exposed}, in {groups}",
        counts.join(" and ")
    )
}

/// The workloads that only one of the two has, as a sentence for each side.
pub(super) fn one_sided(view: &View<'_>, budget: usize) -> Vec<String> {
    let [gone, new] = &view.diff.one_sided;
    let sides = [(0, gone, "gone"), (1, new, "new")];
    let said = sides.into_iter().filter_map(|(side, workloads, word)| {
        let names = workloads
            .iter()
            .filter_map(|paired| named_workload(view, paired, side));
        let names = list(names, budget);
        (!names.is_empty()).then(|| format!("{word}: {names}"))
    });
    said.collect()
}

fn named_workload(view: &View<'_>, paired: &PairedWorkload, side: usize) -> Option<String> {
    let id = (*paired.ids.get(side)?)?;
    Some(full_name(view.clusters.get(side)?, id))
}

fn full_name(cluster: &Cluster, id: WorkloadId) -> String {
    cluster.workload(id).map_or_else(String::new, |workload| {
        let namespace = cluster.namespace_name(workload.namespace);
        format!("{} {namespace}/{}", workload.kind, workload.name)
    })
}

/// What a change is called.
pub(super) fn change_word(change: Change) -> &'static str {
    use State::{Absent, Allowed, Denied, Unknown};
    match (change.before, change.after) {
        (Denied, Allowed) => "added",
        (Denied, Unknown) => "perhaps added",
        (Unknown, Allowed) => "added for certain",
        (Absent, Allowed) => "new",
        (Absent, _) => "perhaps new",
        (Allowed, Denied) => "removed",
        (Allowed, Unknown) => "perhaps removed",
        (Unknown, Denied) => "removed for certain",
        (Allowed, _) => "gone",
        (Unknown, _) | (Denied, _) => "gone, if it was there",
    }
}

/// Traffic with the family where it is of one only.
pub(super) fn what_text(what: &What) -> String {
    let parts = what.iter().map(|(family, set)| match family {
        None => traffic(set),
        Some(family) => format!("{} ({})", traffic(set), family.name()),
    });
    parts.collect::<Vec<String>>().join("; ")
}

/// `file:line` of an origin.
pub(super) fn place(view: &View<'_>, origin: &Origin) -> String {
    let place = Place::Node {
        origin: origin.clone(),
        target: Target::Value,
    };
    let text = place_text(view.sources, &place);
    // The column says nothing of a rule or an object.
    text.rsplit_once(':')
        .map_or(text.clone(), |(line, _)| line.to_owned())
}

struct Words<'a> {
    view: &'a View<'a>,
    describers: &'a [Describer; 2],
    budget: usize,
}

impl Words<'_> {
    fn row(&self, group: &Group) -> Row {
        let side = side_of(group.change);
        Row {
            is_added: group.change.is_added(),
            is_exposed: group.is_exposed(),
            change: change_word(group.change),
            states: [group.change.before, group.change.after].map(State::name),
            from: self.ends(&group.sources, side),
            to: self.ends(&group.destinations, side),
            on: what_text(&group.traffic),
            why: self.why(group, side),
        }
    }

    fn ends(&self, ends: &Ends, side: usize) -> String {
        let mut texts = Vec::new();
        if ends.has_controller {
            texts.push("ingress controller".to_owned());
        }
        let terms = self.describers.get(side);
        let terms = terms.map(|describer| describer.describe(&ends.units));
        let terms = terms.as_deref().unwrap_or_default();
        let is_everyone = matches!(terms, [Term::Everyone { but }] if but.is_empty());
        let is_anywhere = ends.outside == AddressSet::full();
        if is_everyone && is_anywhere && texts.is_empty() {
            return "everyone, inside and outside".to_owned();
        }
        texts.extend(terms.iter().map(|term| self.term(term, side)));
        if !ends.outside.is_empty() {
            texts.push(outside(&ends.outside, self.budget));
        }
        list(texts, self.budget)
    }

    fn term(&self, term: &Term, side: usize) -> String {
        let but = |units: &[usize]| match units.is_empty() {
            true => String::new(),
            false => {
                let names: Vec<String> = units.iter().map(|&u| self.unit(u, side)).collect();
                format!(" but {}", names.join(" and "))
            }
        };
        match term {
            Term::Everyone { but: units } => format!("everyone in the cluster{}", but(units)),
            Term::Namespace { name, but: units } => format!("{name}/*{}", but(units)),
            Term::Labelled {
                namespace,
                key,
                value,
            } => {
                let namespace = namespace.as_deref().unwrap_or("*");
                format!("{namespace}/*[{key}={value}]")
            }
            Term::Unit(unit) => self.unit(*unit, side),
        }
    }

    /// `namespace/name`, with the kind where that is not clear, and the pods when not all are meant.
    fn unit(&self, unit: usize, side: usize) -> String {
        let Some((unit, _)) = self.view.diff.pair.units.get(unit) else {
            return String::new();
        };
        let workloads = &self.view.diff.pair.workloads;
        let name_of = |index: usize| {
            let id = (*workloads.get(index)?.ids.get(side)?)?;
            let workload = self.view.clusters.get(side)?.workload(id)?;
            let cluster = self.view.clusters.get(side)?;
            let namespace = cluster.namespace_name(workload.namespace);
            Some((format!("{namespace}/{}", workload.name), &workload.kind))
        };
        let Some((mut name, kind)) = name_of(unit.workload) else {
            return String::new();
        };
        let neighbours = [unit.workload.checked_sub(1), unit.workload.checked_add(1)];
        let mut neighbours = neighbours.into_iter().flatten().filter_map(name_of);
        if neighbours.any(|(other, _)| other == name) {
            name = format!("{name}[{kind}]");
        }
        if unit.is_whole {
            return name;
        }
        let pods = unit.pods.get(side).map_or(&[][..], Vec::as_slice);
        let cluster = self.view.clusters.get(side);
        let named: Vec<&str> = pods
            .iter()
            .filter_map(|&pod| cluster?.pod(pod)?.name.as_deref())
            .collect();
        match named.as_slice() {
            [] => name,
            [pod] => format!("{name} (pod {pod})"),
            pods => format!("{name} ({} pods)", pods.len()),
        }
    }

    fn why(&self, group: &Group, side: usize) -> Vec<Why> {
        let mut whys: Vec<Why> = group
            .causes
            .iter()
            .map(|cause| self.cause(cause, group, side))
            .collect();
        let n_more = whys.len().saturating_sub(MOST_NAMED);
        whys.truncate(MOST_NAMED);
        if n_more > 0 {
            whys.push(Why {
                what: format!("+{n_more} more"),
                places: Vec::new(),
            });
        }
        whys
    }

    fn cause(&self, cause: &Cause, group: &Group, side: usize) -> Why {
        let places = |places: &[(usize, Origin)]| -> Vec<String> {
            // Where it is now says more than where it was.
            let now = places.iter().filter(|(side, _)| *side == 1);
            let before = places.iter().filter(|(side, _)| *side == 0);
            let chosen: Vec<_> = match now.clone().count() {
                0 => before.collect(),
                _ => now.collect(),
            };
            let mut texts: Vec<String> = Vec::new();
            for (_, origin) in chosen {
                let text = place(self.view, origin);
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
            texts
        };
        match cause {
            Cause::Policy(policy) => {
                let [old, new] = policy.ids;
                let [old_cluster, new_cluster] = self.view.clusters;
                let what = match (old, new) {
                    (_, None) => format!(
                        "{} removed",
                        old.map_or_else(String::new, |id| policy_name(old_cluster, id))
                    ),
                    (None, Some(id)) => format!("{} added", policy_name(new_cluster, id)),
                    (Some(_), Some(id)) => format!("{} changed", policy_name(new_cluster, id)),
                };
                // A rule that is gone has a place in the old version only.
                let of_rule = policy.places.iter().any(|(side, _)| *side == 0) && new.is_some();
                let mut all = places(&policy.places);
                if of_rule {
                    let old = policy.places.iter().filter(|(side, _)| *side == 0);
                    for (_, origin) in old {
                        let text = place(self.view, origin);
                        if !all.contains(&text) {
                            all.push(text);
                        }
                    }
                }
                Why { what, places: all }
            }
            Cause::Relabelled(relabelled) => Why {
                what: format!("{} changed", relabelled.what),
                places: places(&relabelled.places),
            },
            Cause::Ingress(origins) => Why {
                what: "an Ingress or Service changed".to_owned(),
                places: places(origins),
            },
            Cause::NewWorkload | Cause::GoneWorkload => self.one_sided(group, side),
        }
    }

    /// The workloads of a group that only one of the two clusters has.
    fn one_sided(&self, group: &Group, side: usize) -> Why {
        let other = usize::from(side == 0);
        let ends = group.sources.units.iter().chain(&group.destinations.units);
        let mut workloads: Vec<usize> = ends
            .filter_map(|&unit| self.view.diff.pair.units.get(unit))
            .filter(|(unit, _)| unit.pods.get(other).is_some_and(Vec::is_empty))
            .map(|(unit, _)| unit.workload)
            .collect();
        workloads.sort_unstable();
        workloads.dedup();
        let cluster = self.view.clusters.get(side);
        let found: Vec<(String, String)> = workloads
            .iter()
            .filter_map(|&index| {
                let id = (*self.view.diff.pair.workloads.get(index)?.ids.get(side)?)?;
                let workload = cluster?.workload(id)?;
                Some((full_name(cluster?, id), place(self.view, &workload.origin)))
            })
            .collect();
        let word = if side == 1 { "new" } else { "gone" };
        let names = list(found.iter().map(|(name, _)| name.clone()), self.budget);
        let places = found.into_iter().map(|(_, place)| place);
        Why {
            what: match names.is_empty() {
                true => format!("other pods: {word}"),
                false => format!("{word}: {names}"),
            },
            places: places.take(MOST_NAMED).collect(),
        }
    }
}

/// Where the workloads of a group are written that only one of the two clusters has.
pub fn one_sided_places(view: &View<'_>, group: &Group) -> Vec<(usize, Origin)> {
    let side = side_of(group.change);
    let other = usize::from(side == 0);
    let ends = group.sources.units.iter().chain(&group.destinations.units);
    let units = ends.filter_map(|&unit| view.diff.pair.units.get(unit));
    let units = units.filter(|(unit, _)| unit.pods.get(other).is_some_and(Vec::is_empty));
    let mut found: Vec<(usize, Origin)> = units
        .filter_map(|(unit, _)| {
            let id = (*view.diff.pair.workloads.get(unit.workload)?.ids.get(side)?)?;
            Some((side, view.clusters.get(side)?.workload(id)?.origin.clone()))
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The cluster whose words say a change best: the new one, unless something is gone.
fn side_of(change: Change) -> usize {
    usize::from(change.after != State::Absent)
}
