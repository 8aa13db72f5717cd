//! How peers are held: in sets of each class, or as identities.
//!
//! Sets cost a packet one look-up for each distinct kind of traffic and a node one element for
//! each peer of each class. Identities cost a packet two look-ups more, and hold each peer once.
//! They take no scratch register: an identity is a chain that the peer's address leads to, and in
//! it the pod's own address leads to what may be done. So marks and priorities of packets, which
//! others use, stay as they are.

use super::emit::{
    ChainText, ClassComments, Collection, Emitted, RowComments, direction_words, last_rules,
    single_addresses,
};
use super::words::{FAMILIES, FamilyWords, content_name, elements, traffic_conditions};
use crate::dataplane::identity::{Identity, identities};
use crate::dataplane::table::{Class, Traffic};
use crate::model::{AddressSet, Direction};
use std::collections::{BTreeMap, BTreeSet};

/// Which design to use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DesignChoice {
    /// Identities where they are several times smaller, and sets elsewhere.
    #[default]
    Smaller,
    /// Sets of each class's peers.
    Sets,
    /// Identities.
    Identities,
}

/// How the peers of a direction are held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Design {
    /// The direction.
    pub direction: Direction,
    /// Whether as identities.
    pub is_identities: bool,
    /// Whether it was asked for.
    pub is_forced: bool,
    /// The elements that sets take.
    pub merged: usize,
    /// The elements that identities take; `None` when they were not asked for, or too many.
    pub identities: Option<usize>,
}

/// Sets that are smaller than this together are small enough.
const SMALL: usize = 1000;
/// Identities have to be this many times smaller.
const WORTH: usize = 4;
/// More chains and maps than this are slow to load.
const MOST_IDENTITIES: usize = 1024;

impl Design {
    /// Why it was chosen, in words.
    pub fn why(&self) -> String {
        let merged = self.merged;
        if self.is_forced {
            return "it was asked for".to_owned();
        }
        match (self.is_identities, self.identities) {
            (true, Some(identities)) => format!(
                "sets of each class's peers would take {merged} elements, more than {WORTH} times \
                 the {identities} of identities"
            ),
            (_, Some(identities)) => format!(
                "sets of each class's peers take {merged} elements, no more than {WORTH} times the \
                 {identities} of identities, and cost a packet less"
            ),
            (_, None) if merged < SMALL => format!(
                "sets of each class's peers take {merged} elements, which is little, and cost a \
                 packet less"
            ),
            (_, None) => format!(
                "sets of each class's peers take {merged} elements, and there would be more than \
                 {MOST_IDENTITIES} identities, each a chain and maps of its own"
            ),
        }
    }
}

fn n_elements(set: &AddressSet) -> usize {
    set.v4.ranges().len() + set.v6.ranges().len()
}

/// Chooses for the classes of a direction; the identities when they were chosen.
pub(super) fn choose(
    choice: DesignChoice,
    direction: Direction,
    classes: &[&Class],
) -> (Design, Option<Vec<Identity>>) {
    let peers: BTreeSet<&AddressSet> = classes
        .iter()
        .flat_map(|class| class.rows.iter().map(|row| &row.peers))
        .collect();
    let mut design = Design {
        direction,
        is_identities: false,
        is_forced: choice != DesignChoice::Smaller,
        merged: peers.into_iter().map(n_elements).sum(),
        identities: None,
    };
    let is_forced = choice == DesignChoice::Identities;
    if choice == DesignChoice::Sets || (design.merged < SMALL && !is_forced) {
        return (design, None);
    }
    let found = identities(classes);
    if found.len() > MOST_IDENTITIES && !is_forced {
        return (design, None);
    }
    let subjects = |identity: &Identity| -> usize {
        let classes = identity
            .rows
            .iter()
            .filter_map(|(class, _)| classes.get(*class));
        // Each pod is looked up by itself.
        classes.map(|class| class.pods.len()).sum()
    };
    let size = found
        .iter()
        .map(|identity| n_elements(&identity.addresses) + subjects(identity))
        .sum::<usize>();
    design.identities = Some(size);
    design.is_identities = is_forced || design.merged > WORTH * size;
    let chosen = design.is_identities.then_some(found);
    (design, chosen)
}

/// Adds a chain whose name is made of its rules, and returns the name.
fn add_chain(
    emitted: &mut Emitted,
    prefix: &str,
    rules: Vec<String>,
    comments: Vec<String>,
) -> String {
    let name = content_name(prefix, &rules);
    if emitted.class_chains.iter().all(|(known, _)| *known != name) {
        let chain = ChainText {
            declaration: String::new(),
            rules: rules.into_iter().map(|rule| (Vec::new(), rule)).collect(),
            comments,
        };
        emitted.class_chains.push((name.clone(), chain));
    }
    name
}

/// Adds a map whose name is made of its elements, and returns the name.
fn add_map(
    emitted: &mut Emitted,
    prefix: &str,
    words: &FamilyWords,
    interval: bool,
    elements: Vec<String>,
) -> String {
    let digit = words.digit;
    let name = content_name(&format!("{prefix}{digit}_"), &elements);
    let flags = if interval { "; flags interval" } else { "" };
    emitted
        .fixed_sets
        .entry(name.clone())
        .or_insert_with(|| Collection {
            kind: "map",
            declaration: format!("type {} : verdict{flags}", words.key),
            elements,
            comments: Vec::new(),
        });
    name
}

/// Emits a direction's identities, and returns the chain that all of its classes go to.
pub(super) fn identity_chains(
    emitted: &mut Emitted,
    direction: Direction,
    classes: &[&Class],
    identities: &[Identity],
    class_comments: ClassComments<'_>,
    row_comments: RowComments<'_>,
) -> String {
    let words = direction_words(direction);
    let (prefix, subject, peer) = (words.prefix, words.subject, words.peer);
    let end = add_chain(
        emitted,
        &format!("{prefix}e_"),
        last_rules(words.verdict),
        vec![format!("{}: what no rule lets through", direction.name())],
    );
    let mut by_traffic: BTreeMap<&Traffic, String> = BTreeMap::new();
    // A chain of some traffic is for all rows that let it through, so it names the rules behind all.
    let mut behind: BTreeMap<&Traffic, BTreeSet<String>> = BTreeMap::new();
    for (class, row) in classes
        .iter()
        .flat_map(|class| class.rows.iter().map(move |row| (class, row)))
    {
        behind
            .entry(&row.traffic)
            .or_default()
            .extend(row_comments(class, row));
    }
    let mut to_identity: [Vec<(String, bool)>; 2] = Default::default();
    for (number, identity) in identities.iter().enumerate() {
        let mut maps: [Vec<String>; 2] = Default::default();
        for &(class, row) in &identity.rows {
            let Some(class) = classes.get(class) else {
                continue;
            };
            let Some(row) = class.rows.get(row) else {
                continue;
            };
            let chain = by_traffic.entry(&row.traffic).or_insert_with(|| {
                let mut rules: Vec<String> = traffic_conditions(&row.traffic)
                    .into_iter()
                    .map(|condition| format!("{condition}{}", words.verdict))
                    .collect();
                rules.push(format!("goto {end}"));
                let comments = behind.remove(&row.traffic).unwrap_or_default();
                add_chain(
                    emitted,
                    &format!("{prefix}p_"),
                    rules,
                    Vec::from_iter(comments),
                )
            });
            for (elements, words) in maps.iter_mut().zip(&FAMILIES) {
                let pods = single_addresses(&class.addresses, words);
                elements.extend(pods.into_iter().map(|pod| format!("{pod} : goto {chain}")));
            }
        }
        let mut rules = Vec::new();
        for (elements, words) in maps.into_iter().zip(&FAMILIES) {
            if !elements.is_empty() {
                let map = add_map(emitted, &format!("{prefix}m"), words, false, elements);
                rules.push(format!("{} {subject} vmap @{map}", words.protocol));
            }
        }
        rules.push(format!("goto {end}"));
        let n = n_elements(&identity.addresses);
        let comment = format!(
            "{}: what identity {number} may do ({n} addresses or blocks)",
            direction.name()
        );
        let chain = add_chain(emitted, &format!("{prefix}i_"), rules, vec![comment]);
        for (list, words) in to_identity.iter_mut().zip(&FAMILIES) {
            let (ranges, single) = elements(&identity.addresses, words.family);
            list.extend(
                ranges
                    .into_iter()
                    .map(|range| (format!("{range} : goto {chain}"), single)),
            );
        }
    }
    let mut rules = Vec::new();
    for (list, words) in to_identity.into_iter().zip(&FAMILIES) {
        if list.is_empty() {
            continue;
        }
        let interval = list.iter().any(|(_, single)| !single);
        let elements = list.into_iter().map(|(element, _)| element).collect();
        let map = add_map(emitted, &format!("{prefix}a"), words, interval, elements);
        rules.push(format!("{} {peer} vmap @{map}", words.protocol));
    }
    rules.push(format!("goto {end}"));
    let comments = classes
        .iter()
        .flat_map(|class| class_comments(class))
        .collect();
    add_chain(emitted, &format!("{prefix}_"), rules, comments)
}
