//! `seogo completions SHELL`.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap_complete::Shell;

use crate::cli;

/// Prints the completions to standard output.
pub fn run(shell: Shell) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "seogo", &mut script);
    match std::io::stdout().write_all(&script) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(ExitCode::SUCCESS)
}
