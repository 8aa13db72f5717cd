//! IN004: an Ingress of a class that nobody serves (I4).

use super::view::{Context, name_of, part};
use super::{Found, Lint};
use crate::model::nearest;
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "IN004",
    name: "ingress-class",
    summary: "an Ingress without a class, or of one that is not there",
    help: "Nobody serves it. Name an IngressClass, or make one the default.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let classes = &context.cluster.ingress_classes;
    let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
    let mut found = Vec::new();
    for ingress in context
        .cluster
        .ingresses
        .iter()
        .filter(|ingress| ingress.kind == "Ingress")
    {
        let name = context.name(ingress.namespace, &ingress.name);
        let written = context
            .node(&ingress.origin)
            .at(&["spec", "ingressClassName"]);
        match &ingress.class {
            None if !classes.iter().any(|class| class.is_default) => {
                let one = Found::at(
                    &META,
                    name_of(&ingress.origin),
                    format!(
                        "ingress `{name}` has no class, and no class of the input is the default"
                    ),
                );
                let one = one.help("write `ingressClassName`");
                found.push(if classes.is_empty() {
                    one.pedantic()
                } else {
                    one
                });
            }
            Some(class) if !classes.is_empty() && !names.contains(&class.as_str()) => {
                let place = match written.is_there() {
                    true => part(&ingress.origin, &["spec", "ingressClassName"]),
                    false => name_of(&ingress.origin),
                };
                let one = Found::at(&META, place, format!("there is no IngressClass `{class}`"));
                found.push(match nearest(class, names.iter().copied()) {
                    Some(near) => one.help(format!("did you mean `{near}`?")),
                    None => one.help(format!("there is {}", names.join(", "))),
                });
            }
            _ => {}
        }
    }
    found
}
