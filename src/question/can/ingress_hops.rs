//! From outside through an Ingress: to the controller, and from it to the backend (I5).

use super::example::{denied_sides, known_address};
use super::pieces::{ask, merge, overall_of};
use super::{Caller, CanError, Context, Example, Hop, Overall, Piece, Who};
use crate::model::{
    Cluster, Family, Flow, Ingress, IngressBackend, IngressPath, Party, PodId, Protocol,
    TrafficSet, Verdict,
};
use crate::question::ingress::{Controller, Target, controller_hop, controller_of, follow};
use crate::question::service::Backend;

/// Outside to controller, controller to backend (I5).
pub(super) fn ingress_hops(
    context: Context<'_>,
    sources: &Caller,
    host: &str,
    path: &str,
) -> Result<Vec<Hop>, CanError> {
    let cluster = context.cluster;
    let Some((ingress, route)) = serving(cluster, host, path) else {
        let mut available: Vec<String> = cluster
            .ingresses
            .iter()
            .flat_map(|ingress| &ingress.paths)
            .filter_map(|path| path.host.clone())
            .collect();
        available.sort();
        available.dedup();
        return Err(CanError::NoIngress {
            host: host.to_owned(),
            path: path.to_owned(),
            available,
        });
    };
    let controller = controller_of(cluster, ingress, context.controller);
    let mut hops = Vec::new();
    match &controller {
        Controller::Workloads(workloads) => {
            let mut pieces = Vec::new();
            for pod in workloads
                .iter()
                .flat_map(|&workload| cluster.pods_of(workload))
            {
                let web: Vec<u16> = pod
                    .1
                    .ports
                    .iter()
                    .map(|port| port.port)
                    .filter(is_web)
                    .collect();
                let ports = if web.is_empty() { vec![80, 443] } else { web };
                let asked = ports.iter().fold(TrafficSet::none(), |set, &port| {
                    set.union(&TrafficSet::ports(Protocol::Tcp, port, port))
                });
                pieces.extend(ask(
                    context,
                    sources,
                    &Who::Pods(vec![pod.0]),
                    Some(&asked),
                )?);
            }
            let overall = overall_of(&pieces, false);
            hops.push(Hop {
                title: "to the ingress controller".to_owned(),
                pieces: merge(pieces),
                notes: Vec::new(),
                overall,
            });
        }
        Controller::Unknown => hops.push(Hop {
            title: "to the ingress controller".to_owned(),
            pieces: Vec::new(),
            notes: vec![
                "the controller is not in the input, so this step is taken for granted; name it \
                 with `--ingress-controller NAMESPACE/SELECTOR`"
                    .to_owned(),
            ],
            overall: Overall::Yes,
        }),
    }
    hops.push(backend_hop(cluster, ingress, route, &controller));
    Ok(hops)
}

/// The container ports that controllers listen on for HTTP and HTTPS.
fn is_web(port: &u16) -> bool {
    matches!(port, 80 | 443 | 8000 | 8080 | 8443)
}

fn backend_hop(
    cluster: &Cluster,
    ingress: &Ingress,
    backend: &IngressBackend,
    controller: &Controller,
) -> Hop {
    let mut notes = Vec::new();
    let mut pieces = Vec::new();
    match follow(cluster, ingress, backend) {
        Target::Resource => notes.push("the backend is a resource, not a service".to_owned()),
        Target::NoService => notes.push(format!(
            "service `{}` is not in the input",
            backend.service.as_deref().unwrap_or_default()
        )),
        Target::NoPort { service } => notes.push(format!(
            "service `{}` has no such port",
            cluster.service(service).map_or("", |service| &service.name)
        )),
        Target::Backends { backends, .. } => {
            for backend in backends {
                if let Backend::Pod {
                    pod,
                    protocol,
                    port,
                } = backend
                {
                    pieces.extend(controller_pieces(cluster, controller, pod, protocol, port));
                }
            }
        }
    }
    let overall = overall_of(&pieces, false);
    Hop {
        title: format!(
            "from the controller to the backend of {} `{}`",
            ingress.kind, ingress.name
        ),
        pieces: merge(pieces),
        notes,
        overall,
    }
}

fn controller_pieces(
    cluster: &Cluster,
    controller: &Controller,
    pod: PodId,
    protocol: Protocol,
    port: u16,
) -> Vec<Piece> {
    let asked = TrafficSet::ports(protocol, port, port);
    controller_hop(cluster, controller, pod, protocol, port)
        .into_iter()
        .map(|(source, evaluation)| {
            let destination = Party::Pod {
                pod,
                address: known_address(cluster, pod, Family::V4),
            };
            let flow = Flow {
                source,
                destination,
                protocol,
                port,
            };
            let granted = |verdict| {
                if evaluation.verdict == verdict {
                    asked.clone()
                } else {
                    TrafficSet::none()
                }
            };
            let (allowed, unknown) = (granted(Verdict::Allowed), granted(Verdict::Unknown));
            let near = denied_sides(cluster, &flow, &evaluation);
            Piece {
                source: match source {
                    Party::Pod { pod, .. } => Who::Pods(vec![pod]),
                    _ => Who::UnknownController,
                },
                destination: Who::Pods(vec![pod]),
                asked: asked.clone(),
                allowed,
                unknown,
                family: None,
                example: Some(Example {
                    flow,
                    evaluation,
                    near,
                }),
            }
        })
        .collect()
}

/// The backend that takes a request: the most exact host, then an exact path, then the longest
/// prefix, then a default backend (I2).
fn serving<'a>(
    cluster: &'a Cluster,
    host: &str,
    path: &str,
) -> Option<(&'a Ingress, &'a IngressBackend)> {
    let by_path = cluster
        .ingresses
        .iter()
        .flat_map(|ingress| ingress.paths.iter().map(move |route| (ingress, route)))
        .filter(|(_, route)| host_matches(route, host) && path_matches(route, path))
        .max_by_key(|(_, route)| {
            let exact_host = route.host.as_deref() == Some(host);
            let length = route.path.as_ref().map_or(0, String::len);
            (exact_host, route.host.is_some(), route.exact, length)
        });
    by_path
        .map(|(ingress, route)| (ingress, &route.backend))
        .or_else(|| {
            let mut with_default = cluster.ingresses.iter().filter_map(|ingress| {
                let known = ingress.paths.iter().any(|route| host_matches(route, host));
                let backend = ingress.default_backend.as_ref()?;
                (known || ingress.paths.is_empty()).then_some((ingress, backend))
            });
            with_default.next()
        })
}

fn host_matches(route: &IngressPath, host: &str) -> bool {
    match route.host.as_deref() {
        None => true,
        Some(wanted) => match wanted.strip_prefix("*.") {
            // A wildcard stands for exactly one label.
            Some(suffix) => host
                .split_once('.')
                .is_some_and(|(first, rest)| !first.is_empty() && rest == suffix),
            None => wanted == host,
        },
    }
}

fn path_matches(route: &IngressPath, path: &str) -> bool {
    match route.path.as_deref() {
        None => true,
        Some(wanted) if route.exact => wanted == path,
        Some(wanted) => {
            // Element by element: `/a` matches `/a/b` and not `/ab`.
            let mut have = path.split('/').filter(|element| !element.is_empty());
            let mut need = wanted.split('/').filter(|element| !element.is_empty());
            need.all(|element| have.next() == Some(element))
        }
    }
}
