//! NP074: names where there are none. Loading finds it, in the API server's words.

use super::{Find, Lint};
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "NP074",
    name: "names-out-of-place",
    summary: "`domainNames` on a rule that does not accept, or a port by name for peers that have none",
    help: "Domain names can only be accepted, and only pods have ports by name. The object would not be applied, and is left out of the answer.",
    severity: Severity::Error,
};

pub(super) const LINT: Lint = Lint {
    meta: &META,
    find: Find::Loading(|_, _| None),
};
