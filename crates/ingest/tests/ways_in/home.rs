//! A library in a temporary folder with a store of its own.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ingest::{FirstStages, Ingest, IngestConfig, ScanReport};
use model::{
    Category, Document, DocumentId, Lane, ManualClock, QueueItem, SeededRandom, StageSpec,
    SystemRandom, Timestamp,
};
use store::{DocumentFilter, KnownFile, QueueFilter};
use tempfile::TempDir;
use testkit::TestStore;

pub const START: Timestamp = Timestamp(1_700_000_000_000);

pub struct Home {
    pub store: TestStore,
    pub clock: Arc<ManualClock>,
    pub ingest: Ingest,
    pub folder: TempDir,
}

pub fn spec(name: &'static str) -> StageSpec {
    StageSpec {
        name,
        after: &[],
        at_ingest: true,
        version: 3,
        lane: Lane::Cpu,
        concurrency: 1,
        lease_ms: 1000,
        max_attempts: 4,
    }
}

pub fn first_stages() -> FirstStages {
    Arc::new(|document: &Document| match document.category {
        Category::Audio => vec![spec("stt")],
        Category::Video if document.needs_conversion => Vec::new(),
        Category::Video => vec![spec("thumbnail")],
        _ => vec![spec("extract")],
    })
}

impl Home {
    /// Files settle at once.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut IngestConfig)) -> Self {
        Self::on(testkit::sqlite_store().await, change).await
    }

    pub async fn on(store: TestStore, change: impl FnOnce(&mut IngestConfig)) -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("library")).unwrap();
        let mut config = IngestConfig::new(folder.path().join("library"));
        config.settle = Duration::ZERO;
        change(&mut config);
        let clock = Arc::new(ManualClock::new(START));
        let random = Arc::new(SeededRandom::new(1));
        let ingest =
            Ingest::new(config, store.clone(), clock.clone(), random, first_stages()).unwrap();
        ingest.prepare().await.unwrap();
        Self {
            store,
            clock,
            ingest,
            folder,
        }
    }

    /// A second handle, as another process would have it.
    pub fn another(&self) -> Ingest {
        let mut config = IngestConfig::new(self.path(""));
        config.settle = Duration::ZERO;
        Ingest::new(
            config,
            self.store.clone(),
            self.clock.clone(),
            Arc::new(SystemRandom),
            first_stages(),
        )
        .unwrap()
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join("library").join(relative)
    }

    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn rename(&self, from: &str, to: &str) {
        let to = self.path(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.path(from), to).unwrap();
    }

    pub fn remove(&self, relative: &str) {
        fs::remove_file(self.path(relative)).unwrap();
    }

    /// A scan that nothing goes wrong in.
    pub async fn scan(&self) -> ScanReport {
        let report = self.ingest.scan().await.unwrap();
        assert_eq!(report.failed, vec![]);
        assert_eq!(report.problems, Vec::<String>::new());
        report
    }

    pub async fn documents(&self) -> Vec<Document> {
        let filter = DocumentFilter {
            limit: 1000,
            ..DocumentFilter::default()
        };
        self.store
            .read()
            .await
            .unwrap()
            .documents(&filter)
            .await
            .unwrap()
    }

    /// The one document there is.
    pub async fn only(&self) -> Document {
        let mut documents = self.documents().await;
        assert_eq!(documents.len(), 1, "{documents:#?}");
        documents.remove(0)
    }

    /// The document at that path.
    pub async fn at(&self, path: &str) -> Document {
        let found = self
            .store
            .read()
            .await
            .unwrap()
            .document_at(path)
            .await
            .unwrap();
        found.unwrap_or_else(|| panic!("no document at {path}"))
    }

    pub async fn document(&self, id: &DocumentId) -> Document {
        self.store
            .read()
            .await
            .unwrap()
            .document(id)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn trash(&self, id: &DocumentId) {
        let mut tx = self.store.write().await.unwrap();
        assert!(tx.set_trashed(id, Some(START), START).await.unwrap());
        tx.commit().await.unwrap();
    }

    pub async fn known_files(&self) -> Vec<KnownFile> {
        self.store
            .read()
            .await
            .unwrap()
            .files_below("", "", 1000)
            .await
            .unwrap()
    }

    pub async fn queue(&self, id: &DocumentId) -> Vec<QueueItem> {
        let filter = QueueFilter {
            document_id: Some(id.clone()),
            limit: 100,
            ..QueueFilter::default()
        };
        self.store
            .read()
            .await
            .unwrap()
            .queue_items(&filter)
            .await
            .unwrap()
    }

    /// Ends all queue rows, so that a further enqueue adds one.
    pub async fn cancel_all(&self, id: &DocumentId) {
        let mut tx = self.store.write().await.unwrap();
        for item in self.queue(id).await {
            tx.cancel(&item.id, START).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// What an uploaded file of that name and content becomes.
    pub async fn upload(
        &self,
        name: &str,
        content: &[u8],
    ) -> Result<Document, ingest::IngestError> {
        let mut upload = self.ingest.begin_upload(name).await?;
        for piece in content.chunks(7) {
            upload.write(piece).await?;
        }
        upload.finish(&ingest::Wish::default()).await
    }

    /// Names of the files below the folder, sorted.
    pub fn names_in(&self, relative: &str) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.path(relative))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}
