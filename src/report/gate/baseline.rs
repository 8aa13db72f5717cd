//! The baseline: what was wrong when a repository started to be checked, and does not count.

use super::{Item, Standing};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    version: u8,
    known: Vec<Known>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Known {
    fingerprint: String,
    /// The rule and what it said, for people.
    id: String,
    message: String,
}

/// Why a baseline cannot be used.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It is not a baseline.
    #[error("it is no baseline: {0}")]
    Invalid(#[from] serde_json::Error),
    /// It is of another version.
    #[error("it is of version {found}, and only {VERSION} is read")]
    Version {
        /// Its version.
        found: u8,
    },
}

/// What is known, and which of it was met.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Baseline {
    met: BTreeMap<String, bool>,
}

impl Baseline {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Baseline, BaselineError> {
        let file: File = serde_json::from_str(text)?;
        if file.version != VERSION {
            return Err(BaselineError::Version {
                found: file.version,
            });
        }
        let known = file.known.into_iter();
        Ok(Baseline {
            met: known.map(|known| (known.fingerprint, false)).collect(),
        })
    }

    /// Whether it has a fingerprint, which is met from then on.
    pub fn knows(&mut self, fingerprint: &str) -> bool {
        match self.met.get_mut(fingerprint) {
            Some(met) => {
                *met = true;
                true
            }
            None => false,
        }
    }

    /// How many entries were not met: what they stood for is gone.
    pub fn n_stale(&self) -> usize {
        self.met.values().filter(|met| !**met).count()
    }
}

/// The baseline of all that counts or is known already, but for what a change does, and for what
/// could not be read at all.
pub fn baseline_text(items: &[Item]) -> String {
    let lasting = items.iter().filter(|item| {
        let is_suppressed = matches!(item.standing, Standing::Suppressed { .. });
        !is_suppressed && !item.id.starts_with("DF") && item.id != "LD005"
    });
    let mut known: Vec<Known> = lasting
        .map(|item| Known {
            fingerprint: item.fingerprint.clone(),
            id: item.id.to_owned(),
            message: item.message.clone(),
        })
        .collect();
    known.sort_by(|a, b| {
        (&a.id, &a.message, &a.fingerprint).cmp(&(&b.id, &b.message, &b.fingerprint))
    });
    let file = File {
        version: VERSION,
        known,
    };
    // Strings and numbers always can be written.
    let text = serde_json::to_string_pretty(&file).unwrap_or_default();
    format!("{text}\n")
}
