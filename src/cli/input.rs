//! Reading what the user named, for every command.

use super::exit::Exit;
use super::output::{Failure, Output};
use super::progress::with_progress;
use crate::manifest::{LoadOptions, Loaded, load, load_pair};
use crate::model::{
    Cluster, Finding, HostNetwork, Operator, Origin, Place, PolicyId, Requirement, Selector,
    Semantics, Severity, domain_patterns, policies_blind_to, with_names,
};
use crate::question::can::pod_name;
use crate::question::ingress::ControllerChoice;
use crate::question::one_way::one_way;
use crate::question::ties::{ties, undefined, untied};
use crate::report::finding::{counted, render_findings};
use crate::report::words::policy_name;
use crate::source::{
    DocumentId, InputProblem, Revision, RevisionError, Sources, pair_sources, read_inputs,
};
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Flags of every command that reads manifests.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct InputArgs {
    /// The namespace of what has none, and of names without one
    #[arg(short, long, value_name = "NAME")]
    pub(super) namespace: Option<String>,
    /// A range that pods get their addresses from, for pods that have none yet; may be repeated
    #[arg(long, value_name = "CIDR")]
    pod_cidr: Vec<IpNet>,
    /// What hostNetwork pods are to policy
    #[arg(long, value_name = "WHAT", default_value = "node")]
    host_network: HostNetworkArg,
    /// The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`
    #[arg(long, value_name = "NAMESPACE/SELECTOR", value_parser = parse_controller)]
    ingress_controller: Option<ControllerArg>,
    /// Fail when anything in the input was rejected or is not analysed
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum HostNetworkArg {
    /// Their node: no selector matches them (what most CNIs do)
    Node,
    /// Pods like all others
    Pod,
}

#[derive(Clone, Debug)]
struct ControllerArg {
    namespace: String,
    labels: Vec<(String, String)>,
}

fn parse_controller(text: &str) -> Result<ControllerArg, String> {
    let form = "expected `NAMESPACE/KEY=VALUE`, with `,` between several labels";
    let (namespace, selector) = text.split_once('/').ok_or(form)?;
    let labels: Option<Vec<(String, String)>> = selector
        .split(',')
        .map(|pair| {
            pair.split_once('=')
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
        })
        .collect();
    match labels {
        Some(labels) if !namespace.is_empty() => Ok(ControllerArg {
            namespace: namespace.to_owned(),
            labels,
        }),
        _ => Err(form.to_owned()),
    }
}

/// Everything that was read.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) sources: Sources,
    pub(super) cluster: Cluster,
    pub(super) controller: Option<ControllerChoice>,
    /// What an answer about the whole cluster rests on that the input does not say.
    pub(super) assumptions: Vec<String>,
    /// The policies whose ipBlocks were taken to match no pod, because pods have no address
    /// yet.
    pub(super) blind: Vec<PolicyId>,
    /// What is wrong with the input.
    pub(super) findings: Vec<Finding>,
    /// Whether something in the input was rejected or could not be read.
    pub(super) is_partial: bool,
    /// Where intents stand.
    pub(super) intents: Vec<Origin>,
    /// The worst that reading alone comes to: an answer cannot be better.
    pub(super) exit: Exit,
}

/// Reads and loads, and says on standard error what there is to say. Fails when nothing was
/// found to analyse.
pub(super) fn read(paths: &[PathBuf], args: &InputArgs, output: &Output) -> Result<Input, Failure> {
    read_with(paths, &Extra::default(), args, output)
}

/// What is read besides the paths that a command is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    /// Files.
    pub(super) paths: Vec<PathBuf>,
    /// Texts with the names that they are shown by.
    pub(super) texts: Vec<(String, String)>,
}

/// Likewise, with more to read.
pub(super) fn read_with(
    paths: &[PathBuf],
    extra: &Extra,
    args: &InputArgs,
    output: &Output,
) -> Result<Input, Failure> {
    let (input, problems) = read_silently(paths, extra, args, output)?;
    say(&input.sources, &input.findings, output);
    if is_empty(&input.cluster) {
        return Err(nothing(&problems));
    }
    Ok(input)
}

/// Likewise, leaving it to the caller to say what is wrong, and to mind that nothing is there.
pub(super) fn read_silently(
    paths: &[PathBuf],
    extra: &Extra,
    args: &InputArgs,
    output: &Output,
) -> Result<(Input, Vec<InputProblem>), Failure> {
    let (sources, problems) = read_tree(&Tree::Paths(paths.to_vec()), extra, output)?;
    let loaded = with_progress(output, "loading manifests", || {
        load(&sources, &options(args))
    });
    Ok((Input::new(sources, loaded, &problems, args), problems))
}

/// Where manifests are read from.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// Files and directories; none are the current directory.
    Paths(Vec<PathBuf>),
    /// What a revision of the Git repository has of them.
    Revision(Revision, Vec<PathBuf>),
}

/// What is compared with.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) cluster: Cluster,
    pub(super) controller: Option<ControllerChoice>,
    /// What was wrong with it, in documents that the new tree does not have any more.
    pub(super) findings: Vec<Finding>,
    /// How many documents only the old tree has, and only the new one.
    pub(super) n_documents: [usize; 2],
    pub(super) exit: Exit,
}

/// Reads two trees, the old one and the new one. The sources of the answer hold both. What is
/// wrong with them is left to the caller to say.
pub(super) fn read_pair(
    trees: [&Tree; 2],
    extra: &Extra,
    args: &InputArgs,
    output: &Output,
) -> Result<(Base, Input), Failure> {
    let [old, new] = trees;
    let (new_sources, new_problems) = read_tree(new, extra, output)?;
    let (old_sources, old_problems) = read_tree(old, &Extra::default(), output)?;
    let paired = pair_sources(old_sources, new_sources);
    let in_old: HashSet<DocumentId> = paired.old.iter().copied().collect();
    let in_new: HashSet<DocumentId> = paired.new.iter().copied().collect();
    let options = options(args);
    let [old, new] = with_progress(output, "loading manifests", || load_pair(&paired, &options));
    let input = Input::new(paired.sources, new, &new_problems, args);
    // What is meant of the cluster is not of the cluster.
    let intents = input.intents.iter().chain(&old.intents);
    let intents: HashSet<DocumentId> = intents.map(|origin| origin.document).collect();
    let n_documents = [(&in_old, &in_new), (&in_new, &in_old)].map(|(own, other)| {
        let only = own.difference(other);
        only.filter(|id| !intents.contains(id)).count()
    });
    let Read {
        cluster,
        controller,
        findings,
        exit,
        ..
    } = Read::new(old, &old_problems, args);
    let known: HashSet<&Finding> = input.findings.iter().collect();
    let findings = findings
        .into_iter()
        .filter(|finding| !known.contains(finding));
    let base = Base {
        findings: findings.collect(),
        cluster,
        controller,
        n_documents,
        exit,
    };
    if is_empty(&input.cluster) && is_empty(&base.cluster) {
        let problems: Vec<InputProblem> = new_problems.into_iter().chain(old_problems).collect();
        return Err(nothing(&problems));
    }
    Ok((base, input))
}

pub(super) fn is_empty(cluster: &Cluster) -> bool {
    cluster.workloads.is_empty() && cluster.policies.is_empty()
}

pub(super) fn nothing(problems: &[InputProblem]) -> Failure {
    let lost = problems.iter().any(InputProblem::loses_input);
    Failure {
        exit: if lost { Exit::Usage } else { Exit::Nothing },
        message: "no workload and no policy to analyse".to_owned(),
        help: Some(
            "name files or directories of Kubernetes manifests, or `-` for standard input"
                .to_owned(),
        ),
    }
}

fn read_tree(
    tree: &Tree,
    extra: &Extra,
    output: &Output,
) -> Result<(Sources, Vec<InputProblem>), Failure> {
    let here = [PathBuf::from(".")];
    let or_here = |paths: &[PathBuf]| match paths.is_empty() {
        true => here.to_vec(),
        false => paths.to_vec(),
    };
    let (mut sources, problems) = match tree {
        Tree::Paths(paths) => {
            let mut all = or_here(paths);
            all.extend(extra.paths.iter().cloned());
            with_progress(output, "reading", || {
                read_inputs(&all, &mut std::io::stdin().lock())
            })
        }
        Tree::Revision(revision, paths) => {
            let all = or_here(paths);
            with_progress(output, "reading", || revision.read(Path::new("."), &all))
                .map_err(|error| revision_failure(&error))?
        }
    };
    for (name, text) in &extra.texts {
        sources.add_text(name, text);
    }
    Ok((sources, problems))
}

pub(super) fn revision_failure(error: &RevisionError) -> Failure {
    Failure::usage(error.to_string(), error.help().to_owned())
}

fn options(args: &InputArgs) -> LoadOptions {
    LoadOptions {
        default_namespace: args
            .namespace
            .clone()
            .unwrap_or_else(|| "default".to_owned()),
        semantics: Semantics {
            host_network: match args.host_network {
                HostNetworkArg::Node => HostNetwork::Node,
                HostNetworkArg::Pod => HostNetwork::Pod,
            },
        },
        pod_cidrs: args.pod_cidr.clone(),
    }
}

/// What reading one tree comes to.
struct Read {
    cluster: Cluster,
    controller: Option<ControllerChoice>,
    findings: Vec<Finding>,
    is_partial: bool,
    intents: Vec<Origin>,
    exit: Exit,
}

impl Read {
    fn new(loaded: Loaded, problems: &[InputProblem], args: &InputArgs) -> Read {
        let Loaded {
            mut cluster,
            mut findings,
            intents,
            ..
        } = loaded;
        let lost = problems.iter().any(InputProblem::loses_input);
        findings.extend(problems.iter().map(|problem| Finding {
            place: Place::Input(problem.path().to_owned()),
            id: "LD005",
            severity: if problem.loses_input() {
                Severity::Error
            } else {
                Severity::Warning
            },
            message: problem.to_string(),
            help: Some(problem.help().to_owned()),
            related: Vec::new(),
        }));
        findings.sort();
        let rejected = findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        let exit = if lost {
            Exit::Usage
        } else if args.strict && (rejected || !cluster.not_analysed.is_empty()) {
            Exit::No
        } else {
            Exit::Yes
        };
        let controller = args
            .ingress_controller
            .as_ref()
            .map(|arg| choose(&mut cluster, arg));
        Read {
            cluster,
            controller,
            findings,
            is_partial: rejected || lost,
            intents,
            exit,
        }
    }
}

impl Input {
    fn new(sources: Sources, loaded: Loaded, problems: &[InputProblem], args: &InputArgs) -> Input {
        let Read {
            cluster,
            controller,
            findings,
            is_partial,
            intents,
            exit,
        } = Read::new(loaded, problems, args);
        let blind = policies_blind_to(&cluster);
        let assumptions = assumptions(&cluster, &blind);
        Input {
            sources,
            cluster,
            controller,
            assumptions,
            blind,
            findings,
            is_partial,
            intents,
            exit,
        }
    }
}

pub(super) fn say(sources: &Sources, findings: &[Finding], output: &Output) {
    let least = match (output.quiet, output.verbose) {
        (true, _) => Severity::Error,
        (_, true) => Severity::Note,
        _ => Severity::Warning,
    };
    let text = render_findings(sources, findings, least, output.aside_style());
    if !text.is_empty() {
        output.aside(&text);
    }
}

/// Reads other texts as the first ones were read. `None` when something in them is wrong that was
/// not.
pub(super) fn load_again(
    sources: &Sources,
    args: &InputArgs,
    first: &Input,
) -> Option<(Cluster, Option<ControllerChoice>)> {
    let Read {
        cluster,
        controller,
        findings,
        ..
    } = Read::new(load(sources, &options(args)), &[], args);
    let n_errors = |findings: &[Finding]| {
        let errors = findings.iter();
        errors.filter(|f| f.severity == Severity::Error).count()
    };
    (n_errors(&findings) <= n_errors(&first.findings)).then_some((cluster, controller))
}

/// What the answer rests on that the input does not say.
fn assumptions(cluster: &Cluster, blind: &[PolicyId]) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(blind_note(cluster, blind));
    found.extend(tie_note(cluster));
    found.extend(name_note(cluster));
    found.extend(one_way_note(cluster));
    if cluster.terminated_pods > 0 {
        found.push(format!(
            "{} terminated and left out",
            counted(cluster.terminated_pods, "pod")
        ));
    }
    found
}

/// Takes policies of the same priority in the order of their names, for commands that have to decide,
/// and says so where something depends on it.
pub(super) fn settle_ties(cluster: &mut Cluster, output: &Output) {
    if let Some(note) = tie_note(cluster).filter(|_| !output.quiet) {
        output.aside(&format!(
            "note: {note}; here they are taken in the order of their names\n"
        ));
    }
    if let Cow::Owned(settled) = untied(cluster) {
        *cluster = settled;
    }
}

/// Names a pod for which the Baseline tier decides in one direction, and NetworkPolicies in the other.
fn one_way_note(cluster: &Cluster) -> Option<String> {
    let found = one_way(cluster);
    let (pod, direction) = *found.first()?;
    let others = match found.len() {
        1 => String::new(),
        n => format!(", and likewise for {} more,", n.saturating_sub(1)),
    };
    Some(format!(
        "NetworkPolicies isolate {} for {} only, so for {} the Baseline tier decides{others} where \
         some implementations let everything through",
        pod_name(cluster, pod),
        direction.other().name(),
        direction.name(),
    ))
}

/// Says that what rules for destinations by name let out is not known.
fn name_note(cluster: &Cluster) -> Option<String> {
    let names = names_text(cluster)?;
    Some(format!(
        "rules let out to {names}, and which addresses that stands for is not in the input: \
         `portolan can A NAME` answers for the name"
    ))
}

/// The domain names that rules have, the first of them told.
fn names_text(cluster: &Cluster) -> Option<String> {
    let names = domain_patterns(cluster);
    let first = names.first()?;
    Some(match names.len() {
        1 => format!("`{first}`"),
        n => format!(
            "`{first}` and {} more",
            counted(n.saturating_sub(1), "name")
        ),
    })
}

/// Takes destinations by name to have no addresses, for rules that must not open what is not known,
/// and says so.
pub(super) fn close_names(cluster: &mut Cluster, output: &Output) {
    if let Some(names) = names_text(cluster).filter(|_| !output.quiet) {
        output.aside(&format!(
            "warning: the addresses of {names} are not in the input, so nothing is opened for them\n"
        ));
    }
    with_names(cluster, |_, known| known.unwrap_or(false));
}

/// Names the policies of the same priority that disagree, and about what.
pub(super) fn tie_note(cluster: &Cluster) -> Option<String> {
    let tied = ties(cluster);
    let (first, second) = tied.first()?;
    let others = match tied.len() {
        1 => String::new(),
        n => format!(" (and {} more pairs)", n.saturating_sub(1)),
    };
    let (first, second) = (policy_name(cluster, *first), policy_name(cluster, *second));
    let depends = undefined(cluster);
    let n_more = depends.len().saturating_sub(3);
    let shown = depends
        .iter()
        .take(3)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    let what = match (depends.is_empty(), n_more) {
        (true, _) => "may disagree about pods to come".to_owned(),
        (false, 0) => format!("disagree about {shown}"),
        (false, n) => format!("disagree about {shown}; and {n} more"),
    };
    Some(format!(
        "{first} and {second}{others} have the same priority and {what}: which one wins is not \
         defined"
    ))
}

/// What to say of policies whose ipBlocks could not be held against pods without addresses.
pub(super) fn blind_note(cluster: &Cluster, blind: &[PolicyId]) -> Option<String> {
    let first = policy_name(cluster, *blind.first()?);
    let others = match blind.len() {
        1 => String::new(),
        n => format!(" and {} more", n.saturating_sub(1)),
    };
    Some(format!(
        "pods have no addresses yet, so no ipBlock was taken to match a pod; this concerns \
         {first}{others}; `--pod-cidr CIDR` says where pods get theirs"
    ))
}

fn choose(cluster: &mut Cluster, arg: &ControllerArg) -> ControllerChoice {
    let symbols = &mut cluster.symbols;
    let requirements: Vec<Requirement> = arg
        .labels
        .iter()
        .map(|(key, value)| Requirement {
            key: symbols.intern(key),
            operator: Operator::In(vec![symbols.intern(value)]),
        })
        .collect();
    ControllerChoice {
        namespace: arg.namespace.clone(),
        selector: Selector::new(requirements),
    }
}
