//! Uploads: streamed, limited, refused, placed, and what a crash leaves.

use std::fs::{self, File};
use std::time::{Duration, UNIX_EPOCH};

use ingest::{IngestError, Priority, Wish};
use model::Source;
use model::name::nfd;

use crate::home::{Home, START};

const UPLOADS: &str = ".seogo/uploads";

#[tokio::test]
async fn an_upload_lies_in_the_inbox_and_goes_first() {
    let home = Home::new().await;
    let document = home
        .upload(&nfd("회의록.txt"), "안녕하세요, 회의록".as_bytes())
        .await
        .unwrap();
    assert_eq!(document.path.as_deref(), Some("Inbox/회의록.txt"));
    assert_eq!(document.source, Source::Upload);
    assert_eq!(
        fs::read(home.path("Inbox/회의록.txt")).unwrap(),
        "안녕하세요, 회의록".as_bytes()
    );
    assert_eq!(home.queue(&document.id).await[0].priority, Priority::Person);
    assert_eq!(home.names_in(UPLOADS), Vec::<String>::new());
    let report = home.scan().await;
    assert_eq!(
        (report.seen, report.added, report.duplicates),
        (1, 0, 0),
        "a scan does not take it in again"
    );
}

#[tokio::test]
async fn title_and_tags_of_the_sender_are_kept_from_the_stages() {
    let home = Home::new().await;
    let mut upload = home.ingest.begin_upload("a.txt").await.unwrap();
    upload.write(b"content").await.unwrap();
    let wish = Wish {
        title: Some(" 내 제목 ".to_owned()),
        tags: vec!["나".to_owned(), "가".to_owned()],
    };
    let document = upload.finish(&wish).await.unwrap();
    assert_eq!(document.title, "내 제목");
    assert_eq!(document.tags, ["가", "나"]);
    assert!(document.set_by_user("title") && document.set_by_user("tags"));
}

#[tokio::test]
async fn the_same_content_again_is_refused_with_the_document_that_has_it() {
    let home = Home::new().await;
    let first = home.upload("a.txt", b"content").await.unwrap();
    let again = home.upload("b.txt", b"content").await.unwrap_err();
    assert_eq!(again.code(), "duplicate");
    assert!(
        matches!(again, IngestError::Duplicate { existing, trashed: false } if existing == first.id)
    );
    home.trash(&first.id).await;
    let trashed = home.upload("c.txt", b"content").await.unwrap_err();
    assert!(matches!(
        trashed,
        IngestError::Duplicate { trashed: true, .. }
    ));
    assert_eq!(home.names_in("Inbox"), ["a.txt"]);
    assert_eq!(home.names_in(UPLOADS), Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_brings_back_a_missing_original() {
    let home = Home::new().await;
    let first = home.upload("a.txt", b"content").await.unwrap();
    home.remove("Inbox/a.txt");
    let back = home.upload("b.txt", b"content").await.unwrap();
    assert_eq!(back.id, first.id);
    assert_eq!(back.path.as_deref(), Some("Inbox/b.txt"));
    assert_eq!(back.missing_since, None);
}

#[tokio::test]
async fn a_name_that_is_taken_gets_a_number() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "not stored yet");
    for (content, expected) in [("one", "a (2).txt"), ("two", "a (3).txt")] {
        let document = home.upload("a.txt", content.as_bytes()).await.unwrap();
        assert_eq!(document.path, Some(format!("Inbox/{expected}")));
    }
    assert_eq!(
        fs::read(home.path("Inbox/a.txt")).unwrap(),
        b"not stored yet"
    );
}

#[tokio::test]
async fn hostile_names_stay_in_the_inbox() {
    let home = Home::new().await;
    for (n, name) in [
        "../../../etc/cron.d/x.txt",
        "/etc/passwd",
        "a\0b.txt",
        ".ssh",
        "C:\\x\\y.txt",
    ]
    .iter()
    .enumerate()
    {
        let document = home
            .upload(name, format!("content {n}").as_bytes())
            .await
            .unwrap();
        let path = home.ingest.resolve(&document).unwrap();
        assert_eq!(
            path.parent(),
            Some(home.path("Inbox").as_path()),
            "{name:?}"
        );
    }
    for name in ["", "..", "///", "\u{7}"] {
        assert_eq!(
            home.upload(name, b"x").await.unwrap_err().code(),
            "invalid_name",
            "{name:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_and_leaves_nothing() {
    let home = Home::with(|config| config.max_upload_bytes = 20).await;
    assert_eq!(
        home.upload("a.txt", b"").await.unwrap_err().code(),
        "empty_file"
    );
    assert_eq!(
        home.upload("a.txt", &[b'x'; 21]).await.unwrap_err().code(),
        "too_large"
    );
    for name in ["휴가.MOV", "a.mkv", "a.avi"] {
        assert_eq!(
            home.upload(name, b"x").await.unwrap_err().code(),
            "unsupported_codec",
            "{name}"
        );
    }
    let mkv = b"\x1A\x45\xDF\xA3\x93\x42\x82\x88matroska";
    assert_eq!(
        home.upload("disguised.mp4", mkv).await.unwrap_err().code(),
        "unsupported_codec"
    );
    assert!(
        home.upload("a.txt", &[b'x'; 20]).await.is_ok(),
        "the limit itself is allowed"
    );
    assert_eq!(home.names_in("Inbox"), ["a.txt"]);
    assert_eq!(home.names_in(UPLOADS), Vec::<String>::new());
}

#[tokio::test]
async fn a_dropped_upload_leaves_nothing() {
    let home = Home::new().await;
    let mut upload = home.ingest.begin_upload("a.txt").await.unwrap();
    upload.write(b"half of it").await.unwrap();
    assert_eq!(home.names_in(UPLOADS).len(), 1);
    drop(upload);
    assert_eq!(home.names_in(UPLOADS), Vec::<String>::new());
    assert_eq!(home.names_in("Inbox"), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_crash_left_is_cleared_away_a_day_later() {
    let home = Home::new().await;
    let day = Duration::from_secs(24 * 60 * 60);
    let now = UNIX_EPOCH + Duration::from_millis(START.0.unsigned_abs());
    for (name, changed) in [
        ("old.part", now - day - day),
        ("fresh.part", now),
        ("other.txt", now - day - day),
    ] {
        home.write(&format!("{UPLOADS}/{name}"), "left");
        let file = File::options()
            .write(true)
            .open(home.path(UPLOADS).join(name))
            .unwrap();
        file.set_modified(changed).unwrap();
    }
    home.ingest.prepare().await.unwrap();
    assert_eq!(home.names_in(UPLOADS), ["fresh.part", "other.txt"]);
}

#[tokio::test]
async fn two_uploads_of_one_content_at_once_are_one_document() {
    let home = Home::new().await;
    let other = home.another();
    let send = async |ingest: &ingest::Ingest, name: &str| {
        let mut upload = ingest.begin_upload(name).await.unwrap();
        upload.write(b"the same").await.unwrap();
        upload.finish(&Wish::default()).await
    };
    for _ in 0..5 {
        let (a, b) = tokio::join!(send(&home.ingest, "a.txt"), send(&other, "b.txt"));
        for outcome in [a, b] {
            assert!(
                matches!(outcome, Ok(_) | Err(IngestError::Duplicate { .. })),
                "{outcome:?}"
            );
        }
        assert_eq!(home.documents().await.len(), 1);
    }
}
