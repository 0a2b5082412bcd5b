//! Runs the service on a socket until it is told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long answers under way may take after the stop; a film that somebody watches would take hours.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `cancel`, then finishes what is under way, for a few seconds at most.
///
/// # Errors
/// The socket does not take connections.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving =
        axum::serve(listener, service).with_graceful_shutdown(cancel.clone().cancelled_owned());
    tokio::select! {
        ended = async { serving.await } => ended,
        () = async { cancel.cancelled().await; tokio::time::sleep(GRACE).await } => {
            tracing::info!("answers still under way are cut off");
            Ok(())
        }
    }
}
