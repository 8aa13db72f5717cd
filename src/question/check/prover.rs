//! One assertion: its queries, their answers, and each found flow replayed.

use super::{CheckOutcome, Context, Counterexample, Judged, ReplayError};
use crate::intent::{Called, Claim, Ends, Expectation, Scope, outside};
use crate::model::{
    AddressSet, Cluster, Direction, Family, Flow, NodeId, Party, Pod, PodId, PortMatchKind, Tier,
    Verdict, evaluate, evaluate_pods, selects,
};
use crate::question::can::pod_name;
use crate::symbolic::{
    Addresses, Effort, EndSpec, Goal, Outcome, PairSpec, PodSelection, Query, TrafficSpec, Witness,
    WitnessEnd, World, solve, with_witness,
};
use std::collections::BTreeSet;

/// One end of the queries of an assertion.
#[derive(Clone)]
struct Part {
    spec: EndSpec,
    /// Whether it stands for a controller that could be any pod, so that what holds of one of
    /// them need not hold of it.
    is_anyone: bool,
}

impl Part {
    fn of(spec: EndSpec) -> Part {
        Part {
            spec,
            is_anyone: false,
        }
    }

    fn has_policies(&self) -> bool {
        matches!(self.spec, EndSpec::Existing(_) | EndSpec::Possible { .. })
    }
}

pub(super) struct Prover<'a> {
    context: Context<'a>,
    pub(super) scope: Scope,
    /// A cluster to put counterexamples into.
    scratch: &'a mut Cluster,
    pub(super) effort: Effort,
    /// The first thing that is not known.
    unknown: Option<CheckOutcome>,
    pub(super) notes: Vec<String>,
    /// Whether a caller may be the node of a pod that is called (N26), so that it matters on
    /// which node a pod is, which a pod that could be created does not say.
    own_nodes: bool,
}

type Found = Result<Option<CheckOutcome>, ReplayError>;

impl<'a> Prover<'a> {
    pub(super) fn new(context: Context<'a>, scope: Scope, scratch: &'a mut Cluster) -> Self {
        Prover {
            context,
            scope,
            scratch,
            effort: Effort::default(),
            unknown: None,
            notes: Vec::new(),
            own_nodes: false,
        }
    }

    /// The answer to a claim; `None` is one that could not be resolved.
    pub(super) fn prove(&mut self, claim: Option<&Claim>) -> Result<CheckOutcome, ReplayError> {
        let Some(claim) = claim else {
            return Ok(CheckOutcome::Unresolved);
        };
        let found = match claim {
            Claim::Flows { expect, from, to } => self.flows(*expect, from, to),
            Claim::Isolated { directions, except } => {
                self.isolated(directions, &except.selections, &except.pods)
            }
            Claim::PoliciesSelectPods => self.idle_policies(),
            Claim::Separated { label, except } => {
                let pairs = PairSpec {
                    namespaces_differ: label.is_none(),
                    labels_differ: label.clone(),
                    except: except.clone(),
                    without_own_node: true,
                };
                let policed = self.policed();
                let from = self.pods(&[PodSelection::everything()], &[], &policed);
                let to = self.pods(std::slice::from_ref(self.context.known), &[], &policed);
                self.search(
                    &from,
                    &to,
                    &TrafficSpec::default(),
                    &pairs,
                    Verdict::Allowed,
                )
            }
            Claim::Closed { except } => {
                let pairs = PairSpec {
                    except: except.clone(),
                    ..PairSpec::default()
                };
                let policed = self.policed();
                let from = vec![Part::of(EndSpec::Outside(outside(self.context.cluster)))];
                let to = self.pods(std::slice::from_ref(self.context.known), &[], &policed);
                self.search(
                    &from,
                    &to,
                    &TrafficSpec::default(),
                    &pairs,
                    Verdict::Allowed,
                )
            }
        }?;
        let outcome = found.or_else(|| self.unknown.take());
        self.notes.dedup();
        Ok(outcome.unwrap_or(CheckOutcome::Proved))
    }

    /// The pods that policy can say something of, and a note on those left out.
    fn policed(&mut self) -> BTreeSet<PodId> {
        let cluster = self.context.cluster;
        let pods = cluster.pods_with_ids();
        let found: BTreeSet<PodId> = pods
            .filter(|(_, pod)| !cluster.is_node_traffic(pod))
            .map(|(id, _)| id)
            .collect();
        let n_left_out = cluster.pods.len() - found.len();
        if n_left_out > 0 && self.notes.is_empty() {
            self.notes.push(format!(
                "pods on their node's network are left out ({n_left_out}): no policy selects them (N27)"
            ));
        }
        found
    }

    /// Pods as ends: those that exist, or those that could, and with them the existing ones that
    /// no pod that could be created is like.
    fn pods(
        &self,
        selections: &[PodSelection],
        none_of: &[PodSelection],
        pods: &BTreeSet<PodId>,
    ) -> Vec<Part> {
        let mut parts = Vec::new();
        let existing: Vec<PodId> = match self.scope {
            Scope::Existing => pods.iter().copied().collect(),
            Scope::Possible => {
                if !selections.is_empty() {
                    parts.push(Part::of(EndSpec::Possible {
                        any_of: selections.to_vec(),
                        none_of: none_of.to_vec(),
                    }));
                }
                let cluster = self.context.cluster;
                let is_special = |id: &&PodId| {
                    let of_pod = |pod: &Pod| {
                        !is_possible(cluster, pod) || (self.own_nodes && pod.node.is_some())
                    };
                    selections.is_empty() || cluster.pod(**id).is_some_and(of_pod)
                };
                pods.iter().filter(is_special).copied().collect()
            }
        };
        if !existing.is_empty() {
            parts.push(Part::of(EndSpec::Existing(existing)));
        }
        parts
    }

    fn parts(&self, ends: &Ends) -> Vec<Part> {
        let mut parts = self.pods(&ends.pods.selections, &[], &ends.pods.pods);
        if !ends.nodes.is_empty() {
            parts.push(Part::of(EndSpec::Nodes(
                ends.nodes.iter().copied().collect(),
            )));
        }
        if !ends.addresses.is_empty() {
            parts.push(Part::of(EndSpec::Outside(ends.addresses.clone())));
        }
        if ends.unknown_controller {
            parts.push(Part {
                spec: EndSpec::Possible {
                    any_of: vec![PodSelection::everything()],
                    none_of: Vec::new(),
                },
                is_anyone: true,
            });
        }
        parts
    }

    fn flows(&mut self, expect: Expectation, from: &Ends, to: &[Called]) -> Found {
        if from.is_nothing(self.scope) && expect != Expectation::Only {
            return Ok(Some(nothing("`from` selects nothing")));
        }
        if to.iter().all(|called| called.ends.is_nothing(self.scope)) {
            return Ok(Some(nothing("`to` selects nothing")));
        }
        if let Some(what) = self.no_pair(expect, from, to) {
            return Ok(Some(nothing(&what)));
        }
        let cluster = self.context.cluster;
        let is_node = |id: &PodId| {
            cluster
                .pod(*id)
                .is_some_and(|pod| cluster.is_node_traffic(pod))
        };
        self.own_nodes = expect != Expectation::Only
            && (!from.nodes.is_empty() || from.pods.pods.iter().any(is_node));
        let verdict = match expect {
            Expectation::Allowed => Verdict::Denied,
            Expectation::Denied | Expectation::Only => Verdict::Allowed,
        };
        let (sources, pairs) = match expect {
            Expectation::Only => {
                let nodes = (0u32..).map(NodeId).take(self.context.cluster.nodes.len());
                let has_nodes = !self.context.cluster.nodes.is_empty();
                if has_nodes || self.context.cluster.pods.iter().any(|pod| pod.host_network) {
                    let note = "a pod's own node can always reach it, and is left out (N26)";
                    if self.notes.is_empty() {
                        self.notes.push(note.to_owned());
                    }
                }
                let mut parts = self.everyone_but(from);
                let nodes: Vec<NodeId> = nodes.filter(|id| !from.nodes.contains(id)).collect();
                if !nodes.is_empty() {
                    parts.push(Part::of(EndSpec::Nodes(nodes)));
                }
                let pairs = PairSpec {
                    without_own_node: true,
                    ..PairSpec::default()
                };
                (parts, pairs)
            }
            Expectation::Allowed | Expectation::Denied => (self.parts(from), PairSpec::default()),
        };
        let mut is_about_pods = false;
        for called in to {
            let destinations = self.parts(&called.ends);
            let inside = |parts: &[Part]| parts.iter().any(Part::has_policies);
            is_about_pods |= inside(&sources) || inside(&destinations);
            let found = self.search(&sources, &destinations, &called.traffic, &pairs, verdict)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        if !is_about_pods {
            return Ok(Some(nothing("neither end is a pod, so no policy decides")));
        }
        Ok(None)
    }

    /// Why there would be nothing to prove although both ends are there: they are one pod, or
    /// pods without a common family, which cannot talk at all.
    fn no_pair(&self, expect: Expectation, from: &Ends, to: &[Called]) -> Option<String> {
        let only_pods = |ends: &Ends| {
            ends.addresses.is_empty() && ends.nodes.is_empty() && !ends.unknown_controller
        };
        let called: BTreeSet<PodId> = to
            .iter()
            .flat_map(|called| called.ends.pods.pods.iter().copied())
            .collect();
        if self.scope == Scope::Existing
            && expect != Expectation::Only
            && only_pods(from)
            && to.iter().all(|called| only_pods(&called.ends))
            && called.len() == 1
            && from.pods.pods == called
        {
            return Some(
                "`from` and `to` are the same pod, which always reaches itself".to_owned(),
            );
        }
        if expect != Expectation::Allowed {
            return None;
        }
        let cluster = self.context.cluster;
        // Addresses that are not known yet may be of either family.
        let has = |id: PodId, family: Family| {
            let addresses = cluster.pod(id).map(|pod| &pod.addresses);
            addresses.is_none_or(|known| {
                known.is_empty() || known.iter().any(|address| Family::of(*address) == family)
            })
        };
        let lacking =
            |pods: &BTreeSet<PodId>, family| pods.iter().find(|id| !has(**id, family)).copied();
        let (one, other) = Family::ALL
            .into_iter()
            .zip(Family::ALL.into_iter().rev())
            .find_map(|(first, second)| {
                Some((lacking(&from.pods.pods, first)?, lacking(&called, second)?))
            })?;
        let name = |id| pod_name(cluster, id);
        Some(format!(
            "{} and {} have no IP family in common, so nothing flows between them",
            name(one),
            name(other)
        ))
    }

    /// Every source but these.
    fn everyone_but(&self, from: &Ends) -> Vec<Part> {
        let cluster = self.context.cluster;
        let all = cluster.pods_with_ids().map(|(id, _)| id);
        let others: BTreeSet<PodId> = all.filter(|id| !from.pods.pods.contains(id)).collect();
        let everything = [PodSelection::everything()];
        let mut parts = self.pods(&everything, &from.pods.selections, &others);
        if from.unknown_controller {
            // Any of them may be the controller that is meant.
            parts
                .iter_mut()
                .for_each(|part| part.is_anyone = self.scope == Scope::Possible);
        }
        let addresses: AddressSet = outside(cluster).difference(&from.addresses);
        if !addresses.is_empty() {
            parts.push(Part::of(EndSpec::Outside(addresses)));
        }
        parts
    }

    /// The first flow between any of the parts with this verdict; what is not known is kept for
    /// when there is none.
    fn search(
        &mut self,
        sources: &[Part],
        destinations: &[Part],
        traffic: &TrafficSpec,
        pairs: &PairSpec,
        verdict: Verdict,
    ) -> Found {
        for source in sources {
            for destination in destinations {
                // Policy says nothing of two ends without any.
                if !source.has_policies() && !destination.has_policies() {
                    continue;
                }
                let found = self.search_one(source, destination, traffic, pairs, verdict)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    fn solve(&mut self, query: &Query<'_>) -> Outcome {
        let (outcome, effort) = solve(query, self.context.limits);
        self.effort.checks += effort.checks;
        self.effort.policies += effort.policies;
        self.effort.resources += effort.resources;
        outcome
    }

    fn remember(&mut self, reason: String, example: Option<Box<Counterexample>>) {
        let outcome = CheckOutcome::Unknown { reason, example };
        self.unknown.get_or_insert(outcome);
    }

    fn search_one(
        &mut self,
        source: &Part,
        destination: &Part,
        traffic: &TrafficSpec,
        pairs: &PairSpec,
        verdict: Verdict,
    ) -> Found {
        let (some, always) = match verdict {
            Verdict::Allowed => (Goal::Allowed, Goal::AllowedAlways),
            _ => (Goal::Denied, Goal::DeniedAlways),
        };
        let mut query = Query {
            traffic: traffic.clone(),
            pairs: pairs.clone(),
            ..query(self.context, &source.spec, &destination.spec, some)
        };
        let witness = match self.solve(&query) {
            Outcome::Impossible => return Ok(None),
            Outcome::Unknown { reason } => {
                self.remember(format!("the solver gave up: {reason}"), None);
                return Ok(None);
            }
            Outcome::Found(witness) => self.without_idle_names(*witness, traffic),
        };
        let replayed = self.replay(&witness);
        if source.is_anyone || destination.is_anyone {
            if replayed.verdict != verdict {
                return Err(ReplayError::of(&witness));
            }
            // It is so of this pod; is it so of every pod that the controller could be?
            if source.is_anyone && self.of_any_caller(&witness) == verdict {
                return Ok(Some(violated(replayed.counterexample)));
            }
            let reason = "it depends on which pod the ingress controller is";
            self.remember(reason.to_owned(), Some(Box::new(replayed.counterexample)));
            return Ok(None);
        }
        if replayed.verdict == verdict {
            return Ok(Some(violated(replayed.counterexample)));
        }
        if replayed.verdict != Verdict::Unknown {
            return Err(ReplayError::of(&witness));
        }
        // It depends on addresses that pods do not have yet: is there one that does not?
        query.goal = always;
        match self.solve(&query) {
            Outcome::Found(witness) => {
                let witness = self.without_idle_names(*witness, traffic);
                let certain = self.replay(&witness);
                if certain.verdict != verdict {
                    return Err(ReplayError::of(&witness));
                }
                return Ok(Some(violated(certain.counterexample)));
            }
            Outcome::Impossible => {
                let reason = "it depends on the address that a pod gets";
                self.remember(reason.to_owned(), Some(Box::new(replayed.counterexample)));
            }
            Outcome::Unknown { reason } => {
                self.remember(format!("the solver gave up: {reason}"), None);
            }
        }
        Ok(None)
    }

    /// What the specification says when nothing is known of the pod that calls.
    fn of_any_caller(&mut self, witness: &Witness) -> Verdict {
        with_witness(self.scratch, witness, |cluster, flow| {
            let flow = Flow {
                source: Party::SomePod,
                ..*flow
            };
            evaluate(cluster, &flow).verdict
        })
    }

    /// The flow without the port names that change nothing, which the solver is free to give to a
    /// pod. Those that the assertion is about stay.
    fn without_idle_names(&mut self, mut witness: Witness, traffic: &TrafficSpec) -> Witness {
        let WitnessEnd::NewPod(pod) = &witness.destination else {
            return witness;
        };
        let symbols = &self.context.cluster.symbols;
        let is_asked_for = |name: &String| {
            traffic.0.iter().flatten().any(|item| match item {
                PortMatchKind::Named { name: asked, .. } => symbols.name(*asked) == name,
                PortMatchKind::Range { .. } => false,
            })
        };
        let names = pod.port_names.iter().filter(|name| !is_asked_for(name));
        let names: Vec<String> = names.cloned().collect();
        if names.is_empty() {
            return witness;
        }
        let verdict = self.replay(&witness).verdict;
        for name in names {
            let mut simpler = witness.clone();
            if let WitnessEnd::NewPod(pod) = &mut simpler.destination {
                pod.port_names.retain(|other| *other != name);
            }
            if self.replay(&simpler).verdict == verdict {
                witness = simpler;
            }
        }
        witness
    }

    /// What the specification says of a flow; of two pods of the input, whatever addresses they
    /// get.
    fn replay(&mut self, witness: &Witness) -> Replayed {
        with_witness(self.scratch, witness, |cluster, flow| {
            let evaluation = match (&witness.source, &witness.destination) {
                (WitnessEnd::Pod(from, _), WitnessEnd::Pod(to, _)) => {
                    let (family, protocol) = (witness.family, witness.protocol);
                    evaluate_pods(cluster, (*from, *to), family, protocol, witness.port)
                        .unwrap_or_else(|| evaluate(cluster, flow))
                }
                _ => evaluate(cluster, flow),
            };
            Replayed {
                verdict: evaluation.verdict,
                counterexample: Counterexample::Flow {
                    witness: witness.clone(),
                    judged: Box::new(Judged::new(cluster, flow, evaluation)),
                },
            }
        })
    }

    fn isolated(
        &mut self,
        directions: &[Direction],
        except: &[PodSelection],
        excepted: &BTreeSet<PodId>,
    ) -> Found {
        let pods: BTreeSet<PodId> = &self.policed() - excepted;
        let spec = match self.scope {
            Scope::Existing if pods.is_empty() => {
                return Ok(Some(nothing("there is no pod that it is about")));
            }
            Scope::Existing => EndSpec::Existing(pods.into_iter().collect()),
            // Whether a pod is isolated does not depend on its address, so that every pod that
            // exists is like one that could be created.
            Scope::Possible => EndSpec::Possible {
                any_of: vec![self.context.known.clone()],
                none_of: except.to_vec(),
            },
        };
        for &direction in directions {
            let query = query(self.context, &spec, &spec, Goal::NotIsolated(direction));
            match self.solve(&query) {
                Outcome::Impossible => {}
                Outcome::Unknown { reason } => {
                    self.remember(format!("the solver gave up: {reason}"), None);
                }
                Outcome::Found(witness) => {
                    let is_isolated = with_witness(self.scratch, &witness, |cluster, flow| {
                        subject(cluster, flow, direction)
                            .is_some_and(|pod| is_isolated(cluster, pod, direction))
                    });
                    if is_isolated {
                        return Err(ReplayError::of(&witness));
                    }
                    return Ok(Some(violated(Counterexample::NotIsolated {
                        witness: *witness,
                        direction,
                    })));
                }
            }
        }
        Ok(None)
    }

    /// Policies that select nothing. That one does is shown by a pod that it selects; that one
    /// does not takes a proof.
    fn idle_policies(&mut self) -> Found {
        let cluster = self.context.cluster;
        if cluster.policies.is_empty() {
            return Ok(Some(nothing("there is no policy")));
        }
        let spec = match self.scope {
            Scope::Existing => EndSpec::Existing(self.policed().into_iter().collect()),
            Scope::Possible => EndSpec::Possible {
                any_of: vec![PodSelection::everything()],
                none_of: Vec::new(),
            },
        };
        let mut idle = Vec::new();
        for (id, policy) in cluster.policies_with_ids() {
            if cluster
                .pods
                .iter()
                .any(|pod| selects(cluster, &policy.subject, pod))
            {
                continue;
            }
            let mut applies = Direction::ALL
                .into_iter()
                .filter(|d| policy.rules(*d).is_some());
            let Some(direction) = applies.next() else {
                idle.push(id);
                continue;
            };
            let query = query(self.context, &spec, &spec, Goal::SelectedBy(direction, id));
            match self.solve(&query) {
                Outcome::Impossible => idle.push(id),
                Outcome::Unknown { reason } => {
                    self.remember(format!("the solver gave up: {reason}"), None);
                }
                Outcome::Found(witness) => {
                    let is_selected = with_witness(self.scratch, &witness, |cluster, flow| {
                        subject(cluster, flow, direction)
                            .is_some_and(|pod| selects(cluster, &policy.subject, pod))
                    });
                    if !is_selected {
                        return Err(ReplayError::of(&witness));
                    }
                }
            }
        }
        Ok((!idle.is_empty()).then(|| violated(Counterexample::Idle(idle))))
    }
}

struct Replayed {
    verdict: Verdict,
    counterexample: Counterexample,
}

fn query<'a>(
    context: Context<'a>,
    source: &EndSpec,
    destination: &EndSpec,
    goal: Goal,
) -> Query<'a> {
    let cidrs = &context.cluster.pod_cidrs;
    Query {
        vocabulary: context.vocabulary,
        worlds: vec![World {
            cluster: context.cluster,
            index: context.index,
            omitted: Vec::new(),
        }],
        source: source.clone(),
        destination: destination.clone(),
        traffic: TrafficSpec::default(),
        family: None,
        pairs: PairSpec::default(),
        addresses: if cidrs.is_empty() {
            Addresses::Blind
        } else {
            Addresses::Within(cidrs.clone())
        },
        goal,
    }
}

fn violated(counterexample: Counterexample) -> CheckOutcome {
    CheckOutcome::Violated(Box::new(counterexample))
}

fn nothing(what: &str) -> CheckOutcome {
    CheckOutcome::Nothing {
        what: what.to_owned(),
    }
}

/// Whether a pod that exists is like one that could be created: on no node's network, and with
/// no address or one out of the known ranges.
fn is_possible(cluster: &Cluster, pod: &Pod) -> bool {
    let in_ranges = |address| cluster.pod_cidrs.iter().any(|net| net.contains(address));
    !cluster.is_node_traffic(pod) && pod.addresses.iter().all(in_ranges)
}

/// The pod whose policies decide in a direction.
fn subject<'c>(cluster: &'c Cluster, flow: &Flow, direction: Direction) -> Option<&'c Pod> {
    let party = match direction {
        Direction::Egress => &flow.source,
        Direction::Ingress => &flow.destination,
    };
    match party {
        Party::Pod { pod, .. } => cluster.pod(*pod),
        _ => None,
    }
}

/// N1: whether some NetworkPolicy selects the pod in a direction.
fn is_isolated(cluster: &Cluster, pod: &Pod, direction: Direction) -> bool {
    cluster.policies.iter().any(|policy| {
        policy.tier == Tier::NetworkPolicy
            && policy.rules(direction).is_some()
            && selects(cluster, &policy.subject, pod)
    })
}
