//! Reading what a revision of a Git repository has, without touching the working tree.
//!
//! The `git` program is asked, for two things only: which files a revision has, and their contents.
//! The same files are read as in a directory (`walk`), by names such as `main:deploy/cart.yaml`.

use super::input::Reading;
use super::walk::{display, ending, is_manifest};
use super::{InputProblem, Sources};
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use thiserror::Error;

/// Why a revision could not be read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RevisionError {
    /// There is no Git to ask.
    #[error("cannot run `git`: {kind}")]
    NoGit {
        /// The system's reason.
        kind: io::ErrorKind,
    },
    /// The directory is in no repository.
    #[error("`{directory}` is not in a Git repository")]
    NoRepository {
        /// The directory.
        directory: String,
    },
    /// The repository has no such commit.
    #[error("there is no revision `{revision}` here")]
    NoRevision {
        /// As it was named.
        revision: String,
    },
    /// A path that was named lies elsewhere.
    #[error("`{path}` is outside the Git repository")]
    Outside {
        /// As it was named.
        path: String,
    },
    /// Git failed at something that it should not.
    #[error("`git {command}` failed: {message}")]
    Failed {
        /// What was asked.
        command: String,
        /// What it said.
        message: String,
    },
}

impl RevisionError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            RevisionError::NoGit { .. } => {
                "install git, or compare two directories: `portolan diff OLD NEW`"
            }
            RevisionError::NoRepository { .. } => {
                "run it inside the repository, or compare two directories: `portolan diff OLD NEW`"
            }
            RevisionError::NoRevision { .. } => {
                "a shallow clone has only its last commit: fetch it first, for example with \
                 `git fetch origin main`"
            }
            RevisionError::Outside { .. } => "name paths inside the repository",
            RevisionError::Failed { .. } => "see that `git status` works here",
        }
    }
}

/// A file of a revision.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    is_link: bool,
    object: String,
}

/// One commit of a repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revision {
    /// As it was named.
    name: String,
    root: PathBuf,
    commit: String,
}

impl Revision {
    /// Finds a revision of the repository that a directory is in. `name...` is where it and HEAD
    /// parted ways, as elsewhere in Git.
    pub fn find(directory: &Path, name: &str) -> Result<Revision, RevisionError> {
        let root = git(directory, ["rev-parse", "--show-toplevel"])
            .map_err(|error| match error {
                RevisionError::Failed { .. } => RevisionError::NoRepository {
                    directory: display(directory),
                },
                error => error,
            })
            .map(|output| PathBuf::from(String::from_utf8_lossy(&output).trim_end()))?;
        let missing = |error| match error {
            RevisionError::Failed { .. } => RevisionError::NoRevision {
                revision: name.to_owned(),
            },
            error => error,
        };
        let commit_of = |name: &str| {
            let wanted = format!("{name}^{{commit}}");
            let arguments = [
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &wanted,
            ];
            let found = git(directory, arguments).map_err(missing)?;
            Ok(String::from_utf8_lossy(&found).trim_end().to_owned())
        };
        let commit = match name.strip_suffix("...") {
            None => commit_of(name)?,
            Some(other) => {
                let base = git(directory, ["merge-base", &commit_of(other)?, "HEAD"]);
                let base = base.map_err(missing)?;
                String::from_utf8_lossy(&base).trim_end().to_owned()
            }
        };
        Ok(Revision {
            name: name.to_owned(),
            root,
            commit,
        })
    }

    /// The directory that the repository's paths start at.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads files and directories of the revision, named as seen from `directory`. What it does
    /// not have is a problem that loses nothing: it is simply not there yet.
    pub fn read(
        &self,
        directory: &Path,
        paths: &[PathBuf],
    ) -> Result<(Sources, Vec<InputProblem>), RevisionError> {
        let mut chosen = Chosen {
            revision: self,
            entries: self.entries()?,
            links: BTreeMap::new(),
            seen: HashSet::new(),
            files: Vec::new(),
            problems: Vec::new(),
            n_passed_over: BTreeMap::new(),
            n_hidden: 0,
        };
        chosen.links = self.targets(&chosen.entries)?;
        for path in paths {
            let inside = self.inside(directory, path)?;
            chosen.add_named(&inside);
        }
        let objects: Vec<&str> = chosen.files.iter().map(|(_, o)| o.as_str()).collect();
        let contents = self.contents(&objects)?;
        let mut reading = Reading::default();
        reading.problems = chosen.problems;
        for ((path, _), content) in chosen.files.iter().zip(contents) {
            let name = PathBuf::from(format!("{}:{path}", self.name));
            let size = u64::try_from(content.len()).unwrap_or(0);
            reading.read_text(&name, &mut content.as_slice(), size, false);
        }
        reading.sources.passed_over.hidden_directories = chosen.n_hidden;
        reading.sources.passed_over.by_ending = chosen.n_passed_over;
        Ok((reading.sources, reading.problems))
    }

    /// A path as Git names it: from the repository's root, with `/`; empty for the root itself.
    fn inside(&self, directory: &Path, path: &Path) -> Result<String, RevisionError> {
        let directory = directory.canonicalize().unwrap_or(directory.to_owned());
        let root = self.root.canonicalize().unwrap_or(self.root.clone());
        let outside = || RevisionError::Outside {
            path: display(path),
        };
        let whole = normal(&directory.join(path)).ok_or_else(outside)?;
        let inside = whole.strip_prefix(&root).map_err(|_| outside())?;
        let parts: Vec<_> = inside.iter().map(OsStr::to_string_lossy).collect();
        Ok(parts.join("/"))
    }

    fn entries(&self) -> Result<BTreeMap<String, Entry>, RevisionError> {
        let arguments = ["ls-tree", "-r", "-z", "--full-tree", &self.commit];
        let listing = git(&self.root, arguments)?;
        let lines = listing.split(|byte| *byte == 0);
        let entries = lines.filter_map(|line| {
            let line = String::from_utf8_lossy(line);
            let (what, path) = line.split_once('\t')?;
            let mut what = what.split(' ');
            let (mode, kind, object) = (what.next()?, what.next()?, what.next()?);
            // A submodule is a commit of another repository.
            (kind == "blob").then(|| {
                let entry = Entry {
                    is_link: mode == "120000",
                    object: object.to_owned(),
                };
                (path.to_owned(), entry)
            })
        });
        Ok(entries.collect())
    }

    /// Where symbolic links lead, from the root.
    fn targets(
        &self,
        entries: &BTreeMap<String, Entry>,
    ) -> Result<BTreeMap<String, String>, RevisionError> {
        let links: Vec<(&String, &Entry)> =
            entries.iter().filter(|(_, entry)| entry.is_link).collect();
        let objects: Vec<&str> = links.iter().map(|(_, e)| e.object.as_str()).collect();
        let contents = self.contents(&objects)?;
        let links = links.into_iter().zip(contents);
        let resolved = links.filter_map(|((path, _), content)| {
            let target = String::from_utf8_lossy(&content).into_owned();
            let parent = Path::new(path).parent()?;
            let whole = normal(&Path::new("/").join(parent).join(target))?;
            let inside = whole.strip_prefix("/").ok()?;
            Some((path.clone(), inside.to_string_lossy().into_owned()))
        });
        Ok(resolved.collect())
    }

    /// The contents of objects, in order.
    fn contents(&self, objects: &[&str]) -> Result<Vec<Vec<u8>>, RevisionError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |message: String| RevisionError::Failed {
            command: "cat-file --batch".to_owned(),
            message,
        };
        let mut child = command(&self.root)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| RevisionError::NoGit { kind: error.kind() })?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(failed("it has no standard input".to_owned()));
        };
        let wanted: String = objects.iter().map(|object| format!("{object}\n")).collect();
        // Written from another thread: git answers while it is asked.
        let asking = std::thread::spawn(move || stdin.write_all(wanted.as_bytes()));
        let mut reader = BufReader::new(stdout);
        let mut contents = Vec::with_capacity(objects.len());
        for _ in objects {
            let content = next_content(&mut reader).map_err(|error| failed(error.to_string()))?;
            contents.push(content);
        }
        let is_asked = asking.join().is_ok_and(|asked| asked.is_ok());
        let status = child.wait().map_err(|error| failed(error.to_string()))?;
        match is_asked && status.success() {
            true => Ok(contents),
            false => Err(failed(status.to_string())),
        }
    }
}

/// `OBJECT blob SIZE`, and that many bytes and a line break.
fn next_content(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut header = String::new();
    reader.read_line(&mut header)?;
    let size = header.trim_end().rsplit(' ').next();
    let size: usize = size
        .and_then(|size| size.parse().ok())
        .ok_or_else(|| io::Error::other(format!("it answered `{}`", header.trim_end())))?;
    let mut content = vec![0; size];
    reader.read_exact(&mut content)?;
    reader.read_exact(&mut [0])?;
    Ok(content)
}

/// What is to be read of a revision.
struct Chosen<'a> {
    revision: &'a Revision,
    entries: BTreeMap<String, Entry>,
    links: BTreeMap<String, String>,
    /// Paths without links that were chosen or entered.
    seen: HashSet<String>,
    /// Paths as they are reached, with their objects.
    files: Vec<(String, String)>,
    problems: Vec<InputProblem>,
    n_passed_over: BTreeMap<String, usize>,
    n_hidden: usize,
}

impl Chosen<'_> {
    fn shown(&self, path: &str) -> String {
        format!("{}:{}", self.revision.name, display(Path::new(path)))
    }

    fn add_named(&mut self, path: &str) {
        let path = path.to_owned();
        let real = self.links.get(&path).cloned().unwrap_or(path.clone());
        if self.entries.contains_key(&real) {
            self.add_file(&path, &real);
        } else if !self.add_directory(&path, &real) {
            let path = self.shown(&path);
            self.problems.push(InputProblem::NotInRevision { path });
        }
    }

    fn add_file(&mut self, path: &str, real: &str) {
        let object = self.entries.get(real).map(|entry| entry.object.clone());
        if let (Some(object), true) = (object, self.seen.insert(real.to_owned())) {
            self.files.push((path.to_owned(), object));
        }
    }

    /// Adds what is in a directory, reached as `path`. Whether there is such a directory.
    fn add_directory(&mut self, path: &str, real: &str) -> bool {
        let prefix = match real {
            "" => String::new(),
            real => format!("{real}/"),
        };
        let entries: Vec<(String, bool)> = self
            .entries
            .range(prefix.clone()..)
            .take_while(|(inside, _)| inside.starts_with(&prefix))
            .map(|(inside, entry)| (inside.clone(), entry.is_link))
            .collect();
        if entries.is_empty() {
            return false;
        }
        if !self.seen.insert(prefix.clone()) {
            return true;
        }
        let mut hidden = HashSet::new();
        for (inside, is_link) in entries {
            let rest = inside.strip_prefix(&prefix).unwrap_or(&inside).to_owned();
            let shown = match path {
                "" => rest.clone(),
                path => format!("{path}/{rest}"),
            };
            let (directories, name) = rest.rsplit_once('/').unwrap_or(("", &rest));
            if let Some(at) = directories
                .split('/')
                .position(|part| part.starts_with('.'))
            {
                let parts: Vec<&str> = directories.split('/').take(at + 1).collect();
                hidden.insert(parts.join("/"));
                continue;
            }
            let is_named_so = is_manifest(OsStr::new(name));
            if !is_link {
                match is_named_so {
                    true => self.add_file(&shown, &inside),
                    false => {
                        let ending = ending(OsStr::new(name));
                        *self.n_passed_over.entry(ending).or_default() += 1;
                    }
                }
                continue;
            }
            let target = self.links.get(&inside).cloned().unwrap_or_default();
            if self
                .entries
                .get(&target)
                .is_some_and(|entry| !entry.is_link)
            {
                if is_named_so {
                    self.add_file(&shown, &target);
                }
            } else if !self.add_directory(&shown, &target) && is_named_so {
                let path = self.shown(&shown);
                self.problems.push(InputProblem::DanglingLink { path });
            }
        }
        self.n_hidden += hidden.len();
        true
    }
}

/// A path without `.` and `..`; `None` when it leads above the root.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !found.pop() {
                    return None;
                }
            }
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => found.push(part),
        }
    }
    Some(found)
}

fn command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(directory)
        // Nothing that a repository's configuration names is to run, and nothing is to be locked.
        .args(["-c", "core.fsmonitor=false"])
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C");
    command
}

fn git<'a>(
    directory: &Path,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<u8>, RevisionError> {
    let arguments: Vec<&str> = arguments.into_iter().collect();
    let output = command(directory)
        .args(&arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| RevisionError::NoGit { kind: error.kind() })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(RevisionError::Failed {
        command: arguments.join(" "),
        message: message.lines().next().unwrap_or_default().to_owned(),
    })
}
