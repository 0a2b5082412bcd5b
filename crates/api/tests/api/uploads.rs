//! Files that a person sends.

use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use crate::conformance;
use crate::harness::Site;

conformance!(
    an_upload_becomes_a_document_with_its_first_stage,
    the_same_content_is_no_second_document,
    what_cannot_be_taken_in_is_refused_with_the_cause,
    a_broken_upload_leaves_nothing,
);

async fn an_upload_becomes_a_document_with_its_first_stage(site: Site) {
    let parts: [(&str, Option<&str>, &[u8]); 3] = [
        ("title", None, "여름 회의".as_bytes()),
        ("file", Some("회의.m4a"), b"\0sound"),
        ("tags", None, "일, 회의,, 일".as_bytes()),
    ];
    let document = site.upload_form(&parts).await.ok(201);
    assert_eq!(document["title"], "여름 회의");
    assert_eq!(document["tags"], json!(["일", "회의"]));
    assert_eq!(document["category"], "audio");
    assert_eq!(document["source"], "upload");
    assert_eq!(
        document["pipeline"],
        json!({"state": "working", "open": 1, "failed": 0})
    );
    assert_eq!(
        std::fs::read(site.library().join("Inbox/회의.m4a")).unwrap(),
        b"\0sound"
    );
    let id = document["id"].as_str().unwrap();
    let stages = site.get(&format!("/api/documents/{id}")).await.ok(200)["stages"].clone();
    assert_eq!(
        (
            stages[0]["stage"].as_str(),
            stages.as_array().unwrap().len()
        ),
        (Some("stt"), 1)
    );
}

async fn the_same_content_is_no_second_document(site: Site) {
    let id = site.document("a.txt", b"same").await;
    let refused = site
        .upload("b.txt", b"same")
        .await
        .refused(409, "duplicate");
    assert_eq!(refused["existing_id"], id.as_str());
    assert!(!site.library().join("Inbox/b.txt").exists());
}

async fn what_cannot_be_taken_in_is_refused_with_the_cause(site: Site) {
    for name in ["a.mov", "b.MKV", "c.avi"] {
        let refused = site
            .upload(name, b"film")
            .await
            .refused(400, "unsupported_codec");
        assert_eq!(refused.get("existing_id"), None);
    }
    site.upload("a.txt", b"").await.refused(400, "empty_file");
    site.upload("..", b"x").await.refused(400, "invalid_name");
    site.upload_form(&[("title", None, b"x")])
        .await
        .refused(400, "missing_file");
    site.upload_form(&[("file", Some("a.txt"), b"x"), ("file", Some("b.txt"), b"y")])
        .await
        .refused(400, "invalid_body");
    let long = "x".repeat(501);
    site.upload_form(&[
        ("file", Some("a.txt"), b"x"),
        ("title", None, long.as_bytes()),
    ])
    .await
    .refused(400, "invalid_title");
    site.upload_form(&[("file", Some("a.txt"), b"x"), ("title", None, b"\xFF")])
        .await
        .refused(400, "invalid_body");
    site.post("/api/documents", json!({}))
        .await
        .refused(400, "invalid_body");
    assert_eq!(
        std::fs::read_dir(site.library().join("Inbox"))
            .unwrap()
            .count(),
        0,
        "nothing is left behind"
    );
}

#[tokio::test]
async fn a_file_larger_than_the_limit_is_refused() {
    let site = Site::with(api::ApiSettings::default(), 100).await;
    assert_eq!(site.upload("a.txt", &[b'a'; 100]).await.status, 201);
    site.upload("b.txt", &[b'b'; 101])
        .await
        .refused(413, "too_large");
}

#[tokio::test]
async fn an_upload_may_be_larger_than_other_bodies() {
    let settings = api::ApiSettings {
        max_body_bytes: 1000,
        ..api::ApiSettings::default()
    };
    let site = Site::with(settings, 1024 * 1024).await;
    assert_eq!(site.upload("a.txt", &[b'a'; 500_000]).await.status, 201);
    site.post("/api/notes", json!({"text": "x".repeat(2000)}))
        .await
        .refused(413, "too_large");
}

async fn a_broken_upload_leaves_nothing(site: Site) {
    let cut = b"--xxBOUNDARYxx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhalf";
    let request = site
        .request(Method::POST, "/api/documents")
        .header("content-type", "multipart/form-data; boundary=xxBOUNDARYxx");
    let answer = site
        .raw(request.body(Body::from(cut.to_vec())).unwrap())
        .await;
    answer.refused(400, "invalid_body");
    assert!(
        site.get("/api/documents").await.ok(200)["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let parts = site.library().join(".seogo/uploads");
    assert_eq!(std::fs::read_dir(parts).unwrap().count(), 0);
}
