//! How fast stages go: what each worker ended, minute by minute.

use model::{StageName, Timestamp};

use super::Tx;
use crate::StoreError;
use crate::value::args;

/// Milliseconds of a minute.
pub(super) const MINUTE_MS: i64 = 60_000;

/// Runs of one stage that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinuteCount {
    /// The stage.
    pub stage: StageName,
    /// How many succeeded.
    pub completed: i64,
    /// How many failed.
    pub failed: i64,
    /// How long they took together, in microseconds.
    pub busy_us: i64,
}

impl MinuteCount {
    /// Nothing yet.
    pub fn new(stage: StageName) -> Self {
        Self {
            stage,
            completed: 0,
            failed: 0,
            busy_us: 0,
        }
    }
}

impl Tx {
    /// Adds to what `worker` did in this minute.
    pub async fn count_minute(
        &mut self,
        counts: &[MinuteCount],
        worker: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for count in counts {
            self.execute(
                "INSERT INTO stage_minutes (stage, minute, worker, completed, failed, busy_us) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (stage, minute, worker) DO UPDATE SET completed = stage_minutes.completed + excluded.completed, \
                    failed = stage_minutes.failed + excluded.failed, busy_us = stage_minutes.busy_us + excluded.busy_us",
                args![
                    count.stage,
                    now.0.div_euclid(MINUTE_MS),
                    worker,
                    count.completed,
                    count.failed,
                    count.busy_us
                ],
            )
            .await?;
        }
        Ok(())
    }
}
