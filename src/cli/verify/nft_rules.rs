//! Rules of nftables, of a file, a listing or this machine.

use super::{Rules, cannot_read, printed};
use crate::cli::exit::Exit;
use crate::cli::output::Failure;
use crate::dataplane::nft::{Listing, NotUnderstood, State, read_listing};
use crate::report::bundle::read_header;
use std::io::Read;
use std::path::Path;

pub(super) fn of_path(path: &Path) -> Result<Rules, Failure> {
    let file = if path.is_dir() {
        path.join("policy.nft")
    } else {
        path.to_owned()
    };
    let text = read_text(&file).map_err(|error| cannot_read(&file, &error))?;
    Ok(of_text(file.display().to_string(), &text))
}

fn read_text(path: &Path) -> std::io::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}

fn of_text(name: String, text: &str) -> Rules {
    let mut rules = Rules::named(name);
    if text.trim_start().starts_with('{') {
        understand(&mut rules, read_listing(text));
        return rules;
    }
    (rules.node, rules.modes) = read_header(text);
    let mut state = State::default();
    let applied = state.apply(text);
    let mut over_others = state.soiled();
    rules.adds_to_others = over_others.apply(text).is_ok() && over_others != state;
    let listing = applied.map(|()| Listing {
        state: Some(state),
        foreign: Vec::new(),
    });
    understand(&mut rules, listing);
    rules
}

/// The program of a listing, or why it is not understood.
fn understand(rules: &mut Rules, listing: Result<Listing, NotUnderstood>) {
    let listing = match listing {
        Ok(listing) => listing,
        Err(problem) => {
            rules.problem = Some(problem);
            return;
        }
    };
    rules.foreign = listing.foreign;
    let Some(state) = listing.state else {
        let problem = "there is no table `inet portolan`: nothing is loaded";
        rules.not_loaded = Some(problem.to_owned());
        return;
    };
    let unreachable = state.unreachable().into_iter();
    rules.unreachable = unreachable.map(str::to_owned).collect();
    match state.program() {
        Ok(program) => rules.program = program,
        Err(problem) => {
            rules.problem = Some(NotUnderstood {
                line: 0,
                text: String::new(),
                problem,
            });
        }
    }
}

/// A dump is not one transaction, so it is read until two in a row are the same.
const MOST_READS: usize = 5;

pub(super) fn live() -> Result<Rules, Failure> {
    // Stateless: counters would make every dump another.
    let list = || printed("nft", &["-j", "-s", "list", "ruleset"], "nftables");
    let mut before = list()?;
    for _ in 1..MOST_READS {
        let now = list()?;
        if now == before {
            return Ok(of_text("the running rules".to_owned(), &now));
        }
        before = now;
    }
    Err(Failure {
        exit: Exit::Unknown,
        message: "the rules changed while they were read".to_owned(),
        help: Some("try again when nothing loads rules".to_owned()),
    })
}
