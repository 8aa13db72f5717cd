//! The manifests in a directory.

use super::InputProblem;
use super::sources::PassedOver;
use std::collections::{HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a directory holds, at any depth.
#[derive(Default, Debug)]
pub(super) struct Listing {
    /// Sorted bytewise by path.
    pub(super) files: Vec<ListedFile>,
    pub(super) passed_over: PassedOver,
    /// In an order that depends on names alone.
    pub(super) problems: Vec<InputProblem>,
}

#[derive(Debug)]
pub(super) struct ListedFile {
    /// Starts with the directory as it was named.
    pub(super) path: PathBuf,
    /// Without any symbolic link.
    pub(super) real: PathBuf,
}

/// A directory by the name the user would type, and by its own.
struct Directory {
    path: PathBuf,
    real: PathBuf,
}

/// Finds the manifests in the directory `root`: the regular files that end in `.yaml`, `.yml` or `.json`.
///
/// Symbolic links are followed, but each real directory is entered once, by its real name if that is
/// in here, so a link to an ancestor ends. Directories whose names start with a dot are not entered.
pub(super) fn list(root: &Path) -> Listing {
    let mut listing = Listing::default();
    let root = match fs::canonicalize(root) {
        Ok(real) => Directory {
            path: root.to_owned(),
            real,
        },
        Err(error) => {
            listing.problems.push(unreadable(root, &error));
            return listing;
        }
    };
    let mut pending = vec![root];
    let mut linked = VecDeque::new();
    let mut entered = HashSet::new();
    while let Some(directory) = pending.pop().or_else(|| linked.pop_front()) {
        if !entered.insert(directory.real.clone()) {
            continue;
        }
        match entries(&directory.path) {
            Ok(entries) => {
                for (name, kind) in entries {
                    let found = listing.sort_in(&directory, &name, kind);
                    match found {
                        Some((subdirectory, true)) => linked.push_back(subdirectory),
                        Some((subdirectory, false)) => pending.push(subdirectory),
                        None => {}
                    }
                }
            }
            Err(error) => listing.problems.push(unreadable(&directory.path, &error)),
        }
    }
    listing
        .files
        .sort_by(|one, other| bytes_of(&one.path).cmp(bytes_of(&other.path)));
    listing
}

/// The names in a directory and what they are, sorted bytewise.
fn entries(directory: &Path) -> io::Result<Vec<(OsString, fs::FileType)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        entries.push((entry.file_name(), entry.file_type()?));
    }
    entries.sort_by(|(one, _), (other, _)| one.as_encoded_bytes().cmp(other.as_encoded_bytes()));
    Ok(entries)
}

impl Listing {
    /// Notes one entry. If it is a directory to enter, that, and whether it is so by a link.
    fn sort_in(
        &mut self,
        directory: &Directory,
        name: &OsStr,
        kind: fs::FileType,
    ) -> Option<(Directory, bool)> {
        let path = directory.path.join(name);
        let ending = ending(name);
        let is_manifest = is_manifest(name);
        let is_link = kind.is_symlink();
        let mut kind = kind;
        let mut real = directory.real.join(name);
        if is_link {
            let target = fs::metadata(&path).and_then(|data| Ok((data, fs::canonicalize(&path)?)));
            match target {
                Ok((data, target)) => (kind, real) = (data.file_type(), target),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if is_manifest {
                        let path = display(&path);
                        self.problems.push(InputProblem::DanglingLink { path });
                    } else {
                        self.pass_over(ending);
                    }
                    return None;
                }
                // It may lead to a directory of manifests, whatever its name.
                Err(error) => {
                    self.problems.push(unreadable(&path, &error));
                    return None;
                }
            }
        }
        if kind.is_dir() {
            if name.as_encoded_bytes().starts_with(b".") {
                self.passed_over.hidden_directories += 1;
                return None;
            }
            return Some((Directory { path, real }, is_link));
        }
        match (is_manifest, kind.is_file()) {
            (true, true) => self.files.push(ListedFile { path, real }),
            // Reading a pipe could wait for ever.
            (true, false) => {
                let path = display(&path);
                self.problems.push(InputProblem::NotRegular { path });
            }
            (false, _) => self.pass_over(ending),
        }
        None
    }

    fn pass_over(&mut self, ending: String) {
        *self.passed_over.by_ending.entry(ending).or_default() += 1;
    }
}

/// Whether a file of that name is read in directories.
pub(super) fn is_manifest(name: &OsStr) -> bool {
    matches!(ending(name).as_str(), "yaml" | "yml" | "json")
}

/// What stands behind the last dot of the name; empty if there is none.
pub(super) fn ending(name: &OsStr) -> String {
    let name = display(Path::new(name));
    name.rsplit_once('.')
        .map_or_else(String::new, |(_, ending)| ending.to_owned())
}

fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> InputProblem {
    InputProblem::Unreadable {
        path: display(path),
        kind: error.kind(),
    }
}

/// The path as text that is safe to print: a file name can hold what moves a terminal's cursor.
pub(super) fn display(path: &Path) -> String {
    let mut shown = String::new();
    for character in path.to_string_lossy().chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
