//! `portolan equiv A B` and `portolan implies A B`.

use super::exit::Exit;
use super::format::{self, FormatArgs};
use super::input::{self, Input, InputArgs};
use super::output::{Failure, Output};
use super::progress::with_progress;
use super::solver::SolverArgs;
use crate::question::compare::{Compared, Comparison, compare};
use crate::report::compare::{Named, compared_json, render_compared};
use clap::Args;
use std::path::PathBuf;

/// Prove that two sets of policies allow the same for all pods, or show a flow that differs
#[derive(Debug, Args)]
#[command(after_help = "\
Only policies and the labels of namespaces count, not the pods of the inputs: any pod that could
be created may call and be called, at any address.

Examples:
  portolan equiv old/ new/
  portolan equiv policies.yaml policies-rewritten.yaml -o json")]
pub(super) struct EquivArgs {
    #[command(flatten)]
    common: CompareArgs,
}

/// Prove that A allows no more than B for all pods, or show a flow that only A allows
#[derive(Debug, Args)]
#[command(after_help = "\
The gate for \"no new access\": the new policies as A, the old ones as B.

Examples:
  portolan implies new/ old/
  kustomize build overlays/prod | portolan implies - deployed/")]
pub(super) struct ImpliesArgs {
    #[command(flatten)]
    common: CompareArgs,
}

#[derive(Debug, Args)]
struct CompareArgs {
    /// A file or directory of manifests, `-` for standard input
    #[arg(value_name = "A")]
    first: PathBuf,
    /// The other
    #[arg(value_name = "B")]
    second: PathBuf,
    #[command(flatten)]
    solver: SolverArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    input: InputArgs,
}

pub(super) fn run_equiv(args: &EquivArgs, output: &Output) -> Result<Exit, Failure> {
    run(&args.common, Comparison::Equivalent, output)
}

pub(super) fn run_implies(args: &ImpliesArgs, output: &Output) -> Result<Exit, Failure> {
    run(&args.common, Comparison::Implies, output)
}

fn run(args: &CompareArgs, comparison: Comparison, output: &Output) -> Result<Exit, Failure> {
    let read = |path: &PathBuf| {
        let mut input = input::read(std::slice::from_ref(path), &args.input, output)?;
        input::settle_ties(&mut input.cluster, output);
        Ok(input)
    };
    let (first, second) = (read(&args.first)?, read(&args.second)?);
    let clusters = [&first.cluster, &second.cluster];
    let (compared, _) = with_progress(output, "comparing", || {
        compare(clusters, comparison, args.solver.limits())
    })
    .map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    let names = [&args.first, &args.second].map(|path| path.display().to_string());
    let [a, b] = &names;
    let named = |input, name| named(input, name);
    let inputs = [named(&first, a), named(&second, b)];
    let text = || render_compared(inputs, comparison, &compared, output.answer_style());
    let json = || compared_json(inputs, comparison, &compared);
    format::answer(output, &args.format, text, json)?;
    Ok(match compared {
        Compared::Proved => first.exit.max(second.exit),
        Compared::Differs(_) => Exit::No,
        Compared::Unknown { .. } => Exit::Unknown,
    })
}

fn named<'a>(input: &'a Input, name: &'a str) -> Named<'a> {
    Named {
        name,
        cluster: &input.cluster,
        sources: &input.sources,
    }
}
