//! `seogo rerun`: a stage is run again; a running server does it, after everything else unless one document is named.

use std::process::ExitCode;

use anyhow::{Result, bail};
use model::{DocumentId, Priority};
use store::RerunSelection;

use super::progress;
use super::selection::report;
use crate::app::App;
use crate::archive::Archive;
use crate::cli::RerunArgs;

pub async fn run(app: &App, arguments: RerunArgs) -> Result<ExitCode> {
    let archive = Archive::on(app, app.open_existing().await?, "")?;
    let stage = archive.stage(&arguments.stage)?;
    let selection = RerunSelection {
        category: arguments.category,
        tag: arguments.tag,
        document_id: arguments.document.map(DocumentId),
        outdated: arguments.outdated,
    };
    let mut priority = Priority::Backfill;
    if let Some(id) = &selection.document_id {
        if archive.store.read().await?.document(id).await?.is_none() {
            bail!("there is no document {id}; `seogo search` tells the ids");
        }
        priority = Priority::Person;
    }
    let bar = progress::bar();
    let tell = |done, total| progress::move_to(&bar, done, total);
    let count = archive
        .requeue(app)
        .rerun(&**stage, &selection, priority, tell)
        .await?;
    bar.finish_and_clear();
    // A server elsewhere hears of it before this ends.
    archive.store.close().await;
    report(
        arguments.output,
        count,
        "Nothing to add: the stage is for none of these documents, or they wait for it already.",
        "to be run again. A running server does it; `seogo status` shows how far it is.",
    )
}
