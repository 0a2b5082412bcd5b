//! `seogo ingest PATH…`: takes files and folders in; a running server does the rest.

use std::process::ExitCode;

use anyhow::Result;
use ingest::{AddProgress, IngestError, Ingested};
use serde::Serialize;

use super::{print_json, progress};
use crate::app::App;
use crate::archive::Archive;
use crate::cli::IngestArgs;

/// What became of one file.
#[derive(Serialize)]
struct Line {
    path: String,
    outcome: &'static str,
    document_id: Option<String>,
    error_code: Option<&'static str>,
    message: Option<String>,
}

pub async fn run(app: &App, arguments: IngestArgs) -> Result<ExitCode> {
    let archive = Archive::open(app, "").await?;
    archive.ingest.prepare().await?;
    let bar = progress::bar();
    let mut lines = Vec::new();
    let summary = archive
        .ingest
        .add_paths(&arguments.paths, |step| {
            progress::move_to(&bar, step.done, step.total);
            bar.set_message(step.path.display().to_string());
            lines.push(line(&step));
        })
        .await;
    bar.finish_and_clear();
    archive.store.close().await;
    // Paths that could not even be listed were no step.
    let unlisted = summary.failed.iter().filter(|(path, _)| {
        let path = path.display().to_string();
        !lines.iter().any(|line| line.path == path)
    });
    let unlisted: Vec<_> = unlisted
        .map(|(path, error)| failed(path.display().to_string(), error))
        .collect();
    lines.extend(unlisted);
    let well = summary.failed.is_empty();
    if arguments.output.json {
        print_json(&lines)?;
    } else {
        lines.iter().for_each(print);
        println!(
            "{} new, {} known already, {} failed. A running server reads them; `seogo status` shows how far it is.",
            summary.added,
            summary.known + summary.updated,
            summary.failed.len()
        );
    }
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn line(step: &AddProgress<'_>) -> Line {
    let path = step.path.display().to_string();
    let (outcome, document_id) = match step.outcome {
        Ok(Ingested::Added(document)) => ("added", Some(&document.id)),
        Ok(Ingested::Duplicate { existing, .. }) => ("duplicate", Some(existing)),
        Ok(Ingested::Moved(id)) => ("moved", Some(id)),
        Ok(Ingested::Changed(id)) => ("changed", Some(id)),
        Ok(Ingested::Unchanged(id)) => ("unchanged", Some(id)),
        Ok(Ingested::Skipped(_)) => ("skipped", None),
        Err(error) => return failed(path, error),
    };
    Line {
        path,
        outcome,
        document_id: document_id.map(ToString::to_string),
        error_code: None,
        message: None,
    }
}

fn failed(path: String, error: &IngestError) -> Line {
    Line {
        path,
        outcome: "failed",
        document_id: None,
        error_code: Some(error.code()),
        message: Some(error.to_string()),
    }
}

/// People want to see what is wrong; what went well is a number.
fn print(line: &Line) {
    if let Some(message) = &line.message {
        eprintln!("{}: {message}", line.path);
    }
}
