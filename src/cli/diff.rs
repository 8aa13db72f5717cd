//! `portolan diff`: what does a change open and close?

use super::exit::Exit;
use super::input::{Base, Extra, Input, InputArgs, Tree, read_pair, revision_failure, say};
use super::output::{Failure, Output};
use super::progress::with_progress;
use crate::model::{Place, Severity};
use crate::question::diff::{Diff, Question, diff};
use crate::report::diff::{DIFF_FORMATS, View};
use crate::report::finding::counted;
use crate::report::snippet::{Style, place_text};
use crate::source::{Revision, Target};
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Show what a change opens and closes, and which line does it
#[derive(Debug, Args)]
#[command(after_help = "\
OLD and NEW are files, directories, `-`, or `REV:PATH` of the Git repository. `REV...` is where
REV and HEAD parted. The working tree is only read.

Exit status: 0 answered; 1 something that `--fail-on` names; 2 usage or input errors;
3 nothing to compare.

Examples:
  portolan diff old/ new/
  portolan diff --base origin/main... deploy/ -o md
  portolan diff v1.2:deploy deploy --fail-on exposed")]
pub(super) struct DiffArgs {
    /// The old one and the new one; with `--base` what to compare [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The revision to compare the paths with, such as `origin/main` or `HEAD~1`
    #[arg(short, long, value_name = "REV")]
    base: Option<String>,
    /// Exit with status 1 on these; may be repeated
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    /// The format of the answer
    #[arg(short = 'o', long = "output", value_name = "FORMAT", default_value = "table",
          value_parser = PossibleValuesParser::new(DIFF_FORMATS.iter().map(|f| PossibleValue::new(f.name).help(f.summary))),
          help_heading = "Output")]
    format: String,
    #[command(flatten)]
    input: InputArgs,
}

/// What a change may be refused for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum FailOn {
    /// Something can be reached that could not, or perhaps
    Added,
    /// Something can no longer be reached, or perhaps not
    Removed,
    /// Anything
    Any,
    /// Something can newly be reached from the internet
    Exposed,
}

impl FailOn {
    pub(super) fn is_met(self, diff: &Diff) -> bool {
        let mut groups = diff.groups.iter();
        let has = |is_added| diff.names.iter().any(|change| change.is_added == is_added);
        match self {
            FailOn::Added => groups.any(|group| group.change.is_added()) || has(true),
            FailOn::Removed => groups.any(|group| !group.change.is_added()) || has(false),
            FailOn::Any => !diff.is_empty(),
            FailOn::Exposed => groups.any(|group| group.is_exposed()),
        }
    }
}

pub(super) fn run(args: &DiffArgs, output: &Output) -> Result<Exit, Failure> {
    let format = DIFF_FORMATS
        .iter()
        .find(|format| format.name == args.format)
        .ok_or_else(|| Failure::usage(format!("`{}` is not a format", args.format), None))?;
    let (trees, names) = trees(args)?;
    let [old, new] = &trees;
    let (base, input) = read_pair([old, new], &Extra::default(), &args.input, output)?;
    say(&input.sources, &input.findings, output);
    let compared = compare(&base, &input, output);
    let notes = notes(&base, &input, [&names[0], &names[1]]);
    if format.name == "csv" && !output.quiet {
        for note in &notes {
            output.aside(&format!("note: {note}\n"));
        }
    }
    let view = view(
        &compared,
        &base,
        &input,
        &names,
        &notes,
        output.answer_style(),
    );
    output.answer(|writer| (format.render)(&view, writer))?;
    let failed = args.fail_on.iter().any(|rule| rule.is_met(&compared));
    let answered = if failed { Exit::No } else { Exit::Yes };
    let exit = answered.max(input.exit).max(base.exit);
    // The process ends here. Giving back two clusters piece by piece takes longer than comparing
    // them, and the system takes it all at once.
    std::mem::forget((base, input, compared));
    Ok(exit)
}

/// Compares what was read.
pub(super) fn compare(base: &Base, input: &Input, output: &Output) -> Diff {
    let question = Question {
        clusters: [&base.cluster, &input.cluster],
        controllers: [base.controller.as_ref(), input.controller.as_ref()],
    };
    with_progress(output, "comparing", || diff(&question))
}

pub(super) fn view<'a>(
    compared: &'a Diff,
    base: &'a Base,
    input: &'a Input,
    names: &'a [String; 2],
    notes: &'a [String],
    style: Style,
) -> View<'a> {
    View {
        diff: compared,
        clusters: [&base.cluster, &input.cluster],
        sources: &input.sources,
        names: names.each_ref().map(String::as_str),
        n_documents: base.n_documents,
        notes,
        style,
    }
}

/// Where to read from, and what to call it.
fn trees(args: &DiffArgs) -> Result<([Tree; 2], [String; 2]), Failure> {
    if let Some(revision) = &args.base {
        return base_trees(revision, &args.paths);
    }
    let [old, new] = args.paths.as_slice() else {
        return Err(Failure::usage(
            "`diff` compares two things",
            "name the old one and the new one, or one revision with `--base REV`".to_owned(),
        ));
    };
    let names = [old, new].map(|path| path.display().to_string());
    Ok(([tree(old)?, tree(new)?], names))
}

/// The same paths in a revision and in the working tree.
pub(super) fn base_trees(
    revision: &str,
    paths: &[PathBuf],
) -> Result<([Tree; 2], [String; 2]), Failure> {
    if paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::usage(
            "standard input has no other revision",
            "render both, and compare the two: `portolan diff OLD NEW`".to_owned(),
        ));
    }
    let found =
        Revision::find(Path::new("."), revision).map_err(|error| revision_failure(&error))?;
    let trees = [
        Tree::Revision(found, paths.to_vec()),
        Tree::Paths(paths.to_vec()),
    ];
    Ok((trees, [revision.to_owned(), "the working tree".to_owned()]))
}

/// A path, or else `REV:PATH`.
fn tree(path: &Path) -> Result<Tree, Failure> {
    let named = path.to_str().and_then(|name| name.split_once(':'));
    let Some((revision, inside)) = named.filter(|_| !path.exists()) else {
        return Ok(Tree::Paths(vec![path.to_owned()]));
    };
    let found =
        Revision::find(Path::new("."), revision).map_err(|error| revision_failure(&error))?;
    // As in Git: from the root, unless it says otherwise.
    let inside = match inside.starts_with("./") || inside.starts_with("../") {
        true => PathBuf::from(inside),
        false => found.root().join(inside),
    };
    Ok(Tree::Revision(found, vec![inside]))
}

/// What the answer rests on, and what it leaves out.
pub(super) fn notes(base: &Base, input: &Input, [old, new]: [&str; 2]) -> Vec<String> {
    let mut notes = input.assumptions.clone();
    let locate = |place: &Place| place_text(&input.sources, place);
    let rejected: Vec<_> = base
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    if let Some(first) = rejected.first() {
        notes.push(format!(
            "{} in {old}, first at {}: what was rejected there is not compared",
            counted(rejected.len(), "error"),
            locate(&first.place)
        ));
    }
    let missing = base.findings.iter();
    let missing = missing.filter(|finding| matches!(finding.place, Place::Input(_)));
    for finding in missing.filter(|finding| finding.severity != Severity::Error) {
        let help = finding.help.as_deref().unwrap_or_default();
        notes.push(format!("{}: {help}", finding.message));
    }
    let rejected = input.findings.iter();
    let rejected = rejected.filter(|finding| finding.severity == Severity::Error);
    let n_rejected = rejected.count();
    if n_rejected > 0 {
        notes.push(format!(
            "{} in {new}: what was rejected there is not compared",
            counted(n_rejected, "error")
        ));
    }
    for (name, cluster) in [(new, &input.cluster), (old, &base.cluster)] {
        for kind in &cluster.not_analysed {
            let place = Place::Node {
                origin: kind.first.clone(),
                target: Target::Value,
            };
            let note = format!(
                "not analysed, and not compared: {} {} ({}) in {name}, first at {}",
                kind.count,
                kind.kind,
                kind.api_version,
                locate(&place)
            );
            notes.push(note);
        }
    }
    notes
}
