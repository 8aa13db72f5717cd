//! The eBPF program in a real kernel: what arrives is what `model::evaluate` says, and packets
//! that it is run on by themselves become what the maps' semantics say.
//!
//! Needs root, network namespaces, nft, clang, libbpf, bpftool and Linux 6.4; without, every test
//! is reported as skipped. No nft policy is loaded here: nft only turns connection tracking on.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unreachable,
    reason = "a test that cannot go on has failed"
)]

#[path = "kernel/alone.rs"]
mod alone;
#[path = "agreement/clusters.rs"]
mod clusters;
#[path = "kernel/compare.rs"]
mod compare;
#[path = "kernel/ebpf.rs"]
mod ebpf;
#[path = "agreement/edges.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod edges;
#[path = "kernel/frames.rs"]
mod frames;
mod generate;
#[path = "mutants/cluster.rs"]
mod mutants;
#[path = "dataplane/packets.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod packets;
#[path = "dataplane/placed.rs"]
mod placed;
#[path = "kernel/policies.rs"]
mod policies;
#[path = "kernel/probe.rs"]
mod probe;
#[path = "kernel/topology.rs"]
mod topology;

use alone::{by_themselves, program_faults};
use compare::{DENY_ALL, ONLY_B_ON_8080, Test, compare, compare_some, listeners, loaded};
use ebpf::{Built, can_load, held, script};
use libtest_mimic::Failed;
use policies::policies;
use portolan::dataplane::ebpf::{Maps, program};
use portolan::dataplane::{
    Bundle, Comments, Compiler, HalfProof, Making, Target, address_book, make_bundle, prove_half,
};
use portolan::model::{AddressBook, Cluster, Half, Modes, NodeId};
use portolan::reach::Reach;
use portolan::symbolic::{Limits, PolicyIndex};
use portolan::{model, source};
use probe::{Kind, Probe, try_all};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;
use topology::{Topology, command};

/// How many policy sets are tried with packets on the network.
const SETS: u64 = 36;

fn main() {
    let tests: [(&str, Test); 12] = [
        ("generated_policies_decide_what_arrives", generated),
        (
            "every_kind_of_packet_becomes_what_the_model_says",
            by_themselves,
        ),
        ("faults_of_the_program_are_found", program_faults),
        ("the_documents_way_to_try_it_works", try_it),
        ("a_service_is_seen_after_translation", service),
        ("revocation_cuts_a_live_flow_at_its_next_packet", revocation),
        ("a_node_reaches_its_pods_under_default_deny", node_to_pod),
        ("connection_tracking_is_read_from_the_packet", tracking),
        ("bpftool_fills_the_same_maps", by_hand),
        ("tampering_with_a_running_node_is_found", tampering),
        (
            "classifiers_for_older_kernels_decide_tcp_and_udp",
            classifiers,
        ),
        (
            "another_program_takes_over_and_unloading_leaves_nothing",
            taking_over,
        ),
    ];
    let needs = "root, network namespaces, nft, clang, libbpf, bpftool and Linux 6.4";
    compare::run_all(&tests, needs, can_load());
}

fn bundle(cluster: &Cluster, node: u32) -> Bundle {
    let book = address_book(cluster).unwrap();
    let reach = Reach::new(cluster);
    let compiler = Compiler::new(cluster, &reach, &book);
    let half = Half::new(cluster, &book, NodeId(node), Modes::default());
    let making = Making {
        header: "# kernel test\n".to_owned(),
        comments: Comments::NONE,
        target: Target::Ebpf,
        prove: Some(Limits::default()),
    };
    let bundle = make_bundle(&half, &compiler, &PolicyIndex::new(cluster), &making).unwrap();
    assert_eq!(bundle.proof, Some(HalfProof::Proved));
    bundle
}

/// A topology whose nodes go by eBPF; unloaded with this.
struct Nodes {
    built: Built,
    topology: Topology,
}

impl Nodes {
    fn new(tag: &str) -> Result<Nodes, String> {
        Ok(Nodes {
            built: Built::new()?,
            topology: Topology::new(tag)?,
        })
    }

    fn pin(&self, node: usize) -> String {
        self.built.pin(["n1", "n2"][node])
    }

    fn folder(&self, cluster: &Cluster, node: usize) -> Result<PathBuf, String> {
        let bundle = bundle(cluster, u32::try_from(node).unwrap());
        self.built.folder(["n1", "n2"][node], &bundle.files)
    }

    /// The way a person does it.
    fn load(&self, cluster: &Cluster) -> Result<(), String> {
        for node in 0..2 {
            let folder = self.folder(cluster, node)?;
            let line = format!("sh load.sh {}", self.pin(node));
            script(&self.topology, node, &folder, &line)?;
        }
        Ok(())
    }

    fn status(&self, node: usize) -> Result<String, String> {
        let folder = self.built.folder("status", &Default::default())?;
        self.built.loader(&folder, "status", &self.pin(node))
    }
}

fn generated() -> Result<(), Failed> {
    let nodes = Nodes::new("g")?;
    let mut listeners = listeners(&nodes.topology)?;
    let nothing = loaded("");
    // Neighbours find each other.
    let _ = compare(&nodes.topology, &mut listeners, &nothing, "");
    compare(&nodes.topology, &mut listeners, &nothing, "nothing loaded")?;
    let (mut probes, mut arrived) = (0, 0);
    for seed in 0..SETS {
        let text = policies(seed);
        let cluster = loaded(&text);
        nodes.load(&cluster)?;
        let (all, some) = compare(&nodes.topology, &mut listeners, &cluster, &text)?;
        probes += all;
        arrived += some;
    }
    let listing = nodes.topology.listing(0)?;
    assert!(!listing.contains("drop"), "no nft rule drops: {listing}");
    assert!(
        arrived * 5 > probes && arrived * 10 < probes * 9,
        "{arrived} of {probes}"
    );
    eprintln!("{SETS} policy sets, {probes} probes, {arrived} arrived, all as evaluate says");
    Ok(())
}

/// The commands of docs/dataplanes/ebpf.md, in order, and what they say there that the last prints.
fn try_it() -> Result<(), Failed> {
    let text = include_str!("../docs/dataplanes/ebpf.md");
    let (_, text) = text.split_once("## Try it").unwrap();
    let block = |kind: &str| -> &str {
        let (_, rest) = text.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_portolan"));
    let path = format!("{}:/usr/sbin", binary.parent().unwrap().display());
    let run = |line: &str| {
        let line = format!(
            "cd {} && PATH=$PATH:{path} && {line}",
            env!("CARGO_MANIFEST_DIR")
        );
        command("sh", &["-c", &line], "")
    };
    let mut said = String::new();
    let result = block("sh").lines().try_for_each(|line| {
        said = run(line)?;
        Ok::<(), String>(())
    });
    let live = run("portolan verify --target ebpf --live testdata/nodes --node worker-1");
    for line in [
        "nsenter --net=/run/netns/worker-1 target/rules/try/worker-1/unload.sh",
        "sh testdata/nodes/two-namespaces.sh remove",
    ] {
        run(line)?;
    }
    result?;
    assert_eq!(block("sh").lines().count(), 5);
    for line in block("text").lines() {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(live?.starts_with("proved"));
    Ok(())
}

/// A Service address in front of `a`: clients see its port 80, and policy sees port 8080 of `a`.
fn service() -> Result<(), Failed> {
    let nodes = Nodes::new("s")?;
    let mut listeners = listeners(&nodes.topology)?;
    nodes.load(&loaded(ONLY_B_ON_8080))?;
    compare::try_service(&nodes.topology, &mut listeners)
}

fn revocation() -> Result<(), Failed> {
    let nodes = Nodes::new("r")?;
    let load = |text: &str| nodes.load(&loaded(text)).map_err(Failed::from);
    compare::try_revocation(&nodes.topology, &load)
}

fn node_to_pod() -> Result<(), Failed> {
    let nodes = Nodes::new("n")?;
    let mut listeners = listeners(&nodes.topology)?;
    nodes.load(&loaded(DENY_ALL))?;
    compare::try_node_to_pod(&nodes.topology, &mut listeners)
}

/// What the program built for tests is told, the real one reads: every state on real packets.
fn tracking() -> Result<(), Failed> {
    let nodes = Nodes::new("k")?;
    let topology = &nodes.topology;
    let mut listeners = listeners(topology)?;
    // `b` may reach `a` on 8080, and `a` nobody.
    let only = format!(
        "{ONLY_B_ON_8080}apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: quiet, \
         namespace: left}}\nspec: {{podSelector: {{matchLabels: {{app: a}}}}, policyTypes: [Egress]}}\n---\n\
         apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: udp, namespace: left}}\n\
         spec: {{podSelector: {{matchLabels: {{app: a}}}}, ingress: [{{from: [{{namespaceSelector: {{}}, \
         podSelector: {{matchLabels: {{app: b}}}}}}], ports: [{{port: 9999, protocol: UDP}}]}}]}}\n"
    );
    let cluster = loaded(&only);
    nodes.load(&cluster)?;
    let counts = |what: &str| -> usize {
        let status = nodes.status(0).unwrap();
        let line = status
            .lines()
            .find(|line| line.ends_with(what))
            .unwrap()
            .trim_start();
        line.split(' ').next().unwrap().parse().unwrap()
    };
    let from = |name: &'static str, run: &(dyn Fn() -> Result<(), Failed> + Sync)| {
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                topology.enter(name)?;
                run()
            });
            thread.join().unwrap()
        })
    };
    // An error about an allowed packet comes back: related.
    let before = counts("connection tracking");
    from("b", &|| {
        let socket = UdpSocket::bind("10.244.1.11:0")?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        socket.connect("10.244.1.10:9999")?;
        socket.send(b"x")?;
        let answer = socket.recv(&mut [0; 8]).unwrap_err();
        assert_eq!(answer.kind(), std::io::ErrorKind::ConnectionRefused);
        Ok(())
    })?;
    assert!(
        counts("connection tracking") > before,
        "related packets are counted"
    );
    // An answer to nothing is invalid: dropped, though the port is allowed.
    let before = counts("invalid to connection tracking");
    from("b", &|| {
        let socket = socket2::Socket::new(
            socket2::Domain::IPV4,
            socket2::Type::RAW,
            Some(socket2::Protocol::from(6)),
        )?;
        let mut segment = vec![0x9c, 0x40, 0x1f, 0x90];
        // A reset of a connection that is not there.
        segment.extend([0, 0, 0, 9, 0, 0, 0, 9, 0x50, 0x04, 0, 0, 0, 0, 0, 0]);
        let target: SocketAddr = "10.244.1.10:0".parse().unwrap();
        socket.bind(&"10.244.1.11:0".parse::<SocketAddr>().unwrap().into())?;
        socket.send_to(&segment, &target.into())?;
        Ok(())
    })?;
    std::thread::sleep(Duration::from_millis(100));
    assert!(
        counts("invalid to connection tracking") > before,
        "invalid packets are counted"
    );
    // Untracked packets are policed like new ones, and nothing of them is a reply.
    topology.load(
        0,
        "add table inet raw\nadd chain inet raw pre { type filter hook prerouting priority raw; }\n\
         add rule inet raw pre udp dport { 8080, 9999 } notrack\n",
    )?;
    let udp = |port| Probe {
        from: "b".to_owned(),
        source: "10.244.1.11".parse().unwrap(),
        destination: "10.244.1.10".parse().unwrap(),
        kind: Kind::Udp,
        port,
    };
    let before = (
        counts("accepted: policy"),
        counts("ingress policy of the destination"),
    );
    let arrived = try_all(topology, &mut listeners, &[udp(8080)])?;
    assert_eq!(arrived, [false], "untracked, and policy has only TCP there");
    from("b", &|| {
        UdpSocket::bind("10.244.1.11:0")?.send_to(b"x", "10.244.1.10:9999")?;
        Ok(())
    })?;
    std::thread::sleep(Duration::from_millis(100));
    assert!(
        counts("accepted: policy") > before.0,
        "untracked and allowed"
    );
    assert!(counts("ingress policy of the destination") > before.1);
    // A rule's own counter, and nobody else's: two more packets to the same port.
    let by_rule = || -> Vec<(String, usize)> {
        let status = nodes.status(0).unwrap();
        let counted = status
            .lines()
            .filter_map(|line| line.split_once("  by rule "));
        let counted = counted.map(|(count, rule)| (rule.to_owned(), count.trim().parse().unwrap()));
        counted.collect()
    };
    let before = by_rule();
    from("b", &|| {
        let socket = UdpSocket::bind("10.244.1.11:0")?;
        for _ in 0..2 {
            socket.send_to(b"x", "10.244.1.10:9999")?;
        }
        Ok(())
    })?;
    std::thread::sleep(Duration::from_millis(100));
    let more: usize = before.iter().map(|(_, count)| count).sum::<usize>() + 2;
    let after = by_rule();
    assert_eq!(after.iter().map(|(_, count)| count).sum::<usize>(), more);
    let changed = after.iter().filter(|counted| !before.contains(counted));
    assert_eq!(changed.count(), 1, "{before:?} {after:?}");
    reports(&nodes)
}

/// Dropped packets are reported while someone listens, and not otherwise.
fn reports(nodes: &Nodes) -> Result<(), Failed> {
    let topology = &nodes.topology;
    let folder = nodes.built.folder("status", &Default::default())?;
    let file = folder.join("reports.txt");
    let line = format!(
        "./loader report {} > {} 2>&1 < /dev/null & echo $!",
        nodes.pin(0),
        file.display()
    );
    let settings = format!("{}/settings", nodes.pin(0));
    let is_on = || -> Result<bool, String> {
        let key = "map lookup pinned @ key 0 0 0 0".replace('@', &settings);
        let words: Vec<&str> = ["-j"].into_iter().chain(key.split(' ')).collect();
        Ok(command("bpftool", &words, "")?.contains("\"value\":[\"0x01\""))
    };
    assert!(!is_on()?, "nobody listens yet");
    let pid = command(
        "sh",
        &["-c", &format!("cd {} && {line}", folder.display())],
        "",
    )?;
    std::thread::sleep(Duration::from_millis(200));
    let send = || {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| -> Result<(), Failed> {
                topology.enter("e")?;
                UdpSocket::bind("10.244.1.12:0")?.send_to(b"x", "10.244.1.10:4321")?;
                UdpSocket::bind("[fd10:244:1::c]:0")?.send_to(b"x", "[fd10:244:1::a]:4322")?;
                Ok(())
            });
            thread.join().unwrap()
        })
    };
    send()?;
    std::thread::sleep(Duration::from_millis(200));
    assert!(is_on()?, "while somebody listens");
    command("sh", &["-c", &format!("kill -TERM {}", pid.trim())], "")?;
    std::thread::sleep(Duration::from_millis(200));
    assert!(!is_on()?, "and not otherwise");
    let said = std::fs::read_to_string(&file)?;
    for wanted in [
        "10.244.1.12 -> 10.244.1.10 protocol 17 port 4321 at forward, dropped: ingress policy of the destination",
        "fd10:244:1::c -> fd10:244:1::a protocol 17 port 4322 at forward, dropped: ingress policy",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
    Ok(())
}

/// The files are bpftool's too: prepared, filled by hand and flipped, the maps are the same.
fn by_hand() -> Result<(), Failed> {
    let nodes = Nodes::new("h")?;
    for seed in 300..306 {
        let cluster = loaded(&policies(seed));
        let bundle = bundle(&cluster, 0);
        let folder = nodes.built.folder("n1", &bundle.files)?;
        let pin = nodes.pin(0);
        script(
            &nodes.topology,
            0,
            &folder,
            &format!("./loader prepare {pin}"),
        )?;
        for name in ["addresses4.batch", "addresses6.batch", "policy.batch"] {
            let text = bundle.files[name].replace("/sys/fs/bpf/portolan/n1", &pin);
            if text.lines().all(|line| line.starts_with('#')) {
                continue;
            }
            command("bpftool", &["batch", "file", "/dev/stdin"], &text)?;
        }
        script(&nodes.topology, 0, &folder, &format!("./loader flip {pin}"))?;
        let maps = held(&pin)?;
        nodes.load(&cluster)?;
        assert_eq!(
            held(&pin)?,
            Maps {
                word: maps.word ^ 1,
                ..maps
            },
            "seed {seed}"
        );
    }
    Ok(())
}

fn tampering() -> Result<(), Failed> {
    let nodes = Nodes::new("t")?;
    let cluster = loaded(ONLY_B_ON_8080);
    nodes.load(&cluster)?;
    let pin = nodes.pin(0);
    let (book, _) = AddressBook::new(&cluster);
    let half = Half::new(&cluster, &book, NodeId(0), Modes::default());
    let index = PolicyIndex::new(&cluster);
    let verify = || -> Result<HalfProof, String> {
        Ok(prove_half(
            &program(&held(&pin)?),
            &half,
            &index,
            Limits::default(),
        ))
    };
    assert_eq!(verify()?, HalfProof::Proved);
    // The maps that packets go by are those in the slot.
    let id = |table: &str| -> Result<String, String> {
        let word = held(&pin)?.word;
        let path = format!("{pin}/{table}");
        let outer = command("bpftool", &["-j", "map", "dump", "pinned", &path], "")?;
        let id = portolan::dataplane::ebpf::map_in_slot(&outer, word & 1).ok_or("no map")?;
        Ok(id.to_string())
    };
    let a4 = "20 00 00 00 0a f4 01 0a";
    let zero = "00 00 00 00";
    for (table, line) in [
        // `a` is not isolated any more.
        (
            "addresses4",
            format!("update id @ key hex {a4} value hex {zero} {zero} {zero} {zero} {zero}"),
        ),
        ("addresses4", format!("delete id @ key hex {a4}")),
        // Nobody is known to be anybody.
        ("addresses4", format!("delete id @ key hex {zero} {zero}")),
        (
            "addresses6",
            format!("delete id @ key hex {zero} {zero} {zero} {zero} {zero}"),
        ),
        // All traffic of the first peer. Maps are full, so something has to go first.
        (
            "policy",
            "delete id @ key hex 60 00 00 00 01 00 00 00 01 00 00 00 01 01 1f 90;\
             update id @ key hex 48 00 00 00 01 00 00 00 01 00 00 00 01 00 00 00 value hex 01 00 00 00"
                .to_owned(),
        ),
        // Who is nobody may do everything.
        (
            "policy",
            "delete id @ key hex 60 00 00 00 01 00 00 00 01 00 00 00 01 01 1f 90;\
             update id @ key hex 48 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 value hex 01 00 00 00"
                .to_owned(),
        ),
        (
            "generation",
            format!("update pinned {pin}/generation key hex {zero} value hex 00 00 00 00"),
        ),
        (
            "generation",
            format!("update pinned {pin}/generation key hex {zero} value hex 16 00 00 00"),
        ),
    ] {
        nodes.load(&cluster)?;
        let words = if table == "generation" {
            // Whichever slot it is.
            let slot = held(&pin)?.word & 1;
            line.replace("hex 16", &format!("hex {:02x}", 0x16 | slot))
        } else {
            line.replace('@', &id(table)?)
        };
        for words in words.split(';') {
            let words: Vec<&str> = ["map"].into_iter().chain(words.split(' ')).collect();
            command("bpftool", &words, "")?;
        }
        assert!(matches!(verify()?, HalfProof::Differs(_)), "{line}");
    }
    // What is loaded over it mends it, whatever was there.
    nodes.load(&cluster)?;
    assert_eq!(verify()?, HalfProof::Proved);
    let word = "update pinned @/generation key hex 00 00 00 00 value hex 02 01 00 00";
    let word = word.replace('@', &pin);
    let words: Vec<&str> = ["map"].into_iter().chain(word.split(' ')).collect();
    command("bpftool", &words, "")?;
    assert!(verify().is_err(), "what is not understood is refused");
    Ok(())
}

/// The form for older kernels, on what it can do.
fn classifiers() -> Result<(), Failed> {
    let nodes = Nodes::new("tc")?;
    let topology = &nodes.topology;
    let mut listeners = listeners(topology)?;
    let _ = compare(topology, &mut listeners, &loaded(""), "");
    let (mut probes, mut arrived) = (0, 0);
    let is_meant = |probe: &Probe| matches!(probe.kind, Kind::Tcp | Kind::Udp);
    for seed in 0..8 {
        let text = policies(seed);
        let cluster = loaded(&text);
        for node in 0..2 {
            let folder = nodes.folder(&cluster, node)?;
            let line = format!("sh load-tc.sh {}", nodes.pin(node));
            script(topology, node, &folder, &line)?;
        }
        let (all, some) = compare_some(topology, &mut listeners, &cluster, &text, &is_meant)?;
        probes += all;
        arrived += some;
    }
    eprintln!("tc: {probes} probes of TCP and UDP, {arrived} arrived, all as evaluate says");
    // A fragment carries nothing that can be read where fragments are not put together.
    let cluster = loaded(DENY_ALL);
    for node in 0..2 {
        let folder = nodes.folder(&cluster, node)?;
        script(
            topology,
            node,
            &folder,
            &format!("sh load-tc.sh {}", nodes.pin(node)),
        )?;
    }
    let nothing =
        |probe: &Probe| probe.kind == Kind::Fragments && probe.from != "n1" && probe.from != "n2";
    compare_some(topology, &mut listeners, &cluster, "fragments", &nothing)?;
    for node in 0..2 {
        let folder = nodes.folder(&cluster, node)?;
        script(
            topology,
            node,
            &folder,
            &format!("sh unload.sh {}", nodes.pin(node)),
        )?;
    }
    compare_some(topology, &mut listeners, &loaded(""), "unloaded", &is_meant)?;
    Ok(())
}

/// How many programs and maps of ours there are.
fn ours() -> Result<usize, String> {
    let count = |what: &str, name: &str| -> Result<usize, String> {
        let said = command("bpftool", &[what, "show"], "")?;
        Ok(said.lines().filter(|line| line.contains(name)).count())
    };
    Ok(count("prog", "name portolan")?
        + count("map", "name addresses")?
        + count("map", "name policy")?
        + count("map", "name counters")?
        + count("map", "name generation")?
        + count("map", "name verdicts")?
        + count("link", "type 10")?)
}

fn taking_over() -> Result<(), Failed> {
    // The kernel takes things apart after they are let go.
    let settles_at = |wanted: usize| -> Result<bool, String> {
        for _ in 0..50 {
            if ours()? == wanted {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(false)
    };
    std::thread::sleep(Duration::from_millis(300));
    let before = ours()?;
    let nodes = Nodes::new("o")?;
    let mut listeners = listeners(&nodes.topology)?;
    let cluster = loaded(&policies(7));
    nodes.load(&cluster)?;
    compare(
        &nodes.topology,
        &mut listeners,
        &cluster,
        "the first program",
    )?;
    let n_loaded = ours()?;
    // Another program: one that counts dropped packets elsewhere, say.
    let source = portolan::dataplane::ebpf::PROGRAM;
    let other = source.replace("\tREASONS,\n", "\tUNUSED_REASON,\n\tREASONS,\n");
    assert_ne!(source, other);
    let other = Built::with(&other.replace("__u32 class = 0;\n", "__u32 class = 77;\n"))?;
    for node in 0..2usize {
        let bundle = bundle(&cluster, u32::try_from(node).unwrap());
        let folder = other.folder("n", &bundle.files)?;
        script(
            &nodes.topology,
            node,
            &folder,
            &format!("sh load.sh {}", nodes.pin(node)),
        )?;
    }
    compare(
        &nodes.topology,
        &mut listeners,
        &cluster,
        "the second program",
    )?;
    assert!(settles_at(n_loaded)?, "the first one is gone");
    for node in 0..2 {
        let folder = nodes.folder(&cluster, node)?;
        // Twice: the second time there is nothing to do.
        for _ in 0..2 {
            let line = format!("sh unload.sh {}", nodes.pin(node));
            script(&nodes.topology, node, &folder, &line)?;
        }
        assert!(!std::path::Path::new(&nodes.pin(node)).exists());
        let listing = nodes.topology.listing(node)?;
        assert!(!listing.contains("portolan"), "{listing}");
    }
    assert!(settles_at(before)?, "nothing is left");
    compare(
        &nodes.topology,
        &mut listeners,
        &loaded(""),
        "nothing is enforced",
    )?;
    Ok(())
}
