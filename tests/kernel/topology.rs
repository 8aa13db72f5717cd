//! Two nodes with pods, and a host outside, in network namespaces: packets go through the same
//! kernel code as on real nodes.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by tests and benches, each of which uses a part"
)]

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a command, with standard input, and returns what it prints.
pub fn command(program: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    // Both at once: a pipe holds little.
    let done = std::thread::scope(|scope| {
        // What stops reading says why, and that is what matters.
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().map_err(|e| e.to_string())
    })?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(format!("{program} {}: {said}", arguments.join(" ")))
}

/// Whether this machine can make network namespaces and load rules into them.
pub fn is_able() -> bool {
    let name = format!("ptl{}-try", std::process::id());
    let made = command("ip", &["netns", "add", &name], "").is_ok();
    let loaded = made
        && command(
            "ip",
            &["netns", "exec", &name, "nft", "-f", "-"],
            "add table inet t\nadd chain inet t f { type filter hook forward priority 0; }\n\
             add rule inet t f ct state new accept\n",
        )
        .is_ok();
    let _ = command("ip", &["netns", "del", &name], "");
    loaded
}

/// A pod: its name, the index of its node, and the last part of its addresses.
pub const PODS: [(&str, usize, u8); 5] = [
    ("a", 0, 10),
    ("b", 0, 11),
    ("e", 0, 12),
    ("c", 1, 10),
    ("d", 1, 11),
];

/// The addresses of a pod.
pub fn pod_addresses(node: usize, last: u8) -> [String; 2] {
    let n = node + 1;
    [
        format!("10.244.{n}.{last}"),
        format!("fd10:244:{n}::{last:x}"),
    ]
}

/// The addresses of a node.
pub fn node_addresses(node: usize) -> [String; 2] {
    let last = 11 + node;
    [format!("192.0.2.{last}"), format!("fd00:2::{last:x}")]
}

/// The addresses of the host outside: two of each family.
pub const OUTSIDE: [[&str; 2]; 2] = [["192.0.2.100", "192.0.2.200"], ["fd00:2::64", "fd00:2::c8"]];

/// The namespaces; deleted with this.
pub struct Topology {
    prefix: String,
}

impl Topology {
    /// Makes them, with names that no other process uses.
    pub fn new(tag: &str) -> Result<Topology, String> {
        let topology = Topology {
            prefix: format!("ptl{}{tag}-", std::process::id()),
        };
        topology.build()?;
        Ok(topology)
    }

    /// The full name of a namespace: `n1`, `n2`, `x`, `w` or a pod's.
    pub fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn names() -> Vec<&'static str> {
        let pods = PODS.iter().map(|(name, _, _)| *name);
        ["n1", "n2", "x", "w"].into_iter().chain(pods).collect()
    }

    fn ip(&self, name: &str, lines: &str) -> Result<(), String> {
        let full = self.full(name);
        command("ip", &["-n", &full, "-batch", "-"], lines).map(|_| ())
    }

    fn sysctl(&self, name: &str, settings: &[&str]) -> Result<(), String> {
        let full = self.full(name);
        let mut arguments = vec!["netns", "exec", &full, "sysctl", "-qw"];
        arguments.extend(settings);
        command("ip", &arguments, "").map(|_| ())
    }

    fn build(&self) -> Result<(), String> {
        for name in Self::names() {
            command("ip", &["netns", "add", &self.full(name)], "")?;
            // Addresses can be used at once.
            self.sysctl(
                name,
                &[
                    "net.ipv6.conf.default.accept_dad=0",
                    "net.ipv6.conf.all.accept_dad=0",
                ],
            )?;
            self.ip(name, "link set lo up\n")?;
        }
        self.ip("w", "link add br0 type bridge\nlink set br0 up\n")?;
        for (index, host) in ["n1", "n2", "x"].into_iter().enumerate() {
            let full = self.full(host);
            self.ip(
                "w",
                &format!("link add p{index} type veth peer name up0 netns {full}\nlink set p{index} master br0 up\n"),
            )?;
        }
        for node in 0..2usize {
            let name = ["n1", "n2"][node];
            let [v4, v6] = node_addresses(node);
            let other = 1 - node;
            let [other_v4, other_v6] = node_addresses(other);
            let n = other + 1;
            self.ip(
                name,
                &format!(
                    "addr add {v4}/24 dev up0\naddr add {v6}/64 dev up0 nodad\nlink set up0 up\n\
                     route add 10.244.{n}.0/24 via {other_v4}\nroute add fd10:244:{n}::/64 via {other_v6}\n"
                ),
            )?;
            self.sysctl(
                name,
                &[
                    "net.ipv4.ip_forward=1",
                    "net.ipv6.conf.all.forwarding=1",
                    "net.ipv4.conf.all.rp_filter=0",
                    "net.ipv4.icmp_ratelimit=0",
                ],
            )?;
        }
        let [v4s, v6s] = OUTSIDE;
        let mut lines = String::new();
        for (v4, v6) in v4s.into_iter().zip(v6s) {
            lines.push_str(&format!(
                "addr add {v4}/24 dev up0\naddr add {v6}/64 dev up0 nodad\n"
            ));
        }
        lines.push_str("link set up0 up\n");
        for node in 0..2 {
            let [v4, v6] = node_addresses(node);
            let n = node + 1;
            lines.push_str(&format!(
                "route add 10.244.{n}.0/24 via {v4}\nroute add fd10:244:{n}::/64 via {v6}\n"
            ));
        }
        self.ip("x", &lines)?;
        for (name, node, last) in PODS {
            self.pod(name, node, last)?;
        }
        Ok(())
    }

    fn pod(&self, name: &str, node: usize, last: u8) -> Result<(), String> {
        let node_name = ["n1", "n2"][node];
        let [v4, v6] = pod_addresses(node, last);
        let full = self.full(name);
        self.ip(
            node_name,
            &format!(
                "link add v{name} type veth peer name eth0 netns {full}\n\
                 link set v{name} address ee:ee:ee:ee:ee:ee up\n\
                 addr add fe80::1/64 dev v{name} nodad\naddr add 169.254.1.1/32 dev v{name}\n\
                 route add {v4} dev v{name}\nroute add {v6} dev v{name}\n"
            ),
        )?;
        self.sysctl(node_name, &[&format!("net.ipv4.conf.v{name}.proxy_arp=1")])?;
        self.ip(
            name,
            &format!(
                "link set eth0 up\naddr add {v4}/32 dev eth0\naddr add {v6}/128 dev eth0 nodad\n\
                 route add 169.254.1.1 dev eth0\nroute add default via 169.254.1.1\n\
                 route add ::/0 via fe80::1 dev eth0\n"
            ),
        )
    }

    /// Loads a file into a node.
    pub fn load(&self, node: usize, text: &str) -> Result<(), String> {
        let full = self.full(["n1", "n2"][node]);
        command("ip", &["netns", "exec", &full, "nft", "-f", "-"], text).map(|_| ())
    }

    /// Whether a node would load a file.
    pub fn check(&self, node: usize, text: &str) -> Result<(), String> {
        let full = self.full(["n1", "n2"][node]);
        let arguments = ["netns", "exec", &full, "nft", "-c", "-f", "-"];
        command("ip", &arguments, text).map(|_| ())
    }

    /// What a node holds.
    pub fn listing(&self, node: usize) -> Result<String, String> {
        let full = self.full(["n1", "n2"][node]);
        command(
            "ip",
            &["netns", "exec", &full, "nft", "-j", "list", "ruleset"],
            "",
        )
    }

    /// Moves this thread into a namespace, for good.
    pub fn enter(&self, name: &str) -> Result<(), String> {
        let file =
            File::open(format!("/run/netns/{}", self.full(name))).map_err(|e| e.to_string())?;
        nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).map_err(|e| e.to_string())
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        for name in Self::names() {
            let _ = command("ip", &["netns", "del", &self.full(name)], "");
        }
    }
}
