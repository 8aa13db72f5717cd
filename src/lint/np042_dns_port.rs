//! NP042: DNS allowed on a port that the DNS pods do not listen on, or past the node's cache (D2, D3).

use super::view::{Context, has_port};
use super::{Found, Lint};
use crate::model::{Direction, Meta, PodId, Protocol, Severity};
use crate::question::dns::{NODE_LOCAL, dns_pods, dns_ports, is_dns_rule};

const META: Meta = Meta {
    id: "NP042",
    name: "dns-port",
    summary: "a DNS rule that misses where DNS is served",
    help: "Policy sees the port on the DNS pod, 5353 on OpenShift, and with NodeLocal DNSCache the address 169.254.20.10. Allow those.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let servers = dns_pods(context.cluster);
    let local = context
        .pods()
        .any(|(id, pod)| pod.host_network && context.workload(id).ends_with("/node-local-dns"));
    let mut found = Vec::new();
    for at in context
        .rules()
        .filter(|at| at.direction == Direction::Egress)
    {
        if !is_dns_rule(context.cluster, at.rule) || at.rule.ports.is_none() {
            continue;
        }
        let listens = |server: &PodId| {
            let ports = dns_ports(context.cluster, *server).into_iter();
            ports
                .filter(|(protocol, _)| *protocol == Protocol::Udp)
                .map(|(_, port)| port)
                .collect::<Vec<_>>()
        };
        let wanted: Vec<u16> = servers.iter().flat_map(listens).collect();
        let named = at
            .ports()
            .iter()
            .any(|port| super::view::single(port).is_none());
        let hits = wanted
            .iter()
            .any(|port| at.ports().iter().any(|p| has_port(p, Protocol::Udp, *port)));
        if let (Some(real), Some(port), false) = (wanted.first(), at.ports().first(), hits || named)
        {
            found.push(
                Found::at(&META, at.port_origin(port), format!("the DNS pods listen on port {real}, which this does not allow"))
                    .help(format!("allow UDP and TCP {real}: policy sees the port on the pod, not that of the Service")),
            );
            continue;
        }
        let subjects = context.subjects(at.policy);
        let cached = |pod: &PodId| {
            let traffic = context
                .reach
                .with_external(*pod, Direction::Egress, NODE_LOCAL);
            traffic.is_none_or(|traffic| traffic.may().contains(Protocol::Udp, 53))
        };
        if local && !subjects.is_empty() && !subjects.iter().all(cached) {
            found.push(
                Found::at(
                    &META,
                    at.origin(),
                    format!("the nodes cache DNS at {NODE_LOCAL}, which this does not allow"),
                )
                .help(format!(
                    "add a peer with `ipBlock: {{cidr: {NODE_LOCAL}/32}}`"
                )),
            );
        }
    }
    found
}
