//! NP040: a pod that calls by name and cannot resolve names (D1).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Direction, Meta, Pod, Protocol, Severity, Verdict};
use crate::question::dns::{can_resolve, dns_pods, dns_ports};

const META: Meta = Meta {
    id: "NP040",
    name: "no-dns",
    summary: "a pod that egress policy keeps from resolving names",
    help: "Calls by name fail before they start. Allow UDP and TCP 53 to the DNS pods of kube-system.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let servers = dns_pods(context.cluster);
    let mut found = Vec::new();
    let isolated = context.pods().map(|(id, _)| id);
    let isolated = isolated.filter(|&id| context.is_isolated(id, Direction::Egress));
    for (id, pod) in context.once_each(isolated) {
        let allowed = context.anything(id, Direction::Egress);
        // A pod that may call no one needs no names.
        if allowed.is_none()
            || can_resolve(context.cluster, context.reach, &servers, id) != Verdict::Denied
            || servers.contains(&id)
        {
            continue;
        }
        let name = context.workload(id);
        let used = uses_name(context, pod);
        let message = match &used {
            Some(used) => format!(
                "`{name}` calls `{used}` by name, and its egress policy does not let it resolve names"
            ),
            None => format!(
                "`{name}` may call others, and its egress policy does not let it resolve names"
            ),
        };
        let witness = servers.first().and_then(|&server| {
            let ports = dns_ports(context.cluster, server);
            let (protocol, port) = ports.into_iter().find(|(p, _)| *p == Protocol::Udp)?;
            context.pod_witness(id, server, protocol, port)
        });
        let mut one = Found::at(&META, context.workload_origin(pod), message)
            .help("allow egress to `k8s-app: kube-dns` in `kube-system` on UDP 53 and TCP 53")
            .witness(witness);
        if used.is_some() {
            one = one.severity(Severity::Error);
        }
        let policies = context.table(id, Direction::Egress);
        let policies = policies.map_or(&[][..], |(_, table)| &table.policies);
        one = one.policies(
            context.cluster,
            policies,
            "isolates it for egress, without DNS",
        );
        found.push(one);
    }
    found
}

/// A Service that the environment, the command or the arguments of a pod name.
fn uses_name<'a>(context: &Context<'a>, pod: &Pod) -> Option<&'a str> {
    let template = context.template(pod);
    let containers = ["initContainers", "containers"];
    let containers = containers
        .into_iter()
        .flat_map(|key| template.at(&["spec", key]).items());
    let texts: Vec<&str> = containers
        .flat_map(|container| {
            let fields = ["command", "args"]
                .into_iter()
                .flat_map(|key| container.get(key).texts());
            let values = container
                .get("env")
                .items()
                .filter_map(|one| one.get("value").text());
            fields.chain(values).collect::<Vec<_>>()
        })
        .collect();
    let services = context.cluster.services.iter();
    services
        .map(|service| service.name.as_str())
        .find(|name| texts.iter().any(|text| names(text, name)))
}

/// Whether a text names a host: `http://cart:7070/`, `cart.shop.svc`, `--db=cart:5432`.
fn names(text: &str, host: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(host).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + host.len()..).unwrap_or_default();
        let starts = before.is_none_or(|c| !is_word(c) && c != '.');
        let is_address = after.starts_with(':')
            && after.chars().nth(1).is_some_and(|c| c.is_ascii_digit())
            || after.starts_with(".svc")
            || after.contains(".svc.")
            || text.get(..at).is_some_and(|before| before.ends_with("://"));
        starts && is_address && after.chars().next().is_none_or(|c| !is_word(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn np040_hosts_in_texts() {
        for (text, expected) in [
            ("http://cart", true),
            ("http://cart/path", true),
            ("cart:7070", true),
            ("--db=cart:7070", true),
            ("cart.shop.svc.cluster.local", true),
            ("cart", false),
            ("shopping-cart:7070", false),
            ("cart-cache:6379", false),
            ("image: cart:latest", false),
        ] {
            assert_eq!(names(text, "cart"), expected, "{text}");
        }
    }
}
