//! Names in every normal form, side by side, and paths that try to leave the library.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use ingest::IngestError;
use model::name::{nfc, nfd};

use crate::home::Home;

const FOLDER: &str = "회의 자료";
const FILE: &str = "가나다 결과.txt";

/// Every way to spell folder and file.
fn spellings() -> Vec<String> {
    let mut all = Vec::new();
    for folder in [nfc(FOLDER), nfd(FOLDER)] {
        for file in [nfc(FILE), nfd(FILE)] {
            all.push(format!("Inbox/{folder}/{file}"));
        }
    }
    all
}

#[tokio::test]
async fn a_korean_name_opens_in_every_normal_form() {
    for on_disk in spellings() {
        let home = Home::new().await;
        home.write(&on_disk, "content");
        assert_eq!(home.scan().await.added, 1);
        let mut document = home.only().await;
        assert_eq!(document.path, Some(nfc(&on_disk)));
        assert_eq!(document.path_raw.is_some(), nfc(&on_disk) != on_disk);
        assert_eq!(document.title, nfc("가나다 결과"));
        assert_eq!(home.ingest.resolve(&document).unwrap(), home.path(&on_disk));
        // Whatever form the record is in, and without its raw bytes.
        document.path_raw = None;
        for stored in spellings() {
            document.path = Some(stored.clone());
            let found = home.ingest.resolve(&document).unwrap();
            assert_eq!(
                fs::read(&found).unwrap(),
                b"content",
                "{stored:?} for {on_disk:?}"
            );
        }
        assert_eq!(home.scan().await.seen, 1);
        assert_eq!(
            home.known_files().await.len(),
            1,
            "it is the same file at the next scan"
        );
    }
}

#[tokio::test]
async fn a_file_renamed_to_the_other_normal_form_keeps_document_and_path() {
    for (from, to) in [(nfc(FILE), nfd(FILE)), (nfd(FILE), nfc(FILE))] {
        let home = Home::new().await;
        home.write(&format!("Inbox/{from}"), "content");
        home.write("Inbox/other.txt", "other");
        home.scan().await;
        let id = home.at(&format!("Inbox/{}", nfc(FILE))).await.id;
        home.rename(&format!("Inbox/{from}"), &format!("Inbox/{to}"));
        home.scan().await;
        home.scan().await;
        let document = home.document(&id).await;
        assert_eq!(document.path, Some(format!("Inbox/{}", nfc(FILE))));
        assert_eq!(document.missing_since, None);
        assert_eq!(
            home.ingest.resolve(&document).unwrap(),
            home.path(&format!("Inbox/{to}"))
        );
        assert_eq!(home.documents().await.len(), 2);
    }
}

#[tokio::test]
async fn two_files_that_differ_in_their_normal_form_alone_are_two_documents() {
    for (first, second) in [(nfc(FILE), nfd(FILE)), (nfd(FILE), nfc(FILE))] {
        let home = Home::new().await;
        home.write(&format!("Inbox/{first}"), "first content");
        home.scan().await;
        home.write(&format!("Inbox/{second}"), "second content, longer");
        assert_eq!(home.scan().await.added, 1);
        let report = home.scan().await;
        assert_eq!(
            (report.added, report.changed, report.moved, report.vanished),
            (0, 0, 0, 0),
            "it stays like that"
        );
        let documents = home.documents().await;
        assert_eq!(documents.len(), 2);
        for document in documents {
            let found = fs::read(home.ingest.resolve(&document).unwrap()).unwrap();
            assert_eq!(
                blake3::hash(&found).to_hex().as_str(),
                document.content_hash
            );
        }
        // The one with the better name goes, the other stays what it is.
        home.remove(&format!("Inbox/{first}"));
        assert_eq!(home.scan().await.vanished, 1);
        assert_eq!(
            home.documents()
                .await
                .iter()
                .filter(|d| d.missing_since.is_none())
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn a_name_that_is_no_text_is_kept_by_its_bytes() {
    let home = Home::new().await;
    // 의 in CP949, as an old archive unpacks it.
    let name = OsStr::from_bytes(b"\xC0\xC7.txt");
    fs::write(home.path("Inbox").join(name), "content").unwrap();
    home.scan().await;
    let document = home.only().await;
    assert_eq!(document.path.as_deref(), Some("Inbox/\\xC0\\xC7.txt"));
    assert_eq!(
        home.ingest.resolve(&document).unwrap(),
        home.path("Inbox").join(name)
    );
    assert_eq!(home.scan().await.added, 0);
}

#[tokio::test]
async fn no_stored_path_leads_out_of_the_library() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "content");
    home.scan().await;
    let mut document = home.only().await;
    let outside = home.folder.path().join("secret.txt");
    fs::write(&outside, "secret").unwrap();
    symlink(&outside, home.path("Inbox/link.txt")).unwrap();
    for path in [
        "../secret.txt",
        "Inbox/../../secret.txt",
        outside.to_str().unwrap(),
        "Inbox/link.txt",
    ] {
        document.path = Some(path.to_owned());
        let error = home.ingest.resolve(&document).unwrap_err();
        assert!(
            matches!(error, IngestError::InvalidName(_)),
            "{path}: {error}"
        );
    }
    document.path = Some("Inbox/a.txt".to_owned());
    document.path_raw = Some(b"../secret.txt".to_vec());
    assert!(home.ingest.resolve(&document).is_err());
}

#[tokio::test]
async fn an_original_that_is_not_there_is_not_found() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "content");
    home.scan().await;
    let mut document = home.only().await;
    home.remove("Inbox/a.txt");
    assert_eq!(
        home.ingest.resolve(&document).unwrap_err().code(),
        "not_found"
    );
    document.path = None;
    assert_eq!(
        home.ingest.resolve(&document).unwrap_err().code(),
        "not_found"
    );
}
