//! The speech service: whisper.cpp behind HTTP.
//!
//! A request names a file below one of the roots, or uploads one. The media tools decode it to samples ([`audio`]), it is
//! cut at quiet places into stretches that fit into memory ([`windows`]), whisper.cpp listens to each ([`engine`]), and
//! the lines go out as they come ([`job`], `routes`). The model may appear, or change, while the service runs ([`slot`]).
//!
//! The service reads no environment and no settings: `seogo speech` hands it a [`SpeechConfig`].

pub mod audio;
pub mod devices;
pub mod engine;
pub mod error;
pub mod job;
pub mod language;
pub mod model_file;
pub mod models;
pub mod resolve;
mod routes;
pub mod slot;
mod state;
pub mod subtitles;
#[cfg(any(test, feature = "tiny-model"))]
pub mod tiny_model;
pub mod windows;
pub mod words;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tools::Toolbox;

pub use error::SpeechError;
pub use routes::router;
pub use state::{MAX_UPLOAD_BYTES, SpeechConfig, SpeechState};

/// How often a running service looks for a model that was not there, or changed.
const MODEL_POLL: Duration = Duration::from_secs(2);

/// Serves on `listener`, reading sound through `toolbox`, until `cancel` is cancelled; what runs then is stopped.
pub async fn serve(
    listener: TcpListener,
    config: SpeechConfig,
    toolbox: Toolbox,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    let state = SpeechState::new(config, Arc::new(toolbox), cancel.clone());
    serve_state(listener, state, cancel).await
}

/// Serves `state` on `listener` until `cancel` is cancelled; what runs then is stopped.
async fn serve_state(
    listener: TcpListener,
    state: SpeechState,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    let watcher = tokio::spawn(watch_model(state.clone()));
    let outcome = axum::serve(listener, router(state))
        .with_graceful_shutdown(cancel.cancelled_owned())
        .await;
    watcher.abort();
    outcome
}

/// Loads the model as soon as it is there, so that no request has to wait for it.
async fn watch_model(state: SpeechState) {
    let mut tick = tokio::time::interval(MODEL_POLL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        // What is missing is told by /ready; here it would fill the log.
        let _ = state.refresh_model().await;
    }
}
