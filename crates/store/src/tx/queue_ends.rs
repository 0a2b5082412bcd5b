//! The queue's state machine, second half: the ways a run ends, each guarded by the claim it was made under.

use std::collections::BTreeMap;

use model::{QueueItem, Status, Timestamp, bounded_error_message};

use super::Tx;
use super::timeline::{Trouble, TroubleKind};
use crate::StoreError;
use crate::value::{Value, args};

/// Why a run did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For programs, `snake_case`.
    pub code: String,
    /// For people; shortened to [`model::ERROR_MESSAGE_MAX_CHARS`] characters, and the code where it is empty.
    pub message: String,
}

impl Failure {
    pub(super) fn bounded(&self) -> String {
        bounded_error_message(&self.message, &self.code)
    }
}

impl Tx {
    /// The run succeeded. `false` where it no longer holds its claim; then its results must not be committed.
    pub async fn complete(
        &mut self,
        item: &QueueItem,
        stage_version: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.complete_all(&[item], stage_version, now).await
    }

    /// All these runs of stages of one version succeeded. `false` where one of them no longer holds its claim: then this
    /// transaction must not be committed.
    pub async fn complete_all(
        &mut self,
        items: &[&QueueItem],
        stage_version: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE processing_queue SET status = 'completed', lease_until = NULL, lease_id = NULL, worker = NULL, \
                completed_at = $3, progress = 1, error_code = NULL, error_message = NULL, stage_version = $4 \
             WHERE id {} AND lease_id = $2",
            self.words.any("$1")
        );
        // Only a running row has a lease; to ask for the status as well would tempt the planner away from the ids.
        let mut held = true;
        for (lease_id, ids) in by_lease(items) {
            let count = ids.len() as u64;
            let values = vec![
                Value::Texts(ids),
                lease_id.into(),
                now.into(),
                stage_version.into(),
            ];
            held &= self.execute(sql.clone(), values).await? == count;
        }
        for item in items {
            self.queue_changed(&item.id, &item.document_id, &item.stage, Status::Completed);
        }
        Ok(held)
    }

    /// The run failed for good. `false` where it no longer holds its claim.
    pub async fn fail(
        &mut self,
        item: &QueueItem,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let failed = self.end_failed(item, failure, item.crashes, now).await?;
        if failed {
            self.trouble(item, TroubleKind::Failed, Some(failure), now)
                .await?;
        }
        Ok(failed)
    }

    /// Ends the run as failed, without a note of how it came to it.
    pub(super) async fn end_failed(
        &mut self,
        item: &QueueItem,
        failure: &Failure,
        crashes: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.end_run(
            item,
            Status::Failed,
            "completed_at = $3, error_code = $4, error_message = $5, crashes = $6",
            args![now, &failure.code, failure.bounded(), crashes],
        )
        .await
    }

    /// The run failed and is tried again at `run_at`. `false` where it no longer holds its claim.
    pub async fn retry_at(
        &mut self,
        item: &QueueItem,
        failure: &Failure,
        run_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let held = self
            .back_to_pending(
                item,
                "run_at = $3, error_code = $4, error_message = $5",
                args![run_at, &failure.code, failure.bounded()],
            )
            .await?;
        if held {
            self.trouble(item, TroubleKind::Retried, Some(failure), now)
                .await?;
        }
        Ok(held)
    }

    /// The run cannot go on until something is there; it is looked at again at `run_at`, or when
    /// [`Tx::wake_waiting`] is called. Uses up no attempt. `false` where it no longer holds its claim.
    pub async fn wait_for(
        &mut self,
        item: &QueueItem,
        waiting_for: &str,
        failure: &Failure,
        run_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let held = self
            .back_to_pending(
                item,
                "run_at = $3, error_code = $4, error_message = $5, waiting_for = $6, attempts = attempts - 1",
                args![run_at, &failure.code, failure.bounded(), waiting_for],
            )
            .await?;
        if held {
            self.trouble(item, TroubleKind::Waiting, Some(failure), now)
                .await?;
        }
        Ok(held)
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
    pub(super) async fn drop_for_twin(&mut self, item: &QueueItem) -> Result<bool, StoreError> {
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
    pub(super) async fn end_run(
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

    /// Notes for the document's timeline what happened to a run.
    pub(super) async fn trouble(
        &mut self,
        item: &QueueItem,
        kind: TroubleKind,
        failure: Option<&Failure>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let trouble = Trouble {
            document_id: item.document_id.clone(),
            row_id: item.id.clone(),
            stage: item.stage.clone(),
            at: now,
            kind,
            attempt: item.attempts,
            code: failure.map(|failure| failure.code.clone()),
            message: failure.map(Failure::bounded),
            worker: item.worker.clone(),
        };
        self.note_trouble(&trouble).await
    }
}

fn by_lease(items: &[&QueueItem]) -> BTreeMap<Option<String>, Vec<String>> {
    let mut leases: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for item in items {
        let ids = leases.entry(item.lease_id.clone()).or_default();
        ids.push(item.id.0.clone());
    }
    leases
}
