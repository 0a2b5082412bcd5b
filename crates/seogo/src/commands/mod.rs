//! One file per subcommand.

mod completions;
mod retry;
mod status;

use std::process::ExitCode;

use anyhow::Result;

use crate::app::App;
use crate::cli::{Invocation, Task};
use crate::{environment, logging};

/// Does what the command line asks for.
///
/// # Errors
/// Whatever keeps it from being done, told so that a person can mend it.
pub fn run(invocation: Invocation) -> Result<ExitCode> {
    if let Task::Completions { shell } = invocation.task {
        return completions::run(shell);
    }
    let settings = environment::settings(&invocation)?;
    logging::start(&settings, "warn")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run_task(invocation.task, &App::new(settings)))
}

async fn run_task(task: Task, app: &App) -> Result<ExitCode> {
    match task {
        Task::Status(output) => status::run(app, output).await,
        Task::Retry(arguments) => retry::run(app, &arguments).await,
        Task::Completions { shell } => completions::run(shell),
    }
}

/// Prints a value as JSON to standard output.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
