//! The executable specification: one flow, evaluated rule by rule.
//!
//! Slow and obvious on purpose. The set engine, the solver's encoding and every compiled
//! dataplane are compared with this file, so it follows the wording of the rules and uses no
//! index, no set and no cache.

use super::address::block_addresses;
use super::cluster::{Cluster, Pod};
use super::flow::{Evaluation, Flow, Party, Reason, RuleRef, Side, Verdict};
use super::label::Selector;
use super::policy::{
    Action, Direction, NamespaceMatch, Peer, PeerKind, Policy, PolicyId, PortMatch, PortMatchKind,
    Rule, Subject, Tier, Undecided,
};

/// What the specification says of one flow. Linear in the number of policies and rules.
pub fn evaluate(cluster: &Cluster, flow: &Flow) -> Evaluation {
    let egress = evaluate_side(cluster, flow, Direction::Egress);
    let ingress = evaluate_side(cluster, flow, Direction::Ingress);
    Evaluation {
        // N4: the source's egress and the destination's ingress must both allow.
        verdict: egress.outcome.and(ingress.outcome),
        egress,
        ingress,
    }
}

fn evaluate_side(cluster: &Cluster, flow: &Flow, direction: Direction) -> Side {
    let (subject, peer) = match direction {
        Direction::Egress => (&flow.source, &flow.destination),
        Direction::Ingress => (&flow.destination, &flow.source),
    };
    let decided = |outcome, reason| Side {
        outcome,
        reason,
        selecting: Vec::new(),
        passed: Vec::new(),
    };
    let pod = match subject {
        Party::Pod { pod, .. } => match cluster.pod(*pod) {
            Some(pod) => pod,
            None => return decided(Verdict::Unknown, Reason::NotAPod),
        },
        // N4: external endpoints and nodes have no policy on their side.
        Party::External { .. } | Party::Node { .. } => {
            return decided(Verdict::Allowed, Reason::NotAPod);
        }
        // Which policies select an unknown pod is unknown; callers ask about its peer's side.
        Party::SomePod => return decided(Verdict::Allowed, Reason::NotAPod),
    };
    // N25: a pod cannot block access to itself.
    if is_loopback(subject, peer) {
        return decided(Verdict::Allowed, Reason::Loopback);
    }
    // N27 (b): hostNetwork pods are not policed.
    if cluster.is_node_traffic(pod) {
        return decided(Verdict::Allowed, Reason::HostNetwork);
    }
    // N26: traffic to a pod from its own node is always allowed.
    if direction == Direction::Ingress && is_own_node(cluster, pod, peer) {
        return decided(Verdict::Allowed, Reason::OwnNode);
    }
    evaluate_tiers(cluster, flow, direction, pod, peer)
}

/// N25: the same pod on both ends.
fn is_loopback(subject: &Party, peer: &Party) -> bool {
    match (subject, peer) {
        (Party::Pod { pod: a, .. }, Party::Pod { pod: b, .. }) => a == b,
        _ => false,
    }
}

/// N26: the peer is the node that the pod runs on, or a hostNetwork pod on it, whose traffic
/// is the node's (N27 b).
fn is_own_node(cluster: &Cluster, pod: &Pod, peer: &Party) -> bool {
    let Some(node_name) = &pod.node else {
        return false;
    };
    match peer {
        Party::Node { node, .. } => cluster.node(*node).is_some_and(|n| n.name == *node_name),
        Party::Pod { pod, .. } => cluster
            .pod(*pod)
            .is_some_and(|p| cluster.is_node_traffic(p) && p.node.as_ref() == Some(node_name)),
        Party::External { .. } | Party::SomePod => false,
    }
}

/// Evaluates the tiers in order. A flow whose peer is unknown may match some rules or not, and of
/// policies that have the same priority any may come first; then every outcome that is possible is
/// collected, and only a unanimous one is a decision.
fn evaluate_tiers(
    cluster: &Cluster,
    flow: &Flow,
    direction: Direction,
    pod: &Pod,
    peer: &Party,
) -> Side {
    let mut selecting = Vec::new();
    let mut passed = Vec::new();
    let mut possible = Vec::new();
    let mut uncertain = Vec::new();
    let mut tied = Vec::new();
    let mut decision = None;
    // Whether no rule may have decided so far.
    let mut is_open = true;
    for tier in Tier::ALL {
        let policies = selecting_policies(cluster, tier, direction, pod);
        if policies.is_empty() || !is_open {
            continue;
        }
        selecting.extend(policies.iter().map(|&(id, _)| id));
        let matches = matching_rules(cluster, flow, direction, &policies, peer);
        let mut may_leave = false;
        for equals in policies.chunk_by(|(_, a), (_, b)| a.priority == b.priority) {
            let mut firsts = Vec::new();
            let mut stays_open = is_open;
            for &(id, _) in equals.iter().filter(|_| is_open) {
                for (action, reference, certain) in matches.iter().filter(|m| m.1.policy == id) {
                    match action {
                        Action::Accept => possible.push(Verdict::Allowed),
                        Action::Deny => possible.push(Verdict::Denied),
                        Action::Pass => may_leave = true,
                    }
                    if !certain {
                        uncertain.push(*reference);
                        continue;
                    }
                    if *action == Action::Pass {
                        passed.push(*reference);
                    } else if decision.is_none() {
                        decision = Some(Reason::Rules {
                            tier,
                            action: *action,
                            rules: deciding_rules(tier, *action, *reference, &matches),
                        });
                    }
                    firsts.push((*action, *reference));
                    stays_open = false;
                    break;
                }
            }
            if firsts.iter().any(|a| firsts.iter().any(|b| a.0 != b.0)) {
                tied.extend(firsts);
            }
            is_open = stays_open;
        }
        if is_open && tier.undecided() == Undecided::Deny {
            possible.push(Verdict::Denied);
            decision.get_or_insert(Reason::Isolated { tier });
        }
        is_open = may_leave || (is_open && tier.undecided() == Undecided::NextTier);
    }
    if is_open {
        // N1, and the default after the last tier.
        possible.push(Verdict::Allowed);
    }
    let first = possible.first().copied().unwrap_or(Verdict::Allowed);
    let is_unanimous = possible.iter().all(|&outcome| outcome == first);
    Side {
        outcome: if is_unanimous {
            first
        } else {
            Verdict::Unknown
        },
        reason: match (is_unanimous, tied.is_empty()) {
            (true, _) => decision.unwrap_or(Reason::NotIsolated),
            (false, false) => Reason::Tied { rules: tied },
            (false, true) => Reason::Undecidable { rules: uncertain },
        },
        selecting,
        passed,
    }
}

/// N3: among accepting rules of NetworkPolicies there is no order, so all that match are
/// named; elsewhere the first one decides.
fn deciding_rules(
    tier: Tier,
    action: Action,
    first: RuleRef,
    matches: &[(Action, RuleRef, bool)],
) -> Vec<RuleRef> {
    if tier != Tier::NetworkPolicy {
        return vec![first];
    }
    matches
        .iter()
        .filter(|(a, _, certain)| *a == action && *certain)
        .map(|&(_, reference, _)| reference)
        .collect()
}

/// The policies of a tier that apply to a pod in a direction, in order of priority. The
/// cluster's policies are sorted by it.
fn selecting_policies<'a>(
    cluster: &'a Cluster,
    tier: Tier,
    direction: Direction,
    pod: &Pod,
) -> Vec<(PolicyId, &'a Policy)> {
    cluster
        .policies_with_ids()
        .filter(|(_, policy)| policy.tier == tier)
        // N2, N8: a policy concerns a direction only when policyTypes says so.
        .filter(|(_, policy)| policy.rules(direction).is_some())
        .filter(|(_, policy)| selects(cluster, &policy.subject, pod))
        .collect()
}

/// Every rule that matches or may match the flow, in order.
fn matching_rules(
    cluster: &Cluster,
    flow: &Flow,
    direction: Direction,
    policies: &[(PolicyId, &Policy)],
    peer: &Party,
) -> Vec<(Action, RuleRef, bool)> {
    let mut matches = Vec::new();
    for &(policy_id, policy) in policies {
        for (rule_idx, rule) in policy
            .rules(direction)
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            if let Some((peer_idx, port_idx, certain)) = match_rule(cluster, flow, rule, peer) {
                let reference = RuleRef {
                    policy: policy_id,
                    direction,
                    rule: rule_idx,
                    peer: peer_idx,
                    port: port_idx,
                };
                matches.push((rule.action, reference, certain));
            }
        }
    }
    matches
}

/// N13: any peer and any port. Returns which matched, and whether that is certain.
fn match_rule(
    cluster: &Cluster,
    flow: &Flow,
    rule: &Rule,
    party: &Party,
) -> Option<(Option<usize>, Option<usize>, bool)> {
    let port_idx = match &rule.ports {
        None => None,
        Some(ports) => Some(
            ports
                .iter()
                .position(|port| port_matches(cluster, flow, port))?,
        ),
    };
    let Some(peers) = &rule.peers else {
        return Some((None, port_idx, true));
    };
    let matched: Vec<Verdict> = peers
        .iter()
        .map(|peer| peer_matches(cluster, peer, party))
        .collect();
    let position = |wanted| matched.iter().position(|&found| found == wanted);
    if let Some(peer_idx) = position(Verdict::Allowed) {
        return Some((Some(peer_idx), port_idx, true));
    }
    let peer_idx = position(Verdict::Unknown)?;
    Some((Some(peer_idx), port_idx, false))
}

/// Whether a subject selects a pod: namespace and labels must both match. Never a hostNetwork
/// pod under N27 (b).
pub fn selects(cluster: &Cluster, subject: &Subject, pod: &Pod) -> bool {
    !cluster.is_node_traffic(pod) && pods_match(cluster, &subject.namespaces, &subject.pods, pod)
}

fn pods_match(
    cluster: &Cluster,
    namespaces: &NamespaceMatch,
    selector: &Selector,
    pod: &Pod,
) -> bool {
    let in_namespace = match namespaces {
        NamespaceMatch::Same(namespace) => *namespace == pod.namespace,
        NamespaceMatch::Labels(selector) => cluster
            .namespace(pod.namespace)
            .is_some_and(|namespace| selector.matches(&namespace.labels)),
    };
    // N12: within one entry, namespaceSelector and podSelector must both match.
    in_namespace && selector.matches(&pod.labels)
}

/// Whether one entry of `from` or `to` matches a party: `Allowed` for yes, `Denied` for no,
/// `Unknown` when the party is too little known.
pub fn peer_matches(cluster: &Cluster, peer: &Peer, party: &Party) -> Verdict {
    let certain = |matched| {
        if matched {
            Verdict::Allowed
        } else {
            Verdict::Denied
        }
    };
    match (&peer.kind, party) {
        (PeerKind::Pods { namespaces, pods }, Party::Pod { pod, .. }) => {
            certain(cluster.pod(*pod).is_some_and(|pod| {
                // N27 (b): selectors pass over hostNetwork pods.
                !cluster.is_node_traffic(pod) && pods_match(cluster, namespaces, pods, pod)
            }))
        }
        (PeerKind::Pods { namespaces, pods }, Party::SomePod) => match namespaces {
            NamespaceMatch::Labels(selector)
                if selector.is_everything() && pods.is_everything() =>
            {
                Verdict::Allowed
            }
            _ => Verdict::Unknown,
        },
        // Selectors of pods never match addresses outside or nodes (N12, N27 b).
        (PeerKind::Pods { .. }, Party::External { .. } | Party::Node { .. }) => Verdict::Denied,
        // N21 to N23: literal containment, whoever has the address.
        (
            PeerKind::IpBlock(block),
            Party::Pod {
                address: Some(address),
                ..
            }
            | Party::Node {
                address: Some(address),
                ..
            }
            | Party::External { address },
        ) => certain(block_addresses(block).contains(*address)),
        (
            PeerKind::IpBlock(_),
            Party::Pod { address: None, .. } | Party::Node { address: None, .. },
        ) => Verdict::Denied,
        (PeerKind::IpBlock(_), Party::SomePod) => Verdict::Unknown,
        // Names stand for addresses outside and of nodes, and which they are is not in the input.
        (
            PeerKind::Domain { holds, .. },
            Party::External { .. }
            | Party::Node {
                address: Some(_), ..
            },
        ) => holds.map_or(Verdict::Unknown, certain),
        (
            PeerKind::Domain { .. },
            Party::Pod { .. } | Party::Node { address: None, .. } | Party::SomePod,
        ) => Verdict::Denied,
    }
}

/// Whether one entry of `ports` matches the flow's destination port (N17 to N20).
pub fn port_matches(cluster: &Cluster, flow: &Flow, port: &PortMatch) -> bool {
    match &port.kind {
        PortMatchKind::Range {
            protocol,
            first,
            last,
        } => *protocol == flow.protocol && (*first..=*last).contains(&flow.port),
        // N18: by name, protocol and number, on the destination pod. Nothing else has names: not
        // a node, and so not a pod that is its node's traffic (N27 b).
        PortMatchKind::Named { protocol, name } => match flow.destination {
            Party::Pod { pod, .. } => cluster.pod(pod).is_some_and(|pod| {
                !cluster.is_node_traffic(pod)
                    && pod.ports.iter().any(|declared| {
                        declared.name == Some(*name)
                            && declared.port == flow.port
                            && declared.protocol == flow.protocol
                            && protocol.is_none_or(|p| p == declared.protocol)
                    })
            }),
            Party::Node { .. } | Party::External { .. } | Party::SomePod => false,
        },
    }
}
