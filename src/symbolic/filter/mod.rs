//! A node's packet filter against the node's half of the policy, for every packet.
//!
//! Addresses are codes. Two addresses share a code when neither a set of the program nor the
//! policies tell them apart (`codes`), so one stands for all of them and nothing is lost: the
//! formulas are about every address there is. What the program does with a packet (`program`)
//! and what it should do (`half`) are two formulas over the same variables, and Z3 is asked for
//! a packet on which they differ. A packet that it finds is replayed in [`run`] and
//! [`expected`] before anyone sees it.

mod codes;
mod half;
mod program;

use super::bits::{all, constant, one_of};
use super::index::PolicyIndex;
use super::solve::Limits;
use crate::model::{Half, Hook, NodeId, Packet, Program, Tracking, Transport, expected, run};
use codes::Codes;
use std::net::IpAddr;
use z3::ast::{BV, Bool};
use z3::{Config, Model, Params, SatResult, Solver, with_z3_config};

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

/// The variables of a packet.
struct Terms {
    source: BV,
    destination: BV,
    /// Whether both addresses are the same.
    same: Bool,
    transport: BV,
    port: BV,
    tracking: BV,
}

/// The widths of the codes of [`Transport::ALL`] and [`Tracking::ALL`].
const KIND_BITS: u32 = 3;

impl Terms {
    fn new(codes: &Codes) -> Terms {
        let width = super::bits::width(codes.len());
        Terms {
            source: BV::new_const("source", width),
            destination: BV::new_const("destination", width),
            same: Bool::new_const("same"),
            transport: BV::new_const("transport", KIND_BITS),
            port: BV::new_const("port", 16),
            tracking: BV::new_const("tracking", KIND_BITS),
        }
    }

    /// What holds of every packet.
    fn constraints(&self, codes: &Codes) -> Bool {
        let width = self.source.get_size();
        let last = constant(codes.len().saturating_sub(1), width);
        let is_v4 = |end: &BV| one_of(end, 0..codes.n_v4());
        let equal = self.source.eq(&self.destination);
        let alone = one_of(&self.source, codes.alone());
        all(&[
            self.source.bvule(&last),
            self.destination.bvule(&last),
            is_v4(&self.source).iff(is_v4(&self.destination)),
            self.same.implies(&equal),
            all(&[equal, alone]).implies(&self.same),
            self.transport
                .bvule(constant(Transport::ALL.len() - 1, KIND_BITS)),
            self.tracking
                .bvule(constant(Tracking::ALL.len() - 1, KIND_BITS)),
        ])
    }

    fn is_tracking(&self, any_of: &[Tracking]) -> Bool {
        let mut codes: Vec<usize> = any_of
            .iter()
            .map(|t| position(&Tracking::ALL, *t))
            .collect();
        codes.sort_unstable();
        one_of(&self.tracking, codes)
    }

    fn is_transport(&self, any_of: &[Transport]) -> Bool {
        let mut codes: Vec<usize> = any_of
            .iter()
            .map(|t| position(&Transport::ALL, *t))
            .collect();
        codes.sort_unstable();
        one_of(&self.transport, codes)
    }

    fn is_port(&self, first: u16, last: u16) -> Bool {
        one_of(&self.port, usize::from(first)..=usize::from(last))
    }
}

fn position<T: PartialEq>(all: &[T], wanted: T) -> usize {
    all.iter()
        .position(|known| *known == wanted)
        .unwrap_or_default()
}

/// Asks whether a program does with every packet at a hook what a node's half of the policy says.
pub fn prove_filter(
    program: &Program,
    half: &Half<'_>,
    index: &PolicyIndex,
    hook: Hook,
    limits: Limits,
) -> FilterProof {
    let codes = Codes::new(program, half, index);
    let found = with_z3_config(&Config::new(), || {
        let terms = Terms::new(&codes);
        let does = program::accepts(program, hook, &codes, &terms);
        let should = half::accepts(half, index, hook, &codes, &terms);
        let solver = Solver::new_for_logic("QF_FD").unwrap_or_default();
        let mut params = Params::new();
        params.set_u32("rlimit", limits.resources);
        params.set_u32("random_seed", 0);
        solver.set_params(&params);
        solver.assert(terms.constraints(&codes));
        solver.assert(does.xor(&should));
        match solver.check() {
            SatResult::Unsat => Ok(None),
            SatResult::Unknown => Err(solver
                .get_reason_unknown()
                .unwrap_or_else(|| "no reason given".to_owned())),
            SatResult::Sat => simplest(&solver, &terms)
                .and_then(|model| packet(&model, &terms, &codes, hook))
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
fn simplest(solver: &Solver, terms: &Terms) -> Option<Model> {
    let any_found = solver.get_model();
    solver.assert(terms.is_tracking(&[Tracking::New]));
    if solver.check() != SatResult::Sat {
        return any_found;
    }
    let new_found = solver.get_model();
    solver.assert(terms.is_transport(&[Transport::Tcp]));
    match solver.check() {
        SatResult::Sat => solver.get_model(),
        _ => new_found,
    }
}

/// The packet of a solution.
fn packet(model: &Model, terms: &Terms, codes: &Codes, hook: Hook) -> Option<Packet> {
    let value = |term: &BV| -> Option<usize> {
        let value = model.eval(term, true)?.as_u64()?;
        usize::try_from(value).ok()
    };
    let same = model.eval(&terms.same, true)?.as_bool()?;
    let source = codes.address(value(&terms.source)?)?;
    let destination = value(&terms.destination)?;
    let destination: IpAddr = match codes.address(destination)? {
        first if first == source && !same => codes.other_address(destination)?,
        first => first,
    };
    Some(Packet {
        hook,
        source,
        destination,
        transport: *Transport::ALL.get(value(&terms.transport)?)?,
        port: u16::try_from(value(&terms.port)?).ok()?,
        tracking: *Tracking::ALL.get(value(&terms.tracking)?)?,
    })
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
        let solver = Solver::new_for_logic("QF_FD").unwrap_or_default();
        let mut params = Params::new();
        params.set_u32("rlimit", limits.resources);
        params.set_u32("random_seed", 0);
        solver.set_params(&params);
        if pods.is_empty() {
            return Ok(None);
        }
        solver.assert(source.bvule(&last));
        solver.assert(destination.bvule(&last));
        solver.assert(all(&halves).xor(all(&[egress, ingress])));
        match solver.check() {
            SatResult::Unsat => Ok(None),
            SatResult::Unknown => Err(solver
                .get_reason_unknown()
                .unwrap_or_else(|| "no reason given".to_owned())),
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
