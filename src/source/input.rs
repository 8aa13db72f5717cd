//! Reading what the user named.

use super::lines::count_lines;
use super::walk::{display, list, unreadable};
use super::{InputProblem, Sources};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The name that stands for standard input on the command line.
const STDIN_ARGUMENT: &str = "-";
/// The name it is shown by.
const STDIN_NAME: &str = "<stdin>";
/// Bytes read before it is decided whether this is text at all.
const FIRST_CHUNK: u64 = 64 * 1024;
/// Bytes read at a time from then on.
const CHUNK: u64 = 64 * 1024 * 1024;

/// Reads files, directories and, for the path `-`, `stdin`.
///
/// A file is read whatever its name is, and may be a pipe or a device. In directories, at any depth,
/// regular files that end in `.yaml`, `.yml` or `.json` are read, sorted bytewise by path; what else
/// is there is counted ([`Sources::passed_over`]). Symbolic links are followed. No file is read twice, by
/// whatever names and links it is reached, nor is `stdin`.
///
/// What cannot be read is a problem and not the end: the rest is read all the same.
pub fn read_inputs(paths: &[PathBuf], stdin: &mut dyn Read) -> (Sources, Vec<InputProblem>) {
    let mut reading = Reading::default();
    let mut stdin_is_read = false;
    for path in paths {
        if path.as_os_str() != STDIN_ARGUMENT {
            reading.read_named(path);
        } else if !stdin_is_read {
            stdin_is_read = true;
            reading.read_text(Path::new(STDIN_NAME), stdin, 0, true);
        }
    }
    (reading.sources, reading.problems)
}

#[derive(Default)]
struct Reading {
    sources: Sources,
    problems: Vec<InputProblem>,
    /// Real paths of the files that were read.
    read: HashSet<PathBuf>,
}

impl Reading {
    fn read_named(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(data) if data.is_dir() => self.read_directory(path),
            Ok(data) if data.is_file() => match fs::canonicalize(path) {
                Ok(real) => self.read_once(path, real, true),
                Err(error) => self.problems.push(unreadable(path, &error)),
            },
            // A pipe, as the shell's `<(...)` makes it, has no real path.
            Ok(_) => self.read_file(path, true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let is_link = fs::symlink_metadata(path).is_ok();
                let path = display(path);
                self.problems.push(match is_link {
                    true => InputProblem::DanglingLink { path },
                    false => InputProblem::NotFound { path },
                });
            }
            Err(error) => self.problems.push(unreadable(path, &error)),
        }
    }

    fn read_directory(&mut self, path: &Path) {
        let listing = list(path);
        let passed_over: usize = listing.passed_over.by_ending.values().sum();
        if listing.files.is_empty() && listing.problems.is_empty() {
            self.problems.push(InputProblem::NoManifests {
                path: display(path),
                passed_over,
            });
        }
        self.problems.extend(listing.problems);
        let total = &mut self.sources.passed_over;
        total.hidden_directories += listing.passed_over.hidden_directories;
        for (ending, count) in listing.passed_over.by_ending {
            *total.by_ending.entry(ending).or_default() += count;
        }
        for file in listing.files {
            self.read_once(&file.path, file.real, false);
        }
    }

    fn read_once(&mut self, path: &Path, real: PathBuf, named: bool) {
        if self.read.insert(real) {
            self.read_file(path, named);
        }
    }

    fn read_file(&mut self, path: &Path, named: bool) {
        match File::open(path) {
            Ok(mut file) => {
                let size = file.metadata().map_or(0, |data| data.len());
                self.read_text(path, &mut file, size, named);
            }
            Err(error) => self.problems.push(unreadable(path, &error)),
        }
    }

    /// Reads to the end. `size` is how many bytes to expect, 0 if unknown; `named` whether it must hold something.
    fn read_text(&mut self, path: &Path, reader: &mut dyn Read, size: u64, named: bool) {
        let name = display(path);
        let bytes = match read_bytes(reader, size) {
            Ok(bytes) => bytes,
            Err(failure) => {
                self.problems.push(match failure {
                    Failure::Io(error) => unreadable(path, &error),
                    Failure::WideEncoding => InputProblem::WideEncoding { path: name },
                    Failure::Binary { offset } => InputProblem::Binary { path: name, offset },
                });
                return;
            }
        };
        let (text, invalid) = decode(bytes);
        let line = invalid
            .map(|offset| 1 + count_lines(text.as_bytes().get(..offset).unwrap_or_default()));
        let added = self.sources.add(name.clone(), text);
        if let (Some(offset), Some(line)) = (invalid, line) {
            self.problems.push(InputProblem::NotUtf8 {
                path: name,
                offset,
                line,
                left_out: added.left_out,
            });
        } else if named && added.documents == 0 {
            self.problems.push(InputProblem::NoDocuments { path: name });
        }
    }
}

enum Failure {
    Io(io::Error),
    WideEncoding,
    Binary { offset: usize },
}

/// All bytes of `reader`, unless the first of them show that it is no UTF-8 text: a device such as
/// `/dev/zero` never ends.
fn read_bytes(reader: &mut dyn Read, size: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut limit = FIRST_CHUNK;
    loop {
        let start = bytes.len();
        // `read_to_end` reports memory that cannot be had as an error, and does not abort.
        let count = Read::take(&mut *reader, limit)
            .read_to_end(&mut bytes)
            .map_err(Failure::Io)?;
        if start == 0 && is_wide(&bytes) {
            return Err(Failure::WideEncoding);
        }
        let new = bytes.get(start..).unwrap_or_default();
        if let Some(offset) = memchr::memchr(0, new) {
            return Err(Failure::Binary {
                offset: start + offset,
            });
        }
        if u64::try_from(count).is_ok_and(|count| count < limit) {
            return Ok(bytes);
        }
        if start == 0 && size > FIRST_CHUNK {
            let rest = usize::try_from(size - FIRST_CHUNK).unwrap_or(usize::MAX);
            // One more, so that the end is seen without growing. Without it the reading decides.
            let _ = bytes.try_reserve_exact(rest.saturating_add(1));
        }
        limit = CHUNK;
    }
}

/// Whether the bytes start with the byte order mark of UTF-16 or UTF-32, of either order.
fn is_wide(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || bytes.starts_with(&[0, 0, 0xfe, 0xff])
}

/// The bytes as text, and the offset of the first that is not UTF-8.
///
/// A NUL, which no text has that gets here, takes the place of each byte that is not, so all offsets stay.
fn decode(bytes: Vec<u8>) -> (String, Option<usize>) {
    let mut bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, None),
        Err(error) => error.into_bytes(),
    };
    let mut first = None;
    let mut from = 0;
    while let Err(error) = std::str::from_utf8(bytes.get(from..).unwrap_or_default()) {
        let start = from + error.valid_up_to();
        let end = error
            .error_len()
            .map_or(bytes.len(), |length| start + length);
        if let Some(invalid) = bytes.get_mut(start..end) {
            invalid.fill(0);
        }
        first = first.or(Some(start));
        from = end;
    }
    let text = String::from_utf8(bytes);
    let text = text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    (text, first)
}
