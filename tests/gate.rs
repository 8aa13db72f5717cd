//! `portolan check` as a gate: what counts and what does not, and the formats that machines read.

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
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The shop in a repository, with a policy that opens its database to the world.
fn broken_shop(name: &str) -> Repository {
    let repository = Repository::new(name);
    repository.copy(&root().join("testdata/shop"), "deploy");
    repository.copy(&root().join("policies"), "policies");
    repository.commit("the shop");
    repository.write(
        "deploy/policies/debug.yaml",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {name: debug, namespace: shop}\nspec:\n  podSelector: {matchLabels: {app: orders-db}}\n  \
         policyTypes: [Ingress]\n  ingress:\n  - from:\n    - ipBlock: {cidr: 0.0.0.0/0}\n    \
         ports:\n    - port: 5432\n",
    );
    repository
}

const ARGUMENTS: [&str; 6] = [
    "check",
    "deploy",
    "--intent",
    "policies/shop.yaml",
    "--base",
    "HEAD",
];

fn json(repository: &Repository, arguments: &[&str], format: &str) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["-o", format]);
    let output = repository.portolan(&all);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", output.stderr))
}

/// A bad block on line 9, and the same object twice.
const WRONG: &str = "apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: office
  namespace: shop
spec:
  podSelector: {}
  ingress:
  - from: [{ipBlock: {cidr: 10.0.0.1/8}}]
";

/// The target that this machine builds for.
fn host() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.unwrap().to_owned()
}

#[test]
fn sarif_is_valid_by_the_official_schema() {
    let metadata = Command::new(env!("CARGO"))
        // What other systems would need is not downloaded.
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", &host()])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|p| p["name"] == "serde-sarif")
        .unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let schema = manifest.with_file_name("src").join("schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    assert!(schema["title"].as_str().unwrap().contains("2.1.0"));
    let validator = jsonschema::validator_for(&schema).unwrap();

    let repository = broken_shop("sarif");
    repository.write("deploy/office.yaml", &WRONG.replace("shop", "other"));
    repository.write(
        "deploy/known.yaml",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {name: known, namespace: other}\nspec:\n  podSelector: {}\n  \
         # portolan:ignore NP006 as in the firewall's list\n  \
         ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/8}}]}]\n",
    );
    let sarif = json(&repository, &ARGUMENTS, "sarif");
    let errors: Vec<String> = validator
        .iter_errors(&sarif)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    // The schema would let anything through that has the right shape.
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let found = |id: &str| results.iter().find(|result| result["ruleId"] == id);
    let exposed = found("DF003").unwrap();
    let place = &exposed["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "deploy/policies/debug.yaml"
    );
    assert_eq!(place["region"]["startLine"], 8);
    let violated = found("IT005").unwrap();
    assert_eq!(
        violated["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "deploy/policies/debug.yaml"
    );
    let suppressed = results
        .iter()
        .find(|result| result["suppressions"][0]["kind"] == "inSource")
        .unwrap();
    assert_eq!(
        suppressed["suppressions"][0]["justification"],
        "as in the firewall's list"
    );
}

#[test]
fn every_rule_that_is_reported_is_in_the_catalogue_and_documented() {
    let known: BTreeSet<&str> = portolan::report::gate::rules()
        .iter()
        .map(|rule| rule.id)
        .collect();
    let mut used = BTreeSet::new();
    for path in rust_files(&root().join("src")) {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
        for quoted in code.split('"') {
            let letters: Vec<char> = quoted.chars().collect();
            let is_id = letters.len() == 5
                && letters[..2].iter().all(char::is_ascii_uppercase)
                && letters[2..].iter().all(char::is_ascii_digit);
            if is_id {
                used.insert(quoted.to_owned());
            }
        }
    }
    let used: BTreeSet<&str> = used.iter().map(String::as_str).collect();
    assert_eq!(used, known);
    let documented = std::fs::read_to_string(root().join("docs/gitops.md")).unwrap();
    // tests/lint.rs looks after those that are lints.
    let lints = portolan::lint::LINTS.iter().map(|lint| lint.meta.id);
    let lints: BTreeSet<&str> = lints.collect();
    let own = portolan::report::gate::rules();
    for rule in own.iter().filter(|rule| !lints.contains(rule.id)) {
        let row = format!("| `{}` {} |", rule.id, rule.name);
        assert!(documented.contains(&row), "docs/gitops.md lacks `{row}`");
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(rust_files(&path)),
            false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
            false => {}
        }
    }
    found
}

#[test]
fn fingerprints_stay_when_lines_and_files_move() {
    let fingerprints = |name: &str, file: &str, text: &str| -> BTreeSet<String> {
        let repository = Repository::new(name);
        repository.write(file, text);
        let found = json(&repository, &["check", "."], "json");
        let findings = found["findings"].as_array().unwrap();
        assert!(!findings.is_empty(), "{found}");
        findings
            .iter()
            .map(|finding| finding["fingerprint"].as_str().unwrap().to_owned())
            .collect()
    };
    let original = fingerprints("here", "a.yaml", WRONG);
    let moved = format!("# a comment\n\n---\n{WRONG}");
    assert_eq!(fingerprints("moved", "other/b.yaml", &moved), original);
    let another = WRONG.replace("10.0.0.1/8", "10.0.0.2/8");
    assert!(fingerprints("another", "a.yaml", &another).is_disjoint(&original));
    // Two of the same are two.
    let twice = WRONG.replace(
        "[{ipBlock: {cidr: 10.0.0.1/8}}]",
        "[{ipBlock: {cidr: 10.0.0.1/8}}, {ipBlock: {cidr: 10.0.0.1/8}}]",
    );
    assert_eq!(fingerprints("twice", "a.yaml", &twice).len(), 2);
}

#[test]
fn a_baseline_lets_an_old_repository_start() {
    let repository = Repository::new("baseline");
    repository.write("a.yaml", &WRONG.replace("podSelector", "podSelectr"));
    let check = |more: &[&str]| {
        let mut arguments = vec!["check", "a.yaml", "b.yaml", "--fail-on", "warning"];
        arguments.extend(more);
        repository.portolan(&arguments)
    };
    repository.write(
        "b.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
    );
    assert_eq!(check(&[]).status, 1);
    let written = check(&["--write-baseline", "known.json"]);
    assert_eq!(written.status, 0, "{}", written.stderr);
    assert!(written.text().contains("written to `known.json`"));
    let known = check(&["--baseline", "known.json"]);
    assert_eq!(known.status, 0, "{}", known.text());
    assert!(known.text().contains("in the baseline"), "{}", known.text());
    // Something new counts.
    repository.write("b.yaml", &WRONG.replace("office", "other"));
    assert_eq!(check(&["--baseline", "known.json"]).status, 1);
    // What is gone is said.
    repository.write(
        "a.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
    );
    repository.write(
        "b.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: other}\n",
    );
    let stale = check(&["--baseline", "known.json"]);
    assert_eq!(stale.status, 0);
    assert!(
        stale
            .text()
            .contains("gone, which `--write-baseline` removes"),
        "{}",
        stale.text()
    );
    for (text, message) in [
        ("{}", "it is no baseline"),
        ("{\"version\": 9, \"known\": []}", "it is of version 9"),
    ] {
        repository.write("bad.json", text);
        let refused = check(&["--baseline", "bad.json"]);
        assert_eq!(refused.status, 2);
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
    }
}

#[test]
fn suppressions_need_a_reason_and_are_listed() {
    let repository = Repository::new("suppressed");
    let line = "  - from: [{ipBlock: {cidr: 10.0.0.1/8}}]\n";
    for (name, text, status, said) in [
        ("plain", WRONG.to_owned(), 1, "1 warning"),
        (
            "behind",
            WRONG.replace(
                line,
                "  - from: [{ipBlock: {cidr: 10.0.0.1/8}}] # portolan:ignore NP006 agreed\n",
            ),
            0,
            "suppressed: NP006 at ./x.yaml:9:29: agreed",
        ),
        (
            "above",
            WRONG.replace(line, &format!("  # portolan:ignore NP006 agreed\n{line}")),
            0,
            "1 suppressed",
        ),
        (
            "object",
            WRONG.replace(
                "  name: office\n",
                "  name: office\n  annotations: {portolan.dev/ignore: NP006 agreed}\n",
            ),
            0,
            "1 suppressed",
        ),
        (
            "no reason",
            WRONG.replace(line, &format!("  # portolan:ignore NP006\n{line}")),
            1,
            "2 warnings",
        ),
        (
            "another rule",
            WRONG.replace(line, &format!("  # portolan:ignore NP007 agreed\n{line}")),
            1,
            "1 warning, 1 note",
        ),
        (
            "elsewhere",
            format!("# portolan:ignore NP006 agreed\n{WRONG}"),
            1,
            "1 warning, 1 note",
        ),
    ] {
        repository.write("x.yaml", &text);
        let output = repository.portolan(&["check", ".", "--fail-on", "warning"]);
        assert_eq!(output.status, status, "{name}: {}", output.text());
        assert!(output.text().contains(said), "{name}: {}", output.text());
        let annotated = repository.portolan(&["check", ".", "-o", "github"]);
        let is_suppressed = said.contains("suppressed");
        assert_eq!(
            annotated.text().contains("suppressed: NP006 at"),
            is_suppressed,
            "{name}"
        );
        // What is suppressed is not told as if it counted.
        assert_eq!(
            status == 1,
            output.stderr.contains("NP006"),
            "{name}: {}",
            output.stderr
        );
    }
}

#[test]
fn severities_and_changes_are_refused_as_asked() {
    let repository = broken_shop("deny");
    for (flags, status) in [
        (&["--base", "HEAD"][..], 1),
        (&["--base", "HEAD", "--deny", "none"], 0),
        (&["--base", "HEAD", "--deny", "removed"], 0),
        (&["--base", "HEAD", "--deny", "removed,added"], 1),
        (&["--base", "HEAD", "--deny", "any"], 1),
        (
            &["--base", "HEAD", "--deny", "none", "--fail-on", "note"],
            1,
        ),
        (&["--base", "HEAD", "--fail-on", "never"], 0),
        (&[], 0),
        (&["--intent", "policies/shop.yaml"], 1),
        (&["--deny", "any"], 2),
        (&["--base", "no-such-revision"], 2),
        // What only reads has no verdict to give.
        (&["--base", "HEAD", "--prove=off"], 2),
        (&["-o", "sarif", "--prove=off"], 2),
    ] {
        let mut arguments = vec!["check", "deploy"];
        arguments.extend(flags);
        let output = repository.portolan(&arguments);
        assert_eq!(output.status, status, "{flags:?}: {}", output.stderr);
    }
}

#[test]
fn one_run_writes_every_format_that_is_wanted() {
    let repository = broken_shop("formats");
    let mut arguments = ARGUMENTS.to_vec();
    arguments.extend([
        "-o",
        "github",
        "--also",
        "sarif=out.sarif",
        "--also",
        "md=out.md",
    ]);
    arguments.extend(["--also", "gitlab=out.json", "--also", "junit=out.xml"]);
    let summary = repository.path("summary.md");
    std::fs::write(&summary, "earlier\n").unwrap();
    let output = repository.portolan_with(&arguments, &[("GITHUB_STEP_SUMMARY", &summary)]);
    assert_eq!(output.status, 1);
    let line = "::error file=deploy/policies/debug.yaml,line=8,col=5,title=portolan DF003::";
    assert!(output.text().contains(line), "{}", output.text());
    let sarif: Value = serde_json::from_str(&repository.read("out.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let comment = repository.read("out.md");
    assert!(
        comment.starts_with("### ❌ portolan check failed: 3 errors"),
        "{comment}"
    );
    let summary = repository.read("summary.md");
    assert_eq!(summary, format!("earlier\n{comment}"));
    let quality: Value = serde_json::from_str(&repository.read("out.json")).unwrap();
    assert_eq!(quality.as_array().unwrap().len(), 3);
    let junit = repository.read("out.xml");
    assert!(junit.contains("<testsuites name=\"portolan\" tests=\"10\" failures=\"3\">"));
    assert_eq!(junit.matches("<failure").count(), 3);
    let refused = repository.portolan(&["check", "deploy", "--also", "pdf=x"]);
    assert_eq!(refused.status, 2);
    assert!(
        refused
            .stderr
            .contains("`pdf` is not one of text, json, md, sarif")
    );
}

#[test]
fn findings_in_rendered_streams_point_to_their_templates() {
    let repository = Repository::new("rendered");
    let rendered = format!("---\n# Source: shop/templates/policy.yaml\n{WRONG}");
    repository.write("rendered.yaml", &rendered);
    let place = |repository: &Repository| {
        let found = json(repository, &["check", "rendered.yaml"], "json");
        let finding = found["findings"][0].clone();
        (
            finding["file"].as_str().unwrap().to_owned(),
            finding["rendered"].as_str().unwrap().to_owned(),
        )
    };
    let at = "rendered.yaml:11:29".to_owned();
    assert_eq!(
        place(&repository),
        ("shop/templates/policy.yaml".to_owned(), at.clone())
    );
    // The chart's name is not the directory's: what is there is what is meant.
    repository.write("templates/policy.yaml", "{{ template }}\n");
    assert_eq!(place(&repository), ("templates/policy.yaml".to_owned(), at));
}

/// NP044 needs a binding, and the old tree's is not there any more.
#[test]
fn linting_a_change_looks_at_the_new_tree_only() {
    let repository = Repository::new("lint-base");
    let bad = std::fs::read_to_string(root().join("testdata/lint/NP044/bad.yaml")).unwrap();
    let (binding, rest) = bad.split_once("---\n").unwrap();
    assert!(binding.contains("kind: RoleBinding"));
    repository.write("deploy/binding.yaml", binding);
    repository.write("deploy/rest.yaml", rest);
    repository.commit("with a binding");
    let ids = || {
        let arguments = ["check", "deploy", "--lint", "--base", "HEAD"];
        json(&repository, &arguments, "json")["findings"].to_string()
    };
    assert!(ids().contains("NP044"));
    std::fs::remove_file(repository.path("deploy/binding.yaml")).unwrap();
    assert!(!ids().contains("NP044"));
}
