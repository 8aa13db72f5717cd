//! What is meant to be: intents are read, checked and resolved against a cluster.
//!
//! An intent is a YAML resource of its own kind (`wire`, with a JSON Schema), read as strictly as
//! a manifest (`parse`). Its assertions name pods, Services and addresses; `resolve` says which of
//! the cluster they are, and `question::check` proves them. The shipped ones are in `builtin`.

mod builtin;
mod claim;
mod endpoint;
mod parse;
mod resolve;
mod wire;

pub use builtin::{BUILTINS, Builtin, builtin};
pub use claim::{Assertion, Called, Claim, Ends, Expectation, PodEnd, Resolved, Scope};
pub use parse::{Intent, parse_intents};
pub use resolve::{Controllers, outside, resolve};
pub use wire::intent_schema;
