//! Keeps the index up to date: tails the database's change log.

use std::sync::Arc;
use std::time::Duration;

use model::DocumentId;
use store::{Event, Store, Tx};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::{IndexChange, IndexEntry, SearchError, SearchIndex};

/// Changes in one commit of the index.
const BATCH_CHANGES: i64 = 100;

/// A commit takes no more documents once their texts are this long, so that a batch of huge ones fits into memory.
const BATCH_TEXT_BYTES: usize = 16 << 20;

/// Changes by other processes are seen after at most this long.
const POLL: Duration = Duration::from_secs(1);

/// Longest wait after repeated failures.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// Brings what the database holds into an index.
#[derive(Clone, Debug)]
pub struct Indexer {
    index: Arc<SearchIndex>,
    store: Store,
}

/// Some pending changes, and the number of the last of them.
struct Batch {
    changes: Vec<IndexChange>,
    seq: i64,
}

impl Indexer {
    /// An indexer from `store` to `index`.
    pub fn new(index: Arc<SearchIndex>, store: Store) -> Self {
        Self { index, store }
    }

    /// Takes in all pending changes and tells how many there were. An index with broken files is built anew.
    ///
    /// # Errors
    /// The database or the index cannot be used; what was taken in so far stays.
    pub async fn catch_up(&self) -> Result<usize, SearchError> {
        if self.index.is_damaged() {
            tracing::warn!("the search index is damaged; it is built anew");
            self.on_index(SearchIndex::rebuild).await?;
        }
        match self.take_pending().await {
            Err(error) if error.is_corrupt() => {
                tracing::warn!(%error, "search index is built anew");
                self.on_index(SearchIndex::rebuild).await?;
                self.take_pending().await
            }
            result => result,
        }
    }

    /// Empties the index and takes everything in again.
    ///
    /// # Errors
    /// As [`catch_up`](Self::catch_up).
    pub async fn reindex(&self) -> Result<usize, SearchError> {
        match self.on_index(SearchIndex::clear).await {
            Err(error) if error.is_corrupt() => self.on_index(SearchIndex::rebuild).await?,
            result => result?,
        }
        self.catch_up().await
    }

    /// Takes in changes as they come, until `stop`. Errors are logged when they begin, change and end, and tried again.
    pub async fn run(self, stop: CancellationToken) {
        let mut events = self.store.subscribe();
        let mut health = Health::default();
        loop {
            let result = tokio::select! {
                () = stop.cancelled() => return,
                result = self.catch_up() => result,
            };
            let pause = health.after(result);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = next_change(&mut events), if health.is_good() => {}
            }
        }
    }

    async fn take_pending(&self) -> Result<usize, SearchError> {
        let mut count = 0;
        while let Some(batch) = self.next_batch().await? {
            count += batch.changes.len();
            self.on_index(move |index| index.apply(batch.changes, batch.seq))
                .await?;
        }
        Ok(count)
    }

    async fn next_batch(&self) -> Result<Option<Batch>, SearchError> {
        let mut seq = self.on_index(SearchIndex::seq).await?;
        let mut tx = self.store.read().await?;
        if seq > tx.latest_change().await? {
            // The index knows more than the database: it is of another one, or of one since restored from a backup.
            tracing::warn!("the search index is not of this database; it is built anew");
            self.on_index(SearchIndex::clear).await?;
            seq = 0;
        }
        batch_after(&mut tx, seq).await
    }

    /// Runs blocking work on a thread of its own.
    async fn on_index<T: Send + 'static>(
        &self,
        work: impl FnOnce(&SearchIndex) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, SearchError> {
        let index = Arc::clone(&self.index);
        tokio::task::spawn_blocking(move || work(&index))
            .await
            .unwrap_or_else(|error| Err(SearchError::Interrupted(error.to_string())))
    }
}

async fn batch_after(tx: &mut Tx, seq: i64) -> Result<Option<Batch>, SearchError> {
    let mut batch = Batch {
        changes: Vec::new(),
        seq,
    };
    let mut bytes = 0;
    for change in tx.changes_after(seq, BATCH_CHANGES).await? {
        let (change, seq) = (load(tx, change.document_id).await?, change.seq);
        bytes += text_bytes(&change);
        batch.changes.push(change);
        batch.seq = seq;
        if bytes > BATCH_TEXT_BYTES {
            break;
        }
    }
    Ok((!batch.changes.is_empty()).then_some(batch))
}

/// The document as it is now; a removed one and one in the trash are taken out.
async fn load(tx: &mut Tx, id: DocumentId) -> Result<IndexChange, SearchError> {
    let Some(document) = tx
        .document(&id)
        .await?
        .filter(|document| document.trashed_at.is_none())
    else {
        return Ok(IndexChange::Remove(id));
    };
    Ok(IndexChange::Upsert(Box::new(IndexEntry {
        document,
        text: tx.extracted_text(&id).await?,
        chunks: tx.chunks(&id).await?,
        segments: tx.segments(&id).await?,
    })))
}

fn text_bytes(change: &IndexChange) -> usize {
    match change {
        IndexChange::Upsert(entry) => entry.text.as_ref().map_or(0, String::len),
        IndexChange::Remove(_) => 0,
    }
}

/// Waits for news of a document, or of having missed some.
async fn next_change(events: &mut Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Document { .. }) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // Nobody is left to tell; the caller's poll goes on.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Whether indexing works, and how long to wait before the next try.
#[derive(Debug, Default)]
struct Health {
    complaint: Option<String>,
    failures: u32,
}

impl Health {
    fn is_good(&self) -> bool {
        self.complaint.is_none()
    }

    /// Notes how it went; gives the time to wait.
    fn after(&mut self, result: Result<usize, SearchError>) -> Duration {
        let complaint = result.err().map(|error| error.to_string());
        if complaint != self.complaint {
            match &complaint {
                Some(error) => tracing::warn!(error, "indexing does not work; it is tried again"),
                None => tracing::info!("indexing works again"),
            }
        }
        self.failures = if complaint.is_some() {
            self.failures.saturating_add(1)
        } else {
            0
        };
        self.complaint = complaint;
        // The exponent is bounded so that it cannot overflow; the time is by MAX_BACKOFF.
        POLL.saturating_mul(1 << self.failures.min(10))
            .min(MAX_BACKOFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_tried_again_ever_more_slowly() {
        let mut health = Health::default();
        assert_eq!(health.after(Ok(3)), POLL);
        let waits: Vec<_> = (0..8)
            .map(|_| {
                health
                    .after(Err(SearchError::Interrupted("x".into())))
                    .as_secs()
            })
            .collect();
        assert_eq!(waits, [2, 4, 8, 16, 30, 30, 30, 30]);
        assert!(!health.is_good());
        assert_eq!(health.after(Ok(0)), POLL);
        assert!(health.is_good());
    }
}
