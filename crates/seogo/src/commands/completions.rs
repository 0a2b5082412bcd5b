//! `seogo completions SHELL`.

use std::process::ExitCode;

use anyhow::Result;
use clap_complete::Shell;

use crate::cli;

/// Prints the completions to standard output.
pub fn run(shell: Shell) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "seogo", &mut script);
    print!("{}", String::from_utf8(script)?);
    Ok(ExitCode::SUCCESS)
}
