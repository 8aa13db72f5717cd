//! Every rule that a check can report by, with help: the catalogue that SARIF shows.

use crate::lint::LINTS;
use crate::model::{Meta, Severity};

const fn rule_of(
    id: &'static str,
    name: &'static str,
    severity: Severity,
    summary: &'static str,
    help: &'static str,
) -> Meta {
    Meta {
        id,
        name,
        summary,
        help,
        severity,
    }
}

/// Those that are no lint, by id.
const RULES: &[Meta] = &[
    rule_of(
        "DF001",
        "connection-added",
        Severity::Note,
        "a change opens connections",
        "What the new manifests allow and the old ones did not. Make sure that it is meant; \
         `--deny added` refuses it.",
    ),
    rule_of(
        "DF002",
        "connection-removed",
        Severity::Note,
        "a change closes connections",
        "What the old manifests allowed and the new ones do not. Make sure that nothing needs \
         it; `--deny removed` refuses it.",
    ),
    rule_of(
        "DF003",
        "exposed-to-internet",
        Severity::Error,
        "a change lets the internet in",
        "Addresses that are not private, or the ingress controller, can newly reach pods. \
         Narrow the peer, for example with `ipBlock`; `--deny none` accepts it.",
    ),
    rule_of(
        "GT001",
        "suppression-without-reason",
        Severity::Warning,
        "a suppression gives no reason, and does not count",
        "Write why behind the id: `# portolan:ignore NP006 agreed with the platform team`.",
    ),
    rule_of(
        "GT002",
        "unused-suppression",
        Severity::Note,
        "a suppression is about nothing",
        "What it was about is gone, or it stands on another line: remove it, or put it on the \
         line or directly above.",
    ),
    rule_of(
        "IT001",
        "intent-invalid",
        Severity::Error,
        "an intent cannot be read",
        "An intent with a mistake in it is left out as a whole. docs/intents.md says what may \
         be in one.",
    ),
    rule_of(
        "IT002",
        "intent-duplicate",
        Severity::Error,
        "two intents have one name",
        "Give each intent a name of its own.",
    ),
    rule_of(
        "IT003",
        "intent-selects-nothing",
        Severity::Warning,
        "an endpoint of an assertion selects nothing",
        "Correct the selector, or add what it should select to the input.",
    ),
    rule_of(
        "IT004",
        "intent-unknown-name",
        Severity::Error,
        "an assertion names something that is not there",
        "Correct the name, or add what it names to the input.",
    ),
    rule_of(
        "IT005",
        "intent-violated",
        Severity::Error,
        "an assertion does not hold",
        "There is a flow that is not as intended: it is shown with the policies that decide. \
         Change the policy, or the intent if it is outdated.",
    ),
    rule_of(
        "IT006",
        "intent-unknown",
        Severity::Error,
        "it is not known whether an assertion holds",
        "It depends on addresses that pods will get, or the solver gave up. `--pod-cidr` and \
         `--rlimit` can help.",
    ),
    rule_of(
        "IT007",
        "intent-about-nothing",
        Severity::Error,
        "an assertion is about nothing",
        "It selects nothing, or names something that is not there, so it would hold whatever \
         the policies say. Correct the selector or the name.",
    ),
    rule_of(
        "LD001",
        "syntax",
        Severity::Error,
        "a document is neither YAML nor JSON",
        "kubectl cannot read it either. Templates have to be rendered first.",
    ),
    rule_of(
        "LD002",
        "no-object",
        Severity::Error,
        "a document is not a Kubernetes object",
        "It has no `apiVersion` and `kind`, or ones that the API server does not know.",
    ),
    rule_of(
        "LD003",
        "not-analysed",
        Severity::Warning,
        "a kind that can change connectivity and is not analysed",
        "The answer leaves it out. `--strict` fails on it.",
    ),
    rule_of(
        "LD004",
        "ambiguous-scalar",
        Severity::Warning,
        "a value that kubectl reads differently than it looks",
        "YAML 1.1 reads `yes`, `on` and `010` as a truth value and a number: put text in \
         quotes.",
    ),
    rule_of(
        "LD005",
        "unreadable",
        Severity::Error,
        "a file could not be read",
        "An answer without it may be wrong.",
    ),
    rule_of(
        "LD006",
        "unseen-by-kubectl",
        Severity::Warning,
        "a document that YAML knows and kubectl does not see",
        "Separate documents with a line `---` that has nothing else on it.",
    ),
    rule_of(
        "LD007",
        "part-not-analysed",
        Severity::Warning,
        "a part of a policy that is not understood or not analysed",
        "Its rule fails closed: it lets nobody through for that part, or denies everything.",
    ),
];

/// All of them, lints included, by id.
pub fn rules() -> Vec<&'static Meta> {
    let lints = LINTS.iter().map(|lint| lint.meta);
    let mut all: Vec<&Meta> = RULES.iter().chain(lints).collect();
    all.sort_by_key(|rule| rule.id);
    all
}

/// The rule of an id.
pub fn rule(id: &str) -> Option<&'static Meta> {
    rules().into_iter().find(|rule| rule.id == id)
}
