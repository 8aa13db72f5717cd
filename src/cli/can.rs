//! `portolan can`: "can A reach B", on what, and why.

use super::exit::Exit;
use super::format::{self, FormatArgs};
use super::input::{self, InputArgs, blind_note};
use super::output::{Failure, Output};
use super::ports::{PortArg, parse_port};
use super::progress::with_progress;
use super::solver::SolverArgs;
use crate::model::{Cluster, Direction, Evaluation, PolicyId, has_block};
use crate::question::can::{Answer, Context, Overall, PortQuery, Who, can};
use crate::question::endpoint::parse_endpoint;
use crate::question::fix;
use crate::reach::Reach;
use crate::report::answer::{self, render_answer};
use crate::report::answer_json::answer_json;
use crate::report::fix::{fixes_json, render_fixes};
use crate::source::Sources;
use clap::Args;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Say whether A can reach B, on what, and which lines decide it
#[derive(Debug, Args)]
#[command(after_help = "\
Ends are written namespace/name, kind/name with -n, pod/name, node/name,
service:namespace/name, an address, a CIDR, internet, ingress:host/path, or a
domain name, for what is called outside.

Examples:
  portolan can shop/frontend reach shop/cart --port 7070
  portolan can shop/cart shop/payment --port 50051 --fix
  portolan can shop/cart api.example.com --port 443
  portolan can internet ingress:shop.example.com/ -f deploy/
  kubectl get -A -o yaml pod,ns,svc,netpol | portolan can -f - shop/cart 203.0.113.7")]
pub(super) struct CanArgs {
    /// Who calls, and who is called; the word `reach` may stand between them
    #[arg(value_name = "A [reach] B", num_args = 2..=3, required = true)]
    ends: Vec<String>,
    /// Files or directories of manifests, `-` for standard input [default: .]
    #[arg(short, long, value_name = "PATH")]
    file: Vec<PathBuf>,
    /// The port: 7070, tcp/7070, udp/53 or a name; without it, whatever is allowed
    #[arg(short, long, value_parser = parse_port)]
    port: Option<PortArg>,
    /// For a no: print patches that would make it a yes, and all else that each would open
    #[arg(long)]
    fix: bool,
    #[command(flatten)]
    solver: SolverArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// So many proposals are told.
const MAX_PROPOSALS: usize = 3;

pub(super) fn run(args: &CanArgs, output: &Output) -> Result<Exit, Failure> {
    let (from, to) = match args.ends.as_slice() {
        [from, to] => (from, to),
        [from, reach, to] if reach == "reach" => (from, to),
        _ => {
            return Err(Failure::usage(
                "expected two ends",
                "write `portolan can A reach B`".to_owned(),
            ));
        }
    };
    let input = input::read(&args.file, &args.input, output)?;
    let namespace = args.input.namespace.as_deref();
    let end = |text: &str| {
        parse_endpoint(&input.cluster, text, namespace)
            .map_err(|error| Failure::usage(error.to_string(), error.help()))
    };
    let (source, destination) = (end(from)?, end(to)?);
    let port = args.port.clone().map_or(PortQuery::Any, |port| port.0);
    let reach = with_progress(output, "analysing", || Reach::new(&input.cluster));
    let context = Context {
        cluster: &input.cluster,
        reach: &reach,
        controller: input.controller.as_ref(),
    };
    let found = can(context, &source, &destination, &port)
        .map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    let (cluster, sources) = (&input.cluster, &input.sources);
    let proposed = match args.fix && found.overall != Overall::Yes {
        true => {
            let load = |sources: &Sources| input::load_again(sources, &args.input, &input);
            let question = fix::Question {
                cluster,
                reach: &reach,
                sources,
                load: &load,
                controller: input.controller.as_ref(),
                from: &source,
                to: &destination,
                port: &port,
                limits: args.solver.limits(),
                n_wanted: MAX_PROPOSALS,
            };
            let fixes = with_progress(output, "looking for changes", || {
                fix::fixes(&question, &found)
            });
            Some(fixes.map_err(|error| Failure::usage(error.to_string(), error.help()))?)
        }
        false => None,
    };
    let text = || {
        let context = answer::Context {
            cluster,
            sources,
            style: output.answer_style(),
            from,
            to,
        };
        let mut text = render_answer(context, &found);
        if let Some(fixes) = &proposed {
            text.push_str(&render_fixes(cluster, fixes, output.answer_style()));
        }
        text
    };
    let json = || {
        let mut json = answer_json(cluster, sources, (from, to), &found);
        json.proposals = proposed.as_ref().map(|fixes| fixes_json(cluster, fixes));
        json.obstacles = proposed.as_ref().map(|fixes| fixes.obstacles.clone());
        json
    };
    format::answer(output, &args.format, text, json)?;
    if !output.quiet
        && let Some(note) = blind_note(
            &input.cluster,
            &concerned(&input.cluster, &input.blind, &found),
        )
    {
        output.aside(&format!("note: {note}\n"));
    }
    let exit = match found.overall {
        Overall::Yes => Exit::Yes,
        Overall::No | Overall::Partly => Exit::No,
        Overall::Unknown => Exit::Unknown,
    };
    // An answer from input that could not all be read is no success.
    Ok(if exit == Exit::Yes { input.exit } else { exit })
}

/// Those of the policies that decide between two pods and have an ipBlock in that direction.
fn concerned(cluster: &Cluster, blind: &[PolicyId], answer: &Answer) -> Vec<PolicyId> {
    let pieces = answer.hops.iter().flat_map(|hop| &hop.pieces);
    let between_pods = pieces.filter(|piece| {
        matches!(
            (&piece.source, &piece.destination),
            (Who::Pods(_), Who::Pods(_))
        )
    });
    let mut deciding: BTreeSet<PolicyId> = BTreeSet::new();
    for example in between_pods.filter_map(|piece| piece.example.as_ref()) {
        let Evaluation {
            egress, ingress, ..
        } = &example.evaluation;
        for (direction, side) in [(Direction::Egress, egress), (Direction::Ingress, ingress)] {
            let by_address = |id: &&PolicyId| has_block(cluster, **id, direction);
            deciding.extend(side.selecting.iter().filter(by_address).copied());
        }
    }
    let concerns = |policy: &PolicyId| deciding.contains(policy);
    blind.iter().copied().filter(concerns).collect()
}
