//! Proposed changes, as patches with what each opens, for people and as JSON.

use super::answer_json::{AllowJson, allow_json, names};
use super::finding::counted;
use super::map::columns::{Content, wrap};
use super::snippet::Style;
use super::words::who_text_in_full;
use crate::model::Cluster;
use crate::question::fix::{Fixes, Opened, Proof, Proposal};
use schemars::JsonSchema;
use serde::Serialize;
use similar::TextDiff;

/// The proposals as text, the best first, each with its patch.
pub fn render_fixes(cluster: &Cluster, fixes: &Fixes, style: Style) -> String {
    let mut text = String::from("\n");
    let n_told = fixes.proposals.len();
    if n_told > 0 {
        let ways = match n_told {
            1 => "1 way".to_owned(),
            n => format!("{n} ways"),
        };
        text.push_str(&format!(
            "{ways} to allow it, those that open least else first; nothing was written\n"
        ));
    }
    for obstacle in &fixes.obstacles {
        text.push_str(&paragraph(obstacle, style, ""));
    }
    for (index, proposal) in fixes.proposals.iter().enumerate() {
        text.push('\n');
        text.push_str(&one(cluster, proposal, index.saturating_add(1), style));
    }
    text
}

fn one(cluster: &Cluster, proposal: &Proposal, number: usize, style: Style) -> String {
    let mut text = String::new();
    for (nth, change) in proposal.changes.iter().enumerate() {
        let lead = match nth {
            0 => format!("{number}. "),
            _ => "   ".to_owned(),
        };
        text.push_str(&paragraph(change, style, &lead));
    }
    if proposal.extra.is_empty() {
        text.push_str("   opens nothing else of what is in the input\n");
    } else {
        let n = proposal.extra.len();
        text.push_str(&format!(
            "   opens {} too:\n",
            counted(n, "other connection")
        ));
        for opened in &proposal.extra {
            text.push_str(&paragraph(&opened_text(cluster, opened), style, "   - "));
        }
    }
    for note in &proposal.notes {
        text.push_str(&paragraph(note, style, "   "));
    }
    text.push_str(&paragraph(&proof_text(&proposal.proof), style, "   "));
    text.push('\n');
    text.push_str(&patch(proposal));
    text
}

fn paragraph(line: &str, style: Style, lead: &str) -> String {
    let indent = " ".repeat(lead.chars().count());
    let width = style.width.saturating_sub(indent.len()).max(20);
    let wrapped = wrap(line, width, Content::Words);
    format!("{lead}{}\n", wrapped.replace('\n', &format!("\n{indent}")))
}

fn opened_text(cluster: &Cluster, opened: &Opened) -> String {
    let family = opened
        .family
        .map_or_else(String::new, |family| format!(" over {}", family.name()));
    let traffic = match opened.traffic.is_all() {
        true => "every port".to_owned(),
        false => opened.traffic.to_string(),
    };
    let maybe = match opened.is_certain {
        true => "",
        false => " (perhaps: it depends on what the input does not say)",
    };
    format!(
        "{} to {}{family}: {traffic}{maybe}",
        who_text_in_full(cluster, &opened.source),
        who_text_in_full(cluster, &opened.destination),
    )
}

fn proof_text(proof: &Proof) -> String {
    match proof {
        Proof::Proved => "proved, for all pods that could be created and all addresses: the \
                          policies allow no more than they did, but for this"
            .to_owned(),
        Proof::Refuted => "NOT proved: the solver found more that it opens. This is a bug, please \
                           report it; do not take this one"
            .to_owned(),
        Proof::Unknown { reason } => {
            format!("not proved for pods to come: the solver gave up: {reason}")
        }
    }
}

/// A unified diff of all files, as `git apply` and `patch` read it.
fn patch(proposal: &Proposal) -> String {
    let mut text = String::new();
    for (name, before, after) in &proposal.files {
        let shown = name.trim_start_matches("./");
        let old_name = match before {
            Some(_) => format!("a/{shown}"),
            None => "/dev/null".to_owned(),
        };
        let before = before.as_deref().unwrap_or_default();
        let diff = TextDiff::from_lines(before, after);
        let mut unified = diff.unified_diff();
        let unified = unified
            .context_radius(3)
            .header(&old_name, &format!("b/{shown}"));
        text.push_str(&unified.to_string());
    }
    text
}

/// One proposal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProposalJson {
    /// What it does, one sentence for each change.
    pub changes: Vec<String>,
    /// The change as a unified diff.
    pub patch: String,
    /// What it opens beyond what was asked, of all there is in the input.
    pub extra: Vec<OpenedJson>,
    /// What to know besides.
    pub notes: Vec<String>,
    /// `proved`, `refuted` or `unknown`: whether the policies allow no more than they did but for
    /// this, to all pods that could be created and all addresses.
    pub proof: String,
}

/// Connections that a proposal opens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenedJson {
    /// Who can open them: names of pods, or CIDR blocks.
    pub sources: Vec<String>,
    /// To whom.
    pub destinations: Vec<String>,
    /// `IPv4` or `IPv6`, when it is one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// On what.
    pub allowed: Vec<AllowJson>,
    /// Whether it is certain; else it depends on what the input does not say.
    pub certain: bool,
}

/// The proposals as JSON.
pub fn fixes_json(cluster: &Cluster, fixes: &Fixes) -> Vec<ProposalJson> {
    let each = fixes.proposals.iter().map(|proposal| ProposalJson {
        changes: proposal.changes.clone(),
        patch: patch(proposal),
        extra: proposal
            .extra
            .iter()
            .map(|opened| OpenedJson {
                sources: names(cluster, &opened.source),
                destinations: names(cluster, &opened.destination),
                family: opened.family.map(|family| family.name().to_owned()),
                allowed: allow_json(&opened.traffic),
                certain: opened.is_certain,
            })
            .collect(),
        notes: proposal.notes.clone(),
        proof: match &proposal.proof {
            Proof::Proved => "proved",
            Proof::Refuted => "refuted",
            Proof::Unknown { .. } => "unknown",
        }
        .to_owned(),
    });
    each.collect()
}
