//! A document without types: what YAML and JSON are parsed into.
//!
//! Like `serde_yaml::Value`, for the needs of manifests: keys are text, as they are to kubectl;
//! text is borrowed from the document, which saves most allocations and tells a plain scalar from
//! a quoted one; a repeated key is an error at the key itself.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// A node of a document.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Tree<'t> {
    /// `null`, `~` or nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(Cow<'t, str>),
    /// A list.
    List(Vec<Tree<'t>>),
    /// A mapping.
    Map(Map<'t>),
}

/// A number as it was written: with or without a fraction or exponent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Number {
    /// A whole number.
    Integer(i128),
    /// Any other, `80.0` among them.
    Float(f64),
}

/// The entries of a mapping in the order in which they are written. Keys are unique.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Map<'t>(Vec<(Cow<'t, str>, Tree<'t>)>);

impl<'t> Tree<'t> {
    /// The value of a key, if this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Tree<'t>> {
        self.as_map()?.get(key)
    }

    /// The text, if this is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text, or what a number or boolean that stands where text belongs is written as.
    pub(crate) fn scalar_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Tree::Text(text) => Some(Cow::Borrowed(text)),
            Tree::Number(number) => Some(Cow::Owned(number.to_string())),
            Tree::Bool(value) => Some(Cow::Owned(value.to_string())),
            Tree::Null | Tree::List(_) | Tree::Map(_) => None,
        }
    }

    /// The entries, if this is a mapping.
    pub(crate) fn as_map(&self) -> Option<&Map<'t>> {
        match self {
            Tree::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether this says nothing.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Tree::Null)
    }
}

impl Number {
    /// The number if it has no fraction: Go's JSON has no other notion of an integer. Beyond
    /// 2^53 a float is no exact integer, and nothing here has a use for one.
    pub(crate) fn whole(self) -> Option<i128> {
        match self {
            Number::Integer(value) => Some(value),
            Number::Float(value) => {
                let exact = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
                exact.then(|| format!("{value:.0}").parse().ok()).flatten()
            }
        }
    }

    /// The number as a float, the nearest one there is.
    pub(crate) fn float(self) -> f64 {
        match self {
            Number::Float(value) => value,
            Number::Integer(value) => value.to_string().parse().unwrap_or(f64::NAN),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Integer(value) => write!(f, "{value}"),
            Number::Float(value) => write!(f, "{value:?}"),
        }
    }
}

impl<'t> Map<'t> {
    /// The value of a key. Linear: mappings of manifests are short.
    pub(crate) fn get(&self, key: &str) -> Option<&Tree<'t>> {
        let (_, value) = self.0.iter().find(|(other, _)| other == key)?;
        Some(value)
    }

    /// Whether the key is there.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The entries.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (Cow<'t, str>, Tree<'t>)> {
        self.0.iter()
    }

    /// Takes a key out.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Tree<'t>> {
        let position = self.0.iter().position(|(other, _)| other == key)?;
        Some(self.0.remove(position).1)
    }

    /// Sets a key that is not there, or whose value is `null`.
    pub(crate) fn set_default(&mut self, key: &'static str, value: Cow<'t, str>) {
        match self.0.iter_mut().find(|(other, _)| other == key) {
            Some((_, present)) if present.is_null() => *present = Tree::Text(value),
            Some(_) => {}
            None => self.0.push((key.into(), Tree::Text(value))),
        }
    }
}

/// Carries out merge keys (`<<`) everywhere in the tree. The error says what is wrong with one.
pub(crate) fn apply_merges(tree: &mut Tree<'_>) -> Result<(), &'static str> {
    match tree {
        Tree::Map(map) => {
            if let Some(merged) = map.remove("<<") {
                match merged {
                    Tree::Map(source) => merge(map, source),
                    Tree::List(sources) => {
                        for source in sources {
                            let Tree::Map(source) = source else {
                                return Err(
                                    "`<<` merges mappings, and this list holds something else",
                                );
                            };
                            merge(map, source);
                        }
                    }
                    Tree::Null => {}
                    _ => return Err("`<<` merges a mapping or a list of them"),
                }
            }
            map.0
                .iter_mut()
                .try_for_each(|(_, value)| apply_merges(value))
        }
        Tree::List(elements) => elements.iter_mut().try_for_each(apply_merges),
        _ => Ok(()),
    }
}

/// Adds the entries that are not there yet.
fn merge<'t>(map: &mut Map<'t>, source: Map<'t>) {
    if map.0.len() + source.0.len() < MANY {
        for (key, value) in source.0 {
            if !map.contains(&key) {
                map.0.push((key, value));
            }
        }
        return;
    }
    let mut present: HashSet<Cow<'t, str>> = map.iter().map(|(key, _)| key.clone()).collect();
    for (key, value) in source.0 {
        if present.insert(key.clone()) {
            map.0.push((key, value));
        }
    }
}

impl<'de> Deserialize<'de> for Tree<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree<'de>, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree<'de>, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(Number::Integer(value.into())))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(Number::Integer(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(Number::Integer(value.into())))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Tree<'de>, E> {
        // Nothing in a manifest is that large; only that it is too large matters.
        let value = i128::try_from(value).unwrap_or(i128::MAX);
        Ok(Tree::Number(Number::Integer(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(Number::Float(value)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Tree::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree<'de>, A::Error> {
        let mut map = Map::default();
        let mut sorted = Keys::default();
        while let Some(key) = access.next_key_seed(KeySeed {
            map: &map,
            keys: &mut sorted,
        })? {
            let value = access.next_value()?;
            map.0.push((key, value));
        }
        Ok(Tree::Map(map))
    }

    /// A tag of the user's own, which means nothing to Kubernetes.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Tree<'de>, A::Error> {
        let (IgnoredAny, contents) = access.variant()?;
        contents.newtype_variant()
    }
}

/// The keys of a long mapping, for which a linear search would be too slow.
#[derive(Default)]
struct Keys<'t>(HashSet<Cow<'t, str>>);

/// Above this many keys, repetitions are found by hashing.
const MANY: usize = 24;

/// Reads a key, and refuses one that is there already. The error is raised while the key is
/// read, which is what gives it the key's position.
struct KeySeed<'a, 't> {
    map: &'a Map<'t>,
    keys: &'a mut Keys<'t>,
}

impl<'t> KeySeed<'_, 't> {
    fn accept<E: Error>(self, key: Cow<'t, str>) -> Result<Cow<'t, str>, E> {
        let entries = &self.map.0;
        let is_repeated = if entries.len() < MANY {
            self.map.contains(&key)
        } else {
            if self.keys.0.is_empty() {
                self.keys
                    .0
                    .extend(entries.iter().map(|(key, _)| key.clone()));
            }
            !self.keys.0.insert(key.clone())
        };
        if is_repeated {
            return Err(E::custom(format!("duplicate key `{key}`")));
        }
        Ok(key)
    }
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, 'de> {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_, 'de> {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        self.accept("null".into())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        self.accept(if value { "true" } else { "false" }.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        self.accept(value.to_string().into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        self.accept(value.to_string().into())
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Self::Value, E> {
        self.accept(value.to_string().into())
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Self::Value, E> {
        self.accept(value.to_string().into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        self.accept(value.to_string().into())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        self.accept(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.accept(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        self.accept(Cow::Owned(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(A::Error::custom("a key must be text, not a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(A::Error::custom("a key must be text, not a mapping"))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        let (IgnoredAny, contents) = access.variant()?;
        contents.newtype_variant_seed(self)
    }
}

/// Whether the text, which was parsed out of `document`, stands there without quotes. Text that
/// the parser had to unescape or put together stands nowhere, and was not plain.
pub(crate) fn is_plain(text: &str, document: &str) -> bool {
    let offset = text.as_ptr().addr().checked_sub(document.as_ptr().addr());
    let Some(offset) = offset.filter(|&offset| offset + text.len() <= document.len()) else {
        return false;
    };
    let before = offset
        .checked_sub(1)
        .and_then(|before| document.as_bytes().get(before));
    !matches!(before, Some(b'"' | b'\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Tree<'_> {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn keys_are_text_and_tags_are_ignored() {
        for (text, expected) in [
            ("{1: a}", "1"),
            ("{true: a}", "true"),
            ("{null: a}", "null"),
            ("{1.5: a}", "1.5"),
            ("{'x': a}", "x"),
            ("{! x: a}", "x"),
            ("{!t x: a}", "x"),
        ] {
            assert!(parse(text).as_map().unwrap().contains(expected), "{text}");
        }
        assert_eq!(
            parse("!mine {a: !other b}").get("a").unwrap().as_text(),
            Some("b")
        );
        assert_eq!(parse("!!str 80").as_text(), Some("80"));
    }

    #[test]
    fn repeated_keys_are_errors_at_the_key() {
        let many: String = (0..100).map(|n| format!("k{n}: v\n")).collect();
        for text in [
            "a: 1\nb: 2\na: 3".to_owned(),
            "x:\n  a: 1\n  a: 2".to_owned(),
            "{1: a, '1': b}".to_owned(),
            format!("{many}k7: v"),
        ] {
            let error = serde_yaml::from_str::<Tree<'_>>(&text).unwrap_err();
            assert!(error.to_string().contains("duplicate key"), "{error}");
            let offset = error.location().unwrap().index();
            let rest = text.get(offset..).unwrap();
            assert!(
                ["a: 3", "a: 2", "'1'", "k7"]
                    .iter()
                    .any(|key| rest.starts_with(key)),
                "{text}: {rest}"
            );
            assert!(serde_json::from_str::<Tree<'_>>("{\"a\": 1, \"a\": 2}").is_err());
        }
    }

    #[test]
    fn merges_do_not_overwrite() {
        let mut tree = parse(
            "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\nx: {<<: *base, a: 0}\n\
             y: {<<: [*base, *other]}",
        );
        apply_merges(&mut tree).unwrap();
        let value = |map: &str, key: &str| tree.get(map).unwrap().get(key).cloned();
        let number = |n| Some(Tree::Number(Number::Integer(n)));
        assert_eq!(value("x", "a"), number(0));
        assert_eq!(value("x", "b"), number(2));
        assert_eq!(value("y", "b"), number(2));
        assert_eq!(value("y", "c"), number(4));
        assert_eq!(value("y", "<<"), None);
        let many: String = (0..50).map(|n| format!("k{n}: {n}, ")).collect();
        let text = format!("base: &base {{{many}}}\nx: {{k7: mine, <<: *base}}");
        let mut tree = parse(&text);
        apply_merges(&mut tree).unwrap();
        let merged = tree.get("x").unwrap();
        assert_eq!(merged.as_map().unwrap().iter().count(), 50);
        assert_eq!(merged.get("k7").unwrap().as_text(), Some("mine"));
        assert!(apply_merges(&mut parse("{<<: 1}")).is_err());
        assert!(apply_merges(&mut parse("{<<: [1]}")).is_err());
        assert!(apply_merges(&mut parse("[{<<: null}]")).is_ok());
    }

    #[test]
    fn plain_text_is_told_from_quoted() {
        for (text, expected) in [
            ("yes", true),
            ("a: yes", true),
            ("a: \"yes\"", false),
            ("a: 'yes'", false),
            ("a: |-\n  yes", false),
            ("a:\n  yes", true),
            ("a: &anchor yes", true),
            ("a: \"y\\u0065s\"", false),
            ("[yes]", true),
            ("{\"a\":\"yes\"}", false),
        ] {
            let tree = parse(text);
            let scalar = match &tree {
                Tree::Map(map) => map.get("a").unwrap(),
                Tree::List(elements) => &elements[0],
                scalar => scalar,
            };
            let Tree::Text(scalar) = scalar else {
                panic!("{text}: {scalar:?}")
            };
            assert_eq!(scalar, "yes");
            assert_eq!(is_plain(scalar, text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_without_a_fraction_are_whole() {
        for (text, expected) in [
            ("80", Some(80)),
            ("80.0", Some(80)),
            ("8e1", Some(80)),
            ("-0x10", Some(-16)),
            ("80.5", None),
            ("1e99", None),
            (".nan", None),
            (".inf", None),
            ("18446744073709551615", Some(u64::MAX.into())),
            (
                "99999999999999999999999",
                Some(99_999_999_999_999_999_999_999),
            ),
        ] {
            let Tree::Number(number) = parse(text) else {
                panic!("{text}")
            };
            assert_eq!(number.whole(), expected, "{text}");
        }
    }
}
