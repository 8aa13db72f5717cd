//! `portolan exposure`: what can be reached, and from how far.

use super::exit::Exit;
use super::format::{self, FormatArgs};
use super::input::{self, InputArgs, tie_note};
use super::output::{Failure, Output};
use super::progress::with_progress;
use super::solver::SolverArgs;
use crate::question::exposure::exposure;
use crate::report::exposure::{exposure_json, render_exposure};
use clap::Args;
use std::path::PathBuf;

/// Chart what can be reached from outside, from every namespace and by future pods
#[derive(Debug, Args)]
#[command(after_help = "\
Workloads come in order, the most exposed first; then how many pods policies isolate. What future
pods can reach, whatever their labels and namespace, is proved by the solver.

Examples:
  portolan exposure deploy/
  kubectl get -A -o yaml pod,ns,svc,ing,netpol | portolan exposure - -o json")]
pub(super) struct ExposureArgs {
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

pub(super) fn run(args: &ExposureArgs, output: &Output) -> Result<Exit, Failure> {
    let input = input::read(&args.paths, &args.input, output)?;
    let cluster = &input.cluster;
    if let Some(note) = tie_note(cluster).filter(|_| !output.quiet) {
        output.aside(&format!(
            "note: {note}; whatever one of them lets in is told here\n"
        ));
    }
    let answer = with_progress(output, "analysing", || {
        exposure(cluster, input.controller.as_ref(), args.solver.limits())
    });
    let text = || render_exposure(cluster, &answer, output.answer_style());
    let json = || exposure_json(cluster, &answer);
    format::answer(output, &args.format, text, json)?;
    let is_unknown = answer
        .workloads
        .iter()
        .any(|exposed| exposed.gave_up.is_some());
    Ok(if is_unknown {
        Exit::Unknown
    } else {
        input.exit
    })
}
