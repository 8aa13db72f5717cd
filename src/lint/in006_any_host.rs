//! IN006: an Ingress for every host (I2).

use super::view::{Context, name_of};
use super::{Found, Lint};
use crate::model::{Meta, Severity};

const META: Meta = Meta {
    id: "IN006",
    name: "any-host",
    summary: "an Ingress for every host",
    help: "It takes requests for hosts of others too. Name the host.",
    severity: Severity::Warning,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let ingresses = context.cluster.ingresses.iter();
    let open = ingresses.filter(|ingress| {
        ingress.kind == "Ingress" && ingress.paths.iter().any(|path| path.host.is_none())
    });
    open.map(|ingress| {
        let name = context.name(ingress.namespace, &ingress.name);
        Found::at(
            &META,
            name_of(&ingress.origin),
            format!("ingress `{name}` takes requests for every host"),
        )
        .pedantic()
        .help("name the host")
    })
    .collect()
}
