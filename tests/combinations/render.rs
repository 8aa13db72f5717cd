//! Descriptions as manifests.

use crate::describe::{
    Block, Number, PROTOCOLS, Peer, Policy, Port, Rule, SERVED, Selector, Want, World, port_name,
};
use std::collections::BTreeMap;

/// A world as one stream of YAML documents.
pub(crate) fn render(world: &World) -> String {
    let mut documents = Vec::new();
    for (name, labels) in &world.namespaces {
        documents.push(format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {}}}\n",
            render_labels(labels)
        ));
    }
    for pod in &world.pods {
        let ports = PROTOCOLS.iter().flat_map(|protocol| {
            SERVED.map(|number| {
                let name = port_name(number, protocol);
                format!("{{name: {name}, containerPort: {number}, protocol: {protocol}}}")
            })
        });
        documents.push(format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {}, namespace: {}, labels: {}}}\n\
             spec: {{containers: [{{name: main, image: serve, ports: [{}]}}]}}\n\
             status: {{phase: Running, podIP: {ip}, podIPs: [{{ip: {ip}}}]}}\n",
            pod.name,
            pod.namespace,
            render_labels(&pod.labels),
            ports.collect::<Vec<_>>().join(", "),
            ip = pod.address.map(|byte| byte.to_string()).join("."),
        ));
    }
    documents.extend(world.policies.iter().map(render_policy));
    documents.join("---\n")
}

fn render_policy(policy: &Policy) -> String {
    let mut spec = vec![format!("podSelector: {}", render_selector(&policy.target))];
    if let Some(types) = &policy.types {
        let names = types.iter().map(|way| match way {
            crate::describe::Way::Ingress => "Ingress",
            crate::describe::Way::Egress => "Egress",
        });
        spec.push(format!("policyTypes: {}", list(names)));
    }
    for (key, peers, rules) in [
        ("ingress", "from", &policy.ingress),
        ("egress", "to", &policy.egress),
    ] {
        if let Some(rules) = rules {
            let rules = rules.iter().map(|rule| render_rule(rule, peers));
            spec.push(format!("{key}: {}", list(rules)));
        }
    }
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: {}, namespace: {}}}\nspec:\n  {}\n",
        policy.name,
        policy.namespace,
        spec.join("\n  ")
    )
}

fn render_rule(rule: &Rule, peers_key: &str) -> String {
    let mut fields = Vec::new();
    if let Some(peers) = &rule.peers {
        fields.push(format!(
            "{peers_key}: {}",
            list(peers.iter().map(render_peer))
        ));
    }
    if let Some(ports) = &rule.ports {
        fields.push(format!("ports: {}", list(ports.iter().map(render_port))));
    }
    format!("{{{}}}", fields.join(", "))
}

fn render_peer(peer: &Peer) -> String {
    match peer {
        Peer::Pods { namespaces, pods } => {
            let fields = [("namespaceSelector", namespaces), ("podSelector", pods)];
            let written = fields.into_iter().filter_map(|(key, selector)| {
                Some(format!("{key}: {}", render_selector(selector.as_ref()?)))
            });
            format!("{{{}}}", written.collect::<Vec<_>>().join(", "))
        }
        Peer::Block { cidr, except } => {
            let except = list(except.iter().map(render_block));
            format!(
                "{{ipBlock: {{cidr: {}, except: {except}}}}}",
                render_block(cidr)
            )
        }
    }
}

fn render_block(block: &Block) -> String {
    let address = block.address.map(|byte| byte.to_string()).join(".");
    format!("{address}/{}", block.length)
}

fn render_port(port: &Port) -> String {
    let mut fields = Vec::new();
    match port.number {
        Number::Any => {}
        Number::One(number) => fields.push(format!("port: {number}")),
        Number::To(first, last) => fields.push(format!("port: {first}, endPort: {last}")),
        Number::Name(name) => fields.push(format!("port: {name}")),
    }
    if let Some(protocol) = port.protocol {
        fields.push(format!("protocol: {protocol}"));
    }
    format!("{{{}}}", fields.join(", "))
}

fn render_selector(selector: &Selector) -> String {
    let mut labels = BTreeMap::new();
    let mut expressions = Vec::new();
    for want in selector {
        let (key, operator, values) = match want {
            Want::Is(key, value) => {
                labels.insert((*key).to_owned(), (*value).to_owned());
                continue;
            }
            Want::In(key, values) => (key, "In", Some(values)),
            Want::NotIn(key, values) => (key, "NotIn", Some(values)),
            Want::Exists(key) => (key, "Exists", None),
            Want::DoesNotExist(key) => (key, "DoesNotExist", None),
        };
        let values = values.map_or(String::new(), |values| {
            format!(", values: {}", list(values.iter().copied()))
        });
        expressions.push(format!("{{key: {key}, operator: {operator}{values}}}"));
    }
    let mut fields = Vec::new();
    if !labels.is_empty() {
        fields.push(format!("matchLabels: {}", render_labels(&labels)));
    }
    if !expressions.is_empty() {
        fields.push(format!("matchExpressions: {}", list(expressions)));
    }
    format!("{{{}}}", fields.join(", "))
}

fn render_labels(labels: &BTreeMap<String, String>) -> String {
    let pairs = labels
        .iter()
        .map(|(key, value)| format!("{key}: \"{value}\""));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

fn list(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| i.as_ref().to_owned()).collect();
    format!("[{}]", items.join(", "))
}
