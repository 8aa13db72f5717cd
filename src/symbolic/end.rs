//! One end of a symbolic flow: the variables that policy can look at, and what holds of them.

use super::bits::{
    address, all, any, constant, in_block, one_of, v4_constant, v6_constant, width, within,
};
use super::encode::FlowTerms;
use super::query::{Addresses, EndSpec, Query};
use super::rows::{Row, RowAddress, node_rows, pod_rows};
use super::vocabulary::{Domain, Home, OTHERS, Vocabulary};
use crate::model::{AddressSet, Family, PodId, address_choices};
use ipnet::IpNet;
use std::cell::RefCell;
use std::collections::BTreeMap;
use z3::ast::{BV, Bool};

/// What must hold of the variables, collected until the solver is told.
pub(super) type Constraints = RefCell<Vec<Bool>>;

/// The variables of labels, by key.
pub(super) type LabelTerms = Vec<(String, BV)>;

/// An address as terms. Which of the two families counts is the flow's.
#[derive(Clone, Debug)]
pub(super) struct AddressTerms {
    /// Whether there is one that an ipBlock could match.
    pub(super) known: Bool,
    pub(super) v4: BV,
    pub(super) v6: BV,
}

/// An end.
#[derive(Debug)]
pub(super) struct End<'a> {
    name: &'static str,
    vocabulary: &'a Vocabulary,
    /// Whether selectors see it; `None` when they never do.
    pub(super) visible: Option<Bool>,
    /// The code of its namespace.
    pub(super) namespace: BV,
    pub(super) address: AddressTerms,
    /// The code of the node it is on, or is; 0 when not known.
    pub(super) node: BV,
    /// Whether it is no pod: of other addresses any may have a name.
    pub(super) may_have_name: bool,
    /// For ends that exist: which one, and all of them.
    pub(super) rows: Option<(BV, Vec<Row>)>,
    labels: RefCell<BTreeMap<String, BV>>,
    namespace_labels: RefCell<BTreeMap<String, BV>>,
}

impl<'a> End<'a> {
    /// The variables of an end, and what holds of those that every end has.
    pub(super) fn new(
        query: &Query<'a>,
        name: &'static str,
        flow: &FlowTerms,
        nodes: &[String],
        constraints: &Constraints,
    ) -> End<'a> {
        let spec = if name == "source" {
            &query.source
        } else {
            &query.destination
        };
        let vocabulary = query.vocabulary;
        let part = |part: &str| format!("{name}.{part}");
        let namespace_width = width(vocabulary.n_namespaces());
        let mut end = End {
            name,
            vocabulary,
            visible: None,
            namespace: BV::new_const(part("namespace"), namespace_width),
            address: AddressTerms {
                known: Bool::from_bool(true),
                v4: BV::new_const(part("v4"), 32),
                v6: BV::new_const(part("v6"), 128),
            },
            node: constant(0, width(nodes.len() + 1)),
            may_have_name: matches!(spec, EndSpec::Outside(_) | EndSpec::Nodes(_)),
            rows: None,
            labels: RefCell::default(),
            namespace_labels: RefCell::default(),
        };
        let world = query.worlds.first();
        match spec {
            EndSpec::Possible { .. } => {
                end.visible = Some(Bool::from_bool(true));
                let last = constant(vocabulary.n_namespaces().saturating_sub(1), namespace_width);
                end.must(constraints, end.namespace.bvule(&last));
                end.take_possible_address(&query.addresses, flow, constraints);
            }
            EndSpec::Outside(addresses) => {
                end.must(constraints, end.among(addresses, flow));
            }
            EndSpec::Existing(pods) => {
                if let Some(world) = world {
                    let rows = pod_rows(world, vocabulary, pods);
                    end.take_rows(rows, &world.cluster.pod_cidrs, nodes, flow, constraints);
                }
            }
            EndSpec::Nodes(ids) => {
                if let Some(world) = world {
                    let rows = node_rows(world.cluster, ids);
                    end.take_rows(rows, &[], nodes, flow, constraints);
                }
            }
        }
        end
    }

    fn must(&self, constraints: &Constraints, holds: Bool) {
        constraints.borrow_mut().push(holds);
    }

    fn take_possible_address(
        &mut self,
        addresses: &Addresses,
        flow: &FlowTerms,
        constraints: &Constraints,
    ) {
        match addresses {
            Addresses::Blind => self.address.known = Bool::from_bool(false),
            Addresses::Within(cidrs) => {
                self.must(constraints, self.in_cidrs(cidrs, flow));
            }
            Addresses::Any => {
                self.address.known = Bool::new_const(format!("{}.address", self.name));
            }
        }
    }

    /// The address of the flow's family is in one of the blocks; so there is no flow in a family
    /// that has no block.
    fn in_cidrs(&self, cidrs: &[IpNet], flow: &FlowTerms) -> Bool {
        let of = |family| {
            let variable = self.address_in(family);
            let blocks: Vec<Bool> = cidrs
                .iter()
                .filter(|net| Family::of(net.addr()) == family)
                .map(|net| in_block(variable, *net))
                .collect();
            any(&blocks)
        };
        flow.v6.ite(&of(Family::V6), &of(Family::V4))
    }

    fn address_in(&self, family: Family) -> &BV {
        match family {
            Family::V4 => &self.address.v4,
            Family::V6 => &self.address.v6,
        }
    }

    fn among(&self, addresses: &AddressSet, flow: &FlowTerms) -> Bool {
        let v4: Vec<Bool> = addresses
            .v4
            .ranges()
            .iter()
            .map(|&(first, last)| within(&self.address.v4, &v4_constant(first), &v4_constant(last)))
            .collect();
        let v6: Vec<Bool> = addresses
            .v6
            .ranges()
            .iter()
            .map(|&(first, last)| within(&self.address.v6, &v6_constant(first), &v6_constant(last)))
            .collect();
        flow.v6.ite(&any(&v6), &any(&v4))
    }

    /// The end is one of the rows; each says what holds of it.
    fn take_rows(
        &mut self,
        rows: Vec<Row>,
        cidrs: &[IpNet],
        nodes: &[String],
        flow: &FlowTerms,
        constraints: &Constraints,
    ) {
        let row = BV::new_const(format!("{}.row", self.name), width(rows.len()));
        let every: Vec<usize> = (0..rows.len()).collect();
        self.must(constraints, one_of(&row, every));
        let where_ = |wanted: &dyn Fn(&Row) -> bool| {
            let found = rows.iter().enumerate().filter(|(_, row)| wanted(row));
            one_of(&row, found.map(|(index, _)| index))
        };
        if rows.iter().any(|row| row.facts.visible) {
            self.visible = Some(where_(&|row| row.facts.visible));
        }
        self.address.known = where_(&|row| row.facts.address != RowAddress::Blind);
        self.node = BV::new_const(format!("{}.node", self.name), width(nodes.len() + 1));
        let within = where_(&|row| row.facts.address == RowAddress::Within);
        self.must(constraints, within.implies(self.in_cidrs(cidrs, flow)));
        for (code, index) in classes(&rows, |row| row.facts.namespace) {
            let is_code = self.namespace.eq(constant(code, self.namespace.get_size()));
            self.must(constraints, one_of(&row, index).implies(is_code));
        }
        let node_code = |row: &Row| {
            let known = row.facts.node.as_ref();
            known
                .and_then(|name| nodes.binary_search(name).ok())
                .map_or(0, |index| index + 1)
        };
        for (code, index) in classes(&rows, node_code) {
            let is_code = self.node.eq(constant(code, self.node.get_size()));
            self.must(constraints, one_of(&row, index).implies(is_code));
        }
        for family in Family::ALL {
            let of = |row: &Row| match row.facts.address {
                RowAddress::Known(..) => Some(row.address(family)),
                RowAddress::Within | RowAddress::Blind => None,
            };
            for (known, index) in classes(&rows, of) {
                let is_row = one_of(&row, index);
                let holds = match known {
                    None => continue,
                    // It has no address in this family, so there is no such flow.
                    Some(None) => flow.is(family).not(),
                    Some(Some(known)) => self.address_in(family).eq(address(known)),
                };
                self.must(constraints, is_row.implies(holds));
            }
        }
        self.rows = Some((row, rows));
    }

    /// The variable of a label of the pod.
    pub(super) fn label(&self, key: &str, domain: &Domain, constraints: &Constraints) -> BV {
        if let Some(known) = self.labels.borrow().get(key) {
            return known.clone();
        }
        let variable = BV::new_const(format!("{}.label:{key}", self.name), width(domain.len()));
        match &self.rows {
            None => {
                self.must(constraints, in_domain(&variable, domain));
                // One other value is enough: values of pods are not compared with each other.
                let second = constant(OTHERS[1], variable.get_size());
                self.must(constraints, variable.ne(second));
            }
            Some((row, rows)) => {
                let code = |row: &Row| {
                    let found = row.facts.labels.iter().find(|(known, _)| known == key);
                    found.map_or(0, |(_, code)| *code)
                };
                for (code, index) in classes(rows, code) {
                    let is_code = variable.eq(constant(code, variable.get_size()));
                    self.must(constraints, one_of(row, index).implies(is_code));
                }
            }
        }
        self.labels
            .borrow_mut()
            .insert(key.to_owned(), variable.clone());
        variable
    }

    /// The variable of a label of the pod's namespace. A namespace that is known fixes it.
    pub(super) fn namespace_label(
        &self,
        key: &str,
        domain: &Domain,
        constraints: &Constraints,
    ) -> BV {
        if let Some(known) = self.namespace_labels.borrow().get(key) {
            return known.clone();
        }
        let name = format!("{}.namespace.label:{key}", self.name);
        let variable = BV::new_const(name, width(domain.len()));
        self.must(constraints, in_domain(&variable, domain));
        let mut by_code: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for namespace in 0..self.vocabulary.n_namespaces() {
            if let Home::Fixed(labels) = self.vocabulary.home(namespace) {
                let code = labels.get(key).map_or(0, |value| domain.code(value));
                by_code.entry(code).or_default().push(namespace);
            }
        }
        for (code, namespaces) in by_code {
            let is_code = variable.eq(constant(code, variable.get_size()));
            self.must(
                constraints,
                one_of(&self.namespace, namespaces).implies(is_code),
            );
        }
        self.namespace_labels
            .borrow_mut()
            .insert(key.to_owned(), variable.clone());
        variable
    }

    /// The variables of labels that were made so far: the pod's and its namespace's.
    pub(super) fn known_labels(&self) -> (LabelTerms, LabelTerms) {
        let list = |map: &RefCell<BTreeMap<String, BV>>| -> Vec<(String, BV)> {
            map.borrow()
                .iter()
                .map(|(key, term)| (key.clone(), term.clone()))
                .collect()
        };
        (list(&self.labels), list(&self.namespace_labels))
    }

    /// One address term for each group of addresses that a pod without one could get and that no
    /// ipBlock tells apart. Pods whose address is known have it in all of them.
    pub(super) fn address_variants(&self, query: &Query<'_>) -> Vec<AddressTerms> {
        let just = vec![self.address.clone()];
        let (Some((row, rows)), Some(world)) = (&self.rows, query.worlds.first()) else {
            return just;
        };
        let open = |row: &Row| row.facts.address == RowAddress::Within;
        let index = rows.iter().enumerate().filter(|(_, row)| open(row));
        let index: Vec<usize> = index.map(|(index, _)| index).collect();
        let pod = rows.iter().find(|row| open(row)).and_then(Row::first_pod);
        let Some(pod) = pod.and_then(|id| world.cluster.pod(id)) else {
            return just;
        };
        let choices = |family| match address_choices(world.cluster, pod, family) {
            crate::model::AddressChoice::OneOf(addresses) => addresses,
            _ => Vec::new(),
        };
        let (v4, v6) = (choices(Family::V4), choices(Family::V6));
        let is_open = one_of(row, index);
        (0..v4.len().max(v6.len()).max(1))
            .map(|nth| {
                let pick = |choices: &[std::net::IpAddr], variable: &BV| {
                    let chosen = choices.get(nth).or(choices.first());
                    chosen.map_or(variable.clone(), |chosen| {
                        is_open.ite(&address(*chosen), variable)
                    })
                };
                AddressTerms {
                    known: self.address.known.clone(),
                    v4: pick(&v4, &self.address.v4),
                    v6: pick(&v6, &self.address.v6),
                }
            })
            .collect()
    }
}

impl Row {
    pub(super) fn first_pod(&self) -> Option<PodId> {
        match &self.members {
            super::rows::Members::Pods(pods) => pods.first().copied(),
            super::rows::Members::Node(_) => None,
        }
    }
}

/// The indexes of rows by what a function says of them.
fn classes<K: Ord>(rows: &[Row], of: impl Fn(&Row) -> K) -> BTreeMap<K, Vec<usize>> {
    let mut classes: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        classes.entry(of(row)).or_default().push(index);
    }
    classes
}

fn in_domain(variable: &BV, domain: &Domain) -> Bool {
    let last = constant(domain.len().saturating_sub(1), variable.get_size());
    all(&[variable.bvule(&last)])
}
