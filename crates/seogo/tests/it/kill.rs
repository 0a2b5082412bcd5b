//! kill -9 of the server at random instants while 200 mixed files are in flight.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use model::{Random, SeededRandom, Status};
use store::Store;

use crate::server::{Server, rows, until, until_done};

const KILLS: usize = 50;
const FILES: usize = 200;

fn fixture(name: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../fixtures")
            .join(name),
    )
    .unwrap()
}

/// A file of its own content: formats are chosen whose readers do not mind something after their end.
fn file(number: usize) -> (PathBuf, Vec<u8>) {
    let mark = format!("\nnumber {number}\n");
    let with = |mut bytes: Vec<u8>| {
        bytes.extend_from_slice(mark.as_bytes());
        bytes
    };
    match number {
        0..3 => (
            format!("Recordings/{number}.wav").into(),
            with(fixture("audio/short.wav")),
        ),
        3..13 => (
            format!("Videos/{number}.mp4").into(),
            with(fixture("video/clip.mp4")),
        ),
        13..23 => (
            format!("Videos/{number}.mov").into(),
            with(fixture("video/clip.mov")),
        ),
        23..43 => (
            format!("Inbox/{number}.pdf").into(),
            with(fixture("documents/report.pdf")),
        ),
        43..70 => (
            format!("Inbox/{number}.html").into(),
            with(fixture("documents/bicycle.html")),
        ),
        _ => (
            format!("Inbox/회의 {number}.txt").into(),
            format!("회의록 {number}\n예산을 정했다.").into_bytes(),
        ),
    }
}

/// How many runs have ended well.
async fn completed(store: &Store) -> i64 {
    let mut tx = store.read().await.unwrap();
    tx.completed_since(model::Timestamp(0)).await.unwrap()
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_by_fifty_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let store = server.store().await;
    let random = SeededRandom::new(20_261_123);
    let mut dropped = 0;
    for kill in 0..KILLS {
        // Files keep coming while the server falls.
        while dropped < FILES * (kill + 1) / KILLS {
            let (path, bytes) = file(dropped);
            fs::write(server.library("").join(path), bytes).unwrap();
            dropped += 1;
        }
        // Some work later; where that is in its course nobody knows.
        let goal = completed(&store).await + 1 + (random.unit() * 30.0) as i64;
        let goal = goal.min(3 * i64::try_from(dropped).unwrap());
        until("some work to be done", || async {
            let now = completed(&store).await;
            let idle = now > 0 && is_idle(&store).await;
            (now >= goal || idle).then_some(())
        })
        .await;
        server.kill();
        server.restart();
    }
    let documents = until_done(&store, FILES).await;

    let paths: HashSet<_> = documents.iter().map(|d| d.path.clone()).collect();
    assert_eq!((documents.len(), paths.len()), (FILES, FILES));
    let mut once = HashMap::new();
    for row in rows(&store).await {
        // What waits for a model is looked at again now and then.
        let open = matches!(row.status, Status::Pending | Status::Processing);
        let waits = open && ["embed", "stt"].contains(&row.stage.as_str());
        assert!(row.status == Status::Completed || waits, "{row:?}");
        *once.entry((row.document_id, row.stage)).or_insert(0) += 1;
    }
    assert!(once.values().all(|count| *count == 1));
    for document in &documents {
        let mut tx = store.read().await.unwrap();
        let chunks = tx.chunks(&document.id).await.unwrap();
        let reads = document.file_type == "txt" || document.file_type == "pdf";
        assert!(!reads || !chunks.is_empty(), "{document:?}");
    }
}

async fn is_idle(store: &Store) -> bool {
    let counts = store.read().await.unwrap().stage_counts().await.unwrap();
    counts.values().all(|c| c.pending + c.processing == 0)
}
