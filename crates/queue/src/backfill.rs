//! A stage that got better does its older documents again, a few at a time and after everything else.
//!
//! Which documents those are is read from the rows themselves, so that a restart goes on where it was: each process walks
//! through the rows in the order of their ids, asks for what is outdated, and waits while enough of it is pending. What
//! fails in the new version is not asked for again.

use std::sync::Arc;
use std::time::Duration;

use model::{DocumentId, Priority, QueueItemId};
use store::{OutdatedStep, StoreError, Tx};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::requeue::Requeue;
use crate::{Graph, Stage};

/// Rows that one look walks past at most.
const STEP_ROWS: i64 = 5000;
/// When the walk is through, it begins anew after so long: a process of an older version may have worked meanwhile.
const AGAIN: Duration = Duration::from_secs(24 * 3600);
/// Of this version there is nothing older.
const FIRST_VERSION: i64 = 1;

/// Does older documents again.
pub struct Backfill {
    /// How work is asked for.
    pub requeue: Requeue,
    /// The stages.
    pub graph: Graph,
    /// Only these stages; empty means all.
    pub stages: Vec<String>,
    /// How many such rows of a stage are pending at once; with 0 nothing is done again by itself.
    pub pending: i64,
    /// How often to look whether there is room for more.
    pub look: Duration,
}

/// How far the walk for one stage is.
struct Walk {
    stage: Arc<dyn Stage>,
    after: Option<QueueItemId>,
    added: usize,
    ended: bool,
}

impl Backfill {
    /// Goes on until `stop`; what is on its way to the database then is not broken off.
    pub async fn run(self, stop: CancellationToken) {
        if self.pending <= 0 {
            return stop.cancelled().await;
        }
        while !stop.is_cancelled() {
            self.walk(&stop).await;
            stop.run_until_cancelled(sleep(AGAIN)).await;
        }
    }

    /// Until every outdated document has been asked for, or `stop`.
    async fn walk(&self, stop: &CancellationToken) {
        let mut walks = self.walks();
        while !stop.is_cancelled() && walks.iter().any(|walk| !walk.ended) {
            for walk in walks.iter_mut().filter(|walk| !walk.ended) {
                let stage = walk.stage.spec().name;
                match self.top_up(walk, stop).await {
                    Ok(()) if walk.ended && walk.added > 0 => {
                        info!(
                            stage,
                            documents = walk.added,
                            "asked for all that an older version of the stage did"
                        );
                    }
                    Ok(()) => {}
                    Err(error) => {
                        warn!(stage, %error, "cannot look for outdated documents; trying again");
                    }
                }
            }
            stop.run_until_cancelled(sleep(self.look)).await;
        }
    }

    fn walks(&self) -> Vec<Walk> {
        let ours = |name: &str| self.stages.is_empty() || self.stages.iter().any(|s| s == name);
        let specs = self.graph.specs();
        specs
            .filter(|spec| spec.version > FIRST_VERSION && ours(spec.name))
            .filter_map(|spec| self.graph.stage(spec.name))
            .map(|stage| Walk {
                stage: Arc::clone(stage),
                after: None,
                added: 0,
                ended: false,
            })
            .collect()
    }

    /// Asks for more until enough is pending or nothing is left.
    async fn top_up(&self, walk: &mut Walk, stop: &CancellationToken) -> Result<(), StoreError> {
        while !walk.ended && !stop.is_cancelled() {
            let mut tx = self.requeue.store.read().await?;
            let Some(mut step) = self.look_from(&mut tx, walk).await? else {
                return Ok(());
            };
            drop(tx);
            if !step.documents.is_empty() {
                let mut tx = self.requeue.store.write().await?;
                // Now for sure: another process may have asked for the same meanwhile.
                tx.lock_backfill().await?;
                let Some(sure) = self.look_from(&mut tx, walk).await? else {
                    return Ok(());
                };
                walk.added += self.ask(&mut tx, &*walk.stage, &sure.documents).await?;
                tx.commit().await?;
                step = sure;
            }
            walk.ended = step.next.is_none();
            walk.after = step.next;
        }
        Ok(())
    }

    /// What is to be asked for next; `None` where there is no room.
    async fn look_from(
        &self,
        tx: &mut Tx,
        walk: &Walk,
    ) -> Result<Option<OutdatedStep>, StoreError> {
        let spec = walk.stage.spec();
        let room = self.pending - tx.pending_backfill(spec.name, self.pending).await?;
        if room <= 0 {
            return Ok(None);
        }
        let after = walk.after.as_ref();
        let step = tx.outdated_step(spec.name, spec.version, after, STEP_ROWS, room);
        Ok(Some(step.await?))
    }

    async fn ask(
        &self,
        tx: &mut Tx,
        stage: &dyn Stage,
        documents: &[DocumentId],
    ) -> Result<usize, StoreError> {
        let works = self
            .requeue
            .wanted(tx, stage, documents, Priority::Backfill)
            .await?;
        tx.enqueue_all(&works, self.requeue.clock.now()).await?;
        Ok(works.len())
    }
}
