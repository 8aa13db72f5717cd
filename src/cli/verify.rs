//! `portolan verify`.
use super::exit::Exit;
use super::output::{Failure, Output};
use clap::Args;

/// Prove that rules enforce the manifests, or show a packet that they treat differently
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {}

pub(super) fn run(_args: &VerifyArgs, _output: &Output) -> Result<Exit, Failure> {
    Ok(Exit::Yes)
}
