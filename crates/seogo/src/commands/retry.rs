//! `seogo retry`: failed work becomes pending again; a running server takes it up within a second.

use std::process::ExitCode;

use anyhow::{Result, bail};
use model::QueueItemId;
use store::Store;

use super::progress;
use super::selection::{report, selection};
use crate::app::App;
use crate::archive::Archive;
use crate::cli::RetryArgs;

pub async fn run(app: &App, mut arguments: RetryArgs) -> Result<ExitCode> {
    let archive = Archive::on(app, app.open_existing().await?, "")?;
    let count = match arguments.selection.id.take() {
        Some(id) => one(app, &archive.store, id.into()).await?,
        None => {
            let selection = selection(&archive, arguments.selection)?;
            let bar = progress::bar();
            let now = app.clock.now();
            let tell = |done, total| progress::move_to(&bar, done, total);
            let count = archive.store.retry_selected(&selection, now, tell).await?;
            bar.finish_and_clear();
            count
        }
    };
    // A server elsewhere hears of it before this ends.
    archive.store.close().await;
    report(
        arguments.output,
        count,
        "Nothing of that has failed.",
        "to be tried again.",
    )
}

async fn one(app: &App, store: &Store, id: QueueItemId) -> Result<u64> {
    let mut tx = store.write().await?;
    if !tx.retry(&id, app.clock.now()).await? {
        match tx.queue_item(&id).await? {
            Some(item) => bail!(
                "this run is {}; only what has failed or was cancelled can be tried again",
                item.status
            ),
            None => {
                bail!("there is no row {id} in the queue; `seogo queue --status failed` lists them")
            }
        }
    }
    tx.commit().await?;
    Ok(1)
}
