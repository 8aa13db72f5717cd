//! NP072: a rule of the Admin or Baseline tier that is never asked, or a `Pass` behind which nothing
//! comes.

use super::view::Context;
use super::{Found, Lint};
use crate::model::{
    Action, AddressSet, Cluster, Direction, Meta, NamespaceMatch, Operator, PeerKind, Policy,
    PolicyId, PortMatchKind, Rule, Selector, Severity, Tier, block_addresses, domain_within,
};
use crate::question::ties::{may_match_alike, may_share_pods};

const META: Meta = Meta {
    id: "NP072",
    name: "unreachable-rule",
    summary: "a rule behind an earlier one that matches all of it, or a `Pass` that changes nothing",
    help: "Within a tier the first rule that matches decides: priority first, then place in the policy.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

/// A rule of a tier with its policy.
#[derive(Clone, Copy)]
struct Ranked<'a> {
    id: PolicyId,
    policy: &'a Policy,
    index: usize,
    rule: &'a Rule,
}

impl Ranked<'_> {
    /// Whether this one is asked before the other, whatever order those of one priority have.
    fn is_before(&self, other: &Ranked<'_>) -> bool {
        match self.id == other.id {
            true => self.index < other.index && self.rule.route != other.rule.route,
            false => self.policy.priority < other.policy.priority,
        }
    }

    /// Whether the other one may be asked after this one.
    fn may_precede(&self, other: &Ranked<'_>) -> bool {
        match self.id == other.id {
            true => self.index < other.index,
            false => self.policy.priority <= other.policy.priority,
        }
    }
}

fn find(context: &Context<'_>) -> Vec<Found> {
    let cluster = context.cluster;
    let mut found = Vec::new();
    for tier in [Tier::Admin, Tier::Baseline] {
        for direction in Direction::ALL {
            let rules = ranked(cluster, tier, direction);
            for one in &rules {
                found.extend(
                    behind(cluster, &rules, one).or_else(|| idle_pass(cluster, &rules, one)),
                );
            }
        }
    }
    found
}

fn ranked(cluster: &Cluster, tier: Tier, direction: Direction) -> Vec<Ranked<'_>> {
    let policies = cluster.policies_with_ids();
    let policies = policies.filter(|(_, policy)| policy.tier == tier);
    let rules = policies.flat_map(|(id, policy)| {
        let rules = policy.rules(direction).unwrap_or_default().iter();
        let rules = rules.enumerate();
        rules.map(move |(index, rule)| Ranked {
            id,
            policy,
            index,
            rule,
        })
    });
    rules.collect()
}

/// An earlier rule matches all that this one does, for all pods that this one is for.
fn behind(cluster: &Cluster, rules: &[Ranked<'_>], one: &Ranked<'_>) -> Option<Found> {
    let mut earlier = rules.iter().filter(|other| other.is_before(one));
    let first = earlier.find(|other| {
        let [outer, inner] = [other, one].map(|ranked| &ranked.policy.subject);
        namespaces_within(&inner.namespaces, &outer.namespaces)
            && selector_within(&inner.pods, &outer.pods)
            && rule_within(cluster, one.rule, other.rule)
    })?;
    let whose = match first.id == one.id {
        true => "an earlier rule".to_owned(),
        false => format!(
            "a rule of {} `{}`, which is asked first,",
            first.policy.kind, first.policy.name
        ),
    };
    let message = format!("this rule is never reached: {whose} matches all that it does");
    Some(
        Found::at(&META, one.policy.origin_of(&one.rule.route), message)
            .help("remove it, or put it before the other one")
            .related(first.policy.origin_of(&first.rule.route), "matches first"),
    )
}

/// Behind a `Pass` there is no rule of its tier that could decide otherwise.
fn idle_pass(cluster: &Cluster, rules: &[Ranked<'_>], one: &Ranked<'_>) -> Option<Found> {
    let is_something = one
        .rule
        .peers
        .as_ref()
        .is_none_or(|peers| !peers.is_empty());
    let mut later = rules.iter().filter(|other| one.may_precede(other));
    let is_idle = one.rule.action == Action::Pass
        && is_something
        && !later.any(|other| {
            other.rule.action != Action::Pass
                && may_share_pods(cluster, one.policy, other.policy)
                && may_match_alike(cluster, one.rule, other.rule)
        });
    is_idle.then(|| {
        let message = format!(
            "this `Pass` changes nothing: no rule of the {} tier behind it could match the same",
            one.policy.tier.name()
        );
        Found::at(&META, one.policy.origin_of(&one.rule.route), message)
            .help("remove it: what no rule of a tier matches goes to the next one anyway")
    })
}

fn namespaces_within(inner: &NamespaceMatch, outer: &NamespaceMatch) -> bool {
    match (inner, outer) {
        (NamespaceMatch::Labels(inner), NamespaceMatch::Labels(outer)) => {
            selector_within(inner, outer)
        }
        (NamespaceMatch::Same(inner), NamespaceMatch::Same(outer)) => inner == outer,
        _ => false,
    }
}

/// Whether all that the inner selector matches, the outer one does, as far as single requirements
/// show it.
fn selector_within(inner: &Selector, outer: &Selector) -> bool {
    outer.requirements().iter().all(|wanted| {
        let same = inner.requirements().iter().filter(|r| r.key == wanted.key);
        let mut operators = same.map(|r| &r.operator);
        operators.any(|own| match (own, &wanted.operator) {
            (Operator::In(own), Operator::In(wanted)) => own.iter().all(|v| wanted.contains(v)),
            (Operator::In(own), Operator::NotIn(wanted)) => !own.iter().any(|v| wanted.contains(v)),
            (Operator::In(_) | Operator::Exists, Operator::Exists) => true,
            (Operator::NotIn(own), Operator::NotIn(wanted)) => {
                wanted.iter().all(|v| own.contains(v))
            }
            (Operator::DoesNotExist, Operator::NotIn(_) | Operator::DoesNotExist) => true,
            _ => false,
        })
    })
}

fn rule_within(cluster: &Cluster, inner: &Rule, outer: &Rule) -> bool {
    let peers = match (&inner.peers, &outer.peers) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(inner), Some(outer)) => {
            let within =
                |peer: &PeerKind| outer.iter().any(|o| peer_within(cluster, peer, &o.kind));
            !inner.is_empty() && inner.iter().all(|peer| within(&peer.kind))
        }
    };
    let ports = match (&inner.ports, &outer.ports) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(inner), Some(outer)) => inner.iter().all(|port| {
            let mut outer = outer.iter();
            outer.any(|o| port_within(&port.kind, &o.kind))
        }),
    };
    peers && ports
}

fn peer_within(cluster: &Cluster, inner: &PeerKind, outer: &PeerKind) -> bool {
    match (inner, outer) {
        (
            PeerKind::Pods {
                namespaces: inner_namespaces,
                pods: inner,
            },
            PeerKind::Pods {
                namespaces: outer_namespaces,
                pods: outer,
            },
        ) => namespaces_within(inner_namespaces, outer_namespaces) && selector_within(inner, outer),
        (PeerKind::IpBlock(inner), PeerKind::IpBlock(outer)) => {
            let left = block_addresses(inner).difference(&block_addresses(outer));
            left == AddressSet::default()
        }
        (PeerKind::Domain { pattern: inner, .. }, PeerKind::Domain { pattern: outer, .. }) => {
            let [inner, outer] = [inner, outer].map(|pattern| cluster.symbols.name(*pattern));
            domain_within(inner, outer)
        }
        _ => false,
    }
}

fn port_within(inner: &PortMatchKind, outer: &PortMatchKind) -> bool {
    match (inner, outer) {
        (
            PortMatchKind::Range {
                protocol: a,
                first,
                last,
            },
            PortMatchKind::Range {
                protocol: b,
                first: outer_first,
                last: outer_last,
            },
        ) => a == b && outer_first <= first && last <= outer_last,
        (
            PortMatchKind::Named { protocol: a, name },
            PortMatchKind::Named {
                protocol: b,
                name: outer,
            },
        ) => name == outer && (b.is_none() || a == b),
        _ => false,
    }
}
