//! A quarantined video becomes playable when a person asks for it, and its original stays as it is.

use model::{Document, QueueItemId, Status, SystemClock, SystemRandom, Timestamp};
use store::{DocumentFilter, Enqueue, Store};

use crate::server::{Server, until};

async fn videos(store: &Store) -> Vec<Document> {
    let filter = DocumentFilter {
        categories: vec![model::Category::Video],
        limit: 10,
        ..DocumentFilter::default()
    };
    let mut tx = store.read().await.unwrap();
    tx.documents(&filter).await.unwrap()
}

async fn ask(store: &Store, document: &Document) {
    let work = Enqueue {
        id: QueueItemId::new(&SystemClock, &SystemRandom),
        document_id: document.id.clone(),
        stage: "convert".into(),
        priority: model::Priority::Person,
        run_at: Timestamp(0),
        max_attempts: 3,
        stage_version: 1,
    };
    let mut tx = store.write().await.unwrap();
    assert!(tx.enqueue(&work, Timestamp(0)).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_quarantined_video_gets_a_playable_copy_and_a_thumbnail() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    // One whose streams are only put into another container, one whose streams are encoded anew.
    let names = ["clip.mov", "clip.avi"];
    let originals = names.map(|name| {
        let fixture = format!("{}/../../fixtures/video/{name}", env!("CARGO_MANIFEST_DIR"));
        let place = server.library("Videos").join(name);
        std::fs::copy(fixture, &place).unwrap();
        (place.clone(), std::fs::read(place).unwrap())
    });
    let store = server.store().await;
    let found = until("two videos", || async {
        let found = videos(&store).await;
        (found.len() == 2).then_some(found)
    })
    .await;
    for document in &found {
        assert!(document.needs_conversion && document.thumbnail_path.is_none());
        ask(&store, document).await;
    }
    let done = until("the copies and their thumbnails", || async {
        let found = videos(&store).await;
        let done = found.iter().all(|d| d.thumbnail_path.is_some());
        done.then_some(found)
    })
    .await;
    for document in &done {
        assert!(!document.needs_conversion);
        let copy = document.preview_path.as_ref().unwrap();
        let bytes = std::fs::read(folder.path().join("data/derived").join(copy)).unwrap();
        assert_eq!(&bytes[4..8], b"ftyp");
        // The index stands before the pictures, so that playing begins at once.
        let at = |name: &[u8]| bytes.windows(4).position(|w| w == name).unwrap();
        assert!(at(b"moov") < at(b"mdat"));
        let mut tx = store.read().await.unwrap();
        let stages = tx.document_stages(&document.id).await.unwrap();
        assert!(stages.iter().all(|row| row.status == Status::Completed));
    }
    for (place, bytes) in originals {
        assert_eq!(std::fs::read(place).unwrap(), bytes);
    }
}

#[tokio::test]
async fn by_policy_a_video_of_a_phone_becomes_playable_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[video]\nauto_convert = true\n";
    std::fs::write(folder.path().join("seogo.toml"), settings).unwrap();
    let server = Server::start(folder.path());
    let videos_folder = server.library("Videos");
    let fixture = format!(
        "{}/../../fixtures/video/clip.mp4",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::copy(&fixture, videos_folder.join("plain.mp4")).unwrap();
    let phone = testkit::program("ffmpeg", folder.path())
        .args(["-v", "error", "-i", &fixture, "-c:v", "libx265"])
        .args(["-x265-params", "log-level=error"])
        .arg(folder.path().join("phone.mp4"))
        .status();
    assert!(phone.unwrap().success());
    let line = "1\n00:00:02,000 --> 00:00:03,000\n도서관 회의\n";
    std::fs::write(videos_folder.join("phone.srt"), line).unwrap();
    std::fs::rename(
        folder.path().join("phone.mp4"),
        videos_folder.join("phone.mp4"),
    )
    .unwrap();
    let store = server.store().await;
    let done = until(
        "a copy of the one, the other as it is, both with a picture",
        || async {
            let mut found = videos(&store).await;
            found.retain(|d| d.thumbnail_path.is_some() && !d.needs_conversion);
            let copies = found.iter().filter(|d| d.preview_path.is_some()).count();
            (found.len() == 2 && copies == 1).then_some(found)
        },
    )
    .await;
    let converted = done.iter().find(|d| d.preview_path.is_some()).unwrap();
    assert_eq!(converted.path.as_deref(), Some("Videos/phone.mp4"));
    let lines = store.read().await.unwrap().segments(&converted.id).await;
    let lines = lines.unwrap();
    assert_eq!(
        (lines[0].text.as_str(), lines[0].start_s),
        ("도서관 회의", 2.0)
    );
}
