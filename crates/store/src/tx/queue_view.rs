//! What people see of the queue.

use std::collections::HashMap;

use model::{DocumentId, QueueItem, QueueItemId, StageName, Status, Timestamp};
use serde::Serialize;

use super::queue::{COLUMNS, read_items};
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
        let kind = if filter.waiting {
            "status = 'pending' AND waiting_for IS NOT NULL"
        } else {
            "1 = 1"
        };
        let mut conditions = vec![kind.to_owned()];
        let mut values: Vec<Value> = Vec::new();
        let mut restrict = |sql: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(sql.replace('?', &format!("${}", values.len())));
            }
        };
        restrict("status = ?", filter.status.map(|s| s.as_str().into()));
        restrict("stage = ?", filter.stage.as_ref().map(Value::from));
        restrict(
            "document_id = ?",
            filter.document_id.as_ref().map(Value::from),
        );
        restrict("id < ?", filter.after.as_ref().map(Value::from));
        values.push(Value::from(filter.limit));
        let sql = format!(
            "SELECT {COLUMNS} FROM processing_queue WHERE {} ORDER BY id DESC LIMIT ${}",
            conditions.join(" AND "),
            values.len()
        );
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

    /// Counts per stage.
    pub async fn stage_counts(&mut self) -> Result<HashMap<String, StageCounts>, StoreError> {
        let rows = self
            .fetch(
                "SELECT stage, status, CAST(CASE WHEN waiting_for IS NULL THEN 0 ELSE 1 END AS BIGINT), COUNT(*) FROM processing_queue \
                 GROUP BY stage, status, CAST(CASE WHEN waiting_for IS NULL THEN 0 ELSE 1 END AS BIGINT)",
                args![],
            )
            .await?;
        let mut counts: HashMap<String, StageCounts> = HashMap::new();
        for mut row in rows {
            let entry = counts.entry(row.text()?).or_default();
            let status: Status = row.parsed()?;
            let waiting = row.flag()?;
            let count = row.int()?;
            let field = match status {
                Status::Pending if waiting => &mut entry.waiting,
                Status::Pending => &mut entry.pending,
                Status::Processing => &mut entry.processing,
                Status::Completed => &mut entry.completed,
                Status::Failed => &mut entry.failed,
                Status::Cancelled => &mut entry.cancelled,
            };
            *field += count;
        }
        Ok(counts)
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

    /// How many runs ended well since `since`, for the rate and the ETA.
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
