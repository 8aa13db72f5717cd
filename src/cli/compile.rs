//! `portolan compile`: the policy of nodes as rules that a kernel enforces, proved before they
//! are written.

use super::build::build;
use super::exit::Exit;
use super::input::{self, Input, InputArgs};
use super::output::{Failure, Output};
use super::progress::with_progress;
use super::solver::SolverArgs;
use crate::dataplane::nft::DesignChoice;
use crate::dataplane::{
    self, Bundle, Comments, Compiler, HalfProof, Held, Making, NotMade, NotReady,
    add_mentioned_nodes, address_book, make_bundle, prove_all,
};
use crate::manifest::apply_addresses;
use crate::model::{AddressBook, Cluster, Half, Modes, NodeId, PodId, Severity, UnknownLocal};
use crate::question::can::pod_name;
use crate::reach::Reach;
use crate::report::bundle::{bundle_json, class_comment, header, row_comment};
use crate::report::check::wrapped_line;
use crate::report::finding::counted;
use crate::report::packet::packet_text;
use crate::source::read_inputs;
use crate::symbolic::PolicyIndex;
use clap::{Args, ValueEnum};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What rules are made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Target {
    /// nftables
    Nft,
    /// An eBPF program with maps, for Linux 6.4 and later
    Ebpf,
}

/// How rules hold the peers of pods.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Design {
    /// By identities where that is several times smaller, in sets elsewhere
    Auto,
    /// In sets for each class of pods: fewer look-ups for a packet
    Sets,
    /// By identities: each address once
    Identities,
}

/// Flags about addresses and open decisions, of `compile` and `verify`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub(super) struct RuleArgs {
    /// What the rules are for
    #[arg(long, value_name = "TARGET")]
    pub(super) target: Target,
    /// Where pods and nodes are, for input that does not say
    #[arg(long, value_name = "FILE")]
    addresses: Option<PathBuf>,
    /// A decision that the API leaves open, such as `pod-to-node=allow`; may be repeated
    #[arg(long = "mode", value_name = "NAME=VALUE", value_parser = parse_mode, long_help = mode_help())]
    modes: Vec<(String, String)>,
}

fn parse_mode(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected `NAME=VALUE`")?;
    if Modes::default().set(name, value) {
        return Ok((name.to_owned(), value.to_owned()));
    }
    let known = Modes::CHOICES.iter().flat_map(|choice| {
        let values = choice.values.iter();
        values.map(|(value, _)| format!("`{}={value}`", choice.name))
    });
    let known: Vec<String> = known.collect();
    Err(format!("there are {}", known.join(", ")))
}

fn mode_help() -> String {
    let mut text = "A decision that the API leaves open; may be repeated. The first of each is \
                    the default:"
        .to_owned();
    for choice in Modes::CHOICES {
        for (value, meaning) in choice.values {
            text.push_str(&format!("\n  {}={value}: {meaning}", choice.name));
        }
    }
    text
}

impl RuleArgs {
    /// The modes, those of a file's header being the default.
    pub(super) fn modes(&self, default: Option<Modes>) -> Modes {
        let mut modes = default.unwrap_or_default();
        for (name, value) in &self.modes {
            modes.set(name, value);
        }
        modes
    }
}

/// Compile the policy of nodes to rules, and prove them before they are written
#[derive(Debug, Args)]
#[command(after_help = "\
Writes DIR/NODE/bundle.json, and for
  nft   policy.nft (load with `nft -f`, again and again), phase1.nft and phase2.nft (the same in
        two steps), remove.nft
  ebpf  load.sh (loads or replaces, again and again), unload.sh, the maps, the program and the
        loader: their source, and built where clang and libbpf are found
Rules that cannot be proved equal to the policy are not written.

Exit status: 0 written; 1 not proved, nothing written; 2 usage or input errors; 4 unknown.

Examples:
  kubectl get networkpolicies,pods,namespaces,nodes -A -o yaml > live.yaml
  portolan compile live.yaml --target nft --all-nodes -o rules/
  portolan compile live.yaml --target nft --node worker-1 -o new/ --previous rules/
  portolan compile live.yaml --target ebpf --node worker-1 -o rules/")]
pub(super) struct CompileArgs {
    /// Files or directories of manifests, `-` for standard input [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A node to compile for; may be repeated
    #[arg(long, value_name = "NAME", required_unless_present = "all_nodes")]
    node: Vec<String>,
    /// Compile for every node
    #[arg(long, conflicts_with = "node")]
    all_nodes: bool,
    /// Where to write, a directory
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// nft: an earlier output, to write an update from it as well: update1.nft to update3.nft
    #[arg(long, value_name = "DIR")]
    previous: Option<PathBuf>,
    /// nft: how rules hold the peers of pods
    #[arg(long, value_name = "DESIGN", default_value = "auto")]
    design: Design,
    /// Write without a proof; bundle.json says so
    #[arg(long)]
    no_prove: bool,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    solver: SolverArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// Reads what rules are about: manifests with nothing missing, and where everything is.
pub(super) fn read(
    paths: &[PathBuf],
    rules: &RuleArgs,
    args: &InputArgs,
    output: &Output,
) -> Result<(Input, AddressBook), Failure> {
    let mut input = input::read(paths, args, output)?;
    input::settle_ties(&mut input.cluster, output);
    input::close_names(&mut input.cluster, output);
    if input.exit == Exit::No {
        return Err(Failure {
            exit: Exit::No,
            message: "something in the input was rejected or is not analysed, and `--strict` was \
                      given"
                .to_owned(),
            help: None,
        });
    }
    if input.is_partial {
        return Err(Failure::usage(
            "a part of the input was rejected or not read, so rules would not say what it means",
            "mend what is named above, or leave it out".to_owned(),
        ));
    }
    if let Some(path) = &rules.addresses {
        place(&mut input.cluster, path, output)?;
    }
    add_mentioned_nodes(&mut input.cluster);
    let cluster = &input.cluster;
    let book = address_book(cluster).map_err(|problems| not_ready(cluster, &problems))?;
    for kind in &cluster.not_analysed {
        let objects = counted(kind.count, "object");
        output.aside(&format!(
            "warning: {objects} of kind `{}` ({}) not analysed, so not in the rules\n",
            kind.kind, kind.api_version
        ));
    }
    Ok((input, book))
}

fn place(cluster: &mut Cluster, path: &Path, output: &Output) -> Result<(), Failure> {
    let (sources, problems) = read_inputs(&[path.to_owned()], &mut std::io::empty());
    if let Some(problem) = problems.first() {
        return Err(Failure::usage(
            problem.to_string(),
            problem.help().to_owned(),
        ));
    }
    let findings = apply_addresses(cluster, &sources);
    input::say(&sources, &findings, output);
    if findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        let file = path.display();
        return Err(Failure::usage(
            format!("`{file}` was not used"),
            "mend what is named above".to_owned(),
        ));
    }
    Ok(())
}

/// The first few names, and how many more there are.
fn first_few(mut names: Vec<String>) -> String {
    let n_more = names.len().saturating_sub(8);
    names.truncate(8);
    if n_more > 0 {
        names.push(format!("{n_more} more"));
    }
    names.join(", ")
}

fn pods_text(cluster: &Cluster, pods: &[PodId]) -> String {
    let names = pods
        .iter()
        .map(|&pod| format!("`{}`", pod_name(cluster, pod)));
    first_few(names.collect())
}

fn not_ready(cluster: &Cluster, problems: &[NotReady]) -> Failure {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| match problem {
            NotReady::NoAddress(pods) => {
                format!("pods without an address: {}", pods_text(cluster, pods))
            }
            NotReady::NoNode(pods) => format!("pods on no node: {}", pods_text(cluster, pods)),
            NotReady::Shared(shared) => {
                let pods = pods_text(cluster, &shared.pods);
                format!("pods with the same address {}: {pods}", shared.address)
            }
            NotReady::HostNetwork(pods) => format!(
                "`--host-network pod`, and rules see only addresses, which these pods share with \
                 their node: {}",
                pods_text(cluster, pods)
            ),
        })
        .collect();
    Failure::usage(
        format!(
            "rules need to know where every pod is\n  {}",
            lines.join("\n  ")
        ),
        "use a live listing (`kubectl get pods -A -o yaml`), or say it with `--addresses FILE`"
            .to_owned(),
    )
}

/// The node of a name.
pub(super) fn node_named(cluster: &Cluster, name: &str) -> Result<NodeId, Failure> {
    let known = (0u32..).map(NodeId).zip(&cluster.nodes);
    let found = known.into_iter().find(|(_, node)| node.name == name);
    found.map(|(id, _)| id).ok_or_else(|| {
        let names = cluster.nodes.iter().map(|node| format!("`{}`", node.name));
        let help = match first_few(names.collect()) {
            none if none.is_empty() => "no pod of the input is on a node".to_owned(),
            names => format!("there are {names}"),
        };
        Failure::usage(format!("there is no node `{name}`"), help)
    })
}

pub(super) fn run(args: &CompileArgs, output: &Output) -> Result<Exit, Failure> {
    fit_for_target(args)?;
    let (input, book) = read(&args.paths, &args.rules, &args.input, output)?;
    let cluster = &input.cluster;
    let nodes: Vec<NodeId> = if args.all_nodes {
        (0u32..)
            .map(NodeId)
            .zip(&cluster.nodes)
            .map(|(id, _)| id)
            .collect()
    } else {
        let named = args.node.iter().map(|name| node_named(cluster, name));
        named.collect::<Result<_, _>>()?
    };
    if nodes.is_empty() {
        return Err(Failure {
            exit: Exit::Nothing,
            message: "no pod of the input is on a node".to_owned(),
            help: Some("say where pods are with `--addresses FILE`".to_owned()),
        });
    }
    fit_for_paths(cluster, &nodes)?;
    let modes = args.rules.modes(None);
    let halves: Vec<Half<'_>> = nodes
        .iter()
        .map(|&node| Half::new(cluster, &book, node, modes))
        .collect();
    let bundles = with_progress(output, "compiling", || {
        make_all(args, &input, &book, &halves)
    })?;
    let mut worst = Exit::Yes;
    for (half, bundle) in halves.iter().zip(&bundles) {
        worst = worst.max(say_proof(output, &input, half, bundle)?);
    }
    let whole = whole(args, cluster, &halves, worst)?;
    if worst != Exit::Yes {
        output.aside("nothing was written\n");
        return Ok(worst);
    }
    let mut lines = Vec::new();
    let mut unknown_ranges: Vec<&str> = Vec::new();
    for bundle in &bundles {
        let changed = write(args, &input, modes, bundle, &whole)?;
        lines.push(summary(bundle, changed));
        if modes.unknown_local == UnknownLocal::Drop && bundle.table.ranges.is_empty() {
            unknown_ranges.push(bundle.table.node.as_str());
        }
        if let Some(problem) = &bundle.no_update {
            let node = &bundle.table.node;
            output.aside(&format!(
                "warning: no update for {node} from the earlier bundle: {problem}\n"
            ));
        }
    }
    if args.rules.target == Target::Ebpf {
        let directories = bundles
            .iter()
            .map(|bundle| args.output.join(&bundle.table.node));
        for note in build(&directories.collect::<Vec<_>>()) {
            output.aside(&wrapped_line(&note, output.aside_style().width));
        }
    }
    if let Some((first, others)) = unknown_ranges.split_first() {
        let others = match others.len() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let note = format!(
            "note: the podCIDRs of node {first}{others} are not in the input, so a pod that is \
             newer than the rules is not policed there; add Nodes to the input, or `nodes` to \
             `--addresses FILE`"
        );
        output.aside(&wrapped_line(&note, output.aside_style().width));
    }
    output.answer(|writer| {
        for line in &lines {
            writeln!(writer, "{line}")?;
        }
        for line in [
            format!("the whole cluster: {whole}"),
            format!("modes: {modes}"),
        ] {
            let width = output.answer_style().width;
            writer.write_all(wrapped_line(&line, width).as_bytes())?;
        }
        Ok(())
    })?;
    Ok(input.exit)
}

/// Flags that say nothing about a target are refused.
fn fit_for_target(args: &CompileArgs) -> Result<(), Failure> {
    if args.rules.target == Target::Nft {
        return Ok(());
    }
    if args.previous.is_some() {
        return Err(Failure::usage(
            "`--previous` is for `--target nft`",
            "leave it out: `load.sh` replaces whatever an earlier bundle left".to_owned(),
        ));
    }
    if args.design != Design::Auto {
        return Err(Failure::usage(
            "`--design` is for `--target nft`",
            "leave it out: maps hold each address once".to_owned(),
        ));
    }
    Ok(())
}

/// Names of nodes become folders, and stand in comments: nothing but what the API server lets
/// them be.
fn fit_for_paths(cluster: &Cluster, nodes: &[NodeId]) -> Result<(), Failure> {
    let names = nodes.iter().filter_map(|&node| cluster.node(node));
    for name in names.map(|node| node.name.as_str()) {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        let is_fit =
            name.chars().all(fits) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !is_fit {
            return Err(Failure::usage(
                format!("`{}` is no name for a node", name.escape_default()),
                "names of nodes are of lowercase letters, digits, `-` and `.`".to_owned(),
            ));
        }
    }
    Ok(())
}

fn make_all(
    args: &CompileArgs,
    input: &Input,
    book: &AddressBook,
    halves: &[Half<'_>],
) -> Result<Vec<Bundle>, Failure> {
    let (cluster, sources) = (&input.cluster, &input.sources);
    let reach = Reach::new(cluster);
    let compiler = Compiler::new(cluster, &reach, book);
    let index = PolicyIndex::new(cluster);
    let previous = previous(args, halves)?;
    let make = |half: &Half<'_>| {
        let making = Making {
            header: header(half.node_name(), half.modes),
            comments: Comments {
                class: &|class| class_comment(cluster, sources, class),
                row: &|class, row| row_comment(cluster, sources, class, row),
            },
            target: match args.rules.target {
                Target::Nft => dataplane::Target::Nft {
                    design: match args.design {
                        Design::Auto => DesignChoice::Smaller,
                        Design::Sets => DesignChoice::Sets,
                        Design::Identities => DesignChoice::Identities,
                    },
                    previous: previous.get(&half.node).cloned(),
                },
                Target::Ebpf => dataplane::Target::Ebpf,
            },
            prove: (!args.no_prove).then(|| args.solver.limits()),
        };
        let made = make_bundle(half, &compiler, &index, &making);
        made.map_err(|problem| not_made(half.node_name(), problem))
    };
    halves.par_iter().map(make).collect()
}

fn not_made(node: &str, problem: NotMade) -> Failure {
    match problem {
        NotMade::Broken(problem) => Failure {
            exit: Exit::Usage,
            message: format!("internal error on node {node}: {problem}"),
            help: Some("nothing was written; please report it".to_owned()),
        },
        NotMade::TooLarge(capacity) => Failure::usage(
            format!(
                "node {node} needs {} entries in the map `{}`, and at most {} fit",
                capacity.entries, capacity.map, capacity.limit
            ),
            "nothing was written; have fewer pods on the node, or policies that tell fewer peers \
             apart"
                .to_owned(),
        ),
    }
}

fn previous(args: &CompileArgs, halves: &[Half<'_>]) -> Result<BTreeMap<NodeId, String>, Failure> {
    let mut found = BTreeMap::new();
    let Some(directory) = &args.previous else {
        return Ok(found);
    };
    if !directory.is_dir() {
        let directory = directory.display();
        return Err(Failure::usage(
            format!("`{directory}` is no directory"),
            "`--previous` takes what `-o` of an earlier run named".to_owned(),
        ));
    }
    for half in halves {
        let path = directory.join(half.node_name()).join("policy.nft");
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                found.insert(half.node, text);
            }
            // A node that is new has none.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot("read", &path, &error)),
        }
    }
    Ok(found)
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot {what} `{}`: {error}", path.display()), None)
}

/// Says what is wrong with a bundle, if something is.
fn say_proof(
    output: &Output,
    input: &Input,
    half: &Half<'_>,
    bundle: &Bundle,
) -> Result<Exit, Failure> {
    let node = half.node_name();
    let packet = match &bundle.proof {
        None | Some(HalfProof::Proved) => return Ok(Exit::Yes),
        Some(HalfProof::Unknown(reason)) => {
            output.aside(&format!(
                "unknown: node {node}: the solver gave up: {reason}\n"
            ));
            return Ok(Exit::Unknown);
        }
        Some(HalfProof::Differs(packet) | HalfProof::Broken(packet)) => packet,
    };
    let text = packet_text(
        &input.sources,
        half,
        &bundle.program,
        packet,
        bundle.rules_file,
    );
    output.answer(|writer| {
        writeln!(
            writer,
            "node {node}: the rules are not the policy; this packet shows it"
        )?;
        write!(writer, "{text}")
    })?;
    Ok(Exit::No)
}

/// Whether all bundles together are the policy, in words.
fn whole(
    args: &CompileArgs,
    cluster: &Cluster,
    halves: &[Half<'_>],
    worst: Exit,
) -> Result<String, Failure> {
    if args.no_prove {
        return Ok("not proved: --no-prove".to_owned());
    }
    if !args.all_nodes {
        return Ok("not asked: not all nodes were compiled".to_owned());
    }
    if worst != Exit::Yes {
        return Ok("not asked: a half is not proved".to_owned());
    }
    match prove_all(halves, args.solver.limits()) {
        Ok(None) => Ok(
            "proved: what all nodes let through between two pods is what policy allows".to_owned(),
        ),
        Ok(Some((source, destination))) => Err(Failure {
            exit: Exit::No,
            message: format!(
                "the bundles do not make up the policy: nobody enforces a side of `{}` to `{}`",
                pod_name(cluster, source),
                pod_name(cluster, destination)
            ),
            help: Some("nothing was written".to_owned()),
        }),
        Err(reason) => Err(Failure {
            exit: Exit::Unknown,
            message: format!("whether the bundles make up the policy is unknown: {reason}"),
            help: Some("nothing was written; raise `--rlimit`".to_owned()),
        }),
    }
}

/// Writes what has changed, and takes away an update of before. Returns how many files changed.
fn write(
    args: &CompileArgs,
    input: &Input,
    modes: Modes,
    bundle: &Bundle,
    whole: &str,
) -> Result<usize, Failure> {
    let directory = args.output.join(&bundle.table.node);
    std::fs::create_dir_all(&directory).map_err(|error| cannot("make", &directory, &error))?;
    let document = bundle_json(&input.cluster, &input.sources, modes, bundle, whole);
    let mut json = serde_json::to_string_pretty(&document)
        .map_err(|error| Failure::usage(format!("cannot write bundle.json: {error}"), None))?;
    json.push('\n');
    let mut changed = 0;
    let files = bundle.files.iter().map(|(name, text)| (*name, text));
    for (name, text) in files.chain([("bundle.json", &json)]) {
        let path = directory.join(name);
        if std::fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        // Whoever reads meanwhile reads the old file or the new one.
        let new = directory.join(format!("{name}.new"));
        std::fs::write(&new, text).map_err(|error| cannot("write", &new, &error))?;
        if name.ends_with(".sh") {
            make_executable(&new).map_err(|error| cannot("write", &new, &error))?;
        }
        std::fs::rename(&new, &path).map_err(|error| cannot("write", &path, &error))?;
        changed += 1;
    }
    for name in ["update1.nft", "update2.nft", "update3.nft"] {
        let path = directory.join(name);
        if !bundle.files.contains_key(name) && path.exists() {
            std::fs::remove_file(&path).map_err(|error| cannot("remove", &path, &error))?;
        }
    }
    Ok(changed)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn summary(bundle: &Bundle, changed: usize) -> String {
    let proof = match bundle.proof {
        Some(_) => "proved",
        None => "not proved",
    };
    let classes = counted(bundle.table.classes.len(), "class").replace("classs", "classes");
    let (rules, elements) = bundle.held.counts();
    let elements = match bundle.held {
        Held::Nft { .. } => counted(elements, "element"),
        Held::Ebpf { .. } => counted(elements, "entry").replace("entrys", "entries"),
    };
    let rules = counted(rules, "rule");
    let changed = match changed {
        0 => "unchanged".to_owned(),
        n => format!("{} written", counted(n, "file")),
    };
    format!(
        "{}: {proof}, {classes}, {rules}, {elements}, {changed}",
        bundle.table.node
    )
}
