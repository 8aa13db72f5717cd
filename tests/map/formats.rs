//! Every format on one small cluster that has everything.

use super::fixture::{every_kind, load, render};
use portolan::model::Cluster;
use portolan::report::map::{MAP_FORMATS, MapOptions};
use std::collections::BTreeSet;

#[test]
fn json() {
    insta::assert_snapshot!(render(&every_kind(), "json", MapOptions::default()));
}

#[test]
fn json_grouped() {
    let options = MapOptions {
        grouped: true,
        ..MapOptions::default()
    };
    insta::assert_snapshot!(render(&every_kind(), "json", options));
}

#[test]
fn csv() {
    let text = render(&every_kind(), "csv", MapOptions::default());
    assert!(
        text.lines().all(|line| !line.contains('\r')),
        "lines() takes CR LF off"
    );
    insta::assert_snapshot!(text.replace("\r\n", "\n"));
}

#[test]
fn csv_explained() {
    let options = MapOptions {
        explain: true,
        ..MapOptions::default()
    };
    let text = render(&every_kind(), "csv", options).replace("\r\n", "\n");
    let some: Vec<&str> = text.lines().filter(|line| line.contains("db")).collect();
    insta::assert_snapshot!(some.join("\n"));
}

#[test]
fn markdown() {
    insta::assert_snapshot!(render(&every_kind(), "md", MapOptions::default()));
}

#[test]
fn dot() {
    insta::assert_snapshot!(render(&every_kind(), "dot", MapOptions::default()));
}

#[test]
fn mermaid() {
    insta::assert_snapshot!(render(&every_kind(), "mermaid", MapOptions::default()));
}

#[test]
fn table() {
    insta::assert_snapshot!(render(&every_kind(), "table", MapOptions::default()));
}

/// What the API server would not let through, and a file may still say.
fn hostile() -> Cluster {
    let mut cluster = every_kind();
    let name = "a\"b|c\\d<e>#f;g&h`i*\r\nj]k,l";
    cluster.workloads[2].name = name.to_owned();
    cluster.namespaces[0].name = name.to_owned();
    cluster.pods[4].name = Some(name.to_owned());
    cluster.not_analysed[0].kind = name.to_owned();
    cluster
}

#[test]
fn hostile_names_break_no_format() {
    for format in MAP_FORMATS {
        let text = render(&hostile(), format.name, MapOptions::default());
        let n_lines = |cluster: &Cluster| {
            let text = render(cluster, format.name, MapOptions::default());
            text.lines().count()
        };
        match format.name {
            "json" => assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok()),
            "md" => {
                for line in text.lines().filter(|line| line.starts_with('|')) {
                    assert_eq!(line.replace("\\|", "").matches('|').count(), 4, "{line}");
                }
                assert_eq!(text.lines().count(), n_lines(&every_kind()));
            }
            "dot" | "mermaid" => {
                // Quotes come in pairs on every line, and no line is added.
                for line in text.lines() {
                    let bare = line.replace("\\\\", "").replace("\\\"", "");
                    let is_comment = line.trim_start().starts_with(['/', '%']);
                    assert!(is_comment || bare.matches('"').count() % 2 == 0, "{line}");
                }
                assert_eq!(text.lines().count(), n_lines(&every_kind()));
            }
            // What the CSV reader of the comparison makes of such fields is tested there.
            _ => assert!(!text.is_empty()),
        }
    }
}

#[test]
fn every_line_in_a_drawing_is_between_nodes_that_it_has() {
    for format in ["dot", "mermaid"] {
        let text = render(&every_kind(), format, MapOptions::default());
        let node = |word: &str| -> Option<String> {
            let digits = word.strip_prefix('n')?;
            let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
            (!digits.is_empty()).then_some(digits)
        };
        let mut nodes = BTreeSet::new();
        let mut n_edges = 0;
        for line in text.lines().map(str::trim_start) {
            let Some(first) = node(line) else {
                continue;
            };
            if !line.contains("->") {
                assert!(nodes.insert(first), "twice: {line}");
                continue;
            }
            n_edges += 1;
            let last = match format {
                "dot" => line.split("-> ").nth(1).unwrap(),
                _ => line.rsplit(' ').next().unwrap(),
            };
            assert!(
                nodes.contains(&first) && nodes.contains(&node(last).unwrap()),
                "{line}"
            );
        }
        assert!(n_edges > 10);
    }
}

#[test]
fn nothing_is_charted_in_every_format() {
    for format in MAP_FORMATS {
        let text = render(&load("", &[]), format.name, MapOptions::default());
        assert!(!text.is_empty(), "{}", format.name);
    }
    let cluster = load("", &[]);
    insta::assert_snapshot!(render(&cluster, "table", MapOptions::default()), @r"
    0 workloads in 0 namespaces, 0 policies: 0 of 0 pairs can talk

    pods get addresses from `10.1.0.0/16`
    ");
}

#[test]
fn formats_have_distinct_names_and_one_line_summaries() {
    let names: BTreeSet<&str> = MAP_FORMATS.iter().map(|format| format.name).collect();
    assert_eq!(names.len(), MAP_FORMATS.len());
    assert!(MAP_FORMATS.iter().all(|format| format.summary.len() < 80));
    assert_eq!(MAP_FORMATS.first().map(|format| format.name), Some("table"));
}
