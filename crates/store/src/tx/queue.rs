//! The queue's state machine: enqueue, claim, heartbeat, and the ways a run ends.
//!
//! Every transition is one statement, guarded by the state it starts from; a run's end is guarded by its lease as well.

use model::{
    DocumentId, Priority, QueueItem, QueueItemId, Status, Timestamp, bounded_error_message,
};

use super::Tx;
use crate::value::{Row, Value, args};
use crate::{Event, StoreError};

/// Code of a row whose worker died with it too often.
pub(crate) const WORKER_LOST: &str = "worker_lost";

pub(super) const COLUMNS: &str = "id, document_id, stage, status, priority, attempts, max_attempts, run_at, created_at, \
    started_at, completed_at, lease_until, lease_id, worker, progress, waiting_for, error_code, error_message, stage_version";

/// Work to be done on a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Enqueue {
    /// Id of the row, if one is added.
    pub id: QueueItemId,
    /// Its document.
    pub document_id: DocumentId,
    /// Its stage.
    pub stage: String,
    /// Higher goes first.
    pub priority: Priority,
    /// Not before.
    pub run_at: Timestamp,
    /// How often it is tried.
    pub max_attempts: i64,
    /// Version of the stage.
    pub stage_version: i64,
}

/// A wish for work.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim<'a> {
    /// Of which stage.
    pub stage: &'a str,
    /// Who asks.
    pub worker: &'a str,
    /// Names this claim; never used twice.
    pub lease_id: &'a str,
    /// How long the claim holds without a heartbeat.
    pub lease_until: Timestamp,
    /// How many rows at most.
    pub limit: i64,
}

/// A sign of life of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// The row.
    pub id: QueueItemId,
    /// The claim.
    pub lease_id: String,
    /// How far it is, 0 to 1.
    pub progress: Option<f64>,
}

/// Why a run did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For programs, `snake_case`.
    pub code: String,
    /// For people; shortened to [`model::ERROR_MESSAGE_MAX_CHARS`] characters, and the code where it is empty.
    pub message: String,
}

impl Failure {
    fn bounded(&self) -> String {
        bounded_error_message(&self.message, &self.code)
    }
}

pub(super) fn read_item(mut row: Row) -> Result<QueueItem, StoreError> {
    Ok(QueueItem {
        id: QueueItemId(row.text()?),
        document_id: DocumentId(row.text()?),
        stage: row.text()?,
        status: row.parsed()?,
        priority: Priority::from(row.int()?),
        attempts: row.int()?,
        max_attempts: row.int()?,
        run_at: row.time()?,
        created_at: row.time()?,
        started_at: row.opt_time()?,
        completed_at: row.opt_time()?,
        lease_until: row.opt_time()?,
        lease_id: row.opt_text()?,
        worker: row.opt_text()?,
        progress: row.opt_real()?,
        waiting_for: row.opt_text()?,
        error_code: row.opt_text()?,
        error_message: row.opt_text()?,
        stage_version: row.int()?,
    })
}

pub(super) fn read_items(rows: Vec<Row>) -> Result<Vec<QueueItem>, StoreError> {
    rows.into_iter().map(read_item).collect()
}

impl Tx {
    /// Asks for a run. While one is pending this changes nothing but raises its priority; while one is running it asks for
    /// one more afterwards. Returns whether a row was added.
    pub async fn enqueue(&mut self, work: &Enqueue, now: Timestamp) -> Result<bool, StoreError> {
        // The row that stays tells by its id whether it is the new one.
        let sql = "INSERT INTO processing_queue (id, document_id, stage, status, priority, attempts, max_attempts, run_at, \
                created_at, stage_version) \
             VALUES ($1, $2, $3, 'pending', $4, 0, $5, $6, $7, $8) \
             ON CONFLICT (document_id, stage) WHERE status = 'pending' DO UPDATE SET \
                priority = CASE WHEN excluded.priority > processing_queue.priority THEN excluded.priority \
                    ELSE processing_queue.priority END \
             RETURNING id";
        let row = self
            .fetch_optional(
                sql,
                args![
                    &work.id,
                    &work.document_id,
                    &work.stage,
                    work.priority.as_i64(),
                    work.max_attempts,
                    work.run_at,
                    now,
                    work.stage_version,
                ],
            )
            .await?;
        let added = row.map(|mut row| row.text()).transpose()?.as_deref() == Some(work.id.as_str());
        if added {
            self.queue_changed(&work.id, &work.document_id, &work.stage, Status::Pending);
        }
        Ok(added)
    }

    /// Takes up to `limit` due rows of a stage that is not paused: highest priority first, oldest first within one. Rows
    /// whose document has a run of this stage going on are left for later. Counts the attempt.
    pub async fn claim(
        &mut self,
        claim: &Claim<'_>,
        now: Timestamp,
    ) -> Result<Vec<QueueItem>, StoreError> {
        let returned = COLUMNS
            .split(", ")
            .map(|column| format!("processing_queue.{}", column.trim()))
            .collect::<Vec<_>>()
            .join(", ");
        let sql = format!(
            "WITH picked AS MATERIALIZED ( \
                SELECT q.id FROM processing_queue q \
                WHERE q.status = 'pending' AND q.stage = $1 AND q.run_at <= $2 \
                  AND NOT EXISTS (SELECT 1 FROM processing_queue r \
                      WHERE r.document_id = q.document_id AND r.stage = q.stage AND r.status = 'processing') \
                  AND NOT EXISTS (SELECT 1 FROM paused_stages p WHERE p.stage = $1) \
                ORDER BY q.priority DESC, q.run_at, q.id LIMIT $3 {} \
             ) \
             UPDATE processing_queue SET status = 'processing', attempts = attempts + 1, started_at = $2, \
                lease_until = $4, lease_id = $5, worker = $6, progress = NULL, waiting_for = NULL \
             FROM picked WHERE processing_queue.id = picked.id RETURNING {returned}",
            self.words.skip_locked
        );
        let rows = self
            .fetch(
                sql,
                args![
                    claim.stage,
                    now,
                    claim.limit,
                    claim.lease_until,
                    claim.lease_id,
                    claim.worker
                ],
            )
            .await?;
        let mut items = read_items(rows)?;
        items.sort_by(|a, b| (b.priority, a.run_at, &a.id).cmp(&(a.priority, b.run_at, &b.id)));
        for item in &items {
            self.queue_changed(&item.id, &item.document_id, &item.stage, Status::Processing);
        }
        Ok(items)
    }

    /// Prolongs the claims and notes how far the runs are. Returns the ids of those that still hold; a run that is not
    /// among them has lost its claim and must stop.
    pub async fn heartbeat(
        &mut self,
        beats: &[Heartbeat],
        lease_until: Timestamp,
    ) -> Result<Vec<QueueItemId>, StoreError> {
        let mut held = Vec::with_capacity(beats.len());
        for beat in beats {
            let kept = self
                .execute(
                    "UPDATE processing_queue SET lease_until = $3, progress = COALESCE($4, progress) \
                     WHERE id = $1 AND lease_id = $2 AND status = 'processing'",
                    args![&beat.id, &beat.lease_id, lease_until, beat.progress],
                )
                .await?;
            if kept > 0 {
                held.push(beat.id.clone());
            }
        }
        Ok(held)
    }

    /// The run succeeded. `false` where it no longer holds its claim; then its results must not be committed.
    pub async fn complete(
        &mut self,
        item: &QueueItem,
        stage_version: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.end_run(
            item,
            Status::Completed,
            "completed_at = $3, progress = 1, error_code = NULL, error_message = NULL, stage_version = $4",
            args![now, stage_version],
        )
        .await
    }

    /// The run failed for good. `false` where it no longer holds its claim.
    pub async fn fail(
        &mut self,
        item: &QueueItem,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.end_run(
            item,
            Status::Failed,
            "completed_at = $3, error_code = $4, error_message = $5",
            args![now, &failure.code, failure.bounded()],
        )
        .await
    }

    /// The run failed and is tried again at `run_at`. `false` where it no longer holds its claim.
    pub async fn retry_at(
        &mut self,
        item: &QueueItem,
        failure: &Failure,
        run_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.back_to_pending(
            item,
            "run_at = $3, error_code = $4, error_message = $5",
            args![run_at, &failure.code, failure.bounded()],
        )
        .await
    }

    /// The run cannot go on until something is there; it is looked at again at `run_at`, or when
    /// [`Tx::wake_waiting`] is called. Uses up no attempt. `false` where it no longer holds its claim.
    pub async fn wait_for(
        &mut self,
        item: &QueueItem,
        waiting_for: &str,
        failure: &Failure,
        run_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.back_to_pending(
            item,
            "run_at = $3, error_code = $4, error_message = $5, waiting_for = $6, attempts = attempts - 1",
            args![run_at, &failure.code, failure.bounded(), waiting_for],
        )
        .await
    }

    /// The worker stops and hands the run back untried. `false` where it no longer holds its claim.
    pub async fn hand_back(
        &mut self,
        item: &QueueItem,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.back_to_pending(item, "run_at = $3, attempts = attempts - 1", args![now])
            .await
    }

    async fn back_to_pending(
        &mut self,
        item: &QueueItem,
        set: &str,
        values: Vec<Value>,
    ) -> Result<bool, StoreError> {
        if self.drop_for_twin(item).await? {
            return Ok(true);
        }
        self.end_run(item, Status::Pending, set, values).await
    }

    /// Where a newer request for the same work is pending, that one does it, and this row goes.
    async fn drop_for_twin(&mut self, item: &QueueItem) -> Result<bool, StoreError> {
        let gone = self
            .execute(
                "DELETE FROM processing_queue WHERE id = $1 AND lease_id = $2 AND status = 'processing' AND EXISTS \
                 (SELECT 1 FROM processing_queue t WHERE t.document_id = $3 AND t.stage = $4 AND t.status = 'pending')",
                args![&item.id, item.lease_id.clone(), &item.document_id, &item.stage],
            )
            .await?;
        Ok(gone > 0)
    }

    /// Ends the run that holds the claim; `set` names its arguments from `$3` on.
    async fn end_run(
        &mut self,
        item: &QueueItem,
        status: Status,
        set: &str,
        values: Vec<Value>,
    ) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE processing_queue SET status = '{status}', lease_until = NULL, lease_id = NULL, worker = NULL, {set} \
             WHERE id = $1 AND lease_id = $2 AND status = 'processing'"
        );
        let mut all = args![&item.id, item.lease_id.clone()];
        all.extend(values);
        let ended = self.execute(sql, all).await? > 0;
        if ended {
            self.queue_changed(&item.id, &item.document_id, &item.stage, status);
        }
        Ok(ended)
    }

    /// Takes back what workers no longer hold: runs whose lease is over. See [`Tx::release_worker`] for what becomes of them.
    pub async fn rescue(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.take_back("lease_until < $1 AND $2 = $2", now, "")
            .await
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
            "SELECT {COLUMNS} FROM processing_queue WHERE status = 'processing' AND {condition} {lock}"
        );
        let lost = read_items(self.fetch(sql, args![now, worker]).await?)?;
        let mut count = 0;
        for item in &lost {
            if self.take_back_one(item, now).await? {
                count += 1;
            }
        }
        Ok(count)
    }

    async fn take_back_one(
        &mut self,
        item: &QueueItem,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let failure = Failure {
            code: WORKER_LOST.to_owned(),
            message: format!(
                "The worker stopped {} times while it was doing this (a crash, a kill or a loss of power). \
                 If the file itself is the cause it will happen again; else retry it.",
                item.attempts
            ),
        };
        if self.drop_for_twin(item).await? {
            return Ok(true);
        }
        if item.attempts >= item.max_attempts {
            return self.fail(item, &failure, now).await;
        }
        let run_at = now.plus_ms(rescue_delay_ms(item.attempts));
        self.end_run(
            item,
            Status::Pending,
            "run_at = $3, error_code = $4, error_message = $5",
            args![
                run_at,
                WORKER_LOST,
                "The worker stopped while it was doing this; it is done again."
            ],
        )
        .await
    }

    /// Makes everything that waits for `waiting_for` due now.
    pub async fn wake_waiting(
        &mut self,
        waiting_for: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(
            "UPDATE processing_queue SET run_at = $2 WHERE status = 'pending' AND waiting_for = $1 AND run_at > $2",
            args![waiting_for, now],
        )
        .await
    }

    /// The stages that have rows due.
    pub async fn due_stages(&mut self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let rows = self
            .fetch(
                "SELECT DISTINCT stage FROM processing_queue WHERE status = 'pending' AND run_at <= $1",
                args![now],
            )
            .await?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    /// Forgets runs that ended before `before` where a newer row of the same document and stage exists.
    pub async fn prune_history(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(
            "DELETE FROM processing_queue WHERE status IN ('completed', 'failed', 'cancelled') AND completed_at < $1 \
             AND EXISTS (SELECT 1 FROM processing_queue n WHERE n.document_id = processing_queue.document_id \
                 AND n.stage = processing_queue.stage AND n.id > processing_queue.id)",
            args![before],
        )
        .await
    }

    pub(super) fn queue_changed(
        &mut self,
        id: &QueueItemId,
        document_id: &DocumentId,
        stage: &str,
        status: Status,
    ) {
        self.events.push(Event::Queue {
            id: id.clone(),
            document_id: document_id.clone(),
            stage: stage.to_owned(),
            status,
            progress: None,
        });
    }
}

/// After a first death at once, then 1 s, 2 s, 4 s … up to a minute, so that a poison file does not take the rest down at once again.
fn rescue_delay_ms(attempts: i64) -> i64 {
    match attempts {
        ..=1 => 0,
        n => 1000_i64.saturating_mul(1 << (n - 2).min(6)).min(60_000),
    }
}
