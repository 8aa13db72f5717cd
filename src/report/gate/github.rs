//! Workflow commands of GitHub Actions: each finding becomes an annotation on its line.

use super::{Gate, GateFormat, Standing, spot, text::counts};
use crate::model::Severity;
use crate::report::snippet::place_text;
use std::io::{self, Write};

/// The registration.
pub(super) const FORMAT: GateFormat = GateFormat {
    name: "github",
    summary: "annotations in GitHub Actions; the job summary too, where there is one",
    render,
};

fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    for item in gate.items.iter().filter(|item| item.is_active()) {
        let command = match item.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = Vec::new();
        let mut message = item.message.clone();
        if let Some(place) = spot(gate, &item.place) {
            properties.push(format!("file={}", property(&place.file)));
            properties.push(format!("line={}", place.line));
            if place.rendered.is_none() {
                properties.push(format!("col={}", place.column));
            }
            if let Some(rendered) = place.rendered {
                message.push_str(&format!("\nrendered at {rendered}"));
            }
        }
        let title = format!("portolan {}", item.id);
        properties.push(format!("title={}", property(&title)));
        if let Some(help) = &item.help {
            message.push_str(&format!("\nhelp: {help}"));
        }
        writeln!(
            out,
            "::{command} {}::{}",
            properties.join(","),
            data(&message)
        )?;
    }
    for item in gate.items {
        if let Standing::Suppressed { reason, .. } = &item.standing {
            let place = place_text(gate.sources, &item.place);
            writeln!(
                out,
                "suppressed: {} at {}: {}",
                item.id,
                data(&place),
                data(reason)
            )?;
        }
    }
    writeln!(out, "check {}: {}", gate.verdict.name(), counts(gate))
}

/// A message: nothing of it ends the command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property, in which more means something.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_or_a_name_is_a_command() {
        assert_eq!(data("50% a\n::error::b"), "50%25 a%0A::error::b");
        assert_eq!(property("a:b,c\n"), "a%3Ab%2Cc%0A");
    }
}
