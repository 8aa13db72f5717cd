//! Pods chosen by namespace and labels, and when two selectors can never meet.

use crate::model::{Labels, NamespaceMatch, Operator, Selector};

/// Pods by namespace and labels: what an intent or a peer selects.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PodSelection {
    /// Which namespaces.
    pub namespaces: NamespaceMatch,
    /// Which pods in them.
    pub pods: Selector,
}

impl PodSelection {
    /// Every pod of every namespace.
    pub fn everything() -> Self {
        PodSelection {
            namespaces: NamespaceMatch::Labels(Selector::everything()),
            pods: Selector::everything(),
        }
    }
}

/// Whether some labels satisfy both selectors. Exact: keys are independent of each other, and of
/// each key it is enough to try the listed values, one that is not listed, and no value.
pub fn compatible(a: &Selector, b: &Selector) -> bool {
    // Called for every policy of a namespace: no list is made.
    let requirements = || a.requirements().iter().chain(b.requirements());
    requirements().all(|requirement| {
        let same = || requirements().filter(|other| other.key == requirement.key);
        match &requirement.operator {
            Operator::In(values) => values.iter().any(|&value| {
                let labels = Labels::new([(requirement.key, value)]);
                same().all(|other| other.matches(&labels))
            }),
            // Where no `In` is, a value nobody lists passes `Exists` and every `NotIn`, and an absent
            // key passes `DoesNotExist` and every `NotIn`: only the two together fail. Where one is,
            // it is the one that decides.
            Operator::Exists => same().all(|other| other.operator != Operator::DoesNotExist),
            Operator::NotIn(_) | Operator::DoesNotExist => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Requirement, Symbols};

    #[test]
    fn selectors_meet_unless_some_key_excludes_it() {
        let mut symbols = Symbols::default();
        let [app, tier, web, api] = ["app", "tier", "web", "api"].map(|name| symbols.intern(name));
        let one = |key, operator| Selector::new([Requirement { key, operator }]);
        for (a, b, expected) in [
            (
                one(app, Operator::In(vec![web])),
                one(app, Operator::In(vec![api])),
                false,
            ),
            (
                one(app, Operator::In(vec![web, api])),
                one(app, Operator::In(vec![api])),
                true,
            ),
            (
                one(app, Operator::In(vec![web])),
                one(tier, Operator::In(vec![api])),
                true,
            ),
            (
                one(app, Operator::In(vec![web])),
                one(app, Operator::NotIn(vec![web])),
                false,
            ),
            (
                one(app, Operator::Exists),
                one(app, Operator::DoesNotExist),
                false,
            ),
            (
                one(app, Operator::NotIn(vec![web])),
                one(app, Operator::DoesNotExist),
                true,
            ),
            (
                one(app, Operator::NotIn(vec![web])),
                one(app, Operator::Exists),
                true,
            ),
            (
                one(app, Operator::In(vec![web])),
                one(app, Operator::DoesNotExist),
                false,
            ),
            (
                Selector::everything(),
                one(app, Operator::In(vec![])),
                false,
            ),
        ] {
            assert_eq!(compatible(&a, &b), expected, "{a:?} {b:?}");
            assert_eq!(compatible(&b, &a), expected, "{b:?} {a:?}");
        }
    }
}
