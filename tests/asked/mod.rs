//! A question of manifests in a string: the answer, and what is printed.

use portolan::manifest::{LoadOptions, load};
use portolan::question::can::{Answer, Context, PortQuery, can};
use portolan::question::endpoint::parse_endpoint;
use portolan::reach::Reach;
use portolan::report::answer::{Context as Drawn, render_answer};
use portolan::report::snippet::Style;
use portolan::source::Sources;

/// Asks whether `from` can reach `to`. Nothing may be wrong with the manifests.
pub(crate) fn ask(yaml: &str, from: &str, to: &str, port: PortQuery) -> (Answer, String) {
    let sources = Sources::from_text("input.yaml", yaml);
    let loaded = load(&sources, &LoadOptions::default());
    assert!(loaded.findings.is_empty(), "{:?}\n{yaml}", loaded.findings);
    let cluster = loaded.cluster;
    let reach = Reach::new(&cluster);
    let context = Context {
        cluster: &cluster,
        reach: &reach,
        controller: None,
    };
    let end = |text: &str| parse_endpoint(&cluster, text, None).unwrap();
    let answer = can(context, &end(from), &end(to), &port).unwrap();
    let drawn = Drawn {
        cluster: &cluster,
        sources: &sources,
        style: Style {
            colour: false,
            width: 200,
        },
        from,
        to,
    };
    let text = render_answer(drawn, &answer);
    (answer, text)
}
