//! Which of the things that a check found count: not what the manifests suppress, nor what the
//! baseline knows.

use crate::manifest::{Suppression, identity_of, object_of, suppressions};
use crate::model::{Origin, Place, Severity};
use crate::report::gate::{Baseline, Item, Standing, rule as rule_of_id};
use crate::report::snippet::locate;
use crate::source::{DocumentId, Route, Sources};
use clap::ValueEnum;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// How bad a finding has to be for a command to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum SeverityArg {
    Error,
    Warning,
    Note,
    /// Whatever there is
    Never,
}

impl SeverityArg {
    /// The least bad severity that fails; none does for `never`.
    pub(super) fn severity(self) -> Option<Severity> {
        match self {
            SeverityArg::Error => Some(Severity::Error),
            SeverityArg::Warning => Some(Severity::Warning),
            SeverityArg::Note => Some(Severity::Note),
            SeverityArg::Never => None,
        }
    }
}

/// The suppressions in the documents of the files that are wanted.
pub(super) fn suppressions_of(
    sources: &Sources,
    items: &[Item],
    is_wanted: &dyn Fn(&str) -> bool,
) -> Vec<Suppression> {
    let documents: Vec<DocumentId> = sources
        .documents()
        .map(|(id, _)| id)
        .filter(|id| is_wanted(sources.file_name(*id)))
        .collect();
    let mut objects: Vec<Origin> = documents
        .iter()
        .map(|&document| Origin {
            document,
            route: Route::root(),
        })
        .collect();
    let places = items.iter().filter_map(|item| match &item.place {
        Place::Node { origin, .. } => Some(object_of(origin)),
        Place::Offset { .. } | Place::Input(_) => None,
    });
    objects.extend(places);
    objects.sort();
    objects.dedup();
    suppressions(sources, &documents, &objects)
}

/// Gives every item its fingerprint, and says which of them count: not those that the manifests
/// suppress with a reason, nor those that the baseline knows. What is to be said of the
/// suppressions themselves is added.
pub(super) fn with_standing(
    sources: &Sources,
    mut items: Vec<Item>,
    suppressions: &[Suppression],
    baseline: &mut Baseline,
) -> Vec<Item> {
    let mut used = vec![false; suppressions.len()];
    for item in &mut items {
        for (suppression, used) in suppressions.iter().zip(&mut used) {
            if suppression.is_about(sources, item.id, &item.place) {
                *used = true;
                if !suppression.reason.is_empty() {
                    item.standing = Standing::Suppressed {
                        reason: suppression.reason.clone(),
                        place: suppression.place.clone(),
                    };
                }
            }
        }
    }
    for (suppression, used) in suppressions.iter().zip(used) {
        let id = &suppression.id;
        let (rule, severity, message) = match (used, suppression.reason.is_empty()) {
            (_, true) => (
                "GT001",
                Severity::Warning,
                format!("the suppression of `{id}` gives no reason, so it does not count"),
            ),
            (false, _) => (
                "GT002",
                Severity::Note,
                format!("nothing here is `{id}`, so there is nothing to suppress"),
            ),
            (true, _) => continue,
        };
        items.push(Item {
            id: rule,
            severity,
            message,
            help: rule_of_id(rule).map(|rule| rule.help.to_owned()),
            place: suppression.place.clone(),
            related: Vec::new(),
            fingerprint: String::new(),
            standing: Standing::Active,
        });
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for item in &mut items {
        let content = content(sources, item);
        let count = seen.entry(content.clone()).or_default();
        item.fingerprint = digest(&format!("{content}\n{count}"));
        *count = count.saturating_add(1);
        // What a change does is never old.
        let can_be_known = !item.id.starts_with("DF");
        if item.is_active() && can_be_known && baseline.knows(&item.fingerprint) {
            item.standing = Standing::Known;
        }
    }
    items
}

/// What tells an item from others, wherever it is moved: the rule, the object, the line's text and
/// what is said of it. No line number, and no file.
fn content(sources: &Sources, item: &Item) -> String {
    let object = match &item.place {
        Place::Node { origin, .. } => identity_of(sources, &object_of(origin)),
        Place::Offset { .. } => String::new(),
        Place::Input(name) => name.clone(),
    };
    let line = locate(sources, &item.place).map_or_else(String::new, |location| {
        let text = sources.text(location.document);
        let start = text
            .get(..location.span.start)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |at| at.saturating_add(1));
        let line = text.get(start..).and_then(|rest| rest.lines().next());
        line.unwrap_or_default().trim().to_owned()
    });
    format!(
        "{}\n{object}\n{line}\n{}",
        item.id,
        unnumbered(&item.message)
    )
}

/// A message without the numbers of lines, which move.
fn unnumbered(message: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut after_line = false;
    for word in message.split(' ') {
        if !after_line {
            words.push(word);
        }
        after_line = word == "line";
    }
    words.join(" ")
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digits = digest.iter().take(10).map(|byte| format!("{byte:02x}"));
    digits.collect()
}
