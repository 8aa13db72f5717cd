//! Reads nft commands: the few kinds that are emitted, and nothing else.
//!
//! Written without a look at the emitter's code, so that a mistake in one is not a mistake in
//! both. A command that is not understood is an error with its line; none is passed over.

use super::state::{
    Action, Base, ChainState, Collection, Condition, DISCOVERY, Key, PRIORITY, Range, Rule, State,
    Verdict, set_of, states, transports,
};
use crate::model::{Decision, End, Family, Hook, PortSet, RangeSet, Transport};
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// Why a ruleset was not understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotUnderstood {
    /// The line, from 1; 0 when there are no lines.
    pub line: usize,
    /// The text of it.
    pub text: String,
    /// What is wrong.
    pub problem: String,
}

/// The words of one command.
struct Words<'a> {
    words: Vec<&'a str>,
    at: usize,
}

/// What can go wrong with a command.
type Read<T> = Result<T, String>;

impl<'a> Words<'a> {
    /// Splits at spaces, and braces, commas and semicolons apart. Strings in quotes stay whole.
    fn new(line: &'a str) -> Read<Words<'a>> {
        let mut words = Vec::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let end = if rest.starts_with(['{', '}', ',', ';']) {
                1
            } else if let Some(quoted) = rest.strip_prefix('"') {
                let closing = quoted.find('"').ok_or("a string is not closed")?;
                closing + 2
            } else {
                rest.find(|c: char| c.is_whitespace() || "{},;\"".contains(c))
                    .unwrap_or(rest.len())
            };
            let (word, after) = rest.split_at(end);
            words.push(word);
            rest = after.trim_start();
        }
        Ok(Words { words, at: 0 })
    }

    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn next(&mut self) -> Read<&'a str> {
        let word = self.peek().ok_or("the command ends too early")?;
        self.at += 1;
        Ok(word)
    }

    /// Takes a word if it is next.
    fn take(&mut self, word: &str) -> bool {
        let is_next = self.peek() == Some(word);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, word: &str) -> Read<()> {
        let found = self.next()?;
        if found == word {
            return Ok(());
        }
        Err(format!("`{found}` where only `{word}` is understood"))
    }

    fn end(&self) -> Read<()> {
        match self.peek() {
            None => Ok(()),
            Some(word) => Err(format!("`{word}` is more than is understood here")),
        }
    }

    /// The name of something in our table.
    fn name_in_table(&mut self) -> Read<&'a str> {
        self.expect("inet")?;
        self.expect("portolan")?;
        self.next()
    }

    /// One item, or several in braces.
    fn list(&mut self) -> Read<Vec<&'a str>> {
        if !self.take("{") {
            return Ok(vec![self.next()?]);
        }
        let mut items = Vec::new();
        loop {
            items.push(self.next()?);
            if self.take("}") {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }
}

impl State {
    /// Runs the commands of a file on this state, as `nft -f` would.
    pub fn apply(&mut self, text: &str) -> Result<(), NotUnderstood> {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let done =
                Words::new(line).and_then(|mut words| self.command(&mut words, line, index + 1));
            done.map_err(|problem| NotUnderstood {
                line: index + 1,
                text: line.to_owned(),
                problem,
            })?;
        }
        Ok(())
    }

    fn command(&mut self, words: &mut Words<'_>, line: &str, number: usize) -> Read<()> {
        let (verb, object) = (words.next()?, words.next()?);
        match (verb, object) {
            ("add", "table") => {
                words.expect("inet")?;
                words.expect("portolan")?;
            }
            ("delete", "table") => {
                words.expect("inet")?;
                words.expect("portolan")?;
                *self = State::default();
            }
            ("add", "set" | "map") => self.add_collection(words, object == "map")?,
            ("add", "chain") => self.add_chain(words)?,
            ("add", "element") => self.elements(words, true)?,
            ("delete", "element") => self.elements(words, false)?,
            ("add", "rule") => {
                let name = words.name_in_table()?;
                let rule = rule(words, line, number)?;
                let chain = self.chains.get_mut(name);
                chain
                    .ok_or_else(|| format!("there is no chain `{name}`"))?
                    .rules
                    .push(rule);
            }
            ("flush", "chain") => {
                let name = words.name_in_table()?;
                let chain = self.chains.get_mut(name);
                chain
                    .ok_or_else(|| format!("there is no chain `{name}`"))?
                    .rules
                    .clear();
            }
            ("flush", "set" | "map") => {
                let name = words.name_in_table()?;
                let found = self.collections.get_mut(name);
                found
                    .ok_or_else(|| format!("there is no {object} `{name}`"))?
                    .clear();
            }
            ("delete", "set" | "map") => {
                let name = words.name_in_table()?;
                let found = self.collections.remove(name);
                found.ok_or_else(|| format!("there is no {object} `{name}`"))?;
            }
            ("delete", "chain") => {
                let name = words.name_in_table()?;
                let found = self.chains.remove(name);
                found.ok_or_else(|| format!("there is no chain `{name}`"))?;
            }
            _ => return Err(format!("the command `{verb} {object}` is not understood")),
        }
        words.end()
    }

    fn add_collection(&mut self, words: &mut Words<'_>, is_map: bool) -> Read<()> {
        let name = words.name_in_table()?;
        words.expect("{")?;
        words.expect("type")?;
        let mut types = vec![words.next()?];
        while words.take(".") {
            types.push(words.next()?);
        }
        if is_map {
            words.expect(":")?;
            words.expect("verdict")?;
        }
        words.expect(";")?;
        let interval = words.take("flags");
        if interval {
            words.expect("interval")?;
            words.expect(";")?;
        }
        words.expect("}")?;
        let key = Key::from_types(&types)
            .ok_or_else(|| format!("the type `{}` is not understood", types.join(" . ")))?;
        let new = Collection::new(key, interval, is_map);
        let known = self
            .collections
            .entry(name.to_owned())
            .or_insert_with(|| new.clone());
        if (known.key, known.interval, known.is_map) != (new.key, new.interval, new.is_map) {
            return Err(format!(
                "`{name}` is there with another type: nft would not load it"
            ));
        }
        Ok(())
    }

    fn add_chain(&mut self, words: &mut Words<'_>) -> Read<()> {
        let name = words.name_in_table()?;
        let mut base = None;
        if words.take("{") {
            for word in ["type", "filter", "hook"] {
                words.expect(word)?;
            }
            let hook = words.next()?;
            let hook = Hook::ALL
                .into_iter()
                .find(|known| known.name() == hook)
                .ok_or_else(|| {
                    format!("the hook `{hook}` is not one that policy is enforced at")
                })?;
            words.expect("priority")?;
            let priority = words.next()?;
            if priority.parse() != Ok(PRIORITY) {
                return Err(format!(
                    "priority `{priority}` where only `{PRIORITY}` is understood"
                ));
            }
            words.expect(";")?;
            words.expect("policy")?;
            let policy = match words.next()? {
                "accept" => Decision::Accept,
                "drop" => Decision::Drop,
                other => return Err(format!("the policy `{other}` is not understood")),
            };
            words.expect(";")?;
            words.expect("}")?;
            base = Some(Base { hook, policy });
        }
        let known = self
            .chains
            .entry(name.to_owned())
            .or_insert_with(|| ChainState {
                base,
                rules: Vec::new(),
            });
        if known.base.is_some() != base.is_some()
            || known.base.map(|b| b.hook) != base.map(|b| b.hook)
        {
            return Err(format!(
                "chain `{name}` is there with another hook: nft would not load it"
            ));
        }
        known.base = base;
        Ok(())
    }

    fn elements(&mut self, words: &mut Words<'_>, adding: bool) -> Read<()> {
        let name = words.name_in_table()?;
        let found = self.collections.get_mut(name);
        let found = found.ok_or_else(|| format!("there is no set or map `{name}`"))?;
        words.expect("{")?;
        loop {
            let range = element(words, found.key)?;
            let verdict = if words.take(":") {
                Some(verdict(words)?)
            } else {
                None
            };
            if adding {
                found.add(range, verdict)?;
            } else {
                found.delete(range)?;
            }
            if words.take("}") {
                return Ok(());
            }
            words.expect(",")?;
        }
    }
}

fn element(words: &mut Words<'_>, key: Key) -> Read<Range> {
    match key {
        Key::Address(family) => range(words.next()?, family),
        Key::Pair(family) => {
            let first = range(words.next()?, family)?;
            words.expect(".")?;
            if range(words.next()?, family)? != first || first.0 != first.1 {
                return Err("only pairs of twice the same address are understood".to_owned());
            }
            Ok(first)
        }
    }
}

/// An address, a block, or two addresses with a dash between.
pub(super) fn range(text: &str, family: Family) -> Read<Range> {
    let wrong = || format!("`{text}` is no address, block or range that is understood here");
    let address = |text: &str| -> Read<u128> {
        let address: IpAddr = text.parse().map_err(|_| wrong())?;
        if Family::of(address) != family {
            return Err(wrong());
        }
        Ok(Family::number_of(address))
    };
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (address(first)?, address(last)?);
        return if first < last {
            Ok((first, last))
        } else {
            Err(wrong())
        };
    }
    if text.contains('/') {
        let net: IpNet = text.parse().map_err(|_| wrong())?;
        if Family::of(net.addr()) != family || net != net.trunc() {
            return Err(wrong());
        }
        return Ok((
            Family::number_of(net.network()),
            Family::number_of(net.broadcast()),
        ));
    }
    let single = address(text)?;
    Ok((single, single))
}

fn verdict(words: &mut Words<'_>) -> Read<Verdict> {
    Ok(match words.next()? {
        "accept" => Verdict::Accept,
        "drop" => Verdict::Drop,
        "return" => Verdict::Return,
        "goto" => Verdict::Goto(words.next()?.to_owned()),
        "jump" => Verdict::Jump(words.next()?.to_owned()),
        other => return Err(format!("`{other}` is not understood")),
    })
}

fn rule(words: &mut Words<'_>, line: &str, number: usize) -> Read<Rule> {
    let mut conditions = Vec::new();
    loop {
        let word = words.peek().ok_or("the rule does nothing")?;
        let action = match word {
            "counter" => {
                words.next()?;
                continue;
            }
            "ip" | "ip6" => match address_condition(words)? {
                Ok(condition) => {
                    conditions.push(condition);
                    continue;
                }
                Err(action) => action,
            },
            "meta" => {
                words.next()?;
                conditions.push(meta_condition(words)?);
                continue;
            }
            "ct" => {
                words.next()?;
                conditions.push(ct_condition(words)?);
                continue;
            }
            "tcp" | "udp" | "sctp" | "th" => {
                words.next()?;
                words.expect("dport")?;
                let ports = ports(&words.list()?)?;
                conditions.push(match transports(&[word], false) {
                    Some(transports) => Condition::PortOf(transports, ports),
                    None => Condition::Port(ports),
                });
                continue;
            }
            "icmpv6" => {
                words.next()?;
                words.expect("type")?;
                conditions.push(discovery(words.list()?)?);
                continue;
            }
            _ => Action::Verdict(verdict(words)?),
        };
        return Ok(Rule {
            conditions,
            action,
            text: Arc::from(without_address(line)),
            line: number,
        });
    }
}

/// A rule's own words, without `add rule inet portolan CHAIN`.
fn without_address(line: &str) -> &str {
    let mut rest = line;
    for _ in 0..5 {
        rest = rest
            .split_once(' ')
            .map_or("", |(_, after)| after.trim_start());
    }
    rest
}

fn family_of(protocol: &str) -> Family {
    if protocol == "ip6" {
        Family::V6
    } else {
        Family::V4
    }
}

fn end_of(field: &str) -> Read<End> {
    match field {
        "saddr" => Ok(End::Source),
        "daddr" => Ok(End::Destination),
        _ => Err(format!("`{field}` is not understood")),
    }
}

/// A condition on addresses, or a map that is looked into.
fn address_condition(words: &mut Words<'_>) -> Read<Result<Condition, Action>> {
    let protocol = words.next()?;
    let family = family_of(protocol);
    let end = end_of(words.next()?)?;
    if words.take(".") {
        words.expect(protocol)?;
        if end != End::Source || end_of(words.next()?)? != End::Destination {
            return Err("only `saddr . daddr` is understood".to_owned());
        }
        let name = set_name(words.next()?)?;
        return Ok(Ok(Condition::Pair(family, name)));
    }
    if words.take("vmap") {
        let name = set_name(words.next()?)?;
        return Ok(Err(Action::Map(end, family, name)));
    }
    let negated = words.take("!=");
    let word = words.next()?;
    if word.starts_with('@') {
        let name = set_name(word)?;
        return Ok(Ok(Condition::Set {
            end,
            family,
            name,
            negated,
        }));
    }
    if negated {
        return Err("`!=` with an address is not understood".to_owned());
    }
    let range = range(word, family)?;
    Ok(Ok(Condition::Literal(
        end,
        set_of(family, std::iter::once(range)),
    )))
}

fn set_name(word: &str) -> Read<String> {
    word.strip_prefix('@')
        .map(str::to_owned)
        .ok_or_else(|| format!("`{word}` where only the name of a set is understood"))
}

fn meta_condition(words: &mut Words<'_>) -> Read<Condition> {
    match words.next()? {
        "nfproto" => match words.next()? {
            "ipv4" => Ok(Condition::Family(Family::V4)),
            "ipv6" => Ok(Condition::Family(Family::V6)),
            other => Err(format!("`{other}` is not understood")),
        },
        "l4proto" => {
            let negated = words.take("!=");
            let names = words.list()?;
            transports(&names, negated)
                .map(Condition::Transport)
                .ok_or_else(|| format!("the protocols `{}` are not understood", names.join(", ")))
        }
        other => Err(format!("`meta {other}` is not understood")),
    }
}

fn ct_condition(words: &mut Words<'_>) -> Read<Condition> {
    match words.next()? {
        "state" => {
            let mut names = vec![words.next()?];
            while words.take(",") {
                names.push(words.next()?);
            }
            states(&names)
                .map(Condition::State)
                .ok_or_else(|| format!("the states `{}` are not understood", names.join(",")))
        }
        "direction" => match words.next()? {
            "reply" => Ok(Condition::Reply(true)),
            "original" => Ok(Condition::Reply(false)),
            other => Err(format!("`{other}` is not understood")),
        },
        other => Err(format!("`ct {other}` is not understood")),
    }
}

fn ports(items: &[&str]) -> Read<PortSet> {
    let mut ranges = Vec::new();
    for item in items {
        let wrong = || format!("`{item}` is no port or range of ports");
        let port = |text: &str| text.parse::<u16>().map_err(|_| wrong());
        let (first, last) = match item.split_once('-') {
            Some((first, last)) => (port(first)?, port(last)?),
            None => (port(item)?, port(item)?),
        };
        if last < first {
            return Err(wrong());
        }
        ranges.push((first, last));
    }
    let mut sorted = ranges.clone();
    sorted.sort_unstable();
    let overlaps = sorted
        .iter()
        .zip(sorted.iter().skip(1))
        .any(|(a, b)| b.0 <= a.1);
    if overlaps {
        return Err("ports overlap: nft would not load it".to_owned());
    }
    Ok(RangeSet::from_ranges(ranges))
}

pub(super) fn discovery(mut names: Vec<&str>) -> Read<Condition> {
    names.sort_unstable();
    if names == DISCOVERY {
        return Ok(Condition::Transport(vec![Transport::Discovery]));
    }
    let known = DISCOVERY.join(", ");
    Err(format!(
        "only the ICMPv6 types {known} are understood, all together"
    ))
}
