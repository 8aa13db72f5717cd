//! What the eBPF program and its maps cost, next to the nft rules of the same policy and to the
//! layout that existing agents use.
//!
//! `cargo bench --bench ebpf` (as root, with network namespaces, nft, clang, libbpf, bpftool and
//! Linux 6.4) prints for 1,000, 10,000 and 100,000 peers how long loading takes, how much kernel
//! memory the control group is charged, and what a packet costs.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a measurement that cannot go on has no result, and prints it otherwise"
)]

#[path = "../tests/kernel/ebpf.rs"]
mod ebpf;
#[path = "nft_kernel/mod.rs"]
#[allow(dead_code, reason = "shared with another bench")]
mod kernel;
#[path = "../tests/kernel/topology.rs"]
mod topology;

use ebpf::{Built, can_load};
use kernel::{FIRST_PEER, FIRST_POD, Namespace, PODS, nothing, ours, packet, peers_of, table};
use portolan::dataplane::Comments;
use portolan::dataplane::ebpf::{LOADER, PROGRAM, capacities, emit, files};
use portolan::model::Modes;
use std::path::Path;
use std::time::Instant;
use topology::command;

fn main() {
    let measured = std::env::args().any(|argument| argument == "--bench");
    if !can_load() {
        println!("skipped: needs root, network namespaces, nft, clang, libbpf, bpftool, Linux 6.4");
        return;
    }
    // Where packets leave instead of where they are forwarded, so that one thread can send them
    // with any addresses and measure its own time: as nft's rules are measured.
    let built = Built::from(
        &PROGRAM.replace("HOOK_FORWARD = 2", "HOOK_FORWARD = 3"),
        &LOADER.replace("HOOK_FORWARD = 2", "HOOK_FORWARD = 3"),
    )
    .unwrap();
    let per_pod = per_pod(&built);
    let sizes: &[u32] = if measured {
        &[1_000, 10_000, 100_000]
    } else {
        &[200]
    };
    println!("load is all of it, again is loading over it, flip is the part after filling;");
    println!("memory is what the control group is charged; a packet is over no rules at all");
    println!(
        "{:>7}  {:32} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8} {:>9}",
        "peers", "design", "load", "again", "flip", "memory", "let in", "dropped", "alone"
    );
    for &peers in sizes {
        let mut base = None;
        for design in ["no rules", "nft", "eBPF", "eBPF, a map for each pod"] {
            let namespace = Namespace::new();
            let name = &namespace.name;
            namespace.nft(&nothing());
            let group = Group::new();
            let pin = built.pin("bench");
            let started = Instant::now();
            let (mut again, mut flip, mut alone) = (0.0, 0.0, 0);
            let mut load = 0.0;
            match design {
                "nft" => {
                    let text = ours(peers);
                    let started = Instant::now();
                    group.run(name, "nft -f -", &text);
                    load = started.elapsed().as_secs_f64();
                    let started = Instant::now();
                    group.run(name, "nft -f -", &text);
                    again = started.elapsed().as_secs_f64();
                }
                "eBPF" => {
                    let table = table(peers);
                    let maps = emit(&table, Modes::default());
                    let files = files("", &table, &maps, &Comments::NONE);
                    let folder = built.folder("bench", &files).unwrap();
                    let loader = |what: &str| {
                        let line = format!("cd {} && ./loader {what} {pin}", folder.display());
                        let started = Instant::now();
                        group.run(name, &line, "");
                        started.elapsed().as_secs_f64()
                    };
                    load = loader("load");
                    again = loader("load");
                    alone = run_alone(&built, peers, &pin);
                    if measured {
                        let entries = capacities(&maps).map(|c| format!("{} {}", c.map, c.entries));
                        println!("         {}", entries.join(", "));
                    }
                    let _ = loader("prepare");
                    // Filled again, or the flip would be to empty maps.
                    flip = fill_and_flip(&folder, &pin, &loader);
                }
                "eBPF, a map for each pod" => {
                    command("mkdir", &["-p", &pin], "").unwrap();
                    let line = format!(
                        "{per_pod}/load {per_pod}/per_pod.bpf.o {pin} {PODS} {peers} {FIRST_POD} {FIRST_PEER}"
                    );
                    group.run(name, &line, "");
                    load = started.elapsed().as_secs_f64();
                }
                _ => {}
            }
            let memory = group.memory();
            let (hit, miss) = namespace.packets(peers, measured);
            let (base_hit, base_miss) = *base.get_or_insert((hit, miss));
            println!(
                "{peers:>7}  {design:32} {load:>6.2} s {again:>6.2} s {:>5.1} ms {:>6.1} MB {:>5.0} ns {:>5.0} ns {alone:>6} ns",
                flip * 1e3,
                memory,
                hit - base_hit,
                miss - base_miss,
            );
            command("sh", &["-c", &format!("rm -rf {pin}")], "").unwrap();
            namespace.remove(measured);
        }
    }
}

/// Fills what was prepared, and flips.
fn fill_and_flip(folder: &Path, pin: &str, loader: &dyn Fn(&str) -> f64) -> f64 {
    for name in ["addresses4", "addresses6", "policy"] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.batch"))).unwrap();
        let text = text.replace("/sys/fs/bpf/portolan/bench", pin);
        if text.lines().any(|line| !line.starts_with('#')) {
            command("bpftool", &["batch", "file", "/dev/stdin"], &text).unwrap();
        }
    }
    loader("flip")
}

/// The program by itself on packets that are let in: the least of a few peers, in nanoseconds.
fn run_alone(built: &Built, peers: u32, pin: &str) -> u32 {
    let frames: String = (0..64u32)
        .map(|nth| {
            let pod = nth % PODS;
            let of_pod: Vec<u32> = peers_of(pod, peers).collect();
            let peer = of_pod[usize::try_from(nth).unwrap() * 7 % of_pod.len()];
            let mut frame = vec![0u8; 12];
            frame.extend([8, 0]);
            let mut ip = packet(peer, FIRST_POD + pod, 8080);
            ip[3] = 28;
            frame.extend(ip);
            let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
            // A hook at which nothing is known to be invalid.
            format!("4 0 {hex}\n")
        })
        .collect();
    let times = built.run(pin, 20_000, &frames).unwrap();
    assert!(times.iter().all(|(accepted, _)| *accepted));
    times.iter().map(|(_, time)| *time).min().unwrap()
}

fn per_pod(built: &Built) -> String {
    let directory = built.directory().display().to_string();
    for (name, text) in [
        ("per_pod.bpf.c", include_str!("per_pod/per_pod.bpf.c")),
        ("load.c", include_str!("per_pod/load.c")),
    ] {
        std::fs::write(built.directory().join(name), text).unwrap();
    }
    let line = format!(
        "cd {directory} && {} -c per_pod.bpf.c -o per_pod.bpf.o && cc -O2 -o load load.c -lbpf",
        ebpf::CLANG
    );
    command("sh", &["-c", &line], "").unwrap();
    directory
}

/// A control group that kernel memory is charged to.
struct Group {
    path: String,
    is_v2: bool,
}

impl Group {
    fn new() -> Group {
        let is_v2 = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let parent = if is_v2 {
            "/sys/fs/cgroup"
        } else {
            "/sys/fs/cgroup/memory"
        };
        let path = format!("{parent}/portolan-bench-{}", std::process::id());
        let _ = std::fs::remove_dir(&path);
        let _ = std::fs::create_dir(&path);
        Group { path, is_v2 }
    }

    /// Runs a line in the group and in a network namespace.
    fn run(&self, namespace: &str, line: &str, input: &str) {
        let line = format!("echo $$ > {}/cgroup.procs; {line}", self.path);
        let net = format!("--net=/run/netns/{namespace}");
        command("nsenter", &[&net, "sh", "-c", &line], input).unwrap();
    }

    /// In megabytes.
    fn memory(&self) -> f64 {
        let bytes: f64 = if self.is_v2 {
            let text =
                std::fs::read_to_string(format!("{}/memory.stat", self.path)).unwrap_or_default();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("kernel "))
                .unwrap_or("0");
            line.parse().unwrap()
        } else {
            let name = format!("{}/memory.kmem.usage_in_bytes", self.path);
            let text = std::fs::read_to_string(name).unwrap_or_else(|_| "0".to_owned());
            text.trim().parse().unwrap()
        };
        bytes / 1e6
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.path);
    }
}
