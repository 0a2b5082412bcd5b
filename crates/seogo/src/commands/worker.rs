//! `seogo worker`: stages only, beside a server elsewhere.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use tracing::info;

use crate::app::App;
use crate::archive::Archive;
use crate::cli::WorkerArgs;
use crate::{database_wait, shutdown, speech_child, working};

/// Where `seogo speech` answers unless a setting says otherwise.
const SPEECH_HERE: &str = "http://127.0.0.1:3300";

pub async fn run(app: Arc<App>, arguments: WorkerArgs) -> Result<ExitCode> {
    let stop = shutdown::on_signal()?;
    let endpoint = app.settings.stt_endpoint.as_deref().unwrap_or(SPEECH_HERE);
    let Some(store) = database_wait::open(&app, &stop).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let archive = Archive::on(&app, store, endpoint)?;
    let watch = {
        let (app, archive, stop) = (Arc::clone(&app), archive.clone(), stop.clone());
        tokio::spawn(async move { speech_child::wake_when_ready(&app, &archive, stop).await })
    };
    info!("working; stop with Ctrl-C");
    working::work(&app, &archive, arguments.stages, stop).await?;
    watch.await?;
    archive.store.close().await;
    Ok(ExitCode::SUCCESS)
}
