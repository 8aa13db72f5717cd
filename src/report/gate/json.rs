//! A check as JSON. docs/schema/check.v1.json describes it.

use super::{Gate, GateFormat, Item, Standing, spot};
use crate::report::check_json::{CheckDocument, GateJson, ItemJson, check_json};
use crate::report::snippet::place_text;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: GateFormat = GateFormat {
    name: "json",
    summary: "for machines; docs/schema/check.v1.json describes it",
    render,
};

fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    let [added, removed] = match gate.diff {
        Some(view) => view.diff.n_pairs.map(Some),
        None => [None, None],
    };
    let document: CheckDocument = check_json(
        gate.cluster,
        gate.sources,
        gate.checked,
        gate.assumptions,
        gate.timing,
        GateJson {
            verdict: Some(gate.verdict.name().to_owned()),
            findings: Some(
                gate.items
                    .iter()
                    .map(|item| item_json(gate, item))
                    .collect(),
            ),
            stale: Some(gate.n_stale),
            added,
            removed,
        },
    );
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn item_json(gate: &Gate<'_>, item: &Item) -> ItemJson {
    let place = spot(gate, &item.place);
    let (standing, reason) = match &item.standing {
        Standing::Active => ("active", None),
        Standing::Suppressed { reason, .. } => ("suppressed", Some(reason.clone())),
        Standing::Known => ("baseline", None),
    };
    ItemJson {
        id: item.id.to_owned(),
        severity: item.severity.name().to_owned(),
        message: item.message.clone(),
        help: item.help.clone(),
        file: place.as_ref().map(|place| place.file.clone()),
        line: place.as_ref().map(|place| place.line),
        rendered: place.and_then(|place| place.rendered),
        related: item
            .related
            .iter()
            .map(|related| place_text(gate.sources, &related.place))
            .collect(),
        fingerprint: item.fingerprint.clone(),
        standing: standing.to_owned(),
        reason,
    }
}
