//! The first step to anything that is called by name: may the caller ask the cluster's DNS (D1 to
//! D4)?

use super::example::denied_sides;
use super::pieces::{ask, by_group, merge};
use super::{Caller, CanError, Context, Example, Hop, Overall, Piece, Who};
use crate::model::{
    AddressSet, Cluster, Family, Flow, Origin, Party, PeerKind, PodId, Protocol, TrafficSet,
    Verdict, evaluate_pods,
};
use crate::question::dns::{
    NODE_LOCAL, dns_pods, dns_ports, dns_rules, egress_policies, has_node_local, with_servers,
};
use std::collections::BTreeMap;

/// Ports of DNS servers.
type Ports = Vec<(Protocol, u16)>;

/// The look-up of a name by pods. Names go over UDP; where TCP is not allowed a note says so (D1).
pub(super) fn lookup_hop(
    context: Context<'_>,
    callers: &[PodId],
    name: &str,
) -> Result<Hop, CanError> {
    let mut hop = Hop::new(format!("look up `{name}`"));
    let mut servers: BTreeMap<Ports, Vec<PodId>> = BTreeMap::new();
    for pod in dns_pods(context.cluster) {
        let ports = dns_ports(context.cluster, pod);
        servers.entry(ports).or_default().push(pod);
    }
    let has_cache = has_node_local(context.cluster);
    let assumed = (servers.is_empty() && !has_cache).then(|| with_servers(context.cluster));
    let mut verdicts = Vec::new();
    for group in by_group(context.reach, callers).into_values() {
        let pieces = match &assumed {
            Some((cluster, servers)) => assumed_pieces(cluster, servers, &group),
            None => known_pieces(context, &servers, &group)?,
        };
        let best = pieces.into_iter().max_by_key(rank);
        let mut verdict = best.as_ref().map_or(Verdict::Denied, udp_verdict);
        let cache = cache_pieces(context, &group)?;
        let isolated = group
            .first()
            .is_some_and(|&pod| !egress_policies(context.reach, pod).is_empty());
        let by_cache = isolated && cache.iter().any(|p| udp_verdict(p) == Verdict::Allowed);
        if has_cache {
            let has_block = group.first().is_some_and(|&pod| {
                let selecting = egress_policies(context.reach, pod);
                let rules = dns_rules(context.cluster, selecting);
                let mut peers = rules.flat_map(|(_, rule)| rule.peers.iter().flatten());
                peers.any(|peer| matches!(peer.kind, PeerKind::IpBlock(_)))
            });
            let found = cache_verdict(&mut hop, verdict, by_cache || !isolated, has_block);
            if found == Verdict::Allowed {
                hop.pieces.extend(cache);
            } else {
                hop.pieces.extend(best);
            }
            verdict = found;
        } else if verdict == Verdict::Denied && by_cache {
            note(
                &mut hop,
                format!(
                    "a rule lets it ask `{NODE_LOCAL}`, where NodeLocal DNSCache listens; whether \
                     the cluster has it is not in the input (D2)"
                ),
            );
            verdict = Verdict::Unknown;
            hop.pieces.extend(cache);
        } else {
            let denied_by_all = verdict == Verdict::Denied && assumed.is_some();
            if denied_by_all && unsure(context, &group, &mut hop) {
                verdict = Verdict::Unknown;
            } else {
                hop.pieces.extend(best);
            }
        }
        if assumed.is_some() && isolated && verdict == Verdict::Allowed {
            note(
                &mut hop,
                "the cluster's DNS pods are not in the input: taken to be those that Kubernetes \
                 or OpenShift ships"
                    .to_owned(),
            );
        }
        verdicts.push(verdict);
    }
    for piece in &hop.pieces {
        let tcp = piece.asked.get(Protocol::Tcp);
        if udp_verdict(piece) == Verdict::Allowed
            && piece.allowed.get(Protocol::Tcp).is_empty()
            && !tcp.is_empty()
        {
            let text = format!("TCP {tcp} is not allowed: answers too long for UDP fail (D1)");
            note(&mut hop, text);
            break;
        }
    }
    Ok(ended(hop, &verdicts))
}

fn ended(mut hop: Hop, verdicts: &[Verdict]) -> Hop {
    hop.pieces = merge(std::mem::take(&mut hop.pieces));
    let all = |wanted| verdicts.iter().all(|verdict| *verdict == wanted);
    let ingress_denies = hop.pieces.iter().any(|piece| {
        let example = piece.example.as_ref();
        example.is_some_and(|e| {
            e.evaluation.egress.outcome == Verdict::Allowed
                && e.evaluation.ingress.outcome == Verdict::Denied
        })
    });
    if all(Verdict::Allowed) {
        hop
    } else if all(Verdict::Denied) && ingress_denies {
        hop.ended(
            Overall::No,
            "it cannot resolve the name: DNS does not let it in",
        )
    } else if all(Verdict::Denied) {
        hop.ended(
            Overall::No,
            "it cannot resolve the name: its egress policy has no DNS",
        )
    } else if verdicts.contains(&Verdict::Allowed) {
        hop.ended(Overall::Partly, "not all of it can resolve the name")
    } else {
        hop.ended(Overall::Unknown, "whether it can resolve the name")
    }
}

fn note(hop: &mut Hop, text: String) {
    if !hop.notes.contains(&text) {
        hop.notes.push(text);
    }
}

/// What is said of UDP, which decides.
fn udp_verdict(piece: &Piece) -> Verdict {
    if !piece.allowed.get(Protocol::Udp).is_empty() {
        Verdict::Allowed
    } else if !piece.unknown.get(Protocol::Udp).is_empty() {
        Verdict::Unknown
    } else {
        Verdict::Denied
    }
}

fn rank(piece: &Piece) -> u8 {
    match udp_verdict(piece) {
        Verdict::Allowed => 2,
        Verdict::Unknown => 1,
        Verdict::Denied => 0,
    }
}

fn traffic_of(ports: &[(Protocol, u16)]) -> TrafficSet {
    ports
        .iter()
        .fold(TrafficSet::none(), |set, &(protocol, port)| {
            set.union(&TrafficSet::ports(protocol, port, port))
        })
}

fn known_pieces(
    context: Context<'_>,
    servers: &BTreeMap<Ports, Vec<PodId>>,
    group: &[PodId],
) -> Result<Vec<Piece>, CanError> {
    let mut pieces = Vec::new();
    for (ports, servers) in servers {
        let caller = Caller::Pods(group.to_vec());
        let asked = traffic_of(ports);
        pieces.extend(ask(
            context,
            &caller,
            &Who::Pods(servers.clone()),
            Some(&asked),
        )?);
    }
    Ok(pieces)
}

fn cache_pieces(context: Context<'_>, group: &[PodId]) -> Result<Vec<Piece>, CanError> {
    let address = AddressSet::of_addresses([NODE_LOCAL]);
    let caller = Caller::Pods(group.to_vec());
    let asked = traffic_of(&[(Protocol::Udp, 53), (Protocol::Tcp, 53)]);
    ask(context, &caller, &Who::Addresses(address), Some(&asked))
}

/// With NodeLocal DNSCache in the cluster that is who pods ask, and a rule for the DNS pods is
/// about others; whether it covers the cache differs between implementations (D2).
fn cache_verdict(hop: &mut Hop, by_servers: Verdict, by_cache: bool, has_block: bool) -> Verdict {
    match (by_cache, by_servers) {
        (true, _) => Verdict::Allowed,
        // Beside its own address the cache takes that of the DNS Service, except with IPVS.
        (false, Verdict::Denied) if has_block => {
            let text = format!(
                "NodeLocal DNSCache answers on `{NODE_LOCAL}`, which no rule allows; a block may be \
                 the DNS Service's own address, where it listens with iptables and not with IPVS (D2)"
            );
            note(hop, text);
            Verdict::Unknown
        }
        (false, Verdict::Denied) => Verdict::Denied,
        (false, Verdict::Allowed | Verdict::Unknown) => {
            let text = format!(
                "NodeLocal DNSCache answers on `{NODE_LOCAL}`, which no rule allows; whether one \
                 for the DNS pods covers it differs between CNIs (D2)"
            );
            note(hop, text);
            Verdict::Unknown
        }
    }
}

/// Against the DNS pods that Kubernetes and OpenShift ship, by the specification: the set engine
/// knows the input's pods only.
fn assumed_pieces(cluster: &Cluster, servers: &[PodId], group: &[PodId]) -> Vec<Piece> {
    let Some(&source) = group.first() else {
        return Vec::new();
    };
    let pieces = servers.iter().filter_map(|&server| {
        let ports = dns_ports(cluster, server);
        let evaluate = |protocol, port| {
            let mut families = Family::ALL.into_iter();
            families.find_map(|f| evaluate_pods(cluster, (source, server), f, protocol, port))
        };
        let with = |verdict| {
            let found = ports.iter().filter(|&&(protocol, port)| {
                evaluate(protocol, port).is_some_and(|e| e.verdict == verdict)
            });
            traffic_of(&found.copied().collect::<Vec<_>>())
        };
        let (protocol, port) = ports.iter().find(|(p, _)| *p == Protocol::Udp).copied()?;
        let evaluation = evaluate(protocol, port)?;
        let party = |pod| Party::Pod { pod, address: None };
        let flow = Flow {
            source: party(source),
            destination: party(server),
            protocol,
            port,
        };
        let near = denied_sides(cluster, &flow, &evaluation);
        Some(Piece {
            source: Who::Pods(group.to_vec()),
            destination: Who::AssumedDns,
            asked: traffic_of(&ports),
            allowed: with(Verdict::Allowed),
            unknown: with(Verdict::Unknown),
            family: None,
            example: Some(Example {
                flow,
                evaluation,
                near,
            }),
        })
    });
    // The first of those that are alike is Kubernetes' own, and `max_by_key` takes the last.
    let mut pieces: Vec<Piece> = pieces.collect();
    pieces.reverse();
    pieces
}

/// Whether some rule may be for DNS pods that differ from the usual ones; it is shown.
fn unsure(context: Context<'_>, group: &[PodId], hop: &mut Hop) -> bool {
    let Some(&pod) = group.first() else {
        return false;
    };
    let selecting = egress_policies(context.reach, pod);
    let Some((policy, rule)) = dns_rules(context.cluster, selecting).next() else {
        return false;
    };
    note(
        hop,
        "the cluster's DNS pods are not in the input, and a rule may be for them: add their \
         namespace and pods to the input"
            .to_owned(),
    );
    let document = policy.origin.document;
    let route = rule.route.clone();
    hop.shows(Origin { document, route }, "this rule may be for them");
    true
}
