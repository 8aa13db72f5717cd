//! Maps of the eBPF program, of a bundle, of dumps or of this machine.

use super::{Rules, cannot_read, printed};
use crate::cli::exit::Exit;
use crate::cli::output::Failure;
use crate::dataplane::ebpf::{
    MapProblem, Maps, Table, add_unattached, is_loaded, map_in_slot, modes_of, pin_directory,
    program, read_batch, read_dump, slot_of,
};
use crate::dataplane::nft::{NotUnderstood, read_listing};
use crate::model::{Family, Hook};
use crate::report::bundle::read_header;
use std::path::Path;

/// A directory of `.batch` files, or of dumps.
pub(super) fn of_path(path: &Path) -> Result<Rules, Failure> {
    let mut rules = Rules::named(path.display().to_string());
    let mut maps = Maps::default();
    let is_bundle = path.join("generation.batch").is_file();
    let ending = if is_bundle { "batch" } else { "json" };
    for table in Table::ALL {
        let file = path.join(format!("{}.{ending}", table.name()));
        let text = std::fs::read_to_string(&file).map_err(|error| cannot_read(&file, &error))?;
        if table == Table::Generation && is_bundle {
            (rules.node, _) = read_header(&text);
        }
        let read = if is_bundle {
            read_batch(&mut maps, table, &text)
        } else {
            read_dump(&mut maps, table, &text)
        };
        if let Err(problem) = read {
            rules.name = file.display().to_string();
            rules.problem = Some(not_understood(problem));
            return Ok(rules);
        }
    }
    understand(&mut rules, &maps);
    Ok(rules)
}

fn not_understood(problem: MapProblem) -> NotUnderstood {
    NotUnderstood {
        line: problem.line,
        text: problem.text,
        problem: format!("map `{}`: {}", problem.table, problem.problem),
    }
}

fn understand(rules: &mut Rules, maps: &Maps) {
    rules.program = program(maps);
    rules.modes = Some(modes_of(maps));
    if !is_loaded(maps) {
        rules.not_loaded = Some("the generation word says that nothing is loaded".to_owned());
    }
}

/// Dumps are not one transaction: if another generation was loaded meanwhile, all is read again.
const MOST_READS: usize = 5;

pub(super) fn live(node: Option<&str>) -> Result<Rules, Failure> {
    let Some(node) = node else {
        return Err(Failure::usage(
            "the running maps do not say of which node they are",
            "say it with `--node NAME`".to_owned(),
        ));
    };
    let directory = pin_directory(node);
    let mut rules = Rules::named(format!("the program in {directory}"));
    rules.node = Some(node.to_owned());
    can_be_seen()?;
    if is_pinned(&directory, "to_pod")? {
        return Err(Failure {
            exit: Exit::Unknown,
            message: format!("{directory} holds the classifiers of `load-tc.sh`"),
            help: Some("what they do differs, and is not in the proof".to_owned()),
        });
    }
    if !is_pinned(&directory, "portolan")? {
        rules.not_loaded = Some(format!(
            "nothing is pinned in {directory}: nothing is loaded"
        ));
        return Ok(rules);
    }
    let mut before = ids(&directory)?;
    for _ in 0..MOST_READS {
        let mut maps = Maps::default();
        let mut read = read_dump(&mut maps, Table::Generation, &before.generation);
        // A map can be gone by now, and then it was replaced.
        let mut failed = None;
        for (table, id) in Table::ALL.into_iter().skip(1).zip(&before.maps) {
            let inner = printed("bpftool", &["-j", "map", "dump", "id", id], "bpftool");
            match inner {
                Ok(inner) => read = read.and_then(|()| read_dump(&mut maps, table, &inner)),
                Err(failure) => failed = Some(failure),
            }
        }
        let after = ids(&directory)?;
        if after != before {
            before = after;
            continue;
        }
        if let Some(failure) = failed {
            return Err(failure);
        }
        match read {
            Err(problem) => rules.problem = Some(not_understood(problem)),
            Ok(()) => {
                understand(&mut rules, &maps);
                check_program(&mut rules, &directory)?;
                name_others(&mut rules);
            }
        }
        return Ok(rules);
    }
    Err(unknown("the maps changed while they were read".to_owned()))
}

/// What packets go by: the generation word, and the numbers of the maps in its slot. A number is
/// never given again, so what has not changed in between was not changed and changed back.
#[derive(PartialEq, Eq)]
struct Ids {
    generation: String,
    maps: Vec<String>,
}

fn ids(directory: &str) -> Result<Ids, Failure> {
    let generation = dump(directory, Table::Generation)?;
    let mut word = Maps::default();
    let slot = match read_dump(&mut word, Table::Generation, &generation) {
        Ok(()) => slot_of(&word),
        // That is said when it is read for good.
        Err(_) => 0,
    };
    let id = |table: Table| {
        let found = map_in_slot(&dump(directory, table)?, slot);
        found
            .map(|id| id.to_string())
            .ok_or_else(|| unknown(format!("no map is in the slot of `{}`", table.name())))
    };
    let maps = Table::ALL.into_iter().skip(1).map(id);
    Ok(Ids {
        maps: maps.collect::<Result<_, _>>()?,
        generation,
    })
}

/// Without the file system that it would be pinned in, nothing can be said of what is loaded.
fn can_be_seen() -> Result<(), Failure> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let is_bpf = |line: &str| {
        let mut words = line.split(' ').skip(1);
        words.next() == Some("/sys/fs/bpf") && words.next() == Some("bpf")
    };
    if mounts.lines().any(is_bpf) {
        return Ok(());
    }
    Err(Failure {
        exit: Exit::Unknown,
        message: "no BPF file system is at /sys/fs/bpf, so what is pinned there is not seen"
            .to_owned(),
        help: Some(
            "`ip netns exec` hides it: use `nsenter --net=/run/netns/NAME`, or run it outside"
                .to_owned(),
        ),
    })
}

fn is_pinned(directory: &str, name: &str) -> Result<bool, Failure> {
    let path = Path::new(directory).join(name);
    path.try_exists().map_err(|error| {
        Failure::usage(
            format!("cannot look at `{}`: {error}", path.display()),
            "it takes root".to_owned(),
        )
    })
}

fn unknown(message: String) -> Failure {
    Failure {
        exit: Exit::Unknown,
        message,
        help: Some("try again when nothing loads maps".to_owned()),
    }
}

fn dump(directory: &str, table: Table) -> Result<String, Failure> {
    let path = format!("{directory}/{}", table.name());
    printed(
        "bpftool",
        &["-j", "map", "dump", "pinned", &path],
        "bpftool",
    )
}

/// Packets of a hook and family at which the program is not attached are not filtered.
fn check_program(rules: &mut Rules, directory: &str) -> Result<(), Failure> {
    let show = |what: &str, name: &str| -> Result<serde_json::Value, Failure> {
        let path = format!("{directory}/{name}");
        let text = printed("bpftool", &["-j", what, "show", "pinned", &path], "bpftool")?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    };
    let shown = show("prog", "portolan")?;
    let (id, tag) = (shown.get("id").cloned(), shown.get("tag").cloned());
    for (hook, name) in [(Hook::Forward, "forward"), (Hook::Input, "input")] {
        for (family, digit) in [(Family::V4, 4), (Family::V6, 6)] {
            let link = format!("link_{name}{digit}");
            let is_attached =
                is_pinned(directory, &link)? && show("link", &link)?.get("prog_id").cloned() == id;
            if !is_attached {
                add_unattached(&mut rules.program, hook, family);
                rules.notes.push(format!(
                    "no program is attached at {name} for {}",
                    family.name()
                ));
            }
        }
    }
    let tag = tag.as_ref().and_then(serde_json::Value::as_str);
    let tag = tag.unwrap_or("unknown");
    rules.notes.push(format!(
        "that the program with the tag {tag} is portolan's is taken for granted; `load.sh` \
         replaces any other"
    ));
    Ok(())
}

/// Names the nft chains at the same hooks, and our own rules if they are loaded too: what they drop
/// is not in the proof.
fn name_others(rules: &mut Rules) {
    let listing = printed("nft", &["-j", "-s", "list", "ruleset"], "nftables")
        .map_err(|failure| failure.message)
        .and_then(|text| read_listing(&text).map_err(|problem| problem.problem));
    match listing {
        Ok(listing) => {
            rules.foreign = listing.foreign;
            if listing.state.is_some() {
                let note = "the rules of `--target nft` are loaded too, and filter as well";
                rules.notes.push(note.to_owned());
            }
        }
        Err(problem) => {
            let note = format!("whether nft rules filter as well is not known: {problem}");
            rules.notes.push(note);
        }
    }
}
