//! The `seogo` program. Start at [`commands::run`]; `seogo serve` wires everything together in [`commands`]' `serve.rs`.

mod app;
mod cli;
mod commands;
mod environment;
mod logging;
mod paths;
mod settings;
mod shutdown;

use std::process::ExitCode;

fn main() -> ExitCode {
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(error) => error.exit(),
    };
    commands::run(invocation).unwrap_or_else(|error| {
        eprintln!("seogo: {error:#}");
        ExitCode::FAILURE
    })
}
