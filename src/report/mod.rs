//! Answers and findings, for people and for machines.
//!
//! One file per output format. The model stores routes, not text: a place becomes a file, a
//! line and a snippet here, and only for what is printed.

pub mod answer;
pub mod answer_json;
pub mod bundle;
pub mod check;
pub mod check_json;
pub mod compare;
pub mod diff;
pub mod exposure;
pub mod finding;
pub mod fix;
pub mod gate;
pub mod map;
pub mod packet;
pub mod redundant;
pub mod snippet;
pub mod verify;
pub mod words;
