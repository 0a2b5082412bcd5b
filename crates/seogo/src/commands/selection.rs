//! Which rows of the queue the command line means, and how many were steered.

use std::process::ExitCode;

use anyhow::Result;
use model::DocumentId;
use serde::Serialize;
use store::QueueSelection;

use super::print_json;
use crate::archive::Archive;
use crate::cli::{JsonArgs, SelectionArgs};

#[derive(Serialize)]
struct Count {
    count: u64,
}

/// The rows meant, a single one aside.
///
/// # Errors
/// A stage of no such name.
pub fn selection(archive: &Archive, arguments: SelectionArgs) -> Result<QueueSelection> {
    if let Some(stage) = &arguments.stage {
        archive.stage(stage)?;
    }
    Ok(QueueSelection {
        stage: arguments.stage,
        status: None,
        error_code: arguments.code,
        category: arguments.category,
        document_id: arguments.document.map(DocumentId),
        tag: arguments.tag,
    })
}

/// Tells how many it was done to.
pub fn report(output: JsonArgs, count: u64, none: &str, done: &str) -> Result<ExitCode> {
    if output.json {
        print_json(&Count { count })?;
    } else if count == 0 {
        println!("{none}");
    } else {
        println!("{count} {done}");
    }
    Ok(ExitCode::SUCCESS)
}
