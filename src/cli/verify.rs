//! `portolan verify`: do these rules enforce the manifests?

use super::compile::{RuleArgs, node_named, read};
use super::exit::Exit;
use super::format::{self, FormatArgs};
use super::input::InputArgs;
use super::output::{Failure, Output};
use super::progress::with_progress;
use super::solver::SolverArgs;
use crate::dataplane::nft::{Listing, NotUnderstood, State, read_listing};
use crate::dataplane::{HalfProof, prove_half};
use crate::model::{Half, Modes, Program};
use crate::report::bundle::read_header;
use crate::report::verify::{Verified, render_verified, verified_json};
use crate::symbolic::PolicyIndex;
use clap::Args;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Prove that rules enforce the manifests, or show a packet that they treat differently
#[derive(Debug, Args)]
#[command(
    override_usage = "portolan verify --target <TARGET> [OPTIONS] <RULES> [PATH]...\n       \
                      portolan verify --target <TARGET> [OPTIONS] --live [PATH]...",
    after_help = "\
RULES is a policy.nft, the directory of a bundle, or what `nft -j list ruleset` printed on a node.
Rules that are not understood exactly are refused, and the answer is unknown.

Exit status: 0 they enforce the manifests; 1 a packet is treated differently; 2 usage or input
errors; 4 unknown.

Examples:
  portolan verify --target nft rules/worker-1 live.yaml
  ssh worker-1 nft -j list ruleset > ruleset.json
  portolan verify --target nft ruleset.json live.yaml --node worker-1
  portolan verify --target nft --live live.yaml --node \"$(hostname)\""
)]
pub(super) struct VerifyArgs {
    /// The rules, unless `--live`; then files or directories of manifests, `-` for standard input
    #[arg(value_name = "RULES PATH")]
    names: Vec<PathBuf>,
    /// Read the rules of this machine: runs `nft -j list ruleset`
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
    /// As it is shown.
    name: String,
    node: Option<String>,
    modes: Option<Modes>,
    /// Whether what was loaded before can stay behind them.
    adds_to_others: bool,
    listing: Result<Listing, NotUnderstood>,
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
    let (program, listing, problem) = understood(rules.listing);
    let proof = match &problem {
        Some(_) => None,
        None => Some(with_progress(output, "proving", || {
            prove_half(&program, &half, &index, args.solver.limits())
        })),
    };
    let state = listing.state.as_ref();
    let verified = Verified {
        sources: &input.sources,
        half: &half,
        program: &program,
        file: &rules.name,
        is_loaded: state.is_some(),
        adds_to_others: rules.adds_to_others,
        unreachable: state.map_or_else(Vec::new, State::unreachable),
        foreign: &listing.foreign,
        problem: problem.as_ref(),
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

/// The program of a listing, or why it is not understood.
fn understood(
    listing: Result<Listing, NotUnderstood>,
) -> (Program, Listing, Option<NotUnderstood>) {
    let listing = match listing {
        Ok(listing) => listing,
        Err(problem) => return (Program::default(), Listing::default(), Some(problem)),
    };
    match listing
        .state
        .as_ref()
        .map_or_else(|| Ok(Program::default()), State::program)
    {
        Ok(program) => (program, listing, None),
        Err(problem) => {
            let problem = NotUnderstood {
                line: 0,
                text: String::new(),
                problem,
            };
            (Program::default(), listing, Some(problem))
        }
    }
}

fn rules(args: &VerifyArgs) -> Result<(Rules, &[PathBuf]), Failure> {
    if args.live {
        return Ok((live()?, &args.names));
    }
    let Some((path, paths)) = args.names.split_first() else {
        return Err(Failure::usage(
            "no rules to verify",
            "name a file of rules before the manifests, or use `--live`".to_owned(),
        ));
    };
    let file = if path.is_dir() {
        path.join("policy.nft")
    } else {
        path.clone()
    };
    let text = read_text(&file).map_err(|error| {
        let help = "rules come first: `portolan verify --target nft RULES PATH`";
        Failure::usage(
            format!("cannot read `{}`: {error}", file.display()),
            help.to_owned(),
        )
    })?;
    Ok((of_text(file.display().to_string(), &text), paths))
}

fn read_text(path: &Path) -> std::io::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}

fn of_text(name: String, text: &str) -> Rules {
    if text.trim_start().starts_with('{') {
        return Rules {
            name,
            node: None,
            modes: None,
            adds_to_others: false,
            listing: read_listing(text),
        };
    }
    let (node, modes) = read_header(text);
    let mut state = State::default();
    let applied = state.apply(text);
    let mut over_others = state.soiled();
    let adds_to_others = over_others.apply(text).is_ok() && over_others != state;
    let listing = applied.map(|()| Listing {
        state: Some(state),
        foreign: Vec::new(),
    });
    Rules {
        name,
        node,
        modes,
        adds_to_others,
        listing,
    }
}

/// A dump is not one transaction, so it is read until two in a row are the same.
const MOST_READS: usize = 5;

fn live() -> Result<Rules, Failure> {
    let list = || -> Result<String, Failure> {
        // Stateless: counters would make every dump another.
        let done = Command::new("nft")
            .args(["-j", "-s", "list", "ruleset"])
            .output();
        let done = done.map_err(|error| {
            Failure::usage(
                format!("cannot run `nft`: {error}"),
                "install nftables".to_owned(),
            )
        })?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            let help = "it takes root, or CAP_NET_ADMIN".to_owned();
            return Err(Failure::usage(
                format!("`nft -j list ruleset` failed: {said}"),
                help,
            ));
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let mut before = list()?;
    for _ in 1..MOST_READS {
        let now = list()?;
        if now == before {
            return Ok(of_text("the running rules".to_owned(), &now));
        }
        before = now;
    }
    Err(Failure {
        exit: Exit::Unknown,
        message: "the rules changed while they were read".to_owned(),
        help: Some("try again when nothing loads rules".to_owned()),
    })
}
