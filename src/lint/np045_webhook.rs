//! NP045: an admission webhook that the API server cannot reach.

use super::view::{Context, name_of};
use super::{Found, Lint};
use crate::model::{Direction, Meta, PodId, ServicePort, Severity};
use crate::question::service::{Backend, backends};

const META: Meta = Meta {
    id: "NP045",
    name: "webhook-blocked",
    summary: "an admission webhook that the API server cannot reach",
    help: "The API server calls from a node's address, which no podSelector matches. Leave `from` out for that port, or allow the addresses of the control plane by ipBlock.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let kinds = [
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
    ];
    let mut found = Vec::new();
    for object in kinds
        .into_iter()
        .flat_map(|kind| context.written.of_kind(kind))
    {
        for webhook in object.node().get("webhooks").items() {
            let service = webhook.at(&["clientConfig", "service"]);
            let (Some(namespace), Some(name)) =
                (service.get("namespace").text(), service.get("name").text())
            else {
                continue;
            };
            let number = service.get("port").number().unwrap_or(443);
            let services = context.cluster.services.iter();
            let mut services =
                services.filter(|s| s.name == name && context.namespace(s.namespace) == namespace);
            let Some(service) = services.next() else {
                continue;
            };
            let wanted = |port: &&ServicePort| i128::from(port.port) == number;
            for port in service.ports.iter().filter(wanted) {
                for backend in backends(context.cluster, service, port) {
                    let Backend::Pod {
                        pod,
                        protocol,
                        port,
                    } = backend
                    else {
                        continue;
                    };
                    if is_closed(context, pod)
                        && !context
                            .outside(pod, Direction::Ingress)
                            .contains(protocol, port)
                    {
                        let Some(target) = context.cluster.pod(pod) else {
                            continue;
                        };
                        found.push(
                            Found::at(
                                &META,
                                context.workload_origin(target),
                                format!(
                                    "`{}` serves the webhook of `{}`, and its ingress policy lets no node in on {protocol} {port}",
                                    context.workload(pod),
                                    object.name()
                                ),
                            )
                            .related(name_of(&object.origin), "the API server calls it from a node's address")
                            .help(format!("add an ingress rule with `ports: [{{port: {port}}}]` and no `from`")),
                        );
                    }
                }
            }
        }
    }
    found.dedup_by(|a, b| a.finding == b.finding);
    found
}

fn is_closed(context: &Context<'_>, pod: PodId) -> bool {
    context.is_isolated(pod, Direction::Ingress)
}
