//! The formats of answers that come as text or as JSON.

use super::output::{Failure, Output};
use clap::{Args, ValueEnum};
use serde::Serialize;

/// The flag that chooses one.
#[derive(Debug, Args)]
pub(super) struct FormatArgs {
    /// The format of the answer
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Output"
    )]
    pub(super) format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For machines
    Json,
}

/// Writes an answer in the chosen format. Only that one is made.
pub(super) fn answer<J: Serialize>(
    output: &Output,
    args: &FormatArgs,
    text: impl FnOnce() -> String,
    json: impl FnOnce() -> J,
) -> Result<(), Failure> {
    match args.format {
        Format::Text => output.answer(|writer| writer.write_all(text().as_bytes())),
        Format::Json => output.answer(|writer| {
            serde_json::to_writer_pretty(&mut *writer, &json())?;
            writer.write_all(b"\n")
        }),
    }
}
