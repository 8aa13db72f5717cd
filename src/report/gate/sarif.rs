//! SARIF 2.1.0 (OASIS), which code scanning reads.

use super::{Gate, GateFormat, Item, Spot, Standing, rules, spot};
use crate::model::Severity;
use serde_json::{Value, json};
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: GateFormat = GateFormat {
    name: "sarif",
    summary: "SARIF 2.1.0, for code scanning",
    render,
};

fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &document(gate))?;
    out.write_all(b"\n")
}

fn document(gate: &Gate<'_>) -> Value {
    let rules: Vec<Value> = rules()
        .into_iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "name": rule.name,
                "shortDescription": {"text": sentence(rule.summary)},
                "fullDescription": {"text": rule.help},
                "help": {"text": rule.help, "markdown": rule.help},
                "defaultConfiguration": {"level": level(rule.severity)},
                "properties": {"tags": ["kubernetes", "network-policy"]},
            })
        })
        .collect();
    let results: Vec<Value> = gate.items.iter().map(|item| result(gate, item)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "portolan",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A text of ours as SARIF wants texts: starting large, ending with a period.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

fn result(gate: &Gate<'_>, item: &Item) -> Value {
    let place = spot(gate, &item.place);
    let mut message = sentence(&item.message);
    if let Some(rendered) = place.as_ref().and_then(|place| place.rendered.as_ref()) {
        message.push_str(&format!(" Rendered at {rendered}."));
    }
    if let Some(help) = &item.help {
        message.push_str(&format!(" Help: {help}."));
    }
    let locations: Vec<Value> = place.iter().map(|place| location(place, None)).collect();
    let mut result = json!({
        "ruleId": item.id,
        "ruleIndex": rules().iter().position(|rule| rule.id == item.id),
        "level": level(item.severity),
        "message": {"text": message},
        "locations": locations,
        "partialFingerprints": {"portolan/v1": item.fingerprint},
    });
    let related: Vec<Value> = item
        .related
        .iter()
        .filter_map(|related| Some((spot(gate, &related.place)?, &related.message)))
        .map(|(place, message)| location(&place, Some(message)))
        .collect();
    let mut set = |key: &str, value: Value| {
        if let Some(members) = result.as_object_mut() {
            members.insert(key.to_owned(), value);
        }
    };
    if !related.is_empty() {
        set("relatedLocations", Value::from(related));
    }
    match &item.standing {
        Standing::Active => {}
        Standing::Suppressed { reason, place } => {
            let at = spot(gate, place).map(|place| location(&place, None));
            let mut suppression = json!({"kind": "inSource", "justification": reason});
            if let (Some(at), Some(members)) = (at, suppression.as_object_mut()) {
                members.insert("location".to_owned(), at);
            }
            set("suppressions", json!([suppression]));
        }
        Standing::Known => set(
            "suppressions",
            json!([{"kind": "external", "justification": "in the baseline"}]),
        ),
    }
    result
}

fn location(place: &Spot, message: Option<&str>) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(&place.file)},
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
            },
        },
    });
    if let (Some(message), Some(members)) = (message, location.as_object_mut()) {
        members.insert("message".to_owned(), json!({"text": message}));
    }
    location
}

/// A path as a URI reference (RFC 3986): relative as it is, with what a path may not have escaped.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    match path.starts_with('/') {
        true => format!("file://{uri}"),
        false => uri,
    }
}
