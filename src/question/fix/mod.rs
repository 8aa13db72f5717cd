//! "What would make it a yes?": the smallest changes of the manifests that let a denied connection
//! through, each with exactly what else it opens.
//!
//! What policy denies is read off an [`Answer`] as *needs*, one for each side of each step. For
//! each there are a few ways to meet it (`amend`); a proposal meets all of them. It is applied to
//! the text, the text is loaded again, and what is said of it is said of that: that the question is
//! answered with yes, what else is open now (`extra`), and what the solver proves of pods to come
//! (`proof`). Nothing is written.

mod amend;
mod extra;
mod needs;
mod proof;
mod words;

pub use extra::Opened;
pub use proof::Proof;

use super::can::{Answer, CanError, Context, Overall, PortQuery, can};
use super::endpoint::Endpoint;
use super::ingress::ControllerChoice;
use crate::model::Cluster;
use crate::reach::Reach;
use crate::source::{Sources, apply_edits};
use crate::symbolic::Limits;
use amend::{Amendment, amendments};
use needs::needs;
use std::collections::BTreeMap;

/// At most so many ways are tried for one need,
const MAX_PER_NEED: usize = 5;
/// and so many proposals in all.
const MAX_TRIED: usize = 24;

/// A change of the manifests that makes the answer yes.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What it does, one sentence for each change.
    pub changes: Vec<String>,
    /// The files that change: name, text before (none for a new file), text after.
    pub files: Vec<(String, Option<String>, String)>,
    /// What it opens beyond what was asked, of all there is in the input.
    pub extra: Vec<Opened>,
    /// What to know besides.
    pub notes: Vec<String>,
    /// What is proved of pods that could be created.
    pub proof: Proof,
}

/// What can be done about a no.
#[derive(Clone, Debug, Default)]
pub struct Fixes {
    /// The proposals, those that open least else first.
    pub proposals: Vec<Proposal>,
    /// What stands in the way that no change of policy mends, or that was not understood.
    pub obstacles: Vec<String>,
}

/// Reads texts into a cluster, with the ingress controller that the user named.
pub type Load<'a> = dyn Fn(&Sources) -> Option<(Cluster, Option<ControllerChoice>)> + 'a;

/// What is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its relation.
    pub reach: &'a Reach,
    /// The texts that it was read from.
    pub sources: &'a Sources,
    /// Reads texts into a cluster, as the first ones were read; `None` where something in them is
    /// rejected that was not before.
    pub load: &'a Load<'a>,
    /// The ingress controller, when the user names it.
    pub controller: Option<&'a ControllerChoice>,
    /// Who calls.
    pub from: &'a Endpoint,
    /// Who is called.
    pub to: &'a Endpoint,
    /// On what.
    pub port: &'a PortQuery,
    /// What the solver may spend.
    pub limits: Limits,
    /// How many proposals to tell, at most.
    pub n_wanted: usize,
}

/// Proposes changes that make the answer yes. Each that is tried costs loading all texts again.
pub fn fixes(question: &Question<'_>, answer: &Answer) -> Result<Fixes, CanError> {
    let mut fixes = Fixes::default();
    let found = needs(question, answer, &mut fixes.obstacles);
    if found.is_empty() {
        return Ok(fixes);
    }
    let mut ways = Vec::new();
    for need in &found {
        let mut own = amendments(question, need);
        if own.is_empty() {
            fixes.obstacles.push(format!(
                "no change of policy that is understood lets {} through",
                need.text(question.cluster)
            ));
            return Ok(fixes);
        }
        own.truncate(MAX_PER_NEED);
        ways.push(own);
    }
    let mut chosen = choices(&ways);
    let breadth = |choice: &Vec<&Amendment>| choice.iter().map(|way| way.breadth).sum::<usize>();
    chosen.sort_by_cached_key(breadth);
    let mut tried: Vec<Attempt> = Vec::new();
    for choice in chosen {
        // Those to come are wider, and none opens less than nothing.
        if tried.iter().filter(|a| a.extra.is_empty()).count() >= question.n_wanted {
            break;
        }
        tried.extend(attempt(question, answer, &choice)?);
    }
    tried.sort_by_key(|attempt: &Attempt| {
        let files = attempt.files.iter();
        let n_new = files.filter(|(_, before, _)| before.is_none()).count();
        (
            attempt.n_extra(),
            attempt.breadth,
            attempt.changes.len(),
            n_new,
        )
    });
    tried.truncate(question.n_wanted);
    fixes.proposals = tried
        .into_iter()
        .map(|attempt| {
            let mut proof = proof::prove(question, &attempt.cluster, &attempt.grants);
            if proof == Proof::Proved {
                proof = proof::prove_labels(question, &attempt.cluster, answer, &attempt.extra);
            }
            Proposal {
                notes: proof::notes(&attempt.grants),
                changes: attempt.changes,
                files: attempt.files,
                extra: attempt.extra,
                proof,
            }
        })
        .collect();
    if fixes.proposals.is_empty() {
        fixes.obstacles.push(
            "none of the changes that were tried makes it a yes without closing something else"
                .to_owned(),
        );
    }
    Ok(fixes)
}

/// One way for each need: all combinations where they are few; else the first of each, and each
/// other way alone in its place.
fn choices(ways: &[Vec<Amendment>]) -> Vec<Vec<&Amendment>> {
    let n_all = ways
        .iter()
        .map(Vec::len)
        .try_fold(1usize, |n, own| n.checked_mul(own));
    if n_all.is_some_and(|n| n <= MAX_TRIED) {
        return ways.iter().fold(vec![Vec::new()], |chosen, own| {
            let extended = chosen.iter().flat_map(|before: &Vec<&Amendment>| {
                own.iter().map(move |way| {
                    let mut more = before.clone();
                    more.push(way);
                    more
                })
            });
            extended.collect()
        });
    }
    let first: Vec<&Amendment> = ways.iter().filter_map(|own| own.first()).collect();
    let mut chosen = vec![first.clone()];
    for (nth, own) in ways.iter().enumerate() {
        for way in own.iter().skip(1) {
            let mut other = first.clone();
            if let Some(place) = other.get_mut(nth) {
                *place = way;
            }
            chosen.push(other);
        }
    }
    // What all needs can do alike is usually wanted alike.
    let n_most = ways.iter().map(Vec::len).max().unwrap_or(0);
    for rank in 1..n_most {
        let alike: Option<Vec<&Amendment>> = ways.iter().map(|own| own.get(rank)).collect();
        chosen.extend(alike);
    }
    chosen.truncate(MAX_TRIED);
    chosen
}

/// A proposal that was applied, and works.
struct Attempt {
    changes: Vec<String>,
    files: Vec<(String, Option<String>, String)>,
    cluster: Cluster,
    grants: Vec<proof::Grant>,
    extra: Vec<Opened>,
    /// How much it opens to pods to come: the number of ends that are not told apart by labels.
    breadth: usize,
}

impl Attempt {
    fn n_extra(&self) -> usize {
        self.extra.iter().map(Opened::size).sum()
    }
}

/// Applies a choice; `None` when it cannot be, does not help, or closes something.
fn attempt(
    question: &Question<'_>,
    answer: &Answer,
    choice: &[&Amendment],
) -> Result<Option<Attempt>, CanError> {
    let mut changes: Vec<String> = Vec::new();
    let mut sets = Vec::new();
    let mut added: BTreeMap<String, String> = BTreeMap::new();
    for amendment in choice {
        if changes.contains(&amendment.says) {
            continue;
        }
        changes.push(amendment.says.clone());
        if !amendment.edits.is_empty() {
            sets.push(amendment.edits.clone());
        }
        if let Some((name, text)) = &amendment.new_file {
            added.insert(name.clone(), text.clone());
        }
    }
    let edited = apply_edits(question.sources, &sets);
    if edited.refusals.iter().any(Option::is_some) {
        return Ok(None);
    }
    let mut sources = Sources::default();
    let mut files = Vec::new();
    for (name, text) in question.sources.files() {
        let new = edited.files.get(name);
        sources.add_text(name, new.map_or(text, String::as_str));
        if let Some(new) = new {
            files.push((name.to_owned(), Some(text.to_owned()), new.clone()));
        }
    }
    for (name, text) in added {
        if question.sources.files().any(|(other, _)| *other == *name) {
            return Ok(None);
        }
        sources.add_text(name.clone(), text.clone());
        files.push((name, None, text));
    }
    let Some((cluster, controller)) = (question.load)(&sources) else {
        return Ok(None);
    };
    // Names of the question stand for the same in both, or the change is another than was meant.
    if cluster.pods.len() != question.cluster.pods.len()
        || cluster.services.len() != question.cluster.services.len()
    {
        return Ok(None);
    }
    let reach = Reach::new(&cluster);
    let context = Context {
        cluster: &cluster,
        reach: &reach,
        controller: controller.as_ref(),
    };
    let after = can(context, question.from, question.to, question.port)?;
    let is_met = after.hops.iter().all(|hop| {
        // What policy cannot mend may stay as it is.
        hop.overall == Overall::Yes || hop.pieces.iter().all(needs::is_open)
    });
    // What depends on which of two equal priorities wins is no yes.
    if !is_met || !after.ties.is_empty() {
        return Ok(None);
    }
    let Some(extra) = extra::extra(question, (&cluster, controller.as_ref()), answer) else {
        return Ok(None);
    };
    let grants: Option<Vec<proof::Grant>> = choice
        .iter()
        .map(|amendment| proof::grant_of(&cluster, amendment))
        .collect();
    let Some(grants) = grants else {
        return Ok(None);
    };
    Ok(Some(Attempt {
        breadth: choice.iter().map(|amendment| amendment.breadth).sum(),
        changes,
        files,
        cluster,
        grants,
        extra,
    }))
}
