//! `portolan.yaml`: which lints a repository wants.

use super::Selection;
use crate::manifest::{CONFIG_KIND, INTENT_API_VERSION, decode_at};
use crate::model::{Finding, Origin, Severity};
use crate::source::{Route, Sources};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What `portolan.yaml` says.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Configuration {
    /// The version of this format.
    #[schemars(extend("const" = INTENT_API_VERSION))]
    #[allow(dead_code, reason = "it was looked at before the rest is decoded")]
    api_version: String,
    /// Always `Configuration`.
    #[schemars(extend("const" = CONFIG_KIND))]
    #[allow(dead_code, reason = "it was looked at before the rest is decoded")]
    kind: String,
    /// What `portolan lint` reports.
    #[serde(default)]
    lint: LintConfiguration,
}

/// What `portolan lint` reports.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct LintConfiguration {
    /// The lints to run, by id or the beginning of one, `ALL` for all of them. Without it, those
    /// of the default set.
    select: Vec<String>,
    /// The lints not to run, likewise. Of two that match the longer one decides.
    ignore: Vec<String>,
    /// How bad findings are, by id or the beginning of one.
    severity: BTreeMap<String, Level>,
}

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// The manifest is wrong.
    Error,
    /// Probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// The JSON Schema of `portolan.yaml`, in the draft that editors know.
pub fn config_schema() -> serde_json::Value {
    let schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<Configuration>();
    let mut schema = schema.to_value();
    if let Some(object) = schema.as_object_mut() {
        let id = "https://portolan.dev/schema/config.v1.json";
        object.insert("$id".to_owned(), id.into());
    }
    schema
}

/// Reads a configuration: the first document of these sources. `None` with findings when there is
/// something wrong with it, since half a configuration is another one.
pub fn parse_config(sources: &Sources) -> (Option<Selection>, Vec<Finding>) {
    let Some((document, _)) = sources.documents().next() else {
        return (Some(Selection::default()), Vec::new());
    };
    let origin = Origin {
        document,
        route: Route::root(),
    };
    let (config, findings) = decode_at::<Configuration>(sources, &origin);
    if findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        return (None, findings);
    }
    let selection = config.map(|config| Selection {
        select: config.lint.select,
        ignore: config.lint.ignore,
        severity: config
            .lint
            .severity
            .into_iter()
            .map(|(id, level)| {
                let severity = match level {
                    Level::Error => Severity::Error,
                    Level::Warning => Severity::Warning,
                    Level::Note => Severity::Note,
                };
                (id, severity)
            })
            .collect(),
    });
    (selection, findings)
}
