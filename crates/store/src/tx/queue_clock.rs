//! What was written by a clock that has been set back since.

use model::{DocumentId, QueueItemId, Status, Timestamp};

use super::Tx;
use crate::StoreError;
use crate::value::args;

/// Further ahead than this the queue never puts anything: its longest pause is ten minutes.
const LONGEST_PAUSE_MS: i64 = 15 * 60_000;
/// How long a claim holds whose end was written by the other clock. Who lives prolongs it at once.
const LEASE_MS: i64 = 15_000;

impl Tx {
    /// Brings times back that only a clock that was ahead can have set: such rows are due now, and such claims are over soon.
    /// Returns how many there were.
    pub async fn mend_times(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let ahead = now.plus_ms(LONGEST_PAUSE_MS);
        let due = self
            .fetch(
                "UPDATE processing_queue SET run_at = $1 WHERE status = 'pending' AND run_at > $2 \
                 RETURNING id, document_id, stage",
                args![now, ahead],
            )
            .await?;
        let claims = self
            .execute(
                "UPDATE processing_queue SET lease_until = $1 WHERE status = 'processing' AND lease_until > $2",
                args![now.plus_ms(LEASE_MS), ahead],
            )
            .await?;
        let count = due.len() as u64 + claims;
        for mut row in due {
            let (id, document_id) = (QueueItemId(row.text()?), DocumentId(row.text()?));
            self.queue_changed(&id, &document_id, &row.text()?, Status::Pending);
        }
        Ok(count)
    }
}
