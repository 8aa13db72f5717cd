//! GitLab's Code Quality report: a subset of Code Climate's format.

use super::{Gate, GateFormat, spot};
use crate::model::Severity;
use serde_json::{Value, json};
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: GateFormat = GateFormat {
    name: "gitlab",
    summary: "a GitLab Code Quality report",
    render,
};

fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    let active = gate.items.iter().filter(|item| item.is_active());
    let issues: Vec<Value> = active
        .map(|item| {
            let place = spot(gate, &item.place);
            let (path, line) = place.map_or_else(
                || ("<stdin>".to_owned(), 1),
                |place| (place.file, place.line),
            );
            json!({
                "type": "issue",
                "check_name": item.id,
                "description": item.message,
                "fingerprint": item.fingerprint,
                "severity": match item.severity {
                    Severity::Error => "major",
                    Severity::Warning => "minor",
                    Severity::Note => "info",
                },
                "location": {
                    "path": path.strip_prefix("./").unwrap_or(&path),
                    "lines": {"begin": line},
                },
            })
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    out.write_all(b"\n")
}
