//! Bundles of eBPF maps in a real kernel: built once, loaded into nodes of the topology, read
//! back, and run on packets by themselves.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by tests and benches, each of which uses a part"
)]

use crate::topology::{Topology, command};
use portolan::dataplane::ebpf::{LOADER, Maps, PROGRAM, Table, map_in_slot, read_dump, slot_of};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Whether this machine has what it takes to build the program and load it. That it then can be
/// is what tests are about.
pub fn can_load() -> bool {
    let header = "echo '#include <bpf/bpf.h>' | cc -E - >/dev/null";
    let kernel = "uname -r | awk -F. '{ exit !($1 > 6 || ($1 == 6 && $2 >= 4)) }'";
    let mounted = "[ \"$(stat -f -c %T /sys/fs/bpf)\" = bpf_fs ] || mount -t bpf bpf /sys/fs/bpf";
    let is_fine = |line: &&str| command("sh", &["-c", line], "").is_ok();
    crate::topology::is_able()
        && [
            "clang --version",
            "bpftool version",
            header,
            kernel,
            mounted,
        ]
        .iter()
        .all(is_fine)
}

/// How the program is compiled, but for what.
pub const CLANG: &str = "clang -O2 -g -target bpf -Wall -Wextra -Wno-missing-declarations \
                     -I/usr/include/$(cc -print-multiarch)";

/// The program, the loader, and what runs the program on packets; deleted with this.
pub struct Built {
    directory: PathBuf,
}

impl Built {
    /// Builds all of it.
    pub fn new() -> Result<Built, String> {
        Built::with(PROGRAM)
    }

    /// Builds another program.
    pub fn with(program: &str) -> Result<Built, String> {
        Built::from(program, LOADER)
    }

    /// Builds another program and loader.
    pub fn from(program: &str, loader: &str) -> Result<Built, String> {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let nth = NEXT.fetch_add(1, Ordering::SeqCst);
        let name = format!("portolan-ebpf-{}-{nth}", std::process::id());
        let built = Built {
            directory: std::env::temp_dir().join(name),
        };
        let directory = &built.directory;
        std::fs::create_dir_all(directory).map_err(|e| e.to_string())?;
        let write = |name: &str, text: &str| {
            std::fs::write(directory.join(name), text).map_err(|e| e.to_string())
        };
        write("portolan.bpf.c", program)?;
        write("loader.c", loader)?;
        write("run.c", include_str!("run.c"))?;
        for line in [
            format!("{CLANG} -Werror -c portolan.bpf.c -o portolan.bpf.o"),
            format!("{CLANG} -Werror -DTC -c portolan.bpf.c -o portolan.tc.o"),
            format!("{CLANG} -Werror -DTRACKING_FROM_SETTINGS -c portolan.bpf.c -o tracking.bpf.o"),
            "cc -O2 -Wall -Wextra -Werror -o loader loader.c -lbpf".to_owned(),
            "cc -O2 -Wall -Wextra -Werror -o run run.c -lbpf".to_owned(),
        ] {
            built.shell(&line)?;
        }
        Ok(built)
    }

    /// Builds another program for packets in the place of this one.
    pub fn rebuild(&mut self, program: &str) -> Result<(), String> {
        std::fs::write(self.directory.join("portolan.bpf.c"), program)
            .map_err(|e| e.to_string())?;
        self.shell(&format!(
            "{CLANG} -DTRACKING_FROM_SETTINGS -c portolan.bpf.c -o tracking.bpf.o"
        ))
        .map(|_| ())
    }

    fn shell(&self, line: &str) -> Result<String, String> {
        let there = self.directory.display();
        command("sh", &["-c", &format!("cd {there} && {line}")], "")
    }

    /// Where all of it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where a node's maps are pinned.
    pub fn pin(&self, node: &str) -> String {
        let name = self.directory.file_name().unwrap_or_default();
        format!("/sys/fs/bpf/{}/{node}", name.to_string_lossy())
    }

    /// Writes a bundle, with what was built.
    pub fn folder(
        &self,
        name: &str,
        files: &BTreeMap<&'static str, String>,
    ) -> Result<PathBuf, String> {
        let folder = self.directory.join(name);
        std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        for (name, text) in files {
            std::fs::write(folder.join(name), text).map_err(|e| e.to_string())?;
        }
        for name in ["portolan.bpf.o", "portolan.tc.o", "loader"] {
            std::fs::copy(self.directory.join(name), folder.join(name))
                .map_err(|e| e.to_string())?;
        }
        Ok(folder)
    }

    /// The same with the program that is told what connection tracking says.
    pub fn folder_for_packets(
        &self,
        name: &str,
        files: &BTreeMap<&'static str, String>,
    ) -> Result<PathBuf, String> {
        let folder = self.folder(name, files)?;
        std::fs::copy(
            self.directory.join("tracking.bpf.o"),
            folder.join("portolan.bpf.o"),
        )
        .map_err(|e| e.to_string())?;
        Ok(folder)
    }

    /// Runs a command of the loader, wherever this thread is.
    pub fn loader(&self, folder: &Path, what: &str, pin: &str) -> Result<String, String> {
        let there = folder.display();
        let line = format!("cd {there} && ./loader {what} {pin}");
        command("sh", &["-c", &line], "")
    }

    /// The same in a network namespace of its own.
    pub fn loader_apart(&self, folder: &Path, what: &str, pin: &str) -> Result<String, String> {
        let there = folder.display();
        let line = format!("cd {there} && unshare -n ./loader {what} {pin}");
        command("sh", &["-c", &line], "")
    }

    /// Runs the program on packets: lines of hook, tracking and frame. Says of each what becomes of
    /// it, and how long it took.
    pub fn run(&self, pin: &str, repeat: usize, lines: &str) -> Result<Vec<(bool, u32)>, String> {
        let program = self.directory.join("run");
        let program = program.to_string_lossy();
        let said = command(&program, &[pin, &repeat.to_string()], lines)?;
        let of = |line: &str| {
            let (verdict, time) = line.split_once(' ').unwrap_or((line, "0"));
            (verdict == "accept", time.parse().unwrap_or_default())
        };
        Ok(said.lines().map(of).collect())
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        let pins = self.pin("");
        let _ = command("sh", &["-c", &format!("rm -rf {pins}")], "");
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Runs a script of a bundle in a node of the topology.
pub fn script(
    topology: &Topology,
    node: usize,
    folder: &Path,
    line: &str,
) -> Result<String, String> {
    let net = format!("--net=/run/netns/{}", topology.full(["n1", "n2"][node]));
    let line = format!("cd {} && {line}", folder.display());
    command("nsenter", &[&net, "sh", "-c", &line], "")
}

/// What `bpftool` dumps of the maps that packets go by.
pub fn dumps(pin: &str) -> Result<[String; 4], String> {
    let dump = |words: &[&str]| {
        let words: Vec<&str> = ["-j", "map", "dump"]
            .into_iter()
            .chain(words.iter().copied())
            .collect();
        command("bpftool", &words, "")
    };
    let generation = dump(&["pinned", &format!("{pin}/generation")])?;
    let mut maps = Maps::default();
    read_dump(&mut maps, Table::Generation, &generation).map_err(|e| e.problem)?;
    let mut dumps = vec![generation];
    for table in Table::ALL.into_iter().skip(1) {
        let outer = dump(&["pinned", &format!("{pin}/{}", table.name())])?;
        let id = map_in_slot(&outer, slot_of(&maps)).ok_or("no map in the slot")?;
        dumps.push(dump(&["id", &id.to_string()])?);
    }
    dumps.try_into().map_err(|_| "four maps".to_owned())
}

/// The maps that packets go by.
pub fn held(pin: &str) -> Result<Maps, String> {
    let mut maps = Maps::default();
    for (table, text) in Table::ALL.into_iter().zip(dumps(pin)?) {
        read_dump(&mut maps, table, &text)
            .map_err(|e| format!("{}: {} in {}", e.table, e.problem, e.text))?;
    }
    Ok(maps)
}
