//! Policy sets for the pods of the topology, made up from a seed.

use crate::topology::{PODS, node_addresses, pod_addresses};
use std::fmt::Write as _;

/// The ports that are listened on.
pub(crate) const PORTS: [u16; 4] = [53, 80, 8080, 8090];

/// A small generator of numbers: the same seed gives the same policies everywhere.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap();
        choices[index]
    }
}

/// The nodes and pods, as a live listing has them. Pods are in two namespaces.
pub(crate) fn cluster() -> String {
    let mut text = String::new();
    for (index, namespace) in ["left", "right"].into_iter().enumerate() {
        let [v4, v6] = node_addresses(index);
        let n = index + 1;
        write!(
            text,
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}, labels: {{side: {namespace}}}}}\n---\n\
             apiVersion: v1\nkind: Node\nmetadata: {{name: n{n}}}\nspec: {{podCIDRs: [10.244.{n}.0/24, \
             \"fd10:244:{n}::/64\"]}}\nstatus: {{addresses: [{{type: InternalIP, address: {v4}}}, \
             {{type: InternalIP, address: \"{v6}\"}}]}}\n---\n"
        )
        .unwrap();
    }
    for (index, (name, node, last)) in PODS.into_iter().enumerate() {
        let [v4, v6] = pod_addresses(node, last);
        let namespace = ["left", "right"][index % 2];
        // The same name is another port on each pod.
        let port = [80, 8080, 8090][index % 3];
        write!(
            text,
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{app: {name}, \
             node: n{n}}}}}\nspec: {{nodeName: n{n}, containers: [{{name: main, image: example.com/main, ports: \
             [{{name: http, containerPort: {port}}}, {{name: dns, containerPort: 53, protocol: UDP}}]}}]}}\n\
             status: {{phase: Running, podIPs: [{{ip: {v4}}}, {{ip: \"{v6}\"}}]}}\n---\n",
            n = node + 1,
        )
        .unwrap();
    }
    text
}

fn selector(draw: &mut Draw) -> &'static str {
    draw.of(&[
        "{}",
        "{matchLabels: {app: a}}",
        "{matchLabels: {app: c}}",
        "{matchLabels: {node: n1}}",
        "{matchExpressions: [{key: app, operator: In, values: [a, b, d]}]}",
        "{matchExpressions: [{key: app, operator: NotIn, values: [b, c]}]}",
    ])
}

fn peer(draw: &mut Draw) -> String {
    match draw.below(5) {
        0 => format!("{{podSelector: {}}}", selector(draw)),
        1 => {
            let side = draw.of(&[
                "{}",
                "{matchLabels: {side: left}}",
                "{matchLabels: {side: right}}",
            ]);
            format!("{{namespaceSelector: {side}}}")
        }
        2 => format!(
            "{{namespaceSelector: {{}}, podSelector: {}}}",
            selector(draw)
        ),
        3 => {
            let block = draw.of(&[
                "192.0.2.0/24, except: [192.0.2.128/25]",
                "0.0.0.0/0, except: [10.244.1.0/28, 192.0.2.11/32]",
                "10.244.0.0/16",
                "10.244.1.8/30",
                "192.0.2.200/32",
            ]);
            format!("{{ipBlock: {{cidr: {block}}}}}")
        }
        _ => {
            let block = draw.of(&[
                "\"fd00:2::/64\", except: [\"fd00:2::80/121\"]",
                "\"::/0\", except: [\"fd10:244:1::a/127\"]",
                "\"fd10:244::/32\"",
                "\"fd00:2::64/128\"",
            ]);
            format!("{{ipBlock: {{cidr: {block}}}}}")
        }
    }
}

fn port(draw: &mut Draw) -> String {
    draw.of(&[
        "{port: 80}",
        "{port: 8080, endPort: 8090}",
        "{port: http}",
        "{port: dns, protocol: UDP}",
        "{port: 53, protocol: UDP}",
        "{protocol: UDP}",
        "{protocol: TCP}",
        "{protocol: SCTP, port: 80}",
        "{protocol: SCTP}",
        "{port: 8081, endPort: 9000, protocol: UDP}",
    ])
    .to_owned()
}

fn list(draw: &mut Draw, most: u64, each: fn(&mut Draw) -> String) -> String {
    let count = 1 + draw.below(most);
    let items: Vec<String> = (0..count).map(|_| each(draw)).collect();
    format!("[{}]", items.join(", "))
}

fn rules(draw: &mut Draw, peers: &str) -> String {
    let count = draw.below(3);
    let rules: Vec<String> = (0..count)
        .map(|_| {
            let mut parts = Vec::new();
            if draw.below(5) > 0 {
                parts.push(format!("{peers}: {}", list(draw, 2, peer)));
            }
            if draw.below(3) > 0 {
                parts.push(format!("ports: {}", list(draw, 2, port)));
            }
            format!("{{{}}}", parts.join(", "))
        })
        .collect();
    format!("[{}]", rules.join(", "))
}

/// A few policies.
pub(crate) fn policies(seed: u64) -> String {
    let mut draw = Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    draw.below(2);
    let mut text = String::new();
    for index in 0..=draw.below(4) {
        let namespace = draw.of(&["left", "right"]);
        let types = draw.of(&["[Ingress]", "[Egress]", "[Ingress, Egress]"]);
        write!(
            text,
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{index}, namespace: {namespace}}}\n\
             spec:\n  podSelector: {}\n  policyTypes: {types}\n",
            selector(&mut draw)
        )
        .unwrap();
        if types.contains("Ingress") {
            writeln!(text, "  ingress: {}", rules(&mut draw, "from")).unwrap();
        }
        if types.contains("Egress") {
            writeln!(text, "  egress: {}", rules(&mut draw, "to")).unwrap();
        }
        text.push_str("---\n");
    }
    text
}
