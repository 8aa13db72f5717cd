//! The connectivity map: every format on a cluster that has everything, and the formats against
//! each other on generated clusters.

#![cfg(test)]

use portolan::{model, source};

#[path = "../generate/mod.rs"]
mod generate;

mod agreement;
mod fixture;
mod formats;
mod people;
mod schema;
