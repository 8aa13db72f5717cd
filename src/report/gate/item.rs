//! One thing that a check has to say, whatever it comes from.

use crate::intent::Assertion;
use crate::model::{Cluster, Finding, Origin, Place, Related, Severity};
use crate::question::check::{CheckOutcome, Checked};
use crate::question::diff::{Cause, Group};
use crate::report::check::{deciding_places, reason_text};
use crate::report::diff::{Row, View, one_sided_places};
use crate::source::Target;

/// Whether something counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It does.
    Active,
    /// The manifests ask not to be told, and say why.
    Suppressed {
        /// Why.
        reason: String,
        /// Where.
        place: Place,
    },
    /// It was there when the baseline was written.
    Known,
}

/// One thing to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// The rule's id.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What there is to say: lowercase, no final period.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where.
    pub place: Place,
    /// Other places that matter.
    pub related: Vec<Related>,
    /// What it is whatever line it is on: equal for the same thing in two versions.
    pub fingerprint: String,
    /// Whether it counts.
    pub standing: Standing,
}

impl Item {
    /// Whether it counts.
    pub fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }
}

/// What a check comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing is at or above what it may fail on.
    Passed,
    /// Something is.
    Failed,
    /// Nothing is, and something is not known.
    Unknown,
}

impl Verdict {
    /// `passed`, `failed` or `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Unknown => "unknown",
        }
    }
}

/// What reading the manifests found.
pub fn finding_item(finding: &Finding) -> Item {
    Item {
        id: finding.id,
        severity: finding.severity,
        message: finding.message.clone(),
        help: finding.help.clone(),
        place: finding.place.clone(),
        related: finding.related.clone(),
        fingerprint: String::new(),
        standing: Standing::Active,
    }
}

/// What came of an assertion, unless it holds.
pub fn intent_item(cluster: &Cluster, assertion: &Assertion, checked: &Checked) -> Option<Item> {
    let (id, word) = match checked.outcome {
        CheckOutcome::Proved => return None,
        CheckOutcome::Violated(_) => ("IT005", "is violated"),
        CheckOutcome::Unknown { .. } => ("IT006", "is not known to hold"),
        CheckOutcome::Nothing { .. } => ("IT007", "is about nothing"),
        CheckOutcome::Unresolved => ("IT007", "cannot be resolved"),
    };
    let name = format!("`{}/{}`", assertion.intent, assertion.name);
    let reason = reason_text(cluster, assertion, checked);
    let related = deciding_places(cluster, checked).into_iter();
    let related = related.map(|(message, origin)| Related {
        place: node(&origin),
        message,
    });
    Some(Item {
        id,
        severity: Severity::Error,
        message: format!("{name} {word}: {reason}"),
        help: assertion.description.clone(),
        place: node(&Origin {
            document: assertion.origin.document,
            route: assertion.origin.route.clone().key("name"),
        }),
        related: related.collect(),
        fingerprint: String::new(),
        standing: Standing::Active,
    })
}

fn node(origin: &Origin) -> Place {
    Place::Node {
        origin: origin.clone(),
        target: Target::Value,
    }
}

/// What a change opens or closes; an error when it is refused.
pub fn diff_item(view: &View<'_>, group: &Group, row: &Row, is_refused: bool) -> Item {
    let id = match (row.is_exposed, row.is_added) {
        (true, _) => "DF003",
        (false, true) => "DF001",
        (false, false) => "DF002",
    };
    let mut places: Vec<(usize, Origin, String)> = Vec::new();
    for (cause, why) in group.causes.iter().zip(&row.why) {
        let own = match cause {
            Cause::Policy(policy) => policy.places.clone(),
            Cause::Relabelled(relabelled) => relabelled.places.clone(),
            Cause::Ingress(places) => places.clone(),
            Cause::NewWorkload | Cause::GoneWorkload => one_sided_places(view, group),
        };
        let own = own.into_iter();
        places.extend(own.map(|(side, origin)| (side, origin, why.what.clone())));
    }
    // Where it is now says more than where it was.
    places.sort_by_key(|(side, _, _)| std::cmp::Reverse(*side));
    let mut places = places
        .into_iter()
        .map(|(_, origin, what)| (node(&origin), what));
    let first = places.next();
    let [_, new] = view.names;
    let whats: Vec<&str> = row.why.iter().map(|why| why.what.as_str()).collect();
    let can = match row.is_added {
        true => "can newly reach",
        false => "can no longer reach",
    };
    let sure = match row.change {
        "added" | "removed" => String::new(),
        other => format!(" ({other})"),
    };
    Item {
        id,
        severity: if is_refused {
            Severity::Error
        } else {
            Severity::Note
        },
        message: format!(
            "{} {can} {} on {}{sure}: {}",
            row.from,
            row.to,
            row.on,
            whats.join(", ")
        ),
        help: None,
        place: first.map_or_else(|| Place::Input(new.to_owned()), |(place, _)| place),
        related: places
            .take(8)
            .map(|(place, message)| Related { place, message })
            .collect(),
        fingerprint: String::new(),
        standing: Standing::Active,
    }
}
