//! Portolan charts what Kubernetes network policy lets through, proves that this is what was
//! intended, and compiles it into rules that a kernel enforces.
//!
//! `docs/ARCHITECTURE.md` is the map: bytes ([`source`]) become objects of the model
//! ([`model`]) and the model is asked questions.

pub mod cli;
pub mod dataplane;
pub mod intent;
pub mod lint;
pub mod manifest;
pub mod model;
pub mod question;
pub mod reach;
pub mod report;
pub mod source;
pub mod symbolic;
