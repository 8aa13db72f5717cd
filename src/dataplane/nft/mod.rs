//! The nftables target.

mod delta;
mod emit;
mod listing;
mod script;
mod state;
mod text;
mod words;

pub use delta::{Delta, delta};
pub use emit::{ChainText, Design, Emitted, emit};
pub use listing::{Foreign, Listing, read_listing};
pub use script::{TABLE, first_phase, remove, second_phase, whole};
pub use state::{Collection, State};
pub use text::NotUnderstood;
