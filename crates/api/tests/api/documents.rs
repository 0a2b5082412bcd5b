//! Documents and notes in JSON.

use axum::http::Method;
use model::{DocumentPatch, Segment, Write};
use serde_json::{Value, json};

use crate::conformance;
use crate::harness::{START, Site};

conformance!(
    the_list_is_paged_filtered_and_sorted,
    a_document_tells_all_it_is_and_where_it_stands,
    what_a_person_sets_is_kept,
    the_trash_gives_back,
    notes_are_written_and_rewritten,
    text_and_transcript_come_whole,
    counts_follow_the_library,
    what_needs_a_model_says_so,
);

async fn the_list_is_paged_filtered_and_sorted(site: Site) {
    let mut ids = Vec::new();
    for (name, content) in [("가을.txt", "1"), ("spring.txt", "2"), ("notes.mp3", "\0")] {
        site.clock.advance_ms(1000);
        ids.push(site.document(name, content.as_bytes()).await);
    }
    let first = site.get("/api/documents?limit=2").await.ok(200);
    assert_eq!(first["items"][0]["id"], ids[2].as_str(), "newest first");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = site
        .get(&format!("/api/documents?limit=2&cursor={cursor}"))
        .await
        .ok(200);
    assert_eq!(second["items"][0]["id"], ids[0].as_str());
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!(second["next_cursor"], Value::Null);

    let titles = async |query: &str| {
        let page = site.get(&format!("/api/documents?{query}")).await.ok(200);
        let items = page["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| item["title"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(titles("category=audio").await, ["notes"]);
    assert_eq!(titles("category=audio,document&q=SPR").await, ["spring"]);
    assert_eq!(titles("q=%EA%B0%80%EC%9D%84").await, ["가을"]);
    assert_eq!(titles("sort=title").await, ["notes", "spring", "가을"]);
    assert!(titles("tag=none").await.is_empty());
    assert!(titles("state=failed").await.is_empty());
    assert!(titles("trashed=true").await.is_empty());
    for (query, code) in [
        ("category=film", "invalid_category"),
        ("limit=0", "invalid_limit"),
        ("limit=201", "invalid_limit"),
        ("limit=many", "invalid_query"),
        ("sort=size", "invalid_sort"),
        ("state=odd", "invalid_state"),
        ("cursor=nothing", "invalid_cursor"),
    ] {
        site.get(&format!("/api/documents?{query}"))
            .await
            .refused(400, code);
    }
}

async fn a_document_tells_all_it_is_and_where_it_stands(site: Site) {
    let id = site.document("보고서.pdf", b"%PDF-1.4 fake").await;
    let document = site.get(&format!("/api/documents/{id}")).await.ok(200);
    assert_eq!(document["path"], "Inbox/보고서.pdf");
    assert_eq!(document["mime"], "application/pdf");
    assert_eq!(document["created_at"], START.to_string());
    assert_eq!(document["summary"], Value::Null, "absent is null");
    assert_eq!(document.get("path_raw"), None);
    assert_eq!(
        document["pipeline"],
        json!({"state": "working", "open": 1, "failed": 0})
    );
    assert_eq!(document["stages"][0]["stage"], "extract");
    assert_eq!(document["stages"][0]["status"], "pending");
    assert_eq!(document["stages"][0]["waiting_for"], Value::Null);
    site.get("/api/documents/nothing")
        .await
        .refused(404, "document_not_found");
}

async fn what_a_person_sets_is_kept(site: Site) {
    let id = site.document("a.txt", b"x").await;
    let path = format!("/api/documents/{id}");
    let change = json!({
        "title": " 새 제목 ", "tags": ["집", "세금", "집"], "document_date": "2024-02-29",
        "document_type": "invoice", "language": "ko", "category": "image"
    });
    let document = site.send(Method::PATCH, &path, change).await.ok(200);
    assert_eq!(document["title"], "새 제목");
    assert_eq!(document["tags"], json!(["세금", "집"]));
    assert_eq!(document["category"], "image");
    assert_eq!(document["pipeline"]["state"], "working");
    let odd = json!({"tags": ["a\0\nb"], "title": "x\u{0}y"});
    let cleaned = site.send(Method::PATCH, &path, odd).await.ok(200);
    assert_eq!(
        (&cleaned["tags"], &cleaned["title"]),
        (&json!(["ab"]), &json!("xy"))
    );
    let back = json!({"title": "새 제목", "tags": ["집", "세금"]});
    site.send(Method::PATCH, &path, back).await.ok(200);
    let from_stage = DocumentPatch {
        title: Some("other".into()),
        ..DocumentPatch::default()
    };
    site.write(&id, &[Write::Patch(Box::new(from_stage))]).await;
    let kept = site.get(&path).await.ok(200);
    assert_eq!(kept["title"], "새 제목");
    assert_eq!(
        site.get("/api/tags").await.ok(200),
        json!([{"tag": "세금", "count": 1}, {"tag": "집", "count": 1}])
    );

    for (change, code) in [
        (json!({"title": " "}), "invalid_title"),
        (json!({"title": "x".repeat(501)}), "invalid_title"),
        (json!({"tags": [""]}), "invalid_tags"),
        (json!({"document_date": "2023-02-29"}), "invalid_date"),
        (json!({"document_date": "yesterday"}), "invalid_date"),
        (json!({"category": "film"}), "invalid_category"),
        (json!({"category": "note"}), "invalid_category"),
        (json!({"language": ""}), "invalid_language"),
        (json!({"colour": "red"}), "invalid_body"),
        (json!("text"), "invalid_body"),
    ] {
        site.send(Method::PATCH, &path, change)
            .await
            .refused(400, code);
    }
    site.send(Method::PATCH, "/api/documents/x", json!({}))
        .await
        .refused(404, "document_not_found");
}

async fn the_trash_gives_back(site: Site) {
    let id = site.document("a.txt", b"x").await;
    let path = format!("/api/documents/{id}");
    assert_eq!(
        site.send(Method::DELETE, &path, Value::Null).await.status,
        204
    );
    let since = site.get(&path).await.ok(200)["trashed_at"].clone();
    assert_eq!(since, START.to_string());
    site.clock.advance_ms(5000);
    assert_eq!(
        site.send(Method::DELETE, &path, Value::Null).await.status,
        204,
        "again"
    );
    assert_eq!(site.get(&path).await.ok(200)["trashed_at"], since);
    assert!(
        site.get("/api/documents").await.ok(200)["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        site.get("/api/documents?trashed=true").await.ok(200)["items"][0]["id"],
        id.as_str()
    );
    assert!(
        site.library().join("Inbox/a.txt").is_file(),
        "the original stays"
    );

    let restored = site
        .post(&format!("{path}/restore"), Value::Null)
        .await
        .ok(200);
    assert_eq!(restored["trashed_at"], Value::Null);
    site.post("/api/documents/x/restore", Value::Null)
        .await
        .refused(404, "document_not_found");
    site.send(Method::DELETE, "/api/documents/x", Value::Null)
        .await
        .refused(404, "document_not_found");
}

async fn notes_are_written_and_rewritten(site: Site) {
    let note = site
        .post("/api/notes", json!({"text": "# 장보기\n우유"}))
        .await
        .ok(201);
    assert_eq!(note["title"], "장보기");
    assert_eq!(note["category"], "note");
    assert_eq!(note["path"], Value::Null);
    assert_eq!(note["pipeline"]["state"], "working");
    let id = note["id"].as_str().unwrap();
    let text = site.get(&format!("/api/documents/{id}/text")).await;
    assert_eq!(
        (text.text().as_str(), text.header("content-type")),
        ("# 장보기\n우유", "text/plain; charset=utf-8")
    );
    let path = format!("/api/notes/{id}");
    let edited = site
        .send(Method::PUT, &path, json!({"title": "목록", "text": "빵"}))
        .await
        .ok(200);
    assert_eq!(edited["title"], "목록");
    assert_eq!(
        site.get(&format!("/api/documents/{id}/text")).await.text(),
        "빵"
    );

    site.post("/api/notes", json!({"text": " "}))
        .await
        .refused(400, "empty_file");
    site.post("/api/notes", json!({"title": "x"}))
        .await
        .refused(400, "invalid_body");
    site.post("/api/notes", json!({"text": "가".repeat(2 * 1024 * 1024)}))
        .await
        .refused(413, "too_large");
    site.post("/api/notes", json!({"text": "x".repeat(17 * 1024 * 1024)}))
        .await
        .refused(413, "too_large");
    let file = site.document("a.txt", b"x").await;
    for id in ["x", &file] {
        let answer = site
            .send(
                Method::PUT,
                &format!("/api/notes/{id}"),
                json!({"text": "y"}),
            )
            .await;
        answer.refused(404, "note_not_found");
    }
    site.get(&format!("/api/documents/{id}/file"))
        .await
        .refused(404, "no_original");
    site.get(&format!("/api/documents/{id}/preview"))
        .await
        .refused(404, "no_preview");
    let change = site
        .send(
            Method::PATCH,
            &format!("/api/documents/{id}"),
            json!({"category": "audio"}),
        )
        .await;
    change.refused(400, "invalid_category");
}

async fn text_and_transcript_come_whole(site: Site) {
    let id = site.document("회의.mp3", b"\0sound").await;
    let text = site.get(&format!("/api/documents/{id}/text")).await;
    assert_eq!(
        (text.status.as_u16(), text.text().as_str()),
        (200, ""),
        "nothing heard yet"
    );
    let line = |start_s, text: &str| Segment {
        start_s,
        end_s: start_s + 1.0,
        text: text.into(),
        words: Some(json!([{"word": text}])),
        confidence: None,
    };
    let heard = DocumentPatch {
        extracted_text: Some("하나 둘".into()),
        ..DocumentPatch::default()
    };
    let writes = [
        Write::Segments(vec![line(2.5, "둘"), line(0.0, "하나")]),
        Write::Patch(Box::new(heard)),
    ];
    site.write(&id, &writes).await;
    let segments = site.get(&format!("/api/audio/{id}/segments")).await.ok(200);
    assert_eq!(
        segments,
        json!([{"start_s": 0.0, "end_s": 1.0, "text": "하나"}, {"start_s": 2.5, "end_s": 3.5, "text": "둘"}])
    );
    assert_eq!(
        site.get(&format!("/api/documents/{id}/text")).await.text(),
        "하나 둘"
    );
    site.get("/api/audio/x/segments")
        .await
        .refused(404, "document_not_found");
    site.get("/api/documents/x/text")
        .await
        .refused(404, "document_not_found");
}

async fn counts_follow_the_library(site: Site) {
    site.document("a.txt", b"x").await;
    site.document("b.mp3", b"\0y").await;
    site.post("/api/notes", json!({"text": "z"})).await.ok(201);
    let counts = site.get("/api/stats/category-counts").await.ok(200);
    assert_eq!(
        counts,
        json!({"document": 1, "note": 1, "audio": 1, "video": 0, "image": 0})
    );
}

async fn what_needs_a_model_says_so(site: Site) {
    let id = site.document("a.txt", b"x").await;
    site.get(&format!("/api/documents/{id}/similar"))
        .await
        .refused(503, "no_embedding_model");
    site.get("/api/documents/x/similar")
        .await
        .refused(404, "document_not_found");
    site.post("/api/ask", json!({"question": "언제?"}))
        .await
        .refused(503, "no_llm");
    site.post("/api/ask", json!({}))
        .await
        .refused(400, "invalid_body");
}
