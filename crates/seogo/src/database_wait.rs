//! Opens the archive's database for a process that stays: where the database starts later than we do, we wait for it.

use std::time::Duration;

use anyhow::{Context, Result};
use store::{Store, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::app::App;

/// Between two tries: this long at first, doubled up to the other.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// The database, as soon as it is there; nothing where a stop came first.
///
/// # Errors
/// It was not there within `database_wait_s`; at once what no waiting mends: a wrong password, a folder that cannot be made.
pub async fn open(app: &App, stop: &CancellationToken) -> Result<Option<Store>> {
    let wait = app.settings.database_wait;
    let end = Instant::now() + wait;
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match app.open().await {
            Ok(store) => {
                if pause > FIRST_PAUSE {
                    info!("the database is there");
                }
                return Ok(Some(store));
            }
            Err(error) if !comes_later(&error) => return Err(error),
            Err(error) => error,
        };
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(error).with_context(|| {
                format!(
                    "the database was not there within {} s (setting database_wait_s); start it and then Seogo again",
                    wait.as_secs()
                )
            });
        }
        warn!(
            "waiting for the database, {} s at most: {error:#}",
            left.as_secs()
        );
        tokio::select! {
            () = sleep(pause.min(left)) => pause = (pause * 2).min(LAST_PAUSE),
            () = stop.cancelled() => return Ok(None),
        }
    }
}

fn comes_later(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<StoreError>()
        .is_some_and(|error| error.is_unavailable() || error.is_busy())
}
