//! `seogo queue`: shows rows, holds stages, stops work, tells a document's history.

use std::process::ExitCode;

use anyhow::{Result, bail};
use model::{DocumentId, QueueItem, QueueItemId};
use store::{QueueFilter, QueueSelection, TimelineEntry};

use super::selection::{report, selection};
use super::{print_json, progress};
use crate::app::App;
use crate::archive::Archive;
use crate::cli::{CancelArgs, JsonArgs, QueueArgs, QueueListArgs, QueueTask};

pub async fn run(app: &App, arguments: QueueArgs) -> Result<ExitCode> {
    let archive = Archive::on(app, app.open_existing().await?, "")?;
    let ended = match arguments.task {
        None => list(&archive, arguments.list).await,
        Some(QueueTask::Pause { stage }) => hold(app, &archive, &stage, true).await,
        Some(QueueTask::Resume { stage }) => hold(app, &archive, &stage, false).await,
        Some(QueueTask::Cancel(arguments)) => cancel(app, &archive, arguments).await,
        Some(QueueTask::Timeline { document, output }) => {
            timeline(&archive, &DocumentId(document), output).await
        }
    };
    // A server elsewhere hears of it before this ends.
    archive.store.close().await;
    ended
}

async fn list(archive: &Archive, arguments: QueueListArgs) -> Result<ExitCode> {
    if let Some(stage) = &arguments.stage {
        archive.stage(stage)?;
    }
    let filter = QueueFilter {
        status: arguments.status,
        stage: arguments.stage,
        limit: arguments.limit.into(),
        ..QueueFilter::default()
    };
    let items = archive.store.read().await?.queue_items(&filter).await?;
    if arguments.output.json {
        print_json(&items)?;
    } else if items.is_empty() {
        println!("There is nothing of that in the queue.");
    } else {
        items.iter().for_each(|item| println!("{}", line(item)));
    }
    Ok(ExitCode::SUCCESS)
}

fn line(item: &QueueItem) -> String {
    let note = item.error_message.as_deref().unwrap_or_default();
    let text = format!(
        "{}  {:<10} {:<10} {}  {note}",
        item.id, item.stage, item.status, item.document_id
    );
    text.trim_end().to_owned()
}

async fn hold(app: &App, archive: &Archive, stage: &str, paused: bool) -> Result<ExitCode> {
    archive.stage(stage)?;
    let mut tx = archive.store.write().await?;
    if paused {
        tx.pause_stage(stage, app.clock.now()).await?;
    } else {
        tx.resume_stage(stage).await?;
    }
    tx.commit().await?;
    if paused {
        println!("{stage} is held; `seogo queue resume {stage}` lets it go on.");
    } else {
        println!("{stage} goes on.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn cancel(app: &App, archive: &Archive, mut arguments: CancelArgs) -> Result<ExitCode> {
    if let Some(id) = arguments.selection.id.take() {
        return cancel_one(app, archive, id.into(), arguments.output).await;
    }
    let selection = selection(archive, arguments.selection)?;
    if selection == QueueSelection::default() && !arguments.all {
        bail!("say what to stop: the id of a row, --stage and the like, or --all for everything");
    }
    let bar = progress::bar();
    let tell = |done, total| progress::move_to(&bar, done, total);
    let now = app.clock.now();
    let count = archive.store.cancel_selected(&selection, now, tell).await?;
    bar.finish_and_clear();
    let none = "Nothing of that is pending or running.";
    report(arguments.output, count, none, "stopped.")
}

async fn cancel_one(
    app: &App,
    archive: &Archive,
    id: QueueItemId,
    output: JsonArgs,
) -> Result<ExitCode> {
    let mut tx = archive.store.write().await?;
    if !tx.cancel(&id, app.clock.now()).await? {
        match tx.queue_item(&id).await? {
            Some(item) => bail!(
                "this run is {} already; there is nothing to stop",
                item.status
            ),
            None => bail!("there is no row {id} in the queue; `seogo queue` lists them"),
        }
    }
    tx.commit().await?;
    report(output, 1, "", "stopped.")
}

async fn timeline(archive: &Archive, id: &DocumentId, output: JsonArgs) -> Result<ExitCode> {
    let mut tx = archive.store.read().await?;
    if tx.document(id).await?.is_none() {
        bail!("there is no document {id}; `seogo search` tells the ids");
    }
    let entries = tx.timeline(id).await?;
    if output.json {
        print_json(&entries)?;
    } else {
        entries
            .iter()
            .for_each(|entry| println!("{}", happened(entry)));
    }
    Ok(ExitCode::SUCCESS)
}

fn happened(entry: &TimelineEntry) -> String {
    let mut text = format!("{}  {:<10} {}", entry.at, entry.stage, entry.kind.as_str());
    if let Some(seconds) = entry.duration_s {
        text += &format!(" after {seconds:.1} s");
    }
    if let Some(message) = &entry.message {
        text += &format!(": {message}");
    }
    text
}

#[cfg(test)]
mod tests {
    use model::Timestamp;
    use store::TimelineKind;

    use super::*;

    #[test]
    fn an_entry_says_when_what_and_why() {
        let entry = TimelineEntry {
            at: Timestamp(0),
            stage: "stt".into(),
            kind: TimelineKind::Failed,
            attempt: Some(2),
            code: Some("broken".into()),
            message: Some("파일이 잘렸습니다".into()),
            worker: None,
            duration_s: Some(1.25),
        };
        assert_eq!(
            happened(&entry),
            "1970-01-01T00:00:00Z  stt        failed after 1.2 s: 파일이 잘렸습니다"
        );
    }
}
