//! `portolan redundant`: what could be removed and nothing would change.

use super::check::limits;
use super::exit::Exit;
use super::input::{self, InputArgs};
use super::output::{Failure, Output};
use super::progress::with_progress;
use crate::question::redundant::redundant;
use crate::report::redundant::{redundant_json, render_redundancies};
use clap::{Args, ValueEnum};
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
    /// How much work the solver may do for one question before it gives up [default: 200000000]
    #[arg(long, value_name = "COUNT")]
    rlimit: Option<u32>,
    /// The format of the answer
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Output"
    )]
    format: Format,
    #[command(flatten)]
    input: InputArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines
    Json,
}

pub(super) fn run(args: &RedundantArgs, output: &Output) -> Result<Exit, Failure> {
    let input = input::read(&args.paths, &args.input, output)?;
    let (cluster, sources) = (&input.cluster, &input.sources);
    let limits = limits(args.rlimit);
    let answer = with_progress(output, "proving", || redundant(cluster, limits));
    match args.format {
        Format::Text => {
            let text = render_redundancies(cluster, sources, &answer, output.answer_style());
            output.answer(|writer| writer.write_all(text.as_bytes()))?;
        }
        Format::Json => {
            let json = redundant_json(cluster, sources, &answer);
            output.answer(|writer| {
                serde_json::to_writer_pretty(&mut *writer, &json)?;
                writer.write_all(b"\n")
            })?;
        }
    }
    Ok(if !answer.found.is_empty() {
        Exit::No
    } else if !answer.unknown.is_empty() {
        Exit::Unknown
    } else {
        input.exit
    })
}
