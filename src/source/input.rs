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
pub(super) struct Reading {
    pub(super) sources: Sources,
    pub(super) problems: Vec<InputProblem>,
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
    pub(super) fn read_text(&mut self, path: &Path, reader: &mut dyn Read, size: u64, named: bool) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A directory that is removed at the end of the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Scratch {
            static COUNT: AtomicUsize = AtomicUsize::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("portolan-input-{}-{number}", std::process::id());
            let directory = std::env::temp_dir().join(name);
            fs::create_dir_all(&directory).unwrap();
            Scratch(directory)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            path
        }

        /// The names of the files read, relative to the directory, and the problems.
        fn read(&self, paths: &[PathBuf]) -> (Vec<String>, Vec<String>) {
            let (sources, problems) = read_inputs(paths, &mut io::empty());
            let prefix = format!("{}/", self.0.display());
            let relative = |text: &str| text.replace(&prefix, "");
            let files = sources
                .documents()
                .map(|(id, _)| relative(sources.file_name(id)));
            let problems = problems
                .iter()
                .map(|problem| relative(&problem.to_string()));
            (files.collect(), problems.collect())
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const NONE: [String; 0] = [];

    #[test]
    fn directories_are_read_bytewise_by_path() {
        let scratch = Scratch::new();
        for name in [
            "b.yaml",
            "a/z.yml",
            "a-1.json",
            "a/b/c.yaml",
            "B.yaml",
            ".hidden.yaml",
        ] {
            scratch.write(name, "a: 1");
        }
        for name in [
            "README.md",
            "a/notes.md",
            "a/Makefile",
            "c.YAML",
            ".git/x.yaml",
            "a/.x/y.yaml",
        ] {
            scratch.write(name, "a: 1");
        }
        let (files, problems) = scratch.read(std::slice::from_ref(&scratch.0));
        assert_eq!(
            files,
            [
                ".hidden.yaml",
                "B.yaml",
                "a-1.json",
                "a/b/c.yaml",
                "a/z.yml",
                "b.yaml"
            ]
        );
        assert_eq!(problems, NONE);
        let (sources, _) = read_inputs(std::slice::from_ref(&scratch.0), &mut io::empty());
        let passed_over = sources.passed_over();
        let endings: Vec<_> = passed_over
            .by_ending
            .iter()
            .map(|(ending, count)| (ending.as_str(), *count))
            .collect();
        assert_eq!(endings, [("", 1), ("YAML", 1), ("md", 2)]);
        assert_eq!(passed_over.hidden_directories, 2);
    }

    #[test]
    fn named_files_are_read_whatever_their_ending_and_each_once() {
        let scratch = Scratch::new();
        let named = scratch.write("policy.txt", "a: 1\n---\nb: 2");
        let other = scratch.write("dir/x.yaml", "c: 3");
        let paths = [
            named.clone(),
            other,
            scratch.path("dir"),
            scratch.path("./dir/../policy.txt"),
            named,
        ];
        let (files, problems) = scratch.read(&paths);
        assert_eq!(files, ["policy.txt", "policy.txt", "dir/x.yaml"]);
        assert_eq!(problems, NONE);
    }

    #[test]
    fn what_cannot_be_read_is_a_problem_and_the_rest_is_read() {
        let scratch = Scratch::new();
        scratch.write("dir/bad.yaml", b"a: 1\n---\nb: \xff\n---\nc: 3\n");
        scratch.write("dir/binary.yaml", b"a\0b");
        scratch.write("dir/latin.yaml", b"# M\xfcller\n---\na: 1\n");
        scratch.write("dir/wide.yaml", b"\xff\xfea\0:\0");
        scratch.write("dir/zero.json", "");
        let blank = scratch.write("blank.yaml", "# nothing\n---\n");
        fs::create_dir(scratch.path("empty")).unwrap();
        scratch.write("other/x.md", "");
        let paths = [
            scratch.path("missing"),
            scratch.path("dir"),
            blank,
            scratch.path("empty"),
            scratch.path("other"),
        ];
        let (files, problems) = scratch.read(&paths);
        assert_eq!(files, ["dir/bad.yaml", "dir/bad.yaml", "dir/latin.yaml"]);
        assert_eq!(
            problems,
            [
                "`missing` does not exist",
                "`dir/bad.yaml` is not UTF-8 at line 3 (byte offset 12); documents left out: 1",
                "`dir/binary.yaml` is a binary file: it has a NUL byte at offset 1",
                "`dir/latin.yaml` is not UTF-8 at line 1 (byte offset 3); documents left out: 0",
                "`dir/wide.yaml` is not UTF-8 but UTF-16 or UTF-32",
                "`blank.yaml` has no documents",
                "no manifests in directory `empty`; other files in it: 0",
                "no manifests in directory `other`; other files in it: 1",
            ]
        );
    }

    #[test]
    fn standard_input_is_read_where_it_is_named_and_once() {
        let scratch = Scratch::new();
        let file = scratch.write("a.yaml", "a: 1");
        let paths = [file, PathBuf::from("-"), PathBuf::from("-")];
        let (sources, problems) = read_inputs(&paths, &mut &b"b: 2"[..]);
        let names: Vec<&str> = sources
            .documents()
            .map(|(id, _)| sources.file_name(id))
            .collect();
        assert_eq!(names[1..], ["<stdin>"]);
        assert_eq!(problems, []);
        let (sources, problems) = read_inputs(&[PathBuf::from("-")], &mut io::empty());
        assert!(sources.is_empty());
        assert_eq!(
            problems,
            [InputProblem::NoDocuments {
                path: "<stdin>".to_owned()
            }]
        );
        assert!(
            !problems[0].loses_input()
                && problems[0].path() == "<stdin>"
                && !problems[0].help().is_empty()
        );
    }

    #[test]
    fn endless_binary_input_is_given_up_early() {
        let (sources, problems) = read_inputs(&[PathBuf::from("-")], &mut io::repeat(0));
        assert!(sources.is_empty());
        assert_eq!(
            problems,
            [InputProblem::Binary {
                path: "<stdin>".to_owned(),
                offset: 0
            }]
        );
        assert!(problems[0].loses_input());
    }

    #[test]
    fn input_longer_than_the_first_chunk_is_read_whole() {
        let mut text = b"a: 1\n---\n".repeat(20_000);
        let (sources, problems) = read_inputs(&[PathBuf::from("-")], &mut text.as_slice());
        assert_eq!((sources.len(), problems.len()), (20_000, 0));
        let scratch = Scratch::new();
        let (files, _) = scratch.read(&[scratch.write("x", &text)]);
        assert_eq!(files.len(), 20_000);
        text[149_997] = 0;
        let (_, problems) = read_inputs(&[PathBuf::from("-")], &mut text.as_slice());
        assert!(matches!(
            problems[..],
            [InputProblem::Binary {
                offset: 149_997,
                ..
            }]
        ));
        text[149_997] = 0xc3;
        let (sources, problems) = read_inputs(&[PathBuf::from("-")], &mut text.as_slice());
        assert_eq!(sources.len(), 19_999);
        assert!(matches!(
            problems[..],
            [InputProblem::NotUtf8 {
                offset: 149_997,
                left_out: 1,
                ..
            }]
        ));
    }

    #[test]
    fn file_names_cannot_move_the_cursor() {
        assert_eq!(
            display(Path::new("a\u{1b}[2J\n\u{9b}é.yaml")),
            "a\\u{1b}[2J\\n\\u{9b}é.yaml"
        );
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::symlink;
        use std::process::Command;

        #[test]
        fn links_are_followed_and_loops_end() {
            let scratch = Scratch::new();
            scratch.write("dir/z/x.yaml", "a: 1");
            scratch.write("outside/y.yaml", "b: 2");
            symlink("..", scratch.path("dir/z/up")).unwrap();
            symlink("z", scratch.path("dir/a")).unwrap();
            symlink("../outside", scratch.path("dir/linked")).unwrap();
            symlink("../outside/y.yaml", scratch.path("dir/w.yaml")).unwrap();
            symlink("nowhere", scratch.path("dir/dangling.yaml")).unwrap();
            symlink("nowhere", scratch.path("dir/dangling.txt")).unwrap();
            symlink("self", scratch.path("dir/self")).unwrap();
            let (files, problems) =
                scratch.read(&[scratch.path("dir"), scratch.path("dir/dangling.txt")]);
            // `dir/a` is `dir/z`, and `dir/w.yaml` is `dir/linked/y.yaml`.
            assert_eq!(files, ["dir/linked/y.yaml", "dir/z/x.yaml"]);
            assert_eq!(problems.len(), 3, "{problems:?}");
            assert_eq!(
                problems[0],
                "`dir/dangling.yaml` is a symbolic link to something that does not exist"
            );
            assert!(
                problems[1].starts_with("cannot read `dir/self`: "),
                "{problems:?}"
            );
            assert_eq!(
                problems[2],
                "`dir/dangling.txt` is a symbolic link to something that does not exist"
            );
        }

        #[test]
        fn pipes_are_read_if_named_and_never_waited_for_in_directories() {
            let scratch = Scratch::new();
            fs::create_dir(scratch.path("dir")).unwrap();
            let pipe = scratch.path("dir/pipe.yaml");
            assert!(
                Command::new("mkfifo")
                    .arg(&pipe)
                    .status()
                    .unwrap()
                    .success()
            );
            let (files, problems) = scratch.read(&[scratch.path("dir")]);
            assert_eq!(files, NONE);
            assert_eq!(problems, ["`dir/pipe.yaml` is not a regular file"]);
            let writer = {
                let pipe = pipe.clone();
                std::thread::spawn(move || fs::write(pipe, "a: 1"))
            };
            let (files, problems) = scratch.read(&[pipe]);
            writer.join().unwrap().unwrap();
            assert_eq!(
                (files.as_slice(), problems.len()),
                (&["dir/pipe.yaml".to_owned()][..], 0)
            );
        }

        #[test]
        fn devices_without_end_are_given_up_early() {
            let scratch = Scratch::new();
            let (files, problems) = scratch.read(&[PathBuf::from("/dev/zero")]);
            assert_eq!(files, NONE);
            assert_eq!(
                problems,
                ["`/dev/zero` is a binary file: it has a NUL byte at offset 0"]
            );
        }
    }
}
