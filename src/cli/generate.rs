//! `portolan completions`: shell completions and the man page, from the one definition of the
//! command line.

use super::exit::Exit;
use super::output::{Failure, Output};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::path::{Path, PathBuf};

/// Print the completions of a shell, or write all of them and the man page
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portolan completions bash > ~/.local/share/bash-completion/completions/portolan\n  portolan completions --all completions"
)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(required_unless_present = "all")]
    shell: Option<Shell>,
    /// Write the files of every shell and the man page into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "shell")]
    all: Option<PathBuf>,
}

pub(super) fn run(args: &CompletionsArgs, output: &Output) -> Result<Exit, Failure> {
    match (&args.all, args.shell) {
        (Some(directory), _) => write_all(directory),
        (None, Some(shell)) => output.answer(|writer| writer.write_all(&completions(shell))),
        (None, None) => Ok(()),
    }?;
    Ok(Exit::Yes)
}

fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut super::Cli::command(), "portolan", &mut text);
    text
}

const SHELLS: [Shell; 4] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell];

/// Every generated file, by name.
fn files() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut files: Vec<(String, Vec<u8>)> = SHELLS
        .into_iter()
        .map(|shell| {
            let ending = match shell {
                Shell::PowerShell => "ps1".to_owned(),
                other => other.to_string(),
            };
            (format!("portolan.{ending}"), completions(shell))
        })
        .collect();
    let mut command = super::Cli::command();
    command.build();
    let mut pages = vec![(String::from("portolan.1"), command.clone())];
    for subcommand in command.get_subcommands() {
        pages.push((
            format!("portolan-{}.1", subcommand.get_name()),
            subcommand.clone(),
        ));
    }
    for (name, command) in pages {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        files.push((name, page));
    }
    Ok(files)
}

fn write_all(directory: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(
            format!("cannot write to `{}`: {error}", directory.display()),
            None,
        )
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    for (name, text) in files().map_err(failed)? {
        std::fs::write(directory.join(name), text).map_err(failed)?;
    }
    Ok(())
}
