//! [`InputProblem`]: why something that was named could not be read.

use std::io;
use thiserror::Error;

/// A file, directory or stream that could not be read, or held nothing.
///
/// `path` is what the user typed, with the rest of the way for what lies in a directory;
/// control characters in it are escaped.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum InputProblem {
    /// There is nothing of this name.
    #[error("`{path}` does not exist")]
    NotFound {
        /// What was named.
        path: String,
    },
    /// A revision does not have it: it was added later.
    #[error("`{path}` is not in that revision")]
    NotInRevision {
        /// What was named.
        path: String,
    },
    /// A symbolic link leads to nothing.
    #[error("`{path}` is a symbolic link to something that does not exist")]
    DanglingLink {
        /// The link.
        path: String,
    },
    /// The operating system refuses.
    #[error("cannot read `{path}`: {kind}")]
    Unreadable {
        /// The file or directory.
        path: String,
        /// Its reason.
        kind: io::ErrorKind,
    },
    /// Something in a directory that has a manifest's name and is no file, such as a pipe.
    #[error("`{path}` is not a regular file")]
    NotRegular {
        /// What has the name.
        path: String,
    },
    /// The file is UTF-16 or UTF-32 by its byte order mark.
    #[error("`{path}` is not UTF-8 but UTF-16 or UTF-32")]
    WideEncoding {
        /// The file.
        path: String,
    },
    /// The file has NUL bytes, so it is no text.
    #[error("`{path}` is a binary file: it has a NUL byte at offset {offset}")]
    Binary {
        /// The file.
        path: String,
        /// 0-based offset of the first one.
        offset: usize,
    },
    /// Some of the file is not UTF-8; its documents that are were read.
    #[error(
        "`{path}` is not UTF-8 at line {line} (byte offset {offset}); documents left out: {left_out}"
    )]
    NotUtf8 {
        /// The file.
        path: String,
        /// 0-based offset of the first byte that is not.
        offset: usize,
        /// Its 1-based line.
        line: usize,
        /// The number of documents that were not read.
        left_out: usize,
    },
    /// No file in the directory has a manifest's name.
    #[error("no manifests in directory `{path}`; other files in it: {passed_over}")]
    NoManifests {
        /// The directory.
        path: String,
        /// The number of files of other names, at any depth.
        passed_over: usize,
    },
    /// A file that was named, or standard input, is blank or has only comments.
    #[error("`{path}` has no documents")]
    NoDocuments {
        /// The file, or `<stdin>`.
        path: String,
    },
}

impl InputProblem {
    /// What was named, as in the message.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            InputProblem::NotFound { path }
            | InputProblem::NotInRevision { path }
            | InputProblem::DanglingLink { path }
            | InputProblem::Unreadable { path, .. }
            | InputProblem::NotRegular { path }
            | InputProblem::WideEncoding { path }
            | InputProblem::Binary { path, .. }
            | InputProblem::NotUtf8 { path, .. }
            | InputProblem::NoManifests { path, .. }
            | InputProblem::NoDocuments { path } => path,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            InputProblem::NotFound { .. } => "name a file, a directory, or `-` for standard input",
            InputProblem::NotInRevision { .. } => {
                "all of it counts as new; check the path if it should be there"
            }
            InputProblem::DanglingLink { .. } => "restore what the link leads to, or remove it",
            InputProblem::Unreadable { .. } => {
                "check the permissions, and that it is a readable file or directory"
            }
            InputProblem::NotRegular { .. } => {
                "name it by itself to read it as a stream, or remove it"
            }
            InputProblem::WideEncoding { .. } => {
                "convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`"
            }
            InputProblem::Binary { .. } => {
                "name a YAML or JSON file; UTF-16 text must be converted to UTF-8"
            }
            InputProblem::NotUtf8 { .. } => {
                "convert it to UTF-8, for example with `iconv -f ISO-8859-1 -t UTF-8`"
            }
            InputProblem::NoManifests { .. } => {
                "in directories, files ending in `.yaml`, `.yml` or `.json` are read; name any other by itself"
            }
            InputProblem::NoDocuments { .. } => {
                "check what wrote it; its error messages are not part of its output"
            }
        }
    }

    /// Whether something was not read that may say something, so that an answer without it may be wrong.
    #[must_use]
    pub fn loses_input(&self) -> bool {
        !matches!(
            self,
            InputProblem::NoManifests { .. }
                | InputProblem::NoDocuments { .. }
                | InputProblem::NotInRevision { .. }
        )
    }
}
