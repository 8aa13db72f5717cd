//! Nine pods against nine: namespaces x, y and z (labelled `ns`) with pods a, b and c each
//! (labelled `pod`), which serve 80 and 81 on every protocol under names like `serve-80-tcp`.
//!
//! A matrix starts out with everything allowed and is then told what is not, in the order in
//! which one would explain a policy. A pod and itself are left out.

use crate::harness::{Input, Row, check};
use portolan::model::{Cluster, Verdict};
use std::collections::BTreeMap;

const NAMESPACES: [&str; 3] = ["x", "y", "z"];
const PODS: [&str; 3] = ["a", "b", "c"];

/// The nine pods and no policy. Pod c of y is 10.0.2.3, and so on.
pub(crate) fn nine_pods() -> Input {
    nine_pods_but(&[])
}

/// The same with other labels on some objects: `("z", "ns: other")` or `("x/b", "pod: other")`.
pub(crate) fn nine_pods_but(relabelled: &[(&str, &str)]) -> Input {
    let labels_of = |object: &str, usual: String| {
        let changed = relabelled.iter().find(|(name, _)| *name == object);
        changed.map_or(usual, |(_, labels)| (*labels).to_owned())
    };
    let mut input = Input::empty();
    for (x, namespace) in NAMESPACES.iter().enumerate() {
        let labels = labels_of(namespace, format!("ns: {namespace}"));
        input = input.yaml(&format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}, labels: {{{labels}}}}}"
        ));
        for (y, pod) in PODS.iter().enumerate() {
            let name = format!("{namespace}/{pod}");
            let labels = labels_of(&name, format!("pod: {pod}"));
            let address = format!("10.0.{}.{}", x + 1, y + 1);
            input = input.pod_with(&name, &labels, &address, &served(), "");
        }
    }
    input
}

fn served() -> String {
    let mut ports = Vec::new();
    for protocol in ["TCP", "UDP", "SCTP"] {
        for port in [80, 81] {
            let name = format!("serve-{port}-{}", protocol.to_lowercase());
            ports.push(format!(
                "{{name: {name}, containerPort: {port}, protocol: {protocol}}}"
            ));
        }
    }
    ports.join(", ")
}

/// What is expected of every pair on some traffic.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    traffic: &'static str,
    allowed: BTreeMap<(&'static str, &'static str), bool>,
}

/// The names of the pods that a pattern stands for: `x/a`, `x/*`, `*/a` or `*/*`.
fn matching(pattern: &str) -> Vec<&'static str> {
    const ALL: [&str; 9] = [
        "x/a", "x/b", "x/c", "y/a", "y/b", "y/c", "z/a", "z/b", "z/c",
    ];
    let (namespace, pod) = pattern.split_once('/').unwrap();
    let fits = |name: &&str| {
        let (n, p) = name.split_once('/').unwrap();
        (namespace == "*" || namespace == n) && (pod == "*" || pod == p)
    };
    let found: Vec<_> = ALL.into_iter().filter(fits).collect();
    assert!(!found.is_empty(), "{pattern} is no pod");
    found
}

impl Matrix {
    /// Everything is allowed on this traffic.
    pub(crate) fn on(traffic: &'static str) -> Matrix {
        let allowed = BTreeMap::new();
        Matrix { traffic, allowed }.set("*/*", "*/*", true)
    }

    /// From then on nothing is allowed from these to those.
    pub(crate) fn deny(self, from: &str, to: &str) -> Matrix {
        self.set(from, to, false)
    }

    /// From then on everything is.
    pub(crate) fn allow(self, from: &str, to: &str) -> Matrix {
        self.set(from, to, true)
    }

    fn set(mut self, from: &str, to: &str, value: bool) -> Matrix {
        for from in matching(from) {
            for to in matching(to) {
                self.allowed.insert((from, to), value);
            }
        }
        self
    }

    fn rows(&self) -> Vec<Row> {
        let verdict = |allowed: bool| match allowed {
            true => Verdict::Allowed,
            false => Verdict::Denied,
        };
        let pairs = self.allowed.iter().filter(|((from, to), _)| from != to);
        let rows: Vec<Row> = pairs
            .map(|(&(from, to), &allowed)| (from, to, self.traffic, verdict(allowed)))
            .collect();
        assert_eq!(rows.len(), 72);
        rows
    }
}

/// Checks every matrix.
#[track_caller]
pub(crate) fn expect(input: &Input, matrices: &[Matrix]) {
    let cluster: Cluster = input.cluster();
    for matrix in matrices {
        check(&cluster, &matrix.rows());
    }
}

/// The traffic that is open although the policy at hand is about less.
#[track_caller]
pub(crate) fn expect_open(input: &Input, traffic: &[&'static str]) {
    let open: Vec<Matrix> = traffic.iter().map(|traffic| Matrix::on(traffic)).collect();
    expect(input, &open);
}
