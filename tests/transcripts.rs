//! Runs every command shown in the documents and compares what it prints.
//!
//! `TRYCMD=overwrite cargo test --test transcripts` writes the output of now into them; read
//! the difference before you believe it.

#[test]
fn documents_show_what_commands_print() {
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .case("docs/*.md")
        // It is one story, and tests/gitops.rs runs it.
        .skip("docs/gitops.md")
        .case("docs/dataplanes/*.md")
        .case("docs/lint/*.md");
}
