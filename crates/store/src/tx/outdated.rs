//! Documents that have passed a stage, but in a version that is no longer the present one.

use std::collections::HashMap;

use model::{DocumentId, Priority, QueueItemId, StageName};

use super::Tx;
use super::queue_selection::Conditions;
use crate::StoreError;
use crate::value::args;

/// No stage is of a lower version, so that nothing can be outdated by it.
const FIRST_VERSION: i64 = 1;

/// The row of `meta` that is locked by whoever tops the backfill up.
const BACKFILL_LOCK: &str = "backfill_lock";

/// A step of a walk through the rows in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutdatedStep {
    /// Documents to be done again.
    pub documents: Vec<DocumentId>,
    /// Where the next step begins; `None` at the end.
    pub next: Option<QueueItemId>,
}

impl Tx {
    /// For each of the stages (with its present version) how many documents have last been completed in an older one.
    /// Walks through all history of those stages whose version was ever raised.
    pub async fn outdated_counts(
        &mut self,
        stages: &[(StageName, i64)],
    ) -> Result<HashMap<String, i64>, StoreError> {
        let mut counts = HashMap::new();
        for (stage, version) in stages {
            if *version <= FIRST_VERSION {
                continue;
            }
            let row = self
                .fetch_optional(
                    "SELECT COUNT(*) FROM processing_queue q \
                     WHERE q.stage = $1 AND q.status = 'completed' AND q.stage_version < $2 AND NOT EXISTS \
                        (SELECT 1 FROM processing_queue n WHERE n.document_id = q.document_id AND n.stage = $1 \
                            AND n.status = 'completed' AND (n.id > q.id OR n.stage_version >= $2))",
                    args![*stage, *version],
                )
                .await?;
            let count = row.map_or(Ok(0), |mut row| row.int())?;
            counts.insert((*stage).to_owned(), count);
        }
        Ok(counts)
    }

    /// Looks at up to `rows` rows after `after` for documents that were last completed in an older version than that, and
    /// have not been asked for since: what failed or was cancelled in the present version is not asked for again by itself.
    /// Stops at `limit` documents.
    pub async fn outdated_step(
        &mut self,
        stage: &str,
        version: i64,
        after: Option<&QueueItemId>,
        rows: i64,
        limit: i64,
    ) -> Result<OutdatedStep, StoreError> {
        let Some(end) = self.step_end(after, rows).await? else {
            return Ok(OutdatedStep {
                documents: Vec::new(),
                next: None,
            });
        };
        let mut such = Conditions::default();
        such.restrict("q.id > ?", after);
        such.restrict("q.id <= ?", Some(&end));
        such.restrict("q.stage = ?", Some(stage));
        let newest = such.argument(version);
        such.fixed(format!(
            "q.status = 'completed' AND q.stage_version < {newest} AND NOT EXISTS \
             (SELECT 1 FROM processing_queue n WHERE n.document_id = q.document_id AND n.stage = q.stage \
                AND (n.status = 'completed' AND n.id > q.id OR n.stage_version >= {newest}))"
        ));
        let limited = such.argument(limit);
        let sql = format!(
            "SELECT q.id, q.document_id FROM processing_queue q WHERE {} ORDER BY q.id LIMIT {limited}",
            such.sql()
        );
        let mut found = Vec::new();
        for mut row in self.fetch(sql, such.values).await? {
            found.push((QueueItemId(row.text()?), DocumentId(row.text()?)));
        }
        // Where there may be more, go on behind the last one.
        let full = i64::try_from(found.len()).is_ok_and(|count| count >= limit);
        let last = found.last().map(|(id, _)| id.clone()).filter(|_| full);
        Ok(OutdatedStep {
            documents: found.into_iter().map(|(_, document)| document).collect(),
            next: Some(last.unwrap_or(end)),
        })
    }

    /// The last of the `rows` rows after `after`.
    async fn step_end(
        &mut self,
        after: Option<&QueueItemId>,
        rows: i64,
    ) -> Result<Option<QueueItemId>, StoreError> {
        let mut such = Conditions::default();
        such.restrict("id > ?", after);
        let limit = such.argument(rows);
        let sql = format!(
            "SELECT MAX(id) FROM (SELECT id FROM processing_queue WHERE {} ORDER BY id LIMIT {limit}) AS step",
            such.sql()
        );
        let row = self.fetch_optional(sql, such.values).await?;
        let id = row.map_or(Ok(None), |mut row| row.opt_text())?;
        Ok(id.map(QueueItemId))
    }

    /// How many rows of the stage are pending that only a backfill asked for; counts no further than `most`.
    pub async fn pending_backfill(&mut self, stage: &str, most: i64) -> Result<i64, StoreError> {
        let row = self
            .fetch_optional(
                "SELECT COUNT(*) FROM (SELECT 1 FROM processing_queue \
                 WHERE status = 'pending' AND stage = $1 AND priority = $2 LIMIT $3) AS few",
                args![stage, Priority::Backfill.as_i64(), most],
            )
            .await?;
        row.map_or(Ok(0), |mut row| row.int())
    }

    /// Until the end of this transaction no other process adds to the backfill.
    pub async fn lock_backfill(&mut self) -> Result<(), StoreError> {
        self.set_meta(BACKFILL_LOCK, "").await
    }
}
