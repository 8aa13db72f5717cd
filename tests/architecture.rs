//! Holds the source tree to docs/ARCHITECTURE.md: which module may use which, which crate is
//! used where, and what every file has.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use of this crate. The order is that of the pipeline.
const MAY_USE: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("model", &["source"]),
    ("manifest", &["model", "source"]),
    ("reach", &["model"]),
    ("symbolic", &["model", "source"]),
    ("dataplane", &["model", "reach", "symbolic"]),
    ("intent", &["manifest", "model", "source", "symbolic"]),
    (
        "question",
        &["intent", "model", "reach", "source", "symbolic"],
    ),
    (
        "lint",
        &[
            "manifest", "model", "question", "reach", "source", "symbolic",
        ],
    ),
    (
        "report",
        &[
            "dataplane",
            "intent",
            "lint",
            "model",
            "question",
            "source",
            "symbolic",
        ],
    ),
    (
        "cli",
        &[
            "dataplane",
            "intent",
            "lint",
            "manifest",
            "model",
            "question",
            "reach",
            "report",
            "source",
            "symbolic",
        ],
    ),
];

/// Crates that only some modules may name.
const FENCES: &[(&str, &[&str])] = &[
    ("k8s_openapi", &["manifest"]),
    ("serde_yaml", &["manifest", "intent"]),
    ("saphyr_parser", &["source"]),
    ("z3", &["symbolic"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("comfy_table", &["report"]),
    ("miette", &["report"]),
];

/// Lines after which a file is hard to read.
const LONGEST_FILE: usize = 800;

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The top-level module a file belongs to; `None` for `lib.rs` and `main.rs`.
fn module_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next()?.as_os_str().to_str()?;
    (inside.components().count() > 1).then(|| first.to_owned())
}

/// The code of a file without comments and without its tests, which may use anything.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// `crate::x`, and each of `crate::{x, y}`.
fn used_modules(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let name = |text: &str| -> String {
            text.trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        };
        match rest.strip_prefix('{') {
            Some(list) => {
                let mut depth = 0usize;
                let mut item = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => found.push(name(&std::mem::take(&mut item))),
                        _ => {}
                    }
                    if c != ',' || depth > 0 {
                        item.push(c);
                    }
                }
                found.push(name(&item));
            }
            None => found.push(name(rest)),
        }
    }
    found
}

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let Some(module) = module_of(&path) else {
            continue;
        };
        let may_use = allowed.get(module.as_str()).unwrap_or_else(|| {
            panic!(
                "{} is in no module of the table in tests/architecture.rs",
                path.display()
            )
        });
        for used in used_modules(&code(&fs::read_to_string(&path).unwrap())) {
            if used != module
                && allowed.contains_key(used.as_str())
                && !may_use.contains(&used.as_str())
            {
                wrong.push(format!(
                    "{}: `{module}` may not use `{used}`",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_stay_behind_their_fences() {
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let Some(module) = module_of(&path) else {
            continue;
        };
        let code = code(&fs::read_to_string(&path).unwrap());
        for (name, modules) in FENCES {
            let used = code.lines().any(|line| {
                line.match_indices(&format!("{name}::")).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                })
            });
            if used && !modules.contains(&module.as_str()) {
                wrong.push(format!(
                    "{}: `{name}` belongs to {modules:?}",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_have_docs_and_a_readable_length() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        if !root().join(folder).is_dir() {
            continue;
        }
        for path in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            if !text.starts_with("//!") {
                wrong.push(format!("{}: starts without module docs", path.display()));
            }
            let n_lines = text.lines().count();
            if n_lines > LONGEST_FILE {
                wrong.push(format!("{}: {n_lines} lines", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn main_is_only_a_door() {
    let text = fs::read_to_string(root().join("src/main.rs")).unwrap();
    assert!(text.lines().count() < 50);
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut in_dependencies = false;
    let mut before = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if in_dependencies && !line.is_empty() && !line.starts_with('#') {
            let family = line.starts_with("clap_");
            assert!(
                before.starts_with('#') || family,
                "no purpose comment above `{line}`"
            );
        }
        before = line;
    }
}
