//! What a packet filter does, whatever it is written in: the form that every dataplane is read
//! back into.
//!
//! Like [`super::evaluate()`] this is an executable specification: [`run`] takes one packet
//! through the program step by step. The solver's encoding of a program is compared with it.

use super::address::{AddressSet, Family};
use super::packet::{Hook, Packet, Tracking, Transport};
use super::range::RangeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// The index of a chain in [`Program::chains`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChainId(pub usize);

/// The index of a set in [`Program::sets`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SetId(pub usize);

/// Whether a packet goes on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Decision {
    /// It does.
    Accept,
    /// It does not.
    Drop,
}

impl Decision {
    /// `accepted` or `dropped`.
    pub fn name(self) -> &'static str {
        match self {
            Decision::Accept => "accepted",
            Decision::Drop => "dropped",
        }
    }
}

/// An end of a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum End {
    /// Its source.
    Source,
    /// Its destination.
    Destination,
}

/// One condition of a step. All that does not match is false, never an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Match {
    /// The packet is of that family.
    Family(Family),
    /// The address of an end is in a set.
    Address(End, SetId),
    /// It is not, nor is the packet of another family.
    NotAddress(End, Family, SetId),
    /// Both ends have the same address, and it is in a set.
    Same(SetId),
    /// It carries one of these.
    Transport(Vec<Transport>),
    /// What is where a port would be is one of these. Asks for no protocol.
    Port(RangeSet<u16>),
    /// Connection tracking says one of these.
    Tracking(Vec<Tracking>),
}

/// What happens to a packet for which all conditions of a step hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Then {
    /// It is decided.
    Decide(Decision),
    /// Back to the step after the jump that led here.
    Return,
    /// On with another chain, and back when that ends.
    Jump(ChainId),
    /// On with another chain, and never back here.
    Goto(ChainId),
    /// What the entry says whose set holds the address of an end; sets are disjoint. On with the
    /// next step when none does.
    Dispatch(End, Vec<(SetId, Then)>),
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// All must hold.
    pub matches: Vec<Match>,
    /// Then this.
    pub then: Then,
    /// As it was written, for people.
    pub text: Arc<str>,
    /// The line of the text it was read from, from 1; 0 when it was not read from text.
    pub line: usize,
}

/// Steps in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// Where packets come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// At which hook.
    pub hook: Hook,
    /// Where they start.
    pub chain: ChainId,
    /// What happens to those that no step decides.
    pub policy: Decision,
}

/// A packet filter. Chains refer to chains that do not lead back to them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Program {
    /// The chains.
    pub chains: Vec<Chain>,
    /// The sets of addresses.
    pub sets: Vec<Arc<AddressSet>>,
    /// Where packets come in; at most one for each hook.
    pub entries: Vec<Entry>,
}

impl Program {
    /// The chain with that id, if it is of this program.
    pub fn chain(&self, id: ChainId) -> Option<&Chain> {
        self.chains.get(id.0)
    }

    /// Whether a set holds an address.
    fn holds(&self, set: SetId, address: IpAddr) -> bool {
        self.sets
            .get(set.0)
            .is_some_and(|set| set.contains(address))
    }

    /// The entry of a hook. A hook without one lets everything pass.
    pub fn entry(&self, hook: Hook) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.hook == hook)
    }
}

/// What became of a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// Whether it goes on.
    pub decision: Decision,
    /// The steps that led on or decided, as chain and index there, in order. When the last one
    /// does not decide, the hook's policy did.
    pub path: Vec<(ChainId, usize)>,
}

/// Takes one packet through a program. Linear in the steps it meets.
pub fn run(program: &Program, packet: &Packet) -> Run {
    let mut path = Vec::new();
    let decision = match program.entry(packet.hook) {
        None => Decision::Accept,
        Some(entry) => run_chain(program, packet, entry.chain, &mut path).unwrap_or(entry.policy),
    };
    Run { decision, path }
}

/// `None` when the packet comes out of the chain's end.
fn run_chain(
    program: &Program,
    packet: &Packet,
    id: ChainId,
    path: &mut Vec<(ChainId, usize)>,
) -> Option<Decision> {
    for (index, step) in program.chain(id)?.steps.iter().enumerate() {
        let matched = |condition: &Match| holds(program, packet, condition);
        if !step.matches.iter().all(matched) {
            continue;
        }
        let mut then = &step.then;
        if let Then::Dispatch(end, entries) = then {
            let address = address_of(packet, *end);
            let found = entries.iter().find(|(set, _)| program.holds(*set, address));
            let Some((_, found)) = found else { continue };
            then = found;
        }
        path.push((id, index));
        match then {
            Then::Decide(decision) => return Some(*decision),
            Then::Return => return None,
            Then::Goto(next) => return run_chain(program, packet, *next, path),
            Then::Jump(next) => {
                let decided = run_chain(program, packet, *next, path);
                if decided.is_some() {
                    return decided;
                }
            }
            Then::Dispatch(..) => {}
        }
    }
    None
}

fn address_of(packet: &Packet, end: End) -> IpAddr {
    match end {
        End::Source => packet.source,
        End::Destination => packet.destination,
    }
}

fn holds(program: &Program, packet: &Packet, condition: &Match) -> bool {
    match condition {
        Match::Family(family) => Family::of(packet.source) == *family,
        Match::Address(end, set) => program.holds(*set, address_of(packet, *end)),
        Match::NotAddress(end, family, set) => {
            Family::of(packet.source) == *family && !program.holds(*set, address_of(packet, *end))
        }
        Match::Same(set) => {
            packet.source == packet.destination && program.holds(*set, packet.source)
        }
        Match::Transport(any_of) => any_of.contains(&packet.transport),
        Match::Port(ports) => ports.contains(packet.port),
        Match::Tracking(any_of) => any_of.contains(&packet.tracking),
    }
}
