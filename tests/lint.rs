//! Lints: each with its wrong and its right example, all of them on generated clusters, and what
//! `--fix` does to a file.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "generate/mod.rs"]
mod generate;
#[path = "lint/near.rs"]
mod near;
#[path = "lint/shops.rs"]
mod shops;

use portolan::lint::{Context, Found, LINTS, Selection, lint};
use portolan::manifest::{LoadOptions, Written, load};
use portolan::model::{Cluster, Direction, Family, TrafficSet};
use portolan::reach::Reach;
use portolan::source::{Edit, Sources, apply_edits};
use portolan::{model, source};
use proptest::prelude::*;
use shops::{Mistake, any_shop};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn only(id: &str) -> Selection {
    Selection {
        select: vec![id.to_owned()],
        ..Selection::default()
    }
}

fn found_in(text: &str, selection: &Selection) -> Vec<Found> {
    let sources = Sources::from_text("input.yaml", text);
    let loaded = load(&sources, &LoadOptions::default());
    let reach = Reach::new(&loaded.cluster);
    let written = Written::new(&sources);
    let context = Context::new(&loaded.cluster, &reach, &written, None);
    lint(&context, &loaded.findings, selection)
}

#[test]
fn each_lint_finds_its_mistake_and_not_its_absence() {
    for lint in LINTS {
        let id = lint.meta.id;
        let folder = root().join("testdata/lint").join(id);
        let example = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        };
        let n_found = |text: &str| {
            let found = found_in(text, &only(id));
            found.iter().filter(|found| found.finding.id == id).count()
        };
        assert!(
            n_found(&example("bad.yaml")) > 0,
            "{id} does not find its mistake"
        );
        assert_eq!(
            n_found(&example("good.yaml")),
            0,
            "{id} finds what is right"
        );
    }
}

#[test]
fn each_lint_has_its_page_and_its_line_in_the_table() {
    let table = std::fs::read_to_string(root().join("docs/lint/README.md")).unwrap();
    let mut ids = BTreeSet::new();
    for lint in LINTS {
        let meta = lint.meta;
        assert!(ids.insert(meta.id), "{} is there twice", meta.id);
        let page = root().join(format!("docs/lint/{}.md", meta.id));
        let page = std::fs::read_to_string(&page).unwrap();
        assert!(
            page.starts_with(&format!("# {} {}\n", meta.id, meta.name)),
            "{}",
            meta.id
        );
        for part in [
            "## Why it matters",
            "## How to fix it",
            "## Example",
            "## Reference",
        ] {
            assert!(
                page.contains(part),
                "docs/lint/{}.md lacks `{part}`",
                meta.id
            );
        }
        let row = format!(
            "| [`{0}`]({0}.md) {1} | {2} | {3} |",
            meta.id,
            meta.name,
            meta.summary,
            meta.severity.name()
        );
        assert!(table.contains(&row), "docs/lint/README.md lacks `{row}`");
    }
    let pages = std::fs::read_dir(root().join("docs/lint")).unwrap().count();
    assert_eq!(pages, LINTS.len() + 1);
}

/// What policies let through, as far as pods and addresses of the input can tell.
fn relation(cluster: &Cluster) -> Vec<TrafficSet> {
    let reach = Reach::new(cluster);
    let pods: Vec<_> = cluster.pods_with_ids().map(|(id, _)| id).collect();
    let mut all = Vec::new();
    for &a in &pods {
        for &b in &pods {
            let pair = reach.between(a, b, Family::V4);
            all.push(pair.map_or_else(TrafficSet::none, |pair| pair.allowed));
        }
        for direction in Direction::ALL {
            for address in [
                "192.0.2.1",
                "203.0.113.7",
                "10.1.2.3",
                "10.1.200.1",
                "10.2.0.1",
                "169.254.169.254",
            ] {
                let traffic = reach.with_external(a, direction, address.parse().unwrap());
                all.push(traffic.map_or_else(TrafficSet::none, |traffic| traffic.allowed));
            }
        }
    }
    all
}

fn relation_of(text: &str) -> Vec<TrafficSet> {
    let sources = Sources::from_text("input.yaml", text);
    relation(&load(&sources, &LoadOptions::default()).cluster)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48)) })]

    /// Whatever the cluster, lints come to an end. Those that ask the solver have tests of theirs.
    #[test]
    fn no_lint_panics(plan in generate::cluster(generate::Features { tiers: true })) {
        let cluster = generate::build(&plan);
        let written = Written::default();
        let reach = Reach::new(&cluster);
        let context = Context::new(&cluster, &reach, &written, None);
        let all = Selection {
            select: vec!["ALL".to_owned()],
            ignore: vec!["NP030".to_owned(), "NP031".to_owned()],
            ..Selection::default()
        };
        lint(&context, &[], &all);
    }

    /// A cluster that is made as it should be.
    #[test]
    fn nothing_is_found_where_nothing_is_wrong(shop in any_shop()) {
        let text = shop.text(None);
        let found = found_in(&text, &Selection::default());
        let said: Vec<_> = found.iter().map(|found| (found.finding.id, &found.finding.message)).collect();
        prop_assert!(said.is_empty(), "{said:?} in\n{text}");
    }

    /// One mistake in such a cluster is found, and mending it gives what was meant; all else in
    /// the file stays as it is, comments included.
    #[test]
    fn a_fix_does_what_it_says_and_no_more(shop in any_shop(), nth in 0..Mistake::ALL.len()) {
        let mistake = Mistake::ALL[nth];
        let wrong = shop.text(Some(mistake));
        let selection = only(mistake.id());
        let found = found_in(&wrong, &selection);
        let fixes: Vec<_> = found.iter().filter_map(|found| found.fix.as_ref()).collect();
        prop_assert!(!fixes.is_empty(), "{} is not found or not mended in\n{wrong}", mistake.id());
        let sets: Vec<Vec<Edit>> = fixes.iter().map(|fix| fix.edits.clone()).collect();
        let sources = Sources::from_text("input.yaml", &wrong);
        let edited = apply_edits(&sources, &sets);
        prop_assert!(edited.refusals.iter().all(Option::is_none), "{:?}", edited.refusals);
        let mended = &edited.files["input.yaml"];
        prop_assert!(found_in(mended, &selection).iter().all(|found| found.fix.is_none()), "{mended}");
        // What it means: as before, or what was meant.
        let relation = relation_of(mended);
        if fixes.iter().all(|fix| fix.keeps_meaning) {
            prop_assert_eq!(&relation, &relation_of(&wrong));
        }
        prop_assert_eq!(&relation, &relation_of(&shop.text(None)), "{}", mended);
        // All other lines are as they were.
        let kept: Vec<&str> = mended.lines().collect();
        let missing = wrong.lines().filter(|line| !kept.contains(line)).count();
        prop_assert!(missing <= sets.len(), "{missing} lines are gone");
        prop_assert!(kept.len() <= wrong.lines().count() + 2 * sets.len());
        let comments = |text: &str| text.matches('#').count();
        prop_assert_eq!(comments(mended), comments(&wrong));
    }
}

fn portolan(folder: &Path, args: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (text, output.status.code())
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_configuration_chooses_and_the_command_line_wins() {
    let here = folder("lint-config");
    let bad = root().join("testdata/lint/NP010/bad.yaml");
    std::fs::copy(bad, here.join("cart.yaml")).unwrap();
    assert_eq!(portolan(&here, &["lint", "."]).1, Some(1));
    for (config, args, expected, said) in [
        (
            "lint: {ignore: [NP010]}",
            &["lint", "."][..],
            0,
            "nothing found",
        ),
        (
            "lint: {ignore: [NP01]}",
            &["lint", ".", "--select", "NP010"],
            1,
            "NP010",
        ),
        ("lint: {severity: {NP: note}}", &["lint", "."], 0, "1 note"),
        (
            "lint: {severity: {NP: note}}",
            &["lint", ".", "--severity", "NP=error"],
            1,
            "1 error",
        ),
        ("lint: {ignroe: [NP010]}", &["lint", "."], 2, "ignroe"),
        (
            "lint: {ignore: [XX1]}",
            &["lint", "."],
            2,
            "no lint is called `XX1`",
        ),
    ] {
        let text = format!("apiVersion: portolan.dev/v1\nkind: Configuration\n{config}\n");
        std::fs::write(here.join("portolan.yaml"), text).unwrap();
        let (output, status) = portolan(&here, args);
        assert_eq!(status, Some(expected), "{config}: {output}");
        assert!(output.contains(said), "{config}: {output}");
    }
}

#[test]
fn fix_edits_files_and_says_what_it_does() {
    let here = folder("lint-fix");
    for id in ["NP013", "NP050"] {
        let bad = root().join(format!("testdata/lint/{id}/bad.yaml"));
        std::fs::copy(bad, here.join(format!("{id}.yaml"))).unwrap();
    }
    let (output, status) = portolan(&here, &["lint", "NP050.yaml", "--fix"]);
    assert_eq!(status, Some(0), "{output}");
    assert!(
        output.contains("NP050 allows TCP 8080 instead of 80"),
        "{output}"
    );
    let good = std::fs::read_to_string(root().join("testdata/lint/NP050/good.yaml")).unwrap();
    assert_eq!(
        std::fs::read_to_string(here.join("NP050.yaml")).unwrap(),
        good
    );
    for args in [
        &["lint", "-", "--fix"][..],
        &["lint", ".", "--fix", "-o", "json"],
    ] {
        let (output, status) = portolan(&here, args);
        assert_eq!(status, Some(2), "{output}");
    }
}

#[test]
fn a_check_can_lint_too() {
    let bad = "testdata/lint/NP010/bad.yaml";
    for (args, expected, said) in [
        (
            &["check", bad, "-q", "--lint", "--fail-on", "warning"][..],
            1,
            "1 warning",
        ),
        (&["check", bad, "-q", "--lint"], 0, "1 warning"),
        (
            &["check", bad, "-q", "--fail-on", "warning"],
            0,
            "nothing found",
        ),
    ] {
        let (output, status) = portolan(&root(), args);
        assert_eq!(status, Some(expected), "{args:?}: {output}");
        assert!(output.contains(said), "{args:?}: {output}");
    }
}

#[test]
fn fix_fails_on_what_is_left() {
    let here = folder("lint-left");
    let read = |id: &str| {
        std::fs::read_to_string(root().join(format!("testdata/lint/{id}/bad.yaml"))).unwrap()
    };
    std::fs::write(here.join("a.yaml"), read("NP013")).unwrap();
    std::fs::create_dir(here.join("b")).unwrap();
    std::fs::write(here.join("b/b.yaml"), read("NP010")).unwrap();
    let (output, status) = portolan(&here, &["lint", "b", "--fix"]);
    assert_eq!(status, Some(1), "{output}");
    assert!(
        output.contains("0 changes made in 0 files; 1 finding left"),
        "{output}"
    );
    assert_eq!(portolan(&here, &["lint", "a.yaml", "--fix"]).1, Some(0));
}

/// The text that is kept of such a file is not what is in it.
#[test]
fn fix_leaves_files_alone_that_are_not_utf8() {
    let here = folder("lint-latin");
    let path = here.join("a.yaml");
    let mut bytes = std::fs::read(root().join("testdata/lint/NP050/bad.yaml")).unwrap();
    bytes.extend(b"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: caf\xe9}\n");
    std::fs::write(&path, &bytes).unwrap();
    let (output, status) = portolan(&here, &["lint", ".", "--fix"]);
    assert_eq!(status, Some(2), "{output}");
    assert!(output.contains("not UTF-8"), "{output}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn what_a_selection_leaves_out_of_the_input_is_said() {
    let bad = "testdata/lint/NP001/bad.yaml";
    let (output, status) = portolan(&root(), &["lint", bad, "--select", "SV"]);
    assert_eq!(status, Some(0), "{output}");
    assert!(
        output.contains("1 error of the input not selected"),
        "{output}"
    );
    let (output, _) = portolan(&root(), &["lint", bad]);
    assert!(!output.contains("not selected"), "{output}");
}

/// The pods of an Argo Rollout are pods, though the model does not have them.
#[test]
fn selectors_for_kinds_that_are_not_analysed_match_something() {
    for id in ["NP010", "NP011", "SV001"] {
        let path = root().join(format!("testdata/lint/{id}/bad.yaml"));
        let bad = std::fs::read_to_string(path).unwrap();
        let label = ["crat", "wbe", "webb"]
            .into_iter()
            .find(|label| bad.contains(*label))
            .unwrap();
        let rollout = format!(
            "---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: x, namespace: shop}}\n\
             spec:\n  template:\n    metadata:\n      labels: {{app: {label}}}\n"
        );
        let found = found_in(&format!("{bad}{rollout}"), &only(id));
        assert_eq!(
            found.len(),
            0,
            "{id}: {:?}",
            found.first().map(|one| &one.finding.message)
        );
    }
}
