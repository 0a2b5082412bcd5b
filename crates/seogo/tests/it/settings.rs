//! Settings as the binary takes them.

use std::fs;

use crate::{run, seogo, stderr};

#[test]
fn a_misspelt_variable_is_an_error_with_the_nearest_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = seogo(folder.path())
        .arg("status")
        .env("SEOGO_DATADIR", "/tmp")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("SEOGO_DATA_DIR"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_file_in_the_folder_is_read_and_flags_go_over_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("seogo.toml"), "data_dir = 'from-file'\n").unwrap();
    let output = run(folder.path(), &["status"]);
    assert!(
        stderr(&output).contains("no archive in from-file"),
        "{}",
        stderr(&output)
    );
    let output = run(folder.path(), &["status", "--data-dir", "from-flag"]);
    assert!(
        stderr(&output).contains("no archive in from-flag"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_misspelt_key_is_an_error_with_the_nearest_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mine.toml");
    fs::write(&config, "[library]\nignor = ['*.tmp']\n").unwrap();
    let output = seogo(folder.path())
        .arg("status")
        .env("SEOGO_CONFIG", &config)
        .output()
        .unwrap();
    let message = stderr(&output);
    assert!(
        message.contains("mine.toml") && message.contains("library.ignore"),
        "{message}"
    );
}

#[test]
fn a_named_file_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["status", "--config", "absent.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("absent.toml"),
        "{}",
        stderr(&output)
    );
}
