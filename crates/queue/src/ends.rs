//! How runs end, and what their ends write.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use model::{
    Clock, Document, DocumentId, QueueItem, QueueItemId, Random, StageSpec, Timestamp, Write,
};
use store::{Enqueue, Failure, StoreError, Tx};
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::backoff::{retry_delay_ms, wait_delay_ms};
use crate::running::Entry;
use crate::{Graph, Job, Outcome, StageError};

/// How a run ended, as far as the queue is concerned.
pub(crate) enum End {
    Done(Outcome),
    Failed(StageError),
    /// The worker stops; the run goes back untried.
    HandBack,
}

impl End {
    /// Whether it brings something that the database may refuse.
    pub fn has_results(&self) -> bool {
        !self.writes().is_empty()
    }

    /// What is to be written, where the next stages go on.
    fn writes(&self) -> &[Write] {
        match self {
            Self::Done(outcome) => &outcome.writes,
            Self::Failed(StageError::Wait {
                meanwhile: Some(writes),
                ..
            }) => writes,
            Self::Failed(_) | Self::HandBack => &[],
        }
    }

    /// Whether the next stages go on.
    fn hands_on(&self) -> bool {
        matches!(
            self,
            Self::Done(_)
                | Self::Failed(StageError::Wait {
                    meanwhile: Some(_),
                    ..
                })
        )
    }
}

/// A run that has ended and is to be committed. It counts as running until it is.
pub(crate) struct Ended {
    pub spec: &'static StageSpec,
    pub job: Arc<Job>,
    pub end: End,
    /// How long the work took.
    pub took: Duration,
    /// How often its commit met another writer.
    pub conflicts: u32,
    /// How long to wait before the next try where the database is away.
    pub pause: Duration,
    pub _entry: Entry,
    pub _open: TaskTrackerToken,
}

impl Ended {
    pub fn item(&self) -> &QueueItem {
        &self.job.item
    }
}

/// What ends are written with.
#[derive(Clone)]
pub(crate) struct Ends {
    pub graph: Graph,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// Names this process in the counts of what was done.
    pub worker: String,
}

impl Ends {
    /// Writes all of them. `false` where one of them no longer holds its claim: then nothing of it must be committed.
    pub async fn write(
        &self,
        tx: &mut Tx,
        ends: &[Ended],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if !self.complete(tx, ends, now).await? {
            return Ok(false);
        }
        for ended in ends {
            let held = match &ended.end {
                End::Done(_) => true,
                End::HandBack => tx.hand_back(ended.item(), now).await?,
                End::Failed(error) => self.record_error(tx, ended, error, now).await?,
            };
            if !held {
                return Ok(false);
            }
        }
        self.write_results(tx, ends, now).await?;
        let next = self.next(tx, ends, now).await?;
        tx.enqueue_all(&next, now).await?;
        Ok(true)
    }

    async fn complete(
        &self,
        tx: &mut Tx,
        ends: &[Ended],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut versions: BTreeMap<i64, Vec<&QueueItem>> = BTreeMap::new();
        for ended in ends
            .iter()
            .filter(|ended| matches!(ended.end, End::Done(_)))
        {
            versions
                .entry(ended.spec.version)
                .or_default()
                .push(ended.item());
        }
        for (version, items) in versions {
            if !tx.complete_all(&items, version, now).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// In the order of the documents, so that two transactions never wait for each other.
    async fn write_results(
        &self,
        tx: &mut Tx,
        ends: &[Ended],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut results: Vec<_> = ends
            .iter()
            .filter(|ended| ended.end.has_results())
            .collect();
        results.sort_by(|a, b| a.item().document_id.cmp(&b.item().document_id));
        for ended in results {
            let id = &ended.item().document_id;
            tx.apply_writes(id, ended.end.writes(), now).await?;
        }
        Ok(())
    }

    /// The rows of what follows, judged by the documents as they are now.
    async fn next(
        &self,
        tx: &mut Tx,
        ends: &[Ended],
        now: Timestamp,
    ) -> Result<Vec<Enqueue>, StoreError> {
        let followed: Vec<_> = ends
            .iter()
            .filter(|ended| ended.end.hands_on() && self.graph.is_followed(ended.spec.name))
            .collect();
        if followed.is_empty() {
            return Ok(Vec::new());
        }
        if followed
            .iter()
            .all(|ended| self.graph.follows_by_row(ended.spec.name))
        {
            let follow =
                |ended: &&Ended| self.enqueues(ended, self.graph.followers(ended.spec.name), now);
            return Ok(followed.iter().flat_map(follow).collect());
        }
        let ids: Vec<_> = followed
            .iter()
            .map(|ended| ended.item().document_id.clone())
            .collect();
        let documents = tx.documents_by_id(&ids).await?;
        Ok(followed
            .iter()
            .flat_map(|ended| self.follow(ended, &documents, now))
            .collect())
    }

    fn follow(
        &self,
        ended: &Ended,
        documents: &HashMap<DocumentId, Document>,
        now: Timestamp,
    ) -> Vec<Enqueue> {
        let Some(document) = documents.get(&ended.item().document_id) else {
            return Vec::new();
        };
        let next = self.graph.next_stages(ended.spec.name, document);
        self.enqueues(ended, next, now)
    }

    fn enqueues(&self, ended: &Ended, next: Vec<StageSpec>, now: Timestamp) -> Vec<Enqueue> {
        let item = ended.item();
        next.into_iter()
            .map(|next| Enqueue {
                id: QueueItemId::new(&*self.clock, &*self.random),
                document_id: item.document_id.clone(),
                stage: next.name.to_owned(),
                priority: item.priority,
                run_at: now,
                max_attempts: next.max_attempts,
                stage_version: next.version,
            })
            .collect()
    }

    async fn record_error(
        &self,
        tx: &mut Tx,
        ended: &Ended,
        error: &StageError,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let item = ended.item();
        match error {
            StageError::Retry { code, message } if item.attempts < item.max_attempts => {
                let run_at = now.plus_ms(retry_delay_ms(item.attempts, &*self.random));
                tx.retry_at(item, &failure(code, message), run_at, now)
                    .await
            }
            StageError::Retry { code, message } | StageError::Fail { code, message } => {
                tx.fail(item, &failure(code, message), now).await
            }
            StageError::Wait {
                waiting_for,
                message,
                ..
            } => {
                let run_at = now.plus_ms(wait_delay_ms(item.created_at, now));
                let reason = failure(waiting_for, message);
                tx.wait_for(item, waiting_for, &reason, run_at, now).await
            }
        }
    }
}

fn failure(code: &str, message: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}
