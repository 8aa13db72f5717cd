//! Places of the relation, what the specification says of each in both clusters, and which groups
//! hold it.

use portolan::model::{
    Cluster, Direction, Family, Flow, Party, PodId, Protocol, Verdict, evaluate, evaluate_pods,
};
use portolan::question::diff::{Cell, Change, Diff, Ends, Group, State, Tensor};
use std::net::IpAddr;

/// An end: a unit, or an address outside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum End {
    Unit(usize),
    Outside(IpAddr),
}

/// A connection.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    pub(crate) source: End,
    pub(crate) destination: End,
    pub(crate) family: Family,
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
}

/// Two clusters and what is said of them.
pub(crate) struct Relation<'a> {
    /// With a twin behind each pod, at its index plus the number of pods.
    twins: [Cluster; 2],
    found: &'a Diff,
    clusters: [&'a Cluster; 2],
}

impl<'a> Relation<'a> {
    pub(crate) fn new(clusters: [&'a Cluster; 2], found: &'a Diff) -> Self {
        let twins = clusters.map(|cluster| {
            let mut cluster = cluster.clone();
            cluster.pods.extend(cluster.pods.clone());
            cluster
        });
        Relation {
            twins,
            found,
            clusters,
        }
    }

    fn ends(&self, addresses: &[IpAddr]) -> Vec<End> {
        let units = (0..self.found.pair.units.len()).map(End::Unit);
        units
            .chain(addresses.iter().copied().map(End::Outside))
            .collect()
    }

    pub(crate) fn places(&self, ports: &[u16], addresses: &[IpAddr]) -> Vec<Place> {
        let ends = self.ends(addresses);
        let mut places = Vec::new();
        for &source in &ends {
            for &destination in &ends {
                for family in Family::ALL {
                    for protocol in Protocol::ALL {
                        for &port in ports {
                            let place = Place {
                                source,
                                destination,
                                family,
                                protocol,
                                port,
                            };
                            if self.is_connection(&place) {
                                places.push(place);
                            }
                        }
                    }
                }
            }
        }
        places
    }

    /// Whether there is such a connection at all.
    fn is_connection(&self, place: &Place) -> bool {
        match (place.source, place.destination) {
            (End::Outside(_), End::Outside(_)) => false,
            (End::Outside(address), _) | (_, End::Outside(address)) => {
                Family::of(address) == place.family
            }
            // Where neither cluster has both ends in the family, nothing is said.
            (End::Unit(a), End::Unit(b)) => {
                let states = [0, 1].map(|side| self.state(place, side));
                (a != b || !self.is_single_pod(a)) && states != [State::Absent; 2]
            }
        }
    }

    /// A pod that nothing owns: there is no other like it.
    fn is_single_pod(&self, unit: usize) -> bool {
        let (unit, _) = &self.found.pair.units[unit];
        let ids = self.found.pair.workloads[unit.workload].ids;
        let mut sides = ids.into_iter().zip(self.clusters);
        sides
            .any(|(id, cluster)| id.is_some_and(|id| cluster.workload(id).unwrap().kind.0 == "Pod"))
    }

    /// What the specification says differently of a place.
    pub(crate) fn change(&self, place: &Place) -> Option<Change> {
        let [before, after] = [0, 1].map(|side| self.state(place, side));
        let can_be = |state| matches!(state, State::Allowed | State::Unknown);
        (before != after && (can_be(before) || can_be(after))).then_some(Change { before, after })
    }

    /// What it says in one of the clusters, of which pods ever the unit stands for: they must all
    /// be alike.
    fn state(&self, place: &Place, side: usize) -> State {
        let pods = |end: End| match end {
            End::Unit(unit) => self.found.pair.units[unit].0.pods[side].clone(),
            End::Outside(_) => Vec::new(),
        };
        let mut states = Vec::new();
        match (place.source, place.destination) {
            (End::Unit(_), End::Unit(_)) => {
                for source in pods(place.source) {
                    for destination in pods(place.destination) {
                        states.push(self.between(place, side, source, destination));
                    }
                }
            }
            (End::Unit(_), End::Outside(address)) => {
                for pod in pods(place.source) {
                    states.push(self.outside(place, side, pod, Direction::Egress, address));
                }
            }
            (End::Outside(address), End::Unit(_)) => {
                for pod in pods(place.destination) {
                    states.push(self.outside(place, side, pod, Direction::Ingress, address));
                }
            }
            (End::Outside(_), End::Outside(_)) => {}
        }
        states.dedup();
        assert!(states.len() <= 1, "pods of one unit differ: {place:?}");
        states.first().copied().unwrap_or(State::Absent)
    }

    fn between(&self, place: &Place, side: usize, source: PodId, destination: PodId) -> State {
        let n_pods = u32::try_from(self.clusters[side].pods.len()).unwrap();
        // Of a pod and itself, another one like it is what counts.
        let destination = match source == destination {
            true => PodId(destination.0 + n_pods),
            false => destination,
        };
        let pair = (source, destination);
        let evaluated = evaluate_pods(
            &self.twins[side],
            pair,
            place.family,
            place.protocol,
            place.port,
        );
        evaluated.map_or(State::Absent, |evaluation| state_of(evaluation.verdict))
    }

    fn outside(
        &self,
        place: &Place,
        side: usize,
        pod: PodId,
        direction: Direction,
        address: IpAddr,
    ) -> State {
        let cluster = self.clusters[side];
        let own = cluster.pod(pod).unwrap();
        let known = own
            .addresses
            .iter()
            .find(|a| Family::of(**a) == place.family);
        // A pod of the other family has nothing to do with the address; one without any may get
        // one, out of the ranges if those are known.
        let ranges = cluster.pod_cidrs.iter().map(|net| net.network());
        let could = match (own.addresses.is_empty(), own.host_network) {
            (false, _) => known.is_some(),
            (true, true) => true,
            (true, false) => {
                cluster.pod_cidrs.is_empty()
                    || ranges
                        .into_iter()
                        .any(|net| Family::of(net) == place.family)
            }
        };
        if !could {
            return State::Absent;
        }
        let here = Party::Pod {
            pod,
            address: known.copied(),
        };
        let there = Party::External { address };
        let (source, destination) = match direction {
            Direction::Egress => (here, there),
            Direction::Ingress => (there, here),
        };
        let flow = Flow {
            source,
            destination,
            protocol: place.protocol,
            port: place.port,
        };
        state_of(evaluate(cluster, &flow).verdict)
    }

    /// Whether a group holds a place.
    pub(crate) fn holds(&self, group: &Group, place: &Place) -> bool {
        let is_in = |ends: &Ends, end: End| match end {
            End::Unit(unit) => ends.units.contains(&unit),
            End::Outside(address) => ends.outside.contains(address),
        };
        is_in(&group.sources, place.source)
            && is_in(&group.destinations, place.destination)
            && group.traffic.iter().any(|(family, traffic)| {
                family.is_none_or(|family| family == place.family)
                    && traffic.contains(place.protocol, place.port)
            })
    }

    /// The places that some groups hold, as a tensor without what is twice.
    pub(crate) fn tensor(&self, groups: &[&Group], ports: &[u16], addresses: &[IpAddr]) -> Tensor {
        let ends = self.ends(addresses);
        let mut kinds = Vec::new();
        for family in Family::ALL {
            for protocol in Protocol::ALL {
                kinds.extend(ports.iter().map(|&port| (family, protocol, port)));
            }
        }
        let cell = |a: usize, b: usize, c: usize| {
            let (family, protocol, port) = kinds[c];
            let place = Place {
                source: ends[a],
                destination: ends[b],
                family,
                protocol,
                port,
            };
            if !self.is_connection(&place) {
                Cell::Free
            } else if groups.iter().any(|group| self.holds(group, &place)) {
                Cell::Yes
            } else {
                Cell::No
            }
        };
        let all = [ends.len(), ends.len(), kinds.len()].map(|n| (0..n).collect::<Vec<_>>());
        let [all_a, all_b, all_c] = &all;
        let a = distinct(all_a, |a| {
            let slice = all_b
                .iter()
                .flat_map(|&b| all_c.iter().map(move |&c| (b, c)));
            slice.map(|(b, c)| cell(a, b, c)).collect()
        });
        let b = distinct(all_b, |b| {
            let slice = a.iter().flat_map(|&a| all_c.iter().map(move |&c| (a, c)));
            slice.map(|(a, c)| cell(a, b, c)).collect()
        });
        let c = distinct(all_c, |c| {
            let slice = a.iter().flat_map(|&a| b.iter().map(move |&b| (a, b)));
            slice.map(|(a, b)| cell(a, b, c)).collect()
        });
        let mut tensor = Tensor::new([a.len(), b.len(), c.len()]);
        for (i, &a) in a.iter().enumerate() {
            for (j, &b) in b.iter().enumerate() {
                for (k, &c) in c.iter().enumerate() {
                    tensor.set([i, j, k], cell(a, b, c));
                }
            }
        }
        tensor
    }
}

/// The first index of each distinct slice.
fn distinct(indexes: &[usize], slice: impl Fn(usize) -> Vec<Cell>) -> Vec<usize> {
    let mut known: Vec<Vec<Cell>> = Vec::new();
    let mut firsts = Vec::new();
    for &index in indexes {
        let slice = slice(index);
        if !known.contains(&slice) {
            known.push(slice);
            firsts.push(index);
        }
    }
    firsts
}

fn state_of(verdict: Verdict) -> State {
    match verdict {
        Verdict::Allowed => State::Allowed,
        Verdict::Unknown => State::Unknown,
        Verdict::Denied => State::Denied,
    }
}
