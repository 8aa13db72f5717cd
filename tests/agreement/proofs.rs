//! The solver's formulas, compared with the other two: what `reach` says of a pair of pods is
//! exactly what Z3 finds flows in, and what `evaluate` says of pods that one could create is what
//! Z3 says of possible pods. A query over all traffic outside of what is expected must have no
//! solution, and each piece of what is expected must have one.

use crate::generate::{LabelPlan, PodPlan, add_possible_pod, label_free_namespaces};
use portolan::model::{
    AddressSet, Cluster, ContainerPort, Direction, Family, Flow, Labels, METADATA_NAME,
    NamespaceId, NamespaceMatch, Operator, Party, PeerKind, PodId, Policy, PortMatchKind, Protocol,
    Requirement, Rule, Selector, Symbol, TrafficSet, Verdict, evaluate,
};
use portolan::question::compare::{Compared, Comparison, compare};
use portolan::question::redundant::redundant;
use portolan::reach::Reach;
use portolan::symbolic::{
    Addresses, EndSpec, Goal, Limits, Omission, Omitted, Outcome, PairSpec, PodSelection,
    PolicyIndex, Query, TrafficSpec, Vocabulary, World, replay, solve,
};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// One question about a cluster, with what is the same in all of them.
pub(crate) struct Asker<'a> {
    cluster: &'a Cluster,
    index: PolicyIndex,
    vocabulary: Vocabulary,
    n_asked: Cell<usize>,
}

/// Everything a test can say of a flow.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) source: EndSpec,
    pub(crate) destination: EndSpec,
    pub(crate) traffic: TrafficSet,
    pub(crate) family: Family,
    pub(crate) goal: Goal,
}

impl<'a> Asker<'a> {
    pub(crate) fn new(cluster: &'a Cluster, selections: &[PodSelection]) -> Self {
        Asker {
            cluster,
            index: PolicyIndex::new(cluster),
            vocabulary: Vocabulary::new(&[cluster], selections, [], []),
            n_asked: Cell::new(0),
        }
    }

    /// Whether there is such a flow. A witness must replay, and slicing must not matter.
    pub(crate) fn finds(&self, question: &Question) -> Result<bool, String> {
        let items = pieces(&question.traffic);
        if items.is_empty() {
            return Ok(false);
        }
        let addresses = if self.cluster.pod_cidrs.is_empty() {
            Addresses::Blind
        } else {
            Addresses::Within(self.cluster.pod_cidrs.clone())
        };
        let query = Query {
            vocabulary: &self.vocabulary,
            worlds: vec![World {
                cluster: self.cluster,
                index: &self.index,
                omitted: Vec::new(),
            }],
            source: question.source.clone(),
            destination: question.destination.clone(),
            traffic: TrafficSpec(Some(items)),
            family: Some(question.family),
            pairs: PairSpec::default(),
            addresses,
            goal: question.goal,
        };
        let (outcome, _) = solve(&query, Limits::default());
        let found = match &outcome {
            Outcome::Impossible => false,
            Outcome::Unknown { reason } => return Err(format!("gave up: {reason}")),
            Outcome::Found(witness) => {
                let verdict = replay(self.cluster, witness).verdict;
                let expected = match question.goal {
                    Goal::Allowed | Goal::AllowedAlways => Verdict::Allowed,
                    _ => Verdict::Denied,
                };
                if verdict != expected {
                    return Err(format!("{witness:?} replays as {verdict:?}"));
                }
                if !question.traffic.contains(witness.protocol, witness.port)
                    || witness.family != question.family
                {
                    return Err(format!("{witness:?} is not what was asked for"));
                }
                true
            }
        };
        // Slicing only ever leaves out what cannot matter; every third time is enough to see it.
        self.n_asked.set(self.n_asked.get() + 1);
        if self.n_asked.get().is_multiple_of(3) {
            let whole = Limits {
                slicing: false,
                ..Limits::default()
            };
            let (unsliced, _) = solve(&query, whole);
            if matches!(unsliced, Outcome::Found(_)) != found {
                return Err(format!("with slicing {outcome:?}, without {unsliced:?}"));
            }
        }
        Ok(found)
    }

    /// Says what is wrong when not exactly this is allowed and this denied. Together they are all
    /// flows that there are, so it is enough that neither is found where the other is expected,
    /// and that there are flows at all.
    fn splits_exactly(
        &self,
        question: &Question,
        (allowed, denied): (&TrafficSet, &TrafficSet),
    ) -> Result<(), String> {
        let asked = |goal, traffic| Question {
            goal,
            traffic,
            ..question.clone()
        };
        for (goal, expected) in [(Goal::Allowed, allowed), (Goal::Denied, denied)] {
            if self.finds(&asked(goal, TrafficSet::all().difference(expected)))? {
                return Err(format!("more than {expected}: {goal:?}"));
            }
        }
        let (goal, some) = match allowed.is_none() {
            true => (Goal::Denied, denied),
            false => (Goal::Allowed, allowed),
        };
        if !some.is_none() && !self.finds(&asked(goal, some.clone()))? {
            return Err(format!("none of {some}: {goal:?}"));
        }
        Ok(())
    }

    /// Says what is wrong when the flows of a goal are not exactly those of `expected`.
    fn holds_exactly(&self, question: &Question, expected: &TrafficSet) -> Result<(), String> {
        let none_of = TrafficSet::all().difference(expected);
        let asked = |traffic| Question {
            traffic,
            ..question.clone()
        };
        if self.finds(&asked(none_of))? {
            return Err(format!("more than {expected}: {:?}", question.goal));
        }
        // Each piece is expected as a whole; its ends are where it could be wrong.
        for piece in pieces(expected) {
            if let PortMatchKind::Range {
                protocol,
                first,
                last,
            } = piece
            {
                for port in BTreeSet::from([first, last]) {
                    if !self.finds(&asked(TrafficSet::ports(protocol, port, port)))? {
                        return Err(format!("not {protocol} {port}: {:?}", question.goal));
                    }
                }
            }
        }
        Ok(())
    }
}

fn pieces(traffic: &TrafficSet) -> Vec<PortMatchKind> {
    Protocol::ALL
        .into_iter()
        .flat_map(|protocol| {
            let ranges = traffic.get(protocol).ranges();
            ranges
                .iter()
                .map(move |&(first, last)| PortMatchKind::Range {
                    protocol,
                    first,
                    last,
                })
        })
        .collect()
}

/// Pods that exist: what `reach` says of a pair is what the solver finds.
pub(crate) fn existing_pair(
    cluster: &Cluster,
    reach: &Reach,
    asker: &Asker<'_>,
    (source, destination, family): (PodId, PodId, Family),
) -> Result<(), String> {
    let none = TrafficSet::none();
    let question = |goal| existing(source, destination, family, goal);
    let Some(traffic) = reach.between(source, destination, family) else {
        // Without addresses of the family there are no flows, allowed or denied.
        return asker.splits_exactly(&question(Goal::Allowed), (&none, &none));
    };
    let (allowed, unknown) = (traffic.allowed, traffic.unknown);
    let denied = TrafficSet::all().difference(&allowed).difference(&unknown);
    if unknown.is_none() {
        asker.splits_exactly(&question(Goal::Allowed), (&allowed, &denied))?;
    } else {
        asker.holds_exactly(&question(Goal::Allowed), &allowed.union(&unknown))?;
        asker.holds_exactly(&question(Goal::Denied), &denied.union(&unknown))?;
    }
    if !cluster.pod_cidrs.is_empty() {
        asker.holds_exactly(&question(Goal::AllowedAlways), &allowed)?;
        asker.holds_exactly(&question(Goal::DeniedAlways), &denied)?;
    }
    Ok(())
}

/// All other pods at once: together they reach a pod on what each of them does, and whoever the
/// solver names does.
pub(crate) fn existing_callers(
    reach: &Reach,
    asker: &Asker<'_>,
    (sources, destination, family): (&[PodId], PodId, Family),
) -> Result<(), String> {
    let mut allowed = TrafficSet::none();
    let mut denied = TrafficSet::none();
    for &source in sources {
        if let Some(traffic) = reach.between(source, destination, family) {
            let perhaps = traffic.allowed.union(&traffic.unknown);
            denied = denied.union(&TrafficSet::all().difference(&traffic.allowed));
            allowed = allowed.union(&perhaps);
        }
    }
    for (goal, expected) in [(Goal::Allowed, allowed), (Goal::Denied, denied)] {
        let question = Question {
            source: EndSpec::Existing(sources.to_vec()),
            ..existing(destination, destination, family, goal)
        };
        asker.holds_exactly(&question, &expected)?;
    }
    Ok(())
}

fn existing(source: PodId, destination: PodId, family: Family, goal: Goal) -> Question {
    Question {
        source: EndSpec::Existing(vec![source]),
        destination: EndSpec::Existing(vec![destination]),
        traffic: TrafficSet::all(),
        family,
        goal,
    }
}

/// A pod and all addresses outside that the set engine treats alike.
pub(crate) fn outside(
    asker: &Asker<'_>,
    (pod, direction): (PodId, Direction),
    (addresses, family): (&AddressSet, Family),
    traffic: Option<&TrafficSet>,
) -> Result<(), String> {
    let (of_pod, of_addresses) = (
        EndSpec::Existing(vec![pod]),
        EndSpec::Outside(addresses.clone()),
    );
    let (source, destination) = match direction {
        Direction::Egress => (of_pod, of_addresses),
        Direction::Ingress => (of_addresses, of_pod),
    };
    let (allowed, denied) = match traffic {
        Some(traffic) => (traffic.clone(), TrafficSet::all().difference(traffic)),
        None => (TrafficSet::none(), TrafficSet::none()),
    };
    let question = Question {
        source,
        destination,
        traffic: TrafficSet::all(),
        family,
        goal: Goal::Allowed,
    };
    asker.splits_exactly(&question, (&allowed, &denied))
}

/// A pod that one could create, as the generator plans it.
pub(crate) type Plan = (PodPlan, bool, LabelPlan);

/// Pods that could be created: some are, and what `evaluate` says of flows between them is what
/// the solver says of all possible pods with just these labels.
pub(crate) fn possible_pair(
    cluster: &Cluster,
    plans: (&Plan, &Plan),
    free: &LabelPlan,
    ports: &[u16],
    family: Family,
) -> Result<(), String> {
    let n_pods = cluster.pods.len();
    let mut world = cluster.clone();
    label_free_namespaces(&mut world, n_pods, free);
    let (source, destination) = (
        add_possible_pod(&mut world, plans.0),
        add_possible_pod(&mut world, plans.1),
    );
    // The solver sees the cluster without the pods, and interned strings that both have.
    let mut base = cluster.clone();
    base.symbols = world.symbols.clone();
    let selections = [
        selection(&mut base, &world, source),
        selection(&mut base, &world, destination),
    ];
    let asker = Asker::new(&base, &selections);
    let (some, every) = instances(&mut world, (source, destination), ports, family);
    let question = |goal| Question {
        source: possible(&selections[0]),
        destination: possible(&selections[1]),
        traffic: TrafficSet::all(),
        family,
        goal,
    };
    asker.holds_exactly(&question(Goal::Allowed), &some)?;
    let denied = if some.is_none() && every.is_none() && !has_flows(&world, family) {
        TrafficSet::none()
    } else {
        TrafficSet::all().difference(&every)
    };
    asker.holds_exactly(&question(Goal::Denied), &denied)
}

/// Likewise, a pod that could be created and an address outside.
pub(crate) fn possible_outside(
    cluster: &Cluster,
    plan: &Plan,
    ports: &[u16],
    address: IpAddr,
) -> Result<(), String> {
    let mut world = cluster.clone();
    let pod = add_possible_pod(&mut world, plan);
    let mut base = cluster.clone();
    base.symbols = world.symbols.clone();
    let selections = [selection(&mut base, &world, pod)];
    let asker = Asker::new(&base, &selections);
    let family = Family::of(address);
    let ends = (
        possible(&selections[0]),
        EndSpec::Outside(AddressSet::from(ipnet::IpNet::from(address))),
    );
    let party = Party::Pod { pod, address: None };
    let outside = Party::External { address };
    for (flow_ends, (source, destination)) in [
        ((party, outside), ends.clone()),
        ((outside, party), (ends.1, ends.0)),
    ] {
        let (some, every) = traffic_of(&mut world, pod, ports, |protocol, port| {
            let (source, destination) = flow_ends;
            vec![Flow {
                source,
                destination,
                protocol,
                port,
            }]
        });
        let question = |goal| Question {
            source: source.clone(),
            destination: destination.clone(),
            traffic: TrafficSet::all(),
            family,
            goal,
        };
        let (allowed, denied) = if has_flows(&world, family) {
            (some, TrafficSet::all().difference(&every))
        } else {
            (TrafficSet::none(), TrafficSet::none())
        };
        asker.holds_exactly(&question(Goal::Allowed), &allowed)?;
        asker.holds_exactly(&question(Goal::Denied), &denied)?;
    }
    Ok(())
}

fn has_flows(world: &Cluster, family: Family) -> bool {
    let in_family = |net: &ipnet::IpNet| Family::of(net.addr()) == family;
    world.pod_cidrs.is_empty() || world.pod_cidrs.iter().any(in_family)
}

fn possible(selection: &PodSelection) -> EndSpec {
    EndSpec::Possible {
        any_of: vec![selection.clone()],
        none_of: Vec::new(),
    }
}

/// What is allowed in some and in every way the two pods could be: with any address they could
/// get, and with any names for the port that is called. Ports between two neighbouring edges
/// behave as the first of them does.
fn instances(
    world: &mut Cluster,
    (source, destination): (PodId, PodId),
    ports: &[u16],
    family: Family,
) -> (TrafficSet, TrafficSet) {
    let addresses: Vec<Option<IpAddr>> = if world.pod_cidrs.is_empty() {
        vec![None]
    } else {
        let edges = crate::edges::boundary_addresses(world);
        let fits = |address: &IpAddr| {
            Family::of(*address) == family
                && world.pod_cidrs.iter().any(|net| net.contains(address))
        };
        let fitting: Vec<IpAddr> = edges.into_iter().filter(fits).collect();
        one_of_each(world, fitting).into_iter().map(Some).collect()
    };
    let flows = |protocol, port| {
        let pairs = addresses
            .iter()
            .flat_map(|from| addresses.iter().map(move |to| (*from, *to)));
        let flow = |(from, to)| Flow {
            source: Party::Pod {
                pod: source,
                address: from,
            },
            destination: Party::Pod {
                pod: destination,
                address: to,
            },
            protocol,
            port,
        };
        pairs.map(flow).collect()
    };
    traffic_of(world, destination, ports, flows)
}

/// One address of each kind that no block tells apart.
fn one_of_each(cluster: &Cluster, addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let nets: Vec<ipnet::IpNet> = crate::edges::rules(cluster)
        .flat_map(|rule| rule.peers.iter().flatten())
        .filter_map(|peer| match &peer.kind {
            PeerKind::IpBlock(block) => Some(block),
            PeerKind::Pods { .. } | PeerKind::Domain { .. } => None,
        })
        .flat_map(|block| block.except.iter().copied().chain([block.cidr]))
        .collect();
    let mut seen = BTreeSet::new();
    let kind =
        |address: &IpAddr| -> Vec<bool> { nets.iter().map(|net| net.contains(address)).collect() };
    addresses
        .into_iter()
        .filter(|address| seen.insert(kind(address)))
        .collect()
}

/// What is allowed in some and in all of these flows, with any names that a pod gives to the port.
/// Ports between two neighbouring edges behave as the first of them does.
fn traffic_of(
    world: &mut Cluster,
    called: PodId,
    ports: &[u16],
    flows: impl Fn(Protocol, u16) -> Vec<Flow>,
) -> (TrafficSet, TrafficSet) {
    let names: Vec<Symbol> = crate::generate::PORT_NAMES
        .map(|name| world.symbols.intern(name))
        .to_vec();
    let index = usize::try_from(called.0).unwrap();
    let edges = crate::edges::range_edges(world, ports);
    let (mut some, mut every) = (TrafficSet::none(), TrafficSet::none());
    for protocol in Protocol::ALL {
        for (nth, &port) in edges.iter().enumerate() {
            let last = edges.get(nth + 1).map_or(u16::MAX, |next| next - 1);
            let piece = TrafficSet::ports(protocol, port, last);
            let mut verdicts = BTreeSet::new();
            for subset in 0..1u32 << names.len() {
                let chosen = names
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| subset & (1 << bit) != 0);
                world.pods[index].ports = chosen
                    .map(|(_, name)| ContainerPort {
                        name: Some(*name),
                        protocol,
                        port,
                        host_port: None,
                    })
                    .collect();
                let each = flows(protocol, port);
                verdicts.extend(each.iter().map(|flow| evaluate(world, flow).verdict));
            }
            if verdicts.contains(&Verdict::Allowed) {
                some = some.union(&piece);
                if verdicts.len() == 1 {
                    every = every.union(&piece);
                }
            }
        }
    }
    (some, every)
}

/// Exactly the pods with the labels and namespace of this one.
fn selection(base: &mut Cluster, world: &Cluster, pod: PodId) -> PodSelection {
    let pod = world.pod(pod).unwrap();
    let namespace = world.namespace(pod.namespace).unwrap();
    let mut exact = |labels: &Labels, keys: &[&str]| {
        let mut requirements = Vec::new();
        for key in keys {
            let key = base.symbols.intern(key);
            let operator = match labels.get(key) {
                Some(value) => Operator::In(vec![value]),
                None => Operator::DoesNotExist,
            };
            requirements.push(Requirement { key, operator });
        }
        Selector::new(requirements)
    };
    let [a, b] = crate::generate::NAMESPACE_KEYS;
    PodSelection {
        namespaces: NamespaceMatch::Labels(exact(&namespace.labels, &[METADATA_NAME, a, b])),
        pods: exact(&pod.labels, &crate::generate::POD_KEYS),
    }
}

/// A cluster without a part of a policy, really taken out.
fn without(cluster: &Cluster, part: Omitted) -> Cluster {
    let mut cluster = cluster.clone();
    let index = usize::try_from(part.policy.0).unwrap();
    match part.what {
        Omission::Policy => {
            cluster.policies.remove(index);
        }
        Omission::Rule(direction, rule) => {
            rules_of(&mut cluster.policies[index], direction).remove(rule);
        }
        Omission::Peer(direction, rule, peer) => {
            let rule = &mut rules_of(&mut cluster.policies[index], direction)[rule];
            rule.peers.as_mut().unwrap().remove(peer);
        }
        Omission::Port(direction, rule, port) => {
            let rule = &mut rules_of(&mut cluster.policies[index], direction)[rule];
            rule.ports.as_mut().unwrap().remove(port);
        }
    }
    cluster
}

fn rules_of(policy: &mut Policy, direction: Direction) -> &mut Vec<Rule> {
    match direction {
        Direction::Egress => policy.egress.as_mut().unwrap(),
        Direction::Ingress => policy.ingress.as_mut().unwrap(),
    }
}

/// Two clusters: what `compare` proves holds of pods that are made, and what it finds replays (it
/// checks that itself); each implies the other exactly when they are equivalent.
pub(crate) fn comparison(
    (a, b): (&Cluster, &Cluster),
    plans: (&Plan, &Plan),
    ports: &[u16],
) -> Result<(), String> {
    let ask = |first, second, comparison| {
        let answer = compare([first, second], comparison, Limits::default());
        match answer.map_err(|error| error.to_string())?.0 {
            Compared::Proved => Ok(true),
            Compared::Differs(_) => Ok(false),
            Compared::Unknown { reason } => Err(format!("gave up: {reason}")),
        }
    };
    let equivalent = ask(a, b, Comparison::Equivalent)?;
    let (a_in_b, b_in_a) = (
        ask(a, b, Comparison::Implies)?,
        ask(b, a, Comparison::Implies)?,
    );
    if equivalent != (a_in_b && b_in_a) {
        return Err(format!(
            "equivalent {equivalent}, but implications {a_in_b} and {b_in_a}"
        ));
    }
    let worlds = [(a, b), (b, a)].map(|(cluster, other)| {
        let mut world = cluster.clone();
        know_namespaces_of(&mut world, other);
        let ids = [plans.0, plans.1].map(|plan| add_possible_pod(&mut world, plan));
        (world, ids)
    });
    let [(first, first_ids), (second, second_ids)] = &worlds;
    let mut addresses = vec![None];
    addresses.extend(
        crate::generate::ADDRESSES
            .iter()
            .step_by(3)
            .map(|a| Some(a.parse().unwrap())),
    );
    for protocol in Protocol::ALL {
        for &port in ports {
            for &from in &addresses {
                for &to in &addresses {
                    let family = |address: Option<IpAddr>| address.map(Family::of);
                    if from.is_some() && to.is_some() && family(from) != family(to) {
                        continue;
                    }
                    let flow = |ids: &[PodId; 2]| Flow {
                        source: Party::Pod {
                            pod: ids[0],
                            address: from,
                        },
                        destination: Party::Pod {
                            pod: ids[1],
                            address: to,
                        },
                        protocol,
                        port,
                    };
                    let (one, other) = (
                        evaluate(first, &flow(first_ids)).verdict,
                        evaluate(second, &flow(second_ids)).verdict,
                    );
                    let only = |x, y| (x, y) == (Verdict::Allowed, Verdict::Denied);
                    if equivalent && one != other
                        || a_in_b && only(one, other)
                        || b_in_a && only(other, one)
                    {
                        return Err(format!(
                            "proved, but {:?} is {one:?} and {other:?}",
                            flow(first_ids)
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}

/// A namespace that only one of two inputs knows has its labels in both.
fn know_namespaces_of(cluster: &mut Cluster, other: &Cluster) {
    let is_known = |cluster: &Cluster, index: usize| {
        let id = NamespaceId(u32::try_from(index).unwrap());
        let inhabited = cluster.pods.iter().any(|pod| pod.namespace == id);
        inhabited || cluster.namespaces[index].origin.is_some()
    };
    for index in 0..other.namespaces.len() {
        let theirs = &other.namespaces[index];
        let own = cluster
            .namespaces
            .iter()
            .position(|n| n.name == theirs.name);
        if let Some(own) = own
            && is_known(other, index)
            && !is_known(cluster, own)
        {
            for (key, value) in theirs.labels.iter() {
                let key = cluster.symbols.intern(other.symbols.name(key));
                let value = cluster.symbols.intern(other.symbols.name(value));
                cluster.namespaces[own].labels.set(key, value);
            }
        }
    }
}

/// Parts called redundant are those without which the cluster is equivalent, and no other.
pub(crate) fn redundancies(cluster: &Cluster) -> Result<(), String> {
    let answer = redundant(cluster, Limits::default());
    if let Some((part, reason)) = answer.unknown.first() {
        return Err(format!("gave up on {part:?}: {reason}"));
    }
    let is_equivalent = |part| {
        let other = without(cluster, part);
        let compared = compare([cluster, &other], Comparison::Equivalent, Limits::default());
        compared
            .map(|(compared, _)| compared == Compared::Proved)
            .map_err(|error| error.to_string())
    };
    for redundant in &answer.found {
        if !is_equivalent(redundant.part)? {
            return Err(format!("{redundant:?} is not redundant"));
        }
    }
    for (id, policy) in cluster.policies_with_ids() {
        let mut parts = vec![Omission::Policy];
        for direction in Direction::ALL {
            let n_rules = policy.rules(direction).map_or(0, <[Rule]>::len);
            parts.extend((0..n_rules).map(|rule| Omission::Rule(direction, rule)));
        }
        let is_found = |what| {
            answer
                .found
                .iter()
                .any(|r| r.part == Omitted { policy: id, what })
        };
        // Of a redundant policy the rules are not listed.
        let listed = if is_found(Omission::Policy) {
            1
        } else {
            parts.len()
        };
        for what in parts.into_iter().take(listed) {
            let part = Omitted { policy: id, what };
            if is_equivalent(part)? != is_found(what) {
                return Err(format!("{part:?} is found: {}", is_found(what)));
            }
        }
    }
    Ok(())
}
