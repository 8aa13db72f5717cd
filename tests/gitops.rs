//! Runs what docs/gitops.md shows, in one repository from top to bottom, and compares what is
//! printed; and the scripts of action.yml, with a stand-in for GitHub's command line.
//!
//! `UPDATE=1 cargo test --test gitops` writes the output of now into the page; read the difference
//! before you believe it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "gate/repository.rs"]
mod repository;

use repository::{Repository, root};
use std::path::PathBuf;
use std::process::Command;

/// A shell in a directory that finds the tool, with nothing of the user's in it.
fn shell(repository: &Repository, shell: &str, script: &str) -> Command {
    let tool = PathBuf::from(env!("CARGO_BIN_EXE_portolan"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", tool.parent().unwrap().display());
    let mut command = Command::new(shell);
    command
        .args(["-c", script])
        .current_dir(repository.path("."))
        .env("PATH", path)
        .env("PORTOLAN", root())
        .env("COLUMNS", "80")
        .env("NO_COLOR", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env_remove("GITHUB_STEP_SUMMARY");
    for (key, value) in [("NAME", "test"), ("EMAIL", "test@example.org")] {
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_{key}"), value);
        }
    }
    command
}

#[test]
fn the_page_shows_what_commands_print() {
    let path = root().join("docs/gitops.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let repository = Repository::new("page");
    std::fs::remove_dir_all(repository.path(".git")).unwrap();
    let mut shown = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        shown.push_str(line);
        shown.push('\n');
        if line != "```console" {
            continue;
        }
        while let Some(line) = lines.next() {
            if let Some(first) = line.strip_prefix("$ ") {
                let mut script = first.to_owned();
                shown.push_str(&format!("$ {first}\n"));
                while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
                    script.push_str(&format!("\n{}", more.trim_start_matches("> ")));
                    shown.push_str(&format!("{more}\n"));
                }
                let output = shell(&repository, "sh", &format!("{{ {script}\n}} 2>&1"))
                    .output()
                    .unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                let trimmed = text.lines().map(str::trim_end);
                shown.extend(trimmed.map(|line| format!("{line}\n")));
            } else if line == "```" {
                shown.push_str("```\n");
                break;
            }
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &shown).unwrap();
        return;
    }
    assert!(shown == page, "docs/gitops.md is stale: run with UPDATE=1");
}

/// What a step of the action runs.
fn script(step: &str) -> String {
    let action = std::fs::read_to_string(root().join("action.yml")).unwrap();
    let action: serde_json::Value = serde_yaml::from_str(&action).unwrap();
    let steps = action["runs"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|known| known["name"] == step).unwrap();
    step["run"].as_str().unwrap().to_owned()
}

#[test]
fn the_action_checks_comments_once_and_fails_as_the_check_does() {
    let repository = Repository::new("action");
    repository.copy(&root().join("testdata/shop"), "deploy");
    repository.commit("the shop");
    let base = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["rm", "-q", "deploy/policies/orders-db.yaml"]);
    repository.commit("a change");
    // Remembers what it is asked, and has the comment once it was posted.
    repository.write(
        "bin/gh",
        "#!/bin/sh\necho \"$*\" >>\"$RUNNER_TEMP/asked\"\ncase \"$*\" in\n  *POST*) touch \"$RUNNER_TEMP/posted\" ;;\n  \
         *--paginate*) if [ -e \"$RUNNER_TEMP/posted\" ]; then echo 42; fi ;;\nesac\n",
    );
    repository.write("temp/keep", "");
    let run = |step: &str, base: &str, deny: &str| {
        let mut command = shell(&repository, "bash", &script(step));
        let path = command
            .get_envs()
            .find(|(key, _)| *key == "PATH")
            .and_then(|(_, value)| value)
            .unwrap()
            .to_owned();
        let bin = repository.path("bin");
        let output = command
            .env(
                "PATH",
                format!("{}:{}", bin.display(), path.to_str().unwrap()),
            )
            .env("RUNNER_TEMP", repository.path("temp"))
            .env("GITHUB_OUTPUT", repository.path("temp/output"))
            .envs([
                ("BASE", base),
                ("PATHS", "deploy"),
                ("INTENTS", ""),
                ("DENY", deny),
            ])
            .envs([("FAIL_ON", "error"), ("BASELINE", ""), ("ARGS", "--quiet")])
            .envs([
                ("REPOSITORY", "owner/shop"),
                ("NUMBER", "7"),
                ("GH_TOKEN", "none"),
            ])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{step}: {said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let mode = Command::new("chmod")
        .arg("+x")
        .arg(repository.path("bin/gh"))
        .status();
    assert!(mode.unwrap().success());
    for (base, deny, status, line) in [
        (base.trim(), "exposed", "status=0", "check passed: 1 note"),
        (base.trim(), "removed", "status=1", "check failed: 1 error"),
        // The first push of a branch.
        (
            "0000000000000000000000000000000000000000",
            "any",
            "status=0",
            "check passed",
        ),
        ("", "any", "status=0", "check passed"),
    ] {
        repository.write("temp/output", "");
        run("Fetch the base", base, deny);
        let said = run("Check", base, deny);
        assert!(said.contains(line), "{base} {deny}: {said}");
        assert_eq!(repository.read("temp/output").trim(), status);
        assert!(repository.read("temp/portolan.sarif").contains("2.1.0"));
        run("Comment", base, deny);
    }
    let comment = repository.read("temp/comment.md");
    assert!(
        comment.starts_with("<!-- portolan check -->\n### ✅"),
        "{comment}"
    );
    let asked = repository.read("temp/asked");
    assert_eq!(
        asked
            .matches("--method POST repos/owner/shop/issues/7/comments")
            .count(),
        1
    );
    assert_eq!(
        asked
            .matches("--method PATCH repos/owner/shop/issues/comments/42")
            .count(),
        3
    );
}
