//! The speech service as a child of `seogo serve`, and the watch for its becoming ready.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result};
use stages::{WAIT_SPEECH_MODEL, WAIT_SPEECH_SERVICE};
use tokio_util::sync::CancellationToken;
use tools::{Supervise, Supervised};
use tracing::{info, warn};

use crate::app::App;
use crate::archive::Archive;

/// How often the service is asked whether it is ready.
const LOOK: Duration = Duration::from_secs(3);

/// A free port of the loopback for the child. Another program may take it in between; then the child is started again and again,
/// says so, and the next start of the server takes another port.
///
/// # Errors
/// No port is free.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?)
}

/// Keeps `seogo speech` running on `address` until `stop`.
///
/// # Errors
/// Our own path cannot be told.
pub async fn supervise(app: &App, address: SocketAddr, stop: CancellationToken) -> Result<()> {
    let settings = &app.settings;
    let own = std::env::current_exe().context("the path of this program cannot be told")?;
    let mut args: Vec<OsString> = vec!["speech".into()];
    let mut option = |name: &str, value: OsString| args.extend([name.into(), value]);
    option("--listen", address.to_string().into());
    option("--root", std::path::absolute(&settings.library_dir)?.into());
    option(
        "--data-dir",
        std::path::absolute(settings.data.root())?.into(),
    );
    if let Some(model) = &settings.stt_model {
        option("--stt-model", model.into());
    }
    let child = Supervise::new("speech", own, args);
    Supervised::start(child, stop).stopped().await;
    Ok(())
}

/// Lets go on what waits for speech, each time the service becomes ready.
pub async fn wake_when_ready(app: &App, archive: &Archive, stop: CancellationToken) {
    let mut ready = false;
    loop {
        let now_ready = archive
            .speech
            .ready()
            .await
            .is_ok_and(|answer| answer.ready);
        if now_ready && !ready {
            match wake(app, archive).await {
                Ok(0) => {}
                Ok(count) => info!(
                    count,
                    "the speech service is ready; waiting recordings go on"
                ),
                Err(error) => {
                    warn!(%error, "cannot wake waiting recordings; trying again");
                    // Not ready as far as waking goes: the next look tries again.
                    continue_after(&stop).await;
                    continue;
                }
            }
        }
        ready = now_ready;
        if !continue_after(&stop).await {
            return;
        }
    }
}

async fn wake(app: &App, archive: &Archive) -> Result<u64, store::StoreError> {
    let now = app.clock.now();
    let mut tx = archive.store.write().await?;
    let mut count = 0;
    for what in [WAIT_SPEECH_MODEL, WAIT_SPEECH_SERVICE] {
        count += tx.wake_waiting(what, now).await?;
    }
    tx.commit().await?;
    Ok(count)
}

/// Waits until the next look; `false` where it is time to end.
async fn continue_after(stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(LOOK) => true,
        () = stop.cancelled() => false,
    }
}
