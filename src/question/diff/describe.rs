//! Sets of units in the words of the manifests: namespaces and labels where those say it exactly,
//! names where not.

use super::Diff;
use crate::model::{Cluster, NamespaceId, Symbol};
use roaring::RoaringBitmap;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// A way to say some units. What terms say together is exactly the set.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Term {
    /// Every unit of the cluster but these few.
    Everyone {
        /// Indexes of units.
        but: Vec<usize>,
    },
    /// Every unit of a namespace but these few.
    Namespace {
        /// Its name.
        name: String,
        /// Indexes of units.
        but: Vec<usize>,
    },
    /// Every unit with a label, in a namespace or in any.
    Labelled {
        /// The namespace.
        namespace: Option<String>,
        /// The label's key.
        key: String,
        /// Its value.
        value: String,
    },
    /// One unit.
    Unit(usize),
}

/// Fewer units than this are called by their names.
const FEW: u64 = 3;

/// Labels that say which pod it is, and not what.
const NOT_SAID: [&str; 4] = [
    "pod-template-hash",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
];

/// A label in one namespace, or in any.
type Label = (Option<String>, String, String);

/// Which units one of the two clusters has, and by what they can be called.
#[derive(Debug)]
pub struct Describer {
    all: RoaringBitmap,
    by_namespace: BTreeMap<String, RoaringBitmap>,
    /// The labels of more than a few units with those units: those of any namespace come first.
    labels: Vec<(Label, RoaringBitmap)>,
    /// The numbers of each unit's labels.
    labels_of: HashMap<u32, Vec<u32>>,
    /// What was described already: groups share many of their ends.
    known: RefCell<HashMap<Vec<usize>, Rc<[Term]>>>,
}

impl Describer {
    /// Looks at the units of the old cluster (0) or of the new one (1). Linear in their labels.
    pub fn new(diff: &Diff, clusters: [&Cluster; 2], side: usize) -> Describer {
        let mut describer = Describer {
            all: RoaringBitmap::new(),
            by_namespace: BTreeMap::new(),
            labels: Vec::new(),
            labels_of: HashMap::new(),
            known: RefCell::default(),
        };
        let Some(cluster) = clusters.get(side) else {
            return describer;
        };
        let mut by_label: HashMap<(Option<NamespaceId>, Symbol, Symbol), RoaringBitmap> =
            HashMap::new();
        for (index, (unit, _)) in (0u32..).zip(&diff.pair.units) {
            let pods = unit.pods.get(side).map_or(&[][..], Vec::as_slice);
            let mut pods = pods.iter().filter_map(|&pod| cluster.pod(pod));
            let Some(first) = pods.next() else {
                continue;
            };
            describer.all.insert(index);
            let namespace = cluster.namespace_name(first.namespace).to_owned();
            let own = describer.by_namespace.entry(namespace).or_default();
            own.insert(index);
            // What all of its pods have.
            let mut labels: Vec<(Symbol, Symbol)> = first.labels.iter().collect();
            for pod in pods {
                labels.retain(|(key, value)| pod.labels.get(*key) == Some(*value));
            }
            for (key, value) in labels {
                for namespace in [None, Some(first.namespace)] {
                    let label = (namespace, key, value);
                    by_label.entry(label).or_default().insert(index);
                }
            }
        }
        let name = |symbol| cluster.symbols.name(symbol).to_owned();
        let mut labels: Vec<(Label, RoaringBitmap)> = by_label
            .into_iter()
            .filter(|(_, units)| units.len() >= FEW)
            .map(|((namespace, key, value), units)| {
                let namespace = namespace.map(|id| cluster.namespace_name(id).to_owned());
                ((namespace, name(key), name(value)), units)
            })
            .filter(|((_, key, _), _)| !NOT_SAID.contains(&key.as_str()))
            .collect();
        labels.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (number, (_, units)) in (0u32..).zip(&labels) {
            for unit in units {
                describer.labels_of.entry(unit).or_default().push(number);
            }
        }
        describer.labels = labels;
        describer
    }

    /// The units in words.
    pub fn describe(&self, units: &[usize]) -> Rc<[Term]> {
        if let Some(known) = self.known.borrow().get(units) {
            return Rc::clone(known);
        }
        let terms: Rc<[Term]> = self.terms(units).into();
        self.known
            .borrow_mut()
            .insert(units.to_vec(), Rc::clone(&terms));
        terms
    }

    fn terms(&self, units: &[usize]) -> Vec<Term> {
        let set: RoaringBitmap = units
            .iter()
            .filter_map(|&unit| u32::try_from(unit).ok())
            .collect();
        if self.all.len() > 1
            && let Some(but) = all_but(&self.all, &set)
        {
            return vec![Term::Everyone { but }];
        }
        let mut left = set.clone();
        let mut terms = Vec::new();
        for (name, own) in &self.by_namespace {
            if own.len() > 1
                && let Some(but) = all_but(own, &set)
            {
                left -= own;
                terms.push(Term::Namespace {
                    name: name.clone(),
                    but,
                });
            }
        }
        let mut candidates = RoaringBitmap::new();
        if left.len() >= FEW {
            for unit in &left {
                candidates.extend(self.labels_of.get(&unit).into_iter().flatten());
            }
        }
        let label = |number: u32| {
            let number = usize::try_from(number).ok();
            number.and_then(|number| self.labels.get(number))
        };
        let mut candidates: Vec<&(Label, RoaringBitmap)> = candidates
            .iter()
            .filter_map(label)
            .filter(|(_, own)| own.is_subset(&set))
            .collect();
        while left.len() >= FEW {
            candidates.retain(|(_, own)| own.intersection_len(&left) >= FEW);
            // Of equal ones, the first: those in any namespace come before those in one.
            let gains = candidates.iter().rev();
            let Some((label, own)) = gains.max_by_key(|(_, own)| own.intersection_len(&left))
            else {
                break;
            };
            let (namespace, key, value) = label.clone();
            left -= own;
            terms.push(Term::Labelled {
                namespace,
                key,
                value,
            });
        }
        terms.extend(indexes(&left).map(Term::Unit));
        terms
    }
}

/// The few that a set lacks of some units, if it is few.
fn all_but(own: &RoaringBitmap, set: &RoaringBitmap) -> Option<Vec<usize>> {
    let missing = own - set;
    let is_few = missing.is_empty() || missing.len() <= 2 && own.len() > 2 + 2 * missing.len();
    is_few.then(|| indexes(&missing).collect())
}

fn indexes(set: &RoaringBitmap) -> impl Iterator<Item = usize> {
    let indexes = set.iter();
    indexes.filter_map(|index| usize::try_from(index).ok())
}
