//! NP066: a pod that pings, which policy says nothing of (N6).

use super::view::Context;
use super::{Found, Lint};
use crate::model::{Direction, Meta, Severity};

const META: Meta = Meta {
    id: "NP066",
    name: "icmp",
    summary: "an isolated pod that uses ICMP, of which policy says nothing",
    help: "Policies know TCP, UDP and SCTP. What happens to ICMP differs between CNIs: use a TCP check.",
    severity: Severity::Note,
};

pub(super) const LINT: Lint = Lint::new(&META, find);

fn find(context: &Context<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let isolated = context.pods().map(|(id, _)| id);
    let isolated = isolated.filter(|&id| context.is_isolated(id, Direction::Egress));
    for (id, pod) in context.once_each(isolated) {
        let texts = context.template(pod).at(&["spec", "containers"]).texts();
        let pings = texts.iter().any(|text| {
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '/')
                .any(|word| matches!(word, "ping" | "ping6" | "/bin/ping" | "traceroute" | "mtr"))
        });
        if pings {
            let message = format!(
                "`{}` pings, and what policy does to ICMP differs between CNIs",
                context.workload(id)
            );
            found.push(
                Found::at(&META, context.workload_origin(pod), message)
                    .help("check with a TCP connection instead"),
            );
        }
    }
    found
}
