//! What is wrong with the input is said, and never ends in a panic, a hang or silence.
//!
//! Every case is a file that `portolan list` is given beside one good file: the good one must
//! still be answered, and the bad one must be named.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const GOOD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: x}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: x}
";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("portolan-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("good.yaml"), GOOD).unwrap();
        Folder(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn portolan(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(args)
        .arg(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs `list` on the good file and one bad one; returns the exit status and what was said.
fn list_beside_good(name: &str, bad: &[u8]) -> (Option<i32>, String) {
    let folder = Folder::new(name);
    std::fs::write(folder.path().join("bad.yaml"), bad).unwrap();
    let output = portolan(&["list", "-o", "csv", "-v"], folder.path());
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(
        answer.contains("workload,x,a,Pod,,workload,x,b,Pod"),
        "{name}: {answer}"
    );
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Deeper than any parser's patience.
fn nested(depth: usize) -> String {
    format!("a: {}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Doubles at each level: a kilobyte that expands to gigabytes.
fn alias_bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        text.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            before.trim_end_matches(", ")
        ));
    }
    text
}

#[test]
fn every_kind_of_bad_file_is_named_and_the_rest_is_answered() {
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: other}\n";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("binary", (0..=255).cycle().take(5000).collect(), "binary"),
        ("truncated", format!("{policy}spec: {{podSelector: {{matchLabels: {{app:").into_bytes(), "LD001"),
        ("nested", nested(100_000).into_bytes(), "LD001"),
        ("alias-bomb", alias_bomb().into_bytes(), "LD001"),
        ("duplicate-key", format!("{policy}spec: {{podSelector: {{}}, podSelector: {{}}}}\n").into_bytes(), "duplicate"),
        ("invalid-utf8", b"apiVersion: v1\nkind: Pod\nmetadata: {name: \xff}\n".to_vec(), "UTF-8"),
        ("wide", b"\xff\xfea\0p\0i\0".to_vec(), "UTF-16"),
        ("unknown-field", format!("{policy}spec: {{podSelector: {{}}, ingres: []}}\n").into_bytes(), "unknown field `spec.ingres`"),
        ("wrong-type", format!("{policy}spec: [1]\n").into_bytes(), "bad.yaml"),
        ("template", b"kind: {{ .Values.kind }}\nmetadata: {{- toYaml . }}\n".to_vec(), "render it first"),
        ("huge-number", format!("{policy}spec: {{podSelector: {{}}, ingress: [{{ports: [{{port: 99999999999999999999}}]}}]}}\n").into_bytes(), "bad.yaml"),
        ("not-an-object", b"- just\n- a list\n".to_vec(), "bad.yaml"),
        ("tabs", b"a:\n\t- b\n".to_vec(), "LD001"),
    ];
    for (name, text, expected) in cases {
        let (code, said) = list_beside_good(name, &text);
        assert!(matches!(code, Some(0..=2)), "{name}: exit {code:?}\n{said}");
        assert!(
            said.contains(expected),
            "{name}: expected `{expected}` in\n{said}"
        );
        assert!(!said.contains("panicked"), "{name}: {said}");
    }
}

#[test]
fn a_bad_document_does_not_hide_the_next_one() {
    let text = "a: [\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: c, namespace: x}\n";
    let folder = Folder::new("next");
    std::fs::write(folder.path().join("bad.yaml"), text).unwrap();
    let output = portolan(&["list", "-o", "csv"], folder.path());
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(answer.contains("workload,x,c,Pod"), "{answer}");
}

#[test]
fn the_same_object_twice_is_said_and_order_does_not_matter() {
    let policy = |peers: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: x}}\nspec: {{podSelector: {{}}, ingress: [{peers}]}}\n"
        )
    };
    let mut answers = Vec::new();
    for names in [["1.yaml", "2.yaml"], ["2.yaml", "1.yaml"]] {
        let folder = Folder::new("twice");
        std::fs::write(folder.path().join(names[0]), policy("")).unwrap();
        std::fs::write(
            folder.path().join(names[1]),
            policy("{from: [{podSelector: {}}]}"),
        )
        .unwrap();
        let output = portolan(&["list", "-o", "csv"], folder.path());
        assert!(String::from_utf8(output.stderr).unwrap().contains("NP007"));
        answers.push(output.stdout);
    }
    assert_eq!(answers[0], answers[1]);
}

#[cfg(unix)]
#[test]
fn links_that_loop_or_lead_nowhere_end_in_words() {
    let folder = Folder::new("links");
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("dangling.yaml")).unwrap();
    let output = portolan(&["list", "-o", "csv"], folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("dangling.yaml"), "{said}");
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("workload,x,a,Pod")
    );
}

#[test]
fn nothing_to_analyse_is_3_and_a_missing_file_2() {
    let folder = Folder::new("nothing");
    std::fs::write(folder.path().join("good.yaml"), "# only a comment\n").unwrap();
    assert_eq!(portolan(&["list"], folder.path()).status.code(), Some(3));
    assert_eq!(
        portolan(&["list"], &folder.path().join("missing"))
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn strict_fails_on_what_is_rejected_or_not_analysed() {
    for text in [
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: c, namespace: x}\nspec: {}\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: x}\nspec: {podSelector: {}, ingress: [{ports: [{port: 0}]}]}\n",
    ] {
        let folder = Folder::new("strict");
        std::fs::write(folder.path().join("bad.yaml"), text).unwrap();
        assert_eq!(
            portolan(&["list", "-q"], folder.path()).status.code(),
            Some(0)
        );
        assert_eq!(
            portolan(&["list", "-q", "--strict"], folder.path())
                .status
                .code(),
            Some(1)
        );
    }
}

#[test]
fn standard_input_is_read_and_a_reader_that_leaves_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["list", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child
        .stdin
        .take()
        .unwrap()
        .write_all(GOOD.as_bytes())
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
