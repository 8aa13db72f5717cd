//! JUnit XML, which most CI systems show: a test case for each assertion, and one for each other
//! thing that was found.

use super::{Gate, GateFormat, Item, Standing};
use crate::model::Severity;
use crate::report::check::outcome_name;
use crate::report::snippet::place_text;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: GateFormat = GateFormat {
    name: "junit",
    summary: "JUnit XML: a test case for each assertion and each finding",
    render,
};

fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    let is_intent = |item: &&Item| matches!(item.id, "IT005" | "IT006" | "IT007");
    let intents: Vec<&Item> = gate.items.iter().filter(is_intent).collect();
    let others: Vec<&Item> = gate.items.iter().filter(|item| !is_intent(item)).collect();
    let n_tests = gate.checked.len() + others.len();
    let fails = |item: &&&Item| item.is_active() && item.severity == Severity::Error;
    let n_failed = intents.iter().filter(fails).count() + others.iter().filter(fails).count();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"portolan\" tests=\"{n_tests}\" failures=\"{n_failed}\">"
    )?;
    let of_intents = intents.iter().filter(fails).count();
    writeln!(
        out,
        "  <testsuite name=\"intents\" tests=\"{}\" failures=\"{of_intents}\">",
        gate.checked.len()
    )?;
    let mut items = intents.iter();
    for (assertion, checked) in gate.checked {
        let (class, name) = (&assertion.intent, &assertion.name);
        match outcome_name(&checked.outcome) {
            "proved" => case(out, class, name, None, gate)?,
            // The items are in the order of the assertions.
            _ => case(out, class, name, items.next().copied(), gate)?,
        }
    }
    writeln!(out, "  </testsuite>")?;
    let of_others = others.iter().filter(fails).count();
    writeln!(
        out,
        "  <testsuite name=\"findings\" tests=\"{}\" failures=\"{of_others}\">",
        others.len()
    )?;
    for item in others {
        let name = format!("{} {}", place_text(gate.sources, &item.place), item.message);
        case(out, item.id, &name, Some(item), gate)?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn case(
    out: &mut dyn Write,
    class: &str,
    name: &str,
    item: Option<&Item>,
    gate: &Gate<'_>,
) -> io::Result<()> {
    let (class, name) = (escaped(class), escaped(name));
    let Some(item) = item else {
        return writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\"/>");
    };
    writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\">")?;
    let message = escaped(&item.message);
    match &item.standing {
        Standing::Active if item.severity == Severity::Error => {
            let place = escaped(&place_text(gate.sources, &item.place));
            let help = item.help.as_deref().map(escaped).unwrap_or_default();
            writeln!(
                out,
                "      <failure type=\"{}\" message=\"{message}\">{place}\n{help}</failure>",
                item.id
            )?;
        }
        Standing::Active => writeln!(out, "      <system-out>{message}</system-out>")?,
        Standing::Suppressed { reason, .. } => {
            writeln!(
                out,
                "      <skipped message=\"suppressed: {}\"/>",
                escaped(reason)
            )?;
        }
        Standing::Known => writeln!(out, "      <skipped message=\"in the baseline\"/>")?,
    }
    writeln!(out, "    </testcase>")
}

/// A text in which nothing is markup, and nothing that XML cannot have.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
