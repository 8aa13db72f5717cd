//! `portolan compile` and `verify` as people and pipelines run them: what they write, what they
//! say, and the status they end with.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "compile/tool.rs"]
mod tool;

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use tool::{Folder, portolan, root, said, status};

const NODES: &str = "testdata/nodes/shop.yaml";

/// All files below a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read_to_string(&path).unwrap());
        }
    }
    found
}

fn compile(manifests: &str, out: &str, more: &[&str]) -> Output {
    let mut args = vec!["compile", manifests, "--target", "nft", "-o", out];
    args.extend(more);
    portolan(&args)
}

#[test]
fn the_same_policy_gives_the_same_bytes_and_touches_no_file() {
    let folder = Folder::new("same", &[]);
    let out = folder.at("out");
    let first = compile(NODES, &out, &["--all-nodes"]);
    assert_eq!(status(&first), 0, "{}", said(&first));
    let before = files(&folder.0);
    assert_eq!(before.len(), 10, "{:?}", before.keys());
    let again = compile(NODES, &out, &["--all-nodes"]);
    assert_eq!(
        said(&again).matches("unchanged").count(),
        2,
        "{}",
        said(&again)
    );
    assert_eq!(files(&folder.0), before);
    let other = folder.at("other");
    compile(NODES, &other, &["--all-nodes"]);
    let bytes = |folder: &str| -> Vec<String> { files(Path::new(folder)).into_values().collect() };
    assert_eq!(bytes(&out), bytes(&other));
}

#[test]
fn every_rule_names_the_policies_it_comes_from() {
    let folder = Folder::new("named", &[]);
    compile(NODES, &folder.at("out"), &["--node", "worker-1"]);
    let text = std::fs::read_to_string(folder.at("out/worker-1/policy.nft")).unwrap();
    for line in [
        "# ingress of shop/db-0 (1 pod)",
        "#   NetworkPolicy shop/db, testdata/nodes/shop.yaml:60",
        "# by NetworkPolicy shop/db, ingress[1], testdata/nodes/shop.yaml:67",
        "# node: worker-1",
    ] {
        assert!(
            text.lines().any(|known| known == line),
            "no line `{line}` in\n{text}"
        );
    }
}

#[test]
fn rules_by_identities_name_their_policies_too() {
    let folder = Folder::new("identities", &[]);
    let done = compile(
        NODES,
        &folder.at("out"),
        &["--all-nodes", "--design", "identities"],
    );
    assert_eq!(status(&done), 0, "{}", said(&done));
    let text = std::fs::read_to_string(folder.at("out/worker-1/policy.nft")).unwrap();
    for line in [
        "# ingress of shop/db-0 (1 pod)",
        "# by NetworkPolicy shop/db, ingress[1], testdata/nodes/shop.yaml:67",
    ] {
        assert!(
            text.lines().any(|known| known == line),
            "no line `{line}` in\n{text}"
        );
    }
}

#[test]
fn bundle_json_says_what_was_decided_counted_and_proved() {
    let folder = Folder::new("json", &[]);
    let out = folder.at("out");
    compile(NODES, &out, &["--all-nodes", "--mode", "pod-to-node=allow"]);
    let read = || -> Value {
        let text = std::fs::read_to_string(folder.at("out/worker-1/bundle.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let schema = std::fs::read_to_string(root().join("docs/schema/bundle.v1.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let bundle = read();
    jsonschema::validate(&schema, &bundle).unwrap();
    let at = |pointer: &str| bundle.pointer(pointer).cloned().unwrap();
    assert_eq!(at("/modes/pod-to-node"), "allow");
    assert_eq!(at("/modes/replies"), "direction");
    assert_eq!(at("/proof/half"), "proved");
    assert!(at("/proof/whole").as_str().unwrap().starts_with("proved"));
    assert_eq!(at("/design/0/chosen"), "merged-sets");
    assert_eq!(
        at(&format!("/input/{}", NODES.replace('/', "~1")))
            .as_str()
            .unwrap()
            .len(),
        64
    );
    compile(NODES, &out, &["--node", "worker-1", "--no-prove"]);
    let bundle = read();
    let at = |pointer: &str| bundle.pointer(pointer).cloned().unwrap();
    assert_eq!(at("/proof/half"), "not proved: --no-prove");
    assert_eq!(at("/proof/whole"), "not proved: --no-prove");
}

#[test]
fn an_update_is_written_from_an_earlier_bundle() {
    let text = std::fs::read_to_string(root().join(NODES)).unwrap();
    let changed = text.replace("endPort: 9100", "endPort: 9200");
    let folder = Folder::new("update", &[("new.yaml", &changed)]);
    compile(NODES, &folder.at("old"), &["--all-nodes"]);
    let done = compile(
        &folder.at("new.yaml"),
        &folder.at("new"),
        &["--all-nodes", "--previous", &folder.at("old")],
    );
    assert_eq!(status(&done), 0, "{}", said(&done));
    let read =
        |name: &str| std::fs::read_to_string(folder.at(&format!("new/worker-1/{name}"))).unwrap();
    let (add, switch, clean) = (
        read("update1.nft"),
        read("update2.nft"),
        read("update3.nft"),
    );
    assert!(add.contains("9000-9200"), "{add}");
    assert!(
        switch.contains("delete element inet portolan in4 { 10.244.1.11 }"),
        "{switch}"
    );
    assert!(clean.contains("delete chain inet portolan in_"), "{clean}");
    assert_eq!(
        add.matches("add chain").count(),
        1,
        "only what is new:\n{add}"
    );
    // And the next time, without: no stale update stays behind.
    compile(&folder.at("new.yaml"), &folder.at("new"), &["--all-nodes"]);
    assert!(!Path::new(&folder.at("new/worker-1/update1.nft")).exists());
}

const TEMPLATE: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
";

#[test]
fn pods_without_addresses_are_named_and_can_be_placed() {
    let addresses = "pods:
  - {workload: shop/web, node: n1, addresses: [10.1.0.5]}
  - {workload: shop/Deployment/web, node: n2, addresses: [10.2.0.5, 'fd00::5']}
nodes:
  - {name: n1, podCIDRs: [10.1.0.0/24]}
";
    let folder = Folder::new(
        "placed",
        &[("web.yaml", TEMPLATE), ("addresses", addresses)],
    );
    let (web, out) = (folder.at("web.yaml"), folder.at("out"));
    let without = compile(&web, &out, &["--all-nodes"]);
    assert_eq!(status(&without), 2);
    for part in [
        "pods without an address: `shop/web`",
        "pods on no node: `shop/web`",
        "--addresses FILE",
    ] {
        assert!(said(&without).contains(part), "{}", said(&without));
    }
    assert!(!Path::new(&out).exists());
    let with = compile(
        &web,
        &out,
        &["--all-nodes", "--addresses", &folder.at("addresses")],
    );
    assert_eq!(status(&with), 0, "{}", said(&with));
    let text = std::fs::read_to_string(folder.at("out/n2/policy.nft")).unwrap();
    assert!(
        text.contains("add element inet portolan in6 { fd00::5 : goto in_"),
        "{text}"
    );
}

#[test]
fn mistakes_in_an_address_file_are_shown_where_they_are() {
    for (file, part) in [
        (
            "pods:\n  - {workload: shop/wbe, addresses: [10.1.0.5]}\n",
            "there is no workload `shop/wbe`",
        ),
        (
            "pods:\n  - {workload: shop/web, addresses: [10.1.0.500]}\n",
            "`10.1.0.500` is no IP address",
        ),
        (
            "pods:\n  - {addresses: [10.1.0.5]}\n",
            "either `pod` or `workload`",
        ),
        (
            "pods:\n  - {pod: shop/web-1, addresses: [10.1.0.5]}\n",
            "there is no Pod `shop/web-1`",
        ),
        (
            "pods:\n  - {workload: shop/web, adresses: [10.1.0.5]}\n",
            "adresses",
        ),
        (
            "nodes:\n  - {name: n1, podCIDRs: [10.1.0.0]}\n",
            "`10.1.0.0` is no CIDR",
        ),
        ("nodes: 7\n", "nodes"),
        ("pods: [\n", "addresses"),
    ] {
        let folder = Folder::new("mistakes", &[("web.yaml", TEMPLATE), ("addresses", file)]);
        let done = compile(
            &folder.at("web.yaml"),
            &folder.at("out"),
            &["--all-nodes", "--addresses", &folder.at("addresses")],
        );
        assert_eq!(status(&done), 2, "{file}: {}", said(&done));
        assert!(said(&done).contains(part), "{file}: {}", said(&done));
        assert!(!Path::new(&folder.at("out")).exists(), "{file}");
    }
}

#[test]
fn what_cannot_be_compiled_is_refused_and_nothing_is_written() {
    let text = std::fs::read_to_string(root().join(NODES)).unwrap();
    let cases = [
        (
            "rejected",
            text.replace("ingress:\n", "ingres:\n"),
            "was rejected or not read",
        ),
        (
            "shared",
            text.replace("10.244.2.11", "10.244.2.10"),
            "the same address 10.244.2.10: `shop/job-0`, `shop/web-2`",
        ),
    ];
    for (name, text, part) in cases {
        let folder = Folder::new(name, &[("in.yaml", &text)]);
        let done = compile(&folder.at("in.yaml"), &folder.at("out"), &["--all-nodes"]);
        assert_eq!(status(&done), 2, "{name}: {}", said(&done));
        assert!(said(&done).contains(part), "{name}: {}", said(&done));
        assert!(!Path::new(&folder.at("out")).exists());
    }
    for (more, part) in [
        (
            &["--node", "worker-3"][..],
            "there are `worker-1`, `worker-2`",
        ),
        (
            &["--all-nodes", "--mode", "replies=both"],
            "`replies=direction`",
        ),
        (&["--all-nodes", "--previous", "no/such"], "is no directory"),
        (&[], "--node <NAME>"),
    ] {
        let folder = Folder::new("refused", &[]);
        let done = compile(NODES, &folder.at("out"), more);
        assert_eq!(status(&done), 2, "{}", said(&done));
        assert!(said(&done).contains(part), "{}", said(&done));
    }
}

/// The rules of a node with something changed.
fn changed(folder: &Folder, before: &str, after: &str) -> String {
    let text = std::fs::read_to_string(folder.at("out/worker-1/policy.nft")).unwrap();
    assert!(text.contains(before), "{text}");
    let path = folder.at("changed.nft");
    std::fs::write(&path, text.replace(before, after)).unwrap();
    path
}

#[test]
fn verify_finds_one_changed_element() {
    let folder = Folder::new("verify", &[]);
    compile(NODES, &folder.at("out"), &["--all-nodes"]);
    let verify = |rules: &str, more: &[&str]| {
        let mut args = vec!["verify", "--target", "nft", rules, NODES];
        args.extend(more);
        portolan(&args)
    };
    let same = verify(&folder.at("out/worker-1"), &[]);
    assert_eq!(status(&same), 0, "{}", said(&same));
    for (before, after, parts) in [
        (
            "9000-9100",
            "9000-9101",
            &[
                "port 9101",
                "the rules    accepted",
                "9000-9101 } accept`",
                "the policy   dropped",
                "shop.yaml:60",
            ][..],
        ),
        (
            "10.244.1.11 : goto in_",
            "10.244.1.12 : goto in_",
            &["the policy   dropped", "ingress of pod shop/db-0"],
        ),
        (
            "198.51.100.0/25",
            "198.51.100.0/26",
            &[
                "the rules    dropped",
                "ingress[1], testdata/nodes/shop.yaml:67",
            ],
        ),
    ] {
        let done = verify(&changed(&folder, before, after), &[]);
        assert_eq!(status(&done), 1, "{}", said(&done));
        for part in parts {
            assert!(said(&done).contains(part), "{part}:\n{}", said(&done));
        }
        let json = verify(&changed(&folder, before, after), &["-o", "json"]);
        let schema = std::fs::read_to_string(root().join("docs/schema/verify.v1.json")).unwrap();
        let found: Value = serde_json::from_slice(&json.stdout).unwrap();
        jsonschema::validate(&serde_json::from_str(&schema).unwrap(), &found).unwrap();
        assert_eq!(found.pointer("/verdict").unwrap(), "differs");
    }
    let additive = verify(
        &changed(&folder, "flush set inet portolan known4\n", ""),
        &[],
    );
    assert_eq!(status(&additive), 0, "{}", said(&additive));
    assert!(
        said(&additive).contains("leaves something of what was there before"),
        "{}",
        said(&additive)
    );
    assert!(!said(&same).contains("leaves something"), "{}", said(&same));
    let unread = verify(&changed(&folder, "counter drop", "log drop"), &[]);
    assert_eq!(status(&unread), 4, "{}", said(&unread));
    assert!(
        said(&unread).contains("`log` is not understood"),
        "{}",
        said(&unread)
    );
    assert!(said(&unread).contains("changed.nft:"), "{}", said(&unread));
}

/// What a node lists whose table is gone, and where somebody else filters as well.
const LISTING: &str = r#"{"nftables": [{"metainfo": {"version": "1.0.6"}},
    {"table": {"family": "ip", "name": "filter", "handle": 1}},
    {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 1, "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}},
    {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 2, "expr": [{"accept": null}]}}]}"#;

#[test]
fn verify_reads_listings_and_names_who_else_filters() {
    let folder = Folder::new(
        "listing",
        &[
            ("rules.json", LISTING),
            ("broken.json", "{\"nftables\": 7}"),
        ],
    );
    let rules = folder.at("rules.json");
    let nameless = portolan(&["verify", "--target", "nft", &rules, NODES]);
    assert_eq!(status(&nameless), 2, "{}", said(&nameless));
    assert!(
        said(&nameless).contains("--node NAME"),
        "{}",
        said(&nameless)
    );
    let done = portolan(&[
        "verify", "--target", "nft", &rules, NODES, "--node", "worker-1",
    ]);
    assert_eq!(status(&done), 1, "{}", said(&done));
    for part in [
        "there is no table `inet portolan`",
        "chain FORWARD of table ip filter is at the hook forward too, after ours",
        "policy drop, 1 rule",
    ] {
        assert!(
            said(&done).replace("\n  ", " ").contains(part),
            "{part}:\n{}",
            said(&done)
        );
    }
    let broken = portolan(&[
        "verify",
        "--target",
        "nft",
        &folder.at("broken.json"),
        NODES,
        "--node",
        "worker-1",
    ]);
    assert_eq!(status(&broken), 4, "{}", said(&broken));
    let missing = portolan(&["verify", "--target", "nft", "no/such", NODES]);
    assert_eq!(status(&missing), 2, "{}", said(&missing));
}
