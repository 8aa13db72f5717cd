//! A diff as JSON. docs/schema/diff.v1.json describes it.

use super::rows::{describers, one_sided_places, place, rows_with};
use super::{DiffFormat, View};
use crate::model::{Origin, TrafficSet};
use crate::question::diff::{Cause, Describer, Ends, Group, NameChange, State, Term};
use crate::report::map::json::{cidr_texts, traffic_items};
use crate::report::words::policy_name;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: DiffFormat = DiffFormat {
    name: "json",
    summary: "for machines; docs/schema/diff.v1.json describes it",
    render,
};

const VERSION: u8 = 1;

fn only_this_version(schema: &mut Schema) {
    schema.insert("const".to_owned(), VERSION.into());
}

/// What a change opens and closes.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "portolan diff -o json")]
struct DiffDocument {
    /// The version of this shape. Within a version only optional members are added.
    #[schemars(transform = only_this_version)]
    version: u8,
    /// What the old one was called.
    old: String,
    /// What the new one was called.
    new: String,
    /// How many pairs of ends have something added: workloads, addresses outside as one, and
    /// ingress controllers.
    added: u64,
    /// How many have something removed.
    removed: u64,
    /// Whether there are provably no fewer groups for the same changes and causes.
    minimal: bool,
    /// The workloads of either, in the order that members of sets refer to.
    workloads: Vec<WorkloadJson>,
    /// Sets of workloads.
    sets: Vec<Vec<MemberJson>>,
    /// What changed. Every connection that did is in at least one group, and none that did not is
    /// in any: a pod and itself apart, and addresses outside among themselves.
    groups: Vec<GroupJson>,
    /// What changed for destinations by name: which addresses they have is not known, so `groups`
    /// do not tell it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    names: Vec<NameJson>,
    /// What the answer rests on and what it leaves out, one sentence each.
    notes: Vec<String>,
}

/// A change for a destination by name.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct NameJson {
    /// `added` or `removed`.
    change: String,
    /// Who opens connections: the index in `workloads`.
    from: usize,
    /// The name, or `*.` and the end of names.
    to: String,
    /// On what.
    traffic: Vec<TrafficJson>,
}

/// A workload.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct WorkloadJson {
    /// Its namespace.
    namespace: String,
    /// Its name.
    name: String,
    /// Its kind.
    workload_kind: String,
    /// Whether the old one has it.
    in_old: bool,
    /// Whether the new one has it.
    in_new: bool,
}

/// A member of a set.
#[derive(Serialize, JsonSchema, Debug, PartialEq, Eq)]
#[serde(untagged)]
enum MemberJson {
    /// All pods of a workload, by its index in `workloads`.
    Whole(usize),
    /// Some pods of a workload.
    Some {
        /// The workload's index in `workloads`.
        workload: usize,
        /// The names of the pods, in the old one and in the new one.
        pods: Vec<String>,
    },
}

/// One change of every connection from the sources to the destinations on the traffic.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct GroupJson {
    /// `added` or `removed`.
    change: String,
    /// What was said before: `absent` (one of the two was not there), `denied`, `unknown` or
    /// `allowed`.
    before: String,
    /// What is said after.
    after: String,
    /// Whether it opens something to the internet.
    exposed: bool,
    /// Who opens connections.
    from: EndJson,
    /// Who is called.
    to: EndJson,
    /// On what.
    traffic: Vec<TrafficJson>,
    /// What in the manifests causes it.
    causes: Vec<CauseJson>,
}

/// One end.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct EndJson {
    /// In words.
    text: String,
    /// Workloads, by the index in `sets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<usize>,
    /// The same workloads by namespaces and labels, as far as those say it exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    selectors: Option<Vec<SelectorJson>>,
    /// Addresses outside the cluster, as CIDR blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    cidrs: Option<Vec<String>>,
    /// Whether whatever serves Ingresses is among it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress_controller: Option<bool>,
}

/// Workloads by namespace and labels: those that match all that is given, but not `except`.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct SelectorJson {
    /// Those of this namespace; of any when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// Those with these labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    match_labels: Option<BTreeMap<String, String>>,
    /// But not these, by their index in `workloads`.
    #[serde(skip_serializing_if = "Option::is_none")]
    except: Option<Vec<usize>>,
}

/// Ports of a protocol.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct TrafficJson {
    /// `TCP`, `UDP` or `SCTP`.
    protocol: String,
    /// `80,8000-8090`, for example.
    ports: String,
    /// `IPv4` or `IPv6`, when it is of one family only.
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<String>,
}

/// A change in the manifests.
#[derive(Serialize, JsonSchema, Debug)]
#[serde(rename_all = "camelCase")]
struct CauseJson {
    /// `policy`, `relabelled`, `new-workload`, `gone-workload` or `ingress`.
    kind: String,
    /// In words.
    text: String,
    /// The policy's kind, namespace and name.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// The places in the old one, `file:line`.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Vec<String>>,
    /// The places in the new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Vec<String>>,
}

/// The JSON Schema of `portolan diff -o json`.
pub fn diff_schema() -> serde_json::Value {
    schema_for!(DiffDocument).to_value()
}

fn render(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, &document(view))?;
    out.write_all(b"\n")?;
    out.flush()
}

fn document(view: &View<'_>) -> DiffDocument {
    let describers = describers(view);
    let mut sets = Sets {
        view,
        numbers: BTreeMap::new(),
        in_order: Vec::new(),
        describers: &describers,
    };
    let rows = rows_with(view, &describers, usize::MAX);
    let groups = view.diff.groups.iter().zip(rows).map(|(group, row)| {
        let side = usize::from(group.change.after != State::Absent);
        let whys = row.why.iter().map(|why| why.what.clone());
        GroupJson {
            change: if row.is_added { "added" } else { "removed" }.to_owned(),
            before: group.change.before.name().to_owned(),
            after: group.change.after.name().to_owned(),
            exposed: row.is_exposed,
            from: sets.end(&group.sources, side, row.from.clone()),
            to: sets.end(&group.destinations, side, row.to.clone()),
            traffic: group
                .traffic
                .iter()
                .flat_map(|(family, set)| traffic(*family, set))
                .collect(),
            causes: group
                .causes
                .iter()
                .zip(whys.chain(std::iter::repeat(String::new())))
                .map(|(cause, text)| cause_json(view, group, cause, text))
                .collect(),
        }
    });
    let groups = groups.collect();
    let [old, new] = view.names.map(str::to_owned);
    let [added, removed] = view.diff.n_pairs;
    DiffDocument {
        version: VERSION,
        old,
        new,
        added,
        removed,
        minimal: view.diff.is_minimal,
        workloads: workloads(view),
        sets: sets.in_order,
        groups,
        names: view.diff.names.iter().map(|n| name_json(view, n)).collect(),
        notes: view.notes.to_vec(),
    }
}

fn name_json(view: &View<'_>, change: &NameChange) -> NameJson {
    let mut workloads = view.diff.pair.workloads.iter();
    let word = if change.is_added { "added" } else { "removed" };
    NameJson {
        change: word.to_owned(),
        from: workloads
            .position(|known| *known == change.workload)
            .unwrap_or_default(),
        to: change.name.clone(),
        traffic: traffic(None, &change.traffic),
    }
}

fn workloads(view: &View<'_>) -> Vec<WorkloadJson> {
    let paired = view.diff.pair.workloads.iter();
    let found = paired.filter_map(|paired| {
        let [in_old, in_new] = paired.ids.map(|id| id.is_some());
        let sides = paired.ids.into_iter().zip(view.clusters);
        let mut known = sides.filter_map(|(id, cluster)| Some((cluster.workload(id?)?, cluster)));
        let (workload, cluster) = known.next_back()?;
        Some(WorkloadJson {
            namespace: cluster.namespace_name(workload.namespace).to_owned(),
            name: workload.name.clone(),
            workload_kind: workload.kind.0.clone(),
            in_old,
            in_new,
        })
    });
    found.collect()
}

fn traffic(family: Option<crate::model::Family>, set: &TrafficSet) -> Vec<TrafficJson> {
    let items = traffic_items(set).into_iter();
    items
        .map(|(protocol, ports)| TrafficJson {
            protocol: protocol.name().to_owned(),
            ports,
            family: family.map(|family| family.name().to_owned()),
        })
        .collect()
}

fn cause_json(view: &View<'_>, group: &Group, cause: &Cause, text: String) -> CauseJson {
    let at = |places: &[(usize, Origin)], wanted: usize| {
        let own = places.iter().filter(|(side, _)| *side == wanted);
        let texts: Vec<String> = own.map(|(_, origin)| place(view, origin)).collect();
        (!texts.is_empty()).then_some(texts)
    };
    let plain = |kind: &str, places: &[(usize, Origin)]| CauseJson {
        kind: kind.to_owned(),
        text: text.clone(),
        policy: None,
        old: at(places, 0),
        new: at(places, 1),
    };
    match cause {
        Cause::Policy(policy) => {
            let sides = policy.ids.into_iter().zip(view.clusters);
            let mut names = sides.filter_map(|(id, cluster)| Some(policy_name(cluster, id?)));
            CauseJson {
                policy: names.next_back(),
                ..plain("policy", &policy.places)
            }
        }
        Cause::Relabelled(relabelled) => plain("relabelled", &relabelled.places),
        Cause::Ingress(places) => plain("ingress", places),
        Cause::NewWorkload => plain("new-workload", &one_sided_places(view, group)),
        Cause::GoneWorkload => plain("gone-workload", &one_sided_places(view, group)),
    }
}

/// The distinct sets, numbered in order of first use.
struct Sets<'a> {
    view: &'a View<'a>,
    numbers: BTreeMap<Vec<usize>, usize>,
    in_order: Vec<Vec<MemberJson>>,
    describers: &'a [Describer; 2],
}

impl Sets<'_> {
    fn end(&mut self, ends: &Ends, side: usize, text: String) -> EndJson {
        EndJson {
            text,
            set: (!ends.units.is_empty()).then(|| self.number(&ends.units)),
            selectors: self.selectors(&ends.units, side),
            cidrs: (!ends.outside.is_empty()).then(|| cidr_texts(&ends.outside)),
            ingress_controller: ends.has_controller.then_some(true),
        }
    }

    fn number(&mut self, units: &[usize]) -> usize {
        if let Some(&number) = self.numbers.get(units) {
            return number;
        }
        let number = self.in_order.len();
        let members = units.iter().filter_map(|&unit| self.member(unit));
        self.in_order.push(members.collect());
        self.numbers.insert(units.to_vec(), number);
        number
    }

    fn member(&self, unit: usize) -> Option<MemberJson> {
        let (unit, _) = self.view.diff.pair.units.get(unit)?;
        if unit.is_whole {
            return Some(MemberJson::Whole(unit.workload));
        }
        let mut pods: Vec<String> = Vec::new();
        for (cluster, own) in self.view.clusters.iter().zip(&unit.pods) {
            let names = own.iter().filter_map(|&pod| cluster.pod(pod)?.name.clone());
            pods.extend(names);
        }
        pods.sort();
        pods.dedup();
        Some(MemberJson::Some {
            workload: unit.workload,
            pods,
        })
    }

    /// `None` unless namespaces and labels alone say it.
    fn selectors(&self, units: &[usize], side: usize) -> Option<Vec<SelectorJson>> {
        let terms = self.describers.get(side)?.describe(units);
        let workload = |unit: &usize| {
            let (unit, _) = self.view.diff.pair.units.get(*unit)?;
            Some(unit.workload)
        };
        let except = |units: &[usize]| {
            (!units.is_empty()).then(|| units.iter().filter_map(workload).collect())
        };
        let mut selectors = Vec::new();
        for term in terms.iter().cloned() {
            selectors.push(match term {
                Term::Everyone { but } => SelectorJson {
                    namespace: None,
                    match_labels: None,
                    except: except(&but),
                },
                Term::Namespace { name, but } => SelectorJson {
                    namespace: Some(name),
                    match_labels: None,
                    except: except(&but),
                },
                Term::Labelled {
                    namespace,
                    key,
                    value,
                } => SelectorJson {
                    namespace,
                    match_labels: Some(BTreeMap::from([(key, value)])),
                    except: None,
                },
                Term::Unit(_) => return None,
            });
        }
        (!selectors.is_empty()).then_some(selectors)
    }
}
