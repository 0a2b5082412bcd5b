//! What the tests of stages share: a row, a run, and everything a stage may use in a folder of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use model::{Document, DocumentId, Priority, QueueItem, QueueItemId, Source, Status, Timestamp};
use queue::Job;
use testkit::TestStore;
use tokio_util::sync::CancellationToken;
use tools::{SpeechClient, Toolbox, ToolboxSettings};

use crate::{Library, StageContext};

/// A claimed row in its so-manieth run, with the code of the run before.
pub fn item(stage: &str, attempts: i64, before: Option<&str>) -> QueueItem {
    QueueItem {
        id: QueueItemId("q".into()),
        document_id: DocumentId("d".into()),
        stage: stage.into(),
        status: Status::Processing,
        priority: Priority::Bulk,
        attempts,
        max_attempts: 10,
        run_at: Timestamp(0),
        created_at: Timestamp(0),
        started_at: None,
        completed_at: None,
        lease_until: None,
        lease_id: None,
        worker: None,
        progress: None,
        waiting_for: None,
        error_code: before.map(Into::into),
        error_message: None,
        stage_version: 1,
        crashes: 0,
    }
}

/// A first run of `stage` on the file.
pub fn job(stage: &str, path: &Path) -> Job {
    let name = path.to_string_lossy().into_owned();
    let kind = model::FileType::of_name(&name);
    let document = Document {
        category: kind.category,
        file_type: kind.extension.into(),
        size: std::fs::metadata(path).unwrap().len().try_into().unwrap(),
        path: Some(name),
        content_hash: "hash".into(),
        ..Document::blank(
            DocumentId("d".into()),
            "d".into(),
            Source::Watch,
            Timestamp(0),
        )
    };
    Job::new(document, item(stage, 1, None), CancellationToken::new())
}

/// A sample file by its path in `fixtures/`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(name)
}

/// Everything a stage may use; the path of a document is that of its original.
pub struct Bench {
    pub context: Arc<StageContext>,
    pub dir: tempfile::TempDir,
    _store: TestStore,
}

struct AsTheyAre;

#[async_trait]
impl Library for AsTheyAre {
    async fn locate(&self, document: &Document) -> Result<PathBuf, String> {
        Ok(document.path.clone().unwrap_or_default().into())
    }
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut ToolboxSettings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scratch = dir.path().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        let store = testkit::sqlite_store().await;
        let mut settings = ToolboxSettings::new("/nonexistent".into(), scratch);
        change(&mut settings);
        let context = StageContext {
            store: (*store).clone(),
            tools: Toolbox::new(settings),
            library: Arc::new(AsTheyAre),
            // Port 9 discards; nothing of ours listens there.
            speech: SpeechClient::new("http://127.0.0.1:9").unwrap(),
            derived: dir.path().join("derived"),
            languages: vec!["ko".into()],
            video: crate::VideoPolicy::default(),
            clock: Arc::new(model::SystemClock),
        };
        Self {
            context: Arc::new(context),
            dir,
            _store: store,
        }
    }

    /// What was left below its folder, folders apart.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.dir.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let kind = if path.is_dir() {
                    &mut folders
                } else {
                    &mut files
                };
                kind.push(path);
            }
        }
        files
    }
}
