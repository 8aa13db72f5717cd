//! IN001: an Ingress to a Service that is not there (I1).

use super::view::Context;
use super::{Found, Lint};
use crate::model::nearest;
use crate::model::{Meta, Severity};
use crate::question::ingress::{Target, all_backends, follow};

const META: Meta = Meta {
    id: "IN001",
    name: "backend-missing",
    summary: "an Ingress to a Service that is not there",
    help: "The Service has to be in the namespace of the Ingress. Clients get 503.",
    severity: Severity::Error,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for ingress in &context.cluster.ingresses {
        let services: Vec<&str> = context
            .cluster
            .services
            .iter()
            .filter(|s| s.namespace == ingress.namespace)
            .map(|s| s.name.as_str())
            .collect();
        for backend in all_backends(ingress) {
            if follow(context.cluster, ingress, backend) != Target::NoService {
                continue;
            }
            let name = backend.service.as_deref().unwrap_or_default();
            let own = context.namespace(ingress.namespace);
            let one = Found::at(
                &META,
                backend.origin.clone(),
                format!("namespace `{own}` has no service `{name}`"),
            );
            // Without any Service at hand, the input is a part of what there is.
            let one = if services.is_empty() {
                one.pedantic()
            } else {
                one
            };
            let elsewhere = context.cluster.services.iter().find(|s| s.name == name);
            found.push(match (nearest(name, services.iter().copied()), elsewhere) {
                (Some(near), _) => one.help(format!("did you mean `{near}`?")),
                (None, Some(other)) => one.help(format!(
                    "there is one in `{}`, and an Ingress reaches its own namespace only",
                    context.namespace(other.namespace)
                )),
                (None, None) => one.help("add the Service, or correct the name"),
            });
        }
    }
    found
}
