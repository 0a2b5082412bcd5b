//! The `seogo` program. Start at [`commands::run`]; `seogo serve` wires everything together in [`commands`]' `serve.rs`.

mod app;
mod archive;
mod cli;
mod commands;
mod database_wait;
mod environment;
mod logging;
mod paths;
mod settings;
mod shutdown;
mod speech_child;
mod status_source;
mod worker_lock;
mod working;

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
