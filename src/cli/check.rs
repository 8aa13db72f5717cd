//! `portolan check`: is anything wrong, does what is intended hold, what does a change do?

use super::diff::{self, base_trees, compare};
use super::exit::Exit;
use super::input::{
    self, Base, Extra, Input, InputArgs, is_empty, nothing, read_pair, read_silently,
};
use super::lint::lint_findings;
use super::output::{Failure, Output};
use super::progress::with_progress;
use super::solver::SolverArgs;
use super::standing::{SeverityArg, suppressions_of, with_standing};
use crate::intent::{
    Assertion, BUILTINS, Controllers, Intent, Resolved, Scope, builtin, parse_intents, resolve,
};
use crate::model::{Cluster, Direction, Finding, Severity, has_block};
use crate::question::check::{Checked, Context, check, vocabulary_of};
use crate::question::ingress::controllers;
use crate::report::check::wrapped_line;
use crate::report::diff::{View, rows};
use crate::report::finding::counted;
use crate::report::gate::{
    Baseline, GATE_FORMATS, Gate, GateFormat, Item, Verdict, baseline_text, diff_item,
    finding_item, intent_item,
};
use crate::report::snippet::Style;
use crate::symbolic::PolicyIndex;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ValueEnum};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Check manifests: what is wrong with them, whether what is intended holds, what a change does
#[derive(Debug, Args)]
#[command(after_help = "\
Intents are files like policies/shop.yaml; those among the PATHs are found by themselves.
Built in: default-deny, dns, tenant-isolation, pci, no-open-database, no-metadata.

`# portolan:ignore ID reason` on a line or above it, or the annotation
`portolan.dev/ignore: ID reason` on an object, suppresses a finding.

Exit status: 0 passed; 1 failed; 2 something cannot be read; 3 nothing to check; 4 unknown.

Examples:
  portolan check testdata/shop --intent policies/shop.yaml
  portolan check deploy/ --base origin/main... --intent builtin:dns
  helm template ./chart | portolan check - --intent intents/ --prove=possible
  portolan check deploy/ -o github --also sarif=portolan.sarif --also md=comment.md")]
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
    /// Also look for mistakes, as `portolan lint` does
    #[arg(long)]
    lint: bool,
    #[command(flatten)]
    solver: SolverArgs,
    /// Also say what changed since this revision, such as `origin/main...`
    #[arg(short, long, value_name = "REV", help_heading = "Gate")]
    base: Option<String>,
    /// With `--base`, the changes to refuse [default: exposed]
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        requires = "base",
        help_heading = "Gate"
    )]
    deny: Vec<DenyArg>,
    /// Fail on findings that are at least this bad
    #[arg(
        long,
        value_name = "SEVERITY",
        default_value = "error",
        help_heading = "Gate"
    )]
    fail_on: SeverityArg,
    /// What was there before, and does not count
    #[arg(long, value_name = "FILE", help_heading = "Gate")]
    baseline: Option<PathBuf>,
    /// Write everything that counts now to a baseline, and pass
    #[arg(long, value_name = "FILE", help_heading = "Gate")]
    write_baseline: Option<PathBuf>,
    /// Whether to say how long each assertion took: by default on a terminal only
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    timing: TimingArg,
    /// The format of the answer
    #[arg(short = 'o', long = "output", value_name = "FORMAT", default_value = "text",
          value_parser = PossibleValuesParser::new(GATE_FORMATS.iter().map(|f| PossibleValue::new(f.name).help(f.summary))),
          help_heading = "Output")]
    format: String,
    /// Write the answer to a file too, in a format: `sarif=portolan.sarif`; may be repeated
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_also, help_heading = "Output")]
    also: Vec<Also>,
    #[command(flatten)]
    input: InputArgs,
}

/// One more format, and where it goes.
#[derive(Clone, Debug)]
struct Also {
    format: &'static GateFormat,
    path: PathBuf,
}

fn parse_also(text: &str) -> Result<Also, String> {
    let (name, path) = text.split_once('=').ok_or("expected `FORMAT=FILE`")?;
    let format = GATE_FORMATS.iter().find(|format| format.name == name);
    let names: Vec<&str> = GATE_FORMATS.iter().map(|format| format.name).collect();
    let format = format.ok_or_else(|| format!("`{name}` is not one of {}", names.join(", ")))?;
    Ok(Also {
        format,
        path: PathBuf::from(path),
    })
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum DenyArg {
    /// None
    None,
    /// Something can be reached that could not, or perhaps
    Added,
    /// Something can no longer be reached, or perhaps not
    Removed,
    /// Anything
    Any,
    /// Something can newly be reached from the internet
    Exposed,
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
    let is_gate = args.base.is_some()
        || args.baseline.is_some()
        || args.write_baseline.is_some()
        || !args.also.is_empty()
        || args.format != "text";
    if args.prove == Some(ProveArg::Off) && is_gate {
        return Err(Failure::usage(
            "`--prove=off` only reads intents, and has no verdict",
            "leave it out, or leave out the flags of the gate and `--output`".to_owned(),
        ));
    }
    let mut baseline = baseline(args)?;
    let mut read = read(args, output)?;
    let linted = match args.lint {
        true => lint_findings(&read.input, &|file| !is_old(&read, file), output)?,
        false => Vec::new(),
    };
    let input = &mut read.input;
    let (intents, mut findings) = parse_intents(&input.sources, &input.intents);
    let n_left_out = input.intents.len() - intents.len();
    let scope = match args.prove {
        Some(ProveArg::Existing) => Some(Scope::Existing),
        Some(ProveArg::Possible) => Some(Scope::Possible),
        Some(ProveArg::Off) | None => None,
    };
    let serving = Controllers(controllers(&input.cluster, input.controller.as_ref()));
    let resolved = resolve(&mut input.cluster, &intents, &serving, scope);
    findings.extend(resolved.findings.iter().cloned());
    findings.extend(std::mem::take(&mut input.findings));
    findings.extend(linted);
    findings.sort();
    let input = &read.input;
    let broken = if n_left_out > 0 {
        Exit::Usage
    } else {
        Exit::Yes
    };
    if args.prove == Some(ProveArg::Off) {
        input::say(&input.sources, &findings, output);
        let unresolved = findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        return read_only(&intents, &resolved.assertions, output).map(|()| {
            let found = if unresolved { Exit::No } else { Exit::Yes };
            broken.max(found).max(input.exit)
        });
    }
    let checked = prove(args, input, &resolved, output)?;
    let pairs: Vec<(&Assertion, &Checked)> = resolved.assertions.iter().zip(&checked).collect();
    let compared = read.base.as_ref().map(|base| compare(base, input, output));
    let notes = read.base.as_ref().map_or_else(Vec::new, |base| {
        diff::notes(base, input, read.names.each_ref().map(String::as_str))
    });
    // What holds for the check as a whole is said with it.
    let notes: Vec<String> = notes
        .into_iter()
        .filter(|note| !input.assumptions.contains(note))
        .collect();
    let view = compared
        .as_ref()
        .zip(read.base.as_ref())
        .map(|(found, base)| {
            diff::view(
                found,
                base,
                input,
                &read.names,
                &notes,
                output.answer_style(),
            )
        });
    let mut items: Vec<Item> = findings.iter().map(finding_item).collect();
    items.extend(
        pairs
            .iter()
            .filter_map(|(assertion, checked)| intent_item(&input.cluster, assertion, checked)),
    );
    items.extend(view.iter().flat_map(|view| diff_items(args, view)));
    let suppressions = suppressions_of(&read.input.sources, &items, &|file| !is_old(&read, file));
    let items = with_standing(&input.sources, items, &suppressions, &mut baseline);
    say(&read, &items, &findings, output);
    if intents.is_empty() && n_left_out == 0 && !output.quiet {
        output.aside(
            "note: no intent, so nothing is proved; start with `--intent builtin:default-deny`\n",
        );
    }
    if let Some(path) = &args.write_baseline {
        return write_baseline(path, &items, output);
    }
    let exit = exit(args, &items, broken, input.exit.max(read.base_exit()));
    let assumptions = assumptions(input, &resolved.assertions);
    let gate = Gate {
        cluster: &input.cluster,
        sources: &input.sources,
        checked: &pairs,
        diff: view.as_ref(),
        items: &items,
        n_stale: baseline.n_stale(),
        verdict: match exit {
            Exit::Yes => Verdict::Passed,
            Exit::Unknown => Verdict::Unknown,
            Exit::No | Exit::Usage | Exit::Nothing => Verdict::Failed,
        },
        assumptions: &assumptions,
        style: output.answer_style(),
        timing: match args.timing {
            TimingArg::Always => true,
            TimingArg::Never => false,
            TimingArg::Auto => args.format == "text" && std::io::stdout().is_terminal(),
        },
        old_prefix: &read.old_prefix,
        template,
    };
    write(args, &gate, output)?;
    Ok(exit)
}

/// What was read, and what to compare with.
struct Read {
    input: Input,
    base: Option<Base>,
    names: [String; 2],
    old_prefix: String,
}

impl Read {
    fn base_exit(&self) -> Exit {
        self.base.as_ref().map_or(Exit::Yes, |base| base.exit)
    }
}

fn read(args: &CheckArgs, output: &Output) -> Result<Read, Failure> {
    let extra = extra(&args.intent)?;
    let Some(revision) = &args.base else {
        let (input, problems) = read_silently(&args.paths, &extra, &args.input, output)?;
        if is_empty(&input.cluster) && input.findings.is_empty() && input.intents.is_empty() {
            return Err(nothing(&problems));
        }
        return Ok(Read {
            input,
            base: None,
            names: Default::default(),
            old_prefix: String::new(),
        });
    };
    let (trees, names) = base_trees(revision, &args.paths)?;
    let [old, new] = &trees;
    let (base, input) = read_pair([old, new], &extra, &args.input, output)?;
    Ok(Read {
        input,
        base: Some(base),
        old_prefix: format!("{revision}:"),
        names,
    })
}

fn baseline(args: &CheckArgs) -> Result<Baseline, Failure> {
    let Some(path) = &args.baseline else {
        return Ok(Baseline::default());
    };
    let name = path.display();
    let help = "write one with `portolan check ... --write-baseline FILE`".to_owned();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(
            format!("cannot read the baseline `{name}`: {error}"),
            help.clone(),
        )
    })?;
    Baseline::parse(&text)
        .map_err(|error| Failure::usage(format!("cannot use the baseline `{name}`: {error}"), help))
}

fn write_baseline(path: &Path, items: &[Item], output: &Output) -> Result<Exit, Failure> {
    let text = baseline_text(items);
    let name = path.display();
    std::fs::write(path, &text).map_err(|error| {
        Failure::usage(format!("cannot write the baseline `{name}`: {error}"), None)
    })?;
    let n_known = text.matches("\"fingerprint\"").count();
    output.answer(|writer| {
        writeln!(
            writer,
            "{} written to `{name}`",
            counted(n_known, "finding")
        )
    })?;
    Ok(Exit::Yes)
}

fn diff_items(args: &CheckArgs, view: &View<'_>) -> Vec<Item> {
    let rows = rows(view, 120);
    let default = [DenyArg::Exposed];
    let denied = match args.deny.is_empty() {
        true => &default[..],
        false => &args.deny,
    };
    let groups = view.diff.groups.iter().zip(&rows);
    groups
        .map(|(group, row)| {
            let is_refused = denied.iter().any(|deny| match deny {
                DenyArg::None => false,
                DenyArg::Added => row.is_added,
                DenyArg::Removed => !row.is_added,
                DenyArg::Any => true,
                DenyArg::Exposed => row.is_exposed,
            });
            diff_item(view, group, row, is_refused)
        })
        .collect()
}

fn is_old(read: &Read, file: &str) -> bool {
    !read.old_prefix.is_empty() && file.starts_with(&read.old_prefix)
}

/// Says what counts of what is wrong with the input, as every command does. What is about intents
/// and changes is part of the answer itself.
fn say(read: &Read, items: &[Item], findings: &[Finding], output: &Output) {
    let counts: Vec<Finding> = items
        .iter()
        .zip(findings)
        .filter(|(item, _)| item.is_active())
        .map(|(_, finding)| finding.clone())
        .collect();
    let of_gate = items.iter().filter(|item| item.id.starts_with("GT"));
    let of_gate = of_gate.map(|item| Finding {
        place: item.place.clone(),
        id: item.id,
        severity: item.severity,
        message: item.message.clone(),
        help: item.help.clone(),
        related: Vec::new(),
    });
    let all: Vec<Finding> = counts.into_iter().chain(of_gate).collect();
    input::say(&read.input.sources, &all, output);
}

/// Where a template is, seen from here: a chart's name is not always its directory's.
fn template(source: &str) -> String {
    let inside = source.split_once('/').map(|(_, inside)| inside);
    let found = inside.filter(|inside| !Path::new(source).exists() && Path::new(inside).exists());
    found.unwrap_or(source).to_owned()
}

fn write(args: &CheckArgs, gate: &Gate<'_>, output: &Output) -> Result<(), Failure> {
    let format = GATE_FORMATS
        .iter()
        .find(|format| format.name == args.format)
        .ok_or_else(|| Failure::usage(format!("`{}` is not a format", args.format), None))?;
    output.answer(|writer| (format.render)(gate, writer))?;
    // No colour goes to a file.
    let plain = Gate {
        style: Style {
            colour: false,
            ..gate.style
        },
        ..*gate
    };
    for also in &args.also {
        write_file(&also.path, also.format, &plain, false)?;
    }
    let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|_| format.name == "github");
    if let (Some(path), Some(markdown)) = (
        summary.filter(|path| !path.is_empty()),
        GATE_FORMATS.iter().find(|format| format.name == "md"),
    ) {
        write_file(Path::new(&path), markdown, &plain, true)?;
    }
    if format.name == "text" && !output.quiet {
        let width = output.aside_style().width;
        for assumption in gate.assumptions {
            output.aside(&wrapped_line(&format!("note: {assumption}"), width));
        }
    }
    Ok(())
}

fn write_file(
    path: &Path,
    format: &GateFormat,
    gate: &Gate<'_>,
    is_added: bool,
) -> Result<(), Failure> {
    let mut text = Vec::new();
    let written = (format.render)(gate, &mut text).and_then(|()| {
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(is_added).write(true);
        let mut file = options.truncate(!is_added).open(path)?;
        file.write_all(&text)
    });
    written.map_err(|error| {
        Failure::usage(format!("cannot write `{}`: {error}", path.display()), None)
    })
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

/// What counts and is bad enough is a no, whatever else is not known; that an intent could not be
/// read comes next, since what it says was not checked at all.
fn exit(args: &CheckArgs, items: &[Item], broken: Exit, input: Exit) -> Exit {
    let Some(least) = args.fail_on.severity() else {
        return Exit::Yes;
    };
    let mut failing = items
        .iter()
        .filter(|item| item.is_active() && item.severity <= least);
    let is_unknown = failing.clone().any(|item| item.id == "IT006");
    // An intent with a mistake in it, and a file that is lost, have a status of their own.
    let own_status = |item: &&Item| {
        item.id == "IT006" || item.id == "LD005" || broken != Exit::Yes && item.id.starts_with("IT")
    };
    if failing.any(|item| !own_status(&item)) {
        Exit::No
    } else if broken != Exit::Yes {
        broken
    } else if is_unknown {
        Exit::Unknown
    } else {
        input
    }
}
