//! `seogo note`: writes a note.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::app::App;
use crate::archive::Archive;
use crate::cli::NoteArgs;

pub async fn run(app: &App, arguments: NoteArgs) -> Result<ExitCode> {
    let text = read(arguments.file.as_deref())?;
    let archive = Archive::open(app, "").await?;
    let note = archive
        .ingest
        .add_note(arguments.title.as_deref(), &text)
        .await?;
    println!("{} {}", note.title, note.id);
    archive.store.close().await;
    Ok(ExitCode::SUCCESS)
}

fn read(file: Option<&Path>) -> Result<String> {
    match file.filter(|file| *file != Path::new("-")) {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read as text", file.display())),
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            Ok(text)
        }
    }
}
