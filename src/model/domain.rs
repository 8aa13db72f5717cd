//! Destinations outside by name (`domainNames` of ClusterNetworkPolicy and AdminNetworkPolicy).
//!
//! Which addresses a name stands for is not in the input, and not guessed: whether a peer by name
//! matches an address is unknown, unless a question settles it with [`with_names`].

use super::cluster::Cluster;
use super::policy::{Direction, PeerKind, Policy};
use std::collections::BTreeSet;

/// Whether a pattern is about a domain name. `*.` stands for one label or more, so the name behind
/// it alone is not meant. Upper and lower case are the same, and so is a dot at the end.
pub fn domain_matches(pattern: &str, name: &str) -> bool {
    let [pattern, name] = [pattern, name].map(domain_text);
    match pattern.strip_prefix("*.") {
        None => pattern == name,
        Some(suffix) => name
            .strip_suffix(suffix)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|rest| !rest.is_empty()),
    }
}

/// A domain name or pattern as it is compared: lower case, without the dot at the end.
pub fn domain_text(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_lowercase()
}

/// Whether everything that the first pattern is about, the second is about too.
pub fn domain_within(pattern: &str, other: &str) -> bool {
    // What `*.` stands for is some labels, for which one label may stand.
    let [pattern, other] = [pattern, other].map(domain_text);
    pattern == other || domain_matches(&other, &pattern.replacen('*', "x", 1))
}

/// Every pattern that some rule has, in the spelling of [`domain_text`], sorted.
pub fn domain_patterns(cluster: &Cluster) -> BTreeSet<String> {
    let rules = cluster.policies.iter().flat_map(|policy| {
        let rules = Direction::ALL.into_iter().filter_map(|d| policy.rules(d));
        rules.flatten()
    });
    let peers = rules.flat_map(|rule| rule.peers.iter().flatten());
    let patterns = peers.filter_map(|peer| match &peer.kind {
        PeerKind::Domain { pattern, .. } => Some(cluster.symbols.name(*pattern).to_owned()),
        PeerKind::Pods { .. } | PeerKind::IpBlock(_) => None,
    });
    patterns.collect()
}

/// Settles for each pattern whether the addresses outside that a question is about have such a
/// name.
///
/// `has_name` gets the pattern and what was settled before.
pub fn with_names(cluster: &mut Cluster, has_name: impl Fn(&str, Option<bool>) -> bool) {
    let Cluster {
        symbols, policies, ..
    } = cluster;
    for peer in policies.iter_mut().flat_map(peers_of) {
        if let PeerKind::Domain { pattern, holds } = peer {
            *holds = Some(has_name(symbols.name(*pattern), *holds));
        }
    }
}

fn peers_of(policy: &mut Policy) -> impl Iterator<Item = &mut PeerKind> {
    let rules = [&mut policy.ingress, &mut policy.egress];
    let rules = rules.into_iter().flatten().flatten();
    let peers = rules.flat_map(|rule| rule.peers.iter_mut().flatten());
    peers.map(|peer| &mut peer.kind)
}

#[cfg(test)]
mod tests {
    use super::{domain_matches, domain_within};

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("example.com", "example.com", true),
            ("Example.COM.", "example.com", true),
            ("example.com", "www.example.com", false),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "wwwexample.com", false),
        ] {
            assert_eq!(domain_matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_within_others() {
        for (pattern, other, expected) in [
            ("example.com", "example.com", true),
            ("www.example.com", "*.example.com", true),
            ("*.example.com", "*.example.com", true),
            ("*.a.example.com", "*.example.com", true),
            ("*.example.com", "*.a.example.com", false),
            ("example.com", "*.example.com", false),
            ("*.example.com", "example.com", false),
        ] {
            assert_eq!(domain_within(pattern, other), expected, "{pattern} {other}");
        }
    }
}
