//! What proofs cost: 10,000 policies of 100 namespaces, and 1,000 assertions about them in the
//! scope `possible`, on one core.
//!
//! `cargo bench --bench proofs` prints what is done once, then the median, the 99th percentile and
//! the sum of the assertions; and the same for every 19th of them when the solver is told all
//! policies instead of those that can matter. `PORTOLAN_SLOWEST=1` names the slowest.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement that cannot go on has no result, and prints it otherwise"
)]

use portolan::intent::{Assertion, Controllers, parse_intents, resolve};
use portolan::manifest::{LoadOptions, load};
use portolan::question::check::{CheckOutcome, Checked, Context, check, vocabulary_of};
use portolan::source::Sources;
use portolan::symbolic::{Limits, PolicyIndex};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

const NAMESPACES: usize = 100;
/// Applications of a namespace; each has three policies, and the namespace one more.
const APPS: usize = 33;
const ASSERTIONS: usize = 1000;

fn main() {
    // `cargo test` runs benches too, without `--bench`: once, and small.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (namespaces, assertions) = if measured {
        (NAMESPACES, ASSERTIONS)
    } else {
        (3, 12)
    };
    let text = manifests(namespaces) + &intents(namespaces, assertions);
    let sources = Sources::from_text("bench.yaml", text);
    let mut loaded = load(&sources, &LoadOptions::default());
    let (parsed, findings) = parse_intents(&sources, &loaded.intents);
    assert!(findings.is_empty(), "{findings:?}");
    let cluster = &mut loaded.cluster;
    let resolved = resolve(cluster, &parsed, &Controllers::default(), None);
    let cluster = &*cluster;

    let started = Instant::now();
    let index = PolicyIndex::new(cluster);
    let known = resolved.known.as_ref().unwrap();
    let vocabulary = vocabulary_of(cluster, &resolved.assertions, known);
    let once = started.elapsed();

    println!(
        "{} policies, {} pods, {} assertions, one core",
        cluster.policies.len(),
        cluster.pods.len(),
        resolved.assertions.len()
    );
    println!(
        "index and vocabulary, once       {:8.1} ms",
        once.as_secs_f64() * 1e3
    );
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let run = |assertions: &[Assertion], slicing: bool| {
        let context = Context {
            cluster,
            index: &index,
            vocabulary: &vocabulary,
            known,
            limits: Limits {
                slicing,
                ..Limits::default()
            },
        };
        one.install(|| check(context, assertions)).unwrap()
    };
    let checked = run(&resolved.assertions, true);
    report("each assertion", &checked);
    let some: Vec<Assertion> = resolved.assertions.iter().step_by(19).cloned().collect();
    let kinds: Vec<Checked> = checked.iter().step_by(19).cloned().collect();
    report("every 19th of them", &kinds);
    let whole = run(&some, false);
    report("the same, all policies told", &whole);
    for (sliced, whole) in kinds.iter().zip(&whole) {
        assert_eq!(word(sliced), word(whole));
    }
    if std::env::var_os("PORTOLAN_SLOWEST").is_some() {
        let mut by_time: Vec<(&Assertion, &Checked)> =
            resolved.assertions.iter().zip(&checked).collect();
        by_time.sort_by_key(|(_, checked)| std::cmp::Reverse(checked.elapsed));
        for (assertion, checked) in by_time.iter().take(20) {
            println!(
                "{:8.1} ms {} {:?}",
                checked.elapsed.as_secs_f64() * 1e3,
                assertion.name,
                checked.effort
            );
        }
    }
    if let Some(peak) = peak_memory_kib() {
        println!("peak memory {:.0} MB", peak as f64 / 1024.0);
    }
}

fn word(checked: &Checked) -> &'static str {
    match checked.outcome {
        CheckOutcome::Proved => "proved",
        CheckOutcome::Violated(_) => "violated",
        CheckOutcome::Unknown { .. } => "unknown",
        CheckOutcome::Nothing { .. } => "about nothing",
        CheckOutcome::Unresolved => "unresolved",
    }
}

fn report(name: &str, checked: &[Checked]) {
    let mut times: Vec<f64> = checked
        .iter()
        .map(|c| c.elapsed.as_secs_f64() * 1e3)
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)];
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for checked in checked {
        *words.entry(word(checked)).or_default() += 1;
    }
    println!(
        "{name:32} median {:6.1} ms, 99% {:6.1} ms, sum {:6.2} s   {words:?}",
        at(0.5),
        at(0.99),
        times.iter().sum::<f64>() / 1e3
    );
}

/// The most memory this process ever held, in KiB, where the system tells.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn manifests(namespaces: usize) -> String {
    let mut text = String::new();
    for n in 0..namespaces {
        let team = n % 10;
        write!(
            text,
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: ns-{n}, labels: {{team: team-{team}}}}}\n---\n\
             apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: default-deny, namespace: ns-{n}}}\n\
             spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress], egress: [{{to: [{{namespaceSelector: \
             {{matchLabels: {{kubernetes.io/metadata.name: ns-0}}}}, podSelector: {{matchLabels: {{app: app-0}}}}}}], \
             ports: [{{protocol: UDP, port: 53}}, {{port: 53}}]}}]}}\n---\n"
        )
        .unwrap();
        for a in 0..APPS {
            let (next, tier) = ((a + 1) % APPS, a % 4);
            let other = (n + 1) % namespaces;
            write!(
                text,
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app-{a}, namespace: ns-{n}}}\n\
                 spec: {{replicas: 2, selector: {{matchLabels: {{app: app-{a}}}}}, template: {{metadata: {{labels: \
                 {{app: app-{a}, tier: tier-{tier}}}}}, spec: {{containers: [{{name: main, image: example.com/main, \
                 ports: [{{name: http, containerPort: 8080}}]}}]}}}}}}\n---\n\
                 apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: app-{a}-in, namespace: ns-{n}}}\n\
                 spec: {{podSelector: {{matchLabels: {{app: app-{a}}}}}, policyTypes: [Ingress], ingress: [{{from: \
                 [{{podSelector: {{matchLabels: {{app: app-{next}}}}}}}, {{namespaceSelector: {{matchLabels: \
                 {{kubernetes.io/metadata.name: ns-{other}}}}}, podSelector: {{matchExpressions: [{{key: tier, operator: In, \
                 values: [tier-0, tier-1]}}]}}}}], ports: [{{port: http}}, {{port: 9000, endPort: 9010}}]}}]}}\n---\n\
                 apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: app-{a}-out, namespace: ns-{n}}}\n\
                 spec: {{podSelector: {{matchLabels: {{app: app-{next}}}}}, policyTypes: [Egress], egress: [{{to: \
                 [{{podSelector: {{matchLabels: {{app: app-{a}}}}}}}], ports: [{{port: 8080}}]}}, {{to: [{{ipBlock: {{cidr: \
                 203.0.{a}.0/24, except: [203.0.{a}.128/25]}}}}], ports: [{{port: 443}}]}}]}}\n---\n\
                 apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: app-{a}-metrics, namespace: ns-{n}}}\n\
                 spec: {{podSelector: {{matchExpressions: [{{key: app, operator: In, values: [app-{a}]}}, {{key: tier, \
                 operator: NotIn, values: [tier-3]}}]}}, policyTypes: [Ingress], ingress: [{{from: [{{namespaceSelector: \
                 {{matchLabels: {{team: team-{team}}}}}, podSelector: {{matchLabels: {{tier: tier-0}}}}}}], ports: [{{port: \
                 9090}}]}}]}}\n---\n"
            )
            .unwrap();
        }
    }
    text
}

/// Assertions of ten kinds, in turn.
fn intents(namespaces: usize, assertions: usize) -> String {
    let mut text =
        "apiVersion: portolan.dev/v1\nkind: ConnectivityIntent\nmetadata: {name: bench}\n\
                    spec:\n  scope: possible\n  assertions:\n"
            .to_owned();
    for i in 0..assertions {
        let (n, a) = ((i * 7) % namespaces, (i * 3) % APPS);
        let (next, other) = ((a + 1) % APPS, (n + 1) % namespaces);
        let app = |n: usize, a: usize| {
            format!("{{namespace: ns-{n}, podSelector: {{matchLabels: {{app: app-{a}}}}}}}")
        };
        let everyone = "{podSelector: {}}";
        let of_team = format!(
            "{{namespaceSelector: {{matchLabels: {{team: team-{}}}}}}}",
            n % 10
        );
        let (expect, from, to, ports) = match i % 10 {
            0 => ("allowed", app(n, next), app(n, a), "[{port: 8080}]"),
            1 => ("only", app(n, next), app(n, a), "[{port: 8080}]"),
            2 => ("denied", app(n, a), app(other, a), "[{port: 5432}]"),
            3 => ("denied", everyone.to_owned(), app(n, a), "[{port: 5432}]"),
            4 => (
                "denied",
                "{entity: internet}".to_owned(),
                app(n, a),
                "[{port: 1, endPort: 65535}]",
            ),
            5 => (
                "denied",
                app(n, a),
                "{ipBlock: {cidr: 169.254.169.254/32}}".to_owned(),
                "[{port: 80}]",
            ),
            6 => (
                "allowed",
                format!("{{namespace: ns-{n}}}"),
                app(0, 0),
                "[{protocol: UDP, port: 53}]",
            ),
            7 => ("denied", of_team, app(n, a), "[{port: 22}]"),
            8 => (
                "denied",
                format!("{{namespace: ns-{n}}}"),
                format!("{{namespace: ns-{other}}}"),
                "[{port: 3306}]",
            ),
            _ => (
                "allowed",
                app(n, next),
                "{ipBlock: {cidr: 203.0.0.0/25}}".to_owned(),
                "[{port: 443}]",
            ),
        };
        writeln!(
            text,
            "    - {{name: a{i}-{}, expect: {expect}, from: [{from}], to: [{to}], ports: {ports}}}",
            i % 10
        )
        .unwrap();
    }
    text
}
