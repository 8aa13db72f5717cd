//! Policies in tiers as manifests write them: which tier decides, what a tie comes to, and how it is
//! told.

#![cfg(test)]

mod asked;

use portolan::manifest::{LoadOptions, load};
use portolan::question::can::{Answer, PortQuery};
use portolan::question::one_way::one_way;
use portolan::question::ties::ties;
use portolan::reach::{Product, Reach, products};
use portolan::source::Sources;

/// Pods `a/web` and `b/client`, each in a namespace of a team.
const PODS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: a, labels: {team: blue}}
---
apiVersion: v1
kind: Namespace
metadata: {name: b, labels: {team: red}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: a, labels: {app: web}}
spec: {containers: [{name: c, image: c, ports: [{name: http, containerPort: 8080}, {name: dns, containerPort: 53, protocol: UDP}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: b, labels: {app: client}}
spec: {containers: [{name: c, image: c}]}
---
";

/// A policy for namespace `a` with one rule about ingress from namespace `b`.
fn cluster_policy(name: &str, tier: &str, priority: u32, action: &str, protocols: &str) -> String {
    let protocols = match protocols {
        "" => String::new(),
        protocols => format!(", protocols: [{protocols}]"),
    };
    format!(
        "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {{name: {name}}}\n\
         spec: {{tier: {tier}, priority: {priority}, subject: {{namespaces: {{matchLabels: {{team: blue}}}}}}, \
         ingress: [{{action: {action}, from: [{{namespaces: {{matchLabels: {{team: red}}}}}}]{protocols}}}]}}\n---\n"
    )
}

fn tcp(port: u16) -> String {
    format!("{{tcp: {{destinationPort: {{number: {port}}}}}}}")
}

/// Isolates namespace `a`, and lets in nobody.
const ISOLATED: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: a}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
";

/// Isolates namespace `a` for egress only.
const ISOLATED_OUT: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out, namespace: a}
spec: {podSelector: {}, policyTypes: [Egress]}
---
";

fn ask(yaml: &str, port: u16) -> (Answer, String) {
    let port = PortQuery::Number {
        protocol: None,
        port,
    };
    asked::ask(yaml, "b/client", "a/web", port)
}

#[test]
fn the_first_tier_that_decides_has_the_last_word() {
    let admin = |action| cluster_policy("admin", "Admin", 10, action, "");
    let baseline = |action| cluster_policy("baseline", "Baseline", 10, action, "");
    for (what, yaml, expected, says) in [
        ("nothing", String::new(), "yes", "no policy selects it"),
        (
            "Admin denies",
            admin("Deny"),
            "no",
            "denied in the Admin tier by ClusterNetworkPolicy admin",
        ),
        (
            "Admin accepts past NetworkPolicy",
            admin("Accept") + ISOLATED,
            "yes",
            "allowed in the Admin tier by ClusterNetworkPolicy admin",
        ),
        (
            "Admin passes to NetworkPolicy",
            admin("Pass") + ISOLATED,
            "no",
            "denied, passed on by ClusterNetworkPolicy admin, isolated by NetworkPolicy a/deny",
        ),
        (
            "NetworkPolicy is before Baseline",
            baseline("Accept") + ISOLATED,
            "no",
            "isolated by NetworkPolicy a/deny, which allows nothing",
        ),
        (
            "Baseline decides where no NetworkPolicy does",
            baseline("Deny"),
            "no",
            "denied in the Baseline tier by ClusterNetworkPolicy baseline",
        ),
        (
            "Admin passes to Baseline",
            admin("Pass") + &baseline("Deny"),
            "no",
            "denied in the Baseline tier, passed on by ClusterNetworkPolicy admin,",
        ),
        (
            "Baseline passes to the default",
            baseline("Pass"),
            "yes",
            "allowed, passed on by ClusterNetworkPolicy baseline, since no NetworkPolicy isolates it",
        ),
        (
            "the lower number is asked first",
            cluster_policy("late", "Admin", 20, "Deny", "")
                + &cluster_policy("soon", "Admin", 5, "Accept", ""),
            "yes",
            "allowed in the Admin tier by ClusterNetworkPolicy soon",
        ),
        (
            "a port by name is for the protocol that it is declared with",
            cluster_policy("named", "Admin", 5, "Deny", "{destinationNamedPort: http}"),
            "no",
            "denied in the Admin tier by ClusterNetworkPolicy named",
        ),
        (
            "and for no other",
            cluster_policy("named", "Admin", 5, "Deny", "{destinationNamedPort: dns}"),
            "yes",
            "no rule of ClusterNetworkPolicy named decides",
        ),
    ] {
        let (answer, text) = ask(&format!("{PODS}{yaml}"), 8080);
        assert_eq!(answer.overall.name(), expected, "{what}\n{text}");
        let text = text.replace("\n  │", "");
        assert!(text.contains(says), "{what}\n{text}");
    }
}

#[test]
fn equal_priorities_that_disagree_make_the_answer_unknown() {
    let policy = |name, priority, action, ports: &str| {
        cluster_policy(name, "Admin", priority, action, ports)
    };
    for (what, yaml, expected, n_ties) in [
        (
            "they disagree",
            policy("px", 5, "Accept", "") + &policy("py", 5, "Deny", ""),
            "unknown",
            1,
        ),
        (
            "the same, the other way round by name",
            policy("py", 5, "Accept", "") + &policy("px", 5, "Deny", ""),
            "unknown",
            1,
        ),
        (
            "one that passes, with the same outcome",
            policy("px", 5, "Accept", "") + &policy("py", 5, "Pass", ""),
            "yes",
            1,
        ),
        (
            "a third, in between by name, differs",
            policy("px", 5, "Accept", "")
                + &policy("py", 5, "Deny", "")
                + &policy("pz", 5, "Accept", ""),
            "unknown",
            2,
        ),
        (
            "other priorities",
            policy("px", 5, "Accept", "") + &policy("py", 6, "Deny", ""),
            "yes",
            0,
        ),
        (
            "the same action",
            policy("px", 5, "Accept", "") + &policy("py", 5, "Accept", ""),
            "yes",
            0,
        ),
        (
            "other ports",
            policy("px", 5, "Accept", &tcp(8080)) + &policy("py", 5, "Deny", &tcp(80)),
            "yes",
            0,
        ),
        (
            "something before both decides",
            policy("before", 1, "Deny", "")
                + &policy("px", 5, "Accept", "")
                + &policy("py", 5, "Deny", ""),
            "no",
            1,
        ),
        (
            "ties of two tiers",
            policy("px", 5, "Pass", "")
                + &policy("py", 5, "Accept", &tcp(80))
                + &cluster_policy("pu", "Baseline", 5, "Accept", "")
                + &cluster_policy("pv", "Baseline", 5, "Deny", ""),
            "unknown",
            2,
        ),
    ] {
        let yaml = format!("{PODS}{yaml}");
        let (answer, text) = ask(&yaml, 8080);
        assert_eq!(answer.overall.name(), expected, "{what}\n{text}");
        let cluster = load(
            &Sources::from_text("input.yaml", yaml),
            &LoadOptions::default(),
        )
        .cluster;
        assert_eq!(ties(&cluster).len(), n_ties, "{what}");
        let is_told = text.contains("have the same priority, and which one wins is not defined");
        assert_eq!(is_told, expected == "unknown", "{what}\n{text}");
    }
}

#[test]
fn a_tie_for_egress_and_one_for_ingress_may_end_differently() {
    // Allowed only if of the first two `open-out` wins, and of the last two `open-in`: no order of
    // whole policies by name has both.
    let policy = |name: &str, rules: &str| {
        format!(
            "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {{name: {name}}}\n\
             spec: {{tier: Admin, priority: 5, subject: {{namespaces: {{}}}}, {rules}}}\n---\n"
        )
    };
    let rule =
        |action: &str, key: &str| format!("[{{action: {action}, {key}: [{{namespaces: {{}}}}]}}]");
    let yaml = PODS.to_owned()
        + &policy("a-close-out", &format!("egress: {}", rule("Deny", "to")))
        + &policy("b-open-out", &format!("egress: {}", rule("Accept", "to")))
        + &policy("c-close-in", &format!("ingress: {}", rule("Deny", "from")))
        + &policy("d-open-in", &format!("ingress: {}", rule("Accept", "from")));
    let (answer, text) = ask(&yaml, 8080);
    assert_eq!(answer.overall.name(), "unknown", "{text}");
    assert_eq!(answer.ties.len(), 2, "{text}");
}

#[test]
fn a_pod_that_is_isolated_one_way_is_told_of() {
    let baseline = cluster_policy("baseline", "Baseline", 10, "Deny", "");
    let says =
        "NetworkPolicies isolate a/web for egress only, so for ingress the Baseline tier decides";
    for (yaml, is_told) in [
        (format!("{PODS}{ISOLATED_OUT}{baseline}"), true),
        (format!("{PODS}{ISOLATED}{ISOLATED_OUT}{baseline}"), false),
        (format!("{PODS}{baseline}"), false),
        (format!("{PODS}{ISOLATED_OUT}"), false),
    ] {
        let (_, text) = ask(&yaml, 8080);
        assert_eq!(text.contains(says), is_told, "{text}");
    }
}

#[test]
fn pods_that_are_isolated_one_way_are_found() {
    let baseline = cluster_policy("baseline", "Baseline", 10, "Deny", "");
    for (yaml, expected) in [
        (format!("{ISOLATED_OUT}{baseline}"), vec!["ingress"]),
        (format!("{ISOLATED}{ISOLATED_OUT}{baseline}"), vec![]),
        // Baseline says nothing of egress.
        (format!("{ISOLATED}{baseline}"), vec![]),
        (ISOLATED_OUT.to_owned(), vec![]),
    ] {
        let sources = Sources::from_text("input.yaml", format!("{PODS}{yaml}"));
        let cluster = load(&sources, &LoadOptions::default()).cluster;
        let found = one_way(&cluster);
        let found: Vec<&str> = found
            .iter()
            .map(|(_, direction)| direction.name())
            .collect();
        assert_eq!(found, expected, "{yaml}");
    }
}

#[test]
fn n26_a_nodes_own_traffic_is_not_unknown_for_a_tie() {
    let on_node = |name: &str, namespace: &str, host: bool| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
             spec: {{nodeName: n1, hostNetwork: {host}, containers: [{{name: c, image: c}}]}}\n---\n"
        )
    };
    let yaml = PODS.to_owned()
        + &on_node("agent", "b", true)
        + &on_node("api", "a", false)
        + &cluster_policy("px", "Admin", 5, "Accept", "")
        + &cluster_policy("py", "Admin", 5, "Deny", "");
    let sources = Sources::from_text("input.yaml", yaml);
    let mut cluster = load(&sources, &LoadOptions::default()).cluster;
    // For everyone, which no manifest can say yet.
    for policy in &mut cluster.policies {
        for rule in policy.ingress.iter_mut().flatten() {
            rule.peers = None;
        }
    }
    let reach = Reach::new(&cluster);
    let group = |name: &str| {
        let mut pods = cluster.pods_with_ids();
        let (id, _) = pods
            .find(|(_, pod)| pod.name.as_deref() == Some(name))
            .unwrap();
        reach.group_of(id).unwrap()
    };
    let (agent, api) = (group("agent"), group("api"));
    let all = products(&reach);
    let holds = |list: &[Product]| {
        let mut list = list.iter();
        list.any(|p| {
            p.sources.groups().any(|g| g == agent) && p.destinations.groups().any(|g| g == api)
        })
    };
    assert!(holds(&all.allowed) && !holds(&all.unknown));
}
