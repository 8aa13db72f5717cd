//! What the API server rejects (V1 to V21), in its own words, and what we say to it.

use super::{lines, loaded, messages, policy};
use crate::model::Severity;

/// Rules of ingress with these contents, and what is said of them: exactly these causes, with
/// the policy left out of the model; or nothing, with the policy in it.
fn check(rows: &[(&str, &[&str])]) {
    for (spec, expected) in rows {
        let text = policy(&format!("  {}", spec.replace('\n', "\n  ")));
        let loaded = loaded(&text);
        let found = messages(&text, "NP001");
        assert_eq!(found, *expected, "{text}");
        let n_rejected = usize::from(!expected.is_empty());
        assert_eq!(loaded.policies_rejected, n_rejected, "{text}");
        assert_eq!(loaded.cluster.policies.len(), 1 - n_rejected, "{text}");
    }
}

fn check_ports(rows: &[(&str, &[&str])]) {
    for (port, expected) in rows {
        let expected: Vec<String> = expected
            .iter()
            .map(|cause| format!("spec.ingress[0].ports[0]{cause}"))
            .collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(&[(&format!("ingress: [{{ports: [{port}]}}]"), &expected)]);
    }
}

fn check_peers(rows: &[(&str, &[&str])]) {
    for (peer, expected) in rows {
        let expected: Vec<String> = expected
            .iter()
            .map(|cause| format!("spec.egress[0].to[0]{cause}"))
            .collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(&[(&format!("egress: [{{to: [{peer}]}}]"), &expected)]);
    }
}

/// The help of the first error.
fn help(spec: &str) -> String {
    let findings = loaded(&policy(&format!("  {spec}"))).findings;
    let finding = findings
        .into_iter()
        .find(|finding| finding.severity == Severity::Error);
    finding.and_then(|finding| finding.help).unwrap_or_default()
}

#[test]
fn v1_names_are_reported_and_keep_nothing_out() {
    let subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
                     characters, '-' or '.', and must start and end with an alphanumeric \
                     character (e.g. 'example.com', regex used for validation is \
                     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    for (metadata, expected) in [
        (
            "{name: Web_1}",
            format!("metadata.name: Invalid value: \"Web_1\": {subdomain}"),
        ),
        (
            "{namespace: shop}",
            "metadata.name: Required value: name or generateName is required".to_owned(),
        ),
        (
            "{name: web, namespace: a.b}",
            "metadata.namespace: Invalid value: \"a.b\": must not contain dots".to_owned(),
        ),
    ] {
        let text = format!(
            "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {metadata}, \
             spec: {{}}}}"
        );
        assert_eq!(messages(&text, "NP001"), [expected]);
        let loaded = loaded(&text);
        assert_eq!(
            (loaded.cluster.policies.len(), loaded.policies_rejected),
            (1, 0)
        );
    }
}

#[test]
fn v2_protocols_are_case_sensitive() {
    let unsupported = |name: &str| {
        format!(
            ".protocol: Unsupported value: \"{name}\": supported values: \"TCP\", \"UDP\", \"SCTP\""
        )
    };
    check_ports(&[
        ("{protocol: TCP}", &[]),
        ("{protocol: ICMP}", &[&unsupported("ICMP")]),
        ("{protocol: tcp}", &[&unsupported("tcp")]),
        ("{protocol: ''}", &[&unsupported("")]),
    ]);
    assert!(help("ingress: [{ports: [{protocol: tcp}]}]").starts_with("did you mean `TCP`?"));
    assert!(help("ingress: [{ports: [{protocol: ICMP}]}]").contains("leave `ports` out"));
}

#[test]
fn v3_v5_port_ranges() {
    let range = "must be between 1 and 65535, inclusive";
    let not_int32 = "must be a whole number or text";
    check_ports(&[
        ("{port: 0}", &[&format!(".port: Invalid value: 0: {range}")]),
        (
            "{port: -1}",
            &[&format!(".port: Invalid value: -1: {range}")],
        ),
        (
            "{port: 70000}",
            &[&format!(".port: Invalid value: 70000: {range}")],
        ),
        (
            "{port: 1, endPort: 70000}",
            &[&format!(".endPort: Invalid value: 70000: {range}")],
        ),
    ]);
    let _ = not_int32;
    for (port, expected) in [
        (
            "{port: 99999999999}",
            "`spec.ingress[0].ports[0].port` must be a 32-bit integer, not `99999999999`",
        ),
        (
            "{port: 1.5}",
            "`spec.ingress[0].ports[0].port` must be a whole number or text, not `1.5`",
        ),
        (
            "{port: true}",
            "`spec.ingress[0].ports[0].port` must be a whole number or text, not the boolean `true`",
        ),
        (
            "{port: [80]}",
            "`spec.ingress[0].ports[0].port` must be a whole number or text, not a list",
        ),
        (
            "{port: 1, endPort: 99999999999}",
            "`spec.ingress[0].ports[0].endPort` must be a whole number from -2147483648 to 2147483647, not `99999999999`",
        ),
        (
            "{port: 1, endPort: '8'}",
            "`spec.ingress[0].ports[0].endPort` must be a whole number, not text",
        ),
        (
            "{port: 1, endPort: 1e99}",
            "`spec.ingress[0].ports[0].endPort` must be a whole number, not a number",
        ),
    ] {
        check(&[(&format!("ingress: [{{ports: [{port}]}}]"), &[expected])]);
    }
}

#[test]
fn v4_v6_v7_end_port() {
    check_ports(&[
        (
            "{port: 80, endPort: 79}",
            &[".endPort: Invalid value: 79: must be greater than or equal to `port`"],
        ),
        (
            "{port: http, endPort: 80}",
            &[".endPort: Invalid value: 80: may not be specified when `port` is non-numeric"],
        ),
        (
            "{endPort: 80}",
            &[".endPort: Invalid value: 80: may not be specified when `port` is not specified"],
        ),
        (
            "{port: 0, endPort: -1}",
            &[
                ".endPort: Invalid value: -1: must be between 1 and 65535, inclusive",
                ".endPort: Invalid value: -1: must be greater than or equal to `port`",
                ".port: Invalid value: 0: must be between 1 and 65535, inclusive",
            ],
        ),
    ]);
}

#[test]
fn v8_quoted_port_and_port_names() {
    check_ports(&[
        (
            "{port: '8080'}",
            &[".port: Invalid value: \"8080\": must contain at least one letter (a-z)"],
        ),
        (
            "{port: abcdefghijklmnop}",
            &[".port: Invalid value: \"abcdefghijklmnop\": must be no more than 15 characters"],
        ),
        (
            "{port: HTTP1x}",
            &[
                ".port: Invalid value: \"HTTP1x\": must contain only alpha-numeric characters \
               (a-z, 0-9), and hyphens (-)",
            ],
        ),
        (
            "{port: a--b}",
            &[".port: Invalid value: \"a--b\": must not contain consecutive hyphens"],
        ),
        (
            "{port: b-}",
            &[".port: Invalid value: \"b-\": must not begin or end with a hyphen"],
        ),
    ]);
    assert_eq!(
        help("ingress: [{ports: [{port: '8080'}]}]"),
        "remove the quotes: `port: 8080` is a number; until then the policy is left out of the \
         answer"
    );
    assert!(help("ingress: [{ports: [{port: Http}]}]").starts_with("did you mean `http`?"));
}

#[test]
fn v9_v10_peers() {
    check_peers(&[
        ("{}", &[": Required value: must specify a peer"]),
        ("null", &[": Required value: must specify a peer"]),
        (
            "{namespaceSelector: null}",
            &[": Required value: must specify a peer"],
        ),
        (
            "{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}",
            &[": Forbidden: may not specify both ipBlock and another peer"],
        ),
        (
            "{ipBlock: {cidr: 10.0.0.0/8}, namespaceSelector: {}}",
            &[": Forbidden: may not specify both ipBlock and another peer"],
        ),
    ]);
}

#[test]
fn v11_v12_v13_cidrs() {
    let valid = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    let subset = "must be a strict subset of `cidr`";
    check_peers(&[
        ("{ipBlock: {}}", &[".ipBlock.cidr: Required value"]),
        ("{ipBlock: {cidr: ''}}", &[".ipBlock.cidr: Required value"]),
        (
            "{ipBlock: {cidr: 10.0.0.1}}",
            &[&format!(
                ".ipBlock.cidr: Invalid value: \"10.0.0.1\": {valid}"
            )],
        ),
        (
            "{ipBlock: {cidr: 10.0.0.0/33}}",
            &[&format!(
                ".ipBlock.cidr: Invalid value: \"10.0.0.0/33\": {valid}"
            )],
        ),
        (
            "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0]}}",
            &[&format!(
                ".ipBlock.except[0]: Invalid value: \"10.1.0.0\": {valid}"
            )],
        ),
        (
            "{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}",
            &[&format!(
                ".ipBlock.except[0]: Invalid value: \"10.0.0.0/8\": {subset}"
            )],
        ),
        (
            "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 11.0.0.0/16, '::/64']}}",
            &[
                &format!(".ipBlock.except[1]: Invalid value: \"11.0.0.0/16\": {subset}"),
                &format!(".ipBlock.except[2]: Invalid value: \"::/64\": {subset}"),
            ],
        ),
    ]);
    let bare = help("egress: [{to: [{ipBlock: {cidr: 10.0.0.1}}]}]");
    assert!(
        bare.starts_with("for this one address write `10.0.0.1/32`"),
        "{bare}"
    );
}

#[test]
fn v14_legacy_cidrs_are_a_warning_and_analysed() {
    let text =
        policy("  egress: [{to: [{ipBlock: {cidr: 10.0.0.5/24, except: [10.0.0.017/32]}}]}]");
    assert_eq!(
        lines(&text),
        [
            "NP006 warning @spec.egress[0].to[0].ipBlock.cidr spec.egress[0].to[0].ipBlock.cidr: \
             CIDR value \"10.0.0.5/24\" is ambiguous in this context (should be \"10.0.0.0/24\" \
             or \"10.0.0.5/32\"?)",
            "NP006 warning @spec.egress[0].to[0].ipBlock.except[0] \
             spec.egress[0].to[0].ipBlock.except[0]: non-standard CIDR value \"10.0.0.017/32\" \
             will be considered invalid in a future Kubernetes release: use \"10.0.0.17/32\"",
        ]
    );
    assert_eq!(loaded(&text).cluster.policies.len(), 1);
}

#[test]
fn v15_v16_v17_selector_requirements() {
    let check_requirement = |requirement: &str, expected: &[&str]| {
        let expected: Vec<String> = expected
            .iter()
            .map(|cause| format!("spec.podSelector.matchExpressions[0]{cause}"))
            .collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let spec = format!("podSelector: {{matchExpressions: [{requirement}]}}");
        check(&[(&spec, &expected)]);
    };
    check_requirement(
        "{key: a, operator: in, values: [b]}",
        &[".operator: Invalid value: \"in\": not a valid selector operator"],
    );
    check_requirement(
        "{key: a, values: [b]}",
        &[".operator: Invalid value: \"\": not a valid selector operator"],
    );
    for operator in ["In", "NotIn"] {
        for values in ["", ", values: []", ", values: null"] {
            check_requirement(
                &format!("{{key: a, operator: {operator}{values}}}"),
                &[".values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
            );
        }
    }
    for operator in ["Exists", "DoesNotExist"] {
        check_requirement(
            &format!("{{key: a, operator: {operator}, values: [b]}}"),
            &[
                ".values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ],
        );
    }
    let spec = "podSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}";
    assert!(help(spec).starts_with("did you mean `In`?"));
}

#[test]
fn v18_labels_in_selectors() {
    let value = "a valid label must be an empty string or consist of alphanumeric characters, \
                 '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
                 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
                 '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    let name = "name part must consist of alphanumeric characters, '-', '_' or '.', and must \
                start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or \
                '123-abc', regex used for validation is \
                '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    check(&[
        (
            "podSelector: {matchLabels: {a: 'b c'}}",
            &[&format!(
                "spec.podSelector.matchLabels: Invalid value: \"b c\": {value}"
            )],
        ),
        (
            "podSelector: {matchLabels: {'a b': c}}",
            &[&format!(
                "spec.podSelector.matchLabels: Invalid value: \"a b\": {name}"
            )],
        ),
        (
            "podSelector: {matchExpressions: [{key: '', operator: Exists}]}",
            &[
                "spec.podSelector.matchExpressions[0].key: Invalid value: \"\": name part must \
                 be non-empty",
                &format!("spec.podSelector.matchExpressions[0].key: Invalid value: \"\": {name}"),
            ],
        ),
        (
            "podSelector: {matchExpressions: [{key: a, operator: In, values: [b, '-']}]}",
            &[&format!(
                "spec.podSelector.matchExpressions[0].values[1]: Invalid value: \"-\": {value}"
            )],
        ),
    ]);
}

#[test]
fn v19_v20_policy_types() {
    check(&[
        (
            "policyTypes: [Ingress, Egress, Ingress]",
            &[
                "spec.policyTypes: Invalid value: []networking.PolicyType{\"Ingress\", \"Egress\", \
               \"Ingress\"}: may not specify more than two policyTypes",
            ],
        ),
        (
            "policyTypes: [Ingress, Egres]",
            &[
                "spec.policyTypes[1]: Unsupported value: \"Egres\": supported values: \"Ingress\", \
               \"Egress\"",
            ],
        ),
        (
            "policyTypes: [null]",
            &[
                "spec.policyTypes[0]: Unsupported value: \"\": supported values: \"Ingress\", \
               \"Egress\"",
            ],
        ),
        ("policyTypes: [Ingress, Ingress]", &[]),
    ]);
    assert!(help("policyTypes: [Egres]").starts_with("did you mean `Egress`?"));
    assert!(help("policyTypes: [ingress]").starts_with("did you mean `Ingress`?"));
}

/// Unknown fields are errors, and the rest is read: what is dropped can mean something else.
#[test]
fn v21_unknown_fields_and_what_was_probably_meant() {
    for (spec, path, expected_help) in [
        ("ingres: []", "spec.ingres", "did you mean `ingress`?"),
        (
            "podselector: {}",
            "spec.podselector",
            "did you mean `podSelector`?",
        ),
        (
            "policyType: [Egress]",
            "spec.policyType",
            "did you mean `policyTypes`?",
        ),
        (
            "from: []",
            "spec.from",
            "it belongs in an entry of `ingress`",
        ),
        (
            "ingress: [{from: [{namespaceSelectors: {}, podSelector: {}}]}]",
            "spec.ingress[0].from[0].namespaceSelectors",
            "did you mean `namespaceSelector`?",
        ),
        (
            "ingress: [{podSelector: {}}]",
            "spec.ingress[0].podSelector",
            "it belongs in an entry of `from`, with a dash before it",
        ),
        (
            "egress: [{from: []}]",
            "spec.egress[0].from",
            "an egress rule has `to`; `from` is for ingress",
        ),
        (
            "podSelector: {app: web}",
            "spec.podSelector.app",
            "labels belong under `matchLabels`",
        ),
        (
            "ingress: [{from: [{podSelector: {}, matchLabels: {}}]}]",
            "spec.ingress[0].from[0].matchLabels",
            "it belongs under `podSelector` or `namespaceSelector`, one level deeper",
        ),
        (
            "ingress: [{from: [{podSelector: {}, ports: []}]}]",
            "spec.ingress[0].from[0].ports",
            "it belongs beside the list of peers, not inside a peer",
        ),
        (
            "ingress: [{ports: [{targetPort: 80}]}]",
            "spec.ingress[0].ports[0].targetPort",
            "did you mean `port`?",
        ),
    ] {
        let loaded = loaded(&policy(&format!("  {spec}")));
        let [finding] = &loaded.findings[..] else {
            panic!("{spec}: {:?}", loaded.findings);
        };
        assert_eq!(finding.id, "NP002");
        assert_eq!(finding.severity, Severity::Error);
        assert_eq!(finding.message, format!("unknown field `{path}`"));
        assert_eq!(finding.help.as_deref(), Some(expected_help), "{spec}");
        assert_eq!(loaded.cluster.policies.len(), 1, "{spec}");
    }
}

#[test]
fn type_errors_leave_the_policy_out_and_say_what_belongs_there() {
    for (spec, message, expected_help) in [
        (
            "ingress: {}",
            "`spec.ingress` must be a list, not a mapping",
            "put a dash before the entry of `ingress`",
        ),
        (
            "ingress: [{from: {podSelector: {}}}]",
            "`spec.ingress[0].from` must be a list, not a mapping",
            "put a dash before the entry of `from`",
        ),
        (
            "podSelector: [{}]",
            "`spec.podSelector` must be a mapping, not a list",
            "remove the dash",
        ),
        (
            "policyTypes: Egress",
            "`spec.policyTypes` must be a list, not text",
            "put it in brackets, or on a line of its own after a dash",
        ),
        (
            "podSelector: {matchLabels: {v: 1}}",
            "`spec.podSelector.matchLabels.v` must be text, not a number",
            "put it in quotes: \"1\"",
        ),
        (
            "podSelector: {matchLabels: {v: true}}",
            "`spec.podSelector.matchLabels.v` must be text, not a boolean",
            "put it in quotes: \"true\"",
        ),
    ] {
        let loaded = loaded(&policy(&format!("  {spec}")));
        let [finding] = &loaded.findings[..] else {
            panic!("{spec}: {:?}", loaded.findings);
        };
        assert_eq!(finding.id, "NP001", "{spec}");
        assert_eq!(finding.message, message);
        let help = finding.help.clone().unwrap_or_default();
        assert!(help.starts_with(expected_help), "{help}");
        assert!(
            help.ends_with("until then the policy is left out of the answer"),
            "{help}"
        );
        assert_eq!(
            (loaded.cluster.policies.len(), loaded.policies_rejected),
            (0, 1)
        );
    }
}

#[test]
fn every_cause_is_reported_at_its_node() {
    let text = policy(
        "  policyTypes: [Egres]\n  ingress:\n  - ports: [{port: 0, protocol: tcp}]\n    from: \
         [{}]\n  egress:\n  - to: [{podSelector: {matchLabels: {'a b': c}}}]",
    );
    let loaded = loaded(&text);
    let places: Vec<String> = lines(&text)
        .iter()
        .map(|line| line.split(' ').nth(2).unwrap().to_owned())
        .collect();
    assert_eq!(
        places,
        [
            "@spec.egress[0].to[0].podSelector.matchLabels[\"a",
            "@spec.ingress[0].from[0]",
            "@spec.ingress[0].ports[0].port",
            "@spec.ingress[0].ports[0].protocol",
            "@spec.policyTypes[0]",
        ]
    );
    assert_eq!(loaded.policies_rejected, 1);
}
