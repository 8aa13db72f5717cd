//! A program as a formula: which packets it accepts.

use super::view::View;
use crate::model::{ChainId, Decision, End, Entry, Family, Match, Program, SetId, Step, Then};
use crate::symbolic::bits::{all, any};
use std::collections::HashMap;
use z3::ast::Bool;

/// What a chain does with a packet that comes to it; neither when it comes out of its end.
#[derive(Clone)]
pub(super) struct Does {
    pub(super) accepts: Bool,
    pub(super) drops: Bool,
}

/// The chains of a program over the variables of a view.
pub(super) struct Encoding<'a> {
    program: &'a Program,
    view: &'a View<'a>,
    chains: HashMap<ChainId, Does>,
    sets: HashMap<(End, SetId), Bool>,
}

/// The packets that a program accepts that come in at an entry.
pub(super) fn accepts(encoding: &mut Encoding<'_>, entry: Option<&Entry>) -> Bool {
    let Some(entry) = entry else {
        return Bool::from_bool(true);
    };
    let does = encoding.chain(entry.chain);
    match entry.policy {
        Decision::Accept => does.drops.not(),
        Decision::Drop => does.accepts,
    }
}

impl<'a> Encoding<'a> {
    pub(super) fn new(program: &'a Program, view: &'a View<'a>) -> Encoding<'a> {
        Encoding {
            program,
            view,
            chains: HashMap::new(),
            sets: HashMap::new(),
        }
    }

    /// Says what a chain does, whatever is in it.
    pub(super) fn assume(&mut self, chain: ChainId, does: Does) {
        self.chains.insert(chain, does);
    }

    /// What a chain does.
    pub(super) fn chain(&mut self, id: ChainId) -> Does {
        if let Some(known) = self.chains.get(&id) {
            return known.clone();
        }
        let program = self.program;
        let steps = program.chain(id).map_or(&[][..], |chain| &chain.steps);
        let mut accepts = Vec::new();
        let mut drops = Vec::new();
        // No step so far has decided.
        let mut open = Bool::from_bool(true);
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            // Neighbours that do the same are one step.
            let mut matches = Vec::from_iter(self.step(step));
            while let Some(next) = steps.next_if(|next| next.then == step.then) {
                matches.extend(self.step(next));
            }
            if matches.is_empty() {
                continue;
            }
            let matches = any(&matches);
            let leads: Vec<(Bool, &Then)> = match &step.then {
                Then::Dispatch(end, entries) => entries
                    .iter()
                    .map(|(set, then)| (all(&[matches.clone(), self.in_set(*end, *set)]), then))
                    .filter(|(condition, _)| condition.as_bool() != Some(false))
                    .collect(),
                then => vec![(matches, then)],
            };
            let mut closed = Vec::new();
            for (condition, then) in leads {
                let here = all(&[open.clone(), condition.clone()]);
                match then {
                    Then::Decide(Decision::Accept) => {
                        accepts.push(here);
                        closed.push(condition);
                    }
                    Then::Decide(Decision::Drop) => {
                        drops.push(here);
                        closed.push(condition);
                    }
                    Then::Return => closed.push(condition),
                    Then::Goto(next) | Then::Jump(next) => {
                        let does = self.chain(*next);
                        accepts.push(all(&[here.clone(), does.accepts.clone()]));
                        drops.push(all(&[here, does.drops.clone()]));
                        closed.push(match then {
                            Then::Jump(_) => all(&[condition, any(&[does.accepts, does.drops])]),
                            _ => condition,
                        });
                    }
                    Then::Dispatch(..) => {}
                }
            }
            open = all(&[open, any(&closed).not()]);
        }
        let does = Does {
            accepts: any(&accepts),
            drops: any(&drops),
        };
        self.chains.insert(id, does.clone());
        does
    }

    /// `None` when it matches nothing.
    fn step(&mut self, step: &Step) -> Option<Bool> {
        let mut terms = Vec::with_capacity(step.matches.len());
        for condition in &step.matches {
            let term = self.condition(condition);
            match term.as_bool() {
                Some(false) => return None,
                Some(true) => {}
                None => terms.push(term),
            }
        }
        Some(all(&terms))
    }

    fn in_set(&mut self, end: End, set: SetId) -> Bool {
        let view = self.view;
        let term = self
            .sets
            .entry((end, set))
            .or_insert_with(|| view.is_in(end, view.codes.in_set(set)));
        term.clone()
    }

    fn is_family(&self, family: Family) -> Bool {
        match family {
            Family::V4 => self.view.is_ipv4(),
            Family::V6 => self.view.is_ipv4().not(),
        }
    }

    fn condition(&mut self, condition: &Match) -> Bool {
        match condition {
            Match::Family(family) => self.is_family(*family),
            Match::Address(end, set) => self.in_set(*end, *set),
            Match::NotAddress(end, family, set) => {
                all(&[self.is_family(*family), self.in_set(*end, *set).not()])
            }
            Match::Same(set) => all(&[self.view.same.clone(), self.in_set(End::Source, *set)]),
            Match::Transport(any_of) => self.view.is_transport(any_of),
            Match::Port(ports) => {
                let ranges = ports.ranges().iter();
                let terms: Vec<Bool> = ranges
                    .map(|&(first, last)| self.view.is_port(first, last))
                    .collect();
                any(&terms)
            }
            Match::Tracking(any_of) => self.view.is_tracking(any_of),
        }
    }
}
