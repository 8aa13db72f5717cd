//! The command line: the only layer that knows clap, standard output, colour, progress and
//! exit statuses. One file per command.

mod build;
mod can;
mod check;
mod compare;
mod compile;
mod convert;
mod diff;
mod exit;
mod exposure;
mod format;
mod generate;
mod input;
mod lint;
mod list;
mod output;
mod ports;
mod progress;
mod redundant;
mod solver;
mod standing;
mod verify;

pub use exit::Exit;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use output::Output;
use std::ffi::OsString;
use std::process::ExitCode;

/// Charts what Kubernetes network policy lets through.
#[derive(Debug, Parser)]
#[command(
    name = "portolan",
    version,
    about = "Chart, prove and compile Kubernetes network policy",
    long_about = "Reads Kubernetes manifests, works out exactly which connections network policy \
                  lets through, and answers questions about it. It never talks to a cluster.",
    after_help = "Exit status: 0 yes, or clean; 1 no, or findings; 2 usage or input errors; \
                  3 nothing to analyse; 4 unknown.",
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: output::OutputArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::ListArgs),
    Can(can::CanArgs),
    Check(check::CheckArgs),
    Lint(lint::LintArgs),
    Exposure(exposure::ExposureArgs),
    Diff(diff::DiffArgs),
    Equiv(compare::EquivArgs),
    Implies(compare::ImpliesArgs),
    Redundant(redundant::RedundantArgs),
    Compile(compile::CompileArgs),
    Convert(convert::ConvertArgs),
    Verify(verify::VerifyArgs),
    Completions(generate::CompletionsArgs),
}

/// Runs the command line `arguments`, the program's name first, and returns its exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = Cli::command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers and go to standard output; mistakes do not. When
            // even that cannot be written there is nobody to tell.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Yes.into()
            };
        }
    };
    let output = Output::new(&cli.output);
    let exit = match &cli.command {
        Command::List(args) => list::run(args, &output),
        Command::Can(args) => can::run(args, &output),
        Command::Check(args) => check::run(args, &output),
        Command::Lint(args) => lint::run(args, &output),
        Command::Exposure(args) => exposure::run(args, &output),
        Command::Diff(args) => diff::run(args, &output),
        Command::Equiv(args) => compare::run_equiv(args, &output),
        Command::Implies(args) => compare::run_implies(args, &output),
        Command::Redundant(args) => redundant::run(args, &output),
        Command::Convert(args) => convert::run(args, &output),
        Command::Compile(args) => compile::run(args, &output),
        Command::Verify(args) => verify::run(args, &output),
        Command::Completions(args) => generate::run(args, &output),
    };
    match exit {
        Ok(exit) => exit.into(),
        Err(failure) => output.fail(&failure),
    }
}
