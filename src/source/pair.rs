//! Two sets of documents as one: what is there unchanged in both is there once.

use super::{DocumentId, Sources};
use std::collections::{HashMap, VecDeque};

/// The documents of two trees, old and new.
#[derive(Debug, Default)]
pub struct PairedSources {
    /// All documents: those of the new tree, then those of the old one.
    pub sources: Sources,
    /// The documents of the old tree. One with the same text as a document of the new tree, in
    /// whatever file, is that one.
    pub old: Vec<DocumentId>,
    /// The documents of the new tree.
    pub new: Vec<DocumentId>,
}

/// Puts two trees together. Linear in their size.
#[must_use]
pub fn pair_sources(old: Sources, new: Sources) -> PairedSources {
    let mut sources = new;
    let new: Vec<DocumentId> = sources.documents().map(|(id, _)| id).collect();
    let added = sources.append(old);
    let mut same: HashMap<_, VecDeque<DocumentId>> = HashMap::new();
    for &id in &new {
        same.entry(key(&sources, id)).or_default().push_back(id);
    }
    let own = |id: DocumentId| {
        let same = same.get_mut(&key(&sources, id));
        same.and_then(VecDeque::pop_front).unwrap_or(id)
    };
    let old = added.map(DocumentId).map(own).collect();
    PairedSources { sources, old, new }
}

/// What makes two documents read alike.
fn key(sources: &Sources, id: DocumentId) -> (&str, Option<(super::Format, super::Opening)>) {
    let document = sources.document(id);
    let how = document.map(|document| (document.format, document.opening));
    (sources.text(id), how)
}
