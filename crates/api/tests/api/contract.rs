//! The description lists every call, and nothing else.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::Value;

use crate::harness::Site;

const CALLS: &[&str] = &[
    "GET /health",
    "GET /ready",
    "GET /metrics",
    "GET /api/setup",
    "POST /api/setup",
    "POST /api/auth/login",
    "POST /api/auth/logout",
    "GET /api/auth/session",
    "GET /api/auth/tokens",
    "POST /api/auth/tokens",
    "DELETE /api/auth/tokens/{id}",
    "GET /api/documents",
    "POST /api/documents",
    "GET /api/documents/{id}",
    "PATCH /api/documents/{id}",
    "DELETE /api/documents/{id}",
    "POST /api/documents/{id}/restore",
    "POST /api/documents/{id}/media-token",
    "POST /api/documents/{id}/stages/{stage}",
    "GET /api/documents/{id}/timeline",
    "GET /api/documents/{id}/file",
    "GET /api/documents/{id}/text",
    "GET /api/documents/{id}/preview",
    "GET /api/documents/{id}/thumbnail",
    "GET /api/documents/{id}/similar",
    "POST /api/notes",
    "PUT /api/notes/{id}",
    "GET /api/audio/{id}/segments",
    "GET /api/video/{id}/thumbnail",
    "POST /api/video/{id}/convert",
    "GET /api/video/{id}/storyboard.vtt",
    "GET /api/video/{id}/storyboard.jpg",
    "GET /api/video/{id}/subtitles",
    "GET /api/video/{id}/subtitles/{n}",
    "GET /api/stats/category-counts",
    "GET /api/tags",
    "GET /api/queue",
    "GET /api/queue/stats",
    "POST /api/queue/{id}/retry",
    "POST /api/queue/{id}/cancel",
    "POST /api/queue/{id}/priority",
    "POST /api/queue/retry-failed",
    "POST /api/queue/cancel",
    "POST /api/queue/rerun",
    "POST /api/queue/stages/{stage}/pause",
    "POST /api/queue/stages/{stage}/resume",
    "GET /api/stages",
    "GET /api/search",
    "POST /api/ask",
    "GET /api/status",
    "GET /api/events",
];

#[tokio::test]
async fn the_description_lists_every_call() {
    let site = Site::new().await;
    let document = site
        .anonymous(Method::GET, "/api/openapi.json", Value::Null)
        .await
        .ok(200);
    let mut described = BTreeSet::new();
    for (path, calls) in document["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            assert!(
                call["summary"].is_string(),
                "{method} {path} says nothing of itself"
            );
        }
    }
    let expected: BTreeSet<String> = CALLS.iter().map(ToString::to_string).collect();
    assert_eq!(described, expected);
}

#[tokio::test]
async fn every_reference_in_the_description_leads_somewhere() {
    let site = Site::new().await;
    let document = site
        .anonymous(Method::GET, "/api/openapi.json", Value::Null)
        .await
        .ok(200);
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 40, "{references:?}");
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(reference) if name == "$ref" => references.push(reference.to_owned()),
                    _ => collect(field, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
