//! Proof by parts: each class of pods with the chain that holds its rules, then the rest with
//! what classes do as variables.
//!
//! That is sound. A class's chain is shown to do one of two things with every packet of the
//! class's pods: pass it on exactly when the class's policies let it through, or drop it. In the
//! rest, the chain is replaced by just that, and what policies let through by a variable, so
//! whatever they say, program and policy agree. It is not complete: what is not proved in this
//! way can still hold, and is then asked about as a whole.

use super::half::PodClass;
use super::program::{Does, Encoding, accepts};
use super::view::{Grouping, Ports, Values, View};
use super::{Question, solver};
use crate::model::{
    ChainId, Decision, Direction, End, Hook, Match, Packet, Program, SetId, Then, expected, run,
};
use crate::symbolic::bits::{all, any};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use z3::ast::Bool;
use z3::{Config, SatResult, with_z3_config};

/// The chains that a program can be taken apart at.
#[derive(Debug)]
struct Cuts {
    /// The chains of classes, by what their packets' source or destination leads to.
    chains: BTreeMap<Direction, BTreeMap<ChainId, BTreeSet<SetId>>>,
    /// Where packets come that the source's class lets through.
    next: ChainId,
    /// Chains before those of classes.
    top: BTreeSet<ChainId>,
}

/// What came of a proof by parts.
pub(super) enum Outcome {
    /// Program and policy agree.
    Proved,
    /// They do not on this packet.
    Found(Packet),
    /// It cannot be told in this way.
    Open,
}

fn direction_of(end: End) -> Direction {
    match end {
        End::Source => Direction::Egress,
        End::Destination => Direction::Ingress,
    }
}

/// The chains that a step leads to.
fn targets(then: &Then) -> Vec<ChainId> {
    match then {
        Then::Goto(next) | Then::Jump(next) => vec![*next],
        Then::Dispatch(_, entries) => entries.iter().flat_map(|(_, then)| targets(then)).collect(),
        Then::Decide(_) | Then::Return => Vec::new(),
    }
}

impl Cuts {
    fn find(program: &Program) -> Option<Cuts> {
        let mut chains: BTreeMap<Direction, BTreeMap<ChainId, BTreeSet<SetId>>> = BTreeMap::new();
        let mut top: BTreeSet<ChainId> = BTreeSet::new();
        let mut next: BTreeSet<ChainId> = BTreeSet::new();
        let mut open: Vec<ChainId> = program.entries.iter().map(|entry| entry.chain).collect();
        while let Some(id) = open.pop() {
            if !top.insert(id) {
                continue;
            }
            for step in &program.chain(id)?.steps {
                match &step.then {
                    Then::Goto(chain) | Then::Jump(chain) => open.push(*chain),
                    Then::Dispatch(end, entries) => {
                        if *end == End::Destination {
                            next.insert(id);
                        }
                        let of_direction = chains.entry(direction_of(*end)).or_default();
                        for (set, then) in entries {
                            let Then::Goto(chain) = then else { return None };
                            of_direction.entry(*chain).or_default().insert(*set);
                        }
                    }
                    Then::Decide(_) | Then::Return => {}
                }
            }
        }
        let cuts = Cuts {
            chains,
            next: (next.len() == 1).then(|| next.first().copied())??,
            top,
        };
        cuts.is_usable(program).then_some(cuts)
    }

    fn of(&self, direction: Direction) -> impl Iterator<Item = (ChainId, &BTreeSet<SetId>)> {
        let chains = self.chains.get(&direction).into_iter().flatten();
        chains.map(|(chain, sets)| (*chain, sets))
    }

    /// Source's classes only pass on to `next` or drop, and no chain has two parts to play.
    fn is_usable(&self, program: &Program) -> bool {
        let egress: BTreeSet<ChainId> =
            self.of(Direction::Egress).map(|(chain, _)| chain).collect();
        let ingress: BTreeSet<ChainId> = self
            .of(Direction::Ingress)
            .map(|(chain, _)| chain)
            .collect();
        let is_entry = program.entries.iter().any(|entry| entry.chain == self.next);
        if is_entry || !egress.is_disjoint(&ingress) {
            return false;
        }
        let apart = |chain: &ChainId| !self.top.contains(chain);
        let passes_on_only = self.tree(program, &egress).iter().all(|id| {
            let steps = program.chain(*id).map_or(&[][..], |chain| &chain.steps);
            steps.iter().all(|step| match &step.then {
                Then::Decide(Decision::Accept) => false,
                Then::Jump(chain) => *chain != self.next,
                Then::Dispatch(_, entries) => entries.iter().all(|(_, then)| {
                    !matches!(then, Then::Jump(_) | Then::Decide(Decision::Accept))
                }),
                _ => true,
            })
        });
        passes_on_only && egress.iter().all(apart) && ingress.iter().all(apart)
    }

    /// Some chains and all that they lead to, up to `next`.
    fn tree(&self, program: &Program, from: &BTreeSet<ChainId>) -> BTreeSet<ChainId> {
        let mut found = BTreeSet::new();
        let mut open: Vec<ChainId> = from.iter().copied().collect();
        while let Some(id) = open.pop() {
            if id == self.next || !found.insert(id) {
                continue;
            }
            let steps = program.chain(id).map_or(&[][..], |chain| &chain.steps);
            open.extend(steps.iter().flat_map(|step| targets(&step.then)));
        }
        found
    }
}

/// The sets that some chains look an end up in.
fn sets_of(program: &Program, chains: &BTreeSet<ChainId>, end: End) -> BTreeSet<SetId> {
    let mut found = BTreeSet::new();
    let steps = chains.iter().filter_map(|id| program.chain(*id));
    for step in steps.flat_map(|chain| &chain.steps) {
        for condition in &step.matches {
            match condition {
                Match::Address(of, set) | Match::NotAddress(of, _, set) if *of == end => {
                    found.insert(*set);
                }
                Match::Same(set) if end == End::Source => {
                    found.insert(*set);
                }
                _ => {}
            }
        }
        if let Then::Dispatch(of, entries) = &step.then
            && *of == end
        {
            found.extend(entries.iter().map(|(set, _)| *set));
        }
    }
    found
}

/// The ranges of ports that some chains ask for.
pub(super) fn ports_of<'a>(
    program: &'a Program,
    chains: impl IntoIterator<Item = ChainId> + 'a,
) -> impl Iterator<Item = (u16, u16)> + 'a {
    let chains = chains.into_iter().filter_map(|id| program.chain(id));
    let conditions = chains.flat_map(|chain| chain.steps.iter().flat_map(|step| &step.matches));
    conditions.flat_map(|condition| match condition {
        Match::Port(ports) => ports.ranges().to_vec(),
        _ => Vec::new(),
    })
}

/// Proves a program by parts, if it can be taken apart.
pub(super) fn prove(question: &Question<'_>) -> Outcome {
    let Some(cuts) = Cuts::find(question.program) else {
        return Outcome::Open;
    };
    let mut lemmas: Vec<(&PodClass, ChainId, Vec<usize>)> = Vec::new();
    for direction in Direction::ALL {
        let of_direction = || {
            question
                .classes
                .iter()
                .filter(|class| class.direction == direction)
        };
        let isolated: BTreeSet<usize> = of_direction()
            .flat_map(|class| &class.codes)
            .copied()
            .collect();
        for (chain, sets) in cuts.of(direction) {
            let keys: BTreeSet<usize> = sets
                .iter()
                .flat_map(|set| question.codes.in_set(*set))
                .copied()
                .collect();
            if !keys.is_subset(&isolated) {
                return Outcome::Open;
            }
            for class in of_direction() {
                let codes: Vec<usize> = class
                    .codes
                    .iter()
                    .copied()
                    .filter(|code| keys.contains(code))
                    .collect();
                if !codes.is_empty() {
                    lemmas.push((class, chain, codes));
                }
            }
        }
    }
    let proved: Vec<Outcome> = lemmas
        .par_iter()
        .map(|(class, chain, codes)| lemma(question, &cuts, class, *chain, codes))
        .collect();
    let rest = Hook::ALL.into_iter().map(|hook| top(question, &cuts, hook));
    let mut open = false;
    for outcome in proved.into_iter().chain(rest) {
        match outcome {
            Outcome::Proved => {}
            Outcome::Open => open = true,
            Outcome::Found(packet) => return Outcome::Found(packet),
        }
    }
    if open { Outcome::Open } else { Outcome::Proved }
}

/// A chain passes on exactly what a class's policies let through, and drops all else.
fn lemma(
    question: &Question<'_>,
    cuts: &Cuts,
    class: &PodClass,
    chain: ChainId,
    codes: &[usize],
) -> Outcome {
    let (subject_end, peer_end) = class.ends();
    let program = question.program;
    let tree = cuts.tree(program, &BTreeSet::from([chain]));
    let group = |end: End| {
        let sets = sets_of(program, &tree, end);
        let mut sets: Vec<&[usize]> = sets.iter().map(|set| question.codes.in_set(*set)).collect();
        let allowed = (end == subject_end).then_some(codes);
        if end == peer_end {
            sets.extend(question.matched.sets(class));
            sets.push(codes);
        }
        Grouping::new(question.codes, allowed, sets)
    };
    with_z3_config(&Config::new(), || {
        let asked = ports_of(program, tree.iter().copied());
        let ports = Ports::new(asked.chain(question.matched.ports(class)));
        let (source, destination) = (group(End::Source), group(End::Destination));
        let view = View::new(question.codes, source, destination, ports);
        // One peer after the other: what sets say is then known, and little is left to decide.
        let grouping = match peer_end {
            End::Source => &view.source,
            End::Destination => &view.destination,
        };
        let mut wrong = Vec::new();
        for peer in 0..grouping.len() {
            view.pin(Some((peer_end, peer)));
            let mut encoding = Encoding::new(program, &view);
            if class.direction == Direction::Egress {
                let passed_on = Does {
                    accepts: Bool::from_bool(true),
                    drops: Bool::from_bool(false),
                };
                encoding.assume(cuts.next, passed_on);
            }
            let does = encoding.chain(chain);
            let should = question.matched.class(class, &view);
            let undecided = any(&[does.accepts.clone(), does.drops]).not();
            let differs = any(&[does.accepts.xor(&should), undecided]);
            wrong.push(all(&[view.has_code(peer_end, peer), differs]));
        }
        view.pin(None);
        // A peer with the address of the class's pod is that pod.
        let own = view.same.implies(view.is_in(peer_end, codes));
        let wrong = all(&[any(&wrong), own]);
        search(question, &view, &wrong, &Hook::ALL)
    })
}

/// The chains before those of classes do what they should, whatever the classes let through.
fn top(question: &Question<'_>, cuts: &Cuts, hook: Hook) -> Outcome {
    let program = question.program;
    let of_direction = |direction: Direction| -> Vec<usize> {
        let classes = question
            .classes
            .iter()
            .filter(|class| class.direction == direction);
        let codes: BTreeSet<usize> = classes.flat_map(|class| &class.codes).copied().collect();
        codes.into_iter().collect()
    };
    let isolated = Direction::ALL.map(of_direction);
    let [sources, destinations] = &isolated;
    let group = |end: End| {
        let sets = sets_of(program, &cuts.top, end);
        let mut sets: Vec<&[usize]> = sets.iter().map(|set| question.codes.in_set(*set)).collect();
        sets.extend([
            sources.as_slice(),
            destinations,
            question.codes.unknown_local(),
        ]);
        Grouping::new(question.codes, None, sets)
    };
    with_z3_config(&Config::new(), || {
        let ports = Ports::new(ports_of(program, cuts.top.iter().copied()));
        let (source, destination) = (group(End::Source), group(End::Destination));
        let view = View::new(question.codes, source, destination, ports);
        let (egress, ingress) = (Bool::new_const("egress"), Bool::new_const("ingress"));
        let mut encoding = Encoding::new(program, &view);
        for (chain, _) in cuts.of(Direction::Ingress) {
            let does = Does {
                accepts: ingress.clone(),
                drops: ingress.not(),
            };
            encoding.assume(chain, does);
        }
        let next = encoding.chain(cuts.next);
        for (chain, _) in cuts.of(Direction::Egress) {
            let does = Does {
                accepts: all(&[egress.clone(), next.accepts.clone()]),
                drops: any(&[egress.not(), next.drops.clone()]),
            };
            encoding.assume(chain, does);
        }
        let does = accepts(&mut encoding, program.entry(hook));
        let policy = all(&[
            view.is_in(End::Source, sources).implies(&egress),
            view.is_in(End::Destination, destinations).implies(&ingress),
        ]);
        let should = super::half::accepts(question.half, hook, &view, policy);
        search(question, &view, &does.xor(&should), &[hook])
    })
}

/// How many solutions are tried out before the question is left open.
const MOST_TRIES: usize = 32;
/// How many addresses of a code are.
const MOST_ADDRESSES: usize = 8;

/// Whether nothing is wrong; if something is, a packet that shows it, found by trying out.
fn search(question: &Question<'_>, view: &View<'_>, wrong: &Bool, hooks: &[Hook]) -> Outcome {
    let solver = solver(question.limits);
    solver.assert(view.constraints());
    solver.assert(wrong);
    if !view.is_exact() {
        return Outcome::Open;
    }
    for nth in 0..MOST_TRIES {
        match solver.check() {
            SatResult::Unsat if nth == 0 => return Outcome::Proved,
            SatResult::Sat => {}
            _ => return Outcome::Open,
        }
        let Some(values) = super::simplest(&solver, view) else {
            return Outcome::Open;
        };
        if let Some(packet) = try_out(question, view, &values, hooks) {
            return Outcome::Found(packet);
        }
        solver.assert(view.other_ends(&values));
    }
    Outcome::Open
}

fn try_out(
    question: &Question<'_>,
    view: &View<'_>,
    values: &Values,
    hooks: &[Hook],
) -> Option<Packet> {
    let addresses = |codes: &[usize]| -> Vec<IpAddr> {
        let codes = codes.iter().take(MOST_ADDRESSES);
        codes
            .filter_map(|&code| question.codes.address(code))
            .collect()
    };
    let sources = addresses(view.source.members(values.source));
    let destinations = addresses(view.destination.members(values.destination));
    for &hook in hooks {
        for &source in &sources {
            let destinations = if values.same {
                std::slice::from_ref(&source)
            } else {
                &destinations
            };
            for &destination in destinations {
                let packet = values.packet(hook, source, destination);
                if run(question.program, &packet).decision != expected(question.half, &packet).0 {
                    return Some(packet);
                }
            }
        }
    }
    None
}
