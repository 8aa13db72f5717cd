//! What a case describes, in types of its own: nothing here is shared with the crate under
//! test, so that a mistake in the model's types cannot hide itself.

use std::collections::BTreeMap;

/// Labels of a pod or a namespace.
pub(crate) type Labels = BTreeMap<String, String>;

/// The protocols that every pod serves.
pub(crate) const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// The ports that every pod serves on each protocol.
pub(crate) const SERVED: [u16; 2] = [80, 81];

/// Which list of a policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Ingress,
    Egress,
}

impl Way {
    pub(crate) const BOTH: [Way; 2] = [Way::Ingress, Way::Egress];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Way::Ingress => "ingress",
            Way::Egress => "egress",
        }
    }
}

/// One condition of a selector.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    /// A `matchLabels` entry.
    Is(&'static str, &'static str),
    In(&'static str, Vec<&'static str>),
    NotIn(&'static str, Vec<&'static str>),
    Exists(&'static str),
    DoesNotExist(&'static str),
}

/// All of these; everything when empty.
pub(crate) type Selector = Vec<Want>;

/// An IPv4 block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) address: [u8; 4],
    pub(crate) length: u32,
}

/// One entry of `from` or `to`. A selector that is `None` is not written at all.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    Pods {
        namespaces: Option<Selector>,
        pods: Option<Selector>,
    },
    Block {
        cidr: Block,
        except: Vec<Block>,
    },
}

/// The `port` of a port entry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    /// Not written.
    Any,
    One(u16),
    /// With `endPort`.
    To(u16, u16),
    Name(&'static str),
}

/// One entry of `ports`. A protocol that is `None` is not written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port {
    pub(crate) number: Number,
    pub(crate) protocol: Option<&'static str>,
}

/// One rule; a list that is `None` is not written, one that is empty is written as `[]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    pub(crate) peers: Option<Vec<Peer>>,
    pub(crate) ports: Option<Vec<Port>>,
}

/// One NetworkPolicy; a list that is `None` is not written.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) target: Selector,
    pub(crate) types: Option<Vec<Way>>,
    pub(crate) ingress: Option<Vec<Rule>>,
    pub(crate) egress: Option<Vec<Rule>>,
}

/// One pod. All of them serve [`SERVED`] on all of [`PROTOCOLS`] under names.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) labels: Labels,
    pub(crate) address: [u8; 4],
}

/// Everything there is at one moment.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) namespaces: BTreeMap<&'static str, Labels>,
    pub(crate) pods: Vec<Pod>,
    pub(crate) policies: Vec<Policy>,
}

/// The groups of cases.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Group {
    Peers,
    PortProtocol,
    Conflict,
    UpstreamE2e,
    Actions,
    Target,
    Rules,
    Namespaces,
    Example,
}

/// One case: the worlds it goes through.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) group: Group,
    pub(crate) name: String,
    pub(crate) steps: Vec<World>,
}

/// The name of the container port that serves a number on a protocol.
pub(crate) fn port_name(number: u16, protocol: &str) -> String {
    format!("serve-{number}-{}", protocol.to_lowercase())
}

/// Labels from pairs.
pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    let owned = pairs
        .iter()
        .map(|(key, value)| ((*key).into(), (*value).into()));
    owned.collect()
}

impl World {
    /// Namespaces x, y and z with pods a, b and c each, and no policy. The addresses of x and y
    /// lie on both sides of the edge of a /28 in one /24; those of z lie outside it.
    pub(crate) fn new() -> World {
        let addresses = [
            ("x", "a", [10, 0, 1, 1]),
            ("x", "b", [10, 0, 1, 9]),
            ("x", "c", [10, 0, 1, 40]),
            ("y", "a", [10, 0, 1, 15]),
            ("y", "b", [10, 0, 1, 16]),
            ("y", "c", [10, 0, 1, 255]),
            ("z", "a", [10, 0, 2, 0]),
            ("z", "b", [10, 0, 0, 255]),
            ("z", "c", [10, 1, 1, 1]),
        ];
        let pod = |(namespace, name, address)| Pod {
            namespace,
            name,
            labels: labels(&[("pod", name)]),
            address,
        };
        World {
            namespaces: ["x", "y", "z"]
                .into_iter()
                .map(|name| (name, labels(&[("ns", name)])))
                .collect(),
            pods: addresses.map(pod).to_vec(),
            policies: Vec::new(),
        }
    }

    /// The same with these policies.
    pub(crate) fn with(policies: Vec<Policy>) -> World {
        World {
            policies,
            ..World::new()
        }
    }
}

impl Policy {
    /// A policy of namespace x for pods `pod=a` that is about nothing yet.
    pub(crate) fn new(name: &'static str) -> Policy {
        Policy {
            namespace: "x",
            name,
            target: vec![Want::Is("pod", "a")],
            types: Some(Vec::new()),
            ingress: None,
            egress: None,
        }
    }

    /// In another namespace.
    pub(crate) fn namespace(self, namespace: &'static str) -> Policy {
        Policy { namespace, ..self }
    }

    /// For other pods.
    pub(crate) fn target(self, target: Selector) -> Policy {
        Policy { target, ..self }
    }

    /// Without `policyTypes`.
    pub(crate) fn untyped(self) -> Policy {
        Policy {
            types: None,
            ..self
        }
    }

    /// With rules of one direction, which joins `policyTypes` if those are written.
    pub(crate) fn rules(mut self, way: Way, rules: Vec<Rule>) -> Policy {
        if let Some(types) = &mut self.types {
            types.push(way);
        }
        match way {
            Way::Ingress => self.ingress = Some(rules),
            Way::Egress => self.egress = Some(rules),
        }
        self
    }
}
