//! What is no call: the app's page, unknown paths, wrong methods, headers, the server's own pages.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Site, anonymous};

#[tokio::test]
async fn paths_that_are_no_call_belong_to_the_app() {
    let site = Site::new().await;
    for path in ["/", "/audio/018f", "/setup?token=x"] {
        let answer = site.anonymous(Method::GET, path, Value::Null).await;
        // With the app built its page comes; without it, the word what to do.
        match answer.status.as_u16() {
            200 => {
                assert_eq!(answer.header("cache-control"), "no-cache");
                assert!(
                    answer
                        .header("content-security-policy")
                        .contains("frame-ancestors 'none'")
                );
                assert!(answer.text().contains("<!doctype html>"));
            }
            503 => assert!(answer.text().contains("make build")),
            other => panic!("{path}: {other}"),
        }
    }
    site.anonymous(Method::POST, "/", Value::Null)
        .await
        .refused(405, "method_not_allowed");
    site.anonymous(Method::GET, "/_app/immutable/gone.js", Value::Null)
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn unknown_calls_and_wrong_methods_are_refused_in_our_shape() {
    let site = Site::new().await;
    for path in ["/api", "/api/", "/api/nothing", "/api/documents/a/b/c"] {
        site.get(path).await.refused(404, "not_found");
    }
    site.send(Method::DELETE, "/api/status", Value::Null)
        .await
        .refused(405, "method_not_allowed");
    site.send(Method::POST, "/health", Value::Null)
        .await
        .refused(405, "method_not_allowed");
    let text = anonymous(
        &site,
        Method::POST,
        "/api/auth/login",
        json!({}),
        &[("content-type", "text/plain")],
    )
    .await;
    assert!(text.status.is_client_error());
    assert!(text.json()["error_code"].is_string());
}

#[tokio::test]
async fn a_body_must_be_json_and_say_so() {
    let site = Site::new().await;
    let request = site
        .request(Method::POST, "/api/notes")
        .header("content-type", "text/plain");
    site.raw(request.body("{}".into()).unwrap())
        .await
        .refused(415, "unsupported_media_type");
    let request = site
        .request(Method::POST, "/api/notes")
        .header("content-type", "application/json");
    site.raw(request.body("{".into()).unwrap())
        .await
        .refused(400, "invalid_body");
}

#[tokio::test]
async fn every_answer_carries_the_fences() {
    let site = Site::new().await;
    for path in [
        "/health",
        "/api/status",
        "/api/nothing",
        "/",
        "/api/documents",
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors"),
            "{path}"
        );
    }
    assert_eq!(
        site.get("/api/status").await.header("cache-control"),
        "no-store"
    );
}

#[tokio::test]
async fn the_server_tells_how_it_is() {
    let site = Site::new().await;
    assert_eq!(
        site.anonymous(Method::GET, "/health", Value::Null)
            .await
            .ok(200),
        json!({"status": "ok"})
    );
    assert_eq!(
        site.anonymous(Method::GET, "/ready", Value::Null)
            .await
            .ok(200),
        json!({"ready": true})
    );
    let status = site.get("/api/status").await.ok(200);
    assert_eq!(status["speech"]["engine"], "draft");
    assert_eq!(status["speech"]["command"], "seogo models pull");
    assert_eq!(
        (&status["version"], &status["programs"]),
        (&json!("1.2.3"), &json!([]))
    );
}

#[tokio::test]
async fn prometheus_reads_documents_queue_and_requests() {
    let site = Site::new().await;
    let id = site.document("a.txt", b"x").await;
    site.get(&format!("/api/documents/{id}")).await.ok(200);
    site.get("/made/up/path").await;
    let answer = site.anonymous(Method::GET, "/metrics", Value::Null).await;
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = answer.text();
    for line in [
        "seogo_documents{category=\"document\"} 1\n",
        "seogo_queue_items{stage=\"extract\",status=\"pending\"} 1\n",
        "seogo_http_requests_total{route=\"GET /api/documents/{id}\",status=\"200\"} 1\n",
        "seogo_http_request_duration_seconds_count{route=\"POST /api/documents\"} 1\n",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(
        !text.contains("made/up"),
        "paths that anybody makes up are not kept"
    );
}

#[tokio::test]
async fn a_panic_costs_one_answer() {
    let site = Site::new().await;
    site.status
        .0
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let refused = site.get("/api/status").await.refused(500, "internal");
    assert!(
        !refused.to_string().contains("broken for a test"),
        "the cause is for the log"
    );
    site.status
        .0
        .store(false, std::sync::atomic::Ordering::SeqCst);
    site.get("/api/status").await.ok(200);
}

#[tokio::test]
async fn a_nul_is_no_part_of_an_address() {
    let site = Site::new().await;
    for path in ["/api/documents/a%00b", "/api/documents?q=a%00", "/a%00"] {
        site.get(path).await.refused(400, "invalid_path");
    }
    site.get("/api/documents/%FF/file")
        .await
        .refused(400, "invalid_path");
    let twice = site.get("/api/documents/x/file?token=a&token=b").await;
    twice.refused(400, "invalid_query");
}

#[tokio::test]
async fn data_is_compressed_and_originals_are_not() {
    let site = Site::new().await;
    let id = site
        .document("a.txt", "word ".repeat(1000).as_bytes())
        .await;
    let gzip = [("accept-encoding", "gzip")];
    let data = site.get_with("/api/openapi.json", &gzip).await;
    assert_eq!(data.header("content-encoding"), "gzip");
    let original = site
        .get_with(&format!("/api/documents/{id}/file"), &gzip)
        .await;
    assert_eq!(
        (
            original.header("content-encoding"),
            original.header("content-length")
        ),
        ("", "5000")
    );
}
