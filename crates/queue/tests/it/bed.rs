//! An empty archive, a clock that the case moves, and runners on it.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use model::{
    Clock, Document, DocumentId, ManualClock, QueueItem, QueueItemId, SeededRandom, Source, Status,
    SystemClock, SystemRandom, Timestamp, new_uuid,
};
use queue::{Graph, Runner, RunnerConfig};
use store::{Enqueue, QueueFilter, Store, StoreOptions};
use testkit::{TestStore, postgres_store, sqlite_store};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::control::{LIMIT, within};

/// The time at which every case begins.
pub const NOW: Timestamp = Timestamp(1_700_000_000_000);
/// So rare that it does not happen during a case.
pub const NEVER: Duration = Duration::from_secs(3600);
/// How often a case looks whether what it waits for has happened, where no event tells.
const LOOK: Duration = Duration::from_millis(20);

pub struct Bed {
    pub store: TestStore,
    pub clock: Arc<ManualClock>,
}

impl Deref for Bed {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Settings under which everything that is looked for now and then is found soon.
pub fn eager(worker: &str) -> RunnerConfig {
    RunnerConfig {
        poll: LOOK,
        heartbeat: LOOK,
        rescue: LOOK,
        grace: LIMIT,
        ..RunnerConfig::new(worker)
    }
}

/// Settings under which nothing happens but what an event tells of.
pub fn told(worker: &str) -> RunnerConfig {
    RunnerConfig {
        poll: NEVER,
        heartbeat: NEVER,
        rescue: NEVER,
        grace: LIMIT,
        ..RunnerConfig::new(worker)
    }
}

impl Bed {
    pub async fn sqlite() -> Self {
        Self::new(sqlite_store().await)
    }

    pub async fn postgres() -> Self {
        Self::new(postgres_store().await)
    }

    fn new(store: TestStore) -> Self {
        Self {
            store,
            clock: Arc::new(ManualClock::new(NOW)),
        }
    }

    /// A second process's view of the same database.
    pub async fn open_again(&self) -> Store {
        Store::open(self.store.url(), &StoreOptions::default())
            .await
            .unwrap()
    }

    /// Starts a runner in this process.
    pub fn start(&self, graph: &Graph, config: RunnerConfig) -> Working {
        self.start_on(Store::clone(&self.store), graph, config)
    }

    /// Starts a runner with a store of its own, as another process would.
    pub fn start_on(&self, store: Store, graph: &Graph, config: RunnerConfig) -> Working {
        Working::start(store, graph, self.clock.clone(), config)
    }

    /// Adds a document called `title`.
    pub async fn add(&self, title: &str) -> Document {
        let document = document(title);
        let mut tx = self.write().await.unwrap();
        tx.insert_document(&document, None).await.unwrap();
        tx.commit().await.unwrap();
        document
    }

    /// Adds a document and asks for a run of the stage. Returns the row's id.
    pub async fn submit(&self, title: &str, stage: &str) -> QueueItemId {
        let document = self.add(title).await;
        self.enqueue(&document, stage, model::Priority::Bulk).await
    }

    pub async fn enqueue(
        &self,
        document: &Document,
        stage: &str,
        priority: impl Into<model::Priority>,
    ) -> QueueItemId {
        let work = Enqueue {
            id: QueueItemId::new(&SystemClock, &SystemRandom),
            document_id: document.id.clone(),
            stage: stage.to_owned(),
            priority: priority.into(),
            run_at: self.clock.now(),
            max_attempts: 3,
            stage_version: 1,
        };
        let mut tx = self.write().await.unwrap();
        tx.enqueue(&work, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        work.id
    }

    pub async fn row(&self, id: &QueueItemId) -> QueueItem {
        let mut tx = self.read().await.unwrap();
        tx.queue_item(id).await.unwrap().expect("the row is there")
    }

    /// All rows of a stage.
    pub async fn rows(&self, stage: &str) -> Vec<QueueItem> {
        let filter = QueueFilter {
            stage: Some(stage.to_owned()),
            limit: 10_000,
            ..QueueFilter::default()
        };
        let mut tx = self.read().await.unwrap();
        tx.queue_items(&filter).await.unwrap()
    }

    pub async fn text(&self, id: &DocumentId) -> Option<String> {
        let mut tx = self.read().await.unwrap();
        tx.extracted_text(id).await.unwrap()
    }

    /// Until the row is as wished.
    pub async fn until(&self, id: &QueueItemId, wish: impl Fn(&QueueItem) -> bool) -> QueueItem {
        let look = async {
            let mut events = self.subscribe();
            loop {
                let row = self.row(id).await;
                if wish(&row) {
                    return row;
                }
                // Whatever comes first: it is looked at again.
                let _ = tokio::time::timeout(LOOK, events.recv()).await;
            }
        };
        match tokio::time::timeout(LIMIT, look).await {
            Ok(row) => row,
            Err(_) => panic!("the row never got there: {:?}", self.row(id).await),
        }
    }

    pub async fn until_status(&self, id: &QueueItemId, status: Status) -> QueueItem {
        self.until(id, |row| row.status == status).await
    }

    /// Every row has ended.
    pub async fn assert_settled(&self) {
        self.assert_open(&[]).await;
    }

    /// Every row has ended but these, which are pending; none is running.
    pub async fn assert_open(&self, pending: &[&QueueItemId]) {
        for status in [Status::Pending, Status::Processing] {
            let filter = QueueFilter {
                status: Some(status),
                limit: 10_000,
                ..QueueFilter::default()
            };
            let mut tx = self.read().await.unwrap();
            let rows = tx.queue_items(&filter).await.unwrap();
            let unexpected: Vec<_> = rows.iter().filter(|r| !pending.contains(&&r.id)).collect();
            assert!(unexpected.is_empty(), "left over: {unexpected:?}");
            let expected = match status {
                Status::Pending => pending.len(),
                _ => 0,
            };
            assert_eq!(rows.len(), expected, "{status}");
        }
    }
}

/// A runner at work.
pub struct Working {
    pub stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Working {
    pub fn start(store: Store, graph: &Graph, clock: Arc<dyn Clock>, config: RunnerConfig) -> Self {
        let runner = Runner::new(store, graph.clone(), clock, Arc::new(SystemRandom), config);
        let stop = CancellationToken::new();
        Self {
            task: tokio::spawn(Arc::new(runner).run(stop.clone())),
            stop,
        }
    }

    /// Asks it to stop, and waits until it has.
    pub async fn end(self) {
        self.stop.cancel();
        self.ended().await;
    }

    /// Until it has ended.
    pub async fn ended(self) {
        within("the runner ends", self.task).await.unwrap();
    }

    /// Ends it without any leave-taking, as a crash would.
    pub async fn crash(self) {
        self.task.abort();
        let ended = within("the runner is gone", self.task).await;
        assert!(ended.unwrap_err().is_cancelled());
    }
}

/// A document with content of its own.
pub fn document(title: &str) -> Document {
    let random = SeededRandom::new(
        title
            .bytes()
            .fold(7, |a: u64, b| a.wrapping_mul(31).wrapping_add(u64::from(b))),
    );
    Document {
        file_type: "pdf".into(),
        mime: "application/pdf".into(),
        path: Some(format!("Inbox/{title}.pdf")),
        content_hash: format!("hash of {title}"),
        size: 3,
        modified_at: NOW,
        ..Document::blank(
            DocumentId(new_uuid(&SystemClock, &random)),
            title.to_owned(),
            Source::Watch,
            NOW,
        )
    }
}
