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

#[path = "../tests/kernel/policies.rs"]
#[allow(dead_code, reason = "shared with tests")]
mod policies;
#[path = "../tests/kernel/topology.rs"]
mod topology;

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

/// The files of the nth time.
type Files<'a> = dyn Fn(usize) -> Vec<String> + Sync + 'a;

fn main() {
    // `cargo test` runs benches too, without `--bench`: once, and small.
    let measured = std::env::args().any(|argument| argument == "--bench");
    if !is_able() {
        println!("skipped: needs root, network namespaces and nft");
        return;
    }
    let loads = if measured { 1200 } else { 6 };
    let bundles = [bundle(0, None), bundle(1, None)];
    let whole = |nth: usize| bundles[nth % 2].files["policy.nft"].clone();
    let updates: Vec<Bundle> = (0..2)
        .map(|nth| bundle(nth, Some(whole(nth + 1))))
        .collect();
    let file = |bundle: &Bundle, name: &str| bundle.files[name].clone();
    let ways: [(&str, Box<Files>); 5] = [
        ("no rules are loaded meanwhile", Box::new(|_| Vec::new())),
        ("policy.nft, the same again", Box::new(|_| vec![whole(0)])),
        ("policy.nft, two in turn", Box::new(|nth| vec![whole(nth)])),
        (
            "update1 to update3, two in turn",
            Box::new(|nth| {
                let names = ["update1.nft", "update2.nft", "update3.nft"];
                names
                    .iter()
                    .map(|name| file(&updates[nth % 2], name))
                    .collect()
            }),
        ),
        (
            "for comparison: delete table, add it",
            Box::new(|nth| {
                let text = whole(nth).replace(
                    "# what there is\n",
                    "delete table inet portolan\nadd table inet portolan\n",
                );
                vec![text]
            }),
        ),
    ];
    println!(
        "{:38} {:>6} {:>9} {:>6} {:>9} {:>7}",
        "rules are loaded as", "loads", "allowed", "lost", "denied", "leaked"
    );
    for (nth, (name, files)) in ways.iter().enumerate() {
        let topology = Topology::new(&format!("a{nth}")).unwrap();
        topology.load(0, &whole(1)).unwrap();
        let counted = run(&topology, loads, files.as_ref());
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
}

fn bundle(nth: usize, previous: Option<String>) -> Bundle {
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
        target: Target::Nft {
            design: DesignChoice::Smaller,
            previous,
        },
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
fn run(topology: &Topology, loads: usize, files: &Files<'_>) -> Counted {
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
                let files = files(nth);
                if files.is_empty() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                for text in files {
                    command("nft", &["-f", "-"], &text).unwrap();
                    n_loads += 1;
                }
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
