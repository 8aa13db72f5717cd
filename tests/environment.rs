//! Tests that need something of the machine: a shell, or not being root. Where it is missing a
//! test is reported as ignored, with the reason in its name, and never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn main() {
    let arguments = Arguments::from_args();
    let is_root = said_by(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let mut trials = vec![
        Trial::test(
            "unreadable_files_are_named (needs a user other than root)",
            unreadable_files,
        )
        .with_ignored_flag(is_root || cfg!(windows)),
    ];
    for (shell, file) in [
        ("bash", "portolan.bash"),
        ("zsh", "portolan.zsh"),
        ("fish", "portolan.fish"),
    ] {
        let there = said_by(Command::new(shell).arg("--version")).is_some();
        trials.push(
            Trial::test(
                format!("{shell}_reads_its_completions (needs {shell})"),
                move || shell_reads(shell, file),
            )
            .with_ignored_flag(!there),
        );
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// What a command prints, if it can be run and succeeds.
fn said_by(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A shell parses its completions without executing them.
fn shell_reads(shell: &str, file: &str) -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("completions")
        .join(file);
    let flag = if shell == "fish" {
        "--no-execute"
    } else {
        "-n"
    };
    let output = Command::new(shell)
        .arg(flag)
        .arg(path)
        .output()
        .map_err(|e| e.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}

fn unreadable_files() -> Result<(), Failed> {
    let folder: PathBuf =
        std::env::temp_dir().join(format!("portolan-unreadable-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: x}\n";
    std::fs::write(folder.join("good.yaml"), pod).unwrap();
    std::fs::write(folder.join("secret.yaml"), pod).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let none = std::fs::Permissions::from_mode(0o000);
        std::fs::set_permissions(folder.join("secret.yaml"), none).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["list", "-o", "csv"])
        .arg(&folder)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(2) && said.contains("secret.yaml") {
        Ok(())
    } else {
        Err(format!("status {:?}: {said}", output.status.code()).into())
    }
}
