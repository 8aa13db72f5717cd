//! From a node's half of the policy to the files of its bundle, read back and proved.

use super::ebpf;
use super::nft::{self, Delta, State};
use super::prove::{HalfProof, prove_half};
use super::table::{Class, Compiler, NodeTable, Row};
use crate::model::{Half, PodId, Program};
use crate::symbolic::{Limits, PolicyIndex, prove_composition};
use std::collections::BTreeMap;

/// What is said of classes and rows in the files. The words are someone else's.
#[derive(Clone, Copy)]
pub struct Comments<'a> {
    /// Lines about a class.
    pub class: &'a (dyn Fn(&Class) -> Vec<String> + Sync),
    /// Lines about a row.
    pub row: &'a (dyn Fn(&Class, &Row) -> Vec<String> + Sync),
}

impl Comments<'static> {
    /// None at all.
    pub const NONE: Comments<'static> = Comments {
        class: &|_| Vec::new(),
        row: &|_, _| Vec::new(),
    };
}

impl std::fmt::Debug for Comments<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Comments")
    }
}

/// How a bundle is made.
#[derive(Debug)]
pub struct Making<'a> {
    /// The first lines of every file, comments all of them.
    pub header: String,
    /// What else is commented.
    pub comments: Comments<'a>,
    /// What for.
    pub target: Target,
    /// How much the solver may do; `None` not to prove.
    pub prove: Option<Limits>,
}

/// What rules are made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// nftables.
    Nft {
        /// How peers are held.
        design: nft::DesignChoice,
        /// The node's `policy.nft` of before, to make an update from.
        previous: Option<String>,
    },
    /// The eBPF program and its maps.
    Ebpf,
}

/// Why there is no bundle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotMade {
    /// What was emitted does not read back as what it has to be: a mistake in this tool.
    Broken(String),
    /// The node needs more of something than fits.
    TooLarge(ebpf::Capacity),
}

/// The files of a node.
#[derive(Debug)]
pub struct Bundle {
    /// The neutral table it was emitted from.
    pub table: NodeTable,
    /// By name.
    pub files: BTreeMap<&'static str, String>,
    /// The file that explanations name.
    pub rules_file: &'static str,
    /// What the files, read back, do.
    pub program: Program,
    /// What a kernel has to hold, and how.
    pub held: Held,
    /// What became of the proof; `None` when it was not asked for.
    pub proof: Option<HalfProof>,
    /// Why the earlier bundle was of no use.
    pub no_update: Option<String>,
}

/// What a kernel has to hold, and how.
#[derive(Debug)]
pub enum Held {
    /// In an nftables table.
    Nft {
        /// Which class is in which chain.
        chain_of_class: Vec<(usize, String)>,
        /// How the peers of each direction are held, in the order of `Direction::ALL`.
        designs: Vec<nft::Design>,
        /// What there is of everything.
        size: Size,
    },
    /// In eBPF maps.
    Ebpf {
        /// What each map has to hold.
        capacities: [ebpf::Capacity; 4],
    },
}

impl Held {
    /// The rules and the elements.
    pub fn counts(&self) -> (usize, usize) {
        match self {
            Held::Nft { size, .. } => (size.rules, size.elements),
            Held::Ebpf {
                capacities: [v4, v6, policy, counters],
            } => (counters.entries, v4.entries + v6.entries + policy.entries),
        }
    }
}

/// How much a kernel has to hold of an nftables table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Size {
    /// Sets.
    pub sets: usize,
    /// Maps.
    pub maps: usize,
    /// Chains.
    pub chains: usize,
    /// Rules.
    pub rules: usize,
    /// Elements of all sets and maps.
    pub elements: usize,
    /// Elements of the largest.
    pub largest: usize,
}

/// Makes and proves a node's bundle.
///
/// # Errors
///
/// When it does not fit, or does not read back as what it has to be.
pub fn make_bundle(
    half: &Half<'_>,
    compiler: &Compiler<'_>,
    index: &PolicyIndex,
    making: &Making<'_>,
) -> Result<Bundle, NotMade> {
    let table = compiler.table(half);
    let mut bundle = match &making.target {
        Target::Nft { design, previous } => {
            make_nft(half, table, making, *design, previous.as_deref()).map_err(NotMade::Broken)?
        }
        Target::Ebpf => make_ebpf(half, table, making)?,
    };
    let prove = |limits| prove_half(&bundle.program, half, index, limits);
    bundle.proof = making.prove.map(prove);
    Ok(bundle)
}

fn make_nft(
    half: &Half<'_>,
    table: NodeTable,
    making: &Making<'_>,
    design: nft::DesignChoice,
    previous: Option<&str>,
) -> Result<Bundle, String> {
    let Comments { class, row } = making.comments;
    let emitted = nft::emit(&table, half.modes, design, class, row);
    let header = &making.header;
    let mut files = BTreeMap::from([
        ("policy.nft", nft::whole(header, &emitted)),
        ("phase1.nft", nft::first_phase(header, &emitted)),
        ("phase2.nft", nft::second_phase(header, &emitted)),
        ("remove.nft", nft::remove(header)),
    ]);
    let state = read_back(&files)?;
    let mut no_update = None;
    if let Some(previous) = previous {
        match update(previous, &state) {
            Ok(Delta { add, switch, clean }) => {
                for (name, text) in [
                    ("update1.nft", add),
                    ("update2.nft", switch),
                    ("update3.nft", clean),
                ] {
                    files.insert(name, format!("{header}\n{text}"));
                }
            }
            Err(problem) => no_update = Some(problem),
        }
    }
    Ok(Bundle {
        rules_file: "policy.nft",
        program: state.program()?,
        held: Held::Nft {
            size: size(&state),
            chain_of_class: emitted.chain_of_class,
            designs: emitted.designs,
        },
        proof: None,
        table,
        files,
        no_update,
    })
}

fn make_ebpf(half: &Half<'_>, table: NodeTable, making: &Making<'_>) -> Result<Bundle, NotMade> {
    let emitted = ebpf::emit(&table, half.modes);
    let capacities = ebpf::capacities(&emitted);
    if let Some(capacity) = ebpf::too_large(&capacities) {
        return Err(NotMade::TooLarge(capacity));
    }
    let files = ebpf::files(&making.header, &table, &emitted, &making.comments);
    let maps = ebpf::read_files(|name| files.get(name).map(String::as_str));
    let maps = maps.map_err(|problem| {
        let (table, line, problem) = (problem.table, problem.line, problem.problem);
        NotMade::Broken(format!("{table}, line {line}: {problem}"))
    })?;
    if maps != emitted {
        let problem = "the files do not say what was to be written";
        return Err(NotMade::Broken(problem.to_owned()));
    }
    Ok(Bundle {
        rules_file: "policy.batch",
        program: ebpf::program(&maps),
        held: Held::Ebpf { capacities },
        proof: None,
        table,
        files,
        no_update: None,
    })
}

fn read(text: &str, state: &mut State) -> Result<(), String> {
    state.apply(text).map_err(|error| {
        let (line, text, problem) = (error.line, error.text, error.problem);
        format!("line {line}, `{text}`: {problem}")
    })
}

/// What the files leave in a kernel: the same however often and in whichever of the two ways they
/// are applied.
fn read_back(files: &BTreeMap<&'static str, String>) -> Result<State, String> {
    let apply = |names: &[&str]| {
        let mut state = State::default();
        for name in names {
            read(files.get(name).map_or("", String::as_str), &mut state)
                .map_err(|problem| format!("{name}, {problem}"))?;
        }
        Ok::<State, String>(state)
    };
    let once = apply(&["policy.nft"])?;
    let mut over_another = once.soiled();
    read(
        files.get("policy.nft").map_or("", String::as_str),
        &mut over_another,
    )?;
    if over_another != once {
        return Err("policy.nft leaves something of what was there before it".to_owned());
    }
    if apply(&["phase1.nft", "phase2.nft"])? != once {
        return Err("phase1.nft and phase2.nft do not say what policy.nft does".to_owned());
    }
    if apply(&["policy.nft", "remove.nft"])? != State::default() {
        return Err("remove.nft leaves something behind".to_owned());
    }
    Ok(once)
}

/// The update from an earlier file, tried out.
fn update(previous: &str, new: &State) -> Result<Delta, String> {
    let mut state = State::default();
    read(previous, &mut state)?;
    let delta = nft::delta(&state, new);
    for text in [&delta.add, &delta.switch, &delta.clean] {
        read(text, &mut state)?;
    }
    if state == *new {
        Ok(delta)
    } else {
        Err("the update does not lead to the new rules".to_owned())
    }
}

fn size(state: &State) -> Size {
    let n_elements = || state.collections.values().map(nft::Collection::len);
    Size {
        sets: state.collections.values().filter(|of| !of.is_map).count(),
        maps: state.collections.values().filter(|of| of.is_map).count(),
        chains: state.chains.len(),
        rules: state.chains.values().map(|chain| chain.rules.len()).sum(),
        elements: n_elements().sum(),
        largest: n_elements().max().unwrap_or_default(),
    }
}

/// Proves that the halves of these nodes make up the policy: for every flow between two pods of
/// the cluster, what all of them let through is what the policies do. Returns a pair of pods for
/// which not.
///
/// # Errors
///
/// Why the solver gave up.
pub fn prove_all(halves: &[Half<'_>], limits: Limits) -> Result<Option<(PodId, PodId)>, String> {
    let Some(first) = halves.first() else {
        return Ok(None);
    };
    let mut pods: Vec<PodId> = first.book.pods().map(|(_, pod)| pod).collect();
    pods.sort_unstable();
    pods.dedup();
    let node_of = |pod: &PodId| {
        let on = first.cluster.pod(*pod)?.node.as_deref();
        let nodes = (0u32..).map(crate::model::NodeId).zip(&first.cluster.nodes);
        nodes
            .into_iter()
            .find(|(_, node)| on == Some(&node.name))
            .map(|(id, _)| id)
    };
    let nodes: Vec<_> = pods.iter().map(node_of).collect();
    let enforcing: Vec<_> = halves.iter().map(|half| half.node).collect();
    let found = prove_composition(&enforcing, &nodes, limits)?;
    Ok(found.and_then(|(source, destination)| Some((*pods.get(source)?, *pods.get(destination)?))))
}
