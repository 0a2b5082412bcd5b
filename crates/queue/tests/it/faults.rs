//! A load whose effects can be counted: every run leaves one mark on its document, so that a run too many or too few shows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{
    Clock, Document, DocumentId, DocumentPatch, Priority, QueueItem, QueueItemId, StageSpec,
    Status, SystemClock, SystemRandom, Write,
};
use queue::{Graph, Job, Outcome, RunnerConfig, Stage, StageError};
use store::{Enqueue, QueueFilter, Store};

use crate::bed::document;
use crate::control::{spec, text_of};

/// What a run leaves behind.
pub const MARK: &str = "x";
/// As many as the real stages have.
const TRIES: i64 = 10;
/// How long a load may take to be done on a busy machine; only a case that fails waits so long.
const LIMIT: Duration = Duration::from_secs(150);
/// How often a case looks how far a load is.
const LOOK: Duration = Duration::from_millis(10);
/// Documents added in one commit.
const BATCH: usize = 1000;

/// Marks the summary, and hands on to `second`.
pub const FIRST: &StageSpec = &StageSpec {
    concurrency: 4,
    lease_ms: 2_000,
    max_attempts: TRIES,
    ..spec("first", &[])
};
/// Marks the kind of document.
pub const SECOND: &StageSpec = &StageSpec {
    concurrency: 4,
    lease_ms: 2_000,
    max_attempts: TRIES,
    ..spec("second", &["first"])
};

/// Settings under which everything happens soon, and the machine has time for the work.
pub fn brisk(worker: &str) -> RunnerConfig {
    RunnerConfig {
        poll: Duration::from_millis(20),
        heartbeat: Duration::from_millis(250),
        rescue: Duration::from_millis(250),
        ..RunnerConfig::new(worker)
    }
}

/// `first` and `second`, each run of which takes `work`.
pub fn marking(work: Duration) -> Graph {
    marking_with(work, "")
}

/// The same, each run of which also brings this text.
pub fn marking_with(work: Duration, text: &str) -> Graph {
    let stages = [FIRST, SECOND].map(|spec| -> Arc<dyn Stage> {
        Arc::new(Marking {
            spec,
            work,
            text: text.to_owned(),
        })
    });
    Graph::new(stages.into()).unwrap()
}

struct Marking {
    spec: &'static StageSpec,
    work: Duration,
    text: String,
}

#[async_trait]
impl Stage for Marking {
    fn spec(&self) -> &'static StageSpec {
        self.spec
    }

    fn wants(&self, _: &Document) -> bool {
        true
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        tokio::time::sleep(self.work).await;
        let mut outcome = marked(self.spec, &job.document);
        if !self.text.is_empty() {
            outcome.writes.extend(text_of(&self.text));
        }
        Ok(outcome)
    }
}

/// One mark more than there was.
pub fn marked(stage: &StageSpec, document: &Document) -> Outcome {
    let more = |marks: &Option<String>| Some(marks.clone().unwrap_or_default() + MARK);
    let mut patch = DocumentPatch::default();
    if stage.name == FIRST.name {
        patch.summary = more(&document.summary);
    } else {
        patch.document_type = more(&document.document_type);
    }
    vec![Write::Patch(Box::new(patch))].into()
}

/// Adds documents called `NAME 0`, `NAME 1`, … with nothing to do.
pub async fn documents(store: &Store, name: &str, count: usize) -> Vec<DocumentId> {
    let all: Vec<_> = (0..count)
        .map(|number| document(&format!("{name} {number}")))
        .collect();
    for batch in all.chunks(BATCH) {
        let mut tx = store.write().await.unwrap();
        for document in batch {
            tx.insert_document(document, None).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    all.into_iter().map(|document| document.id).collect()
}

/// Asks for a run of the stage on each of them.
pub async fn ask(
    store: &Store,
    documents: &[DocumentId],
    stage: &StageSpec,
    priority: Priority,
    clock: &dyn Clock,
) {
    let now = clock.now();
    for batch in documents.chunks(BATCH) {
        let works: Vec<_> = batch
            .iter()
            .map(|document_id| Enqueue {
                id: QueueItemId::new(&SystemClock, &SystemRandom),
                document_id: document_id.clone(),
                stage: stage.name.to_owned(),
                priority,
                run_at: now,
                max_attempts: stage.max_attempts,
                stage_version: stage.version,
            })
            .collect();
        let mut tx = store.write().await.unwrap();
        tx.enqueue_all(&works, now).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Adds documents and asks for `first` on each.
pub async fn load(store: &Store, count: usize) -> Vec<DocumentId> {
    let documents = documents(store, "load", count).await;
    ask(store, &documents, FIRST, Priority::Bulk, &SystemClock).await;
    documents
}

/// How many runs of all stages are done. A database that does not answer is asked again.
pub async fn done(store: &Store) -> usize {
    let counts = async { store.read().await?.completed_counts().await };
    let counts: HashMap<String, i64> = counts.await.unwrap_or_default();
    usize::try_from(counts.values().sum::<i64>()).unwrap()
}

pub async fn until_done(store: &Store, count: usize) {
    until("the load gets on", async || done(store).await >= count).await;
}

/// Until it is so.
pub async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let looking = async {
        let mut look = tokio::time::interval(LOOK);
        while !so().await {
            look.tick().await;
        }
    };
    if tokio::time::timeout(LIMIT, looking).await.is_err() {
        panic!("never happened: {what}");
    }
}

/// Until nothing is pending and nothing runs.
pub async fn until_settled(store: &Store) {
    until("everything has ended", async || open(store).await == 0).await;
}

async fn open(store: &Store) -> usize {
    let counts = async { store.read().await?.live_counts().await };
    let Ok(counts) = counts.await else {
        return usize::MAX;
    };
    let open = counts
        .values()
        .map(|c| c.pending + c.waiting + c.processing);
    usize::try_from(open.sum::<i64>()).unwrap()
}

/// All rows of both stages.
pub async fn rows(store: &Store) -> Vec<QueueItem> {
    let filter = QueueFilter {
        limit: i64::MAX,
        ..QueueFilter::default()
    };
    let mut tx = store.read().await.unwrap();
    tx.queue_items(&filter).await.unwrap()
}

/// Both stages have run once on each of the documents, as far as anybody can tell, and nothing else is there.
pub async fn assert_once(store: &Store, documents: &[DocumentId]) {
    let rows = rows(store).await;
    let unfinished: Vec<_> = rows
        .iter()
        .filter(|row| row.status != Status::Completed)
        .collect();
    assert!(unfinished.is_empty(), "not completed: {unfinished:#?}");
    assert_eq!(rows.len(), 2 * documents.len(), "a row for each stage");
    assert_marks(store, documents).await;
}

/// Each of the documents has one mark of each stage.
pub async fn assert_marks(store: &Store, documents: &[DocumentId]) {
    let mut tx = store.read().await.unwrap();
    let read = tx.documents_by_id(documents).await.unwrap();
    assert_eq!(read.len(), documents.len());
    for document in read.values() {
        let marks = (
            document.summary.as_deref(),
            document.document_type.as_deref(),
        );
        assert_eq!(marks, (Some(MARK), Some(MARK)), "{}", document.title);
    }
}
