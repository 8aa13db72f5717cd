//! Mistakes, found before anyone asks.
//!
//! A lint is one file, and one line in [`LINTS`]: what it is about, and a function from the
//! cluster, its relation and the manifests as they are written to what it finds. It says what is
//! probably wrong and where, shows a flow where there is one, and offers a change where that is
//! certain. A lint that finds nothing proves nothing.

mod config;
mod found;
mod view;

mod in001_no_service;
mod in002_no_port;
mod in003_tls;
mod in004_class;
mod in005_same_path;
mod in006_any_host;
mod in007_retired_controller;
mod in008_external_name;
mod np001_invalid;
mod np002_unknown_field;
mod np003_ignored_rules;
mod np004_implicit_policy_types;
mod np005_missing_protocol;
mod np006_host_bits;
mod np007_duplicate;
mod np008_namespace;
mod np010_selects_nothing;
mod np011_peer_selects_nothing;
mod np012_no_namespace;
mod np013_namespace_name_label;
mod np014_dash;
mod np015_cross_namespace;
mod np016_absent_label;
mod np017_volatile_label;
mod np018_host_network;
mod np020_all_peers;
mod np021_any_address;
mod np022_nullified_deny;
mod np023_not_isolated;
mod np024_no_default_deny;
mod np025_all_namespaces;
mod np026_metadata_service;
mod np027_one_family;
mod np028_private_ranges;
mod np030_redundant_part;
mod np031_redundant_policy;
mod np032_unsatisfiable;
mod np033_except_undone;
mod np034_one_sided;
mod np040_no_dns;
mod np041_half_dns;
mod np042_dns_port;
mod np043_dns_selector;
mod np044_api_server;
mod np045_webhook;
mod np046_scrape;
mod np047_controller_blocked;
mod np048_http01;
mod np049_probes;
mod np050_service_port;
mod np051_undeclared_name;
mod np052_undeclared_number;
mod np053_name_means_several;
mod np054_wide_range;
mod np055_name_outside;
mod np066_icmp;
mod np070_tie;
mod np071_shadowed;
mod np072_unreachable;
mod np073_networks_inside;
mod np074_names;
mod np075_deprecated;
mod np076_baseline_name;
mod sv001_selects_nothing;
mod sv002_target_port;
mod sv003_protocol;
mod sv004_no_endpoints;
mod sv005_node_port;
mod sv006_open_balancer;
mod sv007_external_ips;
mod sv008_external_name;
mod sv009_local_traffic;
mod sv010_headless_port;
mod sv011_exposed_open;
mod sv012_several_apps;
mod sv013_host_port;

pub use config::{config_schema, parse_config};
pub use found::{Fix, Found, Witness};
pub use view::Context;

use crate::model::{Finding, Meta, Severity};
use rayon::prelude::*;

/// One lint.
#[derive(Clone, Copy, Debug)]
pub struct Lint {
    /// What it is about.
    pub meta: &'static Meta,
    /// How it finds.
    pub find: Find,
}

/// How a lint finds.
#[derive(Clone, Copy, Debug)]
pub enum Find {
    /// By looking.
    Looking(fn(&Context<'_>) -> Vec<Found>),
    /// By asking the solver, which takes its time: only when it is asked for.
    Solving(fn(&Context<'_>) -> Vec<Found>),
    /// Loading finds it already; the function says what mends a finding of it.
    Loading(fn(&Context<'_>, &Finding) -> Option<Fix>),
}

impl Lint {
    const fn new(meta: &'static Meta, find: fn(&Context<'_>) -> Vec<Found>) -> Lint {
        Lint {
            meta,
            find: Find::Looking(find),
        }
    }

    const fn solver(meta: &'static Meta, find: fn(&Context<'_>) -> Vec<Found>) -> Lint {
        Lint {
            meta,
            find: Find::Solving(find),
        }
    }
}

/// Every lint, in the order of the catalogue. A new one is a file of its own and a line here.
pub const LINTS: &[Lint] = &[
    np001_invalid::LINT,
    np002_unknown_field::LINT,
    np003_ignored_rules::LINT,
    np004_implicit_policy_types::LINT,
    np005_missing_protocol::LINT,
    np006_host_bits::LINT,
    np007_duplicate::LINT,
    np008_namespace::LINT,
    np010_selects_nothing::LINT,
    np011_peer_selects_nothing::LINT,
    np012_no_namespace::LINT,
    np013_namespace_name_label::LINT,
    np014_dash::LINT,
    np015_cross_namespace::LINT,
    np016_absent_label::LINT,
    np017_volatile_label::LINT,
    np018_host_network::LINT,
    np020_all_peers::LINT,
    np021_any_address::LINT,
    np022_nullified_deny::LINT,
    np023_not_isolated::LINT,
    np024_no_default_deny::LINT,
    np025_all_namespaces::LINT,
    np026_metadata_service::LINT,
    np027_one_family::LINT,
    np028_private_ranges::LINT,
    np030_redundant_part::LINT,
    np031_redundant_policy::LINT,
    np032_unsatisfiable::LINT,
    np033_except_undone::LINT,
    np034_one_sided::LINT,
    np040_no_dns::LINT,
    np041_half_dns::LINT,
    np042_dns_port::LINT,
    np043_dns_selector::LINT,
    np044_api_server::LINT,
    np045_webhook::LINT,
    np046_scrape::LINT,
    np047_controller_blocked::LINT,
    np048_http01::LINT,
    np049_probes::LINT,
    np050_service_port::LINT,
    np051_undeclared_name::LINT,
    np052_undeclared_number::LINT,
    np053_name_means_several::LINT,
    np054_wide_range::LINT,
    np055_name_outside::LINT,
    np066_icmp::LINT,
    np070_tie::LINT,
    np071_shadowed::LINT,
    np072_unreachable::LINT,
    np073_networks_inside::LINT,
    np074_names::LINT,
    np075_deprecated::LINT,
    np076_baseline_name::LINT,
    sv001_selects_nothing::LINT,
    sv002_target_port::LINT,
    sv003_protocol::LINT,
    sv004_no_endpoints::LINT,
    sv005_node_port::LINT,
    sv006_open_balancer::LINT,
    sv007_external_ips::LINT,
    sv008_external_name::LINT,
    sv009_local_traffic::LINT,
    sv010_headless_port::LINT,
    sv011_exposed_open::LINT,
    sv012_several_apps::LINT,
    sv013_host_port::LINT,
    in001_no_service::LINT,
    in002_no_port::LINT,
    in003_tls::LINT,
    in004_class::LINT,
    in005_same_path::LINT,
    in006_any_host::LINT,
    in007_retired_controller::LINT,
    in008_external_name::LINT,
];

/// Which lints are wanted, by id or the beginning of one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    /// Those to run, also where they are pedantic; the default set when empty.
    pub select: Vec<String>,
    /// Those not to run.
    pub ignore: Vec<String>,
    /// How bad findings are, where that is to differ.
    pub severity: Vec<(String, Severity)>,
}

impl Selection {
    /// Whether findings of an id are wanted; `is_extra` for those that are not in the default set.
    /// Of two prefixes the longer one decides, and to ignore wins over to select.
    pub fn wants(&self, id: &str, is_extra: bool) -> bool {
        let longest = |prefixes: &[String]| {
            let matching = prefixes.iter().filter(|prefix| is_of(id, prefix));
            matching.map(|prefix| prefix_length(prefix)).max()
        };
        match (longest(&self.select), longest(&self.ignore)) {
            (Some(select), Some(ignore)) => select > ignore,
            (None, Some(_)) => false,
            (Some(_), None) => true,
            (None, None) => self.select.is_empty() && !is_extra,
        }
    }

    /// How bad a finding of an id is, as the user has it.
    pub fn severity(&self, id: &str, own: Severity) -> Severity {
        let wanted = self.severity.iter().filter(|(prefix, _)| is_of(id, prefix));
        let wanted = wanted.max_by_key(|(prefix, _)| prefix_length(prefix));
        wanted.map_or(own, |(_, severity)| *severity)
    }
}

/// `ALL` stands for every lint.
fn is_of(id: &str, prefix: &str) -> bool {
    prefix == "ALL" || id.starts_with(prefix)
}

fn prefix_length(prefix: &str) -> usize {
    if prefix == "ALL" { 0 } else { prefix.len() }
}

/// What the lints find, and what loading found, as far as it is wanted; sorted by place. Lints run
/// on all cores.
pub fn lint(context: &Context<'_>, loading: &[Finding], selection: &Selection) -> Vec<Found> {
    let mut found: Vec<Found> = loading
        .iter()
        .map(|finding| {
            let own = LINTS.iter().find(|lint| lint.meta.id == finding.id);
            let fix = own.and_then(|lint| match lint.find {
                Find::Loading(fix) => fix(context, finding),
                Find::Looking(_) | Find::Solving(_) => None,
            });
            Found {
                finding: finding.clone(),
                is_pedantic: false,
                witness: None,
                fix,
            }
        })
        .collect();
    let wanted: Vec<&Lint> = LINTS
        .iter()
        .filter(|lint| selection.wants(lint.meta.id, matches!(lint.find, Find::Solving(_))))
        .collect();
    let parts: Vec<Vec<Found>> = wanted
        .par_iter()
        .map(|lint| match lint.find {
            Find::Looking(find) | Find::Solving(find) => find(context),
            Find::Loading(_) => Vec::new(),
        })
        .collect();
    found.extend(parts.into_iter().flatten());
    found.retain(|found| {
        let finding = &found.finding;
        // What loading could not read is said whatever is selected.
        let is_input = finding.id.starts_with("LD") && finding.severity == Severity::Error;
        let is_extra = found.is_pedantic || finding.severity == Severity::Note;
        is_input || selection.wants(finding.id, is_extra)
    });
    for found in &mut found {
        found.finding.severity = selection.severity(found.finding.id, found.finding.severity);
    }
    found.sort_by(|a, b| a.finding.cmp(&b.finding));
    found.dedup_by(|a, b| a.finding == b.finding);
    found
}
