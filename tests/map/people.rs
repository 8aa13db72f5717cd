//! The table: what people see, at ten and at a thousand workloads.

use super::fixture::{every_kind, load, render, render_part};
use portolan::model::{Cluster, Direction};
use portolan::question::list::Filter;
use portolan::report::map::MapOptions;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// The manifests of a folder of `testdata`, as one text.
fn testdata(folder: &str) -> Cluster {
    fn texts(directory: PathBuf, all: &mut String) {
        let mut entries: Vec<PathBuf> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                texts(path, all);
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                all.push_str("\n---\n");
                all.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut all = String::new();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    texts(root.join("testdata").join(folder), &mut all);
    load(&all, &[])
}

#[test]
fn the_shop() {
    insta::assert_snapshot!(render(&testdata("shop"), "table", MapOptions::default()));
}

#[test]
fn the_boutique() {
    let cluster = testdata("apps/online-boutique");
    insta::assert_snapshot!(render(&cluster, "table", MapOptions::default()));
}

#[test]
fn bookinfo() {
    let cluster = testdata("apps/bookinfo");
    insta::assert_snapshot!(render(&cluster, "table", MapOptions::default()));
}

#[test]
fn a_part_of_the_shop() {
    let filter = Filter {
        namespaces: vec!["monitoring".to_owned()],
        direction: Some(Direction::Egress),
        ..Filter::default()
    };
    let text = render_part(&testdata("shop"), &filter, "table", MapOptions::default());
    insta::assert_snapshot!(text);
}

#[test]
fn a_part_of_the_shop_explained() {
    let filter = Filter {
        namespaces: vec!["monitoring".to_owned()],
        ..Filter::default()
    };
    let options = MapOptions {
        explain: true,
        ..MapOptions::default()
    };
    let text = render_part(&testdata("shop"), &filter, "table", options);
    insta::assert_snapshot!(text);
}

#[test]
fn no_line_is_wider_than_asked_for() {
    let cluster = testdata("shop");
    for width in [40, 60, 80, 120] {
        for explain in [false, true] {
            let options = MapOptions {
                width,
                explain,
                ..MapOptions::default()
            };
            let text = render(&cluster, "table", options);
            // The headline is one line whatever it takes.
            for line in text.lines().skip(1) {
                assert!(
                    line.chars().count() <= usize::from(width),
                    "{width}: {line}"
                );
                assert_eq!(line.trim_end(), line, "spaces at the end");
            }
        }
    }
}

#[test]
fn colour_is_all_that_colour_adds() {
    let plain = render(&every_kind(), "table", MapOptions::default());
    let options = MapOptions {
        color: true,
        ..MapOptions::default()
    };
    let coloured = render(&every_kind(), "table", options);
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains('\u{1b}'));
    let mut bare = String::new();
    let mut parts = coloured.split('\u{1b}');
    bare.push_str(parts.next().unwrap());
    for part in parts {
        bare.push_str(part.split_once('m').unwrap().1);
    }
    let trimmed = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    };
    assert_eq!(trimmed(&bare), trimmed(&plain));
}

/// Teams that are alike: a default deny, a web tier that calls an API that calls a database, and
/// name service for all. Every third team has no policy.
fn fleet(n_teams: usize) -> Cluster {
    let mut text = String::from("---\n");
    let mut workload = |namespace: &str, name: &str| {
        write!(
            text,
            r#"
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: c, image: i}}]}}
---"#
        )
        .unwrap();
    };
    workload("kube-system", "coredns");
    for team in 0..n_teams {
        for name in ["web", "api", "database", "worker"] {
            workload(&format!("team-{team:02}"), name);
        }
    }
    for team in (0..n_teams).filter(|team| team % 3 != 0) {
        let mut policy = |name: &str, spec: &str| {
            write!(
                text,
                r#"
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: {name}, namespace: team-{team:02}}}
spec: {spec}
---"#
            )
            .unwrap();
        };
        policy("deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}");
        policy(
            "dns",
            "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{protocol: UDP, port: 53}], \
             to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]}]}",
        );
        for (from, to, port) in [("web", "api", 8000), ("api", "database", 5432)] {
            policy(
                &format!("{from}-egress"),
                &format!(
                    "{{podSelector: {{matchLabels: {{app: {from}}}}}, policyTypes: [Egress], \
                     egress: [{{ports: [{{port: {port}}}], to: [{{podSelector: \
                     {{matchLabels: {{app: {to}}}}}}}]}}]}}"
                ),
            );
            policy(
                &format!("{to}-ingress"),
                &format!(
                    "{{podSelector: {{matchLabels: {{app: {to}}}}}, policyTypes: [Ingress], \
                     ingress: [{{ports: [{{port: {port}}}], from: [{{podSelector: \
                     {{matchLabels: {{app: {from}}}}}}}]}}]}}"
                ),
            );
        }
    }
    load(&text, &[])
}

#[test]
fn a_fleet_is_shown_by_namespace() {
    let text = render(&fleet(60), "table", MapOptions::default());
    assert!(text.lines().count() < 60, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_shown_by_namespace_adds_up() {
    let text = render(&fleet(60), "md", MapOptions::default());
    let number = |word: &str| word.replace([',', '*'], "").parse::<usize>().ok();
    let headline = text.lines().next().unwrap();
    let (_, counts) = headline.split_once("policies: ").unwrap();
    let total = counts.split(' ').find_map(number).unwrap();
    let mut sum = 0;
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let outside = cells[1].contains("outside") || cells[2].contains("outside");
        if !outside {
            sum += cells[3].split(' ').find_map(number).unwrap_or(0);
        }
    }
    assert_eq!(sum, total, "{text}");
}

#[test]
fn a_namespace_of_a_fleet_is_shown_in_full() {
    let filter = Filter {
        namespaces: vec!["team-01".to_owned()],
        ..Filter::default()
    };
    let text = render_part(&fleet(60), &filter, "table", MapOptions::default());
    insta::assert_snapshot!(text);
}
