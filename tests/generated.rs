//! Completions and man pages are generated from the command line's definition: what is checked
//! in must be what it gives now. `make docs` brings them up to date.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn files(directory: &Path) -> BTreeMap<String, String> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn completions_and_man_pages_are_up_to_date() {
    let fresh = std::env::temp_dir().join(format!("portolan-generated-{}", std::process::id()));
    let status = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["completions", "--all"])
        .arg(&fresh)
        .status()
        .unwrap();
    assert!(status.success());
    let wanted = files(&fresh);
    std::fs::remove_dir_all(&fresh).unwrap();
    let kept = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("completions"));
    let stale: Vec<&String> = wanted
        .keys()
        .chain(kept.keys())
        .filter(|name| wanted.get(*name) != kept.get(*name))
        .collect();
    assert!(stale.is_empty(), "run `make docs`: stale {stale:?}");
}
