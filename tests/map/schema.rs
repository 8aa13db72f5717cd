//! The JSON outputs against their schemas, which must know every member that is written.

use super::fixture::{every_kind, load, render};
use portolan::report::map::{MapOptions, grouped_schema, pairs_schema};
use serde_json::Value;

/// Published schemas let outputs have members that they do not know, so that a version can gain
/// some. Here nothing unknown may be there.
fn closed(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            if members.contains_key("properties") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            for member in members.values_mut() {
                *member = closed(member.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = closed(item.take());
            }
        }
        _ => {}
    }
    schema
}

fn check(schema: Value, options: MapOptions) {
    let validator = jsonschema::validator_for(&closed(schema)).unwrap();
    for cluster in [every_kind(), load("", &[])] {
        let document: Value = serde_json::from_str(&render(&cluster, "json", options)).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        // The schema does say something.
        let mut other = document;
        other["version"] = 2.into();
        assert!(!validator.is_valid(&other));
        other["version"] = 1.into();
        other["connections"] =
            serde_json::json!([{"src": {"kind": "pod"}, "dst": {}, "allow": []}]);
        assert!(!validator.is_valid(&other));
    }
}

#[test]
fn pairs_follow_their_schema() {
    for explain in [false, true] {
        check(
            pairs_schema(),
            MapOptions {
                explain,
                ..MapOptions::default()
            },
        );
    }
}

#[test]
fn the_grouped_form_follows_its_schema() {
    check(
        grouped_schema(),
        MapOptions {
            grouped: true,
            ..MapOptions::default()
        },
    );
}
