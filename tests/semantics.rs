//! What the specification says, as truth tables: every rule id (N1 to N28) in tests that
//! are named after it, the tiers around NetworkPolicy, and the topics of the upstream end-to-end suite. The expectations are
//! worked out by hand; the specification as a program (`model::evaluate`) and the set engine
//! (`reach`) must both agree with them.

// Helpers are test code too, which clippy would not know otherwise.
#![cfg(test)]

#[path = "semantics/blocks.rs"]
mod blocks;
#[path = "semantics/e2e_egress.rs"]
mod e2e_egress;
#[path = "semantics/e2e_ingress.rs"]
mod e2e_ingress;
#[path = "semantics/e2e_more.rs"]
mod e2e_more;
#[path = "semantics/empty_or_missing.rs"]
mod empty_or_missing;
#[path = "agreement/expand.rs"]
mod expand;
#[path = "semantics/harness.rs"]
mod harness;
#[path = "semantics/host.rs"]
mod host;
#[path = "semantics/isolation.rs"]
mod isolation;
#[path = "semantics/matrix.rs"]
mod matrix;
#[path = "semantics/policy_types.rs"]
mod policy_types;
#[path = "semantics/ports.rs"]
mod ports;
#[path = "semantics/reasons.rs"]
mod reasons;
#[path = "semantics/selectors.rs"]
mod selectors;
#[path = "semantics/tiers.rs"]
mod tiers;
