//! The answer to "can A reach B" for people: the verdict first, then why, on the lines of the
//! manifests.

use super::snippet::{Drawing, Mark, Sign, Style, place_text};
use super::words::{policy_name, policy_names, who_text};
use crate::model::{
    Action, Cluster, Direction, Origin, PeerKind, PolicyId, Reason, Rule, RuleRef, Side, Tier,
    TrafficSet,
};
use crate::question::can::{Answer, Example, Hop, Overall, Piece, Who};
use crate::question::near::{Miss, NearMiss};
use crate::source::{Route, Sources};
use std::collections::BTreeSet;

/// What an answer is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The texts.
    pub sources: &'a Sources,
    /// How to draw.
    pub style: Style,
    /// The two ends as the user put them.
    pub from: &'a str,
    /// See `from`.
    pub to: &'a str,
}

/// The whole answer as text.
pub fn render_answer(context: Context<'_>, answer: &Answer) -> String {
    let mut text = headline(context, answer);
    for (first, second) in &answer.ties {
        text.push_str(&format!(
            "  {} and {} have the same priority, and which one wins is not defined: give them different ones\n",
            policy_name(context.cluster, *first),
            policy_name(context.cluster, *second),
        ));
    }
    let n_hops = answer.hops.len();
    for (index, hop) in answer.hops.iter().enumerate() {
        let number = index.saturating_add(1);
        if n_hops > 1 {
            let verdict = paint(context.style, hop.overall, hop.overall.name());
            text.push_str(&format!("\n{number}. {}: {verdict}\n", hop.title));
        }
        // A step that nothing stops is told in a line or two, but for the last of the whole way.
        let is_end = number == n_hops && answer.overall == Overall::Yes;
        text.push_str(
            &match hop.overall == Overall::Yes && n_hops > 1 && !is_end {
                true => passed_hop(context, hop),
                false => render_hop(context, hop, n_hops > 1 || hop.pieces.len() > 1),
            },
        );
    }
    text
}

/// The verdict, on what, and when it is not yes the first step that makes it so.
fn headline(context: Context<'_>, answer: &Answer) -> String {
    let (from, to) = (context.from, context.to);
    let word = paint(context.style, answer.overall, answer.overall.name());
    let decisive = match answer.overall {
        Overall::Yes => answer.hops.last(),
        overall => answer.hops.iter().find(|hop| hop.overall == overall),
    };
    if !answer.ties.is_empty() && answer.overall == Overall::Unknown {
        return format!(
            "{word}: whether {from} can reach {to} is not defined: policies of the same priority disagree\n"
        );
    }
    let n_hops = answer.hops.len();
    let is_last = answer.hops.last() == decisive;
    let on = decisive.map_or_else(String::new, |hop| match &hop.cause {
        Some(cause) => format!(": {cause}"),
        None if is_last && (n_hops == 1 || !context.to.starts_with("ingress:")) => {
            format!("{}{}", traffic_summary(hop), hairpin(context, hop))
        }
        None if answer.overall == Overall::Yes => String::new(),
        None => format!(": policy stops it {}", hop.title),
    });
    match answer.overall {
        Overall::Yes => format!("{word}: {from} can reach {to}{on}\n"),
        Overall::No => format!("{word}: {from} cannot reach {to}{on}\n"),
        Overall::Partly => match decisive.and_then(|hop| hop.cause.as_ref()) {
            Some(cause) => format!("{word}: {from} can reach {to} in part: {cause}\n"),
            None => format!("{word}: {from} can reach {to} in part\n"),
        },
        Overall::Unknown => {
            let because = decisive.and_then(|hop| hop.cause.as_ref());
            let because = because.map_or_else(String::new, |cause| format!(": {cause}"));
            format!("{word}: whether {from} can reach {to} is not decided by the input{because}\n")
        }
    }
}

/// A step that was passed: its notes, and who lets it through.
fn passed_hop(context: Context<'_>, hop: &Hop) -> String {
    let mut text = String::new();
    for note in &hop.notes {
        text.push_str(&format!("  {note}\n"));
    }
    for piece in &hop.pieces {
        let Some(example) = &piece.example else {
            text.push_str(&format!("  {}", piece_line(context, piece)));
            continue;
        };
        let sides = [
            (Direction::Egress, &example.evaluation.egress, &piece.source),
            (
                Direction::Ingress,
                &example.evaluation.ingress,
                &piece.destination,
            ),
        ];
        for (direction, side, who) in sides {
            if *who == Who::AssumedDns {
                continue;
            }
            let who = who_text(context.cluster, who);
            let title = format!("{} of {who}", direction.name());
            let line = match &side.reason {
                Reason::Rules { rules, .. } => rules.first().map(|first| {
                    let name = policy_name(context.cluster, first.policy);
                    let place = rule_of(context.cluster, first).map(|(origin, rule)| {
                        let origin = origin_at(origin, &rule.route);
                        place_text(context.sources, &Mark::value(origin, "").place)
                    });
                    let place = place.unwrap_or_default();
                    format!("{title}: allowed by {name} ({place})\n")
                }),
                _ => Some(explain_side(context, direction, side, &who, None)),
            };
            if let Some(line) = line.filter(|line| !line.is_empty()) {
                text.push_str(&format!("  {line}"));
            }
        }
    }
    text
}

/// What to say when a Service leads its own pods back to themselves, which implementations treat
/// differently (N25).
fn hairpin(context: Context<'_>, hop: &Hop) -> &'static str {
    let is_service = ["service:", "svc:"]
        .iter()
        .any(|kind| context.to.starts_with(kind));
    let leads_back = hop
        .pieces
        .iter()
        .any(|piece| piece.source == piece.destination);
    match (is_service && leads_back, hop.overall) {
        (true, Overall::No) => ": a hairpin, and to policy a replica calls like any other pod",
        (true, _) => "; to the very same pod (a hairpin) it differs between CNIs",
        (false, _) => "",
    }
}

/// ` on TCP 7070`, when all pieces of the hop say the same.
fn traffic_summary(hop: &Hop) -> String {
    let shown = |piece: &Piece| match hop.overall {
        Overall::Yes => piece.allowed.clone(),
        _ => piece.asked.clone(),
    };
    let mut all = hop.pieces.iter().map(shown);
    let Some(first) = all.next() else {
        return String::new();
    };
    if all.any(|other| other != first) {
        return String::new();
    }
    match (first.is_all(), hop.overall) {
        (true, Overall::Yes) => " on every port".to_owned(),
        (true, _) => " on any port".to_owned(),
        (false, _) => format!(" on {first}"),
    }
}

fn paint(style: Style, overall: Overall, word: &str) -> String {
    let code = match overall {
        Overall::Yes => "1;32",
        Overall::No => "1;31",
        Overall::Partly | Overall::Unknown => "1;33",
    };
    if style.colour {
        format!("\u{1b}[{code}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}

fn render_hop(context: Context<'_>, hop: &Hop, name_ends: bool) -> String {
    let mut text = String::new();
    for note in &hop.notes {
        text.push_str(&format!("  {note}\n"));
    }
    if let Some(cause) = &hop.cause
        && !hop.evidence.is_empty()
    {
        let marks: Vec<Mark> = hop
            .evidence
            .iter()
            .map(|evidence| Mark::value(evidence.origin.clone(), &evidence.label))
            .collect();
        let sign = match hop.overall {
            Overall::No | Overall::Partly => Sign::No,
            Overall::Unknown => Sign::Unknown,
            Overall::Yes => Sign::Yes,
        };
        let drawing = Drawing::new(context.sources, cause, &marks).with_sign(sign);
        text.push_str(&drawing.render(context.style));
    }
    for piece in &hop.pieces {
        text.push('\n');
        if name_ends {
            text.push_str(&piece_line(context, piece));
        }
        if let Some(example) = &piece.example {
            text.push_str(&explain(context, piece, example));
        }
    }
    text
}

fn piece_line(context: Context<'_>, piece: &Piece) -> String {
    let source = who_text(context.cluster, &piece.source);
    let destination = who_text(context.cluster, &piece.destination);
    let family = piece
        .family
        .map_or_else(String::new, |family| format!(" over {}", family.name()));
    let denied = piece
        .asked
        .difference(&piece.allowed)
        .difference(&piece.unknown);
    let mut says = Vec::new();
    let mut say = |overall, traffic: &TrafficSet| {
        if !traffic.is_none() {
            let word = paint(context.style, overall, overall.name());
            says.push(format!("{word} on {}", traffic_words(traffic)));
        }
    };
    say(Overall::Yes, &piece.allowed);
    say(Overall::Unknown, &piece.unknown);
    if piece.allowed.is_none() && piece.unknown.is_none() {
        say(Overall::No, &denied);
    }
    format!("{source} to {destination}{family}: {}\n", says.join(", "))
}

fn traffic_words(traffic: &TrafficSet) -> String {
    if traffic.is_all() {
        "every port".to_owned()
    } else {
        traffic.to_string()
    }
}

/// Both sides of the example, each with the lines that decide it.
fn explain(context: Context<'_>, piece: &Piece, example: &Example) -> String {
    let mut text = String::new();
    let sides = [
        (Direction::Egress, &example.evaluation.egress, &piece.source),
        (
            Direction::Ingress,
            &example.evaluation.ingress,
            &piece.destination,
        ),
    ];
    for (direction, side, who) in sides {
        // Nothing is known of the policies where it is.
        if *who == Who::AssumedDns {
            continue;
        }
        let who = who_text(context.cluster, who);
        let near = example
            .near
            .iter()
            .find(|(d, _)| *d == direction)
            .map(|(_, near)| near);
        text.push_str(&explain_side(context, direction, side, &who, near));
    }
    text
}

pub(super) fn explain_side(
    context: Context<'_>,
    direction: Direction,
    side: &Side,
    who: &str,
    near: Option<&Vec<NearMiss>>,
) -> String {
    let title = format!("{} of {who}", direction.name());
    match &side.reason {
        // The other side says all there is to say.
        Reason::NotAPod => String::new(),
        Reason::HostNetwork => {
            format!("{title}: allowed, since the pod is on its node's network (N27)\n")
        }
        Reason::Loopback => format!("{title}: allowed, since a pod always reaches itself (N25)\n"),
        Reason::OwnNode => {
            format!("{title}: allowed, since a node always reaches its own pods (N26)\n")
        }
        Reason::NotIsolated if side.selecting.is_empty() => {
            format!(
                "{title}: allowed, since no policy selects it for {}\n",
                direction.name()
            )
        }
        Reason::NotIsolated => {
            let has_passed = |id: &&PolicyId| side.passed.iter().any(|rule| rule.policy == **id);
            let others = side.selecting.iter().filter(|id| !has_passed(id));
            let others: Vec<PolicyId> = others.copied().collect();
            let passed = passed_on(context, side);
            let passed = if passed.is_empty() { "," } else { &passed };
            let undecided = match others.is_empty() {
                true => String::new(),
                false => format!(
                    "no rule of {} decides, and ",
                    policy_names(context.cluster, &others)
                ),
            };
            format!(
                "{title}: allowed{passed} since {undecided}no NetworkPolicy isolates it for {}\n",
                direction.name()
            )
        }
        Reason::Rules {
            action,
            rules,
            tier,
        } => {
            let (verb, sign) = match action {
                Action::Accept => ("allowed", Sign::Yes),
                Action::Deny => ("denied", Sign::No),
                Action::Pass => ("passed on", Sign::Unknown),
            };
            let tier = match tier {
                Tier::NetworkPolicy => String::new(),
                tier => format!(" in the {} tier", tier.name()),
            };
            let passed = passed_on(context, side);
            let message = format!("{title}: {verb}{tier}{passed} by ");
            rules_drawing(context, &message, sign, rules)
        }
        Reason::Isolated { .. } => isolated(context, direction, side, &title, near),
        Reason::Tied { rules } => tied(context, &title, rules),
        Reason::Undecidable { rules } => {
            let names = rules
                .iter()
                .filter_map(|rule| name_of(context.cluster, rule));
            let names: BTreeSet<String> = names.collect();
            let on = match names.first() {
                Some(name) => format!("on the addresses of `{name}`"),
                None => "on who exactly asks".to_owned(),
            };
            let message = format!("{title}: depends {on}; this may match: ");
            rules_drawing(context, &message, Sign::Unknown, rules)
        }
    }
}

/// Policies of the same priority that decide differently, each with what it comes to.
fn tied(context: Context<'_>, title: &str, rules: &[(Action, RuleRef)]) -> String {
    let outcome = |action: Action| match action {
        Action::Accept => "allows it",
        Action::Deny => "denies it",
        Action::Pass => "passes it on",
    };
    let each = rules.iter().map(|(action, rule)| {
        let name = policy_name(context.cluster, rule.policy);
        format!("{name} {}", outcome(*action))
    });
    let message = format!(
        "{title}: not defined, since {}, with the same priority",
        each.collect::<Vec<_>>().join(", and ")
    );
    let marks = rules.iter().filter_map(|(action, reference)| {
        let (origin, rule) = rule_of(context.cluster, reference)?;
        Some(Mark::value(
            origin_at(origin, &rule.route),
            outcome(*action),
        ))
    });
    let marks: Vec<Mark> = marks.collect();
    Drawing::new(context.sources, message, &marks)
        .with_sign(Sign::Unknown)
        .render(context.style)
}

/// What passed to the next tier before it was decided.
fn passed_on(context: Context<'_>, side: &Side) -> String {
    let mut policies: Vec<PolicyId> = side.passed.iter().map(|rule| rule.policy).collect();
    policies.dedup();
    match policies.is_empty() {
        true => String::new(),
        false => format!(
            ", passed on by {},",
            policy_names(context.cluster, &policies)
        ),
    }
}

/// The rules that decided: all named, the first drawn.
fn rules_drawing(context: Context<'_>, message: &str, sign: Sign, rules: &[RuleRef]) -> String {
    let mut policies: Vec<PolicyId> = rules.iter().map(|rule| rule.policy).collect();
    policies.dedup();
    let message = format!("{message}{}", policy_names(context.cluster, &policies));
    let Some(first) = rules.first() else {
        return format!("{message}\n");
    };
    let marks = rule_marks(context.cluster, first);
    Drawing::new(context.sources, message, &marks)
        .with_sign(sign)
        .render(context.style)
}

fn rule_of<'a>(cluster: &'a Cluster, reference: &RuleRef) -> Option<(&'a Origin, &'a Rule)> {
    let policy = cluster.policy(reference.policy)?;
    let rule = policy.rules(reference.direction)?.get(reference.rule)?;
    Some((&policy.origin, rule))
}

/// The name that a rule's peer is about, if it is about one.
fn name_of(cluster: &Cluster, reference: &RuleRef) -> Option<String> {
    let (_, rule) = rule_of(cluster, reference)?;
    match &rule.peers.as_ref()?.get(reference.peer?)?.kind {
        PeerKind::Domain { pattern, .. } => Some(cluster.symbols.name(*pattern).to_owned()),
        _ => None,
    }
}

fn origin_at(policy: &Origin, route: &Route) -> Origin {
    Origin {
        document: policy.document,
        route: route.clone(),
    }
}

/// Marks on the peer and the port that matched; on the rule, when it has neither.
fn rule_marks(cluster: &Cluster, reference: &RuleRef) -> Vec<Mark> {
    let Some((origin, rule)) = rule_of(cluster, reference) else {
        return Vec::new();
    };
    let mut marks = Vec::new();
    let peer = reference
        .peer
        .and_then(|index| rule.peers.as_ref()?.get(index));
    if let Some(peer) = peer {
        marks.push(Mark::value(origin_at(origin, &peer.route), "this peer"));
    }
    let port = reference
        .port
        .and_then(|index| rule.ports.as_ref()?.get(index));
    if let Some(port) = port {
        marks.push(Mark::value(origin_at(origin, &port.route), "this port"));
    }
    if marks.is_empty() {
        let label = "this rule, for everyone and every port";
        marks.push(Mark::value(origin_at(origin, &rule.route), label));
    }
    marks
}

/// No rule matched: who isolates, and the nearest rule with what it misses.
fn isolated(
    context: Context<'_>,
    direction: Direction,
    side: &Side,
    title: &str,
    near: Option<&Vec<NearMiss>>,
) -> String {
    // Policies of other tiers have rules, and do not isolate.
    let is_isolating = |id: &PolicyId| {
        let policy = context.cluster.policy(*id);
        policy.is_some_and(|policy| policy.tier == Tier::NetworkPolicy)
    };
    let isolating: Vec<PolicyId> = side
        .selecting
        .iter()
        .copied()
        .filter(is_isolating)
        .collect();
    let n_rules: usize = isolating
        .iter()
        .filter_map(|&id| context.cluster.policy(id)?.rules(direction))
        .map(<[Rule]>::len)
        .sum();
    let why = match n_rules {
        0 if isolating.len() == 1 => "which allows nothing".to_owned(),
        0 => "which allow nothing".to_owned(),
        1 => "whose one rule does not match".to_owned(),
        n => format!("none of whose {n} rules matches"),
    };
    let names = policy_names(context.cluster, &isolating);
    let passed = passed_on(context, side);
    let passed = if passed.is_empty() { "," } else { &passed };
    let message = format!("{title}: denied{passed} isolated by {names}, {why}");
    match near.and_then(|near| near.first()) {
        Some(nearest) => {
            let marks = miss_marks(context.cluster, nearest);
            let help = nearest_help(context.cluster, nearest);
            Drawing::new(context.sources, message, &marks)
                .with_help(Some(help))
                .with_sign(Sign::No)
                .render(context.style)
        }
        None => {
            let marks: Vec<Mark> = isolating
                .iter()
                .take(1)
                .filter_map(|&id| policy_mark(context.cluster, id))
                .collect();
            let help = format!("no rule allows any {} here: add one", direction.name());
            Drawing::new(context.sources, message, &marks)
                .with_help(Some(help))
                .with_sign(Sign::No)
                .render(context.style)
        }
    }
}

/// Which rule comes nearest, by its place in its policy.
fn nearest_help(cluster: &Cluster, nearest: &NearMiss) -> String {
    let rule = rule_of(cluster, &nearest.rule).map_or_else(String::new, |(origin, rule)| {
        let steps = rule.route.steps();
        let inside = steps.get(origin.route.steps().len()..).unwrap_or(steps);
        inside.iter().cloned().collect::<Route>().to_string()
    });
    format!(
        "nearest is `{rule}` of {}",
        policy_name(cluster, nearest.rule.policy)
    )
}

pub(super) fn policy_mark(cluster: &Cluster, id: PolicyId) -> Option<Mark> {
    let origin = &cluster.policy(id)?.origin;
    let selector = origin.route.clone().key("spec").key("podSelector");
    Some(Mark::value(origin_at(origin, &selector), "selects it"))
}

fn miss_marks(cluster: &Cluster, near: &NearMiss) -> Vec<Mark> {
    let Some((origin, rule)) = rule_of(cluster, &near.rule) else {
        return Vec::new();
    };
    let peer = near
        .rule
        .peer
        .and_then(|index| rule.peers.as_ref()?.get(index));
    let wrong_port = near
        .misses
        .iter()
        .find(|miss| matches!(miss, Miss::Port { .. }));
    let wrong_peer: Vec<&Miss> = near
        .misses
        .iter()
        .filter(|miss| !matches!(miss, Miss::Port { .. }))
        .collect();
    let mut marks = Vec::new();
    if let Some(peer) = peer {
        let label = match wrong_peer.as_slice() {
            [] => "this peer matches".to_owned(),
            misses => misses
                .iter()
                .map(|miss| miss_text(miss))
                .collect::<Vec<_>>()
                .join("; "),
        };
        marks.push(Mark::value(origin_at(origin, &peer.route), label));
    }
    if let (Some(miss), Some(port)) = (
        wrong_port,
        rule.ports.as_ref().and_then(|ports| ports.first()),
    ) {
        marks.push(Mark::value(origin_at(origin, &port.route), miss_text(miss)));
    }
    if marks.is_empty() {
        marks.push(Mark::value(
            origin_at(origin, &rule.route),
            misses_text(&near.misses),
        ));
    }
    marks
}

fn misses_text(misses: &[Miss]) -> String {
    misses.iter().map(miss_text).collect::<Vec<_>>().join("; ")
}

/// What a rule misses, in words.
pub fn miss_text(miss: &Miss) -> String {
    let has = |found: &Option<String>| match found {
        Some(found) => format!("and it is `{found}`"),
        None => "and there is none".to_owned(),
    };
    match miss {
        Miss::Port { allowed } => format!("it allows {}", allowed.join(", ")),
        Miss::PodLabel { key, wanted, found } => {
            format!("label `{key}` has to be {wanted}, {}", has(found))
        }
        Miss::NamespaceLabel {
            namespace,
            key,
            wanted,
            found,
        } => format!(
            "label `{key}` of namespace `{namespace}` has to be {wanted}, {}",
            has(found)
        ),
        Miss::Namespace { wanted, found } => {
            format!("it is about pods of namespace `{wanted}`, not `{found}`")
        }
        Miss::Block {
            found: Some(found),
            except: Some(except),
            ..
        } => format!("`{found}` is cut out by `except: {except}`"),
        Miss::Block {
            cidr,
            found: Some(found),
            ..
        } => format!("`{found}` is not in `{cidr}`"),
        Miss::Block {
            cidr, found: None, ..
        } => {
            format!("it is about `{cidr}`, and the pod has no address yet")
        }
        Miss::NotAPod => "it is about pods by label".to_owned(),
        Miss::Domain { pattern } => format!("it is about `{pattern}`"),
    }
}
