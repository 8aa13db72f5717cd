//! A node's packet filter against the node's half of the policy, for every packet.
//!
//! Addresses are codes. Two addresses share a code when neither a set of the program nor the
//! policies tell them apart (`codes`), so one stands for all of them and nothing is lost: the
//! formulas are about every address there is. What the program does with a packet (`program`)
//! and what it should do (`half`) are two formulas over the same variables (`view`), and Z3 is
//! asked for a packet on which they differ: class by class where that is possible (`parts`), and
//! of everything at once otherwise. A packet that it finds is replayed in [`run`] and
//! [`expected`] before anyone sees it.

mod codes;
mod half;
mod parts;
mod program;
mod view;

use super::bits::{all, constant, one_of};
use super::index::PolicyIndex;
use super::solve::Limits;
use crate::model::{
    ChainId, Half, Hook, NodeId, Packet, Program, Tracking, Transport, expected, run,
};
use codes::Codes;
use half::{Matched, PodClass, pod_classes};
use parts::Outcome;
use program::Encoding;
use view::{Grouping, Ports, Values, View};
use z3::ast::{BV, Bool};
use z3::{Config, Params, SatResult, Solver, with_z3_config};

/// What became of a proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FilterProof {
    /// The program does with every packet what it should.
    Equal,
    /// Not with this one; replayed.
    Differs(Packet),
    /// The solver gave up.
    Unknown(String),
    /// The solver found a packet that is no counterexample: a mistake in this tool.
    Broken(Packet),
}

/// The width of the codes of [`Transport::ALL`] and [`Tracking::ALL`].
const KIND_BITS: u32 = 3;

fn position<T: PartialEq>(all: &[T], wanted: T) -> usize {
    all.iter()
        .position(|known| *known == wanted)
        .unwrap_or_default()
}

/// What is asked, and what is the same for all parts of it.
struct Question<'a> {
    program: &'a Program,
    half: &'a Half<'a>,
    codes: &'a Codes,
    classes: &'a [PodClass],
    matched: &'a Matched<'a>,
    limits: Limits,
}

/// Asks whether a program does with every packet what a node's half of the policy says.
pub fn prove_filter(
    program: &Program,
    half: &Half<'_>,
    index: &PolicyIndex,
    limits: Limits,
) -> FilterProof {
    let codes = Codes::new(program, half, index);
    let classes = pod_classes(half, index, &codes);
    let matched = Matched::new(half, &codes, &classes);
    let question = Question {
        program,
        half,
        codes: &codes,
        classes: &classes,
        matched: &matched,
        limits,
    };
    if limits.slicing {
        match parts::prove(&question) {
            Outcome::Proved => return FilterProof::Equal,
            Outcome::Found(packet) => return FilterProof::Differs(packet),
            Outcome::Open => {}
        }
    }
    let (forward, input) = rayon::join(
        || whole(&question, Hook::Forward),
        || whole(&question, Hook::Input),
    );
    match (forward, input) {
        (FilterProof::Equal, other) | (other @ FilterProof::Differs(_), _) => other,
        (_, differs @ FilterProof::Differs(_)) => differs,
        (other, _) => other,
    }
}

fn solver(limits: Limits) -> Solver {
    let solver = Solver::new_for_logic("QF_FD").unwrap_or_default();
    let mut params = Params::new();
    params.set_u32("rlimit", limits.resources);
    params.set_u32("random_seed", 0);
    solver.set_params(&params);
    solver
}

/// Why a solver gave up.
fn reason(solver: &Solver) -> String {
    let reason = solver.get_reason_unknown();
    reason.unwrap_or_else(|| "no reason given".to_owned())
}

/// Everything at once: slow where there are many rules, and complete.
fn whole(question: &Question<'_>, hook: Hook) -> FilterProof {
    let Question {
        program,
        half,
        codes,
        classes,
        matched,
        limits,
    } = question;
    let found = with_z3_config(&Config::new(), || {
        let chains = (0..program.chains.len()).map(ChainId);
        let asked = classes.iter().flat_map(|class| matched.ports(class));
        let ports = Ports::new(parts::ports_of(program, chains).chain(asked));
        let view = View::new(codes, Grouping::each(codes), Grouping::each(codes), ports);
        let mut encoding = Encoding::new(program, &view);
        let does = program::accepts(&mut encoding, program.entry(hook));
        let should = half::accepts(half, hook, &view, matched.policy(classes, &view));
        let solver = solver(*limits);
        solver.assert(view.constraints());
        solver.assert(view.sameness());
        if !view.is_exact() {
            return Err("internal error: the question is not exact".to_owned());
        }
        solver.assert(does.xor(&should));
        match solver.check() {
            SatResult::Unsat => Ok(None),
            SatResult::Unknown => Err(reason(&solver)),
            SatResult::Sat => simplest(&solver, &view)
                .and_then(|values| packet(&values, codes, hook))
                .map(Some)
                .ok_or_else(|| "it gave no packet".to_owned()),
        }
    });
    match found {
        Err(reason) => FilterProof::Unknown(reason),
        Ok(None) => FilterProof::Equal,
        Ok(Some(packet)) if run(program, &packet).decision == expected(half, &packet).0 => {
            FilterProof::Broken(packet)
        }
        Ok(Some(packet)) => FilterProof::Differs(packet),
    }
}

/// A solution about the first packet of a TCP connection, if there is one: easier to try out.
fn simplest(solver: &Solver, view: &View<'_>) -> Option<Values> {
    let mut found = solver.get_model()?;
    let mut n_granted = 0;
    for wish in [
        view.is_tracking(&[Tracking::New]),
        view.is_transport(&[Transport::Tcp]),
        view.same.not(),
        view.is_near(80, 80),
    ] {
        solver.push();
        solver.assert(wish);
        if solver.check() == SatResult::Sat {
            found = solver.get_model()?;
            n_granted += 1;
        } else {
            solver.pop(1);
        }
    }
    solver.pop(n_granted);
    view.values(&found)
}

/// The packet of a solution in which each code stands for itself.
fn packet(values: &Values, codes: &Codes, hook: Hook) -> Option<Packet> {
    let source = codes.address(values.source)?;
    let destination = match codes.address(values.destination)? {
        first if first == source && !values.same => codes.other_address(values.destination)?,
        first => first,
    };
    Some(values.packet(hook, source, destination))
}

/// Whether halves compose: each pod's node enforces the pod's side, so that what all nodes let
/// through of a flow between two pods is what both of its sides allow (N4). `enforcing` are the
/// nodes whose half was proved, `pods` for each pod the node it is on. What two sides say is free,
/// so this holds for every flow. A pair of pods for which it does not is returned by index.
pub fn prove_composition(
    enforcing: &[NodeId],
    pods: &[Option<NodeId>],
    limits: Limits,
) -> Result<Option<(usize, usize)>, String> {
    if pods.is_empty() {
        return Ok(None);
    }
    with_z3_config(&Config::new(), || {
        let width = super::bits::width(pods.len());
        let (source, destination) = (
            BV::new_const("source", width),
            BV::new_const("destination", width),
        );
        let (egress, ingress) = (Bool::new_const("egress"), Bool::new_const("ingress"));
        let on = |end: &BV, node: NodeId| {
            let there = pods.iter().enumerate().filter(|(_, on)| **on == Some(node));
            one_of(end, there.map(|(index, _)| index))
        };
        // What the proved half of a node does with the flow.
        let halves: Vec<Bool> = enforcing
            .iter()
            .flat_map(|&node| {
                [
                    on(&source, node).implies(&egress),
                    on(&destination, node).implies(&ingress),
                ]
            })
            .collect();
        let last = constant(pods.len().saturating_sub(1), width);
        let solver = solver(limits);
        solver.assert(source.bvule(&last));
        solver.assert(destination.bvule(&last));
        solver.assert(all(&halves).xor(all(&[egress, ingress])));
        match solver.check() {
            SatResult::Unsat => Ok(None),
            SatResult::Unknown => Err(reason(&solver)),
            SatResult::Sat => {
                let model = solver.get_model();
                let value = |term: &BV| -> Option<usize> {
                    let value = model.as_ref()?.eval(term, true)?.as_u64()?;
                    usize::try_from(value).ok()
                };
                match (value(&source), value(&destination)) {
                    (Some(source), Some(destination)) => Ok(Some((source, destination))),
                    _ => Err("the solver gave no pair".to_owned()),
                }
            }
        }
    })
}
