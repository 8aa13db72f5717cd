//! The published JSON Schemas are those of the types that are written, and what is written
//! conforms to them.
//!
//! `UPDATE=1 cargo test --test schemas` writes the schemas of now into docs/schema.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use portolan::report::answer_json::answer_schema;
use portolan::report::map::{grouped_schema, pairs_schema};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("can.v1.json", answer_schema()),
        ("list.v1.json", pairs_schema()),
        ("list-grouped.v1.json", grouped_schema()),
    ]
}

#[test]
fn published_schemas_are_up_to_date() {
    let folder = root().join("docs/schema");
    for (name, schema) in schemas() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(published, text, "{name} is stale: run with UPDATE=1");
    }
}

fn output(args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(args)
        .current_dir(root())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn published(name: &str) -> Value {
    let text = std::fs::read_to_string(Path::new(&root()).join("docs/schema").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn what_is_written_conforms() {
    let shop = "testdata/shop";
    for (schema, args) in [
        ("list.v1.json", vec!["list", shop, "-o", "json"]),
        (
            "list.v1.json",
            vec!["list", shop, "-o", "json", "--explain"],
        ),
        (
            "list-grouped.v1.json",
            vec!["list", shop, "-o", "json", "--grouped"],
        ),
        (
            "can.v1.json",
            vec![
                "can",
                "-f",
                shop,
                "shop/frontend",
                "shop/cart",
                "-o",
                "json",
            ],
        ),
        (
            "can.v1.json",
            vec!["can", "-f", shop, "shop/cart", "shop/payment", "-o", "json"],
        ),
        (
            "can.v1.json",
            vec![
                "can",
                "-f",
                shop,
                "internet",
                "ingress:shop.example.com",
                "-o",
                "json",
            ],
        ),
    ] {
        let validator = jsonschema::validator_for(&published(schema)).unwrap();
        let instance = output(&args);
        let wrong: Vec<String> = validator
            .iter_errors(&instance)
            .map(|e| e.to_string())
            .collect();
        assert!(wrong.is_empty(), "{args:?}: {wrong:#?}");
    }
}
