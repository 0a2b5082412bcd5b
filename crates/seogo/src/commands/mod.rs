//! One file per subcommand.

mod completions;
mod doctor;
mod ingest;
mod models;
mod note;
mod parse;
mod progress;
mod queue;
mod reindex;
mod rerun;
mod retry;
mod search;
mod selection;
mod serve;
mod speech;
mod status;
mod token;
mod user;
mod worker;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};

use crate::app::App;
use crate::cli::{Invocation, Task};
use crate::{environment, logging};

/// Does what the command line asks for.
///
/// # Errors
/// Whatever keeps it from being done, told so that a person can mend it.
pub fn run(invocation: Invocation) -> Result<ExitCode> {
    // These two read no settings.
    match &invocation.task {
        Task::Completions { shell } => return completions::run(*shell),
        Task::Parse { kind, path } => return Ok(parse::run(kind, path)),
        _ => {}
    }
    let settings = environment::settings(&invocation)?;
    logging::start(&settings, default_level(&invocation.task))?;
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("TLS was set up twice"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run_task(invocation.task, App::new(settings)))
}

fn default_level(task: &Task) -> &'static str {
    match task {
        // These two libraries tell of their inner life.
        Task::Serve | Task::Worker(_) | Task::Speech(_) => "info,tantivy=error,whisper_rs=error",
        _ => "warn,tantivy=error",
    }
}

async fn run_task(task: Task, app: App) -> Result<ExitCode> {
    match task {
        Task::Serve => serve::run(Arc::new(app)).await,
        Task::Worker(arguments) => worker::run(Arc::new(app), arguments).await,
        Task::Speech(arguments) => speech::run(&app, arguments).await,
        Task::Ingest(arguments) => ingest::run(&app, arguments).await,
        Task::Note(arguments) => note::run(&app, arguments).await,
        Task::Search(arguments) => search::run(&app, arguments).await,
        Task::Status(output) => status::run(&app, output).await,
        Task::Queue(arguments) => queue::run(&app, arguments).await,
        Task::Retry(arguments) => retry::run(&app, arguments).await,
        Task::Rerun(arguments) => rerun::run(&app, arguments).await,
        Task::Reindex => reindex::run(&app).await,
        Task::Models(task) => models::run(&app, task).await,
        Task::Token(task) => token::run(&app, task).await,
        Task::User(task) => user::run(&app, task).await,
        Task::Doctor(output) => doctor::run(&app, output).await,
        Task::Completions { shell } => completions::run(shell),
        Task::Parse { kind, path } => Ok(parse::run(&kind, &path)),
    }
}

/// Prints a value as JSON to standard output.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
