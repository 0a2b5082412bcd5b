//! Finding.

use std::path::Path;
use std::sync::Arc;

use model::DocumentId;
use search::{IndexChange, IndexEntry, SearchIndex};

use crate::harness::Site;

/// An empty index.
pub fn index(folder: &Path) -> Arc<SearchIndex> {
    Arc::new(SearchIndex::open(&folder.join("index")).expect("an index"))
}

/// Puts a document into the index with that text.
async fn indexed(site: &Site, name: &str, text: &str) -> String {
    let id = site.document(name, text.as_bytes()).await;
    let mut tx = site.app.store.read().await.unwrap();
    let document = tx
        .document(&DocumentId::from(id.as_str()))
        .await
        .unwrap()
        .unwrap();
    let entry = IndexEntry {
        document,
        text: Some(text.to_owned()),
        chunks: Vec::new(),
        segments: Vec::new(),
    };
    let change = IndexChange::Upsert(Box::new(entry));
    let index = Arc::clone(&site.app.search);
    tokio::task::spawn_blocking(move || index.apply(vec![change], 1))
        .await
        .unwrap()
        .unwrap();
    id
}

#[tokio::test]
async fn a_word_is_found_and_marked() {
    let site = Site::new().await;
    let id = indexed(&site, "a.txt", "예산 <b>회의</b>는 목요일이다.").await;
    indexed(&site, "b.txt", "other words").await;
    let answer = site.get("/api/search?q=%ED%9A%8C%EC%9D%98").await.ok(200);
    assert_eq!(answer["total"], 1);
    let hit = &answer["hits"][0];
    assert_eq!(
        (hit["document_id"].as_str(), hit["category"].as_str()),
        (Some(id.as_str()), Some("document"))
    );
    let snippet = hit["snippet"].as_str().unwrap();
    assert!(
        snippet.contains("<mark>회의</mark>") && snippet.contains("&lt;b&gt;"),
        "{snippet}"
    );
    assert_eq!(hit.get("start_s"), None);
    assert_eq!(
        site.get("/api/search?q=%ED%9A%8C%EC%9D%98&category=audio")
            .await
            .ok(200)["total"],
        0
    );
    assert_eq!(
        site.get("/api/search?q=words&mode=keyword&limit=1&offset=1")
            .await
            .ok(200)["hits"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let site = Site::new().await;
    for (query, code) in [
        ("", "missing_query"),
        ("q=%20", "missing_query"),
        ("q=a&mode=fuzzy", "invalid_mode"),
        ("q=a&category=film", "invalid_category"),
        ("q=a&limit=101", "invalid_limit"),
        ("q=a&offset=-1", "invalid_offset"),
        ("q=a&offset=10001", "invalid_offset"),
    ] {
        site.get(&format!("/api/search?{query}"))
            .await
            .refused(400, code);
    }
    site.get("/api/search?q=a&mode=semantic")
        .await
        .refused(503, "no_embedding_model");
}
