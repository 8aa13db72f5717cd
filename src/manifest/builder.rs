//! The cluster in the making: facts of all objects, lowered in an order that does not depend on
//! where they were written.

use super::duplicate::resolve_duplicates;
use super::foreign::summarize;
use super::object::{Facts, Header, Object};
use super::read::Read;
use super::workload::Workloads;
use super::{LoadOptions, Loaded};
use crate::model::{Cluster, Finding, Labels, METADATA_NAME, Namespace, NamespaceId};
use crate::source::Sources;
use std::collections::BTreeSet;

/// What facts are lowered into.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    /// The cluster so far. Namespaces are all there from the start, so ids are final.
    pub(crate) cluster: Cluster,
    /// Pods and what owns them, put together at the end.
    pub(crate) workloads: Workloads,
    /// What only the whole input shows to be wrong.
    pub(crate) findings: Vec<Finding>,
}

impl Builder {
    /// Gives a namespace, which exists already, its labels and its place. The server's value of
    /// the name label wins (N15).
    pub(crate) fn define_namespace(&mut self, header: Header, labels: Labels) {
        let name_label = self.name_label(&header.name);
        let id = self.cluster.namespace_named(&header.name);
        let index = id.and_then(|id| usize::try_from(id.0).ok());
        if let Some(namespace) = index.and_then(|index| self.cluster.namespaces.get_mut(index)) {
            namespace.labels = labels;
            namespace.labels.set(name_label.0, name_label.1);
            namespace.origin = Some(header.origin);
        }
    }

    /// N15: the label that every namespace has.
    fn name_label(&mut self, name: &str) -> (crate::model::Symbol, crate::model::Symbol) {
        let symbols = &mut self.cluster.symbols;
        (symbols.intern(METADATA_NAME), symbols.intern(name))
    }

    /// Makes the namespaces of those names, in order.
    fn add_namespaces(&mut self, names: BTreeSet<String>) {
        for name in names {
            let name_label = self.name_label(&name);
            self.cluster.namespaces.push(Namespace {
                name,
                labels: Labels::new([name_label]),
                origin: None,
            });
        }
    }
}

/// Puts together what was read.
pub(crate) fn build(
    sources: &Sources,
    documents: usize,
    options: &LoadOptions,
    read: Read,
) -> Loaded {
    let Read {
        mut objects,
        foreign,
        mut findings,
        mut intents,
        policies_rejected,
    } = read;
    intents.sort();
    // The order of lowering is the order of everything that is not sorted by name later on.
    objects.sort_by(|a, b| (a.identity(), &a.header.origin).cmp(&(b.identity(), &b.header.origin)));
    let names = namespace_names(&objects, &foreign);
    let (objects, repetitions) = resolve_duplicates(sources, objects);
    findings.extend(repetitions);

    let mut builder = Builder::default();
    builder.cluster.semantics = options.semantics;
    builder.cluster.pod_cidrs.clone_from(&options.pod_cidrs);
    builder.add_namespaces(names);
    for object in objects {
        lower(object, &mut builder);
    }
    let Builder {
        mut cluster,
        workloads,
        findings: of_all,
    } = builder;
    findings.extend(of_all);
    let left_out = workloads.lower(&mut cluster);
    sort(&mut cluster);
    let summary = summarize(foreign);
    cluster.not_analysed = summary.not_analysed;
    findings.extend(summary.findings);
    findings.sort();
    findings.dedup();
    Loaded {
        cluster,
        findings,
        documents,
        policies_rejected,
        intents,
        other_kinds: summary.other_kinds,
        old_revisions: left_out.old_revisions,
        finished_jobs: left_out.finished_jobs,
    }
}

/// Every namespace that is mentioned.
fn namespace_names(objects: &[Object], foreign: &[super::foreign::Foreign]) -> BTreeSet<String> {
    let mut names: BTreeSet<&str> = objects.iter().filter_map(Object::namespace).collect();
    let is_namespace = |object: &&Object| {
        super::kinds::KINDS
            .get(object.kind)
            .is_some_and(|kind| kind.kind == "Namespace")
    };
    names.extend(
        objects
            .iter()
            .filter(is_namespace)
            .map(|object| object.header.name.as_str()),
    );
    names.extend(
        foreign
            .iter()
            .filter_map(|object| object.namespace.as_deref()),
    );
    names.into_iter().map(str::to_owned).collect()
}

fn lower(object: Object, builder: &mut Builder) {
    match object.facts {
        Facts::Namespaced(namespace, Some(facts)) => {
            // Every name is there; see namespace_names.
            if let Some(namespace) = builder.cluster.namespace_named(&namespace) {
                facts.lower(object.header, namespace, builder);
            }
        }
        Facts::ClusterWide(Some(facts)) => facts.lower(object.header, builder),
        Facts::Namespaced(_, None) | Facts::ClusterWide(None) => {}
    }
}

/// The orders that the model promises. All sorts are stable, so that what compares equal stays
/// in the order of lowering.
fn sort(cluster: &mut Cluster) {
    let key = |namespace: &NamespaceId, name: &str| (*namespace, name.to_owned());
    cluster.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    cluster
        .services
        .sort_by_cached_key(|service| key(&service.namespace, &service.name));
    cluster
        .endpoint_sets
        .sort_by_cached_key(|set| key(&set.namespace, &set.service));
    cluster
        .ingresses
        .sort_by_cached_key(|ingress| key(&ingress.namespace, &ingress.name));
    cluster.ingress_classes.sort_by(|a, b| a.name.cmp(&b.name));
    cluster.policies.sort_by(|a, b| {
        (a.tier, a.priority, a.namespace, &a.name).cmp(&(b.tier, b.priority, b.namespace, &b.name))
    });
    cluster.pod_cidrs.sort();
    cluster.pod_cidrs.dedup();
}
