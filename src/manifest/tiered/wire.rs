//! What the kinds write alike.

use super::{PeerFacts, PodsFacts, network};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;

/// `subject`: one of the two.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SubjectWire {
    pub(crate) namespaces: Option<LabelSelector>,
    pub(crate) pods: Option<PodsWire>,
}

/// Pods by both selectors. In the first version of AdminNetworkPolicy peers had the selector of
/// namespaces one level down, under `namespaces`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodsWire {
    pub(crate) namespace_selector: Option<LabelSelector>,
    pub(crate) pod_selector: Option<LabelSelector>,
}

/// One entry of `from` or `to`: one of these.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PeerWire {
    pub(crate) namespaces: Option<LabelSelector>,
    pub(crate) pods: Option<PodsWire>,
    pub(crate) networks: Option<Vec<String>>,
    pub(crate) nodes: Option<LabelSelector>,
    pub(crate) domain_names: Option<Vec<String>>,
}

impl SubjectWire {
    pub(crate) fn facts(self) -> PodsFacts {
        match (self.namespaces, self.pods) {
            (Some(namespaces), _) => PodsFacts {
                namespaces,
                pods: LabelSelector::default(),
            },
            (None, pods) => pods.unwrap_or_default().facts(),
        }
    }
}

impl PodsWire {
    pub(crate) fn facts(self) -> PodsFacts {
        PodsFacts {
            namespaces: self.namespace_selector.unwrap_or_default(),
            pods: self.pod_selector.unwrap_or_default(),
        }
    }
}

impl PeerWire {
    /// The names of the fields that are there.
    pub(crate) fn fields(&self) -> Vec<&'static str> {
        [
            ("namespaces", self.namespaces.is_some()),
            ("pods", self.pods.is_some()),
            ("networks", self.networks.is_some()),
            ("nodes", self.nodes.is_some()),
            ("domainNames", self.domain_names.is_some()),
        ]
        .into_iter()
        .filter(|(_, is_there)| *is_there)
        .map(|(name, _)| name)
        .collect()
    }

    /// Addresses, nodes and names are for egress: as peers of ingress they are not known.
    pub(crate) fn facts(self, is_ingress: bool) -> PeerFacts {
        if let Some(namespaces) = self.namespaces {
            PeerFacts::Pods(PodsFacts {
                namespaces,
                pods: LabelSelector::default(),
            })
        } else if let Some(pods) = self.pods {
            PeerFacts::Pods(pods.facts())
        } else if is_ingress {
            PeerFacts::Unknown
        } else if let Some(networks) = self.networks {
            PeerFacts::Networks(networks.iter().filter_map(|text| network(text)).collect())
        } else if let Some(nodes) = self.nodes {
            PeerFacts::Nodes(nodes)
        } else if let Some(names) = self.domain_names {
            PeerFacts::Domains(names)
        } else {
            PeerFacts::Unknown
        }
    }
}

/// `portNumber` of the v1alpha1 kinds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NumberPort {
    pub(crate) protocol: Option<String>,
    pub(crate) port: i32,
}

/// `portRange` of the v1alpha1 kinds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RangePort {
    pub(crate) protocol: Option<String>,
    pub(crate) start: i32,
    pub(crate) end: i32,
}
