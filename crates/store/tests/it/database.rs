//! An empty database for one case, and shorthands for what cases put into it.

use model::{
    Document, DocumentId, QueueItem, QueueItemId, SeededRandom, Source, SystemClock, SystemRandom,
    Timestamp, new_uuid,
};
use store::{Claim, Enqueue, Pick, Store, StoreOptions, Tx};
use testkit::TestPostgres;

/// The time at which every case begins.
pub const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub struct Database {
    pub store: Store,
    url: String,
    _keep: Keep,
}

#[allow(dead_code, reason = "kept for what dropping them cleans up")]
enum Keep {
    Folder(tempfile::TempDir),
    Postgres(TestPostgres),
}

impl Database {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Self::open(url, Keep::Folder(folder)).await
    }

    pub async fn postgres() -> Self {
        let database = TestPostgres::create();
        Self::open(database.url(), Keep::Postgres(database)).await
    }

    async fn open(url: String, keep: Keep) -> Self {
        let store = Store::open(&url, &StoreOptions::default()).await.unwrap();
        Self {
            store,
            url,
            _keep: keep,
        }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends every session on a PostgreSQL database, as an administrator does.
    pub async fn end_sessions(&self) {
        self.end("TRUE").await;
    }

    /// Ends the sessions that listen to other processes.
    pub async fn end_listeners(&self) {
        self.end("query LIKE '%pg_backend_pid%' OR query LIKE '%pg_notify%'")
            .await;
    }

    async fn end(&self, which: &'static str) {
        use sqlx::Connection;
        let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
        let sql = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND ({which})"
        );
        let ended: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert!(ended > 0, "there was nothing to end");
    }

    /// A second process's view of the same database.
    pub async fn open_again(&self) -> Store {
        Store::open(&self.url, &StoreOptions::default())
            .await
            .unwrap()
    }

    pub async fn write(&self) -> Tx {
        self.store.write().await.unwrap()
    }

    pub async fn read(&self) -> Tx {
        self.store.read().await.unwrap()
    }

    /// Adds a document called `title`, committed.
    pub async fn add(&self, title: &str) -> Document {
        let document = document(title);
        let mut tx = self.write().await;
        tx.insert_document(&document, None).await.unwrap();
        tx.commit().await.unwrap();
        document
    }

    /// Asks for a run, committed.
    pub async fn enqueue(&self, document: &Document, stage: &str) -> bool {
        self.enqueue_with(document, stage, 0, NOW).await
    }

    pub async fn enqueue_with(
        &self,
        document: &Document,
        stage: &str,
        priority: impl Into<model::Priority>,
        run_at: Timestamp,
    ) -> bool {
        let work = self.work(document, stage, priority, run_at);
        let mut tx = self.write().await;
        let added = tx.enqueue(&work, NOW).await.unwrap();
        tx.commit().await.unwrap();
        added
    }

    /// A wish for a run, with three tries.
    pub fn work(
        &self,
        document: &Document,
        stage: &str,
        priority: impl Into<model::Priority>,
        run_at: Timestamp,
    ) -> Enqueue {
        Enqueue {
            id: QueueItemId::new(&SystemClock, &SystemRandom),
            document_id: document.id.clone(),
            stage: stage.to_owned(),
            priority: priority.into(),
            run_at,
            max_attempts: 3,
            stage_version: 1,
        }
    }

    /// Claims up to `limit` rows for a minute, committed.
    pub async fn claim(&self, stage: &str, limit: i64, now: Timestamp) -> Vec<QueueItem> {
        self.claim_of(stage, limit, Pick::Any, now).await
    }

    /// Claims one row of those.
    pub async fn claim_picked(&self, stage: &str, pick: Pick, now: Timestamp) -> Vec<QueueItem> {
        self.claim_of(stage, 1, pick, now).await
    }

    async fn claim_of(
        &self,
        stage: &str,
        limit: i64,
        pick: Pick,
        now: Timestamp,
    ) -> Vec<QueueItem> {
        let lease_id = new_uuid(&SystemClock, &SystemRandom);
        let claim = Claim {
            stage,
            worker: "tester",
            lease_id: &lease_id,
            lease_until: now.plus_ms(60_000),
            limit,
            pick,
        };
        let mut tx = self.write().await;
        let items = tx.claim(&claim, now).await.unwrap();
        tx.commit().await.unwrap();
        items
    }

    pub async fn claim_one(&self, stage: &str) -> QueueItem {
        let mut items = self.claim(stage, 1, NOW).await;
        assert_eq!(items.len(), 1, "one {stage} to claim");
        items.remove(0)
    }

    pub async fn item(&self, id: &QueueItemId) -> Option<QueueItem> {
        self.read().await.queue_item(id).await.unwrap()
    }
}

/// A document with content of its own.
pub fn document(title: &str) -> Document {
    let random = SeededRandom::new(
        title
            .bytes()
            .fold(7_u64, |a, b| a.wrapping_mul(31).wrapping_add(u64::from(b))),
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
