//! What becomes of runs whose worker is gone.
//!
//! A row may be what kills the workers. From its second death on it is a suspect, and a worker runs one suspect at a time:
//! when it dies again, the suspect alone is to blame, and whatever else ran there goes back as if it had never been claimed.

use std::collections::HashSet;

use model::{QueueItem, Status, Timestamp};

use super::Tx;
use super::queue::{COLUMNS, SUSPECT, read_items};
use super::queue_ends::Failure;
use super::timeline::TroubleKind;
use crate::StoreError;
use crate::value::args;

/// Code of a row whose worker died with it.
const WORKER_LOST: &str = "worker_lost";

impl Tx {
    /// Takes back what workers no longer hold: runs whose lease is over. See [`Tx::release_worker`] for what becomes of them.
    pub async fn rescue(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.take_back("lease_until < $1 AND $2 = $2", now, "")
            .await
    }

    /// Whether there is anything to rescue.
    pub async fn has_lost_claims(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let row = self
            .fetch_optional(
                "SELECT CAST(1 AS BIGINT) FROM processing_queue WHERE status = 'processing' AND lease_until < $1 LIMIT 1",
                args![now],
            )
            .await?;
        Ok(row.is_some())
    }

    /// Takes back everything a dead worker held: where a pending twin exists the row goes; at `max_attempts` it is failed,
    /// because it may be what kills the workers; else it is pending again, at once the first time and later and later after that.
    pub async fn release_worker(
        &mut self,
        worker: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.take_back("worker = $2 AND $1 = $1", now, worker).await
    }

    async fn take_back(
        &mut self,
        condition: &str,
        now: Timestamp,
        worker: &str,
    ) -> Result<u64, StoreError> {
        let lock = self.words.skip_locked;
        let sql = format!(
            "SELECT {COLUMNS} FROM processing_queue WHERE status = 'processing' AND {condition} ORDER BY document_id, stage {lock}"
        );
        let lost = read_items(self.fetch(sql, args![now, worker]).await?)?;
        let is_suspect = |item: &&QueueItem| item.crashes >= SUSPECT;
        let blamed: HashSet<_> = lost
            .iter()
            .filter(is_suspect)
            .map(|item| &item.worker)
            .collect();
        let mut count = 0;
        for item in &lost {
            let innocent = !is_suspect(&item) && blamed.contains(&item.worker);
            let taken = if self.drop_for_twin(item).await? {
                true
            } else if innocent {
                self.hand_back(item, now).await?
            } else {
                self.blame(item, now).await?
            };
            count += u64::from(taken);
        }
        Ok(count)
    }

    /// Counts the death, and fails the row where it was the last it may cause.
    async fn blame(&mut self, item: &QueueItem, now: Timestamp) -> Result<bool, StoreError> {
        let crashes = item.crashes + 1;
        let failure = Failure {
            code: WORKER_LOST.to_owned(),
            message: format!(
                "The worker stopped {crashes} times while it was doing this (a crash, a kill or a loss of power). \
                 If the file itself is the cause it will happen again; else retry it."
            ),
        };
        let held = if item.attempts >= item.max_attempts {
            self.end_failed(item, &failure, crashes, now).await?
        } else {
            self.end_run(
                item,
                Status::Pending,
                "run_at = $3, error_code = $4, error_message = $5, crashes = $6",
                args![
                    now.plus_ms(delay_ms(crashes)),
                    WORKER_LOST,
                    "The worker stopped while it was doing this; it is done again.",
                    crashes
                ],
            )
            .await?
        };
        if held {
            self.trouble(item, TroubleKind::WorkerLost, Some(&failure), now)
                .await?;
        }
        Ok(held)
    }
}

/// After a first death at once, then 1 s, 2 s, 4 s … up to a minute, so that a poison file does not take the rest down at once again.
fn delay_ms(crashes: i64) -> i64 {
    match crashes {
        ..=1 => 0,
        n => 1000_i64.saturating_mul(1 << (n - 2).min(6)).min(60_000),
    }
}
