//! Files and folders named on the command line.

use std::fs;

use ingest::{Ingested, Priority};
use model::Source;

use crate::home::Home;

#[tokio::test]
async fn a_file_of_the_library_is_taken_in_where_it_lies() {
    let home = Home::new().await;
    home.write("Archive/a.txt", "content");
    let outcome = home
        .ingest
        .add_path(&home.path("Archive/a.txt"))
        .await
        .unwrap();
    let Ingested::Added(document) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(document.path.as_deref(), Some("Archive/a.txt"));
    assert_eq!(document.source, Source::Cli);
    assert_eq!(home.queue(&document.id).await[0].priority, Priority::Person);
    let again = home
        .ingest
        .add_path(&home.path("Archive/a.txt"))
        .await
        .unwrap();
    assert_eq!(again, Ingested::Unchanged(document.id));
}

#[tokio::test]
async fn a_file_from_elsewhere_is_copied_and_stays() {
    let home = Home::new().await;
    let outside = home.folder.path().join("보고서.mov");
    fs::write(&outside, b"\0\0\0\x14ftypqt  \0\0\x02\0qt  ").unwrap();
    let Ingested::Added(document) = home.ingest.add_path(&outside).await.unwrap() else {
        panic!("not added")
    };
    assert_eq!(document.path.as_deref(), Some("Inbox/보고서.mov"));
    assert!(document.needs_conversion, "quarantined, not refused");
    assert_eq!(
        fs::read(&outside).unwrap(),
        fs::read(home.path("Inbox/보고서.mov")).unwrap()
    );
    let time = |path: &std::path::Path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(time(&outside), time(&home.path("Inbox/보고서.mov")));
    let again = home.ingest.add_path(&outside).await.unwrap();
    assert_eq!(
        again,
        Ingested::Duplicate {
            existing: document.id,
            trashed: false
        }
    );
    assert_eq!(home.names_in("Inbox").len(), 1);
}

#[tokio::test]
async fn folders_are_taken_in_with_all_they_hold() {
    let home = Home::new().await;
    let outside = home.folder.path().join("old disk");
    fs::create_dir_all(outside.join("deep/er")).unwrap();
    for (path, content) in [
        ("a.txt", "a"),
        ("deep/b.txt", "b"),
        ("deep/er/c.txt", "a"),
        (".hidden", "h"),
        ("empty.txt", ""),
    ] {
        fs::write(outside.join(path), content).unwrap();
    }
    let missing = home.folder.path().join("no such file");
    let mut told = Vec::new();
    let summary = home
        .ingest
        .add_paths(&[outside, missing], |step| {
            told.push((step.done, step.total, step.outcome.is_ok()))
        })
        .await;
    assert_eq!((summary.added, summary.known), (2, 1));
    let codes: Vec<_> = summary
        .failed
        .iter()
        .map(|(_, error)| error.code())
        .collect();
    assert_eq!(codes, ["not_found", "empty_file"]);
    assert_eq!(
        told,
        [(1, 4, true), (2, 4, true), (3, 4, true), (4, 4, false)]
    );
    for document in home.documents().await {
        assert_eq!(home.queue(&document.id).await[0].priority, Priority::Bulk);
    }
}

#[tokio::test]
async fn a_folder_is_no_file() {
    let home = Home::new().await;
    assert_eq!(
        home.ingest
            .add_path(home.folder.path())
            .await
            .unwrap_err()
            .code(),
        "io"
    );
    let nowhere = home.folder.path().join("nowhere");
    assert_eq!(
        home.ingest.add_path(&nowhere).await.unwrap_err().code(),
        "not_found"
    );
}
