//! The policies of a cluster by namespace: most select in one namespace only, and only those of
//! a flow's ends matter to it.

use crate::model::{Cluster, Direction, NamespaceId, NamespaceMatch, PolicyId};
use std::collections::BTreeMap;

/// Policies by the namespace that their subject is in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PolicyIndex {
    egress: OneWay,
    ingress: OneWay,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct OneWay {
    by_namespace: BTreeMap<NamespaceId, Vec<PolicyId>>,
    wide: Vec<PolicyId>,
}

impl PolicyIndex {
    /// Linear in the number of policies.
    pub fn new(cluster: &Cluster) -> PolicyIndex {
        let mut index = PolicyIndex::default();
        for (id, policy) in cluster.policies_with_ids() {
            for direction in Direction::ALL {
                // N2, N8: a policy concerns a direction only when policyTypes says so.
                if policy.rules(direction).is_none() {
                    continue;
                }
                let one_way = match direction {
                    Direction::Egress => &mut index.egress,
                    Direction::Ingress => &mut index.ingress,
                };
                match policy.subject.namespaces {
                    NamespaceMatch::Same(namespace) => {
                        one_way.by_namespace.entry(namespace).or_default().push(id);
                    }
                    NamespaceMatch::Labels(_) => one_way.wide.push(id),
                }
            }
        }
        index
    }

    fn one_way(&self, direction: Direction) -> &OneWay {
        match direction {
            Direction::Egress => &self.egress,
            Direction::Ingress => &self.ingress,
        }
    }

    /// The namespaces that have policies of their own in a direction.
    pub fn namespaces(&self, direction: Direction) -> impl Iterator<Item = NamespaceId> {
        self.one_way(direction).by_namespace.keys().copied()
    }

    /// The policies that can select a pod of that namespace, or of one without policies of its
    /// own, in the order of evaluation.
    pub fn policies(&self, direction: Direction, namespace: Option<NamespaceId>) -> Vec<PolicyId> {
        let one_way = self.one_way(direction);
        let own = namespace.and_then(|namespace| one_way.by_namespace.get(&namespace));
        let mut policies: Vec<PolicyId> = own
            .into_iter()
            .flatten()
            .chain(&one_way.wide)
            .copied()
            .collect();
        // The cluster's policies are sorted by tier and priority.
        policies.sort_unstable();
        policies
    }
}
