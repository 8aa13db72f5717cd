//! What holds whatever the documents are.

use super::corpus::CORPUS;
use super::line;
use crate::manifest::builder;
use crate::manifest::kinds::KINDS;
use crate::manifest::parse::{SEPARATOR, can_be_joined, parse, parse_joined};
use crate::manifest::read::{Batch, Read, batches, read_batch};
use crate::manifest::tree::Tree;
use crate::manifest::{LoadOptions, Loaded, load};
use crate::source::{Format, Sources};
use proptest::prelude::*;

/// The cluster as text, documents called by `names` in place of their ids.
fn dump(loaded: &Loaded, names: &[usize]) -> String {
    let text = format!("{:#?}", loaded.cluster);
    let mut dump = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("DocumentId(") {
        let (id, after) = after.split_once(')').unwrap();
        let id: usize = id.trim().trim_end_matches(',').parse().unwrap();
        dump.push_str(&format!("{before}document {}", names[id]));
        rest = after;
    }
    // The map of symbols is a hash map, which prints in any order; the vector beside it has all.
    let dump = dump + rest;
    match (dump.find("ids: {"), dump.find("namespaces: [")) {
        (Some(start), Some(end)) => format!("{}{}", dump.split_at(start).0, dump.split_at(end).1),
        _ => dump,
    }
}

fn load_documents(documents: &[&str]) -> Loaded {
    let sources = Sources::from_text("input.yaml", documents.join("---\n"));
    assert_eq!(sources.len(), documents.len());
    load(&sources, &LoadOptions::default())
}

/// One change of a text.
#[derive(Clone, Debug)]
enum Mutation {
    Byte(usize, u8),
    DeleteLine(usize),
    RepeatLine(usize),
    Indent(usize),
    Cut(usize),
    Insert(usize, &'static str),
    Value(usize, &'static str),
    SwapValues(usize, usize),
}

const TOKENS: &[&str] = &[
    "null",
    "{}",
    "[]",
    "-1",
    "0",
    "99999999999999999999",
    "1e99",
    ".nan",
    "\"\"",
    "'",
    "\"",
    "é",
    "\u{1}",
    ": ",
    "- ",
    "&a",
    "*a",
    "<<: {a: b}",
    "!t ",
    "|\n",
    "? ",
    "{{ .x }}",
    "yes",
    "010",
    "#",
    "%",
    "---",
    "...",
    "\t",
    "[[[[[[[[",
    "~",
    "true",
    "1.5",
    "[null]",
    "{1: 2}",
    "{[a]: b}",
    "{\"a\": 1, \"a\": 2}",
    "!!binary aGk=",
    "!!int \"3\"",
    "\u{feff}",
    "\u{2028}",
    "\r",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let token = || prop::sample::select(TOKENS);
    let at = || any::<prop::sample::Index>().prop_map(|index| index.index(1 << 20));
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        at().prop_map(Mutation::DeleteLine),
        at().prop_map(Mutation::RepeatLine),
        at().prop_map(Mutation::Indent),
        at().prop_map(Mutation::Cut),
        (at(), token()).prop_map(|(at, token)| Mutation::Insert(at, token)),
        (at(), token()).prop_map(|(at, token)| Mutation::Value(at, token)),
        (at(), at()).prop_map(|(a, b)| Mutation::SwapValues(a, b)),
    ]
}

/// The lines that have a value on them, and where it begins.
fn values(lines: &[String]) -> Vec<(usize, usize)> {
    let value = |(number, line): (usize, &String)| Some((number, line.find(": ")? + 2));
    lines.iter().enumerate().filter_map(value).collect()
}

fn mutate(text: &str, mutation: &Mutation) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let boundary = |at: usize| {
        let at = at % (text.len() + 1);
        (0..=at)
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0)
    };
    let n_lines = lines.len().max(1);
    match mutation {
        Mutation::Byte(at, byte) => {
            let at = boundary(*at);
            let (before, after) = text.split_at(at);
            let mut after = after.chars();
            after.next();
            return format!("{before}{}{}", char::from(*byte), after.as_str());
        }
        Mutation::Cut(at) => return text.split_at(boundary(*at)).0.to_owned(),
        Mutation::Insert(at, token) => {
            let (before, after) = text.split_at(boundary(*at));
            return format!("{before}{token}{after}");
        }
        Mutation::DeleteLine(at) => {
            if !lines.is_empty() {
                lines.remove(at % n_lines);
            }
        }
        Mutation::RepeatLine(at) => {
            if let Some(line) = lines.get(at % n_lines).cloned() {
                lines.insert(at % n_lines, line);
            }
        }
        Mutation::Indent(at) => {
            if let Some(line) = lines.get_mut(at % n_lines) {
                line.insert_str(0, "  ");
            }
        }
        Mutation::Value(at, token) => {
            let values = values(&lines);
            if let Some(&(line, start)) = values.get(at % values.len().max(1)) {
                lines[line].replace_range(start.., &format!("{token}\n"));
            }
        }
        Mutation::SwapValues(a, b) => {
            let values = values(&lines);
            let n = values.len().max(1);
            if let (Some(&(a, from_a)), Some(&(b, from_b))) = (values.get(a % n), values.get(b % n))
            {
                let (old_a, old_b) = (lines[a].clone(), lines[b].clone());
                let (key_a, value_a) = old_a.split_at(from_a);
                let (key_b, value_b) = old_b.split_at(from_b);
                lines[a] = format!("{key_a}{value_b}");
                lines[b] = format!("{key_b}{value_a}");
            }
        }
    }
    lines.concat()
}

/// Documents of the corpus, some of them with changes.
fn mutated() -> impl Strategy<Value = Vec<String>> {
    let document = (
        prop::sample::select(CORPUS),
        prop::collection::vec(mutation(), 0..4),
    )
        .prop_map(|(text, mutations)| {
            mutations
                .iter()
                .fold(text.to_owned(), |text, mutation| mutate(&text, mutation))
        });
    prop::collection::vec(document, 1..8)
}

fn read_alone(sources: &Sources, batch: &Batch<'_>) -> Vec<Read> {
    batch
        .iter()
        .map(|&document| read_batch(sources, &vec![document], "default"))
        .collect()
}

/// Whether a document says nothing at all.
fn says_nothing(text: &str, format: Format) -> bool {
    let Ok(tree) = parse(text, format) else {
        return false;
    };
    let is_empty_list = tree
        .get("kind")
        .and_then(Tree::as_text)
        .is_some_and(|kind| {
            kind.ends_with("List")
                && match tree.get("items") {
                    None | Some(Tree::Null) => kind == "List",
                    // An empty list, or nothing but such.
                    Some(Tree::List(_)) => true,
                    _ => false,
                }
        });
    tree.is_null() || is_empty_list
}

/// Every object that was read and is usable is in the cluster, or counted as left out.
fn check_accounts(read: &Read, loaded: &Loaded) {
    let mut identities: Vec<_> = read
        .objects
        .iter()
        .filter(|object| object.is_usable())
        .map(|object| (object.identity(), object.is_named))
        .collect();
    identities.sort();
    identities.dedup_by(|a, b| a == b && a.1);
    let count = |kind: &str| {
        identities
            .iter()
            .filter(|((index, _, _), _)| KINDS[*index].kind == kind)
            .count()
    };
    let cluster = &loaded.cluster;
    assert_eq!(count("NetworkPolicy"), cluster.policies.len());
    assert_eq!(count("Service"), cluster.services.len());
    assert_eq!(count("Node"), cluster.nodes.len());
    assert_eq!(count("Ingress") + count("Route"), cluster.ingresses.len());
    assert_eq!(count("IngressClass"), cluster.ingress_classes.len());
    let n_live = cluster.pods.iter().filter(|pod| pod.name.is_some()).count();
    assert_eq!(count("Pod"), n_live + cluster.terminated_pods);
    let n_foreign: usize = loaded.other_kinds.values().sum::<usize>()
        + cluster
            .not_analysed
            .iter()
            .map(|kind| kind.count)
            .sum::<usize>();
    assert_eq!(n_foreign, read.foreign.len());
    assert_eq!(loaded.policies_rejected, read.policies_rejected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The order of documents changes nothing but where things are.
    #[test]
    fn order_of_documents_does_not_matter(
        order in Just((0..CORPUS.len()).collect::<Vec<_>>()).prop_shuffle()
    ) {
        let in_order: Vec<usize> = (0..CORPUS.len()).collect();
        let expected = load_documents(CORPUS);
        let shuffled: Vec<&str> = order.iter().map(|&n| CORPUS[n]).collect();
        let found = load_documents(&shuffled);
        prop_assert_eq!(dump(&found, &order), dump(&expected, &in_order));
        prop_assert_eq!(found.policies_rejected, expected.policies_rejected);
        prop_assert_eq!(found.other_kinds, expected.other_kinds);
        let lines = |loaded: &[crate::model::Finding]| {
            // Which of two is the repetition is a matter of order, and so are line numbers.
            let findings = loaded.iter().filter(|finding| finding.id != "NP007");
            let mut lines: Vec<String> = findings.map(line).collect();
            lines.sort();
            lines
        };
        prop_assert_eq!(lines(&found.findings), lines(&expected.findings));
    }

    /// Whatever the text: no panic, and no document that is lost without a word.
    #[test]
    fn mutated_documents_never_panic_and_are_never_lost(documents in mutated()) {
        let sources = Sources::from_text("input.yaml", documents.join("\n---\n"));
        let mut all = Read::default();
        for batch in batches(sources.documents()) {
            for (read, &(id, document)) in read_alone(&sources, &batch).into_iter().zip(&batch) {
                let heard = !read.objects.is_empty()
                    || !read.foreign.is_empty()
                    || !read.findings.is_empty();
                prop_assert!(
                    heard || says_nothing(sources.text(id), document.format),
                    "lost: {}", sources.text(id)
                );
                // What is not usable has a finding that says so.
                let n_unusable = read.objects.iter().filter(|object| !object.is_usable()).count();
                let n_errors = read.findings.iter().filter(|finding| finding.id == "NP001").count();
                prop_assert!(n_errors >= n_unusable, "{}", sources.text(id));
                all = all.join(read);
            }
        }
        let loaded = load(&sources, &LoadOptions::default());
        check_accounts(&all, &loaded);
        // Findings can all be shown.
        for finding in &loaded.findings {
            if let crate::model::Place::Node { origin, target } = &finding.place {
                let _ = sources.locate(origin.document, &origin.route, *target);
            }
        }
        let again = builder::build(&sources, sources.len(), &LoadOptions::default(), all);
        prop_assert_eq!(&again.findings, &loaded.findings);
        let ids: Vec<usize> = (0..sources.len()).collect();
        prop_assert_eq!(dump(&again, &ids), dump(&loaded, &ids));
    }

    /// Parsing many documents at once gives what parsing each gives.
    #[test]
    fn documents_parsed_together_are_what_they_are_alone(documents in mutated()) {
        let sources = Sources::from_text("input.yaml", documents.join("\n---\n"));
        let texts: Vec<&str> = sources
            .documents()
            .filter(|(id, document)| can_be_joined(sources.text(*id), document.format))
            .map(|(id, _)| sources.text(id))
            .collect();
        let alone: Vec<_> = texts.iter().map(|text| parse(text, Format::Yaml)).collect();
        let joined = texts.join(SEPARATOR);
        let together = parse_joined(&joined, texts.len());
        match together {
            Some(together) => {
                for (tree, alone) in together.iter().zip(&alone) {
                    let alone = alone.as_ref().unwrap();
                    // NaN is not equal to itself.
                    prop_assert_eq!(format!("{:?}", tree), format!("{:?}", alone));
                }
            }
            None => prop_assert!(texts.is_empty() || alone.iter().any(Result::is_err)),
        }
    }
}
