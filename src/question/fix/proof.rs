//! That a change opens what it says and nothing more, of all pods that could be created: every flow
//! that the new policies allow and the old ones deny is in one of the grants (peers, subjects and
//! ports) that were added. Z3 is asked for one that is not, and has none.

use super::Question;
use super::amend::{Added, Amendment};
use super::extra::{Opened, told};
use crate::model::{
    AddressSet, Cluster, Direction, Family, Labels, NamespaceMatch, PeerKind, PodId, Policy,
    PortMatchKind, Rule, Selector, TrafficSet, block_addresses, family_addresses,
};
use crate::question::can::{Answer, Who};
use crate::reach::GroupId;
use crate::symbolic::{
    Addresses, EndSpec, Exception, Goal, Outcome, PairSpec, PodSelection, PolicyIndex, Query,
    TrafficSpec, Vocabulary, World, solve,
};

use std::collections::BTreeSet;

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// Proved: nothing else is opened, to any pod that could be created or any address.
    Proved,
    /// The solver found a flow outside of what was said: a bug, and the proposal must not be
    /// taken.
    Refuted,
    /// The solver gave up.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// What one amendment lets through on its own side, whatever the other side says.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    direction: Direction,
    subject: PodSelection,
    /// Peers by label.
    peers: Vec<PodSelection>,
    /// Whether everyone is a peer, addresses outside too.
    is_everyone: bool,
    /// Peers by address.
    blocks: AddressSet,
    ports: TrafficSpec,
    /// For a label of a namespace: its pods, whom the policies see with other eyes now.
    namespace: Option<PodSelection>,
}

/// The grant of an amendment as the new cluster has it; `None` when it is not found there. That of a
/// label is empty: no policy changes.
pub(super) fn grant_of(cluster: &Cluster, amendment: &Amendment) -> Option<Grant> {
    let direction = amendment.direction;
    let policy = |namespace: &str, name: &str| {
        let own = |policy: &&Policy| {
            let own = policy.namespace.map_or("", |id| cluster.namespace_name(id));
            policy.kind == "NetworkPolicy" && own == namespace && policy.name == name
        };
        cluster.policies.iter().find(own)
    };
    let (policy, index) = match &amendment.added {
        Added::PodLabel => return Some(nothing(direction)),
        Added::NamespaceLabel(name) => {
            let mut found = nothing(direction);
            found.namespace = Some(PodSelection {
                namespaces: NamespaceMatch::Same(cluster.namespace_named(name)?),
                pods: Selector::everything(),
            });
            return Some(found);
        }
        Added::Policy(namespace, name) | Added::Rule(namespace, name) => {
            (policy(namespace, name)?, 0)
        }
        Added::Peer(namespace, name, index) | Added::Port(namespace, name, index) => {
            (policy(namespace, name)?, *index)
        }
    };
    let rule: &Rule = policy.rules(direction)?.get(index)?;
    let mut found = nothing(direction);
    found.subject = PodSelection {
        namespaces: policy.subject.namespaces.clone(),
        pods: policy.subject.pods.clone(),
    };
    let all_peers = rule.peers.as_deref();
    let peers = match &amendment.added {
        Added::Peer(..) => all_peers.map(|peers| peers.get(..1).unwrap_or_default()),
        _ => all_peers,
    };
    found.is_everyone = peers.is_none();
    for peer in peers.unwrap_or_default() {
        match &peer.kind {
            PeerKind::Pods { namespaces, pods } => found.peers.push(PodSelection {
                namespaces: namespaces.clone(),
                pods: pods.clone(),
            }),
            PeerKind::IpBlock(block) => {
                found.blocks = found.blocks.union(&block_addresses(block));
            }
            // What that opens cannot be said in addresses, so nothing is proposed.
            PeerKind::Domain { .. } => return None,
        }
    }
    let all_ports = rule.ports.as_deref();
    let ports = match &amendment.added {
        Added::Port(..) => all_ports.map(|ports| ports.get(..1).unwrap_or_default()),
        _ => all_ports,
    };
    let kinds = |ports: &[crate::model::PortMatch]| -> Vec<PortMatchKind> {
        ports.iter().map(|port| port.kind.clone()).collect()
    };
    found.ports = TrafficSpec(ports.map(kinds));
    Some(found)
}

/// What to know of grants besides what they let through in the input.
pub(super) fn notes(grants: &[Grant]) -> Vec<String> {
    let mut notes = Vec::new();
    if grants.iter().any(|grant| !grant.blocks.is_empty()) {
        notes.push(
            "a block is for whoever has such an address: with some CNIs pods too (N23), and those \
             without an address in the input were not counted"
                .to_owned(),
        );
    }
    let relabelled = grants.iter().any(|grant| grant.namespace.is_some());
    if relabelled {
        notes.push(
            "every pod of the namespace, now and later, is seen with the new label".to_owned(),
        );
    }
    notes
}

fn nothing(direction: Direction) -> Grant {
    Grant {
        direction,
        subject: PodSelection::everything(),
        peers: Vec::new(),
        is_everyone: false,
        blocks: AddressSet::default(),
        ports: TrafficSpec(None),
        namespace: None,
    }
}

/// Asks for a flow that is opened and in no grant.
pub(super) fn prove(question: &Question<'_>, new: &Cluster, grants: &[Grant]) -> Proof {
    let clusters = [new, question.cluster];
    let selections = grants
        .iter()
        .flat_map(|grant| grant.peers.iter().chain([&grant.subject]));
    let vocabulary = Vocabulary::new(&clusters, selections, [], []);
    let indexes = clusters.map(PolicyIndex::new);
    let blocks = |direction: Option<Direction>| {
        let own = grants
            .iter()
            .filter(|grant| direction.is_none_or(|d| grant.direction == d));
        own.fold(AddressSet::default(), |all, grant| all.union(&grant.blocks))
    };
    let mut queries = Vec::new();
    // Between pods: those that a block of a grant holds are left out, as exceptions are by label.
    let everyone = EndSpec::Possible {
        any_of: vec![PodSelection::everything()],
        none_of: Vec::new(),
    };
    let by_label = |grant: &Grant| {
        let peers = if grant.is_everyone {
            None
        } else {
            Some(grant.peers.clone())
        };
        exception(grant, peers)
    };
    let labels: Vec<Exception> = grants
        .iter()
        .filter(|grant| grant.is_everyone || !grant.peers.is_empty())
        .map(by_label)
        .collect();
    let all_blocks = blocks(None);
    if all_blocks.is_empty() {
        queries.push((
            everyone.clone(),
            everyone.clone(),
            Addresses::Any,
            labels.clone(),
        ));
    } else {
        let rest = AddressSet::full().difference(&all_blocks);
        queries.push((
            everyone.clone(),
            everyone.clone(),
            Addresses::Blind,
            labels.clone(),
        ));
        if !rest.is_empty() {
            let within = Addresses::Within(rest.cidrs());
            queries.push((everyone.clone(), everyone.clone(), within, labels.clone()));
        }
        // With a pod at an address of the blocks, only the subjects' ports are opened.
        let by_block = grants.iter().filter(|grant| !grant.blocks.is_empty());
        let mut except = labels;
        except.extend(by_block.map(|grant| exception(grant, None)));
        queries.push((everyone.clone(), everyone.clone(), Addresses::Any, except));
    }
    // With addresses outside: in the blocks on their ports, and elsewhere not at all.
    for direction in Direction::ALL {
        let of_direction = || grants.iter().filter(|grant| grant.direction == direction);
        let own = blocks(Some(direction));
        let ends = |addresses: AddressSet| {
            let outside = EndSpec::Outside(addresses);
            match direction {
                Direction::Ingress => (outside, everyone.clone()),
                Direction::Egress => (everyone.clone(), outside),
            }
        };
        let open = of_direction().filter(|grant| grant.is_everyone);
        let open: Vec<Exception> = open.map(|grant| exception(grant, None)).collect();
        let elsewhere = AddressSet::full().difference(&own);
        if !elsewhere.is_empty() {
            let (source, destination) = ends(elsewhere);
            queries.push((source, destination, Addresses::Any, open.clone()));
        }
        if !own.is_empty() {
            let (source, destination) = ends(own);
            let by_block = of_direction().filter(|grant| !grant.blocks.is_empty());
            let mut except: Vec<Exception> = by_block.map(|grant| exception(grant, None)).collect();
            except.extend(open);
            queries.push((source, destination, Addresses::Any, except));
        }
    }
    let mut unknown = None;
    let relabelled: Vec<Exception> = grants
        .iter()
        .filter_map(|grant| grant.namespace.clone())
        .flat_map(|pods| {
            let end = || Some(vec![pods.clone()]);
            [(end(), None), (None, end())]
        })
        .map(|(from, to)| Exception {
            from,
            to,
            traffic: TrafficSpec(None),
        })
        .collect();
    for (source, destination, addresses, mut except) in queries {
        except.extend(relabelled.iter().cloned());
        let worlds = clusters
            .iter()
            .zip(&indexes)
            .map(|(&cluster, index)| World {
                cluster,
                index,
                omitted: Vec::new(),
            });
        let query = Query {
            vocabulary: &vocabulary,
            worlds: worlds.collect(),
            source,
            destination,
            traffic: TrafficSpec::default(),
            family: None,
            pairs: PairSpec {
                except,
                ..PairSpec::default()
            },
            addresses,
            goal: Goal::OnlyFirst,
        };
        match solve(&query, question.limits).0 {
            Outcome::Impossible => {}
            Outcome::Found(_) => return Proof::Refuted,
            Outcome::Unknown { reason } => unknown = Some(reason),
        }
    }
    unknown.map_or(Proof::Proved, |reason| Proof::Unknown { reason })
}

/// A label changes who pods are, and no policy: between what there is, Z3 is asked for a flow of the
/// pods that are seen with other labels that the new policies allow, the old relation does not have,
/// and that was neither asked for nor told. Two queries for each such pod, group and family.
pub(super) fn prove_labels(
    question: &Question<'_>,
    new: &Cluster,
    answer: &Answer,
    extra: &[Opened],
) -> Proof {
    let old = question.reach;
    let vocabulary = Vocabulary::new(&[new], [], [], []);
    let index = PolicyIndex::new(new);
    let mut unknown = None;
    let mut ask = |source: EndSpec, destination: EndSpec, family, known: &TrafficSet| -> bool {
        let rest = TrafficSet::all().difference(known);
        if rest.is_none() {
            return true;
        }
        let query = Query {
            vocabulary: &vocabulary,
            worlds: vec![World {
                cluster: new,
                index: &index,
                omitted: Vec::new(),
            }],
            source,
            destination,
            traffic: TrafficSpec::of(&rest),
            family: Some(family),
            pairs: PairSpec::default(),
            addresses: Addresses::Blind,
            goal: Goal::Allowed,
        };
        match solve(&query, question.limits).0 {
            Outcome::Impossible => true,
            Outcome::Found(_) => false,
            Outcome::Unknown { reason } => {
                unknown = Some(reason);
                true
            }
        }
    };
    let groups: BTreeSet<GroupId> = question
        .cluster
        .pods_with_ids()
        .filter_map(|(id, _)| old.group_of(id))
        .collect();
    for pod in relabelled(question.cluster, new) {
        let own = Who::Pods(vec![pod]);
        let existing = EndSpec::Existing(vec![pod]);
        for family in Family::ALL {
            for other in groups.iter().flat_map(|group| old.pods_of(*group)) {
                let other_who = Who::Pods(vec![*other]);
                let is_same = pod == *other;
                let there = EndSpec::Existing(vec![*other]);
                for is_source in [true, false] {
                    let (from, to) = if is_source {
                        (pod, *other)
                    } else {
                        (*other, pod)
                    };
                    // Replicas that a template makes are not told apart here.
                    let Some(pair) = old.between(from, to, family).filter(|_| !is_same) else {
                        continue;
                    };
                    let ends = if is_source {
                        (&own, &other_who)
                    } else {
                        (&other_who, &own)
                    };
                    let told = told(answer, extra, ends, family);
                    let known = pair.may().union(&told);
                    let (source, destination) = match is_source {
                        true => (existing.clone(), there.clone()),
                        false => (there.clone(), existing.clone()),
                    };
                    if !ask(source, destination, family, &known) {
                        return Proof::Refuted;
                    }
                }
            }
            for (_, atom) in old.externals() {
                let atom = atom.intersection(&family_addresses(family));
                let Some(address) = atom.first() else {
                    continue;
                };
                let outside = Who::Addresses(atom.clone());
                for direction in Direction::ALL {
                    let Some(known) = old.with_external(pod, direction, address) else {
                        continue;
                    };
                    let end = EndSpec::Outside(atom.clone());
                    let (ends, (source, destination)) = match direction {
                        Direction::Egress => ((&own, &outside), (existing.clone(), end)),
                        Direction::Ingress => ((&outside, &own), (end, existing.clone())),
                    };
                    let known = known.may().union(&told(answer, extra, ends, family));
                    if !ask(source, destination, family, &known) {
                        return Proof::Refuted;
                    }
                }
            }
        }
    }
    unknown.map_or(Proof::Proved, |reason| Proof::Unknown { reason })
}

/// The pods whose own labels, or those of their namespace, are others in the new cluster.
fn relabelled(old: &Cluster, new: &Cluster) -> Vec<PodId> {
    let texts = |cluster: &Cluster, labels: &Labels| -> BTreeSet<(String, String)> {
        let name = |symbol| cluster.symbols.name(symbol).to_owned();
        labels
            .iter()
            .map(|(key, value)| (name(key), name(value)))
            .collect()
    };
    let seen = |cluster: &Cluster, id: PodId| {
        let pod = cluster.pod(id)?;
        let namespace = cluster.namespace(pod.namespace)?;
        Some((
            texts(cluster, &pod.labels),
            texts(cluster, &namespace.labels),
        ))
    };
    let pods = old.pods_with_ids().map(|(id, _)| id);
    pods.filter(|&id| seen(old, id) != seen(new, id)).collect()
}

/// A grant as what a query is not about.
fn exception(grant: &Grant, peers: Option<Vec<PodSelection>>) -> Exception {
    let subject = Some(vec![grant.subject.clone()]);
    let (from, to) = match grant.direction {
        Direction::Egress => (subject, peers),
        Direction::Ingress => (peers, subject),
    };
    Exception {
        from,
        to,
        traffic: grant.ports.clone(),
    }
}
