//! What a diff costs on top of a list: two versions of a generated cluster of 10,000 pods and 1,000
//! policies, with under 1 % of the policies changed, and with every one of them changed.
//!
//! `cargo bench --bench diff` prints the times and the ratios to one `list` in its default format,
//! which groups and is the fastest, and to one that lists pairs. Everything from reading the files
//! to the printed answer is in them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has no result, and prints it otherwise"
)]

mod cluster;

use cluster::{APPS, REPLICAS, write_cluster};
use portolan::manifest::{LoadOptions, load, load_pair};
use portolan::question::diff::{Question as DiffQuestion, diff};
use portolan::question::list::{Filter, Question};
use portolan::reach::Reach;
use portolan::report::diff::{DIFF_FORMATS, View};
use portolan::report::map::{MAP_FORMATS, Map, MapOptions};
use portolan::report::snippet::Style;
use portolan::source::{pair_sources, read_inputs};
use std::path::{Path, PathBuf};
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
    let [old, few, all] = ["old", "few", "all"].map(|name| folder.join(name));
    for path in [&old, &few, &all] {
        std::fs::create_dir_all(path).unwrap();
        write_cluster(path, namespaces);
    }
    change_policies(&few, FEW);
    change_policies(&all, usize::MAX);
    // Taken in turns, so that a slow moment of the machine is everyone's.
    let mut times: [Vec<Duration>; 5] = Default::default();
    for _ in 0..runs {
        times[0].push(timed(|| list(&old, "table")));
        times[1].push(timed(|| list(&old, "json")));
        times[2].push(timed(|| compare(&old, &old)));
        times[3].push(timed(|| compare(&old, &few)));
        times[4].push(timed(|| compare(&old, &all)));
    }
    let (_, n_few) = compare(&old, &few);
    let (_, n_all) = compare(&old, &all);
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

fn list(folder: &Path, format: &str) -> usize {
    let (sources, _) = read_inputs(&[folder.to_owned()], &mut std::io::empty());
    let loaded = load(&sources, &LoadOptions::default());
    let reach = Reach::new(&loaded.cluster);
    let filter = Filter::default();
    let map = Map {
        question: Question {
            cluster: &loaded.cluster,
            reach: &reach,
            filter: &filter,
            controller: None,
        },
        assumptions: &[],
        locate: &|_| String::new(),
        options: MapOptions::default(),
    };
    let mut formats = MAP_FORMATS.iter();
    let format = formats.find(|known| known.name == format).unwrap();
    let mut output = Vec::new();
    (format.render)(&map, &mut output).unwrap();
    output.len()
}

/// The size of the answer, and the number of its groups.
fn compare(old: &Path, new: &Path) -> (usize, usize) {
    let [old, new] = [old, new].map(|folder| {
        let (sources, _) = read_inputs(&[folder.to_owned()], &mut std::io::empty());
        sources
    });
    let paired = pair_sources(old, new);
    let [old, new] = load_pair(&paired, &LoadOptions::default());
    let clusters = [&old.cluster, &new.cluster];
    let found = diff(&DiffQuestion {
        clusters,
        controllers: [None, None],
    });
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
    (output.len(), found.groups.len())
}
