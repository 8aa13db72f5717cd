//! The model as formulas for Z3: proofs over all flows at once, and a concrete flow where there
//! is no proof.
//!
//! Encoded from the model, never from what `reach` computed, so that the two can disagree. A
//! flow is symbolic: protocol, port and addresses are bit-vectors. An end of it is one of the
//! pods of the input, or *any pod that could exist*: one finite-domain variable for each label
//! key that a selector mentions (its mentioned values, some other value, absent), and the same
//! for namespaces, whose name is one more variable. docs/intents.md says exactly what is
//! quantified over.
//!
//! A query is proved in a Z3 context of its own, so its answer does not depend on what was asked
//! before, or on which thread. Policies enter the solver lazily, one namespace at a time: what a
//! namespace's policies say is only asserted once a candidate flow has an end there (`solve`).
//!
//! Z3 is not trusted with a counterexample: each one is put into the cluster and replayed in
//! [`crate::model::evaluate`] before anyone sees it (`witness`).

mod bits;
mod encode;
mod end;
mod filter;
mod index;
mod query;
mod rows;
mod selection;
mod solve;
mod vocabulary;
mod witness;

pub use filter::{FilterProof, prove_composition, prove_filter};
pub use index::PolicyIndex;
pub use query::{
    Addresses, Effort, EndSpec, Exception, Goal, Omission, Omitted, Outcome, PairSpec, Query,
    TrafficSpec, World,
};
pub use selection::{PodSelection, compatible};
pub use solve::{Limits, solve};
pub use vocabulary::{Home, Vocabulary};
pub use witness::{NewPod, Witness, WitnessEnd, replay, with_witness};
