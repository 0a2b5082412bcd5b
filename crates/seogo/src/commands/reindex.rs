//! `seogo reindex`: builds the search index anew from the database.

use std::process::ExitCode;

use anyhow::{Context, Result};
use search::Indexer;

use crate::app::App;
use crate::archive::Archive;

pub async fn run(app: &App) -> Result<ExitCode> {
    let store = app.open_existing().await?;
    let index = Archive::index(app)?;
    let count = Indexer::new(index, store).reindex().await.context(
        "the index cannot be rebuilt; while a server runs, it keeps the index up to date by itself",
    )?;
    println!("{count} documents are in the index.");
    Ok(ExitCode::SUCCESS)
}
