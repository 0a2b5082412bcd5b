//! One run: load the document, do the work, commit what came of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use model::{Clock, Document, QueueItem, QueueItemId, Random, StageSpec, Timestamp, Write};
use store::{Enqueue, Failure, Store, StoreError, Tx};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::backoff::{retry_delay_ms, wait_delay_ms};
use crate::{Graph, Job, Moment, Observer, Outcome, Stage, StageError};

/// Pause before a commit that the database did not take is tried again; doubles up to the second.
const COMMIT_RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));
/// How often a commit that met another writer is tried again at once.
const CONFLICTS: u32 = 20;

/// What every run needs.
pub(crate) struct Worker {
    pub store: Store,
    pub graph: Graph,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub observer: Arc<dyn Observer>,
}

/// How a run ended, as far as the queue is concerned.
enum End {
    Done(Outcome),
    Failed(StageError),
    /// The worker stops; the run goes back untried.
    HandBack,
}

impl End {
    /// Whether it brings something that the database may refuse.
    fn has_results(&self) -> bool {
        match self {
            Self::Done(outcome) => !outcome.writes.is_empty(),
            Self::Failed(StageError::Wait { meanwhile, .. }) => meanwhile.is_some(),
            Self::Failed(_) | Self::HandBack => false,
        }
    }
}

impl Worker {
    /// Runs the stage and sees its end committed. `kill` tells whether a cancelled run is handed back (the worker stops) or
    /// dropped (its claim is lost).
    pub async fn work(&self, stage: &dyn Stage, job: &Job, kill: &CancellationToken) {
        match self.run(stage, job, kill).await {
            Some(end) => {
                self.observer.at(Moment::Worked, &[&job.item.id]);
                self.settle(stage.spec(), &job.item, end).await;
            }
            None => {
                info!(item = %job.item.id, stage = job.item.stage, "the claim is gone; what the run had done is dropped");
            }
        }
    }

    async fn run(&self, stage: &dyn Stage, job: &Job, kill: &CancellationToken) -> Option<End> {
        let cancelled = || kill.is_cancelled().then_some(End::HandBack);
        let work = AssertUnwindSafe(run_if_wanted(stage, job)).catch_unwind();
        let result = tokio::select! {
            biased;
            result = work => result,
            () = job.cancel.cancelled() => return cancelled(),
        };
        match result {
            Ok(Ok(outcome)) => Some(End::Done(outcome)),
            // A stage that notices the cancellation by itself ends with an error of its own.
            Ok(Err(_)) if job.cancel.is_cancelled() => cancelled(),
            Ok(Err(error)) => Some(End::Failed(error)),
            Err(panic) => {
                let message = panic_message(&*panic);
                Some(End::Failed(StageError::retry("panic", message)))
            }
        }
    }

    /// Commits the end of a run, again and again until the database takes it or the claim is gone. Results that the database
    /// will never take make it a failure: else the row would hold its place for ever.
    async fn settle(&self, spec: &StageSpec, item: &QueueItem, mut end: End) {
        let mut pause = COMMIT_RETRY.0;
        let mut conflicts = 0;
        loop {
            let error = match self.commit(spec, item, &end).await {
                Ok(true) => return,
                Ok(false) => {
                    warn!(item = %item.id, stage = spec.name, "the row or its claim is gone; its result is not written");
                    return;
                }
                Err(error) => error,
            };
            if error.is_conflict() && conflicts < CONFLICTS {
                conflicts += 1;
                debug!(item = %item.id, %error, "two writers met; trying again");
            } else if end.has_results() && (error.is_refusal() || error.is_duplicate()) {
                error!(item = %item.id, stage = spec.name, %error, "the database refuses the result");
                end = End::Failed(refused(&error));
            } else {
                error!(item = %item.id, stage = spec.name, %error, "cannot commit a result; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(COMMIT_RETRY.1);
            }
        }
    }

    async fn commit(
        &self,
        spec: &StageSpec,
        item: &QueueItem,
        end: &End,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        let held = match end {
            End::Done(outcome) => {
                tx.complete(item, spec.version, now).await?
                    && self
                        .hand_on(&mut tx, spec, item, &outcome.writes, now)
                        .await?
            }
            End::HandBack => tx.hand_back(item, now).await?,
            End::Failed(error) => self.record_error(&mut tx, spec, item, error, now).await?,
        };
        if held {
            self.observer.at(Moment::Committing, &[&item.id]);
            tx.commit().await?;
            self.observer.at(Moment::Committed, &[&item.id]);
        }
        Ok(held)
    }

    async fn record_error(
        &self,
        tx: &mut Tx,
        spec: &StageSpec,
        item: &QueueItem,
        error: &StageError,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
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
                    Some(writes) if held => self.hand_on(tx, spec, item, writes, now).await,
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
        item: &QueueItem,
        writes: &[Write],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = &item.document_id;
        tx.apply_writes(id, writes, now).await?;
        let Some(document) = tx.document(id).await? else {
            return Ok(false);
        };
        for next in self.graph.next_stages(spec.name, &document) {
            let work = Enqueue {
                id: QueueItemId::new(&*self.clock, &*self.random),
                document_id: id.clone(),
                stage: next.name.to_owned(),
                priority: item.priority,
                run_at: now,
                max_attempts: next.max_attempts,
                stage_version: next.version,
            };
            tx.enqueue(&work, now).await?;
        }
        Ok(true)
    }

    /// The document of a claimed row. `None` where there is nothing to run: the document is gone, or could not be read, which
    /// has been noted in the row.
    pub async fn load(&self, spec: &StageSpec, item: &QueueItem) -> Option<Document> {
        match self.read(item).await {
            Ok(Some(document)) => Some(document),
            Ok(None) => {
                info!(item = %item.id, stage = spec.name, "the document is gone; nothing to do");
                None
            }
            Err(error) => {
                // With the usual backoff: given back at once it would be claimed at once again.
                let reason =
                    StageError::retry("database", format!("cannot read the document: {error}"));
                self.settle(spec, item, End::Failed(reason)).await;
                None
            }
        }
    }

    async fn read(&self, item: &QueueItem) -> Result<Option<Document>, StoreError> {
        self.store.read().await?.document(&item.document_id).await
    }
}

/// What the stage does of itself; inside the net that catches panics, `wants` too.
async fn run_if_wanted(stage: &dyn Stage, job: &Job) -> Result<Outcome, StageError> {
    if stage.wants(&job.document) {
        stage.run(job).await
    } else {
        Ok(Outcome::default())
    }
}

fn refused(error: &StoreError) -> StageError {
    StageError::fail(
        "result_refused",
        format!(
            "The result could not be stored: {error}. Please report it; the file itself is untouched."
        ),
    )
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
