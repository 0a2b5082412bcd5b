//! One run: load the document, do the work, commit what came of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use model::{Clock, QueueItem, QueueItemId, Random, StageSpec, Timestamp, Write};
use store::{Enqueue, Failure, Store, StoreError, Tx};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::backoff::{retry_delay_ms, wait_delay_ms};
use crate::{Graph, Job, Outcome, Stage, StageError};

/// Pause before a commit that the database did not take is tried again; doubles up to the second.
const COMMIT_RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// What every run needs.
pub(crate) struct Worker {
    pub store: Store,
    pub graph: Graph,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// How a run ended, as far as the queue is concerned.
enum End {
    Done(Outcome),
    Failed(StageError),
    /// The worker stops; the run goes back untried.
    HandBack,
}

impl Worker {
    /// Runs the stage and sees its end committed. `stopping` tells whether a cancelled run is handed back (the worker stops)
    /// or dropped (its claim is lost).
    pub async fn work(&self, stage: &dyn Stage, job: &Job, stopping: &CancellationToken) {
        let end = self.run(stage, job, stopping).await;
        let Some(end) = end else {
            info!(item = %job.item.id, stage = job.item.stage, "the claim is gone; what the run had done is dropped");
            return;
        };
        self.settle(stage.spec(), job, &end).await;
    }

    async fn run(&self, stage: &dyn Stage, job: &Job, stopping: &CancellationToken) -> Option<End> {
        if !stage.wants(&job.document) {
            return Some(End::Done(Outcome::default()));
        }
        let work = AssertUnwindSafe(stage.run(job)).catch_unwind();
        let result = tokio::select! {
            biased;
            result = work => result,
            () = job.cancel.cancelled() => {
                return stopping.is_cancelled().then_some(End::HandBack);
            }
        };
        Some(match result {
            Ok(Ok(outcome)) => End::Done(outcome),
            // A stage that notices the cancellation by itself ends with an error of its own.
            Ok(Err(_)) if job.cancel.is_cancelled() => {
                return stopping.is_cancelled().then_some(End::HandBack);
            }
            Ok(Err(error)) => End::Failed(error),
            Err(panic) => End::Failed(StageError::retry("panic", panic_message(&*panic))),
        })
    }

    /// Commits the end of a run, again and again until the database takes it or the claim is gone.
    async fn settle(&self, spec: &StageSpec, job: &Job, end: &End) {
        let mut pause = COMMIT_RETRY.0;
        loop {
            match self.commit(spec, job, end).await {
                Ok(true) => return,
                Ok(false) => {
                    warn!(item = %job.item.id, stage = spec.name, "the row or its claim is gone; its result is not written");
                    return;
                }
                Err(error) if error.is_conflict() => {
                    debug!(item = %job.item.id, %error, "two writers met; trying again");
                }
                Err(error) => {
                    error!(item = %job.item.id, stage = spec.name, %error, "cannot commit a result; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(COMMIT_RETRY.1);
                }
            }
        }
    }

    async fn commit(&self, spec: &StageSpec, job: &Job, end: &End) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        let held = match end {
            End::Done(outcome) => {
                tx.complete(&job.item, spec.version, now).await?
                    && self
                        .hand_on(&mut tx, spec, job, &outcome.writes, now)
                        .await?
            }
            End::HandBack => tx.hand_back(&job.item, now).await?,
            End::Failed(error) => self.record_error(&mut tx, spec, job, error, now).await?,
        };
        if held {
            tx.commit().await?;
        }
        Ok(held)
    }

    async fn record_error(
        &self,
        tx: &mut Tx,
        spec: &StageSpec,
        job: &Job,
        error: &StageError,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let item = &job.item;
        match error {
            StageError::Retry { code, message } if item.attempts < item.max_attempts => {
                let run_at = now.plus_ms(retry_delay_ms(item.attempts, &*self.random));
                info!(item = %item.id, stage = spec.name, code, message, "will be tried again");
                tx.retry_at(item, &failure(code, message), run_at).await
            }
            StageError::Retry { code, message } | StageError::Fail { code, message } => {
                info!(item = %item.id, stage = spec.name, code, message, "failed");
                tx.fail(item, &failure(code, message), now).await
            }
            StageError::Wait {
                waiting_for,
                message,
                meanwhile,
            } => {
                let run_at = now.plus_ms(wait_delay_ms(item.created_at, now));
                let reason = failure(waiting_for, message);
                let held = tx.wait_for(item, waiting_for, &reason, run_at).await?;
                match meanwhile {
                    Some(writes) if held => self.hand_on(tx, spec, job, writes, now).await,
                    _ => Ok(held),
                }
            }
        }
    }

    /// Writes the results and enqueues what follows from them.
    async fn hand_on(
        &self,
        tx: &mut Tx,
        spec: &StageSpec,
        job: &Job,
        writes: &[Write],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = &job.item.document_id;
        tx.apply_writes(id, writes, now).await?;
        let Some(document) = tx.document(id).await? else {
            return Ok(false);
        };
        for next in self.graph.next_stages(spec.name, &document) {
            let work = Enqueue {
                id: QueueItemId::new(&*self.clock, &*self.random),
                document_id: id.clone(),
                stage: next.name.to_owned(),
                priority: job.item.priority,
                run_at: now,
                max_attempts: next.max_attempts,
                stage_version: next.version,
            };
            tx.enqueue(&work, now).await?;
        }
        Ok(true)
    }

    /// The document of a claimed row; `None` where it is gone.
    pub async fn load(&self, item: &QueueItem) -> Result<Option<model::Document>, StoreError> {
        self.store.read().await?.document(&item.document_id).await
    }

    /// Gives a claimed row back, as well as can be; else its lease runs out.
    pub async fn give_back(&self, item: &QueueItem) {
        let given = async {
            let mut tx = self.store.write().await?;
            tx.hand_back(item, self.clock.now()).await?;
            tx.commit().await
        };
        if let Err(error) = given.await {
            warn!(item = %item.id, %error, "cannot give a row back; it will be taken back when its lease is over");
        }
    }
}

fn failure(code: &str, message: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!(
        "An internal error stopped this stage: {text}. Please report it; the file itself is untouched."
    )
}
