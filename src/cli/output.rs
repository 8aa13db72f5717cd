//! Where answers go: standard output carries only the answer, everything else goes to
//! standard error, and a reader that stops reading is no failure.

use super::exit::Exit;
use crate::report::snippet::Style;
use clap::{Args, ValueEnum};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

/// Flags of every command about how to print.
#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: Colour,
    /// Print the answer and errors only
    #[arg(short, long, global = true, help_heading = "Output")]
    quiet: bool,
    /// Print warnings and notes in full
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "quiet",
        help_heading = "Output"
    )]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

/// Why a command gave no answer.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Failure {
    /// The command or its input cannot be used.
    pub(super) fn usage(message: impl Into<String>, help: impl Into<Option<String>>) -> Failure {
        Failure {
            exit: Exit::Usage,
            message: message.into(),
            help: help.into(),
        }
    }

    /// What writing an answer that failed comes to: success when nobody reads any more.
    pub(super) fn of_write(error: &io::Error) -> Failure {
        let exit = if error.kind() == io::ErrorKind::BrokenPipe {
            Exit::Yes
        } else {
            Exit::Usage
        };
        Failure {
            exit,
            message: format!("cannot write the answer: {error}"),
            help: None,
        }
    }
}

/// How this run prints.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    colour: Colour,
    width: Option<usize>,
}

/// The width of text that no terminal limits.
const DEFAULT_WIDTH: usize = 80;

impl Output {
    pub(super) fn new(args: &OutputArgs) -> Output {
        let columns = std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        Output {
            quiet: args.quiet,
            verbose: args.verbose,
            colour: args.color,
            width: columns,
        }
    }

    fn style(&self, is_terminal: bool) -> Style {
        let colour = match self.colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            }
        };
        let terminal = || is_terminal.then(terminal_width).flatten();
        let width = self.width.or_else(terminal).unwrap_or(DEFAULT_WIDTH);
        Style {
            colour,
            width: width.max(40),
        }
    }

    /// The style of the answer.
    pub(super) fn answer_style(&self) -> Style {
        self.style(io::stdout().is_terminal())
    }

    /// The style of everything else.
    pub(super) fn aside_style(&self) -> Style {
        self.style(io::stderr().is_terminal())
    }

    /// Writes the answer, buffered.
    pub(super) fn answer(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let mut stdout = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        write(&mut stdout)
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::of_write(&error))
    }

    /// Says something besides the answer. Nobody can be told that telling failed.
    pub(super) fn aside(&self, text: &str) {
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Says why there is no answer.
    pub(super) fn fail(&self, failure: &Failure) -> ExitCode {
        if failure.exit != Exit::Yes {
            let style = self.aside_style();
            let (red, plain) = if style.colour {
                ("\u{1b}[1;31m", "\u{1b}[0m")
            } else {
                ("", "")
            };
            let mut text = format!("{red}error{plain}: {}\n", failure.message);
            if let Some(help) = &failure.help {
                text.push_str(&format!("  help: {help}\n"));
            }
            self.aside(&text);
        }
        failure.exit.into()
    }
}

fn terminal_width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size()?;
    Some(usize::from(width.0))
}
