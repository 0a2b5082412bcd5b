//! The indexer brings what the database holds into the index.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use model::{Category, DocumentPatch, Timestamp, Write};
use search::{Indexer, SearchIndex};
use store::Store;
use tempfile::TempDir;
use testkit::{TestStore, sqlite_store};
use tokio_util::sync::CancellationToken;

use crate::bed::{document, line, query};

const NOW: Timestamp = Timestamp(1_760_000_000_000);

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

struct Archive {
    store: TestStore,
    index: Arc<SearchIndex>,
    folder: TempDir,
}

impl Archive {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let index = Arc::new(SearchIndex::open(folder.path()).unwrap());
        Self {
            store: sqlite_store().await,
            index,
            folder,
        }
    }

    fn indexer(&self) -> Indexer {
        Indexer::new(Arc::clone(&self.index), Store::clone(&self.store))
    }

    async fn add(&self, id: &str, text: &str) {
        let mut tx = self.store.write().await.unwrap();
        tx.insert_document(&document(id), Some(text)).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn found(&self, text: &str) -> usize {
        self.index.search(&query(text)).unwrap().total
    }

    async fn until_found(&self, text: &str, count: usize) {
        let seen = async {
            while self.found(text) != count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, seen)
            .await
            .unwrap_or_else(|_| panic!("{count} of {text:?}, not {}", self.found(text)));
    }
}

#[tokio::test]
async fn what_changes_is_taken_in_once() {
    let archive = Archive::new().await;
    let indexer = archive.indexer();
    for at in 0..230 {
        archive.add(&at.to_string(), "apple").await;
    }
    assert_eq!(indexer.catch_up().await.unwrap(), 230);
    assert_eq!(archive.found("apple"), 230);
    assert_eq!(indexer.catch_up().await.unwrap(), 0);

    let mut tx = archive.store.write().await.unwrap();
    tx.set_trashed(&"1".into(), Some(NOW), NOW).await.unwrap();
    tx.remove_document(&"2".into()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(indexer.catch_up().await.unwrap(), 2);
    assert_eq!(archive.found("apple"), 228);
    assert_eq!(indexer.reindex().await.unwrap(), 230);
    assert_eq!(archive.found("apple"), 228);
}

#[tokio::test]
async fn a_transcript_is_found_at_its_second() {
    let archive = Archive::new().await;
    let mut recording = document("0");
    recording.category = Category::Audio;
    let lines = vec![line(0.0, "안녕하세요"), line(5.5, "예산 회의입니다")];
    let text = "안녕하세요\n예산 회의입니다";
    let patch = DocumentPatch {
        extracted_text: Some(text.into()),
        ..DocumentPatch::default()
    };
    let chunks = search::passages(text, &lines);
    let mut tx = archive.store.write().await.unwrap();
    tx.insert_document(&recording, None).await.unwrap();
    let writes = [
        Write::Patch(Box::new(patch)),
        Write::Segments(lines),
        Write::Chunks(chunks),
    ];
    tx.apply_writes(&"0".into(), &writes, NOW).await.unwrap();
    tx.commit().await.unwrap();
    archive.indexer().catch_up().await.unwrap();
    let hit = archive.index.search(&query("예산")).unwrap().hits.remove(0);
    assert_eq!((hit.start_s, hit.category), (Some(5.5), Category::Audio));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_indexer_follows_until_told_to_stop() {
    let archive = Archive::new().await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(archive.indexer().run(stop.clone()));
    archive.add("0", "apple").await;
    archive.until_found("apple", 1).await;
    archive.add("1", "apple").await;
    archive.until_found("apple", 2).await;
    stop.cancel();
    tokio::time::timeout(PATIENCE, running)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_deleted_under_a_running_indexer_comes_back() {
    let archive = Archive::new().await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(archive.indexer().run(stop.clone()));
    archive.add("0", "apple").await;
    archive.until_found("apple", 1).await;
    for file in fs::read_dir(archive.folder.path().join("keyword")).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    archive.add("1", "apple").await;
    archive.until_found("apple", 2).await;
    stop.cancel();
    tokio::time::timeout(PATIENCE, running)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn an_index_of_another_database_is_replaced() {
    let archive = Archive::new().await;
    archive.add("0", "apple").await;
    archive.indexer().catch_up().await.unwrap();
    let other = sqlite_store().await;
    let indexer = Indexer::new(Arc::clone(&archive.index), Store::clone(&other));
    assert_eq!(indexer.catch_up().await.unwrap(), 0);
    assert_eq!(archive.found("apple"), 0);
}
