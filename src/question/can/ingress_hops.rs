//! From outside through an Ingress: the rule that takes the request, the way to the controller, and
//! from it to the backend (I1 to I5).

use super::called::Called;
use super::entry::entry_hops;
use super::example::{denied_sides, known_address};
use super::lookup::lookup_hop;
use super::pieces::{ask, merge, overall_of};
use super::service_hops::service_hop;
use super::{Caller, CanError, Context, Example, Hop, Overall, Piece, Who};
use crate::model::{
    Cluster, Family, Flow, Ingress, IngressBackend, IngressPath, Party, PodId, Protocol, Service,
    ServicePort, ServiceType, TrafficSet, Verdict, WorkloadId,
};
use crate::question::ingress::{
    Controller, Target, controller_hop, controller_of, follow, service_ports,
};
use crate::question::service::selected_pods;

/// All steps from outside, or from pods that call like others outside, to what an Ingress serves.
pub(super) fn ingress_hops(
    context: Context<'_>,
    sources: &Caller,
    host: &str,
    path: &str,
) -> Result<Vec<Hop>, CanError> {
    let cluster = context.cluster;
    let Some(serving) = serving(cluster, host, path) else {
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
    let Serving {
        ingress, backend, ..
    } = serving;
    let controller = controller_of(cluster, ingress, context.controller);
    let is_tls = covers(&ingress.tls_hosts, host);
    let mut hops = Vec::new();
    if let Caller::Pods(pods) = sources {
        hops.push(lookup_hop(context, pods, host)?);
    }
    hops.push(rule_hop(cluster, &serving, is_tls));
    hops.extend(controller_hops(context, sources, &controller, is_tls)?);
    hops.extend(backend_hops(context, ingress, backend, &controller)?);
    Ok(hops)
}

/// The rule that takes the request, with its class and TLS (I2 to I4).
fn rule_hop(cluster: &Cluster, serving: &Serving<'_>, is_tls: bool) -> Hop {
    let ingress = serving.ingress;
    let namespace = cluster.namespace_name(ingress.namespace);
    let mut hop = Hop::new(format!("{} {namespace}/{}", ingress.kind, ingress.name));
    hop.notes.push(match serving.route {
        Some(route) => format!(
            "takes it by host `{}` and {} `{}`",
            route.host.as_deref().unwrap_or("*"),
            if route.exact { "path" } else { "prefix" },
            route.path.as_deref().unwrap_or("/")
        ),
        None => "no rule takes it, so its default backend does (I2)".to_owned(),
    });
    hop.notes.push(match is_tls {
        true => "over TLS, on 443".to_owned(),
        false => "without TLS, on 80: `tls` does not list the host (I3)".to_owned(),
    });
    hop.shows(serving.backend.origin.clone(), "this backend");
    let classes = &cluster.ingress_classes;
    if ingress.kind != "Ingress" || classes.is_empty() {
        return hop;
    }
    let served = match &ingress.class {
        Some(name) => classes.iter().any(|class| class.name == *name),
        None => classes.iter().any(|class| class.is_default),
    };
    if served {
        return hop;
    }
    let cause = match &ingress.class {
        Some(class) => format!("its class `{class}` is not in the input (I4)"),
        None => "it has no class, and no class of the input is the default (I4)".to_owned(),
    };
    hop.ended(Overall::Unknown, cause)
}

fn covers(tls_hosts: &[String], host: &str) -> bool {
    let mut hosts = tls_hosts.iter();
    hosts.any(|tls| tls == "*" || host_is(tls, host))
}

/// From the callers to the controller: by the Service in front of it where there is one.
fn controller_hops(
    context: Context<'_>,
    sources: &Caller,
    controller: &Controller,
    is_tls: bool,
) -> Result<Vec<Hop>, CanError> {
    let title = "to the ingress controller";
    let Controller::Workloads(workloads) = controller else {
        let mut hop = Hop::new(title);
        hop.notes.push(
            "the controller is not in the input, so this step is taken for granted; name it with \
             `--ingress-controller NAMESPACE/SELECTOR`"
                .to_owned(),
        );
        return Ok(vec![hop]);
    };
    if let Caller::Addresses(addresses) = sources
        && let Some((service, ports)) = in_front(context.cluster, workloads, is_tls)
    {
        let (_, called) = service_hop(context.cluster, service, &ports, None);
        let mut hops = entry_hops(context, addresses, service, &ports, &called)?;
        if let Some(last) = hops.get_mut(1) {
            last.title = title.to_owned();
        }
        return Ok(hops);
    }
    let mut hop = Hop::new(title);
    if matches!(sources, Caller::Addresses(_)) {
        hop.notes.push(
            "no service of type LoadBalancer or NodePort in front of the controller is in the \
             input, so it is taken to be called itself"
                .to_owned(),
        );
    }
    for (id, pod) in workloads
        .iter()
        .flat_map(|&workload| context.cluster.pods_of(workload))
    {
        let web = |wanted: fn(u16) -> bool| -> Vec<u16> {
            let ports = pod.ports.iter().map(|port| port.port);
            ports.filter(|&port| wanted(port)).collect()
        };
        let ports = match (is_tls, web(is_https), web(is_http)) {
            (true, https, _) if !https.is_empty() => https,
            (false, _, http) if !http.is_empty() => http,
            (true, _, _) => vec![443],
            (false, _, _) => vec![80],
        };
        let asked = ports.iter().fold(TrafficSet::none(), |set, &port| {
            set.union(&TrafficSet::ports(Protocol::Tcp, port, port))
        });
        let pieces = ask(context, sources, &Who::Pods(vec![id]), Some(&asked))?;
        hop.pieces.extend(pieces);
    }
    hop.overall = overall_of(&hop.pieces, false);
    hop.pieces = merge(hop.pieces);
    Ok(vec![hop])
}

/// The container ports that controllers listen on for HTTPS.
fn is_https(port: u16) -> bool {
    matches!(port, 443 | 8443)
}

/// The container ports that controllers listen on for HTTP.
fn is_http(port: u16) -> bool {
    matches!(port, 80 | 8000 | 8080)
}

/// The Service that callers outside dial to get to the controller, and its port for them.
fn in_front<'a>(
    cluster: &'a Cluster,
    workloads: &[WorkloadId],
    is_tls: bool,
) -> Option<(&'a Service, Vec<&'a ServicePort>)> {
    let is_open = |service: &&Service| {
        matches!(
            service.service_type,
            ServiceType::LoadBalancer | ServiceType::NodePort
        ) || !service.external_ips.is_empty()
    };
    let wanted = if is_tls { 443 } else { 80 };
    let mut open = cluster.services.iter().filter(is_open);
    open.find_map(|service| {
        let mut behind = selected_pods(cluster, service);
        if !behind.any(|(_, pod)| workloads.contains(&pod.workload)) {
            return None;
        }
        let tcp = service.ports.iter().filter(|p| p.protocol == Protocol::Tcp);
        let ports: Vec<_> = tcp.filter(|port| port.port == wanted).collect();
        (!ports.is_empty()).then_some((service, ports))
    })
}

/// The backend's Service, and from the controller to the pods behind it.
fn backend_hops(
    context: Context<'_>,
    ingress: &Ingress,
    backend: &IngressBackend,
    controller: &Controller,
) -> Result<Vec<Hop>, CanError> {
    let cluster = context.cluster;
    let title = "from the controller to the pods behind it";
    let name = backend.service.as_deref().unwrap_or_default();
    let stopped = |cause: String| {
        let namespace = cluster.namespace_name(ingress.namespace);
        let mut hop = Hop::new(format!("service {namespace}/{name}"));
        hop.shows(backend.origin.clone(), "named here");
        hop.ended(Overall::No, cause)
    };
    let service = match follow(cluster, ingress, backend) {
        Target::Resource => {
            let mut hop = Hop::new(title);
            hop.shows(backend.origin.clone(), "a resource");
            let cause = "the backend is a resource, not a service";
            return Ok(vec![hop.ended(Overall::Unknown, cause)]);
        }
        Target::NoService => {
            return Ok(vec![stopped(format!(
                "service `{name}` is not in the input (I1)"
            ))]);
        }
        Target::NoPort { .. } => {
            return Ok(vec![stopped(format!(
                "service `{name}` has no such port (I1)"
            ))]);
        }
        Target::Backends { service, .. } => cluster.service(service),
    };
    let Some(service) = service else {
        return Ok(Vec::new());
    };
    if let Some(alias) = &service.external_name {
        let cause = format!(
            "`{name}` is an alias for `{alias}` (ExternalName), which many controllers refuse (S5)"
        );
        return Ok(vec![
            Hop::new(format!("service {name}")).ended(Overall::Unknown, cause),
        ]);
    }
    let ports = service_ports(service, backend.port.as_ref());
    let (hop, called) = service_hop(cluster, service, &ports, None);
    let mut hops = vec![hop];
    if called.is_empty() {
        return Ok(hops);
    }
    let mut hop = Hop::new(title);
    for one in &called {
        hop.pieces
            .extend(controller_pieces(context, controller, one)?);
    }
    hop.overall = overall_of(&hop.pieces, false);
    hop.pieces = merge(hop.pieces);
    if hop.pieces.is_empty() {
        hop = hop.ended(Overall::Unknown, "the controller is not in the input");
    }
    hops.push(hop);
    Ok(hops)
}

fn controller_pieces(
    context: Context<'_>,
    controller: &Controller,
    (destination, asked): &Called,
) -> Result<Vec<Piece>, CanError> {
    let (Who::Pods(pods), Some(asked)) = (destination, asked) else {
        let Controller::Workloads(workloads) = controller else {
            return Ok(Vec::new());
        };
        let pods = workloads
            .iter()
            .flat_map(|&workload| context.cluster.pods_of(workload))
            .map(|(id, _)| id);
        let caller = Caller::Pods(pods.collect());
        return ask(context, &caller, destination, asked.as_ref());
    };
    let mut pieces = Vec::new();
    for &pod in pods {
        for protocol in Protocol::ALL {
            if let Some(port) = asked.get(protocol).first() {
                pieces.extend(to_pod(context.cluster, controller, pod, protocol, port));
            }
        }
    }
    Ok(pieces)
}

fn to_pod(
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

/// What takes a request.
#[derive(Clone, Copy)]
struct Serving<'a> {
    ingress: &'a Ingress,
    /// The rule's path; `None` for a default backend.
    route: Option<&'a IngressPath>,
    backend: &'a IngressBackend,
}

/// The backend that takes a request: the most exact host, then an exact path, then the longest
/// prefix, then a default backend (I2).
fn serving<'a>(cluster: &'a Cluster, host: &str, path: &str) -> Option<Serving<'a>> {
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
        .map(|(ingress, route)| Serving {
            ingress,
            route: Some(route),
            backend: &route.backend,
        })
        .or_else(|| {
            let mut with_default = cluster.ingresses.iter().filter_map(|ingress| {
                let known = ingress.paths.iter().any(|route| host_matches(route, host));
                let backend = ingress.default_backend.as_ref()?;
                (known || ingress.paths.is_empty()).then_some(Serving {
                    ingress,
                    route: None,
                    backend,
                })
            });
            with_default.next()
        })
}

fn host_matches(route: &IngressPath, host: &str) -> bool {
    let wanted = route.host.as_deref();
    wanted.is_none_or(|wanted| host_is(wanted, host))
}

/// Whether a host is the wanted one. A wildcard stands for exactly one label (I2).
fn host_is(wanted: &str, host: &str) -> bool {
    match wanted.strip_prefix("*.") {
        Some(suffix) => host
            .split_once('.')
            .is_some_and(|(first, rest)| !first.is_empty() && rest == suffix),
        None => wanted == host,
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
