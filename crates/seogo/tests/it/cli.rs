//! Help, exit codes, completions.

use crate::{run, stderr, stdout};

#[test]
fn help_names_every_setting_with_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = stdout(&output);
    for word in [
        "--stt-endpoint",
        "SEOGO_LIBRARY_IGNORE",
        "SEOGO_CONFIG",
        "status",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
    assert!(!help.contains("--admin-password"), "secrets have no flag");
}

#[test]
fn an_unknown_subcommand_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["statsu"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("status"), "{}", stderr(&output));
}

#[test]
fn completions_know_the_subcommands() {
    let folder = tempfile::tempdir().unwrap();
    let script = stdout(&run(folder.path(), &["completions", "bash"]));
    assert!(script.contains("_seogo") && script.contains("status"));
}

#[test]
fn looking_at_no_archive_says_so_and_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["status"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("there is no archive in ./data"),
        "{}",
        stderr(&output)
    );
    assert!(!folder.path().join("data").exists());
}
