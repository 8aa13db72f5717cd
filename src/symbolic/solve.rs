//! Asking Z3. Policies are told to the solver namespace by namespace, and only where a candidate
//! flow has an end.
//!
//! What one side says is a variable. As long as the policies of a namespace are not told, that
//! variable is free for flows with an end there, so the formula allows more than the policies
//! do: no solution then means that there is none at all. A solution counts only when the
//! policies of both of its ends' namespaces were told; otherwise they are now, and the solver is
//! asked again. There are finitely many namespaces, so this ends.

use super::bits::{all, any, constant, one_of, v4_constant};
use super::encode::Encoder;
use super::end::AddressTerms;
use super::query::{Effort, EndSpec, Goal, Outcome, Query, World};
use super::selection::compatible;
use super::vocabulary::Home;
use super::witness::decode;
use crate::model::{Direction, METADATA_NAME, NamespaceId, NamespaceMatch, PolicyId, Tier};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use z3::ast::{BV, Bool};
use z3::{Config, Model, Params, SatResult, Solver, StatisticsValue, with_z3_config};

/// How a query is solved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Whether only policies are told that can matter. Without, all of them are, which says the
    /// same and is there to compare with.
    pub slicing: bool,
    /// Z3's own count of work, for each check; 0 is no limit. It does not depend on the machine,
    /// as time does, so the same query always ends the same way.
    pub resources: u32,
}

impl Default for Limits {
    fn default() -> Self {
        // Some hundred times what the largest query of the benches takes.
        Limits {
            slicing: true,
            resources: 200_000_000,
        }
    }
}

/// Answers a query, in a Z3 context of its own. The witness is not yet replayed.
pub fn solve(query: &Query<'_>, limits: Limits) -> (Outcome, Effort) {
    with_z3_config(&Config::new(), || Session::new(query, limits).run())
}

/// What a variable stands for: what a world's policies say in a direction.
#[derive(Debug)]
struct SideVariable {
    world: usize,
    direction: Direction,
    says: Says,
    /// The address of the peer that is meant.
    address: AddressTerms,
    variable: Bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Says {
    /// The flow is let through.
    Allowed,
    /// Some NetworkPolicy selects the subject (N1).
    Isolated,
    /// This policy selects the subject.
    Selected(PolicyId),
}

struct Session<'q, 'a> {
    query: &'q Query<'a>,
    encoder: Encoder<'a>,
    solver: Solver,
    sides: Vec<SideVariable>,
    /// The namespaces whose policies the solver was told, by direction.
    told: BTreeMap<Direction, BTreeSet<usize>>,
    /// Those that have policies that can matter, by direction.
    relevant: BTreeMap<Direction, BTreeSet<usize>>,
    slicing: bool,
    effort: Effort,
}

impl<'q, 'a> Session<'q, 'a> {
    fn new(query: &'q Query<'a>, limits: Limits) -> Self {
        let solver = Solver::new_for_logic("QF_FD").unwrap_or_default();
        let mut params = Params::new();
        params.set_u32("rlimit", limits.resources);
        params.set_u32("random_seed", 0);
        solver.set_params(&params);
        let encoder = Encoder::new(query);
        let sides = sides(query, &encoder);
        let mut session = Session {
            query,
            encoder,
            solver,
            sides,
            told: BTreeMap::new(),
            relevant: BTreeMap::new(),
            slicing: limits.slicing,
            effort: Effort::default(),
        };
        session.assert_query();
        session
    }

    fn assert_query(&mut self) {
        let Some(world) = self.query.worlds.first() else {
            return;
        };
        let mut terms = vec![
            self.encoder.traffic(world.cluster, &self.query.traffic),
            self.goal(),
        ];
        terms.extend(self.query.family.map(|family| self.encoder.flow.is(family)));
        let one_end = self.query.goal.one_end();
        for direction in Direction::ALL {
            if one_end.is_none_or(|only| only == direction) {
                terms.push(self.end(direction));
            }
        }
        if one_end.is_none() {
            terms.push(self.encoder.pair(world.cluster, &self.query.pairs));
        }
        terms.iter().for_each(|term| self.solver.assert(term));
        for direction in self.directions() {
            self.tell_default(direction);
        }
        self.flush();
    }

    fn directions(&self) -> Vec<Direction> {
        let used = |direction: &Direction| self.sides.iter().any(|s| s.direction == *direction);
        Direction::ALL.into_iter().filter(used).collect()
    }

    /// The subject of a direction is one that the query is about.
    fn end(&self, direction: Direction) -> Bool {
        let (EndSpec::Possible { any_of, none_of }, Some(world)) =
            (self.spec(direction), self.query.worlds.first())
        else {
            return Bool::from_bool(true);
        };
        let end = self.encoder.subject(direction);
        all(&[
            self.encoder.any_selects(world.cluster, any_of, end),
            self.encoder.any_selects(world.cluster, none_of, end).not(),
        ])
    }

    fn goal(&self) -> Bool {
        let of = |world: usize, direction: Direction| -> Vec<Bool> {
            self.sides
                .iter()
                .filter(|side| side.world == world && side.direction == direction)
                .map(|side| side.variable.clone())
                .collect()
        };
        let not = |terms: Vec<Bool>| -> Vec<Bool> { terms.iter().map(Bool::not).collect() };
        // N4: both sides must allow.
        let allowed = |world| {
            let sides = Direction::ALL.map(|direction| all(&of(world, direction)));
            all(&sides)
        };
        match self.query.goal {
            Goal::Allowed | Goal::AllowedAlways => allowed(0),
            Goal::Denied => allowed(0).not(),
            Goal::DeniedAlways => any(&Direction::ALL.map(|direction| all(&not(of(0, direction))))),
            Goal::Differs => allowed(0).xor(allowed(1)),
            Goal::OnlyFirst => all(&[allowed(0), allowed(1).not()]),
            Goal::NotIsolated(direction) => all(&not(of(0, direction))),
            Goal::SelectedBy(direction, _) => all(&of(0, direction)),
        }
    }

    fn spec(&self, direction: Direction) -> &'q EndSpec {
        match direction {
            Direction::Egress => &self.query.source,
            Direction::Ingress => &self.query.destination,
        }
    }

    /// What holds whatever the namespace: ends that policy is not asked about, and namespaces
    /// without policies of their own.
    fn tell_default(&mut self, direction: Direction) {
        let mut relevant: BTreeSet<usize> = BTreeSet::new();
        for (nth, world) in self.query.worlds.iter().enumerate() {
            for namespace in world.index.namespaces(direction) {
                if self.can_be_in(nth, world, direction, namespace)
                    && !self
                        .policies(nth, world, direction, Some(namespace))
                        .is_empty()
                {
                    let name = world.cluster.namespace_name(namespace);
                    relevant.extend(self.query.vocabulary.namespace_code(name));
                }
            }
        }
        let subject = &self.encoder.subject(direction).namespace;
        let elsewhere = one_of(subject, relevant.iter().copied()).not();
        self.relevant.insert(direction, relevant.clone());
        for nth in 0..self.sides.len() {
            self.tell_side(nth, direction, None, &elsewhere);
        }
        if !self.slicing {
            relevant
                .into_iter()
                .for_each(|code| self.tell(direction, code));
        }
    }

    /// Tells the solver what the policies of a namespace say of its pods.
    fn tell(&mut self, direction: Direction, code: usize) {
        if !self.told.entry(direction).or_default().insert(code) {
            return;
        }
        let subject = &self.encoder.subject(direction).namespace;
        let here = subject.eq(constant(code, subject.get_size()));
        for nth in 0..self.sides.len() {
            self.tell_side(nth, direction, Some(code), &here);
        }
    }

    /// Tells it of one variable, for subjects of which `here` holds.
    fn tell_side(&mut self, nth: usize, direction: Direction, code: Option<usize>, here: &Bool) {
        let Some(side) = self
            .sides
            .get(nth)
            .filter(|side| side.direction == direction)
        else {
            return;
        };
        let Some(world) = self.query.worlds.get(side.world) else {
            return;
        };
        let encoder = &self.encoder;
        // N4, N27 (b): what selectors do not see has no policy on its side; N26: nor has a pod
        // against its own node.
        let mut exempt = vec![match &encoder.subject(direction).visible {
            None => Bool::from_bool(true),
            Some(visible) => visible.not(),
        }];
        if direction == Direction::Ingress {
            exempt.push(encoder.own_node());
        }
        let exempt = any(&exempt);
        if code.is_none() {
            // N27 (b): nor does any policy select or isolate it.
            let says = Bool::from_bool(side.says == Says::Allowed);
            self.solver.assert(exempt.implies(side.variable.eq(says)));
        }
        if encoder.subject(direction).visible.is_none() {
            return;
        }
        let namespace = code.and_then(|code| {
            world
                .cluster
                .namespace_named(&self.query.vocabulary.namespace_name(code))
        });
        let policies = self.policies(side.world, world, direction, namespace);
        self.effort.policies += policies.len();
        let says = match side.says {
            Says::Allowed => encoder.side(
                &self.query.worlds,
                side.world,
                direction,
                &policies,
                &side.address,
            ),
            Says::Isolated | Says::Selected(_) => {
                let selecting: Vec<Bool> = policies
                    .iter()
                    .filter(|id| side.says == Says::Isolated || side.says == Says::Selected(**id))
                    .filter_map(|id| world.cluster.policy(*id))
                    .filter(|policy| {
                        policy.tier == Tier::NetworkPolicy || side.says != Says::Isolated
                    })
                    .map(|policy| {
                        let end = encoder.subject(direction);
                        encoder.selects(world.cluster, side.world, &policy.subject, end)
                    })
                    .collect();
                any(&selecting)
            }
        };
        let told = all(&[exempt.not(), here.clone()]).implies(side.variable.eq(says));
        self.solver.assert(told);
    }

    /// Whether the subject can be in a namespace of its world.
    fn can_be_in(
        &self,
        nth: usize,
        world: &World<'_>,
        direction: Direction,
        namespace: NamespaceId,
    ) -> bool {
        let EndSpec::Possible { any_of, .. } = self.spec(direction) else {
            return true;
        };
        if !self.slicing || !self.is_comparable(nth, world) {
            return true;
        }
        let code = self
            .query
            .vocabulary
            .namespace_code(world.cluster.namespace_name(namespace));
        let is_fixed = code.is_some_and(|code| *self.query.vocabulary.home(code) != Home::Free);
        let Some(labels) = world
            .cluster
            .namespace(namespace)
            .map(|known| &known.labels)
        else {
            return true;
        };
        any_of.iter().any(|selection| match &selection.namespaces {
            NamespaceMatch::Same(only) => *only == namespace,
            // Of one that is not fixed, the name is.
            NamespaceMatch::Labels(selector) => selector.requirements().iter().all(|requirement| {
                let is_name = world.cluster.symbols.name(requirement.key) == METADATA_NAME;
                (!is_fixed && !is_name) || requirement.matches(labels)
            }),
        })
    }

    /// Whether the query's selections, which are made of the first cluster's symbols, can be
    /// compared with this world's.
    fn is_comparable(&self, nth: usize, world: &World<'_>) -> bool {
        let first = self.query.worlds.first().map(|world| world.cluster);
        nth == 0 || first.is_some_and(|first| std::ptr::eq(first, world.cluster))
    }

    /// The policies that can select the subject in a namespace, or in one without policies of its
    /// own.
    fn policies(
        &self,
        nth: usize,
        world: &World<'_>,
        direction: Direction,
        namespace: Option<NamespaceId>,
    ) -> Vec<PolicyId> {
        let mut policies = world.index.policies(direction, namespace);
        let spec = self.spec(direction);
        if !self.slicing || !self.is_comparable(nth, world) {
            return policies;
        }
        policies.retain(|id| {
            let Some(policy) = world.cluster.policy(*id) else {
                return false;
            };
            match spec {
                EndSpec::Possible { any_of, .. } => any_of
                    .iter()
                    .any(|selection| compatible(&selection.pods, &policy.subject.pods)),
                EndSpec::Existing(pods) => pods.iter().any(|pod| {
                    world.cluster.pod(*pod).is_some_and(|pod| {
                        namespace.is_none_or(|namespace| pod.namespace == namespace)
                            && policy.subject.pods.matches(&pod.labels)
                    })
                }),
                EndSpec::Nodes(_) | EndSpec::Outside(_) => false,
            }
        });
        policies
    }

    /// Tells the solver what was said of new variables.
    fn flush(&self) {
        let pending = self.encoder.constraints.take();
        pending.iter().for_each(|holds| self.solver.assert(holds));
    }

    fn run(mut self) -> (Outcome, Effort) {
        let outcome = match self.check(&[]) {
            Ok(None) => Outcome::Impossible,
            Ok(Some(model)) => self.found(model),
            Err(reason) => Outcome::Unknown { reason },
        };
        (outcome, self.effort)
    }

    /// A solution under assumptions, with the policies of its ends told. The error says why the
    /// solver gave up.
    fn check(&mut self, assumptions: &[Bool]) -> Result<Option<Model>, String> {
        let mut batch = 1usize;
        loop {
            self.flush();
            self.effort.checks += 1;
            let result = match assumptions {
                [] => self.solver.check(),
                _ => self.solver.check_assumptions(assumptions),
            };
            self.count_resources();
            let model = match result {
                SatResult::Unsat => return Ok(None),
                SatResult::Unknown => return Err(self.reason()),
                SatResult::Sat => match self.solver.get_model() {
                    Some(model) => model,
                    None => return Err("no model".to_owned()),
                },
            };
            if self.tell_more(&model, batch) == 0 {
                return Ok(Some(model));
            }
            batch = batch.saturating_mul(2);
        }
    }

    fn reason(&self) -> String {
        let reason = self.solver.get_reason_unknown().unwrap_or_default();
        match reason.as_str() {
            text if text.contains("max. resource limit") || text.contains("canceled") => {
                "the resource limit was reached".to_owned()
            }
            // Which is what it says of a limit that it meets early on, too.
            "" | "unknown" | "no reason given" => {
                "it gave no reason; the resource limit may have been reached".to_owned()
            }
            text => text.to_owned(),
        }
    }

    fn count_resources(&mut self) {
        let spent = self.solver.get_statistics().value("rlimit count");
        if let Some(StatisticsValue::UInt(spent)) = spent {
            self.effort.resources = u64::from(spent);
        }
    }

    /// Tells the policies of the namespaces that a candidate's ends are in, and of some more once
    /// that keeps happening. Returns how many were new.
    fn tell_more(&mut self, model: &Model, batch: usize) -> usize {
        let mut n_new = 0;
        for direction in self.directions() {
            let subject = self.encoder.subject(direction);
            if subject.visible.is_none() {
                continue;
            }
            let Some(code) = code_in(model, &subject.namespace) else {
                continue;
            };
            let relevant = self.relevant.get(&direction).cloned().unwrap_or_default();
            let told = self.told.get(&direction).cloned().unwrap_or_default();
            if !relevant.contains(&code) || told.contains(&code) {
                continue;
            }
            self.tell(direction, code);
            n_new += 1;
            let others = relevant
                .difference(&told)
                .copied()
                .filter(|other| *other != code);
            for other in others.take(batch.saturating_sub(1)) {
                self.tell(direction, other);
                n_new += 1;
            }
        }
        n_new
    }

    /// Makes the solution one that is easy to read: as few labels as will do, and a namespace
    /// that there is.
    fn found(&mut self, model: Model) -> Outcome {
        let wishes = self.wishes();
        let mut best = model;
        let mut granted: Vec<Bool> = Vec::new();
        match self.check(&wishes) {
            Ok(Some(model)) => best = model,
            _ => {
                for wish in wishes {
                    // Most are granted already, by luck.
                    let is_true = best.eval(&wish, true).and_then(|value| value.as_bool());
                    granted.push(wish);
                    if is_true == Some(true) {
                        continue;
                    }
                    match self.check(&granted) {
                        Ok(Some(model)) => best = model,
                        _ => {
                            granted.pop();
                        }
                    }
                }
            }
        }
        let witness = decode(self.query, &self.encoder, &best);
        Outcome::Found(Box::new(witness))
    }

    fn wishes(&self) -> Vec<Bool> {
        let flow = &self.encoder.flow;
        let mut wishes = vec![flow.v6.not(), flow.protocol.eq(constant(0, 2))];
        for end in [&self.encoder.source, &self.encoder.destination] {
            if end.rows.is_some() {
                continue;
            }
            if end.visible.is_none() {
                // An address that is reserved for examples (RFC 5737).
                let example = v4_constant(Ipv4Addr::new(203, 0, 113, 7).to_bits());
                wishes.push(end.address.v4.eq(&example));
                continue;
            }
            let n_named = self.query.vocabulary.n_namespaces().saturating_sub(3);
            let size = end.namespace.get_size();
            wishes.push(end.namespace.bvule(constant(n_named, size)));
            let (labels, of_namespace) = end.known_labels();
            for (_, variable) in labels.iter().chain(&of_namespace) {
                wishes.push(variable.eq(constant(0, variable.get_size())));
            }
        }
        let port = |number| flow.port.eq(constant(number, 16));
        wishes.push(port(80));
        wishes
    }
}

fn code_in(model: &Model, variable: &BV) -> Option<usize> {
    let value = model.eval(variable, true)?.as_u64()?;
    usize::try_from(value).ok()
}

/// The variables that a query needs.
fn sides(query: &Query<'_>, encoder: &Encoder<'_>) -> Vec<SideVariable> {
    let mut sides = Vec::new();
    let mut add = |world, direction, says, address: &AddressTerms| {
        let name = format!("side.{}", sides.len());
        sides.push(SideVariable {
            world,
            direction,
            says,
            address: address.clone(),
            variable: Bool::new_const(name),
        });
    };
    match query.goal {
        Goal::NotIsolated(direction) => {
            add(0, direction, Says::Isolated, &encoder.source.address);
        }
        Goal::SelectedBy(direction, policy) => {
            add(
                0,
                direction,
                Says::Selected(policy),
                &encoder.source.address,
            );
        }
        Goal::Allowed | Goal::Denied | Goal::Differs | Goal::OnlyFirst => {
            for world in 0..query.worlds.len() {
                add(
                    world,
                    Direction::Egress,
                    Says::Allowed,
                    &encoder.destination.address,
                );
                add(
                    world,
                    Direction::Ingress,
                    Says::Allowed,
                    &encoder.source.address,
                );
            }
        }
        Goal::AllowedAlways | Goal::DeniedAlways => {
            for address in encoder.destination.address_variants(query) {
                add(0, Direction::Egress, Says::Allowed, &address);
            }
            for address in encoder.source.address_variants(query) {
                add(0, Direction::Ingress, Says::Allowed, &address);
            }
        }
    }
    sides
}
