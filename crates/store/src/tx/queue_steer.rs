//! What people do to the queue: retry, cancel, put first, pause, resume.

use std::collections::HashMap;

use model::{DocumentId, Priority, QueueItem, QueueItemId, Status, Timestamp};

use super::Tx;
use super::queue::{COLUMNS, read_item, read_items};
use super::queue_selection::QueueSelection;
use super::timeline::TroubleKind;
use crate::value::{Row, Value, args};
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
            .fetch(
                "UPDATE processing_queue SET run_at = CASE WHEN run_at < $2 THEN run_at ELSE $2 END \
                 WHERE id = $1 AND status = 'pending' RETURNING id, document_id, stage",
                args![id, now],
            )
            .await?;
        if self.tell(due, Status::Pending)? > 0 {
            return Ok(true);
        }
        let Some(item) = self.queue_item(id).await? else {
            return Ok(false);
        };
        if !matches!(item.status, Status::Failed | Status::Cancelled) {
            return Ok(false);
        }
        let revived = self.retry_all(std::slice::from_ref(id), now).await?;
        // Where none was, the same work is pending already, or the row went while this waited for it.
        Ok(revived > 0 || self.queue_item(id).await?.is_some())
    }

    /// Makes every failed row (of one stage, or of all) pending again, in this one transaction. Returns how many.
    pub async fn retry_failed(
        &mut self,
        stage: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let selection = QueueSelection {
            stage: stage.map(str::to_owned),
            ..QueueSelection::default()
        };
        let ids = self.selected(&selection, &[Status::Failed]).await?;
        self.retry_all(&ids, now).await
    }

    /// Makes those of the rows that have failed or were cancelled pending again with all their tries. Where the same work is
    /// pending already, or a newer one of the rows does it, a row stays as history. Returns how many are pending now.
    pub async fn retry_all(
        &mut self,
        ids: &[QueueItemId],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let ended = self
            .locked(ids, "status IN ('failed', 'cancelled')")
            .await?;
        let ids = newest_of_each(&ended);
        let sql = format!(
            "UPDATE processing_queue SET status = 'pending', attempts = 0, run_at = $2, completed_at = NULL, \
                progress = NULL, waiting_for = NULL \
             WHERE id {} AND status IN ('failed', 'cancelled') AND NOT EXISTS \
                (SELECT 1 FROM processing_queue t WHERE t.document_id = processing_queue.document_id \
                    AND t.stage = processing_queue.stage AND t.status = 'pending') \
             RETURNING id, document_id, stage",
            self.words.any("$1")
        );
        let revived = self.fetch(sql, vec![Value::Texts(ids), now.into()]).await?;
        let revived = read_changed(revived)?;
        let ids = texts(revived.iter().map(|changed| &changed.id));
        self.note_rows(ids, TroubleKind::Revived, now).await?;
        Ok(self.tell_of(&revived, Status::Pending))
    }

    /// Stops a pending or running row; a running one loses its claim, and its worker stops at the next heartbeat. `false`
    /// where there is nothing to stop.
    pub async fn cancel(&mut self, id: &QueueItemId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.cancel_all(std::slice::from_ref(id), now).await? > 0)
    }

    /// Stops those of the rows that are pending or running, each as [`Tx::cancel`] does. Returns how many.
    pub async fn cancel_all(
        &mut self,
        ids: &[QueueItemId],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let open = self
            .locked(ids, "status IN ('pending', 'processing')")
            .await?;
        let ids = texts(open.iter().map(|item| &item.id));
        // Before it is forgotten who runs them.
        self.note_rows(ids.clone(), TroubleKind::Cancelled, now)
            .await?;
        let sql = format!(
            "UPDATE processing_queue SET status = 'cancelled', completed_at = $2, lease_until = NULL, lease_id = NULL, \
                worker = NULL, waiting_for = NULL, error_code = 'cancelled', error_message = 'Cancelled by a person.' \
             WHERE id {} AND status IN ('pending', 'processing') RETURNING id, document_id, stage",
            self.words.any("$1")
        );
        let stopped = self.fetch(sql, vec![Value::Texts(ids), now.into()]).await?;
        self.tell(stopped, Status::Cancelled)
    }

    /// Says when a pending row's turn is. `false` where it is not pending.
    pub async fn set_priority(
        &mut self,
        id: &QueueItemId,
        priority: Priority,
    ) -> Result<bool, StoreError> {
        let rows = self
            .fetch(
                "UPDATE processing_queue SET priority = $2 WHERE id = $1 AND status = 'pending' \
                 RETURNING id, document_id, stage",
                args![id, priority.as_i64()],
            )
            .await?;
        Ok(self.tell(rows, Status::Pending)? > 0)
    }

    /// Those of the rows for which the condition holds, in the order of their ids, held until the end of the transaction.
    async fn locked(
        &mut self,
        ids: &[QueueItemId],
        condition: &str,
    ) -> Result<Vec<QueueItem>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM processing_queue WHERE id {} AND {condition} ORDER BY id {}",
            self.words.any("$1"),
            self.words.for_update
        );
        read_items(self.fetch(sql, vec![Value::Texts(texts(ids))]).await?)
    }

    /// Tells of the rows that a change returned (id, document, stage). Returns how many.
    fn tell(&mut self, rows: Vec<Row>, status: Status) -> Result<u64, StoreError> {
        let changed = read_changed(rows)?;
        Ok(self.tell_of(&changed, status))
    }

    fn tell_of(&mut self, changed: &[Changed], status: Status) -> u64 {
        for row in changed {
            self.queue_changed(&row.id, &row.document_id, &row.stage, status);
        }
        changed.len() as u64
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

    /// The stages that are held, and since when.
    pub async fn paused_stages(&mut self) -> Result<HashMap<String, Timestamp>, StoreError> {
        let rows = self
            .fetch("SELECT stage, paused_at FROM paused_stages", args![])
            .await?;
        rows.into_iter()
            .map(|mut row| Ok((row.text()?, row.time()?)))
            .collect()
    }

    fn stage_changed(&mut self, stage: &str) {
        self.events.push(Event::Stage {
            stage: stage.to_owned(),
        });
    }
}

/// What a change returns of a row.
struct Changed {
    id: QueueItemId,
    document_id: DocumentId,
    stage: String,
}

fn read_changed(rows: Vec<Row>) -> Result<Vec<Changed>, StoreError> {
    rows.into_iter()
        .map(|mut row| {
            Ok(Changed {
                id: QueueItemId(row.text()?),
                document_id: DocumentId(row.text()?),
                stage: row.text()?,
            })
        })
        .collect()
}

fn texts<'a>(ids: impl IntoIterator<Item = &'a QueueItemId>) -> Vec<String> {
    ids.into_iter().map(|id| id.0.clone()).collect()
}

/// The newest of the rows for each document and stage; they come oldest first.
fn newest_of_each(items: &[QueueItem]) -> Vec<String> {
    let newest: HashMap<_, _> = items
        .iter()
        .map(|item| ((&item.document_id, &item.stage), &item.id))
        .collect();
    texts(newest.into_values())
}
