//! NetworkPolicy (`networking.k8s.io/v1`; N8 to N22).

use super::builder::Builder;
use super::decode::decode;
use super::object::{Decode, Header, Kind, NamespacedFacts};
use super::reader::Reader;
use super::selector::lower_selector;
use super::tree::Tree;
use super::validate::{NameRule, check_network_policy, parse_cidr, valid_port};
use crate::model::{
    Action, IpBlock, NamespaceId, NamespaceMatch, Peer, PeerKind, Policy, PortMatch, PortMatchKind,
    Protocol, Rule, Selector, Subject, Symbols, Tier,
};
use crate::source::Route;
use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

pub(crate) const KIND: Kind = Kind {
    api_version: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    name: NameRule::Subdomain,
    decode: Decode::Namespaced(read),
};

/// A spec that the API server accepts.
#[derive(Clone, Debug)]
struct Facts(NetworkPolicySpec);

fn read(reader: &Reader<'_>, tree: &Tree<'_>) -> Option<Box<dyn NamespacedFacts>> {
    let spec = decode::<NetworkPolicy>(reader, tree)
        .map(|policy| policy.spec.unwrap_or_default())
        .inspect(|spec| check_network_policy(reader, spec));
    if reader.is_rejected() {
        return None;
    }
    Some(Box::new(Facts(spec?)))
}

impl NamespacedFacts for Facts {
    fn lower(self: Box<Self>, header: Header, namespace: NamespaceId, builder: &mut Builder) {
        let Facts(spec) = *self;
        let has_egress_rules = spec.egress.as_ref().is_some_and(|rules| !rules.is_empty());
        let (applies_to_ingress, applies_to_egress) =
            directions(spec.policy_types.as_deref(), has_egress_rules);
        let symbols = &mut builder.cluster.symbols;
        let route = header.origin.route.clone().key("spec");
        let mut lower = Lowering { namespace, symbols };
        let pods = spec
            .pod_selector
            .as_ref()
            .map(|selector| lower.selector(selector));
        // N9: rules of a direction that the policy does not apply to are ignored.
        let ingress = applies_to_ingress.then(|| {
            let rules = spec.ingress.as_deref().unwrap_or_default();
            let route = route.clone().key("ingress");
            let rules = rules
                .iter()
                .map(|rule| (rule.from.as_deref(), rule.ports.as_deref()));
            lower.rules(&route, "from", rules)
        });
        let egress = applies_to_egress.then(|| {
            let rules = spec.egress.as_deref().unwrap_or_default();
            let route = route.clone().key("egress");
            let rules = rules
                .iter()
                .map(|rule| (rule.to.as_deref(), rule.ports.as_deref()));
            lower.rules(&route, "to", rules)
        });
        builder.cluster.policies.push(Policy {
            kind: KIND.kind,
            namespace: Some(namespace),
            name: header.name,
            tier: Tier::NetworkPolicy,
            priority: 0,
            subject: Subject {
                namespaces: NamespaceMatch::Same(namespace),
                pods: pods.unwrap_or_default(),
            },
            ingress,
            egress,
            origin: header.origin,
        });
    }
}

/// N8: whether a policy applies to ingress, and to egress. Without policyTypes it applies to
/// ingress, and to egress if it has egress rules.
fn directions(types: Option<&[String]>, has_egress_rules: bool) -> (bool, bool) {
    match types.unwrap_or_default() {
        [] => (true, has_egress_rules),
        types => {
            let names = |wanted: &str| types.iter().any(|name| name == wanted);
            (names("Ingress"), names("Egress"))
        }
    }
}

/// What lowering one policy needs all along.
struct Lowering<'a> {
    namespace: NamespaceId,
    symbols: &'a mut Symbols,
}

impl Lowering<'_> {
    fn selector(
        &mut self,
        selector: &k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector,
    ) -> Selector {
        lower_selector(selector, self.symbols)
    }

    fn rules<'r>(
        &mut self,
        route: &Route,
        peers_key: &'static str,
        rules: impl Iterator<
            Item = (
                Option<&'r [NetworkPolicyPeer]>,
                Option<&'r [NetworkPolicyPort]>,
            ),
        >,
    ) -> Vec<Rule> {
        rules
            .enumerate()
            .map(|(index, (peers, ports))| {
                let route = route.clone().index(index);
                let peers = self.peers(&route.clone().key(peers_key), peers);
                let ports = self.ports(&route.clone().key("ports"), ports);
                Rule {
                    action: Action::Accept,
                    peers,
                    ports,
                    route,
                }
            })
            .collect()
    }

    /// A list that is empty or missing is everyone.
    fn peers(&mut self, route: &Route, peers: Option<&[NetworkPolicyPeer]>) -> Option<Vec<Peer>> {
        let peers = peers.filter(|peers| !peers.is_empty())?;
        let lowered = peers.iter().enumerate().filter_map(|(index, peer)| {
            Some(Peer {
                kind: self.peer(peer)?,
                route: route.clone().index(index),
            })
        });
        Some(lowered.collect())
    }

    /// N12, N21. `None` never happens: validation refuses a policy with an empty peer (V9) or a
    /// block that is none (V11, V12).
    fn peer(&mut self, peer: &NetworkPolicyPeer) -> Option<PeerKind> {
        if let Some(block) = &peer.ip_block {
            let except = block.except.iter().flatten();
            return Some(PeerKind::IpBlock(IpBlock {
                cidr: parse_cidr(&block.cidr)?.net,
                except: except
                    .filter_map(|text| Some(parse_cidr(text)?.net))
                    .collect(),
            }));
        }
        let pods = peer
            .pod_selector
            .as_ref()
            .map(|selector| self.selector(selector));
        let namespaces = match &peer.namespace_selector {
            Some(selector) => NamespaceMatch::Labels(self.selector(selector)),
            None if pods.is_some() => NamespaceMatch::Same(self.namespace),
            None => return None,
        };
        Some(PeerKind::Pods {
            namespaces,
            pods: pods.unwrap_or_default(),
        })
    }

    /// A list that is empty or missing is all traffic.
    fn ports(
        &mut self,
        route: &Route,
        ports: Option<&[NetworkPolicyPort]>,
    ) -> Option<Vec<PortMatch>> {
        let ports = ports.filter(|ports| !ports.is_empty())?;
        let lowered = ports.iter().enumerate().filter_map(|(index, port)| {
            Some(PortMatch {
                kind: self.port(port)?,
                route: route.clone().index(index),
            })
        });
        Some(lowered.collect())
    }

    /// N10, N18, N19. `None` never happens: validation refuses what is no port (V2 to V8).
    fn port(&mut self, port: &NetworkPolicyPort) -> Option<PortMatchKind> {
        let protocol = match &port.protocol {
            None => Protocol::Tcp,
            Some(name) => Protocol::from_name(name)?,
        };
        Some(match &port.port {
            None => PortMatchKind::Range {
                protocol,
                first: 1,
                last: u16::MAX,
            },
            Some(IntOrString::Int(number)) => PortMatchKind::Range {
                protocol,
                first: valid_port(*number)?,
                last: valid_port(port.end_port.unwrap_or(*number))?,
            },
            Some(IntOrString::String(name)) => PortMatchKind::Named {
                protocol: Some(protocol),
                name: self.symbols.intern(name),
            },
        })
    }
}
