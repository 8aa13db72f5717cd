//! Manifests to the model: what is in the documents, and what is wrong with them.
//!
//! [`load`] reads every document as kubectl and the API server would (strictly, with their words
//! for what they refuse), puts the objects together and lowers them into a
//! [`Cluster`]. It never fails: what cannot be read is a [`Finding`], and the rest is analysed.
//! The order of documents never changes the cluster.
//!
//! The way of a document: text to an untyped tree (`parse`), lists to their items (`flatten`),
//! strict decoding to the Kubernetes type (`decode`), the API server's validation (`validate`),
//! and out of that the few facts that the model needs. Everything up to here runs on all cores.
//! Then `builder` lowers the facts of all objects, sorted by kind and name.
//!
//! A kind is one file, and one line in `kinds`.

mod addresses;
mod admin_network_policy;
mod builder;
mod decode;
mod duplicate;
mod flatten;
mod foreign;
mod kinds;
mod object;
mod parse;
mod path;
mod pod_template;
mod read;
mod reader;
mod scalar;
mod selector;
mod shape;
mod suppress;
mod tiered;
mod tree;
mod validate;
mod workload;
mod written;

mod cluster_network_policy;
mod convert;
mod cron_job;
mod daemon_set;
mod deployment;
mod endpoint_slice;
mod endpoints;
mod ingress;
mod ingress_class;
mod job;
mod namespace;
mod network_policy;
mod node;
mod pod;
mod replica_set;
mod replication_controller;
mod route;
mod service;
mod stateful_set;

use crate::model::{Cluster, Finding, Origin, Semantics};
use crate::source::{Document, DocumentId, PairedSources, Sources};
use ipnet::IpNet;
use rayon::prelude::*;
use read::{Read, batches, read_batch};
use std::collections::{BTreeMap, HashSet};

pub use addresses::{NodeAddresses, PodAddresses, apply_addresses};
pub use convert::{Conversion, Converted, to_cluster_network_policies};
pub use read::decode_at;
pub use suppress::{Suppression, identity_of, object_of, suppressions};
pub use written::{Node, Written, WrittenObject};

/// The apiVersion of intents. They are not of the cluster, and `intent` reads them.
pub const INTENT_API_VERSION: &str = "portolan.dev/v1";
/// Their kind.
pub const INTENT_KIND: &str = "ConnectivityIntent";
/// The kind of `portolan.yaml`, which is not of the cluster either, and which `lint` reads.
pub const CONFIG_KIND: &str = "Configuration";

/// What loading needs to know besides the documents.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The namespace of objects that name none (N11); `default` when empty.
    pub default_namespace: String,
    /// The switches that the specification leaves to implementations.
    pub semantics: Semantics,
    /// Ranges that pods get addresses from, besides the podCIDRs of Nodes in the input.
    pub pod_cidrs: Vec<IpNet>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        LoadOptions {
            default_namespace: "default".to_owned(),
            semantics: Semantics::default(),
            pod_cidrs: Vec::new(),
        }
    }
}

/// What loading gives.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The cluster that the documents describe.
    pub cluster: Cluster,
    /// What is wrong with them: sorted, without repetitions.
    pub findings: Vec<Finding>,
    /// How many documents were read.
    pub documents: usize,
    /// How many policies are in the input and not in the model, because the API server would
    /// reject them.
    pub policies_rejected: usize,
    /// Where intents stand.
    pub intents: Vec<Origin>,
    /// Objects of kinds that cannot change connectivity, by apiVersion and kind.
    pub other_kinds: BTreeMap<(String, String), usize>,
    /// Old revisions: ReplicaSets without replicas whose owner is not in the input.
    pub old_revisions: usize,
    /// Jobs that have finished.
    pub finished_jobs: usize,
}

/// Reads all documents into a cluster. Never fails; time is linear in the input's size, apart
/// from sorting, and spread over all cores up to the last step.
pub fn load(sources: &Sources, options: &LoadOptions) -> Loaded {
    let read = read(sources, sources.documents(), options);
    builder::build(sources, sources.len(), options, read)
}

/// Reads two sets of documents into a cluster each. What both have in common is parsed once, and
/// only then copied: two versions of a repository cost little more than one.
pub fn load_pair(paired: &PairedSources, options: &LoadOptions) -> [Loaded; 2] {
    let sources = &paired.sources;
    let in_old: HashSet<DocumentId> = paired.old.iter().copied().collect();
    let in_new: HashSet<DocumentId> = paired.new.iter().copied().collect();
    let of = |is_wanted: &dyn Fn(&DocumentId) -> bool| {
        let documents = sources.documents().filter(|(id, _)| is_wanted(id));
        read(sources, documents, options)
    };
    let is_shared = |(id, _): &(DocumentId, &Document)| in_old.contains(id) && in_new.contains(id);
    let namespace = namespace(options);
    // Copied where it was read, on every core.
    let parts: Vec<(Read, Read)> = batches(sources.documents().filter(is_shared))
        .into_par_iter()
        .map(|batch| {
            let read = read_batch(sources, &batch, namespace);
            (read.clone(), read)
        })
        .collect();
    let (copied, shared): (Vec<Read>, Vec<Read>) = parts.into_iter().unzip();
    let join = |parts: Vec<Read>| parts.into_iter().fold(Read::default(), Read::join);
    let only_old = of(&|id| in_old.contains(id) && !in_new.contains(id));
    let only_new = of(&|id| !in_old.contains(id) && in_new.contains(id));
    let (old_loaded, new_loaded) = rayon::join(
        || builder::build(sources, in_old.len(), options, join(copied).join(only_old)),
        || builder::build(sources, in_new.len(), options, join(shared).join(only_new)),
    );
    [old_loaded, new_loaded]
}

/// Where objects go that name no namespace (N11).
fn namespace(options: &LoadOptions) -> &str {
    match options.default_namespace.as_str() {
        "" => "default",
        namespace => namespace,
    }
}

fn read<'s>(
    sources: &'s Sources,
    documents: impl Iterator<Item = (DocumentId, &'s Document)>,
    options: &LoadOptions,
) -> Read {
    let namespace = namespace(options);
    let parts: Vec<Read> = batches(documents)
        .into_par_iter()
        .map(|batch| read_batch(sources, &batch, namespace))
        .collect();
    parts.into_iter().fold(Read::default(), Read::join)
}

/// Reads one text of any number of documents, for tests and small tools.
pub fn load_str(text: &str, options: &LoadOptions) -> Loaded {
    load(&Sources::from_text("input.yaml", text), options)
}

#[cfg(test)]
mod tests;
