//! Whether packets notice that rules are loaded: none that is denied comes through, and no new
//! flow that is allowed is lost.
//!
//! `cargo bench --bench atomicity` (as root, with network namespaces and nft) loads rules more
//! than 1,000 times in each of several ways, while pod `b` opens allowed flows to `a` and pod `e`
//! sends what is denied. Without `--bench`, as `cargo test` runs it, it does the same a few times.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot go on has no result, and prints it otherwise"
)]

#[path = "../tests/kernel/ebpf.rs"]
mod ebpf;
#[path = "../tests/kernel/policies.rs"]
#[allow(dead_code, reason = "shared with tests")]
mod policies;
#[path = "../tests/kernel/topology.rs"]
mod topology;

use ebpf::{Built, can_load, script};
use portolan::dataplane::nft::DesignChoice;
use portolan::dataplane::{Bundle, Comments, Compiler, Making, Target, address_book, make_bundle};
use portolan::manifest::{LoadOptions, load};
use portolan::model::{Half, Modes, NodeId};
use portolan::reach::Reach;
use portolan::source::Sources;
use portolan::symbolic::PolicyIndex;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use topology::{Topology, command, is_able};

const SERVER: &str = "10.244.1.10:8085";
/// Both let `b` reach `a` and nobody else; what they say of other ports differs.
const POLICIES: [&str; 2] = [
    "{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: b}}}], ports: [{port: 8085, protocol: UDP}]}",
    "{from: [{namespaceSelector: {}, podSelector: {matchExpressions: [{key: app, operator: In, values: [b]}]}}], \
     ports: [{port: 8000, endPort: 8100, protocol: UDP}, {port: 443}]}, \
     {from: [{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.128/25]}}], ports: [{port: 80}]}",
];

/// Loads for the nth time, in the node's namespace; says how many loads that took.
type Load<'a> = dyn Fn(usize) -> usize + Sync + 'a;

fn nft(texts: &[String]) -> usize {
    for text in texts {
        command("nft", &["-f", "-"], text).unwrap();
    }
    texts.len()
}

fn main() {
    // `cargo test` runs benches too, without `--bench`: once, and small.
    let measured = std::env::args().any(|argument| argument == "--bench");
    if !is_able() {
        println!("skipped: needs root, network namespaces and nft");
        return;
    }
    let loads = if measured { 1200 } else { 6 };
    let made = |nth, previous| {
        let design = DesignChoice::Smaller;
        bundle(nth, Target::Nft { design, previous })
    };
    let bundles = [made(0, None), made(1, None)];
    let whole = |nth: usize| bundles[nth % 2].files["policy.nft"].clone();
    let updates: Vec<Bundle> = (0..2).map(|nth| made(nth, Some(whole(nth + 1)))).collect();
    let file = |bundle: &Bundle, name: &str| bundle.files[name].clone();
    let ways: [(&str, Box<Load>); 5] = [
        (
            "no rules are loaded meanwhile",
            Box::new(|_| {
                std::thread::sleep(Duration::from_millis(5));
                0
            }),
        ),
        ("policy.nft, the same again", Box::new(|_| nft(&[whole(0)]))),
        (
            "policy.nft, two in turn",
            Box::new(|nth| nft(&[whole(nth)])),
        ),
        (
            "update1 to update3, two in turn",
            Box::new(|nth| {
                let names = ["update1.nft", "update2.nft", "update3.nft"];
                nft(&names.map(|name| file(&updates[nth % 2], name)))
            }),
        ),
        (
            "for comparison: delete table, add it",
            Box::new(|nth| {
                let text = whole(nth).replace(
                    "# what there is\n",
                    "delete table inet portolan\nadd table inet portolan\n",
                );
                nft(&[text])
            }),
        ),
    ];
    println!(
        "{:38} {:>6} {:>9} {:>6} {:>9} {:>7}",
        "rules are loaded as", "loads", "allowed", "lost", "denied", "leaked"
    );
    for (nth, (name, load)) in ways.iter().enumerate() {
        let topology = Topology::new(&format!("a{nth}")).unwrap();
        topology.load(0, &whole(1)).unwrap();
        report(name, &run(&topology, loads, load.as_ref()));
    }
    if !can_load() {
        println!("eBPF skipped: needs clang, libbpf, bpftool and Linux 6.4");
        return;
    }
    let built = Built::new().unwrap();
    let topology = Topology::new("ae").unwrap();
    let folders = [0, 1].map(|nth| {
        let files = bundle(nth, Target::Ebpf).files;
        built.folder(&format!("f{nth}"), &files).unwrap()
    });
    let pin = built.pin("n1");
    script(&topology, 0, &folders[1], &format!("sh load.sh {pin}")).unwrap();
    let load = |nth: usize| {
        built.loader(&folders[nth % 2], "load", &pin).unwrap();
        1
    };
    let counted = run(&topology, loads, &load);
    report("loader load, two in turn (eBPF)", &counted);
    script(&topology, 0, &folders[0], &format!("sh unload.sh {pin}")).unwrap();
}

fn report(name: &str, counted: &Counted) {
    // What is lost depends on how busy the machine is; nothing may ever leak.
    let is_ours = !name.starts_with("for comparison");
    assert!(
        !is_ours || counted.leaked == 0,
        "{name}: {} leaked",
        counted.leaked
    );
    println!(
        "{name:38} {:>6} {:>9} {:>6} {:>9} {:>7}   {:.1} ms each",
        counted.loads,
        counted.allowed,
        counted.allowed - counted.arrived,
        counted.denied,
        counted.leaked,
        counted.time.as_secs_f64() * 1e3 / counted.loads.max(1) as f64,
    );
}

fn bundle(nth: usize, target: Target) -> Bundle {
    let text = format!(
        "{}apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: a, namespace: left}}\n\
         spec: {{podSelector: {{matchLabels: {{app: a}}}}, ingress: [{}]}}\n",
        policies::cluster(),
        POLICIES[nth]
    );
    let loaded = load(
        &Sources::from_text("bench.yaml", text),
        &LoadOptions::default(),
    );
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    let cluster = &loaded.cluster;
    let book = address_book(cluster).unwrap();
    let reach = Reach::new(cluster);
    let compiler = Compiler::new(cluster, &reach, &book);
    let half = Half::new(cluster, &book, NodeId(0), Modes::default());
    let making = Making {
        header: "# bench\n".to_owned(),
        comments: Comments::NONE,
        target,
        prove: None,
    };
    make_bundle(&half, &compiler, &PolicyIndex::new(cluster), &making).unwrap()
}

struct Counted {
    loads: usize,
    allowed: usize,
    arrived: usize,
    denied: usize,
    leaked: usize,
    time: Duration,
}

/// Sends while rules are loaded, and counts.
fn run(topology: &Topology, loads: usize, load: &Load<'_>) -> Counted {
    let server = std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            topology.enter("a").unwrap();
            UdpSocket::bind(SERVER).unwrap()
        });
        server.join().unwrap()
    });
    server
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let done = AtomicBool::new(false);
    let (allowed, denied) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let sender = |name: &str, count: &AtomicUsize| {
        topology.enter(name).unwrap();
        while !done.load(Ordering::SeqCst) {
            for _ in 0..8 {
                // A new socket has a new port: a new flow.
                let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
                // A neighbour that is not known yet, or a full buffer, is not what is measured.
                if socket.send_to(b"x", SERVER).is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
            std::thread::sleep(Duration::from_micros(800));
        }
    };
    std::thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let (mut arrived, mut leaked) = (0usize, 0usize);
            let mut buffer = [0; 64];
            loop {
                match server.recv_from(&mut buffer) {
                    Ok((_, from)) if from.ip().to_string() == "10.244.1.11" => arrived += 1,
                    Ok(_) => leaked += 1,
                    // Nothing for half a second after the last was sent.
                    Err(_) if done.load(Ordering::SeqCst) => return (arrived, leaked),
                    Err(_) => {}
                }
            }
        });
        let (sender, allowed, denied) = (&sender, &allowed, &denied);
        scope.spawn(move || sender("b", allowed));
        scope.spawn(move || sender("e", denied));
        let loader = scope.spawn(|| {
            topology.enter("n1").unwrap();
            // Entries of flows of one packet would fill the table.
            let _ = command(
                "sysctl",
                &["-qw", "net.netfilter.nf_conntrack_udp_timeout=1"],
                "",
            );
            std::thread::sleep(Duration::from_millis(200));
            let started = Instant::now();
            let mut n_loads = 0;
            for nth in 0..loads {
                n_loads += load(nth);
            }
            (n_loads, started.elapsed())
        });
        let (loads, time) = loader.join().unwrap();
        done.store(true, Ordering::SeqCst);
        let (arrived, leaked) = receiver.join().unwrap();
        Counted {
            loads,
            allowed: allowed.load(Ordering::SeqCst),
            arrived,
            denied: denied.load(Ordering::SeqCst),
            leaked,
            time,
        }
    })
}
