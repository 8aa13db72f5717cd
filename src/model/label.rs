//! Labels and label selectors, interned.

use std::collections::HashMap;

/// The label that the API server sets on every Namespace (N15).
pub const METADATA_NAME: &str = "kubernetes.io/metadata.name";

/// An interned string. Only meaningful together with the [`Symbols`] that made it; its order
/// is the order of first use, so nothing printed may be sorted by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Symbol(u32);

/// The table of interned strings.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    names: Vec<Box<str>>,
    ids: HashMap<Box<str>, Symbol>,
}

impl Symbols {
    /// The symbol of a string, made when new.
    pub fn intern(&mut self, name: &str) -> Symbol {
        if let Some(&symbol) = self.ids.get(name) {
            return symbol;
        }
        // More than 2^32 distinct label strings do not fit in memory; should they ever, the
        // last symbol is shared, which no lookup can then tell from its neighbour.
        let symbol = Symbol(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name.into());
        self.ids.insert(name.into(), symbol);
        symbol
    }

    /// The symbol of a string, if it was ever interned.
    pub fn get(&self, name: &str) -> Option<Symbol> {
        self.ids.get(name).copied()
    }

    /// The string of a symbol.
    pub fn name(&self, symbol: Symbol) -> &str {
        usize::try_from(symbol.0)
            .ok()
            .and_then(|index| self.names.get(index))
            .map_or("", |name| name)
    }
}

/// The labels of one object, sorted by key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Labels(Vec<(Symbol, Symbol)>);

impl Labels {
    /// Labels from (key, value) pairs; of a key given twice the last value counts.
    pub fn new(pairs: impl IntoIterator<Item = (Symbol, Symbol)>) -> Self {
        let mut labels = Labels::default();
        for (key, value) in pairs {
            labels.set(key, value);
        }
        labels
    }

    /// Sets one label.
    pub fn set(&mut self, key: Symbol, value: Symbol) {
        match self.0.binary_search_by_key(&key, |&(k, _)| k) {
            Ok(index) => {
                if let Some(entry) = self.0.get_mut(index) {
                    entry.1 = value;
                }
            }
            Err(index) => self.0.insert(index, (key, value)),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: Symbol) -> Option<Symbol> {
        let index = self.0.binary_search_by_key(&key, |&(k, _)| k).ok()?;
        self.0.get(index).map(|&(_, value)| value)
    }

    /// The pairs, in an order that is stable within one run only.
    pub fn iter(&self) -> impl Iterator<Item = (Symbol, Symbol)> + '_ {
        self.0.iter().copied()
    }
}

/// How a requirement compares a key's value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operator {
    /// The key is present and its value is listed.
    In(Vec<Symbol>),
    /// The key is absent, or its value is not listed.
    NotIn(Vec<Symbol>),
    /// The key is present.
    Exists,
    /// The key is absent.
    DoesNotExist,
}

/// One condition on one label key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Requirement {
    /// The label key.
    pub key: Symbol,
    /// The condition on it.
    pub operator: Operator,
}

impl Requirement {
    /// Rule N14. Note `NotIn`: an object without the key matches.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(self.key);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|v| values.contains(&v)),
            Operator::NotIn(values) => value.is_none_or(|v| !values.contains(&v)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// A label selector: the conjunction of its requirements, so an empty one matches everything
/// (N14). `matchLabels: {k: v}` is the requirement `k In [v]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Selector(Vec<Requirement>);

impl Selector {
    /// A selector in canonical form: requirements and values sorted, repetitions removed.
    pub fn new(requirements: impl IntoIterator<Item = Requirement>) -> Self {
        let mut requirements: Vec<Requirement> = requirements.into_iter().collect();
        for requirement in &mut requirements {
            if let Operator::In(values) | Operator::NotIn(values) = &mut requirement.operator {
                values.sort_unstable();
                values.dedup();
            }
        }
        requirements.sort();
        requirements.dedup();
        Selector(requirements)
    }

    /// The selector that matches everything.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Whether it matches everything by having no requirement.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// The requirements, all of which must hold.
    pub fn requirements(&self) -> &[Requirement] {
        &self.0
    }

    /// Rule N14.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of N14, the absent key among them.
    #[test]
    fn n14_requirement_truth_table() {
        let mut symbols = Symbols::default();
        let [app, tier, web, api, blank] =
            ["app", "tier", "web", "api", ""].map(|name| symbols.intern(name));
        let labelled = Labels::new([(app, web)]);
        let labelled_blank = Labels::new([(app, blank)]);
        let unlabelled = Labels::default();
        let requirement = |key, operator| Requirement { key, operator };
        for (operator, on_web, on_blank, on_absent) in [
            (Operator::In(vec![web, api]), true, false, false),
            (Operator::In(vec![api]), false, false, false),
            (Operator::In(vec![blank]), false, true, false),
            (Operator::NotIn(vec![web]), false, true, true),
            (Operator::NotIn(vec![api]), true, true, true),
            (Operator::Exists, true, true, false),
            (Operator::DoesNotExist, false, false, true),
        ] {
            let selector = Selector::new([requirement(app, operator.clone())]);
            assert_eq!(selector.matches(&labelled), on_web, "{operator:?} on web");
            assert_eq!(
                selector.matches(&labelled_blank),
                on_blank,
                "{operator:?} on blank"
            );
            assert_eq!(
                selector.matches(&unlabelled),
                on_absent,
                "{operator:?} on absent"
            );
        }
        // AND of all requirements; the empty selector matches everything.
        let both = Selector::new([
            requirement(app, Operator::Exists),
            requirement(tier, Operator::Exists),
        ]);
        assert!(!both.matches(&labelled));
        assert!(Selector::everything().matches(&unlabelled));
    }
}
