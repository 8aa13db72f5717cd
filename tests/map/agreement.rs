//! All formats say the same. Each is read back and compared with the rows it was made from, and
//! the grouped form is multiplied out and compared with the pairs.

use super::fixture::{every_kind, render_part};
use super::generate::{self, Features};
use portolan::model::{
    AddressChoice, AddressSet, Cluster, Direction, Family, Ingress, IngressBackend, IngressPath,
    Operator, PodId, Protocol, Requirement, Selector, Service, ServicePort, ServiceType,
    TargetPort, TrafficPolicy, TrafficSet, Verdict, WorkloadId, address_choices,
};
use portolan::question::list::{
    Connection, Filter, GroupedConnection, GroupedPeer, Peer, Question, for_each_connection,
    grouped,
};
use portolan::reach::Reach;
use portolan::report::map::MapOptions;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: cases.and_then(|cases| cases.parse().ok()).unwrap_or(128),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// What a filter keeps, as indexes that are taken modulo what there is.
#[derive(Clone, Debug)]
struct FilterPlan {
    namespaces: Vec<usize>,
    workloads: Vec<usize>,
    direction: Option<bool>,
    traffic: Option<usize>,
    between: Option<(Vec<usize>, Vec<usize>)>,
}

fn filter() -> impl Strategy<Value = FilterPlan> {
    let some = || proptest::collection::vec(0..8usize, 0..3);
    let rarely = |probability| proptest::option::weighted(probability, some());
    (
        rarely(0.3),
        rarely(0.3),
        proptest::option::weighted(0.3, any::<bool>()),
        proptest::option::weighted(0.3, 0..4usize),
        proptest::option::weighted(0.2, (some(), some())),
    )
        .prop_map(
            |(namespaces, workloads, direction, traffic, between)| FilterPlan {
                namespaces: namespaces.unwrap_or_default(),
                workloads: workloads.unwrap_or_default(),
                direction,
                traffic,
                between,
            },
        )
}

fn build_filter(cluster: &Cluster, plan: &FilterPlan) -> Filter {
    let workloads = |indexes: &[usize]| -> Vec<WorkloadId> {
        let n_workloads = cluster.workloads.len();
        indexes
            .iter()
            .map(|index| WorkloadId((index % n_workloads).try_into().unwrap()))
            .collect()
    };
    Filter {
        namespaces: plan
            .namespaces
            .iter()
            .map(|index| generate::NAMESPACES[index % 3].to_owned())
            .collect(),
        workloads: workloads(&plan.workloads),
        direction: plan.direction.map(|egress| match egress {
            true => Direction::Egress,
            false => Direction::Ingress,
        }),
        traffic: plan.traffic.map(|choice| match choice {
            0 => TrafficSet::ports(Protocol::Tcp, 80, 80),
            1 => TrafficSet::ports(Protocol::Udp, 1, 443),
            2 => TrafficSet::none(),
            _ => TrafficSet::all(),
        }),
        between: plan
            .between
            .as_ref()
            .map(|(a, b)| (workloads(a), workloads(b))),
    }
}

/// How pods make up workloads, and which labels a Service behind an Ingress selects.
type Extras = (Vec<bool>, Vec<(usize, usize, usize)>);

fn extras() -> impl Strategy<Value = Extras> {
    (
        proptest::collection::vec(proptest::bool::weighted(0.6), 6),
        proptest::collection::vec((0..3usize, 0..3usize, 0..3usize), 0..2),
    )
}

/// A generated cluster has one pod for each workload. Here neighbours of one namespace become
/// pods of one workload, and Ingresses are added.
fn build(plan: &generate::ClusterPlan, (joins, ingresses): &Extras) -> Cluster {
    let mut cluster = generate::build(plan);
    let mut pods = std::mem::take(&mut cluster.pods);
    pods.sort_by_key(|pod| pod.namespace);
    let names = std::mem::take(&mut cluster.workloads);
    let mut joins = joins.iter().cycle();
    for (index, (pod, workload)) in pods.iter_mut().zip(names).enumerate() {
        let last = cluster.workloads.last();
        let fits = last.is_some_and(|last| last.namespace == pod.namespace);
        if !fits || !joins.next().unwrap() {
            cluster.workloads.push(portolan::model::Workload {
                namespace: pod.namespace,
                name: format!("w{index}"),
                ..workload
            });
        }
        let last = cluster.workloads.len() - 1;
        pod.workload = WorkloadId(last.try_into().unwrap());
        pod.name = Some(format!("p{index}"));
    }
    cluster.pods = pods;
    for (index, &(namespace, key, value)) in ingresses.iter().enumerate() {
        add_ingress(&mut cluster, index, namespace, key, value);
    }
    cluster
}

fn add_ingress(cluster: &mut Cluster, index: usize, namespace: usize, key: usize, value: usize) {
    let namespace = cluster
        .namespace_named(generate::NAMESPACES[namespace])
        .unwrap();
    let key = cluster.symbols.intern(generate::POD_KEYS[key]);
    let value = cluster.symbols.intern(generate::VALUES[value]);
    let name = format!("service-{index}");
    cluster.services.push(Service {
        namespace,
        name: name.clone(),
        service_type: ServiceType::ClusterIp,
        selector: Some(Selector::new([Requirement {
            key,
            operator: Operator::In(vec![value]),
        }])),
        headless: false,
        cluster_ips: Vec::new(),
        external_name: None,
        external_ips: Vec::new(),
        source_ranges: Vec::new(),
        external_traffic_policy: TrafficPolicy::Cluster,
        internal_traffic_policy: TrafficPolicy::Cluster,
        publish_not_ready: false,
        internal: false,
        node_ports: true,
        ports: vec![ServicePort {
            name: None,
            protocol: Protocol::Tcp,
            port: 80,
            target: TargetPort::Number(80),
            node_port: None,
        }],
        origin: generate::origin(),
    });
    cluster.ingresses.push(Ingress {
        kind: "Ingress",
        namespace,
        name: name.clone(),
        class: None,
        default_backend: None,
        paths: vec![IngressPath {
            host: None,
            path: None,
            exact: false,
            backend: IngressBackend {
                service: Some(name),
                port: None,
                origin: generate::origin(),
            },
        }],
        tls_hosts: Vec::new(),
        origin: generate::origin(),
    });
}

/// One cell of the map, with nothing joined: the addresses outside are those of one atom.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum End {
    Workload(WorkloadId),
    Outside(AddressSet),
    Controller,
}

type Cell = (End, End, Option<Family>);

/// Allowed, unknown and not allowed, partial.
type Said = (TrafficSet, TrafficSet, bool);

fn has_family(cluster: &Cluster, pod: PodId, family: Family) -> bool {
    address_choices(cluster, cluster.pod(pod).unwrap(), family) != AddressChoice::Absent
}

fn pods(cluster: &Cluster, workload: WorkloadId) -> Vec<PodId> {
    cluster.pods_of(workload).map(|(id, _)| id).collect()
}

fn atoms_in(reach: &Reach, addresses: &AddressSet) -> Vec<AddressSet> {
    let atoms = reach.externals().map(|(_, atom)| atom.clone());
    atoms
        .filter(|atom| addresses.contains(atom.first().unwrap()))
        .collect()
}

/// The rows of the map, in no joined form.
fn cells_of_pairs(question: &Question<'_>, rows: &[Connection]) -> BTreeMap<Cell, Said> {
    let cluster = question.cluster;
    let mut cells = BTreeMap::new();
    let mut add = |cell: Cell, row: &Connection| {
        let sets = [&row.allowed, &row.unknown].map(|set| TrafficSet::clone(set));
        let [allowed, unknown] = sets;
        let said = (allowed, unknown, row.partial);
        assert_eq!(cells.insert(cell.clone(), said), None, "twice: {cell:?}");
    };
    for row in rows {
        assert!(!row.allowed.is_none() || !row.unknown.is_none(), "{row:?}");
        let ends = |peer: &Peer| match peer {
            Peer::Workload(id) => vec![End::Workload(*id)],
            Peer::External(set) => atoms_in(question.reach, set)
                .into_iter()
                .map(End::Outside)
                .collect(),
            Peer::IngressController => vec![End::Controller],
        };
        for from in ends(&row.source) {
            for to in ends(&row.destination) {
                let (End::Workload(a), End::Workload(b)) = (&from, &to) else {
                    add((from.clone(), to, None), row);
                    continue;
                };
                for family in Family::ALL {
                    let has = |id: &WorkloadId| {
                        let pods = pods(cluster, *id);
                        pods.iter().any(|pod| has_family(cluster, *pod, family))
                    };
                    let meant = row.family.is_none_or(|only| only == family);
                    assert!(row.family != Some(family) || (has(a) && has(b)));
                    if meant && has(a) && has(b) {
                        add((from.clone(), to.clone(), Some(family)), row);
                    }
                }
            }
        }
    }
    cells
}

/// One pod, or an end that is none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Point {
    Pod(PodId),
    Outside(AddressSet),
    Controller,
}

/// The grouped form multiplied out to pods, and brought together again by workload.
fn cells_of_grouped(
    question: &Question<'_>,
    connections: &[GroupedConnection],
) -> BTreeMap<Cell, Said> {
    let cluster = question.cluster;
    let mut points: BTreeMap<(Point, Point, Option<Family>), (TrafficSet, TrafficSet)> =
        BTreeMap::new();
    for connection in connections {
        let expand = |peer: &GroupedPeer| -> Vec<Point> {
            match peer {
                GroupedPeer::Workloads(set) => set
                    .members
                    .iter()
                    .flat_map(|(&id, some)| match some.as_slice() {
                        [] => pods(cluster, id),
                        some => some.to_vec(),
                    })
                    .map(Point::Pod)
                    .collect(),
                GroupedPeer::External(set) => atoms_in(question.reach, set)
                    .into_iter()
                    .map(Point::Outside)
                    .collect(),
                GroupedPeer::IngressController => vec![Point::Controller],
            }
        };
        for from in expand(&connection.sources) {
            for to in expand(&connection.destinations) {
                let families: Vec<Option<Family>> = match (&from, &to) {
                    (Point::Pod(a), Point::Pod(b)) => Family::ALL
                        .into_iter()
                        .filter(|&family| match connection.family {
                            Some(only) => only == family,
                            None => [a, b].iter().all(|p| has_family(cluster, **p, family)),
                        })
                        .map(Some)
                        .collect(),
                    _ => vec![None],
                };
                for family in families {
                    let key = (from.clone(), to.clone(), family);
                    let (allowed, unknown) = points.entry(key).or_default();
                    let set = match connection.verdict {
                        Verdict::Allowed => allowed,
                        Verdict::Unknown => unknown,
                        Verdict::Denied => panic!("a denied connection"),
                    };
                    *set = set.union(&connection.traffic);
                }
            }
        }
    }
    combine(cluster, points)
}

fn combine(
    cluster: &Cluster,
    points: BTreeMap<(Point, Point, Option<Family>), (TrafficSet, TrafficSet)>,
) -> BTreeMap<Cell, Said> {
    let end = |point: &Point| match point {
        Point::Pod(pod) => End::Workload(cluster.pod(*pod).unwrap().workload),
        Point::Outside(atom) => End::Outside(atom.clone()),
        Point::Controller => End::Controller,
    };
    let mut by_cell: BTreeMap<Cell, Vec<(TrafficSet, TrafficSet)>> = BTreeMap::new();
    for ((from, to, family), (allowed, unknown)) in points {
        let cell = (end(&from), end(&to), family);
        if cell.0 != cell.1 {
            let unknown = unknown.difference(&allowed);
            by_cell.entry(cell).or_default().push((allowed, unknown));
        }
    }
    let n_pods = |end: &End| match end {
        End::Workload(id) => pods(cluster, *id).len(),
        End::Outside(_) | End::Controller => 1,
    };
    let cells = by_cell.into_iter().map(|(cell, each)| {
        let is_uniform =
            each.len() == n_pods(&cell.0) * n_pods(&cell.1) && each.iter().all(|e| *e == each[0]);
        let union = |side: fn(&(TrafficSet, TrafficSet)) -> &TrafficSet| {
            each.iter()
                .fold(TrafficSet::none(), |set, said| set.union(side(said)))
        };
        let allowed = union(|said| &said.0);
        let unknown = union(|said| &said.1).difference(&allowed);
        // Of the controller it is known which workloads it reaches, not which of their pods.
        let partial = !is_uniform && cell.0 != End::Controller;
        (cell, (allowed, unknown, partial))
    });
    cells.collect()
}

fn rows(question: &Question<'_>) -> Vec<Connection> {
    let mut rows = Vec::new();
    let done = for_each_connection(question, |row| {
        rows.push(row);
        Ok::<(), Infallible>(())
    });
    done.unwrap();
    rows
}

fn peer_value(cluster: &Cluster, peer: &Peer) -> Value {
    match peer {
        Peer::Workload(id) => {
            let workload = cluster.workload(*id).unwrap();
            serde_json::json!({
                "kind": "workload",
                "namespace": cluster.namespace_name(workload.namespace),
                "name": workload.name,
                "workloadKind": workload.kind.0,
            })
        }
        Peer::External(addresses) => {
            let cidrs = addresses.cidrs();
            let cidrs: Vec<String> = cidrs.iter().map(ToString::to_string).collect();
            serde_json::json!({"kind": "external", "cidrs": cidrs})
        }
        Peer::IngressController => serde_json::json!({"kind": "ingress-controller"}),
    }
}

/// Traffic as both formats of pairs spell it, without the word `all`.
fn spelled(traffic: &TrafficSet) -> Vec<(String, String)> {
    let protocols = Protocol::ALL.into_iter();
    let some = protocols.filter(|protocol| !traffic.get(*protocol).is_empty());
    some.map(|protocol| {
        let only = TrafficSet::of(protocol, traffic.get(protocol).clone());
        let text = only.to_string();
        let (name, ports) = text.split_once(' ').unwrap();
        (name.to_owned(), ports.to_owned())
    })
    .collect()
}

fn traffic_of(value: &Value) -> Vec<(String, String)> {
    let items = value.as_array().into_iter().flatten();
    items
        .map(|item| {
            let text = |key: &str| item[key].as_str().unwrap().to_owned();
            (text("protocol"), text("ports"))
        })
        .collect()
}

/// `-o json` has these rows, in this order.
fn check_json(cluster: &Cluster, text: &str, rows: &[Connection]) {
    let document: Value = serde_json::from_str(text).unwrap();
    assert_eq!(document["version"], 1);
    let found = document["connections"].as_array().unwrap();
    assert_eq!(found.len(), rows.len());
    for (found, row) in found.iter().zip(rows) {
        assert_eq!(found["src"], peer_value(cluster, &row.source));
        assert_eq!(found["dst"], peer_value(cluster, &row.destination));
        assert_eq!(traffic_of(&found["allow"]), spelled(&row.allowed));
        assert_eq!(traffic_of(&found["unknown"]), spelled(&row.unknown));
        let family = row.family.map(Family::name);
        assert_eq!(found.get("family").and_then(Value::as_str), family);
        assert_eq!(found.get("partial").is_some(), row.partial);
    }
}

/// RFC 4180, read back without a crate.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut in_quotes = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let record = records.last_mut().unwrap();
        match (letter, in_quotes) {
            ('"', true) if letters.peek() == Some(&'"') => {
                letters.next();
                record.last_mut().unwrap().push('"');
            }
            ('"', _) => in_quotes = !in_quotes,
            (',', false) => record.push(String::new()),
            ('\r', false) if letters.peek() == Some(&'\n') => {
                letters.next();
                records.push(vec![String::new()]);
            }
            _ => record.last_mut().unwrap().push(letter),
        }
    }
    assert_eq!(records.pop(), Some(vec![String::new()]), "no line end");
    records
}

/// `-o csv` has these rows, in this order.
fn check_csv(cluster: &Cluster, text: &str, rows: &[Connection]) {
    let mut found = records(text).into_iter();
    let header = found.next().unwrap();
    let found: Vec<Vec<String>> = found.collect();
    assert_eq!(found.len(), rows.len());
    let peer = |peer: &Peer| -> Vec<String> {
        let value = peer_value(cluster, peer);
        let keys = ["kind", "namespace", "name", "workloadKind"];
        let mut fields: Vec<String> = keys
            .iter()
            .map(|key| value[key].as_str().unwrap_or("").to_owned())
            .collect();
        let cidrs = value["cidrs"].as_array().into_iter().flatten();
        let cidrs: Vec<&str> = cidrs.map(|cidr| cidr.as_str().unwrap()).collect();
        fields.push(cidrs.join(" "));
        fields
    };
    for (found, row) in found.iter().zip(rows) {
        assert_eq!(found.len(), header.len());
        let mut expected = peer(&row.source);
        expected.extend(peer(&row.destination));
        for traffic in [&row.allowed, &row.unknown] {
            let parts = spelled(traffic).into_iter();
            let parts: Vec<String> = parts.map(|(p, ports)| format!("{p} {ports}")).collect();
            expected.push(parts.join("; "));
        }
        expected.push(row.family.map_or("", Family::name).to_owned());
        expected.push(row.partial.to_string());
        assert_eq!(found, &expected);
    }
}

/// `-o json --grouped` has these connections, in this order.
fn check_grouped(cluster: &Cluster, text: &str, connections: &[GroupedConnection]) {
    let document: Value = serde_json::from_str(text).unwrap();
    let workloads = document["workloads"].as_array().unwrap();
    for (found, (id, _)) in workloads.iter().zip(cluster.workloads_with_ids()) {
        let mut expected = peer_value(cluster, &Peer::Workload(id));
        expected.as_object_mut().unwrap().remove("kind");
        assert_eq!(found, &expected);
    }
    let sets = document["sets"].as_array().unwrap();
    let distinct: BTreeSet<String> = sets.iter().map(Value::to_string).collect();
    assert_eq!(distinct.len(), sets.len(), "a set twice");
    let found = document["connections"].as_array().unwrap();
    assert_eq!(found.len(), connections.len());
    for (found, connection) in found.iter().zip(connections) {
        for (end, peer) in [
            (&found["src"], &connection.sources),
            (&found["dst"], &connection.destinations),
        ] {
            let expected = match peer {
                GroupedPeer::Workloads(set) => {
                    let members = set.members.iter().map(|(id, pods)| match pods.as_slice() {
                        [] => serde_json::json!(id.0),
                        pods => {
                            let names =
                                pods.iter().map(|id| cluster.pod(*id).unwrap().name.clone());
                            let names: Vec<Option<String>> = names.collect();
                            serde_json::json!({"workload": id.0, "pods": names})
                        }
                    });
                    let set = usize::try_from(end["set"].as_u64().unwrap()).unwrap();
                    assert_eq!(sets[set], Value::from_iter(members));
                    continue;
                }
                GroupedPeer::External(addresses) => {
                    let mut value = peer_value(cluster, &Peer::External(addresses.clone()));
                    value.as_object_mut().unwrap().remove("kind");
                    value
                }
                GroupedPeer::IngressController => peer_value(cluster, &Peer::IngressController),
            };
            assert_eq!(end, &expected);
        }
        assert_eq!(traffic_of(&found["allow"]), spelled(&connection.traffic));
        assert_eq!(found["verdict"], connection.verdict.name());
        let family = connection.family.map(Family::name);
        assert_eq!(found.get("family").and_then(Value::as_str), family);
    }
}

/// The first line of the table counts pairs of workloads, and so do the rows.
fn check_headline(question: &Question<'_>, text: &str, rows: &[Connection]) {
    let cluster = question.cluster;
    let ids: Vec<WorkloadId> = cluster.workloads_with_ids().map(|(id, _)| id).collect();
    let mut n_all = 0;
    for &a in &ids {
        for &b in &ids {
            let (from, to) = (Peer::Workload(a), Peer::Workload(b));
            n_all += usize::from(a != b && question.filter.selects(cluster, &from, &to));
        }
    }
    let mut allowed = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    for row in rows {
        if let (Peer::Workload(a), Peer::Workload(b)) = (&row.source, &row.destination) {
            match row.allowed.is_none() {
                true => unknown.insert((a, b)),
                false => allowed.insert((a, b)),
            };
        }
    }
    let n_unknown = unknown.difference(&allowed).count();
    let headline = text.lines().next().unwrap();
    let (_, counts) = headline.split_once("polic").unwrap();
    let numbers: Vec<usize> = counts
        .split([' ', ','])
        .filter_map(|word| word.parse().ok())
        .collect();
    let mut expected = vec![allowed.len(), n_all];
    if n_unknown > 0 {
        expected.push(n_unknown);
    }
    // A port in the words after the counts is no count.
    assert_eq!(numbers[..2], expected[..2], "{headline}");
    if question.filter.traffic.is_none() {
        assert_eq!(numbers, expected, "{headline}");
    }
}

/// The drawing has a line where the map has a row, dashed where nothing is certain.
fn check_dot(cluster: &Cluster, text: &str, rows: &[Connection]) {
    let mut nodes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut drawn: BTreeMap<(String, String), bool> = BTreeMap::new();
    for line in text.lines().map(str::trim_start) {
        let Some((ids, attributes)) = line.split_once(" [label=\"") else {
            continue;
        };
        let (label, rest) = attributes.split_once('"').unwrap();
        let Some((from, to)) = ids.split_once(" -> ") else {
            let ends = match rest.contains("ellipse") {
                true if label == "ingress controller" => vec!["controller".to_owned()],
                true => vec!["outside".to_owned()],
                false => label
                    .split("\\n")
                    .map(|line| line.split(' ').next().unwrap().to_owned())
                    .collect(),
            };
            nodes.insert(ids, ends);
            continue;
        };
        let mut directions = vec![(from, to)];
        if rest.contains("dir=both") {
            directions.push((to, from));
        }
        for (from, to) in directions {
            for from in &nodes[from] {
                for to in nodes[to].iter().filter(|to| *to != from) {
                    let certain = drawn.entry((from.clone(), to.clone())).or_default();
                    *certain |= !rest.contains("dashed");
                }
            }
        }
    }
    let name = |peer: &Peer| match peer {
        Peer::Workload(id) => cluster.workload(*id).unwrap().name.clone(),
        Peer::External(_) => "outside".to_owned(),
        Peer::IngressController => "controller".to_owned(),
    };
    let mut expected: BTreeMap<(String, String), bool> = BTreeMap::new();
    for row in rows {
        let ends = (name(&row.source), name(&row.destination));
        *expected.entry(ends).or_default() |= !row.allowed.is_none();
    }
    assert_eq!(drawn, expected, "{text}");
}

fn check_all(cluster: &Cluster, filter: &Filter) {
    let reach = Reach::new(cluster);
    let question = Question {
        cluster,
        reach: &reach,
        filter,
        controller: None,
    };
    let rows = rows(&question);
    let connections = grouped(&question);
    let render = |format: &str, options| render_part(cluster, filter, format, options);
    let plain = MapOptions::default();
    check_json(cluster, &render("json", plain), &rows);
    check_csv(cluster, &render("csv", plain), &rows);
    let options = MapOptions {
        grouped: true,
        ..plain
    };
    check_grouped(cluster, &render("json", options), &connections);
    check_dot(cluster, &render("dot", plain), &rows);
    check_headline(&question, &render("table", plain), &rows);
    assert_eq!(
        cells_of_grouped(&question, &connections),
        cells_of_pairs(&question, &rows)
    );
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn all_formats_agree(
        plan in generate::cluster(Features { tiers: true }),
        extras in extras(),
        filter in filter(),
    ) {
        let cluster = build(&plan, &extras);
        check_all(&cluster, &Filter::default());
        check_all(&cluster, &build_filter(&cluster, &filter));
    }
}

#[test]
fn all_formats_agree_on_every_kind() {
    check_all(&every_kind(), &Filter::default());
}

#[test]
fn all_formats_agree_on_nothing() {
    check_all(&Cluster::default(), &Filter::default());
}
