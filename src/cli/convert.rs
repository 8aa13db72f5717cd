//! `portolan convert`: policies of deprecated kinds in the one that replaces them.

use super::exit::Exit;
use super::input::{self, InputArgs};
use super::output::{Failure, Output};
use super::progress::with_progress;
use super::solver::SolverArgs;
use crate::manifest::to_cluster_network_policies;
use crate::question::compare::{Compared, Comparison, compare};
use crate::source::Sources;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Write AdminNetworkPolicies as ClusterNetworkPolicies, proved to say the same
#[derive(Debug, Args)]
#[command(after_help = "\
What is larger than a ClusterNetworkPolicy may be is split, with the order kept. Nothing is written
before the solver has proved that the new policies say the same as the old ones, of all pods that
could be created. What cannot be expressed is refused, and the rest is converted.

Examples:
  portolan convert policies/ --to cluster-network-policy > cluster-network-policies.yaml")]
pub(super) struct ConvertArgs {
    /// Files or directories of manifests, `-` for standard input [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The kind to write
    #[arg(long, value_name = "KIND")]
    to: KindArg,
    #[command(flatten)]
    solver: SolverArgs,
    #[command(flatten)]
    input: InputArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArg {
    /// ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2
    ClusterNetworkPolicy,
}

pub(super) fn run(args: &ConvertArgs, output: &Output) -> Result<Exit, Failure> {
    let KindArg::ClusterNetworkPolicy = args.to;
    let input = input::read(&args.paths, &args.input, output)?;
    let conversion = to_cluster_network_policies(&input.sources, &input.cluster);
    if conversion.policies.is_empty() {
        return Err(Failure {
            exit: Exit::Nothing,
            message: "there is no AdminNetworkPolicy or BaselineAdminNetworkPolicy in the input"
                .to_owned(),
            help: None,
        });
    }
    let yaml = conversion.yaml();
    let mut sources = Sources::default();
    for (name, text) in input.sources.files() {
        sources.add_text(name, text);
    }
    sources.add_text("converted.yaml", yaml.clone());
    let Some((mut cluster, _)) = input::load_again(&sources, &args.input, &input) else {
        return Err(bug("the new policies are not valid"));
    };
    let is_converted = |kind: &str, name: &str| {
        let mut policies = conversion.policies.iter();
        policies.any(|p| p.kind == kind && p.name == name && p.outcome.is_ok())
    };
    cluster
        .policies
        .retain(|policy| !is_converted(policy.kind, &policy.name));
    let (compared, _) = with_progress(output, "proving", || {
        let clusters = [&input.cluster, &cluster];
        compare(clusters, Comparison::Equivalent, args.solver.limits())
    })
    .map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    match compared {
        Compared::Proved => {}
        Compared::Differs(_) => return Err(bug("the new policies do not say the same")),
        Compared::Unknown { reason } => {
            return Err(Failure {
                exit: Exit::Unknown,
                message: format!("not proved, so nothing is written: the solver gave up: {reason}"),
                help: Some("`--rlimit` lets it do more".to_owned()),
            });
        }
    }
    output.answer(|writer| writer.write_all(yaml.as_bytes()))?;
    let mut n_refused = 0usize;
    for policy in &conversion.policies {
        if let Err(why) = &policy.outcome {
            n_refused += 1;
            output.aside(&format!(
                "{} {} is not converted: {why}\n",
                policy.kind, policy.name
            ));
        }
    }
    Ok(if n_refused > 0 { Exit::No } else { input.exit })
}

fn bug(what: &str) -> Failure {
    Failure {
        exit: Exit::Usage,
        message: format!("{what}, so nothing is written"),
        help: Some("this is a bug: please report it with the manifests".to_owned()),
    }
}
