//! A program as a formula: which packets it accepts.

use super::{Codes, Terms};
use crate::model::{ChainId, Decision, End, Family, Hook, Match, Program, SetId, Step, Then};
use crate::symbolic::bits::{all, any, one_of};
use std::collections::HashMap;
use z3::ast::Bool;

/// What a chain does with a packet that comes to it; neither when it comes out of its end.
#[derive(Clone)]
struct Does {
    accepts: Bool,
    drops: Bool,
}

struct Encoding<'a> {
    program: &'a Program,
    codes: &'a Codes,
    terms: &'a Terms,
    chains: HashMap<ChainId, Does>,
    sets: HashMap<(End, SetId), Bool>,
}

/// The packets that a program accepts at a hook.
pub(super) fn accepts(program: &Program, hook: Hook, codes: &Codes, terms: &Terms) -> Bool {
    let Some(entry) = program.entry(hook) else {
        return Bool::from_bool(true);
    };
    let mut encoding = Encoding {
        program,
        codes,
        terms,
        chains: HashMap::new(),
        sets: HashMap::new(),
    };
    let does = encoding.chain(entry.chain);
    match entry.policy {
        Decision::Accept => does.drops.not(),
        Decision::Drop => does.accepts,
    }
}

impl Encoding<'_> {
    fn chain(&mut self, id: ChainId) -> Does {
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
            let mut matches = vec![self.step(step)];
            while let Some(next) = steps.next_if(|next| next.then == step.then) {
                matches.push(self.step(next));
            }
            let matches = any(&matches);
            let leads: Vec<(Bool, &Then)> = match &step.then {
                Then::Dispatch(end, entries) => entries
                    .iter()
                    .map(|(set, then)| (all(&[matches.clone(), self.in_set(*end, *set)]), then))
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

    fn step(&mut self, step: &Step) -> Bool {
        let terms: Vec<Bool> = step
            .matches
            .iter()
            .map(|condition| self.condition(condition))
            .collect();
        all(&terms)
    }

    fn in_set(&mut self, end: End, set: SetId) -> Bool {
        let (codes, terms) = (self.codes, self.terms);
        let term = self.sets.entry((end, set)).or_insert_with(|| {
            let variable = match end {
                End::Source => &terms.source,
                End::Destination => &terms.destination,
            };
            one_of(variable, codes.in_set(set.0).iter().copied())
        });
        term.clone()
    }

    fn is_family(&self, family: Family) -> Bool {
        let is_v4 = one_of(&self.terms.source, 0..self.codes.n_v4());
        match family {
            Family::V4 => is_v4,
            Family::V6 => is_v4.not(),
        }
    }

    fn condition(&mut self, condition: &Match) -> Bool {
        match condition {
            Match::Family(family) => self.is_family(*family),
            Match::Address(end, set) => self.in_set(*end, *set),
            Match::NotAddress(end, family, set) => {
                all(&[self.is_family(*family), self.in_set(*end, *set).not()])
            }
            Match::Same(set) => all(&[self.terms.same.clone(), self.in_set(End::Source, *set)]),
            Match::Transport(any_of) => self.terms.is_transport(any_of),
            Match::Port(ports) => {
                let ranges = ports.ranges().iter();
                let terms: Vec<Bool> = ranges
                    .map(|&(first, last)| self.terms.is_port(first, last))
                    .collect();
                any(&terms)
            }
            Match::Tracking(any_of) => self.terms.is_tracking(any_of),
        }
    }
}
