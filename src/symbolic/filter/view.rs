//! The variables of a packet, for as many addresses as a question is about.
//!
//! A question about one class of pods looks at few sets. Codes that these do not tell apart are
//! one code of the view, and an end that is limited to some codes has no others.

use super::codes::Codes;
use super::{KIND_BITS, position};
use crate::model::{End, Hook, Packet, Tracking, Transport};
use crate::symbolic::bits::{all, constant, one_of, width};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::rc::Rc;
use z3::ast::{BV, Bool};

/// Where a slice is in memory, and how long it is.
type Slice = (*const usize, usize);

/// The codes of one end.
#[derive(Debug)]
pub(super) struct Grouping {
    /// By code of the whole its code here; `None` when it is not asked about.
    here: Vec<Option<usize>>,
    /// By code here, those of the whole.
    members: Vec<Vec<usize>>,
    /// The codes here of sets that were asked for, by where the set is in memory: sets stay where
    /// they are while a view is used.
    sets: RefCell<HashMap<Slice, Rc<BTreeSet<usize>>>>,
    /// Whether a set was asked for that holds some members of a code here and not others.
    blurred: Cell<bool>,
}

impl Grouping {
    /// The codes that are asked about, one for all that none of the sets tells apart. The families
    /// are told apart in any case. Linear in the sets.
    pub(super) fn new<'a>(
        codes: &Codes,
        allowed: Option<&[usize]>,
        sets: impl IntoIterator<Item = &'a [usize]>,
    ) -> Grouping {
        let mut signatures: Vec<Vec<u32>> = vec![Vec::new(); codes.len()];
        for (number, set) in (0u32..).zip(sets) {
            for &code in set {
                if let Some(signature) = signatures.get_mut(code) {
                    signature.push(number);
                }
            }
        }
        let mut grouping = Grouping {
            here: vec![None; codes.len()],
            members: Vec::new(),
            sets: RefCell::default(),
            blurred: Cell::new(false),
        };
        let everything: Vec<usize> = (0..codes.len()).collect();
        let mut known: HashMap<(bool, &[u32]), usize> = HashMap::new();
        for &code in allowed.unwrap_or(&everything) {
            let Some(signature) = signatures.get(code) else {
                continue;
            };
            let key = (code < codes.n_v4(), signature.as_slice());
            let next = grouping.members.len();
            let here = *known.entry(key).or_insert(next);
            if here == next {
                grouping.members.push(Vec::new());
            }
            if let Some(members) = grouping.members.get_mut(here) {
                members.push(code);
            }
            if let Some(slot) = grouping.here.get_mut(code) {
                *slot = Some(here);
            }
        }
        grouping
    }

    /// Every code by itself.
    pub(super) fn each(codes: &Codes) -> Grouping {
        Grouping {
            here: (0..codes.len()).map(Some).collect(),
            members: (0..codes.len()).map(|code| vec![code]).collect(),
            sets: RefCell::default(),
            blurred: Cell::new(false),
        }
    }

    /// Those codes here that stand for some of the given.
    fn of(&self, codes: &[usize]) -> Rc<BTreeSet<usize>> {
        let mut sets = self.sets.borrow_mut();
        let known = sets
            .entry((codes.as_ptr(), codes.len()))
            .or_insert_with(|| {
                let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
                for here in codes.iter().filter_map(|code| *self.here.get(*code)?) {
                    *counts.entry(here).or_default() += 1;
                }
                let is_whole =
                    |(here, count): (&usize, &usize)| self.members(*here).len() == *count;
                if !counts.iter().all(is_whole) {
                    self.blurred.set(true);
                }
                Rc::new(counts.into_keys().collect())
            });
        Rc::clone(known)
    }

    /// The number of codes here.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The codes of the whole that one here stands for.
    pub(super) fn members(&self, here: usize) -> &[usize] {
        self.members.get(here).map_or(&[], Vec::as_slice)
    }
}

/// Ports, one for all that no rule tells apart.
#[derive(Debug)]
pub(super) struct Ports {
    /// The first of each range, ascending from 0.
    starts: Vec<u16>,
    /// Whether a range was asked for at whose edges ports were not cut.
    blurred: Cell<bool>,
}

impl Ports {
    /// Cuts all ports at the edges of ranges.
    pub(super) fn new(ranges: impl IntoIterator<Item = (u16, u16)>) -> Ports {
        let mut starts = BTreeSet::from([0]);
        for (first, last) in ranges {
            starts.insert(first);
            starts.extend(last.checked_add(1));
        }
        Ports {
            starts: starts.into_iter().collect(),
            blurred: Cell::new(false),
        }
    }

    /// The code of the range that holds a port.
    fn code(&self, port: u16) -> usize {
        let after = self.starts.partition_point(|start| *start <= port);
        after.saturating_sub(1)
    }
}

impl Ports {
    /// A port with a code: one that reads well, where there is a choice.
    fn example(&self, code: usize) -> Option<u16> {
        let first = *self.starts.get(code)?;
        let next = self.starts.get(code.checked_add(1)?);
        let is_here = |port: u16| port >= first && next.is_none_or(|next| port < *next);
        let usual = [80, 443, 8080].into_iter().find(|port| is_here(*port));
        // Where a rule's range starts or has ended, that port says more.
        Some(usual.filter(|_| first <= 1).unwrap_or(first))
    }
}

/// The variables.
pub(super) struct View<'a> {
    pub(super) codes: &'a Codes,
    pub(super) source: Grouping,
    pub(super) destination: Grouping,
    source_term: BV,
    destination_term: BV,
    /// An end that is taken to have one code.
    pinned: Cell<Option<(End, usize)>>,
    v4: Vec<usize>,
    alone: Vec<usize>,
    /// Whether both addresses are the same.
    pub(super) same: Bool,
    transport: BV,
    ports: Ports,
    port: BV,
    tracking: BV,
}

impl<'a> View<'a> {
    pub(super) fn new(
        codes: &'a Codes,
        source: Grouping,
        destination: Grouping,
        ports: Ports,
    ) -> View<'a> {
        View {
            codes,
            source_term: BV::new_const("source", width(source.members.len())),
            destination_term: BV::new_const("destination", width(destination.members.len())),
            source,
            destination,
            pinned: Cell::new(None),
            v4: (0..codes.n_v4()).collect(),
            alone: codes.alone().collect(),
            same: Bool::new_const("same"),
            transport: BV::new_const("transport", KIND_BITS),
            port: BV::new_const("port", width(ports.starts.len())),
            ports,
            tracking: BV::new_const("tracking", KIND_BITS),
        }
    }

    fn end(&self, end: End) -> (&Grouping, &BV) {
        match end {
            End::Source => (&self.source, &self.source_term),
            End::Destination => (&self.destination, &self.destination_term),
        }
    }

    /// What holds of every packet. Some things that are no packet may have it too.
    pub(super) fn constraints(&self) -> Bool {
        let in_range = |end: End| {
            let (grouping, term) = self.end(end);
            let last = grouping.members.len().saturating_sub(1);
            term.bvule(constant(last, term.get_size()))
        };
        let last = |count: usize| constant(count - 1, KIND_BITS);
        all(&[
            in_range(End::Source),
            in_range(End::Destination),
            self.is_v4(End::Source).iff(self.is_v4(End::Destination)),
            self.transport.bvule(last(Transport::ALL.len())),
            self.port.bvule(constant(
                self.ports.starts.len().saturating_sub(1),
                self.port.get_size(),
            )),
            self.tracking.bvule(last(Tracking::ALL.len())),
        ])
    }

    /// What equal addresses come to where both ends are grouped alike, one code for each.
    pub(super) fn sameness(&self) -> Bool {
        let equal = self.source_term.eq(&self.destination_term);
        all(&[
            self.same.implies(&equal),
            all(&[equal, self.is_in(End::Source, &self.alone)]).implies(&self.same),
        ])
    }

    /// Speaks of packets only in which an end has this code, until it is told otherwise. Then sets
    /// either hold the end or do not, and most steps and rules say nothing.
    pub(super) fn pin(&self, pinned: Option<(End, usize)>) {
        self.pinned.set(pinned);
    }

    /// Whether an end has a code.
    pub(super) fn has_code(&self, end: End, code: usize) -> Bool {
        let (_, term) = self.end(end);
        term.eq(constant(code, term.get_size()))
    }

    fn is_v4(&self, end: End) -> Bool {
        self.is_in(end, &self.v4)
    }

    /// Whether the packet is of IPv4: both of its ends are.
    pub(super) fn is_ipv4(&self) -> Bool {
        self.is_v4(match self.pinned.get() {
            Some((end, _)) => end,
            None => End::Source,
        })
    }

    /// Whether everything that was asked for could be said exactly. If not, the formulas are about
    /// something else, and nothing may be concluded from them.
    pub(super) fn is_exact(&self) -> bool {
        let groupings = [&self.source, &self.destination];
        let blurred = groupings.iter().any(|grouping| grouping.blurred.get());
        !blurred && !self.ports.blurred.get()
    }

    /// Whether an end has one of these codes of the whole, each given once. A set by which codes
    /// were not grouped makes the view inexact.
    pub(super) fn is_in(&self, end: End, codes: &[usize]) -> Bool {
        let (grouping, term) = self.end(end);
        let here = grouping.of(codes);
        if let Some((pinned, code)) = self.pinned.get()
            && pinned == end
        {
            return Bool::from_bool(here.contains(&code));
        }
        if here.len() == grouping.members.len() {
            return Bool::from_bool(true);
        }
        one_of(term, here.iter().copied())
    }

    pub(super) fn is_tracking(&self, any_of: &[Tracking]) -> Bool {
        let codes: BTreeSet<usize> = any_of
            .iter()
            .map(|t| position(&Tracking::ALL, *t))
            .collect();
        one_of(&self.tracking, codes)
    }

    pub(super) fn is_transport(&self, any_of: &[Transport]) -> Bool {
        let codes: BTreeSet<usize> = any_of
            .iter()
            .map(|t| position(&Transport::ALL, *t))
            .collect();
        one_of(&self.transport, codes)
    }

    /// Whether the port is in a range. One at whose edges ports were not cut makes the view inexact.
    pub(super) fn is_port(&self, first: u16, last: u16) -> Bool {
        let is_cut = |port: u16| self.ports.starts.binary_search(&port).is_ok();
        if !is_cut(first) || !last.checked_add(1).is_none_or(is_cut) {
            self.ports.blurred.set(true);
        }
        self.is_near(first, last)
    }

    /// Whether the port is one that no rule tells from those in a range.
    pub(super) fn is_near(&self, first: u16, last: u16) -> Bool {
        let (first, last) = (self.ports.code(first), self.ports.code(last));
        if first == 0 && last + 1 == self.ports.starts.len() {
            return Bool::from_bool(true);
        }
        one_of(&self.port, first..=last)
    }

    /// The variables that say what a packet is, in the order of [`Values`].
    pub(super) fn values(&self, model: &z3::Model) -> Option<Values> {
        let value = |term: &BV| -> Option<usize> {
            usize::try_from(model.eval(term, true)?.as_u64()?).ok()
        };
        Some(Values {
            source: value(&self.source_term)?,
            destination: value(&self.destination_term)?,
            same: model.eval(&self.same, true)?.as_bool()?,
            transport: *Transport::ALL.get(value(&self.transport)?)?,
            port: self.ports.example(value(&self.port)?)?,
            tracking: *Tracking::ALL.get(value(&self.tracking)?)?,
        })
    }

    /// Not these ends again.
    pub(super) fn other_ends(&self, values: &Values) -> Bool {
        let is = |term: &BV, value: usize| term.eq(constant(value, term.get_size()));
        all(&[
            is(&self.source_term, values.source),
            is(&self.destination_term, values.destination),
        ])
        .not()
    }
}

/// What a solution says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    pub(super) source: usize,
    pub(super) destination: usize,
    pub(super) same: bool,
    pub(super) transport: Transport,
    pub(super) port: u16,
    pub(super) tracking: Tracking,
}

impl Values {
    /// The packet, once its codes are addresses.
    pub(super) fn packet(&self, hook: Hook, source: IpAddr, destination: IpAddr) -> Packet {
        Packet {
            hook,
            source,
            destination,
            transport: self.transport,
            port: self.port,
            tracking: self.tracking,
        }
    }
}
