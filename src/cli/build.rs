//! Builds the program and the loader of eBPF bundles, where the tools for it are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What is built from what, with which tool.
const PARTS: [(&str, &str, &str); 3] = [
    ("portolan.bpf.o", "portolan.bpf.c", "clang"),
    ("portolan.tc.o", "portolan.bpf.c", "clang"),
    ("loader", "loader.c", "a C compiler and libbpf"),
];

/// Builds both in the first directory, and copies them to the others: their sources are the same.
/// Returns notes about what could not be built: `load.sh` tries again then.
pub(super) fn build(directories: &[PathBuf]) -> Vec<String> {
    let Some((first, others)) = directories.split_first() else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    for (built, source, tools) in PARTS {
        let done = Command::new("make")
            .arg("-C")
            .arg(first)
            .arg(built)
            .output();
        let is_built = done.is_ok_and(|done| done.status.success()) && is_there(first, built);
        if !is_built {
            // Of another source, perhaps.
            for directory in directories {
                let _ = std::fs::remove_file(directory.join(built));
            }
            notes.push(format!(
                "note: {source} was not built: it takes make, {tools}; `load.sh` tries again on \
                 the node"
            ));
            continue;
        }
        for other in others {
            if std::fs::copy(first.join(built), other.join(built)).is_err() {
                notes.push(format!(
                    "note: {built} was not copied to {}",
                    other.display()
                ));
            }
        }
    }
    notes
}

fn is_there(directory: &Path, name: &str) -> bool {
    directory.join(name).is_file()
}
