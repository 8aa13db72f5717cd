//! One document: from text to objects.

use super::decode::decode;
use super::flatten::{Item, flatten, item_route};
use super::foreign::{self, Foreign};
use super::kinds;
use super::object::{Decode, Facts, Header, Kind, Object, group_of};
use super::parse::{SEPARATOR, SyntaxError, can_be_joined, parse, parse_joined, template_help};
use super::path::Path;
use super::reader::Reader;
use super::shape::Shape;
use super::tree::{Map, Tree};
use super::validate;
use super::{CONFIG_KIND, INTENT_API_VERSION, INTENT_KIND};
use crate::model::{Finding, Origin, Place, Severity};
use crate::source::{Document, DocumentId, Opening, Sources, Target};
use rayon::prelude::*;
use serde::de::DeserializeOwned;

/// What reading documents gives, before objects are put together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    pub(crate) objects: Vec<Object>,
    pub(crate) foreign: Vec<Foreign>,
    pub(crate) findings: Vec<Finding>,
    /// Where intents stand.
    pub(crate) intents: Vec<Origin>,
    pub(crate) policies_rejected: usize,
}

impl Read {
    /// Both, this one's things first.
    pub(crate) fn join(mut self, mut other: Read) -> Read {
        // The longer one is kept as it is, so that joining many is not quadratic.
        self.objects.append(&mut other.objects);
        self.foreign.append(&mut other.foreign);
        self.findings.append(&mut other.findings);
        self.intents.append(&mut other.intents);
        self.policies_rejected += other.policies_rejected;
        self
    }
}

/// Documents that one task reads.
pub(crate) type Batch<'s> = Vec<(DocumentId, &'s Document)>;

/// Documents in batches, in order: few enough that the cores share the work evenly, and many
/// enough that starting a parser does not matter.
pub(crate) fn batches<'s>(
    documents: impl Iterator<Item = (DocumentId, &'s Document)>,
) -> Vec<Batch<'s>> {
    let mut batches: Vec<Batch<'_>> = Vec::new();
    let mut n_bytes = 0;
    for (id, document) in documents {
        let length = document.range.len();
        match batches.last_mut() {
            Some(batch) if n_bytes + length <= 32 * 1024 => {
                n_bytes += length;
                batch.push((id, document));
            }
            _ => {
                n_bytes = length;
                batches.push(vec![(id, document)]);
            }
        }
    }
    batches
}

/// Reads documents. `namespace` is where objects go that name none (N11).
pub(crate) fn read_batch(sources: &Sources, batch: &Batch<'_>, namespace: &str) -> Read {
    let texts: Vec<&str> = batch.iter().map(|&(id, _)| sources.text(id)).collect();
    let can_be_joined = batch.len() > 1
        && texts
            .iter()
            .zip(batch)
            .all(|(text, (_, document))| can_be_joined(text, document.format));
    if can_be_joined {
        let joined = texts.join(SEPARATOR);
        if let Some(trees) = parse_joined(&joined, batch.len()) {
            return trees
                .into_iter()
                .zip(batch.iter().zip(&texts))
                .map(|(tree, (&(id, document), text))| {
                    let mut read = read_tree(tree, text, &joined, id, namespace);
                    read.findings.extend(unseen_by_kubectl(id, document));
                    read
                })
                .fold(Read::default(), Read::join);
        }
    }
    batch
        .iter()
        .zip(texts)
        .map(
            |(&(id, document), text)| match parse(text, document.format) {
                Ok(tree) => {
                    let mut read = read_tree(tree, text, text, id, namespace);
                    read.findings.extend(unseen_by_kubectl(id, document));
                    read
                }
                Err(error) => refuse(id, error),
            },
        )
        .fold(Read::default(), Read::join)
}

/// LD006: a document that YAML knows and kubectl does not see as one.
fn unseen_by_kubectl(id: DocumentId, document: &Document) -> Option<Finding> {
    let (message, help) = match document.opening {
        Opening::Start | Opening::Marker | Opening::Value => return None,
        Opening::MarkerWithContent => (
            "kubectl refuses what stands on the same line as `---`",
            "begin the document on the next line",
        ),
        Opening::AfterEnd => (
            "kubectl does not read what follows a line `...`",
            "put `---` between the documents instead",
        ),
    };
    Some(Finding {
        place: Place::Offset {
            document: id,
            offset: 0,
        },
        id: "LD006",
        severity: Severity::Warning,
        message: message.to_owned(),
        help: Some(help.to_owned()),
        related: Vec::new(),
    })
}

/// LD001: a document that is no YAML.
fn refuse(document: DocumentId, error: SyntaxError) -> Read {
    let finding = Finding {
        place: Place::Offset {
            document,
            offset: error.offset,
        },
        id: "LD001",
        severity: Severity::Error,
        message: error.message,
        help: error.help,
        related: Vec::new(),
    };
    Read {
        findings: vec![finding],
        ..Read::default()
    }
}

/// Reads a parsed document with the text `text`, which was parsed as part of `parsed`.
fn read_tree(
    tree: Tree<'_>,
    text: &str,
    parsed: &str,
    document: DocumentId,
    namespace: &str,
) -> Read {
    let mut items = flatten(tree);
    let read = |item| read_item(text, parsed, document, item, namespace);
    if items.len() <= 1 {
        return items.pop().map(read).unwrap_or_default();
    }
    let parts: Vec<Read> = items.into_par_iter().map(read).collect();
    parts.into_iter().fold(Read::default(), Read::join)
}

fn read_item(
    text: &str,
    parsed: &str,
    document: DocumentId,
    item: Item<'_>,
    namespace: &str,
) -> Read {
    let origin = Origin {
        document,
        route: item_route(&item.indexes),
    };
    let reader = Reader::new(text, parsed, origin);
    let mut read = Read::default();
    match &item.tree {
        Tree::Null if item.indexes.is_empty() => {}
        Tree::Map(object) => read_object(&reader, object, &item.tree, namespace, &mut read),
        _ => not_an_object(
            &reader,
            "a Kubernetes object is a mapping",
            Severity::Warning,
        ),
    }
    read.findings = reader.into_findings();
    read
}

/// LD002: the document is not an object that Kubernetes knows.
fn not_an_object(reader: &Reader<'_>, what: &str, severity: Severity) {
    let help = template_help(reader.text);
    reader.find(
        "LD002",
        severity,
        reader.place(&Path::Root, Target::Value),
        format!("not a Kubernetes object: {what}"),
        help,
    );
}

fn read_object(
    reader: &Reader<'_>,
    object: &Map<'_>,
    tree: &Tree<'_>,
    default_namespace: &str,
    read: &mut Read,
) {
    let (api_version, kind) = match (text(object, "apiVersion"), text(object, "kind")) {
        (Ok(Some(api_version)), Ok(Some(kind))) => (api_version, kind),
        (api_version, kind) => {
            missing_type(reader, object, api_version, kind);
            return;
        }
    };
    if let Some((index, known)) = kinds::find(api_version, kind) {
        let object = read_known(reader, index, known, object, tree, default_namespace);
        if !object.is_usable() && known.kind.ends_with("NetworkPolicy") {
            read.policies_rejected += 1;
        }
        read.objects.push(object);
        return;
    }
    if kind == "List" {
        empty_list(reader, object);
        return;
    }
    if group_of(api_version) == group_of(INTENT_API_VERSION) {
        if (api_version, kind) == (INTENT_API_VERSION, INTENT_KIND) {
            read.intents.push(reader.origin.clone());
        } else if (api_version, kind) != (INTENT_API_VERSION, CONFIG_KIND) {
            unknown_intent(reader, api_version, kind);
        }
        return;
    }
    if (api_version, kind) == ("extensions/v1beta1", "NetworkPolicy") {
        removed_policy(reader);
        read.policies_rejected += 1;
        return;
    }
    if let Some((meant, help)) = foreign::probable_mistake(api_version, kind) {
        unknown_kind(reader, api_version, kind, help);
        read.policies_rejected += usize::from(meant == "NetworkPolicy");
        return;
    }
    if foreign::is_kustomization(api_version, kind) {
        not_an_object_of_a_cluster(reader);
    }
    let metadata = Shape(object.get("metadata"));
    read.foreign.push(Foreign {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: metadata.text("namespace").map(str::to_owned),
        name: metadata.text("name").unwrap_or_default().to_owned(),
        origin: reader.origin.clone(),
        relevance: foreign::relevance(api_version, kind),
    });
}

/// The text at a key: an error when something else is there, `None` for nothing or `null`.
fn text<'a>(object: &'a Map<'_>, key: &str) -> Result<Option<&'a str>, ()> {
    match object.get(key) {
        None | Some(Tree::Null) => Ok(None),
        Some(Tree::Text(text)) if text.is_empty() => Ok(None),
        Some(Tree::Text(text)) => Ok(Some(text)),
        Some(_) => Err(()),
    }
}

fn missing_type(
    reader: &Reader<'_>,
    object: &Map<'_>,
    api_version: Result<Option<&str>, ()>,
    kind: Result<Option<&str>, ()>,
) {
    let root = Path::Root;
    let has = |key| object.contains(key);
    let (message, severity, key) = match (api_version, kind) {
        (_, Err(())) => ("`kind` must be text", Severity::Error, Some("kind")),
        (Err(()), _) => (
            "`apiVersion` must be text",
            Severity::Error,
            Some("apiVersion"),
        ),
        (Ok(None), Ok(Some(_))) => ("it has no `apiVersion`", Severity::Error, Some("kind")),
        // Chart.yaml of Helm has an apiVersion, and no kind or metadata.
        (Ok(Some(_)), Ok(_)) if has("metadata") || has("spec") => {
            ("it has no `kind`", Severity::Error, Some("apiVersion"))
        }
        (Ok(_), Ok(_)) => ("it has no `apiVersion` and `kind`", Severity::Warning, None),
    };
    let place = match key {
        Some(key) => reader.place(&root.key(key), Target::Value),
        None => reader.place(&root, Target::Value),
    };
    let kustomization = [
        "resources",
        "bases",
        "patches",
        "namePrefix",
        "commonLabels",
    ];
    let help = template_help(reader.text).or_else(|| {
        (severity == Severity::Warning && kustomization.into_iter().any(has))
            .then(|| "render it first, for example with `kustomize build`".to_owned())
    });
    reader.find(
        "LD002",
        severity,
        place,
        format!("not a Kubernetes object: {message}"),
        help,
    );
}

/// A `List` that flattening left alone: its items are no list.
fn empty_list(reader: &Reader<'_>, object: &Map<'_>) {
    if object.get("items").is_none_or(Tree::is_null) {
        return;
    }
    reader.find(
        "LD002",
        Severity::Error,
        reader.place(&Path::Root.key("items"), Target::Value),
        "`items` must be a list".to_owned(),
        None,
    );
}

/// LD002: a kind that the API server does not know, and that is almost one that it does.
fn unknown_kind(reader: &Reader<'_>, api_version: &str, kind: &str, help: String) {
    reader.find(
        "LD002",
        Severity::Error,
        reader.place(&Path::Root.key("kind"), Target::Value),
        format!("the API server knows no kind `{kind}` in `{api_version}`"),
        Some(format!("{help}; until then it is left out of the answer")),
    );
}

/// LD002: something of our own group that is no intent we know. Left out, it would be an assertion
/// that nobody checks.
fn unknown_intent(reader: &Reader<'_>, api_version: &str, kind: &str) {
    let help = format!("there is only `{INTENT_KIND}`, of `{INTENT_API_VERSION}`");
    reader.find(
        "LD002",
        Severity::Error,
        reader.place(&Path::Root.key("kind"), Target::Value),
        format!("there is no kind `{kind}` in `{api_version}`"),
        Some(help),
    );
}

/// Decodes the object at a place strictly into a type, with findings for everything in it that
/// the type does not have. `None` when there is no such object, or when it has the wrong shape.
pub fn decode_at<T: DeserializeOwned>(
    sources: &Sources,
    origin: &Origin,
) -> (Option<T>, Vec<Finding>) {
    let Some(document) = sources.document(origin.document) else {
        return (None, Vec::new());
    };
    let text = sources.text(origin.document);
    let items = parse(text, document.format)
        .map(flatten)
        .unwrap_or_default();
    let item = items
        .into_iter()
        .find(|item| item_route(&item.indexes) == origin.route);
    let reader = Reader::new(text, text, origin.clone());
    let decoded = item.and_then(|item| decode(&reader, &item.tree));
    (decoded, reader.into_findings())
}

fn removed_policy(reader: &Reader<'_>) {
    reader.find(
        "LD002",
        Severity::Error,
        reader.place(&Path::Root.key("apiVersion"), Target::Value),
        "`extensions/v1beta1` NetworkPolicy was removed in Kubernetes 1.16".to_owned(),
        Some(
            "write `apiVersion: networking.k8s.io/v1`; until then the policy is left out of the \
             answer"
                .to_owned(),
        ),
    );
}

fn not_an_object_of_a_cluster(reader: &Reader<'_>) {
    reader.find(
        "LD002",
        Severity::Warning,
        reader.place(&Path::Root.key("kind"), Target::Value),
        "a kustomization is not applied, only what it renders to".to_owned(),
        Some("render it first, for example with `kustomize build`".to_owned()),
    );
}

fn read_known(
    reader: &Reader<'_>,
    index: usize,
    known: &'static Kind,
    object: &Map<'_>,
    tree: &Tree<'_>,
    default_namespace: &str,
) -> Object {
    let metadata = Shape(object.get("metadata"));
    // A name that is a number is an error, and still tells one object from another.
    let text = |key| metadata.get(key).0.and_then(Tree::scalar_text);
    let name = text("name").filter(|name| !name.is_empty());
    let generate_name = text("generateName").unwrap_or_default();
    let is_named = name.is_some();
    let facts = match known.decode {
        Decode::Namespaced(decode) => {
            let namespace = text("namespace").filter(|namespace| !namespace.is_empty());
            let namespace = namespace.unwrap_or(default_namespace.into());
            Facts::Namespaced(namespace.into_owned(), decode(reader, tree))
        }
        Decode::ClusterWide(decode) => Facts::ClusterWide(decode(reader, tree)),
    };
    let is_usable = match &facts {
        Facts::Namespaced(_, facts) => facts.is_some(),
        Facts::ClusterWide(facts) => facts.is_some(),
    };
    if !is_usable {
        reader.explain_rejection(match known.kind.ends_with("NetworkPolicy") {
            true => "until then the policy is left out of the answer",
            false => "until then the object is left out of the answer",
        });
    }
    validate::metadata(reader, known, &metadata);
    Object {
        kind: index,
        header: Header {
            name: name.unwrap_or(generate_name).into_owned(),
            origin: reader.origin.clone(),
        },
        is_named,
        facts,
    }
}
