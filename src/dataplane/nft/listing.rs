//! Reads what a kernel holds: `nft -j list ruleset`.
//!
//! Our table is read as strictly as text is. Of other tables only the base chains at the hooks
//! that policy is enforced at are looked at, since their rules can drop or change packets too.

use super::state::{
    Action, Base, ChainState, Collection, Condition, Key, PRIORITY, Range, Rule, State, Verdict,
    set_of, states, transports,
};
use super::text::{NotUnderstood, discovery, range};
use crate::model::{Decision, End, Family, Hook, PortSet, RangeSet};
use serde_json::{Map, Value};
use std::net::IpAddr;
use std::sync::Arc;

/// A base chain of another table, at a hook of ours.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Foreign {
    /// Family and name of its table.
    pub table: String,
    /// Its name.
    pub chain: String,
    /// The hook.
    pub hook: String,
    /// Its priority: lower comes first; ours has -1.
    pub priority: i64,
    /// Its policy.
    pub policy: String,
    /// How many rules it has itself.
    pub rules: usize,
}

/// What was listed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listing {
    /// Our table; `None` when it is not there.
    pub state: Option<State>,
    /// Base chains of others at our hooks.
    pub foreign: Vec<Foreign>,
}

type Read<T> = Result<T, String>;

/// Reads a listing.
///
/// # Errors
///
/// The first object of our table that is not understood.
pub fn read_listing(text: &str) -> Result<Listing, NotUnderstood> {
    let whole = |problem: String| NotUnderstood {
        line: 0,
        text: String::new(),
        problem,
    };
    let listing: Value = serde_json::from_str(text).map_err(|error| {
        whole(format!(
            "this is not what `nft -j list ruleset` prints: {error}"
        ))
    })?;
    let objects = listing
        .get("nftables")
        .and_then(Value::as_array)
        .ok_or_else(|| whole("this is not what `nft -j list ruleset` prints".to_owned()))?;
    let mut found = Listing::default();
    // Rules can come before the sets that they name, so these are read first.
    for pass in 0..2 {
        for object in objects {
            let Some((kind, value)) = object.as_object().and_then(|o| o.iter().next()) else {
                continue;
            };
            let Some(value) = value.as_object() else {
                continue;
            };
            let result = if is_ours(kind, value) {
                ours(&mut found, kind, value, pass)
            } else if pass == 0 {
                foreign(&mut found, kind, value);
                Ok(())
            } else {
                count_foreign_rule(&mut found, kind, value);
                Ok(())
            };
            result.map_err(|problem| NotUnderstood {
                line: 0,
                text: object.to_string(),
                problem,
            })?;
        }
    }
    found.foreign.sort();
    Ok(found)
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Read<&'a str> {
    object
        .get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("no `{key}`"))
}

fn is_ours(kind: &str, object: &Map<String, Value>) -> bool {
    let name = if kind == "table" { "name" } else { "table" };
    text(object, "family") == Ok("inet") && text(object, name) == Ok("portolan")
}

fn only(object: &Map<String, Value>, keys: &[&str]) -> Read<()> {
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(format!("`{key}` is not understood")),
    }
}

fn foreign(found: &mut Listing, kind: &str, object: &Map<String, Value>) {
    let (Ok(family), Ok(table), Ok(chain), Ok(hook)) = (
        text(object, "family"),
        text(object, "table"),
        text(object, "name"),
        text(object, "hook"),
    ) else {
        return;
    };
    let is_ip = matches!(family, "inet" | "ip" | "ip6");
    if kind == "chain" && is_ip && Hook::ALL.iter().any(|known| known.name() == hook) {
        found.foreign.push(Foreign {
            table: format!("{family} {table}"),
            chain: chain.to_owned(),
            hook: hook.to_owned(),
            priority: object
                .get("prio")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
            policy: text(object, "policy").unwrap_or("accept").to_owned(),
            rules: 0,
        });
    }
}

fn count_foreign_rule(found: &mut Listing, kind: &str, object: &Map<String, Value>) {
    let (Ok(family), Ok(table), Ok(chain)) = (
        text(object, "family"),
        text(object, "table"),
        text(object, "chain"),
    ) else {
        return;
    };
    let table = format!("{family} {table}");
    let of = |known: &&mut Foreign| known.table == table && known.chain == chain;
    if kind == "rule"
        && let Some(known) = found.foreign.iter_mut().find(of)
    {
        known.rules += 1;
    }
}

fn ours(found: &mut Listing, kind: &str, object: &Map<String, Value>, pass: usize) -> Read<()> {
    let state = found.state.get_or_insert_with(State::default);
    match (kind, pass) {
        ("table", 0) => only(object, &["family", "name", "handle"]),
        ("set" | "map", 0) => collection(state, object, kind == "map"),
        ("chain", 0) => chain(state, object),
        ("rule", 1) => {
            only(object, &["family", "table", "chain", "handle", "expr"])?;
            let name = text(object, "chain")?;
            let rule = rule(object)?;
            let chain = state.chains.get_mut(name);
            chain
                .ok_or_else(|| format!("there is no chain `{name}`"))?
                .rules
                .push(rule);
            Ok(())
        }
        ("table" | "set" | "map" | "chain", _) | ("rule", _) => Ok(()),
        _ => Err(format!("a `{kind}` is not understood")),
    }
}

fn collection(state: &mut State, object: &Map<String, Value>, is_map: bool) -> Read<()> {
    let keys = [
        "family", "name", "table", "type", "handle", "map", "flags", "elem",
    ];
    only(object, &keys)?;
    let types: Vec<&str> = match object.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let key = Key::from_types(&types)
        .ok_or_else(|| format!("the type `{}` is not understood", types.join(" . ")))?;
    let interval = match object.get("flags") {
        None => false,
        Some(Value::Array(flags)) if *flags == ["interval"] => true,
        Some(flags) => return Err(format!("the flags {flags} are not understood")),
    };
    if is_map && text(object, "map")? != "verdict" {
        return Err("only maps to verdicts are understood".to_owned());
    }
    let mut new = Collection::new(key, interval, is_map);
    for element in object
        .get("elem")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let (value, verdict) = match element.as_array().map(Vec::as_slice) {
            Some([value, verdict]) if is_map => {
                let object = verdict.as_object().ok_or("no verdict")?;
                let verdict =
                    verdict_of(object).ok_or_else(|| format!("{verdict} is not understood"))??;
                (value, Some(verdict))
            }
            _ => (element, None),
        };
        new.add(element_range(value, key)?, verdict)?;
    }
    state
        .collections
        .insert(text(object, "name")?.to_owned(), new);
    Ok(())
}

fn element_range(value: &Value, key: Key) -> Read<Range> {
    match (
        key,
        value
            .get("concat")
            .and_then(Value::as_array)
            .map(Vec::as_slice),
    ) {
        (Key::Address(family), None) => address_range(value, family),
        (Key::Pair(family), Some([first, second])) if first == second => {
            let range = address_range(first, family)?;
            if range.0 != range.1 {
                return Err("only pairs of twice the same address are understood".to_owned());
            }
            Ok(range)
        }
        _ => Err(format!("the element {value} is not understood")),
    }
}

fn address_range(value: &Value, family: Family) -> Read<Range> {
    let wrong = || format!("{value} is not understood");
    if let Some(text) = value.as_str() {
        return range(text, family);
    }
    if let Some(prefix) = value.get("prefix") {
        let address = prefix
            .get("addr")
            .and_then(Value::as_str)
            .ok_or_else(wrong)?;
        let length = prefix
            .get("len")
            .and_then(Value::as_u64)
            .ok_or_else(wrong)?;
        return range(&format!("{address}/{length}"), family);
    }
    let ends = value
        .get("range")
        .and_then(Value::as_array)
        .map(Vec::as_slice);
    let Some([first, last]) = ends else {
        return Err(wrong());
    };
    let address = |value: &Value| -> Read<u128> {
        let address: IpAddr = value
            .as_str()
            .and_then(|t| t.parse().ok())
            .ok_or_else(wrong)?;
        if Family::of(address) == family {
            Ok(Family::number_of(address))
        } else {
            Err(wrong())
        }
    };
    let (first, last) = (address(first)?, address(last)?);
    if first <= last {
        Ok((first, last))
    } else {
        Err(wrong())
    }
}

fn chain(state: &mut State, object: &Map<String, Value>) -> Read<()> {
    let keys = [
        "family", "table", "name", "handle", "type", "hook", "prio", "policy",
    ];
    only(object, &keys)?;
    let mut base = None;
    if object.contains_key("hook") {
        let hook = text(object, "hook")?;
        let known = Hook::ALL.into_iter().find(|known| known.name() == hook);
        let hook = known
            .ok_or_else(|| format!("the hook `{hook}` is not one that policy is enforced at"))?;
        if text(object, "type")? != "filter" {
            return Err("only chains of type `filter` are understood".to_owned());
        }
        let priority = object.get("prio").and_then(Value::as_i64);
        if priority != Some(PRIORITY) {
            return Err(format!("only the priority `{PRIORITY}` is understood"));
        }
        let policy = match text(object, "policy")? {
            "accept" => Decision::Accept,
            "drop" => Decision::Drop,
            other => return Err(format!("the policy `{other}` is not understood")),
        };
        base = Some(Base { hook, policy });
    }
    let chain = ChainState {
        base,
        rules: Vec::new(),
    };
    state.chains.insert(text(object, "name")?.to_owned(), chain);
    Ok(())
}

/// The verdict that an object is; `None` when it is something else.
fn verdict_of(object: &Map<String, Value>) -> Option<Read<Verdict>> {
    let (name, value) = object.iter().next()?;
    let target = || -> Read<String> {
        let target = value.get("target").and_then(Value::as_str);
        target
            .map(str::to_owned)
            .ok_or_else(|| "no target".to_owned())
    };
    Some(match name.as_str() {
        "accept" => Ok(Verdict::Accept),
        "drop" => Ok(Verdict::Drop),
        "return" => Ok(Verdict::Return),
        "goto" => target().map(Verdict::Goto),
        "jump" => target().map(Verdict::Jump),
        _ => return None,
    })
}

fn rule(object: &Map<String, Value>) -> Read<Rule> {
    let statements = object
        .get("expr")
        .and_then(Value::as_array)
        .ok_or("no `expr`")?;
    let mut conditions = Vec::new();
    let mut action = None;
    for statement in statements {
        if action.is_some() {
            return Err("a rule that goes on after its verdict is not understood".to_owned());
        }
        let statement = statement.as_object().ok_or("a statement is no object")?;
        if statement.len() != 1 {
            return Err("a statement is not understood".to_owned());
        }
        if let Some(verdict) = verdict_of(statement) {
            action = Some(Action::Verdict(verdict?));
        } else if let Some(of) = statement.get("match") {
            conditions.push(condition(of.as_object().ok_or("a match is no object")?)?);
        } else if let Some(of) = statement.get("vmap") {
            let (end, family) = of
                .get("key")
                .and_then(address_field)
                .ok_or("the key of a map is not understood")?;
            let name = of
                .get("data")
                .and_then(Value::as_str)
                .and_then(|data| data.strip_prefix('@'));
            let name = name
                .ok_or("only maps with names are understood")?
                .to_owned();
            action = Some(Action::Map(end, family, name));
        } else if !statement.contains_key("counter") {
            let name = statement.keys().next().map_or("", String::as_str);
            return Err(format!("`{name}` is not understood"));
        }
    }
    let handle = object
        .get("handle")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    Ok(Rule {
        conditions,
        action: action.ok_or("the rule decides nothing")?,
        text: Arc::from(format!("rule with handle {handle}")),
        line: 0,
    })
}

/// `ip saddr` and the like.
fn address_field(value: &Value) -> Option<(End, Family)> {
    let payload = value.get("payload")?;
    let family = match payload.get("protocol")?.as_str()? {
        "ip" => Family::V4,
        "ip6" => Family::V6,
        _ => return None,
    };
    match payload.get("field")?.as_str()? {
        "saddr" => Some((End::Source, family)),
        "daddr" => Some((End::Destination, family)),
        _ => None,
    }
}

/// One item, or those of a set or list.
fn items(right: &Value) -> Vec<&Value> {
    let several = right.get("set").unwrap_or(right);
    several
        .as_array()
        .map_or_else(|| vec![right], |items| items.iter().collect())
}

fn condition(of: &Map<String, Value>) -> Read<Condition> {
    let operator = text(of, "op")?;
    let (left, right) = (
        of.get("left").ok_or("no `left`")?,
        of.get("right").ok_or("no `right`")?,
    );
    let negated = operator == "!=";
    let set_name = right
        .as_str()
        .and_then(|name| name.strip_prefix('@'))
        .map(str::to_owned);
    if let Some((end, family)) = address_field(left) {
        return match set_name {
            Some(name) if matches!(operator, "==" | "!=") => Ok(Condition::Set {
                end,
                family,
                name,
                negated,
            }),
            None if operator == "==" => {
                let range = address_range(right, family)?;
                Ok(Condition::Literal(
                    end,
                    set_of(family, std::iter::once(range)),
                ))
            }
            _ => Err(format!("`{operator}` is not understood here")),
        };
    }
    if let Some([first, second]) = left
        .get("concat")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        let (source, destination) = (address_field(first), address_field(second));
        return match (source, destination, set_name) {
            (Some((End::Source, family)), Some((End::Destination, other)), Some(name))
                if family == other && operator == "==" =>
            {
                Ok(Condition::Pair(family, name))
            }
            _ => Err("only `saddr . daddr` in a set is understood".to_owned()),
        };
    }
    if let Some(key) = left
        .get("meta")
        .and_then(|meta| meta.get("key"))
        .and_then(Value::as_str)
    {
        return meta_condition(key, operator, right);
    }
    if let Some(ct) = left.get("ct").and_then(Value::as_object) {
        only(ct, &["key"])?;
        return ct_condition(text(ct, "key")?, operator, right);
    }
    let payload = left
        .get("payload")
        .and_then(Value::as_object)
        .ok_or_else(|| format!("{left} is not understood"))?;
    if operator != "==" {
        return Err(format!("`{operator}` is not understood here"));
    }
    match (text(payload, "protocol")?, text(payload, "field")?) {
        ("icmpv6", "type") => {
            let names: Option<Vec<&str>> = items(right).into_iter().map(Value::as_str).collect();
            discovery(names.ok_or("a type has no name")?)
        }
        // A port of a protocol is two conditions; the caller gets the one that holds both.
        (protocol @ ("tcp" | "udp" | "sctp" | "th"), "dport") => {
            let ports = ports(right)?;
            match transports(&[protocol], false) {
                Some(transports) => Ok(Condition::PortOf(transports, ports)),
                None => Ok(Condition::Port(ports)),
            }
        }
        (protocol, field) => Err(format!("`{protocol} {field}` is not understood")),
    }
}

fn meta_condition(key: &str, operator: &str, right: &Value) -> Read<Condition> {
    match (key, operator) {
        ("nfproto", "==") => match right.as_str() {
            Some("ipv4") => Ok(Condition::Family(Family::V4)),
            Some("ipv6") => Ok(Condition::Family(Family::V6)),
            _ => Err(format!("{right} is not understood")),
        },
        ("l4proto", "==" | "!=") => {
            let names: Vec<&str> = items(right)
                .into_iter()
                .map(|item| match item.as_u64() {
                    Some(6) => "tcp",
                    Some(17) => "udp",
                    Some(132) => "sctp",
                    _ => item.as_str().unwrap_or_default(),
                })
                .collect();
            let found = transports(&names, operator == "!=");
            found
                .map(Condition::Transport)
                .ok_or_else(|| format!("{right} is not understood"))
        }
        _ => Err(format!("`meta {key}` is not understood")),
    }
}

fn ct_condition(key: &str, operator: &str, right: &Value) -> Read<Condition> {
    let wrong = || format!("`ct {key}` with {right} is not understood");
    match (key, operator) {
        ("state", "in" | "==") => {
            let names: Option<Vec<&str>> = items(right).into_iter().map(Value::as_str).collect();
            let found = names.and_then(|names| states(&names));
            found.map(Condition::State).ok_or_else(wrong)
        }
        ("direction", "==") => match right.as_str() {
            Some("reply") => Ok(Condition::Reply(true)),
            Some("original") => Ok(Condition::Reply(false)),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

fn ports(right: &Value) -> Read<PortSet> {
    let mut ranges = Vec::new();
    for item in items(right) {
        let wrong = || format!("{item} is no port or range of ports");
        let port = |value: &Value| -> Read<u16> {
            let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
            number.ok_or_else(wrong)
        };
        let ends = item
            .get("range")
            .and_then(Value::as_array)
            .map(Vec::as_slice);
        ranges.push(match ends {
            Some([first, last]) => (port(first)?, port(last)?),
            _ => (port(item)?, port(item)?),
        });
    }
    Ok(RangeSet::from_ranges(ranges))
}
