//! NP046: metrics that Prometheus cannot fetch.

use super::view::Context;
use super::{Found, Lint};
use crate::manifest::Node;
use crate::model::{Direction, Labels, Meta, Pod, PodId, Protocol, Severity};

const META: Meta = Meta {
    id: "NP046",
    name: "scrape-blocked",
    summary: "metrics that Prometheus cannot fetch",
    help: "Allow ingress from the Prometheus pods on the metrics port.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let scrapers: Vec<PodId> = context
        .pods()
        .filter(|(_, pod)| {
            let labels = [
                ("app.kubernetes.io/name", "prometheus"),
                ("app", "prometheus"),
            ];
            labels
                .into_iter()
                .any(|label| has(context, &pod.labels, label))
        })
        .map(|(id, _)| id)
        .collect();
    let mut found = Vec::new();
    let isolated = context.pods().map(|(id, _)| id);
    let isolated = isolated.filter(|&id| context.is_isolated(id, Direction::Ingress));
    for (id, pod) in context.once_each(isolated) {
        let Some((port, why)) = scraped(context, pod) else {
            continue;
        };
        let name = context.workload(id);
        let place = context.workload_origin(pod);
        let witness = scrapers.iter().filter(|s| **s != id).find_map(|&scraper| {
            let denied = !context.between(scraper, id).contains(Protocol::Tcp, port);
            denied
                .then(|| context.pod_witness(scraper, id, Protocol::Tcp, port))
                .flatten()
        });
        let closed = scrapers.is_empty()
            && !context
                .anything(id, Direction::Ingress)
                .contains(Protocol::Tcp, port);
        if witness.is_some() || closed {
            found.push(
                Found::at(&META, place, format!("{why} says that `{name}` has metrics on TCP {port}, and its ingress policy does not let Prometheus in"))
                    .help(format!("allow ingress from the Prometheus pods on TCP {port}"))
                    .witness(witness),
            );
        }
    }
    found
}

fn has(context: &Context<'_>, labels: &Labels, (key, value): (&str, &str)) -> bool {
    let symbols = &context.cluster.symbols;
    let value = symbols.get(value);
    value.is_some() && symbols.get(key).and_then(|key| labels.get(key)) == value
}

/// The port that is to be scraped, and what says so.
fn scraped(context: &Context<'_>, pod: &Pod) -> Option<(u16, String)> {
    let annotations = context.template(pod).at(&["metadata", "annotations"]);
    if annotations.get("prometheus.io/scrape").text() == Some("true") {
        let port = annotations
            .get("prometheus.io/port")
            .text()
            .and_then(|port| port.parse().ok());
        let declared = pod.ports.first().map(|port| port.port);
        return Some((
            port.or(declared)?,
            "the annotation `prometheus.io/scrape`".to_owned(),
        ));
    }
    let monitors = context.written.of_kind("PodMonitor");
    let mut monitors = monitors.filter(|monitor| {
        let in_namespace = monitor
            .namespace()
            .is_none_or(|n| n == context.namespace(pod.namespace));
        in_namespace
            && selects(
                context,
                monitor.node().at(&["spec", "selector"]),
                &pod.labels,
            )
    });
    if let Some((monitor, port)) = monitors.find_map(|monitor| {
        let endpoint = monitor
            .node()
            .at(&["spec", "podMetricsEndpoints"])
            .items()
            .next()?;
        Some((
            monitor.name(),
            named(context, pod, endpoint.get("port").text()?)?,
        ))
    }) {
        return Some((port, format!("PodMonitor `{monitor}`")));
    }
    context
        .written
        .of_kind("ServiceMonitor")
        .find_map(|monitor| {
            let selector = monitor.node().at(&["spec", "selector"]);
            let endpoint = monitor.node().at(&["spec", "endpoints"]).items().next()?;
            let wanted = endpoint.get("port").text()?;
            let services = context
                .cluster
                .services
                .iter()
                .filter(|s| s.namespace == pod.namespace);
            let mut services = services.filter(|service| {
                let labels = context.node(&service.origin).at(&["metadata", "labels"]);
                let mut wanted = selector.get("matchLabels").entries().peekable();
                let selects_pod = service
                    .selector
                    .as_ref()
                    .is_some_and(|s| !s.is_everything() && s.matches(&pod.labels));
                selects_pod
                    && wanted.peek().is_some()
                    && wanted.all(|(key, value)| labels.get(key).text() == value.text())
            });
            let service = services.next()?;
            let port = service
                .ports
                .iter()
                .find(|port| port.name.as_deref() == Some(wanted))?;
            let number = match port.target {
                crate::model::TargetPort::Number(number) => number,
                crate::model::TargetPort::Name(name) => named(context, pod, context.text(name))?,
            };
            Some((number, format!("ServiceMonitor `{}`", monitor.name())))
        })
}

fn named(context: &Context<'_>, pod: &Pod, name: &str) -> Option<u16> {
    let mut ports = pod.ports.iter();
    let found = ports.find(|port| port.name.is_some_and(|own| context.text(own) == name));
    found.map(|port| port.port)
}

fn selects(context: &Context<'_>, selector: Node<'_>, labels: &Labels) -> bool {
    let mut wanted = selector.get("matchLabels").entries().peekable();
    wanted.peek().is_some()
        && wanted.all(|(key, value)| {
            value
                .text()
                .is_some_and(|value| has(context, labels, (key, value)))
        })
}
