//! For a no: the rules that come nearest to a yes, and what each misses.

use crate::model::{
    Action, Cluster, Direction, Flow, NamespaceMatch, Operator, Party, Peer, PeerKind, Pod, PodId,
    PolicyId, PortMatchKind, Requirement, Rule, RuleRef, Selector, Symbol, Verdict, nearest,
    peer_matches, port_matches,
};
use std::collections::BTreeSet;

/// One thing that keeps a rule from matching a flow.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Miss {
    /// The rule allows other ports.
    Port {
        /// The ports it allows, as its manifest states them.
        allowed: Vec<String>,
    },
    /// A label of the other end does not fit.
    PodLabel {
        /// The label key.
        key: String,
        /// What the rule asks of it, `is web` for example.
        wanted: String,
        /// Its value, when there is one.
        found: Option<String>,
    },
    /// A label of the other end's namespace does not fit.
    NamespaceLabel {
        /// The namespace.
        namespace: String,
        /// The label key.
        key: String,
        /// What the rule asks of it.
        wanted: String,
        /// Its value, when there is one.
        found: Option<String>,
    },
    /// The rule is about pods of another namespace, usually the policy's own (N12).
    Namespace {
        /// The namespace it is about.
        wanted: String,
        /// The other end's namespace.
        found: String,
    },
    /// The rule is about addresses, and the other end's is not in the block.
    Block {
        /// The block's `cidr`.
        cidr: String,
        /// The other end's address, when it has one.
        found: Option<String>,
        /// The entry of the block's `except` that cuts the address out, when one does.
        except: Option<String>,
    },
    /// The rule is about pods, and the other end is not one that selectors match.
    NotAPod,
    /// The rule is about destinations by name, and this is none of them.
    Domain {
        /// The name or pattern.
        pattern: String,
    },
}

/// A rule that does not match, and why not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NearMiss {
    /// The rule, with the peer that comes nearest.
    pub rule: RuleRef,
    /// What it misses; never empty.
    pub misses: Vec<Miss>,
}

/// The accepting rules of the policies that select one end, those that miss least first. At
/// most `limit`.
pub fn near_misses(
    cluster: &Cluster,
    flow: &Flow,
    direction: Direction,
    selecting: &[PolicyId],
    limit: usize,
) -> Vec<NearMiss> {
    let party = match direction {
        Direction::Egress => &flow.destination,
        Direction::Ingress => &flow.source,
    };
    let mut found = Vec::new();
    for &policy_id in selecting {
        let rules = cluster
            .policy(policy_id)
            .and_then(|policy| policy.rules(direction));
        for (rule_idx, rule) in rules.unwrap_or_default().iter().enumerate() {
            if rule.action != Action::Accept {
                continue;
            }
            let (peer, mut misses) = peer_misses(cluster, rule, party);
            misses.extend(port_miss(cluster, flow, rule));
            if !misses.is_empty() {
                let reference = RuleRef {
                    policy: policy_id,
                    direction,
                    rule: rule_idx,
                    peer,
                    port: None,
                };
                found.push(NearMiss {
                    rule: reference,
                    misses,
                });
            }
        }
    }
    found.sort_by_key(|near| (near.misses.iter().map(weight).sum::<u32>(), near.rule));
    found.truncate(limit);
    found
}

/// How far a miss is from a match: a wrong port or one wrong label is near, another kind of
/// peer is far.
fn weight(miss: &Miss) -> u32 {
    match miss {
        Miss::Port { .. } => 2,
        Miss::PodLabel { found: Some(_), .. } | Miss::NamespaceLabel { found: Some(_), .. } => 3,
        Miss::PodLabel { .. } | Miss::NamespaceLabel { .. } => 2,
        Miss::Namespace { .. } => 3,
        Miss::Block {
            except: Some(_), ..
        } => 3,
        Miss::Block { .. } => 6,
        Miss::NotAPod | Miss::Domain { .. } => 8,
    }
}

fn port_miss(cluster: &Cluster, flow: &Flow, rule: &Rule) -> Option<Miss> {
    let ports = rule.ports.as_ref()?;
    if ports.iter().any(|port| port_matches(cluster, flow, port)) {
        return None;
    }
    let allowed = ports
        .iter()
        .map(|port| port_text(cluster, &port.kind))
        .collect();
    Some(Miss::Port { allowed })
}

/// A port entry as people write it: `TCP 80`, `TCP 8000-8090`, `TCP http`.
pub fn port_text(cluster: &Cluster, port: &PortMatchKind) -> String {
    match port {
        PortMatchKind::Range {
            protocol,
            first: 1,
            last: u16::MAX,
        } => format!("{protocol} any"),
        PortMatchKind::Range {
            protocol,
            first,
            last,
        } if first == last => {
            format!("{protocol} {first}")
        }
        PortMatchKind::Range {
            protocol,
            first,
            last,
        } => format!("{protocol} {first}-{last}"),
        PortMatchKind::Named {
            protocol: Some(protocol),
            name,
        } => {
            format!("{protocol} {}", cluster.symbols.name(*name))
        }
        PortMatchKind::Named {
            protocol: None,
            name,
        } => cluster.symbols.name(*name).to_owned(),
    }
}

/// What the nearest peer of a rule misses; nothing when one matches.
fn peer_misses(cluster: &Cluster, rule: &Rule, party: &Party) -> (Option<usize>, Vec<Miss>) {
    let Some(peers) = &rule.peers else {
        return (None, Vec::new());
    };
    let mut nearest: Option<(u32, usize, Vec<Miss>)> = None;
    for (index, peer) in peers.iter().enumerate() {
        let misses = if peer_matches(cluster, peer, party) == Verdict::Allowed {
            Vec::new()
        } else {
            misses_of(cluster, peer, party)
        };
        let total = misses.iter().map(weight).sum();
        if nearest.as_ref().is_none_or(|(least, _, _)| total < *least) {
            nearest = Some((total, index, misses));
        }
    }
    nearest.map_or((None, vec![Miss::NotAPod]), |(_, index, misses)| {
        (Some(index), misses)
    })
}

fn misses_of(cluster: &Cluster, peer: &Peer, party: &Party) -> Vec<Miss> {
    let address = match party {
        Party::Pod { address, .. } | Party::Node { address, .. } => *address,
        Party::External { address } => Some(*address),
        Party::SomePod => None,
    };
    match (&peer.kind, party) {
        (PeerKind::IpBlock(block), _) => {
            let cuts = |net: &&ipnet::IpNet| address.is_some_and(|address| net.contains(&address));
            vec![Miss::Block {
                cidr: block.cidr.to_string(),
                found: address.map(|address| address.to_string()),
                except: block.except.iter().find(cuts).map(ToString::to_string),
            }]
        }
        (PeerKind::Pods { namespaces, pods }, Party::Pod { pod, .. }) => {
            let Some(pod) = cluster
                .pod(*pod)
                .filter(|pod| !cluster.is_node_traffic(pod))
            else {
                return vec![Miss::NotAPod];
            };
            let mut misses = namespace_misses(cluster, namespaces, pod);
            let wrong = pods
                .requirements()
                .iter()
                .filter(|r| !r.matches(&pod.labels));
            misses.extend(wrong.map(|requirement| {
                let (key, wanted) = requirement_text(cluster, requirement);
                let found = pod
                    .labels
                    .get(requirement.key)
                    .map(|value| text(cluster, value));
                Miss::PodLabel { key, wanted, found }
            }));
            misses
        }
        (PeerKind::Pods { .. }, _) => vec![Miss::NotAPod],
        (PeerKind::Domain { pattern, .. }, _) => vec![Miss::Domain {
            pattern: text(cluster, *pattern),
        }],
    }
}

fn namespace_misses(cluster: &Cluster, wanted: &NamespaceMatch, pod: &Pod) -> Vec<Miss> {
    let found = cluster.namespace_name(pod.namespace).to_owned();
    match wanted {
        NamespaceMatch::Same(namespace) if *namespace == pod.namespace => Vec::new(),
        NamespaceMatch::Same(namespace) => vec![Miss::Namespace {
            wanted: cluster.namespace_name(*namespace).to_owned(),
            found,
        }],
        NamespaceMatch::Labels(selector) => {
            let Some(namespace) = cluster.namespace(pod.namespace) else {
                return Vec::new();
            };
            let wrong = selector
                .requirements()
                .iter()
                .filter(|r| !r.matches(&namespace.labels));
            wrong
                .map(|requirement| {
                    let (key, wanted) = requirement_text(cluster, requirement);
                    let value = namespace.labels.get(requirement.key);
                    let value = value.map(|value| text(cluster, value));
                    Miss::NamespaceLabel {
                        namespace: found.clone(),
                        key,
                        wanted,
                        found: value,
                    }
                })
                .collect()
        }
    }
}

fn text(cluster: &Cluster, symbol: Symbol) -> String {
    cluster.symbols.name(symbol).to_owned()
}

/// A requirement in words: the key, and what is asked of it.
fn requirement_text(cluster: &Cluster, requirement: &Requirement) -> (String, String) {
    let list = |values: &[Symbol]| {
        let mut names: Vec<String> = values
            .iter()
            .map(|&value| format!("`{}`", cluster.symbols.name(value)))
            .collect();
        names.sort();
        names.join(" or ")
    };
    let wanted = match &requirement.operator {
        Operator::In(values) => list(values),
        Operator::NotIn(values) => format!("anything but {}", list(values)),
        Operator::Exists => "to be there".to_owned(),
        Operator::DoesNotExist => "not to be there".to_owned(),
    };
    (text(cluster, requirement.key), wanted)
}

/// The label that was probably meant by a selector that matches none of these pods, as
/// `key: value`: a value that is a slip away, or else the value under another key.
pub fn near_label(
    cluster: &Cluster,
    selector: &Selector,
    pods: &[(PodId, &Pod)],
) -> Option<String> {
    let text = |symbol| cluster.symbols.name(symbol);
    let mut best: Option<String> = None;
    for requirement in selector.requirements() {
        let Operator::In(values) = &requirement.operator else {
            continue;
        };
        let rest = selector.requirements().iter().filter(|r| *r != requirement);
        let rest: Vec<_> = rest.collect();
        let candidates: Vec<&Pod> = pods
            .iter()
            .map(|(_, pod)| *pod)
            .filter(|pod| rest.iter().all(|r| r.matches(&pod.labels)))
            .collect();
        let found: BTreeSet<&str> = candidates
            .iter()
            .filter_map(|pod| pod.labels.get(requirement.key))
            .map(text)
            .collect();
        for &value in values {
            let value = text(value);
            if found.contains(value) {
                continue;
            }
            if let Some(near) = nearest(value, found.iter().copied()) {
                return Some(format!("{}: {near}", text(requirement.key)));
            }
            // The value under another key: `app` for `app.kubernetes.io/name`, say.
            let mut labels = candidates.iter().flat_map(|pod| pod.labels.iter());
            let other = labels.find(|(other, v)| *other != requirement.key && text(*v) == value);
            if let Some((other, _)) = other {
                best = best.or(Some(format!("{}: {value}", text(other))));
            }
        }
    }
    best
}
