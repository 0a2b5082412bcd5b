//! The real binary from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod cli;
mod convert;
mod draft;
mod fixtures;
mod kill;
mod operations;
mod outage;
mod postgres;
mod server;
mod settings;

use std::path::Path;
use std::process::{Command, Output};

/// The binary in a folder of its own.
fn seogo(folder: &Path) -> Command {
    testkit::program(env!("CARGO_BIN_EXE_seogo"), folder)
}

/// Runs it to its end.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    seogo(folder)
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the output is UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("the output is UTF-8")
}
