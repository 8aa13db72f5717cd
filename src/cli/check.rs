//! `portolan check`: does what is intended hold?

use super::exit::Exit;
use super::format::{self, Format, FormatArgs};
use super::input::{self, Extra, Input, InputArgs, read_with};
use super::output::{Failure, Output};
use super::progress::with_progress;
use super::solver::SolverArgs;
use crate::intent::{
    Assertion, BUILTINS, Controllers, Intent, Resolved, Scope, builtin, parse_intents, resolve,
};
use crate::model::{Cluster, Direction, Severity, has_block};
use crate::question::check::{CheckOutcome, Checked, Context, check, vocabulary_of};
use crate::question::ingress::controllers;
use crate::report::check::{self as report, render_check, wrapped_line};
use crate::report::check_json::check_json;
use crate::report::finding::counted;
use crate::symbolic::PolicyIndex;
use clap::{Args, ValueEnum};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Prove that what is intended holds, or show a flow that says otherwise
#[derive(Debug, Args)]
#[command(after_help = "\
Intents are files like policies/shop.yaml; those among the PATHs are found by themselves.
Built in: default-deny, dns, tenant-isolation, pci, no-open-database, no-metadata.

Exit status: 0 all hold; 1 one is violated, or about nothing; 2 an intent cannot be read;
3 no intent; 4 unknown.

Examples:
  portolan check testdata/shop --intent policies/shop.yaml
  portolan check deploy/ --intent builtin:default-deny --intent builtin:dns
  helm template ./chart | portolan check - --intent intents/ --prove=possible")]
pub(super) struct CheckArgs {
    /// Files or directories of manifests and intents, `-` for standard input [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A file or directory of intents, or `builtin:NAME`; may be repeated
    #[arg(short, long, value_name = "FILE")]
    intent: Vec<String>,
    /// For which pods to prove it, whatever the intents say; `off` only reads them
    #[arg(long, value_name = "SCOPE")]
    prove: Option<ProveArg>,
    #[command(flatten)]
    solver: SolverArgs,
    /// Whether to say how long each assertion took: by default on a terminal only
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    timing: TimingArg,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    input: InputArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum ProveArg {
    /// Nothing
    Off,
    /// The pods that exist
    Existing,
    /// Any pod that one could create
    Possible,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum TimingArg {
    Auto,
    Always,
    Never,
}

pub(super) fn run(args: &CheckArgs, output: &Output) -> Result<Exit, Failure> {
    let mut input = read_with(&args.paths, &extra(&args.intent)?, &args.input, output)?;
    let (intents, mut findings) = parse_intents(&input.sources, &input.intents);
    let n_left_out = input.intents.len() - intents.len();
    if input.intents.is_empty() {
        return Err(no_intent());
    }
    let scope = match args.prove {
        Some(ProveArg::Existing) => Some(Scope::Existing),
        Some(ProveArg::Possible) => Some(Scope::Possible),
        Some(ProveArg::Off) | None => None,
    };
    let serving = Controllers(controllers(&input.cluster, input.controller.as_ref()));
    let resolved = resolve(&mut input.cluster, &intents, &serving, scope);
    findings.extend(resolved.findings.iter().cloned());
    findings.sort();
    input::say(&input.sources, &findings, output);
    let broken = if n_left_out > 0 {
        Exit::Usage
    } else {
        Exit::Yes
    };
    if args.prove == Some(ProveArg::Off) {
        let unresolved = findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        return read_only(&intents, &resolved.assertions, output).map(|()| {
            let found = if unresolved { Exit::No } else { Exit::Yes };
            broken.max(found).max(input.exit)
        });
    }
    let checked = prove(args, &input, &resolved, output)?;
    let pairs: Vec<(&Assertion, &Checked)> = resolved.assertions.iter().zip(&checked).collect();
    let assumptions = assumptions(&input, &resolved.assertions);
    render(args, output, &input, &pairs, &assumptions)?;
    Ok(exit(&checked, broken, input.exit))
}

fn extra(intents: &[String]) -> Result<Extra, Failure> {
    let mut extra = Extra::default();
    for name in intents {
        let Some(short) = name.strip_prefix("builtin:") else {
            extra.paths.push(PathBuf::from(name));
            continue;
        };
        let known = builtin(short).ok_or_else(|| {
            let names: Vec<String> = BUILTINS
                .iter()
                .map(|known| format!("`builtin:{}`: {}", known.name, known.summary))
                .collect();
            Failure::usage(
                format!("no intent `{short}` is built in"),
                format!("there are\n        {}", names.join("\n        ")),
            )
        })?;
        extra.texts.push((name.clone(), known.text.to_owned()));
    }
    Ok(extra)
}

fn no_intent() -> Failure {
    Failure {
        exit: Exit::Nothing,
        message: "no intent to check".to_owned(),
        help: Some(
            "name a file with `--intent FILE`, or start with `--intent builtin:default-deny`"
                .to_owned(),
        ),
    }
}

fn prove(
    args: &CheckArgs,
    input: &Input,
    resolved: &Resolved,
    output: &Output,
) -> Result<Vec<Checked>, Failure> {
    let cluster = &input.cluster;
    let Some(known) = &resolved.known else {
        return Ok(Vec::new());
    };
    let index = PolicyIndex::new(cluster);
    let vocabulary = vocabulary_of(cluster, &resolved.assertions, known);
    let context = Context {
        cluster,
        index: &index,
        vocabulary: &vocabulary,
        known,
        limits: args.solver.limits(),
    };
    with_progress(output, "proving", || check(context, &resolved.assertions))
        .map_err(|error| Failure::usage(error.to_string(), error.help()))
}

/// `--prove=off`: what would be proved.
fn read_only(intents: &[Intent], assertions: &[Assertion], output: &Output) -> Result<(), Failure> {
    output.answer(|writer| {
        for assertion in assertions {
            let (scope, intent, name) =
                (assertion.scope.name(), &assertion.intent, &assertion.name);
            writeln!(writer, "not proved  {scope}  {intent}/{name}")?;
        }
        let (n_assertions, n_intents) = (
            counted(assertions.len(), "assertion"),
            counted(intents.len(), "intent"),
        );
        writeln!(
            writer,
            "\n{n_assertions} of {n_intents} read, and none proved: `--prove=off`"
        )
    })
}

/// What the answers rest on: those of every command, and that pods that could be created have
/// no address.
fn assumptions(input: &Input, assertions: &[Assertion]) -> Vec<String> {
    let mut assumptions = input.assumptions.clone();
    // That of pods that exist is said already, where it is so.
    let is_said = !input.blind.is_empty();
    let is_possible = assertions
        .iter()
        .any(|assertion| assertion.scope == Scope::Possible);
    if is_possible && !is_said && input.cluster.pod_cidrs.is_empty() && has_blocks(&input.cluster) {
        assumptions.push(
            "pods that could be created have no addresses, so no ipBlock was taken to match one; \
             `--pod-cidr CIDR` says where pods get theirs"
                .to_owned(),
        );
    }
    assumptions.extend(input.cluster.not_analysed.iter().map(|kind| {
        let objects = counted(kind.count, "object");
        format!(
            "{objects} of kind `{}` ({}) not analysed",
            kind.kind, kind.api_version
        )
    }));
    assumptions
}

fn has_blocks(cluster: &Cluster) -> bool {
    let mut policies = cluster.policies_with_ids();
    policies.any(|(id, _)| {
        Direction::ALL
            .into_iter()
            .any(|d| has_block(cluster, id, d))
    })
}

fn render(
    args: &CheckArgs,
    output: &Output,
    input: &Input,
    checked: &[(&Assertion, &Checked)],
    assumptions: &[String],
) -> Result<(), Failure> {
    let timing = match args.timing {
        TimingArg::Always => true,
        TimingArg::Never => false,
        TimingArg::Auto => args.format.format == Format::Text && std::io::stdout().is_terminal(),
    };
    let (cluster, sources) = (&input.cluster, &input.sources);
    let text = || {
        let context = report::Context {
            cluster,
            sources,
            style: output.answer_style(),
            timing,
        };
        render_check(context, checked)
    };
    let json = || check_json(cluster, sources, checked, assumptions, timing);
    format::answer(output, &args.format, text, json)?;
    if args.format.format == Format::Text && !output.quiet {
        let width = output.aside_style().width;
        for assumption in assumptions {
            output.aside(&wrapped_line(&format!("note: {assumption}"), width));
        }
    }
    Ok(())
}

/// A violation is the worst there is to say, whatever else is not known; that an intent could not
/// be read comes next, since what it says was not checked at all.
fn exit(checked: &[Checked], broken: Exit, input: Exit) -> Exit {
    let any = |wanted: fn(&CheckOutcome) -> bool| checked.iter().any(|c| wanted(&c.outcome));
    if any(|outcome| {
        matches!(
            outcome,
            CheckOutcome::Violated(_) | CheckOutcome::Nothing { .. } | CheckOutcome::Unresolved
        )
    }) {
        Exit::No
    } else if broken != Exit::Yes {
        broken
    } else if any(|outcome| matches!(outcome, CheckOutcome::Unknown { .. })) {
        Exit::Unknown
    } else {
        input
    }
}
