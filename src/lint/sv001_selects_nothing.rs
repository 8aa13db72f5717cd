//! SV001: a Service that selects no pod (S1).

use super::view::{Context, part};
use super::{Found, Lint};
use crate::model::{Meta, Severity};
use crate::question::near::near_label;

const META: Meta = Meta {
    id: "SV001",
    name: "service-selects-nothing",
    summary: "a Service whose selector matches no pod",
    help: "It has no endpoints: connections are refused. Compare the selector with the labels of the pod template.",
    severity: Severity::Error,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for service in &context.cluster.services {
        let Some(selector) = service.selector.as_ref().filter(|s| !s.is_everything()) else {
            continue;
        };
        if service.external_name.is_some()
            || !context.is_peopled(service.namespace)
            || !context.behind(service).is_empty()
            || context.is_foreign(service.namespace, selector)
        {
            continue;
        }
        let pods: Vec<_> = context.pods_in(service.namespace).collect();
        let name = context.name(service.namespace, &service.name);
        let one = Found::at(
            &META,
            part(&service.origin, &["spec", "selector"]),
            format!(
                "service `{name}` selects no pod: none has `{}`",
                context.selector(selector)
            ),
        );
        found.push(match near_label(context.cluster, selector, &pods) {
            Some(near) => one.help(format!("did you mean `{near}`?")),
            // What an operator makes is not in the manifests.
            None => one.severity(Severity::Warning).help("compare with the labels of the pod template; pods that an operator makes are not in the input"),
        });
    }
    found
}
