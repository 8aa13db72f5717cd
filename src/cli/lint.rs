//! `portolan lint`: mistakes in manifests, found before anyone asks, and some of them mended.

use super::exit::Exit;
use super::input::{self, Extra, Input, InputArgs, is_empty, nothing, read_silently};
use super::output::{Failure, Output};
use super::progress::with_progress;
use super::standing::{SeverityArg, suppressions_of, with_standing};
use crate::lint::{Context, Fix, Found, LINTS, Selection, lint, parse_config};
use crate::manifest::Written;
use crate::model::{Finding, Severity};
use crate::reach::Reach;
use crate::report::finding::{counted, render_findings};
use crate::report::gate::{Baseline, GATE_FORMATS, Gate, Item, Verdict, finding_item};
use crate::report::snippet::place_text;
use crate::source::{Edit, Sources, apply_edits, read_inputs};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use std::path::{Path, PathBuf};

/// Find mistakes in policies, Services and Ingresses, and mend those where that is certain
#[derive(Debug, Args)]
#[command(after_help = "\
Ids are those of docs/lint/, or the beginning of one: NP is all about policies, ALL is all.
The default set leaves out notes, and what is often meant; `--select` runs those too.
portolan.yaml in the current directory can say the same for a repository.

`# portolan:ignore ID reason` on a line or above it, or the annotation
`portolan.dev/ignore: ID reason` on an object, suppresses a finding.

Exit status: 0 nothing at or above `--fail-on`; 1 something; 2 something cannot be read;
3 nothing to check.

Examples:
  portolan lint deploy/
  portolan lint deploy/ --select ALL --ignore NP02 --severity NP010=error
  portolan lint deploy/ --fix
  helm template ./chart | portolan lint -")]
pub(super) struct LintArgs {
    /// Files or directories of manifests, `-` for standard input [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Report only these, by id or the beginning of one
    #[arg(short, long, value_name = "ID", value_delimiter = ',')]
    select: Vec<String>,
    /// Do not report these
    #[arg(short, long, value_name = "ID", value_delimiter = ',')]
    ignore: Vec<String>,
    /// How bad findings are: `NP010=error`
    #[arg(long, value_name = "ID=SEVERITY", value_delimiter = ',', value_parser = parse_severity)]
    severity: Vec<(String, Severity)>,
    /// The configuration [default: portolan.yaml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Mend what can be mended for certain, in the files
    #[arg(long)]
    fix: bool,
    /// Fail on findings that are at least this bad
    #[arg(long, value_name = "SEVERITY", default_value = "warning")]
    fail_on: SeverityArg,
    /// The format of the answer
    #[arg(short = 'o', long = "output", value_name = "FORMAT", default_value = "text",
          value_parser = PossibleValuesParser::new(GATE_FORMATS.iter().map(|f| PossibleValue::new(f.name).help(f.summary))),
          help_heading = "Output")]
    format: String,
    #[command(flatten)]
    input: InputArgs,
}

fn parse_severity(text: &str) -> Result<(String, Severity), String> {
    let form = "expected `ID=error`, `ID=warning` or `ID=note`";
    let (id, level) = text.split_once('=').ok_or(form)?;
    let all = [Severity::Error, Severity::Warning, Severity::Note];
    let severity = all.into_iter().find(|severity| severity.name() == level);
    Ok((id.to_owned(), severity.ok_or(form)?))
}

pub(super) fn run(args: &LintArgs, output: &Output) -> Result<Exit, Failure> {
    let selection = selection(args, output)?;
    let (input, problems) = read_silently(&args.paths, &Extra::default(), &args.input, output)?;
    let cluster = &input.cluster;
    let is_nothing =
        is_empty(cluster) && cluster.services.is_empty() && cluster.ingresses.is_empty();
    if is_nothing && input.findings.is_empty() {
        return Err(nothing(&problems));
    }
    if args.fix && args.format != "text" {
        return Err(Failure::usage(
            "`--fix` says what it changes, in text only",
            "leave out `--output`, and ask again when the files are mended".to_owned(),
        ));
    }
    if args.fix && args.paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::usage(
            "`--fix` changes files, and standard input is none",
            "name the files".to_owned(),
        ));
    }
    let (found, items) = look(&input, &selection, output);
    say_left_out(&input, &found, output);
    let least = args.fail_on.severity();
    let is_bad =
        |item: &&Item| least.is_some_and(|least| item.is_active() && item.severity <= least);
    if args.fix {
        let mended = mend(&input.sources, &found, &items, output)?;
        let left = items
            .iter()
            .zip(mended.iter().chain(std::iter::repeat(&false)));
        let mut left = left
            .filter(|(_, is_mended)| !**is_mended)
            .map(|(item, _)| item);
        let failed = left.any(|item| is_bad(&item));
        return Ok(if failed { Exit::No } else { input.exit });
    }
    let failed = items.iter().any(|item| is_bad(&item));
    let verdict = if failed {
        Verdict::Failed
    } else {
        Verdict::Passed
    };
    write(args, &input, &found, &items, verdict, output)?;
    Ok(if failed { Exit::No } else { input.exit })
}

/// What reading found and the selection leaves out: lints saw the rest of the input only.
fn say_left_out(input: &Input, found: &[Found], output: &Output) {
    let is_said = |finding: &&Finding| {
        let same =
            |found: &Found| found.finding.place == finding.place && found.finding.id == finding.id;
        found.iter().any(same)
    };
    let errors = input
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    let n_left = errors.filter(|finding| !is_said(finding)).count();
    if n_left > 0 && !output.quiet {
        output.aside(&format!(
            "note: {} of the input not selected, and what is wrong there was left out of what is linted\n",
            counted(n_left, "error")
        ));
    }
}

/// What lints find, for a check: with the configuration of the repository, and in files of the new
/// tree only, where there are two.
pub(super) fn lint_findings(
    input: &Input,
    is_new: &dyn Fn(&str) -> bool,
    output: &Output,
) -> Result<Vec<Finding>, Failure> {
    let selection = configured(None, output)?;
    let found = run_lints(input, &[], &selection, is_new, output);
    Ok(found.iter().map(told).collect())
}

fn run_lints(
    input: &Input,
    loading: &[Finding],
    selection: &Selection,
    is_wanted: &dyn Fn(&str) -> bool,
    output: &Output,
) -> Vec<Found> {
    with_progress(output, "linting", || {
        let reach = Reach::new(&input.cluster);
        let written = Written::of(&input.sources, is_wanted);
        let context = Context::new(&input.cluster, &reach, &written, input.controller.as_ref());
        lint(&context, loading, selection)
    })
}

/// A finding with its witness and what mends it in words.
fn told(found: &Found) -> Finding {
    let mut finding = found.finding.clone();
    if let Some(witness) = &found.witness {
        finding.message = format!("{}: {}", finding.message, witness.text());
    }
    if let Some(fix) = &found.fix {
        let help = finding.help.take();
        let help = help.map_or_else(String::new, |help| match help.ends_with('?') {
            true => format!("{help} "),
            false => format!("{help}; "),
        });
        finding.help = Some(format!("{help}`--fix` {}", fix.says));
    }
    finding
}

/// Runs the lints, and says which findings count.
fn look(input: &Input, selection: &Selection, output: &Output) -> (Vec<Found>, Vec<Item>) {
    let found = run_lints(input, &input.findings, selection, &|_| true, output);
    let items: Vec<Item> = found
        .iter()
        .map(|found| finding_item(&told(found)))
        .collect();
    let suppressions = suppressions_of(&input.sources, &items, &|_| true);
    let n_items = items.len();
    let mut items = with_standing(
        &input.sources,
        items,
        &suppressions,
        &mut Baseline::default(),
    );
    // That a suppression is about nothing is only known when everything was looked for.
    let is_whole = selection.select.is_empty() && selection.ignore.is_empty();
    if !is_whole {
        items.truncate(n_items);
    }
    (found, items)
}

/// What a configuration says: the one that is named, or else the repository's, if it has one.
fn configured(path: Option<&Path>, output: &Output) -> Result<Selection, Failure> {
    let usual = Path::new("portolan.yaml");
    let Some(path) = path.or(usual.exists().then_some(usual)) else {
        return Ok(Selection::default());
    };
    let (sources, problems) = read_inputs(&[path.to_owned()], &mut std::io::empty());
    if let Some(problem) = problems.iter().find(|problem| problem.loses_input()) {
        return Err(Failure::usage(
            problem.to_string(),
            problem.help().to_owned(),
        ));
    }
    let (found, findings) = parse_config(&sources);
    input::say(&sources, &findings, output);
    found.ok_or_else(|| {
        let name = path.display();
        Failure::usage(
            format!("cannot use the configuration `{name}`"),
            "docs/lint/README.md says what may be in one".to_owned(),
        )
    })
}

fn selection(args: &LintArgs, output: &Output) -> Result<Selection, Failure> {
    let mut selection = configured(args.config.as_deref(), output)?;
    // What is asked for now wins over what the repository says.
    if !args.select.is_empty() {
        selection.select.clone_from(&args.select);
    }
    selection.ignore.extend(args.ignore.iter().cloned());
    selection
        .severity
        .retain(|(id, _)| !args.severity.iter().any(|(own, _)| own == id));
    selection.severity.extend(args.severity.iter().cloned());
    let asked = selection.select.iter().chain(&selection.ignore);
    let asked = asked.chain(selection.severity.iter().map(|(id, _)| id));
    for id in asked {
        let is_known = LINTS
            .iter()
            .any(|lint| lint.meta.id.starts_with(id.as_str()));
        if !is_known && id != "ALL" && !id.starts_with("LD") {
            return Err(Failure::usage(
                format!("no lint is called `{id}`"),
                "ids are NP001 to NP066, SV001 to SV013 and IN001 to IN008, or the beginning of one".to_owned(),
            ));
        }
    }
    Ok(selection)
}

fn write(
    args: &LintArgs,
    input: &Input,
    found: &[Found],
    items: &[Item],
    verdict: Verdict,
    output: &Output,
) -> Result<(), Failure> {
    if args.format == "text" {
        return write_text(input, found, items, output);
    }
    let format = GATE_FORMATS
        .iter()
        .find(|format| format.name == args.format);
    let format =
        format.ok_or_else(|| Failure::usage(format!("`{}` is not a format", args.format), None))?;
    let gate = Gate {
        cluster: &input.cluster,
        sources: &input.sources,
        checked: &[],
        diff: None,
        items,
        n_stale: 0,
        verdict,
        assumptions: &input.assumptions,
        style: output.answer_style(),
        timing: false,
        old_prefix: "",
        template: str::to_owned,
    };
    output.answer(|writer| (format.render)(&gate, writer))
}

fn write_text(
    input: &Input,
    found: &[Found],
    items: &[Item],
    output: &Output,
) -> Result<(), Failure> {
    let active: Vec<&Item> = items.iter().filter(|item| item.is_active()).collect();
    let shown: Vec<Finding> = active
        .iter()
        .map(|item| Finding {
            place: item.place.clone(),
            id: item.id,
            severity: item.severity,
            message: item.message.clone(),
            help: item.help.clone(),
            related: item.related.clone(),
        })
        .collect();
    let of = |severity| {
        active
            .iter()
            .filter(|item| item.severity == severity)
            .count()
    };
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| (severity, of(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| counted(count, severity.name()))
        .collect();
    let n_suppressed = items.len() - active.len();
    let n_fixes = found.iter().filter(|found| found.fix.is_some()).count();
    output.answer(|writer| {
        let style = output.answer_style();
        let text = render_findings(&input.sources, &shown, Severity::Note, style);
        writer.write_all(text.as_bytes())?;
        let mut line = match counts.is_empty() {
            true => "nothing found".to_owned(),
            false => counts.join(", "),
        };
        if n_suppressed > 0 {
            line.push_str(&format!(", {n_suppressed} suppressed"));
        }
        if n_fixes > 0 {
            line.push_str(&format!("; `--fix` mends {n_fixes}"));
        }
        writeln!(writer, "{line}")
    })
}

/// Writes the files with what can be mended, and says what was and what was not. For each finding,
/// whether it was.
fn mend(
    sources: &Sources,
    found: &[Found],
    items: &[Item],
    output: &Output,
) -> Result<Vec<bool>, Failure> {
    let fixes: Vec<(usize, &Found, &Fix)> = found
        .iter()
        .zip(items)
        .enumerate()
        .filter(|(_, (_, item))| item.is_active())
        .filter_map(|(at, (found, _))| Some((at, found, found.fix.as_ref()?)))
        .collect();
    let sets: Vec<Vec<Edit>> = fixes.iter().map(|(_, _, fix)| fix.edits.clone()).collect();
    let edited = apply_edits(sources, &sets);
    for name in edited.files.keys() {
        check_unchanged(sources, name)?;
    }
    for (name, text) in &edited.files {
        std::fs::write(name, text)
            .map_err(|error| Failure::usage(format!("cannot write `{name}`: {error}"), None))?;
    }
    let mut mended = vec![false; found.len()];
    let made = fixes
        .iter()
        .zip(&edited.refusals)
        .filter(|(_, refusal)| refusal.is_none());
    for ((at, _, _), _) in made {
        if let Some(is_mended) = mended.get_mut(*at) {
            *is_mended = true;
        }
    }
    let n_made = mended.iter().filter(|is_mended| **is_mended).count();
    output.answer(|writer| {
        for ((_, found, fix), refusal) in fixes.iter().zip(&edited.refusals) {
            let place = place_text(sources, &found.finding.place);
            let id = found.finding.id;
            match refusal {
                None => writeln!(writer, "{place}: {id} {}", fix.says)?,
                Some(why) => writeln!(writer, "{place}: {id} not mended: {why}")?,
            }
        }
        let n_active = items.iter().filter(|item| item.is_active()).count();
        writeln!(
            writer,
            "{} made in {}; {} left",
            counted(n_made, "change"),
            counted(edited.files.len(), "file"),
            counted(n_active.saturating_sub(n_made), "finding"),
        )
    })?;
    Ok(mended)
}

/// Refuses a file that is not what was read, byte for byte: it has changed since, or parts of it are
/// no UTF-8, and writing the text would lose those.
fn check_unchanged(sources: &Sources, name: &str) -> Result<(), Failure> {
    let read = sources.files().find(|(own, _)| *own == name);
    let now = std::fs::read(name).ok();
    let is_unchanged = read
        .zip(now)
        .is_some_and(|((_, read), now)| now == read.as_bytes());
    if is_unchanged {
        return Ok(());
    }
    Err(Failure::usage(
        format!("cannot mend `{name}`: it is not what was read, byte for byte"),
        "it changed meanwhile, or parts of it are not UTF-8; nothing was written".to_owned(),
    ))
}
