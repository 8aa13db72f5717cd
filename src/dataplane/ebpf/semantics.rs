//! What the program in portolan.bpf.c does with what is in its maps.
//!
//! It is said twice here: [`decide`] goes through the look-ups for one packet in the order of the
//! C, and [`program`] says of all packets what the look-ups come to, in the form that is proved.
//! Tests hold the two together, and both to the program in the kernel.

use super::maps::{
    End, Kind, Maps, Part, PolicyKey, WORD_INVALID_POLICY, WORD_LOADED, WORD_POD_TO_NODE_ALLOW,
    WORD_REPLIES_ESTABLISHED, WORD_UNKNOWN_LOCAL_ALLOW, width,
};
use super::prefix::{Prefix, Ranges, largest, resolve};
use crate::model::{
    AddressSet, Chain, ChainId, Decision, Direction, End as PacketEnd, Entry, Family, Hook, Match,
    Packet, PortSet, Program, Protocol, RangeSet, SetId, Step, Then, Tracking, Transport,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

// --- One packet --------------------------------------------------------------------------------

/// What becomes of a packet.
pub fn decide(maps: &Maps, packet: &Packet) -> Decision {
    let has = |bit: u32| maps.word & bit != 0;
    if !has(WORD_LOADED) {
        return Decision::Drop;
    }
    let is_forward = packet.hook == Hook::Forward;
    match packet.tracking {
        Tracking::Reply | Tracking::Related => return Decision::Accept,
        Tracking::Original if has(WORD_REPLIES_ESTABLISHED) => return Decision::Accept,
        Tracking::Invalid if is_forward && !has(WORD_INVALID_POLICY) => return Decision::Drop,
        _ => {}
    }
    if !is_forward && (has(WORD_POD_TO_NODE_ALLOW) || packet.transport == Transport::Discovery) {
        return Decision::Accept;
    }
    let ends = (
        find_end(maps, packet.source),
        find_end(maps, packet.destination),
    );
    let (Some(source), Some(destination)) = ends else {
        return Decision::Drop;
    };
    let is_unknown = source.unknown_local || destination.unknown_local;
    if is_forward && !has(WORD_UNKNOWN_LOCAL_ALLOW) && is_unknown {
        return Decision::Drop;
    }
    if packet.source == packet.destination {
        return Decision::Accept;
    }
    for (direction, subject, peer) in [
        (Direction::Egress, source, destination),
        (Direction::Ingress, destination, source),
    ] {
        let class = subject.class(direction);
        if class != 0 && find_rule(maps, packet, direction, class, peer.peer(direction)) == 0 {
            return Decision::Drop;
        }
    }
    Decision::Accept
}

fn cut(number: u128, length: u32, width: u32) -> Prefix {
    let first = number & !largest(width.saturating_sub(length));
    Prefix { first, length }
}

fn find_end(maps: &Maps, address: IpAddr) -> Option<End> {
    let family = Family::of(address);
    let width = width(family);
    let number = Family::number_of(address);
    let longest_first = (0..=width).rev();
    longest_first
        .map(|length| cut(number, length, width))
        .find_map(|prefix| maps.of(family).get(&prefix).copied())
}

/// The number of the rule; 0 when nothing or nothing else is found.
fn find_rule(maps: &Maps, packet: &Packet, direction: Direction, class: u32, peer: u32) -> u32 {
    let kind = match packet.transport {
        Transport::Tcp => Kind::Ports(Protocol::Tcp),
        Transport::Udp => Kind::Ports(Protocol::Udp),
        Transport::Sctp => Kind::Ports(Protocol::Sctp),
        Transport::Discovery | Transport::Other => Kind::Other,
    };
    let port = match kind {
        Kind::Ports(_) => packet.port,
        Kind::Other => 0,
    };
    let lengths = (0..=16).rev();
    let parts = lengths.map(|length| Part::Of(kind, cut(u128::from(port), length, 16)));
    let mut keys = parts.chain([Part::All]).map(|part| PolicyKey {
        direction,
        class,
        peer,
        part,
    });
    keys.find_map(|key| maps.policy.get(&key).copied())
        .unwrap_or_default()
}

// --- All packets -------------------------------------------------------------------------------

/// The maps as a packet filter. Linear in the entries.
pub fn program(maps: &Maps) -> Program {
    if maps.word & WORD_LOADED == 0 {
        let mut program = Program::default();
        for hook in Hook::ALL {
            let drop = Then::Decide(Decision::Drop);
            let nothing = step(Vec::new(), drop, "nothing is loaded");
            let chain = add_chain(&mut program, hook.name(), vec![nothing]);
            program.entries.push(Entry {
                hook,
                chain,
                policy: Decision::Drop,
            });
        }
        return program;
    }
    let mut builder = Builder::new(maps);
    let ingress = builder.direction(Direction::Ingress, Then::Decide(Decision::Accept));
    let egress = builder.direction(Direction::Egress, Then::Goto(ingress));
    for hook in Hook::ALL {
        let mut steps = builder.before_policy(hook);
        steps.push(step(Vec::new(), Then::Goto(egress), "who are its ends"));
        let chain = add_chain(&mut builder.program, hook.name(), steps);
        builder.program.entries.push(Entry {
            hook,
            chain,
            policy: Decision::Drop,
        });
    }
    builder.program
}

/// Says of packets of a hook and family that no program meets them.
pub fn add_unattached(program: &mut Program, hook: Hook, family: Family) {
    let chain = program.entry(hook).map(|entry| entry.chain);
    if let Some(chain) = chain.and_then(|chain| program.chains.get_mut(chain.0)) {
        let text = "no program is attached";
        let passes = Then::Decide(Decision::Accept);
        chain
            .steps
            .insert(0, step(vec![Match::Family(family)], passes, text));
    }
}

fn step(matches: Vec<Match>, then: Then, text: &str) -> Step {
    Step {
        matches,
        then,
        text: text.into(),
        line: 0,
    }
}

fn add_chain(program: &mut Program, name: &str, steps: Vec<Step>) -> ChainId {
    let name = name.to_owned();
    program.chains.push(Chain { name, steps });
    ChainId(program.chains.len() - 1)
}

/// What a class lets through of a peer: kinds with ports and the rule's number, in order.
type Allowed = Vec<(Kind, PortSet, u32)>;

/// The entries of a class, by peer.
type PeerEntries = BTreeMap<u32, Vec<(Part, u32)>>;

struct Builder<'a> {
    maps: &'a Maps,
    program: Program,
    /// Who each address is, of both families.
    ends: [Ranges<Option<End>>; 2],
    /// For each direction and class, and each of its peers, what is let through.
    allowed: BTreeMap<(Direction, u32), BTreeMap<u32, Allowed>>,
}

impl<'a> Builder<'a> {
    fn new(maps: &'a Maps) -> Builder<'a> {
        let mut entries: BTreeMap<(Direction, u32), PeerEntries> = BTreeMap::new();
        for (key, rule) in &maps.policy {
            let of_class = entries.entry((key.direction, key.class)).or_default();
            let of_peer = of_class.entry(key.peer).or_default();
            of_peer.push((key.part, *rule));
        }
        let allowed = entries.into_iter().map(|(class, peers)| {
            let peers = peers.into_iter();
            (
                class,
                peers.map(|(peer, of)| (peer, allowed(&of))).collect(),
            )
        });
        Builder {
            program: Program::default(),
            ends: Family::ALL.map(|family| resolve(width(family), maps.of(family))),
            allowed: allowed.collect(),
            maps,
        }
    }

    /// The addresses of which something holds.
    fn addresses(&self, holds: impl Fn(&Option<End>) -> bool) -> AddressSet {
        let [v4, v6] = &self.ends;
        let small = |number: &u128| u32::try_from(*number).unwrap_or(u32::MAX);
        let v4 = v4.iter().filter(|(_, _, end)| holds(end));
        let v6 = v6.iter().filter(|(_, _, end)| holds(end));
        AddressSet {
            v4: RangeSet::from_ranges(v4.map(|(first, last, _)| (small(first), small(last)))),
            v6: RangeSet::from_ranges(v6.map(|(first, last, _)| (*first, *last))),
        }
    }

    /// The addresses by what an end says of them.
    fn addresses_by(&self, of: impl Fn(&End) -> u32) -> BTreeMap<u32, AddressSet> {
        let [v4, v6] = &self.ends;
        let small = |number: u128| u32::try_from(number).unwrap_or(u32::MAX);
        let mut v4_ranges: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        let mut v6_ranges: BTreeMap<u32, Vec<(u128, u128)>> = BTreeMap::new();
        for (first, last, end) in v4 {
            if let Some(end) = end {
                let ranges = v4_ranges.entry(of(end)).or_default();
                ranges.push((small(*first), small(*last)));
            }
        }
        for (first, last, end) in v6 {
            if let Some(end) = end {
                v6_ranges.entry(of(end)).or_default().push((*first, *last));
            }
        }
        let numbers: BTreeSet<u32> = v4_ranges.keys().chain(v6_ranges.keys()).copied().collect();
        let sets = numbers.into_iter().map(|number| {
            let set = AddressSet {
                v4: RangeSet::from_ranges(v4_ranges.remove(&number).unwrap_or_default()),
                v6: RangeSet::from_ranges(v6_ranges.remove(&number).unwrap_or_default()),
            };
            (number, set)
        });
        sets.collect()
    }

    fn add_set(&mut self, set: AddressSet) -> SetId {
        self.program.sets.push(set.into());
        SetId(self.program.sets.len() - 1)
    }

    /// What is decided before policies are asked.
    fn before_policy(&mut self, hook: Hook) -> Vec<Step> {
        let has = |bit: u32| self.maps.word & bit != 0;
        let (accept, drop) = (Then::Decide(Decision::Accept), Then::Decide(Decision::Drop));
        let tracked = |of: &[Tracking]| vec![Match::Tracking(of.to_vec())];
        let mut steps = vec![step(
            tracked(&[Tracking::Reply, Tracking::Related]),
            accept.clone(),
            "a reply, or related",
        )];
        if has(WORD_REPLIES_ESTABLISHED) {
            let text = "established, with replies=established";
            steps.push(step(tracked(&[Tracking::Original]), accept.clone(), text));
        }
        match hook {
            Hook::Forward if !has(WORD_INVALID_POLICY) => {
                steps.push(step(tracked(&[Tracking::Invalid]), drop.clone(), "invalid"));
            }
            Hook::Forward => {}
            Hook::Input => {
                if has(WORD_POD_TO_NODE_ALLOW) {
                    steps.push(step(Vec::new(), accept.clone(), "pod-to-node=allow"));
                }
                let discovery = vec![Match::Transport(vec![Transport::Discovery])];
                steps.push(step(discovery, accept, "neighbour discovery"));
            }
        }
        let mut stopped = vec![(self.addresses(Option::is_none), "without an entry")];
        if hook == Hook::Forward && !has(WORD_UNKNOWN_LOCAL_ALLOW) {
            let is_unknown = |end: &Option<End>| end.is_some_and(|end| end.unknown_local);
            stopped.push((self.addresses(is_unknown), "an unknown pod's"));
        }
        for (set, what) in stopped.into_iter().filter(|(set, _)| !set.is_empty()) {
            let set = self.add_set(set);
            for (end, name) in [
                (PacketEnd::Source, "source"),
                (PacketEnd::Destination, "destination"),
            ] {
                let text = format!("the {name} is {what}");
                steps.push(step(vec![Match::Address(end, set)], drop.clone(), &text));
            }
        }
        steps
    }

    /// The chain that asks the classes of a direction, and goes on with what they let through.
    fn direction(&mut self, direction: Direction, then: Then) -> ChainId {
        let (subject, peer) = match direction {
            Direction::Egress => (PacketEnd::Source, PacketEnd::Destination),
            Direction::Ingress => (PacketEnd::Destination, PacketEnd::Source),
        };
        let peers = self.addresses_by(|end| end.peer(direction));
        let peers: BTreeMap<u32, AddressSet> = peers;
        let mut entries = Vec::new();
        for (class, addresses) in self.addresses_by(|end| end.class(direction)) {
            if class == 0 {
                continue;
            }
            let own = self.add_set(addresses);
            let mut steps = vec![step(vec![Match::Same(own)], then.clone(), "itself")];
            // Peers that the same is let through of are asked for together.
            let mut groups: BTreeMap<Allowed, Vec<u32>> = BTreeMap::new();
            for (peer, allowed) in self.allowed.remove(&(direction, class)).unwrap_or_default() {
                groups.entry(allowed).or_default().push(peer);
            }
            for (allowed, numbers) in groups {
                let sets = numbers.iter().filter_map(|number| peers.get(number));
                let set = AddressSet::union_of(sets);
                if set.is_empty() {
                    continue;
                }
                let set = self.add_set(set);
                for (conditions, text) in conditions(&allowed) {
                    let mut matches = vec![Match::Address(peer, set)];
                    matches.extend(conditions);
                    let text = format!("{}: {text}", peers_text(&numbers));
                    steps.push(step(matches, then.clone(), &text));
                }
            }
            steps.push(step(
                Vec::new(),
                Then::Decide(Decision::Drop),
                "nothing lets it through",
            ));
            let name = format!("{} class {class}", direction.name());
            let chain = add_chain(&mut self.program, &name, steps);
            entries.push((own, Then::Goto(chain)));
        }
        let text = match direction {
            Direction::Egress => "the source's class",
            Direction::Ingress => "the destination's class",
        };
        let steps = vec![
            step(Vec::new(), Then::Dispatch(subject, entries), text),
            step(Vec::new(), then, "not isolated"),
        ];
        add_chain(&mut self.program, direction.name(), steps)
    }
}

fn peers_text(numbers: &[u32]) -> String {
    match numbers {
        [one] => format!("peer {one}"),
        [first, .., last] => format!("{} peers, {first} to {last}", numbers.len()),
        [] => String::new(),
    }
}

/// What a longest-prefix look-up lets through, of the entries of a class and peer.
fn allowed(entries: &[(Part, u32)]) -> Allowed {
    let everything = entries.iter().find(|(part, _)| *part == Part::All);
    let mut found: BTreeMap<(Kind, u32), Vec<(u16, u16)>> = BTreeMap::new();
    for kind in Kind::ALL {
        // A shorter prefix is an empty one here.
        let mut prefixes: BTreeMap<Prefix, u32> = BTreeMap::new();
        let whole = Prefix {
            first: 0,
            length: 0,
        };
        prefixes.extend(everything.map(|(_, rule)| (whole, *rule)));
        for (part, rule) in entries {
            if let Part::Of(of, prefix) = part
                && *of == kind
            {
                prefixes.insert(*prefix, *rule);
            }
        }
        for (first, last, rule) in resolve(16, &prefixes) {
            let small = |number: u128| u16::try_from(number).unwrap_or(u16::MAX);
            // What has no ports is looked up with port 0.
            if let Some(rule) = rule.filter(|rule| *rule != 0)
                && (kind != Kind::Other || first == 0)
            {
                let ports = match kind {
                    Kind::Other => (0, u16::MAX),
                    Kind::Ports(_) => (small(first), small(last)),
                };
                found.entry((kind, rule)).or_default().push(ports);
            }
        }
    }
    let found = found.into_iter();
    found
        .map(|((kind, rule), ports)| (kind, RangeSet::from_ranges(ports), rule))
        .collect()
}

/// What is let through as conditions, each with its text: one of a step's has to hold.
fn conditions(allowed: &Allowed) -> Vec<(Vec<Match>, String)> {
    if let [(_, _, rule), ..] = allowed.as_slice()
        && allowed.len() == Kind::ALL.len()
        && allowed
            .iter()
            .all(|(_, ports, of)| of == rule && *ports == PortSet::full())
    {
        return vec![(Vec::new(), format!("all traffic, rule {rule}"))];
    }
    let each = allowed.iter().map(|(kind, ports, rule)| {
        let (transports, name) = match kind {
            Kind::Ports(Protocol::Tcp) => (vec![Transport::Tcp], "TCP"),
            Kind::Ports(Protocol::Udp) => (vec![Transport::Udp], "UDP"),
            Kind::Ports(Protocol::Sctp) => (vec![Transport::Sctp], "SCTP"),
            Kind::Other => (
                vec![Transport::Discovery, Transport::Other],
                "protocols without ports",
            ),
        };
        let mut matches = vec![Match::Transport(transports)];
        let mut text = name.to_owned();
        if *ports != PortSet::full() {
            matches.push(Match::Port(ports.clone()));
            text.push_str(&format!(" {ports}"));
        }
        (matches, format!("{text}, rule {rule}"))
    });
    each.collect()
}
