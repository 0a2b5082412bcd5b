//! Files seen below the watched folders.

use store::KnownFile;

use crate::conformance;
use crate::database::{Database, NOW};

conformance!(
    a_file_is_remembered_and_forgotten,
    files_are_listed_by_folder
);

async fn a_file_is_remembered_and_forgotten(db: Database) {
    let document = db.add("original").await;
    let mut file = KnownFile {
        path: "Inbox/회의록.pdf".into(),
        path_raw: Some("Inbox/회의록.pdf".into()),
        size: 3,
        modified_at: NOW,
        content_hash: "h".into(),
        document_id: document.id.clone(),
    };
    let mut tx = db.write().await;
    tx.put_file(&file).await.unwrap();
    file.size = 4;
    file.path_raw = None;
    tx.put_file(&file).await.unwrap();
    assert_eq!(tx.file(&file.path).await.unwrap(), Some(file.clone()));
    assert_eq!(tx.files_of(&document.id).await.unwrap(), [file.clone()]);
    tx.remove_file(&file.path).await.unwrap();
    assert_eq!(tx.file(&file.path).await.unwrap(), None);
}

async fn files_are_listed_by_folder(db: Database) {
    let document = db.add("original").await;
    let mut tx = db.write().await;
    for path in ["Inbox/a", "Inbox/b", "Inbox_/c", "Videos/d"] {
        tx.put_file(&KnownFile {
            path: path.into(),
            path_raw: None,
            size: 1,
            modified_at: NOW,
            content_hash: path.into(),
            document_id: document.id.clone(),
        })
        .await
        .unwrap();
    }
    let paths = |files: Vec<KnownFile>| files.into_iter().map(|f| f.path).collect::<Vec<_>>();
    let all = tx.files_below("Inbox/", "", 10).await.unwrap();
    assert_eq!(paths(all), ["Inbox/a", "Inbox/b"]);
    let rest = tx.files_below("Inbox/", "Inbox/a", 10).await.unwrap();
    assert_eq!(paths(rest), ["Inbox/b"]);
    assert_eq!(tx.files_below("Inbox/", "", 1).await.unwrap().len(), 1);
}
