//! Destinations by name (`domainNames`), and what each command makes of not knowing their addresses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asked;

use asked::ask;
use portolan::model::Protocol;
use portolan::question::can::PortQuery;
use std::path::PathBuf;
use std::process::Command;

/// A pod that may ask DNS, and of the rest what the names say. The second rule is for `names`.
fn manifests(names: &str, rest: &str) -> String {
    format!(
        "apiVersion: v1
kind: Node
metadata: {{name: n1}}
status: {{addresses: [{{type: InternalIP, address: 192.0.2.1}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: shop, labels: {{app: web}}}}
spec: {{nodeName: n1, containers: [{{name: c, image: c}}]}}
status: {{podIP: 10.9.0.7}}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {{name: names}}
spec:
  tier: Admin
  priority: 5
  subject: {{namespaces: {{}}}}
  egress:
    - {{action: Accept, to: [{{namespaces: {{matchLabels: {{kubernetes.io/metadata.name: kube-system}}}}}}]}}
    - {{action: Accept, to: [{{domainNames: {names}}}], protocols: [{{tcp: {{destinationPort: {{number: 443}}}}}}]}}
    {rest}
"
    )
}

const DENY: &str = "- {action: Deny, to: [{networks: [0.0.0.0/0, '::/0']}]}";
const DENY_SOME: &str = "- {action: Deny, to: [{networks: [203.0.113.0/24]}]}";

#[test]
fn a_question_about_a_name_has_an_answer() {
    let names = "[api.example.com, '*.example.org']";
    for (to, port, rest, expected, says) in [
        (
            "api.example.com",
            443,
            DENY,
            "yes",
            "allowed in the Admin tier by ClusterNetworkPolicy names",
        ),
        (
            "API.example.com.",
            443,
            DENY,
            "yes",
            "allowed in the Admin tier",
        ),
        (
            "api.example.com",
            80,
            DENY,
            "no",
            "denied in the Admin tier",
        ),
        (
            "www.example.com",
            443,
            DENY,
            "no",
            "denied in the Admin tier",
        ),
        (
            "a.b.example.org",
            443,
            DENY,
            "yes",
            "shop/web to `a.b.example.org`: yes on TCP 443",
        ),
        (
            "example.org",
            443,
            DENY,
            "no",
            "shop/web to `example.org`: no on TCP 443",
        ),
        // Nothing is guessed: the name may be in the block or not.
        (
            "www.example.com",
            443,
            DENY_SOME,
            "unknown",
            "the addresses of `www.example.com` are not in the input",
        ),
        (
            "api.example.com",
            443,
            DENY_SOME,
            "yes",
            "shop/web to `api.example.com`: yes",
        ),
        (
            "www.example.com",
            443,
            "",
            "yes",
            "no rule of ClusterNetworkPolicy names decides",
        ),
        // An address may have a name that is accepted.
        (
            "198.51.100.7",
            443,
            DENY,
            "unknown",
            "depends on the addresses of `api.example.com`",
        ),
        ("198.51.100.7", 80, DENY, "no", "denied in the Admin tier"),
        // So may a node's.
        (
            "node/n1",
            443,
            DENY,
            "unknown",
            "depends on the addresses of `api.example.com`",
        ),
        ("node/n1", 80, DENY, "no", "denied in the Admin tier"),
        (
            "198.51.100.7",
            443,
            DENY_SOME,
            "yes",
            "no rule of ClusterNetworkPolicy names decides",
        ),
    ] {
        let port = PortQuery::Number {
            protocol: Some(Protocol::Tcp),
            port,
        };
        let (answer, text) = ask(&manifests(names, rest), "shop/web", to, port);
        let flat = text.replace("\n  │", "");
        assert_eq!(answer.overall.name(), expected, "{to} {rest}\n{text}");
        assert!(flat.contains(says), "{to} {rest}: {says}\n{text}");
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path =
            std::env::temp_dir().join(format!("portolan-names-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, file: &str, text: &str) -> String {
        let path = self.0.join(file);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a command prints, and the status that it ends with.
fn portolan(args: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(args)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "200")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code())
}

#[test]
fn every_command_says_what_depends_on_names() {
    let folder = Folder::new("commands");
    let old = folder.write("old.yaml", &manifests("[api.example.com]", DENY));
    let new = folder.write("new.yaml", &manifests("['*.example.com']", DENY));
    let [narrow_first, wide_first] = [
        ("narrow", "[api.example.com, '*.example.com']"),
        ("wide", "['*.example.com', api.example.com]"),
    ]
    .map(|(file, names)| folder.write(&format!("{file}.yaml"), &manifests(names, DENY)));
    let out = folder.write("unused", "") + "-rules";
    let none = folder.write(
        "none.yaml",
        &manifests("[api.example.com]", DENY).replace(
            "domainNames: [api.example.com]",
            "networks: [198.51.100.0/32]",
        ),
    );
    for (args, status, says) in [
        (vec!["list", &old], 0, "TCP 443 ?"),
        (
            vec!["list", &old],
            0,
            "? depends on which addresses the names of rules stand for",
        ),
        (
            vec!["list", &old],
            0,
            "rules let out to `api.example.com`, and which addresses that stands for is not in the input",
        ),
        (vec!["diff", &old, &new], 0, "*.example.com"),
        (
            vec!["diff", &old, &new, "-o", "csv"],
            0,
            "added,false,denied,allowed,shop/web,*.example.com,TCP 443",
        ),
        (
            vec!["diff", &new, &old, "--fail-on", "removed"],
            1,
            "*.example.com",
        ),
        (vec!["diff", &old, &old], 0, "nothing changed in meaning"),
        (vec!["equiv", &old, &old], 0, "allow the same"),
        (
            vec!["equiv", &old, &new],
            1,
            "if that is an address of `*.example.com`, on TCP 443",
        ),
        // What has a name has every wider one.
        (vec!["equiv", &new, &narrow_first], 0, "allow the same"),
        (vec!["equiv", &new, &wide_first], 0, "allow the same"),
        (vec!["redundant", &wide_first], 1, "1 redundant"),
        (vec!["implies", &old, &new], 0, "allows no more than"),
        (vec!["implies", &new, &old], 1, "allows more than"),
        (vec!["redundant", &old], 0, "none redundant"),
        (
            vec![
                "compile", "--target", "nft", "--node", "n1", "--output", &out, &old,
            ],
            0,
            "the addresses of `api.example.com` are not in the input, so nothing is opened for them",
        ),
        (
            vec!["can", "api.example.com", "shop/web", "-f", &old],
            2,
            "a domain name can only be the destination",
        ),
        (vec!["list", &none], 0, "198.51.100.0"),
    ] {
        let (text, found) = portolan(&args);
        assert_eq!(found, Some(status), "{args:?}\n{text}");
        assert!(text.contains(says), "{args:?}: {says}\n{text}");
    }
}

#[test]
fn an_assertion_that_depends_on_the_addresses_of_a_name_is_unknown() {
    let folder = Folder::new("check");
    let manifests = folder.write("pods.yaml", &manifests("[example.com]", DENY));
    for (expect, port, expected) in [
        ("denied", 443, 4),
        ("denied", 80, 0),
        ("allowed", 443, 4),
        ("allowed", 80, 1),
    ] {
        for (scope, from) in [
            ("existing", "{workload: shop/web}"),
            ("possible", "{namespace: shop}"),
        ] {
            let asked = format!(
                "apiVersion: portolan.dev/v1\nkind: ConnectivityIntent\nmetadata: {{name: test}}\n\
                 spec:\n  assertions:\n    - name: it\n      expect: {expect}\n      scope: {scope}\n      \
                 from: [{from}]\n      to: [{{ipBlock: {{cidr: 198.51.100.0/24}}}}]\n      ports: [{{port: {port}}}]\n"
            );
            let intent = folder.write("intent.yaml", &asked);
            let (text, status) = portolan(&["check", &manifests, "--intent", &intent]);
            assert_eq!(status, Some(expected), "{expect} {port} {scope}\n{text}");
            let is_told = text.contains("it depends on which addresses `example.com` stands for");
            assert_eq!(is_told, expected == 4, "{text}");
        }
    }
}
