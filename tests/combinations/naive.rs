//! A third evaluator, written from the rules of the specification over descriptions. It knows
//! nothing of the crate under test.

use crate::describe::{
    Block, Labels, Number, PROTOCOLS, Peer, Pod, Policy, Port, Rule, SERVED, Selector, Want, Way,
    World, port_name,
};

/// One connection attempt between two pods.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) source: &'a Pod,
    pub(crate) destination: &'a Pod,
    pub(crate) protocol: &'a str,
    pub(crate) port: u16,
}

/// Whether the attempt succeeds.
pub(crate) fn succeeds(world: &World, attempt: Attempt<'_>) -> bool {
    let (source, destination) = (attempt.source, attempt.destination);
    if (source.namespace, source.name) == (destination.namespace, destination.name) {
        // N25.
        return true;
    }
    // N4.
    lets_through(world, attempt, Way::Egress, source, destination)
        && lets_through(world, attempt, Way::Ingress, destination, source)
}

fn lets_through(world: &World, attempt: Attempt<'_>, way: Way, subject: &Pod, other: &Pod) -> bool {
    let mut isolated = false;
    for policy in &world.policies {
        // N2: a policy selects pods of its own namespace.
        if policy.namespace != subject.namespace
            || !matches(&policy.target, &subject.labels)
            || !is_about(policy, way)
        {
            continue;
        }
        isolated = true;
        let rules = match way {
            Way::Ingress => &policy.ingress,
            Way::Egress => &policy.egress,
        };
        for rule in rules.iter().flatten() {
            // N13.
            if any_peer(world, policy, rule, other) && any_port(attempt, rule) {
                return true;
            }
        }
    }
    // N1.
    !isolated
}

/// N8 and N9: what `policyTypes` says, or else ingress, and egress if it has rules.
fn is_about(policy: &Policy, way: Way) -> bool {
    match &policy.types {
        Some(types) if !types.is_empty() => types.contains(&way),
        _ => match way {
            Way::Ingress => true,
            Way::Egress => policy
                .egress
                .as_ref()
                .is_some_and(|rules| !rules.is_empty()),
        },
    }
}

fn any_peer(world: &World, policy: &Policy, rule: &Rule, other: &Pod) -> bool {
    let peers = rule.peers.as_deref().unwrap_or_default();
    peers.is_empty() || peers.iter().any(|peer| is_peer(world, policy, peer, other))
}

fn is_peer(world: &World, policy: &Policy, peer: &Peer, other: &Pod) -> bool {
    match peer {
        Peer::Pods { namespaces, pods } => {
            // N12.
            let here = match namespaces {
                None => other.namespace == policy.namespace,
                Some(selector) => {
                    let mut labels = world.namespaces[other.namespace].clone();
                    // N15.
                    labels.insert("kubernetes.io/metadata.name".into(), other.namespace.into());
                    matches(selector, &labels)
                }
            };
            here && pods
                .as_ref()
                .is_none_or(|pods| matches(pods, &other.labels))
        }
        // N21.
        Peer::Block { cidr, except } => {
            holds(cidr, other.address) && !except.iter().any(|hole| holds(hole, other.address))
        }
    }
}

fn any_port(attempt: Attempt<'_>, rule: &Rule) -> bool {
    let ports = rule.ports.as_deref().unwrap_or_default();
    ports.is_empty() || ports.iter().any(|port| is_port(attempt, port))
}

fn is_port(attempt: Attempt<'_>, port: &Port) -> bool {
    // N10.
    if port.protocol.unwrap_or("TCP") != attempt.protocol {
        return false;
    }
    match port.number {
        Number::Any => true,
        Number::One(number) => attempt.port == number,
        // N19.
        Number::To(first, last) => first <= attempt.port && attempt.port <= last,
        // N18: all pods declare the same names.
        Number::Name(name) => PROTOCOLS.iter().any(|protocol| {
            SERVED.iter().any(|&number| {
                port_name(number, protocol) == name
                    && *protocol == attempt.protocol
                    && number == attempt.port
            })
        }),
    }
}

/// N14.
fn matches(selector: &Selector, labels: &Labels) -> bool {
    selector.iter().all(|want| match want {
        Want::Is(key, value) => labels.get(*key).is_some_and(|found| found == value),
        Want::In(key, values) => labels
            .get(*key)
            .is_some_and(|found| values.contains(&found.as_str())),
        Want::NotIn(key, values) => !labels
            .get(*key)
            .is_some_and(|found| values.contains(&found.as_str())),
        Want::Exists(key) => labels.contains_key(*key),
        Want::DoesNotExist(key) => !labels.contains_key(*key),
    })
}

/// Whether the first `length` bits agree.
fn holds(block: &Block, address: [u8; 4]) -> bool {
    let bits = |address| u64::from(u32::from_be_bytes(address));
    let shift = 32 - block.length;
    bits(block.address) >> shift == bits(address) >> shift
}
