//! Runs stages in this process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use model::new_uuid;
use queue::{Backfill, Runner, RunnerConfig};
use store::StoreError;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::app::App;
use crate::archive::Archive;
use crate::worker_lock::{WorkerLock, dead_workers};

/// Folder of the workers' locks, below the data folder.
const WORKERS: &str = "workers";

/// Before another try where the database is in trouble at the start.
const RETRY: Duration = Duration::from_secs(1);

/// Works on the named stages (on all, where none is named) until `stop`.
///
/// # Errors
/// A stage of no such name, a folder that cannot be written.
pub async fn work(
    app: &App,
    archive: &Archive,
    only: Vec<String>,
    stop: CancellationToken,
) -> Result<()> {
    let config = config(app, archive, only)?;
    let folder = app.settings.data.root().join(WORKERS);
    let lock = WorkerLock::take(&folder, &config.worker)
        .with_context(|| format!("{} cannot be written", folder.display()))?;
    if !take_back_at_last(app, archive, &stop).await? {
        return Ok(());
    }
    let backfill = backfill(app, archive, &config);
    let runner = Runner::new(
        archive.store.clone(),
        archive.graph.clone(),
        Arc::clone(&app.clock),
        Arc::clone(&app.random),
        config,
    );
    let _backfill = AbortOnDropHandle::new(tokio::spawn(backfill.run(stop.clone())));
    Arc::new(runner).run(stop).await;
    drop(lock);
    Ok(())
}

fn config(app: &App, archive: &Archive, only: Vec<String>) -> Result<RunnerConfig> {
    let concurrency: HashMap<_, _> = app.settings.concurrency.clone().into_iter().collect();
    for name in only.iter().chain(concurrency.keys()) {
        archive.stage(name)?;
    }
    Ok(RunnerConfig {
        stages: only,
        concurrency,
        history: app.settings.history,
        ..RunnerConfig::new(new_uuid(&*app.clock, &*app.random))
    })
}

/// Does older documents again that a stage of ours would do better now.
fn backfill(app: &App, archive: &Archive, config: &RunnerConfig) -> Backfill {
    Backfill {
        requeue: archive.requeue(app),
        graph: archive.graph.clone(),
        stages: config.stages.clone(),
        pending: app.settings.backfill.into(),
        look: config.poll,
    }
}

/// Takes back as soon as the database lets us; `false` where a stop came first.
async fn take_back_at_last(app: &App, archive: &Archive, stop: &CancellationToken) -> Result<bool> {
    loop {
        match take_back(app, archive).await {
            Ok(()) => return Ok(true),
            Err(error) if is_trouble(&error) => {
                warn!("cannot take back work of dead workers yet; trying again: {error:#}");
            }
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = sleep(RETRY) => {}
            () = stop.cancelled() => return Ok(false),
        }
    }
}

fn is_trouble(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<StoreError>()
        .is_some_and(|error| error.trouble().is_some() || error.is_conflict())
}

/// Takes back what workers of this machine held whose process is gone: no need to wait until their leases are over.
async fn take_back(app: &App, archive: &Archive) -> Result<()> {
    let folder = app.settings.data.root().join(WORKERS);
    for (worker, file) in dead_workers(&folder)? {
        let mut tx = archive.store.write().await?;
        let count = tx.release_worker(&worker, app.clock.now()).await?;
        tx.commit().await?;
        if count > 0 {
            info!(
                count,
                "took back work of a worker that did not end in good order"
            );
        }
        match std::fs::remove_file(file) {
            // Another process that starts took it back as well.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}
