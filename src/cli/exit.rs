//! Exit statuses.

use std::process::ExitCode;

/// What the exit status says. The numbers are part of the interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Exit {
    /// 0: the answer is yes, or nothing was found.
    Yes,
    /// 1: the answer is no or in part, or something was found that was asked to fail.
    No,
    /// 2: the command or its input cannot be used.
    Usage,
    /// 3: there is nothing to analyse.
    Nothing,
    /// 4: not known.
    Unknown,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Yes => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::Nothing => 3,
            Exit::Unknown => 4,
        })
    }
}
