//! `portolan verify`: do these rules enforce the manifests?

mod ebpf_rules;
mod nft_rules;

use super::compile::{RuleArgs, Target, node_named, read};
use super::exit::Exit;
use super::format::{self, FormatArgs};
use super::input::InputArgs;
use super::output::{Failure, Output};
use super::progress::with_progress;
use super::solver::SolverArgs;
use crate::dataplane::nft::{Foreign, NotUnderstood};
use crate::dataplane::{HalfProof, prove_half};
use crate::model::{Half, Modes, Program};
use crate::report::verify::{Verified, render_verified, verified_json};
use crate::symbolic::PolicyIndex;
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Prove that rules enforce the manifests, or show a packet that they treat differently
#[derive(Debug, Args)]
#[command(
    override_usage = "portolan verify --target <TARGET> [OPTIONS] <RULES> [PATH]...\n       \
                      portolan verify --target <TARGET> [OPTIONS] --live [PATH]...",
    after_help = "\
RULES is the directory of a bundle, or of what was read back on a node:
  nft   a policy.nft, or what `nft -j list ruleset` printed
  ebpf  a directory with what `bpftool -j map dump` printed: generation.json, addresses4.json,
        addresses6.json and policy.json
Rules that are not understood exactly are refused, and the answer is unknown.

Exit status: 0 they enforce the manifests; 1 a packet is treated differently; 2 usage or input
errors; 4 unknown.

Examples:
  portolan verify --target nft rules/worker-1 live.yaml
  ssh worker-1 nft -j list ruleset > ruleset.json
  portolan verify --target nft ruleset.json live.yaml --node worker-1
  portolan verify --target nft --live live.yaml --node \"$(hostname)\"
  portolan verify --target ebpf --live live.yaml --node \"$(hostname)\""
)]
pub(super) struct VerifyArgs {
    /// The rules, unless `--live`; then files or directories of manifests, `-` for standard input
    #[arg(value_name = "RULES PATH")]
    names: Vec<PathBuf>,
    /// Read the rules of this machine, with `nft` or `bpftool`
    #[arg(long)]
    live: bool,
    /// The node whose rules they are; a file of a bundle says so itself
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    solver: SolverArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// What was read of rules.
struct Rules {
    /// As they are shown.
    name: String,
    node: Option<String>,
    modes: Option<Modes>,
    /// Whether what was loaded before can stay behind them.
    adds_to_others: bool,
    /// What they do.
    program: Program,
    /// Why they are not understood.
    problem: Option<NotUnderstood>,
    /// Why nothing is enforced, when nothing is loaded.
    not_loaded: Option<String>,
    /// Chains that no packet comes to.
    unreachable: Vec<String>,
    foreign: Vec<Foreign>,
    /// What else is to be said.
    notes: Vec<String>,
}

impl Rules {
    fn named(name: String) -> Rules {
        Rules {
            name,
            node: None,
            modes: None,
            adds_to_others: false,
            program: Program::default(),
            problem: None,
            not_loaded: None,
            unreachable: Vec::new(),
            foreign: Vec::new(),
            notes: Vec::new(),
        }
    }
}

pub(super) fn run(args: &VerifyArgs, output: &Output) -> Result<Exit, Failure> {
    let (rules, paths) = rules(args)?;
    let (input, book) = read(paths, &args.rules, &args.input, output)?;
    let cluster = &input.cluster;
    let name = args
        .node
        .clone()
        .or_else(|| rules.node.clone())
        .ok_or_else(|| {
            Failure::usage(
                format!("`{}` does not say of which node it is", rules.name),
                "say it with `--node NAME`".to_owned(),
            )
        })?;
    let node = node_named(cluster, &name)?;
    let half = Half::new(cluster, &book, node, args.rules.modes(rules.modes));
    let index = PolicyIndex::new(cluster);
    let proof = match &rules.problem {
        Some(_) => None,
        None => Some(with_progress(output, "proving", || {
            prove_half(&rules.program, &half, &index, args.solver.limits())
        })),
    };
    let verified = Verified {
        sources: &input.sources,
        half: &half,
        program: &rules.program,
        file: &rules.name,
        not_loaded: rules.not_loaded.as_deref(),
        adds_to_others: rules.adds_to_others,
        unreachable: &rules.unreachable,
        foreign: &rules.foreign,
        notes: &rules.notes,
        problem: rules.problem.as_ref(),
        proof: proof.as_ref(),
    };
    format::answer(
        output,
        &args.format,
        || render_verified(&verified, output.answer_style().width),
        || verified_json(&verified),
    )?;
    Ok(match proof {
        Some(HalfProof::Proved) => input.exit,
        Some(HalfProof::Differs(_)) => Exit::No,
        _ => Exit::Unknown,
    })
}

fn rules(args: &VerifyArgs) -> Result<(Rules, &[PathBuf]), Failure> {
    let target = args.rules.target;
    if args.live {
        let rules = match target {
            Target::Nft => nft_rules::live()?,
            Target::Ebpf => ebpf_rules::live(args.node.as_deref())?,
        };
        return Ok((rules, &args.names));
    }
    let Some((path, paths)) = args.names.split_first() else {
        return Err(Failure::usage(
            "no rules to verify",
            "name the rules before the manifests, or use `--live`".to_owned(),
        ));
    };
    let rules = match target {
        Target::Nft => nft_rules::of_path(path)?,
        Target::Ebpf => ebpf_rules::of_path(path)?,
    };
    Ok((rules, paths))
}

/// Why rules cannot be read.
fn cannot_read(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(
        format!("cannot read `{}`: {error}", path.display()),
        "rules come first: `portolan verify --target TARGET RULES PATH`".to_owned(),
    )
}

/// What a command of the machine prints.
fn printed(program: &str, arguments: &[&str], package: &str) -> Result<String, Failure> {
    let done = Command::new(program).args(arguments).output();
    let done = done.map_err(|error| {
        Failure::usage(
            format!("cannot run `{program}`: {error}"),
            format!("install {package}"),
        )
    })?;
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    if done.status.success() {
        return Ok(printed);
    }
    // bpftool says in JSON what went wrong.
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let said = if said.trim().is_empty() {
        printed
    } else {
        said
    };
    let arguments = arguments.join(" ");
    Err(Failure::usage(
        format!("`{program} {arguments}` failed: {}", said.trim()),
        "it takes root, in the node's network namespace".to_owned(),
    ))
}
