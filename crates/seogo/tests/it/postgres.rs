//! The whole way of a file with the records in PostgreSQL, through a kill.

use model::Status;
use testkit::TestPostgres;

use crate::seogo;
use crate::server::{Server, rows, until, until_done};

#[tokio::test]
async fn files_go_the_whole_way_on_postgres() {
    let database = TestPostgres::create();
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path(), &database.url());
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");
    for (from, to) in [
        ("documents/report.pdf", "Inbox/열람실.pdf"),
        ("documents/workshop.md", "Inbox/workshop.md"),
        ("video/clip.mp4", "Videos/clip.mp4"),
        ("video/clip.mov", "Videos/clip.mov"),
    ] {
        std::fs::copy(format!("{fixtures}/{from}"), server.library(to)).unwrap();
    }
    let store = server.store().await;
    until("something to be taken in", || async {
        (!rows(&store).await.is_empty()).then_some(())
    })
    .await;
    server.kill();
    server.restart();
    until_done(&store, 4).await;
    for row in rows(&store).await {
        assert!(
            row.status == Status::Completed || row.stage == "embed",
            "{row:?}"
        );
    }
    // The server indexes within a second; the search asks its index.
    let hit = until("the word to be found", || async {
        let found = seogo(&server.folder)
            .args(["search", "--json", "열람실"])
            .env("SEOGO_DATABASE_URL", database.url())
            .output()
            .unwrap();
        let found: serde_json::Value = serde_json::from_slice(&found.stdout).ok()?;
        found["hits"].get(0).cloned()
    })
    .await;
    assert!(hit["page"].is_i64(), "{hit}");
    drop(server);
    store.close().await;
}
