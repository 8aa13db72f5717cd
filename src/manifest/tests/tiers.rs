//! Policies in tiers: what is read of each kind, and what the CRDs refuse.

use super::{lines, loaded, messages};
use crate::model::{Action, PeerKind, PortMatchKind, Tier};

fn admin(spec: &str) -> String {
    format!(
        "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n\
         metadata: {{name: p}}\nspec: {spec}\n"
    )
}

fn old(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

#[test]
fn each_kind_is_a_tier_with_its_own_words() {
    let rules = |accept: &str| {
        format!(
            "subject: {{namespaces: {{}}}}, ingress: [{{action: {accept}, from: [{{namespaces: {{}}}}]}}]"
        )
    };
    for (text, tier, priority) in [
        (
            admin(&format!(
                "{{tier: Admin, priority: 7, {}}}",
                rules("Accept")
            )),
            Tier::Admin,
            7,
        ),
        (
            admin(&format!(
                "{{tier: Baseline, priority: 1000, {}}}",
                rules("Accept")
            )),
            Tier::Baseline,
            1000,
        ),
        (
            old(
                "AdminNetworkPolicy",
                "p",
                &format!("{{priority: 0, {}}}", rules("Allow")),
            ),
            Tier::Admin,
            0,
        ),
        (
            old(
                "BaselineAdminNetworkPolicy",
                "default",
                &format!("{{{}}}", rules("Allow")),
            ),
            Tier::Baseline,
            0,
        ),
    ] {
        let loaded = loaded(&text);
        assert_eq!(lines(&text), Vec::<String>::new(), "{text}");
        let policy = &loaded.cluster.policies[0];
        assert_eq!(
            (policy.tier, policy.priority, policy.namespace),
            (tier, priority, None)
        );
        assert_eq!(policy.ingress.as_ref().unwrap()[0].action, Action::Accept);
        assert!(policy.egress.is_none());
    }
}

#[test]
fn peers_and_ports_of_both_versions_are_read() {
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {role: edge}}\n\
                status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}\n---\n";
    for (text, expected) in [
        (
            admin(
                "{tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, \
                   to: [{networks: [10.0.0.0/8, '2001:db8::/32']}, {nodes: {matchLabels: {role: edge}}}], \
                   protocols: [{tcp: {destinationPort: {number: 80}}}, {udp: {destinationPort: {range: {start: 1, end: 9}}}}]}]}",
            ),
            "10.0.0.0/8 2001:db8::/32 10.0.0.1/32 | TCP 80-80, UDP 1-9",
        ),
        (
            admin(
                "{tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, \
                   to: [{pods: {namespaceSelector: {}, podSelector: {}}}], protocols: [{destinationNamedPort: http}]}]}",
            ),
            "pods | http",
        ),
        (
            admin(
                "{tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Accept, \
                   to: [{domainNames: [API.example.com., '*.example.org']}]}]}",
            ),
            "api.example.com *.example.org | all",
        ),
        (
            old(
                "AdminNetworkPolicy",
                "p",
                "{priority: 1, subject: {pods: {namespaceSelector: {}, podSelector: {}}}, \
                 egress: [{action: Deny, to: [{namespaces: {namespaceSelector: {}}}], \
                 ports: [{portNumber: {port: 53, protocol: UDP}}, {portNumber: {port: 80}}, {portRange: {start: 5, end: 5}}, {namedPort: web}]}]}",
            ),
            "pods | UDP 53-53, TCP 80-80, TCP 5-5, web",
        ),
        (
            old(
                "AdminNetworkPolicy",
                "p",
                "{priority: 1, subject: {namespaces: {}}, \
                 egress: [{action: Deny, to: [{pods: {namespaces: {namespaceSelector: {}}, podSelector: {}}}]}]}",
            ),
            "pods | all",
        ),
    ] {
        let text = format!("{node}{text}");
        assert_eq!(lines(&text), Vec::<String>::new(), "{text}");
        let cluster = loaded(&text).cluster;
        let rule = &cluster.policies[0].egress.as_ref().unwrap()[0];
        let peers: Vec<String> = rule
            .peers
            .iter()
            .flatten()
            .map(|peer| match &peer.kind {
                PeerKind::IpBlock(block) => block.cidr.to_string(),
                PeerKind::Pods { .. } => "pods".to_owned(),
                PeerKind::Domain { pattern, .. } => cluster.symbols.name(*pattern).to_owned(),
            })
            .collect();
        let ports = rule.ports.as_ref().map_or("all".to_owned(), |ports| {
            let each: Vec<String> = ports
                .iter()
                .map(|port| match &port.kind {
                    PortMatchKind::Range {
                        protocol,
                        first,
                        last,
                    } => format!("{protocol} {first}-{last}"),
                    PortMatchKind::Named {
                        protocol: None,
                        name,
                    } => cluster.symbols.name(*name).to_owned(),
                    PortMatchKind::Named { .. } => "a protocol".to_owned(),
                })
                .collect();
            each.join(", ")
        });
        assert_eq!(format!("{} | {ports}", peers.join(" ")), expected, "{text}");
    }
}

/// Each with the one cause that is told.
#[test]
fn what_the_crds_refuse_is_refused_in_their_words() {
    let subject = "subject: {namespaces: {}}";
    let rule = |rule: &str| format!("{{tier: Admin, priority: 1, {subject}, ingress: [{rule}]}}");
    let egress = |rule: &str| format!("{{tier: Admin, priority: 1, {subject}, egress: [{rule}]}}");
    let many = vec!["{action: Deny, from: [{namespaces: {}}]}"; 26].join(", ");
    for (spec, expected) in [
        (
            format!("{{tier: Middle, priority: 1, {subject}}}"),
            "spec.tier: Unsupported value: \"Middle\": supported values: \"Admin\", \"Baseline\"",
        ),
        (format!("{{priority: 1, {subject}}}"), "spec.tier: Required value"),
        (format!("{{tier: Admin, {subject}}}"), "spec.priority: Required value"),
        (
            format!("{{tier: Admin, priority: 1001, {subject}}}"),
            "spec.priority: Invalid value: 1001: spec.priority in body should be less than or equal to 1000",
        ),
        (
            format!("{{tier: Admin, priority: -1, {subject}}}"),
            "spec.priority: Invalid value: -1: spec.priority in body should be greater than or equal to 0",
        ),
        ("{tier: Admin, priority: 1}".to_owned(), "spec.subject: Required value"),
        (
            "{tier: Admin, priority: 1, subject: {}}".to_owned(),
            "spec.subject: Invalid value: 0: spec.subject in body should have at least 1 properties",
        ),
        (
            "{tier: Admin, priority: 1, subject: {namespaces: {}, pods: {namespaceSelector: {}, podSelector: {}}}}".to_owned(),
            "spec.subject: Too many: 2: must have at most 1 items",
        ),
        (
            rule("{action: Allow, from: [{namespaces: {}}]}"),
            "spec.ingress[0].action: Unsupported value: \"Allow\": supported values: \"Accept\", \"Deny\", \"Pass\"",
        ),
        (rule("{action: Deny}"), "spec.ingress[0].from: Required value"),
        (rule(&many), "spec.ingress: Too many: 26: must have at most 25 items"),
        (
            rule("{action: Deny, from: [{pods: {namespaceSelector: {}}}]}"),
            "spec.ingress[0].from[0].pods.podSelector: Required value",
        ),
        (
            rule("{action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {}}]}"),
            "spec.ingress[0].protocols[0].tcp: Invalid value: 0: spec.ingress[0].protocols[0].tcp in body should have at least 1 properties",
        ),
        (
            rule("{action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {range: {start: 9, end: 9}}}}]}"),
            "spec.ingress[0].protocols[0].tcp.destinationPort.range: Invalid value: \"object\": Start port must be less than End port",
        ),
        (
            egress("{action: Deny, to: [{networks: [10.0.0]}]}"),
            "spec.egress[0].to[0].networks[0]: Invalid value: \"10.0.0\": Invalid CIDR format provided",
        ),
        (
            egress("{action: Deny, to: [{domainNames: [example.com]}]}"),
            "spec.egress[0].to[0].domainNames: Invalid value: \"object\": domainNames is only allowed with action Accept",
        ),
        (
            egress("{action: Accept, to: [{domainNames: [example.com, example]}]}"),
            "spec.egress[0].to[0].domainNames[1]: Invalid value: \"example\": spec.egress[0].to[0].domainNames[1] in body should match '^(\\*\\.)?([a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\\.)+[a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\\.?$'",
        ),
        (
            egress("{action: Accept, to: [{domainNames: [a.b, a.b]}]}"),
            "spec.egress[0].to[0].domainNames[1]: Duplicate value: \"a.b\"",
        ),
        (
            egress("{action: Deny, to: [{networks: [10.0.0.0/8]}], protocols: [{destinationNamedPort: http}]}"),
            "spec.egress[0].to[0]: Invalid value: \"object\": networks/nodes/domainNames peer cannot be set with namedPorts since there are no namedPorts for networks/nodes/domainNames",
        ),
    ] {
        let text = admin(&spec);
        let ids = ["NP001", "NP074"].into_iter();
        let said: Vec<String> = ids.flat_map(|id| messages(&text, id)).collect();
        assert_eq!(said, [expected], "{text}");
        assert!(loaded(&text).cluster.policies.is_empty(), "{text}");
        assert_eq!(loaded(&text).policies_rejected, 1, "{text}");
    }
    let text = old(
        "BaselineAdminNetworkPolicy",
        "other",
        &format!("{{{subject}}}"),
    );
    assert!(messages(&text, "NP076")[0].contains("Only one baseline admin network policy"));
    assert!(loaded(&text).cluster.policies.is_empty());
}

#[test]
fn what_is_not_understood_fails_closed_and_is_named() {
    let rule = |action: &str, peers: &str| {
        admin(&format!(
            "{{tier: Admin, priority: 1, subject: {{namespaces: {{}}}}, egress: [{{action: {action}, to: [{peers}], protocols: [{{tcp: {{destinationPort: {{number: 80}}}}}}]}}]}}"
        ))
    };
    let same_of_pods =
        "{action: Allow, to: [{pods: {namespaces: {sameLabels: [team]}, podSelector: {}}}]}";
    let same = "{action: Allow, to: [{namespaces: {sameLabels: [team]}}]}";
    for (text, action, n_peers, says) in [
        (
            rule("Accept", "{planets: {}}, {namespaces: {}}"),
            Action::Accept,
            Some(0),
            "a peer of a kind that is not known: the rule lets nobody through",
        ),
        (
            rule("Pass", "{planets: {}}"),
            Action::Deny,
            None,
            "a peer of a kind that is not known: the rule denies everything",
        ),
        (
            old(
                "AdminNetworkPolicy",
                "p",
                &format!("{{priority: 1, subject: {{namespaces: {{}}}}, egress: [{same}]}}"),
            ),
            Action::Accept,
            Some(0),
            "a peer of a kind that is not known: the rule lets nobody through",
        ),
        (
            old(
                "AdminNetworkPolicy",
                "p",
                &format!(
                    "{{priority: 1, subject: {{namespaces: {{}}}}, egress: [{same_of_pods}]}}"
                ),
            ),
            Action::Accept,
            Some(0),
            "a peer of a kind that is not known: the rule lets nobody through",
        ),
        (
            rule("Deny", "{nodes: {}}"),
            Action::Deny,
            Some(0),
            "no Node of the input with an address has these labels",
        ),
    ] {
        let cluster = loaded(&text).cluster;
        let rule = &cluster.policies[0].egress.as_ref().unwrap()[0];
        assert_eq!(rule.action, action, "{text}");
        assert_eq!(rule.peers.as_ref().map(Vec::len), n_peers, "{text}");
        let said = messages(&text, "LD007");
        assert!(
            said.iter().any(|message| message.starts_with(says)),
            "{said:?}\n{text}"
        );
    }
}
