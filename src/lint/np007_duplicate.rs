//! NP007: an object that is given more than once. Loading finds it.

use super::{Find, Lint};
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "NP007",
    name: "duplicate",
    summary: "the same object is given more than once",
    help: "In a cluster the one applied last wins. Remove all but one.",
    severity: Severity::Error,
};

pub(super) const LINT: Lint = Lint {
    meta: &META,
    find: Find::Loading(|_, _| None),
};
