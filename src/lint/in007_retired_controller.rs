//! IN007: an Ingress for ingress-nginx, which is retired.

use super::view::{Context, name_of};
use super::{Found, Lint};
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "IN007",
    name: "retired-controller",
    summary: "an Ingress for ingress-nginx, which is retired",
    help: "It gets no fixes since March 2026. Move to another controller or to the Gateway API.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let classes = &context.cluster.ingress_classes;
    let retired = |class: &str| {
        classes
            .iter()
            .any(|c| c.name == class && c.controller == "k8s.io/ingress-nginx")
    };
    let ingresses = context.cluster.ingresses.iter();
    let affected = ingresses.filter(|ingress| {
        let default = classes
            .iter()
            .find(|class| class.is_default)
            .map(|class| class.name.as_str());
        ingress.kind == "Ingress"
            && ingress
                .class
                .as_deref()
                .or(default)
                .is_some_and(|class| class == "nginx" && classes.is_empty() || retired(class))
    });
    affected
        .map(|ingress| {
            let name = context.name(ingress.namespace, &ingress.name);
            Found::at(&META, name_of(&ingress.origin), format!("ingress `{name}` is served by ingress-nginx, which gets no fixes since March 2026"))
                .help("move to another controller, or to the Gateway API")
        })
        .collect()
}
