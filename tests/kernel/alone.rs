//! The program run on packets by themselves: every kind of packet that maps tell apart, and what
//! faults of the program they find.

use crate::ebpf::Built;
use crate::{bundle, clusters, frames, mutants, packets, placed};
use libtest_mimic::Failed;
use portolan::dataplane::ebpf::{End, Maps, Part, Prefix, decide, files};
use portolan::dataplane::{Comments, Compiler, address_book};
use portolan::model::{
    AddressBook, Decision, Family, Half, Hook, Modes, NodeId, Packet, Tracking, Transport, expected,
};
use portolan::reach::Reach;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// How many generated clusters' maps are tried, unless `PROPTEST_CASES` says otherwise.
const CLUSTERS: usize = 16;

/// What a longest-prefix look-up finds, tried one by one.
fn found(prefixes: &BTreeMap<Prefix, End>, width: u32, number: u128) -> Option<End> {
    let holds = |at: &&Prefix| at.first <= number && number <= at.last(width);
    let longest = prefixes.keys().filter(holds).max_by_key(|at| at.length)?;
    prefixes.get(longest).copied()
}

/// One address of each kind that the maps tell apart, and all at the edges of prefixes. What a
/// prefix says holds from its first address, or from after a longer one in it, so no kind is missed.
fn addresses(maps: &Maps) -> (Vec<IpAddr>, Vec<IpAddr>) {
    let (mut kinds, mut edges) = (Vec::new(), Vec::new());
    for ((family, width), prefixes) in Family::ALL.into_iter().zip([32, 128]).zip(&maps.addresses) {
        let last = u128::MAX >> (128 - width);
        let mut numbers = BTreeSet::new();
        for prefix in prefixes.keys() {
            numbers.extend([prefix.first, prefix.last(width)]);
            numbers.extend(prefix.first.checked_sub(1));
            numbers.extend(prefix.last(width).checked_add(1).filter(|n| *n <= last));
        }
        let mut known = BTreeSet::new();
        for &number in &numbers {
            if known.insert(found(prefixes, width, number)) {
                kinds.push(family.address(number));
            }
        }
        edges.extend(numbers.into_iter().map(|number| family.address(number)));
    }
    (kinds, edges)
}

/// Every packet up to what the maps tell apart, and those at the edges of it.
fn representatives(maps: &Maps) -> Vec<Packet> {
    let mut ports = BTreeSet::from([0u16, 80]);
    for key in maps.policy.keys() {
        if let Part::Of(_, prefix) = key.part {
            let (first, last) = (prefix.first, prefix.last(16));
            for port in [first, last, last + 1, first.wrapping_sub(1)] {
                ports.extend(u16::try_from(port).ok());
            }
        }
    }
    let (kinds, edges) = addresses(maps);
    let mut packets = Vec::new();
    let pairs = |one: &[IpAddr], other: &[IpAddr]| -> Vec<(IpAddr, IpAddr)> {
        let all = one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b)));
        all.filter(|(a, b)| a.is_ipv4() == b.is_ipv4()).collect()
    };
    let of = |hook, (source, destination), transport, port, tracking| Packet {
        hook,
        source,
        destination,
        transport,
        port,
        tracking,
    };
    for ends in pairs(&kinds, &kinds) {
        for transport in Transport::ALL {
            for &port in ports
                .iter()
                .filter(|port| transport.has_ports() || **port == 80)
            {
                packets.push(of(Hook::Forward, ends, transport, port, Tracking::New));
            }
            for hook in Hook::ALL {
                for tracking in Tracking::ALL {
                    packets.push(of(hook, ends, transport, 80, tracking));
                }
            }
        }
    }
    for ends in [pairs(&kinds, &edges), pairs(&edges, &kinds)].concat() {
        for transport in [Transport::Tcp, Transport::Other] {
            packets.push(of(Hook::Forward, ends, transport, 80, Tracking::New));
        }
    }
    packets
}

/// What came of running the program on packets.
struct Tried {
    packets: usize,
    frames: usize,
    dropped: usize,
    /// The first that did not become what it should have.
    wrong: Option<String>,
}

/// Runs what is loaded on every packet that its maps tell apart, in all frames.
fn try_packets(built: &Built, pin: &str, half: &Half<'_>, maps: &Maps) -> Result<Tried, Failed> {
    // Where nothing is let through by policy, unreadable packets become what any does.
    let closed = Maps {
        policy: Default::default(),
        ..maps.clone()
    };
    let mut lines = String::new();
    let mut wanted: Vec<(Packet, Decision, &str, usize)> = Vec::new();
    let mut add = |packet: &Packet, decision, how, frames: Vec<String>| {
        for (way, frame) in frames.iter().enumerate() {
            lines.push_str(frame);
            wanted.push((*packet, decision, how, way));
        }
    };
    let packets = representatives(maps);
    for (index, packet) in packets.iter().enumerate() {
        add(
            packet,
            expected(half, packet).0,
            "frame",
            frames::readable(packet),
        );
        if index % 5 == 0 && packet.transport != Transport::Discovery {
            let decision = decide(&closed, packet);
            add(
                packet,
                decision,
                "unreadable frame",
                frames::unreadable(packet),
            );
        }
        // Whoever is at its ends: but for what tracking lets through, and where nothing is policed.
        let is_read = packet.tracking == Tracking::New && packet.hook == Hook::Forward;
        if index % 50 == 0 && is_read {
            let frames = frames::malformed(packet);
            add(packet, Decision::Drop, "malformed frame", frames);
        }
    }
    let verdicts = built.run(pin, 1, &lines)?;
    assert_eq!(verdicts.len(), wanted.len());
    let mut tried = Tried {
        packets: packets.len(),
        frames: wanted.len(),
        dropped: verdicts.iter().filter(|(accepted, _)| !accepted).count(),
        wrong: None,
    };
    for (((packet, decision, how, way), (accepted, _)), line) in
        wanted.iter().zip(&verdicts).zip(lines.lines())
    {
        if *accepted != (*decision == Decision::Accept) {
            let (decision, did) = (
                decision.name(),
                if *accepted { "accepted" } else { "dropped" },
            );
            let text = format!("{packet}, {how} {way}: should be {decision}, was {did}\n{line}");
            tried.wrong = Some(text);
            break;
        }
    }
    Ok(tried)
}

/// What the program could have wrong, as a change of its source. The table is in
/// docs/dataplanes/ebpf.md.
const FAULTS: &[(&str, &str, &str)] = &[
    (
        "ports read at a fixed offset, IP options or not",
        "packet->offset = (header.version_and_words & 15) * 4;",
        "packet->offset = 20;",
    ),
    (
        "IPv6 extension headers not passed over",
        "packet->protocol = header.next;",
        "packet->protocol = header.next;\n\tread_transport(context, packet);\n\treturn 0;",
    ),
    (
        "fragments read as if they had ports",
        "if (header.fragment & bpf_htons(0x3fff))",
        "if (0)",
    ),
    (
        "first fragments read, later ones not",
        "if (header.fragment & bpf_htons(0x3fff))",
        "if (header.fragment & bpf_htons(0x1fff))",
    ),
    (
        "IPv6 fragments read as if they had ports",
        "if (extension.fragment & bpf_htons(0xfff9))",
        "if (0)",
    ),
    (
        "packets cut short pass",
        "if (packet->kind == KIND_UNREADABLE)\n\t\treturn DROP_UNREADABLE;",
        "if (packet->kind == KIND_UNREADABLE)\n\t\treturn ACCEPT_POLICY;",
    ),
    (
        "packets cut short match entries for all traffic",
        "if (packet->kind == KIND_UNREADABLE)\n\t\treturn DROP_UNREADABLE;",
        "",
    ),
    (
        "bytes beyond the packet's length taken for ports",
        "if (packet->offset + sizeof(ports) > packet->length ||\n\t\t    load(",
        "if (load(",
    ),
    (
        "a header of four words taken for one",
        "packet->offset < sizeof(header) ||",
        "",
    ),
    (
        "protocols without ports read as if they had them",
        "\tcase ICMPV6:\n",
        "\tcase 1:\n\t\tload(context, packet->offset, ports, sizeof(ports));\n\t\tpacket->port = ports[1];\n\t\tpacket->kind = KIND_TCP;\n\t\treturn;\n\tcase ICMPV6:\n",
    ),
    (
        "the source port taken for the destination's",
        "packet->port = ports[1];",
        "packet->port = ports[0];",
    ),
    (
        "the port in the machine's byte order",
        "packet->port = ports[1];",
        "packet->port = bpf_ntohs(ports[1]);",
    ),
    (
        "TCP and UDP exchanged",
        "packet->kind = packet->protocol == TCP ? KIND_TCP :\n\t\t\t       packet->protocol == UDP ? KIND_UDP :",
        "packet->kind = packet->protocol == UDP ? KIND_TCP :\n\t\t\t       packet->protocol == TCP ? KIND_UDP :",
    ),
    (
        "egress not looked up",
        "if (egress && !lets_through(",
        "if (0 && !lets_through(",
    ),
    (
        "the peer of the wrong direction",
        "destination->egress_peer, EGRESS)",
        "destination->ingress_peer, EGRESS)",
    ),
    (
        "directions exchanged",
        "enum { EGRESS, INGRESS };",
        "enum { INGRESS, EGRESS };",
    ),
    (
        "a miss in the policy lets through",
        "if (!rule || !*rule)\n\t\treturn 0;",
        "if (!rule)\n\t\treturn 1;\n\tif (!*rule)\n\t\treturn 0;",
    ),
    (
        "an entry that lets nothing through lets through",
        "if (!rule || !*rule)",
        "if (!rule)",
    ),
    (
        "unknown pods of the node pass",
        "((source->flags | destination->flags) & END_UNKNOWN_LOCAL))",
        "(source->flags & destination->flags & END_UNKNOWN_LOCAL))",
    ),
    (
        "a pod does not reach itself",
        "if (same_ends(packet))\n\t\treturn ACCEPT_POLICY;",
        "",
    ),
    (
        "IPv6 addresses compared by their first half",
        "source[0] == destination[0] && source[1] == destination[1]",
        "source[0] == destination[0]",
    ),
    (
        "established packets pass in both directions",
        "packet->tracking == ORIGINAL && (word & WORD_REPLIES_ESTABLISHED)",
        "packet->tracking == ORIGINAL",
    ),
    (
        "invalid packets pass",
        "return DROP_INVALID;",
        "return ACCEPT_TRACKING;",
    ),
    (
        "neighbour discovery towards the node dropped",
        "if (packet->hook != HOOK_FORWARD && packet->discovery)\n\t\treturn ACCEPT_NOT_POLICED;",
        "",
    ),
    (
        "neighbour discovery forwarded unseen",
        "if (packet->hook != HOOK_FORWARD && packet->discovery)",
        "if (packet->discovery)",
    ),
];

/// Each of them is found by the packets that the model is compared on.
pub(crate) fn program_faults() -> Result<(), Failed> {
    let cluster = mutants::cluster();
    let book = address_book(&cluster).unwrap();
    let half = Half::new(&cluster, &book, NodeId(0), Modes::default());
    let files = bundle(&cluster, 0).files;
    let maps = portolan::dataplane::ebpf::read_files(|name| files.get(name).map(String::as_str));
    let maps = maps.map_err(|problem| problem.problem)?;
    let mut built = Built::new()?;
    let source = portolan::dataplane::ebpf::PROGRAM;
    let unchanged = [("no fault at all", "", "")];
    for (nth, (fault, before, after)) in unchanged.iter().chain(FAULTS).enumerate() {
        assert!(nth == 0 || source.matches(before).count() == 1, "{fault}");
        built.rebuild(&source.replacen(before, after, 1))?;
        let pin = built.pin(&format!("f{nth}"));
        let folder = built.folder_for_packets("f", &files)?;
        built.loader_apart(&folder, "load", &pin)?;
        let wrong = try_packets(&built, &pin, &half, &maps)?.wrong;
        built.loader_apart(&folder, "unload", &pin)?;
        assert_eq!(wrong.is_none(), nth == 0, "{fault}: {wrong:?}");
        if let Some(wrong) = wrong {
            eprintln!("| {fault} | {} |", wrong.lines().next().unwrap());
        }
    }
    Ok(())
}

/// The program of the kernel is run on representatives and boundary packets of generated maps, in
/// every way that IP can carry them.
pub(crate) fn by_themselves() -> Result<(), Failed> {
    let built = Built::new()?;
    let pin = built.pin("p");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = (clusters::cluster(), 0..48usize, packets::modes());
    let (mut n_packets, mut n_frames, mut n_dropped) = (0usize, 0usize, 0usize);
    let cases = std::env::var("PROPTEST_CASES").ok();
    let clusters = cases
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(CLUSTERS);
    for _ in 0..clusters {
        let (cluster, seed, modes) = strategy.new_tree(&mut runner).unwrap().current();
        let cluster = placed::place(cluster, seed);
        let reach = Reach::new(&cluster);
        let (book, _) = AddressBook::new(&cluster);
        let compiler = Compiler::new(&cluster, &reach, &book);
        for half in placed::halves(&cluster, &book, modes) {
            let table = compiler.table(&half);
            let maps = portolan::dataplane::ebpf::emit(&table, modes);
            let files = files("", &table, &maps, &Comments::NONE);
            let folder = built.folder_for_packets("p", &files)?;
            // A namespace of its own: packets of this machine do not go by it.
            built.loader_apart(&folder, "load", &pin)?;
            let tried = try_packets(&built, &pin, &half, &maps)?;
            n_packets += tried.packets;
            n_frames += tried.frames;
            n_dropped += tried.dropped;
            if let Some(wrong) = tried.wrong {
                return Err(format!("{wrong}\n{}", files["policy.batch"]).into());
            }
        }
    }
    let folder = built.folder("p", &Default::default())?;
    built.loader(&folder, "unload", &pin)?;
    eprintln!(
        "{clusters} clusters, {n_packets} packets in {n_frames} frames, {n_dropped} dropped, all as the model says"
    );
    Ok(())
}
