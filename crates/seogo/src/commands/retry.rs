//! `seogo retry`: failed work becomes pending again; a running server takes it up within a second.

use std::process::ExitCode;

use anyhow::Result;

use crate::app::App;
use crate::cli::RetryArgs;

pub async fn run(app: &App, arguments: &RetryArgs) -> Result<ExitCode> {
    let store = app.open_existing().await?;
    let mut tx = store.write().await?;
    let count = tx
        .retry_failed(arguments.stage.as_deref(), app.clock.now())
        .await?;
    tx.commit().await?;
    match count {
        0 => println!("Nothing has failed."),
        count => println!("{count} to be tried again."),
    }
    Ok(ExitCode::SUCCESS)
}
