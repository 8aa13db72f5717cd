//! The maps of real applications, against maps derived by hand from their manifests.
//!
//! `expected.txt` in each folder was written from the manifests and the rules, not from this
//! program's output: a difference means that one of the two is wrong, and the rules say which.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use portolan::manifest::{LoadOptions, load};
use portolan::model::Cluster;
use portolan::question::list::{Connection, Filter, Peer, Question, for_each_connection};
use portolan::reach::Reach;
use portolan::source::read_inputs;
use std::path::{Path, PathBuf};

fn peer(cluster: &Cluster, peer: &Peer) -> String {
    match peer {
        Peer::Workload(id) => {
            let workload = cluster.workload(*id).unwrap();
            let namespace = cluster.namespace_name(workload.namespace);
            format!("{namespace}/{}[{}]", workload.name, workload.kind)
        }
        Peer::External(addresses) => {
            let cidrs: Vec<String> = addresses.cidrs().iter().map(ToString::to_string).collect();
            format!("external {}", cidrs.join(", "))
        }
        Peer::IngressController => "ingress-controller".to_owned(),
    }
}

fn map_of(folder: &Path) -> Vec<String> {
    let (sources, problems) = read_inputs(&[folder.to_path_buf()], &mut std::io::empty());
    assert!(problems.is_empty(), "{problems:?}");
    let loaded = load(&sources, &LoadOptions::default());
    assert_eq!(loaded.policies_rejected, 0, "{:?}", loaded.findings);
    let reach = Reach::new(&loaded.cluster);
    let filter = Filter::default();
    let question = Question {
        cluster: &loaded.cluster,
        reach: &reach,
        filter: &filter,
        controller: None,
    };
    let mut lines = Vec::new();
    for_each_connection(&question, |connection: Connection| {
        assert!(
            !connection.partial && connection.unknown.is_none(),
            "{connection:?}"
        );
        let source = peer(&loaded.cluster, &connection.source);
        let destination = peer(&loaded.cluster, &connection.destination);
        lines.push(format!(
            "{source} -> {destination} : {}",
            connection.allowed
        ));
        Ok::<(), std::convert::Infallible>(())
    })
    .unwrap();
    lines.sort();
    lines
}

fn check(name: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name);
    let text = std::fs::read_to_string(folder.join("expected.txt")).unwrap();
    let mut expected: Vec<String> = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
        .map(str::to_owned)
        .collect();
    expected.sort();
    let found = map_of(&folder);
    let missing: Vec<&String> = expected
        .iter()
        .filter(|line| !found.contains(line))
        .collect();
    let extra: Vec<&String> = found
        .iter()
        .filter(|line| !expected.contains(line))
        .collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing {missing:#?}\nextra {extra:#?}"
    );
}

#[test]
fn shop() {
    check("shop");
}

#[test]
fn online_boutique() {
    check("apps/online-boutique");
}

#[test]
fn bookinfo() {
    check("apps/bookinfo");
}

#[test]
fn guestbook() {
    check("apps/guestbook");
}

#[test]
fn sock_shop() {
    check("apps/sock-shop");
}
