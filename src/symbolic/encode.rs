//! Policies as formulas over the ends of a flow: the rules of docs/semantics.md a second time,
//! and independently of `model::evaluate` and `reach`.

use super::bits::{all, any, constant, in_block, one_of, within};
use super::end::{AddressTerms, Constraints, End};
use super::query::{EndSpec, Omission, Omitted, PairSpec, Query, TrafficSpec, World};
use super::rows::{Members, Row};
use super::selection::PodSelection;
use super::vocabulary::{Domain, Home, Vocabulary};
use crate::model::{
    Action, Cluster, Direction, Family, IpBlock, METADATA_NAME, NamespaceMatch, Operator, Peer,
    PeerKind, Policy, PolicyId, PortMatch, PortMatchKind, Protocol, Requirement, Rule, Selector,
    Subject, Tier, Undecided, domain_within,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use z3::ast::{BV, Bool};

/// The variables of a flow besides its ends.
#[derive(Debug)]
pub(super) struct FlowTerms {
    /// The index in [`Protocol::ALL`].
    pub(super) protocol: BV,
    /// The port on the destination (N17).
    pub(super) port: BV,
    /// Whether it is IPv6.
    pub(super) v6: Bool,
}

impl FlowTerms {
    fn new(constraints: &Constraints) -> FlowTerms {
        let flow = FlowTerms {
            protocol: BV::new_const("protocol", 2),
            port: BV::new_const("port", 16),
            v6: Bool::new_const("v6"),
        };
        let last = constant(Protocol::ALL.len() - 1, 2);
        let mut constraints = constraints.borrow_mut();
        constraints.push(flow.protocol.bvule(&last));
        constraints.push(flow.port.bvuge(constant(1, 16)));
        flow
    }

    /// Whether the flow is of that family.
    pub(super) fn is(&self, family: Family) -> Bool {
        match family {
            Family::V4 => self.v6.not(),
            Family::V6 => self.v6.clone(),
        }
    }

    fn has_protocol(&self, protocol: Protocol) -> Bool {
        let position = Protocol::ALL.iter().position(|known| *known == protocol);
        self.protocol.eq(constant(position.unwrap_or_default(), 2))
    }

    fn port_within(&self, first: u16, last: u16) -> Bool {
        let number = |port: u16| BV::from_u64(u64::from(port), 16);
        if first == last {
            self.port.eq(number(first))
        } else {
            within(&self.port, &number(first), &number(last))
        }
    }
}

/// A flow's variables and how the model's things are said of them.
#[derive(Debug)]
pub(super) struct Encoder<'a> {
    vocabulary: &'a Vocabulary,
    pub(super) flow: FlowTerms,
    pub(super) source: End<'a>,
    pub(super) destination: End<'a>,
    pub(super) constraints: Constraints,
    /// Whether the destination declares a port of that name with the flow's protocol and number.
    declared: RefCell<BTreeMap<String, Bool>>,
    /// Whether the address outside has a name that a pattern is about.
    names: RefCell<BTreeMap<String, Bool>>,
    /// Of each world, the namespaces whose labels are not those of the vocabulary.
    differing: Vec<BTreeSet<usize>>,
}

impl<'a> Encoder<'a> {
    /// The variables of a query's flow.
    pub(super) fn new(query: &Query<'a>) -> Encoder<'a> {
        let constraints = Constraints::default();
        let flow = FlowTerms::new(&constraints);
        let nodes = node_names(query);
        let end = |name| End::new(query, name, &flow, &nodes, &constraints);
        let (source, destination) = (end("source"), end("destination"));
        let differing = |world: &World<'_>| differing(query.vocabulary, world.cluster);
        Encoder {
            vocabulary: query.vocabulary,
            source,
            destination,
            flow,
            constraints,
            declared: RefCell::default(),
            names: RefCell::default(),
            // One world's own labels are the vocabulary's.
            differing: match query.worlds.as_slice() {
                [_] => Vec::new(),
                worlds => worlds.iter().map(differing).collect(),
            },
        }
    }

    /// The end whose policies say something in a direction.
    pub(super) fn subject(&self, direction: Direction) -> &End<'a> {
        match direction {
            Direction::Egress => &self.source,
            Direction::Ingress => &self.destination,
        }
    }

    fn peer(&self, direction: Direction) -> &End<'a> {
        match direction {
            Direction::Egress => &self.destination,
            Direction::Ingress => &self.source,
        }
    }

    fn must(&self, holds: Bool) {
        self.constraints.borrow_mut().push(holds);
    }

    /// N26: the source is the node of the destination, or a pod that is its traffic.
    pub(super) fn own_node(&self) -> Bool {
        let unseen = match &self.source.visible {
            None => Bool::from_bool(true),
            Some(visible) => visible.not(),
        };
        let node = &self.destination.node;
        let size = node.get_size();
        if self.source.node.get_size() != size {
            return Bool::from_bool(false);
        }
        let known = node.ne(constant(0, size));
        all(&[unseen, known, node.eq(&self.source.node)])
    }

    /// What one direction's policies say of a subject that those policies can select: whether the
    /// flow is let through. Evaluated from the last tier and rule backwards.
    pub(super) fn side(
        &self,
        worlds: &[World<'_>],
        nth: usize,
        direction: Direction,
        policies: &[PolicyId],
        peer_address: &AddressTerms,
    ) -> Bool {
        let Some(world) = worlds.get(nth) else {
            return Bool::from_bool(true);
        };
        // The default after the last tier.
        let mut allowed = Bool::from_bool(true);
        for tier in Tier::ALL.into_iter().rev() {
            let of_tier: Vec<(PolicyId, &Policy, Bool)> = policies
                .iter()
                .filter(|id| !is_omitted(world, **id, Omission::Policy))
                .filter_map(|&id| Some((id, world.cluster.policy(id)?)))
                .filter(|(_, policy)| policy.tier == tier)
                .map(|(id, policy)| {
                    let end = self.subject(direction);
                    (
                        id,
                        policy,
                        self.selects(world.cluster, nth, &policy.subject, end),
                    )
                })
                .collect();
            if of_tier.is_empty() {
                continue;
            }
            allowed = self.tier(
                world,
                nth,
                direction,
                tier,
                &of_tier,
                &allowed,
                peer_address,
            );
        }
        allowed
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "private, and called in one place"
    )]
    fn tier(
        &self,
        world: &World<'_>,
        nth: usize,
        direction: Direction,
        tier: Tier,
        policies: &[(PolicyId, &Policy, Bool)],
        next: &Bool,
        peer_address: &AddressTerms,
    ) -> Bool {
        let selected: Vec<Bool> = policies
            .iter()
            .map(|(_, _, selects)| selects.clone())
            .collect();
        let undecided = match tier.undecided() {
            // N2, N3: selected by any, and let through by none.
            Undecided::Deny => all(&[any(&selected).not(), next.clone()]),
            Undecided::NextTier => next.clone(),
        };
        let mut matches = Vec::new();
        for (id, policy, selects) in policies {
            let rules = policy.rules(direction).unwrap_or_default();
            for (index, rule) in rules.iter().enumerate() {
                if let Some(matching) =
                    self.rule(world, nth, direction, (*id, index, rule), peer_address)
                {
                    matches.push((rule.action, all(&[selects.clone(), matching])));
                }
            }
        }
        // N3: when all rules accept, their order does not matter.
        if matches.iter().all(|(action, _)| *action == Action::Accept) {
            let mut terms: Vec<Bool> = matches.into_iter().map(|(_, matching)| matching).collect();
            terms.push(undecided);
            return any(&terms);
        }
        matches
            .into_iter()
            .rev()
            .fold(undecided, |otherwise, (action, matching)| {
                let decided = match action {
                    Action::Accept => Bool::from_bool(true),
                    Action::Deny => Bool::from_bool(false),
                    Action::Pass => next.clone(),
                };
                matching.ite(&decided, &otherwise)
            })
    }

    /// N13: any peer and any port. `None` when the rule is left out.
    fn rule(
        &self,
        world: &World<'_>,
        nth: usize,
        direction: Direction,
        (policy, index, rule): (PolicyId, usize, &Rule),
        peer_address: &AddressTerms,
    ) -> Option<Bool> {
        let is_kept = |what| !is_omitted(world, policy, what);
        if !is_kept(Omission::Rule(direction, index)) {
            return None;
        }
        let mut terms = Vec::new();
        if let Some(ports) = &rule.ports {
            let kept = ports
                .iter()
                .enumerate()
                .filter(|(port, _)| is_kept(Omission::Port(direction, index, *port)));
            let each: Vec<Bool> = kept
                .map(|(_, port)| self.port(world.cluster, port))
                .collect();
            terms.push(any(&each));
        }
        if let Some(peers) = &rule.peers {
            let kept = peers
                .iter()
                .enumerate()
                .filter(|(peer, _)| is_kept(Omission::Peer(direction, index, *peer)));
            let end = self.peer(direction);
            let each: Vec<Bool> = kept
                .map(|(_, peer)| self.peer_matches(world.cluster, nth, peer, end, peer_address))
                .collect();
            terms.push(any(&each));
        }
        Some(all(&terms))
    }

    /// Whether one entry of `from` or `to` matches an end.
    pub(super) fn peer_matches(
        &self,
        cluster: &Cluster,
        nth: usize,
        peer: &Peer,
        end: &End<'a>,
        address: &AddressTerms,
    ) -> Bool {
        match &peer.kind {
            PeerKind::Pods { namespaces, pods } => {
                self.pods_match(cluster, nth, namespaces, pods, end)
            }
            PeerKind::IpBlock(block) => self.block(block, address),
            PeerKind::Domain { pattern, holds } if end.may_have_name => {
                let has_name = match holds {
                    Some(holds) => Bool::from_bool(*holds),
                    None => self.has_name(cluster.symbols.name(*pattern)),
                };
                all(&[address.known.clone(), has_name])
            }
            PeerKind::Domain { .. } => Bool::from_bool(false),
        }
    }

    /// Whether the address outside has such a name: a variable of its own, the same in all worlds.
    /// What has a name has every pattern's that is about it.
    fn has_name(&self, pattern: &str) -> Bool {
        if let Some(known) = self.names.borrow().get(pattern) {
            return known.clone();
        }
        let term = Bool::new_const(format!("name:{pattern}"));
        for (other, known) in self.names.borrow().iter() {
            if domain_within(pattern, other) {
                self.must(term.implies(known));
            }
            if domain_within(other, pattern) {
                self.must(known.implies(&term));
            }
        }
        let mut names = self.names.borrow_mut();
        names.insert(pattern.to_owned(), term.clone());
        term
    }

    /// The patterns by name that rules have, with their terms.
    pub(super) fn known_names(&self) -> Vec<(String, Bool)> {
        let known = self.names.borrow();
        known
            .iter()
            .map(|(name, term)| (name.clone(), term.clone()))
            .collect()
    }

    /// N21 to N23: literal containment, whoever has the address.
    fn block(&self, block: &IpBlock, address: &AddressTerms) -> Bool {
        let family = Family::of(block.cidr.addr());
        let variable = match family {
            Family::V4 => &address.v4,
            Family::V6 => &address.v6,
        };
        let mut terms = vec![
            address.known.clone(),
            self.flow.is(family),
            in_block(variable, block.cidr),
        ];
        let except = block
            .except
            .iter()
            .filter(|net| Family::of(net.addr()) == family);
        terms.extend(except.map(|net| in_block(variable, *net).not()));
        all(&terms)
    }

    /// N17 to N20.
    fn port(&self, cluster: &Cluster, port: &PortMatch) -> Bool {
        self.port_kind(cluster, &port.kind)
    }

    fn port_kind(&self, cluster: &Cluster, kind: &PortMatchKind) -> Bool {
        match kind {
            PortMatchKind::Range {
                protocol,
                first,
                last,
            } => all(&[
                self.flow.has_protocol(*protocol),
                self.flow.port_within(*first, *last),
            ]),
            PortMatchKind::Named { protocol, name } => {
                let mut terms = vec![self.declares(cluster.symbols.name(*name))];
                terms.extend(protocol.map(|protocol| self.flow.has_protocol(protocol)));
                all(&terms)
            }
        }
    }

    /// N18: whether the destination has a port of that name with the flow's protocol and number.
    /// For a pod that could be created that is a variable of its own: it may declare any name
    /// for any port.
    fn declares(&self, name: &str) -> Bool {
        // Neither a node nor an address outside has names.
        let Some(visible) = &self.destination.visible else {
            return Bool::from_bool(false);
        };
        if let Some(known) = self.declared.borrow().get(name) {
            return known.clone();
        }
        let term = match &self.destination.rows {
            None => Bool::new_const(format!("declares:{name}")),
            Some((row, rows)) => {
                let mut by_port: BTreeMap<(Protocol, u16), Vec<usize>> = BTreeMap::new();
                for (index, row) in rows.iter().enumerate() {
                    for (_, protocol, port) in row.facts.ports.iter().filter(|(n, _, _)| n == name)
                    {
                        by_port.entry((*protocol, *port)).or_default().push(index);
                    }
                }
                let ports = by_port.into_iter().map(|((protocol, port), index)| {
                    all(&[
                        one_of(row, index),
                        self.flow.has_protocol(protocol),
                        self.flow.port_within(port, port),
                    ])
                });
                all(&[visible.clone(), any(&ports.collect::<Vec<_>>())])
            }
        };
        self.declared
            .borrow_mut()
            .insert(name.to_owned(), term.clone());
        term
    }

    /// The names that may be declared, with their terms.
    pub(super) fn known_port_names(&self) -> Vec<(String, Bool)> {
        let known = self.declared.borrow();
        known
            .iter()
            .map(|(name, term)| (name.clone(), term.clone()))
            .collect()
    }

    /// Whether a subject selects an end: namespace and labels must both match.
    pub(super) fn selects(
        &self,
        cluster: &Cluster,
        nth: usize,
        subject: &Subject,
        end: &End<'a>,
    ) -> Bool {
        self.pods_match(cluster, nth, &subject.namespaces, &subject.pods, end)
    }

    /// N12: within one entry, namespaceSelector and podSelector must both match. Selectors pass
    /// over what they do not see (N27 b).
    fn pods_match(
        &self,
        cluster: &Cluster,
        nth: usize,
        namespaces: &NamespaceMatch,
        pods: &Selector,
        end: &End<'a>,
    ) -> Bool {
        let Some(visible) = &end.visible else {
            return Bool::from_bool(false);
        };
        let mut terms = vec![visible.clone()];
        terms.push(match namespaces {
            NamespaceMatch::Same(namespace) => {
                match self
                    .vocabulary
                    .namespace_code(cluster.namespace_name(*namespace))
                {
                    Some(code) => end.namespace.eq(constant(code, end.namespace.get_size())),
                    None => Bool::from_bool(false),
                }
            }
            NamespaceMatch::Labels(selector) => self.namespace_matches(cluster, nth, selector, end),
        });
        for requirement in pods.requirements() {
            let key = cluster.symbols.name(requirement.key);
            // Every key of a selector is in the vocabulary.
            if let Some(domain) = self.vocabulary.pod_domain(key) {
                let variable = end.label(key, domain, &self.constraints);
                terms.push(requirement_holds(cluster, requirement, &variable, domain));
            }
        }
        all(&terms)
    }

    fn namespace_matches(
        &self,
        cluster: &Cluster,
        nth: usize,
        selector: &Selector,
        end: &End<'a>,
    ) -> Bool {
        let each: Vec<Bool> = selector
            .requirements()
            .iter()
            .filter_map(|requirement| {
                let key = cluster.symbols.name(requirement.key);
                if key == METADATA_NAME {
                    return Some(self.name_holds(cluster, &requirement.operator, end));
                }
                let domain = self.vocabulary.namespace_domain(key)?;
                let variable = self.namespace_label(key, domain, end);
                Some(requirement_holds(cluster, requirement, &variable, domain))
            })
            .collect();
        let holds = all(&each);
        let Some(differing) = self.differing.get(nth).filter(|codes| !codes.is_empty()) else {
            return holds;
        };
        // Here the vocabulary has the labels of another world, and this world's own decide.
        let matching = differing.iter().copied().filter(|code| {
            let id = cluster.namespace_named(&self.vocabulary.namespace_name(*code));
            let namespace = id.and_then(|id| cluster.namespace(id));
            namespace.is_some_and(|namespace| selector.matches(&namespace.labels))
        });
        let own = one_of(&end.namespace, matching);
        one_of(&end.namespace, differing.iter().copied()).ite(&own, &holds)
    }

    /// The variable of a namespace's label. The labels of one namespace are the same at both
    /// ends, so the variables of both ends are made together.
    pub(super) fn namespace_label(&self, key: &str, domain: &Domain, end: &End<'a>) -> BV {
        let is_new = !end.known_labels().1.iter().any(|(known, _)| known == key);
        let variable = end.namespace_label(key, domain, &self.constraints);
        if is_new && self.source.visible.is_some() && self.destination.visible.is_some() {
            let source = self.source.namespace_label(key, domain, &self.constraints);
            let destination = self
                .destination
                .namespace_label(key, domain, &self.constraints);
            let same = self.source.namespace.eq(&self.destination.namespace);
            self.must(same.implies(source.eq(&destination)));
        }
        variable
    }

    /// N15: a requirement on the name label is one on the namespace itself.
    fn name_holds(&self, cluster: &Cluster, operator: &Operator, end: &End<'a>) -> Bool {
        let listed = |values: &[crate::model::Symbol]| {
            let names = values.iter().map(|value| cluster.symbols.name(*value));
            let mut codes: Vec<usize> = names
                .filter_map(|name| self.vocabulary.namespace_code(name))
                .collect();
            codes.sort_unstable();
            codes.dedup();
            one_of(&end.namespace, codes)
        };
        match operator {
            Operator::In(values) => listed(values),
            Operator::NotIn(values) => listed(values).not(),
            Operator::Exists => Bool::from_bool(true),
            Operator::DoesNotExist => Bool::from_bool(false),
        }
    }

    /// Whether one of the selections selects an end.
    pub(super) fn any_selects(
        &self,
        cluster: &Cluster,
        selections: &[PodSelection],
        end: &End<'a>,
    ) -> Bool {
        let each: Vec<Bool> = selections
            .iter()
            .map(|selection| {
                self.pods_match(cluster, 0, &selection.namespaces, &selection.pods, end)
            })
            .collect();
        any(&each)
    }

    /// Whether the flow is of that traffic.
    pub(super) fn traffic(&self, cluster: &Cluster, traffic: &TrafficSpec) -> Bool {
        match &traffic.0 {
            None => Bool::from_bool(true),
            Some(items) => {
                let each: Vec<Bool> = items
                    .iter()
                    .map(|item| self.port_kind(cluster, item))
                    .collect();
                any(&each)
            }
        }
    }

    /// Whether the two ends are one of those pairs, and two different things.
    pub(super) fn pair(&self, cluster: &Cluster, pairs: &PairSpec) -> Bool {
        let (source, destination) = (&self.source, &self.destination);
        let mut terms = vec![self.distinct()];
        if pairs.namespaces_differ {
            terms.push(source.namespace.ne(&destination.namespace));
        }
        if let Some(key) = &pairs.labels_differ
            && let Some(domain) = self.vocabulary.namespace_domain(key)
        {
            let at = |end| self.namespace_label(key, domain, end);
            let (source, destination) = (at(source), at(destination));
            let absent = constant(super::vocabulary::ABSENT, source.get_size());
            terms.extend([
                source.ne(&destination),
                source.ne(&absent),
                destination.ne(&absent),
            ]);
        }
        for exception in &pairs.except {
            let mut excepted = vec![self.traffic(cluster, &exception.traffic)];
            for (selections, end) in [(&exception.from, source), (&exception.to, destination)] {
                if let Some(selections) = selections {
                    excepted.push(self.any_selects(cluster, selections, end));
                }
            }
            terms.push(all(&excepted).not());
        }
        if pairs.without_own_node {
            terms.push(self.own_node().not());
        }
        all(&terms)
    }

    /// N25: a pod and itself are no pair. A row with one member may not be both ends.
    fn distinct(&self) -> Bool {
        let (Some((source, source_rows)), Some((destination, destination_rows))) =
            (&self.source.rows, &self.destination.rows)
        else {
            return Bool::from_bool(true);
        };
        let single = |row: &Row| match &row.members {
            Members::Pods(pods) => match pods.as_slice() {
                [pod] => Some(*pod),
                _ => None,
            },
            Members::Node(_) => None,
        };
        let singles: BTreeMap<_, _> = destination_rows
            .iter()
            .enumerate()
            .filter_map(|(index, row)| Some((single(row)?, index)))
            .collect();
        let apart = source_rows.iter().enumerate().filter_map(|(index, row)| {
            let other = singles.get(&single(row)?)?;
            let same = [
                source.eq(constant(index, source.get_size())),
                destination.eq(constant(*other, destination.get_size())),
            ];
            Some(all(&same).not())
        });
        all(&apart.collect::<Vec<_>>())
    }
}

fn is_omitted(world: &World<'_>, policy: PolicyId, what: Omission) -> bool {
    world.omitted.contains(&Omitted { policy, what })
}

/// N14, on the code of a value. Note `NotIn`: an absent key satisfies it.
fn requirement_holds(
    cluster: &Cluster,
    requirement: &Requirement,
    variable: &BV,
    domain: &Domain,
) -> Bool {
    let listed = |values: &[crate::model::Symbol]| {
        let names = values.iter().map(|value| cluster.symbols.name(*value));
        let mut codes: Vec<usize> = names.filter_map(|name| domain.mentioned(name)).collect();
        codes.sort_unstable();
        one_of(variable, codes)
    };
    let absent = variable.eq(constant(super::vocabulary::ABSENT, variable.get_size()));
    match &requirement.operator {
        Operator::In(values) => listed(values),
        Operator::NotIn(values) => listed(values).not(),
        Operator::Exists => absent.not(),
        Operator::DoesNotExist => absent,
    }
}

/// The nodes that existing ends are on or are, sorted.
fn node_names(query: &Query<'_>) -> Vec<String> {
    let exists = |spec: &EndSpec| matches!(spec, EndSpec::Existing(_) | EndSpec::Nodes(_));
    let needed = exists(&query.source) && exists(&query.destination);
    let Some(world) = query.worlds.first().filter(|_| needed) else {
        return Vec::new();
    };
    let pods = world.cluster.pods.iter().filter_map(|pod| pod.node.clone());
    let nodes = world.cluster.nodes.iter().map(|node| node.name.clone());
    let names: BTreeSet<String> = pods.chain(nodes).collect();
    names.into_iter().collect()
}

/// The namespaces that a cluster knows and whose labels are not those of the vocabulary.
fn differing(vocabulary: &Vocabulary, cluster: &Cluster) -> BTreeSet<usize> {
    let text = |symbol| cluster.symbols.name(symbol).to_owned();
    let inhabited: BTreeSet<_> = cluster.pods.iter().map(|pod| pod.namespace).collect();
    let mut found = BTreeSet::new();
    for (id, namespace) in (0u32..)
        .map(crate::model::NamespaceId)
        .zip(&cluster.namespaces)
    {
        let is_known = namespace.origin.is_some() || inhabited.contains(&id);
        let Some(code) = vocabulary
            .namespace_code(&namespace.name)
            .filter(|_| is_known)
        else {
            continue;
        };
        if let Home::Fixed(labels) = vocabulary.home(code) {
            let own = namespace
                .labels
                .iter()
                .map(|(key, value)| (text(key), text(value)));
            if own.collect::<BTreeMap<_, _>>() != *labels {
                found.insert(code);
            }
        }
    }
    found
}
