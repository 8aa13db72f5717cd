//! `portolan diff` as people and pipelines run it: where the two versions come from, what is said
//! of a change, and that its JSON says exactly what two lists do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "gate/repository.rs"]
mod repository;

use repository::{Repository, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn shop(name: &str) -> Repository {
    let repository = Repository::new(name);
    repository.copy(&root().join("testdata/shop"), "deploy");
    repository.commit("the shop");
    repository
}

#[test]
fn the_old_tree_comes_from_git_and_the_working_tree_is_left_alone() {
    let repository = shop("revisions");
    repository.git(&["checkout", "-q", "-b", "change"]);
    repository.git(&["rm", "-q", "deploy/policies/orders-db.yaml"]);
    repository.commit("remove a policy");
    // Later work on main is not the branch's.
    repository.git(&["checkout", "-q", "main"]);
    repository.git(&["rm", "-q", "deploy/policies/payment.yaml"]);
    repository.commit("remove another");
    repository.git(&["checkout", "-q", "change"]);
    repository.write(
        "deploy/dirty.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: dirty}\n",
    );
    let before = repository.git(&["status", "--porcelain"]);
    for (arguments, gone, left) in [
        (&["--base", "main...", "deploy"][..], "orders-db", "payment"),
        (&["--base", "HEAD~1", "deploy"], "orders-db", "payment"),
        (&["main...:deploy", "HEAD:deploy"], "orders-db", "payment"),
        (&["main...:./deploy", "deploy"], "orders-db", "payment"),
        (&["HEAD~1:deploy/", "main:deploy"], "payment", "orders-db"),
    ] {
        let mut all = vec!["diff"];
        all.extend(arguments);
        let output = repository.portolan(&all);
        let text = output.text();
        assert_eq!(output.status, 0, "{arguments:?}: {}", output.stderr);
        assert!(
            text.contains(&format!("shop/{gone}")),
            "{arguments:?}: {text}"
        );
        assert!(text.contains("removed"), "{text}");
        assert!(
            !text.contains(&format!("NetworkPolicy shop/{left}")),
            "{arguments:?}: {text}"
        );
    }
    assert_eq!(repository.git(&["status", "--porcelain"]), before);
    // From within the tree, paths are as seen from there.
    let inside = std::process::Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["diff", "--base", "HEAD~1", "policies"])
        .current_dir(repository.path("deploy"))
        .output()
        .unwrap();
    let text = String::from_utf8(inside.stdout).unwrap();
    assert!(text.contains("HEAD~1"), "{text}");
}

#[test]
fn what_git_cannot_give_is_said() {
    let repository = shop("refused");
    for (arguments, status, message) in [
        (
            &["diff", "--base", "nowhere", "deploy"][..],
            2,
            "there is no revision `nowhere` here",
        ),
        (
            &["diff", "--base", "--all", "deploy"],
            2,
            "unexpected argument",
        ),
        (
            &["diff", "--base=--all", "deploy"],
            2,
            "there is no revision `--all` here",
        ),
        (&["diff", "deploy"], 2, "`diff` compares two things"),
        (
            &["diff", "--base", "HEAD", "-"],
            2,
            "standard input has no other revision",
        ),
        (
            &["diff", "--base", "HEAD", "/"],
            2,
            "is outside the Git repository",
        ),
        (
            &["diff", "deploy", "no-such"],
            2,
            "`no-such` does not exist",
        ),
        (
            &["diff", "nowhere:deploy", "deploy"],
            2,
            "there is no revision `nowhere` here",
        ),
        (
            &["diff", "HEAD:no-such", "HEAD:no-such"],
            3,
            "no workload and no policy",
        ),
    ] {
        let output = repository.portolan(arguments);
        assert_eq!(output.status, status, "{arguments:?}: {}", output.stderr);
        assert!(
            output.stderr.contains(message),
            "{arguments:?}: {}",
            output.stderr
        );
    }
}

#[test]
fn a_revision_is_read_like_a_directory() {
    let repository = Repository::new("tree");
    let policy = |name: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: a}}\n\
             spec: {{podSelector: {{}}}}\n"
        )
    };
    repository.write("pods.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: q, namespace: a}\n");
    repository.write("real/policy.yaml", &policy("linked"));
    repository.write("k/.hidden/policy.yaml", &policy("hidden"));
    repository.write("k/notes.txt", "kind: nothing");
    std::os::unix::fs::symlink("../real/policy.yaml", repository.path("k/link.yaml")).unwrap();
    std::os::unix::fs::symlink("../real", repository.path("k/directory")).unwrap();
    repository.commit("all");
    // Read from Git and from disk, it is the same.
    for paths in [
        &["k", "pods.yaml"][..],
        &["."],
        &["k/link.yaml", "pods.yaml"],
    ] {
        let mut arguments = vec!["diff", "--base", "HEAD"];
        arguments.extend(paths);
        let output = repository.portolan(&arguments);
        let text = output.text();
        assert!(
            text.contains("nothing changed in meaning"),
            "{paths:?}: {text}"
        );
        assert!(!text.contains("changed, though"), "{paths:?}: {text}");
        assert!(!text.contains("document"), "{paths:?}: {text}");
    }
}

#[test]
fn a_change_of_words_alone_is_no_change() {
    let repository = shop("words");
    let path = "deploy/policies/cart.yaml";
    let text = repository.read(path);
    repository.write(
        path,
        &format!(
            "# rewritten\n{}",
            text.replace("[frontend, checkout]", "[checkout, frontend]")
        ),
    );
    let output = repository.portolan(&["diff", "--base", "HEAD", "deploy", "--fail-on", "any"]);
    assert_eq!(output.status, 0);
    let text = output.text().replace('\n', " ");
    assert!(text.contains("nothing changed in meaning"), "{text}");
    assert!(text.contains("though 1 document changed"), "{text}");
}

#[test]
fn each_cause_is_named_with_its_line() {
    let repository = shop("causes");
    let change = |path: &str, from: &str, to: &str| {
        let text = repository.read(path);
        assert!(text.contains(from), "{path} has no `{from}`");
        repository.write(path, &text.replace(from, to));
    };
    let said = |expected: &[&str]| {
        let output = repository.portolan(&["diff", "--base", "HEAD", "deploy", "-o", "csv", "-q"]);
        let text = output.text();
        for expected in expected {
            assert!(
                text.contains(expected),
                "`{expected}` is missing from {text}"
            );
        }
        repository.git(&["checkout", "-q", "."]);
        repository.git(&["clean", "-fdq"]);
    };
    // A rule's port.
    change("deploy/policies/orders-db.yaml", "port: 5432", "port: 5433");
    said(&[
        "removed,false,allowed,denied,shop/checkout,shop/orders-db,TCP 5432",
        "NetworkPolicy shop/orders-db changed",
    ]);
    // The labels of a pod: the policy says what it said.
    change("deploy/cart.yaml", "app: cart", "app: basket");
    said(&["labels of Deployment shop/cart changed"]);
    // The labels of a namespace.
    change(
        "deploy/namespaces.yaml",
        "app.kubernetes.io/name: ingress-nginx",
        "app.kubernetes.io/name: other",
    );
    said(&["labels of Namespace ingress-nginx changed"]);
    // A workload that is new or gone.
    repository.git(&["rm", "-q", "deploy/cart-cache.yaml"]);
    said(&["gone: Deployment shop/cart-cache,HEAD:deploy/cart-cache.yaml"]);
    repository.git(&["reset", "-q", "--hard"]);
    repository.write(
        "deploy/new.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: new, namespace: default}\n",
    );
    said(&["new: Pod default/new,deploy/new.yaml:1", "absent,allowed"]);
}

#[test]
fn exit_statuses_follow_what_is_asked() {
    let repository = shop("status");
    repository.git(&["rm", "-q", "deploy/policies/orders-db.yaml"]);
    for (flags, status) in [
        (&[][..], 0),
        (&["--fail-on", "removed"], 1),
        (&["--fail-on", "added"], 0),
        (&["--fail-on", "exposed"], 0),
        (&["--fail-on", "any"], 1),
        (&["--fail-on", "added,removed"], 1),
    ] {
        let mut arguments = vec!["diff", "--base", "HEAD", "deploy"];
        arguments.extend(flags);
        assert_eq!(repository.portolan(&arguments).status, status, "{flags:?}");
    }
}

/// Traffic by protocol and port range, and ends, expanded: what two documents can be compared by.
type Relation = BTreeMap<(String, String), BTreeSet<(String, u16)>>;

/// Ports at which the sets of the test data can differ.
const PORTS: [u16; 22] = [
    1, 53, 80, 443, 1024, 3306, 3550, 5050, 5432, 5433, 5672, 6379, 6380, 7000, 7070, 8080, 9080,
    9090, 9555, 50051, 65534, 65535,
];

fn expanded(allow: &Value) -> BTreeSet<(String, u16)> {
    let mut found = BTreeSet::new();
    for item in allow.as_array().unwrap() {
        let protocol = item["protocol"].as_str().unwrap();
        for range in item["ports"].as_str().unwrap().split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let range = first.parse::<u16>().unwrap()..=last.parse().unwrap();
            let ports = PORTS.iter().filter(|port| range.contains(port));
            found.extend(ports.map(|port| (protocol.to_owned(), *port)));
        }
    }
    found
}

/// Addresses that stand for what is outside.
const OUTSIDE: [&str; 5] = [
    "1.2.3.4",
    "10.0.0.1",
    "192.168.1.1",
    "203.0.113.7",
    "2001:db8::1",
];

fn outside_of(cidrs: &Value) -> Vec<String> {
    let blocks: Vec<ipnet::IpNet> = cidrs
        .as_array()
        .unwrap()
        .iter()
        .map(|cidr| cidr.as_str().unwrap().parse().unwrap())
        .collect();
    OUTSIDE
        .iter()
        .filter(|address| {
            let address: std::net::IpAddr = address.parse().unwrap();
            blocks.iter().any(|block| block.contains(&address))
        })
        .map(|address| (*address).to_owned())
        .collect()
}

fn listed(folder: &str) -> Relation {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["list", folder, "-o", "json", "-q"])
        .current_dir(root())
        .output()
        .unwrap();
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ends = |peer: &Value| match peer["kind"].as_str().unwrap() {
        "workload" => vec![format!(
            "{}/{}/{}",
            peer["namespace"].as_str().unwrap(),
            peer["name"].as_str().unwrap(),
            peer["workloadKind"].as_str().unwrap()
        )],
        "external" => outside_of(&peer["cidrs"]),
        other => vec![other.to_owned()],
    };
    let mut relation = Relation::new();
    for connection in list["connections"].as_array().unwrap() {
        for source in ends(&connection["src"]) {
            for destination in ends(&connection["dst"]) {
                let known = relation.entry((source.clone(), destination)).or_default();
                known.extend(expanded(&connection["allow"]));
            }
        }
    }
    relation
}

/// What is added and what is removed, by the groups of a diff.
fn told(old: &str, new: &str) -> [Relation; 2] {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["diff", old, new, "-o", "json", "-q"])
        .current_dir(root())
        .output()
        .unwrap();
    let diff: Value = serde_json::from_slice(&output.stdout).unwrap();
    let workload = |index: &Value| {
        let workload = &diff["workloads"][usize::try_from(index.as_u64().unwrap()).unwrap()];
        format!(
            "{}/{}/{}",
            workload["namespace"].as_str().unwrap(),
            workload["name"].as_str().unwrap(),
            workload["workloadKind"].as_str().unwrap()
        )
    };
    let ends = |end: &Value| {
        let mut ends = Vec::new();
        if let Some(set) = end["set"].as_u64() {
            let set = &diff["sets"][usize::try_from(set).unwrap()];
            ends.extend(set.as_array().unwrap().iter().map(workload));
        }
        if end["cidrs"].is_array() {
            ends.extend(outside_of(&end["cidrs"]));
        }
        if end["ingressController"] == true {
            ends.push("ingress-controller".to_owned());
        }
        ends
    };
    let mut relations = [Relation::new(), Relation::new()];
    for group in diff["groups"].as_array().unwrap() {
        let is_allowed = |state: &Value| state == "allowed";
        let relation = match (is_allowed(&group["before"]), is_allowed(&group["after"])) {
            (false, true) => &mut relations[0],
            (true, false) => &mut relations[1],
            _ => continue,
        };
        for source in ends(&group["from"]) {
            for destination in ends(&group["to"]) {
                let is_outside = |end: &str| OUTSIDE.contains(&end);
                // A list has no row of a workload and itself, nor of what is outside.
                if source == destination || is_outside(&source) && is_outside(&destination) {
                    continue;
                }
                let known = relation.entry((source.clone(), destination)).or_default();
                known.extend(expanded(&group["traffic"]));
            }
        }
    }
    relations.map(|relation| {
        let some = relation
            .into_iter()
            .filter(|(_, traffic)| !traffic.is_empty());
        some.collect()
    })
}

fn without(a: &Relation, b: &Relation) -> Relation {
    let left = a.iter().map(|(ends, traffic)| {
        let other = b.get(ends).cloned().unwrap_or_default();
        (ends.clone(), traffic - &other)
    });
    left.filter(|(_, traffic)| !traffic.is_empty()).collect()
}

#[test]
fn json_says_exactly_what_two_lists_do() {
    let repository = shop("lists");
    repository.git(&[
        "rm",
        "-q",
        "deploy/policies/orders-db.yaml",
        "deploy/ingress.yaml",
    ]);
    repository.git(&[
        "rm",
        "-q",
        "deploy/policies/platform.yaml",
        "deploy/catalog.yaml",
    ]);
    let changed = repository.path("deploy");
    let changed = changed.to_str().unwrap();
    for (old, new) in [
        ("testdata/shop", changed),
        (changed, "testdata/shop"),
        ("testdata/shop", "testdata/apps/online-boutique"),
        ("testdata/apps/bookinfo", "testdata/apps/sock-shop"),
        ("testdata/nodes", "testdata/shop"),
        ("testdata/apps", "testdata/apps/guestbook"),
    ] {
        let (before, after) = (listed(old), listed(new));
        let [added, removed] = told(old, new);
        assert_eq!(added, without(&after, &before), "added from {old} to {new}");
        assert_eq!(
            removed,
            without(&before, &after),
            "removed from {old} to {new}"
        );
        assert!(!added.is_empty() || !removed.is_empty());
    }
}
