//! `portolan list`: the connectivity map.

use super::exit::Exit;
use super::input::{self, Input, InputArgs};
use super::output::{Failure, Output};
use super::ports::{PortArg, parse_port};
use super::progress::with_progress;
use crate::model::{Direction, Place, PodId, Protocol, TrafficSet, WorkloadId};
use crate::question::can::PortQuery;
use crate::question::endpoint::{Endpoint, parse_endpoint};
use crate::question::list::{Filter, Question};
use crate::question::service::selected_pods;
use crate::reach::Reach;
use crate::report::map::{MAP_FORMATS, Map, MapFormat, MapOptions, notes};
use crate::report::snippet::place_text;
use crate::source::Target;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Chart which workloads can open connections to which
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portolan list testdata/shop
  portolan list deploy/ -n shop --direction ingress
  portolan list deploy/ --between shop/frontend shop/cart --explain
  helm template ./chart | portolan list - -o mermaid")]
pub(super) struct ListArgs {
    /// Files or directories of manifests, `-` for standard input [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The format of the map
    #[arg(short = 'o', long = "output", value_name = "FORMAT", default_value = "table",
          value_parser = PossibleValuesParser::new(MAP_FORMATS.iter().map(|f| clap::builder::PossibleValue::new(f.name).help(f.summary))),
          help_heading = "Output")]
    format: String,
    /// With `-o json`: sets of workloads instead of pairs, which is what scales
    #[arg(long, help_heading = "Output")]
    grouped: bool,
    /// Add the policies that decide
    #[arg(long, help_heading = "Output")]
    explain: bool,
    /// Only what this workload, pod or service opens or takes; may be repeated
    #[arg(short, long, value_name = "NAME", help_heading = "Filter")]
    workload: Vec<String>,
    /// Of the selected workloads, only what they open (egress) or take (ingress)
    #[arg(short, long, value_name = "WHICH", help_heading = "Filter")]
    direction: Option<DirectionArg>,
    /// Only this port: 7070, tcp/7070 or udp/53
    #[arg(short, long, value_parser = parse_port, help_heading = "Filter")]
    port: Option<PortArg>,
    /// Only between these two, both ways
    #[arg(long, num_args = 2, value_names = ["A", "B"], help_heading = "Filter")]
    between: Vec<String>,
    #[command(flatten)]
    input: InputArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DirectionArg {
    Egress,
    Ingress,
}

pub(super) fn run(args: &ListArgs, output: &Output) -> Result<Exit, Failure> {
    let format = MAP_FORMATS
        .iter()
        .find(|format| format.name == args.format)
        .ok_or_else(|| Failure::usage(format!("`{}` is not a format", args.format), None))?;
    if args.grouped && format.name != "json" {
        let help = "the other formats choose by themselves".to_owned();
        return Err(Failure::usage("`--grouped` goes with `-o json`", help));
    }
    let input = input::read(&args.paths, &args.input, output)?;
    let filter = filter(args, &input)?;
    let reach = with_progress(output, "analysing", || Reach::new(&input.cluster));
    let question = Question {
        cluster: &input.cluster,
        reach: &reach,
        filter: &filter,
        controller: input.controller.as_ref(),
    };
    render(args, output, &input, format, question)?;
    Ok(input.exit)
}

fn render(
    args: &ListArgs,
    output: &Output,
    input: &Input,
    format: &MapFormat,
    question: Question<'_>,
) -> Result<(), Failure> {
    let style = output.answer_style();
    let locate = |origin: &crate::model::Origin| {
        let place = Place::Node {
            origin: origin.clone(),
            target: Target::Value,
        };
        place_text(&input.sources, &place)
    };
    let map = Map {
        question,
        assumptions: &input.assumptions,
        locate: &locate,
        options: MapOptions {
            grouped: args.grouped,
            explain: args.explain,
            width: u16::try_from(style.width).unwrap_or(u16::MAX),
            color: style.colour,
        },
    };
    if format.name == "csv" && !output.quiet {
        for note in notes(&map) {
            output.aside(&format!("note: {note}\n"));
        }
    }
    output.answer(|writer| (format.render)(&map, writer))
}

fn filter(args: &ListArgs, input: &Input) -> Result<Filter, Failure> {
    let namespace = args.input.namespace.as_deref();
    let workloads = |names: &[String]| -> Result<Vec<WorkloadId>, Failure> {
        let mut found = Vec::new();
        for name in names {
            let endpoint = parse_endpoint(&input.cluster, name, namespace)
                .map_err(|error| Failure::usage(error.to_string(), error.help()))?;
            found.extend(workloads_of(input, name, &endpoint)?);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    };
    let between = match args.between.as_slice() {
        [a, b] => Some((
            workloads(std::slice::from_ref(a))?,
            workloads(std::slice::from_ref(b))?,
        )),
        _ => None,
    };
    Ok(Filter {
        namespaces: args.input.namespace.iter().cloned().collect(),
        workloads: workloads(&args.workload)?,
        direction: args.direction.map(|direction| match direction {
            DirectionArg::Egress => Direction::Egress,
            DirectionArg::Ingress => Direction::Ingress,
        }),
        traffic: args.port.as_ref().map(traffic).transpose()?,
        between,
    })
}

fn traffic(port: &PortArg) -> Result<TrafficSet, Failure> {
    match &port.0 {
        PortQuery::Number { protocol, port } => Ok(TrafficSet::ports(
            protocol.unwrap_or(Protocol::Tcp),
            *port,
            *port,
        )),
        PortQuery::Any => Ok(TrafficSet::all()),
        PortQuery::Name(name) => Err(Failure::usage(
            format!("`{name}` is a port name, which means another number on each pod"),
            "give the number".to_owned(),
        )),
    }
}

fn workloads_of(
    input: &Input,
    name: &str,
    endpoint: &Endpoint,
) -> Result<Vec<WorkloadId>, Failure> {
    let cluster = &input.cluster;
    let of_pod = |pod: PodId| cluster.pod(pod).map(|pod| pod.workload);
    match endpoint {
        Endpoint::Workload(id) => Ok(vec![*id]),
        Endpoint::Pod(id) => Ok(of_pod(*id).into_iter().collect()),
        Endpoint::Service(id) => Ok(cluster
            .service(*id)
            .into_iter()
            .flat_map(|service| selected_pods(cluster, service))
            .map(|(_, pod)| pod.workload)
            .collect()),
        Endpoint::Node(_)
        | Endpoint::Addresses { .. }
        | Endpoint::Ingress { .. }
        | Endpoint::Domain { .. } => Err(Failure::usage(
            format!("`{name}` is not a workload"),
            "`portolan can` answers for addresses, names, nodes and ingress hosts".to_owned(),
        )),
    }
}
