//! A database in trouble: every answer comes soon, says why, and is as before when the trouble is over.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use store::StoreOptions;
use testkit::{sqlite_store_with, wired_postgres_store};
use tokio::time::Instant;

use crate::harness::{Answer, Site};

/// What `/ready` may take, with something to spare for a busy machine.
const SOON: Duration = Duration::from_secs(3);

async fn ready(site: &Site) -> Answer {
    let begin = Instant::now();
    let answer = site.anonymous(Method::GET, "/ready", Value::Null).await;
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    answer
}

/// Asserts that `/ready` says no, with this code and a cause that names `cause`.
async fn not_ready(site: &Site, code: &str, cause: &str) {
    let body = ready(site).await.refused(503, code);
    assert_eq!(body["ready"], false);
    assert!(body["why"].as_str().unwrap().contains(cause), "{body}");
}

async fn alive(site: &Site) {
    let answer = site.anonymous(Method::GET, "/health", Value::Null).await;
    assert_eq!(answer.ok(200), json!({"status": "ok"}));
}

#[tokio::test]
async fn a_store_that_is_closed_is_told() {
    let site = Site::new().await;
    site.app.store.close().await;
    not_ready(&site, "database_unavailable", "cannot be reached").await;
    let refusal = site.get("/api/documents").await;
    refusal.refused(503, "database_unavailable");
    assert_eq!(refusal.header("retry-after"), "5");
    alive(&site).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_goes_away_is_told_until_it_is_back() {
    let (database, wire) = wired_postgres_store().await;
    let site = Site::on_store(database).await;
    let id = site.document("kept.txt", b"x").await;
    ready(&site).await.ok(200);

    wire.cut();
    not_ready(&site, "database_unavailable", "cannot be reached").await;
    for path in ["/api/documents", "/api/queue", "/api/stats/category-counts"] {
        site.get(path).await.refused(503, "database_unavailable");
    }
    let note = json!({"title": "t", "text": "not taken"});
    let refusal = site.post("/api/notes", note.clone()).await;
    refusal.refused(503, "database_unavailable");
    let refusal = site.upload("lost.txt", b"y").await;
    refusal.refused(503, "database_unavailable");
    alive(&site).await;

    wire.mend();
    assert_eq!(ready(&site).await.ok(200), json!({"ready": true}));
    site.get(&format!("/api/documents/{id}")).await.ok(200);
    site.post("/api/notes", note).await.ok(201);
    // What was refused was not taken, so it is no duplicate now.
    site.upload("lost.txt", b"y").await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_everything_does_not_hold_the_answer_up() {
    let (database, wire) = wired_postgres_store().await;
    let site = Site::on_store(database).await;
    ready(&site).await.ok(200);
    wire.die();
    not_ready(&site, "database_unavailable", "does not answer in time").await;
    alive(&site).await;
    wire.mend();
    ready(&site).await.ok(200);
}

#[tokio::test]
async fn a_full_disk_is_told_with_what_to_do() {
    let small = StoreOptions {
        max_pages: Some(80),
        ..StoreOptions::default()
    };
    let site = Site::on_store(sqlite_store_with(&small).await).await;
    ready(&site).await.ok(200);
    let refusal = loop {
        let note = json!({"title": "t", "text": "page after page ".repeat(1000)});
        let answer = site.post("/api/notes", note).await;
        if answer.status != 201 {
            break answer;
        }
    };
    let body = refusal.refused(507, "disk_full");
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("Free some space"),
        "{body}"
    );
    not_ready(&site, "disk_full", "Free some space").await;
    // What is there can still be read.
    site.get("/api/documents").await.ok(200);
}
