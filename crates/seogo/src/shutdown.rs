//! Ending in good order.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// A token that is cancelled at the first SIGTERM or SIGINT. A second signal ends the process at once.
///
/// # Errors
/// The signals cannot be listened to.
pub fn on_signal() -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        wait(&mut terminate, &mut interrupt).await;
        info!("stopping; once more stops at once");
        cancelled.cancel();
        wait(&mut terminate, &mut interrupt).await;
        std::process::exit(EXIT_INTERRUPTED);
    });
    Ok(token)
}

/// What shells report for a process ended by Ctrl-C.
const EXIT_INTERRUPTED: i32 = 130;

async fn wait(
    terminate: &mut tokio::signal::unix::Signal,
    interrupt: &mut tokio::signal::unix::Signal,
) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
