//! What the solver may spend, for every command that asks it.

use crate::symbolic::Limits;
use clap::Args;

/// The flag about it.
#[derive(Debug, Args)]
pub(super) struct SolverArgs {
    /// How much work the solver may do for one question before it gives up [default: 200000000]
    #[arg(long, value_name = "COUNT")]
    rlimit: Option<u32>,
}

impl SolverArgs {
    /// As the solver takes it.
    pub(super) fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits {
            resources: self.rlimit.unwrap_or(default.resources),
            ..default
        }
    }
}
