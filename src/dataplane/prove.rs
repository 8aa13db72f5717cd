//! Proof that a filter enforces what the policies say.

use crate::model::{Half, Packet, Program};
use crate::symbolic::{FilterProof, Limits, PolicyIndex, prove_filter};

/// What became of the proof of a node's half.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HalfProof {
    /// At every hook, every packet is treated as it should be.
    Proved,
    /// This one is not.
    Differs(Packet),
    /// The solver gave up, for this reason.
    Unknown(String),
    /// The solver named a packet that both treat alike: a mistake in this tool.
    Broken(Packet),
}

/// Proves a program equal to a node's half of the policy: for each hook, every packet.
pub fn prove_half(
    program: &Program,
    half: &Half<'_>,
    index: &PolicyIndex,
    limits: Limits,
) -> HalfProof {
    match prove_filter(program, half, index, limits) {
        FilterProof::Equal => HalfProof::Proved,
        FilterProof::Differs(packet) => HalfProof::Differs(packet),
        FilterProof::Broken(packet) => HalfProof::Broken(packet),
        FilterProof::Unknown(reason) => HalfProof::Unknown(reason),
    }
}
