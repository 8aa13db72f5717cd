//! What rules for nftables cost.
//!
//! `cargo bench --bench nft` prints how long it takes to compile and prove a node of 5,000 rules;
//! and, as root with `nft`, how long rules of 1,000, 10,000 and 100,000 peers take to load, the
//! kernel's memory for them, and what they cost a packet, next to the design that existing tools
//! use: a chain for each pod with a rule for each policy. `-- NAME` runs only `compile` or
//! `kernel`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a measurement that cannot go on has no result, and prints it otherwise"
)]

#[path = "nft_kernel/mod.rs"]
mod kernel;
#[path = "../tests/kernel/topology.rs"]
mod topology;

use portolan::dataplane::nft::DesignChoice;
use portolan::dataplane::{
    Bundle, Comments, Compiler, HalfProof, Making, Target, address_book, make_bundle,
};
use portolan::manifest::{LoadOptions, load};
use portolan::model::{Cluster, Half, Modes, NodeId};
use portolan::reach::Reach;
use portolan::source::Sources;
use portolan::symbolic::{Limits, PolicyIndex};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test` runs benches too, without `--bench`: once, and small.
    let measured = arguments.iter().any(|argument| argument == "--bench");
    let wanted = |name: &str| {
        let names = || {
            arguments
                .iter()
                .filter(|argument| !argument.starts_with('-'))
        };
        names().count() == 0 || names().any(|known| known == name)
    };
    if wanted("compile") {
        compile(measured);
    }
    if wanted("kernel") {
        if topology::is_able() {
            kernel::run(measured);
        } else {
            println!("kernel: skipped: needs root, network namespaces and nft");
        }
    }
}

/// A node of 100 pods, each with a policy of its own with 24 rules, among 1,000 others.
fn compile(measured: bool) {
    let (pods, rules) = if measured { (100, 24) } else { (3, 3) };
    let sources = Sources::from_text("bench.yaml", busy_node(pods, rules));
    let loaded = load(&sources, &LoadOptions::default());
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings.first());
    let cluster = &loaded.cluster;
    let repeats = if measured { 5 } else { 1 };
    let mut times: Vec<[Duration; 4]> = Vec::new();
    let mut last = None;
    for _ in 0..repeats {
        let (bundle, time) = once(cluster);
        assert_eq!(bundle.proof, Some(HalfProof::Proved));
        times.push(time);
        last = Some(bundle);
    }
    let bundle = last.unwrap();
    println!(
        "compile and prove: {} policies, {} pods, {} rules and {} elements on the node",
        cluster.policies.len(),
        cluster.pods.len(),
        bundle.held.counts().0,
        bundle.held.counts().1
    );
    for (nth, name) in ["set engine", "table, rules, read back", "proof", "in all"]
        .iter()
        .enumerate()
    {
        let mut of: Vec<f64> = times.iter().map(|t| t[nth].as_secs_f64() * 1e3).collect();
        of.sort_by(f64::total_cmp);
        println!(
            "  {name:24} median {:7.1} ms, least {:7.1} ms",
            of[of.len() / 2],
            of[0]
        );
    }
}

fn once(cluster: &Cluster) -> (Bundle, [Duration; 4]) {
    let started = Instant::now();
    let book = address_book(cluster).unwrap();
    let reach = Reach::new(cluster);
    let compiler = Compiler::new(cluster, &reach, &book);
    let index = PolicyIndex::new(cluster);
    let half = Half::new(cluster, &book, NodeId(0), Modes::default());
    let engine = started.elapsed();
    let make = |prove: Option<Limits>| {
        let making = Making {
            header: "# bench".to_owned(),
            comments: Comments::NONE,
            target: Target::Nft {
                design: DesignChoice::Smaller,
                previous: None,
            },
            prove,
        };
        make_bundle(&half, &compiler, &index, &making).unwrap()
    };
    let before = Instant::now();
    let _ = make(None);
    let unproved = before.elapsed();
    let before = Instant::now();
    let bundle = make(Some(Limits::default()));
    let proved = before.elapsed();
    (
        bundle,
        [
            engine,
            unproved,
            proved.saturating_sub(unproved),
            engine + proved,
        ],
    )
}

fn busy_node(pods: usize, rules: usize) -> String {
    let mut text = "apiVersion: v1\nkind: Node\nmetadata: {name: node-0}\n\
                    spec: {podCIDRs: [10.1.0.0/16]}\n"
        .to_owned();
    let mut pod = |namespace: usize, name: String, app: String, node: &str, address: String| {
        write!(
            text,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: ns-{namespace}, labels: \
             {{app: {app}}}}}\nspec: {{nodeName: {node}, containers: [{{name: main, image: example.com/main}}]}}\n\
             status: {{phase: Running, podIPs: [{{ip: {address}}}]}}\n"
        )
        .unwrap();
    };
    for p in 0..pods {
        pod(
            p % 10,
            format!("local-{p}"),
            format!("local-{p}"),
            "node-0",
            format!("10.1.{}.{}", p / 200, p % 200 + 10),
        );
    }
    for p in 0..1000 {
        pod(
            p % 10,
            format!("other-{p}"),
            format!("app-{}", p / 10 % 50),
            "node-1",
            format!("10.2.{}.{}", p / 200, p % 200 + 10),
        );
    }
    for p in 0..pods {
        write!(
            text,
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: local-{p}, namespace: ns-{}}}\n\
             spec: {{podSelector: {{matchLabels: {{app: local-{p}}}}}, policyTypes: [Ingress], ingress: [",
            p % 10
        )
        .unwrap();
        for r in 0..rules {
            let port = 1000 + (p * 7 + r * 13) % 5000;
            let peer = if r % 10 == 9 {
                format!(
                    "ipBlock: {{cidr: 203.{}.{r}.0/24, except: [203.{}.{r}.128/25]}}",
                    p % 100,
                    p % 100
                )
            } else {
                format!(
                    "namespaceSelector: {{}}, podSelector: {{matchLabels: {{app: app-{}}}}}",
                    (p + r) % 50
                )
            };
            write!(
                text,
                "{{from: [{{{peer}}}], ports: [{{port: {port}}}, {{port: {}, protocol: UDP}}]}},",
                port + 1
            )
            .unwrap();
        }
        text.push_str("]}\n");
    }
    text
}
