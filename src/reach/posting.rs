//! Posting lists: which elements have which label, so that a selector is a few bitmap
//! operations instead of a test of every pod.

use super::universe::{Element, Universe};
use super::{next_id, to_index};
use crate::model::{
    Cluster, IpBlock, NamespaceMatch, Operator, PeerKind, Pod, PortMatchKind, Protocol, Selector,
    Symbol, block_addresses,
};
use roaring::RoaringBitmap;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The index. Elements that selectors pass over (external ones, and hostNetwork pods under
/// N27 b) are in no posting list.
pub(super) struct Postings<'a> {
    cluster: &'a Cluster,
    universe: &'a Universe,
    selectable: RoaringBitmap,
    by_namespace: Vec<RoaringBitmap>,
    by_key: HashMap<Symbol, RoaringBitmap>,
    by_label: HashMap<(Symbol, Symbol), RoaringBitmap>,
    /// Elements by a named port of theirs (N18).
    by_port: HashMap<Symbol, Vec<(Protocol, u16, RoaringBitmap)>>,
    namespaces: RefCell<HashMap<&'a Selector, Rc<RoaringBitmap>>>,
    pods: RefCell<HashMap<(&'a NamespaceMatch, &'a Selector), Rc<RoaringBitmap>>>,
    blocks: RefCell<HashMap<&'a IpBlock, Rc<RoaringBitmap>>>,
}

impl<'a> Postings<'a> {
    /// Indexes every element. Linear in the labels of one pod per group.
    pub(super) fn new(cluster: &'a Cluster, universe: &'a Universe) -> Self {
        let mut postings = Postings {
            cluster,
            universe,
            selectable: RoaringBitmap::new(),
            by_namespace: vec![RoaringBitmap::new(); cluster.namespaces.len()],
            by_key: HashMap::new(),
            by_label: HashMap::new(),
            by_port: HashMap::new(),
            namespaces: RefCell::default(),
            pods: RefCell::default(),
            blocks: RefCell::default(),
        };
        for (index, element) in universe.elements.iter().enumerate() {
            if let Element::Pod { group, .. } = element
                && let Some(group) = universe.groups.get(to_index(group.0))
                && let Some(pod) = group.pods.first().and_then(|&pod| cluster.pod(pod))
            {
                postings.add(next_id(index), pod, group.node_traffic);
            }
        }
        postings
    }

    fn add(&mut self, element: u32, pod: &Pod, node_traffic: bool) {
        if node_traffic {
            return;
        }
        for port in &pod.ports {
            if let Some(name) = port.name {
                let known = self.by_port.entry(name).or_default();
                match known
                    .iter_mut()
                    .find(|(p, n, _)| (*p, *n) == (port.protocol, port.port))
                {
                    Some((_, _, elements)) => {
                        elements.insert(element);
                    }
                    None => known.push((port.protocol, port.port, [element].into_iter().collect())),
                }
            }
        }
        self.selectable.insert(element);
        if let Some(list) = self.by_namespace.get_mut(to_index(pod.namespace.0)) {
            list.insert(element);
        }
        for (key, value) in pod.labels.iter() {
            self.by_key.entry(key).or_default().insert(element);
            self.by_label
                .entry((key, value))
                .or_default()
                .insert(element);
        }
    }

    /// The pods that a subject or a peer selects (N12, N14).
    pub(super) fn pods(
        &self,
        namespaces: &'a NamespaceMatch,
        selector: &'a Selector,
    ) -> Rc<RoaringBitmap> {
        if let Some(known) = self.pods.borrow().get(&(namespaces, selector)) {
            return Rc::clone(known);
        }
        let mut found = match namespaces {
            NamespaceMatch::Same(namespace) => self
                .by_namespace
                .get(to_index(namespace.0))
                .cloned()
                .unwrap_or_default(),
            NamespaceMatch::Labels(selector) => self.in_namespaces(selector).as_ref().clone(),
        };
        for requirement in selector.requirements() {
            let with_key = self.by_key.get(&requirement.key);
            match &requirement.operator {
                Operator::In(values) => found &= self.with_values(requirement.key, values),
                Operator::NotIn(values) => found -= self.with_values(requirement.key, values),
                Operator::Exists => match with_key {
                    Some(elements) => found &= elements,
                    None => found.clear(),
                },
                Operator::DoesNotExist => {
                    if let Some(elements) = with_key {
                        found -= elements;
                    }
                }
            }
        }
        let found = Rc::new(found);
        self.pods
            .borrow_mut()
            .insert((namespaces, selector), Rc::clone(&found));
        found
    }

    fn in_namespaces(&self, selector: &'a Selector) -> Rc<RoaringBitmap> {
        if selector.is_everything() {
            return Rc::new(self.selectable.clone());
        }
        if let Some(known) = self.namespaces.borrow().get(selector) {
            return Rc::clone(known);
        }
        let mut found = RoaringBitmap::new();
        for (namespace, elements) in self.cluster.namespaces.iter().zip(&self.by_namespace) {
            if selector.matches(&namespace.labels) {
                found |= elements;
            }
        }
        let found = Rc::new(found);
        self.namespaces
            .borrow_mut()
            .insert(selector, Rc::clone(&found));
        found
    }

    fn with_values(&self, key: Symbol, values: &[Symbol]) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        for &value in values {
            if let Some(elements) = self.by_label.get(&(key, value)) {
                found |= elements;
            }
        }
        found
    }

    /// The elements that a peer may match, where that is not known: addresses outside, for a name.
    pub(super) fn perhaps(&self, peer: &PeerKind) -> RoaringBitmap {
        match peer {
            PeerKind::Domain { holds: None, .. } => self.outside(),
            _ => RoaringBitmap::new(),
        }
    }

    fn outside(&self) -> RoaringBitmap {
        self.universe.externals().map(|(id, _)| id.0).collect()
    }

    /// The elements that a peer surely matches.
    pub(super) fn peer(&self, peer: &'a PeerKind) -> Rc<RoaringBitmap> {
        match peer {
            PeerKind::Pods { namespaces, pods } => self.pods(namespaces, pods),
            PeerKind::IpBlock(block) => {
                if let Some(known) = self.blocks.borrow().get(block) {
                    return Rc::clone(known);
                }
                let found = Rc::new(self.universe.with_address_in(&block_addresses(block)));
                self.blocks.borrow_mut().insert(block, Rc::clone(&found));
                found
            }
            PeerKind::Domain {
                holds: Some(true), ..
            } => Rc::new(self.outside()),
            PeerKind::Domain { .. } => Rc::default(),
        }
    }

    /// The ports that a name stands for, each with the elements on which it does (N18).
    pub(super) fn named(&self, port: &PortMatchKind) -> Vec<(Protocol, u16, &RoaringBitmap)> {
        let PortMatchKind::Named { protocol, name } = port else {
            return Vec::new();
        };
        let known = self.by_port.get(name).map_or(&[][..], Vec::as_slice);
        known
            .iter()
            .filter(|(p, _, _)| protocol.is_none_or(|wanted| wanted == *p))
            .map(|(p, number, elements)| (*p, *number, elements))
            .collect()
    }
}
