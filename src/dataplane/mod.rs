//! From policy to what a kernel enforces, and back.
//!
//! `table` is the neutral compiled form. A target emits its rules from that and from nothing
//! else, and reads rules, its own or a running node's, back into a [`crate::model::Program`].
//! `prove` has Z3 compare that program with the policies themselves, for every packet. So a
//! target is trusted in nothing: neither its emitter nor the table it emits from.

mod compile;
pub mod ebpf;
mod identity;
pub mod nft;
mod prove;
mod ready;
mod table;

pub use compile::{Bundle, Comments, Held, Making, NotMade, Size, Target, make_bundle, prove_all};
pub use identity::{Identity, identities};
pub use prove::{HalfProof, prove_half};
pub use ready::{NotReady, add_mentioned_nodes, address_book};
pub use table::{Class, Compiler, NodeTable, Row, Traffic};
