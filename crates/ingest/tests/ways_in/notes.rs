//! Notes.

use ingest::{MAX_NOTE_BYTES, Priority};
use model::{Category, DocumentId, Source};

use crate::home::Home;

#[tokio::test]
async fn a_note_is_a_document_with_its_text() {
    let home = Home::new().await;
    let note = home
        .ingest
        .add_note(None, "# 장보기\n우유\0, 빵")
        .await
        .unwrap();
    assert_eq!(note.title, "장보기");
    assert_eq!((note.category, note.source), (Category::Note, Source::Note));
    assert_eq!(
        (note.file_type.as_str(), note.mime.as_str()),
        ("note", "text/markdown")
    );
    assert_eq!(note.path, None);
    let stored = home.document(&note.id).await;
    assert_eq!(stored, note);
    let text = home
        .store
        .read()
        .await
        .unwrap()
        .extracted_text(&note.id)
        .await
        .unwrap();
    assert_eq!(text.as_deref(), Some("# 장보기\n우유, 빵"));
    assert_eq!(home.queue(&note.id).await[0].priority, Priority::Person);
}

#[tokio::test]
async fn two_notes_may_say_the_same() {
    let home = Home::new().await;
    home.ingest.add_note(None, "same").await.unwrap();
    home.ingest.add_note(Some("other"), "same").await.unwrap();
    assert_eq!(home.documents().await.len(), 2);
}

#[tokio::test]
async fn an_edited_note_runs_again_and_its_title_follows_the_text() {
    let home = Home::new().await;
    let note = home.ingest.add_note(None, "first\nline").await.unwrap();
    home.cancel_all(&note.id).await;
    let edited = home
        .ingest
        .edit_note(&note.id, None, "second\nline")
        .await
        .unwrap();
    assert_eq!(edited.title, "second");
    assert_ne!(edited.content_hash, note.content_hash);
    assert_eq!(edited.size, 11);
    assert_eq!(home.queue(&note.id).await.len(), 2);
}

#[tokio::test]
async fn a_title_that_was_given_stays() {
    let home = Home::new().await;
    let note = home.ingest.add_note(Some(" 제목 "), "text").await.unwrap();
    assert_eq!(note.title, "제목");
    assert!(note.set_by_user("title"));
    let edited = home
        .ingest
        .edit_note(&note.id, None, "other text")
        .await
        .unwrap();
    assert_eq!(edited.title, "제목");
    let renamed = home
        .ingest
        .edit_note(&note.id, Some("새 제목"), "other text")
        .await
        .unwrap();
    assert_eq!(renamed.title, "새 제목");
}

#[tokio::test]
async fn a_note_of_nothing_or_of_too_much_is_refused() {
    let home = Home::new().await;
    assert_eq!(
        home.ingest.add_note(None, " \n").await.unwrap_err().code(),
        "empty_file"
    );
    assert_eq!(
        home.ingest
            .add_note(Some("  "), "")
            .await
            .unwrap_err()
            .code(),
        "empty_file"
    );
    let long = "x".repeat(MAX_NOTE_BYTES + 1);
    assert_eq!(
        home.ingest.add_note(None, &long).await.unwrap_err().code(),
        "too_large"
    );
    assert!(home.ingest.add_note(Some("제목만"), "").await.is_ok());
    let unknown = home
        .ingest
        .edit_note(&DocumentId::from("none"), None, "x")
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), "not_found");
}

#[tokio::test]
async fn a_file_is_no_note() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "content");
    home.scan().await;
    let id = home.only().await.id;
    assert_eq!(
        home.ingest
            .edit_note(&id, None, "x")
            .await
            .unwrap_err()
            .code(),
        "not_found"
    );
    assert_eq!(std::fs::read(home.path("Inbox/a.txt")).unwrap(), b"content");
}
