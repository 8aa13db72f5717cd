//! Emitted rules in a real kernel: what arrives is what `model::evaluate` says.
//!
//! Needs root, network namespaces and nft; without, every test is reported as skipped. TCP and
//! UDP are real sockets, SCTP and ICMP are made by hand, and long datagrams come in fragments.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed"
)]

#[path = "kernel/compare.rs"]
mod compare;
#[path = "kernel/policies.rs"]
mod policies;
#[path = "kernel/probe.rs"]
mod probe;
#[path = "kernel/topology.rs"]
mod topology;

use compare::{
    DENY_ALL, ONLY_B_ON_8080, Test, compare, listeners, loaded, try_node_to_pod, try_revocation,
    try_service,
};
use libtest_mimic::Failed;
use policies::policies;
use portolan::dataplane::nft::{DesignChoice, State, read_listing};
use portolan::dataplane::{
    Comments, Compiler, HalfProof, Making, Target, address_book, make_bundle, prove_half,
};
use portolan::model::{AddressBook, Cluster, Half, Modes, NodeId};
use portolan::reach::Reach;
use portolan::symbolic::{Limits, PolicyIndex};
use topology::{Topology, is_able};

/// How many policy sets are tried.
const SETS: u64 = 36;

fn main() {
    let tests: [(&str, Test); 8] = [
        ("nft_accepts_every_file", accepted),
        ("generated_policies_decide_what_arrives", generated),
        ("identities_decide_what_arrives", identities),
        ("a_service_is_seen_after_translation", service),
        ("revocation_cuts_a_live_flow_at_its_next_packet", revocation),
        ("a_node_reaches_its_pods_under_default_deny", node_to_pod),
        ("updates_and_phases_lead_to_the_same_rules", updates),
        ("tampering_with_a_running_node_is_found", tampering),
    ];
    compare::run_all(&tests, "root, network namespaces and nft", is_able());
}

/// The files of a node.
fn bundle(
    cluster: &Cluster,
    node: u32,
    design: DesignChoice,
    previous: Option<String>,
) -> portolan::dataplane::Bundle {
    let book = address_book(cluster).unwrap();
    let reach = Reach::new(cluster);
    let compiler = Compiler::new(cluster, &reach, &book);
    let half = Half::new(cluster, &book, NodeId(node), Modes::default());
    let making = Making {
        header: "# kernel test\n".to_owned(),
        comments: Comments::NONE,
        target: Target::Nft { design, previous },
        prove: Some(Limits::default()),
    };
    let bundle = make_bundle(&half, &compiler, &PolicyIndex::new(cluster), &making).unwrap();
    assert_eq!(bundle.proof, Some(HalfProof::Proved));
    bundle
}

fn load_policy(topology: &Topology, cluster: &Cluster, design: DesignChoice) -> Result<(), Failed> {
    for (index, node) in [0u32, 1].into_iter().enumerate() {
        let bundle = bundle(cluster, node, design, None);
        topology.load(index, &bundle.files["policy.nft"])?;
    }
    Ok(())
}

fn generated_with(tag: &str, sets: u64, design: DesignChoice) -> Result<(), Failed> {
    let topology = Topology::new(tag)?;
    let mut listeners = listeners(&topology)?;
    let nothing = loaded("");
    // Neighbours find each other.
    let _ = compare(&topology, &mut listeners, &nothing, "");
    compare(&topology, &mut listeners, &nothing, "no rules loaded")?;
    let (mut probes, mut arrived) = (0, 0);
    for seed in 0..sets {
        let text = policies(seed);
        let cluster = loaded(&text);
        load_policy(&topology, &cluster, design)?;
        let (all, some) = compare(&topology, &mut listeners, &cluster, &text)?;
        probes += all;
        arrived += some;
    }
    // Policies that let everything or nothing through would show little.
    assert!(
        arrived * 5 > probes && arrived * 10 < probes * 9,
        "{arrived} of {probes}"
    );
    eprintln!("{sets} policy sets, {probes} probes, {arrived} arrived, all as evaluate says");
    Ok(())
}

fn generated() -> Result<(), Failed> {
    generated_with("g", SETS, DesignChoice::Smaller)
}

fn identities() -> Result<(), Failed> {
    generated_with("i", 6, DesignChoice::Identities)
}

/// A Service address in front of `a`: clients see its port 80, and policy sees port 8080 of `a`.
fn service() -> Result<(), Failed> {
    let topology = Topology::new("s")?;
    let mut listeners = listeners(&topology)?;
    load_policy(&topology, &loaded(ONLY_B_ON_8080), DesignChoice::Smaller)?;
    try_service(&topology, &mut listeners)
}

fn revocation() -> Result<(), Failed> {
    let topology = Topology::new("r")?;
    let load = |text: &str| load_policy(&topology, &loaded(text), DesignChoice::Smaller);
    try_revocation(&topology, &load)
}

fn node_to_pod() -> Result<(), Failed> {
    let topology = Topology::new("n")?;
    let mut listeners = listeners(&topology)?;
    load_policy(&topology, &loaded(DENY_ALL), DesignChoice::Smaller)?;
    try_node_to_pod(&topology, &mut listeners)
}

/// What a node holds, as a state.
fn held(topology: &Topology, node: usize) -> State {
    let listing = topology.listing(node).unwrap();
    read_listing(&listing).unwrap().state.unwrap()
}

fn state(text: &str) -> State {
    let mut state = State::default();
    state.apply(text).unwrap();
    state
}

fn updates() -> Result<(), Failed> {
    let topology = Topology::new("u")?;
    let mut before: Option<String> = None;
    for seed in 100..116 {
        let cluster = loaded(&policies(seed));
        let design = if seed % 2 == 0 {
            DesignChoice::Smaller
        } else {
            DesignChoice::Identities
        };
        let bundle = bundle(&cluster, 0, design, before.clone());
        let whole = bundle.files["policy.nft"].clone();
        match before {
            None => topology.load(0, &whole)?,
            Some(_) => {
                for name in ["update1.nft", "update2.nft", "update3.nft"] {
                    let text = &bundle.files[name];
                    topology
                        .load(0, text)
                        .map_err(|e| format!("{name}, seed {seed}: {e}\n{text}"))?;
                }
            }
        }
        let now = held(&topology, 0);
        assert_eq!(
            now,
            state(&whole),
            "the kernel holds what the file says (seed {seed})"
        );
        topology.load(1, &bundle.files["remove.nft"])?;
        topology.load(1, &bundle.files["phase1.nft"])?;
        topology.load(1, &bundle.files["phase2.nft"])?;
        assert_eq!(
            held(&topology, 1),
            now,
            "both ways lead to the same rules (seed {seed})"
        );
        topology.load(1, &bundle.files["remove.nft"])?;
        let listing = read_listing(&topology.listing(1)?).unwrap();
        assert_eq!(listing.state, None, "nothing is left");
        before = Some(whole);
    }
    Ok(())
}

fn tampering() -> Result<(), Failed> {
    let topology = Topology::new("t")?;
    let cluster = loaded(ONLY_B_ON_8080);
    let whole = bundle(&cluster, 0, DesignChoice::Smaller, None).files["policy.nft"].clone();
    let (book, _) = AddressBook::new(&cluster);
    let half = Half::new(&cluster, &book, NodeId(0), Modes::default());
    let index = PolicyIndex::new(&cluster);
    let verify = || -> Result<HalfProof, String> {
        let listing = read_listing(&topology.listing(0)?).map_err(|e| e.problem)?;
        let program = listing.state.unwrap_or_default().program()?;
        Ok(prove_half(&program, &half, &index, Limits::default()))
    };
    topology.load(0, &whole)?;
    assert_eq!(verify()?, HalfProof::Proved);
    let chain = whole
        .split_whitespace()
        .find(|word| word.starts_with("in_"))
        .unwrap()
        .to_owned();
    for tamper in [
        "delete element inet portolan in4 { 10.244.1.10 }".to_owned(),
        "delete element inet portolan in6 { fd10:244:1::a }".to_owned(),
        "add element inet portolan known4 { 10.244.1.99 }".to_owned(),
        "delete element inet portolan self4 { 10.244.1.10 . 10.244.1.10 }".to_owned(),
        format!("insert rule inet portolan {chain} ip saddr 192.0.2.200 accept"),
        "insert rule inet portolan forward ct state established accept".to_owned(),
        "insert rule inet portolan forward ip saddr 10.244.1.11 drop".to_owned(),
        format!("flush chain inet portolan {chain}"),
        "add chain inet portolan forward { type filter hook forward priority -1; policy accept; }\n\
         flush chain inet portolan forward"
            .to_owned(),
        "delete table inet portolan".to_owned(),
    ] {
        topology.load(0, &whole)?;
        topology.load(0, &tamper)?;
        assert!(matches!(verify()?, HalfProof::Differs(_)), "{tamper}");
    }
    topology.load(0, &whole)?;
    topology.load(0, "insert rule inet portolan forward meta mark 1 accept")?;
    assert!(verify().is_err(), "what is not understood is refused");
    // A file that is loaded over it mends it, whatever was there.
    topology.load(0, &whole)?;
    assert_eq!(verify()?, HalfProof::Proved);
    Ok(())
}

/// `nft -c` accepts every file of many bundles, in both designs.
fn accepted() -> Result<(), Failed> {
    let topology = Topology::new("c")?;
    let mut before: Option<String> = None;
    for seed in 200..215 {
        let cluster = loaded(&policies(seed));
        for design in [DesignChoice::Sets, DesignChoice::Identities] {
            let bundle = bundle(&cluster, 0, design, before.clone());
            for name in ["policy.nft", "phase1.nft", "remove.nft"] {
                topology.check(0, &bundle.files[name])?;
            }
            // These build on what is there.
            topology.load(0, &bundle.files["remove.nft"])?;
            if let Some(before) = &before {
                topology.load(0, before)?;
                for name in ["update1.nft", "update2.nft", "update3.nft"] {
                    topology.check(0, &bundle.files[name])?;
                    topology.load(0, &bundle.files[name])?;
                }
            }
            before = Some(bundle.files["policy.nft"].clone());
        }
    }
    Ok(())
}
