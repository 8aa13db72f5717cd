//! What selectors can tell apart: the finite domains of all label keys, namespaces and port
//! names. Two values that no selector mentions are alike to all of them, so "some other value"
//! stands for all values there could ever be.

use super::selection::PodSelection;
use crate::model::{
    Cluster, Direction, METADATA_NAME, NamespaceMatch, Operator, PeerKind, PortMatchKind, Selector,
    Symbol, Symbols,
};
use std::collections::{BTreeMap, BTreeSet};

/// The values of a key. Codes: 0 is absent, 1 and 2 are two other values (two, so that two pods
/// can differ in a value that no selector mentions), then the mentioned values in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Domain {
    /// The values that selectors mention, sorted.
    values: Vec<String>,
}

/// The code of an absent key.
pub(super) const ABSENT: usize = 0;
/// The codes of values that no selector mentions.
pub(super) const OTHERS: [usize; 2] = [1, 2];
const FIRST_MENTIONED: usize = 3;

impl Domain {
    /// The number of codes.
    pub(super) fn len(&self) -> usize {
        self.values.len() + FIRST_MENTIONED
    }

    /// The code of a value; that of an other one when no selector mentions it.
    pub(super) fn code(&self, value: &str) -> usize {
        match self
            .values
            .binary_search_by(|known| known.as_str().cmp(value))
        {
            Ok(index) => index + FIRST_MENTIONED,
            Err(_) => OTHERS[0],
        }
    }

    /// The code of a value that a selector mentions.
    pub(super) fn mentioned(&self, value: &str) -> Option<usize> {
        let found = self
            .values
            .binary_search_by(|known| known.as_str().cmp(value));
        found.ok().map(|index| index + FIRST_MENTIONED)
    }

    /// The value that a code stands for, one made up for the others.
    pub(super) fn value(&self, code: usize) -> Option<String> {
        if code == ABSENT {
            return None;
        }
        match code.checked_sub(FIRST_MENTIONED) {
            Some(index) => self.values.get(index).cloned(),
            None => Some(unused(["other", "another"], code, |name| {
                self.mentioned(name).is_some()
            })),
        }
    }
}

/// A name that is not taken: the first or second of the two, by code.
fn unused(names: [&str; 2], code: usize, is_taken: impl Fn(&str) -> bool) -> String {
    let [first, second] = names;
    let mut name = if code == OTHERS[0] { first } else { second }.to_owned();
    while is_taken(&name) {
        name.push('x');
    }
    name
}

/// What is known of a namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Home {
    /// Its labels: it has a manifest, or pods of the input are in it.
    Fixed(BTreeMap<String, String>),
    /// Only its name, which something mentions. Its labels may be anything.
    Free,
}

/// The vocabulary of one or two clusters and of what is asked about them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Vocabulary {
    pod_keys: BTreeMap<String, Domain>,
    namespace_keys: BTreeMap<String, Domain>,
    /// Sorted by name. The code of a namespace is its index here; the two codes after the last
    /// are namespaces that nothing mentions.
    namespaces: Vec<(String, Home)>,
    port_names: BTreeSet<String>,
}

/// Collects strings.
#[derive(Default)]
struct Mentions {
    pod_keys: BTreeMap<String, BTreeSet<String>>,
    namespace_keys: BTreeMap<String, BTreeSet<String>>,
    namespaces: BTreeMap<String, Home>,
    port_names: BTreeSet<String>,
}

impl Mentions {
    fn selector(
        symbols: &Symbols,
        selector: &Selector,
        keys: &mut BTreeMap<String, BTreeSet<String>>,
    ) {
        for requirement in selector.requirements() {
            let key = symbols.name(requirement.key);
            if !keys.contains_key(key) {
                keys.insert(key.to_owned(), BTreeSet::new());
            }
            if let (Some(values), Operator::In(listed) | Operator::NotIn(listed)) =
                (keys.get_mut(key), &requirement.operator)
            {
                for value in listed {
                    let value = symbols.name(*value);
                    if !values.contains(value) {
                        values.insert(value.to_owned());
                    }
                }
            }
        }
    }

    fn pods(&mut self, cluster: &Cluster, namespaces: &NamespaceMatch, pods: &Selector) {
        if let NamespaceMatch::Labels(selector) = namespaces {
            Mentions::selector(&cluster.symbols, selector, &mut self.namespace_keys);
        }
        Mentions::selector(&cluster.symbols, pods, &mut self.pod_keys);
    }

    fn cluster(&mut self, cluster: &Cluster) {
        for policy in &cluster.policies {
            self.pods(cluster, &policy.subject.namespaces, &policy.subject.pods);
            for direction in Direction::ALL {
                for rule in policy.rules(direction).unwrap_or_default() {
                    for peer in rule.peers.iter().flatten() {
                        if let PeerKind::Pods { namespaces, pods } = &peer.kind {
                            self.pods(cluster, namespaces, pods);
                        }
                    }
                    for port in rule.ports.iter().flatten() {
                        if let PortMatchKind::Named { name, .. } = &port.kind {
                            self.port_name(cluster, *name);
                        }
                    }
                }
            }
        }
        let inhabited: BTreeSet<_> = cluster.pods.iter().map(|pod| pod.namespace).collect();
        for (id, namespace) in (0u32..)
            .map(crate::model::NamespaceId)
            .zip(&cluster.namespaces)
        {
            let home = if namespace.origin.is_some() || inhabited.contains(&id) {
                let text = |symbol| cluster.symbols.name(symbol).to_owned();
                let labels = namespace.labels.iter();
                Home::Fixed(
                    labels
                        .map(|(key, value)| (text(key), text(value)))
                        .collect(),
                )
            } else {
                Home::Free
            };
            // Of two clusters, the first that knows the labels says.
            let known = self
                .namespaces
                .entry(namespace.name.clone())
                .or_insert(Home::Free);
            if *known == Home::Free {
                *known = home;
            }
        }
    }

    fn port_name(&mut self, cluster: &Cluster, name: Symbol) {
        self.port_names
            .insert(cluster.symbols.name(name).to_owned());
    }
}

impl Vocabulary {
    /// The vocabulary of clusters, of selections made with the first one's symbols, and of the
    /// label keys by whose values namespaces are compared. Linear in the size of all of them.
    pub fn new<'a>(
        clusters: &[&Cluster],
        selections: impl IntoIterator<Item = &'a PodSelection>,
        port_names: impl IntoIterator<Item = Symbol>,
        namespace_keys: impl IntoIterator<Item = String>,
    ) -> Vocabulary {
        let mut mentions = Mentions::default();
        for cluster in clusters {
            mentions.cluster(cluster);
        }
        if let Some(first) = clusters.first() {
            for selection in selections {
                mentions.pods(first, &selection.namespaces, &selection.pods);
            }
            for name in port_names {
                mentions.port_name(first, name);
            }
        }
        for key in namespace_keys {
            // Values of this key are compared with each other, so all of them matter.
            let homes = mentions.namespaces.values();
            let values: Vec<String> = homes
                .filter_map(|home| match home {
                    Home::Fixed(labels) => labels.get(&key).cloned(),
                    Home::Free => None,
                })
                .collect();
            mentions
                .namespace_keys
                .entry(key)
                .or_default()
                .extend(values);
        }
        // The name of a namespace is its own variable, and what selectors say of it a name.
        for name in mentions
            .namespace_keys
            .remove(METADATA_NAME)
            .unwrap_or_default()
        {
            mentions.namespaces.entry(name).or_insert(Home::Free);
        }
        let domains = |keys: BTreeMap<String, BTreeSet<String>>| {
            let domain = |values: BTreeSet<String>| Domain {
                values: values.into_iter().collect(),
            };
            keys.into_iter()
                .map(|(key, values)| (key, domain(values)))
                .collect()
        };
        Vocabulary {
            pod_keys: domains(mentions.pod_keys),
            namespace_keys: domains(mentions.namespace_keys),
            namespaces: mentions.namespaces.into_iter().collect(),
            port_names: mentions.port_names,
        }
    }

    pub(super) fn pod_domain(&self, key: &str) -> Option<&Domain> {
        self.pod_keys.get(key)
    }

    pub(super) fn namespace_domain(&self, key: &str) -> Option<&Domain> {
        self.namespace_keys.get(key)
    }

    /// The number of codes of namespaces.
    pub(super) fn n_namespaces(&self) -> usize {
        self.namespaces.len() + OTHERS.len()
    }

    /// The code of a namespace.
    pub(super) fn namespace_code(&self, name: &str) -> Option<usize> {
        let found = self
            .namespaces
            .binary_search_by(|(known, _)| known.as_str().cmp(name));
        found.ok()
    }

    /// The name that a code stands for, one made up for those that nothing mentions.
    pub(super) fn namespace_name(&self, code: usize) -> String {
        match self.namespaces.get(code) {
            Some((name, _)) => name.clone(),
            None => {
                let nth = code
                    .saturating_sub(self.namespaces.len())
                    .saturating_add(OTHERS[0]);
                unused(["new-namespace", "newer-namespace"], nth, |name| {
                    self.namespace_code(name).is_some()
                })
            }
        }
    }

    /// What is known of the namespace of a code.
    pub(super) fn home(&self, code: usize) -> &Home {
        self.namespaces
            .get(code)
            .map_or(&Home::Free, |(_, home)| home)
    }

    /// Every key that selectors of pods mention.
    pub fn pod_keys(&self) -> impl Iterator<Item = &str> {
        self.pod_keys.keys().map(String::as_str)
    }
}
