//! NP071: an Admin rule that takes the decision from a NetworkPolicy.

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Action, Direction, Meta, PolicyId, Protocol, Severity, Tier};
use crate::reach::{GroupId, RuleBook, RuleBoxes, Traffic};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

const META: Meta = Meta {
    id: "NP071",
    name: "shadowed-by-admin",
    summary: "an Admin rule that denies all that a NetworkPolicy's rule allows, or lets in what it keeps out",
    help: "The Admin tier is asked first. Let it `Pass` what namespaces are to decide.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

/// What becomes of a NetworkPolicy's rule.
#[derive(Default)]
struct Fate {
    /// Something that it matches gets as far as the rule.
    is_asked: bool,
    /// The Admin policies that deny something that it matches.
    deniers: BTreeSet<PolicyId>,
}

type RuleKey = (PolicyId, Direction, usize);

fn find(context: &Context<'_>) -> Vec<Found> {
    let of_tier = |id: &PolicyId, tier| context.cluster.policy(*id).is_some_and(|p| p.tier == tier);
    let book = RuleBook::new(context.reach, context.cluster);
    let mut fates: BTreeMap<RuleKey, Fate> = BTreeMap::new();
    let mut opened: BTreeMap<RuleKey, BTreeSet<PolicyId>> = BTreeMap::new();
    for direction in Direction::ALL {
        for (table, members) in context.reach.profiles_of(direction) {
            let has = |tier| table.policies.iter().any(|id| of_tier(id, tier));
            let Some(group) = members.min().map(GroupId) else {
                continue;
            };
            if !has(Tier::Admin) || !has(Tier::NetworkPolicy) {
                continue;
            }
            let rules = book.rules_of(direction, &[group]).into_iter().flatten();
            let (admin, own): (Vec<RuleBoxes>, Vec<RuleBoxes>) = rules
                .filter(|rule| rule.tier != Tier::Baseline)
                .partition(|rule| rule.tier == Tier::Admin);
            let isolating = table.policies.iter();
            let isolating: Vec<PolicyId> = isolating
                .filter(|id| of_tier(id, Tier::NetworkPolicy))
                .copied()
                .collect();
            for at in ports(admin.iter().chain(&own)) {
                let decided = decide(&admin, at);
                let of = |action| {
                    decided
                        .iter()
                        .filter(move |(rule, _)| rule.action == action)
                };
                let mut allowed = RoaringBitmap::new();
                for rule in &own {
                    let matched = matched(rule, at);
                    let fate = fates
                        .entry((rule.policy, direction, rule.rule))
                        .or_default();
                    let mut left = matched.clone();
                    for (denying, elements) in of(Action::Deny) {
                        if !left.is_disjoint(elements) {
                            fate.deniers.insert(denying.policy);
                            left -= elements;
                        }
                    }
                    fate.is_asked |= !left.is_empty();
                    allowed |= matched;
                }
                for (accepting, elements) in of(Action::Accept) {
                    if !elements.is_subset(&allowed) {
                        let key = (accepting.policy, direction, accepting.rule);
                        opened.entry(key).or_default().extend(&isolating);
                    }
                }
            }
        }
    }
    let mut found = Vec::new();
    for ((id, direction, index), fate) in fates {
        let deniers: Vec<PolicyId> = fate.deniers.into_iter().collect();
        let policy = context.cluster.policy(id);
        let rule = policy.and_then(|policy| policy.rules(direction)?.get(index));
        if let (Some(policy), Some(rule), false, false) =
            (policy, rule, fate.is_asked, deniers.is_empty())
        {
            let message = format!(
                "all that this rule allows, {} denies",
                names(context, &deniers)
            );
            found.push(
                Found::at(&META, policy.origin_of(&rule.route), message)
                    .help("remove the rule, or have the Admin tier `Pass` this")
                    .policies(context.cluster, &deniers, "denies it first"),
            );
        }
    }
    for ((id, direction, index), own) in opened {
        let policy = context.cluster.policy(id);
        let rule = policy.and_then(|policy| policy.rules(direction)?.get(index));
        let (Some(policy), Some(rule)) = (policy, rule) else {
            continue;
        };
        let own: Vec<PolicyId> = own.into_iter().collect();
        let first = own.first().and_then(|id| context.cluster.policy(*id));
        let first = first.map_or_else(String::new, |policy| context.policy_name(policy));
        let whose = match own.len() {
            1 => format!("`{first}` keeps"),
            n => format!("`{first}` and {} more keep", n.saturating_sub(1)),
        };
        let message = match direction {
            Direction::Ingress => format!("this rule lets in what {whose} out"),
            Direction::Egress => format!("this rule lets out what {whose} in"),
        };
        let shown = own.get(..1).unwrap_or_default();
        found.push(
            Found::at(&META, policy.origin_of(&rule.route), message)
                .help("what the Admin tier accepts no namespace can deny: `Pass` leaves it to them")
                .policies(context.cluster, shown, "isolates"),
        );
    }
    found
}

fn names(context: &Context<'_>, policies: &[PolicyId]) -> String {
    let known = policies.iter().filter_map(|id| context.cluster.policy(*id));
    let names: Vec<String> = known.map(|p| format!("{} `{}`", p.kind, p.name)).collect();
    names.join(" and ")
}

/// Traffic that all rules either match or do not.
#[derive(Clone, Copy)]
struct At(Protocol, u16);

impl At {
    fn is_in(self, traffic: &Traffic) -> bool {
        traffic.ports.contains(self.0, self.1)
    }
}

/// One port of each range in which no rule starts or ends.
fn ports<'a>(rules: impl Iterator<Item = &'a RuleBoxes>) -> Vec<At> {
    let mut found: BTreeSet<(Protocol, u16)> = Protocol::ALL.into_iter().map(|p| (p, 1)).collect();
    for (_, traffic) in rules.flat_map(|rule| &rule.boxes) {
        for protocol in Protocol::ALL {
            for &(first, last) in traffic.ports.get(protocol).ranges() {
                found.insert((protocol, first));
                found.extend(last.checked_add(1).map(|next| (protocol, next)));
            }
        }
    }
    found
        .into_iter()
        .map(|(protocol, port)| At(protocol, port))
        .collect()
}

/// The elements that each rule decides, as far as it decides any.
fn decide(rules: &[RuleBoxes], at: At) -> Vec<(&RuleBoxes, RoaringBitmap)> {
    let mut taken = RoaringBitmap::new();
    let mut found = Vec::new();
    for rule in rules {
        let own = matched(rule, at) - &taken;
        taken |= &own;
        if !own.is_empty() {
            found.push((rule, own));
        }
    }
    found
}

fn matched(rule: &RuleBoxes, at: At) -> RoaringBitmap {
    let own = rule.boxes.iter().filter(|(_, traffic)| at.is_in(traffic));
    own.fold(RoaringBitmap::new(), |all, (peers, _)| all | peers.as_ref())
}
