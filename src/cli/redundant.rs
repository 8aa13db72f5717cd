//! `portolan redundant`: what could be removed and nothing would change.

use super::exit::Exit;
use super::format::{self, FormatArgs};
use super::input::{self, InputArgs};
use super::output::{Failure, Output};
use super::progress::with_progress;
use super::solver::SolverArgs;
use crate::question::redundant::redundant;
use crate::report::redundant::{redundant_json, render_redundancies};
use clap::Args;
use std::path::PathBuf;

/// Find the policies, rules, peers and ports that change nothing, and what shadows them
#[derive(Debug, Args)]
#[command(after_help = "\
Proved for all pods that could be created, at any address: what is redundant today and would not
be for tomorrow's pods is not listed.

Examples:
  portolan redundant deploy/
  portolan redundant policies/ -o json")]
pub(super) struct RedundantArgs {
    /// Files or directories of manifests, `-` for standard input [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    solver: SolverArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    input: InputArgs,
}

pub(super) fn run(args: &RedundantArgs, output: &Output) -> Result<Exit, Failure> {
    let mut input = input::read(&args.paths, &args.input, output)?;
    input::settle_ties(&mut input.cluster, output);
    let (cluster, sources) = (&input.cluster, &input.sources);
    let answer = with_progress(output, "proving", || {
        redundant(cluster, args.solver.limits())
    });
    let text = || render_redundancies(cluster, sources, &answer, output.answer_style());
    let json = || redundant_json(cluster, sources, &answer);
    format::answer(output, &args.format, text, json)?;
    Ok(if !answer.found.is_empty() {
        Exit::No
    } else if !answer.unknown.is_empty() {
        Exit::Unknown
    } else {
        input.exit
    })
}
