//! What people do to the queue: retry, cancel, pause, resume.

use model::{QueueItem, QueueItemId, Status, Timestamp};

use super::Tx;
use super::queue::{COLUMNS, read_item, read_items};
use crate::value::{Value, args};
use crate::{Event, StoreError};

impl Tx {
    /// The row of that id.
    pub async fn queue_item(&mut self, id: &QueueItemId) -> Result<Option<QueueItem>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM processing_queue WHERE id = $1");
        let row = self.fetch_optional(sql, args![id]).await?;
        row.map(read_item).transpose()
    }

    /// Makes a failed or cancelled row pending again with all its tries, or a pending one due now. `false` where the row is
    /// running, done or gone. Where the same work is pending already, the old row stays as history.
    pub async fn retry(&mut self, id: &QueueItemId, now: Timestamp) -> Result<bool, StoreError> {
        let due = self
            .execute(
                "UPDATE processing_queue SET run_at = $2 WHERE id = $1 AND status = 'pending'",
                args![id, now],
            )
            .await?;
        if due > 0 {
            return Ok(true);
        }
        let Some(item) = self.queue_item(id).await? else {
            return Ok(false);
        };
        if !matches!(item.status, Status::Failed | Status::Cancelled) {
            return Ok(false);
        }
        self.revive(&item, now).await?;
        Ok(true)
    }

    /// Makes every failed row (of one stage, or of all) pending again. Returns how many.
    pub async fn retry_failed(
        &mut self,
        stage: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut values: Vec<Value> = Vec::new();
        let condition = stage.map_or(String::new(), |stage| {
            values.push(Value::from(stage));
            " AND stage = $1".to_owned()
        });
        let sql =
            format!("SELECT {COLUMNS} FROM processing_queue WHERE status = 'failed'{condition}");
        let failed = read_items(self.fetch(sql, values).await?)?;
        let mut count = 0;
        for item in &failed {
            if self.revive(item, now).await? {
                count += 1;
            }
        }
        Ok(count)
    }

    async fn revive(&mut self, item: &QueueItem, now: Timestamp) -> Result<bool, StoreError> {
        let revived = self
            .execute(
                "UPDATE processing_queue SET status = 'pending', attempts = 0, run_at = $2, completed_at = NULL, \
                    progress = NULL, waiting_for = NULL \
                 WHERE id = $1 AND status IN ('failed', 'cancelled') AND NOT EXISTS \
                 (SELECT 1 FROM processing_queue t WHERE t.document_id = $3 AND t.stage = $4 AND t.status = 'pending')",
                args![&item.id, now, &item.document_id, &item.stage],
            )
            .await?;
        if revived > 0 {
            self.queue_changed(&item.id, &item.document_id, &item.stage, Status::Pending);
        }
        Ok(revived > 0)
    }

    /// Stops a pending or running row; a running one loses its claim, and its worker stops at the next heartbeat. `false`
    /// where there is nothing to stop.
    pub async fn cancel(&mut self, id: &QueueItemId, now: Timestamp) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE processing_queue SET status = 'cancelled', completed_at = $2, lease_until = NULL, lease_id = NULL, \
                worker = NULL, waiting_for = NULL, error_code = 'cancelled', error_message = 'Cancelled by a person.' \
             WHERE id = $1 AND status IN ('pending', 'processing') RETURNING {COLUMNS}"
        );
        let Some(row) = self.fetch_optional(sql, args![id, now]).await? else {
            return Ok(false);
        };
        let item = read_item(row)?;
        self.queue_changed(&item.id, &item.document_id, &item.stage, Status::Cancelled);
        Ok(true)
    }

    /// Holds a stage: nothing of it is claimed until it is resumed, whatever restarts in between.
    pub async fn pause_stage(&mut self, stage: &str, now: Timestamp) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO paused_stages (stage, paused_at) VALUES ($1, $2) ON CONFLICT (stage) DO NOTHING",
            args![stage, now],
        )
        .await?;
        self.stage_changed(stage);
        Ok(())
    }

    /// Lets a stage go on.
    pub async fn resume_stage(&mut self, stage: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM paused_stages WHERE stage = $1", args![stage])
            .await?;
        self.stage_changed(stage);
        Ok(())
    }

    /// The stages that are held.
    pub async fn paused_stages(&mut self) -> Result<Vec<String>, StoreError> {
        let rows = self
            .fetch("SELECT stage FROM paused_stages ORDER BY stage", args![])
            .await?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    fn stage_changed(&mut self, stage: &str) {
        self.events.push(Event::Stage {
            stage: stage.to_owned(),
        });
    }
}
