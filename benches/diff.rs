//! What a diff costs on top of a list: two versions of a generated cluster of 10,000 pods and 1,000
//! policies, with under 1 % of the policies changed, and with every one of them changed.
//!
//! `cargo bench --bench diff` prints the times and the ratios to one `list` in its default format,
//! which groups, and to one that lists pairs: of whole commands, run in turns.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has no result, and prints it otherwise"
)]

mod cluster;

use cluster::{APPS, REPLICAS, write_cluster};
use portolan::manifest::{LoadOptions, load_pair};
use portolan::question::diff::{Question as DiffQuestion, diff};
use portolan::report::diff::{DIFF_FORMATS, View};
use portolan::report::snippet::Style;
use portolan::source::{pair_sources, read_inputs};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NAMESPACES: usize = 100;
const RUNS: usize = 7;
/// How many policies change when few do: 0.8 %.
const FEW: usize = 8;

fn main() {
    // `cargo test` runs benches too, without `--bench`: once, and small.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (namespaces, runs) = if measured { (NAMESPACES, RUNS) } else { (3, 1) };
    let folder = std::env::temp_dir().join(format!("portolan-diff-{}", std::process::id()));
    let [old, same, few, all] = ["old", "same", "few", "all"].map(|name| folder.join(name));
    for path in [&old, &same, &few, &all] {
        std::fs::create_dir_all(path).unwrap();
        write_cluster(path, namespaces);
    }
    change_policies(&few, FEW);
    change_policies(&all, usize::MAX);
    // Taken in turns, so that a slow moment of the machine is everyone's.
    let mut times: [Vec<Duration>; 5] = Default::default();
    for _ in 0..runs {
        times[0].push(timed(|| run(&["list"], &[&old])));
        times[1].push(timed(|| run(&["list", "-o", "json"], &[&old])));
        times[2].push(timed(|| run(&["diff"], &[&old, &same])));
        times[3].push(timed(|| run(&["diff"], &[&old, &few])));
        times[4].push(timed(|| run(&["diff"], &[&old, &all])));
    }
    let (_, n_few, stages) = compare(&old, &few);
    let (_, n_all, _) = compare(&old, &all);
    std::fs::remove_dir_all(&folder).unwrap();
    let [table, pairs, same, few, all] = times.map(median);
    println!(
        "{} pods, {} policies, medians of {runs}",
        namespaces * APPS * REPLICAS,
        namespaces * 10
    );
    let row = |name: &str, time: Duration| {
        println!(
            "{name:34} {:8.1} ms   {:5.2} x list   {:5.2} x list -o json",
            time.as_secs_f64() * 1e3,
            time.as_secs_f64() / table.as_secs_f64(),
            time.as_secs_f64() / pairs.as_secs_f64(),
        );
    };
    row("list", table);
    row("list -o json", pairs);
    row("diff, nothing changed", same);
    row(&format!("diff, {FEW} policies, {n_few} groups"), few);
    row(&format!("diff, every policy, {n_all} groups"), all);
    let stages = stages.map(|(name, time)| format!("{name} {:.0} ms", time.as_secs_f64() * 1e3));
    println!("of {FEW} policies: {}", stages.join(", "));
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Gives the policies of apps and teams, in as many files as it takes, another port each.
fn change_policies(folder: &Path, count: usize) {
    let mut left = count;
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let documents = text.split("---\n").map(|document| {
            let is_policy = document.contains("kind: NetworkPolicy");
            if !is_policy || left == 0 {
                return document.to_owned();
            }
            left -= 1;
            match document.contains("port: ") {
                true => document
                    .replace("port: http", "port: metrics")
                    .replace("port: 8", "port: 7")
                    .replace("port: 53", "port: 54"),
                // The default deny lets its own namespace in.
                false => format!("{document}  ingress:\n  - from:\n    - podSelector: {{}}\n"),
            }
        });
        let changed: Vec<String> = documents.collect();
        std::fs::write(&file, changed.join("---\n")).unwrap();
        if left == 0 {
            return;
        }
    }
}

/// Runs the tool as it is used, up to its end. The answer goes to a file: what a terminal takes is
/// not what is measured.
fn run(arguments: &[&str], paths: &[&Path]) {
    let answer = paths[0].with_file_name("answer");
    let status = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(arguments)
        .args(paths)
        .stdout(std::fs::File::create(answer).unwrap())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}

/// The size of the answer, the number of its groups, and how long each stage took.
fn compare(old: &Path, new: &Path) -> (usize, usize, [(&'static str, Duration); 5]) {
    let start = Instant::now();
    let [old, new] = [old, new].map(|folder| {
        let (sources, _) = read_inputs(&[folder.to_owned()], &mut std::io::empty());
        sources
    });
    let read = start.elapsed();
    let paired = pair_sources(old, new);
    let matched = start.elapsed();
    let [old, new] = load_pair(&paired, &LoadOptions::default());
    let loaded = start.elapsed();
    let clusters = [&old.cluster, &new.cluster];
    let found = diff(&DiffQuestion {
        clusters,
        controllers: [None, None],
    });
    let compared = start.elapsed();
    let view = View {
        diff: &found,
        clusters,
        sources: &paired.sources,
        names: ["old", "new"],
        n_documents: [0, 0],
        notes: &[],
        style: Style {
            colour: false,
            width: 80,
        },
    };
    let mut output = Vec::new();
    (DIFF_FORMATS[0].render)(&view, &mut output).unwrap();
    let stages = [
        ("reading", read),
        ("matching documents", matched - read),
        ("loading", loaded - matched),
        ("comparing", compared - loaded),
        ("telling", start.elapsed() - compared),
    ];
    (output.len(), found.groups.len(), stages)
}
