//! `portolan check` and its kin as people and pipelines run them: what they say, and the status
//! they end with.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn portolan(args: &[&str]) -> Output {
    with_threads(args, "2")
}

fn with_threads(args: &[&str], threads: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(args)
        .current_dir(root())
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .env("RAYON_NUM_THREADS", threads)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder of files that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Folder {
        let path = std::env::temp_dir().join(format!("portolan-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        for (file, text) in files {
            std::fs::write(path.join(file), text).unwrap();
        }
        Folder(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An intent with one assertion, given as the YAML of its fields.
fn intent(assertion: &str) -> String {
    let fields = assertion.replace('\n', "\n      ");
    format!(
        "apiVersion: portolan.dev/v1\nkind: ConnectivityIntent\nmetadata: {{name: test}}\n\
         spec:\n  assertions:\n    - name: it\n      {fields}\n"
    )
}

const WEB_AND_DB: &str = r"
apiVersion: v1
kind: Namespace
metadata: {name: app}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: app}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: example.com/main}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: app}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: example.com/main, ports: [{name: sql, containerPort: 5432}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: app}
spec:
  selector: {app: db}
  ports: [{name: sql, port: 15432, targetPort: sql}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: app}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
      ports: [{port: sql}]
";

/// Runs `check` on [`WEB_AND_DB`] with more manifests and one assertion.
fn check(name: &str, more: &str, assertion: &str, flags: &[&str]) -> Output {
    let manifests = format!("{WEB_AND_DB}\n---\n{more}");
    let folder = Folder::new(
        name,
        &[
            ("manifests.yaml", &manifests),
            ("intent.yaml", &intent(assertion)),
        ],
    );
    // Intents among the manifests are found without a flag.
    let args: Vec<&str> = ["check", folder.path()]
        .into_iter()
        .chain(flags.iter().copied())
        .collect();
    portolan(&args)
}

#[test]
fn shipped_intents_pass_and_fail_as_their_examples_say() {
    for name in [
        "default-deny",
        "dns",
        "tenant-isolation",
        "pci",
        "no-open-database",
        "no-metadata",
    ] {
        for (folder, expected) in [("pass", 0), ("fail", 1)] {
            let path = format!("testdata/intent/{name}/{folder}");
            let output = portolan(&["check", &path, "--intent", &format!("builtin:{name}")]);
            assert_eq!(
                output.status.code(),
                Some(expected),
                "{path}\n{}",
                stdout(&output)
            );
            // The file says the same under its own name.
            let file = format!("policies/{name}.yaml");
            let output = portolan(&["check", &path, "--intent", &file]);
            assert_eq!(output.status.code(), Some(expected), "{path} with {file}");
        }
    }
}

#[test]
fn the_worked_file_holds_of_the_shop_and_not_of_its_debug_policy() {
    let file = ["--intent", "policies/shop.yaml"];
    let output = portolan(&[&["check", "testdata/shop"][..], &file].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let debug = ["check", "testdata/shop", "testdata/intent/shop/fail"];
    let output = portolan(&[&debug[..], &file].concat());
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    for line in [
        "× violated  possible  shop/cart-is-for-two",
        "× violated  possible  shop/orders-stay-inside",
        "✓ proved    existing  shop/checkout-can-pay",
        "testdata/intent/shop/fail/debug.yaml:18:11",
    ] {
        assert!(text.contains(line), "`{line}` is missing from\n{text}");
    }
}

/// What each kind of endpoint, port and expectation comes to: assertion, flags, status, a line of
/// the answer.
#[test]
fn answers_by_assertion() {
    for (name, assertion, flags, status, line) in [
        (
            "allowed",
            "expect: allowed\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]\nports: [{port: 5432}]",
            &[][..],
            0,
            "1 proved",
        ),
        (
            "named",
            "expect: allowed\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]\nports: [{port: sql}]",
            &[],
            0,
            "1 proved",
        ),
        (
            "service",
            "expect: allowed\nfrom: [{workload: app/web}]\nto: [{service: app/db}]\nports: [{port: 15432}]",
            &[],
            0,
            "1 proved",
        ),
        (
            "service-port-name",
            "expect: allowed\nfrom: [{workload: app/web}]\nto: [{service: app/db}]\nports: [{port: sql}]",
            &["--prove=possible"],
            0,
            "1 proved",
        ),
        (
            "every-port",
            "expect: allowed\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]",
            &[],
            1,
            "app/web cannot reach app/db on TCP 80, and has to",
        ),
        (
            "denied",
            "expect: denied\nfrom: [{entity: internet}]\nto: [{workload: app/db}]",
            &[],
            0,
            "1 proved",
        ),
        (
            "open-web",
            "expect: denied\nfrom: [{entity: internet}]\nto: [{workload: app/web}]\nports: [{protocol: UDP}]",
            &[],
            1,
            "203.0.113.7 can reach app/web on UDP 80, and must not",
        ),
        (
            "only",
            "expect: only\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]",
            &[],
            0,
            "1 proved",
        ),
        (
            "only-possible",
            "expect: only\nscope: possible\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]",
            &[],
            0,
            "1 proved",
        ),
        (
            "only-others",
            "expect: only\nfrom: [{namespace: other}]\nto: [{workload: app/db}]",
            &[],
            1,
            "app/web can reach app/db on TCP 5432, and must not",
        ),
        (
            "copycat",
            "expect: denied\nscope: possible\nfrom: [{podSelector: {matchExpressions: [{key: team, operator: Exists}]}}]\nto: [{workload: app/db}]",
            &[],
            1,
            "a new pod labelled `app=web,team=other` in namespace `app` can reach",
        ),
        (
            "block",
            "expect: allowed\nfrom: [{workload: app/db}]\nto: [{ipBlock: {cidr: 2001:db8::/32}}]",
            &[],
            0,
            "1 proved",
        ),
        (
            "nothing",
            "expect: denied\nfrom: [{podSelector: {matchLabels: {app: wbe}}}]\nto: [{workload: app/db}]",
            &[],
            1,
            "`from` selects nothing, so that nothing is proved by it",
        ),
        (
            "never",
            "expect: denied\nscope: possible\nfrom: [{podSelector: {matchExpressions: [{key: app, operator: Exists}, {key: app, operator: DoesNotExist}]}}]\nto: [{workload: app/db}]",
            &[],
            1,
            "`from` selects nothing, so that nothing is proved by it",
        ),
        (
            "never-a-namespace",
            "expect: denied\nscope: possible\nfrom: [{namespaceSelector: {matchLabels: {tenant: none}}, newNamespaces: false}]\nto: [{workload: app/db}]",
            &[],
            1,
            "`from` selects nothing",
        ),
        (
            "no-pods",
            "expect: allowed\nfrom: [{entity: internet}]\nto: [{ipBlock: {cidr: 192.0.2.0/24}}]",
            &[],
            1,
            "neither end is a pod, so no policy decides",
        ),
        (
            "no-nodes",
            "expect: denied\nfrom: [{entity: node}]\nto: [{workload: app/db}]",
            &[],
            1,
            "`from` selects nothing",
        ),
        (
            "unresolved",
            "expect: denied\nfrom: [{workload: app/webb}]\nto: [{workload: app/db}]",
            &[],
            1,
            "it names something that is not in the input",
        ),
        (
            "controller",
            "expect: denied\nfrom: [{entity: ingress-controller}]\nto: [{workload: app/db}]",
            &[],
            4,
            "it depends on which pod the ingress controller is",
        ),
        (
            "itself",
            "expect: allowed\nfrom: [{workload: app/web}]\nto: [{workload: app/web}]",
            &[],
            1,
            "`from` and `to` are the same pod, which always reaches itself",
        ),
        (
            "controller-called",
            "expect: allowed\nfrom: [{workload: app/web}]\nto: [{entity: ingress-controller}]\nports: [{port: 80}]",
            &[],
            4,
            "it depends on which pod the ingress controller is",
        ),
        (
            "controller-denied",
            "expect: allowed\nfrom: [{entity: ingress-controller}]\nto: [{workload: app/db}]\nports: [{port: 80}]",
            &[],
            1,
            "violated",
        ),
        (
            "controller-chosen",
            "expect: denied\nfrom: [{entity: ingress-controller}]\nto: [{workload: app/db}]",
            &["--ingress-controller", "app/app=web"],
            1,
            "app/web can reach app/db on TCP 5432, and must not",
        ),
        (
            "off",
            "expect: denied\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]",
            &["--prove=off"],
            0,
            "1 assertion of 1 intent read, and none proved",
        ),
        (
            "tiny-rlimit",
            "expect: allowed\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]\nports: [{port: 5432}]",
            &["--rlimit", "1"],
            4,
            "the solver gave up: ",
        ),
    ] {
        let output = check(name, "", assertion, flags);
        let text = stdout(&output);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{name}\n{text}{}",
            stderr(&output)
        );
        assert!(
            text.contains(line),
            "{name}: `{line}` is missing from\n{text}"
        );
    }
}

#[test]
fn a_counterexample_has_the_port_names_that_matter_and_no_others() {
    // Callers may use either name of the `named` pods; nothing isolates `open` ones.
    let more = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                metadata: {name: named, namespace: app}\nspec:\n  podSelector: {matchLabels: {app: named}}\n  \
                ingress: [{ports: [{port: metrics}, {port: admin}]}]\n";
    for (called, n_names) in [("open", 0), ("named", 1)] {
        let assertion = format!(
            "expect: denied\nscope: possible\nfrom: [{{workload: app/web}}]\n\
             to: [{{namespace: app, podSelector: {{matchLabels: {{app: {called}}}}}}}]"
        );
        let output = check(called, more, &assertion, &[]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let line = text.replace("\n ", "");
        let names = line
            .split_once("which it calls ")
            .map_or("", |(_, rest)| rest);
        let names = names
            .split_once(", and must not")
            .map_or("", |(names, _)| names);
        assert_eq!(names.matches('`').count(), 2 * n_names, "{called}: {text}");
    }
}

#[test]
fn an_address_that_a_pod_does_not_have_yet_can_decide() {
    // The first half of the pods' range reaches the database.
    let more = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                metadata: {name: half, namespace: app}\nspec:\n  podSelector: {matchLabels: {app: db}}\n  \
                ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/9}}], ports: [{port: 22}]}]\n";
    let assertion = "expect: denied\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]\nports: [{port: 22}]";
    for (name, flags, status, line) in [
        // No ipBlock matches a pod without address, and the answer says so.
        ("blind", &[][..], 0, "1 proved"),
        (
            "half",
            &["--pod-cidr", "10.0.0.0/8"],
            4,
            "it depends on the address that a pod gets",
        ),
        (
            "all",
            &["--pod-cidr", "10.64.0.0/10"],
            1,
            "app/web can reach app/db on TCP 22",
        ),
        ("none", &["--pod-cidr", "10.128.0.0/9"], 0, "1 proved"),
        (
            "possible",
            &["--pod-cidr", "10.0.0.0/8", "--prove=possible"],
            1,
            "can reach",
        ),
    ] {
        let output = check(&format!("address-{name}"), more, assertion, flags);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(status), "{name}\n{text}");
        assert!(
            text.contains(line),
            "{name}: `{line}` is missing from\n{text}"
        );
        let is_said = stderr(&output).contains("no ipBlock was taken to match a pod");
        assert_eq!(is_said, name == "blind", "{}", stderr(&output));
    }
}

#[test]
fn what_is_wrong_with_an_intent_is_said_with_its_line() {
    for (name, text, message) in [
        (
            "field",
            intent("expect: denied\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]\nport: []"),
            "unknown field `spec.assertions[0].port`",
        ),
        (
            "value",
            intent("expect: denyed\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]"),
            "denyed",
        ),
        (
            "missing",
            intent("expect: denied\nfrom: [{workload: app/web}]"),
            "missing field `to`",
        ),
        (
            "two-ways",
            intent("expect: denied\nfrom: [{workload: app/web, podSelector: {}}]\nto: [{workload: app/db}]"),
            "it says in several ways who is meant",
        ),
        (
            "empty",
            intent("expect: denied\nfrom: []\nto: [{workload: app/db}]"),
            "`spec.assertions[0].from`: the list is empty",
        ),
        (
            "cidr",
            intent("expect: denied\nfrom: [{ipBlock: {cidr: 10.0.0.0}}]\nto: [{workload: app/db}]"),
            "`10.0.0.0` is not a block of addresses",
        ),
        (
            "range",
            intent("expect: denied\nfrom: [{workload: app/web}]\nto: [{workload: app/db}]\nports: [{port: 90, endPort: 80}]"),
            "the range ends at 80, before it starts",
        ),
        (
            "nothing",
            "apiVersion: portolan.dev/v1\nkind: ConnectivityIntent\nmetadata: {name: x}\nspec: {}\n".to_owned(),
            "it asserts nothing",
        ),
        (
            "kind",
            "apiVersion: portolan.dev/v2\nkind: ConnectivityIntent\nmetadata: {name: x}\nspec: {}\n".to_owned(),
            "there is no kind `ConnectivityIntent` in `portolan.dev/v2`",
        ),
    ] {
        let good = intent("expect: denied\nfrom: [{entity: internet}]\nto: [{workload: app/db}]")
            .replace("name: test", "name: good");
        let folder = Folder::new(
            &format!("wrong-{name}"),
            &[("a.yaml", WEB_AND_DB), ("b.yaml", &text), ("c.yaml", &good)],
        );
        let output = portolan(&["check", folder.path()]);
        let said = stderr(&output);
        let plain = said.replace("\n  │ ", " ").replace("\n        ", " ");
        assert!(plain.contains(message), "{name}: `{message}` is missing from\n{said}");
        assert!(said.contains("b.yaml:"), "{name}: no place in\n{said}");
        // The other intent is proved all the same. What is not read at all is no intent, and
        // only `--strict` fails on it.
        assert!(stdout(&output).contains("good/it"), "{name}\n{}", stdout(&output));
        // An intent of another version is none: only the finding is left.
        let status = if name == "kind" { 1 } else { 2 };
        assert_eq!(output.status.code(), Some(status), "{name}\n{said}");
    }
}

#[test]
fn usage_and_absence_have_their_own_status() {
    for (args, status, message) in [
        (
            &["check", "testdata/shop"][..],
            0,
            "no intent, so nothing is proved",
        ),
        (
            &["check", "testdata/shop", "--intent", "builtin:dsn"],
            2,
            "no intent `dsn` is built in",
        ),
        (
            &["check", "testdata/shop", "--intent", "no-such-file.yaml"],
            2,
            "no-such-file.yaml",
        ),
    ] {
        let output = portolan(args);
        assert_eq!(output.status.code(), Some(status), "{args:?}");
        assert!(
            stderr(&output).contains(message),
            "{args:?}\n{}",
            stderr(&output)
        );
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_on_any_number_of_threads() {
    let fail = [
        "testdata/intent/dns/fail",
        "--intent",
        "builtin:dns",
        "--intent",
        "builtin:pci",
    ];
    let shop = [
        "testdata/shop",
        "testdata/intent/shop/fail",
        "--intent",
        "policies/shop.yaml",
    ];
    for args in [
        &["check"].into_iter().chain(fail).collect::<Vec<_>>(),
        &["check", "-o", "json"].into_iter().chain(shop).collect(),
        &["check", "--prove=possible"]
            .into_iter()
            .chain(shop)
            .collect(),
        &vec!["redundant", "testdata/shop", "testdata/intent/shop/fail"],
        &vec!["equiv", "testdata/shop", "testdata/apps/bookinfo"],
    ] {
        let one = with_threads(args, "1");
        for threads in ["1", "2"] {
            let other = with_threads(args, threads);
            assert_eq!(
                stdout(&one),
                stdout(&other),
                "{args:?} on {threads} threads"
            );
            assert_eq!(
                stderr(&one),
                stderr(&other),
                "{args:?} on {threads} threads"
            );
        }
    }
}

#[test]
fn policies_that_mean_the_same_are_equivalent_however_they_are_written() {
    let rule = |ingress: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: app}}\n\
             spec: {{podSelector: {{}}, policyTypes: [Ingress], ingress: {ingress}}}\n"
        )
    };
    let web = "{podSelector: {matchLabels: {app: web}}}";
    let api = "{podSelector: {matchLabels: {app: api}}}";
    let both = "{podSelector: {matchExpressions: [{key: app, operator: In, values: [web, api]}]}}";
    for (name, a, b, equivalent, a_in_b, b_in_a) in [
        ("in", format!("[{{from: [{web}, {api}]}}]"), format!("[{{from: [{both}]}}]"), 0, 0, 0),
        ("fewer", format!("[{{from: [{web}]}}]"), format!("[{{from: [{both}]}}]"), 1, 0, 1),
        (
            "halves",
            "[{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]".to_owned(),
            "[{from: [{ipBlock: {cidr: 10.0.0.0/9}}]}, {from: [{ipBlock: {cidr: 10.128.0.0/9}}]}]".to_owned(),
            0,
            0,
            0,
        ),
        (
            "ports",
            format!("[{{from: [{web}], ports: [{{port: 80, endPort: 89}}]}}]"),
            format!("[{{from: [{web}], ports: [{{port: 80, endPort: 90}}]}}]"),
            1,
            0,
            1,
        ),
        (
            "everyone",
            "[{from: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: \"::/0\"}}, {namespaceSelector: {}}]}]".to_owned(),
            "[{}]".to_owned(),
            0,
            0,
            0,
        ),
    ] {
        let a = Folder::new(&format!("equiv-{name}-a"), &[("a.yaml", &rule(&a))]);
        let b = Folder::new(&format!("equiv-{name}-b"), &[("b.yaml", &rule(&b))]);
        for (command, first, second, expected) in [
            ("equiv", &a, &b, equivalent),
            ("equiv", &b, &a, equivalent),
            ("implies", &a, &b, a_in_b),
            ("implies", &b, &a, b_in_a),
        ] {
            let output = portolan(&[command, first.path(), second.path()]);
            let text = stdout(&output);
            assert_eq!(output.status.code(), Some(expected), "{command} {name}\n{text}");
        }
    }
}

#[test]
fn a_namespace_that_one_input_does_not_have_is_as_in_the_other() {
    let namespace = |team: &str| {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: web, labels: {{team: {team}}}}}\n---\n"
        )
    };
    let policy = |peer: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: app}}\n\
             spec: {{podSelector: {{}}, ingress: [{{from: [{{namespaceSelector: {{matchLabels: {{{peer}}}}}}}]}}]}}\n"
        )
    };
    let (by_team, by_name) = (
        policy("team: blue"),
        policy("kubernetes.io/metadata.name: web"),
    );
    for (name, a, b, expected) in [
        ("only-b", by_team.clone(), namespace("blue") + &by_team, 0),
        (
            "other-label",
            namespace("red") + &by_team,
            namespace("blue") + &by_team,
            1,
        ),
        // Other namespaces may be of the blue team as well.
        ("by-name", namespace("blue") + &by_team, by_name.clone(), 1),
    ] {
        let a = Folder::new(&format!("namespace-{name}-a"), &[("a.yaml", &a)]);
        let b = Folder::new(&format!("namespace-{name}-b"), &[("b.yaml", &b)]);
        for (first, second) in [(&a, &b), (&b, &a)] {
            let output = portolan(&["equiv", first.path(), second.path()]);
            let text = stdout(&output) + &stderr(&output);
            assert_eq!(output.status.code(), Some(expected), "{name}\n{text}");
        }
    }
}

#[test]
fn redundant_parts_are_named_with_what_shadows_them() {
    let text =
        std::fs::read_to_string(Path::new(&root()).join("testdata/intent/redundant/policies.yaml"));
    assert!(text.is_ok());
    let output = portolan(&["redundant", "testdata/intent/redundant", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found: Vec<String> = answer
        .get("redundant")
        .and_then(|found| found.as_array())
        .into_iter()
        .flatten()
        .map(|found| {
            let line = |place: &serde_json::Value| {
                place
                    .as_str()
                    .unwrap()
                    .split(':')
                    .nth(1)
                    .unwrap()
                    .to_owned()
            };
            let kind = found.get("kind").and_then(|kind| kind.as_str()).unwrap();
            let shadows: Vec<String> = found
                .get("shadowedBy")
                .and_then(|shadows| shadows.as_array())
                .into_iter()
                .flatten()
                .map(line)
                .collect();
            format!(
                "{kind} {} by {}",
                line(found.get("place").unwrap()),
                shadows.join(" ")
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "policy 28 by 4",
            "peer 16 by 15",
            "port 21 by 19",
            "rule 22 by "
        ],
        "{answer:#}"
    );
}

/// Two policies of one priority, one of which accepts what the other denies: whether an assertion
/// holds depends on something that is not defined, and the map says about which connections.
#[test]
fn an_assertion_that_depends_on_a_tie_is_unknown() {
    let policy = |name: &str, action: &str| {
        format!(
            "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {{name: {name}}}\n\
             spec: {{tier: Admin, priority: 5, subject: {{namespaces: {{}}}}, \
             ingress: [{{action: {action}, from: [{{namespaces: {{}}}}]}}]}}\n"
        )
    };
    let pods = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {containers: []}\n\
                ---\napiVersion: v1\nkind: Pod\nmetadata: {name: db, namespace: shop}\nspec: {containers: []}\n";
    for (expect, names, expected) in [
        ("allowed", ["close", "open"], 4),
        ("denied", ["close", "open"], 4),
        ("allowed", ["open-too", "open"], 0),
    ] {
        let [first, second] = names;
        let action = |name: &str| if name == "close" { "Deny" } else { "Accept" };
        let manifests = format!(
            "{pods}{}{}",
            policy(first, action(first)),
            policy(second, action(second))
        );
        let asked = intent(&format!(
            "expect: {expect}\nscope: existing\nfrom: [{{workload: shop/web}}]\nto: [{{workload: shop/db}}]"
        ));
        let folder = Folder::new("tie", &[("pods.yaml", &manifests), ("intent.yaml", &asked)]);
        let output = portolan(&[
            "check",
            folder.path(),
            "--intent",
            &format!("{}/intent.yaml", folder.path()),
        ]);
        let said = stdout(&output);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{said}{}",
            stderr(&output)
        );
        let is_tied = expected == 4;
        assert_eq!(
            said.contains("depends on which wins of ClusterNetworkPolicy close"),
            is_tied,
            "{said}"
        );
        let map = stdout(&portolan(&["list", folder.path()]));
        let flat = map.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            flat.contains("have the same priority and disagree about shop/db to shop/web on every port; shop/web to shop/db on every port"),
            is_tied,
            "{map}"
        );
    }
}
