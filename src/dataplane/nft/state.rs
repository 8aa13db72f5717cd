//! What the kernel holds after some commands: the form that both readers build, and out of
//! which the neutral program comes.
//!
//! Everything that is not understood exactly is an error. So is what nft would refuse, such as
//! overlapping intervals: a ruleset that does not load enforces nothing.

use crate::model::{
    AddressSet, Chain, ChainId, Decision, End, Entry, Family, Hook, Match, PortSet, Program,
    RangeSet, SetId, Step, Then, Tracking, Transport,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What sets and maps are keyed by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// An address of a family.
    Address(Family),
    /// Two addresses of a family, one after the other.
    Pair(Family),
}

impl Key {
    /// The key of a type as nft spells it.
    pub(super) fn from_types(types: &[&str]) -> Option<Key> {
        match types {
            ["ipv4_addr"] => Some(Key::Address(Family::V4)),
            ["ipv6_addr"] => Some(Key::Address(Family::V6)),
            ["ipv4_addr", "ipv4_addr"] => Some(Key::Pair(Family::V4)),
            ["ipv6_addr", "ipv6_addr"] => Some(Key::Pair(Family::V6)),
            _ => None,
        }
    }

    fn family(self) -> Family {
        match self {
            Key::Address(family) | Key::Pair(family) => family,
        }
    }
}

/// An inclusive range of addresses of one family, as numbers.
pub(super) type Range = (u128, u128);

/// A set or map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collection {
    /// Its key.
    pub key: Key,
    /// Whether it can hold intervals.
    pub interval: bool,
    /// Whether it maps to verdicts.
    pub is_map: bool,
    /// Its elements: first address to last address and verdict. Of pairs, both halves are the
    /// same address: no other pairs are understood.
    elements: BTreeMap<u128, (u128, Option<Verdict>)>,
}

impl Collection {
    pub(super) fn new(key: Key, interval: bool, is_map: bool) -> Collection {
        Collection {
            key,
            interval,
            is_map,
            elements: BTreeMap::new(),
        }
    }

    /// Adds an element; the same one twice is as good as once.
    pub(super) fn add(
        &mut self,
        (first, last): Range,
        verdict: Option<Verdict>,
    ) -> Result<(), String> {
        if !self.interval && first != last {
            return Err("a set without `flags interval` holds single addresses only".to_owned());
        }
        if verdict.is_some() != self.is_map {
            return Err("an element of a map has a verdict, and one of a set has none".to_owned());
        }
        let before = self.elements.range(..=last).next_back();
        if let Some((&other, (other_last, other_verdict))) = before
            && *other_last >= first
        {
            let same = (other, *other_last) == (first, last) && *other_verdict == verdict;
            return if same {
                Ok(())
            } else {
                Err("an element overlaps another one: nft would not load it".to_owned())
            };
        }
        self.elements.insert(first, (last, verdict));
        Ok(())
    }

    /// Takes away an element that is there.
    pub(super) fn delete(&mut self, (first, last): Range) -> Result<(), String> {
        match self.elements.remove(&first) {
            Some((found, _)) if found == last => Ok(()),
            _ => Err("there is no such element: nft would not load it".to_owned()),
        }
    }

    pub(super) fn clear(&mut self) {
        self.elements.clear();
    }

    /// The elements: first and last address, and verdict.
    pub(super) fn elements(&self) -> impl Iterator<Item = (Range, Option<&Verdict>)> {
        let each = self.elements.iter();
        each.map(|(first, (last, verdict))| ((*first, *last), verdict.as_ref()))
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The addresses of the elements with a verdict, or of all elements of a set.
    fn addresses(&self, verdict: Option<&Verdict>) -> AddressSet {
        let chosen = self
            .elements
            .iter()
            .filter(|(_, (_, of))| of.as_ref() == verdict);
        set_of(
            self.key.family(),
            chosen.map(|(first, (last, _))| (*first, *last)),
        )
    }

    fn verdicts(&self) -> Vec<&Verdict> {
        let mut verdicts: Vec<&Verdict> = self
            .elements
            .values()
            .filter_map(|(_, v)| v.as_ref())
            .collect();
        verdicts.sort();
        verdicts.dedup();
        verdicts
    }
}

/// Ranges of a family as a set. Numbers beyond the family's last address cannot be read.
pub(super) fn set_of(family: Family, ranges: impl Iterator<Item = Range>) -> AddressSet {
    let mut set = AddressSet::default();
    match family {
        Family::V4 => {
            let small = |n: u128| u32::try_from(n).unwrap_or(u32::MAX);
            set.v4 = RangeSet::from_ranges(ranges.map(|(a, b)| (small(a), small(b))));
        }
        Family::V6 => set.v6 = RangeSet::from_ranges(ranges),
    }
    set
}

/// What a rule or an element does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// `accept`.
    Accept,
    /// `drop`.
    Drop,
    /// `return`.
    Return,
    /// `goto CHAIN`.
    Goto(String),
    /// `jump CHAIN`.
    Jump(String),
}

/// One condition of a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// `meta nfproto`.
    Family(Family),
    /// `ip saddr ADDRESS`.
    Literal(End, AddressSet),
    /// `ip saddr @SET`, or with `!=`.
    Set {
        /// Which end.
        end: End,
        /// Of which family.
        family: Family,
        /// The name of the set.
        name: String,
        /// Whether it must not be in it.
        negated: bool,
    },
    /// `ip saddr . ip daddr @SET`.
    Pair(Family, String),
    /// Protocols, `meta l4proto` for example.
    Transport(Vec<Transport>),
    /// A destination port, whatever the protocol.
    Port(PortSet),
    /// A destination port of one of these protocols.
    PortOf(Vec<Transport>, PortSet),
    /// `ct state`.
    State(Vec<Tracking>),
    /// `ct direction`; `true` for replies.
    Reply(bool),
}

/// What a rule does in the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// A verdict.
    Verdict(Verdict),
    /// `ip saddr vmap @MAP`.
    Map(End, Family, String),
}

/// A rule. Two are equal when they say the same, wherever they stand.
#[derive(Clone, Debug)]
pub struct Rule {
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Then this.
    pub action: Action,
    /// As it was written.
    pub text: Arc<str>,
    /// Its line; 0 in a listing.
    pub line: usize,
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        (&self.conditions, &self.action) == (&other.conditions, &other.action)
    }
}

impl Eq for Rule {}

/// A base chain's declaration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Base {
    /// Its hook.
    pub hook: Hook,
    /// What happens at its end.
    pub policy: Decision,
}

/// A chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChainState {
    /// Whether packets come in here.
    pub base: Option<Base>,
    /// Its rules in order.
    pub rules: Vec<Rule>,
}

/// The table.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// Sets and maps.
    pub collections: BTreeMap<String, Collection>,
    /// Chains.
    pub chains: BTreeMap<String, ChainState>,
}

/// How many chains can lead on to each other, as the kernel counts.
const DEEPEST: usize = 16;

/// The only priority that is emitted, and so the only one that is read.
pub(super) const PRIORITY: i64 = -1;

/// The types of [`Transport::Discovery`], sorted, as nft spells them.
pub(super) const DISCOVERY: [&str; 8] = [
    "mld-listener-done",
    "mld-listener-query",
    "mld-listener-report",
    "mld2-listener-report",
    "nd-neighbor-advert",
    "nd-neighbor-solicit",
    "nd-router-advert",
    "nd-router-solicit",
];

/// The protocols that `meta l4proto` is compared with.
pub(super) fn transports(names: &[&str], negated: bool) -> Option<Vec<Transport>> {
    let mut found = Vec::new();
    for name in names {
        found.push(match *name {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            "sctp" => Transport::Sctp,
            _ => return None,
        });
    }
    Some(if negated {
        let mut others = Transport::ALL.to_vec();
        others.retain(|known| !found.contains(known));
        others
    } else {
        found
    })
}

/// What `ct state` is compared with.
pub(super) fn states(names: &[&str]) -> Option<Vec<Tracking>> {
    let mut found = Vec::new();
    for name in names {
        match *name {
            "new" => found.push(Tracking::New),
            "established" => found.extend([Tracking::Original, Tracking::Reply]),
            "related" => found.push(Tracking::Related),
            "invalid" => found.push(Tracking::Invalid),
            "untracked" => found.push(Tracking::Untracked),
            _ => return None,
        }
    }
    Some(found)
}

impl State {
    /// The neutral program that this is. Chains that no packet can come to are left out.
    pub fn program(&self) -> Result<Program, String> {
        let mut lowering = Lowering {
            state: self,
            program: Program::default(),
            sets: BTreeMap::new(),
            chains: BTreeMap::new(),
            open: Vec::new(),
        };
        for (name, chain) in &self.chains {
            let Some(base) = chain.base else { continue };
            if lowering.program.entry(base.hook).is_some() {
                let hook = base.hook.name();
                return Err(format!("two base chains at the hook `{hook}`"));
            }
            let id = lowering.chain(name)?;
            lowering.program.entries.push(Entry {
                hook: base.hook,
                chain: id,
                policy: base.policy,
            });
        }
        Ok(lowering.program)
    }

    /// This with something too much everywhere, as an earlier version could have left it: a file
    /// that forgets to flush does not get rid of that.
    pub fn soiled(&self) -> State {
        let mut soiled = self.clone();
        for chain in soiled.chains.values_mut() {
            chain.rules.push(Rule {
                conditions: Vec::new(),
                action: Action::Verdict(Verdict::Accept),
                text: Arc::from("accept"),
                line: 0,
            });
        }
        for collection in soiled.collections.values_mut() {
            let verdict = collection.is_map.then_some(Verdict::Accept);
            // Some address that it does not hold, if there is one among these.
            for address in 0..16 {
                if collection.add((address, address), verdict.clone()).is_ok() {
                    break;
                }
            }
        }
        soiled
    }

    /// The chains that no packet can come to.
    pub fn unreachable(&self) -> Vec<&str> {
        let reached = match self.program() {
            Ok(program) => program,
            Err(_) => return Vec::new(),
        };
        let is_reached = |name: &str| reached.chains.iter().any(|chain| chain.name == name);
        let names = self.chains.keys().map(String::as_str);
        names.filter(|name| !is_reached(name)).collect()
    }
}

struct Lowering<'a> {
    state: &'a State,
    program: Program,
    sets: BTreeMap<String, SetId>,
    chains: BTreeMap<String, ChainId>,
    /// The chains on the way here, to find loops.
    open: Vec<String>,
}

impl<'a> Lowering<'a> {
    fn chain(&mut self, name: &str) -> Result<ChainId, String> {
        if self.open.iter().any(|open| open == name) {
            return Err(format!("chain `{name}` leads back to itself"));
        }
        if let Some(&known) = self.chains.get(name) {
            return Ok(known);
        }
        let state = self.state;
        let chain = state
            .chains
            .get(name)
            .ok_or_else(|| format!("there is no chain `{name}`"))?;
        if self.open.len() >= DEEPEST {
            return Err(format!(
                "chains lead to each other more than {DEEPEST} deep: nft would not load it"
            ));
        }
        self.open.push(name.to_owned());
        let mut steps = Vec::with_capacity(chain.rules.len());
        for rule in &chain.rules {
            let step = self.step(rule).map_err(|problem| {
                format!("{problem}, in the rule `{}` of chain `{name}`", rule.text)
            })?;
            steps.push(step);
        }
        self.open.pop();
        let id = ChainId(self.program.chains.len());
        self.program.chains.push(Chain {
            name: name.to_owned(),
            steps,
        });
        self.chains.insert(name.to_owned(), id);
        Ok(id)
    }

    fn step(&mut self, rule: &Rule) -> Result<Step, String> {
        let mut matches = Vec::with_capacity(rule.conditions.len());
        let mut tracking: Option<Vec<Tracking>> = None;
        let mut reply = None;
        for condition in &rule.conditions {
            match condition {
                Condition::Family(family) => matches.push(Match::Family(*family)),
                Condition::Literal(end, set) => {
                    let id = self.intern(format!("{set:?}"), || set.clone());
                    matches.push(Match::Address(*end, id));
                }
                Condition::Set {
                    end,
                    family,
                    name,
                    negated,
                } => {
                    let set = self.set(name, Key::Address(*family), false)?;
                    matches.push(if *negated {
                        Match::NotAddress(*end, *family, set)
                    } else {
                        Match::Address(*end, set)
                    });
                }
                Condition::Pair(family, name) => {
                    matches.push(Match::Same(self.set(name, Key::Pair(*family), false)?));
                }
                Condition::Transport(any_of) => matches.push(Match::Transport(any_of.clone())),
                Condition::Port(ports) => matches.push(Match::Port(ports.clone())),
                Condition::PortOf(any_of, ports) => {
                    matches.push(Match::Transport(any_of.clone()));
                    matches.push(Match::Port(ports.clone()));
                }
                Condition::State(any_of) if tracking.is_none() => tracking = Some(any_of.clone()),
                Condition::Reply(wanted) if reply.is_none() => reply = Some(*wanted),
                Condition::State(_) | Condition::Reply(_) => {
                    return Err("connection tracking is asked twice".to_owned());
                }
            }
        }
        if let Some(wanted) = reply {
            // What else has which direction is not said anywhere, so it is not taken to be known.
            if tracking.as_deref() != Some(&[Tracking::Original, Tracking::Reply]) {
                return Err("`ct direction` without `ct state established`".to_owned());
            }
            let direction = if wanted {
                Tracking::Reply
            } else {
                Tracking::Original
            };
            tracking = Some(vec![direction]);
        }
        matches.extend(tracking.map(Match::Tracking));
        let then = match &rule.action {
            Action::Verdict(verdict) => self.verdict(verdict)?,
            Action::Map(end, family, name) => self.dispatch(*end, *family, name)?,
        };
        Ok(Step {
            matches,
            then,
            text: Arc::clone(&rule.text),
            line: rule.line,
        })
    }

    fn verdict(&mut self, verdict: &Verdict) -> Result<Then, String> {
        Ok(match verdict {
            Verdict::Accept => Then::Decide(Decision::Accept),
            Verdict::Drop => Then::Decide(Decision::Drop),
            Verdict::Return => Then::Return,
            Verdict::Goto(name) => Then::Goto(self.chain(name)?),
            Verdict::Jump(name) => Then::Jump(self.chain(name)?),
        })
    }

    fn dispatch(&mut self, end: End, family: Family, name: &str) -> Result<Then, String> {
        let map = self.collection(name, Key::Address(family), true)?;
        let mut entries = Vec::new();
        for verdict in map.verdicts() {
            let id = self.intern(format!("@{name} {verdict:?}"), || {
                map.addresses(Some(verdict))
            });
            entries.push((id, self.verdict(verdict)?));
        }
        Ok(Then::Dispatch(end, entries))
    }

    fn collection(&self, name: &str, key: Key, is_map: bool) -> Result<&'a Collection, String> {
        let found = self.state.collections.get(name);
        let found = found.filter(|found| found.key == key && found.is_map == is_map);
        let kind = if is_map { "map" } else { "set" };
        found.ok_or_else(|| format!("there is no {kind} `{name}` of that type"))
    }

    fn set(&mut self, name: &str, key: Key, is_map: bool) -> Result<SetId, String> {
        let set = self.collection(name, key, is_map)?;
        Ok(self.intern(format!("@{name}"), || set.addresses(None)))
    }

    fn intern(&mut self, name: String, set: impl FnOnce() -> AddressSet) -> SetId {
        if let Some(&known) = self.sets.get(&name) {
            return known;
        }
        let id = SetId(self.program.sets.len());
        self.program.sets.push(Arc::new(set()));
        self.sets.insert(name, id);
        id
    }
}
