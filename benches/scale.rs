//! What analysis costs on top of parsing: a generated cluster of 10,000 pods and 1,000
//! policies, read, parsed, listed and asked about.
//!
//! `cargo bench --bench scale` prints each stage and the ratio of `list -o json --grouped` and
//! `can` to parsing the same files alone. Parsing alone is what no reader of manifests can
//! avoid: YAML to a value, and the value to its Kubernetes type, on every core. Ratios within
//! one run are what counts; the seconds are this machine's.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot go on has no result, and prints it otherwise"
)]

use cluster::{APPS, REPLICAS, write_cluster};
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use portolan::manifest::{LoadOptions, load};
use portolan::question::can::{Context, PortQuery, can};
use portolan::question::endpoint::parse_endpoint;
use portolan::question::list::{Filter, Question};
use portolan::reach::Reach;
use portolan::report::map::{MAP_FORMATS, Map, MapOptions};
use portolan::source::{Sources, read_inputs};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const NAMESPACES: usize = 100;
const RUNS: usize = 7;

mod cluster;

fn main() {
    // `cargo test` runs benches too, without `--bench`: once, and small.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (namespaces, runs) = if measured { (NAMESPACES, RUNS) } else { (3, 1) };
    let folder = std::env::temp_dir().join(format!("portolan-scale-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bytes = write_cluster(&folder, namespaces);
    let paths = [folder.clone()];

    let parse = median(runs, || {
        let (sources, _) = read_inputs(&paths, &mut std::io::empty());
        parse_alone(&sources)
    });
    let load_only = median(runs, || {
        let (sources, _) = read_inputs(&paths, &mut std::io::empty());
        load(&sources, &LoadOptions::default()).documents
    });
    let (sources, _) = read_inputs(&paths, &mut std::io::empty());
    let loaded = load(&sources, &LoadOptions::default());
    let reach_only = median(runs, || Reach::new(&loaded.cluster).n_groups());
    drop(loaded);
    let list = median(runs, || list_grouped(&paths));
    let ask = median(runs, || ask(&paths));
    std::fs::remove_dir_all(&folder).unwrap();

    println!(
        "{} pods, {} policies, {:.1} MB of YAML, medians of {runs}",
        namespaces * APPS * REPLICAS,
        namespaces * 10,
        bytes as f64 / 1e6
    );
    let row = |name: &str, time: Duration| {
        let ratio = time.as_secs_f64() / parse.as_secs_f64();
        println!(
            "{name:32} {:8.1} ms   {ratio:5.2} x parsing",
            time.as_secs_f64() * 1e3
        );
    };
    row("read and parse alone", parse);
    row("read and load", load_only);
    row("the relation from a cluster", reach_only);
    row("list -o json --grouped", list);
    row("can", ask);
    if let Some(peak) = peak_memory_kib() {
        println!("peak memory {:.0} MB", peak as f64 / 1024.0);
    }
}

fn median<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(work());
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// The most memory this process ever held, in KiB, where the system tells.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn parse_alone(sources: &Sources) -> usize {
    let documents: Vec<_> = sources.documents().map(|(id, _)| id).collect();
    documents
        .into_par_iter()
        .map(|id| {
            let value: serde_yaml::Value = serde_yaml::from_str(sources.text(id)).unwrap();
            let kind = value
                .get("kind")
                .and_then(|kind| kind.as_str())
                .unwrap_or("")
                .to_owned();
            match kind.as_str() {
                "Pod" => typed::<Pod>(value),
                "Service" => typed::<Service>(value),
                "Namespace" => typed::<Namespace>(value),
                "NetworkPolicy" => typed::<NetworkPolicy>(value),
                other => panic!("`{other}` is not generated here"),
            }
        })
        .sum()
}

fn typed<T: DeserializeOwned>(value: serde_yaml::Value) -> usize {
    let mut unknown = 0;
    let object: T = serde_ignored::deserialize(value, |_| unknown += 1).unwrap();
    std::hint::black_box(object);
    unknown
}

fn list_grouped(paths: &[PathBuf]) -> usize {
    let (sources, _) = read_inputs(paths, &mut std::io::empty());
    let loaded = load(&sources, &LoadOptions::default());
    let reach = Reach::new(&loaded.cluster);
    let filter = Filter::default();
    let question = Question {
        cluster: &loaded.cluster,
        reach: &reach,
        filter: &filter,
        controller: None,
    };
    let map = Map {
        question,
        assumptions: &[],
        locate: &|_| String::new(),
        options: MapOptions {
            grouped: true,
            ..MapOptions::default()
        },
    };
    let json = MAP_FORMATS
        .iter()
        .find(|format| format.name == "json")
        .unwrap();
    let mut output = Vec::new();
    (json.render)(&map, &mut output).unwrap();
    output.len()
}

fn ask(paths: &[PathBuf]) -> String {
    let (sources, _) = read_inputs(paths, &mut std::io::empty());
    let loaded = load(&sources, &LoadOptions::default());
    let reach = Reach::new(&loaded.cluster);
    let context = Context {
        cluster: &loaded.cluster,
        reach: &reach,
        controller: None,
    };
    let end = |name| parse_endpoint(&loaded.cluster, name, None).unwrap();
    let port = PortQuery::Number {
        protocol: None,
        port: 8080,
    };
    let answer = can(
        context,
        &end("ns-1/app-1-pod-0"),
        &end("ns-1/app-2-pod-0"),
        &port,
    )
    .unwrap();
    format!("{:?}", answer.overall)
}
