//! Forgets what ended long ago, in small steps.
//!
//! A row may go when a newer one of the same document and stage is there. The newer ones are walked through in the order of
//! their ids, which begin with the time of their making: from where the last walk ended up to those that are old enough. So
//! a walk costs by what has become old since the last one, however much is kept.

use model::{QueueItemId, Timestamp};

use super::Tx;
use super::queue_minutes::MINUTE_MS;
use crate::value::{Value, args};
use crate::{Store, StoreError};

/// Rows that one step looks at.
const PRUNE_STEP: i64 = 1000;
/// How long the counts of each minute are kept, in minutes: a day.
const MINUTES_KEPT: i64 = 24 * 60;
/// Where the last walk ended, in `meta`.
const PRUNED_TO: &str = "queue_pruned_to";

impl Store {
    /// Forgets runs that ended more than `kept_ms` milliseconds ago where a newer row of the same document and stage exists,
    /// what went wrong with them, and the counts of more than a day ago. Each step is a transaction of its own. Returns how
    /// many rows are gone.
    ///
    /// # Errors
    /// The database cannot be reached; what was forgotten until then is, and the next call goes on there.
    pub async fn prune(&self, kept_ms: i64, now: Timestamp) -> Result<u64, StoreError> {
        let before = now.plus_ms(-kept_ms);
        let mut gone = 0;
        loop {
            let mut tx = self.write().await?;
            let step = tx.prune_step(before, PRUNE_STEP).await?;
            tx.commit().await?;
            gone += step.gone;
            if step.ended {
                break;
            }
        }
        let mut tx = self.write().await?;
        tx.prune_minutes(now).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PruneStep {
    /// How many rows are gone.
    pub gone: u64,
    /// Whether there is nothing more to look at.
    pub ended: bool,
}

impl Tx {
    /// One step of a walk: looks at `rows` rows made before `before` and forgets what they have replaced and what ended
    /// before `before`.
    pub async fn prune_step(
        &mut self,
        before: Timestamp,
        rows: i64,
    ) -> Result<PruneStep, StoreError> {
        let from = self.meta(PRUNED_TO).await?.unwrap_or_default();
        let row = self
            .fetch_optional(
                "SELECT MAX(id), COUNT(*) FROM (SELECT id FROM processing_queue WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) \
                 AS step",
                args![&from, &first_id(before), rows],
            )
            .await?;
        let Some(mut row) = row else {
            return Ok(PruneStep {
                gone: 0,
                ended: true,
            });
        };
        let (to, count) = (row.opt_text()?, row.int()?);
        let ended = count < rows;
        let Some(to) = to else {
            return Ok(PruneStep { gone: 0, ended });
        };
        let gone = self.forget(&from, &to, before).await?;
        self.set_meta(PRUNED_TO, &to).await?;
        Ok(PruneStep { gone, ended })
    }

    /// Forgets what ended before `before` and was replaced by a row between those ids.
    async fn forget(&mut self, from: &str, to: &str, before: Timestamp) -> Result<u64, StoreError> {
        let rows = self
            .fetch(
                "DELETE FROM processing_queue WHERE id IN (SELECT o.id FROM processing_queue n \
                    JOIN processing_queue o ON o.document_id = n.document_id AND o.stage = n.stage AND o.id < n.id \
                    WHERE n.id > $1 AND n.id <= $2 AND o.status IN ('completed', 'failed', 'cancelled') \
                        AND o.completed_at < $3) \
                 RETURNING id, document_id",
                args![from, to, before],
            )
            .await?;
        let (mut ids, mut documents) = (Vec::new(), Vec::new());
        for mut row in rows {
            ids.push(row.text()?);
            documents.push(row.text()?);
        }
        let gone = ids.len() as u64;
        if gone > 0 {
            let sql = format!(
                "DELETE FROM queue_troubles WHERE document_id {} AND row_id {}",
                self.words.any("$1"),
                self.words.any("$2")
            );
            self.execute(sql, vec![Value::Texts(documents), Value::Texts(ids)])
                .await?;
        }
        Ok(gone)
    }

    async fn prune_minutes(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let oldest = now.0.div_euclid(MINUTE_MS) - MINUTES_KEPT;
        self.execute("DELETE FROM stage_minutes WHERE minute < $1", args![oldest])
            .await?;
        Ok(())
    }
}

/// Every id made at that time or later is not smaller: a UUIDv7 begins with 48 bits of milliseconds.
fn first_id(time: Timestamp) -> QueueItemId {
    let millis = u64::try_from(time.0).unwrap_or(0) & 0xffff_ffff_ffff;
    QueueItemId(format!("{:08x}-{:04x}", millis >> 16, millis & 0xffff))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ManualClock, SeededRandom};

    #[test]
    fn ids_of_before_and_after_lie_on_either_side() {
        let clock = ManualClock::new(Timestamp(1_700_000_000_000));
        let random = SeededRandom::new(1);
        let before = QueueItemId::new(&clock, &random);
        clock.advance_ms(1);
        let bound = first_id(Timestamp(1_700_000_000_001));
        assert!(before < bound);
        assert!(bound < QueueItemId::new(&clock, &random));
        assert_eq!(first_id(Timestamp(-5)).as_str(), "00000000-0000");
    }
}
