//! The watch as a whole, with real events and a real clock; it is waited for by what the store tells.

use std::sync::Arc;
use std::time::Duration;

use ingest::{Ingest, IngestConfig};
use model::{Document, SystemClock, SystemRandom};
use store::Event;
use tokio::sync::broadcast::Receiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::home::{Home, first_stages};

/// Far beyond what any step takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Watched {
    home: Home,
    ingest: Ingest,
    events: Receiver<Event>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Watched {
    /// A watch that has taken in `Inbox/first.txt`, so its events are on. It scans once, at the start.
    async fn begin() -> Self {
        let home = Home::new().await;
        home.write("Inbox/first.txt", "first");
        let mut config = IngestConfig::new(home.path(""));
        config.settle = Duration::from_millis(30);
        config.scan_interval = Duration::from_secs(3600);
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let ingest =
            Ingest::new(config, home.store.clone(), clock, random, first_stages()).unwrap();
        let events = home.store.subscribe();
        let cancel = CancellationToken::new();
        let task = tokio::spawn({
            let (ingest, cancel) = (ingest.clone(), cancel.clone());
            async move { ingest.watch(cancel).await }
        });
        let mut watched = Self {
            home,
            ingest,
            events,
            cancel,
            task,
        };
        watched
            .until(|document| document.path.as_deref() == Some("Inbox/first.txt"))
            .await;
        assert!(watched.ingest.status().by_events);
        watched
    }

    /// Waits for a document to be as wanted.
    async fn until(&mut self, wanted: impl Fn(&Document) -> bool) -> Document {
        let search = async {
            loop {
                if let Event::Document { id, .. } = self.events.recv().await.unwrap() {
                    let document = self.home.document(&id).await;
                    if wanted(&document) {
                        return document;
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .expect("the watch did not see it in time")
    }

    async fn end(self) {
        self.cancel.cancel();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("the watch ends")
            .unwrap();
        assert!(!self.ingest.status().by_events);
    }
}

#[tokio::test]
async fn a_dropped_file_is_taken_in_then_moved_changed_and_missed() {
    let mut watched = Watched::begin().await;
    watched
        .home
        .write("Recordings/dropped.txt", "dropped content");
    let dropped = watched
        .until(|d| d.path.as_deref() == Some("Recordings/dropped.txt"))
        .await;

    watched
        .home
        .rename("Recordings/dropped.txt", "Recordings/renamed.txt");
    let moved = watched.until(|d| d.id == dropped.id).await;
    assert_eq!(
        (moved.path.as_deref(), moved.missing_since),
        (Some("Recordings/renamed.txt"), None)
    );

    watched
        .home
        .write("Recordings/renamed.txt", "changed content, longer");
    let changed = watched
        .until(|d| d.id == dropped.id && d.content_hash != dropped.content_hash)
        .await;
    assert_eq!(changed.path.as_deref(), Some("Recordings/renamed.txt"));

    watched.home.remove("Recordings/renamed.txt");
    watched
        .until(|d| d.id == dropped.id && d.missing_since.is_some())
        .await;
    watched.end().await;
}

#[tokio::test]
async fn a_dropped_folder_is_taken_in_and_follows_when_it_is_renamed() {
    let mut watched = Watched::begin().await;
    let outside = watched.home.folder.path().join("모음");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("a.txt"), "a in a folder").unwrap();
    std::fs::rename(&outside, watched.home.path("Videos/모음")).unwrap();
    let added = watched
        .until(|d| d.path.as_deref() == Some("Videos/모음/a.txt"))
        .await;
    watched.home.rename("Videos/모음", "Videos/새 모음");
    let moved = watched.until(|d| d.id == added.id).await;
    assert_eq!(
        (moved.path.as_deref(), moved.missing_since),
        (Some("Videos/새 모음/a.txt"), None)
    );
    watched.end().await;
}

#[tokio::test]
async fn an_upload_is_not_taken_in_a_second_time() {
    let mut watched = Watched::begin().await;
    let mut upload = watched.ingest.begin_upload("up.txt").await.unwrap();
    upload.write(b"uploaded").await.unwrap();
    let document = upload.finish(&ingest::Wish::default()).await.unwrap();
    // Events come in order: once a later file is in, the upload's own have been looked at.
    watched.home.write("Inbox/later.txt", "later");
    watched
        .until(|d| d.path.as_deref() == Some("Inbox/later.txt"))
        .await;
    assert_eq!(watched.home.documents().await.len(), 3);
    assert_eq!(watched.home.queue(&document.id).await.len(), 1);
    watched.end().await;
}
