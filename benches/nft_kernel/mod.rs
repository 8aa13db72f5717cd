//! Rules in the kernel: how long they take to load, what they take up, and what they cost a
//! packet, next to a chain for each pod with a rule and a set for each group of peers, which is
//! how existing tools do it.
//!
//! Both are hooked where packets leave a namespace instead of where they are forwarded, so that
//! one thread can send packets with any addresses and measure its own time. A later chain drops
//! all of them, so nothing is sent and connection tracking keeps nothing.

use crate::topology::command;
use portolan::dataplane::nft::{DesignChoice, emit, whole};
use portolan::dataplane::{Class, NodeTable, Row, Traffic};
use portolan::model::{AddressSet, Direction, Modes, PodId, PortSet, RangeSet};
use socket2::{Domain, Protocol, Socket, Type};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

pub const PODS: u32 = 100;
/// Peers that one policy lets in.
const GROUP: u32 = 10;
pub const FIRST_POD: u32 = 0x0af4_000a;
pub const FIRST_PEER: u32 = 0x0a10_0000;

pub fn run(measured: bool) {
    let sizes: &[u32] = if measured {
        &[1_000, 10_000, 100_000]
    } else {
        &[200]
    };
    println!(
        "peers in all; load of the file with `nft -f`; kernel memory; a packet, over no rules at all"
    );
    println!(
        "{:>7}  {:36} {:>9} {:>9} {:>9} {:>9}",
        "peers", "design", "load", "memory", "let in", "dropped"
    );
    for &peers in sizes {
        let mut base = None;
        for (name, text) in [
            ("no rules", nothing()),
            ("one set for each kind of traffic", ours(peers)),
            ("a chain for each pod, as others do", per_pod(peers)),
        ] {
            let measured = measure(&text, peers, measured);
            let (hit, miss) = base.get_or_insert((measured.hit, measured.miss));
            println!(
                "{peers:>7}  {name:36} {:>7.2} s {:>6.1} MB {:>6.0} ns {:>6.0} ns",
                measured.load,
                measured.memory as f64 / 1024.0,
                measured.hit - *hit,
                measured.miss - *miss,
            );
        }
    }
}

pub fn peers_of(pod: u32, peers: u32) -> impl Iterator<Item = u32> {
    let each = peers / PODS;
    // Every second address: neighbours would become one range.
    (0..each).map(move |nth| FIRST_PEER + 2 * (pod * each + nth))
}

fn hooked(text: &str) -> String {
    let output = text
        .replace("hook forward priority -1", "hook output priority -1")
        .replace(
            "add chain inet portolan input { type filter hook input priority -1; policy accept; }",
            "add chain inet portolan input",
        );
    format!("{output}{}", nothing())
}

pub fn nothing() -> String {
    "add table inet last\nadd chain inet last out { type filter hook output priority 10; policy drop; }\n\
     add rule inet last out ct state invalid drop\n"
        .to_owned()
}

/// The policy: each pod lets its peers in on two kinds of ports.
pub fn table(peers: u32) -> NodeTable {
    let of = |addresses: &mut dyn Iterator<Item = u32>| AddressSet {
        v4: RangeSet::from_ranges(addresses.map(|a| (a, a))),
        v6: RangeSet::empty(),
    };
    let classes = (0..PODS)
        .map(|pod| Class {
            direction: Direction::Ingress,
            pods: vec![PodId(pod)],
            addresses: of(&mut std::iter::once(FIRST_POD + pod)),
            policies: Vec::new(),
            rows: vec![Row {
                peers: of(&mut peers_of(pod, peers)),
                traffic: Traffic {
                    ports: [
                        PortSet::empty(),
                        RangeSet::from_ranges([(8080, 8080), (9000, 9100)]),
                        PortSet::empty(),
                    ],
                    other: false,
                },
                rules: Vec::new(),
            }],
        })
        .collect();
    let local = of(&mut (0..PODS).map(|pod| FIRST_POD + pod));
    NodeTable {
        node: "bench".to_owned(),
        classes,
        ranges: local.clone(),
        known: local,
    }
}

pub fn ours(peers: u32) -> String {
    let emitted = emit(
        &table(peers),
        Modes::default(),
        DesignChoice::Sets,
        &|_| Vec::new(),
        &|_, _| Vec::new(),
    );
    hooked(&whole("# bench\n", &emitted))
}

fn per_pod(peers: u32) -> String {
    let mut text = "add table inet pods\nadd chain inet pods out { type filter hook output priority -1; policy accept; }\n\
                    add map inet pods in4 { type ipv4_addr : verdict; }\n"
        .to_owned();
    let mut line = |line: String| writeln!(text, "{line}").unwrap();
    let mut elements = Vec::new();
    let mut rules = Vec::new();
    for pod in 0..PODS {
        line(format!("add chain inet pods pod_{pod}"));
        let all: Vec<u32> = peers_of(pod, peers).collect();
        for (group, peers) in all.chunks(usize::try_from(GROUP).unwrap()).enumerate() {
            let peers: Vec<String> = peers
                .iter()
                .map(|a| Ipv4Addr::from_bits(*a).to_string())
                .collect();
            line(format!(
                "add set inet pods s_{pod}_{group} {{ type ipv4_addr; }}"
            ));
            line(format!(
                "add element inet pods s_{pod}_{group} {{ {} }}",
                peers.join(", ")
            ));
            rules.push(format!("add rule inet pods pod_{pod} ip saddr @s_{pod}_{group} udp dport {{ 8080, 9000-9100 }} accept"));
        }
        rules.push(format!("add rule inet pods pod_{pod} drop"));
        elements.push(format!(
            "{} : jump pod_{pod}",
            Ipv4Addr::from_bits(FIRST_POD + pod)
        ));
    }
    for rule in rules {
        line(rule);
    }
    line(format!(
        "add element inet pods in4 {{ {} }}",
        elements.join(", ")
    ));
    line("add rule inet pods out ct state established,related accept".to_owned());
    line("add rule inet pods out ip daddr vmap @in4".to_owned());
    format!("{text}{}", nothing())
}

struct Measured {
    load: f64,
    /// In KiB.
    memory: i64,
    hit: f64,
    miss: f64,
}

/// Loads a file into a new namespace, and sends packets there.
fn measure(text: &str, peers: u32, measured: bool) -> Measured {
    let namespace = Namespace::new();
    let before = kernel_memory();
    let started = Instant::now();
    namespace.nft(text);
    let load = started.elapsed().as_secs_f64();
    let memory = kernel_memory() - before;
    let (hit, miss) = namespace.packets(peers, measured);
    namespace.remove(measured);
    Measured {
        load,
        memory,
        hit,
        miss,
    }
}

/// A network namespace from which packets can be sent to pods.
pub struct Namespace {
    pub name: String,
}

impl Namespace {
    pub fn new() -> Namespace {
        let name = format!("ptl{}-bench", std::process::id());
        let _ = command("ip", &["netns", "del", &name], "");
        command("ip", &["netns", "add", &name], "").unwrap();
        let lines = "link set lo up\nlink add d0 type veth peer name d1\naddr add 10.255.0.1/32 dev d0\n\
                     link set d0 up\nlink set d1 up\nroute add 10.0.0.0/8 dev d0\n";
        command("ip", &["-n", &name, "-batch", "-"], lines).unwrap();
        Namespace { name }
    }

    /// Loads a file.
    pub fn nft(&self, text: &str) {
        let words = ["netns", "exec", &self.name, "nft", "-f", "-"];
        command("ip", &words, text).unwrap();
    }

    /// Nanoseconds for a packet that is let in, and for one that is dropped.
    pub fn packets(&self, peers: u32, measured: bool) -> (f64, f64) {
        let full = format!("/run/netns/{}", self.name);
        let batch = if measured { 4000 } else { 50 };
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let file = std::fs::File::open(full).unwrap();
                nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
                (packets(peers, true, batch), packets(peers, false, batch))
            });
            thread.join().unwrap()
        })
    }

    /// The kernel takes a namespace apart after the command is done.
    pub fn remove(self, measured: bool) {
        command("ip", &["netns", "del", &self.name], "").unwrap();
        let wait = if measured { 1500 } else { 10 };
        std::thread::sleep(Duration::from_millis(wait));
    }
}

/// What slabs and large allocations take, in KiB.
fn kernel_memory() -> i64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let of = |name: &str| -> i64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    of("Slab:") + of("VmallocUsed:")
}

/// Nanoseconds for a packet: the least of many batches.
fn packets(peers: u32, hit: bool, batch: usize) -> f64 {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))).unwrap();
    socket.set_header_included_v4(true).unwrap();
    let mut seed = 1u32;
    let mut draw = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % below
    };
    let made: Vec<(Vec<u8>, SocketAddr)> = (0..4096)
        .map(|_| {
            let pod = draw(PODS);
            let each = peers / PODS;
            let source = if hit {
                FIRST_PEER + 2 * (pod * each + draw(each))
            } else {
                0x0b00_0000 + draw(100_000)
            };
            let port: u16 = if draw(2) == 0 {
                8080
            } else {
                9000 + u16::try_from(draw(101)).unwrap()
            };
            (
                packet(source, FIRST_POD + pod, port),
                SocketAddr::from((Ipv4Addr::from_bits(FIRST_POD + pod), 0)),
            )
        })
        .collect();
    let addresses: Vec<socket2::SockAddr> = made.iter().map(|(_, to)| (*to).into()).collect();
    let mut best = f64::MAX;
    for _ in 0..25 {
        let started = own_time();
        for nth in 0..batch {
            let nth = nth % made.len();
            // Dropped packets are an error to the sender.
            let _ = socket.send_to(&made[nth].0, &addresses[nth]);
        }
        best = best.min((own_time() - started).as_nanos() as f64 / batch as f64);
    }
    best
}

/// How long this thread has been at work, whatever else the machine does.
fn own_time() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock).unwrap().into()
}

/// An empty UDP datagram with its IPv4 header; the kernel fills in checksum and number.
pub fn packet(source: u32, destination: u32, port: u16) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0];
    packet.extend(source.to_be_bytes());
    packet.extend(destination.to_be_bytes());
    packet.extend(40_000u16.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend([0, 8, 0, 0]);
    packet
}
