//! A recording without a speech model gets a draft, and is done again by itself when a model is there.

use model::{Document, QueueItem, Segment, Status};
use speech::tiny_model::TinyModel;
use store::{DocumentFilter, Store};

use crate::server::{Server, until};
use crate::{run, stdout};

/// What the model says, whatever it hears.
const WORDS: [&str; 2] = [" 안녕", " hello"];

struct Recording {
    document: Document,
    stt: QueueItem,
    segments: Vec<Segment>,
}

async fn recording(store: &Store) -> Option<Recording> {
    let mut tx = store.read().await.unwrap();
    let filter = DocumentFilter {
        limit: 1,
        ..DocumentFilter::default()
    };
    let document = tx.documents(&filter).await.unwrap().pop()?;
    let rows = tx.document_stages(&document.id).await.unwrap();
    Some(Recording {
        stt: rows.into_iter().find(|row| row.stage == "stt")?,
        segments: tx.segments(&document.id).await.unwrap(),
        document,
    })
}

#[tokio::test]
async fn a_draft_is_done_again_when_a_model_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let spoken = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/audio/spoken.mp3"
    );
    std::fs::copy(spoken, server.library("Recordings").join("회의.mp3")).unwrap();
    let store = server.store().await;
    let draft = until("the draft", || async {
        let found = recording(&store).await?;
        (found.document.transcript_draft && found.stt.waiting_for.is_some()).then_some(found)
    })
    .await;
    assert_eq!(draft.stt.waiting_for.as_deref(), Some("speech_model"));
    assert_eq!((draft.stt.status, draft.stt.attempts), (Status::Pending, 0));
    let text: String = draft
        .segments
        .iter()
        .map(|s| s.text.to_lowercase())
        .collect();
    assert!(text.contains("budget"), "{text}");

    let model = folder.path().join("ggml-tiny.bin");
    std::fs::write(&model, TinyModel::saying(&WORDS).to_bytes()).unwrap();
    let added = run(folder.path(), &["models", "add", model.to_str().unwrap()]);
    assert!(added.status.success(), "{added:?}");
    assert!(stdout(&added).contains("ready"), "{added:?}");

    let real = until("the transcript", || async {
        let found = recording(&store).await?;
        (found.stt.status == Status::Completed).then_some(found)
    })
    .await;
    assert!(!real.document.transcript_draft);
    assert_eq!(real.stt.attempts, 1, "waiting used up none");
    let text: String = real.segments.iter().map(|s| s.text.as_str()).collect();
    assert!(text.contains("안녕") && !text.contains("budget"), "{text}");
}
