//! IN008: an Ingress to an ExternalName Service (S5).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Meta, Severity};
use crate::question::ingress::all_backends;

const META: Meta = Meta {
    id: "IN008",
    name: "external-backend",
    summary: "an Ingress to an ExternalName Service",
    help: "Many controllers refuse it, since it lets an Ingress reach whatever a name resolves to (CVE-2021-25740).",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for ingress in &context.cluster.ingresses {
        for backend in all_backends(ingress) {
            let Some(name) = &backend.service else {
                continue;
            };
            let mut services = context
                .cluster
                .services
                .iter()
                .filter(|s| s.namespace == ingress.namespace && s.name == *name);
            if let Some(external) = services
                .next()
                .and_then(|service| service.external_name.as_ref())
            {
                found.push(Found::at(&META, backend.origin.clone(), format!("service `{name}` is an alias of `{external}`, which many controllers refuse as a backend")).help("use a Service with endpoints"));
            }
        }
    }
    found
}
