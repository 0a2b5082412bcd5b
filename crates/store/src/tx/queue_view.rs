//! What people see of the queue.

use std::collections::HashMap;

use model::{DocumentId, QueueItem, QueueItemId, StageName, Status, Timestamp};
use serde::Serialize;

use super::queue::{COLUMNS, read_items};
use super::queue_selection::Conditions;
use super::{Tx, placeholders};
use crate::StoreError;
use crate::value::{Value, args};

/// Which rows to list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueFilter {
    /// Only these rows' status.
    pub status: Option<Status>,
    /// Only those that wait for something absent.
    pub waiting: bool,
    /// Only this stage.
    pub stage: Option<String>,
    /// Only this document.
    pub document_id: Option<DocumentId>,
    /// Older than this row.
    pub after: Option<QueueItemId>,
    /// How many at most.
    pub limit: i64,
}

/// How many rows of a stage stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StageCounts {
    /// Pending and not waiting for anything but their turn.
    pub pending: i64,
    /// Pending and waiting for something absent.
    pub waiting: i64,
    /// Running.
    pub processing: i64,
    /// Done.
    pub completed: i64,
    /// Given up.
    pub failed: i64,
    /// Stopped by a person.
    pub cancelled: i64,
    /// When the first of `pending` was due, or will be.
    pub oldest_due_at: Option<Timestamp>,
}

/// Rows of a stage that wait for the same absent thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Their stage.
    #[serde(skip)]
    pub stage: String,
    /// What is absent.
    pub waiting_for: String,
    /// For people: what to do.
    pub message: Option<String>,
    /// How many rows.
    pub count: i64,
    /// When the first of them looks again.
    pub next_look_at: Timestamp,
}

/// How far a document is on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipelineState {
    /// Rows pending or running, those in `waiting` included.
    pub open: i64,
    /// Rows that wait for something absent and hold other stages up.
    pub waiting: i64,
    /// Rows given up.
    pub failed: i64,
    /// Rows of any status.
    pub total: i64,
}

impl Tx {
    /// Rows, newest first.
    pub async fn queue_items(
        &mut self,
        filter: &QueueFilter,
    ) -> Result<Vec<QueueItem>, StoreError> {
        let mut such = Conditions::default();
        if filter.waiting {
            such.fixed("status = 'pending' AND waiting_for IS NOT NULL");
        }
        // Written out: as an argument it would hide the partial indexes.
        if let Some(status) = filter.status {
            such.fixed(format!("status = '{status}'"));
        }
        such.restrict("stage = ?", filter.stage.as_ref());
        such.restrict("document_id = ?", filter.document_id.as_ref());
        such.restrict("id < ?", filter.after.as_ref());
        let limit = such.argument(filter.limit);
        // Open rows are few and have an index of their own; in the order of the ids one would walk through all history.
        let open =
            filter.waiting || matches!(filter.status, Some(Status::Pending | Status::Processing));
        let order = if open { "id || ''" } else { "id" };
        let sql = format!(
            "SELECT {COLUMNS} FROM processing_queue WHERE {} ORDER BY {order} DESC LIMIT {limit}",
            such.sql(),
        );
        let values = such.values;
        read_items(self.fetch(sql, values).await?)
    }

    /// The newest row of each stage of a document.
    pub async fn document_stages(&mut self, id: &DocumentId) -> Result<Vec<QueueItem>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM processing_queue q WHERE document_id = $1 AND NOT EXISTS \
             (SELECT 1 FROM processing_queue n WHERE n.document_id = q.document_id AND n.stage = q.stage AND n.id > q.id)"
        );
        read_items(self.fetch(sql, args![id]).await?)
    }

    /// How far each of the documents is, judged by the newest row of each of its stages. A row of one of the `leaves` (the
    /// stages that no other follows) that waits for something absent holds nothing up: it is neither open nor waiting.
    pub async fn pipeline_states(
        &mut self,
        ids: &[DocumentId],
        leaves: &[StageName],
    ) -> Result<HashMap<DocumentId, PipelineState>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let leaf = if leaves.is_empty() {
            "1 = 0".to_owned()
        } else {
            format!("stage IN ({})", placeholders(ids.len() + 1, leaves.len()))
        };
        let sql = format!(
            "SELECT document_id, \
                CAST(SUM(CASE WHEN standing IN ('open', 'waiting') THEN 1 ELSE 0 END) AS BIGINT), \
                CAST(SUM(CASE WHEN standing = 'waiting' THEN 1 ELSE 0 END) AS BIGINT), \
                CAST(SUM(CASE WHEN standing = 'failed' THEN 1 ELSE 0 END) AS BIGINT), \
                COUNT(*) \
             FROM (SELECT document_id, CASE \
                    WHEN status = 'failed' THEN 'failed' \
                    WHEN status = 'processing' OR status = 'pending' AND waiting_for IS NULL THEN 'open' \
                    WHEN status = 'pending' AND NOT ({leaf}) THEN 'waiting' \
                    ELSE 'ended' END AS standing \
                FROM processing_queue q WHERE document_id IN ({}) AND NOT EXISTS \
                (SELECT 1 FROM processing_queue n WHERE n.document_id = q.document_id AND n.stage = q.stage AND n.id > q.id) \
             ) AS newest GROUP BY document_id",
            placeholders(1, ids.len())
        );
        let values = ids.iter().map(Value::from);
        let values = values.chain(leaves.iter().map(|leaf| Value::from(*leaf)));
        let rows = self.fetch(sql, values.collect()).await?;
        rows.into_iter()
            .map(|mut row| {
                let id = DocumentId(row.text()?);
                let state = PipelineState {
                    open: row.int()?,
                    waiting: row.int()?,
                    failed: row.int()?,
                    total: row.int()?,
                };
                Ok((id, state))
            })
            .collect()
    }

    /// Counts per stage. Counts what has been completed one by one, and so walks through all history.
    pub async fn stage_counts(&mut self) -> Result<HashMap<String, StageCounts>, StoreError> {
        let mut counts = self.live_counts().await?;
        for (stage, completed) in self.completed_counts().await? {
            counts.entry(stage).or_default().completed = completed;
        }
        Ok(counts)
    }

    /// Counts per stage without the completed ones (those are 0): costs by what is open or did not end well, not by history.
    pub async fn live_counts(&mut self) -> Result<HashMap<String, StageCounts>, StoreError> {
        let mut counts: HashMap<String, StageCounts> = HashMap::new();
        let pending = "SELECT stage, COUNT(*), CAST(SUM(CASE WHEN waiting_for IS NULL THEN 0 ELSE 1 END) AS BIGINT), \
                CAST(MIN(CASE WHEN waiting_for IS NULL THEN run_at END) AS BIGINT) \
             FROM processing_queue WHERE status = 'pending' GROUP BY stage";
        for mut row in self.fetch(pending, args![]).await? {
            let entry = counts.entry(row.text()?).or_default();
            let all = row.int()?;
            entry.waiting = row.int()?;
            entry.pending = all - entry.waiting;
            entry.oldest_due_at = row.opt_time()?;
        }
        for status in [Status::Processing, Status::Failed, Status::Cancelled] {
            for (stage, count) in self.counts_of(status).await? {
                let entry = counts.entry(stage).or_default();
                match status {
                    Status::Processing => entry.processing = count,
                    Status::Failed => entry.failed = count,
                    _ => entry.cancelled = count,
                }
            }
        }
        Ok(counts)
    }

    /// How many runs of each stage are completed. Walks through all history.
    pub async fn completed_counts(&mut self) -> Result<HashMap<String, i64>, StoreError> {
        self.counts_of(Status::Completed).await
    }

    async fn counts_of(&mut self, status: Status) -> Result<HashMap<String, i64>, StoreError> {
        let sql = format!(
            "SELECT stage, COUNT(*) FROM processing_queue WHERE status = '{status}' GROUP BY stage"
        );
        let rows = self.fetch(sql, args![]).await?;
        rows.into_iter()
            .map(|mut row| Ok((row.text()?, row.int()?)))
            .collect()
    }

    /// What rows wait for, by stage, most of them first.
    pub async fn waiting(&mut self) -> Result<Vec<Waiting>, StoreError> {
        let rows = self
            .fetch(
                "SELECT stage, waiting_for, MAX(error_message), COUNT(*), CAST(MIN(run_at) AS BIGINT) FROM processing_queue \
                 WHERE status = 'pending' AND waiting_for IS NOT NULL GROUP BY stage, waiting_for \
                 ORDER BY stage, COUNT(*) DESC, waiting_for",
                args![],
            )
            .await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(Waiting {
                    stage: row.text()?,
                    waiting_for: row.text()?,
                    message: row.opt_text()?,
                    count: row.int()?,
                    next_look_at: row.time()?,
                })
            })
            .collect()
    }

    /// Since when the oldest row that only waits for its turn has been due.
    pub async fn oldest_pending(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let row = self
            .fetch_optional(
                "SELECT CAST(MIN(created_at) AS BIGINT) FROM processing_queue WHERE status = 'pending' AND waiting_for IS NULL",
                args![],
            )
            .await?;
        row.map_or(Ok(None), |mut row| row.opt_time())
    }

    /// How many runs that are still kept ended well since `since`. Walks through all history.
    pub async fn completed_since(&mut self, since: Timestamp) -> Result<i64, StoreError> {
        let row = self
            .fetch_optional(
                "SELECT COUNT(*) FROM processing_queue WHERE status = 'completed' AND completed_at >= $1",
                args![since],
            )
            .await?;
        row.map_or(Ok(0), |mut row| row.int())
    }
}
