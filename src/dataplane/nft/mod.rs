//! The nftables target.

mod delta;
mod design;
mod emit;
mod listing;
mod script;
mod state;
mod text;
mod words;

pub use delta::{Delta, delta};
pub use design::{Design, DesignChoice};
pub use emit::{ChainText, Emitted, emit};
pub use listing::{Foreign, Listing, read_listing};
pub use script::{TABLE, first_phase, remove, second_phase, whole};
pub use state::{Collection, State};
pub use text::NotUnderstood;
