//! Asks for a stage again, for one document or for a hundred thousand.

use std::sync::Arc;

use model::{Clock, Document, DocumentId, Priority, QueueItemId, Random};
use store::{Enqueue, RerunSelection, STEER_BATCH, Store, StoreError, Tx};

use crate::Stage;

/// What asking again takes.
#[derive(Clone)]
pub struct Requeue {
    /// The archive.
    pub store: Store,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub random: Arc<dyn Random>,
}

impl Requeue {
    /// Asks for a run of the stage for every selected document that the stage wants, in batches that are each committed by
    /// themselves. Asking twice is asking once: a run that is pending stays one. `progress` is told how many of how many
    /// documents have been looked at. Returns how many runs were added.
    ///
    /// # Errors
    /// The database cannot be reached; the batches before that are asked for.
    pub async fn rerun(
        &self,
        stage: &dyn Stage,
        selection: &RerunSelection,
        priority: Priority,
        mut progress: impl FnMut(usize, usize) + Send,
    ) -> Result<u64, StoreError> {
        let spec = stage.spec();
        let mut tx = self.store.read().await?;
        let ids = tx
            .documents_to_rerun(spec.name, spec.version, selection)
            .await?;
        drop(tx);
        let (mut added, mut done) = (0, 0);
        for batch in ids.chunks(STEER_BATCH) {
            let mut tx = self.store.read().await?;
            let works = self.wanted(&mut tx, stage, batch, priority).await?;
            drop(tx);
            let mut tx = self.store.write().await?;
            added += tx.enqueue_all(&works, self.clock.now()).await?;
            tx.commit().await?;
            done += batch.len();
            progress(done, ids.len());
        }
        Ok(added)
    }

    /// Runs of the stage for those of the documents that it wants and that are not in the trash. What nobody waits for is
    /// left alone while its original is away: it would fail.
    pub(crate) async fn wanted(
        &self,
        tx: &mut Tx,
        stage: &dyn Stage,
        ids: &[DocumentId],
        priority: Priority,
    ) -> Result<Vec<Enqueue>, StoreError> {
        let documents = tx.documents_by_id(ids).await?;
        let spec = stage.spec();
        let there = |document: &Document| {
            document.trashed_at.is_none()
                && (priority == Priority::Person || document.missing_since.is_none())
        };
        let wanted = ids
            .iter()
            .filter_map(|id| documents.get(id))
            .filter(|document| there(document) && stage.wants(document));
        Ok(wanted
            .map(|document| Enqueue {
                id: QueueItemId::new(&*self.clock, &*self.random),
                document_id: document.id.clone(),
                stage: spec.name.to_owned(),
                priority,
                run_at: self.clock.now(),
                max_attempts: spec.max_attempts,
                stage_version: spec.version,
            })
            .collect())
    }
}
