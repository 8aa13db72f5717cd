//! What the questions about "why" cost next to the map: `lint`, `exposure`, and `can --fix`, on a
//! generated cluster.
//!
//! `cargo bench --bench why` prints each and its ratio to `list -o json --grouped`, all with
//! reading and loading. Ratios within one run are what counts; the seconds are this machine's.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has no result, and prints it otherwise"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NAMESPACES: usize = 20;
const RUNS: usize = 5;

mod cluster;

fn main() {
    // `cargo test` runs benches too, without `--bench`: once, and small.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (namespaces, runs) = if measured { (NAMESPACES, RUNS) } else { (2, 1) };
    let folder = std::env::temp_dir().join(format!("portolan-why-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    cluster::write_cluster(&folder, namespaces);
    let path = folder.to_str().unwrap();
    let denied = ["can", "ns-0/app-9", "ns-1/app-0", "--port", "9", "-f", path];
    let rows: [(&str, Vec<&str>); 5] = [
        (
            "list -o json --grouped",
            vec!["list", path, "-o", "json", "--grouped"],
        ),
        ("lint", vec!["lint", path]),
        ("exposure", vec!["exposure", path]),
        ("can, a no", denied.to_vec()),
        ("can --fix, the same no", [&denied[..], &["--fix"]].concat()),
    ];
    let pods = namespaces * cluster::APPS * cluster::REPLICAS;
    println!(
        "{pods} pods, {} policies, medians of {runs}",
        namespaces * 10
    );
    let mut list = None;
    for (name, arguments) in rows {
        let time = median(runs, || run(&arguments));
        let first = *list.get_or_insert(time);
        let ratio = time.as_secs_f64() / first.as_secs_f64();
        println!(
            "{name:32} {:8.1} ms   {ratio:5.2} x list",
            time.as_secs_f64() * 1e3
        );
    }
    remove(&folder);
}

fn run(arguments: &[&str]) {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_portolan"));
    let done = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    // 0 and 1 are answers.
    assert!(matches!(done.code(), Some(0 | 1)), "{arguments:?}: {done}");
}

fn median(runs: usize, mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn remove(folder: &Path) {
    std::fs::remove_dir_all(folder).unwrap();
}
