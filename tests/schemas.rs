//! The published JSON Schemas are those of the types that are written, and what is written
//! conforms to them.
//!
//! `UPDATE=1 cargo test --test schemas` writes the schemas of now into docs/schema.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use portolan::intent::{BUILTINS, intent_schema};
use portolan::lint::config_schema;
use portolan::report::answer_json::answer_schema;
use portolan::report::bundle::bundle_schema;
use portolan::report::check_json::check_schema;
use portolan::report::compare::compared_schema;
use portolan::report::diff::diff_schema;
use portolan::report::exposure::exposure_schema;
use portolan::report::map::{grouped_schema, pairs_schema};
use portolan::report::redundant::redundant_schema;
use portolan::report::verify::verified_schema;
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
        ("check.v1.json", check_schema()),
        ("exposure.v1.json", exposure_schema()),
        ("diff.v1.json", diff_schema()),
        ("compared.v1.json", compared_schema()),
        ("redundant.v1.json", redundant_schema()),
        ("bundle.v1.json", bundle_schema()),
        ("verify.v1.json", verified_schema()),
        ("intent.v1.json", intent_schema()),
        ("config.v1.json", config_schema()),
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
        (
            "can.v1.json",
            vec![
                "can",
                "-f",
                shop,
                "internet",
                "service:shop/frontend",
                "-o",
                "json",
            ],
        ),
        ("exposure.v1.json", vec!["exposure", shop, "-o", "json"]),
        (
            "check.v1.json",
            vec![
                "check",
                shop,
                "testdata/intent/shop/fail",
                "--intent",
                "policies/shop.yaml",
                "-o",
                "json",
            ],
        ),
        (
            "check.v1.json",
            vec![
                "check",
                "testdata/intent/default-deny/fail",
                "--intent",
                "builtin:default-deny",
                "-o",
                "json",
                "--timing=always",
            ],
        ),
        (
            "diff.v1.json",
            vec!["diff", shop, "testdata/apps/online-boutique", "-o", "json"],
        ),
        (
            "diff.v1.json",
            vec!["diff", "testdata/nodes", shop, "-o", "json"],
        ),
        (
            "compared.v1.json",
            vec!["equiv", shop, "testdata/apps/bookinfo", "-o", "json"],
        ),
        (
            "redundant.v1.json",
            vec!["redundant", "testdata/intent/redundant", "-o", "json"],
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

#[test]
fn shipped_intents_conform_to_the_schema_that_editors_use() {
    let validator = jsonschema::validator_for(&published("intent.v1.json")).unwrap();
    let shop = std::fs::read_to_string(root().join("policies/shop.yaml")).unwrap();
    let texts = BUILTINS
        .iter()
        .map(|builtin| (builtin.name, builtin.text.to_owned()));
    for (name, text) in texts.chain([("shop", shop)]) {
        let intent: Value = serde_yaml::from_str(&text).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&intent)
            .map(|e| e.to_string())
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        let typo: Value = serde_yaml::from_str(&text.replace("expect:", "expects:")).unwrap();
        assert!(typo == intent || !validator.is_valid(&typo), "{name}");
    }
}
