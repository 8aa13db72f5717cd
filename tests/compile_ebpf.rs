//! `portolan compile --target ebpf` and `verify` as people and pipelines run them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "compile/tool.rs"]
mod tool;

use serde_json::Value;
use std::path::Path;
use tool::{Folder, portolan, root, said, status};

const NODES: &str = "testdata/nodes/shop.yaml";

fn compile(folder: &Folder, flags: &[&str]) -> std::process::Output {
    let output = folder.at("out");
    let words = [
        "compile",
        NODES,
        "--target",
        "ebpf",
        "--all-nodes",
        "-o",
        &output,
    ];
    portolan(&[&words, flags].concat())
}

fn verify(rules: &str, flags: &[&str]) -> std::process::Output {
    let words = ["verify", "--target", "ebpf", rules, NODES];
    portolan(&[&words, flags].concat())
}

#[test]
fn a_bundle_holds_what_a_node_needs_and_is_proved() {
    let folder = Folder::new("ebpf-compile", &[]);
    let done = compile(&folder, &["--mode", "invalid=policy"]);
    assert_eq!(status(&done), 0, "{}", said(&done));
    assert!(said(&done).contains("worker-1: proved, 3 classes, 10 rules, 31 entries"));
    let at = folder.0.join("out/worker-1");
    for name in [
        "load.sh",
        "unload.sh",
        "load-tc.sh",
        "portolan.bpf.c",
        "loader.c",
        "Makefile",
        "portolan.service",
    ] {
        let text = std::fs::read_to_string(at.join(name)).unwrap();
        assert!(
            !text.contains('@') || name.ends_with(".c") || name == "Makefile",
            "{name}: {text}"
        );
    }
    let policy = std::fs::read_to_string(at.join("policy.batch")).unwrap();
    assert!(policy.contains(
        "# rule 10\n#   by NetworkPolicy shop/db, ingress[1], testdata/nodes/shop.yaml:67"
    ));
    let bundle: Value =
        serde_json::from_str(&std::fs::read_to_string(at.join("bundle.json")).unwrap()).unwrap();
    let schema = std::fs::read_to_string(root().join("docs/schema/bundle.v1.json")).unwrap();
    jsonschema::validate(&serde_json::from_str(&schema).unwrap(), &bundle).unwrap();
    let of = |pointer: &str| bundle.pointer(pointer).cloned().unwrap();
    assert_eq!(of("/target"), "ebpf");
    assert_eq!(of("/modes/invalid"), "policy");
    assert_eq!(of("/proof/half"), "proved");
    assert_eq!(of("/capacity/each/2/map"), "policy");
    assert_eq!(of("/capacity/each/2/limit"), 1 << 20);
    assert_eq!(of("/rules").as_array().unwrap().len(), 10);
    assert_eq!(of("/classes/1/chain"), "2");
    // The same again: nothing is written.
    let again = compile(&folder, &["--mode", "invalid=policy"]);
    assert!(
        said(&again).contains("31 entries, unchanged"),
        "{}",
        said(&again)
    );
}

#[test]
fn flags_of_the_other_target_are_refused() {
    let folder = Folder::new("ebpf-flags", &[]);
    for (flags, wanted) in [
        (
            ["--previous", "target"],
            "`--previous` is for `--target nft`",
        ),
        (["--design", "sets"], "`--design` is for `--target nft`"),
    ] {
        let done = compile(&folder, &flags);
        assert_eq!(status(&done), 2, "{}", said(&done));
        assert!(said(&done).contains(wanted), "{}", said(&done));
    }
    let done = portolan(&["verify", "--target", "ebpf", "--live", NODES]);
    assert_eq!(status(&done), 2);
    assert!(said(&done).contains("`--node NAME`"), "{}", said(&done));
}

/// What `bpftool -j map dump` prints of the maps in a bundle.
fn dumps(bundle: &Path, to: &Path) {
    let list = |bytes: &str| {
        let bytes = bytes.split_whitespace().map(|byte| format!("\"0x{byte}\""));
        bytes.collect::<Vec<_>>().join(",")
    };
    std::fs::create_dir_all(to).unwrap();
    for name in ["generation", "addresses4", "addresses6", "policy"] {
        let text = std::fs::read_to_string(bundle.join(format!("{name}.batch"))).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let entries = lines.map(|line| {
            let (_, rest) = line.split_once(" key hex ").unwrap();
            let (key, value) = rest.split_once(" value hex ").unwrap();
            format!("{{\"key\":[{}],\"value\":[{}]}}", list(key), list(value))
        });
        let dump = format!("[{}]", entries.collect::<Vec<_>>().join(","));
        std::fs::write(to.join(format!("{name}.json")), dump).unwrap();
    }
}

#[test]
fn verify_reads_bundles_and_dumps_and_shows_a_packet_for_what_is_wrong() {
    let folder = Folder::new("ebpf-verify", &[]);
    assert_eq!(
        status(&compile(&folder, &["--mode", "replies=established"])),
        0
    );
    let bundle = folder.at("out/worker-1");
    let done = verify(&bundle, &[]);
    assert_eq!(status(&done), 0, "{}", said(&done));
    // The modes come from the generation word.
    assert!(
        said(&done).contains("modes: replies=established"),
        "{}",
        said(&done)
    );
    let dumped = folder.at("dumped");
    dumps(Path::new(&bundle), Path::new(&dumped));
    let done = verify(&dumped, &[]);
    assert_eq!(status(&done), 2, "a dump does not say of which node it is");
    assert_eq!(status(&verify(&dumped, &["--node", "worker-1"])), 0);
    let done = verify(&dumped, &["--node", "worker-2"]);
    assert_eq!(status(&done), 1, "{}", said(&done));
    // One port more, for the block outside.
    let file = Path::new(&bundle).join("policy.batch");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut lines = text.lines();
    let line = lines
        .rfind(|line| line.contains(" 15 38 value hex"))
        .unwrap();
    std::fs::write(
        &file,
        format!("{text}{}\n", line.replace(" 15 38 value", " 15 39 value")),
    )
    .unwrap();
    let done = verify(&bundle, &[]);
    assert_eq!(status(&done), 1, "{}", said(&done));
    for part in [
        "port 5433",
        "the rules    accepted",
        "ingress class 1",
        "the policy   dropped",
    ] {
        assert!(said(&done).contains(part), "{part}:\n{}", said(&done));
    }
    let json = verify(&bundle, &["-o", "json"]);
    let schema = std::fs::read_to_string(root().join("docs/schema/verify.v1.json")).unwrap();
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    jsonschema::validate(&serde_json::from_str(&schema).unwrap(), &found).unwrap();
    assert_eq!(found.pointer("/verdict").unwrap(), "differs");
    // What is not understood is named with its place.
    std::fs::write(&file, format!("{text}map delete pinned x\n")).unwrap();
    let done = verify(&bundle, &[]);
    assert_eq!(status(&done), 4, "{}", said(&done));
    let last = text.lines().count() + 1;
    assert!(
        said(&done).contains(&format!("policy.batch:{last}: map delete pinned x")),
        "{}",
        said(&done)
    );
    std::fs::remove_file(&file).unwrap();
    let done = verify(&bundle, &[]);
    assert_eq!(status(&done), 2, "{}", said(&done));
}
